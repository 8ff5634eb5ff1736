/* SPDX-License-Identifier: MIT
 *
 * test_store_docs: documents and entries of streams on a real loop against a real redis-server that
 * is absent, killed, stopped, full or holds other types under our names. The claim everywhere: the
 * owner of a document waits for nobody, memory is bounded, and when Redis is well again it holds
 * exactly what is kept, and its index sets name exactly that.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/store_rig.h"

static struct store_rig rig; /* one test at a time */

#define CHAIN "NIFTY@2025-10-28"

static void doc(enum key_kind kind, const char *identity, const char *text)
{
	check_i64(store_doc_set(rig.store, kind, identity, text, strlen(text)), 0);
}

static void event(unsigned i)
{
	char text[64];

	snprintf(text, sizeof(text), "{\"id\":%u}", i);
	store_event_add(rig.store, KEY_SIGNALS, text, strlen(text));
}

static bool value_is(const char *name, const char *want)
{
	redisReply *r = redis_ask(&rig.redis, "GET %b%s", RIG_PREFIX, strlen(RIG_PREFIX), name);
	bool is = want ? r->type == REDIS_REPLY_STRING && strcmp(r->str, want) == 0
		       : r->type == REDIS_REPLY_NIL;

	freeReplyObject(r);
	return is;
}

static long long number_of(const char *command, const char *name)
{
	return redis_ask_int(&rig.redis, "%s " RIG_PREFIX "%s", command, name);
}

/* Redis has answered all that was given to the store. */
static bool is_settled(struct store_rig *r)
{
	return rig_metric(r, "connected") == 1 && store_is_settled(r->store);
}

static bool has_added(struct store_rig *r)
{
	return rig_metric(r, "events_total") >= r->target;
}

static void start_with_redis(void)
{
	rig_with_redis(&rig);
	rig_start(&rig);
	rig_wait_until(&rig, rig_is_up);
}

static void stop(void)
{
	rig_stop(&rig);
	redis_stop(&rig.redis);
}

/* ---- the normal way ---------------------------------------------------------------------------*/

static void test_documents_are_written(void **state)
{
	long long ttl;

	(void)state;
	start_with_redis();
	for (int i = 0; i < 100; i++)
		doc(KEY_CHAIN, CHAIN, i == 99 ? "{\"newest\":1}" : "{}");
	doc(KEY_FUTURES, "NIFTY", "{\"f\":1}");
	doc(KEY_CLIENT, "c1", "{\"c\":1}");
	doc(KEY_STATUS, NULL, "{\"s\":1}");
	rig_wait_until(&rig, is_settled);
	check(value_is("chain:{" CHAIN "}", "{\"newest\":1}"));
	check(value_is("futures:{NIFTY}", "{\"f\":1}"));
	check(value_is("client:{c1}", "{\"c\":1}"));
	check(value_is("status", "{\"s\":1}"));
	check_i64(rig_metric(&rig, "docs_sets_total"), 4); /* a hundred texts were one */
	check_i64(rig_metric(&rig, "docs"), 4);
	rig_run_for(&rig, 1000);
	check_i64(rig_metric(&rig, "docs_sets_total"), 4); /* its time has not come */
	ttl = number_of("PTTL", "chain:{" CHAIN "}");
	check(ttl > 28000 && ttl <= 30000);
	check_i64(redis_ask_int(&rig.redis, "SISMEMBER " RIG_PREFIX "index:chains " CHAIN), 1);
	check_i64(redis_ask_int(&rig.redis, "SISMEMBER " RIG_PREFIX "index:futures NIFTY"), 1);
	check_i64(redis_ask_int(&rig.redis, "SISMEMBER " RIG_PREFIX "index:clients c1"), 1);
	check_i64(redis_ask_int(&rig.redis, "DBSIZE"), 7);
	store_doc_drop(rig.store, KEY_CLIENT, "c1");
	store_doc_drop(rig.store, KEY_CLIENT, "c2");
	rig_wait_until(&rig, is_settled);
	check(value_is("client:{c1}", NULL));
	check_i64(number_of("EXISTS", "index:clients"), 0);
	stop();
}

/* A clean stop deletes what lives as long as the server, and leaves what the feed brought. */
static void test_stop_deletes_the_servers_own(void **state)
{
	(void)state;
	start_with_redis();
	doc(KEY_CHAIN, CHAIN, "{}");
	doc(KEY_CLIENT, "c1", "{}");
	doc(KEY_STATUS, NULL, "{}");
	rig_wait_until(&rig, is_settled);
	event(1);
	rig_stop(&rig);
	check(value_is("chain:{" CHAIN "}", "{}"));
	check(value_is("client:{c1}", NULL));
	check(value_is("status", NULL));
	check_i64(number_of("EXISTS", "index:clients"), 0);
	check_i64(number_of("SCARD", "index:chains"), 1);
	check_i64(number_of("XLEN", "signals"), 1); /* what waited was written */
	redis_stop(&rig.redis);
}

