/* SPDX-License-Identifier: MIT
 *
 * refdata: see refdata.h. Reading, unpacking and parsing happen on a worker thread (uv_queue_work);
 * the loop only swaps the finished table in.
 */
#include "refdata/refdata.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "core/backoff.h"
#include "core/ist.h"
#include "core/json.h"
#include "core/log.h"
#include "refdata/rows.h"

#define MASTER_MAX_BYTES (256u << 20)
#define MASTER_MAX_ROWS  400000u
#define FETCH_TIMEOUT_MS 60000
#define DAY_CHECK_MS     1000 /* a new day of the market is noticed that late at most */

const struct config_key refdata_config_keys[] = {
	CONFIG_STR(struct refdata_config, master, "", "",
		   "instrument master, a .json or .json.gz file or URL; empty = the simulated "
		   "exchange's own, with a broker none"),
	CONFIG_STR(
		struct refdata_config, watch, "auto", "",
		"instruments that are always wanted in mode full, separated by commas; auto = all "
		"that the simulated exchange lists, with a broker NIFTY 50, NIFTY Bank, RELIANCE, "
		"TCS"),
	CONFIG_STR(struct refdata_config, watch_option_greeks, "", "",
		   "the same in mode option_greeks"),
	CONFIG_STR(struct refdata_config, watch_ltpc, "", "", "the same in mode ltpc"),
	CONFIG_INT(struct refdata_config, watch_max, 2000, 1, 5000, "",
		   "most instruments that watch=auto takes from a master"),
	CONFIG_INT(struct refdata_config, refresh_s, 21600, 60, 604800, "s",
		   "how often the master is loaded again"),
	{0},
};

static const char brief_watch[] = "NSE_INDEX|Nifty 50,NSE_INDEX|Nifty Bank,NSE_EQ|INE002A01018,"
				  "NSE_EQ|INE467B01029";

struct refdata {
	struct module mod;
	struct refdata_deps deps;
	struct instruments *master; /* keys only; NULL: no master */
	struct bitset watched[WANT_MODES];
	struct load *load; /* under way, or NULL */
	struct http_call *call;
	struct backoff backoff;
	uv_timer_t timer;
	mono_ns due; /* of the next load, unless a day begins before */
	day_t day;   /* of the market, when the last load began */
	char why[HEALTH_WHY_MAX];
	bool is_ready, is_stopping, is_timer_closed;
	uint64_t loads, load_errors, rows;
};

/* One pass of the worker; owned by it until on_loaded. */
struct load {
	uv_work_t work;
	struct refdata *refdata;
	char *path; /* a file to read, or NULL: the body */
	char *body;
	size_t body_len;
	struct instruments *master;
	struct rows_stats stats;
	struct agni_err err;
	int rc;
};

static void load_free(struct load *l)
{
	if (l->master) {
		instruments_fini(l->master);
		free(l->master);
	}
	free(l->path);
	free(l->body);
	free(l);
}

static void take_row(void *arg, const struct cJSON *row)
{
	const char *key = json_string(row, "instrument_key");

	if (key)
		instruments_intern(arg, key, strlen(key));
}

/* Worker thread. */
static int read_file(struct load *l)
{
	FILE *f = fopen(l->path, "rb");
	long size;

	if (!f)
		return agni_fail_uv(&l->err, -errno, "%s", l->path);
	if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 && size < (long)MASTER_MAX_BYTES) {
		rewind(f);
		l->body = mem_alloc((size_t)size);
		l->body_len = fread(l->body, 1, (size_t)size, f);
	}
	fclose(f);
	return l->body ? 0 : agni_fail(&l->err, AGNI_ELIMIT, "%s: cannot be read whole", l->path);
}

/* Worker thread. */
static void on_work(uv_work_t *work)
{
	struct load *l = container_of(work, struct load, work);

	l->master = mem_alloc(sizeof(*l->master));
	instruments_init(l->master, MASTER_MAX_ROWS);
	l->rc = l->path ? read_file(l) : 0;
	if (l->rc == 0)
		l->rc = rows_each(l->body, l->body_len, take_row, l->master, &l->stats, &l->err);
	if (l->rc == 0 && l->master->count == 0)
		l->rc = agni_fail(&l->err, AGNI_EPARSE, "the master lists no instrument");
}

