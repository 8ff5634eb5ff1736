/* SPDX-License-Identifier: MIT
 *
 * bench_master: the broker's whole instrument master (../shared/data, or $AGNI_DATA) loaded again and again
 * while ticks flow and selectors are watched, from a file, fetched packed and fetched plain: how long the worker takes, how much memory it needs at its peak, and what the
 * loop feels of it: the longest work between two of its turns (the thread's own time, what is ours)
 * and the longest gap between two ticks (wall time, the machine's share included). Then searches
 * and resolves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../test/lib/data.h"
#include "core/log.h"
#include "http/client.h"
#include "lib/file_server.h"
#include "refdata/refdata.h"
#include "tape/tape.h"

#define LOADS    3
#define PER_TURN 50 /* ticks of a message; a message each millisecond */
#define INDEX    "NSE_INDEX|Nifty 50"
#define BANK     "NSE_INDEX|Nifty Bank"
#define WATCH    "NIFTY:current:*,NIFTY:monthly:ATM+-50,BANKNIFTY:monthly:*,RELIANCE:current:*"
#define NOW      1768278600000 /* 2026-01-13 10:00 IST: the day of the file */

struct bench {
	struct clock clock;
	struct loop loop;
	struct book book;
	struct interest interest;
	struct http_client *http;
	struct refdata *refdata;
	struct module *mod;
	uv_timer_t feed;
	uint64_t ticks;
	double last_cpu, work_max, last_wall, gap_max; /* ms */
	bool is_stopped;
	unsigned found;
};

static double now_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* A line of /proc/self/status in kB. */
static long status_kb(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtol(line + strlen(name), NULL, 10);
	}
	if (f)
		fclose(f);
	return kb;
}

/* From now on VmHWM is the peak since now. */
static void reset_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "w");

	if (f) {
		fputs("5", f);
		fclose(f);
	}
}

static void tick(struct bench *b, const char *key, double price)
{
	struct tick t = {.key = key};
	struct tick_meta meta = {.ts_ms = NOW};
	inst_id id = instruments_intern(&b->book.instruments, key, strlen(key));

	t.q.present = QUOTE_LTP;
	if (price_from_double(price, &t.q.ltp))
		book_publish(&b->book, id, book_merge(&b->book, id, &t, &meta), ++b->ticks);
}

static void on_feed(uv_timer_t *timer)
{
	struct bench *b = container_of(timer, struct bench, feed);
	double cpu = now_ms(CLOCK_THREAD_CPUTIME_ID), wall = now_ms(CLOCK_MONOTONIC);
	char key[32];

	if (b->last_wall > 0) {
		b->work_max = cpu - b->last_cpu > b->work_max ? cpu - b->last_cpu : b->work_max;
		b->gap_max = wall - b->last_wall > b->gap_max ? wall - b->last_wall : b->gap_max;
	}
	for (unsigned i = 0; i < PER_TURN; i++) {
		snprintf(key, sizeof(key), "NSE_FO|%u", i);
		tick(b, key, 100 + (double)(b->ticks % 100) / 20);
	}
	tick(b, INDEX, 25732.3);
	tick(b, BANK, 59450.5);
	b->last_cpu = cpu;
	b->last_wall = wall;
}

static void on_stopped(struct module *m)
{
	(void)m;
}

static uint64_t metric(const struct bench *b, const char *name)
{
	for (const struct metric *m = b->mod->ops->metrics; m->name; m++) {
		if (strcmp(m->name, name) == 0)
			return *(const uint64_t *)(const void *)((const char *)b->mod -
								 b->mod->ops->mod_offset +
								 m->offset);
	}
	return 0;
}

static void load_once(struct bench *b, const char *from)
{
	uint64_t loads = metric(b, "loads_total");
	long before;
	double cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID) - now_ms(CLOCK_THREAD_CPUTIME_ID);

	reset_peak();
	before = status_kb("VmRSS:");
	b->work_max = b->gap_max = b->last_wall = 0;
	if (metric(b, "loads_total") > 0)
		refdata_reload(b->refdata);
	else
		b->mod->ops->begin(b->mod);
	/* Some more turns count: those in which what came before is let go. */
	while (metric(b, "loads_total") == loads || refdata_is_loading(b->refdata))
		uv_run(&b->loop.uv, UV_RUN_ONCE);
	for (int i = 0; i < 100; i++)
		uv_run(&b->loop.uv, UV_RUN_ONCE);
	cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID) - now_ms(CLOCK_THREAD_CPUTIME_ID) - cpu;
	printf("load %s: %llu rows in %llu ms on the worker, %.0f ms of its own time; "
	       "peak memory +%.1f MB\n"
	       "        loop: work at most %.2f ms, ticks at most %.2f ms apart\n",
	       from, (unsigned long long)metric(b, "rows"),
	       (unsigned long long)metric(b, "load_ms"), cpu,
	       (double)(status_kb("VmHWM:") - before) / 1024, b->work_max, b->gap_max);
}

/* The same ticks for as long and nothing beside them: what the machine itself does to the gaps. */
static void idle(struct bench *b)
{
	double until = now_ms(CLOCK_MONOTONIC) + 2000;

	b->work_max = b->gap_max = b->last_wall = 0;
	while (now_ms(CLOCK_MONOTONIC) < until)
		uv_run(&b->loop.uv, UV_RUN_ONCE);
	printf("no load for 2 s: work at most %.2f ms, ticks at most %.2f ms apart\n", b->work_max,
	       b->gap_max);
}

