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
 * delta of a step (half of it at the money), gamma and vega 0, and of theta only the interest.
 */
#ifndef AGNI_OPTIONS_BLACK76_H
#define AGNI_OPTIONS_BLACK76_H

#include "options/frame.h"
#include "options/greeks.h"
#include "options/normal.h"

struct black76 {
	double forward; /* > 0 */
	double strike;  /* > 0 */
	double t;       /* years */
	double sigma;   /* fraction */
	double r;
};

double black76_price(const struct black76 *in, enum option_type type);

/* delta and gamma per rupee of the forward; rho with the forward held fixed: -t times the price. */
void black76_greeks(const struct black76 *in, enum option_type type, struct greeks *out);

/* The sigma at which black76_price gives `price`; in->sigma is not an input. Any other answer than
 * IV_OK is the reason why there is none, and leaves *sigma untouched. */
AGNI_MUST_USE enum iv_status black76_implied(double price, const struct black76 *in,
					     enum option_type type, double *sigma);

#endif
