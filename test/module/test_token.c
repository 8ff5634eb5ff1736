/* SPDX-License-Identifier: MIT
 *
 * The token module against a token API that answers what a script says. All that is logged
 * meanwhile is kept, and searched for tokens at the end.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/parts.h"
#include "../lib/script.h"
#include "token/token.h"

#define ANSWER(token) "{\"success\":true,\"access_token\":\"" token "\"}"

static const struct script_reply first[] = {{200, ANSWER("tok-one"), NULL}};

/* --- a token with all that it needs ----------------------------------------------------------- */

struct stand {
	struct ws_rig rig;
	struct http_client *http;
	struct script api;
	struct token_config cfg;
	struct token *token;
	struct module *module;
	struct token_listener listener;
	char url[64];
	char account[16], empty[1], given[32];
	int told;
	char bearer[64]; /* at the last time it was told; "" = none */
};

static void on_change(struct token_listener *l)
{
	struct stand *s = container_of(l, struct stand, listener);
	uint64_t generation;
	const char *bearer = token_bearer(s->token, &generation);

	s->told++;
	snprintf(s->bearer, sizeof(s->bearer), "%s", bearer ? bearer : "");
}

static void stand_up(struct stand *s, const struct script_reply *replies, size_t n)
{
	*s = (struct stand){.account = "a"};
	ws_rig_up(&s->rig);
	s->http = http_client_create(&s->rig.loop, NULL);
	script_up(&s->rig, &s->api, replies, n);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/accounts/a/token", s->api.port);
	s->cfg = (struct token_config){.account = s->account,
				       .source_url = s->url,
				       .access_token = s->given,
				       .poll_s = 1,
				       .timeout_ms = 60000};
	s->token = token_create(
		&(struct token_deps){.loop = &s->rig.loop, .http = s->http, .cfg = &s->cfg});
	s->module = token_module(s->token);
	s->listener.on_change = on_change;
	token_listen(s->token, &s->listener);
}

static void stand_down(struct stand *s)
{
	module_down(&s->rig, s->module);
	token_destroy(s->token);
	script_down(&s->rig, &s->api);
	http_client_down(&s->rig, s->http);
	ws_rig_down(&s->rig);
}

static bool is_ready(void *arg)
{
	return token_get_state(((struct stand *)arg)->token) == TOKEN_READY;
}

static bool is_waiting(void *arg)
{
	return token_get_state(((struct stand *)arg)->token) == TOKEN_WAITING;
}

static bool was_asked(void *arg)
{
	struct stand *s = arg;

	return s->api.asked > 0;
}

static uint64_t generation_of(struct stand *s)
{
	uint64_t generation;

	(void)token_bearer(s->token, &generation);
	return generation;
}

