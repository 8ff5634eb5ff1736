/* SPDX-License-Identifier: MIT
 *
 * implied_vol: the volatility that a price implies, in normalised form, and the reasons why there
 * may be none. Pure arithmetic. black76_implied and bsm_implied are what others call.
 *
 * Normalised: x = -|ln(F/K)|, s = sigma sqrt(t), price in units of sqrt(FK) discounted; see
 * frame.h. An option out of the money is worth 0 at s = 0 and exp(x/2) at s = infinity.
 */
#ifndef AGNI_OPTIONS_IMPLIED_VOL_H
#define AGNI_OPTIONS_IMPLIED_VOL_H

#include "core/base.h"

/* Why a price has no implied volatility. An option out of the money whose price is 0 has none, and
 * neither has one at exactly its intrinsic value: in doubles, every volatility up to some would do.
 */
enum iv_status {
	IV_OK,
	IV_BAD_INPUT,       /* not finite, or spot, forward or strike not above 0 */
	IV_EXPIRED,         /* t <= 0 */
	IV_NO_PRICE,        /* price <= 0 */
	IV_BELOW_INTRINSIC, /* below the discounted value of exercise */
	IV_NO_TIME_VALUE,   /* exactly that value */
	IV_ABOVE_BOUND, /* not below what no volatility reaches: asset of a call, strike of a put */
};

/* One human line, without a full stop. */
const char *iv_status_text(enum iv_status status);

/* The s at which the option out of the money is worth `price`, given with its logarithm because it
 * may underflow: for prices up to half of the bound exp(x/2). x <= 0. */
double iv_from_below(double x, double price, double log_price);

/* The s at which the price lacks exp(log_missing) to the bound exp(x/2): for prices from half of
 * it on, where the price itself hardly tells the volatility. x <= 0. */
double iv_from_above(double x, double log_missing);

#endif
