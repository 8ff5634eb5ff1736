/* SPDX-License-Identifier: MIT
 *
 * Readers of the broker's protocol that do not read: they cost bits, delay nobody, get the newest state
 * when they read again, and then messages as before; and are closed when they never do.
 */
#include <malloc.h>
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/follower.h"
#include "stream/compat_internal.h"

#define KEYS 50

static const char *key_of(int i)
{
	static char key[32];

	snprintf(key, sizeof(key), "NSE_FO|%d", 1000 + i);
	return key;
}

/* A client with little room in the kernel, subscribed to everything in full. */
static struct compat_client *open_small(struct theatre *t, struct follower *f, uint64_t requests)
{
	struct buf keys = {0};

	*f = (struct follower){.theatre = t};
	f->peer = ws_peer_connect(&t->rig, t->port, 2048);
	ws_peer_request(f->peer, FOLLOWER_PATH, "");
	check(ws_peer_wait_head(&t->rig, f->peer));
	check_i64(ws_peer_status(f->peer), 101);
	for (int i = 0; i < KEYS; i++)
		buf_printf(&keys, "%s%s", i ? "," : "", key_of(i));
	follower_ask(f, "sub", "full", buf_cstr(&keys));
	follower_settle(t, requests);
	buf_fini(&keys);
	return container_of(t->stream->compat.clients.prev, struct compat_client, link);
}

/* One message with every instrument, then a turn. */
static void tick_all(struct theatre *t, int price)
{
	upstream_begin(t, FEED_LIVE, price);
	for (int i = 0; i < KEYS; i++)
		upstream_add_ltp(t, key_of(i), (price_t)price * 10000 + i);
	upstream_end(t);
	ws_rig_turn(&t->rig);
}

/* Ticks until the socket of `c` is full; the next price. */
static int fill(struct theatre *t, const struct compat_client *c, int price)
{
	for (int end = price + 20000; !c->is_full && price < end; price++)
		tick_all(t, price);
	check(c->is_full);
	return price;
}

/* Reads to the snapshot, which must be of all instruments at the price, and nothing older behind it;
 * how many messages came before. */
static int read_to_snapshot(struct follower *f, int price)
{
	static struct tick tick;
	int before = 0, last = 0, entries = 0;

	while (entries < KEYS) {
		follower_hear(f);
		if (f->frame.type == FEED_LIVE) {
			check(entries == 0);
			check(f->frame.current_ts > last);
			last = (int)f->frame.current_ts;
			check_i64(feed_frame_count(&f->frame), KEYS);
			before++;
			continue;
		}
		check_i64(f->frame.type, FEED_INITIAL);
		while (feed_frame_next(&f->frame, &tick)) {
			int i = atoi(tick.key + strlen("NSE_FO|")) - 1000;

			check_i64(tick.q.ltp, (price_t)price * 10000 + i);
			check_i64(tick.q.arm, ARM_MARKET);
			check(tick.q.present & QUOTE_CP);
			entries++;
		}
	}
	check(last < price);
	return before;
}

static void test_newest_state_and_no_memory(void **state)
{
	struct theatre t;
	struct follower slow, quick;
	struct compat_client *c;
	int price;
	size_t used;

	(void)state;
	theatre_up(&t);
	t.cfg.sndbuf_bytes = 4096;
	theatre_open(&t);
	c = open_small(&t, &slow, 1);
	follower_open(&t, &quick, "");
	follower_ask(&quick, "sub", "ltpc", key_of(7));
	follower_settle(&t, 2);
	slow.peer->is_deaf = true;
	price = fill(&t, c, 1);
	tick_all(&t, price++);
	check_i64(c->owed.count, KEYS);
	used = mallinfo2().uordblks;
	for (int i = 0; i < 200; i++) /* what is not read costs nothing more; nor does a tick */
		tick_all(&t, price++);
	/* The other reader had them all, one by one, without waiting. */
	for (int i = 1; i < price; i++) {
		follower_hear(&quick);
		check_i64(quick.frame.current_ts, i);
	}
	check(module_metric(t.mod, "feed_conflated_total") >= 200 * KEYS);
	check(mallinfo2().uordblks < used + 200000); /* the test's own peer keeps what came */
	slow.peer->is_deaf = false;
	read_to_snapshot(&slow, price - 1);
	check_i64(c->owed.count, 0);
	/* Messages again. */
	tick_all(&t, price);
	follower_hear(&slow);
	check_i64(slow.frame.type, FEED_LIVE);
	check_i64(slow.frame.current_ts, price);
	check_i64(feed_frame_count(&slow.frame), KEYS);
	check(slow.peer->fault == NULL && quick.peer->fault == NULL);
	check(module_metric(t.mod, "feed_full_total") >= 1);
	follower_fini(&slow);
	follower_fini(&quick);
	theatre_down(&t);
}