static void check_health(struct stand *s, enum health want, const char *part)
{
	char why[HEALTH_WHY_MAX] = "";

	check_i64(s->module->ops->health(s->module, why), want);
	if (!strstr(why, part))
		fail_msg("\"%s\" does not say \"%s\"", why, part);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_fetch(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	check_i64(token_get_state(s.token), TOKEN_NONE);
	module_up(s.module);
	check_i64(token_get_state(s.token), TOKEN_FETCHING);
	check_i64(s.told, 0);
	rig_until(&s.rig, is_ready, &s);
	check_i64(s.told, 1);
	check_str(s.bearer, "Bearer tok-one");
	check_i64(generation_of(&s), 1);
	check_i64(s.api.asked, 1);
	check_str(s.api.heard[0].path, "/accounts/a/token");
	check_str(s.api.heard[0].authorization, "");
	check_health(&s, HEALTH_UP, "in place");
	stand_down(&s);
}

/* deps.source_url, which the simulated exchange fills, wins over the configuration. */
static void test_source_of_deps(void **state)
{
	struct stand s;
	char nowhere[] = "http://127.0.0.1:1/";

	(void)state;
	stand_up(&s, first, 1);
	token_destroy(s.token);
	s.cfg.source_url = nowhere;
	s.token = token_create(&(struct token_deps){
		.loop = &s.rig.loop, .http = s.http, .cfg = &s.cfg, .source_url = s.url});
	s.module = token_module(s.token);
	module_up(s.module);
	rig_until(&s.rig, is_ready, &s);
	stand_down(&s);
}

static void test_given(void **state)
{
	struct stand s;
	uint64_t generation;

	(void)state;
	stand_up(&s, first, 1);
	snprintf(s.given, sizeof(s.given), "tok-given");
	module_up(s.module);
	check_i64(token_get_state(s.token), TOKEN_READY);
	check_str(token_bearer(s.token, &generation), "Bearer tok-given");
	check_i64(generation, 1);
	/* Refused: then the token API is asked. */
	token_refuse(s.token, 1);
	rig_until(&s.rig, is_ready, &s);
	check_str(token_bearer(s.token, &generation), "Bearer tok-one");
	check_i64(generation, 2);
	stand_down(&s);
}

static void test_bad_given(void **state)
{
	struct stand s;
	struct agni_err err;

	(void)state;
	stand_up(&s, first, 1);
	snprintf(s.given, sizeof(s.given), "tok-with a space");
	check_i64(s.module->ops->start(s.module, &err), AGNI_ECONFIG);
	check(strstr(err.text, "token.access_token") && !strstr(err.text, "tok-with"));
	s.given[0] = '\0';
	module_up(s.module);
	stand_down(&s);
}

static void test_no_source(void **state)
{
	struct stand s;
	uint64_t generation;

	(void)state;
	stand_up(&s, first, 1);
	s.cfg.source_url = s.empty;
	module_up(s.module);
	check_i64(token_get_state(s.token), TOKEN_WAITING);
	check(token_bearer(s.token, &generation) == NULL);
	check_health(&s, HEALTH_DEGRADED, "token.source_url");
	stand_down(&s);
	/* A given token that is refused, and nobody to ask. */
	stand_up(&s, first, 1);
	s.cfg.source_url = s.empty;
	snprintf(s.given, sizeof(s.given), "tok-given");
	module_up(s.module);
	token_refuse(s.token, 1);
	check_i64(token_get_state(s.token), TOKEN_WAITING);
	check(token_bearer(s.token, &generation) == NULL);
	check_i64(s.told, 2);
	check_str(s.bearer, "");
	check_health(&s, HEALTH_DEGRADED, "refused");
	check_i64(s.api.asked, 0);
	stand_down(&s);
}

/* However many notice, and however late: one fetch. */
static void test_refused_once(void **state)
{
	static const struct script_reply replies[] = {{200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-two"), NULL}};
	struct stand s;
	uint64_t generation;

	(void)state;
	stand_up(&s, replies, 2);
	module_up(s.module);
	rig_until(&s.rig, is_ready, &s);
	for (int i = 0; i < 100; i++)
		token_refuse(s.token, 1);
	check(token_bearer(s.token, &generation) == NULL);
	check_i64(token_get_state(s.token), TOKEN_FETCHING);
	check_i64(s.told, 2);
	rig_until(&s.rig, is_ready, &s);
	token_refuse(s.token, 1); /* of the generation before */
	token_refuse(s.token, 7); /* of none */
	check_str(token_bearer(s.token, &generation), "Bearer tok-two");
	check_i64(generation, 2);
	check_i64(s.api.asked, 2);
	check_i64(s.told, 3);
	check_i64(module_metric(s.module, "refusals_total"), 1);
	check_i64(module_metric(s.module, "fetches_total"), 2);
	check_i64(module_metric(s.module, "generation"), 2);
	stand_down(&s);
}

/* A new token by hand while the server runs: put in place once, unless it is the refused one. */
static void test_reload(void **state)
{
	struct stand s;
	uint64_t generation;

	(void)state;
	stand_up(&s, first, 1);
	s.cfg.source_url = s.empty;
	snprintf(s.given, sizeof(s.given), "tok-given");
	module_up(s.module);
	token_reload(s.token); /* nothing new */
	check_i64(s.told, 1);
	token_refuse(s.token, 1);
	token_reload(s.token); /* the very token that was refused */
	check(token_bearer(s.token, &generation) == NULL);
	snprintf(s.given, sizeof(s.given), "tok with a space");
	token_reload(s.token);
	check(token_bearer(s.token, &generation) == NULL);
	snprintf(s.given, sizeof(s.given), "tok-newer");
	token_reload(s.token);
	check_str(token_bearer(s.token, &generation), "Bearer tok-newer");
	check_i64(generation, 2);
	check_i64(s.told, 3);
	s.given[0] = '\0'; /* taken out of the file: what works stays */
	token_reload(s.token);
	check_str(token_bearer(s.token, &generation), "Bearer tok-newer");
	stand_down(&s);
}

/* The token API does not know better yet: asked again every poll_s, and never put in place. */
static void test_same_token_again(void **state)
{
	static const struct script_reply replies[] = {{200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-two"), NULL}};
	struct stand s;
	uint64_t generation, asked_ns;

	(void)state;
	stand_up(&s, replies, 3);
	module_up(s.module);
	rig_until(&s.rig, is_ready, &s);
	asked_ns = uv_hrtime(); /* at the latest */
	token_refuse(s.token, 1);
	rig_until(&s.rig, is_waiting, &s);
	check_i64(s.api.asked, 2);
	check(token_bearer(s.token, &generation) == NULL);
	check_health(&s, HEALTH_DEGRADED, "refused");
	rig_until(&s.rig, is_ready, &s);
	check(uv_hrtime() - asked_ns > 900 * NS_PER_MS);
	check_i64(s.api.asked, 3);
	check_str(token_bearer(s.token, &generation), "Bearer tok-two");
	check_i64(generation, 2);
	check_i64(s.told, 3);
	stand_down(&s);
}

/* What is no answer is asked again, after a pause. */
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
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct script_reply replies[2] = {bad[i], {200, ANSWER("tok-good"), NULL}};
		struct stand s;

		stand_up(&s, replies, 2);
		module_up(s.module);
		rig_until(&s.rig, is_ready, &s);
		check_str(s.bearer, "Bearer tok-good");
		check_i64(s.told, 1);
		check_i64(s.api.asked, 2);
		check_i64(module_metric(s.module, "fetch_errors_total"), 1);
		stand_down(&s);
	}
}

/* Waits grow from failure to failure, and a token ends that. */
static void test_backoff(void **state)
{
	static const struct script_reply replies[] = {
		{500, "", NULL}, {500, "", NULL}, {500, "", NULL}, {200, ANSWER("tok-one"), NULL}};
	struct stand s;
	uint64_t start = uv_hrtime();

	(void)state;
	stand_up(&s, replies, 4);
	module_up(s.module);
	rig_until(&s.rig, is_ready, &s);
	/* At least half of 500 + 1000 + 2000 ms. */
	check(uv_hrtime() - start > 1740 * NS_PER_MS);
	check_i64(s.api.asked, 4);
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
	s.cfg.timeout_ms = 100;
	module_up(s.module);
	rig_until(&s.rig, has_failed_fetch, &s);
	check_i64(token_get_state(s.token), TOKEN_FETCHING);
	rig_until(&s.rig, is_ready, &s);
	stand_down(&s);
	/* A URL that cannot be asked is not asked for ever. */
	stand_up(&s, first, 1);
	s.cfg.source_url = strcpy(s.url, "http://example.com/token"); /* plain, and not loopback */
	module_up(s.module);
	check_i64(token_get_state(s.token), TOKEN_WAITING);
	stand_down(&s);
}

/* Stopped while a call is under way, and while the pause runs. */
static void test_stop(void **state)
{
	static const struct script_reply silent[] = {{0, NULL, NULL}};
	static const struct script_reply failing[] = {{500, "", NULL}};
	struct stand s;

	(void)state;
	stand_up(&s, silent, 1);
	module_up(s.module);
	stand_down(&s);
	stand_up(&s, silent, 1);
	module_up(s.module);
	rig_until(&s.rig, was_asked, &s);
	stand_down(&s);
	stand_up(&s, failing, 1);
	module_up(s.module);
	rig_until(&s.rig, has_failed_fetch, &s);
	stand_down(&s);
	check_i64(s.told, 0);
}

/* After everything else: nothing that looks like a token was ever logged. */
static void test_log(void **state)
{
	const char *text = log_captured();

	(void)state;
	check(strstr(text, "token: FETCHING -> READY") != NULL);
	if (strstr(text, "tok-"))
		fail_msg("a token was logged: %.60s", strstr(text, "tok-"));
}

static int start_log(void **state)
{
	(void)state;
	log_capture();
	return 0;
}

static int end_log(void **state)
{
	(void)state;
	log_release();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fetch),       cmocka_unit_test(test_source_of_deps),
		cmocka_unit_test(test_given),       cmocka_unit_test(test_bad_given),
		cmocka_unit_test(test_no_source),   cmocka_unit_test(test_refused_once),
		cmocka_unit_test(test_reload),      cmocka_unit_test(test_same_token_again),
		cmocka_unit_test(test_bad_answers), cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_no_answer),   cmocka_unit_test(test_stop),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, start_log, end_log);
}
