/* SPDX-License-Identifier: MIT
 *
 * normal: see normal.h.
 */
#include "options/normal.h"

#include <math.h>

#define SQRT_HALF     0.70710678118654752440
#define SQRT_HALF_LOW (-4.8336466567264565e-17) /* what the double above lacks */
#define SQRT_2PI      2.50662827463100050242
#define TAIL_TERMS    28 /* enough for a >= 5 */

double normal_cdf(double x)
{
	double z = -x * SQRT_HALF;
	double twice = erfc(z), lost;

	if (!(z > 1) || twice == 0)
		return twice / 2;
	/* In the lower tail erfc makes 2 z^2 as much of the rounding of z; its derivative puts that
	 * right. */
	lost = fma(-x, SQRT_HALF, -z) - x * SQRT_HALF_LOW;
	return (twice - lost * M_2_SQRTPI * exp(-z * z)) / 2;
}

double normal_density(double x)
{
	return exp(-x * x / 2) / SQRT_2PI;
}

/* Laplace's continued fraction: Y(-a) = 1/(a + c) with c = 1/(a + 2/(a + 3/(a + ...))). Returns c;
 * for a >= 5. */
static double tail_fraction(double a)
{
	double c = 0;

	for (int k = TAIL_TERMS; k >= 1; k--)
		c = k / (a + c);
	return c;
}

double normal_mills(double x)
{
	return x > -5 ? normal_cdf(x) / normal_density(x) : 1 / (tail_fraction(-x) - x);
}

/* Far down, where the sum cancels, it is 1 - a/(a + c) = c/(a + c) with a = -x. */
double normal_mills_slope(double x)
{
	double c;

	if (x > -5)
		return 1 + x * normal_mills(x);
	c = tail_fraction(-x);
	return c / (c - x);
}
