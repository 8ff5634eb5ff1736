/* SPDX-License-Identifier: MIT
 *
 * The HTTP client on a real loop, against peers that answer what they were told.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/http_world.h"

static void test_get(void **state)
{
	struct http_world w;
	struct http_peer s;
	struct http_outcome out;
	struct http_call_options o;
	char want[400];

	(void)state;
	http_world_up(&w, NULL);
	http_peer_up(&s, &w);
	s.answers[0] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: \"e\"\r\n"
		       "Retry-After: 17\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
	o = http_get_of(http_peer_url(&s, "127.0.0.1", "/a/b?ticket=1"));
	o.authorization = "Bearer secret";
	o.headers = "Accept: application/json\r\nX-Y: z\r\n";
	http_call_to_the_end(&w, &o, &out);
	check_i64(out.code, 0);
	check_str(out.error, "");
	check_i64(out.status, 200);
	check_str(out.body, "abcde");
	check_i64(out.body_len, 5);
	check_str(out.content_type, "text/plain");
	check_str(out.etag, "\"e\"");
	check_i64(out.retry_after_s, 17);
	check_str(out.location, "");
	check_str(out.url, http_peer_url(&s, "127.0.0.1", "/a/b"));
	snprintf(want, sizeof(want),
		 "GET /a/b?ticket=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: agnidata\r\n"
		 "Accept-Encoding: identity\r\nConnection: keep-alive\r\n"
		 "Authorization: Bearer secret\r\nAccept: application/json\r\nX-Y: z\r\n\r\n",
		 s.port);
	check_str(buf_cstr(&s.seen), want);
	http_peer_down(&s);
	http_world_down(&w);
}

static void test_post_and_delete(void **state)
{
	struct http_world w;
	struct http_peer s;
	struct http_outcome out;
	struct http_call_options o;

	(void)state;
	http_world_up(&w, NULL);
	http_peer_up(&s, &w);
	/* "localhost" may be ::1 first, where nobody listens. */
	s.answers[0] = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n"
		       "Retry-After: soon\r\n\r\nto the end";
	s.answers[1] = "HTTP/1.1 204 No Content\r\n\r\n";
	o = http_get_of(http_peer_url(&s, "localhost", "/x"));
	o.method = "POST";
	o.body = "{}";
	o.body_len = 2;
	http_call_to_the_end(&w, &o, &out);
	check_str(out.error, "");
	check_i64(out.status, 201);
	check_str(out.body, "to the end");
	check_i64(out.retry_after_s, -1);
	check(strstr(buf_cstr(&s.seen), "Content-Length: 2\r\n") != NULL);
	check(strstr(buf_cstr(&s.seen), "\r\n\r\n{}") != NULL);
	o.method = "DELETE";
	o.body_len = 0;
	http_call_to_the_end(&w, &o, &out);
	check_i64(out.status, 204);
	http_peer_down(&s);
	http_world_down(&w);
}

static void test_bad_options(void **state)
{
	struct http_world w;
	struct http_call_options o = http_get_of("http://127.0.0.1:1/");
	struct agni_err err = {0};
	struct http_outcome out = {0};

	(void)state;
	http_world_up(&w, NULL);
	o.url = "http://example.com/";
	assert_null(http_call_start(w.client, &o, http_outcome_take, &out, &err));
	check_i64(err.code, AGNI_ETLS);
	o.url = "http://127.0.0.1.example.com/";
	assert_null(http_call_start(w.client, &o, http_outcome_take, &out, &err));
	o.url = "ftp://127.0.0.1/";
	assert_null(http_call_start(w.client, &o, http_outcome_take, &out, &err));
	o.url = "ws://127.0.0.1/";
	assert_null(http_call_start(w.client, &o, http_outcome_take, &out, &err));
	o.url = "http://u:p@127.0.0.1/";
	assert_null(http_call_start(w.client, &o, http_outcome_take, &out, &err));
	o = http_get_of("http://127.0.0.1:1/");
	o.authorization = "Bearer a\r\nX: y";
	assert_null(http_call_start(w.client, &o, http_outcome_take, &out, &err));
	o = http_get_of("http://127.0.0.1:1/");
	o.headers = "X: y";
	assert_null(http_call_start(w.client, &o, http_outcome_take, &out, &err));
	o.headers = "X: y\r\n\r\nGET /";
	assert_null(http_call_start(w.client, &o, http_outcome_take, &out, &err));
	o = http_get_of("http://127.0.0.1:1/");
	o.timeout_ms = 0;
	assert_null(http_call_start(w.client, &o, http_outcome_take, &out, &err));
	check_i64(out.calls, 0);
	http_world_down(&w);
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
	struct http_world w;
	struct http_peer s;

	(void)state;
	http_world_up(&w, NULL);
	http_peer_up(&s, &w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		s.served = 0;
		s.answers[0] = cases[i].answer;
		http_check_fails(&w, http_peer_url(&s, "127.0.0.1", "/"), cases[i].code,
				 cases[i].part);
	}
	http_peer_down(&s);
	http_world_down(&w);
}

