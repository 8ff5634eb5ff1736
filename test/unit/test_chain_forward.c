/* SPDX-License-Identifier: MIT
 *
 * test_chain_forward: where the forward comes from, and that a wrong quote does not move it.
 */
#include <math.h>

#include "../lib/chain_made.h"
#include "../lib/check.h"

static void test_prices(void **state)
{
	struct chain_quote q = {.bid = 10, .ask = 10.2, .ltp = 11};
	bool is_mid;
	double p;

	(void)state;
	check(!chain_price(&q, &p, &is_mid)); /* nothing is present */
	q.present = CHAIN_LTP;
	check(chain_price(&q, &p, &is_mid) && p == 11 && !is_mid);
	q.present = CHAIN_LTP | CHAIN_BID | CHAIN_ASK;
	check(chain_price(&q, &p, &is_mid) && fabs(p - 10.1) < 1e-12 && is_mid);
	q.bid = 0; /* nobody bids */
	check(chain_price(&q, &p, &is_mid) && p == 11 && !is_mid);
	q.bid = 10.3; /* crossed */
	check(chain_price(&q, &p, &is_mid) && p == 11 && !is_mid);
	q.ltp = 0;
	check(!chain_price(&q, &p, &is_mid));
	q.ltp = 1e9;
	check(!chain_price(&q, &p, &is_mid));
	q.ltp = NAN;
	check(!chain_price(&q, &p, &is_mid));
	q = (struct chain_quote){.present = CHAIN_BID | CHAIN_ASK, .bid = 1, .ask = INFINITY};
	check(!chain_price(&q, &p, &is_mid));
}

static void test_sources(void **state)
{
	static struct chain_made c;
	struct chain_forward f;

	(void)state;
	chain_make(&c);
	chain_forward(&c.in, &f);
	check_i64(f.source, FORWARD_PARITY);
	check_near(f.level, MADE_FORWARD, 1e-9);
	check_near(f.spread, 0, 1e-9);
	check_i64(f.strikes, 8);
	c.in.future = (struct chain_quote){.present = CHAIN_LTP, .ltp = 25811};
	chain_forward(&c.in, &f);
	check_i64(f.source, FORWARD_FUTURE);
	check_near(f.level, 25811, 0);
	check_i64(f.strikes, 0);
	c.in.future.present = 0;
	for (int i = 0; i < MADE_STRIKES; i++)
		c.strikes[i].side[i % 2].present = 0;
	c.in.r = 0.1;
	chain_forward(&c.in, &f);
	check_i64(f.source, FORWARD_SPOT);
	check_near(f.level, MADE_SPOT * exp(0.1 * MADE_T), 1e-9);
	c.in.spot = 0;
	chain_forward(&c.in, &f);
	check_i64(f.source, FORWARD_NONE);
	check_near(f.level, 0, 0);
	c.in.spot = MADE_SPOT;
	c.in.r = NAN;
	chain_forward(&c.in, &f);
	check_i64(f.source, FORWARD_NONE);
	c.in.r = 0;
	c.in.t = 101;
	chain_forward(&c.in, &f);
	check_i64(f.source, FORWARD_NONE);
	check_near(f.level, 0, 0);
}

/* The premium is discounted, the forward is not. */
static void test_rate(void **state)
{
	static struct chain_made c;
	struct chain_forward f;

	(void)state;
	chain_make(&c);
	c.in.r = 0.07;
	for (int i = 0; i < MADE_STRIKES; i++) {
		for (int type = 0; type < 2; type++) {
			struct chain_quote *q = &c.strikes[i].side[type];

			q->bid *= exp(-0.07 * MADE_T);
			q->ask *= exp(-0.07 * MADE_T);
			q->ltp *= exp(-0.07 * MADE_T);
		}
	}
	chain_forward(&c.in, &f);
	check_near(f.level, MADE_FORWARD, 1e-9);
}

/* Any one quote wrong by anything, and any three, in or out of the window. */
static void test_wrong_quotes(void **state)
{
	static struct chain_made c;
	struct chain_forward f;

	(void)state;
	for (int i = 0; i < MADE_STRIKES; i++) {
		for (int type = 0; type < 2; type++) {
			chain_make(&c);
			for (int j = i; j < i + 3 && j < MADE_STRIKES; j++) {
				c.strikes[j].side[type].present = CHAIN_LTP;
				c.strikes[j].side[type].ltp = i % 2 ? 0.05 : MADE_SPOT;
			}
			chain_forward(&c.in, &f);
			check_near(f.level, MADE_FORWARD, 1e-9);
		}
	}
}

/* Fewer strikes than the window, and a forward beyond all of them. */
static void test_few(void **state)
{
	static struct chain_made c;
	struct chain_forward f;

	(void)state;
	for (int n = 1; n <= MADE_STRIKES; n++) {
		chain_make(&c);
		c.in.n = n;
		chain_forward(&c.in, &f);
		check_i64(f.source, FORWARD_PARITY);
		check_near(f.level, MADE_FORWARD, 1e-9);
		check_i64(f.strikes, n < 8 ? n : 8);
	}
	c.in.n = 0;
	chain_forward(&c.in, &f);
	check_i64(f.source, FORWARD_SPOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prices), cmocka_unit_test(test_sources),
		cmocka_unit_test(test_rate),   cmocka_unit_test(test_wrong_quotes),
		cmocka_unit_test(test_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
