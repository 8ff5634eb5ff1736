/* SPDX-License-Identifier: MIT
 *
 * test_signal_rules: what each rule says of quotes that are made so that the answer is known.
 */
#include <math.h>

#include "../lib/check.h"
#include "../lib/listed.h"
#include "signals/rules.h"

#define T0 1768275900000 /* 2026-01-13T09:15 IST */

static const struct rule_limits limits = {.change_pct = 1,
					  .rearm = 0.7,
					  .window_ms = 60000,
					  .noise = 4,
					  .move_pct = 0.1,
					  .premium_window_ms = 60000,
					  .premium_pct = 5,
					  .iv_points = 0.5,
					  .oi_pct = 1};
static struct rule_state st;
static struct quote q;
static struct observation o;
static struct finding f;

static int setup(void **state)
{
	(void)state;
	st = (struct rule_state){0};
	memset(&q, 0, sizeof(q));
	o = (struct observation){.q = &q, .ms = T0};
	return 0;
}

static price_t p(double v)
{
	price_t out;

	check(price_from_double(v, &out));
	return out;
}

static void book(double bid, double ask)
{
	q.present |= QUOTE_DEPTH;
	q.depth_n = 1;
	q.depth[0] = (struct depth_row){100, p(bid), p(ask), 100};
}

static bool look(const struct rule_ops *rule)
{
	f = (struct finding){0};
	return rule->look(&limits, &o, &st, &f);
}

static double input(const char *name)
{
	for (unsigned i = 0; i < f.inputs_n; i++) {
		if (strcmp(f.inputs[i].name, name) == 0)
			return f.inputs[i].value;
	}
	fail_msg("no input %s", name);
	return 0;
}

/* cp is a price, not a percentage. */
static void test_price_change(void **state)
{
	(void)state;
	q.present = QUOTE_LTP | QUOTE_CP | QUOTE_TBQ | QUOTE_TSQ;
	q.ltp = p(98);
	q.cp = p(100);
	q.tbq = 1000;
	q.tsq = 3000;
	book(97.9, 98.1);
	check(look(&price_change_ops));
	check_near(f.value, -2, 1e-9);
	check_near(f.threshold, 1, 0);
	check_near(input("pressure"), 0.75, 1e-12);
	check_near(input("tightness"), 1 - 0.2 / 0.98, 1e-9);
	check_near(f.confidence, 0.2 + 0.2 * 1 + 0.3 * (1 - 0.2 / 0.98) + 0.3 * 0.75, 1e-9);
	q.cp = 0;
	check(!look(&price_change_ops));
	q.present &= ~(unsigned)QUOTE_CP;
	q.cp = p(100);
	check(!look(&price_change_ops));
}

/* Ten minutes of a price that goes up and down by a hundredth of a per cent every five seconds. */
static void breathe(int minutes)
{
	q.present = QUOTE_LTP;
	for (int i = 0; i < minutes * 60; i++, o.ms += 1000) {
		q.ltp = p(i / 5 % 2 ? 1000.1 : 1000);
		(void)look(&momentum_ops);
	}
}

static void test_momentum(void **state)
{
	double noise = sqrt(12 * pow(log(1000.1 / 1000), 2) + pow(0.05 / 1008, 2));

	(void)state;
	breathe(4);
	check(!look(&momentum_ops)); /* too early to know what is usual */
	breathe(6);
	check(look(&momentum_ops));
	check(fabs(f.value) < 0.5);
	check(!f.may_fire);
	q.ltp = p(1008);
	check(look(&momentum_ops));
	check_near(input("noise_pct"), noise * 100, 3e-4); /* the first step stood still */
	check_near(f.value, log(1008 / 1000.0) / noise, 0.3);
	check(f.value > limits.noise && f.may_fire);
	/* The same move is no news where such moves are usual. */
	setup(NULL);
	for (int i = 0; i < 600; i++, o.ms += 1000) {
		q.present = QUOTE_LTP;
		q.ltp = p(i / 5 % 2 ? 1004 : 1000);
		(void)look(&momentum_ops);
	}
	q.ltp = p(1008);
	check(look(&momentum_ops));
	check(f.value < limits.noise);
}

/* However often the same path is told, the answer is the same. */
static void test_momentum_does_not_depend_on_the_pace(void **state)
{
	double first;

	(void)state;
	breathe(10);
	q.ltp = p(1005);
	check(look(&momentum_ops));
	first = f.value;
	setup(NULL);
	q.present = QUOTE_LTP;
	for (int i = 0; i < 600; i++) {
		q.ltp = p(i / 5 % 2 ? 1000.1 : 1000);
		for (int k = 0; k < 3; k++) {
			(void)look(&momentum_ops);
			o.ms += k < 2 ? 333 : 334;
		}
	}
	q.ltp = p(1005);
	check(look(&momentum_ops));
	check_near(f.value, first, 1e-12);
}

