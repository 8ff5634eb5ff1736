/* SPDX-License-Identifier: MIT
 *
 * model_micro: order book, trades and their rhythm, drawn from what was measured on a recorded day.
 *
 * Measured on full-mode messages of 2025-12-15 (five BANKNIFTY options, two shares) and on 70
 * frames of 2026-01-23 (NIFTY). A table holds the quantiles 1, 5, 25, 50, 75, 95, 99 %; a draw is a
 * straight line between them. Also measured there: 44 % of an option's messages bring new volume
 * (31 % of a share's), 31 % of these (46 %) a new book as well, and 84 % of all leave the Greeks as
 * they were. Of the other messages nearly all bring a new book; the rest are exact repeats, which
 * are a fault here (sim.h).
 */
#include <math.h>
#include <stdlib.h>

#include "sim/model_internal.h"

#define LEVELS DEPTH_MAX /* mode full shows five of them, full_d30 all */

struct quantiles {
	double at[7];
};

/* Milliseconds between two updates of one instrument: option, share, index. */
static const struct quantiles gap_option = {{44, 130, 366, 723, 1085, 1340, 1671}};
static const struct quantiles gap_share = {{79, 162, 661, 967, 1062, 2827, 4803}};
static const struct quantiles gap_index = {{434, 444, 449, 450, 598, 604, 607}};

/* Ask minus bid: option and share in percent of the price, future in rupees. */
static const struct quantiles spread_option = {
	{0.0549, 0.1136, 0.2018, 0.2407, 0.2653, 0.2974, 0.3248}};
static const struct quantiles spread_share = {
	{0.0060, 0.0061, 0.0183, 0.0305, 0.0427, 0.0568, 0.0642}};
static const struct quantiles spread_future = {{1.0, 1.0, 2.0, 2.0, 3.5, 4.8, 4.8}};

/* Quantity on a level: contracts in lots, shares in units. */
static const struct quantiles bid_lots = {{1, 1, 2, 3, 4, 6, 14}};
static const struct quantiles ask_lots = {{1, 1, 2, 3, 4, 7, 18}};
static const struct quantiles bid_shares = {{1, 1, 5, 23, 74, 409, 777}};
static const struct quantiles ask_shares = {{1, 2, 9, 19, 31, 101, 374}};

/* Distance from one level to the next, ticks. */
static const struct quantiles level_ticks = {{1, 1, 1, 1, 2, 10, 21}};

/* Volume between two messages, and the last trade's part of it. */
static const struct quantiles volume_lots = {{1, 1, 1, 2, 5, 18, 42}};
static const struct quantiles ltq_lots = {{1, 1, 1, 1, 1, 3, 5}};
static const struct quantiles volume_shares = {{1, 1, 2, 5, 41, 303, 767}};
static const struct quantiles ltq_shares = {{1, 1, 1, 2, 6, 41, 110}};

#define SHARE_TRADES_OPTION 0.44 /* of messages with new volume */
#define SHARE_TRADES_SHARE  0.31
#define SHARE_BOOK_OPTION   0.31 /* of those, that bring a new book too */
#define SHARE_BOOK_SHARE    0.46
#define SHARE_GREEKS_NEW    0.16 /* of messages */
#define SHARE_OI_STEPS      0.5  /* of minutes */

static double draw(struct rng *r, const struct quantiles *q)
{
	static const double level[7] = {0.01, 0.05, 0.25, 0.50, 0.75, 0.95, 0.99};
	double u = rng_unit(r);

	for (unsigned i = 1; i < ARRAY_LEN(level); i++) {
		if (u < level[i]) {
			double part = fmax((u - level[i - 1]) / (level[i] - level[i - 1]), 0);

			return q->at[i - 1] + part * (q->at[i] - q->at[i - 1]);
		}
	}
	return q->at[6];
}

static int64_t draw_units(struct rng *r, const struct quantiles *q, int lot)
{
	return llround(draw(r, q)) * lot;
}

price_t micro_round(double rupees, price_t tick)
{
	price_t p = llround(rupees * PRICE_SCALE / (double)tick) * tick;

	return p < tick ? tick : p;
}

static bool is_option(const struct model_inst *x)
{
	return x->row->kind == LISTED_CALL || x->row->kind == LISTED_PUT;
}

static int64_t draw_gap(struct model *m, const struct model_inst *x)
{
	const struct quantiles *q = x->row->kind == LISTED_INDEX    ? &gap_index
				    : x->row->kind == LISTED_EQUITY ? &gap_share
								    : &gap_option;

	return llround(draw(&m->rng, q));
}

static price_t draw_spread(struct model *m, const struct model_inst *x, double value)
{
	double rupees;

	if (x->row->kind == LISTED_FUTURE)
		rupees = draw(&m->rng, &spread_future);
	else if (x->row->kind == LISTED_EQUITY)
		rupees = draw(&m->rng, &spread_share) / 100 * value;
	else
		rupees = draw(&m->rng, &spread_option) / 100 * value;
	return micro_round(rupees, x->tick);
}

