/* SPDX-License-Identifier: MIT
 *
 * chain_follow: which contracts a live chain has by now, and the interest that it takes in them: the
 * master, the day, the expiry and the money move; see chains.h.
 */
#include <stdlib.h>

#include "market/calendar.h"
#include "options/chains_internal.h"

/* Places among the instruments that are left to the feed and to clients. */
#define RESERVE 32
/* The middle moves when the money is this much of the way to the next strike. */
#define LEAVE 0.75

/* --- interest ----------------------------------------------------------------------------------- */

/* Where neither the broker's limits nor ours leave room, it is followed all the same as long as somebody
 * else asks for it. */
static void want(struct chain_live *c, const char *key, enum interest_mode mode, uint32_t place)
{
	const struct chains_deps *d = &c->owner->deps;
	struct instruments *t = &d->book->instruments;
	size_t len = strlen(key);
	inst_id id = instruments_find(t, key, len);
	bool is_asked = interest_admits(d->interest, id, mode);

	if (id == INST_NONE && is_asked && t->count + RESERVE < t->limit)
		id = instruments_intern(t, key, len);
	c->refused_n += id == INST_NONE || !is_asked;
	if (id == INST_NONE)
		return;
	if (is_asked)
		interest_add(d->interest, id, mode);
	c->wants[c->wants_n] = (struct chain_want){id, mode, is_asked, place};
	chains_post(c->owner, c, &c->wants[c->wants_n++]);
}

static void want_leg(struct chain_live *c, const struct master *m, const struct chain_leg *leg,
		     enum interest_mode mode, uint32_t place)
{
	if (leg->row != MASTER_NONE)
		want(c, master_key(m, leg->row), mode, place);
}

static void unwant(struct chain_live *c, struct chain_want *wants, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		chains_unpost(c->owner, c, &wants[i]);
		if (wants[i].is_asked)
			interest_drop(c->owner->deps.interest, wants[i].id, wants[i].mode);
	}
	free(wants);
}

/* The underlying itself tells where the money is, to us, whatever the reader may see of it. */
static void want_money(struct chain_live *c, const struct master *m, uint32_t underlying)
{
	uint32_t row = resolve_underlying_row(m, underlying);

	c->money_id = INST_NONE;
	if (row == MASTER_NONE)
		return;
	want(c, master_key(m, row), WANT_LTPC, PLACE_SPOT);
	if (c->wants_n && c->wants[c->wants_n - 1].place == PLACE_SPOT)
		c->money_id = c->wants[c->wants_n - 1].id;
}

/* What is new is taken before what was there is given up: what stays is asked for all the time. */
static void want_all(struct chain_live *c, const struct master *m, const struct chain_view *v)
{
	struct chain_want *old = c->wants;
	uint32_t old_n = c->wants_n;

	c->wants = v ? mem_alloc((2 * (uint32_t)v->in.n + 2) * sizeof(*c->wants)) : NULL;
	c->wants_n = c->refused_n = 0;
	c->money_id = INST_NONE;
	if (v) {
		want_money(c, m, v->underlying);
		want_leg(c, m, &v->future, WANT_FULL, PLACE_FUTURE);
		for (int i = 0; i < v->in.n; i++) {
			for (int side = 0; side < 2; side++)
				want_leg(c, m, &v->legs[i][side], WANT_OPTION_GREEKS,
					 2 * (uint32_t)i + (uint32_t)side);
		}
	}
	unwant(c, old, old_n);
}

/* --- what is meant ------------------------------------------------------------------------------ */

/* The price that the money is at; 0: not known. */
static double money_of(const struct chain_live *c, const struct chain_view *v)
{
	const struct chains_deps *d = &c->owner->deps;
	const struct slot *slot = c->money_id != INST_NONE ? book_slot(d->book, c->money_id) : NULL;
	double price;
	bool is_mid;

	if (slot && (slot->q.present & QUOTE_LTP) && !slot->suspect &&
	    !(d->upstream && d->upstream->is_stale(d->upstream->arg, c->money_id))) {
		price = price_to_double(slot->q.ltp);
		if (price > 0)
			return price;
	}
	return v && chain_price(&v->in.future, &price, &is_mid) ? price : 0;
}

