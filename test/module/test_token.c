/* SPDX-License-Identifier: MIT
 *
 * The token service from its start to a token in place: where it comes from, its proof, and what is
 * no answer; and its stop at every stage.
 */
#include "../lib/token_stand.h"
#include "core/ist.h"

static const struct script_reply good = GOOD_REPLY;
static const struct script_reply dead = DEAD_REPLY;

/* --- startup ---------------------------------------------------------------------------------- */

static void test_fetch(void **state)
{
	struct token_status st;
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	stand_begin(&s);
	check_i64(token_get_state(s.token), TOKEN_FETCHING);
	check_i64(s.told, 0);
	rig_until(&s.rig, stand_is_ready, &s);
	check_i64(s.told, 1);
	check_str(s.bearer, "Bearer tok-one");
	check_i64(stand_generation(&s), 1);
	check_i64(s.api.asked, 1);
	check_str(s.api.heard[0].path, "/accounts/a/token");
	check_str(s.api.heard[0].authorization, "");
	/* Proved before it was put in place. */
	check_i64(s.keeper.broker.asked, 1);
	check_str(s.keeper.broker.heard[0].path, "/v3/feed/market-data-feed/authorize");
	check_str(s.keeper.broker.heard[0].authorization, "Bearer tok-one");
	check_health(&s, HEALTH_UP, "in place");
	token_status(s.token, &st);
	check(st.has_token);
	check_str(st.state_text, "READY");
	check_str(st.origin, "source");
	check_str(st.kind, "daily");
	check_str(st.account, "a");
	/* sha256("tok-one") */
	check_str(st.fingerprint, "74d78edfd99a054a");
	check_i64(ist_ms_of_day(st.expires_ms), 12600000); /* 03:30 IST */
	check(st.expires_ms > clock_wall_ms(&s.rig.clock));
	check(st.expires_ms <= clock_wall_ms(&s.rig.clock) + DAY_MS);
	stand_down(&s);
}

/* deps.source_url, which the simulated exchange fills, wins over the configuration. */
static void test_source_of_deps(void **state)
{
	static char nowhere[] = "http://127.0.0.1:1/";
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	s.keeper.deps.source_url = s.url;
	s.keeper.cfg.source_url = nowhere;
	stand_ready(&s);
	stand_down(&s);
}

static void test_given(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-given");
	stand_begin(&s);
	check_i64(token_get_state(s.token), TOKEN_VALIDATING);
	rig_until(&s.rig, stand_is_ready, &s);
	check_str(stand_bearer(&s), "Bearer tok-given");
	check_i64(stand_generation(&s), 1);
	check_i64(s.api.asked, 0);
	/* Refused: then the token API is asked. */
	token_refuse(s.token, 1);
	rig_until(&s.rig, stand_is_ready, &s);
	check_str(stand_bearer(&s), "Bearer tok-one");
	check_i64(stand_generation(&s), 2);
	stand_down(&s);
}

/* A given token that the broker does not know: the next in line. */
static void test_given_is_bad(void **state)
{
	const struct script_reply says[] = {dead, good};
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	script_set(&s.keeper.broker, says, 2);
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-given");
	stand_ready(&s);
	check_str(stand_bearer(&s), "Bearer tok-one");
	check_i64(stand_generation(&s), 1);
	check_i64(s.failed, 0);
	stand_down(&s);
}

static void test_analytics(void **state)
{
	static char token[] = "tok-analytics", date[] = "2027-01-31";
	struct token_status st;
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	s.keeper.cfg.source_url = s.keeper.empty;
	s.keeper.cfg.analytics_token = token;
	s.keeper.cfg.analytics_expires = date;
	stand_ready(&s);
	token_status(s.token, &st);
	check_str(st.kind, "analytics");
	check_i64(st.expires_ms, ist_instant(day_from_civil(2027, 2, 1), -1));
	stand_down(&s);
}

