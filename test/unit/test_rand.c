/* SPDX-License-Identifier: MIT
 *
 * test_rand: the published stream, ranges, moments.
 */
#include <math.h>

#include "../lib/check.h"
#include "core/rand.h"

static void test_published_stream(void **state)
{
	/* The reference values of splitmix64 for seed 1234567. */
	static const uint64_t want[] = {6457827717110365317u, 3203168211198807973u,
					9817491932198370423u, 4593380528125082431u,
					16408922859458223821u};
	struct rng r = {1234567};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		check_i64(rng_next(&r), want[i]);
}

static void test_ranges(void **state)
{
	struct rng r = {3};
	int seen[7] = {0};

	(void)state;
	for (int i = 0; i < 70000; i++) {
		double u = rng_unit(&r);

		check(u >= 0 && u < 1);
		seen[rng_below(&r, 7)]++;
	}
	/* 10000 each, standard deviation 93. */
	for (int i = 0; i < 7; i++)
		check_near(seen[i], 10000, 500);
	check_i64(rng_below(&r, 1), 0);
	check(rng_below(&r, UINT64_MAX) < UINT64_MAX);
}

static void test_normal_moments(void **state)
{
	const int n = 200000;
	struct rng r = {4};
	double sum = 0, squares = 0;

	(void)state;
	for (int i = 0; i < n; i++) {
		double x = rng_normal(&r);

		check(isfinite(x));
		sum += x;
		squares += x * x;
	}
	check_near(sum / n, 0, 0.01);      /* 4.5 standard errors */
	check_near(squares / n, 1, 0.015); /* 4.7 */
}

static void test_kernel_bytes(void **state)
{
	unsigned char a[600] = {0}, b[600] = {0};
	char hex[2 * 16 + 1];

	(void)state;
	rand_bytes(a, sizeof(a));
	rand_bytes(b, sizeof(b));
	check(memcmp(a, b, sizeof(a)) != 0);
	rand_bytes(a, 0);
	rand_hex(hex, 16);
	check_i64(strlen(hex), 32);
	check_i64(strspn(hex, "0123456789abcdef"), 32);
}

static void test_uuid(void **state)
{
	char a[UUID_TEXT], b[UUID_TEXT];

	(void)state;
	for (int i = 0; i < 100; i++) {
		rand_uuid(a);
		rand_uuid(b);
		check(strcmp(a, b) != 0);
		check_i64(strlen(a), UUID_TEXT - 1);
		for (int k = 0; k < UUID_TEXT - 1; k++) {
			bool is_dash = k == 8 || k == 13 || k == 18 || k == 23;

			check(is_dash ? a[k] == '-' : strchr("0123456789abcdef", a[k]) != NULL);
		}
		check(a[14] == '4'); /* the version */
		check(strchr("89ab", a[19]) != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_stream),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_normal_moments),
		cmocka_unit_test(test_kernel_bytes),
		cmocka_unit_test(test_uuid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
