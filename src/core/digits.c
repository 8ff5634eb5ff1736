/* SPDX-License-Identifier: MIT
 *
 * digits: see digits.h. Two digits at a time, by a table.
 */
#include "core/digits.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TEN_4  10000u
#define TEN_8  100000000u
#define TEN_16 10000000000000000u

const char digits_pairs[200] = "00010203040506070809"
			       "10111213141516171819"
			       "20212223242526272829"
			       "30313233343536373839"
			       "40414243444546474849"
			       "50515253545556575859"
			       "60616263646566676869"
			       "70717273747576777879"
			       "80818283848586878889"
			       "90919293949596979899";

/* v < 10^8, all eight digits. */
static char *eight(char *at, unsigned v)
{
	return digits_four(digits_four(at, v / TEN_4), v % TEN_4);
}

char *digits_u64(char *at, uint64_t v)
{
	if (v < TEN_8)
		return digits_up_to_eight(at, (unsigned)v);
	if (v >= TEN_16) {
		at = digits_up_to_four(at, (unsigned)(v / TEN_16));
		v %= TEN_16;
		at = eight(at, (unsigned)(v / TEN_8));
	} else {
		at = digits_up_to_eight(at, (unsigned)(v / TEN_8));
	}
	return eight(at, (unsigned)(v % TEN_8));
}

/* The sign, and the magnitude of v. */
static char *sign(char *at, int64_t v, uint64_t *magnitude)
{
	*at = '-';
	*magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	return at + (v < 0);
}

char *digits_i64(char *at, int64_t v)
{
	uint64_t u;

	at = sign(at, v, &u);
	return digits_u64(at, u);
}

char *digits_scaled4(char *at, int64_t k)
{
	uint64_t u;
	unsigned fraction;

	at = sign(at, k, &u);
	fraction = (unsigned)(u % TEN_4);
	at = digits_u64(at, u / TEN_4);
	if (fraction == 0)
		return at;
	*at++ = '.';
	at = digits_pair(at, fraction / 100);
	if (fraction % 100)
		at = digits_pair(at, fraction % 100);
	return at - (at[-1] == '0');
}

/* The lowest `places` digits of v, with zeros in front. */
static char *padded(char *at, uint64_t v, unsigned places)
{
	char *to = at + places;

	for (; places >= 2; places -= 2, v /= 100)
		digits_pair(at + places - 2, (unsigned)(v % 100));
	if (places)
		*at = (char)('0' + v % 10);
	return to;
}

/* Most numbers of a market are short decimals. For k < 2^53 and p <= 15 both k and 10^p are exact,
 * so k / 10^p is the double nearest to that decimal: if it is v, the decimal reads back as v, and
 * the first such p is the shortest. Ten times cheaper than printf and strtod. A product that is
 * farther from k than its rounding explains needs no division. NULL: v is none of them. */
static char *short_decimal(char *at, double v)
{
	static const double ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
				     1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	double a = fabs(v);

	if (a < 1e-4)
		return NULL; /* %g would use an exponent, which is shorter */
	for (unsigned p = 1; p < sizeof(ten) / sizeof(*ten); p++) {
		double scaled = a * ten[p];
		uint64_t k, one;

		if (scaled >= 9007199254740992.0)
			return NULL;
		k = (uint64_t)(scaled + 0.5);
		if (fabs(scaled - (double)k) > scaled * 0x1p-50 || (double)k / ten[p] != a)
			continue;
		one = (uint64_t)ten[p];
		*at = '-';
		at = digits_u64(at + (v < 0), k / one);
		*at = '.';
		return padded(at + 1, k % one, p);
	}
	return NULL;
}

/* %g drops trailing zeros, so 15 digits are the shortest form where they are enough; below DBL_MIN
 * a double holds fewer than that. */
static char *any_double(char *at, double v)
{
	int n = 0;

	for (int digits = fabs(v) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
		n = snprintf(at, DIGITS_MAX, "%.*g", digits, v);
		if (strtod(at, NULL) == v)
			break;
	}
	return at + n;
}

char *digits_double(char *at, double v)
{
	char *end;

	if (AGNI_UNLIKELY(!isfinite(v))) {
		memcpy(at, "null", 4);
		return at + 4;
	}
	/* The range comes first: the conversion of a larger value is not defined. */
	if (fabs(v) < 1e15 && v == (double)(int64_t)v) {
		*at = '-';
		return digits_i64(at + (v == 0 && signbit(v)), (int64_t)v);
	}
	end = short_decimal(at, v);
	return end ? end : any_double(at, v);
}
