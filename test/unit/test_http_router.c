/* SPDX-License-Identifier: MIT
 *
 * router: which route a path belongs to, and what its parameters are.
 */
#include "../lib/check.h"

#include "http/router.h"

static void handler(void *arg, struct http_request *r)
{
	(void)arg;
	(void)r;
}

static const struct http_route table[] = {
	{"GET", "/", handler, NULL, 0},
	{"GET", "/quotes", handler, NULL, 0},
	{"GET", "/quotes/{key}", handler, NULL, 0},
	{"GET", "/instruments/resolve", handler, NULL, 0},
	{"GET", "/instruments/{id}", handler, NULL, 0},
	{"GET", "/chain/{underlying}/legs/{leg}", handler, NULL, 0},
	{"POST", "/token/update", handler, NULL, 0},
	{"GET", "/token/{name}", handler, NULL, 0},
	{"DELETE", "/token/{name}", handler, NULL, 0},
	{0},
};

/* The pattern that `path` is routed to, or the methods that it has, or "none". */
static const char *routed(struct route_match *m, const char *method, const char *path)
{
	route_find(table, 0, method, path, m);
	if (m->route)
		return m->route->pattern;
	return m->allow[0] ? m->allow : "none";
}

static void test_patterns(void **state)
{
	struct route_match m = {0};

	(void)state;
	check_str(routed(&m, "GET", "/"), "/");
	check_str(routed(&m, "GET", "/quotes"), "/quotes");
	check_str(routed(&m, "HEAD", "/quotes"), "/quotes");
	check_str(routed(&m, "GET", "/quotes/a"), "/quotes/{key}");
	check_str(routed(&m, "GET", "/instruments/resolve"), "/instruments/resolve");
	check_str(routed(&m, "GET", "/instruments/resolver"), "/instruments/{id}");
	check_str(routed(&m, "GET", ""), "none");
	check_str(routed(&m, "GET", "/quote"), "none");
	check_str(routed(&m, "GET", "/quotess"), "none");
	check_str(routed(&m, "GET", "/quotes/"), "none"); /* a parameter is not empty */
	check_str(routed(&m, "GET", "/QUOTES"), "none");
	check_str(routed(&m, "GET", "*"), "none");
	route_match_fini(&m);
}

static void test_params(void **state)
{
	struct route_match m = {0};

	(void)state;
	routed(&m, "GET", "/quotes/NSE_FO|45450/x");
	check_str(route_param(&m, "key"), "NSE_FO|45450/x"); /* the last takes the rest */
	assert_null(route_param(&m, "ke"));
	assert_null(route_param(&m, "keys"));
	check_str(routed(&m, "GET", "/chain/NIFTY/legs/CE/1"), "/chain/{underlying}/legs/{leg}");
	check_str(route_param(&m, "underlying"), "NIFTY");
	check_str(route_param(&m, "leg"), "CE/1");
	check_str(routed(&m, "GET", "/chain//legs/CE"), "none");
	check_str(routed(&m, "GET", "/chain/a/b/legs/CE"), "none");
	assert_null(route_param(&m, "underlying")); /* nothing is left of a former match */
	route_match_fini(&m);
}

static void test_methods(void **state)
{
	struct route_match m = {0};

	(void)state;
	check_str(routed(&m, "PUT", "/quotes"), "GET, HEAD");
	check_str(routed(&m, "GET", "/token/update"), "/token/{name}");
	check_str(routed(&m, "POST", "/token/update"), "/token/update");
	check_str(routed(&m, "PUT", "/token/update"), "POST, GET, HEAD, DELETE");
	check_str(routed(&m, "HEAD", "/token/x"), "/token/{name}");
	check_str(routed(&m, "POST", "/token/x"), "GET, HEAD, DELETE");
	check_str(routed(&m, "get", "/quotes"), "GET, HEAD");
	/* A table of known length needs no end. */
	route_find(table, 2, "GET", "/quotes/a", &m);
	assert_null(m.route);
	route_match_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
