/* SPDX-License-Identifier: MIT
 *
 * test_batch: the lanes give what one contract at a time gives, on every path of code.
 */
#include <float.h>
#include <math.h>

#include "../lib/check.h"
#include "../lib/option_rows.h"
#include "options/batch.h"

#define IV_TOLERANCE   4e-12
#define COND_TOLERANCE (4 * 2.2e-16)

typedef void solver(struct batch *b);

static solver *const solvers[] = {batch_solve, batch_solve_plain};

static void batch_add(struct batch *b, const struct bsm *in, enum option_type type, double price)
{
	unsigned i = b->n++;

	check(i < BATCH_MAX);
	b->price[i] = price;
	b->spot[i] = in->spot;
	b->strike[i] = in->strike;
	b->t[i] = in->t;
	b->r[i] = in->r;
	b->q[i] = in->q;
	b->side[i] = type == OPTION_CALL ? 1 : -1;
}

/* Contract i of the batch against bsm_solve. How well the price tells the volatility is vega's to
 * say; a digit of it that the lanes lack, the others lack as well. */
static void check_against_one(const struct batch *b, unsigned i)
{
	struct bsm in = {b->spot[i], b->strike[i], b->t[i], 0, b->r[i], b->q[i]};
	enum option_type type = b->side[i] > 0 ? OPTION_CALL : OPTION_PUT;
	struct bsm_point one = {0};
	enum iv_status status = bsm_solve(b->price[i], &in, type, &one);
	double cond, asset = in.spot * exp(-in.q * in.t), allowed;

	if (status != b->status[i]) { /* where the last digit decides whether time value is left */
		double gap = b->side[i] * (asset - in.strike * exp(-in.r * in.t));

		check_near(b->price[i], fmax(gap, 0), 8 * EPS * (asset + in.strike));
		return;
	}
	if (b->status[i] != IV_OK) {
		check(b->sigma[i] == 0 && b->delta[i] == 0 && b->gamma[i] == 0 &&
		      b->theta[i] == 0 && b->vega[i] == 0 && b->rho[i] == 0);
		return;
	}
	cond = (b->price[i] + fabs(asset * one.delta)) / (100 * one.vega * one.sigma);
	allowed = IV_TOLERANCE + 16 * EPS * cond;
	if (allowed > 0.01)
		return; /* hardly any time value: neither knows */
	check_rel(b->sigma[i], one.sigma, allowed);
	allowed = (1e-9 + allowed) * (100 + b->price[i] / (one.vega * one.sigma));
	check_rel(b->vega[i], one.vega, allowed);
	check_rel(b->gamma[i], one.gamma, allowed);
	check_near(b->delta[i], one.delta, 1e-10 + allowed * fabs(one.delta));
	check_near(b->rho[i], one.rho, 1e-10 * in.strike * in.t + allowed * fabs(one.rho));
	check_near(b->theta[i], one.theta, allowed * (fabs(one.theta) + in.spot * (in.r + in.q)));
}

static void run_and_check(struct batch *b)
{
	for (size_t k = 0; k < ARRAY_LEN(solvers); k++) {
		struct batch copy = *b;

		solvers[k](&copy);
		for (unsigned i = 0; i < copy.n; i++)
			check_against_one(&copy, i);
	}
}

/* ---- the data set --------------------------------------------------------------------------- */

struct exact_set {
	struct exact_row row[600];
	int n;
};

static void exact_row_keep(char *line, void *arg)
{
	struct exact_set *set = arg;

	check(set->n < (int)ARRAY_LEN(set->row));
	check(exact_row_parse(line, &set->row[set->n++]));
}

static void test_fifty_digits(void **state)
{
	static struct exact_set set;
	double worst = 0;
	unsigned slow = 0;

	(void)state;
	check_i64(option_rows_each("pricing/bsm_highprec.csv", exact_row_keep, &set), 600);
	for (size_t k = 0; k < ARRAY_LEN(solvers); k++) {
		for (int from = 0; from < 600; from += BATCH_MAX) {
			struct batch b = {0};

			for (int i = from; i < 600 && i < from + BATCH_MAX; i++)
				batch_add(&b, &set.row[i].in, set.row[i].type,
					  set.row[i].price_f64);
			solvers[k](&b);
			slow += b.slow;
			for (unsigned i = 0; i < b.n; i++) {
				const struct exact_row *r = &set.row[from + (int)i];
				double allowed = fmax(COND_TOLERANCE * r->iv_cond, IV_TOLERANCE);

				if (allowed >= 1)
					continue;
				check_i64(b.status[i], IV_OK);
				check_rel(b.sigma[i], r->iv, allowed);
				worst = fmax(worst, fabs(b.sigma[i] / r->iv - 1) / allowed);
			}
		}
	}
	print_message("600 rows, twice: worst volatility %.2g of what is allowed, %u solved one by "
		      "one\n",
		      worst, slow);
}

/* ---- at random ------------------------------------------------------------------------------ */

static void test_random(void **state)
{
	struct rng r = {21};
	unsigned slow = 0;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct batch b = {0};
		unsigned n = 1 + (unsigned)(rng_unit(&r) * BATCH_MAX);

		while (b.n < n) {
			struct black76 f = random_option(&r);
			struct bsm in = {f.forward, f.strike, f.t, f.sigma, f.r, f.r};
			enum option_type type = b.n % 2 ? OPTION_CALL : OPTION_PUT;
			double price;

			if (b.n % 3 == 0)
				in.q = 0.02;
			price = bsm_price(&in, type);
			if (price > 0)
				batch_add(&b, &in, type, price);
		}
		run_and_check(&b);
		batch_solve(&b);
		slow += b.slow;
	}
	check(slow < 300 * BATCH_MAX / 4); /* most of them are usual */
}

