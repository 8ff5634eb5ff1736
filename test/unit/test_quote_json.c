/* SPDX-License-Identifier: MIT
 *
 * test_quote_json: the one object that all readers see: valid JSON, what is absent is omitted,
 * prices as they came.
 */
#include <math.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "../lib/check.h"
#include "core/json.h"
#include "core/rand.h"
#include "market/quote_json.h"

#define KEY "NSE_FO|58666"

static price_t price(double d)
{
	price_t p = 0;

	check(price_from_double(d, &p));
	return p;
}

/* The text in a static buffer; fails when it is not strict JSON. */
static const char *text_of(const struct slot *s, enum view_mode mode)
{
	static char text[8192];
	struct agni_err err;
	struct buf b = {0};

	quote_json(&b, KEY, s, mode);
	if (json_check(b.data, b.len, &err) < 0)
		fail_msg("%s: %s", err.text, buf_cstr(&b));
	check(b.len < sizeof(text));
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	buf_fini(&b);
	return text;
}

static cJSON *json_of(const struct slot *s, enum view_mode mode)
{
	cJSON *json = cJSON_Parse(text_of(s, mode));

	check(json != NULL);
	return json;
}

/* The members' names in order, separated by spaces. */
static const char *names_of(const struct slot *s, enum view_mode mode)
{
	static char names[1024];
	cJSON *json = json_of(s, mode), *it;
	size_t n = 0;

	cJSON_ArrayForEach (it, json)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", n ? " " : "",
				      it->string);
	cJSON_Delete(json);
	return names;
}

static void test_empty(void **state)
{
	struct slot s = {.seq = 812, .ts_ms = 1769160568772, .recv_ms = 1769160568801};

	(void)state;
	for (int m = 0; m < VIEW_MODES; m++)
		check_str(text_of(&s, (enum view_mode)m),
			  "{\"key\":\"" KEY "\",\"seq\":812,\"ts_ms\":1769160568772,"
			  "\"recv_ms\":1769160568801}");
}

/* The whole object of a recorded option, byte for byte. */
static void test_option(void **state)
{
	struct slot s = {.seq = 812, .ts_ms = 1769160568772, .recv_ms = 1769160568801};
	struct quote *q = &s.q;

	(void)state;
	q->present = QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP | QUOTE_ATP | QUOTE_VTT |
		     QUOTE_OI | QUOTE_IV | QUOTE_TBQ | QUOTE_TSQ | QUOTE_GREEKS | QUOTE_DEPTH |
		     QUOTE_BARS;
	q->ltp = price(94.25);
	q->ltt = 1769160568604;
	q->ltq = 65;
	q->cp = price(41.95);
	q->atp = price(74.95);
	q->vtt = 426465000;
	q->oi = 9402900;
	q->iv = 0.10009765625;
	q->tbq = 3752515;
	q->tsq = 1124435;
	q->delta = -0.4632;
	q->theta = -13.0374;
	q->gamma = 0.0015;
	q->vega = 10.4752;
	q->rho = -1.2924;
	q->depth_n = 2;
	q->depth[0] = (struct depth_row){1040, price(94.35), price(94.55), 1170};
	q->depth[1] = (struct depth_row){1755, price(94.3), price(94.6), 2535};
	q->bars_n = 1;
	q->bars[0] = (struct bar){.interval = "1d",
				  .present = BAR_OPEN | BAR_HIGH | BAR_LOW | BAR_CLOSE | BAR_VOL |
					     BAR_TS,
				  .open = price(32.65),
				  .high = price(133),
				  .low = price(31.25),
				  .close = price(94.25),
				  .vol = 426433280,
				  .ts_ms = 1769106600000};
	check_str(text_of(&s, VIEW_FULL),
		  "{\"key\":\"NSE_FO|58666\",\"seq\":812,\"ts_ms\":1769160568772,"
		  "\"recv_ms\":1769160568801,\"ltp\":94.25,\"ltq\":65,\"ltt\":1769160568604,"
		  "\"cp\":41.95,\"change\":52.3,\"change_pct\":124.6722,\"vtt\":426465000,"
		  "\"oi\":9402900,\"iv\":0.10009765625,\"delta\":-0.4632,\"gamma\":0.0015,"
		  "\"theta\":-13.0374,\"vega\":10.4752,\"rho\":-1.2924,\"atp\":74.95,"
		  "\"tbq\":3752515,\"tsq\":1124435,\"depth\":[[1040,94.35,94.55,1170],"
		  "[1755,94.3,94.6,2535]],\"ohlc\":{\"1d\":{\"open\":32.65,\"high\":133,"
		  "\"low\":31.25,\"close\":94.25,\"vol\":426433280,\"ts\":1769106600000}}}");
	check_str(names_of(&s, VIEW_OPTION_GREEKS),
		  "key seq ts_ms recv_ms ltp ltq ltt cp change change_pct vtt oi iv delta gamma "
		  "theta vega rho depth");
	check(strstr(text_of(&s, VIEW_OPTION_GREEKS), "\"depth\":[[1040,94.35,94.55,1170]]}"));
	check_str(names_of(&s, VIEW_LTPC),
		  "key seq ts_ms recv_ms ltp ltq ltt cp change change_pct");
}