static void test_bad_config(void **state)
{
	static char spaced[] = "tok-with a space", account[] = "a/b", short_path[] = "guess-me",
		    date[] = "2026-02-30";
	struct agni_err err;
	struct stand s;
	struct token_config *cfg = &s.keeper.cfg, ok;

	(void)state;
	stand_up(&s, stand_first, 1);
	ok = *cfg;
	check_i64(token_config_check(cfg, &err), 0);
	cfg->access_token = spaced;
	check_i64(token_config_check(cfg, &err), AGNI_ECONFIG);
	check(strstr(err.text, "token.access_token") && !strstr(err.text, "tok-with"));
	*cfg = ok;
	cfg->analytics_token = spaced;
	check_i64(token_config_check(cfg, &err), AGNI_ECONFIG);
	check(strstr(err.text, "token.analytics_token") && !strstr(err.text, "tok-with"));
	*cfg = ok;
	cfg->account = account;
	check_i64(token_config_check(cfg, &err), AGNI_ECONFIG);
	check(strstr(err.text, "token.account"));
	*cfg = ok;
	cfg->notifier_path = short_path;
	check_i64(token_config_check(cfg, &err), AGNI_ECONFIG);
	check(strstr(err.text, "token.notifier_path") && !strstr(err.text, "guess-me"));
	*cfg = ok;
	cfg->analytics_expires = date;
	check_i64(token_config_check(cfg, &err), AGNI_ECONFIG);
	check(strstr(err.text, "token.analytics_expires"));
	*cfg = ok;
	stand_down(&s);
}

static void test_no_source(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	s.keeper.cfg.source_url = s.keeper.empty;
	stand_begin(&s);
	check_i64(token_get_state(s.token), TOKEN_WAITING);
	check_str(stand_bearer(&s), "");
	check_health(&s, HEALTH_DEGRADED, "token.source_url");
	check_i64(s.failed, 0);
	keeper_stop(&s.rig, &s.keeper);
	/* A given token that is refused, and nobody to ask. */
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-given");
	stand_ready(&s);
	s.told = 0;
	token_refuse(s.token, stand_generation(&s));
	check_i64(token_get_state(s.token), TOKEN_FAILED);
	check(token_has_failed(s.token));
	check_i64(s.failed, 1);
	check_str(stand_bearer(&s), "");
	check(s.told >= 1);
	check_str(s.bearer, "");
	check_health(&s, HEALTH_DOWN, "a new one is needed");
	check_i64(s.api.asked, 0);
	stand_down(&s);
}

/* What is no answer is asked again, after a pause; without a token lost it is never given up. */
static void test_bad_answers(void **state)
{
	static const struct script_reply bad[] = {
		{500, "", NULL},
		{401, ANSWER("tok-401"), NULL},
		{302, "", "Location: /elsewhere\r\n"},
		{200, "", NULL},
		{200, "<html>tok-html</html>", NULL},
		{200, "{\"success\":true}", NULL},
		{200, "{\"success\":false,\"access_token\":\"tok-no\"}", NULL},
		{200, "{\"success\":true,\"access_token\":\"\"}", NULL},
		{200, "{\"success\":true,\"access_token\":7}", NULL},
		{200, ANSWER("tok-with a space"), NULL},
		{200, ANSWER("tok\\r\\nX-Injected: 1"), NULL},
		{200, "[\"tok-array\"]", NULL},
		{200, "{\"success\":true,\"access_token\":\"tok-b\",\"account_id\":\"b\"}", NULL},
		{200, "{\"success\":true,\"access_token\":\"tok-t\",\"expires_at\":\"soon\"}",
		 NULL},
	};
	struct script_reply replies[ARRAY_LEN(bad) + 1];
	struct stand s;

	(void)state;
	memcpy(replies, bad, sizeof(bad));
	replies[ARRAY_LEN(bad)] = (struct script_reply){200, ANSWER("tok-good"), NULL};
	stand_up(&s, replies, ARRAY_LEN(replies));
	s.keeper.cfg.retry_ms = 10;
	stand_begin(&s);
	s.token->backoff.cap_ms = 20;
	rig_until(&s.rig, stand_is_ready, &s);
	check_str(s.bearer, "Bearer tok-good");
	check_i64(s.told, 1);
	check_i64(s.failed, 0);
	check_i64(s.api.asked, ARRAY_LEN(replies));
	check_i64(module_metric(s.module, "fetch_errors_total"), ARRAY_LEN(bad));
	stand_down(&s);
}

