/* SPDX-License-Identifier: MIT
 *
 * chain_live: one chain that is kept; see chains.h.
 *
 *      refresh --> has what is meant moved? (master, day, expiry, money, kept open interest)
 *                    yes: list anew, take interest in what is new, then give up what has left
 *              --> take the quotes that were marked, and those that became stale or fresh
 *              --> reckon, and the version moves
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "market/calendar.h"
#include "options/chain_json.h"
#include "options/chains_internal.h"

/* Places among the instruments that are left to the feed and to clients. */
#define RESERVE 32
/* Without a tick the time to expiry and the ages are told again so often, ms of the market. */
#define AGE_MS 60000
/* The middle moves when the money is this much of the way to the next strike. */
#define LEAVE 0.75

static bool permits(const void *arg, const char *key, size_t len)
{
	return scope_permits(arg, key, len);
}

static struct chain_source source_of(const struct chain_live *c, const struct master *m,
				     const struct resolve_market *market)
{
	return (struct chain_source){.m = m,
				     .market = market,
				     .upstream = c->owner->deps.upstream,
				     .oi = oi_keeper_get(c->owner->keeper),
				     .permits = permits,
				     .permits_arg = &c->scope};
}

static struct resolve_market market_of(const struct chain_live *c)
{
	return (struct resolve_market){.book = c->owner->deps.book,
				       .now_ms = clock_market_ms(c->owner->deps.loop->clock)};
}

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

/* Lists anew where what is meant may have moved. False: it was not, or cannot be yet. */
static bool look(struct chain_live *c, const struct chain_source *s, uint64_t master_version)
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

/* --- quotes ------------------------------------------------------------------------------------- */

static bool is_stale(const struct chain_source *s, inst_id id)
{
	return s->upstream && s->upstream->is_stale(s->upstream->arg, id);
}

/* Whether the leg's quote has to be taken anew: it ticked, or may be reckoned with (or not) since. */
static bool has_moved(const struct chain_live *c, const struct chain_source *s,
		      struct chain_leg *leg, uint32_t place)
{
	if (leg->row == MASTER_NONE)
		return false;
	if (bitset_has(&c->changed, place) && leg->id == INST_NONE)
		*leg = chain_leg_of(s, leg->row);
	else if (leg->id != INST_NONE && is_stale(s, leg->id) != leg->is_stale)
		leg->is_stale = !leg->is_stale;
	else
		return bitset_has(&c->changed, place);
	return true;
}

static bool take_levels(struct chain_live *c, const struct chain_source *s)
{
	struct chain_view *v = c->view;
	bool any = false;

	if (has_moved(c, s, &v->spot, PLACE_SPOT)) {
		struct chain_quote spot = chain_leg_quote(s, &v->spot, &v->seq);

		v->in.spot = spot.present & CHAIN_LTP ? spot.ltp : 0;
		any = true;
	}
	if (has_moved(c, s, &v->future, PLACE_FUTURE)) {
		v->in.future = chain_leg_quote(s, &v->future, &v->seq);
		any = true;
	}
	return any;
}

static bool take_quotes(struct chain_live *c, const struct chain_source *s)
{
	struct chain_view *v = c->view;
	bool any = take_levels(c, s);

	for (int i = 0; i < v->in.n; i++) {
		for (int side = 0; side < 2; side++) {
			struct chain_leg *leg = &v->legs[i][side];

			if (!has_moved(c, s, leg, 2 * (uint32_t)i + (uint32_t)side))
				continue;
			v->strikes[i].side[side] = chain_leg_quote(s, leg, &v->seq);
			any = true;
		}
	}
	bitset_clear(&c->changed);
	return any;
}

void chain_live_refresh(struct chain_live *c)
{
	const struct chains_deps *d = &c->owner->deps;
	struct chains_listing listing = d->listing(d->arg);
	struct resolve_market market = market_of(c);
	struct chain_source s = source_of(c, listing.m, &market);

	c->is_dirty = false;
	if (look(c, &s, listing.version) || !c->view)
		return;
	if (!take_quotes(c, &s) && market.now_ms - c->view->now_ms < AGE_MS)
		return;
	chain_view_compute(&s, c->view);
	c->owner->computed++;
	c->version++;
}

