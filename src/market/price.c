/* SPDX-License-Identifier: MIT
 *
 * price: see price.h.
 *
 * Rounding: for |d| < 9e11 rupees k = round(d * 10000) is below 2^53, so k and 10000.0 are exact
 * and k / 10000.0 is the correctly rounded double of that decimal. If it is d, nothing was lost.
 */
#include "market/price.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/digits.h"

#define EXACT_MAX 9.0e11 /* rupees; * PRICE_SCALE stays below 2^53 */
#define RAW_TAG   ((uint64_t)1 << 62)
#define EXP_BIAS  1023
#define RAW_BIAS  255
#define MANTISSA  (((uint64_t)1 << 52) - 1)

static bool raw_encode(double d, price_t *out)
{
	uint64_t bits, sign, raw;
	int exp;

	memcpy(&bits, &d, sizeof(bits));
	sign = bits >> 63;
	exp = (int)(bits >> 52 & 0x7ff) - EXP_BIAS + RAW_BIAS;
	if (exp < 0 || exp > 2 * RAW_BIAS + 1)
		return false; /* too small or too large for nine bits; NaN and infinity too */
	raw = RAW_TAG | sign << 61 | (uint64_t)exp << 52 | (bits & MANTISSA);
	*out = (price_t)raw;
	return true;
}

static double raw_decode(price_t p)
{
	uint64_t raw = (uint64_t)p, bits;
	double d;

	bits = (raw >> 61 & 1) << 63 | ((raw >> 52 & 0x1ff) - RAW_BIAS + EXP_BIAS) << 52 |
	       (raw & MANTISSA);
	memcpy(&d, &bits, sizeof(d));
	return d;
}

bool price_from_double(double d, price_t *out)
{
	if (AGNI_LIKELY(d > -EXACT_MAX && d < EXACT_MAX)) {
		/* Half away from zero; the comparison below judges the result. */
		int64_t k = (int64_t)(d * PRICE_SCALE + (d < 0 ? -0.5 : 0.5));

		if (AGNI_LIKELY((double)k / PRICE_SCALE == d)) {
			*out = k;
			return true;
		}
	}
	return raw_encode(d, out);
}

double price_to_double(price_t p)
{
	return AGNI_LIKELY(price_is_exact(p)) ? (double)p / PRICE_SCALE : raw_decode(p);
}

int price_cmp(price_t a, price_t b)
{
	if (price_is_exact(a) && price_is_exact(b))
		return (a > b) - (a < b);
	return (price_to_double(a) > price_to_double(b)) -
	       (price_to_double(a) < price_to_double(b));
}

void buf_price(struct buf *b, price_t p)
{
	char text[DIGITS_MAX], *end;

	end = AGNI_LIKELY(price_is_exact(p)) ? digits_scaled4(text, p)
					     : digits_double(text, raw_decode(p));
	buf_append(b, text, (size_t)(end - text));
}
