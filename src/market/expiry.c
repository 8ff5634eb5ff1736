/* SPDX-License-Identifier: MIT
 *
 * expiry: see expiry.h.
 *
 * Sources: NSE circulars of 2023 to 2025 on the days of expiry, of 2024-10-18, 2025-03-28 and
 * NSE/FAOP/70616 on lots. The start of BANKNIFTY's Wednesday months, March 2024, is approximate.
 */
#include "market/expiry.h"

#include <string.h>

#define WEEKLY_DAYS  14 /* to look ahead for a rule's day */
#define MONTHLY_DAYS 70
#define SHARES       "STOCKS"

/* In force for the rule's own day, before a holiday moves it. */
static const struct expiry_rule {
	const char *underlying;
	enum expiry_cycle cycle;
	int32_t from, to; /* dates as they are read; 0: open */
	enum weekday weekday;
} rules[] = {
	{"NIFTY", CYCLE_WEEKLY, 20190211, 20250831, THURSDAY},
	{"NIFTY", CYCLE_WEEKLY, 20250901, 0, TUESDAY},
	{"NIFTY", CYCLE_MONTHLY, 0, 20250831, THURSDAY},
	{"NIFTY", CYCLE_MONTHLY, 20250901, 0, TUESDAY},
	{"BANKNIFTY", CYCLE_WEEKLY, 20160527, 20230903, THURSDAY},
	{"BANKNIFTY", CYCLE_WEEKLY, 20230904, 20241113, WEDNESDAY},
	{"BANKNIFTY", CYCLE_MONTHLY, 20240301, 20241231, WEDNESDAY},
	{"BANKNIFTY", CYCLE_MONTHLY, 20250101, 20250831, THURSDAY},
	{"BANKNIFTY", CYCLE_MONTHLY, 20250901, 0, TUESDAY},
	{"FINNIFTY", CYCLE_MONTHLY, 20250101, 20250831, THURSDAY},
	{"FINNIFTY", CYCLE_MONTHLY, 20250901, 0, TUESDAY},
	{"MIDCPNIFTY", CYCLE_MONTHLY, 20250101, 20250831, THURSDAY},
	{"MIDCPNIFTY", CYCLE_MONTHLY, 20250901, 0, TUESDAY},
	{SHARES, CYCLE_MONTHLY, 0, 20250831, THURSDAY},
	{SHARES, CYCLE_MONTHLY, 20250901, 0, TUESDAY},
};

/* By expiry, newest first. */
static const struct lot {
	const char *underlying;
	int32_t from;
	int lot;
} lots[] = {
	{"NIFTY", 20260106, 65},       {"NIFTY", 20250102, 75},
	{"NIFTY", 20240426, 25},       {"NIFTY", 0, 50},
	{"BANKNIFTY", 20260127, 30},   {"BANKNIFTY", 20250731, 35},
	{"BANKNIFTY", 20250130, 30},   {"BANKNIFTY", 0, 15},
	{"FINNIFTY", 20260127, 60},    {"FINNIFTY", 20250130, 65},
	{"MIDCPNIFTY", 20260127, 120}, {"MIDCPNIFTY", 20250731, 140},
	{"MIDCPNIFTY", 20250130, 120}, {"NIFTYNXT50", 20250130, 25},
};

static int32_t date_number(day_t d)
{
	int y, m, day;

	day_to_civil(d, &y, &m, &day);
	return y * 10000 + m * 100 + day;
}

static const char *rule_name(const char *underlying)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (strcmp(rules[i].underlying, underlying) == 0)
			return underlying;
	}
	return SHARES;
}

/* Whether `d` is the last of its weekday in its month. */
static bool is_last_of_month(day_t d)
{
	int y, m, day, next_month;

	day_to_civil(d, &y, &m, &day);
	day_to_civil(d + 7, &y, &next_month, &day);
	return next_month != m;
}

/* Whether the rules name `d` itself, before any holiday moves it. */
static bool is_rule_day(const char *name, enum expiry_cycle cycle, day_t d)
{
	int32_t date = date_number(d);

	if (cycle == CYCLE_MONTHLY && !is_last_of_month(d))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct expiry_rule *r = &rules[i];

		if (r->cycle == cycle && r->weekday == day_weekday(d) && r->from <= date &&
		    (r->to == 0 || date <= r->to) && strcmp(r->underlying, name) == 0)
			return true;
	}
	return false;
}

day_t expiry_next(const char *underlying, enum expiry_cycle cycle, day_t d)
{
	const char *name = rule_name(underlying);
	day_t last = d + (cycle == CYCLE_WEEKLY ? WEEKLY_DAYS : MONTHLY_DAYS);

	/* The rule's day of this week may move to before `d`; then the next one is meant. */
	for (day_t rule = d; rule <= last; rule++) {
		if (is_rule_day(name, cycle, rule) && calendar_expiry_from_rule(rule) >= d)
			return calendar_expiry_from_rule(rule);
	}
	return 0;
}

int expiry_lot_size(const char *underlying, day_t expiry)
{
	for (size_t i = 0; i < ARRAY_LEN(lots); i++) {
		if (strcmp(lots[i].underlying, underlying) == 0 &&
		    date_number(expiry) >= lots[i].from)
			return lots[i].lot;
	}
	return 0;
}

day_t calendar_weekly_expiry(day_t d)
{
	day_t weekly = expiry_next("NIFTY", CYCLE_WEEKLY, d);

	return weekly ? weekly : calendar_monthly_expiry(d);
}

day_t calendar_monthly_expiry(day_t d)
{
	return expiry_next("NIFTY", CYCLE_MONTHLY, d);
}
