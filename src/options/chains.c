/* SPDX-License-Identifier: MIT
 *
 * chains: who reads which chain, what a tick marks, and when chains are reckoned and told; see chains.h.
 */
#include "options/chains.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "options/chains_internal.h"

#define SECOND_MS 1000

/* --- marks -------------------------------------------------------------------------------------- */

static void grow(struct chains *ch, inst_id id)
{
	uint32_t cap = ch->posts_cap ? ch->posts_cap : 256;

	while (id >= cap)
		cap *= 2;
	ch->posts = mem_realloc(ch->posts, cap * sizeof(*ch->posts));
	memset(ch->posts + ch->posts_cap, 0, (cap - ch->posts_cap) * sizeof(*ch->posts));
	ch->posts_cap = cap;
}

void chains_post(struct chains *ch, struct chain_live *c, const struct chain_want *w)
{
	struct chain_posts *p;

	if (w->id >= ch->posts_cap)
		grow(ch, w->id);
	p = &ch->posts[w->id];
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 2;
		p->at = mem_realloc(p->at, p->cap * sizeof(*p->at));
	}
	p->at[p->n++] = (struct chain_post){c, w->place};
	bitset_add(&c->changed, PLACES - 1); /* room for all of them: a tick allocates nothing */
	ch->contracts++;
}

void chains_unpost(struct chains *ch, struct chain_live *c, const struct chain_want *w)
{
	struct chain_posts *p = &ch->posts[w->id];

	for (uint32_t i = 0; i < p->n; i++) {
		if (p->at[i].chain != c || p->at[i].place != w->place)
			continue;
		p->at[i] = p->at[--p->n];
		ch->contracts--;
		return;
	}
}

static void mark(struct chains *ch, const struct chain_posts *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		bitset_add(&p->at[i].chain->changed, p->at[i].place);
		p->at[i].chain->is_dirty = true;
	}
	ch->is_dirty = true;
	hook_arm(&ch->hook);
}

static void on_tick(struct book_subscriber *subscriber, inst_id id, const struct slot *slot)
{
	struct chains *ch = container_of(subscriber, struct chains, subscriber);

	(void)slot;
	if (AGNI_UNLIKELY(id < ch->posts_cap && ch->posts[id].n))
		mark(ch, &ch->posts[id]);
}

/* The logical turn: who reads every turn gets its chain here, so that what follows from it does not
 * depend on how the bytes came. */
static void on_turn(struct book_subscriber *subscriber, int64_t market_ms)
{
	struct chains *ch = container_of(subscriber, struct chains, subscriber);
	bool is_new_second = market_ms / SECOND_MS != ch->looked_s;

	if (is_new_second) {
		ch->looked_s = market_ms / SECOND_MS;
		oi_keeper_look(ch->keeper);
	}
	if (!ch->is_dirty && !is_new_second)
		return;
	list_for_each (it, &ch->live) {
		struct chain_live *c = container_of(it, struct chain_live, link);

		if (c->turn_refs && (c->is_dirty || is_new_second))
			chain_live_refresh(c);
	}
}

/* --- telling ------------------------------------------------------------------------------------ */

static void publish(struct chains *ch, struct chain_live *c, mono_ns now)
{
	if (c->version == c->text_version)
		return;
	tape_flush(ch->deps.tape); /* what is shown is on the tape */
	chain_live_tell(c);
	c->told_at = now;
	ch->published++;
	if (c->is_kept && ch->deps.store)
		chains_put_document(ch, c);
	list_for_each (it, &ch->listeners) {
		struct chains_listener *l = container_of(it, struct chains_listener, link);

		l->on_publish(l, c);
	}
}

static bool has_news(const struct chain_live *c)
{
	return c->is_dirty || c->version != c->text_version;
}

static void on_pace(uv_timer_t *timer);

/* Whether somebody reads the text: the configuration, or more than those of every turn. */
static bool is_told(const struct chain_live *c)
{
	return c->refs > c->turn_refs;
}

