/* SPDX-License-Identifier: MIT
 *
 * Readers of the broadcaster that do not read: they cost bits and counts, delay nobody, get exactly
 * the newest state when they read again, and are closed when they never do.
 */
#include <malloc.h>
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/viewer.h"

#define KEYS 50

static const char *key_of(int i)
{
	static char key[32];

	snprintf(key, sizeof(key), "NSE_FO|%d", 1000 + i);
	return key;
}

/* A client with little room in the kernel, subscribed to everything. */
static void open_small(struct theatre *t, struct viewer *v, const char *mode)
{
	struct buf command = {0};

	*v = (struct viewer){.theatre = t};
	v->peer = ws_peer_connect(&t->rig, t->port, 2048);
	ws_peer_request(v->peer, "/ws", "");
	check(ws_peer_wait_head(&t->rig, v->peer));
	check_i64(ws_peer_status(v->peer), 101);
	cJSON_Delete(viewer_hear_type(v, "connection"));
	cJSON_Delete(viewer_hear_type(v, "status"));
	buf_printf(&command, "{\"action\":\"subscribe\",\"mode\":\"%s\",\"instruments\":[", mode);
	for (int i = 0; i < KEYS; i++)
		buf_printf(&command, "%s\"%s\"", i ? "," : "", key_of(i));
	buf_str(&command, "]}");
	cJSON_Delete(viewer_ask(v, buf_cstr(&command), "subscription_update"));
	buf_fini(&command);
}

/* One tick of every instrument, then a turn. */
static void tick_all(struct theatre *t, int price)
{
	for (int i = 0; i < KEYS; i++)
		market_ltp(&t->market, key_of(i), (price_t)price * 10000 + i);
	ws_rig_turn(&t->rig);
}

/* Ticks until the socket of `c` is full; returns the last price. */
static int fill(struct theatre *t, const struct client *c, int price)
{
	for (int end = price + 10000; !c->is_full && price < end; price++)
		tick_all(t, price);
	check(c->is_full);
	return price;
}

struct tally {
	uint64_t quotes, conflated, frames;
	double newest[KEYS];
	uint64_t seq; /* of the last frame */
};

/* Reads market_data until the frame that carries `seq`. */
static void read_up_to(struct viewer *v, uint64_t seq, struct tally *sum)
{
	while (sum->seq < seq) {
		cJSON *json = viewer_hear_type(v, "market_data"), *it;
		double now = member_num(json, "seq");

		cJSON_ArrayForEach (it, cJSON_GetObjectItem(json, "data")) {
			int i = atoi(member_str(it, "key") + strlen("NSE_FO|")) - 1000;

			check(i >= 0 && i < KEYS);
			sum->newest[i] = member_num(it, "ltp");
			sum->quotes++;
		}
		if (cJSON_GetObjectItem(json, "conflated"))
			sum->conflated += (uint64_t)member_num(json, "conflated");
		check(now >= (double)sum->seq);
		sum->seq = (uint64_t)now;
		sum->frames++;
		cJSON_Delete(json);
	}
	check_i64(sum->seq, seq);
}

static void check_newest(const struct tally *sum, int price)
{
	for (int i = 0; i < KEYS; i++)
		check_near(sum->newest[i], (double)(price * 10000 + i) / 10000, 1e-9);
}

static void slow_up(struct theatre *t)
{
	theatre_up(t);
	t->cfg.sndbuf_bytes = 4608;
	theatre_open(t);
}

static size_t heap_used(void)
{
	return mallinfo2().uordblks;
}

