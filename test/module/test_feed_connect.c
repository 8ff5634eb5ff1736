/* SPDX-License-Identifier: MIT
 *
 * The feed's way to an open socket: authorize, redirects, refusals, and how it is given up. What
 * happens on an open connection is in test_feed.c.
 */
#include <stdio.h>

#include "../lib/broker.h"
#include "../lib/canned.h"
#include "../lib/check.h"
#include "../lib/tls_fixture.h"

#define AUTHORIZE "/v3/feed/market-data-feed/authorize"

static void test_authorize(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	broker_connect(&b);
	check_i64(b.api.asked, 1);
	check_str(b.api.heard[0].path, AUTHORIZE);
	check_str(b.api.heard[0].authorization, "Bearer tok1");
	check_i64(b.gate.handshakes, 1);
	check_str(b.gate.path, "/feeds");
	check_str(b.gate.authorization, ""); /* the URI's code is the credential */
	check(b.statuses >= 3);
	broker_down(&b);
	check_i64(b.gate.close_code, 1000);
}

/* Both spellings of the key; what is no address; what is no answer. */
static void test_authorize_answers(void **state)
{
	static const struct script_reply bad[] = {
		{200, "{\"data\":{}}", NULL},
		{200, "{\"data\":{\"authorized_redirect_uri\":7}}", NULL},
		{200, "{\"data\":{\"authorized_redirect_uri\":\"nowhere\"}}", NULL},
		{200, "{\"data\":{\"authorized_redirect_uri\":\"ws://example.com/x\"}}", NULL},
		{200, "not JSON", NULL},
		{200, "[]", NULL},
		{200, "", NULL},
		{204, NULL, NULL},
		{404, "{}", NULL},
		{429, "<html>slow down</html>", NULL},
		{500, "", NULL},
		{503, "", NULL},
	};
	struct script_reply replies[ARRAY_LEN(bad) + 1];
	struct broker b;

	(void)state;
	memcpy(replies, bad, sizeof(bad));
	broker_up(&b);
	snprintf(b.uri[1], sizeof(b.uri[1]),
		 "{\"data\":{\"authorizedRedirectUri\":\"ws://127.0.0.1:%d/camel\"}}", b.gate.port);
	replies[ARRAY_LEN(bad)] = (struct script_reply){200, b.uri[1], NULL};
	script_set(&b.api, replies, ARRAY_LEN(replies));
	broker_connect(&b);
	check_i64(b.api.asked, ARRAY_LEN(replies)); /* each was tried again once */
	check_str(b.gate.path, "/camel");
	check_i64(b.token_api.asked, 1); /* none of them says anything about the token */
	broker_down(&b);
}

/* A server that says when to come again is not asked before. */
static void test_retry_after(void **state)
{
	struct script_reply replies[2] = {{429, "", "Retry-After: 1\r\n"}};
	struct broker b;

	(void)state;
	broker_up(&b);
	replies[1] = b.authorized[0];
	script_set(&b.api, replies, 2);
	broker_start(&b);
	broker_until(&b, FEED_BACKOFF);
	check(strstr(b.feed->why, "again in 1000 ms") != NULL);
	ws_rig_for(&b.rig, 700);
	check_i64(b.api.asked, 1);
	broker_until(&b, FEED_SUBSCRIBING);
	check_i64(b.api.asked, 2);
	broker_down(&b);
}

/* --- 401 and 403 ------------------------------------------------------------------------------ */

static bool has_failed_twice(void *arg)
{
	return module_metric(((struct broker *)arg)->token_mod, "fetch_errors_total") >= 2;
}

/* The token API fails for a while; meanwhile nothing may be asked with the dead token. */
static void wait_for_new_token(struct broker *b, unsigned *asked)
{
	static const struct script_reply failing[] = {{500, "", NULL}};
	static const struct script_reply later[] = {
		{200, "{\"success\":true,\"access_token\":\"tok2\"}", NULL}};
	unsigned before;

	script_set(&b->token_api, failing, 1);
	broker_start(b);
	broker_until(b, FEED_WAITING_TOKEN);
	before = *asked;
	rig_until(&b->rig, has_failed_twice, b);
	check_i64(*asked, before);
	check_i64(b->feed->state, FEED_WAITING_TOKEN);
	check(strstr(b->feed->why, "401") != NULL);
	script_set(&b->token_api, later, 1);
}

