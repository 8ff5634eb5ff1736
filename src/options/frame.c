/* SPDX-License-Identifier: MIT
 *
 * frame: see frame.h.
 *
 * With h = x/s and u = s/2, d1 is h+u and d2 is h-u, and
 *
 *      F N(d1) - K N(d2)  =  sqrt(FK) phi(h) exp(-u^2/2) [ Y(h+u) - Y(h-u) ],   Y = N/phi
 *
 * because the two densities, weighted with F and K, are equal. The left side is the textbook; far
 * out of the money it subtracts two numbers that agree in nearly all digits. On the right side the
 * small factor stands in front, and the bracket is the integral of Y' from h-u to h+u: Y' = 1 + zY
 * is positive, so nothing cancels, and smooth, so that a few Gauss-Legendre nodes do. (P. Jaeckel,
 * "Let's be rational", 2015, has the same bracket by other means.)
 */
#include "options/frame.h"

#include <float.h>
#include <math.h>

#include "options/mills.h"
#include "options/normal.h"

#define SQRT_2PI      2.50662827463100050242
#define SHORT_MAX     0.01  /* u up to which three nodes give all digits */
#define INTEGRAL_MAX  0.25  /* u up to which six do; beyond, the difference cancels little */
#define SHORT_CUT_MAX 5     /* s up to which one density gives the other */
#define H_MIN         (-39) /* below it a price is smaller than any double */

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
		return normal_mills(h + u) - normal_mills(h - u);
	for (size_t i = 0; i < count; i++)
		sum += nodes[i].weight * normal_mills_slope(h + u * nodes[i].at);
	return u * sum;
}

double log_ratio(double a, double b)
{
	double ratio = a / b;

	return ratio > 0.5 && ratio < 2 ? log1p((a - b) / b) : log(ratio);
}

double frame_floor(const struct option_frame *f, enum option_type type)
{
	return fmax(type == OPTION_CALL ? f->gap : -f->gap, 0);
}

/* The option that is out of the money, s > 0. */
static double otm_price(const struct option_frame *f, double s)
{
	double h = -fabs(f->x) / s, u = s / 2;

	/* Where d1 > 0 nothing cancels, and Y may be too large for a double. */
	if (u > INTEGRAL_MAX && h + u > 0)
		return fmin(f->asset, f->cash) * normal_cdf(h + u) -
		       fmax(f->asset, f->cash) * normal_cdf(h - u);
	if (h < H_MIN)
		return 0;
	return f->scale * exp(-(h * h + u * u) / 2) / SQRT_2PI * bracket(h, u);
}

double frame_price(const struct option_frame *f, double s, enum option_type type)
{
	return frame_floor(f, type) + (s > 0 ? otm_price(f, s) : 0);
}

/* d1 -> infinity on one side of the strike, -infinity on the other, 0 on it. */
static double step(double gap)
{
	return gap > 0 ? 1 : gap < 0 ? 0 : 0.5;
}

/* N(d), given phi(d). */
static double odds(double d, double density)
{
	return d > 1 ? 1 - density * mills_ratio(d) : density * mills_ratio(-d);
}

void frame_odds(const struct option_frame *f, double s, enum option_type type,
		struct frame_odds *out)
{
	double side = type == OPTION_CALL ? 1 : -1, d1, d2, density;

	if (!(s > 0)) {
		out->asset_odds = out->cash_odds = step(side * f->gap);
		out->asset_at_one = 0;
		return;
	}
	d1 = f->x / s + s / 2;
	d2 = f->x / s - s / 2;
	density = normal_density(d1);
	out->asset_odds = odds(side * d1, density);
	out->asset_at_one = f->asset * density;
	/* asset phi(d1) = cash phi(d2), unless the one that is known has underflowed. */
	density = s < SHORT_CUT_MAX ? out->asset_at_one / f->cash : normal_density(d2);
	out->cash_odds = odds(side * d2, density);
}

/* ln(value / scale); the quotient has one digit more, but the smallest prices underflow in it. */
static double log_normalised(const struct option_frame *f, double value)
{
	double beta = value / f->scale;

	return beta >= DBL_MIN ? log(beta) : log(value) - log(f->scale);
}

static bool is_sound(const struct option_frame *f)
{
	return isfinite(f->x) && isfinite(f->gap) && f->scale > 0 && isfinite(f->scale) &&
	       f->asset > 0 && f->cash > 0;
}

enum iv_status frame_implied(const struct option_frame *f, double price, enum option_type type,
			     double *s)
{
	double floor = frame_floor(f, type), over, under;

	if (!is_sound(f) || !isfinite(price))
		return IV_BAD_INPUT;
	if (price <= 0)
		return IV_NO_PRICE;
	over = price - floor;
	under = (type == OPTION_CALL ? f->asset : f->cash) - price;
	if (over < 0)
		return IV_BELOW_INTRINSIC;
	if (under <= 0)
		return IV_ABOVE_BOUND;
	if (over == 0)
		return IV_NO_TIME_VALUE;
	if (over <= under)
		*s = iv_from_below(-fabs(f->x), over / f->scale, log_normalised(f, over));
	else
		*s = iv_from_above(-fabs(f->x), log_normalised(f, under));
	return IV_OK;
}
