/* SPDX-License-Identifier: MIT
 *
 * test_session: the broker's word on a segment beats the calendar; without it the calendar rules.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "core/ist.h"
#include "upstox/session.h"
#include "upstox/frame.h"

#define FO    "NSE_FO|45450"
#define EQ    "NSE_EQ|INE002A01018"
#define INDEX "NSE_INDEX|Nifty 50"

static int64_t at(const char *text)
{
	int64_t ms = 0;

	check(ist_parse(text, strlen(text), &ms));
	return ms;
}

static bool note(struct session_table *t, const char *segment, int status)
{
	return session_note(t, segment, strlen(segment), status);
}

static void test_calendar(void **state)
{
	struct session_table t = {0};
	int64_t noon = at("2026-01-23T12:00:00"), night = at("2026-01-23T20:00:00");

	(void)state;
	check(session_is_open(&t, FO, noon));
	check(session_is_open(&t, EQ, noon));
	check(session_is_open(&t, INDEX, noon));
	check(session_is_open(&t, "BSE_FO|1127928", noon));
	check(!session_is_open(&t, FO, night));
	check(!session_is_open(&t, INDEX, night));
	check(!session_is_open(&t, FO, at("2026-01-26T12:00:00"))); /* Republic Day */
	check(!session_is_open(&t, FO, at("2026-01-24T12:00:00"))); /* Saturday */
	/* From 2026-08-03 derivatives trade ten minutes longer than shares. */
	check(session_is_open(&t, FO, at("2026-08-04T15:35:00")));
	check(!session_is_open(&t, EQ, at("2026-08-04T15:35:00")));
	/* Segments that the calendar does not know count as closed until told. */
	check(!session_is_open(&t, "MCX_FO|1", noon));
	check(!session_is_open(&t, "NCD_FO|1", noon));
	check(!session_is_open(&t, "X|1", noon));
}

static void test_broker_beats_calendar(void **state)
{
	struct session_table t = {0};
	int64_t noon = at("2026-01-23T12:00:00"), night = at("2026-01-23T20:00:00");

	(void)state;
	check(note(&t, "NSE_FO", STATUS_NORMAL_CLOSE));
	check(!session_is_open(&t, FO, noon));
	check(session_is_open(&t, EQ, noon)); /* not spoken of */
	check(note(&t, "NSE_FO", STATUS_NORMAL_OPEN));
	check(session_is_open(&t, FO, night));
	check(!note(&t, "NSE_FO", STATUS_NORMAL_OPEN)); /* no news */
	for (int s = STATUS_PRE_OPEN_START; s <= STATUS_CLOSING_END + 1; s++) {
		note(&t, "NSE_FO", s);
		check_i64(session_is_open(&t, FO, night), s == STATUS_NORMAL_OPEN);
	}
	/* PRE_OPEN_START is zero, and a value all the same. */
	note(&t, "NSE_EQ", STATUS_PRE_OPEN_START);
	check(!session_is_open(&t, EQ, noon));
}

static void test_unknown_segments(void **state)
{
	struct session_table t = {0};
	int64_t noon = at("2026-01-23T12:00:00");
	char name[32];

	(void)state;
	check(note(&t, "MCX_FO", STATUS_NORMAL_OPEN));
	check(session_is_open(&t, "MCX_FO|7", noon));
	check(!session_is_open(&t, "MCX_F|7", noon)); /* a prefix is another name */
	check(!session_is_open(&t, "MCX_FOX|7", noon));
	/* Names that do not fit are left out; the table does not run over. */
	check(!note(&t, "", STATUS_NORMAL_OPEN));
	check(!note(&t, "A_SEGMENT_WITH_A_NAME_BEYOND_ALL_USE", STATUS_NORMAL_OPEN));
	for (int i = 0; i < 2 * SEGMENTS_MAX; i++) {
		snprintf(name, sizeof(name), "SEG_%d", i);
		check_i64(note(&t, name, STATUS_NORMAL_OPEN),
			  t.n <= SEGMENTS_MAX && i < SEGMENTS_MAX - 1);
	}
	check_i64(t.n, SEGMENTS_MAX);
	check(note(&t, "MCX_FO", STATUS_NORMAL_CLOSE)); /* a full table still takes news */
	check(!session_is_open(&t, "MCX_FO|7", noon));
}

static void test_text(void **state)
{
	(void)state;
	check_str(session_status_text(STATUS_PRE_OPEN_START), "PRE_OPEN_START");
	check_str(session_status_text(STATUS_NORMAL_OPEN), "NORMAL_OPEN");
	check_str(session_status_text(STATUS_CLOSING_END), "CLOSING_END");
	check_str(session_status_text(6), "UNKNOWN");
	check_str(session_status_text(-1), "UNKNOWN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_broker_beats_calendar),
		cmocka_unit_test(test_unknown_segments),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
