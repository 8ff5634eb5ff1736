/* SPDX-License-Identifier: MIT
 *
 * refdata: see refdata.h. Reading, unpacking and parsing happen on a worker thread (load.c); the
 * loop only swaps the finished table in.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "refdata/refdata_internal.h"

#define FETCH_TIMEOUT_MS 60000
#define FETCH_MAX_BYTES                                                                            \
	(64u << 20)       /* the largest file of the broker has 4 MB packed, 58 MB plain */
#define DAY_CHECK_MS 1000 /* a new day of the market is noticed that late at most */

const struct config_key refdata_config_keys[] = {
	CONFIG_STR(struct refdata_config, master, "", "",
		   "instrument master, a .json or .json.gz file or URL; empty = the simulated "
		   "exchange's own, with a broker none; SIGHUP loads it again"),
	CONFIG_STR(struct refdata_config, watch, "auto", "",
		   "instruments that are always wanted in mode full, separated by commas: keys, or "
		   "selectors like NIFTY:current:ATM+-8, which need a master; auto = all that the "
		   "simulated exchange lists, with a broker NIFTY 50, NIFTY Bank, RELIANCE, TCS"),
	CONFIG_STR(struct refdata_config, watch_option_greeks, "", "",
		   "the same in mode option_greeks"),
	CONFIG_STR(struct refdata_config, watch_ltpc, "", "", "the same in mode ltpc"),
	CONFIG_INT(struct refdata_config, watch_max, 2000, 1, 5000, "",
		   "most instruments that watch=auto takes from a master, and most that selectors "
		   "choose"),
	CONFIG_INT(struct refdata_config, refresh_s, 21600, 60, 604800, "s",
		   "how often the master is loaded again"),
	{0},
};

/* --- loading --------------------------------------------------------------------------------- */

static void begin(struct refdata *r);

static day_t market_day(const struct refdata *r)
{
	return ist_day(clock_market_ms(r->deps.loop->clock));
}

static void on_timer(uv_timer_t *timer);

/* Until the next load is due, or the next look at the market's date. */
static void wait_on(struct refdata *r)
{
	mono_ns now = clock_mono(r->deps.loop->clock);
	uint64_t ms = r->due > now ? (r->due - now) / NS_PER_MS + 1 : 0;

	uv_timer_start(&r->timer, on_timer, ms < DAY_CHECK_MS ? ms : DAY_CHECK_MS, 0);
}

/* Contracts expire and others are listed from one day to the next. */
static void on_timer(uv_timer_t *timer)
{
	struct refdata *r = container_of(timer, struct refdata, timer);
	day_t today = market_day(r);
	bool is_new_day = r->is_ready && today > r->day;

	/* A feed's clock says at its first message only which day it is: none has begun then. */
	if (today < r->day)
		r->day = today;

	if (is_new_day || clock_mono(r->deps.loop->clock) >= r->due) {
		begin(r);
		return;
	}
	watch_follow(r);
	wait_on(r);
}

static void load_in(struct refdata *r, uint64_t ms)
{
	r->due = clock_mono(r->deps.loop->clock) + ms * NS_PER_MS;
	wait_on(r);
}

static void watch_begin(struct refdata *r)
{
	if (!r->is_watching)
		watch_start(r);
	r->is_watching = true;
}

static void failed(struct refdata *r, const char *why)
{
	uint32_t wait = backoff_next(&r->backoff);

	watch_begin(r);
	r->load_errors++;
	snprintf(r->why, sizeof(r->why), "instrument master: %s", why);
	log_warn("refdata", "%s; again in %u ms", r->why, wait);
	load_in(r, wait);
}

static void swap_in(struct refdata *r, struct load *l)
{
	const struct master_stats *s = &l->master->stats;

	master_retire(r, r->master);
	r->master = master_hold(l->master);
	r->generation++;
	r->rows = s->rows;
	r->bad_rows = s->bad_rows;
	r->duplicates = s->duplicates;
	r->conflicts = s->conflicts;
	r->load_ms = l->took_ms;
	r->loaded_ms = clock_wall_ms(r->deps.loop->clock);
	r->is_ready = true;
	r->why[0] = '\0';
	backoff_reset(&r->backoff);
	log_info("refdata",
		 "instrument master: %u instruments in %llu ms, %llu rows left out, %llu "
		 "duplicates",
		 r->master->n, (unsigned long long)l->took_ms, (unsigned long long)s->bad_rows,
		 (unsigned long long)s->duplicates);
	if (s->conflicts)
		log_warn("refdata", "%llu rows of the master contradict an earlier one, first %s",
			 (unsigned long long)s->conflicts, s->first_conflict);
	watch_begin(r);
	watch_renew(r);
	load_in(r, (uint64_t)r->deps.cfg->refresh_s * 1000);
}

