/* SPDX-License-Identifier: MIT
 *
 * test_holidays: the broker's list of holidays: its own sample, what it may not be, and there and
 * back: what the simulated exchange says of each year is what the calendar knows.
 */
#include "../lib/check.h"
#include "market/calendar_file.h"
#include "sim/listing.h"
#include "upstox/holidays.h"

static struct calendar_entries parse(const char *text)
{
	struct calendar_entries e;
	struct agni_err err;

	if (upstox_holidays_parse(text, strlen(text), &e, &err) < 0)
		fail_msg("%s", err.text);
	return e;
}

#define ANSWER(rows) "{\"status\":\"success\",\"data\":[" rows "]}"
#define ROW(date, closed, open)                                                                    \
	"{\"date\":\"" date "\",\"description\":\"Why\",\"holiday_type\":\"TRADING_HOLIDAY\","     \
	"\"closed_exchanges\":[" closed "],\"open_exchanges\":[" open "]}"
#define OPEN(name, from, to)                                                                       \
	"{\"exchange\":\"" name "\",\"start_time\":" from ",\"end_time\":" to "}"

static void test_rows(void **state)
{
	struct calendar_entries e = parse(ANSWER(
		ROW("2024-01-20", "\"MCX\",\"CDS\"",
		    OPEN("NSE", "1705722300000", "1705734000000") "," OPEN(
			    "NFO", "1705722300000",
			    "1705734000000")) "," ROW("2024-01-26", "\"NFO\",\"CDS\",\"NSE\"",
						      "") ","
		/* An ordinary day, which the broker calls a holiday. */
		ROW("2024-01-01", "",
		    OPEN("NSE", "1704080700000", "1704103200000") "," OPEN("NFO", "1704080700000",
									   "1704103200000")) ","
		/* Of other exchanges; of derivatives alone; the same date again. */
		ROW("2024-02-01", "\"MCX\"",
		    "") "," ROW("2024-01-22", "\"NSE\"",
				OPEN("NFO", "1705895100000",
				     "1705898700000")) "," ROW("2024-01-26", "",
							       OPEN("NSE", "1706240700000",
								    "1706244300000"))));

	(void)state;
	check_i64(e.n, 4);
	check_i64(e.rows[0].date, 20240120);
	check_i64(e.rows[0].kind, ENTRY_SESSION);
	check_i64(e.rows[0].open, 9 * 60 + 15);
	check_i64(e.rows[0].close, 12 * 60 + 30);
	check_i64(e.rows[0].segments, 0);
	check_str(e.rows[0].why, "special session: Why");
	check_i64(e.rows[1].date, 20240126);
	check_i64(e.rows[1].kind, ENTRY_HOLIDAY);
	check_str(e.rows[1].why, "holiday: Why");
	check_i64(e.rows[2].kind, ENTRY_USUAL);
	check_i64(e.rows[3].date, 20240122);
	check_i64(e.rows[3].segments, 1u << SEGMENT_FO | 1u << SEGMENT_FO_OPTIONS);
	calendar_entries_fini(&e);
	e = parse(ANSWER(""));
	check_i64(e.n, 0);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"<html>",
		"{}",
		"{\"data\":{}}",
		ANSWER("1"),
		ANSWER("{}"),
		ANSWER("{\"date\":20240126}"),
		ANSWER("{\"date\":\"26-01-2024\"}"),
		ANSWER(ROW("2024-01-20", "", OPEN("NSE", "\"x\"", "1705734000000"))),
		/* Of another day; ends before it begins; twice. */
		ANSWER(ROW("2024-01-21", "", OPEN("NSE", "1705722300000", "1705734000000"))),
		ANSWER(ROW("2024-01-20", "", OPEN("NSE", "1705734000000", "1705722300000"))),
		ANSWER(ROW("2024-01-20", "",
			   OPEN("NSE", "1705722300000", "1705734000000") "," OPEN(
				   "NSE", "1705722300000", "1705734000000"))),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct calendar_entries e;
		struct agni_err err;

		if (upstox_holidays_parse(bad[i], strlen(bad[i]), &e, &err) != AGNI_EPARSE)
			fail_msg("%s passes", bad[i]);
		check(e.rows == NULL && e.n == 0);
	}
}

/* Whether a day has the same hours with the entries in force as without. */
static void check_day(const struct calendar_entries *e, enum segment seg, day_t d)
{
	struct session with[SESSIONS_MAX] = {0}, without[SESSIONS_MAX] = {0};
	char text[IST_TEXT];
	int n;

	calendar_override(NULL);
	n = calendar_sessions(seg, d, without, NULL);
	calendar_override(e);
	if (calendar_sessions(seg, d, with, NULL) != n || memcmp(with, without, sizeof(with)) != 0)
		fail_msg("%s differs", day_format(d, text));
}

static void test_there_and_back(void **state)
{
	(void)state;
	for (int year = 2024; year <= 2026; year++) {
		struct buf text = {0};
		struct calendar_entries e;

		listing_write_holidays(&text, year);
		e = parse(buf_cstr(&text));
		check(e.n >= 14);
		for (day_t d = day_from_civil(year, 1, 1); d < day_from_civil(year + 1, 1, 1);
		     d++) {
			check_day(&e, SEGMENT_CM, d);
			check_day(&e, SEGMENT_FO, d);
			check_i64(calendar_expiry_from_rule(d) <= d, true);
		}
		calendar_override(NULL);
		calendar_entries_fini(&e);
		buf_fini(&text);
	}
}

/* A day of expiry is the same, whether the broker or the table told of its holiday. */
static void test_expiries(void **state)
{
	struct buf text = {0};
	struct calendar_entries e;
	day_t muhurat = day_from_civil(2025, 10, 21);

	(void)state;
	listing_write_holidays(&text, 2025);
	e = parse(buf_cstr(&text));
	calendar_override(&e);
	check_i64(calendar_expiry_from_rule(muhurat), muhurat - 1);
	calendar_override(NULL);
	check_i64(calendar_expiry_from_rule(muhurat), muhurat - 1);
	calendar_entries_fini(&e);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_expiries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
