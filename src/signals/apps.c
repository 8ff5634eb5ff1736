/* SPDX-License-Identifier: MIT
 *
 * apps: which instruments an app has.
 *
 *      NSE_INDEX|Nifty 50       a member from the start
 *      NIFTY:current:ATM+-8     what it means is looked up once a second of market time, at the end
 *                               of a turn: when, depends on the recording alone
 *
 * What a selector has chosen stays until it expires, as in the watch list: a price that swings about
 * the middle of two strikes neither subscribes and unsubscribes, nor loses the state of its edges.
 * Members are asked for upstream in mode full, the price that tells where the money is in mode ltpc;
 * the broker's limits are asked first, and what does not fit is counted and left out.
 */
#include <stdlib.h>

#include "core/log.h"
#include "signals/signals_internal.h"

const struct master *apps_master(const struct signals *s)
{
	return s->deps.refdata ? refdata_master(s->deps.refdata) : NULL;
}

uint64_t apps_generation(const struct signals *s)
{
	return 1 + (s->deps.refdata ? refdata_generation(s->deps.refdata) : 0);
}

/* Room for every member to be marked in one turn, so that a tick allocates nothing. */
static void make_room(struct signals *s, inst_id id)
{
	bitset_add(&s->watched, id);
	if (bitset_add(&s->marked, id))
		bitset_remove(&s->marked, id);
	if (s->watched.count > s->ticked_cap) {
		s->ticked_cap = 2 * s->watched.count;
		s->ticked = mem_realloc(s->ticked, s->ticked_cap * sizeof(*s->ticked));
	}
}

static void set_place(struct app *a, inst_id id, uint32_t place)
{
	if (id >= a->place_cap) {
		uint32_t cap = a->place_cap ? a->place_cap : 256;

		while (id >= cap)
			cap *= 2;
		a->place = mem_realloc(a->place, cap * sizeof(*a->place));
		memset(a->place + a->place_cap, 0, (cap - a->place_cap) * sizeof(*a->place));
		a->place_cap = cap;
	}
	a->place[id] = place;
}

/* The price of `id` is asked for, for where the money is and what an option is worth. */
static void want_price(struct signals *s, struct app *a, inst_id id)
{
	if (id == INST_NONE || bitset_has(&a->moneys, id))
		return;
	if (!interest_admits(s->deps.interest, id, WANT_LTPC)) {
		s->over_limit++;
		return;
	}
	bitset_add(&a->moneys, id);
	interest_add(s->deps.interest, id, WANT_LTPC);
}

static void want_level(struct signals *s, struct app *a, inst_id id)
{
	const struct contract *c = contract_of(&s->contracts, &s->deps.book->instruments,
					       apps_master(s), apps_generation(s), id);

	if (c->kind == CONTRACT_NONE)
		return;
	want_price(s, a, c->underlying);
	want_price(s, a, c->future);
}

/* What the ring knows to have fired does not fire again. */
static void remember(const struct signals *s, enum app_kind app, struct member *m)
{
	enum rule_kind kind;

	for (uint64_t id = signals_oldest(s); id <= s->newest; id++) {
		const struct signal *old = signals_at(s, id);

		if (old->instrument == m->id && strcmp(old->app, app_name(app)) == 0 &&
		    rule_parse(old->strategy, strlen(old->strategy), &kind))
			edge_restore(&m->edges[kind], old->side, old->ts_ms);
	}
}

static void join(struct signals *s, struct app *a, const char *key, size_t len, day_t expiry)
{
	inst_id id = instruments_find(&s->deps.book->instruments, key, len);
	struct member *m;

	if (id != INST_NONE && app_member(a, id)) {
		app_member(a, id)->is_left = false;
		want_level(s, a, id); /* the master may have come since, or the list was renewed */
		return;
	}
	if (a->members_n == APP_MEMBERS_MAX || !interest_admits(s->deps.interest, id, WANT_FULL)) {
		s->over_limit++;
		return;
	}
	id = instruments_intern(&s->deps.book->instruments, key, len);
	if (id == INST_NONE) {
		s->over_limit++;
		return;
	}
	if (a->members_n == a->members_cap) {
		a->members_cap = a->members_cap ? 2 * a->members_cap : 16;
		a->members = mem_realloc(a->members, a->members_cap * sizeof(*a->members));
	}
	m = mem_zalloc(sizeof(*m));
	m->id = id;
	m->expiry = expiry;
	a->members[a->members_n++] = m;
	set_place(a, id, a->members_n);
	make_room(s, id);
	interest_add(s->deps.interest, id, WANT_FULL);
	want_level(s, a, id);
	remember(s, (enum app_kind)(a - s->apps), m);
}

