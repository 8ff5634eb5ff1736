/* SPDX-License-Identifier: MIT
 *
 * digits: numbers as text, at a place where there is room: what buf_i64, buf_double and buf_price are
 * made of, for writers that reserve once for many numbers. Each returns the place behind its text
 * and writes no NUL.
 */
#ifndef AGNI_CORE_DIGITS_H
#define AGNI_CORE_DIGITS_H

#include <string.h>

#include "core/base.h"

#define DIGITS_MAX 32 /* bytes that any of these needs at most */

/* "00" "01" ... "99" */
extern const char digits_pairs[200];

static inline char *digits_pair(char *at, unsigned v)
{
	memcpy(at, digits_pairs + 2 * v, 2);
	return at + 2;
}

/* v < 10000, all four digits. */
static inline char *digits_four(char *at, unsigned v)
{
	return digits_pair(digits_pair(at, v / 100), v % 100);
}

/* v < 10000 */
static inline char *digits_up_to_four(char *at, unsigned v)
{
	if (v >= 100) {
		at = v >= 1000 ? digits_pair(at, v / 100) : (*at = (char)('0' + v / 100), at + 1);
		return digits_pair(at, v % 100);
	}
	if (v >= 10)
		return digits_pair(at, v);
	*at = (char)('0' + v);
	return at + 1;
}

/* v < 100000000 */
static inline char *digits_up_to_eight(char *at, unsigned v)
{
	if (v < 10000)
		return digits_up_to_four(at, v);
	return digits_four(digits_up_to_four(at, v / 10000), v % 10000);
}

char *digits_u64(char *at, uint64_t v);
char *digits_i64(char *at, int64_t v);

/* k / 10000, without zeros at the end: 941500 is "94.15", -500 is "-0.05". */
char *digits_scaled4(char *at, int64_t k);

/* As buf_double. */
char *digits_double(char *at, double v);

#endif