bool chain_live_lacks_oi(const struct chain_live *c)
{
	const struct chain_view *v = c->view;

	for (int i = 0; v && i < v->in.n; i++) {
		for (int side = 0; side < 2; side++) {
			const struct chain_leg *leg = &v->legs[i][side];

			if (leg->row != MASTER_NONE && leg->prev_source == PREV_OI_NONE)
				return true;
		}
	}
	return false;
}

/* --- telling ------------------------------------------------------------------------------------ */

static const char *choice_text(const struct expiry_choice *e, char day[IST_TEXT])
{
	static const char *const words[] = {"current", "next", "monthly"};

	return e->kind == EXPIRY_DATE ? day_format(e->day, day) : words[e->kind];
}

/* There is no such chain now: said, so that nobody goes on with the last one. */
static void put_miss(struct buf *b, const struct chain_live *c)
{
	char day[IST_TEXT];

	buf_str(b, "{\"underlying\":");
	buf_json_str(b, c->underlying, strlen(c->underlying));
	buf_printf(b, ",\"expiry\":\"%s\",\"ts_ms\":%lld,\"error\":{\"code\":\"%s\",\"message\":",
		   choice_text(&c->expiry, day),
		   (long long)clock_market_ms(c->owner->deps.loop->clock),
		   resolve_code_text(c->miss.code));
	buf_json_str(b, c->miss.text, strlen(c->miss.text));
	buf_str(b, "}}");
}

void chain_live_tell(struct chain_live *c)
{
	const struct chains_deps *d = &c->owner->deps;
	struct chains_listing listing = d->listing(d->arg);
	struct resolve_market market = market_of(c);
	struct chain_source s = source_of(c, listing.m, &market);

	AGNI_ASSERT(!c->view || listing.version == c->master_version);
	buf_reset(&c->text);
	if (c->view)
		chain_json(&c->text, c->view, &s);
	else
		put_miss(&c->text, c);
	c->text_version = c->version;
}

/* --- life --------------------------------------------------------------------------------------- */

struct chain_live *chain_live_create(struct chains *ch, const struct chain_wish *wish)
{
	struct chain_live *c = mem_zalloc(sizeof(*c));

	c->owner = ch;
	snprintf(c->underlying, sizeof(c->underlying), "%s", wish->underlying);
	c->expiry = wish->expiry;
	if (wish->scope)
		scope_copy(&c->scope, wish->scope);
	c->money_id = INST_NONE;
	c->roll_ms = INT64_MAX;
	list_append(&ch->live, &c->link);
	ch->live_n++;
	return c;
}

void chain_live_destroy(struct chain_live *c)
{
	list_remove(&c->link);
	c->owner->live_n--;
	unwant(c, c->wants, c->wants_n);
	scope_fini(&c->scope);
	bitset_fini(&c->changed);
	buf_fini(&c->text);
	free(c->view);
	free(c);
}

static bool is_same_underlying(const struct chain_live *c, const char *name)
{
	const struct chains_deps *d = &c->owner->deps;
	struct chains_listing listing = d->listing(d->arg);

	if (strcasecmp(c->underlying, name) == 0)
		return true;
	return c->view && listing.version == c->master_version &&
	       resolve_underlying(listing.m, name) == c->view->underlying;
}

bool chain_live_is(const struct chain_live *c, const struct chain_wish *wish)
{
	static const struct scope all = {0};

	return c->expiry.kind == wish->expiry.kind &&
	       (c->expiry.kind != EXPIRY_DATE || c->expiry.day == wish->expiry.day) &&
	       scope_is_equal(&c->scope, wish->scope ? wish->scope : &all) &&
	       is_same_underlying(c, wish->underlying);
}

const struct chain_view *chain_live_view(const struct chain_live *c)
{
	return c->view;
}

uint64_t chain_live_version(const struct chain_live *c)
{
	return c->version;
}

const struct buf *chain_live_text(const struct chain_live *c, uint64_t *version)
{
	*version = c->text_version;
	return c->text_version ? &c->text : NULL;
}
