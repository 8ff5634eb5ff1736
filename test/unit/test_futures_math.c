/* SPDX-License-Identifier: MIT
 *
 * test_futures_math: against values of 40-digit decimal arithmetic, worked out apart from the program
 * (Python's decimal, ln and exp of its own), and against figures that a pencil can check.
 */
#include <math.h>

#include "../lib/check.h"
#include "core/rand.h"
#include "options/futures_math.h"

#define SPOT 25790.0

static struct futures_input in;
static struct futures_figures f[FUTURES_MONTHS];
static struct futures_summary sum;

static struct futures_quote quote(double ltp, double cp, int64_t oi, int64_t prev_oi)
{
	return (struct futures_quote){.q = {.present = CHAIN_LTP | CHAIN_OI | CHAIN_PREV_OI,
					    .ltp = ltp,
					    .oi = oi,
					    .prev_oi = prev_oi},
				      .present = FUTURES_CP,
				      .cp = cp};
}

/* Three months at 3.25, 31.25 and 66.25 days. */
static int setup(void **state)
{
	static const double days[] = {3.25, 31.25, 66.25};
	static const double ltp[] = {25870.5, 26021.25, 26180};
	static const int64_t oi[] = {10875000, 3262500, 362500};

	(void)state;
	memset(&in, 0, sizeof(in));
	in.spot = SPOT;
	in.rate = 0.06;
	in.price_least = 0.001;
	in.oi_least = 0.01;
	for (int i = 0; i < FUTURES_MONTHS; i++) {
		in.months[i].is_there = true;
		in.months[i].t = days[i] / 365;
		in.months[i].quote = quote(ltp[i], ltp[i] - 100, oi[i], oi[i]);
	}
	return 0;
}

static void compute(void)
{
	futures_compute(&in, f, &sum);
}

static void test_basis_and_carry(void **state)
{
	(void)state;
	compute();
	check_near(f[0].basis, 80.5, 1e-9);
	check_near(f[1].basis, 231.25, 1e-9);
	check_near(f[2].basis, 390, 1e-9);
	check_near(f[0].basis_fraction, 0.00312136487010469, 1e-15);
	check_near(f[2].basis_fraction, 0.0151221403644823, 1e-15);
	check_near(f[0].carry, 0.350007318868831, 1e-12);
	check_near(f[1].carry, 0.104263762635661, 1e-13);
	check_near(f[2].carry, 0.0826907670158893, 1e-13);
	/* A discount: the same below. */
	in.spot = 25870.5 + 80.5;
	compute();
	check_near(f[0].basis, -80.5, 1e-9);
	check(f[0].carry < 0 && f[0].basis_fraction < 0);
	/* By pencil: ln(1.01) = 0.00995033, over a tenth of a year. */
	in.spot = 100;
	in.months[0].t = 0.1;
	in.months[0].quote = quote(101, 100, 1, 1);
	compute();
	check_near(f[0].basis_fraction, 0.01, 1e-12);
	check_near(f[0].carry, 0.0995033085, 1e-9);
}

static void test_fair_value(void **state)
{
	(void)state;
	compute();
	check_near(f[0].fair, 25803.7819003168, 1e-9);
	check_near(f[1].fair, 25922.8237414964, 1e-9);
	check_near(f[2].fair, 26072.3986261175, 1e-9);
	check_near(f[0].fair_difference, 66.7180996832, 1e-9);
	check_near(f[2].fair_difference, 107.6013738825, 1e-9);
	in.yield = 0.012;
	compute();
	check_near(f[1].fair, 25896.2043800768, 1e-9);
	/* At a rate equal to the carry nothing is rich or cheap. */
	in.rate = f[1].carry + in.yield;
	compute();
	check_near(f[1].fair_difference, 0, 1e-9);
	in.rate = 1.5; /* nobody means that */
	compute();
	check(!(f[1].has & FUTURES_FAIR) && f[1].fair == 0 && (f[1].has & FUTURES_CARRY));
}

static void test_spreads(void **state)
{
	(void)state;
	compute();
	check_near(sum.spreads[0].price, 150.75, 1e-9);
	check_near(sum.spreads[1].price, 158.75, 1e-9);
	check_near(sum.spreads[0].rate, 0.07573995700145418, 1e-13);
	check_near(sum.spreads[1].rate, 0.0634291637839500, 1e-13);
	/* Rates add up over time. */
	check_near(f[1].carry * 31.25, f[0].carry * 3.25 + sum.spreads[0].rate * 28, 1e-11);
	/* The near month without a price: its spread is absent, the other is there. */
	in.months[0].quote.q.present &= ~(unsigned)CHAIN_LTP;
	compute();
	check_i64(sum.spreads[0].has, 0);
	check(sum.spreads[0].price == 0 && sum.spreads[0].rate == 0);
	check_i64(sum.spreads[1].has, SPREAD_PRICE | SPREAD_RATE);
	/* Two that expire at once have no rate between them. */
	in.months[2].t = in.months[1].t;
	compute();
	check_i64(sum.spreads[1].has, SPREAD_PRICE);
}

