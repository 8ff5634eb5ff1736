/* SPDX-License-Identifier: MIT
 *
 * test_resolve: expiries by the clock, strikes by the money, names by likeness, and what is said
 * when there is nothing; on a small list, then on the broker's own.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/listed.h"
#include "core/buf.h"
#include "market/resolve.h"

#define INDEX "NSE_INDEX|Nifty 50"

struct stand {
	struct master *m;
	struct book book;
	struct resolve_market market;
	struct resolved found;
	struct resolve_miss miss;
};

static void stand_up(struct stand *s, struct master *m, const char *now)
{
	memset(s, 0, sizeof(*s));
	s->m = m;
	book_init(&s->book, 100);
	s->market.book = &s->book;
	check(ist_parse(now, strlen(now), &s->market.now_ms));
}

static void stand_down(struct stand *s)
{
	master_release(s->m);
	book_fini(&s->book);
}

static void set_now(struct stand *s, const char *now)
{
	check(ist_parse(now, strlen(now), &s->market.now_ms));
}

static void set_price(struct stand *s, const char *key, double rupees, int64_t age_ms)
{
	struct tick t = {.key = key};
	struct tick_meta meta = {.ts_ms = s->market.now_ms - age_ms};

	t.q.present = QUOTE_LTP;
	check(price_from_double(rupees, &t.q.ltp));
	book_merge(&s->book, instruments_intern(&s->book.instruments, key, strlen(key)), &t, &meta);
}

/* "key" of what is found, or "code: nearest nearest ". */
static const char *ask(struct stand *s, const char *underlying, enum master_type type,
		       const char *expiry, const char *strike)
{
	static char text[512];
	struct resolve_query q = {.underlying = underlying, .type = type};

	check(expiry_choice_parse(expiry, strlen(expiry), &q.expiry));
	if (strike[0])
		check(strike_choice_parse(strike, strlen(strike), &q.strike));
	if (resolve_one(s->m, &q, &s->market, &s->found, &s->miss)) {
		check_i64(s->miss.code, RESOLVE_OK);
		return master_key(s->m, s->found.row);
	}
	snprintf(text, sizeof(text), "%s: ", resolve_code_text(s->miss.code));
	for (unsigned i = 0; i < s->miss.near_n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", s->miss.near[i]);
	check(s->miss.text[0] != '\0');
	return text;
}

static void test_expiry(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, listed_small(), "2026-01-13T09:15:00");
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "25000"), "NSE_FO|100");
	check_i64(s.found.expiry, day_from_civil(2026, 1, 13));
	check(!s.found.money.is_known);
	check_str(ask(&s, "NIFTY", TYPE_PE, "next", "25000"), "NSE_FO|201");
	check_str(ask(&s, "NIFTY", TYPE_PE, "monthly", "25000"), "NSE_FO|301");
	check_str(ask(&s, "NIFTY", TYPE_FUT, "current", ""), "NSE_FO|1");
	check_str(ask(&s, "NIFTY", TYPE_FUT, "next", ""), "no_expiry: 2026-01-27 ");
	check_str(ask(&s, "NIFTY", TYPE_CE, "2026-01-20", "25400"), "NSE_FO|208");
	check_str(ask(&s, "NIFTY", TYPE_CE, "2026-01-21", "25400"),
		  "no_expiry: 2026-01-13 2026-01-20 2026-01-27 ");
	/* The last second of trading, and the first after it. */
	set_now(&s, "2026-01-13T15:29:59.999");
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "25000"), "NSE_FO|100");
	set_now(&s, "2026-01-13T15:30:00");
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "25000"), "NSE_FO|200");
	check_str(ask(&s, "NIFTY", TYPE_CE, "next", "25000"), "NSE_FO|300");
	/* What is over is never meant, by its date neither. */
	check_str(ask(&s, "NIFTY", TYPE_CE, "2026-01-13", "25000"),
		  "no_expiry: 2026-01-20 2026-01-27 ");
	check(strstr(s.miss.text, "have expired") != NULL);
	set_now(&s, "2026-02-01T10:00:00");
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "25000"), "no_expiry: ");
	stand_down(&s);
}

