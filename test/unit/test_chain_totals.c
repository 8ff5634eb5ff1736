/* SPDX-License-Identifier: MIT
 *
 * test_chain_totals: sums, ratios and max pain. test_chain_data.c has the recorded chains.
 */
#include <math.h>

#include "../lib/chain_made.h"
#include "../lib/check.h"
#include "core/rand.h"

static void test_sums(void **state)
{
	static struct chain_made c;
	struct chain_totals t;

	(void)state;
	chain_make(&c);
	chain_totals(c.strikes, MADE_STRIKES, &t);
	/* 1 + 2 + ... + 17 = 153 */
	check_i64(t.oi[OPTION_CALL], 153000);
	check_i64(t.oi[OPTION_PUT], 154700);
	check_i64(t.oi_change[OPTION_CALL], 15300);
	check_i64(t.oi_change[OPTION_PUT], 15300 - 17 * 200);
	check_i64(t.changes[OPTION_CALL], 17);
	check_i64(t.volume[OPTION_CALL], 17 * 50000 + 1360);
	check_near(t.pcr_oi, 154700.0 / 153000, 0);
	check_near(t.pcr_volume, 851377.0 / 851360, 0);
	check_i64(t.has, TOTALS_PCR_OI | TOTALS_PCR_VOLUME | TOTALS_OI_CHANGE);
}

/* Without calls there is no ratio; a previous session that is not known is no change of all; a
 * change of 0 is one. */
static void test_absent(void **state)
{
	struct chain_strike k[2] = {{.strike = 100}, {.strike = 110}};
	struct chain_totals t;

	(void)state;
	chain_totals(k, 2, &t);
	check_i64(t.has, 0);
	check(t.pcr_oi == 0 && t.pcr_volume == 0);
	check_i64(chain_max_pain(k, 2), CHAIN_NONE);
	check_i64(chain_max_pain(k, 0), CHAIN_NONE);
	check_i64(chain_nearest(k, 0, 100), CHAIN_NONE);
	k[0].side[OPTION_PUT] = (struct chain_quote){.present = CHAIN_OI, .oi = 500};
	chain_totals(k, 2, &t);
	check_i64(t.has, 0);
	check_i64(t.oi[OPTION_PUT], 500);
	check_i64(t.ois[OPTION_PUT], 1);
	check_i64(t.ois[OPTION_CALL], 0);
	check_i64(chain_max_pain(k, 2), CHAIN_NONE); /* of one side */
	check_i64(t.changes[OPTION_PUT], 0);
	k[1].side[OPTION_CALL] = (struct chain_quote){
		.present = CHAIN_OI | CHAIN_PREV_OI, .oi = 250, .prev_oi = 250};
	chain_totals(k, 2, &t);
	check_i64(t.has, TOTALS_OI_CHANGE); /* a call of one strike, a put of another: no ratio */
	check_i64(chain_max_pain(k, 2), CHAIN_NONE);
	k[1].side[OPTION_PUT] = (struct chain_quote){.present = CHAIN_OI, .oi = 500};
	k[0].side[OPTION_PUT] = (struct chain_quote){0};
	chain_totals(k, 2, &t); /* and nothing of the other */
	check_i64(t.has, TOTALS_PCR_OI | TOTALS_OI_CHANGE);
	check_near(t.pcr_oi, 2, 0);
	check_i64(chain_max_pain(k, 2), 1);
	/* A lone side that hardly counts does not matter. */
	k[0].side[OPTION_PUT] = (struct chain_quote){.present = CHAIN_OI, .oi = 39};
	chain_totals(k, 2, &t);
	check_near(t.pcr_oi, 539.0 / 250, 1e-12);
	check(chain_max_pain(k, 2) != CHAIN_NONE);
	k[0].side[OPTION_PUT].oi = 400;
	k[0].side[OPTION_CALL] = (struct chain_quote){.present = CHAIN_ASK, .ask = 800};
	chain_totals(k, 2, &t); /* nobody has that call, which is known: 0 was not sent */
	check_near(t.pcr_oi, 900.0 / 250, 1e-12);
	check_i64(t.ois[OPTION_CALL], 1);
	k[0].side[OPTION_CALL] = (struct chain_quote){.present = CHAIN_LTP, .ltp = 800};
	k[0].side[OPTION_PUT].oi = 40; /* of 790: more than 5 % */
	chain_totals(k, 2, &t);
	check(!(t.has & TOTALS_PCR_OI));
	check_i64(chain_max_pain(k, 2), CHAIN_NONE);
	check_i64(t.changes[OPTION_CALL], 1);
	check_i64(t.oi_change[OPTION_CALL], 0);
}

