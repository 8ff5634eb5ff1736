/* SPDX-License-Identifier: MIT
 *
 * bars_view: see bars_view.h. Longer bars are put together from minutes here, each time anew.
 */
#include "market/bars_view.h"

#include <stdlib.h>

#include "core/ist.h"

#define MINUTE_MS     60000ll
#define BAR_START_MAX 253402300799999ll /* end of the year 9999: sums stay in range */
#define POST_CLOSE_MS (30 * MINUTE_MS)  /* shares trade on at the closing price until 16:00 */

static const struct {
	const char *name;
	int64_t ms;
} intervals[BAR_INTERVALS] = {
	[BAR_1S] = {"1s", 1000},
	[BAR_1M] = {"1m", MINUTE_MS},
	[BAR_5M] = {"5m", 5 * MINUTE_MS},
	[BAR_15M] = {"15m", 15 * MINUTE_MS},
	[BAR_30M] = {"30m", 30 * MINUTE_MS},
	[BAR_1H] = {"1h", 60 * MINUTE_MS},
	[BAR_1D] = {"1d", DAY_MS},
};

bool bar_interval_parse(const char *text, size_t len, enum bar_interval *out)
{
	for (int i = 0; i < BAR_INTERVALS; i++) {
		if (strlen(intervals[i].name) == len && memcmp(intervals[i].name, text, len) == 0) {
			*out = (enum bar_interval)i;
			return true;
		}
	}
	return false;
}

const char *bar_interval_text(enum bar_interval i)
{
	return intervals[i].name;
}

int64_t bar_start(enum bar_interval i, int32_t anchor_ms, int64_t ms)
{
	int64_t len = intervals[i].ms, midnight = ist_instant(ist_day(ms), 0);
	int64_t origin = i == BAR_1D ? midnight : midnight + anchor_ms;
	int64_t rest = (ms - origin) % len;

	return ms - (rest < 0 ? rest + len : rest);
}

/* The calendar knows the two segments of the NSE, and those of the BSE keep the same hours. */
static bool segment_of(const char *key, enum segment *out)
{
	static const struct {
		const char *prefix;
		enum segment segment;
	} known[] = {{"NSE_FO|", SEGMENT_FO},    {"BSE_FO|", SEGMENT_FO},
		     {"NSE_EQ|", SEGMENT_CM},    {"BSE_EQ|", SEGMENT_CM},
		     {"NSE_INDEX|", SEGMENT_CM}, {"BSE_INDEX|", SEGMENT_CM}};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strncmp(key, known[i].prefix, strlen(known[i].prefix)) == 0) {
			*out = known[i].segment;
			return true;
		}
	}
	return false;
}

void bar_walk_begin(struct bar_walk *w, const struct bars *b, const struct instrument_bars *of,
		    const char *key, enum bar_interval interval, int64_t from_ms, int64_t now_ms)
{
	*w = (struct bar_walk){.bars = b, .of = of, .interval = interval, .now_ms = now_ms};
	w->has_hours = segment_of(key, &w->segment);
	if (!of)
		return;
	if (from_ms > BAR_START_MAX)
		from_ms = BAR_START_MAX;
	/* From inside of a bar: the next one is the first. */
	if (bar_start(interval, of->anchor_ms, from_ms) < from_ms)
		from_ms = bar_start(interval, of->anchor_ms, from_ms) + intervals[interval].ms;
	w->next = bar_series_from(&of->series[interval == BAR_1S ? SERIES_SECOND : SERIES_MINUTE],
				  from_ms);
}

/* When the exchange has closed for the day of `start_ms`; INT64_MAX: not known, or no such day. */
static int64_t day_over(const struct bar_walk *w, int64_t start_ms)
{
	struct session s[SESSIONS_MAX];
	int n = w->has_hours ? calendar_sessions(w->segment, ist_day(start_ms), s, NULL) : 0;

	if (n == 0)
		return INT64_MAX;
	return s[n - 1].close_ms + (w->segment == SEGMENT_CM ? POST_CLOSE_MS : 0);
}

static int64_t over_ms(const struct bar_walk *w, int64_t start_ms)
{
	int64_t end = start_ms + intervals[w->interval].ms, close;

	if (w->interval <= BAR_15M)
		return end;
	close = day_over(w, start_ms);
	return close > start_ms && close < end ? close : end;
}

/* Since when something can have been missed: nobody trades before the exchange opens. */
static int64_t begin_ms(const struct bar_walk *w, int64_t start_ms)
{
	struct session s[SESSIONS_MAX];
	int64_t open;

	if (w->interval <= BAR_15M)
		return start_ms;
	if (!w->has_hours)
		open = ist_instant(ist_day(start_ms), w->of->anchor_ms);
	else if (calendar_sessions(w->segment, ist_day(start_ms), s, NULL) > 0)
		open = s[0].pre_open_ms;
	else
		return start_ms;
	return open > start_ms && open < start_ms + intervals[w->interval].ms ? open : start_ms;
}