static void test_indexes_are_made_anew(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	redis_do(&rig.redis, "SADD " RIG_PREFIX "index:clients gone1 gone2");
	redis_do(&rig.redis, "SADD " RIG_PREFIX "index:chains NIFTY@2020-01-01");
	rig_start(&rig);
	doc(KEY_CLIENT, "c1", "{}");
	doc(KEY_CHAIN, CHAIN, "{}");
	rig_wait_until(&rig, is_settled);
	check_i64(number_of("SCARD", "index:clients"), 1);
	check_i64(number_of("SCARD", "index:chains"), 1);
	check_i64(redis_ask_int(&rig.redis, "SISMEMBER " RIG_PREFIX "index:chains " CHAIN), 1);
	stop();
}

static void test_entries_of_the_stream(void **state)
{
	static const int64_t kept = 100;
	redisReply *r;

	(void)state;
	rig_with_redis(&rig);
	rig.events_max = &kept;
	rig_start(&rig);
	rig_wait_until(&rig, rig_is_up);
	event(1);
	rig.target = 1;
	rig_wait_until(&rig, has_added);
	r = redis_ask(&rig.redis, "XRANGE " RIG_PREFIX "signals - +");
	check_i64(r->elements, 1);
	check_str(r->element[0]->element[1]->element[0]->str, "data");
	check_str(r->element[0]->element[1]->element[1]->str, "{\"id\":1}");
	freeReplyObject(r);
	for (unsigned i = 2; i <= 1000; i++)
		event(i);
	rig.target = 1000;
	rig_wait_until(&rig, has_added);
	/* "~": Redis trims whole nodes, of 100 entries. */
	check(number_of("XLEN", "signals") >= 100 && number_of("XLEN", "signals") <= 200);
	r = redis_ask(&rig.redis, "XREVRANGE " RIG_PREFIX "signals + - COUNT 1");
	check_str(r->element[0]->element[1]->element[1]->str, "{\"id\":1000}");
	freeReplyObject(r);
	check_i64(number_of("TTL", "signals"), -1);
	stop();
}

static bool is_only_the_servers_own(struct store_rig *r)
{
	(void)r;
	return value_is("chain:{" CHAIN "}", NULL) && value_is("futures:{NIFTY}", NULL);
}

static void test_life(void **state)
{
	uint64_t start;

	(void)state;
	rig_with_redis(&rig);
	rig.cfg.ttl_s = 2;
	rig_start(&rig);
	doc(KEY_CHAIN, CHAIN, "{}");
	doc(KEY_FUTURES, "NIFTY", "{}");
	doc(KEY_CLIENT, "c1", "{}");
	doc(KEY_STATUS, NULL, "{}");
	rig_wait_until(&rig, is_settled);
	start = rig_now_ms(&rig);
	while (rig_now_ms(&rig) - start < 3000) {
		rig_run_for(&rig, 200);
		check(number_of("PTTL", "chain:{" CHAIN "}") > 0);
		check(number_of("PTTL", "status") > 0);
	}
	rig.is_feed_alive = false;
	rig_wait_until(&rig, is_only_the_servers_own);
	check(value_is("client:{c1}", "{}"));
	check(value_is("status", "{}"));
	rig.is_feed_alive = true;
	while (!value_is("chain:{" CHAIN "}", "{}") || !value_is("futures:{NIFTY}", "{}"))
		rig_run_for(&rig, 50);
	stop();
}

static bool is_index_whole(struct store_rig *r)
{
	(void)r;
	return number_of("SCARD", "index:clients") == 3;
}

/* Somebody empties Redis: the index is repaired with the next round of the hand. */
static void test_emptied(void **state)
{
	(void)state;
	rig_with_redis(&rig);
	rig.cfg.ttl_s = 2;
	rig_start(&rig);
	doc(KEY_CLIENT, "c1", "{}");
	doc(KEY_CLIENT, "c2", "{}");
	doc(KEY_CLIENT, "c3", "{}");
	rig_wait_until(&rig, is_settled);
	redis_do(&rig.redis, "FLUSHALL");
	rig_wait_until(&rig, is_index_whole);
	while (!value_is("client:{c2}", "{}"))
		rig_run_for(&rig, 50);
	stop();
}

