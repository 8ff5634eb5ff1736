/* SPDX-License-Identifier: MIT
 *
 * signals: see signals.h. The module, the ring of what was seen, and who hears of it.
 */
#include "signals/signals.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "signals/signals_internal.h"
#include "upstox/frame.h"

#define LOOK_MS 250 /* until the first tick: whether the master has come */

/* --- the ring --------------------------------------------------------------------------------- */

uint64_t signals_newest(const struct signals *s)
{
	return s->newest;
}

uint64_t signals_oldest(const struct signals *s)
{
	return s->newest - s->kept + 1;
}

const struct signal *signals_at(const struct signals *s, uint64_t id)
{
	if (s->kept == 0 || id < signals_oldest(s) || id > s->newest)
		return NULL;
	return &s->ring[id % SIGNALS_KEPT];
}

void signals_fire(struct signals *s, struct signal *signal)
{
	signal->id = ++s->newest;
	s->ring[signal->id % SIGNALS_KEPT] = *signal;
	s->kept += s->kept < SIGNALS_KEPT;
	s->fired++;
	if (s->hook.loop)
		hook_arm(&s->hook);
	list_for_each (it, &s->listeners) {
		struct signals_listener *l = container_of(it, struct signals_listener, link);

		l->on_signal(l, signals_at(s, signal->id));
	}
}

void signals_listen(struct signals *s, struct signals_listener *l)
{
	list_append(&s->listeners, &l->link);
}

void signals_unlisten(struct signals_listener *l)
{
	list_remove(&l->link);
}

/* --- the journal ------------------------------------------------------------------------------ */

/* Ids in the ring are without a hole; behind one only what follows it is kept. */
static void on_kept(void *arg, const struct signal *signal)
{
	struct signals *s = arg;

	if (signal->id <= s->newest)
		return;
	s->kept = signal->id == s->newest + 1 ? s->kept : 0;
	s->kept += s->kept < SIGNALS_KEPT;
	s->newest = signal->id;
	s->ring[signal->id % SIGNALS_KEPT] = *signal;
}

/* Where it goes the file does not say: as its app is set up now. */
static void on_read(void *arg, const struct signal *signal)
{
	struct signals *s = arg;
	struct signal kept = *signal;

	for (int i = 0; i < APPS; i++) {
		if (strcmp(kept.app, app_name((enum app_kind)i)) == 0)
			kept.outputs = app_outputs(&s->deps.apps[i]);
	}
	on_kept(s, &kept);
}

static void on_hook(struct turn_hook *hook)
{
	struct signals *s = container_of(hook, struct signals, hook);

	if (!journal_write(&s->journal, s, &s->deps.book->instruments))
		log_limited(&s->journal_limit, clock_mono(s->deps.loop->clock), LOG_WARN, "signals",
			    "cannot write %s", s->journal.path);
}

static int open_journal(struct signals *s, struct agni_err *err)
{
	s->journal.fd = -1;
	if (!s->deps.dir)
		return 0;
	if (journal_open(&s->journal, s->deps.dir, &s->deps.book->instruments, on_read, s, err) < 0)
		return agni_wrap(err, "signals");
	if (s->journal.bad_lines)
		log_warn("signals", "%llu lines of %s are no signals",
			 (unsigned long long)s->journal.bad_lines, s->journal.path);
	loop_add_hook(s->deps.loop, &s->hook, on_hook);
	return 0;
}

/* --- the market ------------------------------------------------------------------------------- */

static void on_segment(void *arg, const char *segment, size_t len, int status)
{
	(void)session_note(arg, segment, len, status);
}

void signals_market_info(struct signals *s, const void *info, size_t len)
{
	feed_info_read(info, len, on_segment, &s->sessions);
}

/* The broker may say that a session is over; that one is on, of NSE and BSE, the calendar must say
 * too: a recording that is played at night has "open" with it. */
bool market_is_open(const struct signals *s, inst_id id, int64_t market_ms)
{
	static const struct session_table nobody_spoke;
	const char *key = instruments_key(&s->deps.book->instruments, id);
	bool has_calendar = strncmp(key, "NSE_", 4) == 0 || strncmp(key, "BSE_", 4) == 0;

	return session_is_open(&s->sessions, key, market_ms) &&
	       (!has_calendar || session_is_open(&nobody_spoke, key, market_ms));
}

/* --- the module ------------------------------------------------------------------------------- */

struct signals *signals_create(const struct signals_deps *deps)
{
	struct signals *s = mem_zalloc(sizeof(*s));

	s->deps = *deps;
	s->ring = mem_zalloc(SIGNALS_KEPT * sizeof(*s->ring));
	list_init(&s->listeners);
	s->subscriber.on_tick = engine_tick;
	s->subscriber.on_turn = engine_turn;
	return s;
}

void signals_destroy(struct signals *s)
{
	if (!s)
		return;
	apps_fini(s);
	contracts_fini(&s->contracts);
	forwards_fini(&s->forwards);
	journal_fini(&s->journal);
	bitset_fini(&s->watched);
	bitset_fini(&s->marked);
	free(s->ticked);
	free(s->judged);
	free(s->ring);
	free(s);
}

static void on_timer(uv_timer_t *timer)
{
	struct signals *s = container_of(timer, struct signals, timer);

	if (s->has_ticked) /* from here on turns tell the time */
		uv_timer_stop(timer);
	else
		apps_want(s);
}

