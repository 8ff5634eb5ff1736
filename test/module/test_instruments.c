/* SPDX-License-Identifier: MIT
 *
 * GET /instruments and /instruments/resolve over real sockets: what is found and echoed, what is
 * refused and what is said then, and what a key's scope hides.
 */
#include <stdio.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "../lib/check.h"
#include "../lib/keyring.h"
#include "../lib/listed.h"
#include "../lib/parts.h"
#include "api/api.h"
#include "core/ist.h"
#include "core/json.h"

#define INDEX "NSE_INDEX|Nifty 50"

struct stand {
	struct ws_rig rig;
	struct http_client *http;
	struct market market;
	struct refdata_config refdata_cfg;
	struct refdata *refdata;
	struct api_config cfg;
	struct api *api;
	struct keyring ring;
	struct answer answer;
	char master[64], empty[1], listen[32];
	cJSON *json; /* of the newest answer */
};

static bool has_master(void *arg)
{
	return refdata_count(((struct stand *)arg)->refdata) > 0;
}

static void write_master(struct stand *s)
{
	struct buf text = {0};
	FILE *f;

	snprintf(s->master, sizeof(s->master), "/tmp/agni_test_listed_%d.json", (int)getpid());
	listed_small_text(&text);
	f = fopen(s->master, "w");
	check(f != NULL);
	fwrite(text.data, 1, text.len, f);
	fclose(f);
	buf_fini(&text);
}

static void start(struct stand *s)
{
	s->http = http_client_create(&s->rig.loop, NULL);
	market_init(&s->market, &s->rig.loop);
	s->refdata_cfg = (struct refdata_config){.master = s->master,
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
	snprintf(s->listen, sizeof(s->listen), "127.0.0.1:0");
	s->cfg = (struct api_config){.listen = s->listen,
				     .header_timeout_ms = 10000,
				     .body_timeout_ms = 10000,
				     .idle_timeout_ms = 10000,
				     .head_max_bytes = 16384,
				     .target_max_bytes = 8192,
				     .headers_max = 100,
				     .body_max_bytes = 65536,
				     .max_connections = 100};
	s->api = api_create(&(struct api_deps){.loop = &s->rig.loop,
					       .book = &s->market.book,
					       .tape = &s->market.tape,
					       .refdata = s->refdata,
					       .auth = s->ring.auth,
					       .cfg = &s->cfg,
					       .source = "test",
					       .upstream = &s->market.view});
	module_up(refdata_module(s->refdata));
	module_up(api_module(s->api));
}

/* On 2026-01-13, some hours before the week's expiry. */
static void set_clock(struct stand *s)
{
	int64_t now;

	check(ist_parse("2026-01-13T10:00:00", 19, &now));
	s->rig.clock.mode = CLOCK_FEED;
	clock_see_market(&s->rig.clock, now);
}

static void stand_up(struct stand *s)
{
	memset(s, 0, sizeof(*s));
	ws_rig_up(&s->rig);
	set_clock(s);
	write_master(s);
	start(s);
	rig_until(&s->rig, has_master, s);
	unlink(s->master);
}

static void stand_down(struct stand *s)
{
	cJSON_Delete(s->json);
	module_down(&s->rig, api_module(s->api));
	module_down(&s->rig, refdata_module(s->refdata));
	api_destroy(s->api);
	refdata_destroy(s->refdata);
	http_client_down(&s->rig, s->http);
	if (s->ring.auth)
		keyring_down(&s->ring, &s->rig);
	ws_rig_down(&s->rig);
	market_fini(&s->market);
	buf_fini(&s->answer.body);
}

/* The answer's status; its data, or its error, is *out. */
static int ask(struct stand *s, const char *target, cJSON **out)
{
	struct agni_err err = {0};

	http_ask(&s->rig, s->http, api_port(s->api), NULL, target, &s->answer);
	check_i64(s->answer.code, 0);
	cJSON_Delete(s->json);
	s->json = json_parse(s->answer.body.data, s->answer.body.len, &err);
	if (!s->json)
		fail_msg("%s: %s", err.text, s->answer.body.data);
	*out = cJSON_GetObjectItem(s->json, s->answer.status == 200 ? "data" : "error");
	check(*out != NULL);
	return s->answer.status;
}

static void expect_error(struct stand *s, const char *target, int status, const char *code)
{
	cJSON *e;

	if (ask(s, target, &e) != status || strcmp(json_string(e, "code"), code) != 0)
		fail_msg("%s: %d %s", target, s->answer.status, s->answer.body.data);
}

/* "total: key key " */
static const char *found(const cJSON *data)
{
	static char text[1024];
	const cJSON *row;

	snprintf(text, sizeof(text), "%d: ", cJSON_GetObjectItem(data, "total")->valueint);
	cJSON_ArrayForEach (row, cJSON_GetObjectItem(data, "instruments"))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
			 json_string(row, "key"));
	return text;
}

