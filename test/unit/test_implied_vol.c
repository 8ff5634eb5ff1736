/* SPDX-License-Identifier: MIT
 *
 * test_implied_vol: the way there and back. test_bsm.c has the data set.
 */
#include <float.h>
#include <math.h>

#include "../lib/check.h"
#include "../lib/option_rows.h"
#include "options/black76.h"

static void test_implied_goes_round(void **state)
{
	struct rng r = {10};
	int found = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct black76 in = random_option(&r);
		enum option_type type = in.strike > in.forward ? OPTION_CALL : OPTION_PUT;
		double sigma = -1, price = black76_price(&in, type), s, d1;

		if (price < DBL_MIN)
			continue;
		check_i64(black76_implied(price, &in, type, &sigma), IV_OK);
		s = in.sigma * sqrt(in.t);
		d1 = fabs(log(in.forward / in.strike)) / s;
		/* Far from the money a volatility is easier to find than the price it belongs to:
		 * sigma moves with 1/d1^2 of the price. */
		check_rel(sigma, in.sigma, 64 * EPS * (1 + s + 1 / (s * (1 + d1))) + 4e-15);
		found++;
	}
	check(found > 19000);
}

static void test_implied_at_the_extremes(void **state)
{
	struct black76 in = {25000, 25000, 1.0 / 365, 0, 0};
	double sigma = -1;

	(void)state;
	/* Exactly intrinsic. */
	in.strike = 24000;
	check_i64(black76_implied(1000, &in, OPTION_CALL, &sigma), IV_NO_TIME_VALUE);
	check_i64(black76_implied(0, &in, OPTION_PUT, &sigma), IV_NO_PRICE);
	check_near(sigma, -1, 0);
	/* One step above, one step below the bounds. */
	check(black76_implied(nextafter(1000, 2000), &in, OPTION_CALL, &sigma) == IV_OK &&
	      sigma > 0);
	check(black76_implied(nextafter(1000, 0), &in, OPTION_CALL, &sigma) != IV_OK);
	check_i64(black76_implied(nextafter(25000, 0), &in, OPTION_CALL, &sigma), IV_OK);
	check(isfinite(sigma) && sigma > 100);
	check(black76_implied(25000, &in, OPTION_CALL, &sigma) != IV_OK);
	check_i64(black76_implied(nextafter(24000, 0), &in, OPTION_PUT, &sigma), IV_OK);
	check(black76_implied(24000, &in, OPTION_PUT, &sigma) != IV_OK);
	/* The smallest price there is. */
	check(black76_implied(5e-324, &in, OPTION_PUT, &sigma) == IV_OK && sigma > 0 &&
	      sigma < 0.1);
	check(black76_implied(NAN, &in, OPTION_PUT, &sigma) != IV_OK);
	check(black76_implied(INFINITY, &in, OPTION_PUT, &sigma) != IV_OK);
	in.forward = NAN;
	check(black76_implied(100, &in, OPTION_PUT, &sigma) != IV_OK);
	in.forward = INFINITY;
	check(black76_implied(100, &in, OPTION_CALL, &sigma) != IV_OK);
}

static void test_implied_of_any_price(void **state)
{
	struct rng r = {11};

	(void)state;
	/* Whatever is asked, the answer comes and reproduces the price. */
	for (int i = 0; i < 20000; i++) {
		struct black76 in = random_option(&r);
		enum option_type type = i % 2 ? OPTION_CALL : OPTION_PUT;
		double df = exp(-in.r * in.t), sigma = -1;
		double d = type == OPTION_CALL ? in.forward - in.strike : in.strike - in.forward;
		double floor = df * fmax(d, 0);
		double top = df * (type == OPTION_CALL ? in.forward : in.strike);
		double price = floor + (top - floor) * pow(rng_unit(&r), 1 + i % 40);

		if (price >= top)
			continue;
		if (price == floor) {
			check(black76_implied(price, &in, type, &sigma) ==
			      (floor > 0 ? IV_NO_TIME_VALUE : IV_NO_PRICE));
			continue;
		}
		check_i64(black76_implied(price, &in, type, &sigma), IV_OK);
		in.sigma = sigma;
		check_near(black76_price(&in, type), price, 1e-12 * price + 4 * EPS * top);
	}
}

/* s over the whole plane: on a grid of h = x/s and s, out of the money and in. */
static void test_grid(void **state)
{
	double worst = 0;

	(void)state;
	for (double s = 5e-5; s < 12; s *= 1.3) {
		for (double h = 0; h > -36; h -= 0.37) {
			double x = h * s, price, sigma = -1, elasticity;
			struct black76 in = {25000, 25000 * exp(-x), 1, s, 0};
			struct greeks g;

			black76_greeks(&in, OPTION_CALL, &g);
			price = g.price;
			/* How many digits of s a digit of the price is; and one of x = h s. */
			elasticity = g.vega * s / price;
			if (price < DBL_MIN || elasticity < 1e-3)
				continue;
			check_i64(black76_implied(price, &in, OPTION_CALL, &sigma), IV_OK);
			check_rel(sigma, s, 2e-14 + 64 * EPS * (1 + 1 / s) / elasticity);
			worst = fmax(worst, fabs(sigma / s - 1) * elasticity / (1 + 1e-2 / s));
		}
	}
	print_message("worst error of the grid in units of the price: %.2g\n", worst);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_implied_goes_round),
		cmocka_unit_test(test_implied_at_the_extremes),
		cmocka_unit_test(test_implied_of_any_price),
		cmocka_unit_test(test_grid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
