/* SPDX-License-Identifier: MIT
 *
 * bsm: European options on a spot with a continuous dividend yield (F. Black and M. Scholes, "The
 * pricing of options and corporate liabilities", 1973; R. Merton, "Theory of rational option
 * pricing", 1973). Pure arithmetic.
 *
 * Units as in black76.h; q is the dividend yield, continuously compounded per year. The same limits
 * at t <= 0 and sigma <= 0. A future is a spot that yields r: with q = r and the future's price as
 * the spot it is Black-76, with the rho that brokers show (that of the option on the spot).
 */
#ifndef AGNI_OPTIONS_BSM_H
#define AGNI_OPTIONS_BSM_H

#include "options/frame.h"
#include "options/greeks.h"

struct bsm {
	double spot;   /* > 0 */
	double strike; /* > 0 */
	double t;      /* years */
	double sigma;  /* fraction */
	double r;
	double q;
};

double bsm_price(const struct bsm *in, enum option_type type);

/* delta, gamma, theta and rho with the spot held fixed. */
void bsm_greeks(const struct bsm *in, enum option_type type, struct greeks *out);

/* As black76_implied. */
AGNI_MUST_USE enum iv_status bsm_implied(double price, const struct bsm *in, enum option_type type,
					 double *sigma);

/* What traders look at, in their units. */
struct bsm_point {
	double sigma; /* fraction per year */
	double delta; /* per rupee of the spot */
	double gamma; /* per rupee^2 */
	double theta; /* per calendar day */
	double vega;  /* per percentage point of sigma */
	double rho;   /* per percentage point of r */
};

/* bsm_implied and the Greeks there at one go; as bsm_implied. batch.h does it for many. */
AGNI_MUST_USE enum iv_status bsm_solve(double price, const struct bsm *in, enum option_type type,
				       struct bsm_point *out);

#endif
