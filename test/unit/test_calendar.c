/* SPDX-License-Identifier: MIT
 *
 * test_calendar: the tables against independent lists, and the hours around their borders.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "market/calendar.h"

static day_t day(int y, int m, int d)
{
	return day_from_civil(y, m, d);
}

static int64_t at(int y, int m, int d, int hour, int minute)
{
	return ist_instant(day(y, m, d), (hour * 60 + minute) * 60000ll);
}

static enum market_phase phase(enum segment seg, day_t d, int hour, int minute)
{
	return calendar_phase(seg, ist_instant(d, (hour * 60 + minute) * 60000ll));
}

/* Calls `row` with the fields of each line behind the first; the last field takes the rest. */
static int each_row(const char *relative, void (*row)(char *field[8]))
{
	size_t len;
	char *text = data_read(relative, &len), *line, *lines;
	int n = 0;

	if (!text)
		data_skip(relative);
	lines = strchr(text, '\n') + 1;
	while ((line = strsep(&lines, "\n")) != NULL && *line) {
		char *field[8] = {0};

		line[strcspn(line, "\r")] = '\0';
		for (int i = 0; i < 8 && line; i++)
			field[i] = i < 7 ? strsep(&line, ",") : line;
		row(field);
		n++;
	}
	free(text);
	return n;
}

static day_t parse_day(const char *text)
{
	day_t d;

	check(day_parse(text, 10, &d));
	return d;
}

static void holiday_row(char *field[8])
{
	day_t d = parse_day(field[0]);
	struct session s[SESSIONS_MAX];
	const char *why;
	int n = calendar_sessions(SEGMENT_CM, d, s, &why);

	/* The only trading on a holiday is a muhurat session. */
	if (strstr(field[4], "Muhurat"))
		check(n == 1 && strcmp(why, "special session: muhurat") == 0);
	else
		check(n == 0 && strncmp(why, "holiday: ", 9) == 0);
	check_i64(calendar_sessions(SEGMENT_FO, d, s, NULL), n);
}

static int listed_holidays[3];

static void count_holiday(char *field[8])
{
	listed_holidays[atoi(field[0]) - 2024]++;
}

static void test_holidays(void **state)
{
	const char *csv = "calendar/nse_holidays.csv";

	(void)state;
	memset(listed_holidays, 0, sizeof(listed_holidays));
	check_i64(each_row(csv, holiday_row), 47);
	each_row(csv, count_holiday);
	/* And no weekday is closed that the list does not name. */
	for (int year = 2024; year <= 2026; year++) {
		int closed = 0;

		for (day_t d = day(year, 1, 1); d < day(year + 1, 1, 1); d++) {
			const char *why;
			struct session s[SESSIONS_MAX];

			calendar_sessions(SEGMENT_CM, d, s, &why);
			closed += strncmp(why, "holiday", 7) == 0;
			closed += strcmp(why, "special session: muhurat") == 0;
		}
		check_i64(closed, listed_holidays[year - 2024]);
	}
}

static void special_row(char *field[8])
{
	day_t d = parse_day(field[0]);
	struct session s[SESSIONS_MAX];
	int n = calendar_sessions(SEGMENT_CM, d, s, NULL);
	int hour, minute, i = strcmp(field[2], "dr_2") == 0;

	if (field[5][0] == '\0') {
		check_i64(n, 0);
		return;
	}
	check_i64(n, 1 + (strncmp(field[2], "dr_", 3) == 0));
	check(sscanf(field[5], "%d:%d", &hour, &minute) == 2);
	check_i64(s[i].open_ms, ist_instant(d, (hour * 60 + minute) * 60000ll));
	check_i64(s[i].open_ms - s[i].pre_open_ms, 15 * 60000);
	check(sscanf(field[6], "%d:%d", &hour, &minute) == 2);
	check_i64(s[i].close_ms, ist_instant(d, (hour * 60 + minute) * 60000ll));
}

