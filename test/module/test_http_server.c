/* SPDX-License-Identifier: MIT
 *
 * The HTTP server on a real loop and real sockets: refusals, pipelines, deadlines, stop.
 */
#include "../lib/check.h"

#include <stdio.h>

#include "http/server.h"

#define DEADLINE_MS 30000
#define BIG_BYTES   (16 << 20)

struct world {
	struct clock clock;
	struct loop loop;
	struct http_server *server;
	struct http_request *held; /* by GET /later */
	int handled;
	bool is_stopped;
	bool is_late; /* the deadline of the present wait passed */
	uv_timer_t timer;
	char *big;
};

struct peer {
	struct world *w;
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_timer_t ticker; /* for bytes that trickle */
	struct buf got;
	bool is_reading, is_eof, is_closed;
	int end; /* UV_EOF, or how else it ended */
	int open;
};

/* ---- routes ------------------------------------------------------------------------------- */

static void on_hello(void *arg, struct http_request *r)
{
	struct world *w = arg;
	char text[64];

	w->handled++;
	snprintf(text, sizeof(text), "hello %d", w->handled);
	http_respond(r, 200, "text/plain", "X-Extra: yes\r\n", text, strlen(text));
}

static void on_echo(void *arg, struct http_request *r)
{
	struct world *w = arg;

	w->handled++;
	http_respond(r, 200, "text/plain", NULL, r->body, r->body_len);
}

static void on_later(void *arg, struct http_request *r)
{
	struct world *w = arg;

	assert_null(w->held);
	w->held = r;
}

static void on_big(void *arg, struct http_request *r)
{
	struct world *w = arg;

	http_respond(r, 200, "text/plain", NULL, w->big, BIG_BYTES);
}

static void on_show(void *arg, struct http_request *r)
{
	const char *agent = http_request_header(r, "user-agent");
	char a[16] = "(none)", text[256];

	(void)arg;
	http_request_query(r, "a", a, sizeof(a));
	snprintf(text, sizeof(text), "%s %s key=%s a=%s agent=%s peer=%s", r->method, r->path,
		 http_request_param(r, "key"), a, agent ? agent : "(none)", r->peer);
	http_respond(r, 200, "text/plain", NULL, text, strlen(text));
}

static void on_fail(void *arg, struct http_request *r)
{
	(void)arg;
	http_respond_error(r, 503, "no_state", "no state \"yet\", %d of %d", 0, 3);
}

/* ---- world -------------------------------------------------------------------------------- */

static const struct http_limits usual_limits = {.header_timeout_ms = DEADLINE_MS,
						.body_timeout_ms = DEADLINE_MS,
						.idle_timeout_ms = DEADLINE_MS,
						.head_max_bytes = 16384,
						.target_max_bytes = 8192,
						.headers_max = 100,
						.body_max_bytes = 65536,
						.connections_max = 100};

static struct http_route routes[] = {
	{"GET", "/hello", on_hello, NULL, 0},
	{"POST", "/echo", on_echo, NULL, 0},
	{"GET", "/later", on_later, NULL, 0},
	{"GET", "/big", on_big, NULL, 0},
	{"GET", "/show/{key}", on_show, NULL, 0},
	{"GET", "/fail", on_fail, NULL, 0},
	{0},
};

static void world_start(struct world *w, const struct http_limits *limits)
{
	struct http_server_config cfg = {.host = "127.0.0.1", .limits = *limits, .routes = routes};
	struct agni_err err;

	*w = (struct world){0};
	clock_init(&w->clock, CLOCK_SYSTEM);
	check_i64(loop_init(&w->loop, &w->clock), 0);
	uv_timer_init(&w->loop.uv, &w->timer);
	w->timer.data = w;
	for (struct http_route *r = routes; r->method; r++)
		r->arg = w;
	cfg.loop = &w->loop;
	check_i64(http_server_create(&cfg, &w->server, &err), 0);
	check_i64(http_server_listen(w->server, &err), 0);
	check(http_server_port(w->server) > 0);
}

static void on_late(uv_timer_t *timer)
{
	((struct world *)timer->data)->is_late = true;
}

typedef bool cond_fn(const void *arg);

