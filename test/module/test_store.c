/* SPDX-License-Identifier: MIT
 *
 * test_store: the store on a real loop against a real redis-server that is absent, killed, stopped,
 * full, a replica, locked, or not Redis at all. The claim everywhere: ticks go on, memory stays
 * flat, health says so, and within a second of its return the whole state is there.
 */
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "../lib/canned.h"
#include "../lib/check.h"
#include "../lib/pace.h"
#include "../lib/redis.h"
#include "core/json.h"
#include "market/quote_json.h"
#include "store/store.h"

#define MANY 1500 /* instruments of a "whole state" */

/* The promise is a second, and the end-to-end tests measure it against the machine's own pauses; here
 * a machine that is busy with something else must not fail the test. */
#define WHOLE_MS 4000

/* In paced time; the store itself gives up writing after 500 ms. */
#define STOP_MS 700

/* Longest pause between two attempts, and the shortest: half of it. */
#define RETRY_MS 250

struct rig {
	struct clock clock;
	struct loop loop;
	struct book book;
	struct store_config cfg;
	char url[128];
	struct store *store;
	struct redis_server redis;
	uv_timer_t pulse; /* keeps the loop turning while a test waits */
	struct pace pace;
	uint64_t seq;
	bool is_feed_alive;
	int stopped;
	bool (*until)(struct rig *r);
	const char *word; /* what health shall contain */
	unsigned target;
};

static struct rig rig; /* one test at a time */

static bool is_feed_alive(void *arg)
{
	return ((struct rig *)arg)->is_feed_alive;
}

static void on_pulse(uv_timer_t *timer)
{
	(void)timer;
}

static void rig_init(struct rig *r, int port)
{
	*r = (struct rig){.is_feed_alive = true};
	clock_init(&r->clock, CLOCK_SYSTEM);
	check_i64(loop_init(&r->loop, &r->clock), 0);
	book_init(&r->book, 100000);
	snprintf(r->url, sizeof(r->url), "redis://127.0.0.1:%d/0", port);
	r->cfg = (struct store_config){.url = r->url,
				       .ttl_s = 30,
				       .connect_timeout_ms = 500,
				       .command_timeout_ms = 1000,
				       .give_up_ms = 10000,
				       .retry_ms = RETRY_MS,
				       .pipeline_max_bytes = 1048576,
				       .pipeline_max_keys = 500};
	uv_timer_init(&r->loop.uv, &r->pulse);
	uv_timer_start(&r->pulse, on_pulse, 5, 5);
	pace_start(&r->pace);
}

static void turn(struct rig *r)
{
	uv_run(&r->loop.uv, UV_RUN_ONCE);
	pace_turn(&r->pace);
}

static struct module *rig_start(struct rig *r)
{
	struct agni_err err = {0};

	r->store = store_create(&(struct store_deps){.loop = &r->loop,
						     .book = &r->book,
						     .cfg = &r->cfg,
						     .prefix = "agni-test:",
						     .source = "sim",
						     .is_feed_alive = is_feed_alive,
						     .arg = r});
	if (store_module(r->store)->ops->start(store_module(r->store), &err) < 0)
		fail_msg("start: %s", err.text);
	return store_module(r->store);
}

static void on_stopped(struct module *m)
{
	(void)m;
	rig.stopped++;
}

static uint64_t now_ms(const struct rig *r)
{
	return clock_mono(&r->clock) / NS_PER_MS;
}

/* Turns the loop until `until` holds; returns the paced milliseconds that took, or -1 after
 * `limit_ms`. */
static int64_t run_until(struct rig *r, bool (*until)(struct rig *r), int64_t limit_ms)
{
	int64_t start;

	pace_turn(&r->pace); /* what the test did meanwhile is no turn */
	start = pace_ms(&r->pace);
	while (!until(r)) {
		if (pace_ms(&r->pace) - start > limit_ms)
			return -1;
		turn(r);
	}
	return pace_ms(&r->pace) - start;
}

/* For what has to happen, however long the machine takes. */
static void wait_until(struct rig *r, bool (*until)(struct rig *r))
{
	check(run_until(r, until, PATIENCE_MS) >= 0);
}

static bool never(struct rig *r)
{
	(void)r;
	return false;
}