static void test_special_sessions(void **state)
{
	struct session s[SESSIONS_MAX];
	const char *why;

	(void)state;
	check_i64(each_row("calendar/nse_special_sessions.csv", special_row), 10);
	check_i64(calendar_sessions(SEGMENT_CM, day(2026, 11, 8), s, &why), 0);
	check(strstr(why, "muhurat") && strstr(why, "not known"));
	check_i64(phase(SEGMENT_CM, day(2024, 3, 2), 10, 30), PHASE_CLOSED);
	check_i64(phase(SEGMENT_CM, day(2024, 3, 2), 11, 20), PHASE_PRE_OPEN);
	check_i64(phase(SEGMENT_FO, day(2024, 3, 2), 11, 20), PHASE_CLOSED);
	check_i64(phase(SEGMENT_FO, day(2024, 3, 2), 11, 30), PHASE_OPEN);
	check_i64(phase(SEGMENT_CM, day(2025, 10, 21), 15, 45), PHASE_CLOSED);
	check_i64(phase(SEGMENT_CM, day(2025, 2, 1), 15, 45), PHASE_CLOSING);
}

static day_t last_bar;

static void daily_row(char *field[8])
{
	day_t d = parse_day(field[0]);

	if (last_bar)
		check_i64(calendar_previous_trading_day(SEGMENT_CM, d), last_bar);
	check(calendar_is_trading_day(SEGMENT_CM, d));
	last_bar = d;
}

static void test_trading_days(void **state)
{
	int n = 0;

	(void)state;
	last_bar = 0;
	check_i64(each_row("candles/nifty50_daily_20250214_20260213.csv", daily_row), 247);
	for (day_t d = day(2025, 2, 14); d <= day(2026, 2, 13); d++)
		n += calendar_is_trading_day(SEGMENT_CM, d);
	check_i64(n, 247);
}

static day_t last_expiry[2]; /* weekly, monthly */

static void expiry_row(char *field[8])
{
	bool is_monthly = strcmp(field[2], "monthly") == 0;
	day_t d = parse_day(field[0]);

	if (strcmp(field[1], "NIFTY") != 0)
		return;
	if (is_monthly)
		check_i64(calendar_monthly_expiry(d), d);
	/* A monthly expiry is the weekly one of its week. From the day after the one before, every
	 * day must lead to this one. */
	for (day_t k = last_expiry[0] ? last_expiry[0] + 1 : d; k <= d; k++)
		check_i64(calendar_weekly_expiry(k), d);
	last_expiry[0] = d;
	if (!is_monthly)
		return;
	for (day_t k = last_expiry[1] ? last_expiry[1] + 1 : d; k <= d; k++)
		check_i64(calendar_monthly_expiry(k), d);
	last_expiry[1] = d;
}

static void test_expiries(void **state)
{
	(void)state;
	last_expiry[0] = last_expiry[1] = 0;
	check_i64(each_row("calendar/index_expiries_2025_2026.csv", expiry_row), 129);
}

static void test_expiries_without_data(void **state)
{
	(void)state;
	check_i64(calendar_weekly_expiry(day(2025, 8, 28)), day(2025, 8, 28));
	check_i64(calendar_weekly_expiry(day(2025, 8, 29)), day(2025, 9, 2));
	check_i64(calendar_weekly_expiry(day(2025, 10, 21)), day(2025, 10, 28)); /* muhurat */
	check_i64(calendar_weekly_expiry(day(2025, 10, 20)), day(2025, 10, 20));
	check_i64(calendar_monthly_expiry(day(2026, 3, 31)), day(2026, 4, 28));
	check_i64(calendar_monthly_expiry(day(2026, 3, 30)), day(2026, 3, 30));
	check_i64(calendar_monthly_expiry(day(2025, 12, 31)), day(2026, 1, 27));
	check_i64(calendar_weekly_expiry(day(2025, 12, 31)), day(2026, 1, 6));
	check_i64(calendar_monthly_expiry(day(2026, 12, 30)), day(2027, 1, 26));
	check_i64(calendar_expiry_instant(day(2026, 7, 28)), at(2026, 7, 28, 15, 30));
	check_i64(calendar_expiry_instant(day(2026, 8, 4)), at(2026, 8, 4, 15, 40));
}

