/* SPDX-License-Identifier: MIT
 *
 * test_normal: values of 50-digit arithmetic, and symmetry.
 */
#include <float.h>
#include <math.h>

#include "../lib/check.h"
#include "../lib/option_rows.h"
#include "options/normal.h"

static void test_normal_cdf(void **state)
{
	static const double rows[][2] = {
		{-38, 2.8854283600687843e-316}, {-30, 4.906713927148187e-198},
		{-20, 2.753624118606234e-89},   {-10, 7.619853024160527e-24},
		{-5, 2.8665157187919391e-7},    {-1.5, 0.066807201268858058},
		{-1, 0.15865525393145705},      {0, 0.5},
		{0.5, 0.69146246127401310},     {3, 0.99865010196836991},
		{8, 0.99999999999999938}};

	(void)state;
	for (size_t i = 1; i < ARRAY_LEN(rows); i++)
		check_rel(normal_cdf(rows[i][0]), rows[i][1], 6 * EPS);
	check_near(normal_cdf(rows[0][0]), rows[0][1], 1e-322); /* subnormal: few digits */
	check_near(normal_cdf(-40), 0, 0);
	check_near(normal_cdf(-INFINITY), 0, 0);
	check_near(normal_cdf(INFINITY), 1, 0);
	check(isnan(normal_cdf(NAN)));
	for (double x = -9; x < 9; x += 0.01) {
		check(normal_cdf(x) < normal_cdf(x + 0.01) || x > 7);
		check_near(normal_cdf(x) + normal_cdf(-x), 1, 2 * EPS);
	}
}

/* Y and Y' against their definitions, where these keep their digits, and beyond by the asymptotic
 * series Y'(-a) = 1/a^2 - 3/a^4 + 15/a^6 - 105/a^8 ... */
static void test_mills(void **state)
{
	(void)state;
	check_rel(normal_mills(0), sqrt(M_PI / 2), 2 * EPS);
	check_near(normal_mills_slope(0), 1, 0);
	for (double x = -4.9; x < 8; x += 0.1)
		check_rel(normal_mills(x), normal_cdf(x) / normal_density(x), 1e-15);
	for (double a = 20; a < 1e6; a *= 1.5) {
		double y = 1 / (a * a);

		check_rel(normal_mills_slope(-a), y * (1 - y * (3 - y * (15 - y * 105))), 4e-8);
	}
	/* The two ways meet at -5. */
	check_rel(normal_mills(-5 - 1e-9), normal_mills(-5 + 1e-9), 1e-9);
	check_rel(normal_mills_slope(-5 - 1e-9), normal_mills_slope(-5 + 1e-9), 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normal_cdf),
		cmocka_unit_test(test_mills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
