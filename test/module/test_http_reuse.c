/* SPDX-License-Identifier: MIT
 *
 * Connections of the HTTP client that serve more than one call: when they do, when they must not,
 * and a peer that closes one at the very moment of its reuse.
 */
#include <signal.h>
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/http_world.h"
#include "../lib/tls_files.h"
#include "http/server.h"
#include "signals/webhook.h"

#define CALLS_MAX 8

/* A peer that does with the n-th request what plan[n] says:
 *   a  answers "n"              c  the same, and says that it closes   s  the same, closes in silence
 *   x  closes without an answer r  resets                              h  half an answer, then closes
 *   j  answers, with junk behind b  a body that ends with the connection
 *   l  302 to /next             t  nothing at all
 *   k  answers, says that it closes, and does not
 */
struct keeper {
	struct http_world *w;
	uv_tcp_t listener;
	int port;
	const char *plan;
	int accepted, requests, open; /* open: connections */
	struct buf seen;
	bool is_listening;
};

struct kept {
	struct keeper *k;
	uv_tcp_t tcp;
	char in[4096];
};

/* ---- the peer ------------------------------------------------------------------------------ */

static void on_kept_closed(uv_handle_t *handle)
{
	struct kept *c = handle->data;

	c->k->open--;
	free(c);
}

static void kept_close(struct kept *c)
{
	if (!uv_is_closing((uv_handle_t *)&c->tcp))
		uv_close((uv_handle_t *)&c->tcp, on_kept_closed);
}

static void say(struct kept *c, const char *text)
{
	uv_buf_t out = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));

	check_i64(uv_try_write((uv_stream_t *)&c->tcp, &out, 1), (int)out.len);
}

static void answer(struct kept *c, const char *more)
{
	char text[300];

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n%s\r\n%d", more,
		 c->k->requests % 10);
	say(c, text);
}

static void act(struct kept *c, char what)
{
	if (strchr("acsjk", what))
		answer(c, what == 'c' || what == 'k' ? "Connection: close\r\n" : "");
	if (what == 'j')
		say(c, "junk");
	if (what == 'h')
		say(c, "HTTP/1.1 200 OK\r\nContent-Le");
	if (what == 'b')
		say(c, "HTTP/1.1 200 OK\r\n\r\nb");
	if (what == 'l')
		say(c, "HTTP/1.1 302 x\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n");
	if (what == 'r')
		uv_tcp_close_reset(&c->tcp, on_kept_closed);
	if (strchr("csxhb", what))
		kept_close(c);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct kept *c = handle->data;

	(void)suggested;
	*buf = uv_buf_init(c->in, sizeof(c->in));
}

/* A request is small and comes in one piece, a body and all. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct kept *c = stream->data;
	struct keeper *k = c->k;

	if (n < 0) {
		kept_close(c);
		return;
	}
	buf_append(&k->seen, buf->base, (size_t)n);
	check((size_t)k->requests < strlen(k->plan));
	act(c, k->plan[k->requests++]);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct keeper *k = listener->data;
	struct kept *c = calloc(1, sizeof(*c));

	check_i64(status, 0);
	c->k = k;
	k->accepted++;
	k->open++;
	uv_tcp_init(&k->w->loop.uv, &c->tcp);
	c->tcp.data = c;
	check_i64(uv_accept(listener, (uv_stream_t *)&c->tcp), 0);
	uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

static void keeper_up(struct keeper *k, struct http_world *w, const char *plan)
{
	struct sockaddr_in addr;
	int len = sizeof(addr);

	*k = (struct keeper){.w = w, .plan = plan, .is_listening = true};
	uv_tcp_init(&w->loop.uv, &k->listener);
	k->listener.data = k;
	uv_ip4_addr("127.0.0.1", 0, &addr);
	check_i64(uv_tcp_bind(&k->listener, (struct sockaddr *)&addr, 0), 0);
	check_i64(uv_listen((uv_stream_t *)&k->listener, 16, on_connection), 0);
	uv_tcp_getsockname(&k->listener, (struct sockaddr *)&addr, &len);
	k->port = ntohs(addr.sin_port);
}

static void on_listener_closed(uv_handle_t *handle)
{
	((struct keeper *)handle->data)->is_listening = false;
}

static bool is_empty(const void *arg)
{
	return ((const struct keeper *)arg)->open == 0;
}

static bool is_gone(const void *arg)
{
	return is_empty(arg) && !((const struct keeper *)arg)->is_listening;
}

/* The client lets go of its connections first. */
static void both_down(struct http_world *w, struct keeper *k)
{
	http_client_keep(w->client, 0, 0);
	uv_close((uv_handle_t *)&k->listener, on_listener_closed);
	check(http_world_until(w, is_gone, k));
	buf_fini(&k->seen);
	http_world_down(w);
}