/* Turns the loop until the condition holds; false when the deadline passes first. */
static bool run_until(struct world *w, cond_fn *cond, const void *arg)
{
	w->is_late = false;
	uv_timer_start(&w->timer, on_late, DEADLINE_MS, 0);
	while (!cond(arg) && !w->is_late)
		uv_run(&w->loop.uv, UV_RUN_ONCE);
	uv_timer_stop(&w->timer);
	return !w->is_late;
}

static void on_stopped(void *arg)
{
	struct world *w = arg;

	assert_false(w->is_stopped);
	w->is_stopped = true;
	w->server = NULL;
}

static void world_stop(struct world *w, uint64_t grace_ms)
{
	http_server_stop(w->server, clock_mono(&w->clock) + grace_ms * NS_PER_MS, on_stopped, w);
}

static bool is_stopped(const void *arg)
{
	return ((const struct world *)arg)->is_stopped;
}

/* Every handle must be gone for this to pass. */
static void world_end(struct world *w)
{
	if (w->server && !w->is_stopped)
		world_stop(w, 0);
	check(run_until(w, is_stopped, w));
	uv_close((uv_handle_t *)&w->timer, NULL);
	check_i64(loop_fini(&w->loop), 0);
	free(w->big);
}

/* ---- peers -------------------------------------------------------------------------------- */

static void on_peer_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct peer *p = handle->data;

	(void)suggested;
	*buf = uv_buf_init(buf_reserve(&p->got, 65536), 65536);
}

static void on_peer_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct peer *p = stream->data;

	(void)buf;
	p->end = n < 0 ? (int)n : 0;
	if (n < 0)
		p->is_eof = true;
	else
		p->got.len += (size_t)n;
}

static void peer_read(struct peer *p)
{
	uv_read_start((uv_stream_t *)&p->tcp, on_peer_alloc, on_peer_read);
}

static void on_peer_connected(uv_connect_t *connect, int status)
{
	struct peer *p = connect->data;

	check_i64(status, 0);
	p->is_reading = true;
	peer_read(p);
}

static bool is_connected(const void *arg)
{
	return ((const struct peer *)arg)->is_reading;
}

static void peer_connect(struct world *w, struct peer *p)
{
	struct sockaddr_in addr;

	*p = (struct peer){.w = w, .open = 2};
	uv_tcp_init(&w->loop.uv, &p->tcp);
	uv_timer_init(&w->loop.uv, &p->ticker);
	p->tcp.data = p->connect.data = p->ticker.data = p;
	uv_ip4_addr("127.0.0.1", http_server_port(w->server), &addr);
	check_i64(uv_tcp_connect(&p->connect, &p->tcp, (struct sockaddr *)&addr, on_peer_connected),
		  0);
	check(run_until(w, is_connected, p));
}

struct send {
	uv_write_t write;
	char bytes[];
};

static void on_sent(uv_write_t *write, int status)
{
	(void)status; /* the server may have closed: the tests look at what it said */
	free(write->data);
}

static void peer_send_bytes(struct peer *p, const char *bytes, size_t len)
{
	struct send *s = malloc(sizeof(*s) + len);
	uv_buf_t buf = uv_buf_init(s->bytes, (unsigned)len);

	memcpy(s->bytes, bytes, len);
	s->write.data = s;
	if (uv_write(&s->write, (uv_stream_t *)&p->tcp, &buf, 1, on_sent) < 0)
		free(s);
}

static void peer_send(struct peer *p, const char *text)
{
	peer_send_bytes(p, text, strlen(text));
}

static bool has_eof(const void *arg)
{
	return ((const struct peer *)arg)->is_eof;
}

static const char *peer_text(struct peer *p)
{
	return buf_cstr(&p->got);
}

struct wanted {
	struct peer *p;
	const char *text;
	int times;
};