static void test_auction(void **state)
{
	struct slot s = {.seq = 1};
	struct quote *q = &s.q;

	(void)state;
	q->present = QUOTE_LTPC_IEP | QUOTE_IEP | QUOTE_RP | QUOTE_IEQ | QUOTE_IIQ_TOTAL |
		     QUOTE_IIQ_M | QUOTE_CAS_ELIGIBLE | QUOTE_DEPTH;
	q->ltpc_iep = 0; /* a value, for LTPC.iep is a message */
	q->iep = price(1401.25);
	q->rp = price(1400);
	q->ieq = 5;
	q->iiq_total = -70;
	q->iiq_m = 7;
	q->cas_eligible = true;
	check(strstr(text_of(&s, VIEW_FULL),
		     "\"iep\":0,\"rp\":1400,\"ieq\":5,\"iiq_total\":-70,\"iiq_m\":7,"
		     "\"cas_eligible\":true,\"depth\":[]}") != NULL);
	check_str(names_of(&s, VIEW_LTPC), "key seq ts_ms recv_ms iep");
	q->present &= ~(uint32_t)QUOTE_LTPC_IEP;
	check(strstr(text_of(&s, VIEW_FULL), "\"iep\":1401.25,") != NULL);
	check_str(names_of(&s, VIEW_LTPC), "key seq ts_ms recv_ms");
}

