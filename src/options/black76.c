/* SPDX-License-Identifier: MIT
 *
 * black76: see black76.h.
 *
 * With x = ln(F/K), s = sigma sqrt(t), h = x/s and u = s/2, d1 is h+u and d2 is h-u, and
 *
 *      F N(d1) - K N(d2)  =  sqrt(FK) phi(h) exp(-u^2/2) [ Y(h+u) - Y(h-u) ],   Y = N/phi
 *
 * because the two densities, weighted with F and K, are equal. The left side is the textbook; far
 * out of the money it subtracts two numbers that agree in nearly all digits. On the right side the
 * small factor stands in front, and the bracket is the integral of Y' from h-u to h+u: Y' = 1 + zY
 * is positive, so nothing cancels, and smooth, so that a few Gauss-Legendre nodes do. (P. Jaeckel,
 * "Let's be rational", 2015, has the same bracket by other means.)
 *
 * All options are priced out of the money (x <= 0 as a call, the other side by the symmetry of F
 * and K); parity, C - P = F - K, gives those in the money.
 *
 * The bracket is also price over vega in units of s: the implied volatility has it for free.
 */
#include "options/black76.h"

#include <float.h>
#include <math.h>

#define SQRT_HALF     0.70710678118654752440
#define SQRT_HALF_LOW (-4.8336466567264565e-17) /* what the double above lacks */
#define SQRT_2PI      2.50662827463100050242
#define HALF_LOG_2PI  0.91893853320467274178
#define SHORT_MAX     0.01 /* u up to which three nodes give all digits */
#define INTEGRAL_MAX  0.25 /* u up to which six do; beyond, the difference cancels little */
#define STEPS_MAX     100  /* 4 to 8 are usual */

/* ---- the normal distribution -------------------------------------------------------------- */

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

static double normal_density(double x)
{
	return exp(-x * x / 2) / SQRT_2PI;
}

/* Laplace's continued fraction: Y(-a) = 1/(a + c) with c = 1/(a + 2/(a + 3/(a + ...))). Returns c;
 * 28 terms are enough for a >= 5. */
static double tail_fraction(double a)
{
	double c = 0;

	for (int k = 28; k >= 1; k--)
		c = k / (a + c);
	return c;
}

/* Y(z) = N(z)/phi(z). */
static double mills_ratio(double z)
{
	return z > -5 ? normal_cdf(z) / normal_density(z) : 1 / (tail_fraction(-z) - z);
}

/* Y'(z) = 1 + z Y(z); far down, where that cancels, 1 - a/(a + c) = c/(a + c) with a = -z. */
static double mills_slope(double z)
{
	double c;

	if (z > -5)
		return 1 + z * mills_ratio(z);
	c = tail_fraction(-z);
	return c / (c - z);
}

/* ---- price -------------------------------------------------------------------------------- */

struct node {
	double at, weight; /* on [-1, 1] */
};

/* Y(h+u) - Y(h-u) for h <= 0. */
static double bracket(double h, double u)
{
	static const struct node three[] = {
		{-0.77459666924148337704, 0.55555555555555555556},
		{0, 0.88888888888888888889},
		{0.77459666924148337704, 0.55555555555555555556},
	};
	static const struct node six[] = {
		{-0.93246951420315202781, 0.17132449237917034504},
		{-0.66120938646626451366, 0.36076157304813860757},
		{-0.23861918608319690863, 0.46791393457269104739},
		{0.23861918608319690863, 0.46791393457269104739},
		{0.66120938646626451366, 0.36076157304813860757},
		{0.93246951420315202781, 0.17132449237917034504},
	};
	const struct node *nodes = u <= SHORT_MAX ? three : six;
	size_t count = u <= SHORT_MAX ? ARRAY_LEN(three) : ARRAY_LEN(six);
	double sum = 0;

	if (u > INTEGRAL_MAX)
		return mills_ratio(h + u) - mills_ratio(h - u);
	for (size_t i = 0; i < count; i++)
		sum += nodes[i].weight * mills_slope(h + u * nodes[i].at);
	return u * sum;
}

/* -|ln(F/K)|, with all digits near the money. */
static double otm_log_ratio(double forward, double strike)
{
	double ratio = forward / strike;

	if (ratio > 0.5 && ratio < 2)
		return -fabs(log1p((forward - strike) / strike));
	return -fabs(log(ratio));
}

/* The undiscounted option that is out of the money, s = sigma sqrt(t) > 0. */
static double otm_price(double forward, double strike, double s)
{
	double x = otm_log_ratio(forward, strike), h = x / s, u = s / 2;

	/* Where d1 > 0 nothing cancels, and Y may be too large for a double. */
	if (u > INTEGRAL_MAX && h + u > 0)
		return fmin(forward, strike) * normal_cdf(h + u) -
		       fmax(forward, strike) * normal_cdf(h - u);
	if (h < -39)
		return 0; /* below the smallest double */
	return sqrt(forward) * sqrt(strike) * exp(-(h * h + u * u) / 2) / SQRT_2PI * bracket(h, u);
}

static double intrinsic(const struct black76 *in, enum option_type type)
{
	double d = in->forward - in->strike;

	return fmax(type == OPTION_CALL ? d : -d, 0);
}

