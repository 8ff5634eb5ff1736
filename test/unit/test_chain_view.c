/* SPDX-License-Identifier: MIT
 *
 * test_chain_view: which contracts are in a chain, what they quote, and what does not count.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/listed.h"
#include "options/chain_json.h"

#define INDEX "NSE_INDEX|Nifty 50"
#define NOW   "2026-01-13T10:00:00"

static struct master *m;
static struct book book;
static struct resolve_market market;
static struct resolve_miss miss;
static uint64_t seq;

static int setup(void **state)
{
	(void)state;
	m = listed_small();
	book_init(&book, 200);
	market = (struct resolve_market){.book = &book};
	check(ist_parse(NOW, strlen(NOW), &market.now_ms));
	seq = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	book_fini(&book);
	master_release(m);
	return 0;
}

static void say(const char *key, double ltp, double bid, double ask, double oi, int64_t vtt)
{
	inst_id id = instruments_intern(&book.instruments, key, strlen(key));
	struct tick t = {.key = key};
	struct tick_meta meta = {.ts_ms = market.now_ms};
	struct slot *slot;

	t.q.present = QUOTE_LTP | (bid > 0 ? QUOTE_DEPTH : 0) | (oi >= 0 ? QUOTE_OI : 0) |
		      (vtt >= 0 ? QUOTE_VTT : 0);
	check(price_from_double(ltp, &t.q.ltp));
	if (bid > 0) {
		t.q.depth_n = 1;
		check(price_from_double(bid, &t.q.depth[0].bid));
		check(price_from_double(ask, &t.q.depth[0].ask));
	}
	t.q.oi = oi;
	t.q.vtt = vtt;
	slot = book_merge(&book, id, &t, &meta);
	book_publish(&book, id, slot, ++seq);
}

static struct chain_view *make(const char *expiry, uint32_t around)
{
	struct chain_query q = {.underlying = "NIFTY", .strikes = {.around = around}};

	check(expiry_choice_parse(expiry, strlen(expiry), &q.expiry));
	return chain_view_make(&(struct chain_source){.m = m, .market = &market}, &q, &miss);
}

static const char *key_of(const struct chain_leg *leg)
{
	return leg->row == MASTER_NONE ? "-" : master_key(m, leg->row);
}

/* The contract of the weekly with this strike, as listed_small numbers them. */
static const char *weekly(int strike, bool is_put)
{
	static char key[32];

	snprintf(key, sizeof(key), "NSE_FO|%d", 100 + (strike - 25000) / 100 * 2 + is_put);
	return key;
}

static void test_listed(void **state)
{
	struct chain_view *v = make("current", 0);

	(void)state;
	check(v != NULL);
	check_i64(v->in.n, 5);
	for (int i = 0; i < 5; i++) {
		check_near(v->strikes[i].strike, 25000 + 100 * i, 0);
		check_str(key_of(&v->legs[i][OPTION_CALL]), weekly(25000 + 100 * i, false));
		check_str(key_of(&v->legs[i][OPTION_PUT]), weekly(25000 + 100 * i, true));
		check_i64(v->legs[i][OPTION_CALL].id, INST_NONE);
		check_i64(v->strikes[i].side[OPTION_CALL].present, 0);
	}
	check_str(key_of(&v->spot), INDEX);
	check_str(key_of(&v->future), "-"); /* a weekly has none */
	check_i64(v->summary.forward.source, FORWARD_NONE);
	check_i64(v->summary.max_pain, CHAIN_NONE);
	check(v->in.t > 0 && v->in.t < 1.0 / 365);
	free(v);
	v = make("monthly", 0);
	check_str(key_of(&v->future), "NSE_FO|1");
	free(v);
}

static void test_misses(void **state)
{
	struct chain_query q = {.underlying = "NIFTTY"};

	(void)state;
	check(chain_view_make(&(struct chain_source){.m = m, .market = &market}, &q, &miss) ==
	      NULL);
	check_i64(miss.code, RESOLVE_UNKNOWN_UNDERLYING);
	check(make("2020-01-07", 0) == NULL);
	check_i64(miss.code, RESOLVE_NO_EXPIRY);
}