/* Calls at 100 and puts at 110, as many: between them nobody gains, and the lower one counts. */
static void test_pain_by_hand(void **state)
{
	struct chain_strike k[3] = {{.strike = 100}, {.strike = 110}, {.strike = 120}};

	(void)state;
	for (int i = 0; i < 3; i++)
		k[i].side[OPTION_CALL].present = k[i].side[OPTION_PUT].present = CHAIN_OI;
	k[0].side[OPTION_CALL] = (struct chain_quote){.present = CHAIN_OI, .oi = 10};
	k[1].side[OPTION_PUT] = (struct chain_quote){.present = CHAIN_OI, .oi = 10};
	check_near(chain_pain(k, 3, 100), 100, 0);
	check_near(chain_pain(k, 3, 110), 100, 0);
	check_near(chain_pain(k, 3, 120), 200, 0);
	check_i64(chain_max_pain(k, 3), 0);
	k[1].side[OPTION_PUT].oi = 11;
	check_i64(chain_max_pain(k, 3), 1);
	/* Only puts: highest is best; of those from the last put on the lowest. */
	k[0].side[OPTION_CALL].oi = 0;
	check_i64(chain_max_pain(k, 3), 1);
	k[2].side[OPTION_PUT] = (struct chain_quote){.present = CHAIN_OI, .oi = 1};
	check_i64(chain_max_pain(k, 3), 2);
}

/* One pass against trying every strike, with holes and equals. */
static void test_pain_of_any_chain(void **state)
{
	struct rng r = {31};

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct chain_strike k[24] = {0};
		int n = 1 + (int)rng_below(&r, 24), best = CHAIN_NONE;
		int64_t all = 0;

		for (int i = 0; i < n; i++) {
			k[i].strike = 100 + 5 * i + (i > 10 ? 45 : 0);
			bool is_there = rng_below(&r, 4);

			for (int type = 0; type < 2; type++) {
				struct chain_quote *q = &k[i].side[type];

				q->oi = (int64_t)rng_below(&r, round % 2 ? 4 : 1000000);
				q->present = is_there ? CHAIN_OI : 0;
				all += q->present ? q->oi : 0;
			}
		}
		for (int i = 0; i < n && all > 0; i++) {
			if (best == CHAIN_NONE ||
			    chain_pain(k, n, k[i].strike) < chain_pain(k, n, k[best].strike))
				best = i;
		}
		check_i64(chain_max_pain(k, n), best);
	}
}

static void test_nearest(void **state)
{
	struct chain_strike k[3] = {{.strike = 100}, {.strike = 110}, {.strike = 130}};

	(void)state;
	check_i64(chain_nearest(k, 3, 0), 0);
	check_i64(chain_nearest(k, 3, 105), 0);
	check_i64(chain_nearest(k, 3, 105.01), 1);
	check_i64(chain_nearest(k, 3, 119), 1);
	check_i64(chain_nearest(k, 3, 1e9), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),         cmocka_unit_test(test_absent),
		cmocka_unit_test(test_pain_by_hand), cmocka_unit_test(test_pain_of_any_chain),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
