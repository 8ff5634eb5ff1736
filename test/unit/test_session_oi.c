/* SPDX-License-Identifier: MIT
 *
 * Which session's numbers are shown, which they are compared with, and the file between them.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "options/session_oi.h"

static const char *at(const char *ist, bool before)
{
	static char text[IST_TEXT];
	int64_t ms;

	check(ist_parse(ist, strlen(ist), &ms));
	return day_format(before ? session_oi_day_before(ms) : session_oi_day(ms), text);
}

static void expect(const char *ist, const char *shown, const char *before)
{
	check_str(at(ist, false), shown);
	check_str(at(ist, true), before);
}

static void test_sessions(void **state)
{
	(void)state;
	/* An ordinary Wednesday: until the open yesterday's numbers stand, then its own. */
	expect("2026-01-14T00:00:00", "2026-01-13", "2026-01-12");
	expect("2026-01-14T09:14:59.999", "2026-01-13", "2026-01-12");
	expect("2026-01-14T09:15:00", "2026-01-14", "2026-01-13");
	expect("2026-01-14T23:59:59", "2026-01-14", "2026-01-13");
	/* A weekend: Friday's against Thursday's, until Monday's open. */
	expect("2026-01-10T12:00:00", "2026-01-09", "2026-01-08");
	expect("2026-01-11T12:00:00", "2026-01-09", "2026-01-08");
	expect("2026-01-12T09:00:00", "2026-01-09", "2026-01-08");
	expect("2026-01-12T09:15:00", "2026-01-12", "2026-01-09");
	/* A holiday: 2026-01-26, a Monday. */
	expect("2026-01-26T12:00:00", "2026-01-23", "2026-01-22");
	expect("2026-01-27T10:00:00", "2026-01-27", "2026-01-23");
	/* Muhurat, 2025-10-21 13:45 to 14:45, is a session; the 22nd is a holiday. */
	expect("2025-10-21T13:44:59", "2025-10-20", "2025-10-17");
	expect("2025-10-21T13:45:00", "2025-10-21", "2025-10-20");
	expect("2025-10-23T10:00:00", "2025-10-23", "2025-10-21");
	/* A Sunday with a session: the budget's, 2026-02-01. */
	expect("2026-02-01T12:00:00", "2026-02-01", "2026-01-30");
	expect("2026-02-02T09:15:00", "2026-02-02", "2026-02-01");
}

static void check_close(const char *day, const char *close)
{
	char text[IST_TEXT];
	day_t d;

	check(day_parse(day, strlen(day), &d));
	check_str(ist_format(session_oi_close(d), text), close);
}

static void test_close(void **state)
{
	(void)state;
	check_close("2026-01-14", "2026-01-14T15:30:00.000+05:30");
	check_close("2026-08-04", "2026-08-04T15:40:00.000+05:30");
	check_close("2025-10-21", "2025-10-21T14:45:00.000+05:30");
	check_i64(session_oi_close(day_from_civil(2026, 1, 26)), 0);
}

static void test_file(void **state)
{
	const day_t day = day_from_civil(2026, 1, 13);
	struct oi_table t, back;
	struct buf text = {0};
	struct agni_err err;
	int64_t oi;

	(void)state;
	oi_table_init(&t, day);
	oi_table_set(&t, "NSE_FO|45450", 12, 1);
	oi_table_set(&t, "NSE_FO|45451", 12, 0);
	oi_table_set(&t, "NSE_FO|45450", 12, 1250175);
	oi_table_text(&t, &text);
	check(strstr(buf_cstr(&text), "agnidata open interest 1 2026-01-13\nNSE_FO|45450 1250175\n"
				      "NSE_FO|45451 0\nend 2 ") == text.data);
	oi_table_init(&back, day);
	check_i64(oi_table_parse(&back, text.data, text.len, &err), 0);
	check(oi_table_get(&back, "NSE_FO|45450", 12, &oi));
	check_i64(oi, 1250175);
	check(oi_table_get(&back, "NSE_FO|45451", 12, &oi));
	check_i64(oi, 0);
	check(!oi_table_get(&back, "NSE_FO|45452", 12, &oi));
	oi_table_fini(&back);
	/* Of another day it is none. */
	oi_table_init(&back, day + 1);
	check_i64(oi_table_parse(&back, text.data, text.len, &err), AGNI_EPARSE);
	oi_table_fini(&back);
	/* Cut anywhere, or with any byte changed, it is not believed. */
	for (size_t i = 0; i < text.len; i++) {
		char *copy = mem_strndup(text.data, text.len);

		oi_table_init(&back, day);
		check_i64(oi_table_parse(&back, copy, i, &err), AGNI_EPARSE);
		oi_table_fini(&back);
		copy[i] ^= 1;
		oi_table_init(&back, day);
		check_i64(oi_table_parse(&back, copy, text.len, &err), AGNI_EPARSE);
		oi_table_fini(&back);
		free(copy);
	}
	buf_fini(&text);
	oi_table_fini(&t);
}

/* The day's own file before the broker's word; of a file that is not whole nothing. */
static void test_previous(void **state)
{
	const day_t day = day_from_civil(2026, 1, 13);
	struct session_oi s;
	struct oi_table t;
	struct buf text = {0};
	struct agni_err err;
	int64_t oi = -1;

	(void)state;
	session_oi_init(&s);
	check_i64(session_oi_previous(&s, "NSE_FO|1", 8, &oi), PREV_OI_NONE);
	oi_table_init(&t, day);
	oi_table_set(&t, "NSE_FO|1", 8, 100);
	oi_table_text(&t, &text);
	check_i64(session_oi_begin(&s, day, text.data, text.len, &err), 0);
	oi_table_set(&s.broker, "NSE_FO|1", 8, 90);
	oi_table_set(&s.broker, "NSE_FO|2", 8, 80);
	check_i64(session_oi_previous(&s, "NSE_FO|1", 8, &oi), PREV_OI_SESSION);
	check_i64(oi, 100);
	check_i64(session_oi_previous(&s, "NSE_FO|2", 8, &oi), PREV_OI_BROKER);
	check_i64(oi, 80);
	check_i64(session_oi_begin(&s, day, text.data, text.len - 1, &err), AGNI_EPARSE);
	check_i64(session_oi_previous(&s, "NSE_FO|1", 8, &oi), PREV_OI_BROKER);
	check_i64(oi, 90);
	check_i64(session_oi_begin(&s, day + 1, NULL, 0, &err), 0);
	check_i64(session_oi_previous(&s, "NSE_FO|2", 8, &oi), PREV_OI_NONE);
	check_str(prev_oi_source_text(PREV_OI_BROKER), "broker");
	buf_fini(&text);
	oi_table_fini(&t);
	session_oi_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_previous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