/* Those that are due are reckoned and told; the timer is set for the first of the others. */
static void publish_due(struct chains *ch)
{
	mono_ns now = clock_mono(ch->deps.loop->clock), first = 0;
	mono_ns every = (mono_ns)ch->deps.cfg->publish_ms * NS_PER_MS;

	ch->is_dirty = false;
	list_for_each (it, &ch->live) {
		struct chain_live *c = container_of(it, struct chain_live, link);
		mono_ns due = c->text_version ? c->told_at + every : 0;

		if (!is_told(c) || !has_news(c))
			continue;
		if (now >= due) {
			chain_live_refresh(c);
			publish(ch, c, now);
		} else if (!first || due < first) {
			first = due;
		}
	}
	if (first) {
		ch->is_dirty = true;
		if (!uv_is_active((uv_handle_t *)&ch->pace))
			uv_timer_start(&ch->pace, on_pace, (first - now) / NS_PER_MS + 1, 0);
	}
}

static void on_hook(struct turn_hook *hook)
{
	publish_due(container_of(hook, struct chains, hook));
}

static void on_pace(uv_timer_t *timer)
{
	publish_due(container_of(timer, struct chains, pace));
}

/* What no file of ours tells may be known to the broker. */
static void ask_broker(struct chains *ch)
{
	const struct master *m = ch->deps.listing(ch->deps.arg).m;

	list_for_each (it, &ch->live) {
		const struct chain_live *c = container_of(it, struct chain_live, link);

		if (c->view && chain_live_lacks_oi(c))
			oi_broker_ask(ch->broker,
				      master_text(m, m->underlyings[c->view->underlying].key),
				      c->view->expiry);
	}
}

/* What comes about without a tick: a day, an expiry, a master, staleness, room within the limits. */
static void on_second(uv_timer_t *timer)
{
	struct chains *ch = container_of(timer, struct chains, second);

	oi_keeper_look(ch->keeper);
	list_for_each (it, &ch->live) {
		struct chain_live *c = container_of(it, struct chain_live, link);

		chain_live_ask(c);
		chain_live_refresh(c);
	}
	if (ch->broker)
		ask_broker(ch);
	publish_due(ch);
}

void chains_status_changed(struct chains *ch)
{
	if (!ch->is_running)
		return;
	list_for_each (it, &ch->live)
		container_of(it, struct chain_live, link)->is_dirty = true;
	ch->is_dirty = true;
	hook_arm(&ch->hook);
}

void chains_listen(struct chains *ch, struct chains_listener *l)
{
	list_append(&ch->listeners, &l->link);
}

/* --- readers ------------------------------------------------------------------------------------ */

static struct chain_live *find(struct chains *ch, const struct chain_wish *wish)
{
	list_for_each (it, &ch->live) {
		struct chain_live *c = container_of(it, struct chain_live, link);

		if (chain_live_is(c, wish))
			return c;
	}
	return NULL;
}

/* A new one; not one of which it is known by now that it does not exist. */
static struct chain_live *begin(struct chains *ch, const struct chain_wish *wish,
				const char **refusal)
{
	struct chain_live *c;

	if (ch->live_n >= (uint64_t)ch->deps.cfg->chains_max) {
		*refusal = "over_limit";
		return NULL;
	}
	c = chain_live_create(ch, wish);
	chain_live_refresh(c);
	if (!c->is_looked_for || c->view)
		return c;
	*refusal = resolve_code_text(c->miss.code);
	chain_live_destroy(c);
	return NULL;
}

struct chain_live *chains_open(struct chains *ch, const struct chain_wish *wish,
			       const char **refusal)
{
	struct chain_live *c = find(ch, wish);

	if (!c)
		c = begin(ch, wish, refusal);
	if (!c)
		return NULL;
	if (c->is_dirty)
		chain_live_refresh(c);
	c->refs++;
	c->turn_refs += wish->each_turn;
	if (has_news(c) && ch->is_running) {
		ch->is_dirty = true;
		hook_arm(&ch->hook);
	}
	return c;
}

void chains_close(struct chain_live *c, bool each_turn)
{
	if (!c)
		return;
	AGNI_ASSERT(c->refs > 0 && c->turn_refs >= each_turn);
	c->turn_refs -= each_turn;
	if (--c->refs == 0)
		chain_live_destroy(c);
}

/* --- the module --------------------------------------------------------------------------------- */

struct chains *chains_create(const struct chains_deps *deps)
{
	struct chains *ch = mem_zalloc(sizeof(*ch));