static void test_401_at_authorize(void **state)
{
	struct broker b;
	struct script_reply replies[2] = {{401, "{\"status\":\"error\"}", NULL}};

	(void)state;
	broker_up(&b);
	replies[1] = b.authorized[0];
	script_set(&b.api, replies, 2);
	wait_for_new_token(&b, &b.api.asked);
	broker_until(&b, FEED_SUBSCRIBING);
	check_i64(b.api.asked, 2);
	check_str(b.api.heard[1].authorization, "Bearer tok2");
	check_i64(module_metric(b.token_mod, "refusals_total"), 1);
	broker_down(&b);
}

static void test_401_at_handshake(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	snprintf(b.feed_url, sizeof(b.feed_url), "ws://127.0.0.1:%d/direct", b.gate.port);
	b.gate.refuse_status = 401;
	wait_for_new_token(&b, &b.gate.handshakes);
	check_str(b.gate.authorization, "Bearer tok1");
	b.gate.refuse_status = 0;
	broker_until(&b, FEED_SUBSCRIBING);
	check_i64(b.gate.handshakes, 2);
	check_str(b.gate.authorization, "Bearer tok2");
	check_i64(b.api.asked, 0);
	broker_down(&b);
}

/* A one-use URI that is too old is not the token's fault: a fresh one is asked for, once. */
static void test_401_of_a_uri(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	b.gate.refuse_status = 401;
	broker_start(&b);
	broker_until(&b, FEED_BACKOFF);
	check(strstr(b.feed->why, "401") != NULL);
	check_i64(b.gate.handshakes, 1);
	b.gate.refuse_status = 0;
	broker_until(&b, FEED_SUBSCRIBING);
	check_i64(b.api.asked, 2);
	check_str(b.api.heard[1].authorization, "Bearer tok1");
	check_i64(module_metric(b.token_mod, "refusals_total"), 0);
	/* It was the first one since a connection stood: the next one is the first again. */
	b.gate.refuse_status = 401;
	ws_conn_abort(b.gate.conn);
	while (b.gate.handshakes < 3)
		ws_rig_turn(&b.rig);
	b.gate.refuse_status = 0;
	broker_until(&b, FEED_BACKOFF);
	broker_until(&b, FEED_SUBSCRIBING);
	check_i64(module_metric(b.token_mod, "refusals_total"), 0);
	broker_down(&b);
}

/* Two fresh ones in a row: it is the token, or as good as that. */
static void test_401_of_two_uris(void **state)
{
	static const struct script_reply none[] = {{500, "", NULL}};
	struct broker b;

	(void)state;
	broker_up(&b);
	script_set(&b.token_api, none, 1);
	b.gate.refuse_status = 401;
	broker_start(&b);
	broker_until(&b, FEED_WAITING_TOKEN);
	check_i64(b.gate.handshakes, 2);
	check_i64(b.api.asked, 2);
	check_i64(module_metric(b.token_mod, "refusals_total"), 1);
	ws_rig_for(&b.rig, 150);
	check_i64(b.gate.handshakes, 2);
	broker_down(&b);
}

/* Somebody else noticed first, and the new token was there before our 401: it is used. */
static void test_401_of_an_old_token(void **state)
{
	static const struct script_reply silent[] = {{0, NULL, NULL}};
	struct broker b;

	(void)state;
	broker_up(&b);
	script_set(&b.api, silent, 1);
	broker_start(&b);
	check_i64(b.feed->state, FEED_AUTHORIZING);
	token_refuse(b.token, 1);
	while (token_get_state(b.token) != TOKEN_READY)
		ws_rig_turn(&b.rig);
	check_i64(b.feed->state, FEED_AUTHORIZING);
	script_set(&b.api, b.authorized, 1);
	feed_unauthorized(b.feed, "a test"); /* as the answer 401 would */
	broker_until(&b, FEED_SUBSCRIBING);
	check_str(b.api.heard[b.api.asked - 1].authorization, "Bearer tok2");
	check_i64(module_metric(b.token_mod, "refusals_total"), 1);
	broker_down(&b);
}