static void leave(struct signals *s, struct app *a, unsigned i)
{
	struct member *m = a->members[i];

	interest_drop(s->deps.interest, m->id, WANT_FULL);
	a->place[m->id] = 0;
	a->members[i] = a->members[--a->members_n];
	if (i < a->members_n)
		a->place[a->members[i]->id] = i + 1;
	free(m);
}

/* What has ticked in the turn that is open is at most what is watched: there is room for that. */
static void forget_ticks(struct signals *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->ticked_n; i++) {
		if (bitset_has(&s->watched, s->ticked[i]))
			s->ticked[n++] = s->ticked[i];
		else
			bitset_remove(&s->marked, s->ticked[i]);
	}
	s->ticked_n = n;
}

static void watch_again(struct signals *s)
{
	bitset_clear(&s->watched);
	s->instruments = 0;
	for (int i = 0; i < APPS; i++) {
		for (unsigned k = 0; k < s->apps[i].members_n; k++)
			bitset_add(&s->watched, s->apps[i].members[k]->id);
	}
	s->instruments = s->watched.count;
	forget_ticks(s);
}

/* --- what is named ---------------------------------------------------------------------------- */

static void want_money(struct signals *s, struct app *a, const struct selector *sel)
{
	const struct master *m = apps_master(s);
	uint32_t u = m ? resolve_underlying(m, sel->underlying) : MASTER_NONE;
	const char *key;

	if (u == MASTER_NONE)
		return;
	key = master_text(m, m->underlyings[u].key);
	if (key[0])
		want_price(s, a, instruments_intern(&s->deps.book->instruments, key, strlen(key)));
}

void apps_want(struct signals *s)
{
	const struct master *m = apps_master(s);

	if (s->deps.waits_for_master && !m)
		return;
	for (int i = 0; i < APPS; i++) {
		struct app *a = &s->apps[i];

		for (unsigned k = 0; k < a->wishes_n; k++) {
			const char *text = a->wishes[k].text;
			size_t len = strlen(text);

			if (m && !wish_is_known(s, (enum app_kind)i, &a->wishes[k]))
				continue;
			if (!a->wishes[k].is_selector)
				join(s, a, text, len, 0);
			else if (m)
				want_money(s, a, &a->wishes[k].selector);
		}
	}
	watch_again(s);
}

/* --- what selectors mean ---------------------------------------------------------------------- */

struct choosing {
	struct signals *s;
	struct app *a;
};

static void choose(void *arg, uint32_t row)
{
	struct choosing *c = arg;
	const struct master *m = apps_master(c->s);
	const char *key = master_key(m, row);

	join(c->s, c->a, key, strlen(key), m->rows[row].expiry);
}

static void drop_expired(struct signals *s, struct app *a, int64_t market_ms)
{
	day_t first = resolve_first_day(market_ms);

	for (unsigned i = 0; i < a->members_n;) {
		if (a->members[i]->expiry && a->members[i]->expiry < first)
			leave(s, a, i);
		else
			i++;
	}
}

static void follow(struct signals *s, struct app *a, const struct resolve_market *market)
{
	const struct master *m = apps_master(s);
	struct choosing c = {s, a};
	struct resolve_miss miss;

	drop_expired(s, a, market->now_ms);
	for (unsigned i = 0; i < a->wishes_n; i++) {
		struct wish *w = &a->wishes[i];

		if (!w->is_selector || w->is_unknown ||
		    resolve_selector(m, &w->selector, market, choose, &c, &miss) > 0 ||
		    miss.code == RESOLVE_NO_PRICE || w->is_complaint_made)
			continue;
		w->is_complaint_made = true;
		/* A recording has what it has. */
		log_write(s->deps.waits_for_master ? LOG_INFO : LOG_WARN, "signals",
			  "nothing to look at for \"%s\": %s", w->text, miss.text);
	}
}