static void test_change(void **state)
{
	static const struct {
		double ltp, cp;
		const char *text; /* NULL: neither member */
	} cases[] = {
		{100, 100, "\"change\":0,\"change_pct\":0}"},
		{99.95, 100, "\"change\":-0.05,\"change_pct\":-0.05}"},
		{0.05, 300, "\"change\":-299.95,\"change_pct\":-99.9833}"},
		{25412.35, 25300.1, "\"change\":112.25,\"change_pct\":0.4437}"},
		{1, 3, "\"change\":-2,\"change_pct\":-66.6667}"},
		{100, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slot s = {.seq = 1};
		const char *text;

		s.q.present = QUOTE_LTP | QUOTE_CP;
		s.q.ltp = price(cases[i].ltp);
		s.q.cp = price(cases[i].cp);
		text = text_of(&s, VIEW_LTPC);
		if (!cases[i].text)
			check(strstr(text, "change") == NULL);
		else if (!strstr(text, cases[i].text))
			fail_msg("%s is not in %s", cases[i].text, text);
		s.q.present = i % 2 ? QUOTE_LTP : QUOTE_CP; /* one alone has no change */
		check(strstr(text_of(&s, VIEW_LTPC), "change") == NULL);
	}
}

/* A price that went through a 32-bit float leaves as it came. */
static void test_raw_price(void **state)
{
	struct slot s = {.seq = 1};
	cJSON *json;

	(void)state;
	s.q.present = QUOTE_LTP | QUOTE_CP | QUOTE_DEPTH;
	s.q.ltp = price(52.04999923706055);
	s.q.cp = price(50);
	s.q.depth_n = 1;
	s.q.depth[0] = (struct depth_row){1, price(52.04999923706055), price(52.1), 2};
	check(strstr(text_of(&s, VIEW_FULL), "\"ltp\":52.04999923706055,") != NULL);
	check(strstr(text_of(&s, VIEW_FULL), "[[1,52.04999923706055,52.1,2]]") != NULL);
	json = json_of(&s, VIEW_FULL);
	check_near(cJSON_GetObjectItem(json, "change")->valuedouble, 2.04999923706055, 1e-12);
	check_near(cJSON_GetObjectItem(json, "change_pct")->valuedouble, 4.1, 1e-9);
	cJSON_Delete(json);
}

static void test_bars(void **state)
{
	struct slot s = {.seq = 1};

	(void)state;
	s.q.present = QUOTE_BARS;
	s.q.bars_n = 3;
	s.q.bars[0] = (struct bar){.interval = "1d"};
	s.q.bars[1] = (struct bar){.interval = "I1", .present = BAR_VOL, .vol = 5};
	s.q.bars[2] = (struct bar){.interval = "\"\\", .present = BAR_LOW | BAR_TS, .ts_ms = 9};
	check(strstr(text_of(&s, VIEW_FULL),
		     "\"ohlc\":{\"1d\":{},\"I1\":{\"vol\":5},\"\\\"\\\\\":{\"low\":0,\"ts\":9}}}"));
}

static void test_aged(void **state)
{
	struct slot s = {.seq = 1};
	struct buf b = {0};

	(void)state;
	quote_json_aged(&b, "A|\"x", &s, 250, true);
	check_str(buf_cstr(&b), "{\"key\":\"A|\\\"x\",\"seq\":1,\"ts_ms\":0,\"recv_ms\":0,"
				"\"age_ms\":250,\"stale\":true}");
	buf_reset(&b);
	quote_json_aged(&b, "A|1", &s, -3, false); /* clocks differ: never below zero */
	check(strstr(buf_cstr(&b), ",\"age_ms\":0,\"stale\":false}"));
	buf_fini(&b);
}

static void test_mode_names(void **state)
{
	enum view_mode m;

	(void)state;
	for (int i = 0; i < VIEW_MODES; i++) {
		check(view_mode_parse(view_mode_text((enum view_mode)i), &m));
		check_i64(m, i);
	}
	check(!view_mode_parse("full_d30", &m));
	check(!view_mode_parse("", &m));
	check(!view_mode_parse("FULL", &m));
}

/* Any presence bits with any values, NaN and infinities too: still JSON, and no "nan" in it. */
static void test_random(void **state)
{
	static const double odd[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1e300, 5e-324};
	struct rng r = {.state = 7};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct slot s = {.seq = rng_next(&r) >> 1, .ts_ms = (int64_t)rng_next(&r)};
		const char *text;

		s.q.present = (uint32_t)rng_next(&r);
		(void)price_from_double(rng_normal(&r) * 1e6, &s.q.ltp);
		(void)price_from_double(rng_normal(&r), &s.q.cp);
		(void)price_from_double((double)(float)rng_unit(&r), &s.q.atp);
		s.q.oi = odd[rng_below(&r, ARRAY_LEN(odd))];
		s.q.iv = odd[rng_below(&r, ARRAY_LEN(odd))];
		s.q.delta = odd[rng_below(&r, ARRAY_LEN(odd))];
		s.q.vtt = (int64_t)rng_next(&r);
		s.q.depth_n = (uint8_t)rng_below(&r, DEPTH_MAX + 1);
		s.q.bars_n = 1;
		s.q.bars[0] =
			(struct bar){.interval = "1d", .present = (unsigned)rng_below(&r, 64)};
		text = text_of(&s, (enum view_mode)rng_below(&r, VIEW_MODES));
		check(strstr(text, "nan") == NULL && strstr(text, "inf") == NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),     cmocka_unit_test(test_option),
		cmocka_unit_test(test_auction),   cmocka_unit_test(test_change),
		cmocka_unit_test(test_raw_price), cmocka_unit_test(test_bars),
		cmocka_unit_test(test_aged),      cmocka_unit_test(test_mode_names),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