static void test_403_at_authorize(void **state)
{
	struct broker b;
	struct script_reply replies[2] = {{403, "{}", NULL}};
	uint64_t begin;

	(void)state;
	broker_up(&b);
	replies[1] = b.authorized[0];
	script_set(&b.api, replies, 2);
	b.cfg.forbidden_retry_s = 1;
	begin = uv_hrtime();
	broker_start(&b);
	broker_until(&b, FEED_FORBIDDEN);
	broker_until(&b, FEED_AUTHORIZING);
	check(uv_hrtime() - begin >= 990 * NS_PER_MS);
	check_i64(b.token_api.asked, 1); /* the token is not blamed */
	broker_until(&b, FEED_SUBSCRIBING);
	check_i64(b.api.asked, 2);
	broker_down(&b);
}

/* forbidden_retry_s is an hour here: a new token ends it. */
static void test_403_at_handshake(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	b.gate.refuse_status = 403;
	broker_start(&b);
	broker_until(&b, FEED_FORBIDDEN);
	ws_rig_for(&b.rig, 150);
	check_i64(b.gate.handshakes, 1);
	b.gate.refuse_status = 0;
	token_refuse(b.token, 1);
	broker_until(&b, FEED_SUBSCRIBING);
	check_i64(b.gate.handshakes, 2);
	broker_down(&b);
}

/* --- redirects -------------------------------------------------------------------------------- */

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

/* --- giving up -------------------------------------------------------------------------------- */

/* A peer that accepts and says nothing: one deadline, one failure, and the dead attempt's end does
 * not disturb the next one. */
static void test_silent_peer(void **state)
{
	struct broker b;
	struct canned silent;

	(void)state;
	broker_up(&b);
	b.cfg.connect_timeout_ms = 1000; /* the CA bundle is read meanwhile */
	b.cfg.backoff_min_ms = b.cfg.backoff_max_ms = 60000;
	snprintf(b.feed_url, sizeof(b.feed_url), "ws://127.0.0.1:%d/",
		 canned_start(&silent, &b.rig.loop.uv, "", 0, true));
	broker_start(&b);
	broker_until(&b, FEED_CONNECTING);
	broker_until(&b, FEED_BACKOFF);
	check_i64(silent.accepted, 1);
	if (!strstr(b.feed->why, "1000 ms"))
		fail_msg("%s", b.feed->why);
	ws_rig_for(&b.rig, 100); /* its end is reported by the library meanwhile */
	check_i64(b.feed->backoff.tries, 1);
	if (!strstr(b.feed->why, "1000 ms"))
		fail_msg("%s", b.feed->why);
	/* The next attempt starts before the dead one is gone. */
	b.cfg.connect_timeout_ms = 10000;
	uv_timer_stop(&b.feed->timer);
	feed_attempt(b.feed);
	while (silent.accepted < 2)
		ws_rig_turn(&b.rig);
	feed_fail(b.feed, "given up by the test");
	uv_timer_stop(&b.feed->timer);
	snprintf(b.feed_url, sizeof(b.feed_url), "ws://127.0.0.1:%d/", b.gate.port);
	feed_attempt(b.feed);
	broker_until(&b, FEED_SUBSCRIBING);
	ws_rig_for(&b.rig, 100);
	check_i64(b.feed->state, FEED_SUBSCRIBING);
	check_i64(b.feed->backoff.tries, 2);
	check_i64(b.gate.opens, 1);
	canned_stop(&silent);
	broker_down(&b);
}

