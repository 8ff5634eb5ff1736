/* SPDX-License-Identifier: MIT
 *
 * conn: one WebSocket connection, server or client side: joins fragments, closes. send.c writes.
 *
 *   OPEN --> ws_conn_close: wants_close --> lws sends CLOSE --> the peer's CLOSE -+> on_close
 *     |  +-> the peer's CLOSE, or a breach of the protocol: lws answers ----------+
 *     |                               2 s after any of these, whatever is missing +
 *     +-----> ws_conn_abort, a fault of the network ------------------------------+
 *
 * lws closes when a callback says so. Our close waits for the writable callback, when nothing is
 * half-sent, but is said from a timer callback: Debian builds lws 4.1.6 with a debug check that
 * closes twice after the writable one, and the second time drops the CLOSE frame.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/utf8.h"
#include "ws/ws_internal.h"

void ws_conn_init(struct ws_conn *c, struct ws *ws)
{
	c->ws = ws;
	c->heard_ms = uv_now(&ws->loop->uv);
	list_append(&ws->conns, &c->link);
}

int ws_conn_fd(const struct ws_conn *c)
{
	return c->fd;
}

const char *ws_conn_peer(const struct ws_conn *c)
{
	return c->peer;
}

void ws_conn_set_user(struct ws_conn *c, void *user)
{
	c->user = user;
}

void ws_conn_set_callbacks(struct ws_conn *c, const struct ws_callbacks *cb)
{
	c->cb = cb;
}

/* --- receiving ------------------------------------------------------------------------------- */

static void heard(struct ws_conn *c)
{
	c->heard_ms = uv_now(&c->ws->loop->uv);
	c->pinged_ms = 0;
}

void ws_conn_pong(struct ws_conn *c)
{
	heard(c);
	if (c->cb->on_pong && !c->is_closing)
		c->cb->on_pong(c->user, c);
}

static void deliver(struct ws_conn *c, enum ws_opcode op, const void *data, size_t len)
{
	/* lws checks text as it comes; whether it ends inside a character it does not always see.
	 */
	if (op == WS_TEXT && !utf8_is_valid(data, len))
		ws_conn_close(c, WS_CLOSE_BAD_TEXT, "not UTF-8");
	else
		c->cb->on_message(c->user, c, op, data, len);
}

/* What is there, what is announced of this frame (`more`), and what was inflated all count. */
static bool is_too_big(const struct ws_conn *c, size_t len, size_t more)
{
	size_t max = c->message_max;

	if (len > max || c->rx.len > max - len)
		return true;
	/* Compressed bytes say little about the inflated ones, but so many would be nonsense. */
	return c->deflate ? more / 2 > max : more > max - len - c->rx.len;
}

int ws_conn_receive(struct ws_conn *c, const void *in, size_t len)
{
	bool is_first = lws_is_first_fragment(c->wsi), is_last = lws_is_final_fragment(c->wsi);
	enum ws_opcode op = lws_frame_is_binary(c->wsi) ? WS_BINARY : WS_TEXT;
	size_t more = lws_remaining_packet_payload(c->wsi);

	if (c->is_closing)
		return 0;
	heard(c);
	if (is_too_big(c, len, more)) {
		buf_fini(&c->rx);
		ws_conn_close(c, WS_CLOSE_TOO_BIG, "message too big");
		return 0;
	}
	if (is_first && is_last) {
		deliver(c, op, in ? in : "", len);
		return 0;
	}
	buf_append(&c->rx, in, len);
	if (is_last) {
		/* The buffer is taken off first: nothing of it may be reachable twice. */
		struct buf whole = c->rx;

		c->rx = (struct buf){0};
		deliver(c, op, whole.data ? whole.data : "", whole.len);
		buf_reset(&whole);
		c->rx = whole;
	}
	return 0;
}

/* --- closing --------------------------------------------------------------------------------- */

static void closing(struct ws_conn *c)
{
	c->is_closing = true;
	c->deadline_ms = uv_now(&c->ws->loop->uv) + WS_CLOSE_MS;
}