/* --- the watch list -------------------------------------------------------------------------- */

static void watch(struct refdata *r, enum interest_mode mode, const char *key, size_t len)
{
	inst_id id = instruments_intern(&r->deps.book->instruments, key, len);

	if (id == INST_NONE)
		log_warn("refdata", "cannot watch \"%.*s\": not an instrument key, or too many",
			 (int)len, key);
	else if (bitset_add(&r->watched[mode], id))
		interest_add(r->deps.interest, id, mode);
}

static void watch_list(struct refdata *r, enum interest_mode mode, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ","), skip = strspn(list, " ");
		size_t end = len;

		while (end > skip && list[end - 1] == ' ')
			end--;
		if (end > skip)
			watch(r, mode, list + skip, end - skip);
		list += len + (list[len] == ',');
	}
}

static void watch_configured(struct refdata *r)
{
	const struct refdata_config *cfg = r->deps.cfg;

	if (strcmp(cfg->watch, "auto") != 0)
		watch_list(r, WANT_FULL, cfg->watch);
	else if (!r->deps.watch_all)
		watch_list(r, WANT_FULL, brief_watch);
	watch_list(r, WANT_OPTION_GREEKS, cfg->watch_option_greeks);
	watch_list(r, WANT_LTPC, cfg->watch_ltpc);
}

/* With watch=auto on a simulated exchange: everything that the new master lists, nothing else. */
static void watch_master(struct refdata *r)
{
	struct instruments *book = &r->deps.book->instruments;

	bitset_for_each(id, &r->watched[WANT_FULL])
	{
		const char *key = instruments_key(book, id);

		if (instruments_find(r->master, key, strlen(key)) == INST_NONE) {
			bitset_remove(&r->watched[WANT_FULL], id);
			interest_drop(r->deps.interest, id, WANT_FULL);
		}
	}
	for (inst_id i = 0; i < r->master->count && i < r->deps.cfg->watch_max; i++) {
		const char *key = instruments_key(r->master, i);

		watch(r, WANT_FULL, key, strlen(key));
	}
}

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

	if (is_new_day || clock_mono(r->deps.loop->clock) >= r->due)
		begin(r);
	else
		wait_on(r);
}

static void load_in(struct refdata *r, uint64_t ms)
{
	r->due = clock_mono(r->deps.loop->clock) + ms * NS_PER_MS;
	wait_on(r);
}

static void failed(struct refdata *r, const char *why)
{
	uint32_t wait = backoff_next(&r->backoff);

	r->load_errors++;
	snprintf(r->why, sizeof(r->why), "instrument master: %s", why);
	log_warn("refdata", "%s; again in %u ms", r->why, wait);
	load_in(r, wait);
}

static void swap_in(struct refdata *r, struct load *l)
{
	struct instruments *old = r->master;

	r->master = l->master;
	l->master = old;
	r->rows = l->stats.rows;
	r->is_ready = true;
	backoff_reset(&r->backoff);
	log_info("refdata", "instrument master: %u instruments, %llu rows left out",
		 r->master->count, (unsigned long long)l->stats.bad_rows);
	if (r->deps.watch_all && strcmp(r->deps.cfg->watch, "auto") == 0)
		watch_master(r);
	load_in(r, (uint64_t)r->deps.cfg->refresh_s * 1000);
}

static void stop_if_idle(struct refdata *r)
{
	if (r->is_stopping && r->is_timer_closed && !r->load)
		r->mod.done(&r->mod);
}

static void on_loaded(uv_work_t *work, int status)
{
	struct load *l = container_of(work, struct load, work);
	struct refdata *r = l->refdata;

	r->load = NULL;
	if (!r->is_stopping) {
		if (status < 0 || l->rc < 0)
			failed(r, status < 0 ? uv_strerror(status) : l->err.text);
		else
			swap_in(r, l);
	}
	load_free(l);
	stop_if_idle(r);
}

static struct load *load_create(struct refdata *r)
{
	struct load *l = mem_zalloc(sizeof(*l));

	l->refdata = r;
	r->loads++;
	return l;
}

