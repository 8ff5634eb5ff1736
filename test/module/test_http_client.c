/* SPDX-License-Identifier: MIT
 *
 * The HTTP client on a real loop: plain against scripted peers, https against a small TLS server
 * with certificates made for the test.
 */
#include "../lib/check.h"
#include "../lib/tls_fixture.h"

#include <stdio.h>

#include "core/buf.h"
#include "http/client.h"

#define DEADLINE_MS 30000

/* Enough to get as far as the test wants, also on a machine that is busy. */
#define SHORT_MS 1500

struct world {
	struct clock clock;
	struct loop loop;
	struct http_client *client;
	uv_timer_t timer;
	bool is_late, is_closed;
};

/* What `done` was told, copied. */
struct outcome {
	struct world *w;
	int calls;
	int code, status;
	char error[300], url[300], content_type[64], location[300], etag[64];
	int64_t retry_after_s;
	char body[4096];
	size_t body_len;
};

/* A peer that answers the n-th connection with answers[n], NULL: never. */
struct script {
	struct world *w;
	uv_tcp_t listener;
	const char *answers[12];
	int served;
	int port;
	int open;
	struct buf seen;
	bool is_closing;
};

struct served {
	struct script *script;
	uv_tcp_t tcp;
	uv_write_t write;
	const char *answer;
	size_t from; /* where its request begins in script->seen */
	bool is_answered;
};

/* ---- world -------------------------------------------------------------------------------- */

static void world_start(struct world *w, const char *ca_file)
{
	*w = (struct world){0};
	clock_init(&w->clock, CLOCK_SYSTEM);
	check_i64(loop_init(&w->loop, &w->clock), 0);
	uv_timer_init(&w->loop.uv, &w->timer);
	w->timer.data = w;
	w->client = http_client_create(&w->loop, ca_file);
}

static void on_late(uv_timer_t *timer)
{
	((struct world *)timer->data)->is_late = true;
}

typedef bool cond_fn(const void *arg);

static bool run_until(struct world *w, cond_fn *cond, const void *arg)
{
	w->is_late = false;
	uv_timer_start(&w->timer, on_late, DEADLINE_MS, 0);
	while (!cond(arg) && !w->is_late)
		uv_run(&w->loop.uv, UV_RUN_ONCE);
	uv_timer_stop(&w->timer);
	return !w->is_late;
}

static void on_client_closed(void *arg)
{
	((struct world *)arg)->is_closed = true;
}

static bool is_closed(const void *arg)
{
	return ((const struct world *)arg)->is_closed;
}

static void world_end(struct world *w)
{
	http_client_close(w->client, on_client_closed, w);
	check(!w->is_closed); /* not from inside */
	check(run_until(w, is_closed, w));
	uv_close((uv_handle_t *)&w->timer, NULL);
	check_i64(loop_fini(&w->loop), 0);
}

static void on_done(void *arg, const struct http_result *r)
{
	struct outcome *o = arg;

	o->calls++;
	o->code = r->code;
	o->status = r->status;
	o->retry_after_s = r->retry_after_s;
	o->body_len = r->body_len;
	snprintf(o->error, sizeof(o->error), "%s", r->error);
	snprintf(o->url, sizeof(o->url), "%s", r->url);
	snprintf(o->content_type, sizeof(o->content_type), "%s", r->content_type);
	snprintf(o->location, sizeof(o->location), "%s", r->location);
	snprintf(o->etag, sizeof(o->etag), "%s", r->etag);
	snprintf(o->body, sizeof(o->body), "%s", r->body);
}

static bool is_done(const void *arg)
{
	return ((const struct outcome *)arg)->calls > 0;
}

static struct http_call_options get(const char *url)
{
	return (struct http_call_options){.method = "GET",
					  .url = url,
					  .timeout_ms = DEADLINE_MS,
					  .response_max = 4000,
					  .follow_redirects = true};
}

static void call(struct world *w, const struct http_call_options *o, struct outcome *out)
{
	struct agni_err err = {0};

	*out = (struct outcome){.w = w};
	if (!http_call_start(w->client, o, on_done, out, &err))
		fail_msg("not started: %s", err.text);
	check_i64(out->calls, 0);
	check(run_until(w, is_done, out));
	check_i64(out->calls, 1);
}