static void test_momentum_gap(void **state)
{
	(void)state;
	breathe(10);
	o.ms += 66000; /* longer than the window: nobody knows what it was a minute ago */
	q.ltp = p(1010);
	check(!look(&momentum_ops));
	setup(NULL);
	breathe(10);
	o.ms -= 7000; /* a message that was overtaken takes nothing away */
	check(look(&momentum_ops));
	setup(NULL);
	breathe(10);
	o.ms -= 3600000; /* a market that begins anew */
	check(!look(&momentum_ops));
}

/* A one-sided book is passed over: the last trade is not compared with the middle. */
static void test_momentum_of_a_book(void **state)
{
	(void)state;
	for (int i = 0; i < 600; i++, o.ms += 1000) {
		q.present = QUOTE_LTP;
		q.ltp = p(1010);
		book(999.95, 1000.05);
		(void)look(&momentum_ops);
	}
	book(999.95, 0);
	check(!look(&momentum_ops));
	book(999.95, 1000.05);
	check(look(&momentum_ops));
	check_near(f.value, 0, 1e-9);
}

/* --- options ---------------------------------------------------------------------------------- */

static const struct contract call = {.kind = CONTRACT_OPTION,
				     .type = OPTION_CALL,
				     .strike = 25000,
				     .expiry_ms = T0 + 7 * DAY_MS,
				     .underlying = INST_NONE,
				     .future = INST_NONE};

/* The call at this forward and volatility, with a spread of a tick. */
static void option(double forward, double sigma, double oi)
{
	struct black76 in = {.forward = forward,
			     .strike = call.strike,
			     .t = (double)(call.expiry_ms - o.ms) / (365.0 * DAY_MS),
			     .sigma = sigma};
	double price = black76_price(&in, call.type);

	o.contract = &call;
	o.level = (struct level){LEVEL_FUTURE, forward, forward};
	book(price - 0.025, price + 0.025);
	q.present |= QUOTE_OI;
	q.oi = oi;
}

static void quiet_minute(void)
{
	for (int i = 0; i <= 65; i++, o.ms += 1000) {
		option(25000, 0.12, 100000);
		(void)look(&options_momentum_ops);
	}
}

static void test_options_momentum(void **state)
{
	(void)state;
	quiet_minute();
	option(25000, 0.13, 102000);
	check(look(&options_momentum_ops));
	check(f.may_fire && f.value > 5);
	check_near(input("iv_points"), 1, 0.01);
	check_near(input("oi_pct"), 2, 1e-9);
	check_near(input("iv"), 0.13, 1e-4);
	/* The premium has moved with the underlying alone. */
	option(25100, 0.12, 102000);
	check(look(&options_momentum_ops));
	check(!f.may_fire && f.value > 5);
	/* Volatility and premium are up, positions are closed. */
	option(25000, 0.13, 99000);
	check(look(&options_momentum_ops));
	check(!f.may_fire);
	/* Written: cheaper, and more of them. */
	option(25000, 0.11, 103000);
	check(look(&options_momentum_ops));
	check(f.may_fire && f.value < -5);
}

static void test_options_momentum_without(void **state)
{
	(void)state;
	quiet_minute();
	option(25000, 0.13, 102000);
	o.level = (struct level){0};
	check(!look(&options_momentum_ops));
	option(25000, 0.13, 102000);
	o.contract = NULL;
	check(!look(&options_momentum_ops));
	option(25000, 0.13, 0);
	check(!look(&options_momentum_ops));
	option(25900, 0.13, 102000);
	book(800, 800.05); /* below what exercise pays */
	check(!look(&options_momentum_ops));
	option(25000, 0.13, 102000);
	o.ms = call.expiry_ms; /* it has expired */
	check(!look(&options_momentum_ops));
}

/* --- futures ---------------------------------------------------------------------------------- */

static void test_futures_momentum(void **state)
{
	static const struct contract future = {.kind = CONTRACT_FUTURE};
	double before;

	(void)state;
	q.present = QUOTE_LTP | QUOTE_CP | QUOTE_OI;
	q.ltp = q.cp = p(25000);
	q.oi = 1000000;
	check(!look(&futures_momentum_ops)); /* not known to be a future */
	o.contract = &future;
	o.level = (struct level){LEVEL_SPOT, 24900, 24900};
	check(look(&futures_momentum_ops));
	q.ltp = p(25250);
	check(look(&futures_momentum_ops));
	check_near(f.value, 1, 1e-9);
	check_near(input("basis"), 350, 1e-9);
	before = f.confidence;
	q.oi = 1010000;
	check(look(&futures_momentum_ops));
	check_near(input("oi_pct"), 1, 1e-9);
	check_near(f.confidence, before + 0.1, 1e-9);
}

/* --- contracts and levels --------------------------------------------------------------------- */

static struct book b;
static uint64_t seq;