/* A new book around the value; the sum of the book follows it at a distance. */
static void renew_book(struct model *m, unsigned i)
{
	struct model_inst *x = &m->inst[i];
	bool is_share = x->row->kind == LISTED_EQUITY;
	double value = model_value(m, i), bids = 0, asks = 0;
	price_t mid = micro_round(value, x->tick), spread = draw_spread(m, x, value);
	price_t bid = mid - spread / 2 / x->tick * x->tick, ask;

	if (bid < x->tick)
		bid = x->tick; /* worthless, but somebody still bids the smallest price */
	ask = bid + spread;
	x->q.depth_n = LEVELS;
	for (unsigned l = 0; l < LEVELS; l++) {
		struct depth_row *row = &x->q.depth[l];
		price_t step = llround(draw(&m->rng, &level_ticks)) * x->tick;

		*row = (struct depth_row){.ask = ask};
		row->ask_qty =
			draw_units(&m->rng, is_share ? &ask_shares : &ask_lots, x->row->lot_size);
		if (bid > 0) {
			row->bid = bid;
			row->bid_qty = draw_units(&m->rng, is_share ? &bid_shares : &bid_lots,
						  x->row->lot_size);
		}
		bids += (double)row->bid_qty;
		asks += (double)row->ask_qty;
		bid = bid > step ? bid - step : 0;
		ask += step;
	}
	/* Never less than what is shown; most of it waits behind that. */
	x->q.tbq = fmax(x->q.tbq + (double)draw_units(&m->rng, &bid_lots, x->row->lot_size) -
				(double)draw_units(&m->rng, &bid_lots, x->row->lot_size),
			bids);
	x->q.tsq = fmax(x->q.tsq + (double)draw_units(&m->rng, &ask_lots, x->row->lot_size) -
				(double)draw_units(&m->rng, &ask_lots, x->row->lot_size),
			asks);
}

/* --- trades and bars ------------------------------------------------------------------------- */

static void bar_add(struct bar *b, price_t price, int64_t units)
{
	if (!b->present) {
		b->open = b->high = b->low = price;
		b->vol = 0;
		b->present = BAR_OPEN | BAR_HIGH | BAR_LOW | BAR_CLOSE | BAR_TS;
	}
	if (price > b->high)
		b->high = price;
	if (price < b->low)
		b->low = price;
	b->close = price;
	b->vol += units;
	if (b->vol > 0)
		b->present |= BAR_VOL;
}

static void print_price(struct model *m, struct model_inst *x, price_t price, int64_t units)
{
	if (!x->minute.present)
		x->minute.ts_ms = m->minute_ms;
	bar_add(&x->q.bars[0], price, units);
	bar_add(&x->minute, price, units);
	x->q.ltp = price;
}

static void trade(struct model *m, struct model_inst *x, price_t price, int64_t units, int64_t ltq)
{
	int64_t ltt = m->now_ms - 5 - (int64_t)rng_below(&m->rng, 120);

	if (ltt < m->minute_ms)
		ltt = m->minute_ms; /* the minute that it is in is the one it happened in */
	print_price(m, x, price, units);
	x->turnover += price_to_double(price) * (double)units;
	x->q.vtt += units;
	x->q.ltq = ltq < units ? ltq : units;
	if (ltt > x->q.ltt)
		x->q.ltt = ltt;
	/* Two decimals, as the exchange prints it. */
	x->q.atp = micro_round(x->turnover / (double)x->q.vtt, PRICE_SCALE / 100);
}

static void trade_some(struct model *m, struct model_inst *x)
{
	bool is_share = x->row->kind == LISTED_EQUITY;
	const struct depth_row *best = &x->q.depth[0];
	price_t price = rng_next(&m->rng) & 1 ? best->ask : best->bid;
	int64_t units =
		draw_units(&m->rng, is_share ? &volume_shares : &volume_lots, x->row->lot_size);
	int64_t ltq = draw_units(&m->rng, is_share ? &ltq_shares : &ltq_lots, x->row->lot_size);

	trade(m, x, price, units, ltq);
}

void micro_minute(struct model *m, unsigned i)
{
	struct model_inst *x = &m->inst[i];

	if (x->minute.present) {
		x->q.bars[1] = x->minute;
		x->q.bars_n = 2;
		x->minute.present = 0;
		x->pending |= QUOTE_BARS | QUOTE_MSG_OHLC;
	}
	if (x->row->kind >= LISTED_FUTURE && rng_unit(&m->rng) < SHARE_OI_STEPS) {
		double lots = round(rng_normal(&m->rng) * 20);

		if (x->q.oi + lots * x->row->lot_size > 0)
			x->q.oi += lots * x->row->lot_size;
		x->pending |= QUOTE_OI;
	}
}