static void test_money(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, listed_small(), "2026-01-13T10:00:00");
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "ATM"), "no_price: ");
	set_price(&s, INDEX, 25249.95, 40);
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "ATM"), "NSE_FO|104"); /* 25200 */
	check(s.found.money.is_known && !s.found.money.is_future);
	check_str(s.found.money.key, INDEX);
	check(s.found.money.price == 25249.95);
	check_i64(s.found.money.age_ms, 40);
	set_price(&s, INDEX, 25250, 0); /* in the middle: the lower one */
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "ATM"), "NSE_FO|104");
	set_price(&s, INDEX, 25250.05, 0);
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "ATM"), "NSE_FO|106");
	check_str(ask(&s, "NIFTY", TYPE_PE, "current", "ATM-1"), "NSE_FO|105");
	check_str(ask(&s, "NIFTY", TYPE_PE, "current", "ATM+1"), "NSE_FO|109");
	check_str(ask(&s, "NIFTY", TYPE_PE, "current", "ATM+2"), "no_strike: 25200 25300 25400 ");
	check_str(ask(&s, "NIFTY", TYPE_PE, "current", "ATM-4"),
		  "no_strike: 25000 25100 25200 25300 25400 ");
	/* A price far off is at the money of the last strike. */
	set_price(&s, INDEX, 99999, 0);
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "ATM"), "NSE_FO|108");
	stand_down(&s);
}

/* A price in quarantine tells nothing, and the future's does not take its place for as long. */
static void test_money_in_quarantine(void **state)
{
	struct stand s;
	struct slot *spot;

	(void)state;
	stand_up(&s, listed_small(), "2026-01-13T10:00:00");
	set_price(&s, INDEX, 25210, 0);
	set_price(&s, "NSE_FO|1", 25310, 0);
	spot = s.book.slots[instruments_find(&s.book.instruments, INDEX, strlen(INDEX))];
	spot->suspect = SUSPECT_JUMP;
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "ATM"), "no_price: ");
	spot->suspect = 0;
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "ATM"), "NSE_FO|104");
	stand_down(&s);
}

/* For want of a spot price the future's; it has to be of that expiry or a later one. */
static void test_money_of_the_future(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, listed_small(), "2026-01-13T10:00:00");
	set_price(&s, "NSE_FO|1", 25110, 7);
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "ATM"), "NSE_FO|102");
	check(s.found.money.is_future);
	check_str(s.found.money.key, "NSE_FO|1");
	set_price(&s, INDEX, 25010, 0);
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "ATM"), "NSE_FO|100");
	check(!s.found.money.is_future);
	/* An underlying that the master gives no key. */
	set_price(&s, "NCD_FO|5", 91.2, 0);
	check_str(ask(&s, "USDINR", TYPE_PE, "current", "ATM"), "NCD_FO|6");
	stand_down(&s);
}

static void test_strikes(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, listed_small(), "2026-01-13T10:00:00");
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "25150"),
		  "no_strike: 25000 25100 25200 25300 25400 ");
	check_str(ask(&s, "NIFTY", TYPE_CE, "current", "99999"), "no_strike: 25200 25300 25400 ");
	/* Listed as a call only. */
	check_str(ask(&s, "BANKNIFTY", TYPE_CE, "current", "59000"), "NSE_FO|3");
	check_str(ask(&s, "BANKNIFTY", TYPE_PE, "current", "59000"), "no_expiry: ");
	check_str(ask(&s, "RELIANCE", TYPE_CE, "current", "59000"), "no_expiry: ");
	stand_down(&s);
}

