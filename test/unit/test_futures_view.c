/* SPDX-License-Identifier: MIT
 *
 * test_futures_view: which months these are, what of their quotes counts, and what their object says.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/listed.h"
#include "options/futures_json.h"

#define INDEX "NSE_INDEX|Nifty 50"
#define SHARE "NSE_EQ|INE002A01018"
#define NOW   "2026-01-13T10:00:00"

static struct master *m;
static struct book book;
static struct resolve_market market;
static struct futures_view v;
static struct resolve_miss miss;
static uint64_t seq;

/* Futures of NIFTY and of a share, the far ones first; four of NIFTY, and one that is over. */
static void put_future(struct buf *b, int token, const char *symbol, const char *key,
		       const char *expiry)
{
	day_t day;

	check(day_parse(expiry, strlen(expiry), &day));
	buf_printf(b,
		   "%s{\"segment\":\"NSE_FO\",\"instrument_type\":\"FUT\",\"instrument_key\":"
		   "\"NSE_FO|%d\",\"exchange_token\":\"%d\",\"trading_symbol\":\"%s FUT\",\"name\":"
		   "\"%s\",\"underlying_symbol\":\"%s\",\"underlying_key\":\"%s\",\"expiry\":%lld,"
		   "\"lot_size\":65,\"tick_size\":10.0,\"strike_price\":0.0}",
		   b->len > 1 ? "," : "", token, token, symbol, symbol, symbol, key,
		   (long long)ist_instant(day, DAY_MS - 1000));
}

static struct master *listed(void)
{
	struct buf b = {0};
	struct master *out;

	buf_byte(&b, '[');
	put_future(&b, 4, "NIFTY", INDEX, "2026-04-28");
	put_future(&b, 3, "NIFTY", INDEX, "2026-03-30");
	put_future(&b, 1, "NIFTY", INDEX, "2026-01-27");
	put_future(&b, 9, "NIFTY", INDEX, "2025-12-30");
	put_future(&b, 2, "NIFTY", INDEX, "2026-02-24");
	put_future(&b, 11, "RELIANCE", SHARE, "2026-01-27");
	put_future(&b, 12, "RELIANCE", SHARE, "2026-02-24");
	buf_str(&b,
		",{\"segment\":\"NSE_INDEX\",\"instrument_type\":\"INDEX\",\"instrument_key\":"
		"\"" INDEX "\",\"trading_symbol\":\"NIFTY\",\"name\":\"Nifty 50\","
		"\"exchange_token\":\"26000\"}"
		",{\"segment\":\"NSE_EQ\",\"instrument_type\":\"EQ\",\"instrument_key\":\"" SHARE
		"\",\"trading_symbol\":\"RELIANCE\",\"name\":\"RELIANCE INDUSTRIES LTD\","
		"\"isin\":\"INE002A01018\",\"exchange_token\":\"2885\",\"lot_size\":1,"
		"\"tick_size\":10.0}]");
	out = listed_of(buf_cstr(&b));
	buf_fini(&b);
	return out;
}

