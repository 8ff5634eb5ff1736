/* SPDX-License-Identifier: MIT
 *
 * When a token dies: the next 03:30 IST, whatever the day, and what sources may say besides.
 */
#include <cjson/cJSON.h>

#include "../lib/check.h"
#include "core/ist.h"
#include "token/lifetime.h"

static int64_t at(const char *text)
{
	int64_t ms;

	check(ist_parse(text, strlen(text), &ms));
	return ms;
}

static void test_next_0330(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{"2025-10-28T20:00", "2025-10-29T03:30"},
		{"2025-10-29T02:30", "2025-10-29T03:30"},
		{"2025-10-29T03:29:59.999", "2025-10-29T03:30"},
		{"2025-10-29T03:30", "2025-10-30T03:30"}, /* strictly after */
		{"2025-10-29T03:30:00.001", "2025-10-30T03:30"},
		{"2025-10-31T23:59:59.999", "2025-11-01T03:30"},
		{"2025-12-31T12:00", "2026-01-01T03:30"},
		{"2028-02-28T12:00", "2028-02-29T03:30"},
		{"2028-02-29T12:00", "2028-03-01T03:30"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_i64(lifetime_next_0330(at(rows[i].from)), at(rows[i].to));
	check_i64(lifetime_next_0330(0), 22 * 3600000ll);
}

/* For any instant: after it, at most a day away, and 03:30 on an Indian clock. */
static void test_next_0330_of_any_instant(void **state)
{
	(void)state;
	for (int64_t ms = at("2024-01-01T00:00"); ms < at("2025-02-01T00:00"); ms += 6123457) {
		int64_t next = lifetime_next_0330(ms);

		check(next > ms && next - ms <= DAY_MS);
		check_i64(ist_ms_of_day(next), (3 * 60 + 30) * 60000);
	}
}

static void test_daily(void **state)
{
	int64_t issued = at("2025-10-28T08:00");

	(void)state;
	check_i64(lifetime_daily(issued, 0, 24), at("2025-10-29T03:30"));
	check_i64(lifetime_daily(issued, at("2025-10-29T08:00"), 24), at("2025-10-29T03:30"));
	check_i64(lifetime_daily(issued, at("2025-10-28T16:00"), 24), at("2025-10-28T16:00"));
	check_i64(lifetime_daily(issued, 0, 6), at("2025-10-28T14:00"));
}

static void test_jwt(void **state)
{
	(void)state;
	/* {"sub":"ABC123","iat":1769140800,"exp":1769205600} */
	check_i64(lifetime_jwt_expiry("eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiJBQkMxMjMiLCJpYXQiOjE3NjkxNDA4M"
				      "DAsImV4cCI6MTc2OTIwNTYwMH0.c2ln"),
		  1769205600000);
	check_i64(lifetime_jwt_expiry("opaque"), 0);
	check_i64(lifetime_jwt_expiry("a.b.c"), 0);
	check_i64(lifetime_jwt_expiry("a.!!.c"), 0);
	check_i64(lifetime_jwt_expiry(".."), 0);
	check_i64(lifetime_jwt_expiry("a.e30.c"), 0); /* {} */
}

static int64_t parse(const char *json)
{
	cJSON *item = cJSON_Parse(json);
	int64_t ms = lifetime_parse(item);

	cJSON_Delete(item);
	return ms;
}

static void test_parse(void **state)
{
	static const char *const bad[] = {"true",
					  "[]",
					  "\"soon\"",
					  "-1",
					  "\"2026-02-30T00:00:00\"",
					  "\"2026-01-23\"",
					  "1e300",
					  "\"99999999999999999\"",
					  "\"2026-01-23T14:59:29.\"",
					  "0"};

	(void)state;
	check_i64(lifetime_parse(NULL), 0);
	check_i64(parse("null"), 0);
	check_i64(parse("\"\""), 0);
	check_i64(parse("\"2026-01-23T14:59:29.075+05:30\""), 1769160569075);
	check_i64(parse("\"2026-01-23T14:59:29\""), 1769160569000);
	check_i64(parse("\"2026-01-23T09:29:29Z\""), 1769160569000);
	check_i64(parse("\"2026-01-23T09:29:29+00:00\""), 1769160569000);
	check_i64(parse("\"2026-01-23T14:59:29.075123\""), 1769160569075);
	check_i64(parse("\"2026-01-23T14:59:29.0\""), 1769160569000);
	check_i64(parse("\"2026-01-23T09:29:29.075123+00:00\""), 1769160569075);
	check_i64(parse("1769160569075"), 1769160569075);
	check_i64(parse("1769160569"), 1769160569000);
	check_i64(parse("\"1769160569075\""), 1769160569075);
	check_i64(parse("\"1769160569\""), 1769160569000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (parse(bad[i]) != -1)
			fail_msg("%s was taken", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next_0330), cmocka_unit_test(test_next_0330_of_any_instant),
		cmocka_unit_test(test_daily),     cmocka_unit_test(test_jwt),
		cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
