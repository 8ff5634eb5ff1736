/* SPDX-License-Identifier: MIT
 *
 * chain_view: see chain_view.h.
 */
#include "options/chain_view.h"

#include <stdio.h>
#include <stdlib.h>

#include "market/calendar.h"

#define YEAR_MS (365.0 * 86400000.0)

struct making {
	struct chain_source from;
	const struct chain_query *q;
	struct chain_view *v;
};

static struct chain_quote quote_of(struct making *k, const struct chain_leg *leg)
{
	return chain_leg_quote(&k->from, leg, &k->v->seq);
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

/* A contract to its place; the quotes come later, for those that stay. */
static void on_contract(void *arg, uint32_t row)
{
	struct making *k = arg;
	const struct master_row *r = &k->from.m->rows[row];
	int at;

	k->v->expiry = r->expiry;
	k->v->underlying = r->underlying;
	if (strike_at(k->v, price_to_double(r->strike), &at))
		k->v->legs[at][r->type == TYPE_CE ? OPTION_CALL : OPTION_PUT] =
			chain_leg_of(&k->from, row);
}

/* The future of the same expiry; weekly options have none. */
static void find_future(struct making *k)
{
	const struct master_underlying *u = &k->from.m->underlyings[k->v->underlying];

	for (uint32_t i = 0; i < u->n; i++) {
		uint32_t row = k->from.m->contracts[u->first + i];

		if (k->from.m->rows[row].type == TYPE_FUT &&
		    k->from.m->rows[row].expiry == k->v->expiry)
			k->v->future = chain_leg_of(&k->from, row);
	}
	k->v->in.future = quote_of(k, &k->v->future);
}

static void keep_around(struct chain_view *v, double level, int around)
{
	int at = chain_nearest(v->strikes, v->in.n, level), from, to;

	if (at == CHAIN_NONE)
		return;
	from = at > around ? at - around : 0;
	to = at + around < v->in.n ? at + around + 1 : v->in.n;
	v->in.n = to - from;
	memmove(v->strikes, v->strikes + from, (size_t)v->in.n * sizeof(v->strikes[0]));
	memmove(v->legs, v->legs + from, (size_t)v->in.n * sizeof(v->legs[0]));
}

static void take_quotes(struct making *k)
{
	struct chain_view *v = k->v;

	for (int i = 0; i < v->in.n; i++) {
		for (int side = 0; side < 2; side++)
			v->strikes[i].side[side] = quote_of(k, &v->legs[i][side]);
	}
}

/* Where the money is: the spot, or else the future, or else what all the quotes say. */
static double money_of(struct making *k)
{
	struct chain_forward forward;
	double price = chain_spot(&k->v->in);
	bool is_mid;

	if (price > 0 || chain_price(&k->v->in.future, &price, &is_mid))
		return price;
	take_quotes(k);
	chain_forward(&k->v->in, &forward);
	return forward.level;
}

/* --- together ---------------------------------------------------------------------------------- */

/* Which contracts these are. */
static bool list(struct making *k, struct resolve_miss *miss)
{
	struct selector all = {.expiry = k->q->expiry,
			       .strike = {.is_all = true},
			       .has_calls = true,
			       .has_puts = true};

	snprintf(all.underlying, sizeof(all.underlying), "%s", k->q->underlying);
	if (resolve_selector(k->from.m, &all, k->from.market, on_contract, k, miss) == 0)
		return false;
	return true;
}

static void fill(struct making *k)
{
	struct chain_view *v = k->v;
	struct chain_quote spot;

	v->expiry_ms = calendar_expiry_instant(v->expiry);
	v->in.t = (double)(v->expiry_ms - k->from.market->now_ms) / YEAR_MS;
	v->in.strikes = v->strikes;
	v->future = (struct chain_leg){.row = MASTER_NONE, .id = INST_NONE};
	v->spot = chain_leg_of(&k->from, resolve_underlying_row(k->from.m, v->underlying));
	spot = quote_of(k, &v->spot);
	v->in.spot = spot.present & CHAIN_LTP ? spot.ltp : 0;
	find_future(k);
	if (k->q->around)
		keep_around(v, money_of(k), (int)k->q->around);
	take_quotes(k);
	chain_compute(&v->in, v->cells, &v->summary);
}

struct chain_view *chain_view_make(const struct master *m, const struct chain_query *q,
				   const struct resolve_market *market,
				   const struct upstream_view *upstream, struct resolve_miss *miss)
{
	struct making k = {.from = {.m = m,
				    .market = market,
				    .upstream = upstream,
				    .permits = q->permits,
				    .permits_arg = q->permits_arg},
			   .q = q};

	k.v = mem_zalloc(sizeof(*k.v));
	if (!list(&k, miss)) {
		free(k.v);
		return NULL;
	}
	fill(&k);
	return k.v;
}