static void set_close(struct ws_conn *c, int code, const char *reason, size_t len)
{
	if (len >= sizeof(c->close_reason)) {
		len = sizeof(c->close_reason) - 1;
		while (len && (reason[len] & 0xc0) == 0x80)
			len--; /* not inside a character */
	}
	c->close_code = code;
	memcpy(c->close_reason, reason, len);
	c->close_reason[len] = '\0';
}

void ws_conn_close(struct ws_conn *c, int code, const char *reason)
{
	if (c->is_closing)
		return;
	if (!c->is_open && !c->server) {
		ws_conn_abort(c); /* a client that is still shaking hands has no frame to send */
		return;
	}
	set_close(c, code, reason, strlen(reason));
	closing(c);
	c->wants_close = true;
	lws_callback_on_writable(c->wsi);
}

void ws_conn_abort(struct ws_conn *c)
{
	c->is_closing = c->is_aborted = true;
	if (!c->is_open && !c->failure[0])
		snprintf(c->failure, sizeof(c->failure), "%s",
			 c->deadline_ms && uv_now(&c->ws->loop->uv) >= c->deadline_ms
				 ? "no answer in time"
				 : "aborted");
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
	c->ws->wants_service = true;
}

int ws_conn_writable(struct ws_conn *c)
{
	if (c->is_aborted)
		return -1;
	if (c->tx.len > c->tx_at) {
		if (ws_conn_send_queued(c) < 0)
			return -1;
		if (c->tx.len > c->tx_at || c->wants_writable || c->wants_close)
			lws_callback_on_writable(c->wsi);
		return 0;
	}
	if (c->wants_close) {
		lws_set_timer_usecs(c->wsi, 1);
		return 0;
	}
	if (c->wants_writable && !c->is_closing) {
		c->wants_writable = false;
		if (c->cb->on_writable)
			c->cb->on_writable(c->user, c);
	}
	return 0;
}

int ws_conn_timer(struct ws_conn *c)
{
	union {
		const char *in;
		unsigned char *out; /* lws only reads it */
	} reason = {c->close_reason};

	if (!c->wants_close || c->is_aborted)
		return 0;
	if (lws_partial_buffered(c->wsi)) { /* a PONG came between */
		lws_callback_on_writable(c->wsi);
		return 0;
	}
	c->wants_close = false;
	lws_close_reason(c->wsi, (enum lws_close_status)c->close_code, reason.out,
			 strlen(c->close_reason));
	return -1;
}

int ws_conn_peer_close(struct ws_conn *c, const void *in, size_t len)
{
	const unsigned char *p = in;

	closing(c);
	c->wants_close = false;
	if (len == 1) { /* lws would echo it; RFC 6455, 7.4.1 has no such thing */
		set_close(c, WS_CLOSE_PROTOCOL, "", 0);
		lws_close_reason(c->wsi, LWS_CLOSE_STATUS_PROTOCOL_ERR, NULL, 0);
		return -1;
	}
	set_close(c, 0, "", 0);
	if (len >= 2)
		set_close(c, p[0] << 8 | p[1], (const char *)p + 2, len - 2);
	return 0;
}

void ws_conn_dropped(struct ws_conn *c)
{
	const unsigned char *p;

	if (c->is_closing)
		return;
	closing(c);
	/* lws closes on its own, for a breach of the protocol: its code is what the peer gets. */
	if (lws_get_close_length(c->wsi) >= 2) {
		p = lws_get_close_payload(c->wsi);
		set_close(c, p[0] << 8 | p[1], (const char *)p + 2,
			  (size_t)lws_get_close_length(c->wsi) - 2);
	}
}

void ws_conn_gone(struct ws_conn *c)
{
	c->is_closing = true;
	list_remove(&c->link);
	if (c->is_open)
		c->cb->on_close(c->user, c, c->close_code, c->close_reason);
	buf_fini(&c->rx);
	buf_fini(&c->tx);
	free(c->location);
	if (c->authorization) {
		explicit_bzero(c->authorization, strlen(c->authorization));
		free(c->authorization);
	}
	loop_reap(c->ws->loop, c);
}
