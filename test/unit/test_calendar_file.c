/* SPDX-License-Identifier: MIT
 *
 * test_calendar_file: what a line may say, and which line is named when it may not. What the entries
 * change is asked in test_calendar.
 */
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "market/calendar_file.h"

static void test_entries(void **state)
{
	static const char text[] = "# next year\n"
				   "\n"
				   "holiday 2027-01-26 Republic Day   # of course\r\n"
				   "  session\t2027-11-08\t 18:00-19:00   Muhurat\n"
				   "session 2027-12-04 usual\n"
				   "session 2027-12-11 09:15-10:00 FO drill\n"
				   "session 2027-12-11 11:30-12:30 FO\n"
				   "session 2027-12-11 09:00-10:00 CM\n"
				   "session 2027-12-18 09:15-10:00 COMBINED\n"
				   "usual 2027-05-05\n"
				   "year 2027";
	struct calendar_entries e;
	struct agni_err err;

	(void)state;
	if (calendar_file_parse(text, sizeof(text) - 1, &e, &err) < 0)
		fail_msg("%s", err.text);
	check_i64(e.n, 9);
	check_i64(e.rows[0].kind, ENTRY_HOLIDAY);
	check_i64(e.rows[0].date, 20270126);
	check_str(e.rows[0].why, "holiday: Republic Day   ");
	check_i64(e.rows[1].kind, ENTRY_SESSION);
	check_i64(e.rows[1].open, 18 * 60);
	check_i64(e.rows[1].close, 19 * 60);
	check_i64(e.rows[1].segments, 0);
	check_str(e.rows[1].why, "special session: Muhurat");
	check_i64(e.rows[2].close, 0);
	check_str(e.rows[2].why, "special session");
	check_i64(e.rows[3].segments, 1u << SEGMENT_FO | 1u << SEGMENT_FO_OPTIONS);
	check_str(e.rows[3].why, "special session: drill");
	check_i64(e.rows[5].segments, 1u << SEGMENT_CM | 1u << SEGMENT_CM_CAS);
	check_str(e.rows[5].why, "special session");
	check_i64(e.rows[6].segments, 0);
	check_i64(e.rows[7].kind, ENTRY_USUAL);
	check_i64(e.rows[8].kind, ENTRY_YEAR);
	calendar_entries_fini(&e);
	check_i64(calendar_file_parse("", 0, &e, &err), 0);
	check_i64(e.n, 0);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"closed 2027-01-26",
		"holiday",
		"holiday 2027-02-30",
		"holiday 27-01-26",
		"holiday 1999-01-26",
		"holiday tomorrow",
		"session 2027-01-26",
		"session 2027-01-26 18:00",
		"session 2027-01-26 18:00-18:00",
		"session 2027-01-26 19:00-18:00",
		"session 2027-01-26 18:00-24:00",
		"session 2027-01-26 18:60-19:00",
		"session 2027-01-26 18:00_19:00",
		"session 2027-01-26 1800-1900",
		"session 2027-01-26 Muhurat",
		"year 27",
		"year 20277",
		"year 2100",
		"year x027",
		"holiday 2027-01-26\nx\nholiday 2027-01-26",
		"usual 2027-01-27\nx\nholiday 2027-01-27",
		"session 2027-01-27 usual\nx\nholiday 2027-01-27",
		"session 2027-01-27 usual\nx\nsession 2027-01-27 18:00-19:00",
		"session 2027-01-27 10:00-11:00\nx\nsession 2027-01-27 10:30-12:00",
		"session 2027-01-27 10:00-11:00\nx\nsession 2027-01-27 10:30-12:00 FO",
		"session 2027-01-27 10:00-11:00\nx\nsession 2027-01-27 08:00-09:00",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct calendar_entries e;
		struct agni_err err = {0};
		char text[256], *x;

		/* An "x" alone on a line stands for one that says nothing. */
		snprintf(text, sizeof(text), "%s", bad[i]);
		x = strstr(text, "\nx\n");
		if (x)
			x[1] = '#';
		if (calendar_file_parse(text, strlen(text), &e, &err) != AGNI_EPARSE)
			fail_msg("passes: %s", text);
		check(strncmp(err.text, x ? "line 3: " : "line 1: ", 8) == 0);
		check(e.n == 0 && e.rows == NULL);
	}
}

static void test_limits(void **state)
{
	struct calendar_entries e;
	char text[CALENDAR_ENTRIES_MAX * 10 + 400] = "";
	size_t n = 0;

	(void)state;
	memset(text, ' ', 300);
	check_i64(calendar_file_parse(text, 256, &e, NULL), 0);
	check_i64(calendar_file_parse(text, 257, &e, NULL), AGNI_EPARSE);
	check_i64(calendar_file_parse("year 2027\0", 10, &e, NULL), AGNI_EPARSE);
	for (int i = 0; i < CALENDAR_ENTRIES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "year 2027\n");
	check_i64(calendar_file_parse(text, n, &e, NULL), 0);
	check_i64(e.n, CALENDAR_ENTRIES_MAX);
	calendar_entries_fini(&e);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "year 2027\n");
	check_i64(calendar_file_parse(text, n, &e, NULL), AGNI_EPARSE);
}

static void test_load(void **state)
{
	struct calendar_entries e;
	struct agni_err err = {0};
	char path[64];
	FILE *f;

	(void)state;
	check(calendar_file_load("/nowhere/calendar", &e, &err) < 0);
	check(strstr(err.text, "calendar.file: /nowhere/calendar") != NULL);
	check(calendar_file_load("/tmp", &e, &err) < 0);
	snprintf(path, sizeof(path), "/tmp/agni_test_calendar_%d", (int)getpid());
	f = fopen(path, "w");
	check(f != NULL);
	fputs("holiday 2027-01-26\nnonsense\n", f);
	fclose(f);
	check_i64(calendar_file_load(path, &e, &err), AGNI_EPARSE);
	check(strstr(err.text, path) && strstr(err.text, "line 2: "));
	f = fopen(path, "w");
	check(f != NULL);
	fputs("holiday 2027-01-26\n", f);
	fclose(f);
	check_i64(calendar_file_load(path, &e, &err), 0);
	check_i64(e.n, 1);
	calendar_entries_fini(&e);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
