/* SPDX-License-Identifier: MIT
 *
 * The three policies of the broadcaster beside each other, on a clock that the test moves: what each sends and
 * when, and who shares a view with whom.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/viewer.h"

#define KEYS 6

static const char *key_of(int i)
{
	static char key[32];

	snprintf(key, sizeof(key), "NSE_FO|%d", 1000 + i);
	return key;
}

static void up(struct theatre *t)
{
	theatre_up(t);
	clock_init_manual(&t->rig.clock, CLOCK_SYSTEM, 1761623100000);
	t->cfg.sndbuf_bytes = 4608;
	theatre_open(t);
}

/* The end is timed by the host's clock: nobody here answers a close frame. */
static void down(struct theatre *t)
{
	list_for_each (it, &t->rig.peers) {
		ws_peer_hang_up(container_of(it, struct ws_peer, link));
	}
	clock_init(&t->rig.clock, CLOCK_SYSTEM);
	theatre_down(t);
}

/* Subscribes to the keys from `from` up to `to`. */
static void subscribe(struct viewer *v, int from, int to, const char *policy)
{
	struct buf b = {0};

	buf_str(&b, "{\"action\":\"subscribe\",\"mode\":\"ltpc\",\"instruments\":[");
	for (int i = from; i < to; i++)
		buf_printf(&b, "%s\"%s\"", i > from ? "," : "", key_of(i));
	buf_printf(&b, "],%s}", policy);
	cJSON_Delete(viewer_ask(v, buf_cstr(&b), "subscription_update"));
	buf_fini(&b);
}

#define LATEST       "\"policy\":\"latest\""
#define ALL          "\"policy\":\"all\""
#define INTERVAL(ms) "\"policy\":\"interval\",\"interval_ms\":" #ms

static void tick(struct theatre *t, int i)
{
	market_ltp(&t->market, key_of(i), (price_t)(t->market.tape.last + 1) * 10000);
}

/* Time goes on, and what is due then goes out. */
static void pass(struct theatre *t, uint64_t ms)
{
	clock_advance(&t->rig.clock, ms);
	for (int i = 0; i < 3; i++) {
		stream_arm(t->stream); /* so the loop does not sleep either */
		ws_rig_turn(&t->rig);
	}
}

/* What one reader has got. */
struct tally {
	uint64_t quotes, conflated, frames, snapshots;
	uint64_t seq;          /* of the last frame */
	uint64_t newest[KEYS]; /* seq of each one's newest quote */
};

static void take(struct viewer *v, struct tally *sum)
{
	cJSON *json = viewer_hear_type(v, "market_data"), *it;
	bool is_snapshot = cJSON_IsTrue(cJSON_GetObjectItem(json, "snapshot"));

	cJSON_ArrayForEach (it, cJSON_GetObjectItem(json, "data")) {
		int i = atoi(member_str(it, "key") + strlen("NSE_FO|")) - 1000;

		check(i >= 0 && i < KEYS);
		check_near(member_num(it, "ltp"), member_num(it, "seq"), 0);
		check(is_snapshot || member_num(it, "seq") > (double)sum->newest[i]);
		sum->newest[i] = (uint64_t)member_num(it, "seq");
		*(is_snapshot ? &sum->snapshots : &sum->quotes) += 1;
	}
	if (cJSON_GetObjectItem(json, "conflated"))
		sum->conflated += (uint64_t)member_num(json, "conflated");
	check(member_num(json, "seq") >= (double)sum->seq);
	sum->seq = (uint64_t)member_num(json, "seq");
	sum->frames++;
	cJSON_Delete(json);
}

static void take_all(struct viewer *v, struct tally *sum)
{
	while (viewer_has_news(v))
		take(v, sum);
}

/* --- interval --------------------------------------------------------------------------------- */

/* Nothing before the time, the newest state then; the last value before a silence too, and once. */
static void test_interval(void **state)
{
	struct theatre t;
	struct viewer v;
	struct tally sum = {0};

	(void)state;
	up(&t);
	viewer_open(&t, &v);
	subscribe(&v, 0, 2, INTERVAL(250));
	for (int i = 0; i < 5; i++) {
		tick(&t, 0);
		pass(&t, 49);
	}
	check(!viewer_has_news(&v));
	pass(&t, 5);
	take_all(&v, &sum);
	check_i64(sum.frames, 1);
	check_i64(sum.quotes, 1);
	check_i64(sum.conflated, 4);
	check_i64(sum.newest[0], 5);
	check_i64(sum.seq, 5);
	tick(&t, 1); /* the trailing edge: one tick, then silence */
	pass(&t, 249);
	check(!viewer_has_news(&v));
	pass(&t, 1);
	take_all(&v, &sum);
	check_i64(sum.frames, 2);
	check_i64(sum.newest[1], 6);
	pass(&t, 1000);
	pass(&t, 1000);
	check(!viewer_has_news(&v));
	check_i64(sum.quotes + sum.conflated, 6);
	check(v.peer->fault == NULL);
	down(&t);
}

