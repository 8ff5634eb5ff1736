/* SPDX-License-Identifier: MIT
 *
 * test_edge: when a number is news: edges, hysteresis, cooldown, days, restarts.
 */
#include <math.h>

#include "../lib/check.h"
#include "signals/edge.h"

#define T0 1768275900000 /* 2026-01-13T09:15 IST */

static const struct edge_rule rule = {.threshold = 1.0, .rearm = 0.7, .cooldown_ms = 60000};
static struct edge e;
static int64_t now;

static int setup(void **state)
{
	(void)state;
	e = (struct edge){0};
	now = T0;
	return 0;
}

static enum edge_verdict see_at(double value, int64_t after_ms, enum signal_side *side)
{
	now += after_ms;
	return edge_observe(&e, &rule, value, now, true, side);
}

/* Two minutes after the last one, so no cooldown is in the way. */
static enum edge_verdict see(double value)
{
	enum signal_side side;

	return see_at(value, 120000, &side);
}

static void test_fires_once_per_edge(void **state)
{
	enum signal_side side;

	(void)state;
	check_i64(see(0.2), EDGE_QUIET);
	check_i64(see(0.99), EDGE_QUIET);
	check_i64(see_at(1.0, 120000, &side), EDGE_FIRES);
	check_i64(side, SIGNAL_BUY);
	for (int i = 0; i < 100; i++)
		check_i64(see(1.0 + i * 0.01), EDGE_QUIET);
}

static void test_hysteresis(void **state)
{
	(void)state;
	check_i64(see(0), EDGE_QUIET);
	check_i64(see(1.1), EDGE_FIRES);
	check_i64(see(0.71), EDGE_QUIET);
	check_i64(see(1.1), EDGE_QUIET); /* it was not back below 0.7 */
	check_i64(see(0.7), EDGE_QUIET);
	check_i64(see(1.1), EDGE_FIRES);
}

static void test_sides_are_apart(void **state)
{
	enum signal_side side;

	(void)state;
	check_i64(see(0), EDGE_QUIET);
	check_i64(see_at(1.2, 1000, &side), EDGE_FIRES);
	check_i64(see_at(-1.2, 1000, &side), EDGE_FIRES);
	check_i64(side, SIGNAL_SELL);
	check_i64(see_at(1.2, 1000, &side), EDGE_SWALLOWED); /* two seconds after the first */
}

static void test_cooldown_swallows(void **state)
{
	enum signal_side side;

	(void)state;
	see(0);
	check_i64(see(1.1), EDGE_FIRES);
	check_i64(see_at(0.1, 1000, &side), EDGE_QUIET);
	check_i64(see_at(1.1, 58999, &side), EDGE_SWALLOWED);
	check_i64(see_at(1.1, 60000, &side), EDGE_QUIET); /* it is an old one by then */
	check_i64(see_at(0.1, 1, &side), EDGE_QUIET);
	check_i64(see_at(1.1, 1, &side), EDGE_FIRES);
}

static void test_first_observation_is_no_news(void **state)
{
	(void)state;
	check_i64(see(3.0), EDGE_QUIET);
	check_i64(see(4.0), EDGE_QUIET);
	check_i64(see(0.5), EDGE_QUIET);
	check_i64(see(1.5), EDGE_FIRES);
}

static void test_day_begins_anew(void **state)
{
	(void)state;
	see(0);
	check_i64(see(1.5), EDGE_FIRES);
	now += DAY_MS;
	check_i64(see(1.5), EDGE_QUIET); /* a gap at the open */
	check_i64(see(0.1), EDGE_QUIET);
	check_i64(see(1.5), EDGE_FIRES);
}

/* The cooldown is time of the market, whatever the date says. */
static void test_cooldown_over_midnight(void **state)
{
	enum signal_side side;

	(void)state;
	now = ist_instant(ist_day(T0) + 1, 0) - 10000;
	see_at(0, 0, &side);
	check_i64(see_at(1.5, 5000, &side), EDGE_FIRES);
	check_i64(see_at(0, 6000, &side), EDGE_QUIET);
	check_i64(see_at(1.5, 1000, &side), EDGE_SWALLOWED);
}

static void test_waits_for_the_rest(void **state)
{
	enum signal_side side;

	(void)state;
	see(0);
	check_i64(edge_observe(&e, &rule, 1.2, now + 1, false, &side), EDGE_QUIET);
	check_i64(edge_observe(&e, &rule, 1.2, now + 2, true, &side), EDGE_FIRES);
}

