/* SPDX-License-Identifier: MIT
 *
 * test_listen: who may listen where.
 */
#include "../lib/check.h"
#include "core/listen.h"

static void test_loopback(void **state)
{
	static const char *const good[] = {"127.0.0.1:8000", "127.1.2.3:0", "[::1]:1",
					   "127.0.0.1:65535"};
	char host[64];
	int port;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		check_i64(listen_parse("http.listen", good[i], NULL, host, &port, NULL), 0);
	check_str(host, "127.0.0.1");
	check_i64(port, 65535);
}

/* Any other address needs both, and the line says what is missing. */
static void test_other_addresses(void **state)
{
	static const char *const others[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:80",
					     "[2001:db8::1]:1"};
	char host[64];
	int port;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		for (int has = 0; has < 4; has++) {
			struct listen_guard guard = {has & 1, has & 2};
			struct agni_err err = {0};
			int rc =
				listen_parse("stream.listen", others[i], &guard, host, &port, &err);

			check_i64(rc, has == 3 ? 0 : AGNI_ECONFIG);
			if (rc == 0)
				continue;
			check(strncmp(err.text, "stream.listen: ", 15) == 0);
			check(strstr(err.text, "is not a loopback address") != NULL);
			check(strstr(err.text, "stream.tls_cert") && strstr(err.text, "API keys"));
			check(!strstr(err.text, "agnidata key add") == guard.has_keys);
		}
		check_i64(listen_parse("stream.listen", others[i], NULL, host, &port, NULL),
			  AGNI_ECONFIG);
	}
}

static void test_no_address(void **state)
{
	static const char *const bad[] = {
		"", "8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", ":80"};
	const struct listen_guard all = {true, true};
	char host[64];
	int port;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct agni_err err = {0};

		check_i64(listen_parse("http.listen", bad[i], &all, host, &port, &err),
			  AGNI_ECONFIG);
		check(strstr(err.text, "address:port") != NULL);
	}
}

/* A listener needs an address: a name would have to be looked up, and may have two. */
static void test_name(void **state)
{
	const struct listen_guard all = {true, true};
	struct agni_err err = {0};
	char host[64];
	int port;

	(void)state;
	check_i64(listen_parse("http.listen", "localhost:80", &all, host, &port, &err),
		  AGNI_ECONFIG);
	check(strstr(err.text, "127.0.0.1") != NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_other_addresses),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