/* The answer must be none, with this code, and the reason must hold `part`. */
static void check_fails(struct world *w, const char *url, int code, const char *part)
{
	struct http_call_options o = get(url);
	struct outcome out;

	call(w, &o, &out);
	if (out.code != code || !strstr(out.error, part))
		fail_msg("%s: %d \"%s\", wanted %d \"%s\"", url, out.code, out.error, code, part);
	check_i64(out.status, 0);
}

/* ---- scripted peers ------------------------------------------------------------------------ */

static void on_served_closed(uv_handle_t *handle)
{
	struct served *s = handle->data;

	s->script->open--;
	free(s);
}

static void served_close(struct served *s)
{
	if (!uv_is_closing((uv_handle_t *)&s->tcp))
		uv_close((uv_handle_t *)&s->tcp, on_served_closed);
}

static void on_written(uv_write_t *write, int status)
{
	(void)status;
	served_close(write->data);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct served *s = handle->data;

	(void)suggested;
	*buf = uv_buf_init(buf_reserve(&s->script->seen, 4096), 4096);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct served *s = stream->data;
	uv_buf_t out;

	(void)buf;
	if (n < 0) {
		served_close(s);
		return;
	}
	s->script->seen.len += (size_t)n;
	if (s->is_answered || !s->answer ||
	    !strstr(buf_cstr(&s->script->seen) + s->from, "\r\n\r\n"))
		return;
	s->is_answered = true;
	out = uv_buf_init(strdup(s->answer), (unsigned)strlen(s->answer));
	check_i64(uv_try_write(stream, &out, 1), (int)out.len);
	free(out.base);
	out = uv_buf_init(NULL, 0);
	uv_write(&s->write, stream, &out, 1, on_written);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct script *script = listener->data;
	struct served *s = calloc(1, sizeof(*s));

	check_i64(status, 0);
	s->script = script;
	s->answer = script->answers[script->served++];
	s->from = script->seen.len;
	script->open++;
	uv_tcp_init(&script->w->loop.uv, &s->tcp);
	s->tcp.data = s->write.data = s;
	check_i64(uv_accept(listener, (uv_stream_t *)&s->tcp), 0);
	uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
}

static void script_start(struct script *s, struct world *w)
{
	struct sockaddr_in addr;
	int len = sizeof(addr);

	*s = (struct script){.w = w, .open = 1};
	uv_tcp_init(&w->loop.uv, &s->listener);
	s->listener.data = s;
	uv_ip4_addr("127.0.0.1", 0, &addr);
	check_i64(uv_tcp_bind(&s->listener, (struct sockaddr *)&addr, 0), 0);
	check_i64(uv_listen((uv_stream_t *)&s->listener, 16, on_connection), 0);
	uv_tcp_getsockname(&s->listener, (struct sockaddr *)&addr, &len);
	s->port = ntohs(addr.sin_port);
}

static void on_listener_closed(uv_handle_t *handle)
{
	((struct script *)handle->data)->open--;
}

static bool is_script_over(const void *arg)
{
	return ((const struct script *)arg)->open == 0;
}

static void script_end(struct script *s)
{
	uv_close((uv_handle_t *)&s->listener, on_listener_closed);
	check(run_until(s->w, is_script_over, s));
	buf_fini(&s->seen);
}

static const char *url_of(const struct script *s, const char *host, const char *path)
{
	static char url[300];

	snprintf(url, sizeof(url), "http://%s:%d%s", host, s->port, path);
	return url;
}