static void test_off(void **state)
{
	(void)state;
	rig_init(&rig, 1);
	rig.url[0] = '\0';
	rig_start(&rig);
	for (unsigned i = 0; i < 10000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "c%u", i);
		doc(KEY_CLIENT, name, "{}"); /* never too many: nothing is kept */
		event(i);
	}
	store_doc_drop(rig.store, KEY_CLIENT, "c1");
	rig_stop(&rig);
}

/* ---- away and slow ----------------------------------------------------------------------------*/

static void client_name(char out[16], unsigned i)
{
	snprintf(out, 16, "c%u", i);
}

/* 300 clients of which every third leaves; texts in two versions. */
static void set_clients(const char *text)
{
	char name[16];

	for (unsigned i = 0; i < 300; i++) {
		client_name(name, i);
		if (i % 3 == 0 && text[0] == '2')
			store_doc_drop(rig.store, KEY_CLIENT, name);
		else
			doc(KEY_CLIENT, name, text);
	}
}

static void check_clients(const char *text)
{
	char name[32];
	unsigned n = 0;

	for (unsigned i = 0; i < 300; i++) {
		bool is_gone = i % 3 == 0 && text[0] == '2';

		snprintf(name, sizeof(name), "client:{c%u}", i);
		if (!value_is(name, is_gone ? NULL : text))
			fail_msg("%s is not as it should be", name);
		n += !is_gone;
	}
	check_i64(number_of("SCARD", "index:clients"), n);
}

static void test_killed_and_restarted(void **state)
{
	int port;

	(void)state;
	start_with_redis();
	port = rig.redis.port;
	set_clients("1");
	doc(KEY_CHAIN, CHAIN, "old");
	event(1);
	rig_wait_until(&rig, is_settled);
	check_clients("1");
	redis_kill(&rig.redis);
	rig_check_degraded(&rig, "is away since");
	set_clients("2");
	doc(KEY_CHAIN, CHAIN, "new");
	for (unsigned i = 2; i < 6; i++)
		event(i);
	redis_start(&rig.redis, port, NULL);
	rig_wait_until(&rig, is_settled);
	check_clients("2");
	check(value_is("chain:{" CHAIN "}", "new"));
	check_i64(number_of("XLEN", "signals"), 4);
	stop();
}

/* Redis is stopped with our commands in its socket: when it goes on, what was dropped and set
 * meanwhile is right, and nothing was queued for it. */
static void test_stopped(void **state)
{
	size_t before, after;

	(void)state;
	start_with_redis();
	set_clients("1");
	rig_wait_until(&rig, is_settled);
	redis_pause(&rig.redis);
	doc(KEY_CHAIN, CHAIN, "on its way");
	event(1);
	rig_run_for(&rig, 50);
	set_clients("2");
	before = mallinfo2().uordblks;
	for (unsigned i = 0; i < 200; i++) {
		set_clients("1");
		set_clients("2");
		doc(KEY_CHAIN, CHAIN, "new");
		rig_turn(&rig);
	}
	after = mallinfo2().uordblks;
	check(after < before + 65536);
	redis_resume(&rig.redis);
	rig_wait_until(&rig, is_settled);
	check_clients("2");
	check(value_is("chain:{" CHAIN "}", "new"));
	check_i64(number_of("XLEN", "signals"), 1);
	stop();
}

/* Clients come and go for longer than there are rows while Redis is away: the index is true after. */
static void test_churn_while_away(void **state)
{
	char name[16];
	size_t before, after;
	int port;

	(void)state;
	start_with_redis();
	port = rig.redis.port;
	for (unsigned i = 0; i < 100; i++) {
		client_name(name, i);
		doc(KEY_CLIENT, name, "{}");
	}
	rig_wait_until(&rig, is_settled);
	redis_do(&rig.redis, "CONFIG SET save %s", "");
	redis_pause(&rig.redis);
	for (unsigned i = 0; i < 3000; i++) {
		client_name(name, i);
		store_doc_drop(rig.store, KEY_CLIENT, name);
		client_name(name, i + 100);
		doc(KEY_CLIENT, name, "{}");
		event(i);
	}
	before = mallinfo2().uordblks;
	for (unsigned i = 3000; i < 30000; i++) {
		client_name(name, i);
		store_doc_drop(rig.store, KEY_CLIENT, name);
		client_name(name, i + 100);
		doc(KEY_CLIENT, name, "{}");
		event(i);
	}
	after = mallinfo2().uordblks;
	check(after < before + 65536);
	check_i64(rig_metric(&rig, "docs"), 100);
	redis_resume(&rig.redis);
	rig_wait_until(&rig, is_settled);
	check_i64(number_of("SCARD", "index:clients"), 100);
	check(value_is("client:{c30099}", "{}"));
	check(number_of("XLEN", "signals") >= 1024);
	check(rig_metric(&rig, "events_lost_total") >= 30000 - 1024 - 100);
	check_i64(rig.redis.port, port);
	stop();
}

