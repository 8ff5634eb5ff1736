/* SPDX-License-Identifier: MIT
 *
 * test_events: entries of streams that wait: their order, answers, and what is lost when Redis stays
 * away for long.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "store/events.h"

static struct events events;

static void add(unsigned i)
{
	char text[16];

	snprintf(text, sizeof(text), "e%u", i);
	events_add(&events, KEY_SIGNALS, text, strlen(text));
}

static uint32_t take(const char *want)
{
	uint32_t number = 0;
	const struct event *event = events_take(&events, &number);

	check(event);
	check_str(event->text, want);
	check_i64(event->len, strlen(want));
	check_i64(event->kind, KEY_SIGNALS);
	return number;
}

static void check_none(void)
{
	uint32_t number;

	check(!events_take(&events, &number));
}

static void test_order(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		add(i);
	events_on_reply(&events, take("e0"), false);
	events_on_reply(&events, take("e1"), false);
	events_on_reply(&events, take("e2"), false);
	check_none();
	events_rewind(&events);
	check(events_is_empty(&events));
	check_i64(events.added, 3);
	events_fini(&events);
}

/* One that was refused is sent again, those around it are not. */
static void test_refused(void **state)
{
	uint32_t a, b, c;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		add(i);
	a = take("e0");
	b = take("e1");
	c = take("e2");
	events_on_reply(&events, a, false);
	events_on_reply(&events, b, true);
	events_on_reply(&events, c, false);
	events_rewind(&events);
	events_on_reply(&events, take("e1"), false);
	events_on_reply(&events, take("e3"), false);
	events_rewind(&events);
	check(events_is_empty(&events));
	check(!events_has_work(&events));
	events_fini(&events);
}

static void test_lost_connection(void **state)
{
	(void)state;
	add(0);
	add(1);
	events_on_reply(&events, take("e0"), false);
	take("e1");
	check(!events_has_work(&events));
	events_rewind(&events);
	take("e1");
	events_fini(&events);
}

/* The newest EVENTS_MAX wait; an answer to one that was pushed out touches none that is there. */
static void test_bounds(void **state)
{
	static char text[EVENT_TEXT_MAX + 1];
	uint32_t first;
	char want[16];

	(void)state;
	events = (struct events){.tail = UINT32_MAX - 10,
				 .sent = UINT32_MAX - 10,
				 .head = UINT32_MAX - 10}; /* numbers wrap */
	add(0);
	first = take("e0");
	for (unsigned i = 1; i < EVENTS_MAX + 100; i++)
		add(i);
	check_i64(events.lost, 100);
	events_on_reply(&events, first, false);
	events_rewind(&events);
	for (unsigned i = 100; i < EVENTS_MAX + 100; i++) {
		snprintf(want, sizeof(want), "e%u", i);
		events_on_reply(&events, take(want), false);
	}
	check_none();
	events_rewind(&events);
	check(events_is_empty(&events));
	events_add(&events, KEY_SIGNALS, text, sizeof(text));
	check_i64(events.lost, 101);
	check(events_is_empty(&events));
	events_fini(&events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lost_connection),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
