/* SPDX-License-Identifier: MIT
 *
 * chain_smile: the shape of implied volatility over strikes; see chain_math.h.
 *
 * A point of the smile is k = ln(K/F) with its volatility. Between points it is interpolated, never
 * beyond them: a wing that the chain does not reach is absent.
 */
#include "options/chain_math.h"

#include <math.h>

#define QUARTER_D1 0.67448975019608174 /* -d with N(d) = 1/4 */
#define FIT_REACH  1.5                 /* standard deviations about the money that a fit looks at */
#define FIT_MIN    4                   /* points; three are met exactly, which proves nothing */
#define PER_CENT   100.0

struct points {
	int n;
	double k[CHAIN_STRIKES_MAX];
	double iv[CHAIN_STRIKES_MAX];
};

static void points_of(const struct chain_input *in, const struct chain_cell (*cells)[2],
		      double forward, struct points *p)
{
	p->n = 0;
	for (int i = 0; i < in->n; i++) {
		double strike = in->strikes[i].strike;
		enum option_type otm = strike < forward ? OPTION_PUT : OPTION_CALL;
		const struct chain_cell *cell = &cells[i][otm];

		if (!(cell->has & CELL_IV))
			cell = &cells[i][otm == OPTION_CALL ? OPTION_PUT : OPTION_CALL];
		if (!(cell->has & CELL_IV))
			continue;
		p->k[p->n] = log_ratio(strike, forward);
		p->iv[p->n++] = cell->at.sigma;
	}
}

/* iv where `along` crosses `level`, linear between the two points about it; the crossing nearest to
 * the money (k = 0) counts when noise makes several. */
static bool crossing(const struct points *p, const double *along, double level, double *iv)
{
	double nearest = INFINITY;

	for (int i = 0; i + 1 < p->n; i++) {
		double a = along[i] - level, b = along[i + 1] - level, share, k;

		if ((a < 0) == (b < 0) && a != 0 && b != 0)
			continue;
		share = a == b ? 0 : a / (a - b);
		k = fabs(p->k[i] + share * (p->k[i + 1] - p->k[i]));
		if (k < nearest) {
			nearest = k;
			*iv = p->iv[i] + share * (p->iv[i + 1] - p->iv[i]);
		}
	}
	return isfinite(nearest);
}

/* Least squares: iv = c0 + c1 y + c2 y^2 in y = k / reach. Cramer's rule on the normal equations,
 * which are well conditioned in y. */
static bool fit_parabola(const struct points *p, double reach, double c[3])
{
	double m[5] = {0}, v[3] = {0}, d;
	int n = 0;

	for (int i = 0; i < p->n; i++) {
		double y = p->k[i] / reach;

		if (fabs(y) > 1)
			continue;
		m[0] += 1;
		m[1] += y;
		m[2] += y * y;
		m[3] += y * y * y;
		m[4] += y * y * y * y;
		v[0] += p->iv[i];
		v[1] += p->iv[i] * y;
		v[2] += p->iv[i] * y * y;
		n++;
	}
	d = m[0] * (m[2] * m[4] - m[3] * m[3]) - m[1] * (m[1] * m[4] - m[2] * m[3]) +
	    m[2] * (m[1] * m[3] - m[2] * m[2]);
	if (n < FIT_MIN || !(d > 1e-9))
		return false;
	c[0] = (v[0] * (m[2] * m[4] - m[3] * m[3]) - m[1] * (v[1] * m[4] - v[2] * m[3]) +
		m[2] * (v[1] * m[3] - v[2] * m[2])) /
	       d;
	c[1] = (m[0] * (v[1] * m[4] - m[3] * v[2]) - v[0] * (m[1] * m[4] - m[2] * m[3]) +
		m[2] * (m[1] * v[2] - m[2] * v[1])) /
	       d;
	c[2] = (m[0] * (m[2] * v[2] - m[3] * v[1]) - m[1] * (m[1] * v[2] - m[2] * v[1]) +
		v[0] * (m[1] * m[3] - m[2] * m[2])) /
	       d;
	return true;
}

/* The call whose delta N(d1) is a quarter has d1 = -QUARTER_D1, the put 1 - N(d1) = 1/4 has d1 =
 * QUARTER_D1. */
static void wings(const struct points *p, double root_t, struct chain_smile *out)
{
	double d1[CHAIN_STRIKES_MAX];

	for (int i = 0; i < p->n; i++) {
		double s = p->iv[i] * root_t;

		d1[i] = s / 2 - p->k[i] / s;
	}
	if (!crossing(p, d1, -QUARTER_D1, &out->call_25) ||
	    !crossing(p, d1, QUARTER_D1, &out->put_25)) {
		out->call_25 = out->put_25 = 0;
		return;
	}
	out->has |= SMILE_WINGS;
	out->risk_reversal = out->call_25 - out->put_25;
	out->butterfly = (out->call_25 + out->put_25) / 2 - out->atm_iv;
}

void chain_smile(const struct chain_input *in, const struct chain_cell (*cells)[2], double forward,
		 struct chain_smile *out)
{
	double root_t = sqrt(fmax(in->t, 0)), reach, c[3];
	struct points p = {0};

	*out = (struct chain_smile){0};
	if (!(forward > 0) || !(root_t > 0))
		return;
	points_of(in, cells, forward, &p);
	if (!crossing(&p, p.k, 0, &out->atm_iv)) {
		out->atm_iv = 0;
		return;
	}
	out->has |= SMILE_ATM;
	reach = FIT_REACH * out->atm_iv * root_t;
	if (fit_parabola(&p, reach, c)) {
		out->has |= SMILE_SLOPE;
		out->slope = c[1] / (reach * PER_CENT);
		out->curvature = 2 * c[2] / (reach * PER_CENT * reach * PER_CENT);
	}
	wings(&p, root_t, out);
}
