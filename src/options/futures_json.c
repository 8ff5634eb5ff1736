/* SPDX-License-Identifier: MIT
 *
 * futures_json: see futures_json.h.
 */
#include "options/futures_json.h"

#include <math.h>

#include "market/quote_json.h"

/* Digits that a figure is worth. */
#define SCALE 1e6

static void put_name(struct buf *b, const char *name)
{
	buf_printf(b, ",\"%s\":", name);
}

static void put_figure(struct buf *b, const char *name, double v)
{
	put_name(b, name);
	buf_double(b, round(v * SCALE) / SCALE);
}

static void put_percent(struct buf *b, const char *name, double fraction)
{
	put_figure(b, name, 100 * fraction);
}

static void put_number(struct buf *b, const char *name, double v)
{
	put_name(b, name);
	buf_double(b, v);
}

static void put_count(struct buf *b, const char *name, int64_t v)
{
	put_name(b, name);
	buf_i64(b, v);
}

static void put_text(struct buf *b, const char *name, const char *text)
{
	put_name(b, name);
	buf_json_str(b, text, strlen(text));
}

/* --- one month --------------------------------------------------------------------------------- */

/* Where the quote comes from, and how old it is. */
static void put_leg(struct buf *b, const struct chain_leg *leg, const struct master *m,
		    const struct book *book, int64_t now_ms)
{
	const struct slot *slot = leg->id == INST_NONE ? NULL : book_slot(book, leg->id);

	put_text(b, "key", master_key(m, leg->row));
	if (!slot)
		return;
	put_count(b, "ts_ms", slot->ts_ms);
	put_count(b, "age_ms", now_ms > slot->ts_ms ? now_ms - slot->ts_ms : 0);
	if (leg->is_stale)
		buf_str(b, ",\"stale\":true");
	else if (slot->suspect)
		quote_suspect_json(b, slot->suspect);
}

static void put_quote(struct buf *b, const struct futures_quote *q)
{
	if (q->q.present & CHAIN_LTP)
		put_number(b, "ltp", q->q.ltp);
	if (q->present & FUTURES_CP)
		put_number(b, "cp", q->cp);
	if (q->q.present & CHAIN_BID)
		put_number(b, "bid", q->q.bid);
	if (q->q.present & CHAIN_ASK)
		put_number(b, "ask", q->q.ask);
	if (q->present & FUTURES_RANGE) {
		put_number(b, "high", q->high);
		put_number(b, "low", q->low);
		put_figure(b, "range", q->high - q->low);
	}
	if (q->q.present & CHAIN_VOLUME)
		put_count(b, "volume", q->q.volume);
	if (q->q.present & CHAIN_OI)
		put_count(b, "oi", q->q.oi);
}

static void put_previous(struct buf *b, const struct chain_leg *leg, const struct futures_quote *q)
{
	if (!(q->q.present & CHAIN_PREV_OI))
		return;
	put_count(b, "prev_oi", q->q.prev_oi);
	put_text(b, "prev_oi_source", prev_oi_source_text(leg->prev_source));
}

static void put_basis(struct buf *b, const struct futures_figures *f)
{
	if (f->has & FUTURES_PRICE) {
		put_figure(b, "price", f->price);
		put_text(b, "price_of", f->is_mid ? "mid" : "ltp");
	}
	if (f->has & FUTURES_BASIS) {
		put_figure(b, "basis", f->basis);
		put_percent(b, "basis_pct", f->basis_fraction);
		put_text(b, "state", f->basis > 0 ? "premium" : f->basis < 0 ? "discount" : "par");
	}
	if (f->has & FUTURES_CARRY)
		put_percent(b, "carry_pct", f->carry);
	if (f->has & FUTURES_FAIR) {
		put_figure(b, "fair", f->fair);
		put_figure(b, "fair_difference", f->fair_difference);
	}
}