static void run_for(struct rig *r, int64_t ms)
{
	run_until(r, never, ms);
}

static bool has_stopped(struct rig *r)
{
	return r->stopped > 0;
}

/* Stops the module, and shows that nothing is left behind. Returns how long the stop took, in paced
 * milliseconds. */
static int64_t rig_stop(struct rig *r)
{
	struct module *m = store_module(r->store);
	int64_t ms;

	m->ops->stop(m, on_stopped);
	ms = run_until(r, has_stopped, PATIENCE_MS);
	check(ms >= 0);
	store_destroy(r->store);
	uv_close((uv_handle_t *)&r->pulse, NULL);
	check_i64(loop_fini(&r->loop), 0);
	check_i64(r->stopped, 1);
	book_fini(&r->book);
	return ms;
}

static uint64_t metric(const struct rig *r, const char *name)
{
	const struct module *m = store_module(r->store);
	uint64_t v = 0;

	for (const struct metric *t = m->ops->metrics; t->name; t++) {
		if (strcmp(t->name, name) == 0) {
			memcpy(&v, (const char *)m - m->ops->mod_offset + t->offset, sizeof(v));
			return v;
		}
	}
	fail_msg("no metric %s", name);
	return 0;
}

static enum health health(const struct rig *r, char why[HEALTH_WHY_MAX])
{
	const struct module *m = store_module(r->store);

	return m->ops->health(m, why);
}

static bool is_up(struct rig *r)
{
	char why[HEALTH_WHY_MAX];

	return health(r, why) == HEALTH_UP;
}

/* DEGRADED, with r->word in the reason. */
static bool is_degraded(struct rig *r)
{
	char why[HEALTH_WHY_MAX];

	return health(r, why) == HEALTH_DEGRADED && strstr(why, r->word);
}

static void check_degraded(struct rig *r, const char *word)
{
	char why[HEALTH_WHY_MAX];

	r->word = word;
	if (run_until(r, is_degraded, PATIENCE_MS) < 0) {
		health(r, why);
		fail_msg("health is \"%s\", not DEGRADED with \"%s\"", why, word);
	}
}

static void tick(struct rig *r, const char *key, double ltp)
{
	struct tick t = {.key = key, .key_len = (uint32_t)strlen(key)};
	struct tick_meta meta = {.ts_ms = 1769160568772,
				 .recv_ms = clock_wall_ms(&r->clock),
				 .recv_mono = clock_mono(&r->clock)};
	inst_id id = instruments_intern(&r->book.instruments, key, strlen(key));

	check(id != INST_NONE);
	check(price_from_double(ltp, &t.q.ltp));
	t.q.ltq = 65;
	t.q.present = QUOTE_LTP | QUOTE_LTQ;
	book_publish(&r->book, id, book_merge(&r->book, id, &t, &meta), ++r->seq);
}

static void tick_many(struct rig *r, unsigned n, double ltp)
{
	char key[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "NSE_FO|%u", 40000 + i);
		tick(r, key, ltp + i);
	}
}

/* Every slot of the book is in Redis as it is in the book, and its key in the index. */
static bool is_whole(struct rig *r)
{
	redisContext *c = redis_connect(&r->redis);
	uint32_t n = r->book.instruments.count, same = 0;
	struct buf want = {0};
	redisReply *reply;

	for (inst_id id = 0; id < n; id++)
		redisAppendCommand(c, "GET agni-test:quote:{%s}",
				   instruments_key(&r->book.instruments, id));
	redisAppendCommand(c, "SCARD agni-test:index:quotes");
	for (inst_id id = 0; id < n; id++) {
		buf_reset(&want);
		quote_json(&want, instruments_key(&r->book.instruments, id),
			   book_slot(&r->book, id), VIEW_FULL);
		check_i64(redisGetReply(c, (void **)&reply), REDIS_OK);
		same += reply->type == REDIS_REPLY_STRING && (size_t)reply->len == want.len &&
			memcmp(reply->str, want.data, want.len) == 0;
		freeReplyObject(reply);
	}
	check_i64(redisGetReply(c, (void **)&reply), REDIS_OK);
	same += reply->type == REDIS_REPLY_INTEGER && reply->integer == n;
	freeReplyObject(reply);
	redisFree(c);
	buf_fini(&want);
	return same == n + 1;
}

