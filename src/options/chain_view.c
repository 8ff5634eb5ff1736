/* SPDX-License-Identifier: MIT
 *
 * chain_view: see chain_view.h.
 */
#include "options/chain_view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "market/calendar.h"

#define YEAR_MS (365.0 * 86400000.0)

struct listing {
	const struct chain_source *from;
	const struct chain_query *q;
	struct chain_view *v;
};

static struct chain_quote quote_of(const struct chain_source *s, struct chain_view *v,
				   const struct chain_leg *leg)
{
	return chain_leg_quote(s, leg, &v->seq);
}

/* --- strikes ----------------------------------------------------------------------------------- */

/* The contract's place in the ascending strikes, which may be new; NULL when the chain is full. */
static struct chain_strike *strike_at(struct chain_view *v, double strike, int *at)
{
	int i = v->in.n;

	while (i > 0 && v->strikes[i - 1].strike > strike)
		i--;
	if (i > 0 && v->strikes[i - 1].strike == strike) {
		*at = i - 1;
		return &v->strikes[i - 1];
	}
	if (v->in.n == CHAIN_STRIKES_MAX)
		return NULL;
	memmove(&v->strikes[i + 1], &v->strikes[i], (size_t)(v->in.n - i) * sizeof(v->strikes[0]));
	memmove(&v->legs[i + 1], &v->legs[i], (size_t)(v->in.n - i) * sizeof(v->legs[0]));
	v->in.n++;
	v->strikes[i] = (struct chain_strike){.strike = strike};
	for (int side = 0; side < 2; side++)
		v->legs[i][side] = (struct chain_leg){.row = MASTER_NONE, .id = INST_NONE};
	*at = i;
	return &v->strikes[i];
}

static bool is_in_band(const struct chain_strikes *k, price_t strike)
{
	return k->to <= 0 || (price_is_exact(strike) && strike >= k->from && strike <= k->to &&
			      (k->step <= 0 || (strike - k->from) % k->step == 0));
}

/* A contract to its place; the quotes come later, for those that stay. */
static void on_contract(void *arg, uint32_t row)
{
	struct listing *k = arg;
	const struct master_row *r = &k->from->m->rows[row];
	int at;

	k->v->expiry = r->expiry;
	k->v->underlying = r->underlying;
	if (is_in_band(&k->q->strikes, r->strike) &&
	    strike_at(k->v, price_to_double(r->strike), &at))
		k->v->legs[at][r->type == TYPE_CE ? OPTION_CALL : OPTION_PUT] =
			chain_leg_of(k->from, row);
}

/* The future of the same expiry; weekly options have none. */
static struct chain_leg find_future(const struct chain_source *s, const struct chain_view *v)
{
	const struct master_underlying *u = &s->m->underlyings[v->underlying];

	for (uint32_t i = 0; i < u->n; i++) {
		uint32_t row = s->m->contracts[u->first + i];

		if (s->m->rows[row].type == TYPE_FUT && s->m->rows[row].expiry == v->expiry)
			return chain_leg_of(s, row);
	}
	return (struct chain_leg){.row = MASTER_NONE, .id = INST_NONE};
}

void chain_view_keep(struct chain_view *v, double level, uint32_t around)
{
	int at = chain_nearest(v->strikes, v->in.n, level), n = (int)around, from, to;

	if (at == CHAIN_NONE)
		return;
	from = at > n ? at - n : 0;
	to = at + n < v->in.n ? at + n + 1 : v->in.n;
	v->in.n = to - from;
	memmove(v->strikes, v->strikes + from, (size_t)v->in.n * sizeof(v->strikes[0]));
	memmove(v->legs, v->legs + from, (size_t)v->in.n * sizeof(v->legs[0]));
}

static void quote_level(const struct chain_source *s, struct chain_view *v)
{
	struct chain_quote spot = quote_of(s, v, &v->spot);

	v->in.spot = spot.present & CHAIN_LTP ? spot.ltp : 0;
	v->in.future = quote_of(s, v, &v->future);
}

void chain_view_quote(const struct chain_source *s, struct chain_view *v)
{
	v->seq = 0;
	quote_level(s, v);
	for (int i = 0; i < v->in.n; i++) {
		for (int side = 0; side < 2; side++)
			v->strikes[i].side[side] = quote_of(s, v, &v->legs[i][side]);
	}
}

