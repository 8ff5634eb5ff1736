/* SPDX-License-Identifier: MIT
 *
 * contracts: see contracts.h.
 */
#include "signals/contracts.h"

#include <stdlib.h>

#include "market/calendar.h"

void contracts_fini(struct contracts *c)
{
	free(c->of);
	*c = (struct contracts){0};
}

/* The first of the underlying's contracts that expires on `day` or later; u->n when none does. They are
 * sorted by expiry. */
static uint32_t first_from(const struct master *m, const struct master_underlying *u, day_t day)
{
	uint32_t from = 0, to = u->n;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (m->rows[m->contracts[u->first + mid]].expiry < day)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* The first future that expires on `expiry` or later, or MASTER_NONE: of one expiry it comes first. */
static uint32_t future_from(const struct master *m, uint32_t underlying, day_t expiry)
{
	const struct master_underlying *u = &m->underlyings[underlying];
	uint32_t i = first_from(m, u, expiry);

	while (i < u->n) {
		uint32_t row = m->contracts[u->first + i];

		if (m->rows[row].type == TYPE_FUT)
			return row;
		i = first_from(m, u, m->rows[row].expiry + 1);
	}
	return MASTER_NONE;
}

static inst_id id_of(struct instruments *t, const char *key)
{
	return key[0] ? instruments_intern(t, key, strlen(key)) : INST_NONE;
}

static void read_row(struct contract *c, struct instruments *t, const struct master *m,
		     uint32_t row)
{
	const struct master_row *r = &m->rows[row];
	uint32_t future;

	if (r->type != TYPE_FUT && r->type != TYPE_CE && r->type != TYPE_PE)
		return;
	c->kind = r->type == TYPE_FUT ? CONTRACT_FUTURE : CONTRACT_OPTION;
	c->type = r->type == TYPE_PE ? OPTION_PUT : OPTION_CALL;
	c->strike = price_to_double(r->strike);
	c->expiry_ms = calendar_expiry_instant(r->expiry);
	c->underlying = id_of(t, master_text(m, m->underlyings[r->underlying].key));
	if (c->kind != CONTRACT_OPTION)
		return;
	future = future_from(m, r->underlying, r->expiry);
	if (future == MASTER_NONE)
		return;
	c->future = id_of(t, master_key(m, future));
	c->future_ms = calendar_expiry_instant(m->rows[future].expiry);
}

const struct contract *contract_of(struct contracts *c, struct instruments *t,
				   const struct master *m, uint64_t generation, inst_id id)
{
	struct contract *of;
	const char *key;
	uint32_t row;

	if (AGNI_UNLIKELY(id >= c->cap)) {
		uint32_t cap = c->cap ? c->cap : 256;

		while (id >= cap)
			cap *= 2;
		c->of = mem_realloc(c->of, cap * sizeof(*c->of));
		memset(c->of + c->cap, 0, (cap - c->cap) * sizeof(*c->of));
		c->cap = cap;
	}
	of = &c->of[id];
	if (AGNI_LIKELY(of->generation == generation))
		return of;
	key = instruments_key(t, id);
	row = m ? master_find(m, key, strlen(key)) : MASTER_NONE;
	*of = (struct contract){
		.generation = generation, .row = row, .underlying = INST_NONE, .future = INST_NONE};
	if (row != MASTER_NONE)
		read_row(of, t, m, row);
	return of;
}

/* The middle of a future's book, else the last price; 0 when there is none that counts now. */
static double price_of(const struct book *b, inst_id id, int64_t ms, int64_t max_age_ms)
{
	const struct slot *s = id == INST_NONE ? NULL : book_slot(b, id);
	double bid, ask;

	if (!s || s->suspect || ms - s->ts_ms > max_age_ms || s->ts_ms - ms > max_age_ms)
		return 0;
	if ((s->q.present & QUOTE_DEPTH) && s->q.depth_n) {
		bid = price_to_double(s->q.depth[0].bid);
		ask = price_to_double(s->q.depth[0].ask);
		if (bid > 0 && ask >= bid)
			return (bid + ask) / 2;
	}
	return s->q.present & QUOTE_LTP ? price_to_double(s->q.ltp) : 0;
}

struct level contract_level(const struct book *b, const struct contract *c, int64_t ms,
			    int64_t max_age_ms)
{
	double spot = price_of(b, c->underlying, ms, max_age_ms);
	double future = price_of(b, c->future, ms, max_age_ms);
	double left = (double)(c->expiry_ms - ms), whole = (double)(c->future_ms - ms);

	if (!(spot > 0))
		spot = 0;
	if (future > 0 && c->future_ms == c->expiry_ms)
		return (struct level){LEVEL_FUTURE, future, spot};
	if (future > 0 && spot > 0 && left > 0 && whole > left)
		return (struct level){LEVEL_FUTURE, spot + (future - spot) * left / whole, spot};
	if (spot > 0)
		return (struct level){LEVEL_SPOT, spot, spot};
	return (struct level){0};
}
