/* SPDX-License-Identifier: MIT
 *
 * The end of a token: refused by the broker, dead at 03:30 IST, renewed before; and a configuration
 * that was read again.
 */
#include <stdio.h>

#include "../lib/token_stand.h"
#include "core/ist.h"

static const struct script_reply good = GOOD_REPLY;
static const struct script_reply dead = DEAD_REPLY;

/* --- refused ---------------------------------------------------------------------------------- */

/* However many notice, and however late: one fetch. */
static void test_refused_once(void **state)
{
	static const struct script_reply replies[] = {{200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-two"), NULL}};
	struct stand s;

	(void)state;
	stand_up(&s, replies, 2);
	stand_ready(&s);
	for (int i = 0; i < 100; i++)
		token_refuse(s.token, 1);
	check_str(stand_bearer(&s), "");
	check_i64(token_get_state(s.token), TOKEN_REFRESHING);
	check_i64(s.told, 2);
	rig_until(&s.rig, stand_is_ready, &s);
	token_refuse(s.token, 1); /* of the generation before */
	token_refuse(s.token, 7); /* of none */
	check_str(stand_bearer(&s), "Bearer tok-two");
	check_i64(stand_generation(&s), 2);
	check_i64(s.api.asked, 2);
	check_i64(s.told, 3);
	check_i64(module_metric(s.module, "refusals_total"), 1);
	check_i64(module_metric(s.module, "fetches_total"), 2);
	check_i64(module_metric(s.module, "generation"), 2);
	stand_down(&s);
}

/* The token API does not know better: three tries, then beyond repair; later it does. */
static void test_three_tries(void **state)
{
	static const struct script_reply same[] = {{200, ANSWER("tok-one"), NULL}};
	static const struct script_reply newer[] = {{200, ANSWER("tok-two"), NULL}};
	struct stand s;

	(void)state;
	stand_up(&s, same, 1);
	stand_ready(&s);
	token_refuse(s.token, 1);
	rig_until(&s.rig, stand_is_failed, &s);
	check_i64(s.api.asked, 1 + 3);
	check_i64(s.keeper.broker.asked, 1); /* the dead token is not shown to the broker again */
	check_i64(s.failed, 1);
	check(token_has_failed(s.token));
	check_health(&s, HEALTH_DOWN, "after 3 tries");
	check_str(s.bearer, "");
	script_set(&s.api, newer, 1);
	rig_until(&s.rig, stand_is_ready, &s); /* poll_s is a second */
	check_str(stand_bearer(&s), "Bearer tok-two");
	check(!token_has_failed(s.token));
	check_i64(s.failed, 1);
	check_i64(stand_generation(&s), 2);
	stand_down(&s);
}

/* A token API that hands out one bad token after the other does not make a hot loop. */
static void test_ever_new_bad_tokens(void **state)
{
	static const struct script_reply replies[] = {
		{200, ANSWER("tok-1"), NULL}, {200, ANSWER("tok-2"), NULL},
		{200, ANSWER("tok-3"), NULL}, {200, ANSWER("tok-4"), NULL},
		{200, ANSWER("tok-5"), NULL}, {200, ANSWER("tok-6"), NULL}};
	struct stand s;

	(void)state;
	/* Bad at the proof. */
	stand_up(&s, replies, ARRAY_LEN(replies));
	script_set(&s.keeper.broker, &dead, 1);
	stand_begin(&s);
	rig_until(&s.rig, stand_is_failed, &s);
	check_i64(s.api.asked, 3);
	check_i64(s.told, 1); /* of the failure */
	stand_down(&s);
	/* Good at the proof, and refused by the feed at once. */
	stand_up(&s, replies, ARRAY_LEN(replies));
	stand_begin(&s);
	for (int i = 0; i < 4; i++) {
		rig_until(&s.rig, stand_is_ready, &s);
		token_refuse(s.token, stand_generation(&s));
		if (token_has_failed(s.token))
			break;
	}
	check(token_has_failed(s.token));
	check(s.api.asked <= 4);
	stand_down(&s);
}

/* --- its hour --------------------------------------------------------------------------------- */

/* 03:30 IST passes on the wall clock. */
static void test_expiry(void **state)
{
	static const struct script_reply replies[] = {{200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-two"), NULL}};
	struct token_status st;
	int64_t at;
	struct stand s;

	(void)state;
	stand_up(&s, replies, 2);
	at = stand_at(&s, "2026-01-23T03:29:59");
	stand_ready(&s);
	token_status(s.token, &st);
	check_i64(st.expires_ms, at + 1000);
	check(ws_rig_until(&s.rig, stand_is_failed, &s, 600) == false); /* time stands still */
	check_str(stand_bearer(&s), "Bearer tok-one");
	clock_advance(&s.rig.clock, 1000);
	stand_until_next(&s, 1);
	check_str(stand_bearer(&s), "Bearer tok-two");
	check_i64(module_metric(s.module, "expiries_total"), 1);
	token_status(s.token, &st);
	check_i64(st.expires_ms, at + 1000 + DAY_MS);
	stand_down(&s);
}

static bool is_renewed(void *arg)
{
	check(stand_bearer(arg)[0]); /* never without */
	return stand_generation(arg) != 1;
}

/* renew_before_s before the end: the next token takes the place of the first without a gap. */
static void test_renewal(void **state)
{
	static const struct script_reply replies[] = {{200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-two"), NULL}};
	struct stand s;

	(void)state;
	stand_up(&s, replies, 3);
	s.keeper.cfg.renew_before_s = 1800;
	stand_at(&s, "2026-01-23T02:59:00");
	stand_ready(&s);
	clock_advance(&s.rig.clock, 60000);
	rig_until(&s.rig, is_renewed, &s);
	check_str(stand_bearer(&s), "Bearer tok-two");
	check_i64(s.told, 2);
	check_i64(s.failed, 0);
	stand_down(&s);
}

/* A token API that has another token each time it is asked is not asked more often than poll_s. */
static void test_renewal_is_patient(void **state)
{
	static const struct script_reply replies[] = {{200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-two"), NULL},
						      {200, ANSWER("tok-three"), NULL},
						      {200, ANSWER("tok-four"), NULL}};
	struct stand s;

	(void)state;
	stand_up(&s, replies, 4);
	s.keeper.cfg.renew_before_s = 1800;
	s.keeper.cfg.poll_s = 30;
	stand_at(&s, "2026-01-23T03:10:00");
	stand_ready(&s);
	ws_rig_for(&s.rig, 4 * LOOK_MS);
	check_i64(s.api.asked, 1);
	clock_advance(&s.rig.clock, 29000);
	ws_rig_for(&s.rig, 4 * LOOK_MS);
	check_i64(s.api.asked, 1);
	clock_advance(&s.rig.clock, 2000);
	stand_until_next(&s, 1);
	ws_rig_for(&s.rig, 4 * LOOK_MS);
	check_i64(s.api.asked, 2);
	check_str(stand_bearer(&s), "Bearer tok-two");
	stand_down(&s);
}

/* What a person put in place is not undone by the token API, which may be slower. */
static void test_renewal_brings_nothing_back(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	s.keeper.cfg.renew_before_s = 1800;
	stand_at(&s, "2026-01-23T02:50:00");
	stand_ready(&s);
	check_i64(stand_offer(&s, "tok-by-hand"), 0);
	rig_until(&s.rig, stand_has_answer, &s);
	clock_advance(&s.rig.clock, 900000);
	stand_until_asked(&s, &s.api, 2);
	ws_rig_for(&s.rig, 2 * LOOK_MS);
	check_str(stand_bearer(&s), "Bearer tok-by-hand");
	stand_down(&s);
}

/* --- read again ------------------------------------------------------------------------------- */

/* A new token by hand while the server runs: put in place once, unless it is the refused one. */
static void test_reload(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	s.keeper.cfg.source_url = s.keeper.empty;
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-given");
	stand_ready(&s);
	token_reload(s.token); /* nothing new */
	check_i64(s.told, 1);
	token_refuse(s.token, 1);
	token_reload(s.token); /* the very token that was refused */
	check_i64(token_get_state(s.token), TOKEN_FAILED);
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok with a space");
	token_reload(s.token);
	check_str(stand_bearer(&s), "");
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-newer");
	token_reload(s.token);
	rig_until(&s.rig, stand_is_ready, &s);
	check_str(stand_bearer(&s), "Bearer tok-newer");
	check_i64(stand_generation(&s), 2);
	s.keeper.given[0] = '\0'; /* taken out of the file: what works stays */
	token_reload(s.token);
	check_str(stand_bearer(&s), "Bearer tok-newer");
	stand_down(&s);
}

/* What a person put in place is not undone by a token that was there before. */
static void test_reload_brings_nothing_back(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	s.keeper.cfg.source_url = s.keeper.empty;
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-given");
	stand_ready(&s);
	check_i64(stand_offer(&s, "tok-by-hand"), 0);
	rig_until(&s.rig, stand_has_answer, &s);
	token_reload(s.token); /* the same file as before */
	ws_rig_for(&s.rig, 2 * LOOK_MS);
	check_str(stand_bearer(&s), "Bearer tok-by-hand");
	check_i64(token_get_state(s.token), TOKEN_READY);
	check_i64(s.keeper.broker.asked, 2);
	/* Better than none it is. */
	token_refuse(s.token, 2);
	rig_until(&s.rig, stand_is_ready, &s);
	check_str(stand_bearer(&s), "Bearer tok-given");
	stand_down(&s);
}

/* A token given by hand while another is being tried is not forgotten. */
static void test_reload_while_trying(void **state)
{
	static const struct script_reply silent[] = {{0, NULL, NULL}};
	struct stand s;

	(void)state;
	stand_up(&s, silent, 1);
	s.keeper.cfg.timeout_ms = 60000;
	stand_begin(&s);
	stand_until_asked(&s, &s.api, 1);
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-given");
	token_reload(s.token);
	rig_until(&s.rig, stand_is_ready, &s);
	check_str(stand_bearer(&s), "Bearer tok-given");
	stand_down(&s);
}

/* A given token that is bad does not make a good one look as if it were ending. */
static void test_reload_with_a_bad_one(void **state)
{
	const struct script_reply says[] = {good, dead};
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	script_set(&s.keeper.broker, says, 2);
	stand_ready(&s);
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-bad");
	token_reload(s.token);
	stand_until_asked(&s, &s.keeper.broker, 2);
	ws_rig_for(&s.rig, 2 * LOOK_MS);
	check_str(stand_bearer(&s), "Bearer tok-one");
	check_i64(token_get_state(s.token), TOKEN_READY);
	stand_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_once),
		cmocka_unit_test(test_three_tries),
		cmocka_unit_test(test_ever_new_bad_tokens),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_renewal_is_patient),
		cmocka_unit_test(test_renewal_brings_nothing_back),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_reload_brings_nothing_back),
		cmocka_unit_test(test_reload_while_trying),
		cmocka_unit_test(test_reload_with_a_bad_one),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, stand_log_begin, stand_log_end);
}
