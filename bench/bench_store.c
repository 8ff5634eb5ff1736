/* SPDX-License-Identifier: MIT
 *
 * bench_store: what a tick costs this process until Redis has it: SET with a life, and its part of one
 * PUBLISH, with a real redis-server on a loopback socket. CPU time of this process, user and system,
 * over ticks of a turn that is awaited before the next begins; the same turns without a store are
 * taken off. Two sizes of quote: the price alone, and an option with depth and Greeks. Beside it the
 * floor: the same commands as ready-made bytes through hiredis, in the same run, because the figures of
 * a machine that is busy with something else mean little alone.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/async.h>

#include "../test/lib/quotes.h"
#include "core/log.h"
#include "lib/stats.h"
#include "market/quote_json.h"
#include "store/redis_uv.h"
#include "store/resp.h"
#include "store/store.h"

#define KEYS   2000
#define ROUNDS 5
#define TICKS  16384 /* of one round */

static struct clock the_clock;
static struct loop loop;
static struct book book;
static struct store *store;
static struct store_config cfg;
static char url[64], prefix[] = "agni-bench:";
static uint64_t seq;
static bool is_stopped;

static bool always(void *arg)
{
	(void)arg;
	return true;
}

static pid_t start_redis(int port)
{
	char text[16];
	pid_t pid;

	snprintf(text, sizeof(text), "%d", port);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!freopen("/dev/null", "w", stdout))
			_exit(1);
		execlp("redis-server", "redis-server", "--port", text, "--bind", "127.0.0.1",
		       "--save", "", "--appendonly", "no", (char *)NULL);
		_exit(127);
	}
	return pid;
}

static uint64_t metric(const char *name)
{
	const struct module *m = store_module(store);
	uint64_t v = 0;

	for (const struct metric *t = m->ops->metrics; t->name; t++) {
		if (strcmp(t->name, name) == 0)
			memcpy(&v, (const char *)m - m->ops->mod_offset + t->offset, sizeof(v));
	}
	return v;
}

static void open_store(int port)
{
	struct agni_err err;

	snprintf(url, sizeof(url), "redis://127.0.0.1:%d/0", port);
	cfg = (struct store_config){.url = url,
				    .ttl_s = 30,
				    .connect_timeout_ms = 500,
				    .command_timeout_ms = 1000,
				    .give_up_ms = 10000,
				    .retry_ms = 50,
				    .pipeline_max_bytes = 1048576,
				    .pipeline_max_keys = 256};
	store = store_create(&(struct store_deps){.loop = &loop,
						  .book = &book,
						  .cfg = &cfg,
						  .prefix = prefix,
						  .source = "sim",
						  .is_feed_alive = always});
	if (store_module(store)->ops->start(store_module(store), &err) < 0)
		abort();
}

static void on_stopped(struct module *m)
{
	(void)m;
	is_stopped = true;
}

static void close_store(void)
{
	store_module(store)->ops->stop(store_module(store), on_stopped);
	while (!is_stopped)
		uv_run(&loop.uv, UV_RUN_ONCE);
	store_destroy(store);
	store = NULL;
	is_stopped = false;
}

/* False when Redis does not come up, within 5 s. */
static bool await_live(void)
{
	uint64_t end = uv_hrtime() + 5 * NS_PER_S;

	while (!metric("connected") && uv_hrtime() < end)
		uv_run(&loop.uv, UV_RUN_ONCE);
	return metric("connected") && (uv_run(&loop.uv, UV_RUN_NOWAIT), true);
}

static void tick(unsigned n, bool is_full)
{
	static char keys[KEYS][24];
	char *key = keys[n % KEYS];
	struct tick_meta meta = {.ts_ms = 1769160568772 + n, .recv_ms = 1, .recv_mono = 1};
	struct tick t = {.key = key};
	inst_id id;

	if (!key[0])
		snprintf(key, sizeof(keys[0]), "NSE_FO|%u", 40000 + n % KEYS);
	t.key_len = (uint32_t)strlen(key);
	quote_make_up(&t.q, n);
	if (!is_full)
		t.q.present &= QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP;
	id = instruments_intern(&book.instruments, key, t.key_len);
	book_publish(&book, id, book_merge(&book, id, &t, &meta), ++seq);
}

/* CPU nanoseconds per tick. */
static double run(unsigned per_turn, bool is_full)
{
	static unsigned n;
	double begin = stats_cpu_ns();

	for (unsigned left = TICKS; left; left -= per_turn) {
		for (unsigned i = 0; i < per_turn; i++)
			tick(n++, is_full);
		while (store && !store_is_settled(store))
			uv_run(&loop.uv, UV_RUN_ONCE);
	}
	return (stats_cpu_ns() - begin) / TICKS;
}

static void quote_bytes(struct buf *b)
{
	buf_reset(b);
	quote_json(b, instruments_key(&book.instruments, 0), book_slot(&book, 0), VIEW_FULL);
}

/* ---- the floor --------------------------------------------------------------------------------*/