/* ---- answering errors -------------------------------------------------------------------------*/

static void test_out_of_memory(void **state)
{
	(void)state;
	start_with_redis();
	set_clients("1");
	event(1);
	rig_wait_until(&rig, is_settled);
	redis_do(&rig.redis, "CONFIG SET maxmemory 1");
	set_clients("2");
	event(2);
	rig_check_degraded(&rig, "errors to documents since");
	rig_check_degraded(&rig, "OOM command not allowed");
	rig_run_for(&rig, 600);
	check(rig_metric(&rig, "errors_oom_total") <= 200 + 40); /* it rests, and asks with one */
	redis_do(&rig.redis, "CONFIG SET maxmemory 0");
	rig_wait_until(&rig, is_settled);
	rig_wait_until(&rig, rig_is_up);
	check_clients("2");
	check_i64(number_of("XLEN", "signals"), 2);
	stop();
}

/* Somebody else's values under our names. */
static void test_wrong_types(void **state)
{
	(void)state;
	start_with_redis();
	doc(KEY_CHAIN, CHAIN, "1");
	doc(KEY_CLIENT, "c1", "1");
	event(1);
	rig_wait_until(&rig, is_settled);
	redis_do(&rig.redis, "SET " RIG_PREFIX "index:clients x");
	doc(KEY_CLIENT, "c2", "1");
	doc(KEY_FUTURES, "NIFTY", "1");
	rig_check_degraded(&rig, "errors to an index of documents since");
	rig_check_degraded(&rig, "WRONGTYPE");
	/* The document itself, and the other indexes, are there. */
	check(value_is("client:{c2}", "1"));
	check_i64(number_of("SCARD", "index:futures"), 1);
	redis_do(&rig.redis, "DEL " RIG_PREFIX "index:clients");
	rig_wait_until(&rig, is_settled);
	rig_wait_until(&rig, rig_is_up);
	check_i64(redis_ask_int(&rig.redis, "SISMEMBER " RIG_PREFIX "index:clients c2"), 1);
	redis_do(&rig.redis, "SET " RIG_PREFIX "signals x");
	event(2);
	rig_check_degraded(&rig, "errors to signals since");
	doc(KEY_CHAIN, CHAIN, "2"); /* the others go on */
	while (!value_is("chain:{" CHAIN "}", "2"))
		rig_run_for(&rig, 20);
	redis_do(&rig.redis, "DEL " RIG_PREFIX "signals");
	rig_wait_until(&rig, is_settled);
	check_i64(number_of("XLEN", "signals"), 1);
	stop();
}

/* --- a stream that is gone ------------------------------------------------------------------------ */

static unsigned known, asked; /* ids 1 to known are those that its owner has */

static void on_again(struct store_refill *r)
{
	(void)r;
	asked++;
	for (unsigned i = 1; i <= known; i++)
		event(i);
}

static bool is_asked(struct store_rig *r)
{
	return asked >= r->target && is_settled(r);
}

static bool has_reconnected(struct store_rig *r)
{
	return rig_metric(r, "reconnects_total") >= r->target;
}

static void check_stream(unsigned n)
{
	redisReply *r = redis_ask(&rig.redis, "XRANGE " RIG_PREFIX "signals - +");

	check_i64(r->elements, n);
	for (unsigned i = 0; i < n; i++) {
		char want[64];

		snprintf(want, sizeof(want), "{\"id\":%u}", i + 1);
		check_str(r->element[i]->element[1]->element[1]->str, want);
	}
	freeReplyObject(r);
}