static void test_quotes(void **state)
{
	struct chain_view *v;

	(void)state;
	say(INDEX, 25190, 0, 0, -1, -1);
	say(weekly(25200, false), 60, 59.5, 60.5, 1000, 200);
	say(weekly(25200, true), 70, 69, 71, 3000, 100);
	say(weekly(25300, false), 20, 0, 0, 500, 50);
	v = make("current", 0);
	check_near(v->in.spot, 25190, 0);
	check_i64(v->seq, 4);
	check_i64(v->strikes[2].side[OPTION_PUT].oi, 3000);
	check_near(v->strikes[2].side[OPTION_PUT].ask, 71, 0);
	check_i64(v->strikes[3].side[OPTION_CALL].present, CHAIN_LTP | CHAIN_OI | CHAIN_VOLUME);
	check_near(v->cells[2][OPTION_CALL].price, 60, 1e-9);
	check(v->cells[2][OPTION_CALL].has & CELL_IV);
	check_i64(v->summary.forward.source, FORWARD_PARITY);
	check_near(v->summary.forward.level, 25200 + 60 - 70, 1e-6);
	check(!(v->summary.totals.has & TOTALS_PCR_OI)); /* of 25300 the put is not known */
	check_near(v->strikes[v->summary.atm].strike, 25200, 0);
	free(v);
	say(weekly(25300, true), 110, 0, 0, 0, 50);
	v = make("current", 0);
	check_near(v->summary.totals.pcr_oi, 2, 1e-9);
	free(v);
}

static void test_around(void **state)
{
	struct chain_view *v;

	(void)state;
	say(INDEX, 25190, 0, 0, -1, -1);
	v = make("current", 1);
	check_i64(v->in.n, 3);
	check_near(v->strikes[0].strike, 25100, 0);
	check_str(key_of(&v->legs[0][OPTION_PUT]), weekly(25100, true));
	free(v);
	/* At the edge what is there. */
	say(INDEX, 24000, 0, 0, -1, -1);
	v = make("current", 1);
	check_i64(v->in.n, 2);
	check_near(v->strikes[0].strike, 25000, 0);
	free(v);
}

/* Without a spot the options themselves say where the money is; without those all are shown. */
static void test_around_without_spot(void **state)
{
	struct chain_view *v = make("current", 1);

	(void)state;
	check_i64(v->in.n, 5); /* nothing is known: all */
	free(v);
	say(weekly(25300, false), 30, 0, 0, -1, -1);
	say(weekly(25300, true), 31, 0, 0, -1, -1);
	v = make("current", 1);
	check_i64(v->in.n, 3);
	check_near(v->strikes[1].strike, 25300, 0);
	free(v);
}

static bool is_stale(const void *arg, inst_id id)
{
	const inst_id *stale = arg;

	return id == *stale;
}

static void test_stale(void **state)
{
	struct chain_query q = {.underlying = "NIFTY"};
	struct upstream_view upstream = {.is_stale = is_stale};
	struct chain_view *v;
	inst_id stale;

	(void)state;
	say(INDEX, 25190, 0, 0, -1, -1);
	say(weekly(25200, false), 60, 0, 0, 1000, 200);
	say(weekly(25200, true), 70, 0, 0, 3000, 100);
	stale = instruments_find(&book.instruments, weekly(25200, true), 10);
	upstream.arg = &stale;
	v = chain_view_make(
		&(struct chain_source){.m = m, .market = &market, .upstream = &upstream}, &q,
		&miss);
	check(v->legs[2][OPTION_PUT].is_stale);
	check_i64(v->strikes[2].side[OPTION_PUT].present, 0);
	check(!(v->cells[2][OPTION_PUT].has & CELL_PRICE));
	check_i64(v->summary.totals.oi[OPTION_PUT], 0);
	check_i64(v->summary.totals.oi[OPTION_CALL], 1000);
	check_i64(v->seq, 2);
	check(!(v->summary.totals.has & TOTALS_PCR_OI) && !(v->summary.has & SUMMARY_GEX));
	check_i64(v->summary.max_pain, CHAIN_NONE);
	free(v);
}

static bool all_stale(const void *arg, inst_id id)
{
	(void)arg;
	return id != INST_NONE;
}

static bool has_text(struct buf *json, const char *text)
{
	return strstr(buf_cstr(json), text) != NULL;
}

