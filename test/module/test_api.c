/* SPDX-License-Identifier: MIT
 *
 * The REST routes over real sockets: health, quotes, metrics, and what is not there.
 */
#include <regex.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "../lib/check.h"
#include "../lib/keeper.h"
#include "../lib/keyring.h"
#include "../lib/parts.h"
#include "api/api.h"
#include "core/json.h"

#define FO    "NSE_FO|45450"
#define INDEX "NSE_INDEX|Nifty 50"

/* A module beside the api whose health the test decides. */
struct dummy {
	struct module mod;
	enum health health;
	uint64_t things;
	struct histogram lag;
};

static enum health dummy_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct dummy *d = container_of(m, struct dummy, mod);

	snprintf(why, HEALTH_WHY_MAX, "so \"so\"");
	return d->health;
}

static const struct metric dummy_metrics[] = {
	{"things_total", "Things", METRIC_COUNTER, offsetof(struct dummy, things)},
	{"lag_seconds", "Lag", METRIC_HISTOGRAM, offsetof(struct dummy, lag)},
	{0},
};

static const struct module_ops dummy_ops = {.name = "dummy",
					    .health = dummy_health,
					    .metrics = dummy_metrics,
					    .mod_offset = offsetof(struct dummy, mod)};
static const struct module_ops plain_ops = {.name = "plain"}; /* says nothing: is well */

struct stand {
	struct ws_rig rig;
	struct http_client *http;
	struct market market;
	struct keeper keeper;
	struct refdata_config refdata_cfg;
	struct refdata *refdata;
	struct api_config cfg;
	struct api *api;
	struct keyring ring;
	struct dummy dummy;
	struct module plain;
	struct module *modules[5];
	struct answer answer;
	struct http_route more[2];
	char empty[1], given[16], listen[32];
	int port;
};

static void on_page(void *arg, struct http_request *r)
{
	http_respond(r, 200, "text/plain", NULL, arg, strlen(arg));
}

static void stand_up_with(struct stand *s, const char *token, int64_t grace_s, struct auth *auth);

/* Of seven clients, by pages. */
static uint32_t put_clients(const void *arg, struct buf *out, uint32_t from, uint32_t limit)
{
	uint32_t id = from ? from : 1, end = id + limit;

	(void)arg;
	for (; id < end && id <= 7; id++)
		buf_printf(out, "%s%u", id > from + !from ? "," : "", id);
	return id <= 7 ? id : 0;
}

static void stand_up(struct stand *s, const char *token, int64_t grace_s)
{
	memset(s, 0, sizeof(*s));
	ws_rig_up(&s->rig);
	stand_up_with(s, token, grace_s, NULL);
}

