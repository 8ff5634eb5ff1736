/* SPDX-License-Identifier: MIT
 *
 * calendar: see calendar.h.
 *
 * A date is judged in this order: special session, holiday, weekend, else a trading day with the
 * hours that were in force on it. A special session on a holiday (muhurat) trades, yet it is no day
 * on which contracts expire: expiries move back to the day before, as for any holiday.
 */
#include "market/calendar.h"

#include "market/calendar_data.h"

#define MINUTE_MS        60000ll
#define SEARCH_DAYS      400
#define TUESDAY_EXPIRIES 20250901 /* first date of the rule; Thursday before */

/* 20251021 for 2025-10-21. */
static int32_t date_number(day_t d)
{
	int y, m, day;

	day_to_civil(d, &y, &m, &day);
	return y * 10000 + m * 100 + day;
}

/* The row that is in force; the first one of the segment for earlier dates. */
static const struct calendar_hours *hours_on(enum segment seg, int32_t date)
{
	const struct calendar_hours *found = NULL;

	for (const struct calendar_hours *h = calendar_usual_hours; h->from; h++) {
		if (h->segment == seg && (!found || h->from <= date))
			found = h;
	}
	return found;
}

static const struct calendar_holiday *holiday_on(int32_t date)
{
	for (const struct calendar_holiday *h = calendar_holidays; h->date; h++) {
		if (h->date == date)
			return h;
	}
	return NULL;
}

static const struct calendar_special *special_on(int32_t date)
{
	for (const struct calendar_special *s = calendar_specials; s->date; s++) {
		if (s->date == date)
			return s;
	}
	return NULL;
}

static bool is_weekend(day_t d)
{
	enum weekday w = day_weekday(d);

	return w == SATURDAY || w == SUNDAY;
}

static struct session session_at(day_t d, const struct calendar_hours *h, int open, int close)
{
	return (struct session){.pre_open_ms = ist_instant(d, (open - h->pre_open) * MINUTE_MS),
				.open_ms = ist_instant(d, open * MINUTE_MS),
				.close_ms = ist_instant(d, close * MINUTE_MS)};
}

/* The rows of one date that begin at `s`; those without hours do not count. */
static int special_sessions(const struct calendar_special *s, day_t d,
			    const struct calendar_hours *h, struct session out[SESSIONS_MAX])
{
	int32_t date = s->date;
	int n = 0;

	for (; s->date == date && n < SESSIONS_MAX; s++) {
		if (s->open == 0)
			out[n++] = session_at(d, h, h->open, h->close);
		else if (s->open > 0)
			out[n++] = session_at(d, h, s->open, s->close);
	}
	return n;
}

bool calendar_is_covered(day_t d)
{
	int32_t year = date_number(d) / 10000;

	return year >= CALENDAR_FIRST_YEAR && year <= CALENDAR_LAST_YEAR;
}

int calendar_sessions(enum segment seg, day_t d, struct session out[SESSIONS_MAX], const char **why)
{
	int32_t date = date_number(d);
	const struct calendar_hours *hours = hours_on(seg, date);
	const struct calendar_special *special = special_on(date);
	const struct calendar_holiday *holiday = holiday_on(date);
	const char *ignored;

	if (!why)
		why = &ignored;
	if (special) {
		*why = special->why;
		return special_sessions(special, d, hours, out);
	}
	if (holiday) {
		*why = holiday->why;
		return 0;
	}
	if (is_weekend(d)) {
		*why = "weekend";
		return 0;
	}
	*why = calendar_is_covered(d) ? "trading day"
				      : "weekday of a year whose holidays are not known";
	out[0] = session_at(d, hours, hours->open, hours->close);
	return 1;
}

bool calendar_is_trading_day(enum segment seg, day_t d)
{
	struct session s[SESSIONS_MAX];

	return calendar_sessions(seg, d, s, NULL) > 0;
}

