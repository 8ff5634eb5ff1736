/* SPDX-License-Identifier: MIT
 *
 * frame: what Black-76 and Black-Scholes-Merton have in common. Pure arithmetic; black76.h and
 * bsm.h are the doors, this is the room behind them.
 *
 * A European call is a claim on an asset against cash: discounted, `asset` N(d1) - `cash` N(d2).
 * Black-76 has asset = exp(-rt) F and cash = exp(-rt) K, Black-Scholes-Merton exp(-qt) S and
 * exp(-rt) K. Nothing else of the model matters to the price, so price, probabilities and implied
 * volatility are made once, here:
 *
 *      x = ln(asset/cash)      s = sigma sqrt(t)      d1 = x/s + s/2      d2 = x/s - s/2
 *      price = max(+-gap, 0) + scale b(-|x|, s)       gap = asset - cash, scale = sqrt(asset cash)
 *
 * with b the normalised price of the option that is out of the money (P. Jaeckel, "Let's be
 * rational", 2015): parity gives those in the money.
 *
 * `x` and `gap` are made by the doors, without the rounding of an intermediate forward: near the
 * money that rounding would be most of them.
 */
#ifndef AGNI_OPTIONS_FRAME_H
#define AGNI_OPTIONS_FRAME_H

#include "options/implied_vol.h"

enum option_type { OPTION_CALL, OPTION_PUT };

struct option_frame {
	double x;     /* ln(asset/cash) */
	double gap;   /* asset - cash, rupees */
	double asset; /* present value of what the call delivers, rupees */
	double cash;  /* present value of the strike, rupees */
	double scale; /* sqrt(asset cash) */
};

/* What the Greeks are made of, for a call or a put. */
struct frame_odds {
	double asset_odds;   /* N(d1), or N(-d1) of a put */
	double cash_odds;    /* N(d2), or N(-d2) of a put: the chance of ending in the money */
	double asset_at_one; /* asset phi(d1) = cash phi(d2) */
};

/* ln(a/b) of positive numbers, with all digits where they are nearly equal. */
double log_ratio(double a, double b);

/* The value at expiry known now: max(gap, 0) of a call, max(-gap, 0) of a put. */
double frame_floor(const struct option_frame *f, enum option_type type);

/* The present value; s = sigma sqrt(t), and the floor where s <= 0. */
double frame_price(const struct option_frame *f, double s, enum option_type type);

/* At s <= 0 the limit: 1 in the money, 0 out of it, a half at it; asset_at_one is 0 there. */
void frame_odds(const struct option_frame *f, double s, enum option_type type,
		struct frame_odds *out);

/* The s at which frame_price gives `price`; *s is untouched when there is none. */
AGNI_MUST_USE enum iv_status frame_implied(const struct option_frame *f, double price,
					   enum option_type type, double *s);

#endif