static void stand_up_with(struct stand *s, const char *token, int64_t grace_s, struct auth *auth)
{
	static char page[] = "the page";

	s->http = http_client_create(&s->rig.loop, NULL);
	market_init(&s->market, &s->rig.loop);
	snprintf(s->given, sizeof(s->given), "%s", token);
	snprintf(s->listen, sizeof(s->listen), "127.0.0.1:0");
	keeper_up(&s->rig, &s->keeper, s->http);
	snprintf(s->keeper.given, sizeof(s->keeper.given), "%s", s->given);
	keeper_start(&s->keeper);
	if (token[0])
		keeper_until_ready(&s->rig, &s->keeper);
	s->refdata_cfg = (struct refdata_config){.master = s->empty,
						 .watch = s->empty,
						 .watch_option_greeks = s->empty,
						 .watch_ltpc = s->empty,
						 .watch_max = 1,
						 .refresh_s = 3600};
	s->refdata = refdata_create(&(struct refdata_deps){.loop = &s->rig.loop,
							   .http = s->http,
							   .book = &s->market.book,
							   .interest = &s->market.interest,
							   .cfg = &s->refdata_cfg,
							   .master_url = ""});
	s->cfg = (struct api_config){.listen = s->listen,
				     .header_timeout_ms = 10000,
				     .body_timeout_ms = 10000,
				     .idle_timeout_ms = 10000,
				     .head_max_bytes = 16384,
				     .target_max_bytes = 8192,
				     .headers_max = 100,
				     .body_max_bytes = 65536,
				     .max_connections = 100,
				     .grace_s = grace_s};
	s->more[0] = (struct http_route){"GET", "/", on_page, page, 0};
	s->api = api_create(&(struct api_deps){.loop = &s->rig.loop,
					       .book = &s->market.book,
					       .tape = &s->market.tape,
					       .token = s->keeper.token,
					       .token_cfg = &s->keeper.cfg,
					       .refdata = s->refdata,
					       .auth = auth,
					       .cfg = &s->cfg,
					       .source = "test",
					       .upstream = &s->market.view,
					       .put_clients = put_clients,
					       .modules = s->modules,
					       .modules_n = ARRAY_LEN(s->modules),
					       .more = s->more});
	s->dummy.mod.ops = &dummy_ops;
	s->plain.ops = &plain_ops;
	s->modules[0] = &s->plain;
	s->modules[1] = s->keeper.mod;
	s->modules[2] = refdata_module(s->refdata);
	s->modules[3] = &s->dummy.mod;
	s->modules[4] = api_module(s->api);
	module_up(s->modules[2]);
	module_up(s->modules[4]);
	s->port = api_port(s->api);
}

static void stand_down(struct stand *s)
{
	module_down(&s->rig, s->modules[4]);
	module_down(&s->rig, s->modules[2]);
	keeper_down(&s->rig, &s->keeper);
	api_destroy(s->api);
	refdata_destroy(s->refdata);
	http_client_down(&s->rig, s->http);
	if (s->ring.auth)
		keyring_down(&s->ring, &s->rig);
	ws_rig_down(&s->rig);
	market_fini(&s->market);
	buf_fini(&s->answer.body);
}

/* The answer's status; its JSON is in *json, strictly parsed, and has the right envelope. */
static int ask(struct stand *s, const char *target, cJSON **json)
{
	struct agni_err err = {0};
	bool is_good;

	http_ask(&s->rig, s->http, s->port, NULL, target, &s->answer);
	check_i64(s->answer.code, 0);
	check(strncmp(s->answer.type, "application/json", 16) == 0);
	*json = json_parse(s->answer.body.data, s->answer.body.len, &err);
	if (!*json)
		fail_msg("%s: %s", err.text, s->answer.body.data);
	is_good = strcmp(json_string(*json, "status"), "success") == 0;
	check(is_good == (cJSON_GetObjectItem(*json, "data") != NULL));
	check(is_good != (cJSON_GetObjectItem(*json, "error") != NULL));
	return s->answer.status;
}

static const char *text_at(const cJSON *json, const char *name)
{
	const char *text = json_string(json, name);

	if (!text)
		fail_msg("no string %s", name);
	return text;
}

/* --- health ----------------------------------------------------------------------------------- */

