/* SPDX-License-Identifier: MIT
 *
 * The feed's way to an open socket when the broker sends it elsewhere, and over TLS: where the token
 * may go, and where it may not.
 */
#include <stdio.h>

#include "../lib/broker.h"
#include "../lib/check.h"
#include "../lib/tls_fixture.h"

struct route_of {
	char location[8][256];
	struct script_reply replies[8];
	unsigned n;
};

/* `%` in the text stands for the port. */
static void route_add(struct route_of *r, int status, const char *to, int port)
{
	int host = (int)strcspn(to, "%");

	if (to[host])
		snprintf(r->location[r->n], sizeof(r->location[0]), "Location: %.*s%d%s\r\n", host,
			 to, port, to + host + 1);
	else
		snprintf(r->location[r->n], sizeof(r->location[0]), "Location: %s\r\n", to);
	r->replies[r->n] = (struct script_reply){status, "", r->location[r->n]};
	r->n++;
}

static void broker_up_direct(struct broker *b)
{
	broker_up(b);
	snprintf(b->feed_url, sizeof(b->feed_url), "ws://127.0.0.1:%d/start?x=1", b->api.port);
}

/* Five hops, all five statuses, all forms of a Location; the last one leaves the origin. */
static void test_redirects(void **state)
{
	static const char *const paths[] = {"/start", "/two", "/three", "/four", "/five"};
	struct broker b;
	struct route_of r = {0};

	(void)state;
	broker_up_direct(&b);
	route_add(&r, 301, "/two", 0);
	route_add(&r, 302, "ws://127.0.0.1:%/three", b.api.port);
	route_add(&r, 303, "http://127.0.0.1:%/four", b.api.port);
	route_add(&r, 307, "five?code=1", 0);
	route_add(&r, 308, "ws://127.0.0.1:%/end?requestId=9", b.gate.port);
	script_set(&b.api, r.replies, r.n);
	broker_connect(&b);
	check_i64(b.api.asked, 5);
	for (unsigned i = 0; i < 5; i++) {
		check_str(b.api.heard[i].path, paths[i]);
		check_str(b.api.heard[i].authorization, "Bearer tok1"); /* the same origin */
	}
	check_str(b.gate.path, "/end");
	check_str(b.gate.authorization, ""); /* another port is another origin */
	broker_down(&b);
}

/* Once the token was left behind it does not come back: not on the origin that did not get it, and
 * not on the one that it came from. */
static void test_token_does_not_return(void **state)
{
	static const char *const hosts[] = {"ws://127.0.0.1:%/a", "ws://localhost:%/b", "/c",
					    "ws://127.0.0.1:%/d"};
	struct broker b;
	struct route_of r = {0};

	(void)state;
	broker_up_direct(&b);
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		route_add(&r, 302, hosts[i], b.api.port);
	route_add(&r, 302, "ws://127.0.0.1:%/end", b.gate.port);
	script_set(&b.api, r.replies, r.n);
	broker_connect(&b);
	check_i64(b.api.asked, 5);
	for (unsigned i = 0; i < 5; i++)
		check_str(b.api.heard[i].authorization, i < 2 ? "Bearer tok1" : "");
	check_str(b.gate.authorization, "");
	broker_down(&b);
}

static void test_too_many_redirects(void **state)
{
	struct broker b;
	struct route_of r = {0};

	(void)state;
	broker_up_direct(&b);
	b.cfg.backoff_min_ms = b.cfg.backoff_max_ms = 60000;
	route_add(&r, 302, "/again", 0);
	script_set(&b.api, r.replies, r.n);
	broker_start(&b);
	broker_until(&b, FEED_BACKOFF);
	check(strstr(b.feed->why, "redirects") != NULL);
	check_i64(b.api.asked, 6);
	broker_down(&b);
}

/* A Location that leads nowhere is a fault like any other, not a loop and not the end. */
static void test_bad_redirects(void **state)
{
	static const char *const bad[] = {"ftp://127.0.0.1:%/", "ws://", "ws://example.com/plain",
					  "http://[::1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct broker b;
		struct route_of r = {0};

		broker_up_direct(&b);
		b.cfg.backoff_min_ms = b.cfg.backoff_max_ms = 60000;
		route_add(&r, 302, bad[i], b.api.port);
		script_set(&b.api, r.replies, r.n);
		broker_start(&b);
		broker_until(&b, FEED_BACKOFF);
		check_i64(b.api.asked, 1);
		broker_down(&b);
	}
}