/* Once the store believes that all is written (asking Redis at each turn would slow the test). */
static bool is_written(struct rig *r)
{
	return metric(r, "connected") == 1 && metric(r, "dirty") == 0 && is_whole(r);
}

static void check_whole_within(struct rig *r, int64_t limit_ms)
{
	char why[HEALTH_WHY_MAX];
	int64_t ms = run_until(r, is_written, PATIENCE_MS);

	health(r, why);
	if (ms < 0)
		fail_msg("the state is not whole after %d ms; health is \"%s\"", PATIENCE_MS, why);
	print_message("  whole after %lld ms\n", (long long)ms);
	if (ms > limit_ms)
		fail_msg("the state was whole after %lld ms only", (long long)ms);
	wait_until(r, is_up);
}

static bool is_clean(struct rig *r)
{
	return metric(r, "dirty") == 0;
}

static bool has_set(struct rig *r)
{
	return metric(r, "sets_total") >= r->target;
}

static bool has_published(struct rig *r)
{
	return metric(r, "publishes_total") >= r->target;
}

static void need_redis(void)
{
	if (!redis_is_installed())
		skip();
}

/* A rig with a server that is connected. */
static void rig_with_redis(struct rig *r)
{
	struct redis_server server;

	need_redis();
	redis_start(&server, 0, NULL);
	rig_init(r, server.port);
	r->redis = server;
}

/* ---- configuration ----------------------------------------------------------------------------*/

static void test_empty_url_is_off(void **state)
{
	char why[HEALTH_WHY_MAX];

	(void)state;
	rig_init(&rig, 1);
	rig.url[0] = '\0';
	rig_start(&rig);
	tick(&rig, "NSE_FO|1", 1.5);
	run_for(&rig, 20);
	check_i64(health(&rig, why), HEALTH_UP);
	check_str(why, "off");
	rig_stop(&rig);
}

static void test_bad_urls_are_refused(void **state)
{
	static const char *const bad[] = {"rediss://127.0.0.1:6379",
					  "http://127.0.0.1",
					  "redis://127.0.0.1/x",
					  "redis://127.0.0.1/-1",
					  "redis://127.0.0.1/0/1",
					  "redis://",
					  "nonsense"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct agni_err err = {0};
		struct module *m;

		rig_init(&rig, 1);
		snprintf(rig.url, sizeof(rig.url), "%s", bad[i]);
		rig.store = store_create(&(struct store_deps){.loop = &rig.loop,
							      .book = &rig.book,
							      .cfg = &rig.cfg,
							      .prefix = "p:",
							      .source = "sim",
							      .is_feed_alive = is_feed_alive,
							      .arg = &rig});
		m = store_module(rig.store);
		check_i64(m->ops->start(m, &err), AGNI_ECONFIG);
		check_i64(err.code, AGNI_ECONFIG);
		check(strstr(err.text, "redis"));
		rig_stop(&rig);
	}
}

/* ---- the normal way ---------------------------------------------------------------------------*/