static void expect_found(struct stand *s, const char *target, const char *expected)
{
	cJSON *data;

	if (ask(s, target, &data) != 200)
		fail_msg("%s: %s", target, s->answer.body.data);
	check_str(found(data), expected);
}

static void test_search(void **state)
{
	struct stand s;
	cJSON *data, *row;

	(void)state;
	stand_up(&s);
	expect_found(&s, "/instruments?query=nifty&limit=3",
		     "36: NSE_INDEX|Nifty 50 NSE_INDEX|Nifty Bank NSE_EQ|INF204KB14I2 ");
	/* Below the range is its least. */
	expect_found(&s, "/instruments?query=nifty&limit=0", "36: NSE_INDEX|Nifty 50 ");
	expect_found(&s, "/instruments?query=reliance", "2: NSE_EQ|INE002A01018 NSE_FO|4 ");
	expect_found(&s, "/instruments?underlying=NIFTY&expiry=current&type=CE&limit=2",
		     "5: NSE_FO|100 NSE_FO|102 ");
	expect_found(&s, "/instruments?underlying=NIFTY&expiry=next&type=PE&limit=1",
		     "5: NSE_FO|201 ");
	expect_found(&s, "/instruments?expiry=2026-01-27&type=FUT&query=bank", "1: NSE_FO|2 ");
	expect_found(&s, "/instruments?query=nothing", "0: ");
	check_i64(ask(&s, "/instruments?query=NSE_FO%7C101", &data), 200);
	row = cJSON_GetArrayItem(cJSON_GetObjectItem(data, "instruments"), 0);
	check_str(json_string(row, "symbol"), "NIFTY 25000 PE");
	check_str(json_string(row, "type"), "PE");
	check_str(json_string(row, "segment"), "NSE_FO");
	check_str(json_string(row, "token"), "101");
	check_str(json_string(row, "underlying"), "NIFTY");
	check_str(json_string(row, "underlying_key"), INDEX);
	check_str(json_string(row, "expiry"), "2026-01-13");
	check(cJSON_IsTrue(cJSON_GetObjectItem(row, "weekly")));
	check(cJSON_IsFalse(cJSON_GetObjectItem(row, "expired")));
	check_i64(cJSON_GetObjectItem(row, "strike")->valueint, 25000);
	check_i64(cJSON_GetObjectItem(row, "lot_size")->valueint, 65);
	check(cJSON_GetObjectItem(row, "tick_size")->valuedouble == 0.05);
	stand_down(&s);
}