/* However the ticks fall: two frames are never closer than the interval, and nothing is missed. */
static void test_rate(void **state)
{
	static const int intervals[] = {10, 250, 999};
	struct theatre t;
	struct viewer v[3];
	struct tally sum[3] = {{0}};
	uint64_t frames[3] = {0}, last[3] = {0}, now = 0, ticks = 0;

	(void)state;
	up(&t);
	for (int i = 0; i < 3; i++) {
		char policy[64];

		viewer_open(&t, &v[i]);
		snprintf(policy, sizeof(policy), "\"policy\":\"interval\",\"interval_ms\":%d",
			 intervals[i]);
		subscribe(&v[i], 0, KEYS, policy);
	}
	for (int step = 0; step < 400; step++) {
		uint64_t ms = (uint64_t)(step * 7919 % 23);

		for (int i = 0; step < 390 && i < step % 5; i++, ticks++)
			tick(&t, (step + i) % KEYS);
		pass(&t, ms);
		now += ms;
		for (int i = 0; i < 3; i++) {
			take_all(&v[i], &sum[i]);
			if (sum[i].frames == frames[i])
				continue;
			check_i64(sum[i].frames, frames[i] + 1);
			check(frames[i] == 0 || now - last[i] >= (uint64_t)intervals[i]);
			frames[i]++;
			last[i] = now;
		}
	}
	pass(&t, 1000); /* 999 counts as that */
	for (int i = 0; i < 3; i++) {
		take_all(&v[i], &sum[i]);
		check_i64(sum[i].quotes + sum[i].conflated, ticks);
		check_i64(sum[i].seq, ticks);
		check(sum[i].frames <= now / (uint64_t)intervals[i] + 1);
		for (int k = 0; k < KEYS; k++)
			check_i64(sum[i].newest[k], sum[0].newest[k]);
	}
	check(sum[1].frames > 10);
	down(&t);
}

/* Who changes its set keeps its rhythm; what is new has its snapshot at once. */
static void test_change_of_set(void **state)
{
	struct theatre t;
	struct viewer v, other;
	struct tally sum = {0};

	(void)state;
	up(&t);
	for (int i = 0; i < KEYS; i++)
		tick(&t, i);
	viewer_open(&t, &other);
	subscribe(&other, 0, 3, INTERVAL(250)); /* the view that v will come to */
	viewer_open(&t, &v);
	subscribe(&v, 0, 2, INTERVAL(250));
	pass(&t, 100);
	take_all(&v, &sum);
	check_i64(sum.snapshots, 2);
	tick(&t, 0);
	pass(&t, 100);
	check(!viewer_has_news(&v));
	subscribe(&v, 2, 3, INTERVAL(250));
	pass(&t, 1);
	take_all(&v, &sum);
	check_i64(sum.snapshots, 3);
	check_i64(sum.quotes, 0);
	check_i64(sum.seq, 6); /* a tick is held back: not claimed */
	check_i64(module_metric(t.mod, "views"), 1);
	tick(&t, 0);
	tick(&t, 2);
	pass(&t, 48);
	check(!viewer_has_news(&v));
	pass(&t, 1);
	take_all(&v, &sum);
	check_i64(sum.quotes, 2);
	check_i64(sum.conflated, 1);
	check_i64(sum.seq, 9);
	tick(&t, 1);
	pass(&t, 249);
	check(!viewer_has_news(&v));
	pass(&t, 1);
	take_all(&v, &sum);
	check_i64(sum.quotes, 3);
	down(&t);
}

static void open_small(struct theatre *t, struct viewer *v)
{
	*v = (struct viewer){.theatre = t};
	v->peer = ws_peer_connect(&t->rig, t->port, 2048);
	ws_peer_request(v->peer, "/ws", "");
	check(ws_peer_wait_head(&t->rig, v->peer));
	cJSON_Delete(viewer_hear_type(v, "connection"));
	cJSON_Delete(viewer_hear_type(v, "status"));
}

static bool is_not_full(void *arg)
{
	return !((struct client *)arg)->is_full;
}