static void test_quotes_are_written(void **state)
{
	long long ttl;

	(void)state;
	rig_with_redis(&rig);
	rig_start(&rig);
	tick(&rig, "NSE_INDEX|Nifty 50", 25412.35);
	tick(&rig, "NSE_FO|58666", 94.25);
	check_whole_within(&rig, WHOLE_MS);
	ttl = redis_ask_int(&rig.redis, "PTTL agni-test:quote:{%s}", "NSE_INDEX|Nifty 50");
	check(ttl > 28000 && ttl <= 30000);
	check_i64(redis_ask_int(&rig.redis, "SISMEMBER agni-test:index:quotes %s",
				"NSE_INDEX|Nifty 50"),
		  1);
	check_i64(redis_ask_int(&rig.redis, "DBSIZE"), 3);
	rig.target = 2;
	wait_until(&rig, has_set);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* What an earlier process left in the index set does not stay. */
static void test_index_is_made_anew(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	redis_do(&rig.redis, "SADD agni-test:index:quotes NSE_FO|expired");
	rig_start(&rig);
	tick(&rig, "NSE_FO|1", 1);
	check_whole_within(&rig, WHOLE_MS);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

static void check_message(const redisReply *message, uint64_t seq, int quotes)
{
	struct agni_err err = {0};
	const cJSON *data;
	int64_t v;
	cJSON *json;

	check_i64(message->type, REDIS_REPLY_ARRAY);
	check_str(message->element[1]->str, "agni-test:ticks");
	json = json_parse(message->element[2]->str, (size_t)message->element[2]->len, &err);
	if (!json)
		fail_msg("%s: %s", err.text, message->element[2]->str);
	check_str(json_string(json, "type"), "market_data");
	check(json_int(json, "seq", &v));
	check_i64(v, seq);
	data = cJSON_GetObjectItemCaseSensitive(json, "data");
	check_i64(cJSON_GetArraySize(data), quotes);
	check_str(json_string(cJSON_GetArrayItem(data, 0), "key"), "NSE_FO|40000");
	cJSON_Delete(json);
}

static void test_ticks_are_published(void **state)
{
	redisContext *c;
	redisReply *reply;

	(void)state;
	rig_with_redis(&rig);
	rig_start(&rig);
	wait_until(&rig, is_up);
	c = redis_connect(&rig.redis);
	freeReplyObject(redisCommand(c, "SUBSCRIBE agni-test:ticks"));
	tick_many(&rig, 40, 100);
	rig.target = 1;
	wait_until(&rig, has_published);
	check_i64(redisGetReply(c, (void **)&reply), REDIS_OK);
	check_message(reply, 40, 40);
	freeReplyObject(reply);
	tick(&rig, "NSE_FO|40000", 7);
	rig.target = 2;
	wait_until(&rig, has_published);
	check_i64(redisGetReply(c, (void **)&reply), REDIS_OK);
	check_message(reply, 41, 1);
	freeReplyObject(reply);
	redisFree(c);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

static void test_ticks_of_a_turn_are_one_set(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	rig_start(&rig);
	wait_until(&rig, is_up);
	for (int i = 0; i < 100; i++)
		tick(&rig, "NSE_FO|1", 100 + i);
	check_whole_within(&rig, WHOLE_MS);
	rig.target = 1;
	wait_until(&rig, has_published);
	run_for(&rig, 50); /* and nothing more */
	check_i64(metric(&rig, "sets_total"), 1);
	check_i64(metric(&rig, "publishes_total"), 1);
	check_i64(redis_ask_int(&rig.redis, "DBSIZE"), 2);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* More than fits in one pipeline goes in several. */
static void test_pipelines_are_bounded(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	rig.cfg.pipeline_max_bytes = 4096;
	rig_start(&rig);
	wait_until(&rig, is_up);
	tick_many(&rig, 300, 100);
	check_whole_within(&rig, WHOLE_MS);
	/* About 110 + 70 bytes of SET and 110 of PUBLISH each. */
	check(metric(&rig, "pipelines_total") >= 300 * 200 / 4096);
	check(metric(&rig, "pipelines_total") <= 300 * 400 / 4096);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* Redis removes what has died in its own time, a little later. */
static bool has_index_only(struct rig *r)
{
	return redis_ask_int(&r->redis, "DBSIZE") == 1;
}

static void test_keys_live_as_long_as_the_feed(void **state)
{
	const uint64_t ttl_ms = 4000;
	uint64_t start, sets;

	(void)state;
	rig_with_redis(&rig);
	rig.cfg.ttl_s = (int64_t)ttl_ms / 1000;
	start = now_ms(&rig);
	rig_start(&rig);
	tick_many(&rig, 200, 100);
	check_whole_within(&rig, WHOLE_MS);
	while (now_ms(&rig) - start < ttl_ms * 5 / 4) {
		run_for(&rig, 400);
		check(is_whole(&rig));
	}
	/* Once each third of a life, however long it took, and the first two. */
	sets = metric(&rig, "sets_total");
	check(sets >= 200 * 2 && sets <= 200 * (2 + 3 * (now_ms(&rig) - start) / ttl_ms));
	check_i64(metric(&rig, "publishes_total"), 1);
	rig.is_feed_alive = false;
	wait_until(&rig, has_index_only);
	check(metric(&rig, "sets_total") <= sets + 200); /* what was on its way */
	rig.is_feed_alive = true;
	check_whole_within(&rig, WHOLE_MS);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* A stop under load; false when it was cut off, which it may be after half a second. */
static bool stop_wrote_all(void)
{
	uint64_t start;
	bool is_cut;

	rig_with_redis(&rig);
	rig_start(&rig);
	wait_until(&rig, is_up);
	tick_many(&rig, MANY, 100);
	start = now_ms(&rig);
	check(rig_stop(&rig) <= STOP_MS);
	is_cut = now_ms(&rig) - start >= 500;
	if (!is_cut)
		check_i64(redis_ask_int(&rig.redis, "DBSIZE"), MANY + 1);
	redis_stop(&rig.redis);
	return !is_cut;
}

static void test_stop_writes_what_is_dirty(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		if (stop_wrote_all())
			return;
		print_message("  cut off after half a second: is the machine busy?\n");
	}
	fail_msg("three stops in a row were cut off");
}

static void test_password_and_database(void **state)
{
	struct redis_server server;

	(void)state;
	need_redis();
	redis_start(&server, 0, "--requirepass", "se@cret", NULL);
	snprintf(server.password, sizeof(server.password), "se@cret");
	rig_init(&rig, server.port);
	snprintf(rig.url, sizeof(rig.url), "redis://:se%%40cret@localhost:%d/3", server.port);
	rig_start(&rig);
	tick(&rig, "NSE_FO|1", 1);
	wait_until(&rig, is_up);
	rig_stop(&rig);
	check_i64(redis_ask_int(&server, "DBSIZE"), 0);
	redis_do(&server, "SWAPDB 0 3");
	check_i64(redis_ask_int(&server, "DBSIZE"), 2);
	redis_stop(&server);
}

/* ---- away -------------------------------------------------------------------------------------*/

static void test_absent_at_start(void **state)
{
	int port;

	(void)state;
	need_redis();
	port = redis_free_port();
	rig_init(&rig, port);
	rig_start(&rig);
	tick_many(&rig, MANY, 100);
	check_degraded(&rig, "is away since");
	check_degraded(&rig, "connection refused");
	run_for(&rig, 700);
	check_i64(metric(&rig, "dirty"), MANY);
	redis_start(&rig.redis, port, NULL);
	check_whole_within(&rig, WHOLE_MS);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

static void test_killed_and_restarted(void **state)
{
	int port;

	(void)state;
	rig_with_redis(&rig);
	port = rig.redis.port;
	rig_start(&rig);
	tick_many(&rig, MANY, 100);
	check_whole_within(&rig, WHOLE_MS);
	for (int i = 0; i < 3; i++) {
		tick_many(&rig, MANY / 2, 200 + i);
		redis_kill(&rig.redis);
		check_degraded(&rig, "is away since");
		tick_many(&rig, 10, 300 + i);
		run_for(&rig, 300);
		redis_start(&rig.redis, port, NULL);
		check_whole_within(&rig, WHOLE_MS);
	}
	check_i64(metric(&rig, "reconnects_total"), 3);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* What was on its way when Redis died is dirty again, and published again. */
static void test_killed_with_a_pipeline_in_flight(void **state)
{
	int port;

	(void)state;
	rig_with_redis(&rig);
	port = rig.redis.port;
	rig_start(&rig);
	wait_until(&rig, is_up);
	redis_pause(&rig.redis);
	tick_many(&rig, 3, 100);
	wait_until(&rig, is_clean);
	redis_kill(&rig.redis);
	check_degraded(&rig, "is away since");
	check_i64(metric(&rig, "dirty"), 3);
	check_i64(metric(&rig, "publishes_total"), 0);
	redis_start(&rig.redis, port, NULL);
	check_whole_within(&rig, WHOLE_MS);
	rig.target = 1;
	wait_until(&rig, has_published);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

static void test_closed_by_the_server(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	rig_start(&rig);
	tick_many(&rig, 100, 100);
	check_whole_within(&rig, WHOLE_MS);
	redis_do(&rig.redis, "FLUSHALL");
	redis_do(&rig.redis, "CLIENT KILL TYPE normal SKIPME yes");
	check_degraded(&rig, "is away since");
	check_whole_within(&rig, WHOLE_MS);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

static void test_stop_while_away(void **state)
{
	(void)state;
	rig_init(&rig, redis_free_port());
	rig_start(&rig);
	tick_many(&rig, 100, 100);
	check_degraded(&rig, "connection refused");
	check(rig_stop(&rig) < 400); /* there is nothing to drain into */
	rig_init(&rig, redis_free_port());
	rig_start(&rig);
	check(rig_stop(&rig) < 400); /* in the middle of the first attempt */
	rig_init(&rig, 1);
	snprintf(rig.url, sizeof(rig.url), "redis://localhost:%d", redis_free_port());
	rig_start(&rig);
	check(rig_stop(&rig) <= 1000); /* while the name is being resolved */
}

/* ---- slow -------------------------------------------------------------------------------------*/

/* 500 instruments tick every 5 ms for `ms` of the wall clock; returns how often. */
static unsigned tick_for(struct rig *r, int64_t ms)
{
	uint64_t end = now_ms(r) + (uint64_t)ms;
	unsigned turns = 0;

	for (; now_ms(r) < end; turns++) {
		tick_many(r, 500, turns % 1000);
		turn(r);
	}
	return turns;
}

static void test_stopped_for_three_seconds(void **state)
{
	size_t before, after;
	unsigned turns;

	(void)state;
	rig_with_redis(&rig);
	rig_start(&rig);
	tick_many(&rig, MANY, 100);
	check_whole_within(&rig, WHOLE_MS);
	tick_for(&rig, 200);
	redis_pause(&rig.redis);
	tick_for(&rig, 500);
	before = mallinfo2().uordblks;
	turns = tick_for(&rig, 2500);
	after = mallinfo2().uordblks;
	/* Nobody waited: who did would have had one turn in command_timeout_ms. */
	check(turns >= 20);
	check(after < before + 65536);
	check(metric(&rig, "dirty") <= MANY);
	check_degraded(&rig, "ticks go on without it");
	check(metric(&rig, "timeouts_total") >= 1);
	redis_resume(&rig.redis);
	check_whole_within(&rig, WHOLE_MS);
	/* None, unless the pipeline did not fit into the sockets: see connection.h. */
	check(metric(&rig, "reconnects_total") <= 1);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* The pipeline in flight is larger than the sockets: the kernel ends the connection. */
static void test_stopped_with_full_sockets(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	rig.cfg.pipeline_max_keys = 100000;
	rig.cfg.pipeline_max_bytes = 4194304;
	rig_start(&rig);
	wait_until(&rig, is_up);
	redis_pause(&rig.redis);
	tick_many(&rig, 12000, 100);
	run_for(&rig, 200);
	tick_many(&rig, 12000, 200);
	check_degraded(&rig, "is away since");
	check_degraded(&rig, "does not answer since");
	redis_resume(&rig.redis);
	check_whole_within(&rig, WHOLE_MS);
	check_i64(metric(&rig, "reconnects_total"), 1);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* Connections to a stopped Redis are given up, but do not pile up, and what they still had in the
 * socket does not come over the newer state. */
static void test_stopped_beyond_patience(void **state)
{
	redisReply *info;
	const char *text;

	(void)state;
	rig_with_redis(&rig);
	rig.cfg.command_timeout_ms = 200;
	rig.cfg.give_up_ms = 1500;
	rig_start(&rig);
	tick_many(&rig, MANY, 100);
	check_whole_within(&rig, WHOLE_MS);
	redis_pause(&rig.redis);
	tick_many(&rig, MANY, 5000); /* goes into the socket of the old connection */
	run_for(&rig, 4000);
	tick_many(&rig, MANY, 9000);
	redis_resume(&rig.redis);
	check_whole_within(&rig, WHOLE_MS);
	run_for(&rig, 100);
	check(is_whole(&rig));
	check_i64(metric(&rig, "reconnects_total"), 1);
	info = redis_ask(&rig.redis, "INFO clients");
	text = strstr(info->str, "connected_clients:");
	check(text && atoi(text + 18) == 2); /* ours and the one who asks */
	freeReplyObject(info);
	info = redis_ask(&rig.redis, "INFO commandstats");
	check(strstr(info->str, "cmdstat_client|kill:calls="));
	freeReplyObject(info);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* This process sleeps while Redis answers: a turn looks at timers first, and the answers that wait
 * in the socket still count. */
static void test_own_pause_is_not_blamed_on_redis(void **state)
{
	uint64_t start;

	(void)state;
	rig_with_redis(&rig);
	rig.cfg.command_timeout_ms = 100;
	rig.cfg.give_up_ms = 300;
	rig_start(&rig);
	wait_until(&rig, is_up);
	tick_many(&rig, 10, 100);
	wait_until(&rig, is_clean); /* sent; at most the answers are missing */
	start = now_ms(&rig);
	while (!is_whole(&rig) || now_ms(&rig) - start < 400)
		poll(NULL, 0, 10);
	turn(&rig);
	check_whole_within(&rig, WHOLE_MS);
	check_i64(metric(&rig, "timeouts_total"), 0);
	check_i64(metric(&rig, "reconnects_total"), 0);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

static void test_absent_then_stopped(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	redis_pause(&rig.redis);
	rig_start(&rig);
	tick_many(&rig, MANY, 100);
	check_degraded(&rig, "does not answer since");
	redis_resume(&rig.redis);
	check_whole_within(&rig, WHOLE_MS);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

static void test_quiet_connection_is_watched(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	rig.cfg.command_timeout_ms = 200;
	rig_start(&rig);
	wait_until(&rig, is_up);
	redis_pause(&rig.redis);
	check_degraded(&rig, "does not answer since");
	redis_resume(&rig.redis);
	wait_until(&rig, is_up);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

static void test_stop_while_redis_sleeps(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	rig_start(&rig);
	tick_many(&rig, 100, 100);
	check_whole_within(&rig, WHOLE_MS);
	redis_pause(&rig.redis);
	tick_many(&rig, 100, 200);
	check(rig_stop(&rig) <= STOP_MS);
	redis_stop(&rig.redis);
}

/* ---- answering errors -------------------------------------------------------------------------*/

static void test_out_of_memory(void **state)
{
	uint64_t pipelines, start;

	(void)state;
	rig_with_redis(&rig);
	rig_start(&rig);
	tick_many(&rig, MANY, 100);
	check_whole_within(&rig, WHOLE_MS);
	redis_do(&rig.redis, "CONFIG SET maxmemory 1");
	tick_many(&rig, MANY, 200);
	check_degraded(&rig, "errors to quotes since");
	check_degraded(&rig, "OOM command not allowed");
	pipelines = metric(&rig, "pipelines_total");
	start = now_ms(&rig);
	tick_for(&rig, 1000);
	/* Rests, and probes with one; both lanes do, each in its own time. */
	check(metric(&rig, "pipelines_total") <=
	      pipelines + 2 * (1 + (now_ms(&rig) - start) / RETRY_MS));
	check(metric(&rig, "errors_oom_total") >= 500);
	check(metric(&rig, "errors_total") <= MANY + 20);
	redis_do(&rig.redis, "CONFIG SET maxmemory 0");
	check_whole_within(&rig, WHOLE_MS);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

static void test_replica(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	rig_start(&rig);
	tick_many(&rig, MANY, 100);
	check_whole_within(&rig, WHOLE_MS);
	redis_do(&rig.redis, "REPLICAOF 127.0.0.1 1");
	tick_many(&rig, MANY, 200);
	check_degraded(&rig, "READONLY");
	redis_do(&rig.redis, "REPLICAOF NO ONE");
	check_whole_within(&rig, WHOLE_MS);
	check(metric(&rig, "errors_readonly_total") > 0);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* One tick, and Redis' answer to it. */
static void set_quote(struct rig *r, double ltp)
{
	r->target = (unsigned)metric(r, "sets_total") + 1;
	tick(r, "NSE_FO|40003", ltp);
	wait_until(r, has_set);
	check_i64(metric(r, "dirty"), 0);
}

/* Somebody else's value under the name of the index: quotes go on, the index waits. */
static void test_wrong_type(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	rig_start(&rig);
	tick_many(&rig, 10, 100);
	check_whole_within(&rig, WHOLE_MS);
	redis_do(&rig.redis, "SET agni-test:index:quotes x");
	tick_many(&rig, 20, 200);
	check_degraded(&rig, "errors to the index since");
	check_degraded(&rig, "WRONGTYPE");
	set_quote(&rig, 77);
	check(metric(&rig, "errors_wrongtype_total") > 0);
	/* A quote of another type is simply replaced. */
	redis_do(&rig.redis, "DEL agni-test:quote:{NSE_FO|40003}");
	redis_do(&rig.redis, "LPUSH agni-test:quote:{NSE_FO|40003} x");
	set_quote(&rig, 78);
	redis_do(&rig.redis, "GET agni-test:quote:{NSE_FO|40003}");
	redis_do(&rig.redis, "DEL agni-test:index:quotes");
	wait_until(&rig, is_up);
	check_i64(redis_ask_int(&rig.redis, "SCARD agni-test:index:quotes"), 10);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

static void test_locked(void **state)
{
	struct redis_server server;

	(void)state;
	need_redis();
	redis_start(&server, 0, "--requirepass", "x", NULL);
	snprintf(server.password, sizeof(server.password), "x");
	rig_init(&rig, server.port);
	rig.redis = server;
	rig_start(&rig);
	tick_many(&rig, MANY, 100);
	check_degraded(&rig, "NOAUTH");
	run_for(&rig, 600);
	check_degraded(&rig, "answers errors since");
	redis_do(&rig.redis, "CONFIG SET requirepass %s", "");
	rig.redis.password[0] = '\0';
	check_whole_within(&rig, WHOLE_MS);
	check(metric(&rig, "errors_auth_total") > 0);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* ---- not Redis --------------------------------------------------------------------------------*/

static void check_stranger(const char *text, size_t len, bool waits, const char *word)
{
	struct canned server;
	uint64_t start;

	rig_init(&rig, 1);
	start = now_ms(&rig);
	snprintf(rig.url, sizeof(rig.url), "redis://127.0.0.1:%d",
		 canned_start(&server, &rig.loop.uv, text, len, waits));
	rig.cfg.command_timeout_ms = 200;
	rig_start(&rig);
	tick_many(&rig, 10, 100);
	check_degraded(&rig, word);
	run_for(&rig, 600);
	check((uint64_t)server.accepted <= 1 + (now_ms(&rig) - start) / (RETRY_MS / 2));
	canned_stop(&server);
	rig_stop(&rig);
}

static void test_strangers(void **state)
{
	static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	static const char talker[] = "+OK\r\n+PONG\r\n+hello\r\n+hello\r\n";
	static const char array[] = "*1000000000\r\n";
	static const char resp3[] = ",1.5\r\n#t\r\n";
	static const char number[] = ":1\r\n:2\r\n";
	static const char full[] = "-ERR max number of clients reached\r\n";

	(void)state;
	check_stranger(http, sizeof(http) - 1, true, "rotocol error");
	check_stranger(talker, sizeof(talker) - 1, true, "is not Redis");
	check_stranger(array, sizeof(array) - 1, true, "is away");
	check_stranger(resp3, sizeof(resp3) - 1, true, "is away");
	check_stranger(number, sizeof(number) - 1, true, "is not Redis");
	check_stranger("", 0, true, "does not answer");
	check_stranger(full, sizeof(full) - 1, false, "max number of clients");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_url_is_off),
		cmocka_unit_test(test_bad_urls_are_refused),
		cmocka_unit_test(test_quotes_are_written),
		cmocka_unit_test(test_index_is_made_anew),
		cmocka_unit_test(test_ticks_are_published),
		cmocka_unit_test(test_ticks_of_a_turn_are_one_set),
		cmocka_unit_test(test_pipelines_are_bounded),
		cmocka_unit_test(test_keys_live_as_long_as_the_feed),
		cmocka_unit_test(test_stop_writes_what_is_dirty),
		cmocka_unit_test(test_password_and_database),
		cmocka_unit_test(test_absent_at_start),
		cmocka_unit_test(test_killed_and_restarted),
		cmocka_unit_test(test_killed_with_a_pipeline_in_flight),
		cmocka_unit_test(test_closed_by_the_server),
		cmocka_unit_test(test_stop_while_away),
		cmocka_unit_test(test_stopped_for_three_seconds),
		cmocka_unit_test(test_stopped_with_full_sockets),
		cmocka_unit_test(test_stopped_beyond_patience),
		cmocka_unit_test(test_own_pause_is_not_blamed_on_redis),
		cmocka_unit_test(test_absent_then_stopped),
		cmocka_unit_test(test_quiet_connection_is_watched),
		cmocka_unit_test(test_stop_while_redis_sleeps),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_replica),
		cmocka_unit_test(test_wrong_type),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_strangers),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