static void test_search_refused(void **state)
{
	struct stand s;
	cJSON *e;

	(void)state;
	stand_up(&s);
	expect_error(&s, "/instruments", 400, "bad_request");
	expect_error(&s, "/instruments?query=", 400, "bad_request");
	expect_error(&s, "/instruments?query=%20%20", 400, "bad_request");
	expect_error(&s, "/instruments?query=a&limit=x", 400, "bad_request");
	expect_error(&s, "/instruments?query=a&limit=-1", 400, "bad_request");
	expect_error(&s, "/instruments?query=a&expiry=soon", 400, "bad_request");
	expect_error(&s, "/instruments?query=a&expiry=current", 400, "bad_request");
	expect_error(&s, "/instruments?type=01234567890123456", 400, "bad_request");
	expect_error(
		&s,
		"/instruments?query=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaa",
		400, "bad_request");
	expect_error(&s, "/instruments?underlying=RELIANCE&type=CE&expiry=current", 404,
		     "no_expiry");
	check_i64(ask(&s, "/instruments?underlying=NIFTI", &e), 404);
	check_str(json_string(e, "code"), "unknown_underlying");
	check_str(cJSON_GetArrayItem(cJSON_GetObjectItem(e, "nearest"), 0)->valuestring, "NIFTY");
	stand_down(&s);
}

static void test_resolve(void **state)
{
	struct stand s;
	cJSON *d, *money, *asked;

	(void)state;
	stand_up(&s);
	expect_error(&s, "/instruments/resolve?underlying=NIFTY&expiry=current&strike=ATM&type=CE",
		     409, "no_price");
	market_ltp(&s.market, INDEX, 25210 * PRICE_SCALE);
	check_i64(
		ask(&s,
		    "/instruments/resolve?underlying=nifty+50&expiry=current&strike=ATM+1&type=PE",
		    &d),
		200);
	check_str(json_string(d, "key"), "NSE_FO|107");
	check_str(json_string(d, "expiry"), "2026-01-13");
	check_i64(cJSON_GetObjectItem(d, "strike")->valueint, 25300);
	check_i64(cJSON_GetObjectItem(d, "lot_size")->valueint, 65);
	check(cJSON_GetObjectItem(d, "tick_size")->valuedouble == 0.05);
	money = cJSON_GetObjectItem(d, "money");
	check_str(json_string(money, "source"), "spot");
	check_str(json_string(money, "key"), INDEX);
	check_i64(cJSON_GetObjectItem(money, "price")->valueint, 25210);
	check(cJSON_GetObjectItem(money, "age_ms") != NULL);
	asked = cJSON_GetObjectItem(d, "asked");
	check_str(json_string(asked, "underlying"), "nifty 50");
	check_str(json_string(asked, "expiry"), "current");
	check_str(json_string(asked, "strike"), "ATM+1");
	check_str(json_string(asked, "type"), "PE");
	check_i64(ask(&s, "/instruments/resolve?underlying=NIFTY&expiry=monthly&type=FUT", &d),
		  200);
	check_str(json_string(d, "key"), "NSE_FO|1");
	check(cJSON_GetObjectItem(d, "money") == NULL && !cJSON_GetObjectItem(d, "strike"));
	check_i64(ask(&s, "/instruments/resolve?underlying=RELIANCE&type=EQ", &d), 200);
	check_str(json_string(d, "key"), "NSE_EQ|INE002A01018");
	check_i64(ask(&s, "/instruments/resolve?underlying=nifty%20bank&type=INDEX", &d), 200);
	check_str(json_string(d, "key"), "NSE_INDEX|Nifty Bank");
	stand_down(&s);
}

