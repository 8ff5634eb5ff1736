/* SPDX-License-Identifier: MIT
 *
 * Redirects that the HTTP client follows, and what it does not take along.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/http_world.h"

static int count(const char *text, const char *what)
{
	int n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

static void test_redirects(void **state)
{
	static const int followed[] = {301, 302, 303, 307, 308};
	struct http_world w;
	struct http_peer s;
	struct http_outcome out;
	struct http_call_options o;
	char answer[200];

	(void)state;
	http_world_up(&w, NULL);
	http_peer_up(&s, &w);
	for (size_t i = 0; i < ARRAY_LEN(followed); i++) {
		snprintf(answer, sizeof(answer),
			 "HTTP/1.1 %d Moved\r\nLocation: next?x=1\r\nContent-Length: 0\r\n\r\n",
			 followed[i]);
		s.served = 0;
		s.answers[0] = answer;
		s.answers[1] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
		buf_reset(&s.seen);
		o = http_get_of(http_peer_url(&s, "127.0.0.1", "/a/b"));
		o.authorization = "Bearer secret";
		http_call_to_the_end(&w, &o, &out);
		check_str(out.body, "ok");
		check_str(out.url, http_peer_url(&s, "127.0.0.1", "/a/next"));
		check(strstr(buf_cstr(&s.seen), "GET /a/next?x=1 HTTP/1.1") != NULL);
		check_i64(count(buf_cstr(&s.seen), "Bearer secret"), 2); /* the same origin */
	}
	/* Not asked to follow, or not a GET: a result like any other. */
	s.served = 0;
	o.follow_redirects = false;
	http_call_to_the_end(&w, &o, &out);
	check_i64(out.status, 308);
	check_str(out.location, "next?x=1");
	s.served = 0;
	o.follow_redirects = true;
	o.method = "POST";
	http_call_to_the_end(&w, &o, &out);
	check_i64(out.status, 308);
	http_peer_down(&s);
	http_world_down(&w);
}

static void test_redirect_loses_authorization(void **state)
{
	struct http_world w;
	struct http_peer a, b;
	struct http_outcome out;
	struct http_call_options o;
	char to_b[400], to_a[400];

	(void)state;
	http_world_up(&w, NULL);
	http_peer_up(&a, &w);
	http_peer_up(&b, &w);
	snprintf(to_b, sizeof(to_b), "HTTP/1.1 302 x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
		 http_peer_url(&b, "127.0.0.1", "/b"));
	snprintf(to_a, sizeof(to_a), "HTTP/1.1 302 x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
		 http_peer_url(&a, "127.0.0.1", "/back"));
	a.answers[0] = to_b;
	b.answers[0] = to_a;
	a.answers[1] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	o = http_get_of(http_peer_url(&a, "127.0.0.1", "/"));
	o.authorization = "Bearer secret";
	http_call_to_the_end(&w, &o, &out);
	check_str(out.body, "ok");
	check_i64(count(buf_cstr(&a.seen), "Bearer secret"), 1); /* nor when it is led back */
	check_i64(count(buf_cstr(&b.seen), "GET /b "), 1);
	check_i64(count(buf_cstr(&b.seen), "uthorization"), 0);
	http_peer_down(&a);
	http_peer_down(&b);
	http_world_down(&w);
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
	struct http_world w;
	struct http_peer s;
	char answer[200];

	(void)state;
	http_world_up(&w, NULL);
	http_peer_up(&s, &w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(answer, sizeof(answer),
			 "HTTP/1.1 302 x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
			 cases[i].location);
		s.served = 0;
		for (size_t k = 0; k < ARRAY_LEN(s.answers); k++)
			s.answers[k] = answer;
		http_check_fails(&w, http_peer_url(&s, "127.0.0.1", "/"), cases[i].code,
				 cases[i].part);
		check_i64(s.served, i == 0 ? 6 : 1);
	}
	http_peer_down(&s);
	http_world_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_redirect_loses_authorization),
		cmocka_unit_test(test_bad_redirects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
