/* SPDX-License-Identifier: MIT
 *
 * hop_connect: from a URL to a connection: resolve, connect.
 *
 * The addresses of a name are tried in the order that the resolver gives, each with a socket of its
 * own ("localhost" is ::1 first, and many listen on 127.0.0.1 only). Plain http connects to
 * loopback addresses only, whatever the name resolves to.
 */
#include <stdlib.h>

#include "http/hop_internal.h"

static void try_next(struct hop *h);

static void on_connected(uv_connect_t *connect, int status)
{
	struct hop *h = connect->data;

	if (!h->done)
		return;
	if (status < 0) {
		agni_fail_uv(&h->err, status, "connect");
		try_next(h);
		return;
	}
	hop_connected(h);
}

static bool is_loopback(const struct sockaddr *addr)
{
	char text[64];

	return uv_ip_name(addr, text, sizeof(text)) == 0 && host_is_loopback(text);
}

/* A socket whose connect failed is of no more use; the next address gets a new one. */
static void on_retry(uv_handle_t *handle)
{
	struct hop *h = handle->data;

	if (!h->is_closed)
		try_next(h);
	hop_unhold(h);
}

static void connect_to(struct hop *h, const struct sockaddr *addr)
{
	int rc = uv_tcp_init(&h->client->loop->uv, &h->tcp);

	AGNI_ASSERT(rc == 0);
	h->has_tcp = true;
	h->held++;
	rc = uv_tcp_connect(&h->connect, &h->tcp, addr, on_connected);
	if (rc < 0) {
		agni_fail_uv(&h->err, rc, "connect");
		try_next(h);
	}
}

static void try_next(struct hop *h)
{
	struct addrinfo *ai = h->next;

	if (!ai) {
		hop_fail(h);
		return;
	}
	if (h->has_tcp) {
		h->has_tcp = false;
		uv_close((uv_handle_t *)&h->tcp, on_retry);
		return;
	}
	h->next = ai->ai_next;
	h->stage = STAGE_CONNECT;
	if (!h->tls && !is_loopback(ai->ai_addr)) {
		hop_set_fail(h, AGNI_ETLS, "plain http leads beyond loopback");
		try_next(h);
		return;
	}
	connect_to(h, ai->ai_addr);
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *addrs)
{
	struct hop *h = resolve->data;

	h->addrs = h->next = addrs;
	if (h->done) {
		if (status < 0) {
			agni_fail_uv(&h->err, status, "resolve");
			hop_fail(h);
		} else {
			hop_set_fail(h, AGNI_ENOTFOUND, "the name has no address");
			try_next(h);
		}
	}
	hop_unhold(h);
}

/* ---- the beginning ------------------------------------------------------------------------ */

static void on_starter(uv_timer_t *timer)
{
	hop_fail(timer->data);
}

static int begin(struct hop *h, struct tls_config *tls)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	char port[8];
	int rc;

	if (tls) {
		h->tls = tls_session_create(tls, h->url.host, &h->err);
		if (!h->tls)
			return h->err.code;
	}
	snprintf(port, sizeof(port), "%d", h->url.port);
	rc = uv_getaddrinfo(&h->client->loop->uv, &h->resolve, on_resolved, h->url.host, port,
			    &hints);
	if (rc < 0)
		return agni_fail_uv(&h->err, rc, "resolve");
	h->held++;
	return 0;
}

struct hop *hop_start(struct http_client *c, const struct url *u, struct tls_config *tls,
		      struct buf *request, size_t response_max, hop_done_fn *done, void *arg)
{
	struct hop *h = mem_zalloc(sizeof(*h));

	h->client = c;
	h->url = *u;
	h->done = done;
	h->arg = arg;
	h->request = *request;
	*request = (struct buf){0};
	list_init(&h->link);
	hop_expect(h, response_max);
	uv_timer_init(&c->loop->uv, &h->starter);
	h->starter.data = h->resolve.data = h->tcp.data = h->connect.data = h->write.data = h;
	h->held = 1;
	c->open++;
	if (begin(h, tls) < 0)
		uv_timer_start(&h->starter, on_starter, 0, 0);
	return h;
}