static void test_no_number_is_no_observation(void **state)
{
	struct edge_rule broken = {.threshold = NAN, .rearm = NAN};
	enum signal_side side;

	(void)state;
	check_i64(see(NAN), EDGE_QUIET);
	check_i64(see(0), EDGE_QUIET);
	check_i64(see(INFINITY), EDGE_QUIET);
	check_i64(see(-INFINITY), EDGE_QUIET);
	check_i64(see(1.5), EDGE_FIRES);
	check_i64(edge_observe(&e, &broken, -9, now + 1, true, &side), EDGE_QUIET);
}

static void test_new_thresholds_fire_nothing_old(void **state)
{
	struct edge_rule lower = {.threshold = 0.5, .rearm = 0.35, .cooldown_ms = 0};
	enum signal_side side;

	(void)state;
	see(0);
	check_i64(see(0.8), EDGE_QUIET);
	edge_forget(&e);
	check_i64(edge_observe(&e, &lower, 0.8, now + 1, true, &side), EDGE_QUIET);
	check_i64(edge_observe(&e, &lower, 0.8, now + 2, true, &side), EDGE_QUIET);
	check_i64(edge_observe(&e, &lower, 0.3, now + 3, true, &side), EDGE_QUIET);
	check_i64(edge_observe(&e, &lower, 0.6, now + 4, true, &side), EDGE_FIRES);
}

/* In mid-edge: fired, between the thresholds when the process died. */
static void test_restart_does_not_fire_again(void **state)
{
	enum signal_side side;

	(void)state;
	edge_restore(&e, SIGNAL_BUY, now);
	check_i64(see_at(0.9, 1000, &side), EDGE_QUIET);
	check_i64(see_at(1.1, 1000, &side), EDGE_QUIET);
	check_i64(see_at(0.2, 1000, &side), EDGE_QUIET);
	check_i64(see_at(1.1, 1000, &side), EDGE_SWALLOWED);
}

static void test_restart_on_another_day(void **state)
{
	enum signal_side side;

	(void)state;
	edge_restore(&e, SIGNAL_BUY, now - DAY_MS);
	check_i64(see_at(0.9, 0, &side), EDGE_QUIET);
	check_i64(see_at(1.1, 1000, &side), EDGE_FIRES);
}

/* A simulated market that begins anew lies before what the journal knows. */
static void test_what_lies_ahead_does_not_count(void **state)
{
	enum signal_side side;

	(void)state;
	edge_restore(&e, SIGNAL_BUY, now + 3600000);
	check_i64(see_at(0.9, 0, &side), EDGE_QUIET);
	check_i64(see_at(1.1, 1000, &side), EDGE_FIRES);
}

/* A line of the journal with a time years ahead does not hide the ones behind it. */
static void test_the_newest_line_counts(void **state)
{
	enum signal_side side;

	(void)state;
	edge_restore(&e, SIGNAL_BUY, now + 1000 * DAY_MS);
	edge_restore(&e, SIGNAL_BUY, now);
	check_i64(see_at(0.9, 1000, &side), EDGE_QUIET);
	check_i64(see_at(1.1, 1000, &side), EDGE_QUIET);
}

/* Of two connections the slower brings a message that is a little older. */
static void test_overtaken_message(void **state)
{
	enum signal_side side;

	(void)state;
	see(0);
	check_i64(see_at(1.1, 1000, &side), EDGE_FIRES);
	check_i64(see_at(0.1, -150, &side), EDGE_QUIET);
	check_i64(see_at(1.1, 0, &side), EDGE_SWALLOWED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_fires_once_per_edge, setup),
		cmocka_unit_test_setup(test_hysteresis, setup),
		cmocka_unit_test_setup(test_sides_are_apart, setup),
		cmocka_unit_test_setup(test_cooldown_swallows, setup),
		cmocka_unit_test_setup(test_first_observation_is_no_news, setup),
		cmocka_unit_test_setup(test_day_begins_anew, setup),
		cmocka_unit_test_setup(test_cooldown_over_midnight, setup),
		cmocka_unit_test_setup(test_waits_for_the_rest, setup),
		cmocka_unit_test_setup(test_no_number_is_no_observation, setup),
		cmocka_unit_test_setup(test_new_thresholds_fire_nothing_old, setup),
		cmocka_unit_test_setup(test_restart_does_not_fire_again, setup),
		cmocka_unit_test_setup(test_restart_on_another_day, setup),
		cmocka_unit_test_setup(test_overtaken_message, setup),
		cmocka_unit_test_setup(test_the_newest_line_counts, setup),
		cmocka_unit_test_setup(test_what_lies_ahead_does_not_count, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