static void test_resolve_refused(void **state)
{
#define NIFTY "/instruments/resolve?underlying=NIFTY"
	struct stand s;
	cJSON *e;

	(void)state;
	stand_up(&s);
	expect_error(&s, "/instruments/resolve", 400, "bad_request");
	expect_error(&s, NIFTY, 400, "bad_request");
	expect_error(&s, NIFTY "&type=XX", 400, "bad_request");
	expect_error(&s, NIFTY "&type=FUT", 400, "bad_request"); /* no expiry: not guessed */
	expect_error(&s, NIFTY "&type=CE&expiry=current", 400, "bad_request");
	expect_error(&s, NIFTY "&type=CE&expiry=current&strike=ATM%2B-2", 400, "bad_request");
	expect_error(&s, NIFTY "&type=CE&expiry=currentcurrentcurrent", 400, "bad_request");
	expect_error(&s, NIFTY "&type=EQ", 404, "unknown_underlying");
	check_i64(ask(&s, NIFTY "&type=CE&expiry=current&strike=25150", &e), 404);
	check_str(json_string(e, "code"), "no_strike");
	check_i64(cJSON_GetArraySize(cJSON_GetObjectItem(e, "nearest")), 5);
	check_i64(ask(&s, NIFTY "&type=CE&expiry=2026-01-14&strike=25100", &e), 404);
	check_str(json_string(e, "code"), "no_expiry");
	check_str(cJSON_GetArrayItem(cJSON_GetObjectItem(e, "nearest"), 0)->valuestring,
		  "2026-01-13");
	check(strstr(json_string(e, "message"), "2026-01-14") != NULL);
	stand_down(&s);
}

static void test_without_master(void **state)
{
	struct stand s;

	(void)state;
	memset(&s, 0, sizeof(s));
	ws_rig_up(&s.rig);
	start(&s);
	expect_error(&s, "/instruments?query=a", 503, "no_master");
	expect_error(&s, "/instruments/resolve?underlying=NIFTY&type=INDEX", 503, "no_master");
	stand_down(&s);
}

/* Where the master names no underlying it is the future that tells the money. */
static void test_money_key(void **state)
{
	static const struct {
		const char *text, *key;
	} cases[] = {{"NIFTY:current:ATM", INDEX},
		     {"USDINR:current:ATM:PE", "NCD_FO|5"},
		     {"USDINR:current:90:PE", NULL},
		     {"NIFTI:current:ATM", NULL}};
	struct stand s;

	(void)state;
	memset(&s, 0, sizeof(s));
	ws_rig_up(&s.rig);
	set_clock(&s);
	write_master(&s);
	start(&s);
	rig_until(&s.rig, has_master, &s);
	unlink(s.master);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *key =
			refdata_money_key(s.refdata, cases[i].text, strlen(cases[i].text));

		check_str(key ? key : "", cases[i].key ? cases[i].key : "");
	}
	stand_down(&s);
}

