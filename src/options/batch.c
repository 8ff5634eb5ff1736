/* SPDX-License-Identifier: MIT
 *
 * batch: see batch.h; implied_vol.c for the mathematics, which is the same.
 *
 * Three passes over columns: frame and first guess; one step of third order, which leaves at most
 * 1e-9 of error; Halley's step from there, and the Greeks. Each pass is one loop of straight code
 * (every `?:` is a blend), so the compiler makes vectors of it. The logarithm and the exponential
 * are written here for the same reason: a call would end the vector, and the vector library of
 * glibc is reached from gcc under -ffast-math alone, which would also take away what makes a NaN a
 * NaN. The Makefile gives this one file -O3 and the two flags that blends need.
 *
 * The Greeks need no exponential: at the solution the density is price over D. With w = scale b/D,
 * the option out of the money is w Y(h+u) - w Y(h-u), asset less cash for a call, cash less asset
 * for a put.
 */
#include "options/batch.h"

#include <math.h>

#include "options/bsm.h"
#include "options/implied_guess.h"
#include "options/mills.h"

#define LANES        8 /* columns are padded to a multiple */
#define HALF_LOG_2PI 0.91893853320467274178
#define LN2_HIGH     0x1.62e42fefa38p-1 /* 41 bits: times an exponent it is exact */
#define LN2_LOW      0x1.ef35793c7673p-45
#define LOG2_E       1.4426950408889634074
#define SQRT_HALF_AT 0x3fe6a09e667f3bcdull /* the bits of sqrt(1/2) */
#define ONE_AT       0x3ff0000000000000ull
#define TWO_52_AT    0x4330000000000000ull
#define TWO_52       4503599627370496.0
#define ROUNDER      (1.5 * TWO_52) /* adding it leaves an integer in the low bits */
#define P_MIN        1e-8
#define PRICE_MIN    1e-280
#define RATE_MAX     500.0 /* of r t */
#define CONVERGED    1e-9

struct work {
	BATCH_COLUMN(x); /* -|ln(asset/cash)|; frame.h tells what these are */
	BATCH_COLUMN(asset);
	BATCH_COLUMN(cash);
	BATCH_COLUMN(scale);
	BATCH_COLUMN(beta); /* the time value in units of scale */
	BATCH_COLUMN(log_beta);
	BATCH_COLUMN(root_t);
	BATCH_COLUMN(s);
	BATCH_COLUMN(otm);   /* 1 where the contract is out of the money, or at it; else -1 */
	BATCH_COLUMN(usual); /* 1 or 0 */
};

/* ---- elementary functions ------------------------------------------------------------------- */

union bits {
	double d;
	uint64_t u;
};

INLINE_MATH uint64_t bits_of(double d)
{
	return (union bits){.d = d}.u;
}

INLINE_MATH double of_bits(uint64_t u)
{
	return (union bits){.u = u}.d;
}

/* 1023 + the exponent that brings d between sqrt(1/2) and sqrt(2). */
INLINE_MATH uint64_t exponent_of(double d)
{
	return (bits_of(d) + (ONE_AT - SQRT_HALF_AT)) >> 52;
}

/* e ln 2 + 2 artanh(f), |f| <= 0.172. */
INLINE_MATH double log_sum(uint64_t biased, double f)
{
	double e = of_bits(biased | TWO_52_AT) - (TWO_52 + 1023), w = f * f;
	double tail = 1.0 / 21;

	tail = tail * w + 1.0 / 19;
	tail = tail * w + 1.0 / 17;
	tail = tail * w + 1.0 / 15;
	tail = tail * w + 1.0 / 13;
	tail = tail * w + 1.0 / 11;
	tail = tail * w + 1.0 / 9;
	tail = tail * w + 1.0 / 7;
	tail = tail * w + 1.0 / 5;
	tail = tail * w + 1.0 / 3;
	return e * LN2_HIGH + (2 * f + (2 * f * w * tail + e * LN2_LOW));
}

/* For normal positive numbers. */
INLINE_MATH double lane_log(double d)
{
	uint64_t biased = exponent_of(d);
	double m = of_bits(bits_of(d) - (biased << 52) + ONE_AT);

	return log_sum(biased, (m - 1) / (m + 1));
}

