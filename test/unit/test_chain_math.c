/* SPDX-License-Identifier: MIT
 *
 * test_chain_math: a whole chain: every contract's figures, the summary, and whatever may be absent.
 */
#include <math.h>

#include "../lib/chain_made.h"
#include "../lib/check.h"
#include "core/rand.h"

static struct chain_made made;
static struct chain_summary sum;

static void compute(void)
{
	chain_compute(&made.in, made.cells, &sum);
}

static void check_cell(int i, enum option_type type)
{
	const struct chain_strike *k = &made.strikes[i];
	const struct chain_cell *c = &made.cells[i][type];
	struct bsm option = {MADE_FORWARD, k->strike, MADE_T, chain_made_iv(k->strike), 0, 0};
	double gap = type == OPTION_CALL ? MADE_SPOT - k->strike : k->strike - MADE_SPOT;
	struct greeks g;

	bsm_greeks(&option, type, &g);
	g = greeks_for_traders(&g);
	check_i64(c->has,
		  CELL_PRICE | CELL_IV | CELL_GREEKS | CELL_VALUES | CELL_OI_CHANGE | CELL_GEX);
	check_i64(c->iv_status, IV_OK);
	check(!c->is_lent);
	check_near(c->price, g.price, 1e-9);
	check_near(c->at.sigma, option.sigma, 1e-9);
	check_near(c->at.delta, g.delta, 1e-8);
	check_near(c->at.gamma, g.gamma, 1e-10);
	check_near(c->at.theta, g.theta, 1e-6);
	check_near(c->at.vega, g.vega, 1e-7);
	check_near(c->at.rho, g.rho, 1e-7);
	check_near(c->intrinsic, fmax(gap, 0), 0);
	check_near(c->time_value, g.price - fmax(gap, 0), 1e-9);
	check_i64(c->oi_change, 100 * (i + 1) - 200 * (int)type);
	check_near(c->gex,
		   (type == OPTION_CALL ? 1 : -1) * g.gamma * (double)k->side[type].oi *
			   MADE_FORWARD * MADE_FORWARD / 100,
		   1);
	check_i64(c->moneyness, i == sum.atm ? CHAIN_ATM : gap > 0 ? CHAIN_ITM : CHAIN_OTM);
}

static void test_cells(void **state)
{
	(void)state;
	chain_make(&made);
	compute();
	for (int i = 0; i < MADE_STRIKES; i++) {
		check_cell(i, OPTION_CALL);
		check_cell(i, OPTION_PUT);
	}
}

static void test_summary(void **state)
{
	double calls = 0, puts = 0;

	(void)state;
	chain_make(&made);
	compute();
	check_i64(sum.has, SUMMARY_STRADDLE | SUMMARY_SIGMA | SUMMARY_GEX);
	check_near(sum.reference, MADE_SPOT, 0);
	check_near(made.strikes[sum.atm].strike, 25800, 0);
	check_near(sum.straddle, made.cells[8][0].price + made.cells[8][1].price, 0);
	check_near(sum.move_fraction, sum.straddle / MADE_SPOT, 0);
	check_near(sum.sigma_move, MADE_FORWARD * 0.11 * sqrt(MADE_T), 0.1);
	/* E|x| of a normal x is sqrt(2/pi) of its deviation. */
	check_near(sum.straddle / sum.sigma_move, sqrt(2 / M_PI), 0.01);
	check_i64(sum.max_pain, chain_max_pain(made.strikes, MADE_STRIKES));
	for (int i = 0; i < MADE_STRIKES; i++) {
		calls += made.cells[i][OPTION_CALL].gex;
		puts += made.cells[i][OPTION_PUT].gex;
	}
	check_near(sum.gex[OPTION_CALL], calls, 1e-3);
	check_near(sum.gex[OPTION_PUT], puts, 1e-3);
	check_near(sum.gex_net, calls + puts, 1e-3);
	check(sum.gex_peak > 7 && sum.gex_peak < 12); /* oi rises with the strike */
}

/* An option in the money with no time value left in its price has no volatility, and is told so; it
 * has the Greeks of the put at the same strike. */
static void test_lent(void **state)
{
	struct chain_cell *call = &made.cells[0][OPTION_CALL], *put = &made.cells[0][OPTION_PUT];

	(void)state;
	chain_make(&made);
	made.in.future = (struct chain_quote){.present = CHAIN_LTP, .ltp = MADE_FORWARD};
	made.strikes[0].side[OPTION_CALL].present = CHAIN_LTP;
	made.strikes[0].side[OPTION_CALL].ltp = MADE_FORWARD - 25400 - 0.05;
	made.strikes[1].side[OPTION_CALL].present = CHAIN_LTP;
	made.strikes[1].side[OPTION_CALL].ltp = MADE_FORWARD - 25450;
	made.strikes[2].side[OPTION_CALL].present = 0;
	made.strikes[3].side[OPTION_CALL].present = made.strikes[3].side[OPTION_PUT].present = 0;
	compute();
	check_i64(call->iv_status, IV_BELOW_INTRINSIC);
	check(call->is_lent && (call->has & CELL_GREEKS) && !(call->has & CELL_IV));
	check(call->at.sigma == 0);
	check_near(call->at.delta - put->at.delta, 1, 1e-9);
	check_near(call->at.gamma, put->at.gamma, 1e-9);
	check_i64(made.cells[1][OPTION_CALL].iv_status, IV_NO_TIME_VALUE);
	check_i64(made.cells[2][OPTION_CALL].iv_status, IV_NO_PRICE);
	check(made.cells[2][OPTION_CALL].is_lent);
	check(!(made.cells[3][OPTION_CALL].has & (CELL_GREEKS | CELL_PRICE)));
}