/* Leaves the strikes about the money, none without one, and notes when the middle moves. */
static void cut(struct chain_live *c, struct chain_view *v, double money)
{
	int at = money > 0 ? chain_nearest(v->strikes, v->in.n, money) : CHAIN_NONE;
	double middle;

	c->low = c->high = 0;
	if (at == CHAIN_NONE) {
		v->in.n = 0;
		return;
	}
	middle = v->strikes[at].strike;
	c->low = at > 0 ? middle - LEAVE * (middle - v->strikes[at - 1].strike) : 0;
	c->high = at + 1 < v->in.n ? middle + LEAVE * (v->strikes[at + 1].strike - middle) : 1e12;
	chain_view_keep(v, money, c->strikes.around);
}

/* When another expiry may be meant: this one is over, or the first one is. */
static int64_t roll_of(const struct chain_live *c, const struct chain_source *s,
		       const struct chain_view *v)
{
	const struct expiry_choice current = {.kind = EXPIRY_CURRENT};
	day_t first = resolve_expiry(s->m, v->underlying, TYPE_CE, &current, s->market->now_ms);
	int64_t first_ms = first ? calendar_expiry_instant(first) : v->expiry_ms;

	return c->expiry.kind == EXPIRY_DATE || v->expiry_ms < first_ms ? v->expiry_ms : first_ms;
}

static void set_strikes(struct chain_live *c, const struct master *m)
{
	uint32_t u = resolve_underlying(m, c->underlying);
	const struct chains_config *cfg = c->owner->deps.cfg;
	const char *symbol =
		u == MASTER_NONE ? c->underlying : master_text(m, m->underlyings[u].symbol);

	if (!chains_config_band(cfg, symbol, &c->strikes))
		c->strikes = (struct chain_strikes){.around = (uint32_t)cfg->around};
}

/* What the money is told from has to be asked for before strikes can be chosen by it. */
static void choose_about(struct chain_live *c, const struct chain_source *s, struct chain_view *v)
{
	struct chain_view *levels = mem_zalloc(sizeof(*levels));

	levels->underlying = v->underlying;
	levels->future = v->future;
	if (!c->view)
		want_all(c, s->m, levels);
	levels->in.future = chain_leg_quote(s, &v->future, &levels->seq);
	cut(c, v, money_of(c, levels));
	free(levels);
}

static void list_anew(struct chain_live *c, const struct chain_source *s)
{
	struct chain_query q = {.underlying = c->underlying, .expiry = c->expiry};
	struct chain_view *v = mem_zalloc(sizeof(*v));
	bool is_there;

	set_strikes(c, s->m);
	q.strikes = c->strikes;
	is_there = chain_view_list(s, &q, v, &c->miss);
	c->low = c->high = 0;
	if (is_there && c->strikes.to <= 0)
		choose_about(c, s, v);
	if (!is_there) {
		free(v);
		v = NULL;
	}
	want_all(c, s->m, v);
	free(c->view);
	c->view = v;
	c->roll_ms = v ? roll_of(c, s, v) : INT64_MAX;
	c->version++;
	c->owner->listed++;
	if (v) {
		chain_view_quote(s, v);
		chain_view_compute(s, v);
		c->owner->computed++;
	}
	bitset_clear(&c->changed);
}

/* A feed's clock does not know the day before its first message: contracts of a recording would look
 * expired. */
static bool is_day_known(const struct clock *clock)
{
	return clock->mode == CLOCK_SYSTEM || clock->feed_ms > 0;
}

static bool has_money_left(const struct chain_live *c)
{
	double money;

	if (!c->view || c->strikes.to > 0)
		return false;
	money = money_of(c, c->view);
	return money > 0 && (money < c->low || money > c->high);
}

bool chain_live_follow(struct chain_live *c, const struct chain_source *s, uint64_t master_version)
{
	uint64_t oi_version = s->oi->version;
	day_t today = ist_day(s->market->now_ms);

	if (!s->m || !is_day_known(c->owner->deps.loop->clock))
		return false;
	if (c->is_looked_for && master_version == c->master_version &&
	    oi_version == c->oi_version && today == c->day && s->market->now_ms < c->roll_ms &&
	    !has_money_left(c))
		return false;
	c->is_looked_for = true;
	c->master_version = master_version;
	c->oi_version = oi_version;
	c->day = today;
	list_anew(c, s);
	return true;
}

void chain_live_ask(struct chain_live *c)
{
	const struct chains_deps *d = &c->owner->deps;
	struct chains_listing listing = d->listing(d->arg);

	if (c->refused_n && c->view && listing.m && listing.version == c->master_version)
		want_all(c, listing.m, c->view);
}

void chain_live_let_go(struct chain_live *c)
{
	unwant(c, c->wants, c->wants_n);
	c->wants = NULL;
	c->wants_n = 0;
}
