/* SPDX-License-Identifier: MIT
 *
 * check: cmocka with what it needs before it, and checks that print both sides.
 */
#ifndef AGNI_TEST_CHECK_H
#define AGNI_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base.h"

#define check(cond) assert_true(cond)

/* Signed 64-bit equality; prints both numbers. */
#define check_i64(a, b)                                                                            \
	do {                                                                                       \
		int64_t check_a = (int64_t)(a), check_b = (int64_t)(b);                            \
		if (check_a != check_b)                                                            \
			fail_msg("%s = %lld, %s = %lld", #a, (long long)check_a, #b,               \
				 (long long)check_b);                                              \
	} while (0)

#define check_str(a, b) assert_string_equal(a, b)

/* |a - b| <= tolerance; prints all three. */
#define check_near(a, b, tolerance)                                                                \
	do {                                                                                       \
		double check_a = (a), check_b = (b), check_t = (tolerance);                        \
		if (!(check_a - check_b <= check_t && check_b - check_a <= check_t))               \
			fail_msg("%s = %.17g, %s = %.17g, differ by more than %g", #a, check_a,    \
				 #b, check_b, check_t);                                            \
	} while (0)

#endif