static void test_limits(void **state)
{
	char *head = http_long_answer("HTTP/1.1 200 OK\r\nX: ", 'a', 17000, "\r\n\r\n");
	char *body = http_long_answer("HTTP/1.1 200 OK\r\n\r\n", 'a', 4001, "");
	struct http_world w;
	struct http_peer s;

	(void)state;
	http_world_up(&w, NULL);
	http_peer_up(&s, &w);
	s.answers[0] = head;
	s.answers[1] = body;
	http_check_fails(&w, http_peer_url(&s, "127.0.0.1", "/"), AGNI_ELIMIT, "head");
	http_check_fails(&w, http_peer_url(&s, "127.0.0.1", "/"), AGNI_ELIMIT, "body");
	free(head);
	free(body);
	http_peer_down(&s);
	http_world_down(&w);
}

static void test_timeout_and_refused(void **state)
{
	struct http_world w;
	struct http_peer s;
	struct http_outcome out;
	struct http_call_options o;
	char url[300];

	(void)state;
	http_world_up(&w, NULL);
	http_peer_up(&s, &w);
	o = http_get_of(http_peer_url(&s, "127.0.0.1", "/"));
	o.timeout_ms = HTTP_WORLD_SHORT_MS;
	http_call_to_the_end(&w, &o, &out);
	check_i64(out.code, AGNI_ETIMEDOUT);
	check(strstr(out.error, "waiting for the answer") != NULL);
	snprintf(url, sizeof(url), "%s", http_peer_url(&s, "127.0.0.1", "/"));
	http_peer_down(&s);
	http_check_fails(&w, url, UV_ECONNREFUSED, "connect");
	http_world_down(&w);
}

static void test_cancel_and_close(void **state)
{
	struct http_world w;
	struct http_peer s;
	struct http_outcome a = {0}, b = {0};
	struct http_call_options o;
	struct agni_err err;
	struct http_call *call_a;

	(void)state;
	http_world_up(&w, NULL);
	http_peer_up(&s, &w);
	o = http_get_of(http_peer_url(&s, "127.0.0.1", "/"));
	call_a = http_call_start(w.client, &o, http_outcome_take, &a, &err);
	assert_non_null(call_a);
	http_call_cancel(call_a); /* while the name is being resolved */
	call_a = http_call_start(w.client, &o, http_outcome_take, &a, &err);
	assert_non_null(call_a);
	assert_non_null(http_call_start(w.client, &o, http_outcome_take, &b, &err));
	for (int i = 0; i < 1000 && s.served < 2; i++)
		uv_run(&w.loop.uv, UV_RUN_ONCE);
	http_call_cancel(call_a);
	http_world_close(&w);
	check_i64(a.calls, 0);
	check_i64(b.calls, 1);
	check_i64(b.code, AGNI_ECANCELED);
	assert_null(http_call_start(w.client, &o, http_outcome_take, &b, &err));
	http_peer_down(&s);
	http_world_down(&w);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