static bool has_failed_fetch(void *arg)
{
	return module_metric(((struct stand *)arg)->module, "fetch_errors_total") > 0;
}

static void test_no_answer(void **state)
{
	static const struct script_reply replies[] = {{0, NULL, NULL},
						      {200, ANSWER("tok-one"), NULL}};
	struct stand s;

	(void)state;
	stand_up(&s, replies, 2);
	s.keeper.cfg.timeout_ms = 100;
	stand_begin(&s);
	rig_until(&s.rig, has_failed_fetch, &s);
	check_i64(token_get_state(s.token), TOKEN_FETCHING);
	s.token->deps.cfg = &s.keeper.cfg;
	s.keeper.cfg.timeout_ms = 10000;
	rig_until(&s.rig, stand_is_ready, &s);
	stand_down(&s);
}

/* --- proof ------------------------------------------------------------------------------------ */

/* The broker is in trouble, which says nothing about the token: asked again until it says. */
static void test_broker_in_trouble(void **state)
{
	const struct script_reply says[] = {{500, "", NULL},
					    {503, "<html>", NULL},
					    {429, "{\"status\":\"error\"}", NULL},
					    {403, "<html>waf</html>", NULL},
					    {403, "<html>waf</html>", NULL},
					    good};
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	script_set(&s.keeper.broker, says, ARRAY_LEN(says));
	stand_begin(&s);
	s.token->backoff.cap_ms = 40;
	rig_until(&s.rig, stand_is_ready, &s);
	check_i64(s.api.asked, 1);
	check_i64(s.failed, 0);
	check_i64(s.keeper.broker.asked, 6);
	/* 403 sends on to the profile, which was refused, too. */
	check_str(s.keeper.broker.heard[3].path, "/v3/feed/market-data-feed/authorize");
	check_str(s.keeper.broker.heard[4].path, "/v2/user/profile");
	check_i64(module_metric(s.module, "refusals_total"), 0);
	stand_down(&s);
}

/* 403 at authorize, but a profile: a good token that lacks a right. */
static void test_profile_proves(void **state)
{
	const struct script_reply says[] = {{403, DEAD, NULL}, good};
	const struct script_reply scope[] = {
		{403, "{\"errors\":[{\"errorCode\":\"UDAPI1149\"}]}", NULL}, good};
	struct stand s;

	(void)state;
	stand_up(&s, stand_first, 1);
	script_set(&s.keeper.broker, scope, 2);
	stand_ready(&s);
	check_i64(s.keeper.broker.asked, 2);
	stand_down(&s);
	/* UDAPI100050 is a dead token under any status. */
	stand_up(&s, stand_first, 1);
	script_set(&s.keeper.broker, says, 1);
	s.keeper.cfg.retries = 1;
	stand_begin(&s);
	rig_until(&s.rig, stand_is_failed, &s);
	check_i64(s.keeper.broker.asked, 1);
	stand_down(&s);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Stopped at every stage. */
static void test_stop(void **state)
{
	static const struct script_reply silent[] = {{0, NULL, NULL}};
	static const struct script_reply failing[] = {{500, "", NULL}};
	struct stand s;

	(void)state;
	stand_up(&s, silent, 1);
	stand_begin(&s);
	stand_down(&s);
	stand_up(&s, failing, 1);
	s.keeper.cfg.retry_ms = 60000;
	stand_begin(&s);
	rig_until(&s.rig, has_failed_fetch, &s);
	stand_down(&s);
	check_i64(s.told, 0);
	/* While an offer and a question wait for the broker. */
	stand_up(&s, stand_first, 1);
	stand_ready(&s);
	script_set(&s.keeper.broker, silent, 1);
	check_i64(stand_offer(&s, "tok-late"), 0);
	check_i64(stand_validate(&s), 0);
	keeper_stop(&s.rig, &s.keeper);
	check_i64(s.answers, 2);
	check_i64(s.verdict, PROOF_UNKNOWN);
	stand_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_source_of_deps),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_given_is_bad),
		cmocka_unit_test(test_analytics),
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_no_source),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_broker_in_trouble),
		cmocka_unit_test(test_profile_proves),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, stand_log_begin, stand_log_end);
}
