/* SPDX-License-Identifier: MIT
 *
 * price: what the exchange quotes, as an integer that loses nothing.
 *
 * A price is a multiple of 1/10000 rupee, which covers every tick size of every Indian segment
 * (currency derivatives: 0.0025). The wire carries doubles. Nearly all of them are the double
 * nearest to such a multiple, and are stored as the multiple. A double that is not (a widened
 * 32-bit float: 52.04999923706055) is kept bit for bit in the same 64 bits, so that it leaves as it
 * came; arithmetic on such a value goes through price_to_double().
 *
 *     top bits 00 or 11   k, the price in 1/10000 rupee, |k| < 2^53
 *     top bits 01         sign, 9 bits of exponent, 52 bits of mantissa of the raw double
 */
#ifndef AGNI_MARKET_PRICE_H
#define AGNI_MARKET_PRICE_H

#include "core/buf.h"

typedef int64_t price_t;

#define PRICE_SCALE 10000

/* False for NaN, infinities and magnitudes below 2^-255 (0 is fine; -0 becomes 0) or from 2^257 on:
 * no price. */
bool price_from_double(double d, price_t *out);

static inline bool price_is_exact(price_t p)
{
	return ((uint64_t)p >> 62) != 1;
}

/* The very double that came in. */
double price_to_double(price_t p);

/* -1, 0, 1 by value. */
int price_cmp(price_t a, price_t b);

/* The shortest JSON number that reads back as price_to_double(p): "25412.35", "133". */
void buf_price(struct buf *b, price_t p);

#endif