static enum bar_state state_of(const struct bar_walk *w, const struct bar_view *v)
{
	const struct bar_series *minutes = &w->of->series[SERIES_MINUTE];
	int64_t final_ms = v->over_ms + w->bars->cfg.grace_ms;

	if (w->bars->is_rebuilding || w->now_ms < final_ms)
		return BAR_PARTIAL;
	if (w->is_stale && v->over_ms > w->of->last_ms)
		return BAR_PARTIAL; /* the next snapshot will tell */
	if (w->interval > BAR_1M && minutes->dropped_ms >= v->row.start_ms)
		return BAR_PARTIAL; /* its first minutes are not kept any more */
	if (bars_has_hole(w->of, begin_ms(w, v->row.start_ms), v->over_ms))
		return BAR_PARTIAL;
	return v->row.changed_ms >= final_ms ? BAR_AMENDED : BAR_FINAL;
}

/* A later minute joins the bar. */
static void join(struct bar_row *into, const struct bar_row *minute)
{
	if (price_cmp(minute->high, into->high) > 0)
		into->high = minute->high;
	if (price_cmp(minute->low, into->low) < 0)
		into->low = minute->low;
	into->close = minute->close;
	into->volume += minute->volume;
	into->ticks += minute->ticks;
	if (minute->flags & ROW_HAS_OI)
		into->oi = minute->oi;
	into->flags |= minute->flags;
	if (minute->changed_ms > into->changed_ms)
		into->changed_ms = minute->changed_ms;
	if (minute->version > into->version)
		into->version = minute->version;
}

bool bar_walk_next(struct bar_walk *w, struct bar_view *out)
{
	const struct bar_series *s;
	int64_t start;

	if (!w->of)
		return false;
	s = &w->of->series[w->interval == BAR_1S ? SERIES_SECOND : SERIES_MINUTE];
	if (w->next == s->n)
		return false;
	*out = (struct bar_view){.row = s->rows[w->next++]};
	if (w->interval == BAR_1M)
		out->exchange = bar_series_find(&w->of->series[SERIES_EXCHANGE], out->row.start_ms);
	if (w->interval > BAR_1M) {
		start = bar_start(w->interval, w->of->anchor_ms, out->row.start_ms);
		out->row.start_ms = start;
		while (w->next < s->n &&
		       s->rows[w->next].start_ms < start + intervals[w->interval].ms)
			join(&out->row, &s->rows[w->next++]);
		/* The day's volume is what the exchange says it is. */
		if (w->interval == BAR_1D && w->of->has_vtt && w->of->vtt_day == ist_day(start)) {
			out->row.volume = w->of->vtt;
			if (!w->of->is_unmetered)
				out->row.flags &= ~(unsigned)ROW_UNMETERED;
		}
	}
	out->over_ms = over_ms(w, out->row.start_ms);
	out->state = state_of(w, out);
	return true;
}

/* --- JSON -------------------------------------------------------------------------------------- */

static void put_price(struct buf *b, const char *name, price_t p)
{
	buf_str(b, name);
	buf_price(b, p);
}

static void put_prices(struct buf *b, const struct bar_row *r)
{
	put_price(b, "\"open\":", r->open);
	put_price(b, ",\"high\":", r->high);
	put_price(b, ",\"low\":", r->low);
	put_price(b, ",\"close\":", r->close);
	if (row_has_volume(r)) {
		buf_str(b, ",\"volume\":");
		buf_i64(b, r->volume);
	}
}

void bar_json(struct buf *out, const struct bar_view *v)
{
	static const char *const states[] = {"partial", "final", "amended"};
	const struct bar_row *r = &v->row;
	char text[IST_TEXT];

	buf_printf(out, "{\"start\":\"%s\",\"start_ms\":", ist_format(r->start_ms, text));
	buf_i64(out, r->start_ms);
	buf_byte(out, ',');
	put_prices(out, r);
	if (r->flags & ROW_HAS_OI) {
		buf_str(out, ",\"oi\":");
		buf_double(out, r->oi);
	}
	buf_printf(out, ",\"ticks\":%u,\"state\":\"%s\"", r->ticks, states[v->state]);
	if (v->exchange) {
		buf_str(out, ",\"exchange\":{");
		put_prices(out, v->exchange);
		buf_byte(out, '}');
	}
	buf_byte(out, '}');
}
