/* SPDX-License-Identifier: MIT
 *
 * Live chains: who shares one, when it is reckoned, what it follows, and what it says when it is not there.
 */
#include <stdio.h>

#include "../lib/chain_desk.h"
#include "../lib/check.h"
#include "options/chain_json.h"

static struct ws_rig r;
static struct market market;
static struct chain_desk d;
static const char *refusal;

static int setup(void **state)
{
	(void)state;
	ws_rig_up(&r);
	market_init(&market, &r.loop);
	chain_desk_init(&d, &r, &market);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	chain_desk_fini(&d);
	market_fini(&market);
	ws_rig_down(&r);
	return 0;
}

static struct chain_wish wish_of(const char *underlying, const char *expiry, bool each_turn)
{
	struct chain_wish w = {.underlying = underlying, .each_turn = each_turn};

	check(expiry_choice_parse(expiry, strlen(expiry), &w.expiry));
	return w;
}

static struct chain_live *open_chain(const char *underlying, const char *expiry, bool each_turn)
{
	struct chain_wish w = wish_of(underlying, expiry, each_turn);

	return chains_open(d.chains, &w, &refusal);
}

static uint64_t metric(const char *name)
{
	return module_metric(chains_module(d.chains), name);
}

static int wanted(const char *key)
{
	return interest_top(&market.interest,
			    instruments_find(&market.book.instruments, key, strlen(key)));
}

static double lowest(const struct chain_live *c)
{
	const struct chain_view *v = chain_live_view(c);

	return v && v->in.n ? v->strikes[0].strike : 0;
}

/* --- text --------------------------------------------------------------------------------------- */

static struct chain_live *awaited;
static uint64_t awaited_from;

static bool has_told(void *arg)
{
	uint64_t version;

	(void)arg;
	return chain_live_text(awaited, &version) && version > awaited_from;
}

/* The text of a version beyond `from`. */
static const char *text_of(struct chain_live *c, uint64_t from)
{
	static struct buf copy;
	const struct buf *text;
	uint64_t version;

	awaited = c;
	awaited_from = from;
	rig_until(&r, has_told, NULL);
	text = chain_live_text(c, &version);
	buf_reset(&copy);
	buf_append(&copy, text->data, text->len);
	return buf_cstr(&copy);
}

static uint64_t told(const struct chain_live *c)
{
	uint64_t version;

	chain_live_text(c, &version);
	return version;
}

/* --- tests -------------------------------------------------------------------------------------- */

static void test_shared(void **state)
{
	struct scope indices = {0};
	struct agni_err err;
	struct chain_wish w = wish_of("NIFTY", "current", false);
	struct chain_live *a, *b, *other;

	(void)state;
	chain_desk_open(&d);
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	a = open_chain("NIFTY", "current", false);
	b = open_chain("nifty 50", "current", true);
	check(a && a == b);
	check_i64(wanted(chain_desk_key(25200, true)), WANT_OPTION_GREEKS);
	check_i64(wanted(chain_desk_key(25400, true)), WANT_NOTHING);
	check_i64(wanted(DESK_INDEX), WANT_LTPC);
	/* Another expiry, another scope: another chain. */
	other = open_chain("NIFTY", "next", false);
	check(other && other != a);
	chains_close(other, false);
	check_i64(scope_add(&indices, "NSE_INDEX|*", &err), 0);
	w.scope = &indices;
	other = chains_open(d.chains, &w, &refusal);
	check(other && other != a);
	scope_fini(&indices);
	check_i64(chain_live_view(other)->legs[1][OPTION_CALL].row, MASTER_NONE);
	check(strstr(text_of(other, 0), "NSE_FO|") == NULL);
	chains_close(other, false);
	check_i64(metric("chains"), 1);
	chains_close(a, false);
	check_i64(metric("chains"), 1);
	chains_close(b, true);
	check_i64(metric("chains"), 0);
	check_i64(metric("chain_instruments"), 0);
	check_i64(wanted(chain_desk_key(25200, true)), WANT_NOTHING);
	check_i64(wanted(DESK_INDEX), WANT_NOTHING);
}

