/* SPDX-License-Identifier: MIT
 *
 * test_url: what is taken, what is refused, and where a Location leads.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "core/url.h"

/* "scheme|user|password|host|port|target" of a URL that must be taken. */
static void check_url(const char *text, const char *want)
{
	struct agni_err err = {0};
	char got[4096];
	struct url u;

	if (url_parse(text, &u, &err) != 0)
		fail_msg("%s: %s", text, err.text);
	snprintf(got, sizeof(got), "%s|%s|%s|%s|%d|%s", u.scheme, u.user, u.password, u.host,
		 u.port, u.target);
	check_str(got, want);
}

static void test_parts(void **state)
{
	(void)state;
	check_url("http://h", "http|||h|80|/");
	check_url("HTTPS://API.Upstox.Com/V3/x?q=1#top", "https|||api.upstox.com|443|/V3/x?q=1");
	check_url("ws://127.0.0.1:8080?x", "ws|||127.0.0.1|8080|/?x");
	check_url("wss://[::1]:9/a", "wss|||::1|9|/a");
	check_url("wss://[2001:DB8::1]", "wss|||2001:db8::1|443|/");
	check_url("redis://127.0.0.1:6379/0", "redis|||127.0.0.1|6379|/0");
	check_url("redis://:p%40ss%3aword@h", "redis||p@ss:word|h|6379|/");
	check_url("redis://u:p:q@h/1", "redis|u|p:q|h|6379|/1");
	check_url("http://u@h:65535/", "http|u||h|65535|/");
	check_url("http://h#f?x", "http|||h|80|/");
	check_url("http://h/a@b:c//d", "http|||h|80|/a@b:c//d");
	check_url("http://h/%41|'", "http|||h|80|/%41|'");
}

static void test_what_is_refused(void **state)
{
	static const char *const bad[] = {"",
					  "h",
					  "http:",
					  "http:/h",
					  "://h",
					  "http//h",
					  "ftp://h",
					  "httpx://h",
					  "1http://h",
					  "http://",
					  "http:///x",
					  "http://:80",
					  "http://h:",
					  "http://h:0",
					  "http://h:65536",
					  "http://h:8a",
					  "http://h:-1",
					  "http://h:000080",
					  "http://h:80:80",
					  "http://a@b@c",
					  "http://h\\@evil/",
					  "http://h%41",
					  "http://[::1",
					  "http://[]",
					  "http://[::1]x",
					  "http://[::1%25eth0]",
					  "http://[1.2.3.4]",
					  "http://::1/",
					  "http://h h/",
					  "http://h/ ",
					  " http://h",
					  "http://h\n",
					  "http://h/\r\nX: y",
					  "http://h/\x7f",
					  "http://h/\xc3\xa9",
					  "http://\xd1\x81om/",
					  "http://u%0@h",
					  "http://u%zz@h",
					  "http://u:%00@h",
					  "http://u:a%0ab@h",
					  "http://h,i/",
					  "rediss://h",
					  "http://user%@host/",
					  "javascript:alert(1)"};
	struct url u;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct agni_err err = {0};

		if (url_parse(bad[i], &u, &err) != AGNI_EPARSE || err.text[0] == '\0')
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

static void test_lengths(void **state)
{
	char text[6000], host[600], want[600];
	struct url u;

	(void)state;
	for (int n = 250; n < 262; n++) {
		memset(host, 'h', (size_t)n);
		host[n] = '\0';
		snprintf(text, sizeof(text), "http://%s/", host);
		check_i64(url_parse(text, &u, NULL), n < URL_HOST_MAX ? 0 : AGNI_EPARSE);
	}
	for (int n = 2040; n < 2056; n++) {
		snprintf(text, sizeof(text), "http://h/%0*d", n - 1, 0);
		check_i64(url_parse(text, &u, NULL), n < URL_TARGET_MAX - 1 ? 0 : AGNI_EPARSE);
	}
	for (int n = 60; n < 70; n++) {
		snprintf(text, sizeof(text), "http://%0*d@h", n, 0);
		check_i64(url_parse(text, &u, NULL), n < 64 ? 0 : AGNI_EPARSE);
	}
	snprintf(want, sizeof(want), "%063d", 0);
	snprintf(text, sizeof(text), "http://%s@h", want);
	check_i64(url_parse(text, &u, NULL), 0);
	check_str(u.user, want);
}

static void test_the_password_is_not_in_the_reason(void **state)
{
	static const char *const bad[] = {"http://u:hunter2%zz@h", "http://u:hunter2@h:0",
					  "http://u:hunter2@",     "ftp://u:hunter2@h",
					  "http://u:hunter2@h/ ",  "http://u:hunter2@h@i"};
	struct agni_err err;
	struct url u;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		check_i64(url_parse(bad[i], &u, &err), AGNI_EPARSE);
		check(!strstr(err.text, "hunter2"));
	}
}

static void check_resolve(const char *base, const char *location, const char *want)
{
	struct agni_err err = {0};
	char got[4096];
	struct url b, u;

	check_i64(url_parse(base, &b, NULL), 0);
	if (url_resolve(&b, location, &u, &err) != 0)
		fail_msg("%s: %s", location, err.text);
	snprintf(got, sizeof(got), "%s://%s:%d%s", u.scheme, u.host, u.port, u.target);
	check_str(got, want);
}

