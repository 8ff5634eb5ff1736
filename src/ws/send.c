/* SPDX-License-Identifier: MIT
 *
 * send: the write path of a connection.
 *
 * Of a plain server connection (performance.md, "hybrid"):
 *
 *      nothing half-sent --> send(2) --> all: done
 *                                   +--> a part: the rest to lws_write(RAW) at once
 *                                   +--> nothing: ask for a writable callback, WS_FULL
 *      something half-sent inside libwebsockets: never send(2), WS_FULL
 *
 * libwebsockets thus always knows that a frame is half out, and puts its PONG or CLOSE behind it.
 * TLS goes through lws_write(RAW) whole. A client masks, so that its messages cannot be shared:
 * they wait in a queue of their own for the writable callback.
 */
#include <errno.h>
#include <sys/socket.h>

#include "ws/ws_internal.h"

bool ws_conn_is_behind(const struct ws_conn *c)
{
	return lws_partial_buffered(c->wsi) || c->tx.len > c->tx_at;
}

static enum ws_sent full(struct ws_conn *c)
{
	c->wants_writable = true;
	lws_callback_on_writable(c->wsi);
	return WS_FULL;
}

static enum ws_sent broken(struct ws_conn *c)
{
	ws_conn_abort(c);
	return WS_CLOSED;
}

static int write_raw(struct ws_conn *c, const char *bytes, size_t len)
{
	union {
		const char *in;
		unsigned char *out; /* lws does not change it for RAW */
	} p = {bytes};

	return lws_write(c->wsi, p.out, len, LWS_WRITE_RAW);
}

static enum ws_sent send_plain(struct ws_conn *c, const char *bytes, size_t len)
{
	ssize_t n;

	do {
		n = send(ws_conn_fd(c), bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len)
		return WS_SENT;
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? full(c) : broken(c);
	return write_raw(c, bytes + n, len - (size_t)n) < 0 ? broken(c) : WS_SENT;
}

enum ws_sent ws_conn_send(struct ws_conn *c, const void *frames, size_t len)
{
	const char *bytes = frames;

	AGNI_ASSERT(c->server);
	if (c->is_closing)
		return WS_CLOSED;
	if (lws_partial_buffered(c->wsi))
		return full(c);
	if (len == 0)
		return WS_SENT;
	if (c->deflate) {
		const struct buf *b = ws_deflate(c->ws, bytes, len);

		bytes = b->data;
		len = b->len;
	}
	if (c->tls)
		return write_raw(c, bytes, len) < 0 ? broken(c) : WS_SENT;
	return send_plain(c, bytes, len);
}

void ws_conn_look_ahead(const struct ws_conn *c)
{
	/* A load whose result nobody waits for: libwebsockets keeps that word where only it knows. */
	if (c)
		(void)!lws_partial_buffered(c->wsi);
}

void ws_conn_ping(struct ws_conn *c)
{
	/* Not empty: lws keeps the empty pong that would answer an empty ping to itself. */
	static const char ping[] = {(char)(0x80 | WS_PING), 1, '?'};

	if (!c->server)
		ws_conn_send_message(c, WS_PING, ping + 2, 1);
	else if (write_raw(c, ping, sizeof(ping)) < 0)
		ws_conn_abort(c);
}

void ws_conn_send_message(struct ws_conn *c, enum ws_opcode op, const void *data, size_t len)
{
	AGNI_ASSERT(!c->server);
	if (c->is_closing || !c->is_open)
		return;
	ws_frame_append(&c->tx, op, data, len);
	lws_callback_on_writable(c->wsi);
}

int ws_conn_send_queued(struct ws_conn *c)
{
	struct ws_frame f = ws_frame_read(c->tx.data + c->tx_at);
	struct buf out = {0};
	int rc;

	/* A copy, because lws masks in place and writes the header in front. */
	buf_reserve(&out, LWS_PRE + f.len);
	memcpy(out.data + LWS_PRE, f.payload, f.len);
	rc = lws_write(c->wsi, (unsigned char *)out.data + LWS_PRE, f.len,
		       f.op == WS_TEXT   ? LWS_WRITE_TEXT
		       : f.op == WS_PING ? LWS_WRITE_PING
					 : LWS_WRITE_BINARY);
	buf_fini(&out);
	c->tx_at += f.whole;
	if (c->tx_at == c->tx.len) {
		buf_reset(&c->tx);
		c->tx_at = 0;
	}
	return rc < 0 ? -1 : 0;
}