/* Nothing is allocated per tick while sockets take what they are given. */
static void test_no_allocation(void **state)
{
	struct theatre t;
	struct follower f;
	size_t used = 0;
	struct compat_client *c;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	c = open_small(&t, &f, 1);
	for (int price = 1; price <= 30; price++) {
		struct compat *compat = &t.stream->compat;

		upstream_begin(&t, FEED_LIVE, price);
		for (int i = 0; i < KEYS; i++)
			upstream_add_ltp(&t, key_of(i), price);
		upstream_end(&t);
		compat->hook.run(&compat->hook);
		if (price == 10)
			used = mallinfo2().uordblks;
		check(!c->is_full);
	}
	check_i64(mallinfo2().uordblks, used);
	follower_fini(&f);
	theatre_down(&t);
}

/* While it is behind: what it gives up it does not get, and a changed mode counts. */
static void test_changes_while_behind(void **state)
{
	struct theatre t;
	struct follower f;
	struct compat_client *c;
	static struct tick tick;
	int price, entries = 0;

	(void)state;
	theatre_up(&t);
	t.cfg.sndbuf_bytes = 4096;
	theatre_open(&t);
	c = open_small(&t, &f, 1);
	f.peer->is_deaf = true;
	price = fill(&t, c, 1);
	tick_all(&t, price);
	follower_ask(&f, "unsub", NULL, key_of(0));
	follower_settle(&t, 2);
	follower_ask(&f, "sub", "ltpc", key_of(1));
	follower_settle(&t, 3);
	upstream_info(&t, 5, "NSE_FO", 3);
	ws_rig_turn(&t.rig);
	check_i64(c->owed.count, KEYS - 1);
	check(c->owes_info);
	f.peer->is_deaf = false;
	do {
		follower_hear(&f);
	} while (f.frame.type == FEED_LIVE);
	check_i64(f.frame.type, FEED_MARKET_INFO); /* before the state */
	while (entries < KEYS - 1) {
		follower_hear(&f);
		while (feed_frame_next(&f.frame, &tick)) {
			int i = atoi(tick.key + strlen("NSE_FO|")) - 1000;

			check(i != 0);
			check_i64(tick.q.mode, i == 1 ? MODE_LTPC : MODE_FULL_D5);
			entries++;
		}
	}
	follower_fini(&f);
	theatre_down(&t);
}

static bool has_stalled(void *arg)
{
	return module_metric(((struct theatre *)arg)->mod, "feed_stalled_total") > 0;
}

static bool has_close(void *arg)
{
	return ((struct ws_peer *)arg)->has_close;
}

static void test_stalled(void **state)
{
	struct theatre t;
	struct follower f, other;
	struct compat_client *c;
	int price;

	(void)state;
	theatre_up(&t);
	t.cfg.sndbuf_bytes = 4096;
	t.cfg.stall_ms = 100;
	theatre_open(&t);
	follower_open(&t, &other, "");
	c = open_small(&t, &f, 1);
	f.peer->is_deaf = true;
	price = fill(&t, c, 1);
	rig_until(&t.rig, has_stalled, &t);
	f.peer->is_deaf = false;
	rig_until(&t.rig, has_close, f.peer);
	check_i64(ws_peer_close_code(f.peer), STREAM_CLOSE_STALLED);
	ws_peer_close(f.peer, STREAM_CLOSE_STALLED, "");
	check(ws_peer_wait_eof(&t.rig, f.peer));
	check_i64(module_metric(t.mod, "feed_stalled_total"), 1);
	check(!other.peer->is_eof && price > 1);
	follower_fini(&f);
	follower_fini(&other);
	theatre_down(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_state_and_no_memory),
		cmocka_unit_test(test_no_allocation),
		cmocka_unit_test(test_changes_while_behind),
		cmocka_unit_test(test_stalled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
