/* SPDX-License-Identifier: MIT
 *
 * futures_live: the futures of one underlying that are kept; see futures.h.
 *
 *      refresh --> has what is meant moved? (master, near month over)
 *                    yes: list anew, take interest in what is new, then give up what has left
 *              --> has a quote ticked, become stale or fresh, or the kept open interest moved?
 *                    yes: take the quotes, reckon, and the version moves
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "options/futures_internal.h"
#include "options/futures_json.h"

/* Places among the instruments that are left to the feed and to clients. */
#define RESERVE 32
/* Without a tick the time to expiry and the ages are told again so often, ms of the market. */
#define AGE_MS 60000

static bool permits(const void *arg, const char *key, size_t len)
{
	return scope_permits(arg, key, len);
}

static struct resolve_market market_of(const struct futures_live *l)
{
	const struct futures_deps *d = &l->owner->deps;

	return (struct resolve_market){.book = d->book, .now_ms = clock_market_ms(d->loop->clock)};
}

static struct chain_source source_of(const struct futures_live *l, const struct master *m,
				     const struct resolve_market *market)
{
	return (struct chain_source){.m = m,
				     .market = market,
				     .upstream = l->owner->deps.upstream,
				     .oi = l->owner->deps.oi,
				     .permits = permits,
				     .permits_arg = &l->scope};
}

/* --- interest ----------------------------------------------------------------------------------- */

/* Where neither the broker's limits nor ours leave room, it is followed all the same as long as somebody
 * else asks for it. */
static void want(struct futures_live *l, const struct master *m, uint32_t row,
		 enum interest_mode mode)
{
	const struct futures_deps *d = &l->owner->deps;
	struct instruments *t = &d->book->instruments;
	const char *key = row == MASTER_NONE ? "" : master_key(m, row);
	size_t len = strlen(key);
	bool is_asked;
	inst_id id;

	if (!len || !scope_permits(&l->scope, key, len))
		return;
	id = instruments_find(t, key, len);
	is_asked = interest_admits(d->interest, id, mode);
	if (id == INST_NONE && is_asked && t->count + RESERVE < t->limit)
		id = instruments_intern(t, key, len);
	l->refused_n += id == INST_NONE || !is_asked;
	if (id == INST_NONE)
		return;
	if (is_asked)
		interest_add(d->interest, id, mode);
	l->wants[l->wants_n++] = (struct futures_want){id, mode, is_asked};
}

static void unwant(struct futures_live *l, const struct futures_want *wants, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (wants[i].is_asked)
			interest_drop(l->owner->deps.interest, wants[i].id, wants[i].mode);
	}
}

/* What is new is taken before what was there is given up: what stays is asked for all the time. */
static void want_all(struct futures_live *l, const struct master *m)
{
	struct futures_want old[ARRAY_LEN(l->wants)];
	uint32_t old_n = l->wants_n;

	memcpy(old, l->wants, sizeof(old));
	l->wants_n = l->refused_n = 0;
	if (l->is_there) {
		want(l, m, resolve_underlying_row(m, l->view.underlying), WANT_LTPC);
		for (int i = 0; i < FUTURES_MONTHS; i++)
			want(l, m, l->view.months[i].row, WANT_FULL);
	}
	unwant(l, old, old_n);
	futures_watch(l->owner);
}

void futures_live_ask(struct futures_live *l)
{
	const struct futures_deps *d = &l->owner->deps;
	struct chains_listing listing = d->listing(d->arg);

	if (l->refused_n && listing.m && listing.version == l->master_version)
		want_all(l, listing.m);
}

/* --- what is meant ------------------------------------------------------------------------------ */

/* A feed's clock does not know the day before its first message: contracts of a recording would look
 * expired. */
static bool is_day_known(const struct clock *clock)
{
	return clock->mode == CLOCK_SYSTEM || clock->feed_ms > 0;
}

/* Lists anew where what is meant may have moved. */
static void look(struct futures_live *l, const struct master *m, uint64_t master_version,
		 int64_t now_ms)
{
	day_t first_day = resolve_first_day(now_ms);

	if (l->is_looked_for && master_version == l->master_version && first_day == l->first_day)
		return;
	l->is_looked_for = true;
	l->master_version = master_version;
	l->first_day = first_day;
	l->is_there = futures_view_list(&l->view, m, l->underlying, now_ms, &l->miss);
	want_all(l, m);
	l->is_dirty = true;
}