static void test_health(void **state)
{
	struct stand s;
	cJSON *json, *data, *modules;

	(void)state;
	stand_up(&s, "tok", 60);
	check_i64(ask(&s, "/health", &json), 200);
	data = cJSON_GetObjectItem(json, "data");
	check_str(text_at(data, "service"), "agnidata");
	check_str(text_at(data, "status"), "UP");
	check_str(text_at(data, "source"), "test");
	check(cJSON_IsTrue(cJSON_GetObjectItem(data, "has_token")));
	check(strstr(text_at(data, "now"), "+05:30") != NULL);
	check(strstr(text_at(data, "market_time"), "+05:30") != NULL);
	check(text_at(data, "market_phase")[0] != '\0');
	check(cJSON_IsTrue(cJSON_GetObjectItem(data, "session_open")));
	check_str(text_at(data, "upstream"), "live");
	check(cJSON_IsFalse(cJSON_GetObjectItem(data, "stale")));
	check_str(text_at(data, "epoch"), s.market.tape.epoch);
	check_i64(cJSON_GetObjectItem(data, "seq")->valueint, 0);
	check_i64(cJSON_GetObjectItem(data, "instruments")->valueint, 0);
	modules = cJSON_GetObjectItem(data, "modules");
	check_i64(cJSON_GetArraySize(modules), 5);
	check_str(text_at(cJSON_GetObjectItem(modules, "plain"), "status"), "UP");
	check_str(text_at(cJSON_GetObjectItem(modules, "dummy"), "why"), "so \"so\"");
	check(strstr(s.answer.body.data, "tok\"") == NULL); /* never the token */
	cJSON_Delete(json);
	/* One limps: 200, and the reason names it. */
	s.dummy.health = HEALTH_DEGRADED;
	check_i64(ask(&s, "/health", &json), 200);
	data = cJSON_GetObjectItem(json, "data");
	check_str(text_at(data, "status"), "DEGRADED");
	check_str(text_at(data, "why"), "dummy: so \"so\"");
	cJSON_Delete(json);
	stand_down(&s);
}

/* Nothing to serve when the grace is over is 503; anything that was ever known is 200. */
static void test_health_without_state(void **state)
{
	struct stand s;
	cJSON *json, *data;

	(void)state;
	stand_up(&s, "", 1);
	check_i64(ask(&s, "/health", &json), 200);
	check(cJSON_IsFalse(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "data"), "has_token")));
	check_str(text_at(cJSON_GetObjectItem(json, "data"), "status"), "DEGRADED");
	cJSON_Delete(json);
	ws_rig_for(&s.rig, 1050);
	check_i64(ask(&s, "/health", &json), 503);
	check_str(text_at(cJSON_GetObjectItem(json, "data"), "status"), "DOWN");
	cJSON_Delete(json);
	market_ltp(&s.market, FO, 10000);
	check_i64(ask(&s, "/health", &json), 200);
	check_str(text_at(cJSON_GetObjectItem(json, "data"), "status"), "DEGRADED");
	check_i64(module_metric(s.modules[4], "health_checks_total"), 3);
	cJSON_Delete(json);
	/* A module that is down is no reason to take away what is known. */
	s.dummy.health = HEALTH_DOWN;
	check_i64(ask(&s, "/health", &json), 200);
	data = cJSON_GetObjectItem(json, "data");
	check_str(text_at(data, "status"), "DEGRADED");
	/* Neither hides the other. */
	check(strncmp(text_at(data, "why"), "token: ", 7) == 0);
	check(strstr(text_at(data, "why"), "; dummy: so \"so\"") != NULL);
	data = cJSON_GetObjectItem(cJSON_GetObjectItem(data, "modules"), "dummy");
	check_str(text_at(data, "status"), "DOWN");
	cJSON_Delete(json);
	stand_down(&s);
}

/* --- quotes ----------------------------------------------------------------------------------- */

