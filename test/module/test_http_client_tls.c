/* SPDX-License-Identifier: MIT
 *
 * The HTTP client over TLS, against a small server with certificates made for the test: whom it
 * believes, and where a body ends.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/http_world.h"
#include "../lib/tls_fixture.h"

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
		      int close_notify, struct http_outcome *out)
{
	struct tls_server *server = tls_server_start(ca, leaf, answer, close_notify);
	struct http_call_options o;
	struct http_world w;
	char url[300];

	http_world_up(&w, ca_file);
	snprintf(url, sizeof(url), "https://%s:%d/secret", host, tls_server_port(server));
	o = http_get_of(url);
	o.authorization = "Bearer secret";
	http_call_to_the_end(&w, &o, out);
	http_world_down(&w);
	return tls_server_stop(server);
}

static void check_tls_ok(enum tls_leaf leaf, const char *host)
{
	struct http_outcome out;
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
	struct http_outcome out;
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
	char *big =
		http_long_answer("HTTP/1.1 200 OK\r\nContent-Length: 3900\r\n\r\n", 'b', 3900, "");
	struct http_outcome out;

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
	struct http_outcome out;

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
	struct http_world w;
	struct http_peer s;
	struct http_outcome out;
	struct http_call_options o;
	char url[100];

	(void)state;
	http_world_up(&w, tls_ca_file(ca));
	http_peer_up(&s, &w);
	s.answers[0] = OK_ANSWER;
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", s.port);
	o = http_get_of(url);
	o.timeout_ms = HTTP_WORLD_SHORT_MS;
	/* The peer waits for an empty line that never comes. */
	http_call_to_the_end(&w, &o, &out);
	check_i64(out.code, AGNI_ETIMEDOUT);
	check(strstr(out.error, "TLS handshake") != NULL);
	http_peer_down(&s);
	http_world_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls_accepted),      cmocka_unit_test(test_tls_refused),
		cmocka_unit_test(test_tls_bodies),        cmocka_unit_test(test_tls_no_downgrade),
		cmocka_unit_test(test_tls_against_plain),
	};

	return cmocka_run_group_tests(tests, setup_ca, teardown_ca);
}