/* The link is lost: the same contracts are shown as before, and nothing is reckoned. */
static void test_around_a_stale_price(void **state)
{
	struct upstream_view upstream = {.is_stale = all_stale};
	struct chain_source from = {.m = m, .market = &market, .upstream = &upstream};
	struct chain_query q = {.underlying = "NIFTY", .strikes = {.around = 1}};
	struct chain_view *v;

	(void)state;
	say(INDEX, 25290, 0, 0, -1, -1);
	v = chain_view_make(&from, &q, &miss);
	check_i64(v->in.n, 3);
	check_near(v->strikes[1].strike, 25300, 0);
	check_near(v->in.spot, 0, 0);
	check_near(v->summary.reference, 0, 0);
	free(v);
	/* A price that cannot be true does not choose either. */
	book.slots[instruments_find(&book.instruments, INDEX, strlen(INDEX))]->suspect =
		SUSPECT_JUMP;
	v = chain_view_make(&from, &q, &miss);
	check_i64(v->in.n, 5);
	free(v);
}

/* What nobody knows is absent, not 0; of one side its sums are there, and say of how many they are. */
static void test_sums(void **state)
{
	struct upstream_view upstream = {.is_stale = all_stale};
	struct chain_source from = {.m = m, .market = &market};
	struct chain_query q = {.underlying = "NIFTY"};
	struct buf json = {0};
	struct chain_view *v;

	(void)state;
	say(INDEX, 25190, 0, 0, -1, -1);
	say(weekly(25200, false), 60, 0, 0, 1000, 200);
	say(weekly(25300, false), 20, 0, 0, 500, -1);
	v = chain_view_make(&from, &q, &miss);
	chain_json(&json, v, &from);
	check(has_text(&json, "\"call_totals\":{\"contracts\":5,\"oi\":1500,\"oi_contracts\":2,"
			      "\"volume\":200,\"volume_contracts\":1}"));
	check(has_text(&json, "\"put_totals\":{\"contracts\":5}"));
	check(has_text(&json, "\"gex_call\":") && !has_text(&json, "\"gex_put\""));
	check(!has_text(&json, "\"gex_net\"") && !has_text(&json, "\"gex_peak\""));
	check(!has_text(&json, "\"pcr_") && !has_text(&json, "\"max_pain\""));
	check(has_text(&json, "\"seq\":3"));
	free(v);
	from.upstream = &upstream;
	v = chain_view_make(&from, &q, &miss);
	buf_reset(&json);
	chain_json(&json, v, &from);
	check(has_text(&json,
		       "\"call_totals\":{\"contracts\":5},\"put_totals\":{\"contracts\":5}"));
	check(!has_text(&json, "\"seq\""));
	buf_fini(&json);
	free(v);
}

/* What the quarantine suspects is there with its key, and does not count. */
static void test_suspect(void **state)
{
	struct chain_source from = {.m = m, .market = &market};
	struct chain_query q = {.underlying = "NIFTY"};
	struct buf json = {0};
	struct chain_view *v;

	(void)state;
	say(INDEX, 25190, 0, 0, -1, -1);
	say(weekly(25200, false), 60, 0, 0, 1000, 200);
	say(weekly(25200, true), 70, 0, 0, 3000, 100);
	book.slots[instruments_find(&book.instruments, weekly(25200, true), 10)]->suspect =
		SUSPECT_JUMP | SUSPECT_CROSSED;
	v = chain_view_make(&from, &q, &miss);
	check_i64(v->strikes[2].side[OPTION_PUT].present, 0);
	check_i64(v->summary.totals.oi[OPTION_PUT], 0);
	chain_json(&json, v, &from);
	check(strstr(buf_cstr(&json), "\"suspect\":[\"jump\",\"crossed\"]") != NULL);
	buf_fini(&json);
	free(v);
}

static bool permits(const void *arg, const char *key, size_t len)
{
	(void)len;
	return strcmp(key, arg) != 0;
}

static void test_scope(void **state)
{
	struct chain_source from = {.m = m, .market = &market, .permits = permits};
	struct chain_query q = {.underlying = "NIFTY"};
	struct chain_view *v;
	char hidden[32];

	(void)state;
	snprintf(hidden, sizeof(hidden), "%s", weekly(25200, true));
	from.permits_arg = hidden;
	say(weekly(25200, true), 70, 0, 0, 3000, 100);
	v = chain_view_make(&from, &q, &miss);
	check_str(key_of(&v->legs[2][OPTION_PUT]), "-");
	check_i64(v->summary.totals.oi[OPTION_PUT], 0);
	check_i64(v->seq, 0);
	free(v);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_listed),
		TEST(test_misses),
		TEST(test_quotes),
		TEST(test_around),
		TEST(test_around_without_spot),
		TEST(test_stale),
		TEST(test_sums),
		TEST(test_around_a_stale_price),
		TEST(test_suspect),
		TEST(test_scope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