static void test_prices(void **state)
{
	(void)state;
	in.months[0].quote.q.present |= CHAIN_BID | CHAIN_ASK;
	in.months[0].quote.q.bid = 25869;
	in.months[0].quote.q.ask = 25871;
	compute();
	check(f[0].is_mid);
	check_near(f[0].price, 25870, 1e-9);
	check_near(f[0].basis, 80, 1e-9);
	check_near(f[0].change, 100, 1e-9); /* of the last trade */
	in.months[0].quote.q.bid = 25872;   /* crossed */
	compute();
	check(!f[0].is_mid);
	check_near(f[0].price, 25870.5, 1e-9);
}

static void test_without_spot(void **state)
{
	(void)state;
	in.spot = 0;
	compute();
	check_i64(f[0].has & (FUTURES_BASIS | FUTURES_CARRY | FUTURES_FAIR), 0);
	check(f[0].basis == 0 && f[0].carry == 0 && f[0].fair == 0);
	check(f[0].has & FUTURES_PRICE);
	check_i64(sum.spreads[0].has, SPREAD_PRICE | SPREAD_RATE); /* these need none */
	check(sum.has_roll);
}

/* Rupees to the end, rates to a day before it, nothing infinite behind it. */
static void test_expiry_day(void **state)
{
	(void)state;
	in.months[0].t = 1.0 / 365;
	compute();
	check(f[0].has & FUTURES_CARRY);
	in.months[0].t = 0.999 / 365;
	compute();
	check(!(f[0].has & FUTURES_CARRY) && f[0].carry == 0);
	check(f[0].has & FUTURES_BASIS && f[0].has & FUTURES_FAIR);
	check(sum.spreads[0].has & SPREAD_RATE); /* 30 days apart */
	in.months[0].t = 1e-9;
	compute();
	check_near(f[0].fair, SPOT, 1e-5); /* the fair value goes to the spot */
	check_near(f[0].basis, 80.5, 1e-9);
	for (int i = 0; i < 3; i++) {
		in.months[0].t = (const double[]){0, -1, NAN}[i];
		compute();
		check_i64(f[0].has & (FUTURES_CARRY | FUTURES_FAIR), 0);
		check(f[0].has & FUTURES_BASIS);
	}
	check(!(sum.spreads[0].has & SPREAD_RATE));
}

static void test_roll(void **state)
{
	(void)state;
	compute();
	check(sum.has_roll);
	check_i64(sum.oi, 14500000);
	check_near(sum.roll, 0.25, 1e-15);
	/* One that is not there does not count; one whose OI is not known leaves no share. */
	in.months[2].is_there = false;
	compute();
	check_near(sum.roll, 3262500.0 / 14137500.0, 1e-15);
	in.months[2].is_there = true;
	in.months[2].quote.q.present &= ~(unsigned)CHAIN_OI;
	compute();
	check(!sum.has_roll && !sum.has_oi && sum.roll == 0 && sum.oi == 0);
	/* Zero is a value; nothing of nothing is none. */
	setup(NULL);
	in.months[1].quote.q.oi = in.months[2].quote.q.oi = 0;
	compute();
	check(sum.has_roll && sum.roll == 0);
	in.months[0].quote.q.oi = 0;
	compute();
	check(!sum.has_roll && !sum.has_oi);
	/* The near month alone, and the others without it. */
	setup(NULL);
	in.months[1].is_there = in.months[2].is_there = false;
	compute();
	check(!sum.has_roll && sum.has_oi);
	setup(NULL);
	in.months[0].is_there = false;
	compute();
	check(!sum.has_roll && sum.has_oi);
	check_i64(sum.spreads[0].has, 0);
}

static void buildup_is(double ltp, int64_t oi, enum futures_buildup want)
{
	in.months[0].quote = quote(ltp, 25000, oi, 1000000);
	compute();
	check(f[0].has & FUTURES_BUILDUP);
	check_str(futures_buildup_text(f[0].buildup), futures_buildup_text(want));
}

static void test_buildup(void **state)
{
	(void)state;
	buildup_is(25100, 1020000, BUILDUP_LONG);
	buildup_is(24900, 1020000, BUILDUP_SHORT);
	buildup_is(25100, 980000, BUILDUP_SHORT_COVERED);
	buildup_is(24900, 980000, BUILDUP_LONG_UNWOUND);
	check_near(f[0].change_fraction, -0.004, 1e-15);
	check_i64(f[0].oi_change, -20000);
	check_near(f[0].oi_fraction, -0.02, 1e-15);
	/* The thresholds, 0.1 % and 1 %, belong to what is named; noise is not. */
	buildup_is(25025, 1010000, BUILDUP_LONG);
	buildup_is(25024.95, 1010000, BUILDUP_NEUTRAL);
	buildup_is(25025, 1009999, BUILDUP_NEUTRAL);
	buildup_is(24975, 990000, BUILDUP_LONG_UNWOUND);
	buildup_is(24975.05, 990000, BUILDUP_NEUTRAL);
	buildup_is(24975, 990001, BUILDUP_NEUTRAL);
	/* Without a threshold no change is still none. */
	in.price_least = in.oi_least = 0;
	buildup_is(25000, 1020000, BUILDUP_NEUTRAL);
	buildup_is(25100, 1000000, BUILDUP_NEUTRAL);
	buildup_is(25000.05, 1000001, BUILDUP_LONG);
}

