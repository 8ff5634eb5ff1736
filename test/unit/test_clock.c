/* SPDX-License-Identifier: MIT
 *
 * test_clock: the three times, and the clock that tests move.
 */
#include "../lib/check.h"
#include "core/clock.h"

static void test_manual_clock(void **state)
{
	struct clock c;
	mono_ns start;

	(void)state;
	clock_init_manual(&c, CLOCK_SYSTEM, 1769160569075);
	start = clock_mono(&c);
	check(start > 0); /* 0 may mean "never" */
	clock_advance(&c, 1500);
	check_i64(clock_mono(&c) - start, 1500 * NS_PER_MS);
	check_i64(clock_wall_ms(&c), 1769160570575);
	check_i64(clock_market_ms(&c), 1769160570575);
}

static void test_feed_clock(void **state)
{
	struct clock c;

	(void)state;
	clock_init_manual(&c, CLOCK_FEED, 2000);
	check_i64(clock_market_ms(&c), 2000);
	clock_see_market(&c, 0);
	clock_see_market(&c, -5);
	check_i64(clock_market_ms(&c), 2000);
	clock_see_market(&c, 1000);
	check_i64(clock_market_ms(&c), 1000);
	clock_see_market(&c, 900);
	check_i64(clock_market_ms(&c), 1000);
	clock_advance(&c, 50);
	check_i64(clock_market_ms(&c), 1000);
	check_i64(clock_wall_ms(&c), 2050);
}

static void test_system_clock_ignores_the_feed(void **state)
{
	struct clock c;

	(void)state;
	clock_init_manual(&c, CLOCK_SYSTEM, 2000);
	clock_see_market(&c, 9000);
	check_i64(clock_market_ms(&c), 2000);
}

static void test_host_clock_goes_forward(void **state)
{
	struct clock c;
	mono_ns last, now;

	(void)state;
	clock_init(&c, CLOCK_SYSTEM);
	last = clock_mono(&c);
	for (int i = 0; i < 1000; i++, last = now) {
		now = clock_mono(&c);
		check(now >= last);
	}
	check(clock_wall_ms(&c) > 1700000000000); /* after 2023 */
	check(clock_wall_ms(&c) < 4102444800000); /* before 2100: milliseconds, not less */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manual_clock),
		cmocka_unit_test(test_feed_clock),
		cmocka_unit_test(test_system_clock_ignores_the_feed),
		cmocka_unit_test(test_host_clock_goes_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
