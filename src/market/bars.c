/* SPDX-License-Identifier: MIT
 *
 * bars: see bars.h.
 *
 *      tick --> market time --> the exchange's minute, when it is a new one --> compare the one before
 *                    |
 *                    +--> a new trade? --> how much volume, and may it be told --> second, minute
 *
 * Rows and holes are in bars_rows.c, the exchange's own minutes in bars_exchange.c.
 */
#include <stdlib.h>

#include "market/bars_internal.h"

#define AHEAD_MS   60000  /* a trade so far ahead of the market's clock is no trade */
#define BEHIND_MAX 16     /* ticks in a row from so long ago: the market begins anew */
#define LEAP_MS    600000 /* a message so far ahead has to be confirmed */

/* Where hours begin: currencies and commodities open at 09:00, all others at 09:15. */
#define ANCHOR_EQUITY    ((9 * 60 + 15) * MINUTE_MS)
#define ANCHOR_COMMODITY (9 * 60 * MINUTE_MS)

static const int32_t series_ms[SERIES_KINDS] = {SECOND_MS, MINUTE_MS, MINUTE_MS};

void bars_init(struct bars *b, const struct instruments *instruments, const struct bars_config *cfg)
{
	*b = (struct bars){.instruments = instruments, .cfg = *cfg};
}

static void drop_one(struct instrument_bars *of)
{
	if (!of)
		return;
	for (int k = 0; k < SERIES_KINDS; k++)
		free(of->series[k].rows);
	free(of->holes);
	free(of);
}

static void drop_all(struct bars *b)
{
	for (uint32_t i = 0; i < b->cap; i++)
		drop_one(b->of[i]);
	free(b->of);
	b->of = NULL;
	b->cap = 0;
}

void bars_fini(struct bars *b)
{
	drop_all(b);
}

static void grow(struct bars *b, inst_id id)
{
	uint32_t cap = b->cap ? b->cap : 64;

	while (id >= cap)
		cap *= 2;
	b->of = mem_realloc(b->of, cap * sizeof(struct instrument_bars *));
	memset(b->of + b->cap, 0, (cap - b->cap) * sizeof(struct instrument_bars *));
	b->cap = cap;
}

static int32_t anchor_of(const char *key)
{
	static const char *const at_nine[] = {"MCX_", "NCD_", "BCD_", "CDS_", "NSE_COM", "NCO_"};

	for (size_t i = 0; i < ARRAY_LEN(at_nine); i++) {
		if (strncmp(key, at_nine[i], strlen(at_nine[i])) == 0)
			return ANCHOR_COMMODITY;
	}
	return ANCHOR_EQUITY;
}

static struct instrument_bars *add(struct bars *b, inst_id id)
{
	struct instrument_bars *of = mem_zalloc(sizeof(*of));

	of->anchor_ms = anchor_of(instruments_key(b->instruments, id));
	b->of[id] = of;
	return of;
}

static int64_t floor_to(int64_t ms, int64_t len)
{
	int64_t r = ms % len;

	return ms - (r < 0 ? r + len : r);
}

/* --- market time ------------------------------------------------------------------------------ */

/* Two numbers of one tick, told apart, that agree. */
static bool is_traded_near(const struct quote *q, int64_t ts_ms)
{
	return (q->present & QUOTE_LTT) && q->ltt > ts_ms - AHEAD_MS && q->ltt < ts_ms + AHEAD_MS;
}

/* The market begins anew, or its clock had run ahead: what lies behind `ts_ms` has not happened yet. */
static void rewind_one(struct instrument_bars *of, int64_t ts_ms)
{
	for (int k = 0; k < SERIES_KINDS; k++) {
		struct bar_series *s = &of->series[k];

		s->n = bar_series_from(s, floor_to(ts_ms, series_ms[k]));
		s->dropped_ms = s->n ? s->dropped_ms : 0;
	}
	of->has_trade = of->has_vtt = of->is_unmetered = of->owes_snapshot = false;
	of->vtt = 0;
	of->holes_n = 0;
	of->first_ms = 0; /* the next tick is the first */
}

static void rewind_all(struct bars *b, int64_t ts_ms)
{
	for (uint32_t i = 0; i < b->cap; i++) {
		if (b->of[i])
			rewind_one(b->of[i], ts_ms);
	}
	b->market_ms = ts_ms;
	b->behind = 0;
	b->generation++;
}

/* A message may be late, but not by LEAP_MS, and not many in a row. */
static void see_past(struct bars *b, int64_t ts_ms)
{
	if (!ts_ms || b->market_ms - ts_ms <= LEAP_MS)
		b->behind = 0;
	else if (++b->behind == BEHIND_MAX)
		rewind_all(b, ts_ms);
}

/* What the market's clock says at this tick. A leap (a night, a hole, an instrument that seldom trades)
 * counts when a trade of that time comes with it, or a later message goes on from there: one broken
 * number must not end every bar. */