/* Once a turn, and only when something of it has changed; without such a reader not at all. */
static void test_each_turn(void **state)
{
	struct chain_live *c;
	uint64_t n;

	(void)state;
	chain_desk_open(&d);
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	c = open_chain("NIFTY", "current", true);
	n = metric("chains_computed_total");
	chain_desk_say(&d, chain_desk_key(25200, false), 60, 1000);
	check_near(chain_live_view(c)->cells[1][OPTION_CALL].price, 60, 1e-9);
	check_i64(metric("chains_computed_total"), (int64_t)n + 1);
	chain_desk_say(&d, "NSE_EQ|INE002A01018", 1500, -1);
	chain_desk_say(&d, chain_desk_key(25400, false), 1, 1);
	check_i64(metric("chains_computed_total"), (int64_t)n + 1);
	chain_desk_say(&d, chain_desk_key(25200, true), 70, 3000);
	check_i64(metric("chains_computed_total"), (int64_t)n + 2);
	check_near(chain_live_view(c)->summary.totals.pcr_oi, 3, 1e-9);
	check_i64(told(c), 0); /* who reads turns needs no text */
	chains_close(c, true);
}

static bool permits_all(const void *arg, const char *key, size_t len)
{
	(void)arg;
	(void)key;
	(void)len;
	return true;
}

/* What is kept says, byte for byte, what is reckoned on demand from the same book. */
static void test_same_as_on_demand(void **state)
{
	struct resolve_market now = {.book = &market.book};
	struct chain_source from = {
		.m = d.m, .market = &now, .upstream = &market.view, .permits = permits_all};
	struct chain_query q = {.underlying = "NIFTY", .strikes = {.around = 1}};
	struct resolve_miss miss;
	struct chain_live *c;
	struct chain_view *v;
	struct buf want = {0};
	uint64_t from_version;

	(void)state;
	chain_desk_open(&d);
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	c = open_chain("NIFTY", "current", false);
	text_of(c, 0);
	for (int i = 0; i < 40; i++) {
		from_version = told(c);
		chain_desk_at(&d, i % 2 ? "2026-01-13T11:00:00" : "2026-01-13T10:30:00");
		chain_desk_say(&d, chain_desk_key(25100 + i % 3 * 100, i / 3 % 2), 40 + i, 100 * i);
		if (i % 5 == 0)
			chain_desk_say(&d, DESK_INDEX, 25190 + i % 2, -1);
		text_of(c, from_version);
	}
	now.now_ms = clock_market_ms(&r.clock);
	from.oi = chains_session_oi(d.chains);
	v = chain_view_make(&from, &q, &miss);
	chain_json(&want, v, &from);
	check_str(text_of(c, 0), buf_cstr(&want));
	check(strstr(want.data, "\"iv\":") != NULL);
	buf_fini(&want);
	free(v);
	chains_close(c, false);
}

/* The middle stays while the money is less than three quarters of the way to the next strike. */
static void test_follows_the_money(void **state)
{
	struct chain_live *c;
	uint64_t n;

	(void)state;
	chain_desk_open(&d);
	c = open_chain("NIFTY", "current", true);
	check_i64(chain_live_view(c)->in.n, 0); /* no price yet: nothing is at the money */
	check_i64(wanted(DESK_INDEX), WANT_LTPC);
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	check_near(lowest(c), 25100, 0);
	n = metric("chains_listed_total");
	chain_desk_say(&d, DESK_INDEX, 25274, -1);
	chain_desk_say(&d, DESK_INDEX, 25126, -1);
	chain_desk_say(&d, DESK_INDEX, 25274, -1);
	check_near(lowest(c), 25100, 0);
	check_i64(metric("chains_listed_total"), (int64_t)n);
	chain_desk_say(&d, DESK_INDEX, 25276, -1);
	check_near(lowest(c), 25200, 0);
	check_i64(wanted(chain_desk_key(25100, false)), WANT_NOTHING);
	check_i64(wanted(chain_desk_key(25400, false)), WANT_OPTION_GREEKS);
	chain_desk_say(&d, DESK_INDEX, 25240, -1); /* back, not far enough */
	check_near(lowest(c), 25200, 0);
	/* Beyond the last strike: what is there, and nothing goes on moving. */
	chain_desk_say(&d, DESK_INDEX, 26500, -1);
	check_i64(chain_live_view(c)->in.n, 2);
	n = metric("chains_listed_total");
	chain_desk_say(&d, DESK_INDEX, 26600, -1);
	check_i64(metric("chains_listed_total"), (int64_t)n);
	/* Stale: the money stays where it was. */
	market.is_stale = true;
	chain_desk_say(&d, DESK_INDEX, 25000, -1);
	check_near(lowest(c), 25300, 0);
	market.is_stale = false;
	chains_close(c, true);
}

