/* SPDX-License-Identifier: MIT
 *
 * futures_view: see futures_view.h.
 */
#include "options/futures_view.h"

#include <string.h>

#include "market/calendar.h"

#define YEAR_MS (365.0 * 86400000.0)

/* --- which ------------------------------------------------------------------------------------- */

bool futures_view_list(struct futures_view *v, const struct master *m, const char *underlying,
		       int64_t now_ms, struct resolve_miss *miss)
{
	const struct resolve_query q = {
		.underlying = underlying, .type = TYPE_FUT, .expiry = {.kind = EXPIRY_CURRENT}};
	const struct resolve_market market = {.now_ms = now_ms};
	const struct master_underlying *u;
	struct resolved near;
	int n = 0;

	memset(v, 0, sizeof(*v));
	if (!resolve_one(m, &q, &market, &near, miss))
		return false;
	v->underlying = m->rows[near.row].underlying;
	for (int i = 0; i < FUTURES_MONTHS; i++)
		v->months[i].row = MASTER_NONE;
	u = &m->underlyings[v->underlying];
	for (uint32_t i = 0; i < u->n && n < FUTURES_MONTHS; i++) {
		uint32_t row = m->contracts[u->first + i];
		day_t expiry = m->rows[row].expiry;

		if (m->rows[row].type != TYPE_FUT || expiry < near.expiry ||
		    (n > 0 && expiry == v->months[n - 1].expiry))
			continue;
		v->months[n++] = (struct futures_contract){
			.row = row, .expiry = expiry, .expiry_ms = calendar_expiry_instant(expiry)};
	}
	return true;
}

/* --- what they quote --------------------------------------------------------------------------- */

static const struct bar *day_bar(const struct quote *q)
{
	for (unsigned i = 0; (q->present & QUOTE_BARS) && i < q->bars_n; i++) {
		if (strcmp(q->bars[i].interval, "1d") == 0)
			return &q->bars[i];
	}
	return NULL;
}

/* High and low of the session in which the last trade was: the bar of another day tells nothing of
 * it. */
static void take_range(const struct slot *slot, struct futures_quote *out)
{
	const unsigned parts = BAR_HIGH | BAR_LOW | BAR_TS;
	const struct quote *q = &slot->q;
	const struct bar *bar = day_bar(q);

	if (!bar || (bar->present & parts) != parts ||
	    ist_day(bar->ts_ms) != ist_day(q->present & QUOTE_LTT ? q->ltt : slot->ts_ms))
		return;
	out->high = price_to_double(bar->high);
	out->low = price_to_double(bar->low);
	if (out->low > 0 && out->high >= out->low)
		out->present |= FUTURES_RANGE;
	else
		out->high = out->low = 0;
}

static struct futures_quote quote_of(const struct chain_source *from, const struct chain_leg *leg,
				     uint64_t *seq)
{
	struct futures_quote out = {.q = chain_leg_quote(from, leg, seq)};
	const struct slot *slot = chain_leg_slot(from, leg);

	if (!slot)
		return out;
	if ((slot->q.present & QUOTE_CP) && price_to_double(slot->q.cp) > 0) {
		out.cp = price_to_double(slot->q.cp);
		out.present |= FUTURES_CP;
	}
	take_range(slot, &out);
	return out;
}

void futures_view_fill(struct futures_view *v, const struct chain_source *from,
		       const struct futures_terms *terms)
{
	struct chain_quote spot;

	v->now_ms = from->market->now_ms;
	v->seq = 0;
	v->in = (struct futures_input){.rate = terms->rate,
				       .yield = terms->yield,
				       .price_least = terms->price_least,
				       .oi_least = terms->oi_least};
	v->spot = chain_leg_of(from, resolve_underlying_row(from->m, v->underlying));
	spot = chain_leg_quote(from, &v->spot, &v->seq);
	v->in.spot = spot.present & CHAIN_LTP ? spot.ltp : 0;
	for (int i = 0; i < FUTURES_MONTHS; i++) {
		struct futures_contract *c = &v->months[i];

		c->leg = chain_leg_of(from, c->row);
		v->in.months[i] =
			(struct futures_month){.is_there = c->leg.row != MASTER_NONE,
					       .t = (double)(c->expiry_ms - v->now_ms) / YEAR_MS,
					       .quote = quote_of(from, &c->leg, &v->seq)};
	}
	futures_compute(&v->in, v->figures, &v->summary);
}

const char *futures_month_text(int month)
{
	static const char *const text[FUTURES_MONTHS] = {"near", "next", "far"};

	return text[month];
}
