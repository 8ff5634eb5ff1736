/* SPDX-License-Identifier: MIT
 *
 * test_calendar: the tables against independent lists, and the hours around their borders.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/csv.h"
#include "market/calendar_file.h"
#include "market/expiry.h"

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

static void holiday_row(char *field[8])
{
	day_t d = csv_day(field[0]);
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
	check_i64(csv_each_row(csv, holiday_row), 47);
	csv_each_row(csv, count_holiday);
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
	day_t d = csv_day(field[0]);
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
	check_i64(csv_each_row("calendar/nse_special_sessions.csv", special_row), 10);
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
	day_t d = csv_day(field[0]);

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
	check_i64(csv_each_row("candles/nifty50_daily_20250214_20260213.csv", daily_row), 247);
	for (day_t d = day(2025, 2, 14); d <= day(2026, 2, 13); d++)
		n += calendar_is_trading_day(SEGMENT_CM, d);
	check_i64(n, 247);
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

/* The day of a range on which its stages are looked for: a plain trading day. */
static day_t plain_day(const char *from, const char *to)
{
	day_t d = from[0] ? csv_day(from) : day(2025, 1, 6);

	if (d < day(2024, 1, 2))
		d = day(2024, 1, 2);
	if (to[0] && d > csv_day(to))
		d = csv_day(to);
	while (!calendar_is_trading_day(SEGMENT_CM, d) || day_weekday(d) == SATURDAY)
		d++;
	return d;
}

/* Both ends of a row of nse_session_timings.csv, on the first day and (if it has one) the last. */
static void check_stage(char *field[8], enum segment seg, const char *name)
{
	for (int last = 0; last < 2; last++) {
		const char *to = field[2];
		day_t d = last && to[0] ? csv_day(to) : plain_day(field[1], to);
		int h1, m1, h2, m2;
		int64_t from, until;

		while (last && !calendar_is_trading_day(seg, d))
			d--;
		check(sscanf(field[4], "%d:%d", &h1, &m1) == 2);
		check(sscanf(field[5], "%d:%d", &h2, &m2) == 2);
		from = ist_instant(d, (h1 * 60 + m1) * 60000ll);
		until = ist_instant(d, (h2 * 60 + m2) * 60000ll);
		check_str(calendar_stage(seg, from), name);
		check_str(calendar_stage(seg, until - 1), name);
		check(strcmp(calendar_stage(seg, from - 1), name) != 0);
		check(strcmp(calendar_stage(seg, until), name) != 0);
	}
}

static int stages_seen;

static void timing_row(char *field[8])
{
	bool is_fo = strcmp(field[0], "FO") == 0;
	const char *name = field[3];

	if (!field[4][0])
		return; /* an end without a beginning: trade modification */
	stages_seen++;
	if (strncmp(name, "normal", 6) == 0) {
		bool is_cas = strcmp(name, "normal_cas") == 0;

		check_stage(field,
			    is_fo    ? SEGMENT_FO
			    : is_cas ? SEGMENT_CM_CAS
				     : SEGMENT_CM,
			    "normal");
		if (is_fo)
			check_stage(field, SEGMENT_FO_OPTIONS, "normal");
	} else if (strncmp(name, "cas_", 4) == 0 || strcmp(name, "transition") == 0) {
		check_stage(field, SEGMENT_CM_CAS, name);
	} else {
		check_stage(field, is_fo ? SEGMENT_FO : SEGMENT_CM, name);
		if (!is_fo)
			check_stage(field, SEGMENT_CM_CAS, name);
	}
}

static void test_timings(void **state)
{
	(void)state;
	stages_seen = 0;
	check_i64(csv_each_row("calendar/nse_session_timings.csv", timing_row), 21);
	check_i64(stages_seen, 20);
}