void apps_follow(struct signals *s, int64_t market_ms)
{
	struct resolve_market market = {.book = s->deps.book, .now_ms = market_ms};

	if (market_ms / 1000 == s->followed_s)
		return;
	s->followed_s = market_ms / 1000;
	apps_want(s);
	for (int i = 0; apps_master(s) && i < APPS; i++)
		follow(s, &s->apps[i], &market);
	watch_again(s);
}

/* --- the configuration ------------------------------------------------------------------------ */

static void drop_wishes(struct app *a)
{
	for (unsigned i = 0; i < a->wishes_n; i++)
		free(a->wishes[i].text);
	free(a->wishes);
	a->wishes = NULL;
	a->wishes_n = 0;
}

static void read_wishes(struct app *a, const char *list)
{
	struct agni_err err;
	const char *word;
	size_t len;

	drop_wishes(a);
	a->wishes = mem_zalloc(APP_WISHES_MAX * sizeof(*a->wishes));
	while (a->wishes_n < APP_WISHES_MAX && app_next_wish(&list, &word, &len)) {
		struct wish *w = &a->wishes[a->wishes_n];

		w->is_selector = selector_is_meant(word, len);
		if (w->is_selector && selector_parse(word, len, &w->selector, &err) < 0)
			continue; /* the check has said so */
		w->text = mem_strndup(word, len);
		a->wishes_n++;
	}
}

static void drop_moneys(struct signals *s, struct app *a)
{
	bitset_for_each(id, &a->moneys)
	{
		interest_drop(s->deps.interest, id, WANT_LTPC);
	}
	bitset_clear(&a->moneys);
}

/* Who is named now joins first, so that who stays is not asked for anew. */
static void renew(struct signals *s, struct app *a, const char *list)
{
	struct resolve_market market = {.book = s->deps.book, .now_ms = s->market_ms};

	for (unsigned i = 0; i < a->members_n; i++)
		a->members[i]->is_left = true;
	drop_moneys(s, a);
	read_wishes(a, list);
	if (s->has_begun)
		apps_want(s);
	if (s->market_ms && apps_master(s))
		follow(s, a, &market);
	for (unsigned i = 0; i < a->members_n;) {
		if (a->members[i]->is_left)
			leave(s, a, i);
		else
			i++;
	}
}

static void forget_edges(struct app *a)
{
	for (unsigned i = 0; i < a->members_n; i++) {
		struct member *m = a->members[i];

		for (int k = 0; k < RULES; k++)
			edge_forget(&m->edges[k]);
		memset(m->states, 0, sizeof(m->states));
	}
}

void apps_read(struct signals *s)
{
	s->needs_level = false;
	for (int i = 0; i < APPS; i++) {
		const struct app_config *c = &s->deps.apps[i];
		struct app *a = &s->apps[i];
		struct app_plan plan;
		struct agni_err err;
		const char *list;

		memset(&plan, 0, sizeof(plan));
		if (app_plan_read((enum app_kind)i, s->deps.cfg, c, &plan, &err) < 0) {
			log_error("signals", "%s stays as it was: %s", app_name((enum app_kind)i),
				  err.text);
			continue;
		}
		if (memcmp(&plan, &a->plan, sizeof(plan)) != 0)
			forget_edges(a);
		a->plan = plan;
		for (int k = 0; plan.is_on && k < RULES; k++)
			s->needs_level |=
				(plan.rules >> k & 1) && rule_of((enum rule_kind)k)->needs_level;
		list = plan.is_on ? c->instruments : "";
		if (a->list && strcmp(a->list, list) == 0)
			continue;
		free(a->list);
		a->list = mem_strdup(list);
		renew(s, a, list);
	}
	watch_again(s);
}

void apps_fini(struct signals *s)
{
	for (int i = 0; i < APPS; i++) {
		struct app *a = &s->apps[i];

		/* Whom the interest table would tell may be gone. */
		for (unsigned k = 0; k < a->members_n; k++)
			free(a->members[k]);
		drop_wishes(a);
		bitset_fini(&a->moneys);
		free(a->members);
		free(a->place);
		free(a->list);
	}
}
