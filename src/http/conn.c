/* SPDX-License-Identifier: MIT
 *
 * conn: one accepted connection, from its first byte to its last; states in server_internal.h.
 *
 * Bytes are read into a buffer that all connections share and are parsed at once. When a request is
 * complete reading stops, what was read behind it is kept in `in`, and the route is asked. When the
 * answer has left, what is in `in` waits for its place in server->ready, so that a long pipeline
 * cannot keep the loop; only when it is used up does the socket get read again.
 *
 * The last answer of a connection is followed by a shutdown, and input is thrown away for a short
 * while before the close: closing with unread input would send a reset, and the client might lose
 * the answer that tells it what was wrong.
 */
#include <stdlib.h>

#include "core/secret.h"
#include "http/server_internal.h"

static void on_timer(uv_timer_t *timer);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

#define MOVE(state) (1u << (state))

static void set_state(struct conn *c, enum conn_state to)
{
	static const unsigned moves[] = {
		[CONN_IDLE] = MOVE(CONN_HEAD) | MOVE(CONN_CLOSING),
		[CONN_HEAD] = MOVE(CONN_BODY) | MOVE(CONN_WRITING) | MOVE(CONN_CLOSING),
		[CONN_BODY] = MOVE(CONN_HANDLING) | MOVE(CONN_WRITING) | MOVE(CONN_CLOSING),
		[CONN_HANDLING] = MOVE(CONN_WRITING) | MOVE(CONN_CLOSING),
		[CONN_WRITING] = MOVE(CONN_IDLE) | MOVE(CONN_DRAINING) | MOVE(CONN_CLOSING),
		[CONN_DRAINING] = MOVE(CONN_CLOSING),
		[CONN_CLOSING] = 0,
	};
	const struct http_limits *l = &c->server->limits;
	const int64_t deadline_ms[] = {
		[CONN_IDLE] = l->idle_timeout_ms,
		[CONN_HEAD] = l->header_timeout_ms,
		[CONN_BODY] = l->body_timeout_ms,
		[CONN_HANDLING] = 0,
		[CONN_WRITING] = l->write_timeout_ms ? l->write_timeout_ms : CONN_WRITE_MS,
		[CONN_DRAINING] = CONN_DRAIN_MS,
		[CONN_CLOSING] = 0,
	};

	AGNI_ASSERT(moves[c->state] & MOVE(to));
	c->state = to;
	if (deadline_ms[to] > 0)
		uv_timer_start(&c->timer, on_timer, (uint64_t)deadline_ms[to], 0);
	else if (to == CONN_HANDLING)
		uv_timer_stop(&c->timer);
}

/* ---- the end ------------------------------------------------------------------------------ */

static void conn_free(struct conn *c)
{
	list_remove(&c->link);
	c->server->stats.connections--;
	parser_destroy(c->parser);
	if (c->req)
		request_free(c->req);
	secret_wipe_buf(&c->in);
	buf_fini(&c->out);
	free(c);
}

static void on_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	struct http_server *s = c->server;

	if (--c->open == 0)
		conn_free(c);
	server_handle_closed(s);
}

void conn_close(struct conn *c)
{
	if (c->state == CONN_CLOSING)
		return;
	if (c->state == CONN_HANDLING) {
		/* The handler still holds the request; http_respond() frees it. */
		c->req->conn = NULL;
		c->req = NULL;
	}
	set_state(c, CONN_CLOSING);
	list_remove(&c->ready);
	uv_close((uv_handle_t *)&c->tcp, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void refuse(struct conn *c, int status, const char *code, const char *text)
{
	response_fault(c, &(struct http_fault){status, code, text});
}

static void on_timer(uv_timer_t *timer)
{
	struct conn *c = timer->data;

	if (c->state == CONN_HEAD)
		refuse(c, 408, "request_timeout", "the head of the request took too long");
	else if (c->state == CONN_BODY)
		refuse(c, 408, "request_timeout", "the body of the request took too long");
	else
		conn_close(c);
}

/* ---- reading ------------------------------------------------------------------------------ */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct conn *c = handle->data;

	(void)suggested;
	*buf = uv_buf_init(c->server->read_bytes, sizeof(c->server->read_bytes));
}

static void read_start(struct conn *c)
{
	if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) < 0)
		conn_close(c);
}

/* Says so when the client waits with its body. `waiting`: none of the body has come yet. */
static void continue_send(struct conn *c, bool waiting)
{
	static char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct message *m = &c->req->msg;
	bool has_body = m->content_length > 0 || message_header(m, "transfer-encoding");
	uv_buf_t buf = uv_buf_init(line, sizeof(line) - 1);

	if (!waiting || !has_body || !guard_wants_continue(m))
		return;
	/* Nothing else is under way in this direction: 25 bytes fit, or the peer is gone. */
	if (uv_try_write((uv_stream_t *)&c->tcp, &buf, 1) != (int)buf.len)
		conn_close(c);
}

/* The head is complete. False when the request goes no further. */
static bool on_head(struct conn *c, bool waiting)
{
	struct http_fault fault;

	if (!guard_check(&c->req->msg, &c->server->rules, &c->req->target, &fault)) {
		response_fault(c, &fault);
		return false;
	}
	set_state(c, CONN_BODY);
	continue_send(c, waiting);
	return c->state == CONN_BODY;
}