/* What a key may not see is not found, not resolved, and its price is not told. */
static void test_scope(void **state)
{
	/* Of RELIANCE it sees nothing, of NIFTY some: what is not there is no more told than what is. */
	static const char *const hidden[] = {
		"/instruments/resolve?underlying=NIFTI&type=INDEX",
		"/instruments/resolve?underlying=NIFTI&type=FUT&expiry=current",
		"/instruments/resolve?underlying=NIFTY&type=CE&expiry=current&strike=1",
		"/instruments/resolve?underlying=NIFTY&type=CE&expiry=current&strike=ATM%2B9",
		"/instruments/resolve?underlying=NIFTY&type=CE&expiry=2026-01-14&strike=ATM",
		"/instruments/resolve?underlying=RELIANCE&type=CE&expiry=current&strike=ATM",
		"/instruments?underlying=RELIANCE",
		"/instruments?underlying=NIFTI",
		"/chain/RELIANCE",
		"/chain/NIFTI",
		"/chain/NIFTY?expiry=2026-01-14",
		"/futures/RELIANCE",
		"/futures/NIFTI",
		"/why?instrument=RELIANCE:current:ATM",
		"/why?instrument=RELIANCE:current:FUT",
		"/why?instrument=NIFTY:current:ATM%2B9",
		"/why?instrument=NIFTY:current:1",
		"/why?instrument=NIFTI:current:FUT",
	};
	char few[KEY_TEXT_LEN + 1], all[KEY_TEXT_LEN + 1];
	struct stand s;
	cJSON *d;

	(void)state;
	memset(&s, 0, sizeof(s));
	ws_rig_up(&s.rig);
	keyring_up(&s.ring, &s.rig);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, "NSE_FO|10*,NSE_INDEX|Nifty Bank",
		    few);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, "NSE_FO|*", all);
	keyring_open(&s.ring, &s.rig);
	set_clock(&s);
	write_master(&s);
	start(&s);
	rig_until(&s.rig, has_master, &s);
	unlink(s.master);
	market_ltp(&s.market, INDEX, 25210 * PRICE_SCALE);
	expect_error(&s, "/instruments?query=nifty", 401, "key_required");
	s.answer.authorization = bearer(few);
	expect_found(&s, "/instruments?query=nifty&limit=2",
		     "11: NSE_INDEX|Nifty Bank NSE_FO|100 ");
	check_i64(ask(&s, "/instruments/resolve?underlying=NIFTY&expiry=current&strike=ATM&type=CE",
		      &d),
		  200);
	check_str(json_string(d, "key"), "NSE_FO|104");
	check(cJSON_GetObjectItem(d, "money") == NULL);
	expect_error(&s, "/instruments/resolve?underlying=NIFTY&expiry=next&strike=ATM&type=CE",
		     403, "not_permitted");
	expect_error(&s, "/instruments/resolve?underlying=NIFTY&type=INDEX", 403, "not_permitted");
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		expect_error(&s, hidden[i], 403, "not_permitted");
	/* Who sees all of it is told what is not there. */
	s.answer.authorization = bearer(all);
	expect_error(&s, hidden[2], 404, "no_strike");
	expect_error(&s, hidden[4], 404, "no_expiry");
	expect_error(&s, hidden[0], 403, "not_permitted");
	stand_down(&s);
}

static uint8_t judge(void *arg, inst_id id, const struct slot *slot)
{
	(void)id;
	(void)slot;
	return *(const uint8_t *)arg;
}

/* Why a contract that ticks is reckoned with nowhere. */
static void test_why(void **state)
{
	const char *target = "/why?instrument=NSE_FO%7C101";
	struct stand s;
	cJSON *data, *facts;
	uint8_t suspect = SUSPECT_CROSSED | SUSPECT_JUMP;

	(void)state;
	stand_up(&s);
	check_i64(ask(&s, target, &data), 200);
	check_str(json_string(data, "code"), "not_subscribed");
	s.market.book.judge = judge;
	s.market.book.judge_arg = &suspect;
	market_ltp(&s.market, "NSE_FO|101", 1000000);
	check_i64(ask(&s, target, &data), 200);
	check_str(json_string(data, "code"), "quarantined");
	check(strstr(json_string(data, "sentence"), "(jump, crossed)") != NULL);
	facts = cJSON_GetObjectItem(data, "facts");
	check_str(json_string(cJSON_GetObjectItem(facts, "ticks"), "suspect"), "jump, crossed");
	suspect = 0;
	market_ltp(&s.market, "NSE_FO|101", 1000000);
	check_i64(ask(&s, target, &data), 200);
	check_str(json_string(data, "code"), "ok");
	/* Nobody has asked for it: that is told beside it. */
	check_str(json_string(cJSON_GetArrayItem(cJSON_GetObjectItem(data, "also"), 0), "code"),
		  "not_subscribed");
	stand_down(&s);
}

static int quiet(void **state)
{
	(void)state;
	log_capture();
	return 0;
}

static int loud(void **state)
{
	(void)state;
	log_release();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search),         cmocka_unit_test(test_search_refused),
		cmocka_unit_test(test_resolve),        cmocka_unit_test(test_resolve_refused),
		cmocka_unit_test(test_without_master), cmocka_unit_test(test_money_key),
		cmocka_unit_test(test_scope),          cmocka_unit_test(test_why),
	};

	return cmocka_run_group_tests(tests, quiet, loud);
}