/* --- opening and updating -------------------------------------------------------------------- */

/* Units; largest near the money. */
static double first_oi(struct model *m, const struct model_inst *x)
{
	double far, lots = x->row == &m->rows[MODEL_FAR]    ? 6000
			   : x->row == &m->rows[MODEL_NEXT] ? 40000
							    : 190000;

	if (is_option(x)) {
		far = (x->row->strike - m->option_forward) / 300;
		lots = 2000 + 90000 * exp(-far * far) * (0.5 + rng_unit(&m->rng));
	}
	return round(lots) * x->row->lot_size;
}

static uint32_t parts_of(const struct model_inst *x)
{
	uint32_t parts =
		QUOTE_LTP | QUOTE_LTT | QUOTE_CP | QUOTE_BARS | QUOTE_MSG_LTPC | QUOTE_MSG_OHLC;

	if (x->row->kind == LISTED_INDEX)
		return parts;
	parts |= QUOTE_LTQ | QUOTE_DEPTH | QUOTE_ATP | QUOTE_VTT | QUOTE_TBQ | QUOTE_TSQ |
		 QUOTE_MSG_GREEKS;
	if (x->row->kind >= LISTED_FUTURE)
		parts |= QUOTE_OI;
	if (is_option(x))
		parts |= QUOTE_IV | QUOTE_GREEKS;
	return parts;
}

void micro_open(struct model *m, unsigned i, price_t cp)
{
	struct model_inst *x = &m->inst[i];
	double oi = x->q.oi;

	quote_clear(&x->q);
	x->q.present = parts_of(x);
	x->q.arm = x->row->kind == LISTED_INDEX ? ARM_INDEX : ARM_MARKET;
	x->q.mode = MODE_FULL_D5;
	x->q.cp = cp;
	x->q.bars_n = 1;
	x->q.bars[0] = (struct bar){.interval = "1d", .ts_ms = ist_instant(m->day, 0)};
	x->minute = (struct bar){.interval = "I1"};
	x->turnover = 0;
	x->pending = 0;
	x->due_ms = m->now_ms + (int64_t)rng_below(&m->rng, 1000);
	if (x->row->kind == LISTED_INDEX) {
		x->q.ltt = m->now_ms - m->now_ms % 1000;
		print_price(m, x, micro_round(model_value(m, i), x->tick), 0);
		return;
	}
	if (x->row->kind >= LISTED_FUTURE)
		x->q.oi = oi > 0 ? oi : first_oi(m, x);
	x->q.tbq = (double)(400 + rng_below(&m->rng, 1600)) * x->row->lot_size;
	x->q.tsq = (double)(400 + rng_below(&m->rng, 1600)) * x->row->lot_size;
	renew_book(m, i);
	if (is_option(x))
		model_greeks(m, i, &x->q);
	trade_some(m, x);
}

static uint32_t update_index(struct model *m, unsigned i)
{
	struct model_inst *x = &m->inst[i];
	price_t price = micro_round(model_value(m, i), x->tick);
	uint32_t parts = x->pending;

	x->pending = 0;
	if (price == x->q.ltp && !parts)
		return 0;
	x->q.ltt = m->now_ms - m->now_ms % 1000;
	print_price(m, x, price, 0);
	return parts | QUOTE_LTP | QUOTE_BARS | QUOTE_MSG_OHLC;
}

uint32_t micro_update(struct model *m, unsigned i)
{
	struct model_inst *x = &m->inst[i];
	double share = is_option(x) ? SHARE_TRADES_OPTION : SHARE_TRADES_SHARE;
	double book = is_option(x) ? SHARE_BOOK_OPTION : SHARE_BOOK_SHARE;
	uint32_t parts;
	bool has_trade;

	/* From when it was due, not from now: the rounding to steps must not slow it down. */
	x->due_ms += draw_gap(m, x);
	if (x->row->kind == LISTED_INDEX)
		return update_index(m, i);
	parts = x->pending;
	x->pending = 0;
	has_trade = rng_unit(&m->rng) < share;
	if (!has_trade || rng_unit(&m->rng) < book) {
		renew_book(m, i);
		parts |= QUOTE_DEPTH | QUOTE_TBQ | QUOTE_TSQ;
	}
	if (is_option(x) && rng_unit(&m->rng) < SHARE_GREEKS_NEW) {
		model_greeks(m, i, &x->q);
		parts |= QUOTE_GREEKS | QUOTE_MSG_GREEKS | QUOTE_IV;
	}
	if (has_trade) {
		trade_some(m, x);
		parts |= QUOTE_LTP | QUOTE_VTT | QUOTE_ATP | QUOTE_BARS | QUOTE_MSG_OHLC;
	}
	return parts;
}