/* The whole story: full, behind, and back. */
static void test_back_again(void **state)
{
	struct theatre t;
	struct viewer slow, quick;
	struct client *c;
	struct tally sum = {0}, all = {0};
	size_t heap;
	int price;

	(void)state;
	slow_up(&t);
	open_small(&t, &slow, "ltpc");
	c = theatre_client(&t);
	viewer_open(&t, &quick);
	viewer_subscribe(&quick, key_of(0), "ltpc");
	slow.peer->is_deaf = true;
	price = fill(&t, c, 1);
	check(c->replies.len == 0);
	/* Behind by a lot, at the price of bits: memory stays where it is after the first turn. */
	tick_all(&t, price++);
	heap = heap_used();
	for (int end = price + 2000; price < end; price++)
		tick_all(&t, price);
	check_i64(client_behind(c), KEYS);
	check(c->replies.len == 0);
	check(t.stream->out.cap <= 2 * SEND_MAX_BYTES);
	/* The quick reader's peer keeps what it was sent (some MB); without it nothing grew. */
	if (heap_used() > heap + quick.peer->data.cap + 3 * quick.peer->in.cap +
				  quick.peer->frames_cap * sizeof(struct ws_peer_frame) + 65536)
		fail_msg("%zu bytes grew to %zu", heap, heap_used());
	/* Nobody else waited. */
	read_up_to(&quick, t.market.tape.seq, &all);
	check_near(all.newest[0], price - 1, 0);
	check_i64(all.quotes + all.conflated, price - 1);
	/* It reads again: what was in the kernel, then one state each, and the counts add up. */
	slow.peer->is_deaf = false;
	read_up_to(&slow, t.market.tape.seq, &sum);
	check_newest(&sum, price - 1);
	check_i64(sum.quotes + sum.conflated, (uint64_t)(price - 1) * KEYS);
	check(sum.conflated > 1900 * KEYS);
	check_i64(client_behind(c), 0);
	check(!c->is_full);
	/* And on it goes, one by one. */
	sum.conflated = sum.quotes = 0;
	tick_all(&t, price);
	read_up_to(&slow, t.market.tape.seq, &sum);
	check_newest(&sum, price);
	check_i64(sum.quotes, KEYS);
	check_i64(sum.conflated, 0);
	check(slow.peer->fault == NULL && quick.peer->fault == NULL);
	theatre_down(&t);
}

/* A reader of a few bytes a turn: full again and again, and never wrong. */
static void test_trickle(void **state)
{
	struct theatre t;
	struct viewer v;
	struct tally sum = {0};
	int price = 1;

	(void)state;
	slow_up(&t);
	open_small(&t, &v, "ltpc");
	v.peer->read_max = 500;
	for (; price <= 1500; price++)
		tick_all(&t, price);
	v.peer->read_max = 0;
	read_up_to(&v, t.market.tape.seq, &sum);
	check_newest(&sum, price - 1);
	check_i64(sum.quotes + sum.conflated, (uint64_t)(price - 1) * KEYS);
	check(module_metric(t.mod, "full_total") > 3);
	check_i64(module_metric(t.mod, "quotes_total"), sum.quotes);
	check_i64(module_metric(t.mod, "conflated_total"), sum.conflated);
	check_i64(module_metric(t.mod, "frames_total"), sum.frames);
	check(v.peer->fault == NULL);
	theatre_down(&t);
}

/* Subscriptions change while the socket is full: answers wait, nothing is lost, and what was
 * unsubscribed is owed no more. */
static void test_changes_while_full(void **state)
{
	struct theatre t;
	struct viewer v;
	struct client *c;
	bool seen[KEYS + 1] = {false};
	cJSON *json, *it;
	uint64_t seq = 0;
	int price, updates = 0;
	char text[256];

	(void)state;
	slow_up(&t);
	open_small(&t, &v, "ltpc");
	c = theatre_client(&t);
	market_ltp(&t.market, "NSE_FO|1050", 42);
	v.peer->is_deaf = true;
	price = fill(&t, c, 1);
	tick_all(&t, price++);
	snprintf(text, sizeof(text), "{\"action\":\"unsubscribe\",\"instruments\":[\"%s\"]}",
		 key_of(7));
	viewer_say(&v, text);
	viewer_say(&v, "{\"action\":\"subscribe\",\"mode\":\"ltpc\",\"instruments\":"
		       "[\"NSE_FO|1050\"]}"); /* has state, so a snapshot is owed */
	while (module_metric(t.mod, "commands_total") < 3)
		ws_rig_turn(&t.rig);
	tick_all(&t, price);
	check_i64(client_behind(c), KEYS - 1);
	check_i64(c->subs, KEYS);
	v.peer->is_deaf = false;
	v.peer->read_max = 0;
	while (seq < t.market.tape.seq) {
		json = viewer_hear(&v);
		if (strcmp(member_str(json, "type"), "market_data") != 0) {
			check_str(member_str(json, "type"), "subscription_update");
			memset(seen, 0, sizeof(seen));
			updates++;
		} else {
			seq = (uint64_t)member_num(json, "seq");
			cJSON_ArrayForEach (it, cJSON_GetObjectItem(json, "data"))
				seen[atoi(member_str(it, "key") + 7) - 1000] = true;
		}
		cJSON_Delete(json);
	}
	check_i64(updates, 2);
	for (int i = 0; i <= KEYS; i++)
		check_i64(seen[i], i != 7);
	check(v.peer->fault == NULL);
	theatre_down(&t);
}

