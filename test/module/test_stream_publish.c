/* SPDX-License-Identifier: MIT
 *
 * test_stream_publish: the clients of the stream as documents in a real redis-server: the object of
 * GET /clients each, as many as there are up to 1,000, gone when the client is gone.
 */
#include <stdio.h>
#include <sys/resource.h>

#include "../lib/check.h"
#include "../lib/redis.h"
#include "../lib/viewer.h"

static struct theatre theatre;
static struct redis_server redis;
static struct store_config store_cfg;
static char url[64];

static bool always(void *arg)
{
	(void)arg;
	return true;
}

static void up(const char *redis_url)
{
	theatre_up(&theatre);
	snprintf(url, sizeof(url), "%s", redis_url);
	store_cfg = (struct store_config){.url = url,
					  .ttl_s = 30,
					  .connect_timeout_ms = 500,
					  .command_timeout_ms = 1000,
					  .give_up_ms = 10000,
					  .retry_ms = 250,
					  .pipeline_max_bytes = 1048576,
					  .pipeline_max_keys = 256};
	theatre.store = store_create(&(struct store_deps){.loop = &theatre.rig.loop,
							  .book = &theatre.market.book,
							  .cfg = &store_cfg,
							  .prefix = "p:",
							  .source = "sim",
							  .is_feed_alive = always});
	module_up(store_module(theatre.store));
	theatre.cfg.max_clients = 2000;
	theatre_open(&theatre);
}

static void up_with_redis(void)
{
	char text[64];

	if (!redis_is_installed())
		skip();
	redis_start(&redis, 0, NULL);
	snprintf(text, sizeof(text), "redis://127.0.0.1:%d/0", redis.port);
	up(text);
}

static void down(void)
{
	module_down(&theatre.rig, theatre.mod);
	module_down(&theatre.rig, store_module(theatre.store));
	theatre_fini(&theatre);
	store_destroy(theatre.store);
}

static unsigned wanted;

static bool has_clients(void *arg)
{
	(void)arg;
	return redis_ask_int(&redis, "SCARD p:index:clients") == wanted;
}

static void wait_for(unsigned n)
{
	wanted = n;
	check(ws_rig_until(&theatre.rig, has_clients, NULL, PATIENCE_MS));
}

/* What Redis has of a client is what GET /clients says of it. */
static bool is_as_told(void *arg)
{
	const struct client *c = arg;
	struct buf want = {0};
	redisReply *r = redis_ask(&redis, "GET p:client:{%s}", c->id);
	bool is;

	stream_put_clients(theatre.stream, &want, c->number, 1);
	is = r->type == REDIS_REPLY_STRING && (size_t)r->len == want.len &&
	     memcmp(r->str, want.data, want.len) == 0;
	freeReplyObject(r);
	buf_fini(&want);
	return is;
}

static void test_clients_are_told_of(void **state)
{
	struct viewer v[3];
	char gone[17];

	(void)state;
	up_with_redis();
	for (int i = 0; i < 3; i++)
		viewer_open(&theatre, &v[i]);
	wait_for(3);
	viewer_subscribe(&v[2], "NSE_FO|1", "ltpc");
	market_ltp(&theatre.market, "NSE_FO|1", 1234500);
	cJSON_Delete(viewer_hear_type(&v[2], "market_data"));
	check(ws_rig_until(&theatre.rig, is_as_told, theatre_client(&theatre), PATIENCE_MS));
	snprintf(gone, sizeof(gone), "%s", theatre_client(&theatre)->id);
	ws_peer_hang_up(v[2].peer);
	wait_for(2);
	check_i64(redis_ask_int(&redis, "EXISTS p:client:{%s}", gone), 0);
	check_i64(redis_ask_int(&redis, "DBSIZE"), 5); /* two, a quote, the two indexes */
	down();
	check_i64(redis_ask_int(&redis, "EXISTS p:index:clients"), 0);
	redis_stop(&redis);
}

static void test_off(void **state)
{
	struct viewer v;

	(void)state;
	up("");
	viewer_open(&theatre, &v);
	theatre.stream->publish_due = 0;
	publish_sweep(theatre.stream);
	check_i64(theatre.stream->published, 0);
	check_i64(theatre.stream->publish_due, 0);
	down();
}

#define CROWD 1010

static bool has_all_come(void *arg)
{
	(void)arg;
	return theatre.stream->clients_now == CROWD;
}

static char first[64]; /* the document of the client that came first */

static bool is_first_gone(void *arg)
{
	(void)arg;
	return redis_ask_int(&redis, "EXISTS %s", first) == 0;
}

static void first_leave(struct ws_peer **peers, int n)
{
	snprintf(first, sizeof(first), "p:client:{%s}",
		 container_of(theatre.stream->clients.next, struct client, link)->id);
	check_i64(redis_ask_int(&redis, "EXISTS %s", first), 1);
	for (int i = 0; i < n; i++)
		ws_peer_hang_up(peers[i]);
	check(ws_rig_until(&theatre.rig, is_first_gone, NULL, PATIENCE_MS));
}

/* A thousand and some: the first thousand are told of, and one more for each that leaves. */
static void test_a_crowd(void **state)
{
	static struct ws_peer *peers[CROWD];
	struct rlimit lim;

	(void)state;
	check_i64(getrlimit(RLIMIT_NOFILE, &lim), 0);
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
	if (lim.rlim_cur < 3 * CROWD) {
		print_message("only %llu open files are allowed\n",
			      (unsigned long long)lim.rlim_cur);
		skip();
	}
	up_with_redis();
	for (int i = 0; i < CROWD; i++) {
		peers[i] = ws_peer_connect(&theatre.rig, theatre.port, 0);
		ws_peer_request(peers[i], "/ws", "");
		ws_rig_turn(&theatre.rig);
	}
	check(ws_rig_until(&theatre.rig, has_all_come, NULL, PATIENCE_MS));
	wait_for(1000);
	check_i64(theatre.stream->published, 1000);
	first_leave(peers, 7);
	wait_for(1000);
	check_i64(redis_ask_int(&redis, "EXISTS %s", first), 0);
	for (int i = 7; i < 107; i++)
		ws_peer_hang_up(peers[i]);
	wait_for(CROWD - 107);
	down();
	check_i64(redis_ask_int(&redis, "EXISTS p:index:clients"), 0);
	redis_stop(&redis);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clients_are_told_of),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_a_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