static void test_quotes(void **state)
{
	static const char *const no_pages[] = {
		"/quotes?limit=all", "/quotes?limit=", "/quotes?from=-1", "/quotes?from=1x"};
	char page[64];
	struct stand s;
	cJSON *json, *data, *quotes;

	(void)state;
	stand_up(&s, "tok", 60);
	check_i64(ask(&s, "/quotes", &json), 200);
	data = cJSON_GetObjectItem(json, "data");
	check_i64(cJSON_GetArraySize(cJSON_GetObjectItem(data, "quotes")), 0);
	cJSON_Delete(json);
	instruments_intern(&s.market.book.instruments, "NSE_FO|1", 8); /* known, has not ticked */
	market_ltp(&s.market, FO, 1234500);
	market_ltp(&s.market, INDEX, 254123500);
	s.market.is_stale = true;
	check_i64(ask(&s, "/quotes", &json), 200);
	data = cJSON_GetObjectItem(json, "data");
	check_str(text_at(data, "epoch"), s.market.tape.epoch);
	check_i64(cJSON_GetObjectItem(data, "seq")->valueint, 2);
	quotes = cJSON_GetObjectItem(data, "quotes");
	check_i64(cJSON_GetArraySize(quotes), 2);
	check_str(text_at(quotes->child, "key"), FO);
	check_near(cJSON_GetObjectItem(quotes->child, "ltp")->valuedouble, 123.45, 0);
	check(cJSON_IsTrue(cJSON_GetObjectItem(quotes->child, "stale")));
	check(cJSON_GetObjectItem(quotes->child, "age_ms")->valueint >= 0);
	cJSON_Delete(json);
	/* ?keys= narrows; what has not ticked is left out. */
	check_i64(ask(&s, "/quotes?keys=NSE_FO%7C1,NSE_INDEX%7CNifty+50,nonsense,", &json), 200);
	quotes = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "data"), "quotes");
	check_i64(cJSON_GetArraySize(quotes), 1);
	check_str(text_at(quotes->child, "key"), INDEX);
	cJSON_Delete(json);
	check_i64(ask(&s, "/quotes?keys=", &json), 200);
	check_i64(cJSON_GetArraySize(
			  cJSON_GetObjectItem(cJSON_GetObjectItem(json, "data"), "quotes")),
		  0);
	cJSON_Delete(json);
	check_i64(module_metric(s.modules[4], "quotes_total"), 3);
	/* Page by page; what is no number is no page. */
	check_i64(ask(&s, "/quotes?limit=1", &json), 200);
	data = cJSON_GetObjectItem(json, "data");
	check_i64(cJSON_GetArraySize(cJSON_GetObjectItem(data, "quotes")), 1);
	check_str(text_at(cJSON_GetObjectItem(data, "quotes")->child, "key"), FO);
	snprintf(page, sizeof(page), "/quotes?from=%d&limit=0",
		 cJSON_GetObjectItem(data, "next")->valueint);
	cJSON_Delete(json);
	check_i64(ask(&s, page, &json), 200); /* one at least */
	data = cJSON_GetObjectItem(json, "data");
	check_str(text_at(cJSON_GetObjectItem(data, "quotes")->child, "key"), INDEX);
	cJSON_Delete(json);
	for (size_t i = 0; i < ARRAY_LEN(no_pages); i++) {
		check_i64(ask(&s, no_pages[i], &json), 400);
		cJSON_Delete(json);
	}
	stand_down(&s);
}

static void test_one_quote(void **state)
{
	static const struct {
		const char *target;
		int status;
		const char *code; /* NULL: it is FO's or INDEX's quote */
	} cases[] = {
		{"/quotes/NSE_FO%7C45450", 200, NULL},
		{"/quotes/NSE_INDEX%7CNifty%2050", 200, NULL},
		{"/quotes/NSE_INDEX%7CNifty+50", 404, "no_tick"}, /* "+" is itself in a path */
		{"/quotes/NSE_FO%7C1", 404, "no_tick"},
		{"/quotes/nse_fo%7C45450", 400, "invalid_instrument"},
		{"/quotes/NSE_FO", 400, "invalid_instrument"},
		{"/quotes/NSE_FO%7C45450%7C24-04-2025", 404, "no_tick"},
		{"/quotes/NSE_FO%7", 400, "bad_request"},
		{"/quotes/%00", 400, "bad_request"},
	};
	struct stand s;

	(void)state;
	stand_up(&s, "tok", 60);
	market_ltp(&s.market, FO, 1234500);
	market_ltp(&s.market, INDEX, 1234500);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cJSON *json;
		int status = ask(&s, cases[i].target, &json);

		if (status != cases[i].status)
			fail_msg("%s: %d", cases[i].target, status);
		if (cases[i].code)
			check_str(text_at(cJSON_GetObjectItem(json, "error"), "code"),
				  cases[i].code);
		else
			check_str(text_at(cJSON_GetObjectItem(json, "data"), "key"),
				  i ? INDEX : FO);
		cJSON_Delete(json);
	}
	stand_down(&s);
}