static bool is_stale(const struct futures_deps *d, inst_id id)
{
	return d->upstream && d->upstream->is_stale(d->upstream->arg, id);
}

/* Whether a quote may be reckoned with since, or not any more. */
static bool has_aged(const struct futures_live *l, int64_t now_ms)
{
	const struct futures_deps *d = &l->owner->deps;
	const struct chain_leg *legs[] = {&l->view.spot, &l->view.months[0].leg,
					  &l->view.months[1].leg, &l->view.months[2].leg};

	for (size_t i = 0; i < ARRAY_LEN(legs); i++) {
		if (legs[i]->row != MASTER_NONE && legs[i]->id != INST_NONE &&
		    is_stale(d, legs[i]->id) != legs[i]->is_stale)
			return true;
	}
	return now_ms - l->view.now_ms >= AGE_MS;
}

void futures_live_refresh(struct futures_live *l)
{
	const struct futures_deps *d = &l->owner->deps;
	struct chains_listing listing = d->listing(d->arg);
	struct resolve_market market = market_of(l);
	struct chain_source from = source_of(l, listing.m, &market);
	uint64_t oi_version = d->oi ? d->oi->version : 0;
	struct futures_terms terms = futures_terms(d->cfg);

	if (!listing.m || !is_day_known(d->loop->clock))
		return;
	look(l, listing.m, listing.version, market.now_ms);
	if (!l->is_dirty && oi_version == l->oi_version &&
	    (!l->is_there || !has_aged(l, market.now_ms)))
		return;
	l->is_dirty = false;
	l->oi_version = oi_version;
	l->version++;
	if (!l->is_there)
		return;
	futures_view_fill(&l->view, &from, &terms);
	l->owner->computed++;
}

/* --- telling ------------------------------------------------------------------------------------ */

/* There are no such futures now: said, so that nobody goes on with the last text. */
static void put_miss(struct buf *b, const struct futures_live *l)
{
	buf_str(b, "{\"underlying\":");
	buf_json_str(b, l->underlying, strlen(l->underlying));
	buf_printf(b, ",\"ts_ms\":%lld,\"error\":{\"code\":\"%s\",\"message\":",
		   (long long)clock_market_ms(l->owner->deps.loop->clock),
		   resolve_code_text(l->miss.code));
	buf_json_str(b, l->miss.text, strlen(l->miss.text));
	buf_str(b, "}}");
}

void futures_live_tell(struct futures_live *l)
{
	const struct futures_deps *d = &l->owner->deps;
	struct chains_listing listing = d->listing(d->arg);

	AGNI_ASSERT(!l->is_there || listing.version == l->master_version);
	buf_reset(&l->text);
	if (l->is_there)
		futures_json(&l->text, &l->view, listing.m, d->book);
	else
		put_miss(&l->text, l);
	l->text_version = l->version;
}

const struct buf *futures_live_text(const struct futures_live *l, uint64_t *version)
{
	*version = l->text_version;
	return l->text_version ? &l->text : NULL;
}

/* --- life --------------------------------------------------------------------------------------- */

struct futures_live *futures_live_create(struct futures *f, const char *underlying,
					 const struct scope *scope)
{
	struct futures_live *l = mem_zalloc(sizeof(*l));

	l->owner = f;
	snprintf(l->underlying, sizeof(l->underlying), "%s", underlying);
	if (scope)
		scope_copy(&l->scope, scope);
	list_append(&f->live, &l->link);
	f->live_n++;
	return l;
}

void futures_live_destroy(struct futures_live *l)
{
	struct futures *f = l->owner;

	list_remove(&l->link);
	f->live_n--;
	unwant(l, l->wants, l->wants_n);
	l->wants_n = 0;
	futures_watch(f);
	scope_fini(&l->scope);
	buf_fini(&l->text);
	free(l);
}

static bool is_same_underlying(const struct futures_live *l, const char *name)
{
	const struct futures_deps *d = &l->owner->deps;
	struct chains_listing listing = d->listing(d->arg);

	if (strcasecmp(l->underlying, name) == 0)
		return true;
	return l->is_there && listing.version == l->master_version &&
	       resolve_underlying(listing.m, name) == l->view.underlying;
}

bool futures_live_is(const struct futures_live *l, const char *underlying,
		     const struct scope *scope)
{
	static const struct scope all = {0};

	return scope_is_equal(&l->scope, scope ? scope : &all) && is_same_underlying(l, underlying);
}