static void test_stream_is_filled_again(void **state)
{
	struct store_refill refill = {.kind = KEY_SIGNALS, .again = on_again};
	int port;

	(void)state;
	known = asked = 0;
	rig_with_redis(&rig);
	rig_start(&rig);
	store_refill(rig.store, &refill);
	rig.target = 1;
	rig_wait_until(&rig, is_asked); /* a new server, and nothing to give */
	for (unsigned i = 1; i <= 3; i++)
		event(known = i);
	rig_wait_until(&rig, is_settled);
	check_stream(3);
	/* The connection is lost, and Redis has all: what fired meanwhile is added, nothing twice. */
	redis_do(&rig.redis, "CLIENT KILL TYPE normal SKIPME yes");
	event(known = 4);
	rig.target = 1;
	rig_wait_until(&rig, has_reconnected);
	rig_wait_until(&rig, is_settled);
	check_i64(asked, 1);
	check_stream(4);
	/* It dies, and comes back with nothing. */
	port = rig.redis.port;
	redis_kill(&rig.redis);
	event(known = 5);
	rig_check_degraded(&rig, "is away since");
	event(known = 6);
	redis_start(&rig.redis, port, NULL);
	rig.target = 2;
	rig_wait_until(&rig, is_asked);
	check_stream(6);
	check_i64(rig_metric(&rig, "events_lost_total"), 0);
	/* Who forgets some of what waited has lost it. */
	redis_kill(&rig.redis);
	event(7);
	event(8);
	rig_check_degraded(&rig, "is away since");
	known = 1;
	redis_start(&rig.redis, port, NULL);
	rig.target = 3;
	rig_wait_until(&rig, is_asked);
	check_stream(1);
	check_i64(rig_metric(&rig, "events_lost_total"), 1);
	store_refill(rig.store, NULL);
	stop();
}

/* The rights that docs/redis.md asks for are enough: nothing of what the store does is refused. */
static void test_rights_of_the_document(void **state)
{
	static const char begin[] = "An ACL user needs: `";
	static char text[32768];
	FILE *f = fopen("docs/redis.md", "r");
	struct store_refill refill = {.kind = KEY_SIGNALS, .again = on_again};
	char *rights, command[512];
	redisReply *r;

	(void)state;
	if (!f) {
		print_message("not run from the top of the tree: no docs/redis.md\n");
		skip();
	}
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	rights = strstr(text, begin);
	check(rights);
	rights += strlen(begin);
	rights[strcspn(rights, "`")] = '\0';
	rig_with_redis(&rig);
	snprintf(command, sizeof(command), "ACL SETUSER desk on >hush %s", rights);
	redis_do(&rig.redis, command);
	snprintf(rig.url, sizeof(rig.url), "redis://desk:hush@127.0.0.1:%d/0", rig.redis.port);
	rig_start(&rig);
	known = asked = 0;
	rig.target = 1;
	store_refill(rig.store, &refill);
	rig_wait_until(&rig, is_asked);
	doc(KEY_CHAIN, CHAIN, "1");
	doc(KEY_CLIENT, "c1", "1");
	doc(KEY_STATUS, NULL, "1");
	event(1);
	rig_tick(&rig, "NSE_FO|1", 100);
	rig_wait_until(&rig, is_settled);
	store_doc_drop(rig.store, KEY_CLIENT, "c1");
	rig_wait_until(&rig, is_settled);
	rig_stop(&rig);
	check_i64(number_of("XLEN", "signals"), 1);
	check(value_is("chain:{" CHAIN "}", "1"));
	r = redis_ask(&rig.redis, "ACL LOG");
	check_i64(r->elements, 0);
	freeReplyObject(r);
	redis_stop(&rig.redis);
}

static void test_stop_while_redis_sleeps(void **state)
{
	(void)state;
	start_with_redis();
	set_clients("1");
	rig_wait_until(&rig, is_settled);
	redis_pause(&rig.redis);
	set_clients("2");
	event(1);
	check(rig_stop(&rig) <= 700);
	redis_stop(&rig.redis);
}

/* Large documents take their part of a pipeline and no more, and quotes go on between them. */
static void test_pipelines_are_bounded(void **state)
{
	static char text[20000];
	uint64_t before, n;

	(void)state;
	start_with_redis();
	rig.cfg.pipeline_max_bytes = 160000;
	memset(text, 'x', sizeof(text));
	before = rig_metric(&rig, "pipelines_total");
	for (unsigned i = 0; i < 20; i++) {
		char name[16];

		client_name(name, i);
		check_i64(store_doc_set(rig.store, KEY_CHAIN, name, text, sizeof(text)), 0);
	}
	rig_wait_until(&rig, is_settled);
	/* 40,000 bytes each: two documents. The hand may have brought one of its own. */
	n = rig_metric(&rig, "pipelines_total") - before;
	check(n >= 10 && n <= 12);
	check_i64(number_of("SCARD", "index:chains"), 20);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents_are_written),
		cmocka_unit_test(test_stop_deletes_the_servers_own),
		cmocka_unit_test(test_indexes_are_made_anew),
		cmocka_unit_test(test_entries_of_the_stream),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_emptied),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_killed_and_restarted),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_churn_while_away),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_stream_is_filled_again),
		cmocka_unit_test(test_rights_of_the_document),
		cmocka_unit_test(test_stop_while_redis_sleeps),
		cmocka_unit_test(test_pipelines_are_bounded),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