static void test_relative_references(void **state)
{
	/* RFC 3986, 5.4, as far as it applies. */
	static const char *const cases[][2] = {{"g", "/b/c/g"},
					       {"./g", "/b/c/g"},
					       {"g/", "/b/c/g/"},
					       {"/g", "/g"},
					       {"?y", "/b/c/d;p?y"},
					       {"g?y", "/b/c/g?y"},
					       {"#s", "/b/c/d;p?q"},
					       {"g#s", "/b/c/g"},
					       {";x", "/b/c/;x"},
					       {"", "/b/c/d;p?q"},
					       {".", "/b/c/"},
					       {"./", "/b/c/"},
					       {"..", "/b/"},
					       {"../", "/b/"},
					       {"../g", "/b/g"},
					       {"../..", "/"},
					       {"../../", "/"},
					       {"../../g", "/g"},
					       {"../../../g", "/g"},
					       {"/./g", "/g"},
					       {"/../g", "/g"},
					       {"g.", "/b/c/g."},
					       {"..g", "/b/c/..g"},
					       {"./../g", "/b/g"},
					       {"g/./h", "/b/c/g/h"},
					       {"g/../h", "/b/c/h"},
					       {"g;x=1/../y", "/b/c/y"},
					       {"g?y/../x", "/b/c/g?y/../x"},
					       {"/g/.", "/g/"},
					       {"/g/h/..", "/g/"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char want[100];

		snprintf(want, sizeof(want), "http://a:80%s", cases[i][1]);
		check_resolve("http://a/b/c/d;p?q", cases[i][0], want);
	}
}

static void test_absolute_references(void **state)
{
	(void)state;
	check_resolve("https://a:1/x", "//B/y", "https://b:443/y");
	check_resolve("https://a:1/x", "https://c:2/a/../y?z", "https://c:2/y?z");
	check_resolve("https://a/x", "http://c", "http://c:80/");
	/* The family of the base stays. */
	check_resolve("wss://api.upstox.com/v3", "https://feed.upstox.com/x?code=1",
		      "wss://feed.upstox.com:443/x?code=1");
	check_resolve("https://a/", "wss://b/x", "https://b:443/x");
	check_resolve("ws://a/", "http://b:81/x", "ws://b:81/x");
	check_resolve("ws://a/", "https://b/x", "wss://b:443/x");
}

static void test_resolve_refuses(void **state)
{
	static const char *const bad[] = {"http:g",   "ftp://x/",    "javascript:1", "//",
					  "/a b",     "/a\r\nX: y",  "http://",      "//h:0/",
					  "//u@v@h/", "data:text,x", "\xc3\xa9"};
	struct url base, u;
	char text[5000];

	(void)state;
	check_i64(url_parse("http://a/b", &base, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (url_resolve(&base, bad[i], &u, NULL) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	}
	for (int n = 2000; n < 2600; n++) {
		snprintf(text, sizeof(text), "/%0*d", n, 0);
		check_i64(url_resolve(&base, text, &u, NULL),
			  n + 1 < URL_TARGET_MAX - 1 ? 0 : AGNI_EPARSE);
		snprintf(text, sizeof(text), "//h/%0*d", n, 0);
		check_i64(url_resolve(&base, text, &u, NULL),
			  n + 1 < URL_TARGET_MAX - 1 ? 0 : AGNI_EPARSE);
	}
}

static void test_credentials_do_not_travel(void **state)
{
	struct url base, u;

	(void)state;
	check_i64(url_parse("http://u:p@a/b", &base, NULL), 0);
	check_i64(url_resolve(&base, "/c", &u, NULL), 0);
	check_str(u.password, "p");
	check_i64(url_resolve(&base, "//a/c", &u, NULL), 0);
	check_str(u.password, "");
	check_i64(url_resolve(&base, "http://b/c", &u, NULL), 0);
	check_str(u.user, "");
}

static bool same(const char *a, const char *b)
{
	struct url ua, ub;

	check_i64(url_parse(a, &ua, NULL), 0);
	check_i64(url_parse(b, &ub, NULL), 0);
	return url_same_origin(&ua, &ub);
}

static void test_origins(void **state)
{
	(void)state;
	check(same("https://a/x", "https://A:443/y"));
	check(same("https://a/x", "wss://a/x"));
	check(same("http://a/x", "ws://a:80/x"));
	check(!same("https://a/", "http://a:443/"));
	check(!same("https://a/", "https://a:444/"));
	check(!same("https://a/", "https://a.b/"));
}

static void test_loopback(void **state)
{
	(void)state;
	check(host_is_loopback("127.0.0.1") && host_is_loopback("127.255.0.9"));
	check(host_is_loopback("::1") && host_is_loopback("localhost"));
	check(host_is_loopback("LocalHost"));
	check(!host_is_loopback("127.evil.com") && !host_is_loopback("localhost.evil.com"));
	check(!host_is_loopback("0.0.0.0") && !host_is_loopback("::"));
	check(!host_is_loopback("128.0.0.1") && !host_is_loopback("127.1"));
	check(!host_is_loopback("") && !host_is_loopback("::2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_the_password_is_not_in_the_reason),
		cmocka_unit_test(test_relative_references),
		cmocka_unit_test(test_absolute_references),
		cmocka_unit_test(test_resolve_refuses),
		cmocka_unit_test(test_credentials_do_not_travel),
		cmocka_unit_test(test_origins),
		cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