double chain_view_money(const struct chain_source *s, struct chain_view *v)
{
	struct chain_forward forward;
	double price;
	bool is_mid;

	quote_level(s, v);
	price = chain_spot(&v->in);
	if (price > 0 || chain_price(&v->in.future, &price, &is_mid))
		return price;
	chain_view_quote(s, v);
	chain_forward(&v->in, &forward);
	return forward.level;
}

/* The last price, however old: nothing is reckoned with it. */
static double last_known(const struct chain_source *s, const struct chain_leg *leg)
{
	const struct slot *slot = leg->id == INST_NONE ? NULL : book_slot(s->market->book, leg->id);

	return slot && !slot->suspect && (slot->q.present & QUOTE_LTP)
		       ? fmax(price_to_double(slot->q.ltp), 0)
		       : 0;
}

/* Where the money is, or was last: which contracts are shown must not move when the link is lost. */
static double middle_of(const struct chain_source *s, struct chain_view *v)
{
	double money = chain_view_money(s, v);

	if (!(money > 0))
		money = last_known(s, &v->spot);
	return money > 0 ? money : last_known(s, &v->future);
}

/* --- together ---------------------------------------------------------------------------------- */

static double years_to(const struct chain_view *v, int64_t now_ms)
{
	return (double)(v->expiry_ms - now_ms) / YEAR_MS;
}

/* The expiry is there, and none of its strikes. */
static bool miss_band(const struct chain_query *q, struct resolve_miss *miss)
{
	*miss = (struct resolve_miss){.code = RESOLVE_NO_STRIKE};
	snprintf(miss->text, sizeof(miss->text), "%s lists no strike of %g to %g for that expiry",
		 q->underlying, price_to_double(q->strikes.from), price_to_double(q->strikes.to));
	return false;
}

bool chain_view_list(const struct chain_source *s, const struct chain_query *q,
		     struct chain_view *v, struct resolve_miss *miss)
{
	struct listing k = {s, q, v};
	struct selector all = {.expiry = q->expiry,
			       .strike = {.is_all = true},
			       .has_calls = true,
			       .has_puts = true};

	snprintf(all.underlying, sizeof(all.underlying), "%s", q->underlying);
	if (resolve_selector(s->m, &all, s->market, on_contract, &k, miss) == 0)
		return false;
	if (v->in.n == 0)
		return miss_band(q, miss);
	v->in.strikes = v->strikes;
	v->expiry_ms = calendar_expiry_instant(v->expiry);
	v->in.t = years_to(v, s->market->now_ms);
	v->prev_session = s->oi ? s->oi->before.day : 0;
	v->spot = chain_leg_of(s, resolve_underlying_row(s->m, v->underlying));
	v->future = find_future(s, v);
	return true;
}

static uint64_t later(const struct chain_source *s, const struct chain_leg *leg, uint64_t seq)
{
	const struct slot *slot = chain_leg_slot(s, leg);

	return slot && slot->seq > seq ? slot->seq : seq;
}

/* Of what counts now, not of what has. */
static uint64_t newest_of(const struct chain_source *s, const struct chain_view *v)
{
	uint64_t seq = later(s, &v->future, later(s, &v->spot, 0));

	for (int i = 0; i < v->in.n; i++)
		seq = later(s, &v->legs[i][OPTION_PUT], later(s, &v->legs[i][OPTION_CALL], seq));
	return seq;
}

void chain_view_compute(const struct chain_source *s, struct chain_view *v)
{
	v->now_ms = s->market->now_ms;
	v->in.t = years_to(v, v->now_ms);
	v->seq = newest_of(s, v);
	chain_compute(&v->in, v->cells, &v->summary);
}

struct chain_view *chain_view_make(const struct chain_source *s, const struct chain_query *q,
				   struct resolve_miss *miss)
{
	struct chain_view *v = mem_zalloc(sizeof(*v));

	if (!chain_view_list(s, q, v, miss)) {
		free(v);
		return NULL;
	}
	if (q->strikes.to <= 0 && q->strikes.around) {
		double middle = middle_of(s, v);

		if (middle > 0) /* else all: none of them is nearer to the money */
			chain_view_keep(v, middle, q->strikes.around);
	}
	chain_view_quote(s, v);
	chain_view_compute(s, v);
	return v;
}