static void test_rolls_over(void **state)
{
	struct chain_live *c, *next, *dated;
	char day[IST_TEXT];

	(void)state;
	chain_desk_open(&d);
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	chain_desk_say(&d, chain_desk_key(25200, false), 5, 100);
	c = open_chain("NIFTY", "current", true);
	next = open_chain("NIFTY", "next", true);
	dated = open_chain("NIFTY", "2026-01-13", false);
	check_str(day_format(chain_live_view(c)->expiry, day), "2026-01-13");
	text_of(dated, 0);
	/* To the last moment: the limits of no time are numbers. */
	chain_desk_at(&d, "2026-01-13T15:29:59.999");
	chain_desk_say(&d, chain_desk_key(25200, false), 0.05, 100);
	check_str(day_format(chain_live_view(c)->expiry, day), "2026-01-13");
	check(chain_live_view(c)->in.t > 0);
	check(chain_live_view(c)->cells[1][OPTION_CALL].has & CELL_PRICE);
	chain_desk_at(&d, "2026-01-13T15:30:00");
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	check_str(day_format(chain_live_view(c)->expiry, day), "2026-01-20");
	check_str(day_format(chain_live_view(next)->expiry, day), "2026-01-27");
	/* One of a day that is over says so instead of going on. */
	check(strstr(text_of(dated, told(dated)), "\"code\":\"no_expiry\"") != NULL);
	check(chain_live_view(dated) == NULL);
	check(open_chain("NIFTY", "2026-01-13", true) == dated);
	chains_close(dated, true);
	chains_close(dated, false);
	check(open_chain("NIFTY", "2026-01-13", false) == NULL);
	check_str(refusal, "no_expiry");
	chains_close(c, true);
	chains_close(next, true);
	check_i64(metric("chain_instruments"), 0);
}

static void test_master_comes_late(void **state)
{
	const char no_nifty[] =
		"[{\"name\":\"Nifty Bank\",\"instrument_type\":\"INDEX\",\"instrument_key\":"
		"\"NSE_INDEX|Nifty Bank\",\"exchange_token\":\"26009\",\"trading_symbol\":"
		"\"BANKNIFTY\"}]";
	struct master *other = listed_of(no_nifty), *again = listed_small();
	struct chain_live *c, *unknown;

	(void)state;
	d.listing = (struct chains_listing){NULL, 0};
	chain_desk_open(&d);
	c = open_chain("NIFTY", "current", false);
	unknown = open_chain("NIFTTY", "current", false);
	check(c && unknown);
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	ws_rig_for(&r, 100);
	check_i64(told(c), 0);
	d.listing = (struct chains_listing){d.m, 1};
	check(strstr(text_of(c, 0), chain_desk_key(25200, true)) != NULL);
	check(strstr(text_of(unknown, 0), "\"code\":\"unknown_underlying\"") != NULL);
	check(open_chain("NIFTTTY", "current", false) == NULL);
	check_str(refusal, "unknown_underlying");
	/* It is not listed any more, and then is again, in another table. */
	d.listing = (struct chains_listing){other, 2};
	check(strstr(text_of(c, told(c)), "\"code\":\"unknown_underlying\"") != NULL);
	check_i64(wanted(chain_desk_key(25200, true)), WANT_NOTHING);
	d.listing = (struct chains_listing){again, 3};
	master_release(d.m);
	d.m = other;
	check(strstr(text_of(c, told(c)), chain_desk_key(25200, true)) != NULL);
	chains_close(c, false);
	chains_close(unknown, false);
	d.listing = (struct chains_listing){NULL, 4};
	master_release(again);
}

/* A feed's clock that has not heard of the day lists nothing: all would look expired. */
static void test_clock_unknown(void **state)
{
	struct chain_live *c;

	(void)state;
	r.clock.feed_ms = 0;
	chain_desk_open(&d);
	c = open_chain("NIFTY", "current", false);
	check(c && !chain_live_view(c));
	chain_desk_at(&d, "2026-01-13T10:00:00");
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	check(strstr(text_of(c, 0), "\"expiry\":\"2026-01-13\"") != NULL);
	chains_close(c, false);
}

