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
#include "../lib/store_rig.h"
#include "core/json.h"
#include "market/quote_json.h"

#define MANY 1500 /* instruments of a "whole state" */

/* The promise is a second, and the end-to-end tests measure it against the machine's own pauses; here
 * a machine that is busy with something else must not fail the test. */
#define WHOLE_MS 4000

/* In paced time; the store itself gives up writing after 500 ms. */
#define STOP_MS 700

static struct store_rig rig; /* one test at a time */

static void tick_many(struct store_rig *r, unsigned n, double ltp)
{
	char key[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "NSE_FO|%u", 40000 + i);
		rig_tick(r, key, ltp + i);
	}
}

/* Every slot of the book is in Redis as it is in the book, and its key in the index. */
static bool is_whole(struct store_rig *r)
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
static bool is_written(struct store_rig *r)
{
	return rig_metric(r, "connected") == 1 && rig_metric(r, "dirty") == 0 && is_whole(r);
}

static void check_whole_within(struct store_rig *r, int64_t limit_ms)
{
	char why[HEALTH_WHY_MAX];
	int64_t ms = rig_run_until(r, is_written, PATIENCE_MS);

	rig_health(r, why);
	if (ms < 0)
		fail_msg("the state is not whole after %d ms; health is \"%s\"", PATIENCE_MS, why);
	print_message("  whole after %lld ms\n", (long long)ms);
	if (ms > limit_ms)
		fail_msg("the state was whole after %lld ms only", (long long)ms);
	rig_wait_until(r, rig_is_up);
}

static bool is_clean(struct store_rig *r)
{
	return rig_metric(r, "dirty") == 0;
}

static bool has_set(struct store_rig *r)
{
	return rig_metric(r, "sets_total") >= r->target;
}

static bool has_published(struct store_rig *r)
{
	return rig_metric(r, "publishes_total") >= r->target;
}

/* ---- configuration ----------------------------------------------------------------------------*/

static void test_empty_url_is_off(void **state)
{
	char why[HEALTH_WHY_MAX];

	(void)state;
	rig_init(&rig, 1);
	rig.url[0] = '\0';
	rig_start(&rig);
	rig_tick(&rig, "NSE_FO|1", 1.5);
	rig_run_for(&rig, 20);
	check_i64(rig_health(&rig, why), HEALTH_UP);
	check_str(why, "off");
	rig_stop(&rig);
}

