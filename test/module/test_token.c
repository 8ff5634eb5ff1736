/* SPDX-License-Identifier: MIT
 *
 * The token module against a token API and a broker that answer what scripts say. All that is
 * logged meanwhile is kept, and searched for tokens at the end.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../lib/check.h"
#include "../lib/keeper.h"
#include "../lib/parts.h"
#include "core/ist.h"
#include "token/token_internal.h"

#define ANSWER(token) "{\"success\":true,\"access_token\":\"" token "\"}"
#define DEAD                                                                                       \
	"{\"status\":\"error\",\"errors\":[{\"errorCode\":\"UDAPI100050\",\"message\":\"Invalid "  \
	"token used to access API\"}]}"

static const struct script_reply good = {200, "{\"status\":\"success\",\"data\":{}}", NULL};
static const struct script_reply dead = {401, DEAD, NULL};
static const struct script_reply first[] = {{200, ANSWER("tok-one"), NULL}};

#define LOOK_MS 260 /* the wall clock has been looked at meanwhile */

/* --- a token with all that it needs ----------------------------------------------------------- */

struct stand {
	struct ws_rig rig;
	struct http_client *http;
	struct script api; /* the token API */
	struct keeper keeper;
	struct token *token;
	struct module *module;
	struct token_listener listener;
	char url[64];
	int told;
	char bearer[64]; /* at the last time it was told; "" = none */
	int failed;      /* times on_failed was called */
	/* answers of offers and questions */
	int answers;
	enum proof_verdict verdict;
	char asked[64], code[32];
	int status;
};

static void on_change(struct token_listener *l)
{
	struct stand *s = container_of(l, struct stand, listener);
	uint64_t generation;
	const char *bearer = token_bearer(s->token, &generation);

	s->told++;
	snprintf(s->bearer, sizeof(s->bearer), "%s", bearer ? bearer : "");
}

static void on_failed(void *arg)
{
	((struct stand *)arg)->failed++;
}

static void stand_up(struct stand *s, const struct script_reply *replies, size_t n)
{
	*s = (struct stand){0};
	ws_rig_up(&s->rig);
	s->http = http_client_create(&s->rig.loop, NULL);
	script_up(&s->rig, &s->api, replies, n);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/accounts/a/token", s->api.port);
	keeper_up(&s->rig, &s->keeper, s->http);
	s->keeper.cfg.source_url = s->url;
	s->keeper.deps.on_failed = on_failed;
	s->keeper.deps.arg = s;
}

static void begin(struct stand *s)
{
	s->token = token_create(&s->keeper.deps);
	s->module = token_module(s->token);
	s->listener.on_change = on_change;
	token_listen(s->token, &s->listener);
	s->keeper.token = s->token;
	s->keeper.mod = s->module;
	module_up(s->module);
}

static void stand_down(struct stand *s)
{
	keeper_down(&s->rig, &s->keeper);
	script_down(&s->rig, &s->api);
	http_client_down(&s->rig, s->http);
	ws_rig_down(&s->rig);
}

static bool is_ready(void *arg)
{
	return token_get_state(((struct stand *)arg)->token) == TOKEN_READY;
}

static bool is_failed(void *arg)
{
	return token_get_state(((struct stand *)arg)->token) == TOKEN_FAILED;
}

static bool has_answer(void *arg)
{
	return ((struct stand *)arg)->answers > 0;
}

static uint64_t generation_of(struct stand *s)
{
	uint64_t generation;

	(void)token_bearer(s->token, &generation);
	return generation;
}

static const char *bearer_of(struct stand *s)
{
	uint64_t generation;
	const char *bearer = token_bearer(s->token, &generation);

	return bearer ? bearer : "";
}

static void read_text(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	check(f != NULL);
	n = fread(out, 1, size - 1, f);
	check(n > 0);
	out[n] = '\0';
	fclose(f);
}

static void check_health(struct stand *s, enum health want, const char *part)
{
	char why[HEALTH_WHY_MAX] = "";

	check_i64(s->module->ops->health(s->module, why), want);
	if (!strstr(why, part))
		fail_msg("\"%s\" does not say \"%s\"", why, part);
}