static int signals_start(struct module *m, struct agni_err *err)
{
	struct signals *s = container_of(m, struct signals, mod);

	if (open_journal(s, err) < 0)
		return err->code;
	apps_read(s);
	book_subscribe(s->deps.book, &s->subscriber);
	s->deps.book->judge_arg = s;
	s->deps.book->judge = judge_tick;
	return uv_timer_init(&s->deps.loop->uv, &s->timer);
}

static void signals_begin(struct module *m)
{
	struct signals *s = container_of(m, struct signals, mod);

	s->has_begun = true;
	apps_want(s);
	uv_timer_start(&s->timer, on_timer, LOOK_MS, LOOK_MS);
}

static void on_closed(uv_handle_t *handle)
{
	struct signals *s = container_of((uv_timer_t *)handle, struct signals, timer);

	s->mod.done(&s->mod);
}

static void signals_stop(struct module *m, module_stopped_fn *done)
{
	struct signals *s = container_of(m, struct signals, mod);

	m->done = done;
	book_unsubscribe(&s->subscriber);
	s->deps.book->judge = NULL;
	if (s->hook.loop) {
		on_hook(&s->hook);
		loop_remove_hook(&s->hook);
	}
	journal_close(&s->journal);
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

static enum health signals_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct signals *s = container_of(m, struct signals, mod);
	const char *unknown, *app;
	unsigned apps = 0, unknown_n = wishes_unknown(s, &unknown, &app);

	if (unknown_n) {
		snprintf(why, HEALTH_WHY_MAX,
			 "%u of what apps are to look at does not exist: \"%.64s\" of app.%s",
			 unknown_n, unknown, app);
		return HEALTH_DEGRADED;
	}
	for (int i = 0; i < APPS; i++)
		apps += s->apps[i].plan.is_on;
	snprintf(why, HEALTH_WHY_MAX,
		 "%u apps look at %llu instruments; %llu signals; %llu quotes in quarantine", apps,
		 (unsigned long long)s->instruments, (unsigned long long)s->fired,
		 (unsigned long long)s->quarantined);
	return HEALTH_UP;
}

static const struct metric signals_metrics[] = {
	{"fired_total", "Signals", METRIC_COUNTER, offsetof(struct signals, fired)},
	{"swallowed_total", "Edges within the cooldown of the one before", METRIC_COUNTER,
	 offsetof(struct signals, swallowed)},
	{"looks_total", "Rules tried on an instrument that ticked", METRIC_COUNTER,
	 offsetof(struct signals, looks)},
	{"held_stale_total", "Instruments left out of a turn: stale", METRIC_COUNTER,
	 offsetof(struct signals, held_stale)},
	{"held_suspect_total", "Instruments left out of a turn: in quarantine", METRIC_COUNTER,
	 offsetof(struct signals, held_suspect)},
	{"held_crossed_total", "Instruments left out of a turn: bid above ask", METRIC_COUNTER,
	 offsetof(struct signals, held_crossed)},
	{"held_closed_total", "Instruments left out of a turn: their market is closed",
	 METRIC_COUNTER, offsetof(struct signals, held_closed)},
	{"held_time_total", "Instruments left out of a turn: the time of their message is in doubt",
	 METRIC_COUNTER, offsetof(struct signals, held_time)},
	{"quarantined", "Instruments whose quote cannot be true now", METRIC_GAUGE,
	 offsetof(struct signals, quarantined)},
	{"suspect_ticks_total", "Ticks that were in quarantine, or ended one", METRIC_COUNTER,
	 offsetof(struct signals, suspect_ticks)},
	{"below_intrinsic_total", "Ticks with an option below what exercise pays", METRIC_COUNTER,
	 offsetof(struct signals, suspects[0])},
	{"spot_price_total", "Ticks with the underlying's price in an option's slot",
	 METRIC_COUNTER, offsetof(struct signals, suspects[1])},
	{"jump_total", "Ticks with a price far away and no trade", METRIC_COUNTER,
	 offsetof(struct signals, suspects[2])},
	{"time_back_total", "Ticks with a time or a volume that went back", METRIC_COUNTER,
	 offsetof(struct signals, suspects[3])},
	{"oi_zero_total", "Ticks with an open interest that is gone", METRIC_COUNTER,
	 offsetof(struct signals, suspects[4])},
	{"crossed_total", "Ticks with the best bid above the best ask", METRIC_COUNTER,
	 offsetof(struct signals, suspects[5])},
	{"journal_errors_total", "Times the journal of signals could not be written",
	 METRIC_COUNTER, offsetof(struct signals, journal.errors)},
	{"over_limit_total", "Times an instrument found no place in an app or with the broker",
	 METRIC_COUNTER, offsetof(struct signals, over_limit)},
	{"instruments", "Instruments that some app has", METRIC_GAUGE,
	 offsetof(struct signals, instruments)},
	{0},
};

static const struct module_ops signals_ops = {
	.name = "signals",
	.start = signals_start,
	.begin = signals_begin,
	.stop = signals_stop,
	.health = signals_health,
	.metrics = signals_metrics,
	.mod_offset = offsetof(struct signals, mod),
};

struct module *signals_module(struct signals *s)
{
	s->mod.ops = &signals_ops;
	return &s->mod;
}

void signals_reload(struct signals *s)
{
	apps_read(s);
}