/* What a full socket could not take comes when it can, and the next round not sooner for it. */
static void test_full(void **state)
{
	struct theatre t;
	struct viewer v;
	struct client *c;
	struct tally sum = {0};
	uint64_t ticks = 0, frames;

	(void)state;
	up(&t);
	open_small(&t, &v);
	c = theatre_client(&t);
	subscribe(&v, 0, KEYS, INTERVAL(250));
	v.peer->is_deaf = true;
	while (!c->is_full) {
		for (int i = 0; i < KEYS; i++, ticks++)
			tick(&t, i);
		pass(&t, 250);
	}
	for (int n = 0; n < 10; n++) {
		for (int i = 0; i < KEYS; i++, ticks++)
			tick(&t, i);
		pass(&t, 250);
	}
	check_i64(client_behind(c), KEYS);
	pass(&t, 100);
	v.peer->is_deaf = false;
	rig_until(&t.rig, is_not_full, c);
	pass(&t, 0);
	take_all(&v, &sum);
	check_i64(sum.quotes + sum.conflated, ticks); /* between two rounds: the rest of the last */
	check_i64(sum.seq, ticks);
	frames = sum.frames;
	tick(&t, 0);
	pass(&t, 150); /* a round, 150 ms after the last frame */
	check(!viewer_has_news(&v));
	tick(&t, 0);
	pass(&t, 249);
	check(!viewer_has_news(&v));
	pass(&t, 1);
	take_all(&v, &sum);
	check_i64(sum.frames, frames + 1);
	check_i64(sum.quotes + sum.conflated, ticks + 2);
	tick(&t, 3);
	pass(&t, 250); /* among the others again */
	take_all(&v, &sum);
	check_i64(sum.frames, frames + 2);
	check(c->seats[0].owed == NULL);
	check(v.peer->fault == NULL);
	down(&t);
}

/* The last values go out before the end, though their time has not come. */
static void test_stop(void **state)
{
	struct theatre t;
	struct viewer v;
	struct tally sum = {0};

	(void)state;
	up(&t);
	viewer_open(&t, &v);
	subscribe(&v, 0, 1, INTERVAL(60000));
	tick(&t, 0);
	pass(&t, 100);
	check(!viewer_has_news(&v));
	module_down(&t.rig, t.mod);
	check(ws_peer_wait_eof(&t.rig, v.peer));
	take(&v, &sum);
	check_i64(sum.newest[0], 1);
	theatre_fini(&t);
}

/* Before a stop: who is there is told and served on, who comes is sent away. */
static void test_drain(void **state)
{
	struct theatre t;
	struct viewer v;
	struct tally sum = {0};
	struct ws_peer *late;
	cJSON *json;

	(void)state;
	up(&t);
	viewer_open(&t, &v);
	subscribe(&v, 0, 1, LATEST);
	t.mod->ops->drain(t.mod, 3000);
	json = viewer_hear_type(&v, "stopping");
	check_i64(member_num(json, "in_ms"), 3000);
	cJSON_Delete(json);
	late = ws_peer_connect(&t.rig, t.port, 0);
	ws_peer_request(late, "/ws", "");
	check(ws_peer_wait_head(&t.rig, late));
	check_i64(ws_peer_status(late), 503);
	subscribe(&v, 1, 2, LATEST); /* commands are answered, and ticks flow */
	tick(&t, 0);
	pass(&t, 1);
	take_all(&v, &sum);
	check_i64(sum.newest[0], 1);
	module_down(&t.rig, t.mod);
	check(ws_peer_wait_eof(&t.rig, v.peer));
	check_i64(ws_peer_close_code(v.peer), 1001);
	theatre_fini(&t);
}

static void test_intervals_max(void **state)
{
	struct theatre t;
	struct viewer v;
	cJSON *json;

	(void)state;
	up(&t);
	viewer_open(&t, &v);
	subscribe(&v, 0, 1, INTERVAL(100));
	subscribe(&v, 1, 2, INTERVAL(200));
	subscribe(&v, 2, 3, INTERVAL(295));             /* 300 */
	subscribe(&v, 3, 4, "\"policy\":\"interval\""); /* 250 */
	subscribe(&v, 4, 5, LATEST);
	subscribe(&v, 5, 6, ALL);
	json = viewer_ask(&v,
			  "{\"action\":\"subscribe\",\"instruments\":[\"NSE_FO|1000\"],"
			  "\"policy\":\"interval\",\"interval_ms\":400}",
			  "error");
	check_str(member_str(json, "code"), "too_many_intervals");
	cJSON_Delete(json);
	json = viewer_ask(&v, "{\"action\":\"subscriptions\"}", "subscriptions");
	for (int i = 0; i < KEYS; i++) {
		static const char *const policies[] = {"interval", "interval", "interval",
						       "interval", "latest",   "all"};
		static const int ms[] = {100, 200, 300, 250};
		const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "data"), i);

		check_str(member_str(row, "policy"), policies[i]);
		if (i < 4)
			check_i64(member_num(row, "interval_ms"), ms[i]);
		else
			check(cJSON_GetObjectItem(row, "interval_ms") == NULL);
	}
	cJSON_Delete(json);
	check_i64(module_metric(t.mod, "views"), 6);
	down(&t);
}