static void say(const char *key, double ltp, int64_t ms)
{
	struct tick t = {.key = key};
	struct tick_meta meta = {.ts_ms = ms};
	inst_id id = instruments_intern(&b.instruments, key, strlen(key));

	t.q.present = QUOTE_LTP;
	t.q.ltp = p(ltp);
	book_publish(&b, id, book_merge(&b, id, &t, &meta), ++seq);
}

static const struct contract *of_key(struct contracts *c, const struct master *m, const char *key)
{
	return contract_of(c, &b.instruments, m, 1,
			   instruments_intern(&b.instruments, key, strlen(key)));
}

static void test_level(void **state)
{
	struct master *m = listed_small();
	struct contracts cs = {0};
	const struct contract *c;
	struct level l;
	int64_t now = T0 + 3600000;

	(void)state;
	book_init(&b, 200);
	c = of_key(&cs, m, "NSE_FO|105"); /* the put of 25200 of the first weekly */
	check_i64(c->kind, CONTRACT_OPTION);
	check_i64(c->type, OPTION_PUT);
	check_near(c->strike, 25200, 0);
	check_str(instruments_key(&b.instruments, c->underlying), "NSE_INDEX|Nifty 50");
	check_str(instruments_key(&b.instruments, c->future), "NSE_FO|1");
	check(c->future_ms > c->expiry_ms);
	check_i64(contract_level(&b, c, now, 10000).source, LEVEL_NONE);
	say("NSE_INDEX|Nifty 50", 25000, now);
	l = contract_level(&b, c, now, 10000);
	check_i64(l.source, LEVEL_SPOT);
	check_near(l.forward, 25000, 0);
	say("NSE_FO|1", 25140, now);
	l = contract_level(&b, c, now, 10000);
	check_i64(l.source, LEVEL_FUTURE);
	check_near(l.forward,
		   25000 + 140.0 * (double)(c->expiry_ms - now) / (double)(c->future_ms - now),
		   1e-9);
	check_i64(contract_level(&b, c, now + 10001, 10000).source, LEVEL_NONE); /* too old */
	b.slots[c->underlying]->suspect = SUSPECT_JUMP;
	check_i64(contract_level(&b, c, now, 10000).source, LEVEL_NONE);
	b.slots[c->underlying]->suspect = 0;
	c = of_key(&cs, m, "NSE_FO|1");
	check_i64(c->kind, CONTRACT_FUTURE);
	check_i64(of_key(&cs, m, "NSE_EQ|INE002A01018")->kind, CONTRACT_NONE);
	check_i64(of_key(&cs, m, "NSE_FO|999999")->kind, CONTRACT_NONE);
	contracts_fini(&cs);
	book_fini(&b);
	master_release(m);
}

/* On the broker's own master: the future found is the nearest of all that expire no sooner. */
static void test_futures_of_the_full_master(void **state)
{
	struct master *m = listed_file("instruments/upstox_nse_small_20260113.json.gz");
	struct contracts cs = {0};
	unsigned n = 0;

	(void)state;
	book_init(&b, 100000);
	for (uint32_t row = 0; row < m->n; row++) {
		const struct master_row *r = &m->rows[row];
		const struct contract *c;
		day_t best = 0;

		if (r->type != TYPE_CE && r->type != TYPE_PE)
			continue;
		for (uint32_t k = 0; k < m->n; k++) {
			const struct master_row *fut = &m->rows[k];

			if (fut->type == TYPE_FUT && fut->underlying == r->underlying &&
			    fut->expiry >= r->expiry && (!best || fut->expiry < best))
				best = fut->expiry;
		}
		c = of_key(&cs, m, master_key(m, row));
		check_i64(c->future == INST_NONE, best == 0);
		if (best)
			check_i64(listed_row(m, instruments_key(&b.instruments, c->future))->expiry,
				  best);
		n += best != 0;
	}
	check(n > 1000);
	contracts_fini(&cs);
	book_fini(&b);
	master_release(m);
}

static void test_names(void **state)
{
	enum rule_kind kind;

	(void)state;
	for (int i = 0; i < RULES; i++) {
		const char *name = rule_of((enum rule_kind)i)->name;

		check(rule_parse(name, strlen(name), &kind));
		check_i64(kind, i);
	}
	check(!rule_parse("momentum ", 9, &kind));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_price_change, setup),
		cmocka_unit_test_setup(test_momentum, setup),
		cmocka_unit_test_setup(test_momentum_does_not_depend_on_the_pace, setup),
		cmocka_unit_test_setup(test_momentum_gap, setup),
		cmocka_unit_test_setup(test_momentum_of_a_book, setup),
		cmocka_unit_test_setup(test_options_momentum, setup),
		cmocka_unit_test_setup(test_options_momentum_without, setup),
		cmocka_unit_test_setup(test_futures_momentum, setup),
		cmocka_unit_test_setup(test_level, setup),
		cmocka_unit_test_setup(test_futures_of_the_full_master, setup),
		cmocka_unit_test_setup(test_names, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
