/* SPDX-License-Identifier: MIT
 *
 * implied_vol: see implied_vol.h.
 *
 * With h = x/s, u = s/2 and D = Y(h+u) - Y(h-u), the price is b = phi(h) exp(-u^2/2) D and its
 * slope b' = db/ds = phi(h) exp(-u^2/2): D is price over slope, so that Newton's step on ln b needs
 * nothing but D, and higher derivatives are polynomials: b''/b' = x^2/s^3 - s/4. Steps are of third
 * order (Householder's method; P. Jaeckel, "Let's be rational", 2015, does the same on other
 * objective functions).
 *
 * The first guess is the volatility of the normal model (Bachelier), which is the limit of small s:
 * there |h| depends on |x|/b alone, and a rational function of w = sqrt(2 ln(1 + |x|/b)) gives it
 * to 5e-5 from at the money to prices of 1e-300. A correction of the order s^2 makes it good to
 * 3e-4 at s = 0.2 and to 2 % at s = 1.5. So one step, or two, is what it takes.
 */
#include "options/implied_vol.h"

#include <math.h>

#include "options/implied_guess.h"
#include "options/mills.h"

#define HALF_LOG_2PI 0.91893853320467274178
#define P_MIN        1e-8   /* below this |x|/b, s/b is what it is at the money */
#define SMALL        1e-280 /* below this price, |x|/b may be too large for a double */
#define STEPS_MAX    60
#define GOOD_ENOUGH  1e-4 /* a step of this relative size leaves an error of its fourth power */

const char *iv_status_text(enum iv_status status)
{
	static const char *const text[] = {
		[IV_OK] = "ok",
		[IV_BAD_INPUT] = "spot, forward and strike have to be above zero, and all finite",
		[IV_EXPIRED] = "no time is left",
		[IV_NO_PRICE] = "no price above zero",
		[IV_BELOW_INTRINSIC] = "the price is below the discounted intrinsic value",
		[IV_NO_TIME_VALUE] = "the price is the intrinsic value: no time value",
		[IV_ABOVE_BOUND] = "the price is not below what no volatility can reach",
	};

	return status < ARRAY_LEN(text) ? text[status] : "?";
}

/* One step of third order on the logarithm of a price. `newton` is Newton's step, `slope` the
 * derivative of that logarithm (negative for what is missing to the bound). */
static double third_order(double x, double s, double newton, double slope)
{
	double d2 = curvature(x, s), d3 = d2 * d2 - 3 * x * x / (s * s * s * s) - 0.25;

	return householder(newton, d2 - slope, d3 - 3 * d2 * slope + 2 * slope * slope);
}

/* Keeps the search between lo and hi; where a step leaves them, halves. */
static double stay_between(double next, double lo, double hi)
{
	return next > lo && next < hi ? next : (lo + hi) / 2;
}

static double bachelier_guess(double x, double price, double log_price)
{
	double p = price > SMALL ? fmax(-x / price, P_MIN) : INFINITY;
	double log_1p = price > SMALL ? log(1 + p) : log(-x) - log_price;
	double h = bachelier_h(sqrt(2 * log_1p));
	double s = price > SMALL ? price * p / h : -x / h;

	return s * lognormal_factor(h, s * s / 4);
}

double iv_from_below(double x, double price, double log_price)
{
	double lo = 0, hi = 2 + sqrt(4 - 2 * x); /* d1 = 1 there, and at most 0.7 at the answer */
	double s = stay_between(bachelier_guess(x, price, log_price), lo, hi);

	for (int i = 0; i < STEPS_MAX; i++) {
		double h = x / s, u = s / 2, gap = mills_pair(h, u).gap;
		double over = log(gap) - (h * h + u * u) / 2 - HALF_LOG_2PI - log_price;
		double step = third_order(x, s, -over * gap, 1 / gap);

		if (fabs(step) <= GOOD_ENOUGH * s)
			return s + step;
		if (over > 0)
			hi = s;
		else
			lo = s;
		s = stay_between(s + step, lo, hi);
	}
	return s;
}

/* -z with N(z) = p, to 3e-3, for p <= 1/2: Abramowitz and Stegun, 26.2.22. */
static double upper_quantile(double log_p)
{
	double t = sqrt(-2 * log_p);

	return t - (2.30753 + 0.27061 * t) / (1 + 0.99229 * t + 0.04481 * t * t);
}

double iv_from_above(double x, double log_missing)
{
	/* What is missing lies between exp(x/2) N(-d1) and twice that. d1 = s/2 + x/s. */
	double d1 = fmax(upper_quantile(fmin(log_missing - x / 2 - 0.4, -0.7)), 0);
	double lo = 0, hi = INFINITY, s = d1 + sqrt(d1 * d1 - 2 * x);

	if (s == 0)
		s = 1;
	for (int i = 0; i < STEPS_MAX; i++) {
		double h = x / s, u = s / 2;
		double sum = mills_ratio(fmax(h + u, -1)) + mills_ratio(u - h);
		double over = log(sum) - (h * h + u * u) / 2 - HALF_LOG_2PI - log_missing;
		double step = third_order(x, s, over * sum, -1 / sum);

		if (fabs(step) <= GOOD_ENOUGH * s)
			return s + step;
		if (over > 0)
			lo = s;
		else
			hi = s;
		s = s + step > lo && s + step < hi ? s + step
		    : isfinite(hi)                 ? (lo + hi) / 2
						   : 2 * s;
	}
	return s;
}