/* --- views ------------------------------------------------------------------------------------ */

/* The same set is the same view, in whatever order it came to be; the last to leave frees it. */
static void test_views(void **state)
{
	struct theatre t;
	struct viewer a, b;

	(void)state;
	up(&t);
	viewer_open(&t, &a);
	viewer_open(&t, &b);
	subscribe(&a, 0, 3, LATEST);
	subscribe(&b, 2, 3, LATEST);
	check_i64(module_metric(t.mod, "views"), 2);
	subscribe(&b, 0, 2, LATEST);
	check_i64(module_metric(t.mod, "views"), 1);
	subscribe(&b, 0, 1, ALL);
	check_i64(module_metric(t.mod, "views"), 3);
	subscribe(&b, 0, 1, LATEST);
	check_i64(module_metric(t.mod, "views"), 1);
	cJSON_Delete(viewer_ask(&b, "{\"action\":\"subscribe\",\"instruments\":[\"NSE_FO|1000\"]}",
				"subscription_update")); /* full instead of ltpc */
	check_i64(module_metric(t.mod, "views"), 2);
	ws_peer_hang_up(a.peer);
	ws_rig_for(&t.rig, 30);
	check_i64(module_metric(t.mod, "views"), 1);
	check_i64(t.stream->index[0].n, 1);
	cJSON_Delete(viewer_ask(&b,
				"{\"action\":\"unsubscribe\",\"instruments\":[\"NSE_FO|1000\","
				"\"NSE_FO|1001\",\"NSE_FO|1002\"]}",
				"subscription_update"));
	check_i64(module_metric(t.mod, "views"), 0);
	check_i64(t.stream->index[0].n, 0);
	down(&t);
}

/* One connection with all three: each instrument by its own, and seq speaks for all of them. */
static void test_mixed(void **state)
{
	struct theatre t;
	struct viewer v;
	uint64_t got[KEYS] = {0}, conflated = 0, seq = 0, held = 0;

	(void)state;
	up(&t);
	viewer_open(&t, &v);
	subscribe(&v, 0, 2, LATEST);
	subscribe(&v, 2, 4, INTERVAL(250));
	subscribe(&v, 4, 6, ALL);
	for (int n = 1; n <= 600; n++) {
		tick(&t, n * 7 % KEYS);
		if (!held && n * 7 % KEYS / 2 == 1)
			held = t.market.tape.seq;
		if (n % 3 == 0)
			pass(&t, 10);
		if (n == 600)
			pass(&t, 250);
		while (viewer_has_news(&v)) {
			cJSON *json = viewer_hear_type(&v, "market_data"), *it;

			cJSON_ArrayForEach (it, cJSON_GetObjectItem(json, "data")) {
				int i = atoi(member_str(it, "key") + 7) - 1000;

				got[i]++;
				if (i == 2 || i == 3)
					held = 0;
			}
			if (cJSON_GetObjectItem(json, "conflated"))
				conflated += (uint64_t)member_num(json, "conflated");
			check(member_num(json, "seq") >= (double)seq);
			seq = (uint64_t)member_num(json, "seq");
			check(!held || seq < held); /* not beyond what is held back */
			cJSON_Delete(json);
		}
	}
	check_i64(seq, 600);
	check_i64(got[4], 100);
	check_i64(got[5], 100);
	check_i64(got[0] + got[1] + got[2] + got[3] + conflated, 400);
	check(got[2] + got[3] < 20);
	check(v.peer->fault == NULL);
	down(&t);
}

/* The frame of a state says the state's own seq, though another instrument has a cursor: who goes on from there
 * does not get it twice. */