void refdata_stop_if_idle(struct refdata *r)
{
	if (r->is_stopping && r->is_timer_closed && !r->load && !r->lookups.running && !r->retiring)
		r->mod.done(&r->mod);
}

void refdata_on_loaded(struct refdata *r, struct load *l, const char *error)
{
	if (r->is_stopping)
		r->load_errors += error != NULL;
	else if (error)
		failed(r, error);
	else
		swap_in(r, l);
}

static void fetch_done(void *arg, const struct http_result *res)
{
	struct refdata *r = arg;
	char why[HEALTH_WHY_MAX];

	r->call = NULL;
	if (res->code || res->status != 200) {
		snprintf(why, sizeof(why), "the server answered %d", res->status);
		failed(r, res->code ? res->error : why);
		return;
	}
	load_start(r, NULL, res->bytes);
}

static void begin(struct refdata *r)
{
	const char *where = r->deps.cfg->master[0] ? r->deps.cfg->master : r->deps.master_url;
	struct agni_err err;

	r->day = market_day(r);
	holidays_fetch(r);
	if (strncmp(where, "http://", 7) == 0 || strncmp(where, "https://", 8) == 0) {
		struct http_call_options o = {.method = "GET",
					      .url = where,
					      .timeout_ms = FETCH_TIMEOUT_MS,
					      .response_max = FETCH_MAX_BYTES,
					      .follow_redirects = true};

		r->call = http_call_start(r->deps.http, &o, fetch_done, r, &err);
		if (!r->call)
			failed(r, err.text);
	} else {
		load_start(r, where, NULL);
	}
}

/* --- the module ------------------------------------------------------------------------------ */

struct refdata *refdata_create(const struct refdata_deps *deps)
{
	struct refdata *r = mem_zalloc(sizeof(*r));
	uint64_t seed;

	r->deps = *deps;
	list_init(&r->lookups.waiting);
	rand_bytes(&seed, sizeof(seed));
	backoff_init(&r->backoff, 250, 60000, seed);
	return r;
}

void refdata_destroy(struct refdata *r)
{
	master_release(r->master);
	watch_fini(r);
	holidays_fini(r);
	free(r);
}

static int refdata_start(struct module *m, struct agni_err *err)
{
	struct refdata *r = container_of(m, struct refdata, mod);

	if (holidays_read(r, err) < 0)
		return err->code;
	return uv_timer_init(&r->deps.loop->uv, &r->timer);
}

static void refdata_begin(struct module *m)
{
	struct refdata *r = container_of(m, struct refdata, mod);

	bool has_master = r->deps.cfg->master[0] || r->deps.master_url[0];

	if (!has_master || !r->deps.master_first)
		watch_begin(r);
	if (has_master) {
		begin(r);
		return;
	}
	holidays_fetch(r);
	r->is_ready = true;
	if (r->selectors_n)
		log_warn("refdata", "selectors are watched only with an instrument master");
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct refdata *r = container_of((uv_timer_t *)handle, struct refdata, timer);

	r->is_timer_closed = true;
	refdata_stop_if_idle(r);
}

static void refdata_stop(struct module *m, module_stopped_fn *done)
{
	struct refdata *r = container_of(m, struct refdata, mod);

	m->done = done;
	r->is_stopping = true;
	if (r->call)
		http_call_cancel(r->call);
	r->call = NULL;
	load_abandon(r->load);
	holidays_stop(r);
	lookup_cancel_all(r);
	uv_close((uv_handle_t *)&r->timer, on_timer_closed);
}

/* What the table is, and what is wrong with it. */
static void describe(const struct refdata *r, char why[HEALTH_WHY_MAX])
{
	struct buf b = {0};
	char at[IST_TEXT];

	buf_printf(&b, "%u instruments of %.19s", r->master->n, ist_format(r->loaded_ms, at));
	if (r->bad_rows || r->duplicates || r->conflicts)
		buf_printf(&b, ", %llu bad rows, %llu duplicates, %llu conflicts",
			   (unsigned long long)r->bad_rows, (unsigned long long)r->duplicates,
			   (unsigned long long)r->conflicts);
	if (r->why[0])
		buf_printf(&b, "; %s", r->why);
	snprintf(why, HEALTH_WHY_MAX, "%.*s", HEALTH_WHY_MAX - 1, buf_cstr(&b));
	buf_fini(&b);
}

static enum health refdata_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct refdata *r = container_of(m, struct refdata, mod);

	if (r->master)
		describe(r, why);
	else
		snprintf(why, HEALTH_WHY_MAX, "%s",
			 r->is_ready ? "no instrument master is configured"
			 : r->why[0] ? r->why
				     : "loading the instrument master");
	return r->is_ready && !r->why[0] ? HEALTH_UP : HEALTH_DEGRADED;
}

