/* SPDX-License-Identifier: MIT
 *
 * conn_write: what leaves an accepted connection.
 *
 *   answer, 100 Continue --> (TLS session) --> wire --> kernel
 *
 * One write is under way at a time; what comes meanwhile waits in the session's output, or in `out`.
 *
 * The last answer of a connection is followed by a shutdown, and input is thrown away for a short
 * while before the close: closing with unread input would send a reset, and the client might lose
 * the answer that tells it what was wrong.
 */
#include "http/server_internal.h"

static void on_shutdown(uv_shutdown_t *req, int status)
{
	struct conn *c = req->data;

	if (status < 0)
		conn_close(c);
}

static void last_answer_sent(struct conn *c)
{
	/* A server that stops has no time to wait for the other side. */
	if (c->server->is_stopping ||
	    uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) < 0) {
		conn_close(c);
		return;
	}
	conn_set_state(c, CONN_DRAINING);
	conn_read_start(c);
}

static void shrink(struct buf *b)
{
	if (b->cap > CONN_READ_BYTES)
		buf_fini(b);
}

static void answer_sent(struct conn *c)
{
	struct http_server *s = c->server;

	shrink(&c->out);
	shrink(&c->wire);
	if (c->is_last || s->is_stopping) {
		last_answer_sent(c);
		return;
	}
	parser_begin(c->parser, &c->req->msg);
	conn_set_state(c, CONN_IDLE);
	if (c->in.len || (c->tls && tls_has_input(c->tls))) {
		list_append(&s->ready, &c->ready);
		hook_arm(&s->hook);
	} else {
		conn_read_start(c);
	}
}

/* Everything that was to be written has left. */
static void all_written(struct conn *c)
{
	if (c->state == CONN_WRITING)
		answer_sent(c);
}

static void on_written(uv_write_t *write, int status)
{
	struct conn *c = write->data;

	c->is_writing = false;
	if (c->state == CONN_CLOSING)
		return;
	if (status < 0)
		conn_close(c);
	else
		conn_flush(c);
}

/* Writes `wire`: at once as far as the kernel takes it, the rest behind our back. */
static void write_wire(struct conn *c)
{
	uv_stream_t *stream = (uv_stream_t *)&c->tcp;
	uv_buf_t buf = uv_buf_init(c->wire.data, (unsigned)c->wire.len);
	int n;

	AGNI_ASSERT(!c->is_writing && c->wire.len <= INT32_MAX);
	n = uv_try_write(stream, &buf, 1);
	if (n == (int)buf.len) {
		all_written(c);
		return;
	}
	if (n > 0) {
		buf.base += n;
		buf.len -= (size_t)n;
	}
	if ((n < 0 && n != UV_EAGAIN) || uv_write(&c->write, stream, &buf, 1, on_written) < 0)
		conn_close(c);
	else
		c->is_writing = true;
}

/* Sends what is due: the answer, or the session's output. */
void conn_flush(struct conn *c)
{
	struct buf *from = c->tls ? tls_output(c->tls) : &c->out, old = c->wire;

	if (c->is_writing)
		return;
	if (from->len == 0) {
		all_written(c);
		return;
	}
	c->wire = *from;
	*from = old;
	buf_reset(from);
	write_wire(c);
}

void conn_send(struct conn *c, const char *bytes, size_t len)
{
	struct agni_err err;

	if (!c->tls) {
		buf_append(&c->out, bytes, len);
	} else if (tls_write(c->tls, bytes, len, &err) < 0) {
		conn_close(c);
		return;
	}
	conn_flush(c);
}

void conn_answer(struct conn *c)
{
	struct agni_err err;

	uv_read_stop((uv_stream_t *)&c->tcp);
	conn_set_state(c, CONN_WRITING);
	if (c->tls) {
		if (tls_write(c->tls, c->out.data, c->out.len, &err) < 0) {
			conn_close(c);
			return;
		}
		if (c->is_last)
			tls_close(c->tls);
	}
	conn_flush(c);
}