struct floor {
	redisAsyncContext *ac;
	struct buf set, publish;
	unsigned owed;
};

static struct floor the_floor;

static void on_floor_reply(redisAsyncContext *ac, void *reply, void *arg)
{
	(void)ac;
	(void)reply;
	(void)arg;
	the_floor.owed--;
}

static void floor_open(int port)
{
	struct floor *f = &the_floor;

	f->ac = redisAsyncConnect("127.0.0.1", port);
	if (!f->ac || f->ac->err || redis_uv_attach(f->ac, &loop.uv, NULL, NULL) < 0)
		abort();
}

/* The commands of one turn, made once. */
static void floor_make(struct floor *f, unsigned per_turn)
{
	struct buf json = {0}, name = {0};

	quote_bytes(&json);
	buf_reset(&f->set);
	key_append(&name, KEY_QUOTE, prefix, "NSE_FO|40000");
	resp_count(&f->set, '*', 5);
	resp_str(&f->set, "SET");
	resp_bulk(&f->set, name.data, name.len);
	resp_bulk(&f->set, json.data, json.len);
	resp_str(&f->set, "EX");
	resp_str(&f->set, "30");
	(void)buf_cstr(&f->set);
	buf_reset(&name);
	for (unsigned i = 0; i < per_turn; i++) {
		buf_append(&name, json.data, json.len);
		buf_byte(&name, ',');
	}
	buf_reset(&f->publish);
	resp_count(&f->publish, '*', 3);
	resp_str(&f->publish, "PUBLISH");
	resp_str(&f->publish, "agni-bench:ticks");
	resp_bulk(&f->publish, name.data, name.len);
	(void)buf_cstr(&f->publish);
	buf_fini(&json);
	buf_fini(&name);
}

static void floor_say(struct floor *f, const struct buf *cmd)
{
	f->owed++;
	redisAsyncFormattedCommand(f->ac, on_floor_reply, NULL, cmd->data, cmd->len);
}

static double run_floor(unsigned per_turn)
{
	double begin;

	floor_make(&the_floor, per_turn);
	begin = stats_cpu_ns();
	for (unsigned left = TICKS; left >= per_turn; left -= per_turn) {
		for (unsigned i = 0; i < per_turn; i++)
			floor_say(&the_floor, &the_floor.set);
		floor_say(&the_floor, &the_floor.publish);
		while (the_floor.owed)
			uv_run(&loop.uv, UV_RUN_ONCE);
	}
	return (stats_cpu_ns() - begin) / TICKS;
}

static void floor_close(void)
{
	redisAsyncFree(the_floor.ac);
	buf_fini(&the_floor.set);
	buf_fini(&the_floor.publish);
}

/* ---- the table --------------------------------------------------------------------------------*/

static bool measure(bool is_full, int port)
{
	static const unsigned turns[] = {16, 64, 256};
	double bare[ROUNDS], with[ARRAY_LEN(turns)][ROUNDS], floor[ARRAY_LEN(turns)][ROUNDS];
	struct buf json = {0};
	double base;

	book_init(&book, 100000);
	seq = 0;
	for (int r = 0; r < ROUNDS; r++)
		bare[r] = run(64, is_full);
	open_store(port);
	if (!await_live())
		return false;
	run(64, is_full);
	floor_open(port);
	for (int r = 0; r < ROUNDS; r++) {
		for (size_t i = 0; i < ARRAY_LEN(turns); i++)
			with[i][r] = run(turns[i], is_full);
		for (size_t i = 0; i < ARRAY_LEN(turns); i++)
			floor[i][r] = run_floor(turns[i]);
	}
	floor_close();
	quote_bytes(&json);
	base = stats_median(bare, ROUNDS);
	printf("%s, %zu bytes of JSON; without a store %.0f ns per tick\n",
	       is_full ? "option with depth and Greeks" : "price alone", json.len, base);
	for (size_t i = 0; i < ARRAY_LEN(turns); i++)
		printf("  %3u ticks a turn: %5.0f ns of CPU per tick; ready-made bytes %5.0f\n",
		       turns[i], stats_median(with[i], ROUNDS) - base,
		       stats_median(floor[i], ROUNDS));
	buf_fini(&json);
	close_store();
	book_fini(&book);
	return true;
}

int main(void)
{
	int port = 20000 + (int)(getpid() % 7000);
	pid_t redis = start_redis(port);
	bool is_good;

	signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_ERROR, LOG_TEXT);
	clock_init(&the_clock, CLOCK_SYSTEM);
	if (loop_init(&loop, &the_clock) < 0)
		return 1;
	printf("store: SET EX and PUBLISH over loopback, one pipeline a turn (bar: 1,200 at 64)\n");
	is_good = measure(false, port) && measure(true, port);
	if (!is_good)
		printf("no redis-server here (or it does not answer): nothing was measured\n");
	kill(redis, SIGTERM);
	waitpid(redis, NULL, 0);
	if (is_good && loop_fini(&loop) != 0)
		return 1;
	return 0;
}