static void on_proof(void *arg, const struct proof_result *r)
{
	struct stand *s = arg;

	s->answers++;
	s->verdict = r->verdict;
	s->status = r->status;
	snprintf(s->asked, sizeof(s->asked), "%s", r->asked);
	snprintf(s->code, sizeof(s->code), "%s", r->error_code);
}

/* --- startup ----------------------------------------------------------------------------------- */

static void test_fetch(void **state)
{
	struct token_status st;
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	begin(&s);
	check_i64(token_get_state(s.token), TOKEN_FETCHING);
	check_i64(s.told, 0);
	rig_until(&s.rig, is_ready, &s);
	check_i64(s.told, 1);
	check_str(s.bearer, "Bearer tok-one");
	check_i64(generation_of(&s), 1);
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
	stand_up(&s, first, 1);
	s.keeper.deps.source_url = s.url;
	s.keeper.cfg.source_url = nowhere;
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	stand_down(&s);
}

static void test_given(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-given");
	begin(&s);
	check_i64(token_get_state(s.token), TOKEN_VALIDATING);
	rig_until(&s.rig, is_ready, &s);
	check_str(bearer_of(&s), "Bearer tok-given");
	check_i64(generation_of(&s), 1);
	check_i64(s.api.asked, 0);
	/* Refused: then the token API is asked. */
	token_refuse(s.token, 1);
	rig_until(&s.rig, is_ready, &s);
	check_str(bearer_of(&s), "Bearer tok-one");
	check_i64(generation_of(&s), 2);
	stand_down(&s);
}

/* A given token that the broker does not know: the next in line. */
static void test_given_is_bad(void **state)
{
	const struct script_reply says[] = {dead, good};
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	script_set(&s.keeper.broker, says, 2);
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-given");
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	check_str(bearer_of(&s), "Bearer tok-one");
	check_i64(generation_of(&s), 1);
	check_i64(s.failed, 0);
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
	stand_up(&s, first, 1);
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
	stand_up(&s, first, 1);
	s.keeper.cfg.source_url = s.keeper.empty;
	begin(&s);
	check_i64(token_get_state(s.token), TOKEN_WAITING);
	check_str(bearer_of(&s), "");
	check_health(&s, HEALTH_DEGRADED, "token.source_url");
	check_i64(s.failed, 0);
	keeper_stop(&s.rig, &s.keeper);
	/* A given token that is refused, and nobody to ask. */
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-given");
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	s.told = 0;
	token_refuse(s.token, generation_of(&s));
	check_i64(token_get_state(s.token), TOKEN_FAILED);
	check(token_has_failed(s.token));
	check_i64(s.failed, 1);
	check_str(bearer_of(&s), "");
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
	begin(&s);
	s.token->backoff.cap_ms = 20;
	rig_until(&s.rig, is_ready, &s);
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
	begin(&s);
	rig_until(&s.rig, has_failed_fetch, &s);
	check_i64(token_get_state(s.token), TOKEN_FETCHING);
	s.token->deps.cfg = &s.keeper.cfg;
	s.keeper.cfg.timeout_ms = 10000;
	rig_until(&s.rig, is_ready, &s);
	stand_down(&s);
}

/* --- proof ------------------------------------------------------------------------------------- */

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
	stand_up(&s, first, 1);
	script_set(&s.keeper.broker, says, ARRAY_LEN(says));
	begin(&s);
	s.token->backoff.cap_ms = 40;
	rig_until(&s.rig, is_ready, &s);
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
	stand_up(&s, first, 1);
	script_set(&s.keeper.broker, scope, 2);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	check_i64(s.keeper.broker.asked, 2);
	stand_down(&s);
	/* UDAPI100050 is a dead token under any status. */
	stand_up(&s, first, 1);
	script_set(&s.keeper.broker, says, 1);
	s.keeper.cfg.retries = 1;
	begin(&s);
	rig_until(&s.rig, is_failed, &s);
	check_i64(s.keeper.broker.asked, 1);
	stand_down(&s);
}

/* --- the end of a token ------------------------------------------------------------------------ */