static void test_names(void **state)
{
	static const struct {
		const char *name, *symbol;
	} same[] = {
		{"NIFTY", "NIFTY"},
		{"nifty", "NIFTY"},
		{"Nifty 50", "NIFTY"},
		{"NIFTY50", "NIFTY"},
		{INDEX, "NIFTY"},
		{"BANKNIFTY", "BANKNIFTY"},
		{"BANK NIFTY", "BANKNIFTY"},
		{"NIFTY BANK", "BANKNIFTY"},
		{"niftybank", "BANKNIFTY"},
		{"RELIANCE", "RELIANCE"},
		{"Reliance Industries Ltd", "RELIANCE"},
		{"INE002A01018", "RELIANCE"},
		{"NSE_EQ|INE002A01018", "RELIANCE"},
		{"usdinr", "USDINR"},
	};
	struct stand s;

	(void)state;
	stand_up(&s, listed_small(), "2026-01-13T10:00:00");
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		uint32_t u = resolve_underlying(s.m, same[i].name);

		if (u == MASTER_NONE)
			fail_msg("no %s", same[i].name);
		check_str(master_text(s.m, s.m->underlyings[u].symbol), same[i].symbol);
	}
	check_str(ask(&s, "NIFTI", TYPE_FUT, "current", ""), "unknown_underlying: NIFTY ");
	check_str(ask(&s, "RELI", TYPE_FUT, "current", ""), "unknown_underlying: RELIANCE ");
	check_str(ask(&s, "zzzzzz", TYPE_FUT, "current", ""), "unknown_underlying: ");
	check_str(ask(&s, "NIFTYBEES", TYPE_FUT, "current", ""), "no_derivatives: "); /* a share */
	check_str(ask(&s, "NIFTYBEES", TYPE_CE, "current", "1"), "no_derivatives: ");
	check_str(ask(&s, "", TYPE_FUT, "current", ""), "unknown_underlying: ");
	check_str(master_key(s.m, resolve_plain(s.m, "reliance", TYPE_EQ)), "NSE_EQ|INE002A01018");
	check_str(master_key(s.m, resolve_plain(s.m, "NIFTYBEES", TYPE_EQ)), "NSE_EQ|INF204KB14I2");
	check_str(master_key(s.m, resolve_plain(s.m, "nifty bank", TYPE_INDEX)),
		  "NSE_INDEX|Nifty Bank");
	check_i64(resolve_plain(s.m, "NIFTY", TYPE_EQ), MASTER_NONE);
	stand_down(&s);
}

/* --- selectors -------------------------------------------------------------------------------- */

static void take_key(void *arg, uint32_t row)
{
	struct stand *s = ((void **)arg)[0];
	struct buf *b = ((void **)arg)[1];

	buf_printf(b, "%s ", master_key(s->m, row) + 7);
}

/* The tokens of all that is meant, or the code. */
static const char *expand(struct stand *s, const char *text)
{
	static char out[512];
	struct buf b = {0};
	void *arg[] = {s, &b};
	struct selector sel;
	unsigned n, spaces = 0;

	check_i64(selector_parse(text, strlen(text), &sel, NULL), 0);
	n = resolve_selector(s->m, &sel, &s->market, take_key, arg, &s->miss);
	if (n == 0)
		buf_str(&b, resolve_code_text(s->miss.code));
	snprintf(out, sizeof(out), "%s", buf_cstr(&b));
	for (const char *p = out; *p; p++)
		spaces += *p == ' ';
	check_i64(n, spaces);
	buf_fini(&b);
	return out;
}

static void test_selectors(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, listed_small(), "2026-01-13T10:00:00");
	check_str(expand(&s, "NIFTY:current:ATM+-1"), "no_price");
	check_str(expand(&s, "NIFTY:monthly:*:CE"), "300 302 304 306 308 "); /* needs none */
	check_str(expand(&s, "ZZZ:current:*"), "unknown_underlying");
	set_price(&s, INDEX, 25190, 0);
	check_str(expand(&s, "NIFTY:current:ATM+-1"), "102 103 104 105 106 107 ");
	check_str(expand(&s, "NIFTY:current:ATM+-1:PE"), "103 105 107 ");
	check_str(expand(&s, "NIFTY:next:ATM+1"), "206 207 ");
	/* At the edge what is there; beyond it nothing. */
	check_str(expand(&s, "NIFTY:monthly:ATM+-100:CE"), "300 302 304 306 308 ");
	check_str(expand(&s, "NIFTY:current:ATM+3"), "no_strike");
	check_str(expand(&s, "NIFTY:current:25000"), "100 101 ");
	check_str(expand(&s, "NIFTY:current:25001"), "no_strike");
	check_str(expand(&s, "NIFTY:current:FUT"), "1 ");
	check_str(expand(&s, "nifty bank:monthly:59000"), "3 "); /* no such put is listed */
	check_str(expand(&s, "nifty bank:monthly:59000:PE"), "no_expiry");
	check_str(expand(&s, "NIFTY:2026-01-21:ATM"), "no_expiry");
	check_str(expand(&s, "ZZZ:current:ATM"), "unknown_underlying");
	stand_down(&s);
}

