/* SPDX-License-Identifier: MIT
 *
 * test_calendar_days: every day of 2024 to 2026 against the lists, drawn together once more here, without the
 * calendar: its sessions in each segment, what comes next from every border of them, and the close on which
 * each listed expiry is over.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/csv.h"
#include "market/expiry.h"

#define ROWS_MAX 64
#define DAYS     (3 * 365 + 1)

static struct {
	day_t d;
	int open, close; /* minutes; -1: announced without hours */
} specials[ROWS_MAX];
static struct {
	char segment[4], phase[32];
	day_t from, to;
	int open, close;
} hours[ROWS_MAX];
static day_t holidays[ROWS_MAX];
static int specials_n, hours_n, holidays_n;

/* In the order of the calendar's enum segment. */
static const char *const segments[] = {"CM", "FO", "CM", "FO"};

static int minutes(const char *text)
{
	int h, m;

	return sscanf(text, "%d:%d", &h, &m) == 2 ? h * 60 + m : -1;
}

static void holiday_row(char *field[8])
{
	check(holidays_n < ROWS_MAX && strcmp(field[2], "CM;FO") == 0);
	holidays[holidays_n++] = csv_day(field[0]);
}

static void special_row(char *field[8])
{
	check(specials_n < ROWS_MAX && strcmp(field[3], "CM;FO") == 0);
	specials[specials_n].d = csv_day(field[0]);
	specials[specials_n].open = minutes(field[5]);
	specials[specials_n++].close = minutes(field[6]);
}

static void hours_row(char *field[8])
{
	if (strncmp(field[3], "normal", 6) != 0)
		return;
	check(hours_n < ROWS_MAX);
	snprintf(hours[hours_n].segment, sizeof(hours[0].segment), "%s", field[0]);
	snprintf(hours[hours_n].phase, sizeof(hours[0].phase), "%s", field[3]);
	hours[hours_n].from = field[1][0] ? csv_day(field[1]) : 0;
	hours[hours_n].to = field[2][0] ? csv_day(field[2]) : day_from_civil(2099, 1, 1);
	hours[hours_n].open = minutes(field[4]);
	hours[hours_n++].close = minutes(field[5]);
}

static void read_lists(void)
{
	specials_n = hours_n = holidays_n = 0;
	check_i64(csv_each_row("calendar/nse_holidays.csv", holiday_row), 47);
	check_i64(csv_each_row("calendar/nse_special_sessions.csv", special_row), 10);
	check_i64(csv_each_row("calendar/nse_session_timings.csv", hours_row), 21);
	check_i64(hours_n, 6);
}

static int64_t at(day_t d, int minute)
{
	return ist_instant(d, minute * 60000ll);
}

static bool is_for(int row, enum segment seg, day_t d)
{
	const char *phase = hours[row].phase;

	return strcmp(hours[row].segment, segments[seg]) == 0 && d >= hours[row].from &&
	       d <= hours[row].to &&
	       strcmp(phase, seg == SEGMENT_CM ? "normal_cas" : "normal_non_cas") != 0;
}

/* What the lists say of a day. */
static int listed(enum segment seg, day_t d, struct session out[SESSIONS_MAX])
{
	int n = 0, is_special = 0;

	for (int i = 0; i < specials_n; i++) {
		if (specials[i].d != d)
			continue;
		is_special = 1;
		if (specials[i].open >= 0)
			out[n++] = (struct session){.open_ms = at(d, specials[i].open),
						    .close_ms = at(d, specials[i].close)};
	}
	if (is_special)
		return n;
	for (int i = 0; i < holidays_n; i++) {
		if (holidays[i] == d)
			return 0;
	}
	if (day_weekday(d) == SATURDAY || day_weekday(d) == SUNDAY)
		return 0;
	for (int i = 0; i < hours_n; i++) {
		if (is_for(i, seg, d))
			out[n++] = (struct session){.open_ms = at(d, hours[i].open),
						    .close_ms = at(d, hours[i].close)};
	}
	check_i64(n, 1);
	return n;
}

static void check_session(enum segment seg, const struct session *s, const struct session *next)
{
	check_i64(calendar_phase(seg, s->open_ms), PHASE_OPEN);
	check_i64(calendar_phase(seg, s->close_ms - 1), PHASE_OPEN);
	check(calendar_phase(seg, s->close_ms) != PHASE_OPEN);
	check(calendar_phase(seg, s->open_ms - 1) != PHASE_OPEN);
	check_i64(calendar_next_open(seg, s->open_ms - 1), s->open_ms);
	check_i64(calendar_next_open(seg, s->open_ms), next->open_ms);
	check_i64(calendar_next_open(seg, s->close_ms), next->open_ms);
	check_i64(calendar_next_close(seg, s->open_ms), s->close_ms);
	check_i64(calendar_next_close(seg, s->close_ms + 1), next->close_ms);
}

static void test_every_day(void **state)
{
	(void)state;
	read_lists();
	for (enum segment seg = SEGMENT_CM; seg <= SEGMENT_FO_OPTIONS; seg++) {
		struct session before = {0};
		int days = 0;
		day_t first = day_from_civil(2024, 1, 1);

		for (day_t d = first; d < first + DAYS; d++) {
			struct session want[SESSIONS_MAX] = {{0}}, got[SESSIONS_MAX];
			int n = listed(seg, d, want);

			check_i64(calendar_sessions(seg, d, got, NULL), n);
			check(calendar_is_trading_day(seg, d) == (n > 0));
			for (int i = 0; i < n; i++) {
				check_i64(got[i].open_ms, want[i].open_ms);
				check_i64(got[i].close_ms, want[i].close_ms);
				if (before.open_ms)
					check_session(seg, &before, &want[i]);
				before = want[i];
			}
			days += n > 0;
		}
		/* The weekdays of three years without 47 holidays, and the Saturdays, Sundays and evenings. */
		check_i64(days, 784 - 47 + 7);
	}
}

static void expiry_row(char *field[8])
{
	day_t d = csv_day(field[0]), rule = csv_day(field[3]);
	struct session s[SESSIONS_MAX];

	check_i64(listed(SEGMENT_FO, d, s), 1);
	check_i64(calendar_expiry_instant(d), s[0].close_ms);
	check_i64(calendar_expiry_from_rule(rule), d);
}

/* Each listed expiry lies on a whole day of trading, where its rule's day leads, and ends with it. */
static void test_every_expiry(void **state)
{
	(void)state;
	read_lists();
	check_i64(csv_each_row("calendar/index_expiries_2025_2026.csv", expiry_row), 129);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_every_expiry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
