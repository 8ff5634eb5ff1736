/* SPDX-License-Identifier: MIT
 *
 * implied_guess: the pieces of implied volatility that single contracts (implied_vol.c) and vectors
 * of them (batch.c) share; see implied_vol.c for what they are. Pure arithmetic, inlined.
 */
#ifndef AGNI_OPTIONS_IMPLIED_GUESS_H
#define AGNI_OPTIONS_IMPLIED_GUESS_H

#include <math.h>

#define INLINE_MATH static inline __attribute__((always_inline))

/* |h| of Bachelier's model / w^2. Largest relative error 5.3e-5 for w <= 39: a minimax fit made for
 * this file of |h| to |x|/b = |h| / (phi(h) - |h| N(-|h|)). */
INLINE_MATH double bachelier_h(double w)
{
	double n = 0.0012032345945316807, d = 0.001200775839165357;

	n = n * w + 0.002282485173996702;
	d = d * w + 0.0025392559066215056;
	n = n * w + 0.010601251165577199;
	d = d * w + 0.018744257971138084;
	n = n * w + 0.01464119066792661;
	d = d * w + 0.047817434261514962;
	n = n * w + 0.19948562042033293;
	d = d * w + 0.074837247194040947;
	d = d * w + 1;
	return w * w * n / d;
}

/* How much s of the lognormal model is above that of the normal one, with u2 = s^2/4. The price is
 * s phi(h) Y'(h) (1 - k u^2 + ...), k = 1/2 - Y'''/(6 Y'): 1/6 at the money, 1/2 far from it, and a
 * fraction in h^2 between the two. A price moves by about 1 + h^2 times what s does. */
INLINE_MATH double lognormal_factor(double h, double u2)
{
	double h2 = h * h;

	return 1 + u2 * (1.0 / 6 + h2 / (6 + 3 * h2)) / (1 + h2);
}

/* b''/b'. */
INLINE_MATH double curvature(double x, double s)
{
	return x * x / (s * s * s) - s / 4;
}

/* Householder's step of third order: Newton's step, f''/f' and f'''/f'. */
INLINE_MATH double householder(double newton, double d2, double d3)
{
	return newton * (1 + newton * d2 / 2) / (1 + newton * (d2 + newton * d3 / 6));
}

#endif