/* At the close of the last day: no volatility, delta a step, nothing else. */
static void test_expired(void **state)
{
	(void)state;
	chain_make(&made);
	made.in.t = 0;
	compute();
	for (int i = 0; i < MADE_STRIKES; i++) {
		const struct chain_cell *c = made.cells[i];

		check_i64(c[OPTION_CALL].iv_status, IV_EXPIRED);
		check(c[OPTION_CALL].has & CELL_GREEKS);
		check_near(c[OPTION_CALL].at.delta, made.strikes[i].strike < MADE_FORWARD, 0);
		check_near(c[OPTION_PUT].at.delta, -(made.strikes[i].strike > MADE_FORWARD), 0);
		check(c[OPTION_CALL].at.gamma == 0 && c[OPTION_CALL].at.theta == 0);
	}
	check_i64(sum.smile.has, 0);
	check_i64(sum.has, SUMMARY_STRADDLE | SUMMARY_GEX);
	check(sum.gex_net == 0);
}

static void test_without_spot(void **state)
{
	(void)state;
	chain_make(&made);
	made.in.spot = 0;
	compute();
	check_near(sum.reference, MADE_FORWARD, 1e-9);
	check_near(made.strikes[sum.atm].strike, 25800, 0);
	made.in.n = 0;
	compute();
	check_i64(sum.atm, CHAIN_NONE);
	check_i64(sum.max_pain, CHAIN_NONE);
	check_i64(sum.gex_peak, CHAIN_NONE);
	check_i64(sum.has, 0);
	check_near(sum.reference, 0, 0);
}

/* ---- whatever comes ------------------------------------------------------------------------- */

static double odd_number(struct rng *r, double usual)
{
	static const double odd[] = {0, -1, 1e-300, 1e300, NAN, INFINITY, -INFINITY};

	return rng_below(r, 4) ? usual * (0.5 + rng_unit(r)) : odd[rng_below(r, ARRAY_LEN(odd))];
}

static void check_finite_cell(const struct chain_cell *c)
{
	check(isfinite(c->price) && isfinite(c->intrinsic) && isfinite(c->time_value) &&
	      isfinite(c->at.sigma) && isfinite(c->at.delta) && isfinite(c->at.gamma) &&
	      isfinite(c->at.theta) && isfinite(c->at.vega) && isfinite(c->at.rho) &&
	      isfinite(c->gex));
	check(!(c->has & CELL_IV) == (c->iv_status != IV_OK));
	check((c->has & CELL_PRICE) || (c->price == 0 && c->time_value == 0));
	check((c->has & CELL_IV) || c->at.sigma == 0);
	check((c->has & CELL_GREEKS) || (c->at.delta == 0 && c->at.gamma == 0));
	check((c->has & CELL_GEX) || c->gex == 0);
}

static void test_no_nan(void **state)
{
	struct rng r = {41};

	(void)state;
	for (int round = 0; round < 2000; round++) {
		chain_make(&made);
		made.in.t = round % 3 ? MADE_T : odd_number(&r, 0.1);
		made.in.r = round % 5 ? 0 : odd_number(&r, 0.1);
		made.in.spot = round % 2 ? MADE_SPOT : odd_number(&r, MADE_SPOT);
		made.in.n = (int)rng_below(&r, MADE_STRIKES + 1);
		for (int i = 0; i < MADE_STRIKES; i++) {
			for (int type = 0; type < 2; type++) {
				struct chain_quote *q = &made.strikes[i].side[type];

				q->present &= (unsigned)rng_next(&r);
				q->bid = odd_number(&r, q->bid);
				q->ask = odd_number(&r, q->ask);
				q->ltp = odd_number(&r, q->ltp);
			}
		}
		compute();
		for (int i = 0; i < made.in.n; i++) {
			check_finite_cell(&made.cells[i][OPTION_CALL]);
			check_finite_cell(&made.cells[i][OPTION_PUT]);
		}
		check(isfinite(sum.forward.level) && isfinite(sum.forward.spread) &&
		      isfinite(sum.reference) && isfinite(sum.straddle) &&
		      isfinite(sum.move_fraction) && isfinite(sum.sigma_move) &&
		      isfinite(sum.gex_net) && isfinite(sum.smile.atm_iv) &&
		      isfinite(sum.smile.slope) && isfinite(sum.smile.curvature) &&
		      isfinite(sum.smile.risk_reversal) && isfinite(sum.smile.butterfly));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),        cmocka_unit_test(test_summary),
		cmocka_unit_test(test_lent),         cmocka_unit_test(test_expired),
		cmocka_unit_test(test_without_spot), cmocka_unit_test(test_no_nan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