static int64_t see_time(struct bars *b, const struct slot *slot)
{
	int64_t ts_ms = slot->ts_ms;

	if (ts_ms <= b->market_ms) {
		see_past(b, ts_ms);
		return b->market_ms;
	}
	b->behind = 0;
	if (b->market_ms && ts_ms - b->market_ms > LEAP_MS && !is_traded_near(&slot->q, ts_ms) &&
	    !(b->leap_ms && ts_ms > b->leap_ms)) {
		b->leap_ms = ts_ms;
		return b->market_ms;
	}
	b->leap_ms = 0;
	b->market_ms = ts_ms;
	return ts_ms;
}

/* --- trades ------------------------------------------------------------------------------------ */

struct trade {
	int64_t at_ms;
	price_t price;
	int64_t volume; /* since the tick before */
	bool is_behind_hole;
	bool is_metered; /* the day's volume came with it, and with the one before */
};

/* In mode ltpc the slot's vtt is what another mode has left there. */
static bool tells_vtt(const struct quote *q)
{
	return (q->present & QUOTE_VTT) && q->arm != ARM_LTPC;
}

/* A snapshot that could tell the day's volume and does not: nothing was traded yet (zero is not sent). */
static void count_from_zero(struct instrument_bars *of, const struct slot *slot, day_t day)
{
	const struct quote *q = &slot->q;

	if (of->has_vtt || !(slot->flags & TICK_SNAPSHOT) || (q->present & QUOTE_VTT) ||
	    (q->arm != ARM_MARKET && q->arm != ARM_FIRST_LEVEL))
		return;
	of->has_vtt = true;
	of->vtt_day = day;
}

/* The day's volume is that of this trade: nothing was traded before it. */
static bool is_days_first(const struct quote *q)
{
	return tells_vtt(q) && (q->present & QUOTE_LTQ) && q->ltq > 0 && q->ltq == q->vtt;
}

/* How much was traded since the tick before; the first tick of all only says where to count from,
 * unless its trade is the first of the day. */
static int64_t volume_since(struct instrument_bars *of, const struct quote *q, day_t day)
{
	int64_t since;

	if (!tells_vtt(q))
		return 0;
	if (!of->has_vtt) {
		of->has_vtt = true;
		of->vtt = q->vtt;
		of->vtt_day = day;
		return is_days_first(q) ? q->vtt : 0;
	}
	if (day > of->vtt_day) { /* the exchange counts from zero again */
		of->vtt_day = day;
		of->vtt = 0;
	}
	since = q->vtt > of->vtt ? q->vtt - of->vtt : 0;
	of->vtt += since;
	return since;
}

static void put_trade(struct bars *b, struct instrument_bars *of, enum bar_series_kind kind,
		      const struct trade *t, const struct quote *q)
{
	int64_t start = floor_to(t->at_ms, series_ms[kind]);
	struct bar_row *row = bar_row_at(b, of, kind, start);
	uint32_t at = (uint32_t)(t->at_ms - start);

	if (!row)
		return;
	if (row->ticks == 0 || at < row->open_at) {
		row->open = t->price;
		row->open_at = at;
	}
	if (row->ticks == 0 || price_cmp(t->price, row->high) > 0)
		row->high = t->price;
	if (row->ticks == 0 || price_cmp(t->price, row->low) < 0)
		row->low = t->price;
	if (row->ticks == 0 || at >= row->close_at) {
		row->close = t->price;
		row->close_at = at;
		if (q->present & QUOTE_OI) {
			row->oi = q->oi;
			row->flags |= ROW_HAS_OI;
		}
	}
	if (tells_vtt(q))
		row->flags |= ROW_HAS_VOLUME;
	if (!t->is_metered)
		row->flags |= ROW_UNMETERED;
	/* What was traded behind a hole in another bar is in none: a wrong volume is worse. */
	if (!t->is_behind_hole || floor_to(of->ltt, series_ms[kind]) == start)
		row->volume += t->volume;
	row->ticks++;
	bar_row_touch(b, of, row);
}

/* Open interest moves without a trade. */
static void note_oi(struct bars *b, struct instrument_bars *of, const struct quote *q)
{
	struct bar_series *s = &of->series[SERIES_MINUTE];
	struct bar_row *row = s->n ? &s->rows[s->n - 1] : NULL;

	if (!row || !(q->present & QUOTE_OI) || !(row->flags & ROW_HAS_OI) || row->oi == q->oi ||
	    b->market_ms >= row->start_ms + MINUTE_MS)
		return;
	row->oi = q->oi;
	bar_row_touch(b, of, row);
}

static bool is_news(const struct instrument_bars *of, const struct quote *q, int64_t at_ms)
{
	return !of->has_trade || at_ms != of->ltt || q->ltp != of->ltp ||
	       (tells_vtt(q) && (!of->has_vtt || q->vtt > of->vtt));
}

/* The first trade that is told: since when was everything seen? Of a trade that is not the first of the
 * day nobody knows what was traded in front of it, not even within its millisecond. */
