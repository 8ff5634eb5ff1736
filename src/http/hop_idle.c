/* SPDX-License-Identifier: MIT
 *
 * hop_idle: connections that wait for another exchange with the same origin.
 *
 *   hop_keep() --> client->idle (newest last) --> hop_again()
 *                    | idle too long, too many, the peer closed or spoke out of turn --> closed
 *
 * An origin is scheme, host and port; with https the peer has proved its name for just that host
 * when the connection was made. TLS sessions are not resumed on new connections: each looks at the
 * certificate anew.
 *
 * The peer may close at the very moment of reuse. hop_is_stale() tells such an end from others: not
 * one byte of an answer has come. Whether the request may be sent once more is the caller's to say.
 */
#include "http/hop_internal.h"

static bool is_reusable(const struct hop *h)
{
	return h->stage == STAGE_RECEIVE && !h->is_closed && h->has_tcp && h->is_whole &&
	       !h->is_writing && h->msg.keep_alive && !(h->tls && tls_has_input(h->tls));
}

void hop_forget(struct hop *h)
{
	if (!list_is_empty(&h->link))
		h->client->idle_n--;
	list_remove(&h->link);
}

static void on_idle_too_long(uv_timer_t *timer)
{
	hop_close(timer->data);
}

void hop_keep(struct hop *h)
{
	struct http_client *c;

	if (!h)
		return;
	c = h->client;
	if (!is_reusable(h) || c->is_closing || c->idle_max == 0 || !hop_listen_on(h)) {
		hop_close(h);
		return;
	}
	h->stage = STAGE_IDLE;
	hop_expect(h, 0);
	explicit_bzero(h->bytes, sizeof(h->bytes));
	uv_timer_start(&h->starter, on_idle_too_long, c->idle_ms, 0);
	list_append(&c->idle, &h->link);
	if (++c->idle_n > c->idle_max)
		hop_close_oldest(c);
}

void hop_close_oldest(struct http_client *c)
{
	AGNI_ASSERT(!list_is_empty(&c->idle));
	hop_close(container_of(c->idle.next, struct hop, link));
}

void hop_idle_read(struct hop *h, ssize_t n, const char *bytes)
{
	char plain[256];
	struct agni_err err;

	if (n == 0)
		return;
	/* A TLS record may come that carries nothing for us: a session ticket. */
	if (n > 0 && h->tls) {
		tls_feed(h->tls, bytes, (size_t)n);
		if (tls_read(h->tls, plain, sizeof(plain), &err) == 0)
			return;
	}
	hop_close(h);
}

/* In a turn of its own: a failure is not told from inside hop_again(). */
static void on_again(uv_timer_t *timer)
{
	struct hop *h = timer->data;

	if (h->done)
		hop_send_request(h);
}

struct hop *hop_again(struct http_client *c, const struct url *u, struct buf *request,
		      size_t response_max, hop_done_fn *done, void *arg)
{
	struct hop *found = NULL;

	/* The newest: the one that the peer is least likely to be about to close. */
	list_for_each (it, &c->idle) {
		struct hop *h = container_of(it, struct hop, link);

		if (url_same_origin(&h->url, u))
			found = h;
	}
	if (!found)
		return NULL;
	hop_forget(found);
	found->stage = STAGE_SEND;
	found->url = *u;
	found->done = done;
	found->arg = arg;
	found->is_reused = true;
	found->request = *request;
	*request = (struct buf){0};
	hop_expect(found, response_max);
	uv_timer_start(&found->starter, on_again, 0, 0);
	return found;
}

int hop_status(const struct hop *h)
{
	return h->msg.status >= 200 ? h->msg.status : 0;
}

bool hop_is_stale(const struct hop *h)
{
	int code = h->err.code;

	return h->is_reused && !h->has_heard &&
	       (code == AGNI_ECLOSED || code == UV_ECONNRESET || code == UV_EPIPE ||
		code == UV_ECONNABORTED || code == UV_ENOTCONN);
}
