/* SPDX-License-Identifier: MIT
 *
 * The feed's way to an open socket: authorize, refusals, and how it is given up. Redirects and TLS
 * are in test_feed_redirect.c, what happens on an open connection in test_feed.c.
 */
#include <stdio.h>

#include "../lib/broker.h"
#include "../lib/canned.h"
#include "../lib/check.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_authorize),        cmocka_unit_test(test_authorize_answers),
		cmocka_unit_test(test_retry_after),      cmocka_unit_test(test_401_at_authorize),
		cmocka_unit_test(test_401_at_handshake), cmocka_unit_test(test_401_of_a_uri),
		cmocka_unit_test(test_401_of_two_uris),  cmocka_unit_test(test_401_of_an_old_token),
		cmocka_unit_test(test_403_at_authorize), cmocka_unit_test(test_403_at_handshake),
		cmocka_unit_test(test_silent_peer),      cmocka_unit_test(test_refused_connection),
		cmocka_unit_test(test_stop_anywhere),
	};

	return cmocka_run_group_tests(tests, broker_log_begin, broker_log_end);
}