/* ln(a/b): a - b is exact where they are near each other. */
INLINE_MATH double lane_log_ratio(double a, double b)
{
	uint64_t biased = exponent_of(a / b);
	double scaled = b * of_bits(biased << 52);

	return log_sum(biased, (a - scaled) / (a + scaled));
}

/* exp(d) - 1, for |d| <= RATE_MAX. */
INLINE_MATH double lane_expm1(double d)
{
	double shifted = d * LOG2_E + ROUNDER, k = shifted - ROUNDER;
	double r = (d - k * LN2_HIGH) - k * LN2_LOW, sum = 1.0 / 6227020800;
	double power = of_bits((bits_of(shifted) << 52) + ONE_AT);

	sum = sum * r + 1.0 / 479001600;
	sum = sum * r + 1.0 / 39916800;
	sum = sum * r + 1.0 / 3628800;
	sum = sum * r + 1.0 / 362880;
	sum = sum * r + 1.0 / 40320;
	sum = sum * r + 1.0 / 5040;
	sum = sum * r + 1.0 / 720;
	sum = sum * r + 1.0 / 120;
	sum = sum * r + 1.0 / 24;
	sum = sum * r + 1.0 / 6;
	sum = sum * r + 1.0 / 2;
	sum = sum * r + 1;
	return power * (r * sum) + (power - 1);
}

INLINE_MATH double lane_max(double a, double b)
{
	return a > b ? a : b;
}

INLINE_MATH double lane_abs(double a)
{
	return __builtin_fabs(a);
}

/* ---- the three passes ----------------------------------------------------------------------- */

/* Frame and first guess. A price up to half of its bound has d1 <= 0.7, as mills_pair asks. A lane
 * that is not usual goes on with numbers that do no harm. */
INLINE_MATH void begin(const struct batch *restrict b, struct work *restrict w, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		double spot = b->spot[i], strike = b->strike[i], t = b->t[i], side = b->side[i];
		double rt = b->r[i] * t, qt = b->q[i] * t;
		double cash_more = strike * lane_expm1(lane_abs(rt) <= RATE_MAX ? -rt : 0);
		double asset_more = spot * lane_expm1(lane_abs(qt) <= RATE_MAX ? -qt : 0);
		double asset = spot + asset_more, cash = strike + cash_more;
		double gap = side * (spot - strike + (asset_more - cash_more));
		double over = b->price[i] - lane_max(gap, 0);
		double under = (side > 0 ? asset : cash) - b->price[i];
		double scale = sqrt(asset * cash), beta = over / scale;
		double sound = spot > 0 && strike > 0 && t > 0 ? 1 : 0;
		double usual = beta > PRICE_MIN && over <= under ? sound : 0;
		double x, p, h, s;

		spot = usual > 0 ? spot : 1;
		strike = usual > 0 ? strike : 1;
		beta = usual > 0 ? beta : 0.01;
		x = lane_log_ratio(spot, strike) + (usual > 0 ? rt - qt : 0);
		x = -lane_abs(x);
		p = lane_max(-x / beta, P_MIN);
		h = bachelier_h(sqrt(2 * lane_log(1 + p)));
		s = beta * p / h;
		w->x[i] = x;
		w->asset[i] = asset;
		w->cash[i] = cash;
		w->scale[i] = scale;
		w->beta[i] = beta;
		w->log_beta[i] = lane_log(beta);
		w->root_t[i] = sqrt(usual > 0 ? t : 1);
		w->s[i] = s * lognormal_factor(h, s * s / 4);
		w->otm[i] = gap > 0 ? -1 : 1;
		w->usual[i] = usual;
	}
}

/* How much too dear s is: ln(b(x, s)/beta). */
INLINE_MATH double over_log(double h, double u, double gap, double log_beta)
{
	return lane_log(gap) - (h * h + u * u) / 2 - HALF_LOG_2PI - log_beta;
}

INLINE_MATH void improve(struct work *restrict w, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		double s = w->s[i], inverse = 1 / s, h = w->x[i] * inverse, u = s / 2;
		double gap = mills_pair(h, u).gap, slope = 1 / gap;
		double d2 = h * h * inverse - s / 4;
		double d3 = d2 * d2 - 3 * h * h * inverse * inverse - 0.25;
		double newton = -over_log(h, u, gap, w->log_beta[i]) * gap;

		w->s[i] = s +
			  householder(newton, d2 - slope, d3 - 3 * d2 * slope + 2 * slope * slope);
	}
}