/* ---- calls --------------------------------------------------------------------------------- */

static struct http_call *start(struct http_world *w, const char *method, const char *host, int port,
			       struct http_outcome *out)
{
	struct agni_err err;
	struct http_call *call;
	char url[100];
	struct http_call_options o = {.method = method,
				      .url = url,
				      .authorization = "Bearer secret",
				      .timeout_ms = HTTP_WORLD_DEADLINE_MS / 2,
				      .response_max = 1000,
				      .follow_redirects = true};

	snprintf(url, sizeof(url), "%s:%d/x", host, port);
	*out = (struct http_outcome){0};
	call = http_call_start(w->client, &o, http_outcome_take, out, &err);
	if (!call)
		fail_msg("%s", err.text);
	check_i64(out->calls, 0);
	return call;
}

static struct http_outcome ask(struct keeper *k, const char *method)
{
	struct http_outcome o;

	start(k->w, method, "http://127.0.0.1", k->port, &o);
	check(http_world_until(k->w, http_outcome_is_there, &o));
	check_i64(o.calls, 1);
	return o;
}

static void check_answer(struct keeper *k, const char *method, const char *body)
{
	struct http_outcome o = ask(k, method);

	check_str(o.error, "");
	check_str(o.body, body);
}

static void check_fails(struct keeper *k, const char *method, int code)
{
	struct http_outcome o = ask(k, method);

	if (o.code != code)
		fail_msg("%d \"%s\", wanted %d", o.code, o.error, code);
}