static int count(const char *text, const char *what)
{
	int n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

/* ---- plain --------------------------------------------------------------------------------- */

static void test_get(void **state)
{
	struct world w;
	struct script s;
	struct outcome out;
	struct http_call_options o;
	char want[400];

	(void)state;
	world_start(&w, NULL);
	script_start(&s, &w);
	s.answers[0] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: \"e\"\r\n"
		       "Retry-After: 17\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
	o = get(url_of(&s, "127.0.0.1", "/a/b?ticket=1"));
	o.authorization = "Bearer secret";
	o.headers = "Accept: application/json\r\nX-Y: z\r\n";
	call(&w, &o, &out);
	check_i64(out.code, 0);
	check_str(out.error, "");
	check_i64(out.status, 200);
	check_str(out.body, "abcde");
	check_i64(out.body_len, 5);
	check_str(out.content_type, "text/plain");
	check_str(out.etag, "\"e\"");
	check_i64(out.retry_after_s, 17);
	check_str(out.location, "");
	check_str(out.url, url_of(&s, "127.0.0.1", "/a/b"));
	snprintf(want, sizeof(want),
		 "GET /a/b?ticket=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: agnidata\r\n"
		 "Accept-Encoding: identity\r\nConnection: keep-alive\r\n"
		 "Authorization: Bearer secret\r\nAccept: application/json\r\nX-Y: z\r\n\r\n",
		 s.port);
	check_str(buf_cstr(&s.seen), want);
	script_end(&s);
	world_end(&w);
}

static void test_post_and_delete(void **state)
{
	struct world w;
	struct script s;
	struct outcome out;
	struct http_call_options o;

	(void)state;
	world_start(&w, NULL);
	script_start(&s, &w);
	/* "localhost" may be ::1 first, where nobody listens. */
	s.answers[0] = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n"
		       "Retry-After: soon\r\n\r\nto the end";
	s.answers[1] = "HTTP/1.1 204 No Content\r\n\r\n";
	o = get(url_of(&s, "localhost", "/x"));
	o.method = "POST";
	o.body = "{}";
	o.body_len = 2;
	call(&w, &o, &out);
	check_str(out.error, "");
	check_i64(out.status, 201);
	check_str(out.body, "to the end");
	check_i64(out.retry_after_s, -1);
	check(strstr(buf_cstr(&s.seen), "Content-Length: 2\r\n") != NULL);
	check(strstr(buf_cstr(&s.seen), "\r\n\r\n{}") != NULL);
	o.method = "DELETE";
	o.body_len = 0;
	call(&w, &o, &out);
	check_i64(out.status, 204);
	script_end(&s);
	world_end(&w);
}

static void test_bad_options(void **state)
{
	struct world w;
	struct http_call_options o = get("http://127.0.0.1:1/");
	struct agni_err err = {0};
	struct outcome out = {0};

	(void)state;
	world_start(&w, NULL);
	o.url = "http://example.com/";
	assert_null(http_call_start(w.client, &o, on_done, &out, &err));
	check_i64(err.code, AGNI_ETLS);
	o.url = "http://127.0.0.1.example.com/";
	assert_null(http_call_start(w.client, &o, on_done, &out, &err));
	o.url = "ftp://127.0.0.1/";
	assert_null(http_call_start(w.client, &o, on_done, &out, &err));
	o.url = "ws://127.0.0.1/";
	assert_null(http_call_start(w.client, &o, on_done, &out, &err));
	o.url = "http://u:p@127.0.0.1/";
	assert_null(http_call_start(w.client, &o, on_done, &out, &err));
	o = get("http://127.0.0.1:1/");
	o.authorization = "Bearer a\r\nX: y";
	assert_null(http_call_start(w.client, &o, on_done, &out, &err));
	o = get("http://127.0.0.1:1/");
	o.headers = "X: y";
	assert_null(http_call_start(w.client, &o, on_done, &out, &err));
	o.headers = "X: y\r\n\r\nGET /";
	assert_null(http_call_start(w.client, &o, on_done, &out, &err));
	o = get("http://127.0.0.1:1/");
	o.timeout_ms = 0;
	assert_null(http_call_start(w.client, &o, on_done, &out, &err));
	check_i64(out.calls, 0);
	world_end(&w);
}

static void test_bad_answers(void **state)
{
	static const struct {
		const char *answer;
		int code;
		const char *part;
	} cases[] = {
		{"", AGNI_ECLOSED, "closed"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", AGNI_ECLOSED, "closed"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		 AGNI_ECLOSED, "closed"},
		{"SSH-2.0-x\r\n\r\n", AGNI_EPARSE, "127.0.0.1: "},
		{"HTTP/1.1 200 OK\r\nContent-Length: 4001\r\n\r\nhell", AGNI_ECLOSED, ""},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nh", AGNI_EPARSE,
		 ""},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n0\r\n\r\n",
		 AGNI_EPARSE, ""},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", AGNI_EPROTO, "chunked"},
		{"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
		 AGNI_EPROTO, "compressed"},
		{"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
		 AGNI_EPROTO, "101"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfa1\r\n", AGNI_ELIMIT,
		 "large"},
	};
	struct world w;
	struct script s;

	(void)state;
	world_start(&w, NULL);
	script_start(&s, &w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		s.served = 0;
		s.answers[0] = cases[i].answer;
		check_fails(&w, url_of(&s, "127.0.0.1", "/"), cases[i].code, cases[i].part);
	}
	script_end(&s);
	world_end(&w);
}

