/* SPDX-License-Identifier: MIT
 *
 * quarantine: see quarantine.h. The tolerances are wide on purpose: what is flagged is impossible, not
 * unusual.
 */
#include "signals/quarantine.h"

#include <math.h>

#define YEAR_MS       (365.0 * DAY_MS)
#define TIME_SLACK_MS 2000  /* two connections overlap while one relieves the other */
#define TRADE_MS      10000 /* a trade that is older says nothing about the forward of now */
#define INDEX_MS      60000
#define JUMP_OPTION   0.5 /* of the price */
#define JUMP_OTHER    0.05
#define JUMP_INDEX    0.03
#define JUMP_RUPEES   1.0     /* an option of a few ticks doubles at once */
#define AVERAGE_MS    1800000 /* before expiry: it is settled at the average of that time */
#define FUTURE_SLACK  0.001   /* of the forward, where a future tells it */
#define SPOT_SLACK    0.005   /* where the spot does; and */
#define SPOT_CARRY    0.12    /* a year of what it leaves out */
#define NEAR_SPOT     0.05
#define NEAR_STRIKE   0.1

static bool has(const struct quote *q, uint32_t bit)
{
	return q->present & bit;
}

static bool is_option(const struct quarantine_tick *t)
{
	return t->contract && t->contract->kind == CONTRACT_OPTION;
}

static double ltp_of(const struct quote *q)
{
	return has(q, QUOTE_LTP) ? price_to_double(q->ltp) : 0;
}

/* Best bid and ask; false unless both are there. */
static bool best_of_book(const struct quote *q, double *bid, double *ask)
{
	if (!has(q, QUOTE_DEPTH) || q->depth_n == 0)
		return false;
	*bid = price_to_double(q->depth[0].bid);
	*ask = price_to_double(q->depth[0].ask);
	return *bid > 0 && *ask > 0;
}

/* Whether the tick tells of a trade that was not known. */
static bool is_trade(const struct quarantine_state *st, const struct quote *q)
{
	return (has(q, QUOTE_LTT) && q->ltt > st->ltt) || (has(q, QUOTE_VTT) && q->vtt > st->vtt);
}

/* --- prices of an option ---------------------------------------------------------------------- */

static double intrinsic_of(const struct contract *c, double level)
{
	double pays = c->type == OPTION_CALL ? level - c->strike : c->strike - level;

	return pays > 0 ? pays : 0;
}

static bool is_spot_price(const struct quarantine_state *st, const struct quarantine_tick *t)
{
	double price = ltp_of(t->q), level = t->level.spot > 0 ? t->level.spot : t->level.forward;

	if (!is_option(t) || !(price > 0))
		return false;
	if (level > 0)
		return fabs(price / level - 1) < NEAR_SPOT &&
		       intrinsic_of(t->contract, level) < level / 2;
	return fabs(price / t->contract->strike - 1) < NEAR_STRIKE && st->price > 0 &&
	       st->price < t->contract->strike / 4;
}

static bool is_below_intrinsic(const struct quarantine_state *st, const struct quarantine_tick *t,
			       bool is_news)
{
	const struct contract *c = t->contract;
	double left, floor, slack, bid = 0, ask = 0, spread = 0;
	bool has_book = best_of_book(t->q, &bid, &ask) && ask >= bid;
	bool was = st->suspect & SUSPECT_BELOW_INTRINSIC;
	bool is_now = is_news && has(t->q, QUOTE_LTT) && t->ts_ms - t->q->ltt < TRADE_MS;

	if (!is_option(t) || t->level.source == LEVEL_NONE || t->ts_ms >= c->expiry_ms - AVERAGE_MS)
		return false;
	if (!(has_book && has(t->said, QUOTE_DEPTH)) && !is_now)
		return was;
	left = (double)(c->expiry_ms - t->ts_ms) / YEAR_MS;
	slack = t->level.forward *
		(t->level.source == LEVEL_FUTURE ? FUTURE_SLACK : SPOT_SLACK + SPOT_CARRY * left);
	if (has_book)
		spread = ask - bid;
	floor = intrinsic_of(c, t->level.forward) - slack - spread;
	if (has_book && has(t->said, QUOTE_DEPTH) && (bid + ask) / 2 < floor)
		return true;
	return is_now && ltp_of(t->q) > 0 && ltp_of(t->q) < floor;
}

/* --- jumps ------------------------------------------------------------------------------------ */

static bool is_far(const struct quarantine_tick *t, double price, double from)
{
	double share = t->is_index ? JUMP_INDEX : is_option(t) ? JUMP_OPTION : JUMP_OTHER;

	return fabs(price - from) > from * share && fabs(price - from) > JUMP_RUPEES;
}