/* Parses until one request is complete, and has it handled. */
static void feed(struct conn *c, const char *bytes, size_t len)
{
	enum parser_event event;
	size_t at = 0, used;

	if (c->state == CONN_IDLE && len > 0)
		set_state(c, CONN_HEAD);
	while ((event = parser_feed(c->parser, bytes + at, len - at, &used)) == PARSER_HEAD) {
		at += used;
		if (!on_head(c, at == len))
			return;
	}
	at += used;
	if (event == PARSER_FAILED) {
		response_fault(c, parser_fault(c->parser));
	} else if (event == PARSER_DONE) {
		uv_read_stop((uv_stream_t *)&c->tcp);
		buf_append(&c->in, bytes + at, len - at);
		set_state(c, CONN_HANDLING);
		request_dispatch(c->req);
	}
}

/* After the last answer: everything is thrown away. */
static void drain(struct conn *c, ssize_t n)
{
	c->drained += n > 0 ? (size_t)n : 0;
	if (n < 0 || c->drained > CONN_DRAIN_BYTES)
		conn_close(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;

	if (c->state == CONN_DRAINING)
		drain(c, n);
	else if (n < 0)
		conn_close(c);
	else if (n > 0)
		feed(c, buf->base, (size_t)n);
	if (n > 0)
		explicit_bzero(buf->base, (size_t)n); /* shared, and may have held a token */
}

/* ---- answering ---------------------------------------------------------------------------- */

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
	set_state(c, CONN_DRAINING);
	read_start(c);
}

static void answer_sent(struct conn *c)
{
	struct http_server *s = c->server;

	if (c->out.cap > CONN_READ_BYTES)
		buf_fini(&c->out);
	if (c->is_last || s->is_stopping) {
		last_answer_sent(c);
		return;
	}
	parser_begin(c->parser, &c->req->msg); /* wipes what was answered */
	set_state(c, CONN_IDLE);
	if (c->in.len) {
		list_append(&s->ready, &c->ready);
		hook_arm(&s->hook);
	} else {
		read_start(c);
	}
}

static void on_written(uv_write_t *write, int status)
{
	struct conn *c = write->data;

	if (c->state != CONN_WRITING)
		return;
	if (status < 0)
		conn_close(c);
	else
		answer_sent(c);
}

void conn_answer(struct conn *c)
{
	uv_stream_t *stream = (uv_stream_t *)&c->tcp;
	uv_buf_t buf = uv_buf_init(c->out.data, (unsigned)c->out.len);
	int n;

	AGNI_ASSERT(c->out.len <= INT32_MAX);
	uv_read_stop(stream);
	set_state(c, CONN_WRITING);
	n = uv_try_write(stream, &buf, 1);
	if (n == (int)buf.len) {
		answer_sent(c);
		return;
	}
	if (n > 0) {
		buf.base += n;
		buf.len -= (size_t)n;
	}
	if ((n < 0 && n != UV_EAGAIN) || uv_write(&c->write, stream, &buf, 1, on_written) < 0)
		conn_close(c);
}

void conn_resume(struct conn *c)
{
	struct buf in = c->in;

	list_remove(&c->ready);
	c->in = (struct buf){0};
	feed(c, in.data, in.len);
	secret_wipe_buf(&in);
	if (c->state == CONN_HEAD || c->state == CONN_BODY)
		read_start(c);
}

/* ---- the beginning ------------------------------------------------------------------------ */

static struct conn *conn_create(struct http_server *s)
{
	struct conn *c = mem_zalloc(sizeof(*c));
	struct parser_limits limits = {.head_max = (size_t)s->limits.head_max_bytes,
				       .target_max = (size_t)s->limits.target_max_bytes,
				       .headers_max = (size_t)s->limits.headers_max,
				       .body_max = (size_t)s->limits.body_max_bytes};

	c->server = s;
	c->state = CONN_HEAD;
	c->parser = parser_create(PARSER_REQUEST, &limits);
	c->req = mem_zalloc(sizeof(*c->req));
	c->req->conn = c;
	parser_begin(c->parser, &c->req->msg);
	list_init(&c->ready);
	list_append(&s->conns, &c->link);
	uv_tcp_init(&s->loop->uv, &c->tcp);
	uv_timer_init(&s->loop->uv, &c->timer);
	c->tcp.data = c->timer.data = c->write.data = c->shutdown.data = c;
	c->open = 2;
	s->open += 2;
	s->stats.connections++;
	s->stats.connections_total++;
	return c;
}

static void peer_name(struct conn *c)
{
	struct sockaddr_storage addr;
	int len = sizeof(addr);

	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&addr, &len) < 0 ||
	    uv_ip_name((struct sockaddr *)&addr, c->peer, sizeof(c->peer)) < 0)
		c->peer[0] = '\0';
}

void conn_accept(struct http_server *s)
{
	struct conn *c = conn_create(s);
	uint64_t limit = (uint64_t)s->limits.connections_max;

	if (uv_accept((uv_stream_t *)&s->listener, (uv_stream_t *)&c->tcp) < 0 ||
	    s->stats.connections > limit + SERVER_REFUSED_MAX) {
		conn_close(c);
		return;
	}
	uv_tcp_nodelay(&c->tcp, 1);
	peer_name(c);
	if (s->stats.connections > limit) {
		refuse(c, 503, "too_many_connections", "too many connections");
		return;
	}
	uv_timer_start(&c->timer, on_timer, (uint64_t)s->limits.header_timeout_ms, 0);
	read_start(c);
}
