/* SPDX-License-Identifier: MIT
 *
 * conn: one accepted connection, from its first byte to its last; states in server_internal.h. What
 * is written, and what follows a last answer, is in conn_write.c.
 *
 * Bytes are read into a buffer that all connections share and are parsed at once. When a request is
 * complete reading stops, what was read behind it is kept in `in`, and the route is asked. When the
 * answer has left, what is in `in` waits for its place in server->ready, so that a long pipeline
 * cannot keep the loop; only when it is used up does the socket get read again.
 *
 * With TLS the bytes go through a session on their way in; what it has decrypted, or could, counts as
 * input left over.
 */
#include <stdlib.h>

#include "core/secret.h"
#include "http/server_internal.h"

static void on_timer(uv_timer_t *timer);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

#define MOVE(state) (1u << (state))

void conn_set_state(struct conn *c, enum conn_state to)
{
	static const unsigned moves[] = {
		[CONN_TLS] = MOVE(CONN_HEAD) | MOVE(CONN_WRITING) | MOVE(CONN_CLOSING),
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
		[CONN_TLS] = 0,
		[CONN_IDLE] = l->idle_timeout_ms,
		[CONN_HEAD] = l->header_timeout_ms,
		[CONN_BODY] = l->body_timeout_ms,
		[CONN_HANDLING] = 0,
		[CONN_WRITING] = l->write_timeout_ms ? l->write_timeout_ms : CONN_WRITE_MS,
		[CONN_DRAINING] = CONN_DRAIN_MS,
		[CONN_CLOSING] = 0,
	};

	AGNI_ASSERT(moves[c->state] & MOVE(to));
	if (c->state == CONN_TLS && to == CONN_HEAD) {
		c->state = to; /* one deadline for both: a handshake buys no time */
		return;
	}
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
	tls_session_destroy(c->tls);
	if (c->req)
		request_free(c->req);
	secret_wipe_buf(&c->in);
	buf_fini(&c->out);
	buf_fini(&c->wire);
	free(c);
}

void conn_unhold(struct conn *c)
{
	struct http_server *s = c->server;

	if (--c->open == 0)
		conn_free(c);
	server_handle_closed(s);
}

static void on_closed(uv_handle_t *handle)
{
	conn_unhold(handle->data);
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
	conn_set_state(c, CONN_CLOSING);
	list_remove(&c->ready);
	conn_shake_cancel(c);
	uv_close((uv_handle_t *)&c->tcp, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

void conn_refuse(struct conn *c, int status, const char *code, const char *text)
{
	response_fault(c, &(struct http_fault){status, code, text});
}

void conn_refuse_too_many(struct conn *c)
{
	conn_refuse(c, 503, "too_many_connections", "too many connections");
}

static void on_timer(uv_timer_t *timer)
{
	struct conn *c = timer->data;

	if (c->state == CONN_HEAD)
		conn_refuse(c, 408, "request_timeout", "the head of the request took too long");
	else if (c->state == CONN_BODY)
		conn_refuse(c, 408, "request_timeout", "the body of the request took too long");
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

void conn_read_start(struct conn *c)
{
	int rc = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);

	if (rc < 0 && rc != UV_EALREADY)
		conn_close(c);
}

/* Says so when the client waits with its body. `waiting`: none of the body has come yet. */
static void continue_send(struct conn *c, bool waiting)
{
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct message *m = &c->req->msg;
	bool has_body = m->content_length > 0 || message_header(m, "transfer-encoding");

	if (waiting && has_body && guard_wants_continue(m))
		conn_send(c, line, sizeof(line) - 1);
}

/* The head is complete. False when the request goes no further. */
static bool on_head(struct conn *c, bool waiting)
{
	struct http_fault fault;

	if (!guard_check(&c->req->msg, &c->server->rules, &c->req->target, &fault)) {
		response_fault(c, &fault);
		return false;
	}
	conn_set_state(c, CONN_BODY);
	continue_send(c, waiting);
	return c->state == CONN_BODY;
}

/* Parses until one request is complete, and has it handled. */
void conn_parse(struct conn *c, const char *bytes, size_t len)
{
	enum parser_event event;
	size_t at = 0, used;

	if (c->state == CONN_IDLE && len > 0)
		conn_set_state(c, CONN_HEAD);
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
		conn_set_state(c, CONN_HANDLING);
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

/* Whether bytes from the session may be parsed now: no request is being handled, and none waits for
 * its turn with bytes that came before. */
bool conn_can_read(const struct conn *c)
{
	return list_is_empty(&c->ready) &&
	       (c->state == CONN_IDLE || c->state == CONN_HEAD || c->state == CONN_BODY);
}

static void on_bytes(struct conn *c, const char *bytes, size_t len)
{
	if (c->tls)
		conn_decrypt(c, bytes, len);
	else
		conn_parse(c, bytes, len);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;

	if (c->state == CONN_DRAINING)
		drain(c, n);
	else if (n < 0)
		conn_close(c);
	else if (n > 0)
		on_bytes(c, buf->base, (size_t)n);
	if (n > 0)
		explicit_bzero(buf->base, (size_t)n); /* shared, and may have held a token */
}

void conn_resume(struct conn *c)
{
	struct buf in = c->in;

	list_remove(&c->ready);
	c->in = (struct buf){0};
	if (in.len)
		conn_parse(c, in.data, in.len);
	secret_wipe_buf(&in);
	if (c->tls && conn_can_read(c))
		conn_pump(c);
	if (conn_can_read(c))
		conn_read_start(c);
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
	list_init(&c->shake);
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
	c->is_too_many = s->stats.connections > limit;
	if (s->tls && !conn_begin_tls(c))
		return;
	if (c->is_too_many && !c->tls) {
		conn_refuse_too_many(c);
		return;
	}
	uv_timer_start(&c->timer, on_timer, (uint64_t)s->limits.header_timeout_ms, 0);
	conn_read_start(c);
}
