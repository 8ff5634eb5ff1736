/* SPDX-License-Identifier: MIT
 *
 * test_backoff: every wait lies in its window, at every extreme.
 */
#include "../lib/check.h"
#include "core/backoff.h"

static void check_windows(uint32_t base, uint32_t cap, uint64_t seed)
{
	struct backoff b;
	uint64_t full = base;

	backoff_init(&b, base, cap, seed);
	for (int i = 0; i < 80; i++) {
		uint64_t wait = backoff_next(&b);

		check(wait <= full && 2 * wait >= full && wait > 0);
		full = 2 * full < cap ? 2 * full : cap;
	}
}

static void test_windows(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		check_windows(1000, 60000, seed);
		check_windows(1, 1, seed);
		check_windows(1, UINT32_MAX, seed);
		check_windows(3, 7, seed);
		check_windows(UINT32_MAX, UINT32_MAX, seed);
		check_windows(UINT32_MAX / 2 + 1, UINT32_MAX, seed);
	}
}

static void test_many_failures_do_not_wrap(void **state)
{
	struct backoff b;

	(void)state;
	backoff_init(&b, 100, 30000, 1);
	b.tries = UINT32_MAX - 1;
	for (int i = 0; i < 3; i++)
		check(backoff_next(&b) >= 15000);
	check_i64(b.tries, UINT32_MAX);
}

static void test_reset_starts_again(void **state)
{
	struct backoff b;

	(void)state;
	backoff_init(&b, 100, 30000, 1);
	for (int i = 0; i < 10; i++)
		backoff_next(&b);
	backoff_reset(&b);
	check(backoff_next(&b) <= 100);
}

static void test_servers_do_not_march_in_step(void **state)
{
	struct backoff a, b;
	int same = 0;

	(void)state;
	backoff_init(&a, 1000, 60000, 1);
	backoff_init(&b, 1000, 60000, 2);
	for (int i = 0; i < 20; i++)
		same += backoff_next(&a) == backoff_next(&b);
	check(same < 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_many_failures_do_not_wrap),
		cmocka_unit_test(test_reset_starts_again),
		cmocka_unit_test(test_servers_do_not_march_in_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