static void on_found(void *arg, const struct master *m, const struct search_result *res)
{
	struct bench *b = arg;

	(void)m;
	b->found += res != NULL;
}

static void search_all(struct bench *b)
{
	static const char *const queries[] = {"nifty", "reliance", "25400 ce", "ine0", "a"};

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		struct search_query q = {.underlying = MASTER_NONE, .limit = 50};
		double from = now_ms(CLOCK_MONOTONIC);

		snprintf(q.text, sizeof(q.text), "%s", queries[i]);
		b->found = 0;
		b->work_max = 0;
		if (!refdata_search(b->refdata, &q, on_found, b))
			return;
		while (!b->found)
			uv_run(&b->loop.uv, UV_RUN_ONCE);
		printf("search \"%s\": %.1f ms on the worker; loop: work at most %.2f ms\n",
		       queries[i], now_ms(CLOCK_MONOTONIC) - from, b->work_max);
	}
}

static void resolve_many(struct bench *b)
{
	struct resolve_market market = {.book = &b->book, .now_ms = NOW};
	struct resolve_query q = {.underlying = "NIFTY",
				  .type = TYPE_CE,
				  .strike = {.is_atm = true, .from = 1, .to = 1}};
	const struct master *m = refdata_master(b->refdata);
	struct resolved found;
	struct resolve_miss miss;
	double from = now_ms(CLOCK_THREAD_CPUTIME_ID);
	unsigned hits = 0;

	for (int i = 0; i < 1000; i++)
		hits += resolve_one(m, &q, &market, &found, &miss);
	printf("resolve ATM+1: %.1f us (%u of 1000 found)\n",
	       now_ms(CLOCK_THREAD_CPUTIME_ID) - from, hits);
	from = now_ms(CLOCK_THREAD_CPUTIME_ID);
	q.underlying = "NIFTI";
	for (int i = 0; i < 100; i++)
		hits += resolve_one(m, &q, &market, &found, &miss);
	printf("resolve of an unknown name: %.1f us\n",
	       (now_ms(CLOCK_THREAD_CPUTIME_ID) - from) * 10);
}

static void on_closed(void *arg)
{
	(void)arg;
}

static void bench_up(struct bench *b, const struct refdata_config *cfg)
{
	struct agni_err err;

	clock_init(&b->clock, CLOCK_FEED);
	clock_see_market(&b->clock, NOW);
	if (loop_init(&b->loop, &b->clock) < 0)
		exit(1);
	book_init(&b->book, 10000);
	interest_init(&b->interest);
	b->http = http_client_create(&b->loop, NULL);
	b->refdata = refdata_create(&(struct refdata_deps){.loop = &b->loop,
							   .http = b->http,
							   .book = &b->book,
							   .interest = &b->interest,
							   .cfg = cfg,
							   .master_url = ""});
	b->mod = refdata_module(b->refdata);
	if (b->mod->ops->start(b->mod, &err) < 0)
		exit(1);
	uv_timer_init(&b->loop.uv, &b->feed);
	uv_timer_start(&b->feed, on_feed, 1, 1);
}

static int bench_down(struct bench *b)
{
	uv_close((uv_handle_t *)&b->feed, NULL);
	b->mod->ops->stop(b->mod, on_stopped);
	http_client_close(b->http, on_closed, NULL);
	uv_run(&b->loop.uv, UV_RUN_DEFAULT);
	refdata_destroy(b->refdata);
	interest_fini(&b->interest);
	book_fini(&b->book);
	return loop_fini(&b->loop);
}

int main(void)
{
	static struct bench b;
	const char *path = data_path("instruments/upstox_nse_20260113.json.gz");
	char file[1024], packed[64], plain[64], watch[] = WATCH, empty[1] = "";
	struct refdata_config cfg = {.watch = watch,
				     .watch_option_greeks = empty,
				     .watch_ltpc = empty,
				     .watch_max = 2000,
				     .refresh_s = 604800};
	struct {
		char *where;
		const char *text;
	} from[] = {{file, "from a file"}, {packed, "fetched, packed"}, {plain, "fetched, plain"}};
	struct file_server server;

	if (!path) {
		puts("no data set: instruments/upstox_nse_20260113.json.gz");
		return 0;
	}
	server = file_server_start(path);
	snprintf(file, sizeof(file), "%s", path);
	snprintf(packed, sizeof(packed), "http://127.0.0.1:%d/packed", server.port);
	snprintf(plain, sizeof(plain), "http://127.0.0.1:%d/plain", server.port);
	log_setup(LOG_ERROR, LOG_TEXT);
	cfg.master = file;
	bench_up(&b, &cfg);
	idle(&b);
	for (size_t k = 0; k < ARRAY_LEN(from); k++) {
		cfg.master = from[k].where;
		for (unsigned i = 0; i < LOADS; i++)
			load_once(&b, from[k].text);
	}
	search_all(&b);
	resolve_many(&b);
	file_server_stop(&server);
	return bench_down(&b) == 0 ? 0 : 1;
}
