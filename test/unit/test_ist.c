/* SPDX-License-Identifier: MIT
 *
 * test_ist: dates against a counter that walks from day to day and knows nothing but the length of
 * the months.
 */
#include <time.h>

#include "../lib/check.h"
#include "core/ist.h"

struct walker {
	int year, month, day, weekday;
};

static int month_length(int year, int month)
{
	static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return length[month - 1] + (month == 2 && is_leap);
}

static void next_day(struct walker *w)
{
	w->weekday = (w->weekday + 1) % 7;
	if (++w->day <= month_length(w->year, w->month))
		return;
	w->day = 1;
	if (++w->month <= 12)
		return;
	w->month = 1;
	w->year++;
}

static void test_every_day_from_1900_to_2100(void **state)
{
	struct walker w = {1900, 1, 1, MONDAY};
	char text[IST_TEXT];
	int n = 0;

	(void)state;
	for (day_t d = -25567; w.year <= 2100; d++, n++, next_day(&w)) {
		struct ist_time t;
		day_t parsed;
		int y, m, day;

		check_i64(day_from_civil(w.year, w.month, w.day), d);
		day_to_civil(d, &y, &m, &day);
		check(y == w.year && m == w.month && day == w.day);
		check_i64(day_weekday(d), w.weekday);
		check(day_parse(day_format(d, text), 10, &parsed));
		check_i64(parsed, d);
		/* The last millisecond of the day before, and the first of this one. */
		check_i64(ist_day(ist_instant(d, 0) - 1), d - 1);
		check_i64(ist_ms_of_day(ist_instant(d, 0) - 1), DAY_MS - 1);
		check_i64(ist_ms_of_day(ist_instant(d, 0)), 0);
		ist_split(ist_instant(d, 0), &t);
		check(t.year == y && t.month == m && t.day == day && (int)t.weekday == w.weekday);
	}
	check_i64(n, 73414); /* 201 years with 49 leap days */
}

static void test_known_instants(void **state)
{
	char text[IST_TEXT];

	(void)state;
	check_str(ist_format(0, text), "1970-01-01T05:30:00.000+05:30");
	check_str(ist_format(-1, text), "1970-01-01T05:29:59.999+05:30");
	check_str(ist_format(1769160569075, text), "2026-01-23T14:59:29.075+05:30");
	check_i64(day_from_civil(1970, 1, 1), 0);
	check_i64(day_weekday(0), THURSDAY);
	check_i64(day_from_civil(2000, 2, 29) + 1, day_from_civil(2000, 3, 1));
	check_i64(day_from_civil(1900, 2, 28) + 1, day_from_civil(1900, 3, 1));
}

static void test_any_number_has_a_date(void **state)
{
	char text[IST_TEXT];

	(void)state;
	check_str(ist_format(INT64_MAX, text), "9999-12-31T23:59:59.999+05:30");
	check_str(ist_format(INT64_MIN, text), "0000-01-01T00:00:00.000+05:30");
	check_i64(ist_day(INT64_MAX), day_from_civil(9999, 12, 31));
	check_i64(ist_ms_of_day(INT64_MIN), 0);
}

static void check_parse(const char *text, int64_t want)
{
	int64_t ms = -1;

	check(ist_parse(text, strlen(text), &ms));
	check_i64(ms, want);
}

static void test_parse(void **state)
{
	static const char *const bad[] = {"",
					  "2026-01-23",
					  "2026-01-23 14:59",
					  "2026-01-23T14:5",
					  "2026-01-23T24:00",
					  "2026-01-23T14:60",
					  "2026-01-23T14:59:60",
					  "2026-01-23T14:59:29.07",
					  "2026-01-23T14:59:29.",
					  "2026-01-23T14:59+05:00",
					  "2026-01-23T14:59z",
					  "2026-01-23T14:59:29.0755",
					  "2026-02-30T14:59",
					  "2026-13-01T00:00",
					  "2026-01-00T00:00",
					  "+026-01-01T00:00",
					  "2026-01-23T14:59Zx",
					  "2026-1-23T14:59:00",
					  "2026-01-23T-4:59",
					  "2026-01-23T14:59:29,075"};
	int64_t ms;

	(void)state;
	check_parse("2026-01-23T14:59:29.075+05:30", 1769160569075);
	check_parse("2026-01-23T14:59:29.075", 1769160569075);
	check_parse("2026-01-23T09:29:29Z", 1769160569000);
	check_parse("2026-01-23T14:59+05:30", 1769160540000);
	check_parse("2026-01-23T14:59", 1769160540000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (ist_parse(bad[i], strlen(bad[i]), &ms))
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

static void test_dates_that_do_not_exist(void **state)
{
	static const char *const bad[] = {"2025-02-29", "1900-02-29", "2025-04-31", "2025-00-10",
					  "2025-1-100", "2025/01/01", "2025-01-32", " 025-01-01"};
	day_t d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check(!day_parse(bad[i], 10, &d));
	check(!day_parse("2025-01-01x", 11, &d));
	check(day_parse("2024-02-29", 10, &d));
	check(day_parse("2000-02-29", 10, &d));
}

static void test_host_zone_has_no_effect(void **state)
{
	static const char *const zones[] = {"UTC", "America/New_York", "XYZ-13"};
	char text[IST_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		setenv("TZ", zones[i], 1);
		tzset();
		check_str(ist_format(1769160569075, text), "2026-01-23T14:59:29.075+05:30");
		check_parse("2026-01-23T14:59:29.075", 1769160569075);
	}
	unsetenv("TZ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_day_from_1900_to_2100),
		cmocka_unit_test(test_known_instants),
		cmocka_unit_test(test_any_number_has_a_date),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_dates_that_do_not_exist),
		cmocka_unit_test(test_host_zone_has_no_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