static int setup(void **state)
{
	(void)state;
	m = listed();
	check_i64(m->n, 9);
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

struct said {
	const char *key;
	double ltp, bid, ask, cp, oi, high, low;
	const char *ltt, *bar_day;
};

static price_t rupees(double p)
{
	price_t out;

	check(price_from_double(p, &out));
	return out;
}

static void say(const struct said *s)
{
	inst_id id = instruments_intern(&book.instruments, s->key, strlen(s->key));
	struct tick t = {.key = s->key};
	struct tick_meta meta = {.ts_ms = market.now_ms - 1000};
	struct quote *q = &t.q;

	q->present = (s->ltp > 0 ? QUOTE_LTP : 0u) | (s->bid > 0 ? QUOTE_DEPTH : 0u) |
		     (s->cp > 0 ? QUOTE_CP : 0u) | (s->oi > 0 ? QUOTE_OI : 0u) |
		     (s->ltt ? QUOTE_LTT : 0u) | (s->high > 0 ? QUOTE_BARS : 0u);
	q->ltp = rupees(s->ltp);
	q->cp = rupees(s->cp);
	q->oi = s->oi;
	q->depth_n = s->bid > 0;
	q->depth[0] = (struct depth_row){.bid = rupees(s->bid), .ask = rupees(s->ask)};
	if (s->ltt)
		check(ist_parse(s->ltt, strlen(s->ltt), &q->ltt));
	if (s->high > 0) {
		day_t day;

		check(day_parse(s->bar_day, strlen(s->bar_day), &day));
		q->bars_n = 1;
		q->bars[0] = (struct bar){.interval = "1d",
					  .present = BAR_HIGH | BAR_LOW | BAR_TS,
					  .high = rupees(s->high),
					  .low = rupees(s->low),
					  .ts_ms = ist_instant(day, 0)};
	}
	book_publish(&book, id, book_merge(&book, id, &t, &meta), ++seq);
}

#define SAY(...) say(&(struct said){__VA_ARGS__})

static const struct futures_terms terms = {.rate = 0.06, .price_least = 0.001, .oi_least = 0.01};

static void make(const char *underlying, const struct upstream_view *upstream)
{
	const struct chain_source from = {.m = m, .market = &market, .upstream = upstream};

	check(futures_view_list(&v, m, underlying, market.now_ms, &miss));
	futures_view_fill(&v, &from, &terms);
}

static const char *text(void)
{
	static struct buf out;

	buf_reset(&out);
	futures_json(&out, &v, m, &book);
	return buf_cstr(&out);
}

static void check_months(const char *a, const char *b, const char *c)
{
	const char *const want[] = {a, b, c};

	for (int i = 0; i < FUTURES_MONTHS; i++) {
		if (want[i])
			check_str(master_key(m, v.months[i].row), want[i]);
		else
			check_i64(v.months[i].row, MASTER_NONE);
		check(v.in.months[i].is_there == (want[i] != NULL));
	}
}

static void test_listed(void **state)
{
	(void)state;
	make("nifty", NULL);
	check_months("NSE_FO|1", "NSE_FO|2", "NSE_FO|3");
	check_near(v.in.months[0].t * 365, 14 + 5.5 / 24, 1e-9); /* 15:30, two weeks on */
	check_i64(v.seq, 0);
	check_i64(v.figures[0].has, 0);
	make("RELIANCE", NULL);
	check_months("NSE_FO|11", "NSE_FO|12", NULL);
	/* The expiry day belongs to the near month until the close. */
	check(ist_parse("2026-01-27T15:29:59", 19, &market.now_ms));
	make("NIFTY", NULL);
	check_months("NSE_FO|1", "NSE_FO|2", "NSE_FO|3");
	check(ist_parse("2026-01-27T15:30:00", 19, &market.now_ms));
	make("NIFTY", NULL);
	check_months("NSE_FO|2", "NSE_FO|3", "NSE_FO|4");
	check(!futures_view_list(&v, m, "NIFTTY", market.now_ms, &miss));
	check_i64(miss.code, RESOLVE_UNKNOWN_UNDERLYING);
	check(ist_parse("2026-05-01T10:00:00", 19, &market.now_ms));
	check(!futures_view_list(&v, m, "NIFTY", market.now_ms, &miss));
	check_i64(miss.code, RESOLVE_NO_EXPIRY);
}

/* A share's futures go by the share. */
static void test_share(void **state)
{
	(void)state;
	SAY(SHARE, .ltp = 1500, .bid = 1499, .ask = 1503);
	SAY("NSE_FO|11", .ltp = 1512, .bid = 1506, .ask = 1509, .cp = 1500, .oi = 1000);
	make("RELIANCE", NULL);
	check_str(master_key(m, v.spot.row), SHARE);
	check_near(v.in.spot, 1500, 0); /* the last trade */
	check_near(v.figures[0].basis, 7.5, 1e-9);
	check_near(v.figures[0].change, 12, 1e-9);
	check_i64(v.seq, 2);
	check(strstr(text(), "\"basis\":7.5,\"basis_pct\":0.5,\"state\":\"premium\"") != NULL);
	check(strstr(text(), "\"change\":12,\"change_pct\":0.8") != NULL);
	check(strstr(text(), "\"month\":\"next\",\"key\":\"NSE_FO|12\",\"symbol\"") != NULL);
	check(strstr(text(), "\"spreads\":[]") != NULL);
	check(strstr(text(), "roll_pct") == NULL); /* the next month's OI is not known */
}

static bool is_stale(const void *arg, inst_id id)
{
	const inst_id *stale = arg;

	return id == *stale;
}

static void test_stale(void **state)
{
	struct upstream_view upstream = {.is_stale = is_stale};
	inst_id stale;

	(void)state;
	SAY(INDEX, .ltp = 25800);
	SAY("NSE_FO|1", .ltp = 25850, .oi = 700);
	SAY("NSE_FO|2", .ltp = 25950, .oi = 200);
	SAY("NSE_FO|3", .ltp = 26050, .oi = 100);
	upstream.arg = &stale;
	stale = INST_NONE;
	make("NIFTY", &upstream);
	check(v.summary.has_roll);
	check_near(v.summary.roll, 0.3, 1e-12);
	stale = instruments_find(&book.instruments, "NSE_FO|2", 8);
	make("NIFTY", &upstream);
	check_i64(v.figures[1].has, 0);
	check(!v.summary.has_roll && !v.summary.has_oi);
	check_i64(v.summary.spreads[0].has | v.summary.spreads[1].has, 0);
	check(v.figures[0].has & FUTURES_BASIS && v.figures[2].has & FUTURES_BASIS);
	check(strstr(text(), "\"age_ms\":1000,\"stale\":true") != NULL);
	check(strstr(text(), "25950") == NULL);
	stale = instruments_find(&book.instruments, INDEX, strlen(INDEX));
	make("NIFTY", &upstream);
	check_i64(v.figures[0].has, FUTURES_PRICE);
	check(v.summary.has_roll);
	check(strstr(text(), "basis") == NULL && strstr(text(), "25800") == NULL);
}

static uint8_t judge(void *arg, inst_id id, const struct slot *slot)
{
	(void)slot;
	return id == *(const inst_id *)arg ? SUSPECT_JUMP : 0;
}

/* What the quarantine suspects is shown as such, and counts for nothing. */
static void test_suspect(void **state)
{
	inst_id suspect = instruments_intern(&book.instruments, "NSE_FO|2", 8);

	(void)state;
	book.judge = judge;
	book.judge_arg = &suspect;
	SAY(INDEX, .ltp = 25800);
	SAY("NSE_FO|1", .ltp = 25850, .oi = 700);
	SAY("NSE_FO|2", .ltp = 95000, .oi = 200, .cp = 25900);
	SAY("NSE_FO|3", .ltp = 26050, .oi = 100);
	make("NIFTY", NULL);
	check_i64(v.figures[1].has, 0);
	check(!v.summary.has_roll && !(v.summary.spreads[0].has | v.summary.spreads[1].has));
	check(strstr(text(), "\"age_ms\":1000,\"suspect\":[\"jump\"]") != NULL);
	check(strstr(text(), "95000") == NULL);
	suspect = instruments_find(&book.instruments, INDEX, strlen(INDEX));
	SAY("NSE_FO|2", .ltp = 25950, .oi = 200);
	SAY(INDEX, .ltp = 258);
	make("NIFTY", NULL);
	check_i64(v.figures[0].has & FUTURES_BASIS, 0);
	check(v.summary.has_roll && v.summary.spreads[0].has);
}

/* The day's range is of the day of the price. */
static void test_range(void **state)
{
	(void)state;
	SAY("NSE_FO|1", .ltp = 25850, .high = 25900, .low = 25700, .bar_day = "2026-01-13",
	    .ltt = "2026-01-13T09:59:59");
	SAY("NSE_FO|2", .ltp = 25950, .high = 25900, .low = 25700, .bar_day = "2026-01-12",
	    .ltt = "2026-01-13T09:59:59");
	SAY("NSE_FO|3", .ltp = 26050, .high = 26200, .low = 26000, .bar_day = "2026-01-12",
	    .ltt = "2026-01-12T15:29:00"); /* not traded today */
	make("NIFTY", NULL);
	check(v.in.months[0].quote.present & FUTURES_RANGE);
	check_near(v.in.months[0].quote.high, 25900, 0);
	check(!(v.in.months[1].quote.present & FUTURES_RANGE));
	check(v.in.months[2].quote.present & FUTURES_RANGE);
	check(strstr(text(), "\"high\":25900,\"low\":25700,\"range\":200") != NULL);
}

static bool permits(const void *arg, const char *key, size_t len)
{
	return strlen(arg) != len || memcmp(arg, key, len) != 0;
}

/* What a reader may not see is not in it, and the months keep their names. */
static void test_scope(void **state)
{
	struct chain_source from = {
		.m = m, .market = &market, .permits = permits, .permits_arg = "NSE_FO|1"};

	(void)state;
	SAY(INDEX, .ltp = 25800);
	SAY("NSE_FO|1", .ltp = 25850, .oi = 700);
	SAY("NSE_FO|2", .ltp = 25950, .oi = 200);
	SAY("NSE_FO|3", .ltp = 26050, .oi = 100);
	check(futures_view_list(&v, m, "NIFTY", market.now_ms, &miss));
	futures_view_fill(&v, &from, &terms);
	check(!v.in.months[0].is_there && !v.summary.has_roll);
	check_i64(v.summary.oi, 300);
	check(strstr(text(), "NSE_FO|1") == NULL && strstr(text(), "25850") == NULL);
	check(strstr(text(), "\"month\":\"near\"") == NULL);
	check(strstr(text(), "\"month\":\"next\",\"key\":\"NSE_FO|2\"") != NULL);
	from.permits_arg = INDEX;
	futures_view_fill(&v, &from, &terms);
	check_i64(v.spot.row, MASTER_NONE);
	check(strstr(text(), "Nifty 50") == NULL && strstr(text(), "basis") == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_share, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
		cmocka_unit_test_setup_teardown(test_suspect, setup, teardown),
		cmocka_unit_test_setup_teardown(test_range, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scope, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