static const struct metric refdata_metrics[] = {
	{"loads_total", "Loads of the instrument master begun", METRIC_COUNTER,
	 offsetof(struct refdata, loads)},
	{"load_errors_total", "Loads that failed", METRIC_COUNTER,
	 offsetof(struct refdata, load_errors)},
	{"load_ms", "Milliseconds that the newest load took on its worker", METRIC_GAUGE,
	 offsetof(struct refdata, load_ms)},
	{"rows", "Rows of the newest instrument master", METRIC_GAUGE,
	 offsetof(struct refdata, rows)},
	{"bad_rows", "Rows of it that made no sense and were left out", METRIC_GAUGE,
	 offsetof(struct refdata, bad_rows)},
	{"duplicates", "Rows of it that repeat an earlier one", METRIC_GAUGE,
	 offsetof(struct refdata, duplicates)},
	{"conflicts", "Rows of it that contradict an earlier one with the same key", METRIC_GAUGE,
	 offsetof(struct refdata, conflicts)},
	{"searches_total", "Searches of the instrument master", METRIC_COUNTER,
	 offsetof(struct refdata, searches)},
	{"searches_refused_total", "Searches refused because too many waited", METRIC_COUNTER,
	 offsetof(struct refdata, searches_refused)},
	{0},
};

static const struct module_ops refdata_ops = {
	.name = "refdata",
	.start = refdata_start,
	.begin = refdata_begin,
	.stop = refdata_stop,
	.health = refdata_health,
	.metrics = refdata_metrics,
	.mod_offset = offsetof(struct refdata, mod),
};

struct module *refdata_module(struct refdata *r)
{
	r->mod.ops = &refdata_ops;
	return &r->mod;
}

bool refdata_is_known(const struct refdata *r, const char *key, size_t len)
{
	if (!r->master)
		return instrument_key_is_valid(key, len);
	return master_find(r->master, key, len) != MASTER_NONE;
}

uint32_t refdata_count(const struct refdata *r)
{
	return r->master ? r->master->n : 0;
}

bool refdata_is_loading(const struct refdata *r)
{
	return r->load || r->call;
}

const struct master *refdata_master(const struct refdata *r)
{
	return r->master;
}

uint64_t refdata_generation(const struct refdata *r)
{
	return r->generation;
}

struct resolve_market refdata_market(const struct refdata *r)
{
	return (struct resolve_market){.book = r->deps.book,
				       .now_ms = clock_market_ms(r->deps.loop->clock)};
}

void refdata_reload(struct refdata *r)
{
	struct agni_err err;

	if (holidays_read(r, &err) < 0)
		log_error("refdata", "reload: the calendar stays as it was: %s", err.text);
	if (!refdata_is_loading(r) && (r->deps.cfg->master[0] || r->deps.master_url[0])) {
		uv_timer_stop(&r->timer);
		begin(r);
	}
}

struct each_key {
	const struct master *master;
	refdata_key_fn *fn;
	void *arg;
};

static void on_row(void *arg, uint32_t row)
{
	const struct each_key *e = arg;
	const char *key = master_key(e->master, row);

	e->fn(e->arg, key, strlen(key));
}

unsigned refdata_select(const struct refdata *r, const char *text, size_t len, price_t *middle,
			refdata_key_fn *fn, void *arg, struct resolve_miss *miss)
{
	struct resolve_market market = refdata_market(r);
	struct each_key each = {r->master, fn, arg};
	struct selector s;
	struct agni_err err;

	*miss = (struct resolve_miss){0};
	if (selector_parse(text, len, &s, &err) < 0) {
		miss->code = RESOLVE_BAD_SELECTOR;
		snprintf(miss->text, sizeof(miss->text), "%s", err.text);
		return 0;
	}
	if (!r->master) {
		miss->code = RESOLVE_NO_MASTER;
		snprintf(miss->text, sizeof(miss->text), "there is no instrument master");
		return 0;
	}
	market.middle = middle;
	return resolve_selector(r->master, &s, &market, on_row, &each, miss);
}

static bool permits(const void *arg, const char *key, size_t len)
{
	return scope_permits(arg, key, len);
}

const char *refdata_money_key(const struct refdata *r, const char *text, size_t len)
{
	struct selector s;
	struct agni_err err;
	uint32_t underlying;
	day_t expiry;

	if (!r->master || selector_parse(text, len, &s, &err) < 0 || !s.strike.is_atm)
		return NULL;
	underlying = resolve_underlying(r->master, s.underlying);
	if (underlying == MASTER_NONE)
		return NULL;
	expiry = resolve_expiry(r->master, underlying, s.has_calls ? TYPE_CE : TYPE_PE, &s.expiry,
				refdata_market(r).now_ms);
	return resolve_money_key(r->master, underlying, expiry);
}

enum resolve_sight refdata_sight(const struct refdata *r, const struct scope *scope,
				 const char *underlying)
{
	return scope->n == 0 || !r->master ? SIGHT_ALL
					   : resolve_sight(r->master, underlying, permits, scope);
}
