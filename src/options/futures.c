/* SPDX-License-Identifier: MIT
 *
 * futures: who reads which row, what a tick marks, and when rows are reckoned and told; see futures.h.
 */
#include "options/futures.h"

#include <stdio.h>
#include <stdlib.h>

#include "options/futures_internal.h"

#define SECOND_MS 1000

/* --- marks -------------------------------------------------------------------------------------- */

void futures_watch(struct futures *f)
{
	bitset_clear(&f->watched);
	list_for_each (it, &f->live) {
		const struct futures_live *l = container_of(it, struct futures_live, link);

		for (uint32_t i = 0; i < l->wants_n; i++)
			bitset_add(&f->watched, l->wants[i].id);
	}
}

static void mark(struct futures *f, inst_id id)
{
	list_for_each (it, &f->live) {
		struct futures_live *l = container_of(it, struct futures_live, link);

		for (uint32_t i = 0; i < l->wants_n; i++)
			l->is_dirty |= l->wants[i].id == id;
	}
	hook_arm(&f->hook);
}

static void on_tick(struct book_subscriber *subscriber, inst_id id, const struct slot *slot)
{
	struct futures *f = container_of(subscriber, struct futures, subscriber);

	(void)slot;
	if (AGNI_UNLIKELY(bitset_has(&f->watched, id)))
		mark(f, id);
}

/* --- telling ------------------------------------------------------------------------------------ */

/* A kept row in Redis, under its underlying's symbol. */
static void put_document(struct futures *f, struct futures_live *l)
{
	char identity[sizeof(l->document)] = "";
	const struct master *m = f->deps.listing(f->deps.arg).m;

	if (l->is_there)
		snprintf(identity, sizeof(identity), "%s",
			 master_text(m, m->underlyings[l->view.underlying].symbol));
	if (l->document[0] && strcmp(l->document, identity) != 0)
		store_doc_drop(f->deps.store, KEY_FUTURES, l->document);
	memcpy(l->document, identity, sizeof(identity));
	if (identity[0] &&
	    store_doc_set(f->deps.store, KEY_FUTURES, identity, l->text.data, l->text.len) < 0)
		log_limited(&f->complaint, clock_mono(f->deps.loop->clock), LOG_WARN, "futures",
			    "the futures of %s do not fit into Redis", identity);
}

static void publish(struct futures *f, struct futures_live *l, mono_ns now)
{
	tape_flush(f->deps.tape); /* what is shown is on the tape */
	futures_live_tell(l);
	l->told_at = now;
	f->published++;
	if (l->is_kept && f->deps.store)
		put_document(f, l);
	list_for_each (it, &f->listeners) {
		struct futures_listener *to = container_of(it, struct futures_listener, link);

		to->on_publish(to, l);
	}
}

static void on_pace(uv_timer_t *timer);

/* Those that are due are reckoned and told; the timer is set for the first of the others. */
static void publish_due(struct futures *f)
{
	mono_ns now = clock_mono(f->deps.loop->clock), first = 0;
	mono_ns every = (mono_ns)f->deps.cfg->publish_ms * NS_PER_MS;

	list_for_each (it, &f->live) {
		struct futures_live *l = container_of(it, struct futures_live, link);
		mono_ns due = l->text_version ? l->told_at + every : 0;

		if (!l->is_dirty && l->version == l->text_version)
			continue;
		if (now < due) {
			first = !first || due < first ? due : first;
			continue;
		}
		futures_live_refresh(l);
		if (l->version != l->text_version)
			publish(f, l, now);
	}
	if (first)
		uv_timer_start(&f->pace, on_pace, (first - now) / NS_PER_MS + 1, 0);
}

static void on_hook(struct turn_hook *hook)
{
	publish_due(container_of(hook, struct futures, hook));
}

static void on_pace(uv_timer_t *timer)
{
	publish_due(container_of(timer, struct futures, pace));
}

/* What comes about without a tick: a day, an expiry, a master, staleness, room within the limits. */
static void on_second(uv_timer_t *timer)
{
	struct futures *f = container_of(timer, struct futures, second);

	list_for_each (it, &f->live) {
		struct futures_live *l = container_of(it, struct futures_live, link);

		futures_live_ask(l);
		if (!l->is_dirty) /* else it is due when it is due */
			futures_live_refresh(l);
	}
	publish_due(f);
}

static void mark_all(struct futures *f)
{
	if (!f->is_running)
		return;
	list_for_each (it, &f->live)
		container_of(it, struct futures_live, link)->is_dirty = true;
	hook_arm(&f->hook);
}

void futures_status_changed(struct futures *f)
{
	mark_all(f);
}

void futures_reload(struct futures *f)
{
	mark_all(f);
}

void futures_listen(struct futures *f, struct futures_listener *l)
{
	list_append(&f->listeners, &l->link);
}

/* --- readers ------------------------------------------------------------------------------------ */

static struct futures_live *find(struct futures *f, const char *underlying,
				 const struct scope *scope)
{
	list_for_each (it, &f->live) {
		struct futures_live *l = container_of(it, struct futures_live, link);

		if (futures_live_is(l, underlying, scope))
			return l;
	}
	return NULL;
}

/* A new one; not one of which it is known by now that it does not exist. */
static struct futures_live *begin(struct futures *f, const char *underlying,
				  const struct scope *scope, const char **refusal)
{
	struct futures_live *l;

	*refusal = "over_limit";
	if (f->live_n >= FUTURES_ROWS_MAX)
		return NULL;
	l = futures_live_create(f, underlying, scope);
	futures_live_refresh(l);
	if (!l->is_looked_for || l->is_there)
		return l;
	*refusal = resolve_code_text(l->miss.code);
	futures_live_destroy(l);
	return NULL;
}

