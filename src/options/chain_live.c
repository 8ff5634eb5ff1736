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

#include "options/chain_json.h"
#include "options/chains_internal.h"

/* Without a tick the time to expiry and the ages are told again so often, ms of the market. */
#define AGE_MS 60000

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
	if (chain_live_follow(c, &s, listing.version) || !c->view)
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
	chain_live_let_go(c);
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