/* --- lists of instruments --------------------------------------------------------------------- */

/* Who names an instrument twice gets one member: the answer is JSON that is read strictly. */
static void test_named_twice(void **state)
{
	struct stand s;
	cJSON *json, *data;

	(void)state;
	stand_up(&s, "tok", 60);
	market_ltp(&s.market, FO, 1234500);
	market_ltp(&s.market, INDEX, 254123500);
	check_i64(ask(&s,
		      "/v2/market-quote/ltp?symbol=NSE_FO%7C45450,NSE_INDEX%7CNifty+50,"
		      "NSE_FO%7C45450",
		      &json),
		  200);
	data = cJSON_GetObjectItem(json, "data");
	check_i64(cJSON_GetArraySize(data), 2);
	check(cJSON_GetObjectItem(data, "NSE_FO:45450") != NULL);
	cJSON_Delete(json);
	stand_down(&s);
}

/* --- metrics ---------------------------------------------------------------------------------- */

static bool matches(const char *pattern, const char *line)
{
	regex_t re;
	bool ok;

	check_i64(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ok = regexec(&re, line, 0, NULL, 0) == 0;
	regfree(&re);
	return ok;
}

/* Every line is HELP, TYPE or a sample; HELP and TYPE come once, before the samples they are
 * for. */
static void check_exposition(char *text)
{
	char name[128] = "", type[16] = "", seen[16384] = "", mark[160];
	char *line, *at = text;
	unsigned samples = 0;

	check(text[strlen(text) - 1] == '\n');
	while ((line = strsep(&at, "\n")) && *line) {
		if (matches("^# HELP [a-z_:][a-z0-9_:]* [^ ].*$", line)) {
			sscanf(line, "# HELP %127s", name);
			snprintf(mark, sizeof(mark), " %s ", name);
			if (strstr(seen, mark))
				fail_msg("%s twice", name);
			check(strlen(seen) + strlen(mark) < sizeof(seen));
			strcat(seen, mark);
		} else if (matches("^# TYPE [a-z_:][a-z0-9_:]* (counter|gauge|histogram)$", line)) {
			char of[128];

			sscanf(line, "# TYPE %127s %15s", of, type);
			check_str(of, name);
			check_i64(strcmp(type, "counter") == 0,
				  strcmp(name + strlen(name) - 6, "_total") == 0);
		} else if (matches("^[a-z_:][a-z0-9_:]*(\\{le=\"[0-9.e+Inf-]+\"\\})? [0-9.e+-]+$",
				   line)) {
			size_t n = strlen(name);

			samples++;
			if (strncmp(line, name, n) != 0 ||
			    !(line[n] == ' ' || strcmp(type, "histogram") == 0))
				fail_msg("sample without its TYPE: %s", line);
		} else {
			fail_msg("not the exposition format: %s", line);
		}
	}
	check(samples > 30);
}

static void test_metrics(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, "tok", 60);
	market_ltp(&s.market, FO, 1);
	s.dummy.things = 41;
	histogram_add(&s.dummy.lag, 100);
	http_ask(&s.rig, s.http, s.port, NULL, "/metrics", &s.answer);
	check_i64(s.answer.status, 200);
	check_str(s.answer.type, "text/plain; version=0.0.4; charset=utf-8");
	check(strstr(s.answer.body.data, "\nagnidata_dummy_things_total 41\n") != NULL);
	check(strstr(s.answer.body.data, "\nagnidata_dummy_lag_seconds_count 1\n") != NULL);
	check(strstr(s.answer.body.data, "\nagnidata_book_ticks_total 1\n") != NULL);
	check(strstr(s.answer.body.data, "\nagnidata_tape_seq 1\n") != NULL);
	check(strstr(s.answer.body.data, "\nagnidata_http_requests_total ") != NULL);
	check(strstr(s.answer.body.data, "\nagnidata_token_generation 1\n") != NULL);
	check(strstr(s.answer.body.data, "\nprocess_open_fds ") != NULL);
	check(strstr(s.answer.body.data, "process_resident_memory_bytes 0\n") == NULL);
	check_exposition(s.answer.body.data);
	stand_down(&s);
}