struct futures_live *futures_open(struct futures *f, const char *underlying,
				  const struct scope *scope, const char **refusal)
{
	struct futures_live *l = find(f, underlying, scope);

	if (!l)
		l = begin(f, underlying, scope, refusal);
	if (!l)
		return NULL;
	l->refs++;
	if (f->is_running)
		hook_arm(&f->hook);
	return l;
}

void futures_close(struct futures_live *l)
{
	if (!l)
		return;
	AGNI_ASSERT(l->refs > 0);
	if (--l->refs == 0)
		futures_live_destroy(l);
}

/* --- what the configuration keeps ----------------------------------------------------------------- */

static void keep_one(struct futures *f, const char *name, size_t len)
{
	char underlying[SELECTOR_NAME_MAX + 1];
	const char *refusal = "name too long";
	struct futures_live *l = NULL;

	if (len < sizeof(underlying)) {
		memcpy(underlying, name, len);
		underlying[len] = '\0';
		l = futures_open(f, underlying, NULL, &refusal);
	}
	if (!l) {
		log_warn("futures", "no futures of %.*s are kept: %s", len > 64 ? 64 : (int)len,
			 name, refusal);
		return;
	}
	if (l->is_kept) { /* named twice */
		futures_close(l);
		return;
	}
	l->is_kept = true;
	f->kept = mem_realloc(f->kept, (f->kept_n + 1) * sizeof(*f->kept));
	f->kept[f->kept_n++] = l;
}

static void keep_all(struct futures *f)
{
	const char *list = f->deps.cfg->underlyings;

	while (*list) {
		size_t n;

		list += strspn(list, ", \t");
		n = strcspn(list, ",");
		while (n > 0 && strchr(" \t", list[n - 1]))
			n--;
		if (n)
			keep_one(f, list, n);
		list += strcspn(list, ",");
	}
}

static void drop_kept(struct futures *f)
{
	for (uint32_t i = 0; i < f->kept_n; i++)
		futures_close(f->kept[i]);
	free(f->kept);
	f->kept = NULL;
	f->kept_n = 0;
}

/* --- the module --------------------------------------------------------------------------------- */

struct futures *futures_create(const struct futures_deps *deps)
{
	struct futures *f = mem_zalloc(sizeof(*f));

	f->deps = *deps;
	list_init(&f->live);
	list_init(&f->listeners);
	return f;
}

void futures_destroy(struct futures *f)
{
	if (!f)
		return;
	AGNI_ASSERT(list_is_empty(&f->live));
	bitset_fini(&f->watched);
	free(f);
}

static int futures_start(struct module *m, struct agni_err *err)
{
	struct futures *f = container_of(m, struct futures, mod);

	(void)err;
	f->subscriber.on_tick = on_tick;
	book_subscribe(f->deps.book, &f->subscriber);
	loop_add_hook(f->deps.loop, &f->hook, on_hook);
	uv_timer_init(&f->deps.loop->uv, &f->second);
	uv_timer_init(&f->deps.loop->uv, &f->pace);
	uv_timer_start(&f->second, on_second, SECOND_MS, SECOND_MS);
	f->is_running = true;
	keep_all(f);
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct futures *f = handle->data;

	if (--f->to_close == 0)
		f->mod.done(&f->mod);
}

static void futures_stop(struct module *m, module_stopped_fn *done)
{
	struct futures *f = container_of(m, struct futures, mod);

	m->done = done;
	f->is_running = false;
	book_unsubscribe(&f->subscriber);
	loop_remove_hook(&f->hook);
	drop_kept(f);
	f->to_close = 2;
	f->second.data = f->pace.data = f;
	uv_close((uv_handle_t *)&f->second, on_timer_closed);
	uv_close((uv_handle_t *)&f->pace, on_timer_closed);
}

static enum health futures_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct futures *f = container_of(m, struct futures, mod);

	for (uint32_t i = 0; i < f->kept_n; i++) {
		const struct futures_live *l = f->kept[i];

		if (l->is_looked_for && !l->is_there)
			snprintf(why, HEALTH_WHY_MAX, "no futures of %.40s: %.100s", l->underlying,
				 l->miss.text);
		else if (l->refused_n)
			snprintf(
				why, HEALTH_WHY_MAX,
				"%.40s: %u instruments are not asked for, the limits leave no room",
				l->underlying, l->refused_n);
		else
			continue;
		return HEALTH_DEGRADED;
	}
	snprintf(why, HEALTH_WHY_MAX, "futures of %llu underlyings live",
		 (unsigned long long)f->live_n);
	return HEALTH_UP;
}

static const struct metric futures_metrics[] = {
	{"live", "Underlyings whose futures are live, per scope", METRIC_GAUGE,
	 offsetof(struct futures, live_n)},
	{"computed_total", "Times that the futures of an underlying were reckoned", METRIC_COUNTER,
	 offsetof(struct futures, computed)},
	{"published_total", "Times that their text was made", METRIC_COUNTER,
	 offsetof(struct futures, published)},
	{0},
};

static const struct module_ops futures_ops = {
	.name = "futures",
	.start = futures_start,
	.stop = futures_stop,
	.health = futures_health,
	.metrics = futures_metrics,
	.mod_offset = offsetof(struct futures, mod),
};

struct module *futures_module(struct futures *f)
{
	f->mod.ops = &futures_ops;
	return &f->mod;
}