static void load_start(struct load *l)
{
	struct refdata *r = l->refdata;

	r->load = l;
	uv_queue_work(&r->deps.loop->uv, &l->work, on_work, on_loaded);
}

static void fetch_done(void *arg, const struct http_result *res)
{
	struct refdata *r = arg;
	char why[HEALTH_WHY_MAX];
	struct load *l;

	r->call = NULL;
	if (res->code || res->status != 200) {
		snprintf(why, sizeof(why), "the server answered %d", res->status);
		failed(r, res->code ? res->error : why);
		return;
	}
	l = load_create(r);
	l->body = mem_alloc(res->body_len);
	memcpy(l->body, res->body, res->body_len);
	l->body_len = res->body_len;
	load_start(l);
}

static void begin(struct refdata *r)
{
	const char *where = r->deps.cfg->master[0] ? r->deps.cfg->master : r->deps.master_url;
	struct agni_err err;
	struct load *l;

	r->day = market_day(r);
	if (strncmp(where, "http://", 7) == 0 || strncmp(where, "https://", 8) == 0) {
		struct http_call_options o = {.method = "GET",
					      .url = where,
					      .timeout_ms = FETCH_TIMEOUT_MS,
					      .response_max = MASTER_MAX_BYTES,
					      .follow_redirects = true};

		r->call = http_call_start(r->deps.http, &o, fetch_done, r, &err);
		if (!r->call)
			failed(r, err.text);
	} else {
		l = load_create(r);
		l->path = mem_strdup(where);
		load_start(l);
	}
}

/* --- the module ------------------------------------------------------------------------------ */

struct refdata *refdata_create(const struct refdata_deps *deps)
{
	struct refdata *r = mem_zalloc(sizeof(*r));
	uint64_t seed;

	r->deps = *deps;
	rand_bytes(&seed, sizeof(seed));
	backoff_init(&r->backoff, 250, 60000, seed);
	return r;
}

void refdata_destroy(struct refdata *r)
{
	if (r->master) {
		instruments_fini(r->master);
		free(r->master);
	}
	for (int i = 0; i < WANT_MODES; i++)
		bitset_fini(&r->watched[i]);
	free(r);
}

static int refdata_start(struct module *m, struct agni_err *err)
{
	struct refdata *r = container_of(m, struct refdata, mod);

	(void)err;
	return uv_timer_init(&r->deps.loop->uv, &r->timer);
}

static void refdata_begin(struct module *m)
{
	struct refdata *r = container_of(m, struct refdata, mod);

	watch_configured(r);
	if (r->deps.cfg->master[0] || r->deps.master_url[0])
		begin(r);
	else
		r->is_ready = true;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct refdata *r = container_of((uv_timer_t *)handle, struct refdata, timer);

	r->is_timer_closed = true;
	stop_if_idle(r);
}

static void refdata_stop(struct module *m, module_stopped_fn *done)
{
	struct refdata *r = container_of(m, struct refdata, mod);

	m->done = done;
	r->is_stopping = true;
	if (r->call)
		http_call_cancel(r->call);
	r->call = NULL;
	uv_close((uv_handle_t *)&r->timer, on_timer_closed);
}

static enum health refdata_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct refdata *r = container_of(m, struct refdata, mod);

	if (r->master)
		snprintf(why, HEALTH_WHY_MAX, "%u instruments", r->master->count);
	else
		snprintf(why, HEALTH_WHY_MAX, "%s",
			 r->is_ready ? "no instrument master is configured"
			 : r->why[0] ? r->why
				     : "loading the instrument master");
	return r->is_ready ? HEALTH_UP : HEALTH_DEGRADED;
}

static const struct metric refdata_metrics[] = {
	{"loads_total", "Loads of the instrument master begun", METRIC_COUNTER,
	 offsetof(struct refdata, loads)},
	{"load_errors_total", "Loads that failed", METRIC_COUNTER,
	 offsetof(struct refdata, load_errors)},
	{"rows", "Rows of the newest instrument master", METRIC_GAUGE,
	 offsetof(struct refdata, rows)},
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
	return instruments_find(r->master, key, len) != INST_NONE;
}

uint32_t refdata_count(const struct refdata *r)
{
	return r->master ? r->master->count : 0;
}