/* However many notice, and however late: one fetch. */
static void test_refused_once(void **state)
{
	static const struct script_reply replies[] = {{200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-two"), NULL}};
	struct stand s;

	(void)state;
	stand_up(&s, replies, 2);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	for (int i = 0; i < 100; i++)
		token_refuse(s.token, 1);
	check_str(bearer_of(&s), "");
	check_i64(token_get_state(s.token), TOKEN_REFRESHING);
	check_i64(s.told, 2);
	rig_until(&s.rig, is_ready, &s);
	token_refuse(s.token, 1); /* of the generation before */
	token_refuse(s.token, 7); /* of none */
	check_str(bearer_of(&s), "Bearer tok-two");
	check_i64(generation_of(&s), 2);
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
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	token_refuse(s.token, 1);
	rig_until(&s.rig, is_failed, &s);
	check_i64(s.api.asked, 1 + 3);
	check_i64(s.keeper.broker.asked, 1); /* the dead token is not shown to the broker again */
	check_i64(s.failed, 1);
	check(token_has_failed(s.token));
	check_health(&s, HEALTH_DOWN, "after 3 tries");
	check_str(s.bearer, "");
	script_set(&s.api, newer, 1);
	rig_until(&s.rig, is_ready, &s); /* poll_s is a second */
	check_str(bearer_of(&s), "Bearer tok-two");
	check(!token_has_failed(s.token));
	check_i64(s.failed, 1);
	check_i64(generation_of(&s), 2);
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
	begin(&s);
	rig_until(&s.rig, is_failed, &s);
	check_i64(s.api.asked, 3);
	check_i64(s.told, 1); /* of the failure */
	stand_down(&s);
	/* Good at the proof, and refused by the feed at once. */
	stand_up(&s, replies, ARRAY_LEN(replies));
	begin(&s);
	for (int i = 0; i < 4; i++) {
		rig_until(&s.rig, is_ready, &s);
		token_refuse(s.token, generation_of(&s));
		if (token_has_failed(s.token))
			break;
	}
	check(token_has_failed(s.token));
	check(s.api.asked <= 4);
	stand_down(&s);
}

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
	check(ist_parse("2026-01-23T03:29:59", 19, &at));
	clock_init_manual(&s.rig.clock, CLOCK_SYSTEM, at);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	token_status(s.token, &st);
	check_i64(st.expires_ms, at + 1000);
	check(ws_rig_until(&s.rig, is_failed, &s, 600) == false); /* time stands still */
	check_str(bearer_of(&s), "Bearer tok-one");
	clock_advance(&s.rig.clock, 1000);
	while (generation_of(&s) == 1)
		ws_rig_turn(&s.rig);
	check_str(bearer_of(&s), "Bearer tok-two");
	check_i64(module_metric(s.module, "expiries_total"), 1);
	token_status(s.token, &st);
	check_i64(st.expires_ms, at + 1000 + DAY_MS);
	stand_down(&s);
}

/* renew_before_s before the end: the next token takes the place of the first without a gap. */
static void test_renewal(void **state)
{
	static const struct script_reply replies[] = {{200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-two"), NULL}};
	struct stand s;
	int64_t at;

	(void)state;
	stand_up(&s, replies, 3);
	s.keeper.cfg.renew_before_s = 1800;
	check(ist_parse("2026-01-23T02:59:00", 19, &at));
	clock_init_manual(&s.rig.clock, CLOCK_SYSTEM, at);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	clock_advance(&s.rig.clock, 60000);
	while (generation_of(&s) == 1) {
		check(bearer_of(&s)[0]); /* never without */
		ws_rig_turn(&s.rig);
	}
	check_str(bearer_of(&s), "Bearer tok-two");
	check_i64(s.told, 2);
	check_i64(s.failed, 0);
	stand_down(&s);
}

/* --- offers and questions ---------------------------------------------------------------------- */

static int offer(struct stand *s, const char *token)
{
	struct agni_err err;

	return token_offer(s->token, &(struct token_offer){.token = token, .origin = ORIGIN_UPDATE},
			   on_proof, s, &err);
}

static void test_offer(void **state)
{
	const struct script_reply says[] = {good, dead, {500, "", NULL}, good};
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	script_set(&s.keeper.broker, says, 4);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	/* Bad: nothing is replaced. */
	check_i64(offer(&s, "tok-bad"), 0);
	check_i64(offer(&s, "tok-other"), AGNI_EBUSY);
	rig_until(&s.rig, has_answer, &s);
	check_i64(s.verdict, PROOF_BAD);
	check_str(s.code, "UDAPI100050");
	check_i64(s.status, 401);
	check_str(bearer_of(&s), "Bearer tok-one");
	/* Not to be told. */
	s.answers = 0;
	check_i64(offer(&s, "tok-maybe"), 0);
	rig_until(&s.rig, has_answer, &s);
	check_i64(s.verdict, PROOF_UNKNOWN);
	check_str(bearer_of(&s), "Bearer tok-one");
	/* Good. */
	s.answers = 0;
	check_i64(offer(&s, "tok-good"), 0);
	rig_until(&s.rig, has_answer, &s);
	check_i64(s.verdict, PROOF_GOOD);
	check_str(bearer_of(&s), "Bearer tok-good");
	check_i64(generation_of(&s), 2);
	check_i64(offer(&s, "tok with a space"), AGNI_EPARSE);
	/* The offered token lives as a daily one does. */
	stand_down(&s);
}

/* The very token that is in place is offered, and turns out to be dead: a 401 like any other. */
static void test_offer_of_the_dead_one(void **state)
{
	const struct script_reply says[] = {good, dead};
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	script_set(&s.keeper.broker, says, 2);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	check_i64(offer(&s, "tok-one"), 0);
	rig_until(&s.rig, has_answer, &s);
	check_i64(s.verdict, PROOF_BAD);
	check_str(bearer_of(&s), "");
	check_i64(token_get_state(s.token), TOKEN_REFRESHING);
	stand_down(&s);
}

/* Beyond repair, and revived by hand. */
static void test_offer_revives(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	token_refuse(s.token, 1);
	rig_until(&s.rig, is_failed, &s);
	check_i64(offer(&s, "tok-by-hand"), 0);
	rig_until(&s.rig, has_answer, &s);
	check_str(bearer_of(&s), "Bearer tok-by-hand");
	check(!token_has_failed(s.token));
	check_health(&s, HEALTH_UP, "in place");
	stand_down(&s);
}

/* Fifty who ask at once and learn of a 401: one question, one refresh. */
static void test_validate(void **state)
{
	static const struct script_reply replies[] = {{200, ANSWER("tok-one"), NULL},
						      {200, ANSWER("tok-two"), NULL}};
	const struct script_reply says[] = {good, good, dead, good};
	struct agni_err err;
	struct stand s;

	(void)state;
	stand_up(&s, replies, 2);
	script_set(&s.keeper.broker, says, 4);
	begin(&s);
	check_i64(token_validate(s.token, on_proof, &s, &err), AGNI_ENOTFOUND);
	rig_until(&s.rig, is_ready, &s);
	check_i64(token_validate(s.token, on_proof, &s, &err), 0);
	rig_until(&s.rig, has_answer, &s);
	check_i64(s.verdict, PROOF_GOOD);
	check_str(s.asked, "GET /v3/feed/market-data-feed/authorize");
	s.answers = 0;
	for (int i = 0; i < 50; i++)
		check_i64(token_validate(s.token, on_proof, &s, &err), 0);
	rig_until(&s.rig, has_answer, &s);
	check_i64(s.answers, 50);
	check_i64(s.verdict, PROOF_BAD);
	rig_until(&s.rig, is_ready, &s);
	check_str(bearer_of(&s), "Bearer tok-two");
	check_i64(s.api.asked, 2);
	check_i64(s.keeper.broker.asked, 4);
	stand_down(&s);
}

/* --- what is kept ------------------------------------------------------------------------------ */

static void test_kept_over_a_restart(void **state)
{
	char path[128];
	struct stand s;
	struct stat st;

	(void)state;
	stand_up(&s, first, 1);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	token_refuse(s.token, 1); /* so that the generation is not 1 */
	check_i64(offer(&s, "tok-kept"), 0);
	rig_until(&s.rig, has_answer, &s);
	keeper_stop(&s.rig, &s.keeper);
	snprintf(path, sizeof(path), "%s/token-a.sealed", s.keeper.dir);
	check_i64(stat(path, &st), 0);
	check_i64(st.st_mode & 0777, 0600);
	snprintf(path, sizeof(path), "%s/seal.key", s.keeper.dir);
	check_i64(stat(path, &st), 0);
	check_i64(st.st_mode & 0777, 0600);
	/* Nobody is asked for a token. */
	s.api.asked = 0;
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	check_str(bearer_of(&s), "Bearer tok-kept");
	check_i64(generation_of(&s), 2);
	check_i64(s.api.asked, 0);
	keeper_stop(&s.rig, &s.keeper);
	/* The broker does not know it any more: the token API is asked, the generation goes on. */
	script_set(&s.keeper.broker, (const struct script_reply[]){dead, good}, 2);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	check_str(bearer_of(&s), "Bearer tok-one");
	check_i64(generation_of(&s), 3);
	stand_down(&s);
}

/* Another key: named, and nothing is written over the record. */
static void test_wrong_key(void **state)
{
	char key[128], path[128], before[1024] = "", after[1024] = "";
	struct stand s;
	FILE *f;

	(void)state;
	stand_up(&s, first, 1);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	keeper_stop(&s.rig, &s.keeper);
	snprintf(path, sizeof(path), "%s/token-a.sealed", s.keeper.dir);
	f = fopen(path, "r");
	check(f && fread(before, 1, sizeof(before) - 1, f) > 0);
	fclose(f);
	snprintf(key, sizeof(key), "%s/seal.key", s.keeper.dir);
	check_i64(remove(key), 0);
	begin(&s); /* a new key is made */
	rig_until(&s.rig, is_ready, &s);
	check_health(&s, HEALTH_DEGRADED, "not in the key file");
	keeper_stop(&s.rig, &s.keeper);
	f = fopen(path, "r");
	check(f && fread(after, 1, sizeof(after) - 1, f) > 0);
	fclose(f);
	check_str(after, before);
	/* A key file that others may read. */
	check_i64(chmod(key, 0644), 0);
	s.token = token_create(&s.keeper.deps);
	s.keeper.token = NULL;
	{
		struct agni_err err = {0};
		struct module *m = token_module(s.token);

		check_i64(m->ops->start(m, &err), AGNI_ECONFIG);
		check(strstr(err.text, "chmod 600"));
		token_destroy(s.token);
	}
	stand_down(&s);
}

/* A new token by hand while the server runs: put in place once, unless it is the refused one. */
static void test_reload(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	s.keeper.cfg.source_url = s.keeper.empty;
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-given");
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	token_reload(s.token); /* nothing new */
	check_i64(s.told, 1);
	token_refuse(s.token, 1);
	token_reload(s.token); /* the very token that was refused */
	check_i64(token_get_state(s.token), TOKEN_FAILED);
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok with a space");
	token_reload(s.token);
	check_str(bearer_of(&s), "");
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-newer");
	token_reload(s.token);
	rig_until(&s.rig, is_ready, &s);
	check_str(bearer_of(&s), "Bearer tok-newer");
	check_i64(generation_of(&s), 2);
	s.keeper.given[0] = '\0'; /* taken out of the file: what works stays */
	token_reload(s.token);
	check_str(bearer_of(&s), "Bearer tok-newer");
	stand_down(&s);
}

static void test_analytics(void **state)
{
	static char token[] = "tok-analytics", date[] = "2027-01-31";
	struct token_status st;
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	s.keeper.cfg.source_url = s.keeper.empty;
	s.keeper.cfg.analytics_token = token;
	s.keeper.cfg.analytics_expires = date;
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	token_status(s.token, &st);
	check_str(st.kind, "analytics");
	check_i64(st.expires_ms, ist_instant(day_from_civil(2027, 2, 1), -1));
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
	int64_t at;

	(void)state;
	stand_up(&s, replies, 4);
	s.keeper.cfg.renew_before_s = 1800;
	s.keeper.cfg.poll_s = 30;
	check(ist_parse("2026-01-23T03:10:00", 19, &at));
	clock_init_manual(&s.rig.clock, CLOCK_SYSTEM, at);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	ws_rig_for(&s.rig, 4 * LOOK_MS);
	check_i64(s.api.asked, 1);
	clock_advance(&s.rig.clock, 29000);
	ws_rig_for(&s.rig, 4 * LOOK_MS);
	check_i64(s.api.asked, 1);
	clock_advance(&s.rig.clock, 2000);
	while (generation_of(&s) == 1)
		ws_rig_turn(&s.rig);
	ws_rig_for(&s.rig, 4 * LOOK_MS);
	check_i64(s.api.asked, 2);
	check_str(bearer_of(&s), "Bearer tok-two");
	stand_down(&s);
}

/* What a person put in place is not undone by a token that was there before. */
static void test_reload_brings_nothing_back(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	s.keeper.cfg.source_url = s.keeper.empty;
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-given");
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	check_i64(offer(&s, "tok-by-hand"), 0);
	rig_until(&s.rig, has_answer, &s);
	token_reload(s.token); /* the same file as before */
	ws_rig_for(&s.rig, 2 * LOOK_MS);
	check_str(bearer_of(&s), "Bearer tok-by-hand");
	check_i64(token_get_state(s.token), TOKEN_READY);
	check_i64(s.keeper.broker.asked, 2);
	/* Better than none it is. */
	token_refuse(s.token, 2);
	rig_until(&s.rig, is_ready, &s);
	check_str(bearer_of(&s), "Bearer tok-given");
	stand_down(&s);
}

/* The same of the token API, which may be slower than the person. */
static void test_renewal_brings_nothing_back(void **state)
{
	struct stand s;
	int64_t at;

	(void)state;
	stand_up(&s, first, 1);
	s.keeper.cfg.renew_before_s = 1800;
	check(ist_parse("2026-01-23T02:50:00", 19, &at));
	clock_init_manual(&s.rig.clock, CLOCK_SYSTEM, at);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	check_i64(offer(&s, "tok-by-hand"), 0);
	rig_until(&s.rig, has_answer, &s);
	clock_advance(&s.rig.clock, 900000);
	while (s.api.asked < 2)
		ws_rig_turn(&s.rig);
	ws_rig_for(&s.rig, 2 * LOOK_MS);
	check_str(bearer_of(&s), "Bearer tok-by-hand");
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
	begin(&s);
	while (s.api.asked < 1)
		ws_rig_turn(&s.rig);
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-given");
	token_reload(s.token);
	rig_until(&s.rig, is_ready, &s);
	check_str(bearer_of(&s), "Bearer tok-given");
	stand_down(&s);
}

/* A given token that is bad does not make a good one look as if it were ending. */
static void test_reload_with_a_bad_one(void **state)
{
	const struct script_reply says[] = {good, dead};
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	script_set(&s.keeper.broker, says, 2);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	snprintf(s.keeper.given, sizeof(s.keeper.given), "tok-bad");
	token_reload(s.token);
	while (s.keeper.broker.asked < 2)
		ws_rig_turn(&s.rig);
	ws_rig_for(&s.rig, 2 * LOOK_MS);
	check_str(bearer_of(&s), "Bearer tok-one");
	check_i64(token_get_state(s.token), TOKEN_READY);
	stand_down(&s);
}

/* Who asks after a swap is told of the token that is in place, not of the one before. */
static void test_validate_over_a_swap(void **state)
{
	const struct script_reply says[] = {good, {0, NULL, NULL}, good, good};
	struct agni_err err;
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	s.keeper.cfg.timeout_ms = 60000;
	script_set(&s.keeper.broker, says, 4);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	check_i64(token_validate(s.token, on_proof, &s, &err), 0);
	while (s.keeper.broker.asked < 2)
		ws_rig_turn(&s.rig);
	check_i64(offer(&s, "tok-new"), 0);
	while (generation_of(&s) == 1)
		ws_rig_turn(&s.rig);
	s.answers = 0; /* of the offer */
	check_i64(token_validate(s.token, on_proof, &s, &err), 0);
	rig_until(&s.rig, has_answer, &s);
	check_i64(s.answers, 2);
	check_i64(s.verdict, PROOF_GOOD);
	check_str(s.keeper.broker.heard[3].authorization, "Bearer tok-new");
	stand_down(&s);
}

/* A signal for something else costs nothing of what the keys do not open. */
static void test_reload_keeps_a_foreign_record(void **state)
{
	char key[128], path[128], before[1024] = "", after[1024] = "";
	struct stand s;

	(void)state;
	stand_up(&s, first, 1);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	keeper_stop(&s.rig, &s.keeper);
	snprintf(path, sizeof(path), "%s/token-a.sealed", s.keeper.dir);
	read_text(path, before, sizeof(before));
	snprintf(key, sizeof(key), "%s/seal.key", s.keeper.dir);
	check_i64(remove(key), 0);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	token_reload(s.token);
	check_health(&s, HEALTH_DEGRADED, "not in the key file");
	keeper_stop(&s.rig, &s.keeper);
	read_text(path, after, sizeof(after));
	check_str(after, before);
	/* Deleted by a person, who then says so. */
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	check_i64(remove(path), 0);
	token_reload(s.token);
	check_health(&s, HEALTH_UP, "in place");
	keeper_stop(&s.rig, &s.keeper);
	read_text(path, after, sizeof(after));
	check(strcmp(after, before) != 0);
	stand_down(&s);
}

/* --- the end ----------------------------------------------------------------------------------- */

/* Stopped at every stage. */
static void test_stop(void **state)
{
	static const struct script_reply silent[] = {{0, NULL, NULL}};
	static const struct script_reply failing[] = {{500, "", NULL}};
	struct stand s;

	(void)state;
	stand_up(&s, silent, 1);
	begin(&s);
	stand_down(&s);
	stand_up(&s, failing, 1);
	s.keeper.cfg.retry_ms = 60000;
	begin(&s);
	rig_until(&s.rig, has_failed_fetch, &s);
	stand_down(&s);
	check_i64(s.told, 0);
	/* While an offer and a question wait for the broker. */
	stand_up(&s, first, 1);
	begin(&s);
	rig_until(&s.rig, is_ready, &s);
	script_set(&s.keeper.broker, silent, 1);
	check_i64(offer(&s, "tok-late"), 0);
	check_i64(token_validate(s.token, on_proof, &s, NULL), 0);
	keeper_stop(&s.rig, &s.keeper);
	check_i64(s.answers, 2);
	check_i64(s.verdict, PROOF_UNKNOWN);
	stand_down(&s);
}

/* After everything else: nothing that looks like a token was ever logged. */
static void test_log(void **state)
{
	const char *text = log_captured();

	(void)state;
	check(strstr(text, "token: VALIDATING -> READY") != NULL);
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
		cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_source_of_deps),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_given_is_bad),
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_no_source),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_broker_in_trouble),
		cmocka_unit_test(test_profile_proves),
		cmocka_unit_test(test_refused_once),
		cmocka_unit_test(test_three_tries),
		cmocka_unit_test(test_ever_new_bad_tokens),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_offer),
		cmocka_unit_test(test_offer_of_the_dead_one),
		cmocka_unit_test(test_offer_revives),
		cmocka_unit_test(test_validate),
		cmocka_unit_test(test_kept_over_a_restart),
		cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_analytics),
		cmocka_unit_test(test_renewal_is_patient),
		cmocka_unit_test(test_reload_brings_nothing_back),
		cmocka_unit_test(test_renewal_brings_nothing_back),
		cmocka_unit_test(test_reload_while_trying),
		cmocka_unit_test(test_reload_with_a_bad_one),
		cmocka_unit_test(test_validate_over_a_swap),
		cmocka_unit_test(test_reload_keeps_a_foreign_record),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, start_log, end_log);
}