/* Nobody listens; then somebody does. */
static void test_refused_connection(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	snprintf(b.feed_url, sizeof(b.feed_url), "ws://127.0.0.1:1/");
	broker_start(&b);
	broker_until(&b, FEED_BACKOFF);
	broker_until(&b, FEED_CONNECTING);
	broker_until(&b, FEED_BACKOFF);
	snprintf(b.feed_url, sizeof(b.feed_url), "ws://127.0.0.1:%d/", b.gate.port);
	broker_until(&b, FEED_SUBSCRIBING);
	check_str(b.gate.authorization, "Bearer tok1");
	broker_down(&b);
}

/* Stopped in every state on the way: broker_down() fails when anything is left behind. */
static void test_stop_anywhere(void **state)
{
	static const struct script_reply silent[] = {{0, NULL, NULL}}, dead[] = {{401, "", NULL}},
					 forbidden[] = {{403, "", NULL}},
					 down[] = {{500, "", NULL}};
	static const struct {
		const struct script_reply *api;
		enum feed_state state;
	} stops[] = {
		{silent, FEED_AUTHORIZING},
		{dead, FEED_WAITING_TOKEN},
		{forbidden, FEED_FORBIDDEN},
		{down, FEED_BACKOFF},
	};
	struct broker b;
	struct canned mute;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stops); i++) {
		broker_up(&b);
		script_set(&b.api, stops[i].api, 1);
		broker_start(&b);
		broker_until(&b, stops[i].state);
		broker_down(&b);
	}
	/* While the name is resolved, and while the handshake is not answered. */
	for (unsigned accepted = 0; accepted < 2; accepted++) {
		broker_up(&b);
		snprintf(b.feed_url, sizeof(b.feed_url), "ws://localhost:%d/",
			 canned_start(&mute, &b.rig.loop.uv, "", 0, true));
		broker_start(&b);
		check_i64(b.feed->state, FEED_CONNECTING);
		while (mute.accepted < accepted)
			ws_rig_turn(&b.rig);
		canned_stop(&mute);
		broker_down(&b);
	}
	/* Started, and never begun. */
	broker_up(&b);
	broker_start(&b);
	broker_down(&b);
}

static int quiet(void **state)
{
	(void)state;
	log_capture();
	return 0;
}

/* --- from one token to the next --------------------------------------------------------------- */

#define KEY "NSE_FO|1"
#define T0  1769160569000

static void on_offered(void *arg, const struct proof_result *r)
{
	check_i64(r->verdict, PROOF_GOOD);
	*(bool *)arg = true;
}

static bool is_true(void *arg)
{
	return *(bool *)arg;
}

/* A new token is put in place while data flows. */
static void put_new_token(struct broker *b)
{
	struct agni_err err;
	bool done = false;

	check_i64(token_offer(b->token,
			      &(struct token_offer){.token = "tok-new", .origin = ORIGIN_UPDATE},
			      on_offered, &done, &err),
		  0);
	rig_until(&b->rig, is_true, &done);
}

static struct upstream_status status_of(const struct broker *b)
{
	struct upstream_view view = feed_view(b->feed);
	struct upstream_status st;

	view.status(view.arg, &st);
	return st;
}

static int64_t ltp_of(const struct broker *b)
{
	inst_id id = instruments_find(&b->market.book.instruments, KEY, strlen(KEY));
	const struct slot *slot = id == INST_NONE ? NULL : book_slot(&b->market.book, id);

	return slot ? slot->q.ltp : 0;
}

static void until_ltp(struct broker *b, int64_t ltp)
{
	for (int i = 0; ltp_of(b) != ltp; i++) {
		check(i < 20000);
		check(status_of(b).is_live); /* all the while */
		ws_rig_turn(&b->rig);
	}
}

static void live(struct broker *b)
{
	inst_id id;

	broker_up(b);
	id = instruments_intern(&b->market.book.instruments, KEY, strlen(KEY));
	interest_add(&b->market.interest, id, WANT_FULL);
	broker_connect(b);
	gate_say_ltp(b, FEED_INITIAL, T0, KEY, 10000);
	broker_until(b, FEED_UP);
}

static bool has_two(void *arg)
{
	const struct broker *b = arg;

	return b->gate.opens == 2 && b->gate.requests == 2;
}