static void check_phases(enum segment seg, day_t d, const char *expected)
{
	char got[256] = "";
	enum market_phase last = PHASE_CLOSED;

	for (int minute = 0; minute < 24 * 60; minute++) {
		enum market_phase now = phase(seg, d, 0, minute);

		if (now != last)
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%02d:%02d %s ",
				 minute / 60, minute % 60, market_phase_text(now));
		last = now;
	}
	check_str(got, expected);
}

static void test_effective_dates(void **state)
{
	(void)state;
	check_phases(SEGMENT_FO, day(2025, 12, 5), "09:15 open 15:30 closed ");
	check_phases(SEGMENT_FO, day(2025, 12, 8), "09:00 pre_open 09:15 open 15:30 closed ");
	check_phases(SEGMENT_FO, day(2026, 7, 31), "09:00 pre_open 09:15 open 15:30 closed ");
	check_phases(SEGMENT_FO, day(2026, 8, 3), "09:00 pre_open 09:15 open 15:40 closed ");
	check_phases(SEGMENT_CM, day(2026, 7, 31),
		     "09:00 pre_open 09:15 open 15:30 closed 15:40 closing 16:00 closed ");
	check_phases(SEGMENT_CM, day(2026, 8, 3),
		     "09:00 pre_open 09:15 open 15:30 closing 16:00 closed ");
	check_phases(SEGMENT_CM, day(2024, 11, 1), "17:45 pre_open 18:00 open 19:00 closed ");
	check_phases(SEGMENT_CM, day(2026, 8, 2), "");
	check_phases(SEGMENT_CM, day(2026, 10, 2), "");
}

static void test_next_open_and_close(void **state)
{
	int64_t open = at(2026, 4, 2, 9, 15), close = at(2026, 4, 2, 15, 30);

	(void)state;
	check_i64(calendar_next_open(SEGMENT_CM, open - 1), open);
	/* Strictly after; Good Friday and a weekend follow. */
	check_i64(calendar_next_open(SEGMENT_CM, open), at(2026, 4, 6, 9, 15));
	check_i64(calendar_next_close(SEGMENT_CM, open), close);
	check_i64(calendar_next_close(SEGMENT_CM, close), close);
	check_i64(calendar_next_close(SEGMENT_CM, close + 1), at(2026, 4, 6, 15, 30));
	/* Four days: Thursday holiday, Friday holiday do not exist; the longest is over a year end.
	 */
	check_i64(calendar_next_open(SEGMENT_FO, at(2025, 12, 31, 15, 30)), at(2026, 1, 1, 9, 15));
	check_i64(calendar_next_open(SEGMENT_FO, at(2025, 10, 20, 16, 0)),
		  at(2025, 10, 21, 13, 45));
	check_i64(calendar_next_open(SEGMENT_CM, at(2024, 3, 2, 9, 30)), at(2024, 3, 2, 11, 30));
	check_i64(calendar_next_close(SEGMENT_CM, at(2024, 3, 2, 10, 1)), at(2024, 3, 2, 12, 30));
	check_i64(calendar_previous_trading_day(SEGMENT_FO, day(2026, 4, 6)), day(2026, 4, 2));
}

static void test_years_that_are_not_covered(void **state)
{
	struct session s[SESSIONS_MAX];
	const char *why;

	(void)state;
	check(!calendar_is_covered(day(2023, 12, 31)) && calendar_is_covered(day(2024, 1, 1)));
	check(calendar_is_covered(day(2026, 12, 31)) && !calendar_is_covered(day(2027, 1, 1)));
	check_i64(calendar_sessions(SEGMENT_CM, day(2027, 1, 26), s, &why), 1);
	check(strstr(why, "not known"));
	check_i64(calendar_sessions(SEGMENT_CM, day(2027, 1, 24), s, &why), 0);
	/* Any instant has an answer. */
	check_i64(calendar_phase(SEGMENT_CM, INT64_MIN), PHASE_CLOSED);
	calendar_phase(SEGMENT_CM, INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holidays),
		cmocka_unit_test(test_special_sessions),
		cmocka_unit_test(test_trading_days),
		cmocka_unit_test(test_expiries),
		cmocka_unit_test(test_expiries_without_data),
		cmocka_unit_test(test_effective_dates),
		cmocka_unit_test(test_next_open_and_close),
		cmocka_unit_test(test_years_that_are_not_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
