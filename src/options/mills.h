/* SPDX-License-Identifier: MIT
 *
 * mills: the one transcendental function of implied volatility, as a rational function, for code
 * that must be fast: single contracts (implied_vol.c) and vectors of them (batch.c). Pure
 * arithmetic, no branch, inlined.
 *
 * Mills' ratio M(a) = N(-a)/phi(a) = Y(-a) is approximated for all a >= -1 by P(c)/Q(c) in c = 1 +
 * a, degrees 11 and 12, largest relative error 1.4e-17: a minimax fit made for this file in
 * 70-digit arithmetic (linearised least squares, Lawson's weights). All coefficients are positive
 * and so is c: neither polynomial cancels.
 *
 * A price needs a difference of two such ratios, D = Y(h+u) - Y(h-u), often a small one. With c1 =
 * 1 - (h+u) and c2 = 1 - (h-u) = c1 + 2u,
 *
 *      D = P1/Q1 - P2/Q2 = 2u (P1 Q[c1,c2] - Q1 P[c1,c2]) / (Q1 Q2)
 *
 * where P[c1,c2] is the divided difference (P2 - P1)/(c2 - c1). Horner's scheme gives it without
 * the subtraction: the partial sums of P(c1) are the coefficients of P[c1, .], so a second scheme
 * at c2 runs over them. D is right to 3e-15 near the money and 1e-14 far from it, for every u > 0,
 * however small. test_mills.c has the proof.
 */
#ifndef AGNI_OPTIONS_MILLS_H
#define AGNI_OPTIONS_MILLS_H

static const double mills_p[] = {
	3.4770518117036944,   5.78197320791136,       5.085271029687654,     3.0077386394893,
	1.304212395462371,    0.4307209481056056,     0.10996550797507,      0.021676244880882316,
	0.003240718157459452, 0.00035224818966918085, 2.536317451070114e-05, 9.395696711926914e-07,
};

static const double mills_q[] = {
	1.0,
	2.9504952975055896,
	4.117781474210967,
	3.6027710255562058,
	2.2068123110071314,
	1.000134949719242,
	0.345192401279739,
	0.0918521683793177,
	0.018812198518515292,
	0.0029147727119668908,
	0.0003278245848296972,
	2.4423604839508403e-05,
	9.395696711926914e-07,
};

struct mills {
	double upper; /* Y(h+u) */
	double lower; /* Y(h-u) */
	double gap;   /* upper - lower */
};

#define MILLS_STEP(k)                                                                              \
	do {                                                                                       \
		pd = pd * c2 + p;                                                                  \
		p = p * c1 + mills_p[k];                                                           \
		qd = qd * c2 + q;                                                                  \
		q = q * c1 + mills_q[k];                                                           \
	} while (0)

/* For h <= 0, u >= 0 and h+u <= 1. */
static inline __attribute__((always_inline)) struct mills mills_pair(double h, double u)
{
	double c1 = 1 - (h + u), c2 = 1 - (h - u);
	double p = mills_p[11], pd = 0;
	double qd = mills_q[12], q = qd * c1 + mills_q[11];
	struct mills m;
	double q2;

	MILLS_STEP(10);
	MILLS_STEP(9);
	MILLS_STEP(8);
	MILLS_STEP(7);
	MILLS_STEP(6);
	MILLS_STEP(5);
	MILLS_STEP(4);
	MILLS_STEP(3);
	MILLS_STEP(2);
	MILLS_STEP(1);
	MILLS_STEP(0);
	q2 = q + 2 * u * qd;
	m.upper = p / q;
	m.lower = (p + 2 * u * pd) / q2;
	m.gap = 2 * u * (p * qd - q * pd) / (q * q2);
	return m;
}

/* M(a) alone, for a >= -1. */
static inline double mills_ratio(double a)
{
	double c = 1 + a, p = mills_p[11], q = mills_q[12] * c + mills_q[11];

	for (int k = 10; k >= 0; k--) { /* side by side, so that neither waits for the other */
		p = p * c + mills_p[k];
		q = q * c + mills_q[k];
	}
	return p / q;
}

#endif