static void settle(struct quarantine_state *st, double price, int64_t ms)
{
	st->price = price;
	st->price_ms = ms;
	st->jumped = 0;
}

static bool is_jump(struct quarantine_state *st, const struct quarantine_tick *t, bool is_news)
{
	double price = ltp_of(t->q);
	bool is_confirmed = t->is_index ? t->ts_ms - st->price_ms > INDEX_MS : is_news;
	int enough = t->is_index ? QUARANTINE_INDEX_TICKS : QUARANTINE_TICKS;

	if (!has(t->said, QUOTE_LTP) || !(price > 0))
		return st->suspect & SUSPECT_JUMP;
	if (!(st->price > 0) || is_confirmed || !is_far(t, price, st->price)) {
		settle(st, price, t->ts_ms);
		return false;
	}
	if (st->jumped == 0 || is_far(t, price, st->jumped_to))
		st->jumped = 0;
	st->jumped_to = price;
	if (++st->jumped < enough)
		return true;
	settle(st, price, t->ts_ms);
	return false;
}

/* --- time, volume, open interest -------------------------------------------------------------- */

static void note_highs(struct quarantine_state *st, const struct quarantine_tick *t, bool is_reset)
{
	const struct quote *q = t->q;

	if (has(q, QUOTE_LTT) && (is_reset || q->ltt > st->ltt))
		st->ltt = q->ltt;
	if (has(q, QUOTE_VTT) && (is_reset || q->vtt > st->vtt))
		st->vtt = q->vtt;
	if (is_reset || t->ts_ms > st->ts_ms)
		st->ts_ms = t->ts_ms;
	if (is_reset)
		st->day = ist_day(t->ts_ms);
	st->behind = 0;
}

static bool is_time_back(struct quarantine_state *st, const struct quarantine_tick *t)
{
	const struct quote *q = t->q;
	bool is_behind = (has(q, QUOTE_LTT) && q->ltt < st->ltt) ||
			 (has(q, QUOTE_VTT) && q->vtt < st->vtt) ||
			 t->ts_ms < st->ts_ms - TIME_SLACK_MS;
	/* Before the open the broker shows yesterday's volume with yesterday's last trade. */
	bool is_new_day = st->ltt && has(q, QUOTE_LTT) && q->ltt > st->ltt &&
			  ist_day(q->ltt) > ist_day(st->ltt);

	if (!is_behind || is_new_day || st->behind + 1 == QUARANTINE_TICKS) {
		note_highs(st, t, is_behind);
		return false;
	}
	st->behind++;
	return true;
}

static bool is_oi_gone(struct quarantine_state *st, const struct quarantine_tick *t)
{
	const struct quote *q = t->q;

	if (has(q, QUOTE_OI) && q->oi > 0) {
		st->oi = q->oi;
		st->empty = 0;
		return false;
	}
	if (!has(q, QUOTE_OI) && q->mode == MODE_LTPC)
		st->oi = 0; /* nobody asks for it any more */
	if (!(st->oi > 0))
		return false;
	if (++st->empty < QUARANTINE_TICKS)
		return true;
	st->oi = 0;
	st->empty = 0;
	return false;
}

static bool is_crossed(const struct quote *q)
{
	double bid, ask;

	return best_of_book(q, &bid, &ask) && bid > ask;
}

uint8_t quarantine_judge(struct quarantine_state *st, const struct quarantine_tick *tick)
{
	struct quarantine_tick t = *tick;
	unsigned found = 0;
	bool is_news;
	day_t day;

	if (t.ts_ms <= 0)
		t.ts_ms = st->ts_ms;
	day = ist_day(t.ts_ms);
	if (day > st->day)
		*st = (struct quarantine_state){.day = day};
	is_news = is_trade(st, t.q);
	found |= is_crossed(t.q) ? SUSPECT_CROSSED : 0;
	found |= is_spot_price(st, &t) ? SUSPECT_SPOT_PRICE : 0;
	found |= is_below_intrinsic(st, &t, is_news) ? SUSPECT_BELOW_INTRINSIC : 0;
	found |= is_jump(st, &t, is_news && !(found & SUSPECT_SPOT_PRICE)) ? SUSPECT_JUMP : 0;
	found |= is_time_back(st, &t) ? SUSPECT_TIME_BACK : 0;
	found |= is_oi_gone(st, &t) ? SUSPECT_OI_ZERO : 0;
	st->suspect = (uint8_t)found;
	return st->suspect;
}