static bool always(void *arg)
{
	(void)arg;
	return true;
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
							      .is_feed_alive = always,
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
	rig_tick(&rig, "NSE_INDEX|Nifty 50", 25412.35);
	rig_tick(&rig, "NSE_FO|58666", 94.25);
	check_whole_within(&rig, WHOLE_MS);
	ttl = redis_ask_int(&rig.redis, "PTTL agni-test:quote:{%s}", "NSE_INDEX|Nifty 50");
	check(ttl > 28000 && ttl <= 30000);
	check_i64(redis_ask_int(&rig.redis, "SISMEMBER agni-test:index:quotes %s",
				"NSE_INDEX|Nifty 50"),
		  1);
	check_i64(redis_ask_int(&rig.redis, "DBSIZE"), 3);
	rig.target = 2;
	rig_wait_until(&rig, has_set);
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
	rig_tick(&rig, "NSE_FO|1", 1);
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
	rig_wait_until(&rig, rig_is_up);
	c = redis_connect(&rig.redis);
	freeReplyObject(redisCommand(c, "SUBSCRIBE agni-test:ticks"));
	tick_many(&rig, 40, 100);
	rig.target = 1;
	rig_wait_until(&rig, has_published);
	check_i64(redisGetReply(c, (void **)&reply), REDIS_OK);
	check_message(reply, 40, 40);
	freeReplyObject(reply);
	rig_tick(&rig, "NSE_FO|40000", 7);
	rig.target = 2;
	rig_wait_until(&rig, has_published);
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
	rig_wait_until(&rig, rig_is_up);
	for (int i = 0; i < 100; i++)
		rig_tick(&rig, "NSE_FO|1", 100 + i);
	check_whole_within(&rig, WHOLE_MS);
	rig.target = 1;
	rig_wait_until(&rig, has_published);
	rig_run_for(&rig, 50); /* and nothing more */
	check_i64(rig_metric(&rig, "sets_total"), 1);
	check_i64(rig_metric(&rig, "publishes_total"), 1);
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
	rig_wait_until(&rig, rig_is_up);
	tick_many(&rig, 300, 100);
	check_whole_within(&rig, WHOLE_MS);
	/* About 110 + 70 bytes of SET and 110 of PUBLISH each. */
	check(rig_metric(&rig, "pipelines_total") >= 300 * 200 / 4096);
	check(rig_metric(&rig, "pipelines_total") <= 300 * 400 / 4096);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* Redis removes what has died in its own time, a little later. */
static bool has_index_only(struct store_rig *r)
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
	start = rig_now_ms(&rig);
	rig_start(&rig);
	tick_many(&rig, 200, 100);
	check_whole_within(&rig, WHOLE_MS);
	while (rig_now_ms(&rig) - start < ttl_ms * 5 / 4) {
		rig_run_for(&rig, 400);
		check(is_whole(&rig));
	}
	/* Once each third of a life, however long it took, and the first two. */
	sets = rig_metric(&rig, "sets_total");
	check(sets >= 200 * 2 && sets <= 200 * (2 + 3 * (rig_now_ms(&rig) - start) / ttl_ms));
	check_i64(rig_metric(&rig, "publishes_total"), 1);
	rig.is_feed_alive = false;
	rig_wait_until(&rig, has_index_only);
	check(rig_metric(&rig, "sets_total") <= sets + 200); /* what was on its way */
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
	rig_wait_until(&rig, rig_is_up);
	tick_many(&rig, MANY, 100);
	start = rig_now_ms(&rig);
	check(rig_stop(&rig) <= STOP_MS);
	is_cut = rig_now_ms(&rig) - start >= 500;
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
	rig_need_redis();
	redis_start(&server, 0, "--requirepass", "se@cret", NULL);
	snprintf(server.password, sizeof(server.password), "se@cret");
	rig_init(&rig, server.port);
	snprintf(rig.url, sizeof(rig.url), "redis://:se%%40cret@localhost:%d/3", server.port);
	rig_start(&rig);
	rig_tick(&rig, "NSE_FO|1", 1);
	rig_wait_until(&rig, rig_is_up);
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
	rig_need_redis();
	port = redis_free_port();
	rig_init(&rig, port);
	rig_start(&rig);
	tick_many(&rig, MANY, 100);
	rig_check_degraded(&rig, "is away since");
	rig_check_degraded(&rig, "connection refused");
	rig_run_for(&rig, 700);
	check_i64(rig_metric(&rig, "dirty"), MANY);
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
		rig_check_degraded(&rig, "is away since");
		tick_many(&rig, 10, 300 + i);
		rig_run_for(&rig, 300);
		redis_start(&rig.redis, port, NULL);
		check_whole_within(&rig, WHOLE_MS);
	}
	check_i64(rig_metric(&rig, "reconnects_total"), 3);
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
	rig_wait_until(&rig, rig_is_up);
	redis_pause(&rig.redis);
	tick_many(&rig, 3, 100);
	rig_wait_until(&rig, is_clean);
	redis_kill(&rig.redis);
	rig_check_degraded(&rig, "is away since");
	check_i64(rig_metric(&rig, "dirty"), 3);
	check_i64(rig_metric(&rig, "publishes_total"), 0);
	redis_start(&rig.redis, port, NULL);
	check_whole_within(&rig, WHOLE_MS);
	rig.target = 1;
	rig_wait_until(&rig, has_published);
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
	rig_check_degraded(&rig, "is away since");
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
	rig_check_degraded(&rig, "connection refused");
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
static unsigned tick_for(struct store_rig *r, int64_t ms)
{
	uint64_t end = rig_now_ms(r) + (uint64_t)ms;
	unsigned turns = 0;

	for (; rig_now_ms(r) < end; turns++) {
		tick_many(r, 500, turns % 1000);
		rig_turn(r);
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
	check(rig_metric(&rig, "dirty") <= MANY);
	rig_check_degraded(&rig, "ticks go on without it");
	check(rig_metric(&rig, "timeouts_total") >= 1);
	redis_resume(&rig.redis);
	check_whole_within(&rig, WHOLE_MS);
	/* None, unless the pipeline did not fit into the sockets: see connection.h. */
	check(rig_metric(&rig, "reconnects_total") <= 1);
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
	rig_wait_until(&rig, rig_is_up);
	redis_pause(&rig.redis);
	tick_many(&rig, 12000, 100);
	rig_run_for(&rig, 200);
	tick_many(&rig, 12000, 200);
	rig_check_degraded(&rig, "is away since");
	rig_check_degraded(&rig, "does not answer since");
	redis_resume(&rig.redis);
	check_whole_within(&rig, WHOLE_MS);
	check_i64(rig_metric(&rig, "reconnects_total"), 1);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* A pipeline that is larger than the sockets, to a Redis that pauses for a moment: what the socket did not
 * take follows, byte for byte, on the same connection. */
static void test_paused_with_full_sockets(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	rig.cfg.pipeline_max_keys = 100000;
	rig.cfg.pipeline_max_bytes = 33554432;
	rig.cfg.command_timeout_ms = 10000;
	rig.cfg.give_up_ms = 20000;
	rig_start(&rig);
	rig_wait_until(&rig, rig_is_up);
	redis_pause(&rig.redis);
	tick_many(&rig, 20000, 100);
	rig_run_for(&rig, 50);
	redis_resume(&rig.redis);
	check_whole_within(&rig, 5000);
	check_i64(rig_metric(&rig, "reconnects_total"), 0);
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
	rig_run_for(&rig, 4000);
	tick_many(&rig, MANY, 9000);
	redis_resume(&rig.redis);
	check_whole_within(&rig, WHOLE_MS);
	rig_run_for(&rig, 100);
	check(is_whole(&rig));
	check_i64(rig_metric(&rig, "reconnects_total"), 1);
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
	rig_wait_until(&rig, rig_is_up);
	tick_many(&rig, 10, 100);
	rig_wait_until(&rig, is_clean); /* sent; at most the answers are missing */
	start = rig_now_ms(&rig);
	while (!is_whole(&rig) || rig_now_ms(&rig) - start < 400)
		poll(NULL, 0, 10);
	rig_turn(&rig);
	check_whole_within(&rig, WHOLE_MS);
	check_i64(rig_metric(&rig, "timeouts_total"), 0);
	check_i64(rig_metric(&rig, "reconnects_total"), 0);
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
	rig_check_degraded(&rig, "does not answer since");
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
	rig_wait_until(&rig, rig_is_up);
	redis_pause(&rig.redis);
	rig_check_degraded(&rig, "does not answer since");
	redis_resume(&rig.redis);
	rig_wait_until(&rig, rig_is_up);
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
	rig_check_degraded(&rig, "errors to quotes since");
	rig_check_degraded(&rig, "OOM command not allowed");
	pipelines = rig_metric(&rig, "pipelines_total");
	start = rig_now_ms(&rig);
	tick_for(&rig, 1000);
	/* Rests, and probes with one; both lanes do, each in its own time. */
	check(rig_metric(&rig, "pipelines_total") <=
	      pipelines + 2 * (1 + (rig_now_ms(&rig) - start) / RIG_RETRY_MS));
	check(rig_metric(&rig, "errors_oom_total") >= 500);
	check(rig_metric(&rig, "errors_total") <= MANY + 20);
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
	rig_check_degraded(&rig, "READONLY");
	redis_do(&rig.redis, "REPLICAOF NO ONE");
	check_whole_within(&rig, WHOLE_MS);
	check(rig_metric(&rig, "errors_readonly_total") > 0);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* One tick, and Redis' answer to it. */
static void set_quote(struct store_rig *r, double ltp)
{
	r->target = (unsigned)rig_metric(r, "sets_total") + 1;
	rig_tick(r, "NSE_FO|40003", ltp);
	rig_wait_until(r, has_set);
	check_i64(rig_metric(r, "dirty"), 0);
}

static bool is_index_whole(struct store_rig *r)
{
	return redis_ask_int(&r->redis, "SCARD agni-test:index:quotes") == 10;
}

static bool is_degraded(struct store_rig *r)
{
	return !rig_is_up(r);
}

/* Somebody empties Redis, or the index alone, and no instrument is new: the next round of the hand names
 * all again; and what stands in its place shows in the health. */
static void test_emptied(void **state)
{
	static const char *const acts[] = {"DEL agni-test:index:quotes", "FLUSHALL"};

	(void)state;
	rig_with_redis(&rig);
	rig.cfg.ttl_s = 2;
	rig_start(&rig);
	tick_many(&rig, 10, 100);
	check_whole_within(&rig, WHOLE_MS);
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		redis_do(&rig.redis, acts[i]);
		rig_wait_until(&rig, is_index_whole);
	}
	redis_do(&rig.redis, "SET agni-test:index:quotes x");
	rig_wait_until(&rig, is_degraded);
	rig_check_degraded(&rig, "errors to the index since");
	redis_do(&rig.redis, "DEL agni-test:index:quotes");
	rig_wait_until(&rig, is_index_whole);
	rig_stop(&rig);
	redis_stop(&rig.redis);
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
	rig_check_degraded(&rig, "errors to the index since");
	rig_check_degraded(&rig, "WRONGTYPE");
	set_quote(&rig, 77);
	check(rig_metric(&rig, "errors_wrongtype_total") > 0);
	/* A quote of another type is simply replaced. */
	redis_do(&rig.redis, "DEL agni-test:quote:{NSE_FO|40003}");
	redis_do(&rig.redis, "LPUSH agni-test:quote:{NSE_FO|40003} x");
	set_quote(&rig, 78);
	redis_do(&rig.redis, "GET agni-test:quote:{NSE_FO|40003}");
	redis_do(&rig.redis, "DEL agni-test:index:quotes");
	rig_wait_until(&rig, rig_is_up);
	check(redis_ask_int(&rig.redis, "SCARD agni-test:index:quotes") >= 10);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

static void test_locked(void **state)
{
	struct redis_server server;

	(void)state;
	rig_need_redis();
	redis_start(&server, 0, "--requirepass", "x", NULL);
	snprintf(server.password, sizeof(server.password), "x");
	rig_init(&rig, server.port);
	rig.redis = server;
	rig_start(&rig);
	tick_many(&rig, MANY, 100);
	rig_check_degraded(&rig, "NOAUTH");
	rig_run_for(&rig, 600);
	rig_check_degraded(&rig, "answers errors since");
	redis_do(&rig.redis, "CONFIG SET requirepass %s", "");
	rig.redis.password[0] = '\0';
	check_whole_within(&rig, WHOLE_MS);
	check(rig_metric(&rig, "errors_auth_total") > 0);
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* ---- not Redis --------------------------------------------------------------------------------*/

static void check_stranger(const char *text, size_t len, bool waits, const char *word)
{
	struct canned server;
	uint64_t start;

	rig_init(&rig, 1);
	start = rig_now_ms(&rig);
	snprintf(rig.url, sizeof(rig.url), "redis://127.0.0.1:%d",
		 canned_start(&server, &rig.loop.uv, text, len, waits));
	rig.cfg.command_timeout_ms = 200;
	rig_start(&rig);
	tick_many(&rig, 10, 100);
	rig_check_degraded(&rig, word);
	rig_run_for(&rig, 600);
	check((uint64_t)server.accepted <= 1 + (rig_now_ms(&rig) - start) / (RIG_RETRY_MS / 2));
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
		cmocka_unit_test(test_emptied),
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
		cmocka_unit_test(test_paused_with_full_sockets),
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