static int count(const char *text, const char *what)
{
	int n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

static bool has_text(const void *arg)
{
	const struct wanted *wanted = arg;

	return wanted->p->is_eof || count(peer_text(wanted->p), wanted->text) >= wanted->times;
}

static void peer_wait(struct peer *p, const char *text, int times)
{
	struct wanted wanted = {p, text, times};

	if (!run_until(p->w, has_text, &wanted) || count(peer_text(p), text) < times)
		fail_msg("wanted %d times \"%s\" in: %.2000s", times, text, peer_text(p));
}

static void peer_wait_eof(struct peer *p)
{
	if (!run_until(p->w, has_eof, p))
		fail_msg("not closed after: %.2000s", peer_text(p));
}

static void on_peer_closed(uv_handle_t *handle)
{
	struct peer *p = handle->data;

	p->is_closed = --p->open == 0;
}

static bool is_closed(const void *arg)
{
	return ((const struct peer *)arg)->is_closed;
}

static void peer_close(struct peer *p)
{
	uv_close((uv_handle_t *)&p->tcp, on_peer_closed);
	uv_close((uv_handle_t *)&p->ticker, on_peer_closed);
	check(run_until(p->w, is_closed, p));
	buf_fini(&p->got);
}

/* One connection: sends, waits for the end, checks that the answer begins so and says `part`. */
static void check_closed_with(struct world *w, const char *request, const char *begin,
			      const char *part)
{
	struct peer p;

	peer_connect(w, &p);
	peer_send(&p, request);
	peer_wait_eof(&p);
	if (strncmp(peer_text(&p), begin, strlen(begin)) != 0 || !strstr(peer_text(&p), part))
		fail_msg("wanted \"%s\" and \"%s\" for %.200s, got: %s", begin, part, request,
			 peer_text(&p));
	peer_close(&p);
}

#define HOST "Host: localhost\r\n"

/* ---- tests -------------------------------------------------------------------------------- */

static void test_answers(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	world_start(&w, &usual_limits);
	peer_connect(&w, &p);
	peer_send(&p, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	peer_wait(&p, "hello 1", 1);
	check_str(peer_text(&p),
		  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n"
		  "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
		  "Connection: keep-alive\r\nX-Extra: yes\r\n\r\nhello 1");
	buf_reset(&p.got);
	peer_send(&p, "HEAD /hello HTTP/1.1\r\n" HOST "\r\n");
	peer_wait(&p, "\r\n\r\n", 1);
	check(strstr(peer_text(&p), "Content-Length: 7\r\n") != NULL);
	check(strstr(peer_text(&p), "hello") == NULL);
	buf_reset(&p.got);
	peer_send(&p, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nab");
	peer_send(&p, "cd");
	peer_wait(&p, "\r\n\r\nabcd", 1);
	buf_reset(&p.got);
	peer_send(&p,
		  "GET /show/NSE_FO%7C4+5/x?a=b%20c+d HTTP/1.1\r\n" HOST "User-Agent: u\r\n\r\n");
	peer_wait(&p, "GET /show/NSE_FO|4+5/x key=NSE_FO|4+5/x a=b c d agent=u peer=127.0.0.1", 1);
	buf_reset(&p.got);
	peer_send(&p, "GET /fail HTTP/1.1\r\n" HOST "\r\n");
	peer_wait(&p,
		  "{\"status\":\"error\",\"error\":{\"code\":\"no_state\","
		  "\"message\":\"no state \\\"yet\\\", 0 of 3\"}}",
		  1);
	check_i64(http_server_stats(w.server)->requests_total, 5);
	check_i64(http_server_stats(w.server)->refused_total, 0);
	check_i64(http_server_stats(w.server)->connections, 1);
	peer_send(&p, "GET /hello HTTP/1.0\r\n\r\n");
	peer_wait_eof(&p);
	check(strstr(peer_text(&p), "Connection: close\r\n") != NULL);
	peer_close(&p);
	world_end(&w);
}

static void test_routes(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	world_start(&w, &usual_limits);
	peer_connect(&w, &p);
	peer_send(&p, "GET /nowhere HTTP/1.1\r\n" HOST "\r\n");
	peer_wait(&p, "\"not_found\"", 1);
	peer_send(&p, "PUT /hello HTTP/1.1\r\n" HOST "\r\n");
	peer_wait(&p, "\"method_not_allowed\"", 1);
	check(strstr(peer_text(&p), "Allow: GET, HEAD\r\n") != NULL);
	peer_send(&p, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	peer_wait(&p, "Allow: POST\r\n", 1);
	peer_send(&p, "TRACE /nowhere HTTP/1.1\r\n" HOST "\r\n");
	peer_wait(&p, "HTTP/1.1 405 ", 3);
	check_i64(http_server_stats(w.server)->refused_total, 4);
	peer_close(&p);
	check_closed_with(&w, "BREW /hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 501 ",
			  "\"not_implemented\"");
	check_i64(w.handled, 0);
	world_end(&w);
}

static void test_refusals(void **state)
{
	static const char *const cases[][3] = {
		{"GET /hello HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "\"bad_request\""},
		{"GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 403 ",
		 "\"host_not_allowed\""},
		{"GET http://evil.example/hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 403 ",
		 "\"host_not_allowed\""},
		{"GET /hello HTTP/3.0\r\n" HOST "\r\n", "HTTP/1.1 505 ", "\"http_version\""},
		{"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", "HTTP/1.1 413 ",
		 "\"payload_too_large\""},
		{"POST /echo HTTP/1.1\r\n" HOST
		 "Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n",
		 "HTTP/1.1 413 ", "\"payload_too_large\""},
		{"POST /echo HTTP/1.1\r\n" HOST "Expect: x\r\nContent-Length: 5\r\n\r\n",
		 "HTTP/1.1 417 ", "\"expectation_failed\""},
		{"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffff\r\n",
		 "HTTP/1.1 413 ", "Connection: close\r\n"},
		{"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nABC\r\n",
		 "HTTP/1.1 400 ", "Cache-Control: no-store\r\n"},
		{"GET /hello HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", "HTTP/1.1 400 ",
		 "\"bad_request\""},
		/* What follows a refused request is never looked at. */
		{"GET /hello HTTP/1.1\r\nX : a\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
		 "HTTP/1.1 400 ", "}}"},
	};
	struct world w;

	(void)state;
	world_start(&w, &usual_limits);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_closed_with(&w, cases[i][0], cases[i][1], cases[i][2]);
	check_i64(w.handled, 0);
	check_i64(http_server_stats(w.server)->refused_total, ARRAY_LEN(cases));
	check_i64(http_server_stats(w.server)->requests_total, 0);
	world_end(&w);
}

static bool has_no_connections(const void *arg)
{
	return http_server_stats(((const struct world *)arg)->server)->connections == 0;
}

/* The refusal must reach a client that goes on sending: no reset on unread input. */
static void test_refused_while_sending(void **state)
{
	struct world w;
	struct peer p;
	char *rubbish = malloc(200000);

	(void)state;
	memset(rubbish, 'a', 200000);
	world_start(&w, &usual_limits);
	peer_connect(&w, &p);
	peer_send(&p, "GET /");
	peer_send_bytes(&p, rubbish, 200000);
	peer_wait(&p, "\"uri_too_long\"", 1);
	peer_wait_eof(&p);
	check_i64(p.end, UV_EOF);
	check_i64(http_server_stats(w.server)->connections, 1); /* it still listens */
	peer_close(&p);
	check(run_until(&w, has_no_connections, &w));
	peer_connect(&w, &p);
	peer_send(&p, "GET / HTTP/1.1\r\nX: ");
	peer_send_bytes(&p, rubbish, 200000);
	peer_wait(&p, "\"headers_too_large\"", 1);
	peer_wait_eof(&p);
	check_i64(p.end, UV_EOF);
	peer_close(&p);
	free(rubbish);
	world_end(&w);
}

static void test_expect_continue(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	world_start(&w, &usual_limits);
	peer_connect(&w, &p);
	peer_send(&p, "POST /echo HTTP/1.1\r\n" HOST
		      "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	peer_wait(&p, "HTTP/1.1 100 Continue\r\n\r\n", 1);
	check_i64(w.handled, 0);
	peer_send(&p, "ok");
	peer_wait(&p, "\r\n\r\nok", 1);
	/* The body is here already: nobody waits for a word. */
	peer_send(&p, "POST /echo HTTP/1.1\r\n" HOST
		      "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nnow");
	peer_wait(&p, "\r\n\r\nnow", 1);
	check_i64(count(peer_text(&p), "100 Continue"), 1);
	peer_close(&p);
	world_end(&w);
}

static void test_byte_by_byte(void **state)
{
	static const char text[] = "POST /echo HTTP/1.1\r\n" HOST
				   "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
	struct world w;
	struct peer p;

	(void)state;
	world_start(&w, &usual_limits);
	peer_connect(&w, &p);
	uv_tcp_nodelay(&p.tcp, 1);
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		peer_send_bytes(&p, text + i, 1);
		uv_run(&w.loop.uv, UV_RUN_NOWAIT);
	}
	peer_wait(&p, "\r\n\r\nabc", 1);
	peer_close(&p);
	world_end(&w);
}

static bool is_held(const void *arg)
{
	return ((const struct world *)arg)->held != NULL;
}

static void answer_held(struct world *w, const char *text)
{
	struct http_request *r = w->held;

	w->held = NULL;
	http_respond(r, 200, "text/plain", NULL, text, strlen(text));
}

static void test_pipeline(void **state)
{
	struct world w;
	struct peer p;
	struct buf many = {0};

	(void)state;
	world_start(&w, &usual_limits);
	peer_connect(&w, &p);
	peer_send(&p, "GET /hello HTTP/1.1\r\n" HOST "\r\nGET /later HTTP/1.1\r\n" HOST
		      "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
	check(run_until(&w, is_held, &w));
	peer_wait(&p, "hello 1", 1);
	for (int i = 0; i < 20; i++)
		uv_run(&w.loop.uv, UV_RUN_NOWAIT);
	check_i64(w.handled, 1); /* the third waits for the second */
	answer_held(&w, "later");
	peer_wait(&p, "hello 2", 1);
	check(strstr(peer_text(&p), "later") < strstr(peer_text(&p), "hello 2"));
	buf_reset(&p.got);
	for (int i = 0; i < 300; i++)
		buf_str(&many, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	peer_send_bytes(&p, many.data, many.len);
	peer_wait(&p, "\r\n\r\nhello ", 300);
	peer_wait(&p, "hello 302", 1);
	buf_fini(&many);
	peer_close(&p);
	world_end(&w);
}

/* ---- deadlines ---------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *timer)
{
	struct peer *p = timer->data;

	if (!p->is_eof)
		peer_send(p, "a");
}

static void test_timeouts(void **state)
{
	struct http_limits limits = usual_limits;
	struct world w;
	struct peer p;

	(void)state;
	limits.header_timeout_ms = 60;
	world_start(&w, &limits);
	check_closed_with(&w, "", "HTTP/1.1 408 ", "\"request_timeout\"");
	check_closed_with(&w, "GET / HTT", "HTTP/1.1 408 ", "\"request_timeout\"");
	/* Deadlines are for the whole: bytes that trickle do not move them. */
	peer_connect(&w, &p);
	peer_send(&p, "GET /");
	uv_timer_start(&p.ticker, on_tick, 10, 10);
	peer_wait(&p, "408", 1);
	peer_wait_eof(&p);
	peer_close(&p);
	world_end(&w);
	limits = usual_limits; /* one short limit at a time: the others must not be met first */
	limits.body_timeout_ms = 60;
	world_start(&w, &limits);
	check_closed_with(&w, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nabc",
			  "HTTP/1.1 408 ", "body");
	world_end(&w);
	/* Idle: closed without a word. */
	limits = usual_limits;
	limits.idle_timeout_ms = 60;
	world_start(&w, &limits);
	peer_connect(&w, &p);
	peer_send(&p, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	peer_wait(&p, "hello 1", 1);
	buf_reset(&p.got);
	peer_wait_eof(&p);
	check_i64(p.got.len, 0);
	peer_close(&p);
	world_end(&w);
}

static void world_big(struct world *w)
{
	w->big = malloc(BIG_BYTES);
	memset(w->big, 'b', BIG_BYTES);
}

static void test_write_deadline(void **state)
{
	struct http_limits limits = usual_limits;
	struct world w;
	struct peer p;

	(void)state;
	limits.write_timeout_ms = 80;
	world_start(&w, &limits);
	world_big(&w);
	peer_connect(&w, &p);
	uv_read_stop((uv_stream_t *)&p.tcp);
	peer_send(&p, "GET /big HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < 50 && has_no_connections(&w); i++)
		uv_run(&w.loop.uv, UV_RUN_NOWAIT);
	check(!has_no_connections(&w));
	check(run_until(&w, has_no_connections, &w));
	peer_close(&p);
	world_end(&w);
}

static void test_too_many(void **state)
{
	struct http_limits limits = usual_limits;
	struct world w;
	struct peer a, b, c;

	(void)state;
	limits.connections_max = 2;
	world_start(&w, &limits);
	peer_connect(&w, &a);
	peer_connect(&w, &b);
	peer_connect(&w, &c);
	peer_wait_eof(&c);
	check(strncmp(peer_text(&c), "HTTP/1.1 503 ", 13) == 0);
	check(strstr(peer_text(&c), "\"too_many_connections\"") != NULL);
	peer_close(&c);
	peer_send(&a, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	peer_wait(&a, "hello 1", 1);
	peer_close(&a);
	peer_close(&b);
	check(run_until(&w, has_no_connections, &w));
	check_closed_with(&w, "GET /hello HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ", "hello 2");
	world_end(&w);
}

/* ---- answers that come late, and the stop -------------------------------------------------- */

static void test_client_gone(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	world_start(&w, &usual_limits);
	peer_connect(&w, &p);
	peer_send(&p, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	check(run_until(&w, is_held, &w));
	peer_close(&p);
	answer_held(&w, "into the void");
	check(run_until(&w, has_no_connections, &w));
	world_end(&w);
}

static void test_stop_while_handling(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	world_start(&w, &usual_limits);
	peer_connect(&w, &p);
	peer_send(&p, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	check(run_until(&w, is_held, &w));
	world_stop(&w, 0);
	check(run_until(&w, is_stopped, &w));
	answer_held(&w, "the server is gone, the request is not");
	peer_wait_eof(&p);
	check_i64(p.got.len, 0);
	peer_close(&p);
	world_end(&w);
}

static void test_stop_waits_for_answers(void **state)
{
	struct world w;
	struct peer idle, p, q;

	(void)state;
	world_start(&w, &usual_limits);
	world_big(&w);
	peer_connect(&w, &idle);
	peer_connect(&w, &p);
	peer_connect(&w, &q);
	uv_read_stop((uv_stream_t *)&p.tcp);
	peer_send(&p, "GET /big HTTP/1.1\r\n" HOST "\r\n");
	peer_send(&q, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	check(run_until(&w, is_held, &w));
	for (int i = 0; i < 20; i++)
		uv_run(&w.loop.uv, UV_RUN_NOWAIT);
	world_stop(&w, DEADLINE_MS);
	peer_wait_eof(&idle);
	check(!w.is_stopped);
	peer_read(&p);
	peer_wait_eof(&p);
	check(p.got.len > BIG_BYTES);
	check(!w.is_stopped);
	answer_held(&w, "just in time");
	peer_wait_eof(&q);
	check(strstr(peer_text(&q), "just in time") != NULL);
	check(strstr(peer_text(&q), "Connection: close\r\n") != NULL);
	check(run_until(&w, is_stopped, &w));
	peer_close(&idle);
	peer_close(&p);
	peer_close(&q);
	world_end(&w);
}

static void test_stop_deadline(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	world_start(&w, &usual_limits);
	world_big(&w);
	peer_connect(&w, &p);
	uv_read_stop((uv_stream_t *)&p.tcp);
	peer_send(&p, "GET /big HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < 20; i++)
		uv_run(&w.loop.uv, UV_RUN_NOWAIT);
	world_stop(&w, 60);
	check(run_until(&w, is_stopped, &w));
	peer_close(&p);
	world_end(&w);
}

static void test_bind_errors(void **state)
{
	struct world w;
	struct http_server_config cfg = {
		.host = "127.0.0.1", .limits = usual_limits, .routes = routes};
	struct http_server *second = (struct http_server *)&w;
	struct agni_err err;
	char want[80];

	(void)state;
	world_start(&w, &usual_limits);
	cfg.loop = &w.loop;
	cfg.port = http_server_port(w.server);
	check(http_server_create(&cfg, &second, &err) < 0);
	assert_null(second);
	snprintf(want, sizeof(want), "127.0.0.1:%d: address already in use", cfg.port);
	check_str(err.text, want);
	cfg.host = "localhost"; /* a name, not an address */
	check_i64(http_server_create(&cfg, &second, &err), AGNI_ECONFIG);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_refused_while_sending),
		cmocka_unit_test(test_expect_continue),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_write_deadline),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_client_gone),
		cmocka_unit_test(test_stop_while_handling),
		cmocka_unit_test(test_stop_waits_for_answers),
		cmocka_unit_test(test_stop_deadline),
		cmocka_unit_test(test_bind_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