static void test_stale(void **state)
{
	struct chain_live *c;
	const char *text;

	(void)state;
	chain_desk_open(&d);
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	chain_desk_say(&d, chain_desk_key(25200, false), 60, 1000);
	chain_desk_say(&d, chain_desk_key(25200, true), 70, 3000);
	c = open_chain("NIFTY", "current", false);
	check(strstr(text_of(c, 0), "\"pcr_oi\":3") != NULL);
	market.is_stale = true;
	chains_status_changed(d.chains);
	text = text_of(c, told(c));
	check(strstr(text, "\"stale\":true") && !strstr(text, "pcr_oi") && !strstr(text, "\"iv\""));
	check(!strstr(text, "\"seq\"") && !strstr(text, "\"oi\":0")); /* as over REST */
	market.is_stale = false;
	chains_status_changed(d.chains);
	check(strstr(text_of(c, told(c)), "\"pcr_oi\":3") != NULL);
	chains_close(c, false);
}

static bool is_all_asked(void *arg)
{
	(void)arg;
	return wanted(chain_desk_key(25200, true)) == WANT_OPTION_GREEKS;
}

static void test_limits(void **state)
{
	const struct interest_limits two = {{4, 2, 2, 2}, {4, 2, 2, 2}};
	struct chain_live *c[3], *more;
	char why[HEALTH_WHY_MAX];

	(void)state;
	market.interest.limits = &two;
	d.cfg.chains = " NIFTY , Nifty 50";
	chain_desk_open(&d);
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	chain_desk_say(&d, chain_desk_key(25300, true), 70, 3000);
	c[0] = open_chain("NIFTY", "current", true);
	/* Two contracts of six. One that somebody else watches is followed all the same. */
	check_i64(wanted(chain_desk_key(25100, true)), WANT_OPTION_GREEKS);
	check_i64(wanted(chain_desk_key(25200, true)), WANT_NOTHING);
	chain_desk_say(&d, chain_desk_key(25300, true), 71, 3000);
	check_near(chain_live_view(c[0])->cells[2][OPTION_PUT].price, 71, 1e-9);
	check_i64(chains_module(d.chains)->ops->health(chains_module(d.chains), why),
		  HEALTH_DEGRADED);
	check(strstr(why, "no room") != NULL);
	check_i64(metric("chains"), 1); /* kept once, and shared */
	c[1] = open_chain("NIFTY", "next", false);
	c[2] = open_chain("NIFTY", "monthly", false);
	more = open_chain("NIFTY", "2026-01-20", false);
	check(c[1] && c[2] && more);
	/* When there is room again it is taken, within a second. */
	market.interest.limits = NULL;
	rig_until(&r, is_all_asked, NULL);
	check_i64(wanted(chain_desk_key(25300, true)), WANT_OPTION_GREEKS);
	check(open_chain("BANKNIFTY", "current", false) == NULL);
	check_str(refusal, "over_limit");
	chains_close(more, false);
	chains_close(c[0], true);
	chains_close(c[1], false);
	chains_close(c[2], false);
	check_i64(wanted(chain_desk_key(25200, true)), WANT_OPTION_GREEKS); /* the kept one's */
}

static void test_band(void **state)
{
	struct chain_live *c;
	char why[HEALTH_WHY_MAX];
	struct module *m;

	(void)state;
	d.cfg.strikes = CHAINS_FIXED;
	d.cfg.bands = "BANKNIFTY:59000:59000:100, NIFTY:25000:25300:200";
	d.cfg.chains = "NIFTY";
	chain_desk_open(&d);
	m = chains_module(d.chains);
	chain_desk_say(&d, DESK_INDEX, 25190, -1);
	c = open_chain("Nifty 50", "current", true);
	check_i64(chain_live_view(c)->in.n, 2);
	check_near(chain_live_view(c)->strikes[1].strike, 25200, 0);
	check_i64(m->ops->health(m, why), HEALTH_UP);
	chain_desk_say(&d, DESK_INDEX, 25290, -1);
	check_i64(chain_live_view(c)->in.n, 2);
	check_i64(m->ops->health(m, why), HEALTH_DEGRADED);
	check(strstr(why, "options.strikes=auto") != NULL);
	chains_close(c, true);
	/* Another underlying has none. */
	c = open_chain("BANKNIFTY", "monthly", false);
	check_i64(chain_live_view(c)->in.n, 1);
	chains_close(c, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shared),
		TEST(test_each_turn),
		TEST(test_same_as_on_demand),
		TEST(test_follows_the_money),
		TEST(test_rolls_over),
		TEST(test_master_comes_late),
		TEST(test_clock_unknown),
		TEST(test_stale),
		TEST(test_limits),
		TEST(test_band),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
