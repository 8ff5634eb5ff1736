/* SPDX-License-Identifier: MIT
 *
 * calendar: see calendar.h.
 *
 * A date is judged in this order: what overrides (calendar_override), special session, holiday, weekend, else a trading day with the
 * hours that were in force on it. A special session on a holiday (muhurat) trades, yet it is no day
 * on which contracts expire: expiries move back to the day before, as for any holiday.
 */
#include "market/calendar.h"

#include "market/calendar_data.h"

#define MINUTE_MS   60000ll
#define SEARCH_DAYS 400

static const struct calendar_entries *extra; /* NULL: none */

void calendar_override(const struct calendar_entries *entries)
{
	extra = entries;
}

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

/* The first entry of a date, or NULL. */
static const struct calendar_entry *entry_on(int32_t date)
{
	for (size_t i = 0; extra && i < extra->n; i++) {
		if (extra->rows[i].date == date && extra->rows[i].kind != ENTRY_YEAR)
			return &extra->rows[i];
	}
	return NULL;
}

bool calendar_is_covered(day_t d)
{
	int32_t year = date_number(d) / 10000;

	for (size_t i = 0; extra && i < extra->n; i++) {
		if (extra->rows[i].kind == ENTRY_YEAR && extra->rows[i].date / 10000 == year)
			return true;
	}
	return year >= CALENDAR_FIRST_YEAR && year <= CALENDAR_LAST_YEAR;
}

/* The sessions that the entries of a date give the segment. */
static int entry_sessions(enum segment seg, const struct calendar_entry *e, day_t d,
			  const struct calendar_hours *h, struct session out[SESSIONS_MAX])
{
	const struct calendar_entry *end = extra->rows + extra->n;
	int32_t date = e->date;
	int n = 0;

	if (e->kind == ENTRY_HOLIDAY)
		return 0;
	for (; e < end && n < SESSIONS_MAX; e++) {
		bool is_for_us = !e->segments || e->segments & 1u << seg;

		if (e->date != date || e->kind == ENTRY_YEAR || !is_for_us)
			continue;
		if (e->kind == ENTRY_USUAL || e->close == 0)
			out[n++] = session_at(d, h, h->open, h->close);
		else
			out[n++] = session_at(d, h, e->open, e->close);
	}
	return n;
}

int calendar_sessions(enum segment seg, day_t d, struct session out[SESSIONS_MAX], const char **why)
{
	int32_t date = date_number(d);
	const struct calendar_hours *hours = hours_on(seg, date);
	const struct calendar_entry *entry = entry_on(date);
	const struct calendar_special *special = special_on(date);
	const struct calendar_holiday *holiday = holiday_on(date);
	const char *ignored;

	if (!why)
		why = &ignored;
	if (entry) {
		*why = entry->why;
		return entry_sessions(seg, entry, d, hours, out);
	}
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

static bool is_in_force(const struct calendar_stage *t, enum segment seg, int32_t date)
{
	return t->segments & 1u << seg && t->from <= date && (t->to == 0 || date <= t->to);
}

/* The stage of an instant outside of continuous trading, or NULL. */
static const struct calendar_stage *stage_at(enum segment seg, int64_t ms, const struct session *s,
					     int n)
{
	day_t d = ist_day(ms);
	int32_t date = date_number(d);
	const struct calendar_hours *h = hours_on(seg, date);
	bool is_usual = n == 1 && s->open_ms == ist_instant(d, h->open * MINUTE_MS) &&
			s->close_ms == ist_instant(d, h->close * MINUTE_MS);

	for (const struct calendar_stage *t = calendar_stages; t->name; t++) {
		if (!is_in_force(t, seg, date))
			continue;
		for (int i = 0; t->is_before_open && i < n; i++) {
			if (ms >= s[i].pre_open_ms && ms >= s[i].open_ms + t->start * MINUTE_MS &&
			    ms < s[i].open_ms + t->end * MINUTE_MS)
				return t;
		}
		/* Sessions with hours of their own have no closing phase that is known. */
		if (!t->is_before_open && is_usual && ms >= ist_instant(d, t->start * MINUTE_MS) &&
		    ms < ist_instant(d, t->end * MINUTE_MS))
			return t;
	}
	return NULL;
}

static bool is_open_at(int64_t ms, const struct session *s, int n)
{
	for (int i = 0; i < n; i++) {
		if (ms >= s[i].open_ms && ms < s[i].close_ms)
			return true;
	}
	return false;
}

enum market_phase calendar_phase(enum segment seg, int64_t ms)
{
	struct session s[SESSIONS_MAX];
	int n = calendar_sessions(seg, ist_day(ms), s, NULL);
	const struct calendar_stage *stage;

	if (is_open_at(ms, s, n))
		return PHASE_OPEN;
	stage = stage_at(seg, ms, s, n);
	return stage ? stage->phase : PHASE_CLOSED;
}

const char *calendar_stage(enum segment seg, int64_t ms)
{
	struct session s[SESSIONS_MAX];
	int n = calendar_sessions(seg, ist_day(ms), s, NULL);
	const struct calendar_stage *stage;

	if (is_open_at(ms, s, n))
		return "normal";
	stage = stage_at(seg, ms, s, n);
	return stage ? stage->name : "";
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

/* Whether an entry leaves its date no whole day of trading: a muhurat session of an hour does. */
static bool is_no_whole_day(const struct calendar_entry *e)
{
	const struct calendar_hours *h = hours_on(SEGMENT_FO, e->date);

	return e->kind == ENTRY_HOLIDAY || (e->kind == ENTRY_SESSION && e->close != 0 &&
					    (e->open > h->open || e->close < h->close));
}

day_t calendar_expiry_from_rule(day_t d)
{
	for (;; d--) {
		int32_t date = date_number(d);
		const struct calendar_entry *e = entry_on(date);

		if (!is_weekend(d) && !(e ? is_no_whole_day(e) : holiday_on(date) != NULL))
			return d;
	}
}

int64_t calendar_expiry_instant(day_t d)
{
	return ist_instant(d, hours_on(SEGMENT_FO, date_number(d))->close * MINUTE_MS);
}
