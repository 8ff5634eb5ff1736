/* SPDX-License-Identifier: MIT
 *
 * black76: European options on a forward or future (F. Black, "The pricing of commodity contracts",
 * 1976). Pure arithmetic.
 *
 * Units: forward, strike and price in rupees; t in years (ACT/365); sigma as a fraction per year
 * (0.14 = 14 %); r continuously compounded per year, the discounting of the premium (0 for what
 * traders in India use intraday).
 *
 * Limits are defined, not accidents: t <= 0 or sigma <= 0 gives the discounted intrinsic value,
 * delta of a step (half of it at the money), and gamma, vega, theta 0.
 */
#ifndef AGNI_OPTIONS_BLACK76_H
#define AGNI_OPTIONS_BLACK76_H

#include "core/base.h"

enum option_type { OPTION_CALL, OPTION_PUT };

struct black76 {
	double forward; /* > 0 */
	double strike;  /* > 0 */
	double t;       /* years */
	double sigma;   /* fraction */
	double r;
};

struct greeks {
	double price;
	double delta; /* per rupee of the forward */
	double gamma; /* per rupee^2 of the forward */
	double vega;  /* per 1.00 of sigma */
	double theta; /* per year; negative when time costs */
	double rho;   /* per 1.00 of r */
};

/* Cumulative normal distribution, relative accuracy near machine precision in both tails. */
double normal_cdf(double x);

double black76_price(const struct black76 *in, enum option_type type);
void black76_greeks(const struct black76 *in, enum option_type type, struct greeks *out);

/* The sigma at which black76_price gives `price`. Returns false, *sigma untouched, when there is
 * none: price below intrinsic or not below the upper bound (discounted forward for a call, strike
 * for a put), t <= 0, or not finite. At exactly intrinsic sigma is 0. */
bool black76_implied(double price, const struct black76 *in, enum option_type type, double *sigma);

#endif