static double discount(const struct black76 *in)
{
	return in->t > 0 ? exp(-in->r * in->t) : 1;
}

static bool is_certain(const struct black76 *in)
{
	return in->t <= 0 || in->sigma <= 0;
}

double black76_price(const struct black76 *in, enum option_type type)
{
	double price = intrinsic(in, type);

	if (!is_certain(in))
		price += otm_price(in->forward, in->strike, in->sigma * sqrt(in->t));
	return discount(in) * price;
}

/* ---- Greeks ------------------------------------------------------------------------------- */

/* d1 -> infinity on one side of the strike, -infinity on the other, 0 on it. */
static double step(double forward, double strike)
{
	return forward > strike ? 1 : forward < strike ? 0 : 0.5;
}

static void certain_greeks(const struct black76 *in, enum option_type type, struct greeks *out)
{
	double up = step(in->forward, in->strike), price = black76_price(in, type);

	*out = (struct greeks){.price = price,
			       .delta = discount(in) * (type == OPTION_CALL ? up : up - 1),
			       .rho = in->t > 0 ? -in->t * price : 0};
}

void black76_greeks(const struct black76 *in, enum option_type type, struct greeks *out)
{
	double root_t, s, d1, df, density;

	if (is_certain(in)) {
		certain_greeks(in, type, out);
		return;
	}
	root_t = sqrt(in->t);
	s = in->sigma * root_t;
	d1 = copysign(otm_log_ratio(in->forward, in->strike), in->forward - in->strike) / s + s / 2;
	df = discount(in);
	density = df * normal_density(d1);
	out->price = black76_price(in, type);
	out->delta = type == OPTION_CALL ? df * normal_cdf(d1) : -df * normal_cdf(-d1);
	out->gamma = density / (in->forward * s);
	out->vega = in->forward * density * root_t;
	out->theta = in->r * out->price - in->forward * density * in->sigma / (2 * root_t);
	out->rho = -in->t * out->price;
}

/* ---- implied volatility ------------------------------------------------------------------- */

/* ln of the price in units of sqrt(FK), without underflow; *d is the bracket. */
static double log_price(double x, double s, double *d)
{
	double h = x / s, u = s / 2;

	*d = bracket(h, u);
	return log(*d) - (h * h + u * u) / 2 - HALF_LOG_2PI;
}

/* Below the inflection ln(price) is nearly -x^2/(2 s^2): Newton's step in 1/s^2. `f` is the
 * logarithm of how many times too dear s is. */
static double low_step(double s, double f, double d)
{
	return s / sqrt(1 + 2 * f * d / s);
}

/* Above it the price itself is concave in s: Halley's step. */
static double high_step(double x, double s, double f, double d)
{
	double newton = d * expm1(-f);
	double curvature = x * x / (s * s * s) - s / 4;

	return s + newton / (1 + newton * curvature / 2);
}

/* The s at which the option with x <= 0 costs exp(log_target) in units of sqrt(FK). Every step
 * stays inside the bracket lo..hi or halves it. Up to `hi` d1 is at most 12: there N is 1. */
static double solve(double x, double log_target)
{
	double lo = 0, hi = 12 + sqrt(144 - 2 * x), d;
	double s = sqrt(-2 * x); /* the inflection */
	bool is_high = s == 0 || log_price(x, s, &d) <= log_target;

	/* A price is never above that of the same s at the money, and that never above s/SQRT_2PI:
	 * a lower bound, and nearly the answer at the money. */
	if (is_high)
		s = fmax(s, exp(log_target) * SQRT_2PI);
	for (int i = 0; i < STEPS_MAX; i++) {
		double f = log_price(x, s, &d) - log_target;
		double next = is_high ? high_step(x, s, f, d) : low_step(s, f, d);

		if (fabs(next - s) <= 1e-8 * s)
			return next; /* convergence is quadratic: no digit is missing */
		if (f > 0)
			hi = s;
		else
			lo = s;
		s = next > lo && next < hi ? next : (lo + hi) / 2;
	}
	return s;
}

/* ln(price / sqrt(FK)); the quotient has one digit more, but the smallest prices underflow in it.
 */
static double log_beta(double price, double forward, double strike)
{
	double beta = price / sqrt(forward) / sqrt(strike);

	return beta >= DBL_MIN ? log(beta) : log(price) - (log(forward) + log(strike)) / 2;
}

bool black76_implied(double price, const struct black76 *in, enum option_type type, double *sigma)
{
	double df = discount(in), floor = df * intrinsic(in, type);
	double ceiling = df * (type == OPTION_CALL ? in->forward : in->strike);

	if (!isfinite(price) || !(in->forward > 0) || !(in->strike > 0) || !(in->t > 0) ||
	    !isfinite(in->forward) || !isfinite(in->strike) || !isfinite(in->t) || !isfinite(df) ||
	    df == 0 || !(price >= floor) || !(price < ceiling))
		return false;
	if (price == floor) {
		*sigma = 0;
		return true;
	}
	*sigma = solve(otm_log_ratio(in->forward, in->strike),
		       log_beta((price - floor) / df, in->forward, in->strike)) /
		 sqrt(in->t);
	return true;
}