static void test_clients(void **state)
{
	static const struct {
		const char *target, *body;
		int status;
	} cases[] = {
		{"/clients", "{\"clients\":[1,2,3,4,5,6,7],\"next\":null}", 200},
		{"/clients?limit=3", "{\"clients\":[1,2,3],\"next\":4}", 200},
		{"/clients?limit=3&from=4", "{\"clients\":[4,5,6],\"next\":7}", 200},
		{"/clients?from=9", "{\"clients\":[],\"next\":null}", 200},
		{"/clients?limit=x", "bad_request", 400},
		{"/clients?from=-1", "bad_request", 400},
	};
	struct stand s;

	(void)state;
	stand_up(&s, "tok", 60);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		http_ask(&s.rig, s.http, s.port, NULL, cases[i].target, &s.answer);
		check_i64(s.answer.status, cases[i].status);
		if (!strstr(s.answer.body.data, cases[i].body))
			fail_msg("%s: %s", cases[i].target, s.answer.body.data);
	}
	stand_down(&s);
}

/* --- behind the door -------------------------------------------------------------------------- */

/* The code of the error that came; *json is deleted. */
static const char *code_of(cJSON *json)
{
	static char code[64];

	snprintf(code, sizeof(code), "%s", text_at(cJSON_GetObjectItem(json, "error"), "code"));
	cJSON_Delete(json);
	return code;
}

/* A viewer with a scope: sees its part of the quotes, the short form of /health, gets a ticket. */
static void test_viewer(void **state)
{
	struct stand s;
	cJSON *json, *data;
	char viewer[KEY_TEXT_LEN + 1], root[KEY_TEXT_LEN + 1];

	(void)state;
	memset(&s, 0, sizeof(s));
	ws_rig_up(&s.rig);
	keyring_up(&s.ring, &s.rig);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, "NSE_INDEX|*,NSE_FO|1", viewer);
	keyring_add(&s.ring, (struct key){.role = ROLE_OPERATOR}, NULL, root);
	keyring_open(&s.ring, &s.rig);
	stand_up_with(&s, "tok", 60, s.ring.auth);
	market_ltp(&s.market, FO, 1234500);
	market_ltp(&s.market, INDEX, 1234500);
	check_i64(ask(&s, "/quotes", &json), 401);
	check_str(code_of(json), "key_required");
	s.answer.authorization = bearer(viewer);
	check_i64(ask(&s, "/quotes", &json), 200);
	data = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "data"), "quotes");
	check_i64(cJSON_GetArraySize(data), 1);
	check_str(text_at(data->child, "key"), INDEX);
	cJSON_Delete(json);
	check_i64(ask(&s, "/quotes?keys=NSE_FO%7C45450", &json), 200);
	data = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "data"), "quotes");
	check_i64(cJSON_GetArraySize(data), 0);
	cJSON_Delete(json);
	check_i64(ask(&s, "/quotes/NSE_FO%7C45450", &json), 403);
	check_str(code_of(json), "not_permitted");
	check_i64(ask(&s, "/quotes/NSE_FO%7C999", &json), 403);
	check_str(code_of(json), "not_permitted"); /* there is no such thing: not said */
	check_i64(ask(&s, "/quotes/NSE_FO%7C1", &json), 404);
	check_str(code_of(json), "no_tick");
	check_i64(ask(&s, "/quotes/nonsense", &json), 400);
	check_str(code_of(json), "invalid_instrument");
	check_i64(ask(&s, "/quotes/NSE_INDEX%7CNifty%2050", &json), 200);
	cJSON_Delete(json);
	check_i64(ask(&s, "/metrics", &json), 403);
	check_str(code_of(json), "role_not_sufficient");
	for (int i = 0; i < 2; i++) {
		check_i64(ask(&s, "/health", &json), 200);
		data = cJSON_GetObjectItem(json, "data");
		check_str(text_at(data, "status"), "UP");
		check_i64(cJSON_GetObjectItem(data, "modules") != NULL, i);
		check_i64(cJSON_GetObjectItem(data, "why") != NULL, i);
		cJSON_Delete(json);
		s.answer.authorization = bearer(root);
	}
	stand_down(&s);
}

