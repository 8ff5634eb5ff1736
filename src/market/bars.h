/* SPDX-License-Identifier: MIT
 *
 * bars: open, high, low, close and volume of each instrument, by exchange time, from its ticks.
 *
 * Two series are kept per instrument, of one second and of one minute; longer bars are minutes put
 * together when they are asked for (bars_view.h), so that one late tick amends them all. A third
 * series holds the exchange's own minutes ("I1" of the feed) beside ours, never mixed with them.
 *
 *   which bar    the one in which the trade happened: the tick's ltt, not its arrival
 *   volume       the difference of vtt, the day's volume, to the highest that was seen
 *   market time  the newest currentTs of a message; a lone leap ahead does not count
 *                and sixteen ticks in a row from ten minutes before it or more are a market that
 *                begins anew (the simulator was started again): what lies behind that time goes
 *   unmetered    a trade that is told in mode ltpc, without vtt: its bar has no volume, and neither has
 *                the one in which vtt comes again
 *   late         a trade whose minute ended more than `amend_ms` ago changes nothing and is counted
 *   hole         a snapshot that shows a trade we were not told of: what lies between the tick
 *                before it and the snapshot was not seen. Volume that came in a hole belongs to a bar
 *                only when the hole lies inside of that bar
 *
 * A bar depends on the ticks and their order alone, so a tape gives the same bars again, at any
 * speed. Nothing here knows a clock or a loop.
 *
 * Ticks are samples: the broker tells of the last trade about twice a second, not of each. So our
 * high may lie below the exchange's and our low above it; never the other way round, unless one of
 * the two is wrong. The counters tell how often which was seen.
 */
#ifndef AGNI_MARKET_BARS_H
#define AGNI_MARKET_BARS_H

#include "core/ist.h"
#include "market/book.h"

enum bar_series_kind { SERIES_SECOND, SERIES_MINUTE, SERIES_EXCHANGE, SERIES_KINDS };

struct bars_config {
	int64_t keep_seconds, keep_minutes; /* rows per series */
	int64_t amend_ms; /* how late a trade may be, counted from the end of its minute */
	int64_t grace_ms; /* a bar is final so long after its end */
};

enum {
	ROW_HAS_OI = 1u << 0,
	ROW_HAS_VOLUME = 1u << 1, /* the feed tells the day's volume: not of an index */
	ROW_UNMETERED = 1u << 2,  /* a trade came without it, or what came is of several rows */
};

struct bar_row {
	int64_t start_ms;
	int64_t changed_ms; /* market time of the newest change */
	price_t open, high, low, close;
	int64_t volume;
	double oi;                  /* the newest one */
	uint32_t open_at, close_at; /* ltt of the trades behind open and close, ms from the start */
	uint32_t ticks;             /* that told a new trade */
	uint32_t flags;             /* ROW_* */
	uint64_t version;           /* of `bars` at the newest change */
};

/* Whether `volume` is the row's. */
static inline bool row_has_volume(const struct bar_row *r)
{
	return (r->flags & (ROW_HAS_VOLUME | ROW_UNMETERED)) == ROW_HAS_VOLUME;
}

/* In the order of start_ms. */
struct bar_series {
	struct bar_row *rows;
	uint32_t n, cap;
	int64_t dropped_ms; /* start of the newest row that had to leave; 0: none had */
};

/* Not seen, from after the first to before the second; both are market time. */
struct bar_hole {
	int64_t from_ms, to_ms;
	uint64_t version; /* `version` of the instrument when it was found */
};

#define HOLES_MAX 16 /* more become one with the next: rather too much is called partial */

struct instrument_bars {
	struct bar_series series[SERIES_KINDS];
	int64_t first_ms, last_ms; /* market time of the first tick and the newest */
	int64_t ltt;               /* of the newest trade */
	price_t ltp;
	int64_t vtt; /* the highest of vtt_day */
	day_t vtt_day;
	bool has_trade, has_vtt;
	bool is_unmetered;      /* the newest trade came without vtt */
	bool owes_snapshot;     /* one came while the time was not believed; or a break */
	int32_t anchor_ms;      /* of the day: where bars of an hour begin */
	uint64_t version;       /* the highest of its rows and holes */
	struct bar_hole *holes; /* HOLES_MAX; NULL: none */
	uint32_t holes_n;
};

struct bars {
	struct bars_config cfg;
	const struct instruments *instruments;
	struct instrument_bars **of; /* by instrument id; NULL: no tick yet */
	uint32_t cap;
	int64_t market_ms;   /* newest */
	int64_t leap_ms;     /* a message said so, and none has confirmed it; 0: none */
	uint32_t behind;     /* ticks in a row that told of a time long before */
	uint64_t version;    /* +1 per change of a row */
	uint64_t generation; /* +1 when others were adopted: versions begin anew */
	uint64_t
		former; /* the owner's: `version` at the newest tick of a run of the server before */
	bool is_rebuilding; /* the owner knows that ticks of before are still to come */
	/* counters */
	uint64_t trades, late, early, holes;
	uint64_t compared;       /* minutes of ours and of the exchange */
	uint64_t equal;          /* open, high, low and close are the same */
	uint64_t narrower;       /* ours lies within theirs: trades that no message told */
	uint64_t contradictions; /* ours shows a price that theirs does not */
	uint64_t volume_differs;
};

/* `instruments` is lent: the table by which ids are given. */
void bars_init(struct bars *b, const struct instruments *instruments,
	       const struct bars_config *cfg);
void bars_fini(struct bars *b);

/* One published tick: the slot as the book has it after the merge. */
void bars_tick(struct bars *b, inst_id id, const struct slot *slot);

/* Ticks may be missing in front of the next one: each instrument's next news is behind a hole. */
void bars_break(struct bars *b);

/* Lent until the next tick; NULL before its first. */
static inline const struct instrument_bars *bars_of(const struct bars *b, inst_id id)
{
	return id < b->cap ? b->of[id] : NULL;
}

/* The row that begins at `start_ms`, or NULL. */
const struct bar_row *bar_series_find(const struct bar_series *s, int64_t start_ms);

/* Index of the first row that begins at or after `start_ms`; n when there is none. */
uint32_t bar_series_from(const struct bar_series *s, int64_t start_ms);

/* Whether any of [from_ms, to_ms) was not seen. */
bool bars_has_hole(const struct instrument_bars *of, int64_t from_ms, int64_t to_ms);

/* All that `from` knows goes over to `into`, under the ids of into->instruments (an instrument that
 * is not in that table is left out); what `into` had before is dropped. `from` is empty then. Both
 * configurations must be the same. */
void bars_adopt(struct bars *into, struct bars *from);

#endif
