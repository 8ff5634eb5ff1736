/* SPDX-License-Identifier: MIT
 *
 * forwards: see forwards.h.
 */
#include "signals/forwards.h"

#include <stdlib.h>

#include "market/calendar.h"

#define YEAR_MS (365.0 * DAY_MS)

struct pair {
	struct chain_leg side[2]; /* by enum option_type */
};

struct expiry_forward {
	uint32_t underlying; /* of the master */
	day_t expiry;
	uint32_t live; /* of the book, when the contracts were looked up; they come */
	uint64_t turn; /* that `level` is of; 0: none yet */
	struct chain_leg spot, future;
	int n;                        /* strikes of which both sides have been quoted */
	struct pair *pairs;           /* CHAIN_STRIKES_MAX */
	struct chain_strike *strikes; /* as many */
	struct chain_forward level;
};

static void drop_all(struct forwards *f)
{
	for (uint32_t i = 0; i < f->n; i++) {
		free(f->of[i]->pairs);
		free(f->of[i]->strikes);
		free(f->of[i]);
	}
	f->n = f->last = 0;
}

void forwards_fini(struct forwards *f)
{
	drop_all(f);
	free(f->of);
	*f = (struct forwards){0};
}

static bool is_of(const struct expiry_forward *e, const struct master_row *r)
{
	return e->underlying == r->underlying && e->expiry == r->expiry;
}

static struct expiry_forward *find(struct forwards *f, const struct master_row *r)
{
	if (f->n && is_of(f->of[f->last], r))
		return f->of[f->last];
	for (uint32_t i = 0; i < f->n; i++) {
		if (is_of(f->of[i], r)) {
			f->last = i;
			return f->of[i];
		}
	}
	f->of = mem_realloc(f->of, (f->n + 1) * sizeof(struct expiry_forward *));
	f->of[f->n] = mem_zalloc(sizeof(**f->of));
	f->of[f->n]->underlying = r->underlying;
	f->of[f->n]->expiry = r->expiry;
	f->of[f->n]->pairs = mem_alloc(CHAIN_STRIKES_MAX * sizeof(struct pair));
	f->of[f->n]->strikes = mem_zalloc(CHAIN_STRIKES_MAX * sizeof(struct chain_strike));
	f->last = f->n++;
	return f->of[f->last];
}

/* --- which contracts ---------------------------------------------------------------------------- */

/* Of one expiry the master has futures, calls and puts, the latter two by strike. */
static void add_pairs(struct expiry_forward *e, const struct chain_source *s, const uint32_t *calls,
		      uint32_t calls_n, const uint32_t *puts, uint32_t puts_n)
{
	const struct master_row *rows = s->m->rows;
	uint32_t i = 0, k = 0;

	while (i < calls_n && k < puts_n && e->n < CHAIN_STRIKES_MAX) {
		price_t call = rows[calls[i]].strike, put = rows[puts[k]].strike;
		struct pair p;

		if (call != put) {
			i += call < put;
			k += put < call;
			continue;
		}
		p.side[OPTION_CALL] = chain_leg_of(s, calls[i++]);
		p.side[OPTION_PUT] = chain_leg_of(s, puts[k++]);
		if (p.side[OPTION_CALL].id == INST_NONE || p.side[OPTION_PUT].id == INST_NONE ||
		    (e->n && e->strikes[e->n - 1].strike >= price_to_double(call)))
			continue;
		e->strikes[e->n].strike = price_to_double(call);
		e->pairs[e->n++] = p;
	}
}

static void look_up(struct expiry_forward *e, const struct chain_source *s)
{
	const struct master_underlying *u = &s->m->underlyings[e->underlying];
	const uint32_t *c = s->m->contracts + u->first;
	uint32_t from = 0, n[TYPE_OTHER + 1] = {0}, at[TYPE_OTHER + 1];

	e->n = 0;
	e->live = s->market->book->live;
	while (from < u->n && s->m->rows[c[from]].expiry < e->expiry)
		from++;
	for (uint32_t i = from; i < u->n && s->m->rows[c[i]].expiry == e->expiry; i++) {
		enum master_type type = (enum master_type)s->m->rows[c[i]].type;

		if (n[type]++ == 0)
			at[type] = i;
	}
	e->spot = chain_leg_of(s, resolve_underlying_row(s->m, e->underlying));
	e->future = chain_leg_of(s, n[TYPE_FUT] ? c[at[TYPE_FUT]] : MASTER_NONE);
	if (n[TYPE_CE] && n[TYPE_PE])
		add_pairs(e, s, c + at[TYPE_CE], n[TYPE_CE], c + at[TYPE_PE], n[TYPE_PE]);
}

/* --- what they quote ---------------------------------------------------------------------------- */

static struct chain_quote quote_of(const struct chain_source *s, struct chain_leg *leg)
{
	uint64_t seq = 0;

	if (leg->id != INST_NONE && s->upstream)
		leg->is_stale = s->upstream->is_stale(s->upstream->arg, leg->id);
	return chain_leg_quote(s, leg, &seq);
}

static void reckon(struct expiry_forward *e, const struct chain_source *s)
{
	struct chain_quote spot = quote_of(s, &e->spot);
	struct chain_input in = {.strikes = e->strikes, .future = quote_of(s, &e->future)};
	double price;
	bool is_mid;

	in.t = (double)(calendar_expiry_instant(e->expiry) - s->market->now_ms) / YEAR_MS;
	in.spot = spot.present & CHAIN_LTP ? spot.ltp : 0;
	if (!chain_price(&in.future, &price, &is_mid)) { /* or else nobody asks the options */
		for (int i = 0; i < e->n; i++) {
			for (int side = 0; side < 2; side++)
				e->strikes[i].side[side] = quote_of(s, &e->pairs[i].side[side]);
		}
		in.n = e->n;
	}
	chain_forward(&in, &e->level);
}

const struct chain_forward *forward_of_option(struct forwards *f, const struct chain_source *s,
					      uint64_t generation, uint64_t turn, uint32_t row)
{
	struct expiry_forward *e;

	if (generation != f->generation)
		drop_all(f);
	f->generation = generation;
	e = find(f, &s->m->rows[row]);
	if (e->turn == turn)
		return &e->level;
	if (e->turn == 0 || e->live != s->market->book->live)
		look_up(e, s);
	e->turn = turn;
	reckon(e, s);
	return &e->level;
}