static void test_mixed_seq(void **state)
{
	struct theatre t;
	struct viewer v;

	(void)state;
	up(&t);
	viewer_open(&t, &v);
	subscribe(&v, 0, 2, LATEST);
	subscribe(&v, 2, 4, ALL);
	for (int n = 0; n < 40; n++) {
		struct tally sum = {0};

		tick(&t, n % 3);
		if (n % 4 == 3)
			tick(&t, 2);
		pass(&t, 10);
		while (viewer_has_news(&v)) {
			cJSON *json = viewer_hear_type(&v, "market_data");

			check(member_num(json, "seq") >= (double)sum.seq);
			sum.seq = (uint64_t)member_num(json, "seq");
			cJSON_Delete(json);
		}
		check_i64(sum.seq, t.market.tape.seq);
	}
	down(&t);
}

/* --- the table of clients ---------------------------------------------------------------------- */

static cJSON *table(struct theatre *t, uint32_t from, uint32_t limit, uint32_t *next)
{
	struct buf b = {0};
	cJSON *json;

	buf_byte(&b, '[');
	*next = stream_put_clients(t->stream, &b, from, limit);
	buf_byte(&b, ']');
	json = cJSON_Parse(buf_cstr(&b));
	check(json != NULL);
	buf_fini(&b);
	return json;
}

static void test_table(void **state)
{
	struct theatre t;
	struct viewer a, b;
	struct tally sum = {0};
	cJSON *json, *row, *view;
	uint32_t next;

	(void)state;
	up(&t);
	open_small(&t, &a);
	subscribe(&a, 0, 2, LATEST);
	subscribe(&a, 2, 5, INTERVAL(250));
	viewer_open(&t, &b);
	subscribe(&b, 0, 2, LATEST);
	tick(&t, 0);
	tick(&t, 0);
	tick(&t, 3);
	pass(&t, 100);
	take_all(&b, &sum);
	json = table(&t, 0, 10, &next);
	check_i64(next, 0);
	check_i64(cJSON_GetArraySize(json), 2);
	row = json->child;
	check_str(member_names(row),
		  "id key peer since since_ms full_ms subscriptions channels views frames quotes "
		  "conflated seq behind lag_ticks pending_bytes");
	check_str(member_str(row, "peer"), "127.0.0.1");
	check_i64(member_num(row, "since_ms"), 1761623100000);
	check(cJSON_IsNull(cJSON_GetObjectItem(row, "full_ms")));
	check_i64(member_num(row, "subscriptions"), 5);
	check_i64(member_num(row, "behind"), 1); /* held back until the round */
	check_i64(member_num(row, "quotes"), 1);
	check_i64(member_num(row, "conflated"), 1);
	view = cJSON_GetArrayItem(cJSON_GetObjectItem(row, "views"), 1);
	check_str(member_names(view), "policy interval_ms instruments clients is_shared");
	check_str(member_str(view, "policy"), "interval");
	check_i64(member_num(view, "instruments"), 3);
	view = cJSON_GetArrayItem(cJSON_GetObjectItem(row->next, "views"), 0);
	check_str(member_names(view), "policy instruments clients is_shared");
	check_i64(member_num(view, "clients"), 2);
	check(cJSON_IsTrue(cJSON_GetObjectItem(view, "is_shared")));
	check_i64(member_num(row->next, "behind"), 0);
	cJSON_Delete(json);
	/* Page by page. */
	cJSON_Delete(table(&t, 0, 1, &next));
	check_i64(next, 2);
	json = table(&t, next, 1, &next);
	check_i64(next, 0);
	check_str(member_str(json->child, "id"), theatre_client(&t)->id);
	cJSON_Delete(json);
	/* Full, with an answer that waits and a place on the tape. */
	subscribe(&b, 0, 2, ALL);
	a.peer->is_deaf = true;
	do {
		for (int i = 0; i < KEYS; i++)
			tick(&t, i);
		pass(&t, 250);
		viewer_say(&a, "{\"action\":\"ping\"}");
		pass(&t, 100);
	} while (!container_of(t.stream->clients.next, struct client, link)->is_full);
	tick(&t, 1);
	pass(&t, 0);
	json = table(&t, 0, 1, &next);
	check(member_num(json->child, "full_ms") >= 0);
	check(member_num(json->child, "pending_bytes") > 0);
	check(member_num(json->child, "behind") >= 1);
	cJSON_Delete(json);
	down(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interval),      cmocka_unit_test(test_rate),
		cmocka_unit_test(test_change_of_set), cmocka_unit_test(test_full),
		cmocka_unit_test(test_stop),          cmocka_unit_test(test_intervals_max),
		cmocka_unit_test(test_views),         cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_mixed_seq),     cmocka_unit_test(test_table),
		cmocka_unit_test(test_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