/* One that has no answer beside one that has, for each reason. */
static void test_refusals(void **state)
{
	static const struct {
		struct bsm in;
		double price;
		enum iv_status status;
	} cases[] = {
		{{26000, 25000, 0.02, 0, 0.065, 0}, 900, IV_BELOW_INTRINSIC},
		{{26000, 26000, 0.02, 0, 0.065, 0}, 26000, IV_ABOVE_BOUND},
		{{26000, 26000, 0.02, 0, 0, 0}, 0, IV_NO_PRICE},
		{{26000, 26000, 0.02, 0, 0, 0}, -1, IV_NO_PRICE},
		{{26000, 25000, 0.02, 0, 0, 0}, 1000, IV_NO_TIME_VALUE},
		{{26000, 26000, 0, 0, 0, 0}, 50, IV_EXPIRED},
		{{26000, 26000, -1, 0, 0, 0}, 50, IV_EXPIRED},
		{{0, 26000, 0.02, 0, 0, 0}, 50, IV_BAD_INPUT},
		{{26000, 0, 0.02, 0, 0, 0}, 50, IV_BAD_INPUT},
		{{-26000, -26000, 0.02, 0, 0, 0}, 50, IV_BAD_INPUT},
		{{26000, 26000, 0.02, 0, 0, 0}, NAN, IV_BAD_INPUT},
		{{26000, 26000, 0.02, 0, 0, 0}, INFINITY, IV_BAD_INPUT},
		{{NAN, 26000, 0.02, 0, 0, 0}, 50, IV_BAD_INPUT},
		{{26000, INFINITY, 0.02, 0, 0, 0}, 50, IV_BAD_INPUT},
		{{26000, 26000, NAN, 0, 0, 0}, 50, IV_BAD_INPUT},
		{{26000, 26000, 0.02, 0, NAN, 0}, 50, IV_BAD_INPUT},
		{{26000, 26000, 0.02, 0, 0, INFINITY}, 50, IV_BAD_INPUT},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(solvers); k++) {
		struct bsm good = {26000, 26000, 0.02, 0.2, 0, 0};
		struct batch b = {0};

		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			batch_add(&b, &cases[i].in, OPTION_CALL, cases[i].price);
			batch_add(&b, &good, OPTION_CALL, bsm_price(&good, OPTION_CALL));
		}
		solvers[k](&b);
		for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
			check_i64(b.status[2 * i], cases[i].status);
			check_i64(b.status[2 * i + 1], IV_OK);
			check_rel(b.sigma[2 * i + 1], 0.2, 1e-14);
			check(b.sigma[2 * i] == 0 && b.delta[2 * i] == 0 && b.vega[2 * i] == 0);
		}
		check_i64(b.slow, ARRAY_LEN(cases));
	}
}

/* At the money to the last digit, for both types: neither is in the money. */
static void test_at_the_money(void **state)
{
	struct batch b = {0};

	(void)state;
	for (int i = 0; i < 10; i++) {
		struct bsm in = {25000, 25000, pow(10, -i), 0.15, 0.06, 0.06};

		batch_add(&b, &in, OPTION_CALL, bsm_price(&in, OPTION_CALL));
		batch_add(&b, &in, OPTION_PUT, bsm_price(&in, OPTION_PUT));
	}
	run_and_check(&b);
	batch_solve(&b);
	for (unsigned i = 0; i < b.n; i += 2) {
		check_rel(b.sigma[i], 0.15, 1e-13);
		check(b.delta[i] > 0.5 * exp(-0.06 * b.t[i]) && b.delta[i + 1] > -0.5);
		check_i64(b.slow, 0);
	}
}

/* Volatilities that no index has: the lanes know when they are not there yet. */
static void test_wild(void **state)
{
	unsigned slow = 0, of = 0;

	(void)state;
	for (double s = 0.8; s < 7; s *= 1.07) {
		struct batch b = {0};

		for (double h = -3; h < 3; h += 0.2) {
			struct bsm in = {25000, 25000 * exp(h * s), 1, s, 0, 0};

			batch_add(&b, &in, OPTION_CALL, bsm_price(&in, OPTION_CALL));
			batch_add(&b, &in, OPTION_PUT, bsm_price(&in, OPTION_PUT));
		}
		run_and_check(&b);
		batch_solve(&b);
		if (s < 1)
			check_i64(b.slow, 0);
		slow += b.slow;
		of += b.n;
	}
	check(slow > of / 8 && slow < of);
}

static void test_sizes(void **state)
{
	struct bsm in = {25000, 25100, 0.01, 0.15, 0, 0};
	double price = bsm_price(&in, OPTION_CALL);

	(void)state;
	for (unsigned n = 0; n <= BATCH_MAX; n++) {
		struct batch b = {0};

		while (b.n < n)
			batch_add(&b, &in, OPTION_CALL, price);
		run_and_check(&b);
		batch_solve(&b);
		check_i64(b.n, n);
		check_i64(b.slow, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fifty_digits), cmocka_unit_test(test_random),
		cmocka_unit_test(test_refusals),     cmocka_unit_test(test_at_the_money),
		cmocka_unit_test(test_wild),         cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