static int post_ticket(struct stand *s, cJSON **json)
{
	struct agni_err err;

	http_ask(&s->rig, s->http, s->port, "POST", "/ws-ticket", &s->answer);
	*json = json_parse(s->answer.body.data, s->answer.body.len, &err);
	check(*json != NULL);
	return s->answer.status;
}

static void test_ticket(void **state)
{
	struct stand s;
	cJSON *json;
	char viewer[KEY_TEXT_LEN + 1];

	(void)state;
	memset(&s, 0, sizeof(s));
	ws_rig_up(&s.rig);
	keyring_up(&s.ring, &s.rig);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, viewer);
	keyring_open(&s.ring, &s.rig);
	stand_up_with(&s, "tok", 60, s.ring.auth);
	check_i64(post_ticket(&s, &json), 401);
	cJSON_Delete(json);
	s.answer.authorization = bearer(viewer);
	for (int i = 0; i < TICKETS_PER_HOLDER; i++) {
		check_i64(post_ticket(&s, &json), 200);
		check_i64(strlen(text_at(cJSON_GetObjectItem(json, "data"), "ticket")), TICKET_LEN);
		cJSON_Delete(json);
	}
	check_i64(post_ticket(&s, &json), 429);
	check_str(code_of(json), "too_many_tickets");
	clock_advance(&s.rig.clock, 30000); /* they have expired */
	check_i64(post_ticket(&s, &json), 200);
	cJSON_Delete(json);
	stand_down(&s);
	/* Where there is no door there are no tickets. */
	stand_up(&s, "tok", 60);
	check_i64(post_ticket(&s, &json), 404);
	check_str(code_of(json), "no_tickets");
	stand_down(&s);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void test_not_there(void **state)
{
	static const struct {
		const char *method, *target;
		int status;
	} cases[] = {
		{"GET", "/", 200},         {"GET", "/nothing", 404},  {"GET", "/health/", 404},
		{"GET", "/quotes/", 404},  {"POST", "/health", 405},  {"DELETE", "/quotes", 405},
		{"POST", "/metrics", 405}, {"POST", "/nothing", 404},
	};
	struct stand s;

	(void)state;
	stand_up(&s, "tok", 60);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		http_ask(&s.rig, s.http, s.port, cases[i].method, cases[i].target, &s.answer);
		if (s.answer.status != cases[i].status)
			fail_msg("%s %s: %d", cases[i].method, cases[i].target, s.answer.status);
		if (cases[i].status >= 400)
			check(strstr(s.answer.body.data, "\"status\":\"error\"") != NULL);
	}
	stand_down(&s);
}

static void test_bad_listen(void **state)
{
	static const char *const bad[] = {"0.0.0.0:0", "192.0.2.1:80", "nonsense"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct stand s;
		struct agni_err err = {0};
		struct api *other;

		stand_up(&s, "tok", 60);
		snprintf(s.listen, sizeof(s.listen), "%s", bad[i]);
		other = api_create(&(struct api_deps){.loop = &s.rig.loop, .cfg = &s.cfg});
		check_i64(api_module(other)->ops->start(api_module(other), &err), AGNI_ECONFIG);
		check(strstr(err.text, "http.listen") != NULL);
		api_destroy(other);
		stand_down(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_health),      cmocka_unit_test(test_health_without_state),
		cmocka_unit_test(test_quotes),      cmocka_unit_test(test_one_quote),
		cmocka_unit_test(test_named_twice), cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_clients),     cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_bad_listen),  cmocka_unit_test(test_viewer),
		cmocka_unit_test(test_ticket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