static bool has_one(void *arg)
{
	return ((const struct broker *)arg)->gate.closes == 1;
}

/* Make before break: the old connection is heard until the new one has data, and then no more. */
static void test_swap(void **state)
{
	struct broker b;

	(void)state;
	live(&b);
	put_new_token(&b);
	rig_until(&b.rig, has_two, &b);
	check_i64(b.api.asked, 2);
	check_str(b.api.heard[1].authorization, "Bearer tok-new");
	check(status_of(&b).is_live);
	check_str(status_of(&b).state, "live");
	gate_old_says_ltp(&b, FEED_LIVE, T0 + 1, KEY, 20000);
	until_ltp(&b, 20000);
	check_i64(b.gate.closes, 0);
	gate_say_ltp(&b, FEED_INITIAL, T0 + 2, KEY, 30000);
	until_ltp(&b, 30000);
	if (b.gate.old) /* what it still says is nobody's business */
		gate_old_says_ltp(&b, FEED_LIVE, T0 + 3, KEY, 40000);
	rig_until(&b.rig, has_one, &b);
	check_i64(b.gate.close_code, 1000);
	check_i64(ltp_of(&b), 30000);
	check_i64(b.market.tape.seq, 3);
	check_i64(b.feed->state, FEED_UP);
	check_i64(module_metric(b.mod, "swaps_total"), 1);
	check_str(b.gate.asked.data, "sub full " KEY "\nsub full " KEY "\n");
	broker_down(&b);
}

/* Yet another token before the new connection has brought data: still one that serves and one that
 * is being opened, and none that is forgotten. */
static void test_swap_twice(void **state)
{
	struct broker b;

	(void)state;
	live(&b);
	put_new_token(&b);
	rig_until(&b.rig, has_two, &b);
	put_new_token(&b);
	while (b.gate.opens < 3 || b.gate.requests < 3)
		ws_rig_turn(&b.rig);
	check(status_of(&b).is_live);
	gate_say_ltp(&b, FEED_INITIAL, T0 + 2, KEY, 30000);
	until_ltp(&b, 30000);
	while (b.gate.closes < 2)
		ws_rig_turn(&b.rig);
	check_i64(b.feed->state, FEED_UP);
	broker_down(&b);
}

/* The broker takes no second connection: the old one makes room. */
static void test_swap_without_room(void **state)
{
	struct broker b;

	(void)state;
	live(&b);
	b.gate.refuse_status = 403;
	put_new_token(&b);
	rig_until(&b.rig, has_one, &b);
	check_i64(b.gate.close_code, 1000);
	b.gate.refuse_status = 0;
	broker_until(&b, FEED_SUBSCRIBING);
	gate_say_ltp(&b, FEED_INITIAL, T0 + 2, KEY, 30000);
	broker_until(&b, FEED_UP);
	broker_down(&b);
}

/* Trouble on the way of the new one: the old one serves, also what is asked for meanwhile. */
static void test_swap_in_trouble(void **state)
{
	const struct script_reply broken = {500, "", NULL};
	struct broker b;
	inst_id id;

	(void)state;
	live(&b);
	script_set(&b.api, &broken, 1);
	put_new_token(&b);
	broker_until(&b, FEED_BACKOFF);
	check(status_of(&b).is_live);
	id = instruments_intern(&b.market.book.instruments, "NSE_FO|2", 8);
	interest_add(&b.market.interest, id, WANT_LTPC);
	broker_until_requests(&b, 2);
	gate_say_ltp(&b, FEED_LIVE, T0 + 1, KEY, 20000);
	until_ltp(&b, 20000);
	script_set(&b.api, b.authorized, 1);
	while (b.gate.opens < 2)
		ws_rig_turn(&b.rig);
	gate_say_ltp(&b, FEED_INITIAL, T0 + 2, KEY, 30000);
	until_ltp(&b, 30000);
	broker_down(&b);
}

