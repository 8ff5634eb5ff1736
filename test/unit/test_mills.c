/* SPDX-License-Identifier: MIT
 *
 * test_mills: the rational function against erfc, and the difference of two against an integral.
 */
#include <float.h>
#include <math.h>

#include "../lib/check.h"
#include "../lib/option_rows.h"
#include "options/mills.h"
#include "options/normal.h"

static void test_ratio(void **state)
{
	(void)state;
	for (double a = -1; a < 60; a += 0.0037)
		check_rel(mills_ratio(a), normal_mills(-a), 2e-15);
	for (double a = 60; a < 1e12; a *= 1.3)
		check_rel(mills_ratio(a), 1 / a * (1 - 1 / (a * a) * (1 - 3 / (a * a))), 1e-9);
	check_rel(mills_ratio(0), sqrt(M_PI / 2), 4 * EPS);
}

/* Y(h+u) - Y(h-u) is the integral of Y': Simpson's rule on 64 pieces, right to u^4/1e9 or so. */
static double integral(double h, double u)
{
	double sum = normal_mills_slope(h - u) + normal_mills_slope(h + u), step = u / 64;

	for (int i = 1; i < 128; i++)
		sum += (i % 2 ? 4 : 2) * normal_mills_slope(h - u + step * i);
	return sum * step / 3;
}

static void test_pair(void **state)
{
	(void)state;
	for (double u = 1e-6; u < 1.5; u *= 1.7) {
		for (double h = 0; h > -36; h -= 0.113) {
			struct mills m = mills_pair(h, u);

			if (h + u > 1)
				continue;
			check_rel(m.upper, normal_mills(h + u), 2e-15);
			check_rel(m.lower, normal_mills(h - u), 2e-15);
			check_rel(m.gap, integral(h, u),
				  (h > -4 ? 8e-15 : 2e-14) + 2e-8 * u * u * u * u);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ratio),
		cmocka_unit_test(test_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