static char *repeated(const char *head, char c, size_t n, const char *tail)
{
	char *text = malloc(strlen(head) + n + strlen(tail) + 1);

	strcpy(text, head);
	memset(text + strlen(head), c, n);
	strcpy(text + strlen(head) + n, tail);
	return text;
}

static void test_limits(void **state)
{
	char *head = repeated("HTTP/1.1 200 OK\r\nX: ", 'a', 17000, "\r\n\r\n");
	char *body = repeated("HTTP/1.1 200 OK\r\n\r\n", 'a', 4001, "");
	struct world w;
	struct script s;

	(void)state;
	world_start(&w, NULL);
	script_start(&s, &w);
	s.answers[0] = head;
	s.answers[1] = body;
	check_fails(&w, url_of(&s, "127.0.0.1", "/"), AGNI_ELIMIT, "head");
	check_fails(&w, url_of(&s, "127.0.0.1", "/"), AGNI_ELIMIT, "body");
	free(head);
	free(body);
	script_end(&s);
	world_end(&w);
}

static void test_timeout_and_refused(void **state)
{
	struct world w;
	struct script s;
	struct outcome out;
	struct http_call_options o;
	char url[300];

	(void)state;
	world_start(&w, NULL);
	script_start(&s, &w);
	o = get(url_of(&s, "127.0.0.1", "/"));
	o.timeout_ms = SHORT_MS;
	call(&w, &o, &out);
	check_i64(out.code, AGNI_ETIMEDOUT);
	check(strstr(out.error, "waiting for the answer") != NULL);
	snprintf(url, sizeof(url), "%s", url_of(&s, "127.0.0.1", "/"));
	script_end(&s);
	check_fails(&w, url, UV_ECONNREFUSED, "connect");
	world_end(&w);
}

static void test_cancel_and_close(void **state)
{
	struct world w;
	struct script s;
	struct outcome a = {0}, b = {0};
	struct http_call_options o;
	struct agni_err err;
	struct http_call *call_a;

	(void)state;
	world_start(&w, NULL);
	script_start(&s, &w);
	o = get(url_of(&s, "127.0.0.1", "/"));
	call_a = http_call_start(w.client, &o, on_done, &a, &err);
	assert_non_null(call_a);
	http_call_cancel(call_a); /* while the name is being resolved */
	call_a = http_call_start(w.client, &o, on_done, &a, &err);
	assert_non_null(call_a);
	assert_non_null(http_call_start(w.client, &o, on_done, &b, &err));
	for (int i = 0; i < 1000 && s.served < 2; i++)
		uv_run(&w.loop.uv, UV_RUN_ONCE);
	http_call_cancel(call_a);
	http_client_close(w.client, on_client_closed, &w);
	check_i64(a.calls, 0);
	check_i64(b.calls, 1);
	check_i64(b.code, AGNI_ECANCELED);
	assert_null(http_call_start(w.client, &o, on_done, &b, &err));
	check(run_until(&w, is_closed, &w));
	script_end(&s);
	uv_close((uv_handle_t *)&w.timer, NULL);
	check_i64(loop_fini(&w.loop), 0);
}

/* ---- redirects ------------------------------------------------------------------------------ */

static void test_redirects(void **state)
{
	static const int followed[] = {301, 302, 303, 307, 308};
	struct world w;
	struct script s;
	struct outcome out;
	struct http_call_options o;
	char answer[200];

	(void)state;
	world_start(&w, NULL);
	script_start(&s, &w);
	for (size_t i = 0; i < ARRAY_LEN(followed); i++) {
		snprintf(answer, sizeof(answer),
			 "HTTP/1.1 %d Moved\r\nLocation: next?x=1\r\nContent-Length: 0\r\n\r\n",
			 followed[i]);
		s.served = 0;
		s.answers[0] = answer;
		s.answers[1] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
		buf_reset(&s.seen);
		o = get(url_of(&s, "127.0.0.1", "/a/b"));
		o.authorization = "Bearer secret";
		call(&w, &o, &out);
		check_str(out.body, "ok");
		check_str(out.url, url_of(&s, "127.0.0.1", "/a/next"));
		check(strstr(buf_cstr(&s.seen), "GET /a/next?x=1 HTTP/1.1") != NULL);
		check_i64(count(buf_cstr(&s.seen), "Bearer secret"), 2); /* the same origin */
	}
	/* Not asked to follow, or not a GET: a result like any other. */
	s.served = 0;
	o.follow_redirects = false;
	call(&w, &o, &out);
	check_i64(out.status, 308);
	check_str(out.location, "next?x=1");
	s.served = 0;
	o.follow_redirects = true;
	o.method = "POST";
	call(&w, &o, &out);
	check_i64(out.status, 308);
	script_end(&s);
	world_end(&w);
}