/* Who follows stays until the price is three quarters of the way; who asks gets the nearest. */
static void test_followed(void **state)
{
	static const struct {
		double price;
		const char *followed, *asked;
	} steps[] = {
		{25149, "102 ", "102 "}, {25151, "102 ", "104 "}, {25149, "102 ", "102 "},
		{25174, "102 ", "104 "}, {25176, "104 ", "104 "}, {25149, "104 ", "102 "},
		{25126, "104 ", "102 "}, {25124, "102 ", "102 "}, {25290, "106 ", "106 "},
		{24900, "100 ", "100 "}, {25060, "100 ", "102 "}, {25080, "102 ", "102 "},
	};
	struct stand s;
	price_t middle = 0;

	(void)state;
	stand_up(&s, listed_small(), "2026-01-13T10:00:00");
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		set_price(&s, INDEX, steps[i].price, 0);
		s.market.middle = &middle;
		check_str(expand(&s, "NIFTY:current:ATM:CE"), steps[i].followed);
		s.market.middle = NULL;
		check_str(expand(&s, "NIFTY:current:ATM:CE"), steps[i].asked);
	}
	stand_down(&s);
}

/* --- the broker's own ------------------------------------------------------------------------- */

static void test_full_master(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s, listed_file("instruments/upstox_nse_20260113.json.gz"), "2026-01-13T11:00:00");
	set_price(&s, INDEX, 25732.3, 0);
	check_str(master_text(s.m, s.m->rows[master_find(s.m, INDEX, 18)].symbol), "NIFTY");
	ask(&s, "NIFTY", TYPE_CE, "current", "ATM");
	check_str(master_text(s.m, s.m->rows[s.found.row].symbol), "NIFTY 25750 CE 13 JAN 26");
	check_i64(s.m->rows[s.found.row].lot_size, 65);
	ask(&s, "NIFTY", TYPE_PE, "next", "ATM-1");
	check_str(master_text(s.m, s.m->rows[s.found.row].symbol), "NIFTY 25700 PE 20 JAN 26");
	ask(&s, "NIFTY", TYPE_PE, "monthly", "26000");
	check_str(master_text(s.m, s.m->rows[s.found.row].symbol), "NIFTY 26000 PE 27 JAN 26");
	ask(&s, "Nifty Bank", TYPE_FUT, "current", "");
	check_str(master_text(s.m, s.m->rows[s.found.row].symbol), "BANKNIFTY FUT 27 JAN 26");
	ask(&s, "RELIANCE", TYPE_FUT, "next", "");
	check_str(master_text(s.m, s.m->rows[s.found.row].symbol), "RELIANCE FUT 24 FEB 26");
	/* Thirty-four contracts around the money, as an options desk watches them. */
	check_i64(strlen(expand(&s, "NIFTY:current:ATM+-8")), 34 * strlen("12345 "));
	/* In the evening the week is over, the month is not. */
	set_now(&s, "2026-01-13T15:30:00");
	ask(&s, "NIFTY", TYPE_CE, "current", "25750");
	check_str(master_text(s.m, s.m->rows[s.found.row].symbol), "NIFTY 25750 CE 20 JAN 26");
	stand_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_money),
		cmocka_unit_test(test_money_in_quarantine),
		cmocka_unit_test(test_money_of_the_future),
		cmocka_unit_test(test_strikes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_selectors),
		cmocka_unit_test(test_followed),
		cmocka_unit_test(test_full_master),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