INLINE_MATH void finish(struct batch *restrict b, struct work *restrict w, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		double s = w->s[i], h = w->x[i] / s, u = s / 2;
		struct mills m = mills_pair(h, u);
		double newton = -over_log(h, u, m.gap, w->log_beta[i]) * m.gap;
		double step = newton / (1 + newton * (h * h / s - s / 4 - 1 / m.gap) / 2);
		double spot = b->spot[i], side = b->side[i], root_t = w->root_t[i];
		double dear = w->scale[i] * w->beta[i] / m.gap, sigma = (s + step) / root_t;
		double high = dear * m.upper, low = dear * m.lower;
		/* asset N(+-d1) and cash N(+-d2), of a call out of the money and a put in it the
		 * first way round; in the money it is all but what the other type has. */
		double is_low = side * w->otm[i];
		double asset = is_low > 0 ? high : low, cash = is_low > 0 ? low : high;

		asset = side * (w->otm[i] > 0 ? asset : w->asset[i] - asset);
		cash = side * (w->otm[i] > 0 ? cash : w->cash[i] - cash);
		b->sigma[i] = sigma;
		b->delta[i] = asset / spot;
		b->gamma[i] = dear / (spot * spot * sigma * root_t);
		b->vega[i] = dear * root_t / POINTS_PER_ONE;
		b->theta[i] = (b->q[i] * asset - b->r[i] * cash - dear * sigma / (2 * root_t)) /
			      DAYS_PER_YEAR;
		b->rho[i] = b->t[i] * cash / POINTS_PER_ONE;
		w->usual[i] = lane_abs(step) <= CONVERGED * s ? w->usual[i] : 0;
	}
}

INLINE_MATH void all_passes(struct batch *restrict b, struct work *restrict w, unsigned n)
{
	begin(b, w, n);
	improve(w, n);
	finish(b, w, n);
}

static void lanes_plain(struct batch *b, struct work *w, unsigned n)
{
	all_passes(b, w, n);
}

#if defined(__x86_64__)
#define HAS_AVX2 1
__attribute__((target("avx2,fma"))) static void lanes_avx2(struct batch *b, struct work *w,
							   unsigned n)
{
	all_passes(b, w, n);
}
#endif

/* ---- what the lanes left ------------------------------------------------------------------ */

static void solve_alone(struct batch *b, unsigned i)
{
	struct bsm in = {.spot = b->spot[i],
			 .strike = b->strike[i],
			 .t = b->t[i],
			 .r = b->r[i],
			 .q = b->q[i]};
	struct bsm_point out = {0};

	b->status[i] = (uint8_t)bsm_solve(b->price[i], &in,
					  b->side[i] > 0 ? OPTION_CALL : OPTION_PUT, &out);
	b->sigma[i] = out.sigma;
	b->delta[i] = out.delta;
	b->gamma[i] = out.gamma;
	b->theta[i] = out.theta;
	b->vega[i] = out.vega;
	b->rho[i] = out.rho;
}

static unsigned lanes_of(struct batch *b)
{
	unsigned lanes = (b->n + LANES - 1) / LANES * LANES;

	AGNI_ASSERT(b->n <= BATCH_MAX);
	for (unsigned i = b->n; i < lanes; i++) /* whatever lies there is not usual */
		b->price[i] = b->spot[i] = b->strike[i] = b->t[i] = b->r[i] = b->q[i] = b->side[i] =
			0;
	return lanes;
}

static void solve_the_rest(struct batch *b, const struct work *w)
{
	b->slow = 0;
	for (unsigned i = 0; i < b->n; i++) {
		b->status[i] = IV_OK;
		if (w->usual[i] > 0)
			continue;
		solve_alone(b, i);
		b->slow++;
	}
}

void batch_solve_plain(struct batch *b)
{
	struct work w;

	lanes_plain(b, &w, lanes_of(b));
	solve_the_rest(b, &w);
}

void batch_solve(struct batch *b)
{
#ifdef HAS_AVX2
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
		struct work w;

		lanes_avx2(b, &w, lanes_of(b));
		solve_the_rest(b, &w);
		return;
	}
#endif
	batch_solve_plain(b);
}