static void test_redirect_loses_authorization(void **state)
{
	struct world w;
	struct script a, b;
	struct outcome out;
	struct http_call_options o;
	char to_b[400], to_a[400];

	(void)state;
	world_start(&w, NULL);
	script_start(&a, &w);
	script_start(&b, &w);
	snprintf(to_b, sizeof(to_b), "HTTP/1.1 302 x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
		 url_of(&b, "127.0.0.1", "/b"));
	snprintf(to_a, sizeof(to_a), "HTTP/1.1 302 x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
		 url_of(&a, "127.0.0.1", "/back"));
	a.answers[0] = to_b;
	b.answers[0] = to_a;
	a.answers[1] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	o = get(url_of(&a, "127.0.0.1", "/"));
	o.authorization = "Bearer secret";
	call(&w, &o, &out);
	check_str(out.body, "ok");
	check_i64(count(buf_cstr(&a.seen), "Bearer secret"), 1); /* nor when it is led back */
	check_i64(count(buf_cstr(&b.seen), "GET /b "), 1);
	check_i64(count(buf_cstr(&b.seen), "uthorization"), 0);
	script_end(&a);
	script_end(&b);
	world_end(&w);
}

static void test_bad_redirects(void **state)
{
	static const struct {
		const char *location;
		int code;
		const char *part;
	} cases[] = {
		{"/again", AGNI_ELIMIT, "5 redirects"},
		{"http://example.com/", AGNI_ETLS, "loopback only"},
		{"redis://127.0.0.1/", AGNI_EUSAGE, "not http"},
		{"ftp://127.0.0.1/", AGNI_EPARSE, "redirect"},
		{"http://a b/", AGNI_EPARSE, "redirect"},
	};
	struct world w;
	struct script s;
	char answer[200];

	(void)state;
	world_start(&w, NULL);
	script_start(&s, &w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(answer, sizeof(answer),
			 "HTTP/1.1 302 x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
			 cases[i].location);
		s.served = 0;
		for (size_t k = 0; k < ARRAY_LEN(s.answers); k++)
			s.answers[k] = answer;
		check_fails(&w, url_of(&s, "127.0.0.1", "/"), cases[i].code, cases[i].part);
		check_i64(s.served, i == 0 ? 6 : 1);
	}
	script_end(&s);
	world_end(&w);
}

/* ---- TLS ------------------------------------------------------------------------------------ */

static struct tls_ca *ca;

static int setup_ca(void **state)
{
	(void)state;
	ca = tls_ca_create();
	return 0;
}

