/* SPDX-License-Identifier: MIT
 *
 * watch: what is always wanted: instrument keys, all that a simulated exchange lists, selectors.
 *
 * A selector (NIFTY:current:ATM+-8) follows the money: once a second what it means then is added.
 * What it chose stays until it expires, so that a price that swings about the middle of two strikes
 * does not subscribe and unsubscribe; a day's wandering is a few dozen contracts, and watch_max
 * bounds them all. The underlying is watched too, in mode ltpc: without its price there is no ATM.
 */
#include <stdlib.h>

#include "core/log.h"
#include "refdata/refdata_internal.h"

static const char brief_watch[] = "NSE_INDEX|Nifty 50,NSE_INDEX|Nifty Bank,NSE_EQ|INE002A01018,"
				  "NSE_EQ|INE467B01029";

static void watch_in(struct refdata *r, struct bitset *set, enum interest_mode mode,
		     const char *key, size_t len)
{
	inst_id id = instruments_intern(&r->deps.book->instruments, key, len);

	if (id == INST_NONE)
		log_warn("refdata", "cannot watch \"%.*s\": not an instrument key, or too many",
			 (int)len, key);
	else if (bitset_add(set, id))
		interest_add(r->deps.interest, id, mode);
}

static void watch_member(struct refdata *r, enum interest_mode mode, const char *text, size_t len)
{
	struct watch_selector *s;
	struct agni_err err;

	if (!selector_is_meant(text, len)) {
		watch_in(r, &r->watched[mode], mode, text, len);
		return;
	}
	r->selectors = mem_realloc(r->selectors, (r->selectors_n + 1) * sizeof(*s));
	s = &r->selectors[r->selectors_n];
	*s = (struct watch_selector){.mode = mode};
	if (selector_parse(text, len, &s->selector, &err) < 0)
		log_warn("refdata", "cannot watch \"%.*s\": %s", (int)len, text, err.text);
	else
		r->selectors_n++;
}

static void watch_list(struct refdata *r, enum interest_mode mode, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ","), skip = strspn(list, " ");
		size_t end = len;

		while (end > skip && list[end - 1] == ' ')
			end--;
		if (end > skip)
			watch_member(r, mode, list + skip, end - skip);
		list += len + (list[len] == ',');
	}
}

void watch_start(struct refdata *r)
{
	const struct refdata_config *cfg = r->deps.cfg;

	if (strcmp(cfg->watch, "auto") != 0)
		watch_list(r, WANT_FULL, cfg->watch);
	else if (!r->deps.watch_all)
		watch_list(r, WANT_FULL, brief_watch);
	watch_list(r, WANT_OPTION_GREEKS, cfg->watch_option_greeks);
	watch_list(r, WANT_LTPC, cfg->watch_ltpc);
}

void watch_fini(struct refdata *r)
{
	for (int i = 0; i < WANT_MODES; i++) {
		bitset_fini(&r->watched[i]);
		bitset_fini(&r->chosen[i]);
	}
	free(r->selectors);
}

/* --- selectors -------------------------------------------------------------------------------- */

struct choosing {
	struct refdata *refdata;
	enum interest_mode mode;
};

static unsigned chosen_count(const struct refdata *r)
{
	unsigned n = 0;

	for (int i = 0; i < WANT_MODES; i++)
		n += r->chosen[i].count;
	return n;
}

static void choose(void *arg, uint32_t row)
{
	struct choosing *c = arg;
	struct refdata *r = c->refdata;
	const char *key = master_key(r->master, row);

	if (chosen_count(r) < r->deps.cfg->watch_max)
		watch_in(r, &r->chosen[c->mode], c->mode, key, strlen(key));
}

/* A feed's clock does not know the day before the first message: contracts of a recording would
 * look expired, or those of today would. */
static bool is_day_known(const struct refdata *r)
{
	const struct clock *clock = r->deps.loop->clock;

	return clock->mode == CLOCK_SYSTEM || clock->feed_ms > 0;
}

/* The money is told from the underlying. */
static void choose_underlying(struct refdata *r, const struct selector *s)
{
	uint32_t u = resolve_underlying(r->master, s->underlying);
	uint32_t row = u == MASTER_NONE ? u : resolve_underlying_row(r->master, u);
	struct choosing c = {r, WANT_LTPC};

	if (row != MASTER_NONE)
		choose(&c, row);
}

void watch_follow(struct refdata *r)
{
	struct resolve_market market = refdata_market(r);

	if (!r->master)
		return;
	for (unsigned i = 0; i < r->selectors_n; i++) {
		struct watch_selector *s = &r->selectors[i];
		struct choosing c = {r, s->mode};
		struct resolve_miss miss;

		choose_underlying(r, &s->selector);
		if (!is_day_known(r))
			continue;
		if (resolve_selector(r->master, &s->selector, &market, choose, &c, &miss) > 0 ||
		    miss.code == RESOLVE_NO_PRICE || s->is_complaint_made)
			continue;
		s->is_complaint_made = true;
		log_warn("refdata", "nothing to watch for a selector of %s: %s",
			 s->selector.underlying, miss.text);
	}
}

/* --- a new master ----------------------------------------------------------------------------- */

static bool is_listed(const struct refdata *r, const char *key, day_t first)
{
	uint32_t row = master_find(r->master, key, strlen(key));

	return row != MASTER_NONE &&
	       (!r->master->rows[row].expiry || r->master->rows[row].expiry >= first);
}

static void drop_unlisted(struct refdata *r, struct bitset *set, enum interest_mode mode,
			  day_t first)
{
	bitset_for_each(id, set)
	{
		if (!is_listed(r, instruments_key(&r->deps.book->instruments, id), first)) {
			bitset_remove(set, id);
			interest_drop(r->deps.interest, id, mode);
		}
	}
}

/* With watch=auto on a simulated exchange: everything that the master lists, nothing else. Expired
 * or not is the exchange's to say: the clock may not have heard from it yet. */
static void watch_listed(struct refdata *r)
{
	drop_unlisted(r, &r->watched[WANT_FULL], WANT_FULL, 0);
	for (uint32_t i = 0; i < r->master->n && i < r->deps.cfg->watch_max; i++) {
		const char *key = master_key(r->master, i);

		watch_in(r, &r->watched[WANT_FULL], WANT_FULL, key, strlen(key));
	}
}

void watch_renew(struct refdata *r)
{
	day_t first = is_day_known(r) ? ist_day(clock_market_ms(r->deps.loop->clock)) : 0;

	if (r->deps.watch_all && strcmp(r->deps.cfg->watch, "auto") == 0)
		watch_listed(r);
	for (int i = 0; i < WANT_MODES; i++)
		drop_unlisted(r, &r->chosen[i], (enum interest_mode)i, first);
	for (unsigned i = 0; i < r->selectors_n; i++)
		r->selectors[i].is_complaint_made = false;
	watch_follow(r);
}
