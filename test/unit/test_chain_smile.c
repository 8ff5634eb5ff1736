/* SPDX-License-Identifier: MIT
 *
 * test_chain_smile: a smile that is known comes back from the prices it made.
 */
#include <math.h>

#include "../lib/chain_made.h"
#include "../lib/check.h"
#include "options/normal.h"

static struct chain_made made;

static const struct chain_smile *smile_of(double t)
{
	static struct chain_summary out;

	made.in.t = t;
	chain_compute(&made.in, made.cells, &out);
	return &out.smile;
}

/* The made smile is a parabola in ln(K/F), which the fit has to find. */
static void test_parabola(void **state)
{
	const struct chain_smile *s;

	(void)state;
	chain_make(&made);
	s = smile_of(MADE_T);
	check_i64(s->has, SMILE_ATM | SMILE_SLOPE | SMILE_WINGS);
	check_near(s->atm_iv, 0.11, 1e-5); /* linear between two strikes */
	check_near(s->slope, -0.3 / 100, 1e-8);
	check_near(s->curvature, 2 * 4.0 / 100 / 100, 1e-7);
}

/* The wings: iv at the strike whose own delta is a quarter, found here by halving. */
static double wing(double target, double from, double to)
{
	for (int i = 0; i < 60; i++) {
		double k = (from + to) / 2, s = chain_made_iv(k) * sqrt(MADE_T);

		if (normal_cdf(log(MADE_FORWARD / k) / s + s / 2) > target)
			from = k;
		else
			to = k;
	}
	return chain_made_iv(from);
}

static void test_wings(void **state)
{
	const struct chain_smile *s;

	(void)state;
	chain_make(&made);
	s = smile_of(MADE_T);
	check_near(s->call_25, wing(0.25, MADE_FORWARD, 26200), 2e-5);
	check_near(s->put_25, wing(0.75, 25400, MADE_FORWARD), 2e-5);
	check(s->put_25 > s->call_25);
	check_near(s->risk_reversal, s->call_25 - s->put_25, 0);
	check_near(s->butterfly, (s->call_25 + s->put_25) / 2 - s->atm_iv, 0);
}

/* The option out of the money speaks for its strike; the other only when that is silent. */
static void test_who_speaks(void **state)
{
	double before;

	(void)state;
	chain_make(&made);
	before = smile_of(MADE_T)->atm_iv;
	for (int i = 0; i < MADE_STRIKES; i++) {
		enum option_type itm =
			made.strikes[i].strike < MADE_FORWARD ? OPTION_CALL : OPTION_PUT;

		made.strikes[i].side[itm].present = CHAIN_LTP;
		made.strikes[i].side[itm].ltp *= 1.0000001;
	}
	made.in.future = (struct chain_quote){.present = CHAIN_LTP, .ltp = MADE_FORWARD};
	check_near(smile_of(MADE_T)->atm_iv, before, 1e-12);
	for (int i = 0; i < MADE_STRIKES; i++)
		made.strikes[i].side[OPTION_PUT].present = 0;
	check_near(smile_of(MADE_T)->atm_iv, before, 1e-3);
	check(smile_of(MADE_T)->has & SMILE_WINGS);
}

/* Nothing is said beyond the strikes there are. */
static void test_absent(void **state)
{
	const struct chain_smile *s;

	(void)state;
	chain_make(&made);
	check_i64(smile_of(0)->has, 0);
	made.in.future = (struct chain_quote){.present = CHAIN_LTP, .ltp = 26300};
	check_i64(smile_of(MADE_T)->has, 0); /* no strike above the forward */
	chain_make(&made);
	made.in.strikes = &made.strikes[8]; /* 25800 and 25850: no wing, no fit */
	made.in.n = 2;
	s = smile_of(MADE_T);
	check_i64(s->has, SMILE_ATM);
	check(s->call_25 == 0 && s->put_25 == 0 && s->slope == 0 && s->risk_reversal == 0);
	check_near(s->atm_iv, 0.11, 1e-5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parabola),
		cmocka_unit_test(test_wings),
		cmocka_unit_test(test_who_speaks),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