static int teardown_ca(void **state)
{
	(void)state;
	tls_ca_destroy(ca);
	return 0;
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* One https call to `host` against a server with this certificate; what the server has seen. */
static char *call_tls(const char *ca_file, enum tls_leaf leaf, const char *host, const char *answer,
		      int close_notify, struct outcome *out)
{
	struct tls_server *server = tls_server_start(ca, leaf, answer, close_notify);
	struct http_call_options o;
	struct world w;
	char url[300];

	world_start(&w, ca_file);
	snprintf(url, sizeof(url), "https://%s:%d/secret", host, tls_server_port(server));
	o = get(url);
	o.authorization = "Bearer secret";
	call(&w, &o, out);
	world_end(&w);
	return tls_server_stop(server);
}

static void check_tls_ok(enum tls_leaf leaf, const char *host)
{
	struct outcome out;
	char *seen = call_tls(tls_ca_file(ca), leaf, host, OK_ANSWER, 1, &out);

	check_str(out.error, "");
	check_i64(out.status, 200);
	check_str(out.body, "hello");
	check(strstr(seen, "Authorization: Bearer secret\r\n") != NULL);
	free(seen);
}

/* Refused, before a byte of the request has left. */
static void check_tls_refused(const char *ca_file, enum tls_leaf leaf, const char *host,
			      const char *part)
{
	struct outcome out;
	char *seen = call_tls(ca_file, leaf, host, OK_ANSWER, 1, &out);

	if (out.code != AGNI_ETLS || !strstr(out.error, part))
		fail_msg("leaf %d, host %s: %d \"%s\", wanted \"%s\"", (int)leaf, host, out.code,
			 out.error, part);
	check_str(seen, "");
	free(seen);
}

static void test_tls_accepted(void **state)
{
	(void)state;
	check_tls_ok(TLS_LEAF_GOOD, "localhost");
	check_tls_ok(TLS_LEAF_NAME, "localhost");
	check_tls_ok(TLS_LEAF_GOOD, "127.0.0.1"); /* by its address */
}

static void test_tls_refused(void **state)
{
	const char *file = tls_ca_file(ca);

	(void)state;
	/* The system's bundle does not know our authority; or there is none on this machine. */
	check_tls_refused(NULL, TLS_LEAF_GOOD, "localhost", "");
	check_tls_refused(file, TLS_LEAF_FOREIGN, "localhost", "nobody we trust");
	check_tls_refused(file, TLS_LEAF_OTHER, "localhost", "not for localhost");
	check_tls_refused(file, TLS_LEAF_NAME, "127.0.0.1", "not for the address 127.0.0.1");
	check_tls_refused(file, TLS_LEAF_OTHER, "127.0.0.1", "not for the address 127.0.0.1");
	check_tls_refused(file, TLS_LEAF_EXPIRED, "localhost", "expired");
	check_tls_refused(file, TLS_LEAF_FUTURE, "localhost", "not valid yet");
	check_tls_refused("/nonexistent/ca.pem", TLS_LEAF_GOOD, "localhost", "/nonexistent/ca.pem");
}

static void test_tls_bodies(void **state)
{
	char *big = repeated("HTTP/1.1 200 OK\r\nContent-Length: 3900\r\n\r\n", 'b', 3900, "");
	struct outcome out;

	(void)state;
	free(call_tls(tls_ca_file(ca), TLS_LEAF_GOOD, "localhost", big, 1, &out));
	check_i64(out.body_len, 3900);
	free(big);
	/* A body that ends with the connection needs TLS' own word that this is the end. */
	free(call_tls(tls_ca_file(ca), TLS_LEAF_GOOD, "localhost", "HTTP/1.1 200 OK\r\n\r\nall", 1,
		      &out));
	check_str(out.body, "all");
	free(call_tls(tls_ca_file(ca), TLS_LEAF_GOOD, "localhost", "HTTP/1.1 200 OK\r\n\r\ncut", 0,
		      &out));
	check_i64(out.code, AGNI_ECLOSED);
	free(call_tls(tls_ca_file(ca), TLS_LEAF_GOOD, "localhost", OK_ANSWER, 0, &out));
	check_str(out.body, "hello");
}

static void test_tls_no_downgrade(void **state)
{
	struct outcome out;

	(void)state;
	free(call_tls(
		tls_ca_file(ca), TLS_LEAF_GOOD, "localhost",
		"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 1,
		&out));
	check_i64(out.code, AGNI_ETLS);
	check(strstr(out.error, "https to http") != NULL);
}

/* A peer that never goes on with the handshake: the total deadline ends it. */
static void test_tls_against_plain(void **state)
{
	struct world w;
	struct script s;
	struct outcome out;
	struct http_call_options o;
	char url[100];

	(void)state;
	world_start(&w, tls_ca_file(ca));
	script_start(&s, &w);
	s.answers[0] = OK_ANSWER;
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", s.port);
	o = get(url);
	o.timeout_ms = SHORT_MS;
	/* The peer waits for an empty line that never comes. */
	call(&w, &o, &out);
	check_i64(out.code, AGNI_ETIMEDOUT);
	check(strstr(out.error, "TLS handshake") != NULL);
	script_end(&s);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_post_and_delete),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_timeout_and_refused),
		cmocka_unit_test(test_cancel_and_close),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_redirect_loses_authorization),
		cmocka_unit_test(test_bad_redirects),
		cmocka_unit_test(test_tls_accepted),
		cmocka_unit_test(test_tls_refused),
		cmocka_unit_test(test_tls_bodies),
		cmocka_unit_test(test_tls_no_downgrade),
		cmocka_unit_test(test_tls_against_plain),
	};

	return cmocka_run_group_tests(tests, setup_ca, teardown_ca);
}