/* Takes nothing for stall_ms: closed with a code that says why, if it still reads. */
static void test_stalled(void **state)
{
	struct theatre t;
	struct viewer v, idle;
	int64_t start;
	int price = 1;

	(void)state;
	theatre_up(&t);
	t.cfg.sndbuf_bytes = 4608;
	t.cfg.stall_ms = 300;
	theatre_open(&t);
	open_small(&t, &v, "ltpc");
	v.peer->is_deaf = true;
	viewer_open(&t, &idle); /* silent, but its socket is not full */
	start = ws_rig_ms(&t.rig);
	while (module_metric(t.mod, "stalled_total") == 0 &&
	       ws_rig_ms(&t.rig) < start + PATIENCE_MS)
		tick_all(&t, price++);
	check_i64(module_metric(t.mod, "stalled_total"), 1);
	v.peer->is_deaf = false;
	check(ws_peer_wait_eof(&t.rig, v.peer));
	check_i64(ws_peer_close_code(v.peer), STREAM_CLOSE_STALLED);
	check(v.peer->fault == NULL);
	check_i64(module_metric(t.mod, "clients"), 1);
	check(!idle.peer->is_eof);
	theatre_down(&t);
}

/* The same, and it never reads again: gone all the same, within the time that ws gives a close. */
static void test_stalled_for_good(void **state)
{
	struct theatre t;
	struct viewer v;
	int64_t start;
	int price = 1;

	(void)state;
	theatre_up(&t);
	t.cfg.sndbuf_bytes = 4608;
	t.cfg.stall_ms = 100;
	theatre_open(&t);
	open_small(&t, &v, "ltpc");
	v.peer->is_deaf = true;
	start = ws_rig_ms(&t.rig);
	while (module_metric(t.mod, "clients") > 0 && ws_rig_ms(&t.rig) < start + PATIENCE_MS)
		tick_all(&t, price++);
	check_i64(module_metric(t.mod, "clients"), 0);
	check_i64(module_metric(t.mod, "stalled_total"), 1);
	check_i64(interest_top(&t.market.interest, 0), WANT_NOTHING);
	theatre_down(&t);
}

static bool is_empty(void *arg)
{
	return theatre_client(arg) == NULL;
}

/* Asks and asks, and does not read the answers: closed before they are a megabyte too many. */
static void test_flood(void **state)
{
	struct theatre t;
	struct viewer v;
	struct client *c;
	size_t most = 0;

	(void)state;
	slow_up(&t);
	open_small(&t, &v, "ltpc");
	c = theatre_client(&t);
	v.peer->is_deaf = true;
	for (int i = 0; i < 5000 && !is_empty(&t); i++) {
		viewer_say(&v, "{\"action\":\"subscriptions\"}");
		ws_rig_turn(&t.rig);
		if (theatre_client(&t) && c->replies.len > most)
			most = c->replies.len;
	}
	check(most > 100000 && most <= REPLIES_MAX_BYTES);
	check(module_metric(t.mod, "commands_total") < 5000);
	rig_until(&t.rig, is_empty, &t); /* its close frame cannot leave either */
	theatre_down(&t);
}

/* Stopped while a client is full and deaf: no longer than the patience. */
static void test_stop_while_full(void **state)
{
	struct theatre t;
	struct viewer v;
	int64_t start;

	(void)state;
	slow_up(&t);
	open_small(&t, &v, "ltpc");
	v.peer->is_deaf = true;
	fill(&t, theatre_client(&t), 1);
	start = ws_rig_ms(&t.rig);
	theatre_down(&t);
	check(ws_rig_ms(&t.rig) - start < 2500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_back_again),         cmocka_unit_test(test_trickle),
		cmocka_unit_test(test_changes_while_full), cmocka_unit_test(test_stalled),
		cmocka_unit_test(test_stalled_for_good),   cmocka_unit_test(test_flood),
		cmocka_unit_test(test_stop_while_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