/* Whether `ms` lies in the closing phase that follows `s`. Sessions with hours of their own have
 * none that is known. */
static bool is_closing(enum segment seg, const struct session *s, int64_t ms)
{
	day_t d = ist_day(s->close_ms);
	const struct calendar_hours *h = hours_on(seg, date_number(d));

	return s->close_ms == ist_instant(d, h->close * MINUTE_MS) &&
	       ms >= s->close_ms + h->closing_from * MINUTE_MS &&
	       ms < s->close_ms + h->closing_to * MINUTE_MS;
}

enum market_phase calendar_phase(enum segment seg, int64_t ms)
{
	struct session s[SESSIONS_MAX];
	int n = calendar_sessions(seg, ist_day(ms), s, NULL);

	for (int i = 0; i < n; i++) {
		if (ms >= s[i].pre_open_ms && ms < s[i].open_ms)
			return PHASE_PRE_OPEN;
		if (ms >= s[i].open_ms && ms < s[i].close_ms)
			return PHASE_OPEN;
		if (is_closing(seg, &s[i], ms))
			return PHASE_CLOSING;
	}
	return PHASE_CLOSED;
}

const char *market_phase_text(enum market_phase p)
{
	static const char *const text[] = {"closed", "pre_open", "open", "closing"};

	return text[p];
}

int64_t calendar_next_open(enum segment seg, int64_t ms)
{
	day_t first = ist_day(ms);
	struct session s[SESSIONS_MAX];

	for (day_t d = first; d <= first + SEARCH_DAYS; d++) {
		int n = calendar_sessions(seg, d, s, NULL);

		for (int i = 0; i < n; i++) {
			if (s[i].open_ms > ms)
				return s[i].open_ms;
		}
	}
	return 0;
}

int64_t calendar_next_close(enum segment seg, int64_t ms)
{
	day_t first = ist_day(ms);
	struct session s[SESSIONS_MAX];

	for (day_t d = first; d <= first + SEARCH_DAYS; d++) {
		int n = calendar_sessions(seg, d, s, NULL);

		for (int i = 0; i < n; i++) {
			if (s[i].close_ms >= ms)
				return s[i].close_ms;
		}
	}
	return 0;
}

day_t calendar_previous_trading_day(enum segment seg, day_t d)
{
	do
		d--;
	while (!calendar_is_trading_day(seg, d));
	return d;
}

static enum weekday expiry_weekday(day_t d)
{
	return date_number(d) >= TUESDAY_EXPIRIES ? TUESDAY : THURSDAY;
}

/* Back to a day that is neither holiday nor weekend. */
static day_t expiry_from_rule(day_t d)
{
	while (is_weekend(d) || holiday_on(date_number(d)))
		d--;
	return d;
}

day_t calendar_weekly_expiry(day_t d)
{
	/* The rule's day of this week may move to before `d`; then it is next week's. */
	for (day_t rule = d;; rule++) {
		if (day_weekday(rule) == expiry_weekday(rule) && expiry_from_rule(rule) >= d)
			return expiry_from_rule(rule);
	}
}

/* The monthly expiry of a month; month 13 is January of the next year. */
static day_t month_expiry(int year, int month)
{
	day_t d = (month >= 12 ? day_from_civil(year + 1, month - 11, 1)
			       : day_from_civil(year, month + 1, 1)) -
		  1;
	enum weekday rule = expiry_weekday(d);

	while (day_weekday(d) != rule)
		d--;
	return expiry_from_rule(d);
}

day_t calendar_monthly_expiry(day_t d)
{
	int y, m, day;
	day_t expiry;

	day_to_civil(d, &y, &m, &day);
	expiry = month_expiry(y, m);
	return expiry >= d ? expiry : month_expiry(y, m + 1);
}

int64_t calendar_expiry_instant(day_t d)
{
	return ist_instant(d, hours_on(SEGMENT_FO, date_number(d))->close * MINUTE_MS);
}