static void put_changes(struct buf *b, const struct futures_figures *f)
{
	if (f->has & FUTURES_CHANGE) {
		put_figure(b, "change", f->change);
		put_percent(b, "change_pct", f->change_fraction);
	}
	if (f->has & FUTURES_OI_CHANGE)
		put_count(b, "oi_change", f->oi_change);
	if (f->has & FUTURES_OI_FRACTION)
		put_percent(b, "oi_change_pct", f->oi_fraction);
	if (f->has & FUTURES_BUILDUP)
		put_text(b, "buildup", futures_buildup_text(f->buildup));
}

static void put_month(struct buf *b, const struct futures_view *v, int i, const struct master *m,
		      const struct book *book)
{
	const struct futures_contract *c = &v->months[i];
	const struct master_row *row = &m->rows[c->row];
	char day[IST_TEXT];

	buf_printf(b, "{\"month\":\"%s\"", futures_month_text(i));
	put_leg(b, &c->leg, m, book, v->now_ms);
	put_text(b, "symbol", master_text(m, row->symbol));
	put_text(b, "expiry", day_format(c->expiry, day));
	put_count(b, "expiry_ms", c->expiry_ms);
	put_figure(b, "days", v->in.months[i].t * 365);
	if (row->lot_size > 0)
		put_count(b, "lot_size", row->lot_size);
	put_quote(b, &v->in.months[i].quote);
	put_previous(b, &v->months[i].leg, &v->in.months[i].quote);
	put_basis(b, &v->figures[i]);
	put_changes(b, &v->figures[i]);
	buf_byte(b, '}');
}

/* --- the whole --------------------------------------------------------------------------------- */

static void put_spreads(struct buf *b, const struct futures_summary *s)
{
	bool is_first = true;

	buf_str(b, ",\"spreads\":[");
	for (int i = 0; i < FUTURES_SPREADS; i++) {
		if (!(s->spreads[i].has & SPREAD_PRICE))
			continue;
		buf_printf(b, "%s{\"from\":\"%s\",\"to\":\"%s\"", is_first ? "" : ",",
			   futures_month_text(i), futures_month_text(i + 1));
		put_figure(b, "spread", s->spreads[i].price);
		if (s->spreads[i].has & SPREAD_RATE)
			put_percent(b, "rate_pct", s->spreads[i].rate);
		buf_byte(b, '}');
		is_first = false;
	}
	buf_byte(b, ']');
}

static void put_spot(struct buf *b, const struct futures_view *v, const struct master *m,
		     const struct book *book)
{
	struct buf leg = {0};

	if (v->spot.row == MASTER_NONE)
		return;
	put_leg(&leg, &v->spot, m, book, v->now_ms);
	if (v->in.spot > 0)
		put_number(&leg, "ltp", v->in.spot);
	buf_str(b, ",\"spot\":{");
	buf_append(b, leg.data + 1, leg.len - 1); /* without the first comma */
	buf_byte(b, '}');
	buf_fini(&leg);
}

void futures_json(struct buf *out, const struct futures_view *v, const struct master *m,
		  const struct book *book)
{
	const char *symbol = master_text(m, m->underlyings[v->underlying].symbol);
	bool is_first = true;

	buf_str(out, "{\"underlying\":");
	buf_json_str(out, symbol, strlen(symbol));
	if (v->seq)
		put_count(out, "seq", (int64_t)v->seq);
	put_count(out, "ts_ms", v->now_ms);
	put_percent(out, "rate_pct", v->in.rate);
	put_percent(out, "dividend_pct", v->in.yield);
	put_spot(out, v, m, book);
	if (v->summary.has_oi)
		put_count(out, "oi", v->summary.oi);
	if (v->summary.has_roll)
		put_percent(out, "roll_pct", v->summary.roll);
	put_spreads(out, &v->summary);
	buf_str(out, ",\"months\":[");
	for (int i = 0; i < FUTURES_MONTHS; i++) {
		if (v->months[i].leg.row == MASTER_NONE)
			continue;
		buf_str(out, is_first ? "\n" : ",\n");
		put_month(out, v, i, m, book);
		is_first = false;
	}
	buf_str(out, "\n]}");
}
