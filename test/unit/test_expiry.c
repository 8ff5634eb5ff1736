/* SPDX-License-Identifier: MIT
 *
 * test_expiry: expiry days and lots against independent lists, and at the dates of the rules.
 */
#include "../lib/check.h"
#include "../lib/csv.h"
#include "../lib/listed.h"
#include "market/expiry.h"

static day_t day(int y, int m, int d)
{
	return day_from_civil(y, m, d);
}

static int64_t at(int y, int m, int d, int hour, int minute)
{
	return ist_instant(day(y, m, d), (hour * 60 + minute) * 60000ll);
}

static day_t last_expiry[2]; /* weekly, monthly */

static day_t last_bank;

/* BANKNIFTY has months only. */
static void bank_row(day_t d, bool is_monthly)
{
	check(is_monthly);
	for (day_t k = last_bank ? last_bank + 1 : d; k <= d; k++)
		check_i64(expiry_next("BANKNIFTY", CYCLE_MONTHLY, k), d);
	check_i64(expiry_next("BANKNIFTY", CYCLE_WEEKLY, d), 0);
	last_bank = d;
}

static void expiry_row(char *field[8])
{
	bool is_monthly = strcmp(field[2], "monthly") == 0;
	day_t d = csv_day(field[0]);

	if (strcmp(field[1], "NIFTY") != 0) {
		bank_row(d, is_monthly);
		return;
	}
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
	last_expiry[0] = last_expiry[1] = last_bank = 0;
	check_i64(csv_each_row("calendar/index_expiries_2025_2026.csv", expiry_row), 129);
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

/* Each rule of the file, on its first and its last day, for what it says of the weekday. */
static int rules_seen;

static void rule_row(char *field[8])
{
	static const char *const names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	enum expiry_cycle cycle = strcmp(field[1], "weekly") == 0 ? CYCLE_WEEKLY : CYCLE_MONTHLY;
	day_t from = field[2][0] ? csv_day(field[2]) : day(2024, 1, 1);
	day_t to = field[3][0] ? csv_day(field[3]) : day(2026, 12, 31);
	const char *weekday = field[4] + (strncmp(field[4], "last ", 5) == 0 ? 5 : 0);
	int n = 0;

	if (strncmp(field[1], "quarterly", 9) == 0)
		return; /* those are months, too */
	if (from < day(2024, 1, 1))
		from = day(2024, 1, 1);
	for (day_t d = from; d <= to; d++) {
		day_t e = expiry_next(field[0], cycle, d);

		/* Far from holidays the rule's own weekday is left. */
		if (e != d || day_weekday(d) == MONDAY)
			continue;
		if (strcmp(names[day_weekday(d)], weekday) != 0)
			check(calendar_expiry_from_rule(d + 1) == d || d + 1 > to);
		n++;
	}
	if (to >= from + 60)
		check(n >= 2);
	rules_seen++;
}

static void test_rules(void **state)
{
	(void)state;
	rules_seen = 0;
	check_i64(csv_each_row("calendar/nse_expiry_rules.csv", rule_row), 17);
	check_i64(rules_seen, 15);
}

static void test_rules_without_data(void **state)
{
	(void)state;
	/* BANKNIFTY's weeks ended. */
	check_i64(expiry_next("BANKNIFTY", CYCLE_WEEKLY, day(2024, 11, 7)), day(2024, 11, 13));
	check_i64(expiry_next("BANKNIFTY", CYCLE_WEEKLY, day(2024, 11, 14)), 0);
	check_i64(expiry_next("BANKNIFTY", CYCLE_MONTHLY, day(2024, 12, 20)), day(2024, 12, 24));
	check_i64(expiry_next("BANKNIFTY", CYCLE_MONTHLY, day(2025, 1, 1)), day(2025, 1, 30));
	/* A share's months; it has no weeks. */
	check_i64(expiry_next("RELIANCE", CYCLE_MONTHLY, day(2025, 8, 29)), day(2025, 9, 30));
	check_i64(expiry_next("RELIANCE", CYCLE_WEEKLY, day(2025, 8, 29)), 0);
	check_i64(expiry_next("FINNIFTY", CYCLE_MONTHLY, day(2026, 3, 25)), day(2026, 3, 30));
	/* Before NIFTY had weeks. */
	check_i64(expiry_next("NIFTY", CYCLE_WEEKLY, day(2018, 6, 1)), 0);
	check_i64(calendar_weekly_expiry(day(2018, 6, 1)), day(2018, 6, 28));
}

static void lot_row(char *field[8])
{
	int lot = atoi(field[3]);

	if (field[1][0])
		check_i64(expiry_lot_size(field[0], csv_day(field[1])), lot);
	if (field[2][0])
		check_i64(expiry_lot_size(field[0], csv_day(field[2])), lot);
	else
		check_i64(expiry_lot_size(field[0], day(2026, 12, 29)), lot);
}

static void test_lots(void **state)
{
	(void)state;
	check_i64(csv_each_row("calendar/nse_lot_sizes.csv", lot_row), 14);
}

static void test_lots_without_data(void **state)
{
	(void)state;
	check_i64(expiry_lot_size("NIFTY", day(2025, 12, 30)), 75);
	check_i64(expiry_lot_size("NIFTY", day(2026, 1, 6)), 65);
	check_i64(expiry_lot_size("BANKNIFTY", day(2026, 1, 27)), 30);
	check_i64(expiry_lot_size("RELIANCE", day(2026, 1, 27)), 0);
	check_i64(expiry_lot_size("FINNIFTY", day(2024, 1, 27)), 0);
}

/* What the exchange really listed: rule, holidays and lots against the broker's master. */
static void test_against_the_master(void **state)
{
	struct master *m = listed_file("instruments/upstox_nse_20260113.json.gz");
	unsigned weeks = 0, months = 0;

	(void)state;
	for (uint32_t i = 0; i < m->contracts_n; i++) {
		const struct master_row *r = &m->rows[m->contracts[i]];
		const char *symbol = master_text(m, m->underlyings[r->underlying].symbol);
		bool is_index = strcmp(symbol, "NIFTY") == 0 || strcmp(symbol, "BANKNIFTY") == 0;

		/* Holidays are known up to the end of 2026. */
		if (strncmp(master_text(m, r->key), "NSE_FO|", 7) != 0 ||
		    r->expiry > day(2026, 12, 31))
			continue;
		check_i64(
			expiry_next(symbol, r->is_weekly ? CYCLE_WEEKLY : CYCLE_MONTHLY, r->expiry),
			r->expiry);
		if (is_index)
			check_i64(expiry_lot_size(symbol, r->expiry), r->lot_size);
		weeks += r->is_weekly;
		months += !r->is_weekly;
	}
	check(weeks > 500 && months > 30000);
	master_release(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expiries),
		cmocka_unit_test(test_expiries_without_data),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_rules_without_data),
		cmocka_unit_test(test_lots),
		cmocka_unit_test(test_lots_without_data),
		cmocka_unit_test(test_against_the_master),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