/* The old connection breaks before the new one is there: down, and up again. */
static void test_swap_and_break(void **state)
{
	static const struct script_reply silent[] = {{0, NULL, NULL}};
	struct broker b;

	(void)state;
	live(&b);
	script_set(&b.api, silent, 1);
	put_new_token(&b);
	broker_until(&b, FEED_AUTHORIZING);
	ws_conn_abort(b.gate.conn);
	while (status_of(&b).is_live)
		ws_rig_turn(&b.rig);
	check_i64(b.feed->state, FEED_AUTHORIZING);
	check_i64(module_metric(b.mod, "up"), 0);
	broker_down(&b);
}

/* The new connection breaks before it has brought data: the old one goes on as long as it takes. */
static void test_swap_and_break_again(void **state)
{
	const struct script_reply broken = {500, "", NULL};
	struct broker b;

	(void)state;
	live(&b);
	clock_init_manual(&b.rig.clock, CLOCK_SYSTEM, T0);
	b.feed->up_mono = b.feed->moved_mono = clock_mono(&b.rig.clock);
	put_new_token(&b);
	rig_until(&b.rig, has_two, &b);
	script_set(&b.api, &broken, 1);
	ws_conn_abort(b.gate.conn);
	broker_until(&b, FEED_BACKOFF);
	clock_advance(&b.rig.clock, 11000);
	uv_timer_start(&b.feed->watch, b.feed->watch.timer_cb, 0, 10);
	ws_rig_for(&b.rig, 50);
	check(status_of(&b).is_live);
	check_i64(b.gate.closes, 1);
	gate_old_says_ltp(&b, FEED_LIVE, T0 + 1, KEY, 20000);
	until_ltp(&b, 20000);
	broker_down(&b);
}

/* Beyond repair: a proper goodbye, a code for programs, and no more attempts. */
static void test_token_failed(void **state)
{
	static const struct script_reply same[] = {
		{200, "{\"success\":true,\"access_token\":\"tok1\"}", NULL}};
	struct broker b;

	(void)state;
	live(&b);
	b.keeper.cfg.retries = 1;
	script_set(&b.token_api, same, 1);
	token_refuse(b.token, 1);
	check(status_of(&b).is_live); /* the connection is not closed for a refusal elsewhere */
	rig_until(&b.rig, has_one, &b);
	check_i64(b.gate.close_code, 1000);
	check_i64(b.feed->state, FEED_WAITING_TOKEN);
	check_str(status_of(&b).code, "token_failed");
	check(!status_of(&b).is_live);
	check(strstr(status_of(&b).why, "a new one is needed") != NULL);
	put_new_token(&b);
	broker_until(&b, FEED_SUBSCRIBING);
	broker_down(&b);
}

/* No token was ever logged. */
static int check_log(void **state)
{
	int leaks =
		strstr(log_captured(), "tok1") != NULL || strstr(log_captured(), "tok2") != NULL;

	(void)state;
	log_release();
	return leaks;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_authorize),
		cmocka_unit_test(test_authorize_answers),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_401_at_authorize),
		cmocka_unit_test(test_401_at_handshake),
		cmocka_unit_test(test_401_of_a_uri),
		cmocka_unit_test(test_401_of_two_uris),
		cmocka_unit_test(test_401_of_an_old_token),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_swap_twice),
		cmocka_unit_test(test_swap_without_room),
		cmocka_unit_test(test_swap_in_trouble),
		cmocka_unit_test(test_swap_and_break),
		cmocka_unit_test(test_swap_and_break_again),
		cmocka_unit_test(test_token_failed),
		cmocka_unit_test(test_403_at_authorize),
		cmocka_unit_test(test_403_at_handshake),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_token_does_not_return),
		cmocka_unit_test(test_too_many_redirects),
		cmocka_unit_test(test_bad_redirects),
		cmocka_unit_test(test_tls_to_plain),
		cmocka_unit_test(test_upstream_certificates),
		cmocka_unit_test(test_silent_peer),
		cmocka_unit_test(test_refused_connection),
		cmocka_unit_test(test_stop_anywhere),
	};

	return cmocka_run_group_tests(tests, quiet, check_log);
}