	ch->deps = *deps;
	list_init(&ch->live);
	list_init(&ch->listeners);
	ch->keeper = oi_keeper_create(&(struct oi_keeper_deps){.loop = deps->loop,
							       .book = deps->book,
							       .upstream = deps->upstream,
							       .dir = deps->dir});
	if (deps->http)
		ch->broker =
			oi_broker_create(&(struct oi_broker_deps){.loop = deps->loop,
								  .http = deps->http,
								  .oi = oi_keeper_get(ch->keeper),
								  .api_url = deps->api_url,
								  .bearer = deps->bearer,
								  .arg = deps->arg});
	return ch;
}

void chains_destroy(struct chains *ch)
{
	AGNI_ASSERT(list_is_empty(&ch->live));
	for (uint32_t i = 0; i < ch->posts_cap; i++)
		free(ch->posts[i].at);
	free(ch->posts);
	oi_broker_destroy(ch->broker);
	oi_keeper_destroy(ch->keeper);
	free(ch);
}

const struct session_oi *chains_session_oi(const struct chains *ch)
{
	return oi_keeper_get(ch->keeper);
}

static int chains_start(struct module *m, struct agni_err *err)
{
	struct chains *ch = container_of(m, struct chains, mod);

	(void)err;
	ch->subscriber.on_tick = on_tick;
	ch->subscriber.on_turn = on_turn;
	book_subscribe(ch->deps.book, &ch->subscriber);
	loop_add_hook(ch->deps.loop, &ch->hook, on_hook);
	uv_timer_init(&ch->deps.loop->uv, &ch->second);
	uv_timer_init(&ch->deps.loop->uv, &ch->pace);
	uv_timer_start(&ch->second, on_second, SECOND_MS, SECOND_MS);
	ch->is_running = true;
	chains_keep(ch);
	return 0;
}

static void closed_one(struct chains *ch)
{
	if (--ch->to_close == 0)
		ch->mod.done(&ch->mod);
}

static void on_timer_closed(uv_handle_t *handle)
{
	closed_one(handle->data);
}

static void on_keeper_stopped(void *arg)
{
	closed_one(arg);
}

static void chains_stop(struct module *m, module_stopped_fn *done)
{
	struct chains *ch = container_of(m, struct chains, mod);

	m->done = done;
	ch->is_running = false;
	book_unsubscribe(&ch->subscriber);
	loop_remove_hook(&ch->hook);
	chains_drop_kept(ch);
	oi_broker_destroy(ch->broker);
	ch->broker = NULL;
	ch->to_close = 3;
	ch->second.data = ch->pace.data = ch;
	uv_close((uv_handle_t *)&ch->second, on_timer_closed);
	uv_close((uv_handle_t *)&ch->pace, on_timer_closed);
	oi_keeper_stop(ch->keeper, on_keeper_stopped, ch);
}

static enum health chains_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct chains *ch = container_of(m, struct chains, mod);
	const struct oi_keeper_facts *oi = oi_keeper_facts(ch->keeper);

	if (chains_kept_amiss(ch, why))
		return HEALTH_DEGRADED;
	if (oi->why[0]) {
		snprintf(why, HEALTH_WHY_MAX, "open interest is not kept: %.120s", oi->why);
		return HEALTH_DEGRADED;
	}
	snprintf(why, HEALTH_WHY_MAX, "%llu chains live", (unsigned long long)ch->live_n);
	return HEALTH_UP;
}

static const struct metric chains_metrics[] = {
	{"chains", "Option chains that are live", METRIC_GAUGE, offsetof(struct chains, live_n)},
	{"chain_instruments", "Places of instruments in them", METRIC_GAUGE,
	 offsetof(struct chains, contracts)},
	{"chains_computed_total", "Times that a chain was reckoned", METRIC_COUNTER,
	 offsetof(struct chains, computed)},
	{"chains_listed_total", "Times that a chain's contracts were chosen", METRIC_COUNTER,
	 offsetof(struct chains, listed)},
	{"chains_published_total", "Times that a chain's text was made", METRIC_COUNTER,
	 offsetof(struct chains, published)},
	{0},
};

static const struct module_ops chains_ops = {
	.name = "options",
	.start = chains_start,
	.stop = chains_stop,
	.health = chains_health,
	.metrics = chains_metrics,
	.mod_offset = offsetof(struct chains, mod),
};

struct module *chains_module(struct chains *ch)
{
	ch->mod.ops = &chains_ops;
	return &ch->mod;
}
