/* SPDX-License-Identifier: MIT
 *
 * normal: the normal distribution, with all digits in both tails. Pure arithmetic.
 */
#ifndef AGNI_OPTIONS_NORMAL_H
#define AGNI_OPTIONS_NORMAL_H

/* Cumulative distribution N(x), relative accuracy near machine precision in both tails. */
double normal_cdf(double x);

/* Density phi(x). */
double normal_density(double x);

/* Y(x) = N(x)/phi(x); infinite from about 38 on. */
double normal_mills(double x);

/* Y'(x) = 1 + x Y(x), which is positive; all digits, where the sum would cancel too. */
double normal_mills_slope(double x);

#endif