/* wss answers with a Location that is plain: the token stays home and nothing is connected. */
static void test_tls_to_plain(void **state)
{
	struct tls_ca *ca = tls_ca_create();
	struct tls_server *tls;
	char answer[256], *heard;
	struct broker b;

	(void)state;
	broker_up(&b);
	b.cfg.backoff_min_ms = b.cfg.backoff_max_ms = 60000;
	snprintf(answer, sizeof(answer),
		 "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:%d/plain\r\n"
		 "Content-Length: 0\r\nConnection: close\r\n\r\n",
		 b.gate.port);
	tls = tls_server_start(ca, TLS_LEAF_GOOD, answer, 1);
	snprintf(b.ca_file, sizeof(b.ca_file), "%s", tls_ca_file(ca));
	snprintf(b.feed_url, sizeof(b.feed_url), "wss://localhost:%d/x", tls_server_port(tls));
	broker_start(&b);
	broker_until(&b, FEED_BACKOFF);
	if (!strstr(b.feed->why, "plain text"))
		fail_msg("%s", b.feed->why);
	check_i64(b.gate.handshakes, 0);
	broker_down(&b);
	heard = tls_server_stop(tls);
	check(strstr(heard, "Bearer tok1") != NULL); /* it was asked, over TLS */
	free(heard);
	tls_ca_destroy(ca);
}

/* A broker whose certificate is not in order hears nothing of the token, whether it is asked for the
 * feed's address or for the feed itself; why, the feed says. */
static void check_upstream_tls(struct tls_ca *ca, enum tls_leaf leaf, bool is_direct,
			       const char *why)
{
	struct tls_server *tls = tls_server_start(
		ca, leaf, "HTTP/1.1 500 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 1);
	char *heard, url[64];
	struct broker b;

	broker_up_trusting(&b, tls_ca_file(ca));
	b.cfg.backoff_min_ms = b.cfg.backoff_max_ms = 60000;
	snprintf(url, sizeof(url), "%s://localhost:%d/", is_direct ? "wss" : "https",
		 tls_server_port(tls));
	snprintf(is_direct ? b.feed_url : b.api_url, sizeof(b.api_url), "%s", url);
	broker_start(&b);
	broker_until(&b, FEED_BACKOFF);
	if (!strstr(b.feed->why, why))
		fail_msg("leaf %d: \"%s\", wanted \"%s\"", (int)leaf, b.feed->why, why);
	check_i64(module_metric(b.token_mod, "refusals_total"), 0);
	broker_down(&b);
	heard = tls_server_stop(tls);
	check_i64(strstr(heard, "Bearer tok1") != NULL, leaf == TLS_LEAF_GOOD);
	free(heard);
}

static void test_upstream_certificates(void **state)
{
	struct tls_ca *ca = tls_ca_create();

	(void)state;
	check_upstream_tls(ca, TLS_LEAF_GOOD, false, "500");
	check_upstream_tls(ca, TLS_LEAF_EXPIRED, false, "has expired");
	check_upstream_tls(ca, TLS_LEAF_FUTURE, false, "not valid yet");
	check_upstream_tls(ca, TLS_LEAF_OTHER, false, "not for localhost");
	check_upstream_tls(ca, TLS_LEAF_FOREIGN, false, "signed by nobody we trust");
	/* libwebsockets 4.1 does not say what was wrong. */
	check_upstream_tls(ca, TLS_LEAF_GOOD, true, "500");
	check_upstream_tls(ca, TLS_LEAF_EXPIRED, true, "");
	check_upstream_tls(ca, TLS_LEAF_FUTURE, true, "");
	check_upstream_tls(ca, TLS_LEAF_OTHER, true, "");
	check_upstream_tls(ca, TLS_LEAF_FOREIGN, true, "");
	tls_ca_destroy(ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_token_does_not_return),
		cmocka_unit_test(test_too_many_redirects),
		cmocka_unit_test(test_bad_redirects),
		cmocka_unit_test(test_tls_to_plain),
		cmocka_unit_test(test_upstream_certificates),
	};

	return cmocka_run_group_tests(tests, broker_log_begin, broker_log_end);
}