static void test_buildup_unknown(void **state)
{
	static const unsigned parts[] = {CHAIN_LTP, CHAIN_OI, CHAIN_PREV_OI};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		in.months[0].quote = quote(25100, 25000, 1020000, 1000000);
		in.months[0].quote.q.present &= ~parts[i];
		compute();
		check(!(f[0].has & FUTURES_BUILDUP));
	}
	in.months[0].quote = quote(25100, 25000, 1020000, 1000000);
	in.months[0].quote.present = 0; /* no close of before */
	compute();
	check(!(f[0].has & (FUTURES_BUILDUP | FUTURES_CHANGE)) && f[0].change == 0);
	in.months[0].quote = quote(25100, 0, 1020000, 1000000); /* 0 is no price */
	compute();
	check(!(f[0].has & (FUTURES_BUILDUP | FUTURES_CHANGE)));
	/* The first session of a contract: from nothing there is a change, and no ratio of it. */
	in.months[0].quote = quote(25100, 25000, 500, 0);
	compute();
	check(!(f[0].has & FUTURES_OI_FRACTION) && f[0].oi_fraction == 0);
	check_i64(f[0].oi_change, 500);
	check_i64(f[0].buildup, BUILDUP_LONG);
	in.months[0].quote = quote(25100, 25000, 0, 0);
	compute();
	check_i64(f[0].buildup, BUILDUP_NEUTRAL);
}

static double wild(struct rng *r)
{
	static const double odd[] = {0,     -1,  NAN,   INFINITY, -INFINITY, 1e-320, 1e-9,
				     1e308, 1e9, 25000, 25001.5,  0.05,      1,      1e-3};

	return odd[rng_below(r, ARRAY_LEN(odd))];
}

/* Whatever comes in, nothing that is no number comes out, and what is absent is 0. */
static void test_wild(void **state)
{
	struct rng r;

	(void)state;
	r = (struct rng){7};
	for (int n = 0; n < 200000; n++) {
		in.spot = wild(&r);
		in.rate = wild(&r);
		in.yield = wild(&r);
		for (int i = 0; i < FUTURES_MONTHS; i++) {
			struct futures_quote *q = &in.months[i].quote;

			in.months[i].is_there = rng_below(&r, 4) > 0;
			in.months[i].t = wild(&r);
			q->q.present = (unsigned)rng_below(&r, 64);
			q->q.ltp = wild(&r);
			q->q.bid = wild(&r);
			q->q.ask = wild(&r);
			q->cp = wild(&r);
			q->q.oi =
				rng_below(&r, 3) ? (int64_t)rng_below(&r, 1000) : 9000000000000000;
			q->q.prev_oi = (int64_t)rng_below(&r, 3);
			q->present = (unsigned)rng_below(&r, 4);
		}
		compute();
		for (int i = 0; i < FUTURES_MONTHS; i++) {
			const struct futures_figures *at = &f[i];

			check(isfinite(at->price) && isfinite(at->basis) && isfinite(at->carry) &&
			      isfinite(at->basis_fraction) && isfinite(at->fair) &&
			      isfinite(at->fair_difference) && isfinite(at->change) &&
			      isfinite(at->change_fraction) && isfinite(at->oi_fraction));
			check((at->has & FUTURES_CARRY) || at->carry == 0);
			check((at->has & FUTURES_FAIR) || at->fair == 0);
			check(in.months[i].is_there || at->has == 0);
		}
		check(isfinite(sum.roll) && sum.roll >= 0 && sum.roll <= 1);
		for (int i = 0; i < FUTURES_SPREADS; i++)
			check(isfinite(sum.spreads[i].price) && isfinite(sum.spreads[i].rate));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_basis_and_carry, setup),
		cmocka_unit_test_setup(test_fair_value, setup),
		cmocka_unit_test_setup(test_spreads, setup),
		cmocka_unit_test_setup(test_prices, setup),
		cmocka_unit_test_setup(test_without_spot, setup),
		cmocka_unit_test_setup(test_expiry_day, setup),
		cmocka_unit_test_setup(test_roll, setup),
		cmocka_unit_test_setup(test_buildup, setup),
		cmocka_unit_test_setup(test_buildup_unknown, setup),
		cmocka_unit_test_setup(test_wild, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
