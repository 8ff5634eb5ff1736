/* SPDX-License-Identifier: MIT
 *
 * bars_view: bars as their readers see them: of any interval, with the state of each, as JSON.
 *
 *   partial   not whole: still open, or a part of its time was not seen (a hole, or it began before
 *             the first tick; all of them while the day is being rebuilt), or may not have been:
 *             the instrument is not watched now, and the bar goes on behind the last message
 *   final     over, and whole
 *   amended   final, and changed by a late trade afterwards
 *
 * Bars of 30 minutes and of an hour begin as the session does: 09:15 for shares, indices and their
 * derivatives, 09:00 for currencies and commodities. A day begins at midnight. A bar that the close
 * of the session cuts is over at the close.
 */
#ifndef AGNI_MARKET_BARS_VIEW_H
#define AGNI_MARKET_BARS_VIEW_H

#include "market/bars.h"
#include "market/calendar.h"

enum bar_interval { BAR_1S, BAR_1M, BAR_5M, BAR_15M, BAR_30M, BAR_1H, BAR_1D, BAR_INTERVALS };

enum bar_state { BAR_PARTIAL, BAR_FINAL, BAR_AMENDED };

/* "1s", "1m", "5m", "15m", "30m", "1h", "1d"; false for any other. */
bool bar_interval_parse(const char *text, size_t len, enum bar_interval *out);
const char *bar_interval_text(enum bar_interval i);

/* Start of the bar that holds `ms`; `anchor_ms` is the instrument's. */
int64_t bar_start(enum bar_interval i, int32_t anchor_ms, int64_t ms);

struct bar_view {
	struct bar_row row;             /* start_ms, version and the rest of the whole bar */
	const struct bar_row *exchange; /* the exchange's own; only with BAR_1M; or NULL */
	int64_t over_ms;                /* instant from which on it is over */
	enum bar_state state;
};

/* From the first bar that begins at or after `from_ms`, in order. */
struct bar_walk {
	const struct bars *bars;
	const struct instrument_bars *of;
	enum bar_interval interval;
	enum segment segment;
	bool has_hours; /* the calendar knows the instrument's hours */
	bool is_stale;  /* set behind bar_walk_begin: nobody watches the instrument now */
	int64_t now_ms; /* market time */
	uint32_t next;  /* row of the series below */
};

/* `of` may be NULL: no bars. `key` is the instrument's. */
void bar_walk_begin(struct bar_walk *w, const struct bars *b, const struct instrument_bars *of,
		    const char *key, enum bar_interval interval, int64_t from_ms, int64_t now_ms);

/* False after the last. */
bool bar_walk_next(struct bar_walk *w, struct bar_view *out);

/* Appends {"start":...,"start_ms":...,"open":...,"high":...,"low":...,"close":...,"volume":...,
 * "oi":...,"ticks":...,"state":"final","exchange":{...}}. */
void bar_json(struct buf *out, const struct bar_view *v);

#endif