/* The segments' parts: options have no pre-open, shares with derivatives an auction. */
static void test_parts_of_segments(void **state)
{
	(void)state;
	check_phases(SEGMENT_FO_OPTIONS, day(2025, 12, 8), "09:15 open 15:30 closed ");
	check_phases(SEGMENT_FO_OPTIONS, day(2026, 8, 3), "09:15 open 15:40 closed ");
	check_phases(SEGMENT_CM_CAS, day(2026, 7, 31),
		     "09:00 pre_open 09:15 open 15:30 closed 15:40 closing 16:00 closed ");
	check_phases(SEGMENT_CM_CAS, day(2026, 8, 3),
		     "09:00 pre_open 09:15 open 15:15 closing 16:00 closed ");
	check_str(calendar_stage(SEGMENT_CM_CAS, at(2026, 8, 3, 15, 27)), "cas_limit_only");
	check_str(calendar_stage(SEGMENT_CM, at(2026, 8, 3, 15, 27)), "normal");
	check_str(calendar_stage(SEGMENT_CM, at(2026, 8, 3, 15, 37)), "transition");
	check_str(calendar_stage(SEGMENT_CM, at(2026, 8, 2, 15, 27)), ""); /* a Sunday */
	check_str(calendar_stage(SEGMENT_FO, at(2025, 12, 5, 9, 5)), "");
	check_str(calendar_stage(SEGMENT_FO, at(2025, 12, 8, 9, 5)), "pre_open_order_entry");
	/* Before a muhurat session, as before any other. */
	check_str(calendar_stage(SEGMENT_CM, at(2025, 10, 21, 13, 30)), "pre_open_order_entry");
	check_str(calendar_stage(SEGMENT_CM, at(2025, 10, 21, 13, 40)), "pre_open_match");
	check_str(calendar_stage(SEGMENT_CM, at(2025, 10, 21, 9, 5)), "");
	check_str(calendar_stage(SEGMENT_CM, at(2025, 10, 21, 15, 45)), "");
}

/* --- overrides --------------------------------------------------------------------------------- */

static void override(struct calendar_entries *e, const char *text)
{
	struct agni_err err;

	calendar_override(NULL);
	calendar_entries_fini(e);
	if (calendar_file_parse(text, strlen(text), e, &err) < 0)
		fail_msg("%s", err.text);
	calendar_override(e);
}

static void test_override(void **state)
{
	struct calendar_entries e = {0};
	struct session s[SESSIONS_MAX];
	const char *why;

	(void)state;
	override(&e, "holiday 2026-11-09 declared on Friday\n"
		     "session 2026-11-08 18:00-19:00 Muhurat\n"
		     "session 2026-12-05 usual\n"
		     "session 2026-12-12 09:15-10:00 FO drill\n"
		     "session 2026-12-12 11:30-12:30 FO drill\n"
		     "session 2026-12-12 10:00-11:00 CM\n"
		     "usual 2026-11-24 taken back\n"
		     "year 2027\n");
	check_i64(calendar_sessions(SEGMENT_FO, day(2026, 11, 9), s, &why), 0);
	check_str(why, "holiday: declared on Friday");
	check_phases(SEGMENT_CM, day(2026, 11, 8), "17:45 pre_open 18:00 open 19:00 closed ");
	check_i64(calendar_sessions(SEGMENT_CM, day(2026, 11, 8), s, &why), 1);
	check_str(why, "special session: Muhurat");
	check_phases(SEGMENT_FO, day(2026, 12, 5), "09:00 pre_open 09:15 open 15:40 closed ");
	check_i64(calendar_sessions(SEGMENT_FO, day(2026, 12, 12), s, NULL), 2);
	check_i64(s[1].open_ms, at(2026, 12, 12, 11, 30));
	check_i64(calendar_sessions(SEGMENT_CM, day(2026, 12, 12), s, NULL), 1);
	check_i64(s[0].open_ms, at(2026, 12, 12, 10, 0));
	check(calendar_is_trading_day(SEGMENT_CM, day(2026, 11, 24)));
	check(calendar_is_covered(day(2027, 5, 5)) && !calendar_is_covered(day(2028, 5, 5)));
	/* Expiries move with it: one that was on Monday for two holidays, and one that was not. */
	check_i64(calendar_weekly_expiry(day(2026, 11, 4)), day(2026, 11, 6));
	check_i64(calendar_monthly_expiry(day(2026, 11, 20)), day(2026, 11, 24));
	/* An hour of muhurat makes no day of expiry. */
	override(&e, "session 2025-10-21 13:45-14:45 Muhurat\n");
	check_i64(calendar_weekly_expiry(day(2025, 10, 18)), day(2025, 10, 20));
	override(&e, "session 2025-10-21 usual\n");
	check_i64(calendar_weekly_expiry(day(2025, 10, 18)), day(2025, 10, 21));
	calendar_override(NULL);
	calendar_entries_fini(&e);
	check_i64(calendar_weekly_expiry(day(2025, 10, 18)), day(2025, 10, 20));
	check(!calendar_is_trading_day(SEGMENT_CM, day(2026, 11, 24)));
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
		cmocka_unit_test(test_timings),
		cmocka_unit_test(test_parts_of_segments),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_effective_dates),
		cmocka_unit_test(test_next_open_and_close),
		cmocka_unit_test(test_years_that_are_not_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