static void begin_with(struct instrument_bars *of, const struct quote *q, int64_t at_ms)
{
	if (of->has_vtt || !tells_vtt(q))
		return;
	if (is_days_first(q))
		of->first_ms = ist_instant(ist_day(at_ms), 0);
	else if (at_ms >= of->first_ms)
		of->first_ms = at_ms + 1;
}

/* A snapshot with a newer trade and less volume: the count of the day has begun anew while we were
 * away (the simulator was started again). */
static void count_anew(struct instrument_bars *of, const struct quote *q, const struct trade *t)
{
	if (t->is_behind_hole && of->has_vtt && tells_vtt(q) && t->at_ms >= of->ltt &&
	    ist_day(t->at_ms) == of->vtt_day && q->vtt < of->vtt)
		of->vtt = q->vtt;
}

static void take_trade(struct bars *b, struct instrument_bars *of, const struct quote *q,
		       struct trade *t, bool is_snapshot)
{
	bool is_first = !of->has_trade, is_metered;
	bool is_late = floor_to(t->at_ms, MINUTE_MS) + MINUTE_MS + b->cfg.amend_ms < b->market_ms;

	t->is_behind_hole = is_snapshot && !is_first;
	if (is_first && !is_late)
		begin_with(of, q, t->at_ms);
	count_anew(of, q, t);
	t->volume = volume_since(of, q, ist_day(t->at_ms));
	is_metered = tells_vtt(q) || (of->has_vtt && q->arm != ARM_LTPC);
	t->is_metered = is_metered && !of->is_unmetered;
	of->is_unmetered = !is_metered;
	/* Up to the trade when the exchange's clock runs ahead of the message's. */
	if (t->is_behind_hole)
		bars_add_hole(b, of, of->last_ms,
			      t->at_ms < b->market_ms ? b->market_ms : t->at_ms + 1);
	if (is_late) {
		b->late += !is_first; /* the first tick may tell of a trade of long ago */
	} else {
		b->trades++;
		put_trade(b, of, SERIES_SECOND, t, q);
		put_trade(b, of, SERIES_MINUTE, t, q);
	}
	if (is_first || t->at_ms >= of->ltt) {
		of->ltt = t->at_ms;
		of->ltp = t->price;
	}
	of->has_trade = true;
}

/* When the trade was; a price without a time is as old as the price is known. */
static int64_t time_of(const struct instrument_bars *of, const struct quote *q, int64_t now)
{
	if (q->present & QUOTE_LTT)
		return q->ltt;
	return of->has_trade && q->ltp == of->ltp ? of->ltt : now;
}

void bars_tick(struct bars *b, inst_id id, const struct slot *slot)
{
	const struct quote *q = &slot->q;
	int64_t now = see_time(b, slot);
	struct instrument_bars *of;
	bool is_snapshot, is_first;
	struct trade t;

	if (AGNI_UNLIKELY(id >= b->cap))
		grow(b, id);
	of = b->of[id] ? b->of[id] : add(b, id);
	is_first = !of->first_ms;
	if (is_first)
		of->first_ms = of->last_ms = now;
	bars_note_exchange(b, of, q);
	count_from_zero(of, slot, ist_day(now));
	is_snapshot = (slot->flags & TICK_SNAPSHOT) || of->owes_snapshot;
	if (!(q->present & QUOTE_LTP))
		return;
	t = (struct trade){.at_ms = time_of(of, q, now), .price = q->ltp};
	if (t.at_ms > now + AHEAD_MS) {
		b->early++;
		of->owes_snapshot = is_snapshot;
		return;
	}
	of->owes_snapshot = false;
	/* The exchange's clock may run ahead of the message's. */
	if (is_first && t.at_ms > of->first_ms)
		of->first_ms = t.at_ms + 1;
	if (is_news(of, q, t.at_ms))
		take_trade(b, of, q, &t, is_snapshot);
	note_oi(b, of, q);
	of->last_ms = now;
}

void bars_break(struct bars *b)
{
	for (uint32_t i = 0; i < b->cap; i++) {
		if (b->of[i])
			b->of[i]->owes_snapshot = true;
	}
}

/* --- handing over ------------------------------------------------------------------------------ */

void bars_adopt(struct bars *into, struct bars *from)
{
	const struct instruments *table = into->instruments;
	const struct bars_config cfg = into->cfg;
	uint64_t generation = into->generation + 1;

	drop_all(into);
	for (uint32_t i = 0; i < from->cap; i++) {
		const char *key = from->of[i] ? instruments_key(from->instruments, i) : "";
		inst_id id = instruments_find(table, key, strlen(key));

		if (id == INST_NONE)
			continue;
		if (id >= into->cap)
			grow(into, id);
		into->of[id] = from->of[i];
		from->of[i] = NULL;
	}
	drop_all(from);
	from->instruments = table;
	from->cfg = cfg;
	from->of = into->of;
	from->cap = into->cap;
	*into = *from;
	into->generation = generation;
	from->of = NULL;
	from->cap = 0;
}