static void check_counts(const struct keeper *k, int accepted, int requests)
{
	check_i64(k->accepted, accepted);
	check_i64(k->requests, requests);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void test_reuse(void **state)
{
	struct http_world w;
	struct keeper k;

	(void)state;
	http_world_up(&w, NULL);
	keeper_up(&k, &w, "aaaaa");
	for (int i = 1; i <= 5; i++)
		check_answer(&k, i == 3 ? "DELETE" : "GET", (char[]){(char)('0' + i), 0});
	check_counts(&k, 1, 5);
	check(strstr(buf_cstr(&k.seen), "Connection: keep-alive\r\n") != NULL);
	both_down(&w, &k);
}

/* The peer closes, or resets, when the second request comes: sent once more, on a new connection. */
static void test_stale(void **state)
{
	static const char *const plans[] = {"axa", "ara"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		struct http_world w;
		struct keeper k;

		for (int is_delete = 0; is_delete < 2; is_delete++) {
			http_world_up(&w, NULL);
			keeper_up(&k, &w, plans[i]);
			check_answer(&k, "GET", "1");
			check_answer(&k, is_delete ? "DELETE" : "GET", "3");
			check_counts(&k, 2, 3);
			both_down(&w, &k);
		}
	}
}

static void test_retried_once(void **state)
{
	struct http_world w;
	struct keeper k;

	(void)state;
	http_world_up(&w, NULL);
	keeper_up(&k, &w, "axxa");
	check_answer(&k, "GET", "1");
	check_fails(&k, "GET", AGNI_ECLOSED);
	check_counts(&k, 2, 3);
	check_answer(&k, "GET", "4");
	both_down(&w, &k);
}

/* A new connection that is closed says something of the peer: not tried again. */
static void test_new_connections_are_not_retried(void **state)
{
	struct http_world w;
	struct keeper k;

	(void)state;
	http_world_up(&w, NULL);
	keeper_up(&k, &w, "xr");
	check_fails(&k, "GET", AGNI_ECLOSED);
	check_fails(&k, "GET", UV_ECONNRESET);
	check_counts(&k, 2, 2);
	both_down(&w, &k);
}

/* A POST is never sent twice: it has a connection of its own, which others may use afterwards. */
static void test_post(void **state)
{
	struct http_world w;
	struct keeper k;

	(void)state;
	http_world_up(&w, NULL);
	keeper_up(&k, &w, "aaaxa");
	check_answer(&k, "GET", "1");
	check_answer(&k, "POST", "2");
	check_counts(&k, 2, 2);
	check_answer(&k, "GET", "3");
	check_counts(&k, 2, 3);
	check_fails(&k, "POST", AGNI_ECLOSED);
	check_counts(&k, 3, 4);
	check_answer(&k, "GET", "5");
	check_counts(&k, 3, 5);
	both_down(&w, &k);
}

static void on_hook_closed(void *arg)
{
	*(bool *)arg = true;
}

static bool is_closed(const void *arg)
{
	return *(const bool *)arg;
}

static bool is_idle(const void *arg)
{
	return ((const struct webhook *)arg)->waiting == 0;
}

static void send_signal(struct webhook *hook, struct http_world *w, const char *id)
{
	webhook_add(hook, id, "{}", 2);
	check(http_world_until(w, is_idle, hook));
}

/* A receiver may serve one connection at a time: signals take the one that is there. It knows a signal
 * that comes twice by its id, so one that the peer has closed meanwhile is no failure. */
static void test_webhook(void **state)
{
	struct http_world w;
	struct keeper k;
	struct webhook hook;
	char url[64], secret[] = "0123456789abcdef";
	struct signals_config cfg = {.webhook_url = url,
				     .webhook_secret = secret,
				     .webhook_timeout_ms = 20000,
				     .webhook_retry_ms = 10};
	bool gone = false;

	(void)state;
	http_world_up(&w, NULL);
	keeper_up(&k, &w, "aaaxa");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", k.port);
	webhook_init(&hook, &w.loop, w.client, &cfg, "sim");
	send_signal(&hook, &w, "1");
	send_signal(&hook, &w, "2");
	send_signal(&hook, &w, "3");
	check_counts(&k, 1, 3);
	send_signal(&hook, &w, "4");
	check_counts(&k, 2, 5);
	check_i64(hook.delivered, 4);
	check_i64(hook.retries, 0);
	webhook_stop(&hook, on_hook_closed, &gone);
	check(http_world_until(&w, is_closed, &gone));
	both_down(&w, &k);
}

/* Part of an answer has come: the request was heard, and may have done something. */
static void test_half_an_answer(void **state)
{
	struct http_world w;
	struct keeper k;

	(void)state;
	http_world_up(&w, NULL);
	keeper_up(&k, &w, "aha");
	check_answer(&k, "GET", "1");
	check_fails(&k, "GET", AGNI_ECLOSED);
	check_counts(&k, 1, 2);
	check_answer(&k, "GET", "3");
	both_down(&w, &k);
}

/* Answers after which a connection must not be used again. */
static void test_not_reusable(void **state)
{
	static const char *const plans[] = {"ca", "ka", "ja", "ba"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		struct http_world w;
		struct keeper k;

		http_world_up(&w, NULL);
		keeper_up(&k, &w, plans[i]);
		(void)ask(&k, "GET");
		check_answer(&k, "GET", "2");
		check_counts(&k, 2, 2);
		both_down(&w, &k);
	}
}

/* The peer closes an idle connection in silence: the next call does not even try it. */
static void test_closed_while_idle(void **state)
{
	struct http_world w;
	struct keeper k;

	(void)state;
	http_world_up(&w, NULL);
	keeper_up(&k, &w, "sa");
	check_answer(&k, "GET", "1");
	check(http_world_until(&w, is_empty, &k));
	for (int i = 0; i < 20; i++)
		uv_run(&w.loop.uv, UV_RUN_NOWAIT);
	check_answer(&k, "GET", "2");
	check_counts(&k, 2, 2);
	both_down(&w, &k);
}

static void test_redirect_stays_on_it(void **state)
{
	struct http_world w;
	struct keeper k;

	(void)state;
	http_world_up(&w, NULL);
	keeper_up(&k, &w, "la");
	check_answer(&k, "GET", "2");
	check_counts(&k, 1, 2);
	check(strstr(buf_cstr(&k.seen), "GET /next ") != NULL);
	both_down(&w, &k);
}

static bool has_two(const void *arg)
{
	return ((const struct keeper *)arg)->open <= 2;
}

static void ask_together(struct keeper *k, int n)
{
	struct http_outcome o[CALLS_MAX];

	for (int i = 0; i < n; i++)
		start(k->w, "GET", "http://127.0.0.1", k->port, &o[i]);
	for (int i = 0; i < n; i++) {
		check(http_world_until(k->w, http_outcome_is_there, &o[i]));
		check_str(o[i].error, "");
	}
}

/* Calls at the same time have a connection each; two of these are kept. */
static void test_bounded(void **state)
{
	struct http_world w;
	struct keeper k;

	(void)state;
	http_world_up(&w, NULL);
	http_client_keep(w.client, 2, HTTP_WORLD_DEADLINE_MS);
	keeper_up(&k, &w, "aaaaaaaaa");
	ask_together(&k, 5);
	check_i64(k.accepted, 5);
	check(http_world_until(&w, has_two, &k));
	ask_together(&k, 2);
	check_counts(&k, 5, 7);
	http_client_keep(w.client, 0, 0);
	check(http_world_until(&w, is_empty, &k));
	buf_reset(&k.seen);
	check_answer(&k, "GET", "8");
	check(strstr(buf_cstr(&k.seen), "Connection: close\r\n") != NULL);
	check(http_world_until(&w, is_empty, &k));
	both_down(&w, &k);
}

static void test_idle_too_long(void **state)
{
	struct http_world w;
	struct keeper k;

	(void)state;
	http_world_up(&w, NULL);
	http_client_keep(w.client, 8, 30);
	keeper_up(&k, &w, "aa");
	check_answer(&k, "GET", "1");
	check_i64(k.open, 1);
	check(http_world_until(&w, is_empty, &k));
	check_answer(&k, "GET", "2");
	check_counts(&k, 2, 2);
	both_down(&w, &k);
}

/* Another host or port is another origin, even where it is the same machine. */
static void test_origins_are_apart(void **state)
{
	struct http_world w;
	struct keeper a, b;
	struct http_outcome o;

	(void)state;
	http_world_up(&w, NULL);
	keeper_up(&a, &w, "aaa");
	keeper_up(&b, &w, "aa");
	check_answer(&a, "GET", "1");
	check_answer(&b, "GET", "1");
	start(&w, "GET", "http://localhost", a.port, &o);
	check(http_world_until(&w, http_outcome_is_there, &o));
	check_str(o.body, "2");
	check_answer(&b, "GET", "2");
	check_answer(&a, "GET", "3");
	check_counts(&a, 2, 3);
	check_counts(&b, 1, 2);
	http_client_keep(w.client, 0, 0);
	uv_close((uv_handle_t *)&b.listener, on_listener_closed);
	check(http_world_until(&w, is_gone, &b));
	buf_fini(&b.seen);
	both_down(&w, &a);
}

static bool has_asked_twice(const void *arg)
{
	return ((const struct keeper *)arg)->requests == 2;
}

/* A call that is cancelled or runs out of time takes its connection with it. */
static void test_given_up(void **state)
{
	struct http_world w;
	struct keeper k;
	struct http_outcome o;
	struct http_call *call;
	struct agni_err err;
	char url[100];

	(void)state;
	http_world_up(&w, NULL);
	keeper_up(&k, &w, "atata");
	check_answer(&k, "GET", "1");
	call = start(&w, "GET", "http://127.0.0.1", k.port, &o);
	check(http_world_until(&w, has_asked_twice, &k));
	http_call_cancel(call);
	check(http_world_until(&w, is_empty, &k));
	check_answer(&k, "GET", "3");
	check_counts(&k, 2, 3);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", k.port);
	o = (struct http_outcome){0};
	call = http_call_start(
		w.client,
		&(struct http_call_options){
			.method = "GET", .url = url, .timeout_ms = 50, .response_max = 100},
		http_outcome_take, &o, &err);
	assert_non_null(call);
	check(http_world_until(&w, http_outcome_is_there, &o));
	check_i64(o.code, AGNI_ETIMEDOUT);
	check_answer(&k, "GET", "5");
	check_counts(&k, 3, 5);
	/* And one that is cancelled before its turn has come. */
	call = start(&w, "GET", "http://127.0.0.1", k.port, &o);
	http_call_cancel(call);
	check(http_world_until(&w, is_empty, &k));
	check_i64(k.requests, 5);
	both_down(&w, &k);
}

/* A limit is that of the call, not of the connection's first one. */
static void test_limits_are_the_calls(void **state)
{
	struct http_world w;
	struct keeper k;
	struct http_outcome o = {0};
	struct agni_err err;
	char url[100];

	(void)state;
	http_world_up(&w, NULL);
	keeper_up(&k, &w, "aa");
	check_answer(&k, "GET", "1");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", k.port);
	assert_non_null(
		http_call_start(w.client,
				&(struct http_call_options){.method = "GET",
							    .url = url,
							    .timeout_ms = HTTP_WORLD_DEADLINE_MS,
							    .response_max = 0},
				http_outcome_take, &o, &err));
	check(http_world_until(&w, http_outcome_is_there, &o));
	check_i64(o.code, AGNI_ELIMIT);
	check_i64(k.accepted, 1);
	both_down(&w, &k);
}

/* ---- TLS ------------------------------------------------------------------------------------ */

static void on_hello(void *arg, struct http_request *r)
{
	(void)arg;
	http_respond(r, 200, "text/plain", NULL, "hello", 5);
}

static const struct http_route routes[] = {
	{.method = "GET", .pattern = "/x", .handle = on_hello},
	{.method = NULL},
};

static bool has_no_connection(const void *arg)
{
	return http_server_stats(arg)->connections == 0;
}

static void on_stopped(void *arg)
{
	*(bool *)arg = true;
}

static bool is_true(const void *arg)
{
	return *(const bool *)arg;
}

static struct http_server *serve_tls(struct http_world *w, struct tls_files *f, int64_t idle_ms)
{
	char cert[128], key[128];
	struct http_server_config cfg = {.loop = &w->loop,
					 .host = "127.0.0.1",
					 .limits = {.header_timeout_ms = HTTP_WORLD_DEADLINE_MS,
						    .body_timeout_ms = HTTP_WORLD_DEADLINE_MS,
						    .idle_timeout_ms = idle_ms,
						    .head_max_bytes = 16384,
						    .target_max_bytes = 8192,
						    .headers_max = 100,
						    .body_max_bytes = 65536,
						    .connections_max = 100},
					 .routes = routes,
					 .tls_cert = cert,
					 .tls_key = key};
	struct http_server *s;
	struct agni_err err;

	snprintf(cert, sizeof(cert), "%s", tls_files_path(f, "good.pem"));
	snprintf(key, sizeof(key), "%s", tls_files_path(f, "good.key"));
	if (http_server_create(&cfg, &s, &err) < 0 || http_server_listen(s, &err) < 0)
		fail_msg("%s", err.text);
	return s;
}

static void ask_tls(struct http_world *w, int port, struct http_outcome *o)
{
	start(w, "GET", "https://localhost", port, o);
	check(http_world_until(w, http_outcome_is_there, o));
}

static void test_tls(void **state)
{
	struct tls_files f;
	struct http_world w;
	struct http_server *s;
	struct http_outcome o;
	bool is_stopped = false;
	int port;

	(void)state;
	if (!tls_files_make(&f)) {
		print_message("no openssl command\n");
		skip();
	}
	http_world_up(&w, tls_files_path(&f, "ca.pem"));
	s = serve_tls(&w, &f, 300);
	port = http_server_port(s);
	for (int i = 0; i < 4; i++) {
		ask_tls(&w, port, &o);
		check_str(o.error, "");
		check_str(o.body, "hello");
	}
	check_i64(http_server_stats(s)->tls_handshakes_total, 1);
	/* The peer closes the idle one; the next call begins with a handshake of its own. */
	check(http_world_until(&w, has_no_connection, s));
	ask_tls(&w, port, &o);
	check_str(o.body, "hello");
	check_i64(http_server_stats(s)->tls_handshakes_total, 2);
	/* It closes as we ask: tried again on a new connection, which nobody takes any more. */
	http_server_stop(s, 0, on_stopped, &is_stopped);
	ask_tls(&w, port, &o);
	check_i64(o.code, UV_ECONNREFUSED);
	check(http_world_until(&w, is_true, &is_stopped));
	http_world_down(&w);
	tls_files_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_retried_once),
		cmocka_unit_test(test_new_connections_are_not_retried),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_webhook),
		cmocka_unit_test(test_half_an_answer),
		cmocka_unit_test(test_not_reusable),
		cmocka_unit_test(test_closed_while_idle),
		cmocka_unit_test(test_redirect_stays_on_it),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_idle_too_long),
		cmocka_unit_test(test_origins_are_apart),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_limits_are_the_calls),
		cmocka_unit_test(test_tls),
	};

	signal(SIGPIPE, SIG_IGN); /* as the server does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
