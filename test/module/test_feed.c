/* SPDX-License-Identifier: MIT
 *
 * The feed on an open connection: frames into book and tape, subscriptions as they are wanted,
 * silence, and the next connection. How it gets there is in test_feed_connect.c.
 */
#include <stdio.h>

#include "../lib/broker.h"
#include "../lib/check.h"

#define FO    "NSE_FO|45450"
#define INDEX "NSE_INDEX|Nifty 50"
#define T0    1769160568000 /* 2026-01-23 14:59 IST */

static int64_t newest_turn; /* market time of the last logical turn */

static uint64_t metric(struct broker *b, const char *name)
{
	return module_metric(b->mod, name);
}

static inst_id id_of(struct broker *b, const char *key)
{
	return instruments_find(&b->market.book.instruments, key, strlen(key));
}

static const struct slot *slot_of(struct broker *b, const char *key)
{
	return book_slot(&b->market.book, id_of(b, key));
}

static void want(struct broker *b, const char *key, enum interest_mode mode)
{
	interest_add(&b->market.interest,
		     instruments_intern(&b->market.book.instruments, key, strlen(key)), mode);
}

static void drop(struct broker *b, const char *key, enum interest_mode mode)
{
	interest_drop(&b->market.interest,
		      instruments_find(&b->market.book.instruments, key, strlen(key)), mode);
}

struct count {
	struct broker *b;
	const char *name;
	uint64_t n;
};

static bool has_counted(void *arg)
{
	const struct count *c = arg;

	return metric(c->b, c->name) >= c->n;
}

/* Turns until the metric has reached `n`. */
static void until(struct broker *b, const char *name, uint64_t n)
{
	if (!ws_rig_until(&b->rig, has_counted, &(struct count){b, name, n}, PARTS_WAIT_MS))
		fail_msg("%s stays at %llu", name, (unsigned long long)metric(b, name));
}

/* --- frames ----------------------------------------------------------------------------------- */

static void test_ticks(void **state)
{
	struct broker b;
	struct upstream_view view;
	struct upstream_status st;
	const struct slot *s;

	(void)state;
	broker_up(&b);
	want(&b, FO, WANT_FULL);
	broker_connect(&b);
	view = feed_view(b.feed);
	gate_say_status(&b, T0, "NSE_FO", STATUS_NORMAL_OPEN);
	until(&b, "frames_total", 1);
	check_i64(b.feed->state, FEED_SUBSCRIBING); /* market_info is no data */
	gate_say_ltp(&b, FEED_INITIAL, T0 + 1, FO, 942500);
	broker_until(&b, FEED_UP);
	s = slot_of(&b, FO);
	check_i64(s->q.ltp, 942500);
	check_i64(s->ts_ms, T0 + 1);
	check_i64(s->seq, 1);
	check_i64(s->flags, TICK_SNAPSHOT);
	check(!view.is_stale(view.arg, id_of(&b, FO)));
	gate_say_ltp(&b, FEED_LIVE, T0 + 2, FO, 943000);
	gate_say_ltp(&b, FEED_LIVE, T0 + 3, INDEX, 254123500);
	until(&b, "ticks_total", 3);
	check_i64(s->q.ltp, 943000);
	check_i64(s->seq, 2);
	check_i64(s->flags, 0);
	check_i64(b.market.tape.seq, 3);
	check_i64(b.market.tape.blocks, 3);
	check_i64(metric(&b, "snapshots_total"), 1);
	check_i64(metric(&b, "frames_total"), 4);
	check_i64(metric(&b, "up"), 1);
	view.status(view.arg, &st);
	check(st.is_live);
	check_str(st.state, "live");
	check_str(st.why, "data flows");
	/* After the close the link is as good as before, and nobody says that data flows. */
	gate_say_status(&b, T0 + 4, "NSE_FO", STATUS_NORMAL_CLOSE);
	gate_say_status(&b, T0 + 5, "NSE_INDEX", STATUS_NORMAL_CLOSE);
	until(&b, "frames_total", 6);
	view.status(view.arg, &st);
	check(st.is_live && !st.is_session_open);
	check_str(st.why, "connected; of what is watched no market is open");
	broker_down(&b);
}

/* What does not decode is counted and changes nothing; the next message does. */
static void test_bad_frames(void **state)
{
	static const char junk[] = "\x12\xff\xff\xff\xff\x0f what is this";
	struct broker b;

	(void)state;
	broker_up(&b);
	broker_connect(&b);
	gate_say_ltp(&b, FEED_INITIAL, T0, FO, 100);
	gate_say(&b, WS_BINARY, junk, sizeof(junk) - 1);
	gate_say(&b, WS_BINARY, "", 0); /* an empty message is a snapshot of nothing */
	gate_say(&b, WS_TEXT, "{\"type\":\"live_feed\"}", 20);
	gate_say_ltp(&b, FEED_LIVE, T0 + 1, FO, 200);
	until(&b, "ticks_total", 2);
	check_i64(slot_of(&b, FO)->q.ltp, 200);
	check_i64(metric(&b, "bad_frames_total"), 1);
	check_i64(metric(&b, "text_frames_total"), 1);
	check_i64(metric(&b, "frames_total"), 3);
	check_i64(metric(&b, "connects_total"), 1);
	check_i64(b.feed->state, FEED_UP);
	broker_down(&b);
}

/* A currentTs that is no time moves no clock and is not taken for the present; the tick is. */
static void test_bad_times(void **state)
{
	static const int64_t bad[] = {1, -5, INT64_MAX, INT64_MIN, 4102444800000};
	struct broker b;

	(void)state;
	broker_up(&b);
	clock_init(&b.rig.clock, CLOCK_FEED);
	broker_connect(&b);
	gate_say_ltp(&b, FEED_INITIAL, T0, FO, 100);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		gate_say_ltp(&b, FEED_LIVE, bad[i], FO, 200 + (price_t)i);
	until(&b, "ticks_total", 1 + ARRAY_LEN(bad));
	check_i64(metric(&b, "bad_times_total"), ARRAY_LEN(bad));
	check_i64(clock_market_ms(&b.rig.clock), T0);
	check_i64(slot_of(&b, FO)->q.ltp, 204);
	check_i64(slot_of(&b, FO)->ts_ms, 0);
	broker_down(&b);
}

static void on_turn(struct book_subscriber *s, int64_t market_ms)
{
	(void)s;
	newest_turn = market_ms;
}

static void on_tick(struct book_subscriber *s, inst_id id, const struct slot *slot)
{
	(void)s;
	(void)id;
	(void)slot;
}

/* A currentTs that is a time, but years ahead of all others, may not become market time for good;
 * after a night all messages are ahead. */
static void test_leap(void **state)
{
	const int64_t year_2090 = 3786912000000, night = 18 * 3600000;
	struct book_subscriber turns = {.on_tick = on_tick, .on_turn = on_turn};
	struct broker b;

	(void)state;
	broker_up(&b);
	clock_init(&b.rig.clock, CLOCK_FEED);
	book_subscribe(&b.market.book, &turns);
	broker_connect(&b);
	gate_say_ltp(&b, FEED_INITIAL, T0, FO, 100);
	gate_say_ltp(&b, FEED_LIVE, year_2090, FO, 101);
	until(&b, "ticks_total", 2);
	check_i64(clock_market_ms(&b.rig.clock), T0);
	check_i64(newest_turn, T0);
	gate_say_ltp(&b, FEED_LIVE, 0, FO, 102); /* none at all */
	gate_say_ltp(&b, FEED_LIVE, T0 + 150, FO, 103);
	until(&b, "ticks_total", 4);
	check_i64(clock_market_ms(&b.rig.clock), T0 + 150);
	check_i64(newest_turn, T0 + 150);
	/* A broken one, a night, and time goes on. */
	gate_say_ltp(&b, FEED_LIVE, year_2090, FO, 104);
	gate_say_ltp(&b, FEED_LIVE, T0 + night, FO, 105);
	until(&b, "ticks_total", 6);
	check_i64(clock_market_ms(&b.rig.clock), T0 + 150);
	check_i64(slot_of(&b, FO)->ts_ms, T0 + night);
	gate_say_ltp(&b, FEED_LIVE, T0 + night + 150, FO, 106);
	until(&b, "ticks_total", 7);
	check_i64(clock_market_ms(&b.rig.clock), T0 + night + 150);
	check_i64(newest_turn, T0 + night + 150);
	check_i64(slot_of(&b, FO)->q.ltp, 106);
	check_i64(metric(&b, "bad_times_total"), 0);
	book_unsubscribe(&turns);
	broker_down(&b);
}

/* A key that is none is left out, and costs no other. */
static void test_unknown_keys(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	broker_connect(&b);
	gate_say_ltp(&b, FEED_LIVE, T0, "no key", 100);
	gate_say_ltp(&b, FEED_LIVE, T0 + 1, FO, 200);
	until(&b, "ticks_total", 1);
	check_i64(metric(&b, "unknown_keys_total"), 1);
	check_i64(b.market.book.live, 1);
	check_i64(b.market.tape.seq, 1);
	broker_down(&b);
}

/* Beyond frame_max_bytes the connection ends, and comes again. */
static void test_too_big(void **state)
{
	struct broker b;
	char *big = calloc(1, 70000);

	(void)state;
	broker_up(&b);
	b.cfg.frame_max_bytes = 65536;
	broker_connect(&b);
	gate_say(&b, WS_BINARY, big, 70000);
	until(&b, "connects_total", 2);
	check_i64(metric(&b, "bad_frames_total"), 0);
	check_i64(b.market.tape.seq, 0);
	broker_down(&b);
	free(big);
}

/* --- subscriptions ---------------------------------------------------------------------------- */

static void check_asked(struct broker *b, unsigned requests, const char *text)
{
	broker_until_requests(b, requests);
	ws_rig_for(&b->rig, 20); /* no more than these */
	check_i64(b->gate.requests, requests);
	check_str(buf_cstr(&b->gate.asked), text);
	check_i64(b->gate.texts, 0);
	buf_reset(&b->gate.asked);
	b->gate.requests = 0;
}

/* What is wanted before the connection is there is asked for when it opens: by mode, in batches
 * (of three here), each key in the highest mode that anyone wants. */
static void test_batches(void **state)
{
	struct broker b;
	char key[32];

	(void)state;
	broker_up(&b);
	for (int i = 0; i < 7; i++) {
		snprintf(key, sizeof(key), "NSE_FO|%d", i);
		want(&b, key, WANT_LTPC);
		want(&b, key, i == 6 ? WANT_FULL_D30 : WANT_FULL);
	}
	want(&b, INDEX, WANT_LTPC);
	want(&b, "NSE_EQ|A", WANT_OPTION_GREEKS);
	broker_connect(&b);
	check_asked(&b, 6,
		    "sub ltpc NSE_INDEX|Nifty 50\n"
		    "sub option_greeks NSE_EQ|A\n"
		    "sub full NSE_FO|0,NSE_FO|1,NSE_FO|2\n"
		    "sub full NSE_FO|3,NSE_FO|4,NSE_FO|5\n"
		    "sub full NSE_FO|6\n" /* so that something comes without the plan for more */
		    "change_mode full_d30 NSE_FO|6\n");
	check_i64(metric(&b, "requests_total"), 6);
	broker_down(&b);
}

static void test_changes(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	broker_connect(&b);
	check_i64(b.gate.requests, 0);
	want(&b, FO, WANT_LTPC);
	check_asked(&b, 1, "sub ltpc NSE_FO|45450\n");
	want(&b, FO, WANT_FULL);
	check_asked(&b, 1, "change_mode full NSE_FO|45450\n");
	want(&b, FO, WANT_OPTION_GREEKS); /* less than what comes already */
	drop(&b, FO, WANT_FULL);
	check_asked(&b, 1, "change_mode option_greeks NSE_FO|45450\n");
	drop(&b, FO, WANT_OPTION_GREEKS);
	drop(&b, FO, WANT_LTPC);
	check_asked(&b, 1, "unsub NSE_FO|45450\n");
	/* What comes and goes within a turn was never said. */
	want(&b, FO, WANT_FULL);
	drop(&b, FO, WANT_FULL);
	want(&b, INDEX, WANT_LTPC);
	want(&b, INDEX, WANT_FULL);
	drop(&b, INDEX, WANT_LTPC);
	check_asked(&b, 1, "sub full NSE_INDEX|Nifty 50\n");
	/* First what frees the broker's budget. */
	drop(&b, INDEX, WANT_FULL);
	want(&b, FO, WANT_LTPC);
	check_asked(&b, 2, "unsub NSE_INDEX|Nifty 50\nsub ltpc NSE_FO|45450\n");
	broker_down(&b);
}

/* The broker takes one request after the other: a place in a mode is left before another takes it. */
static void test_places(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	broker_connect(&b);
	want(&b, FO, WANT_LTPC);
	check_asked(&b, 1, "sub ltpc NSE_FO|45450\n");
	want(&b, FO, WANT_FULL);
	want(&b, "NSE_EQ|A", WANT_LTPC);
	check_asked(&b, 2, "change_mode full NSE_FO|45450\nsub ltpc NSE_EQ|A\n");
	broker_down(&b);
}

/* What nobody wants any more stays for a while, unless its place is needed. */
static void test_lingering(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	b.cfg.linger_s = 3600;
	b.cfg.full_max = b.cfg.full_mixed_max = b.cfg.ltpc_mixed_max = 2;
	broker_connect(&b);
	want(&b, FO, WANT_FULL);
	check_asked(&b, 1, "sub full NSE_FO|45450\n");
	drop(&b, FO, WANT_FULL);
	check_asked(&b, 0, "");
	want(&b, FO, WANT_FULL); /* as if nothing had been */
	check_asked(&b, 0, "");
	drop(&b, FO, WANT_FULL);
	check_asked(&b, 0, "");
	want(&b, FO, WANT_LTPC);
	check_asked(&b, 1, "change_mode ltpc NSE_FO|45450\n");
	drop(&b, FO, WANT_LTPC);
	want(&b, INDEX, WANT_FULL);
	check_asked(&b, 1, "sub full NSE_INDEX|Nifty 50\n");
	want(&b, "NSE_EQ|A", WANT_LTPC);
	want(&b, "NSE_EQ|B", WANT_LTPC); /* with the one that lingers they would be three */
	check_asked(&b, 2, "unsub NSE_FO|45450\nsub ltpc NSE_EQ|A,NSE_EQ|B\n");
	broker_down(&b);
}

/* Its time is over when the feed looks for silence. */
static void test_lingering_ends(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	b.cfg.linger_s = 1;
	b.cfg.full_max = 2;
	b.cfg.stale_ms = 100;
	broker_connect(&b);
	want(&b, FO, WANT_FULL);
	check_asked(&b, 1, "sub full NSE_FO|45450\n");
	drop(&b, FO, WANT_FULL);
	check_asked(&b, 0, "");
	broker_until_requests(&b, 1);
	check_str(buf_cstr(&b.gate.asked), "unsub NSE_FO|45450\n");
	broker_down(&b);
}

/* A new connection knows nothing: all that is wanted by then is said again, and nothing else. */
static void test_subscribed_again(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	want(&b, FO, WANT_FULL);
	want(&b, INDEX, WANT_LTPC);
	broker_connect(&b);
	check_asked(&b, 2, "sub ltpc NSE_INDEX|Nifty 50\nsub full NSE_FO|45450\n");
	ws_conn_close(b.gate.conn, 1011, "going down");
	broker_until(&b, FEED_BACKOFF);
	check(strstr(b.feed->why, "1011 going down") != NULL);
	drop(&b, INDEX, WANT_LTPC);
	want(&b, "NSE_EQ|A", WANT_LTPC);
	check_asked(&b, 2, "sub ltpc NSE_EQ|A\nsub full NSE_FO|45450\n");
	check_i64(metric(&b, "disconnects_total"), 1);
	check_i64(b.api.asked, 2); /* a URI is good for one connection */
	broker_down(&b);
}

/* --- the next connection ---------------------------------------------------------------------- */

/* Each tick once, whatever happens to connections; what the book holds is stale until the new
 * connection has spoken of it. */
static void test_reconnect(void **state)
{
	struct broker b;
	struct upstream_view view;

	(void)state;
	broker_up(&b);
	want(&b, FO, WANT_FULL);
	want(&b, INDEX, WANT_LTPC);
	broker_connect(&b);
	view = feed_view(b.feed);
	gate_say_ltp(&b, FEED_INITIAL, T0, FO, 100);
	gate_say_ltp(&b, FEED_INITIAL, T0, INDEX, 100);
	broker_until(&b, FEED_UP);
	until(&b, "ticks_total", 2);
	broker_until_requests(&b, 2);
	ws_conn_abort(b.gate.conn); /* no close frame */
	broker_until(&b, FEED_BACKOFF);
	check(view.is_stale(view.arg, id_of(&b, FO)));
	broker_until(&b, FEED_SUBSCRIBING);
	check(view.is_stale(view.arg, id_of(&b, FO)));
	check_i64(b.market.tape.seq, 2);
	gate_say_ltp(&b, FEED_INITIAL, T0 + 5, FO, 101);
	until(&b, "ticks_total", 3);
	check(!view.is_stale(view.arg, id_of(&b, FO)));
	check(view.is_stale(view.arg, id_of(&b, INDEX)));
	check_i64(slot_of(&b, FO)->q.ltp, 101);
	drop(&b, FO, WANT_FULL); /* what nobody asks for any more is not kept up */
	broker_until_requests(&b, 5);
	check(view.is_stale(view.arg, id_of(&b, FO)));
	check(view.is_stale(view.arg, INST_NONE));
	check_i64(b.market.tape.seq, 3);
	broker_down(&b);
}

/* The feed gives a connection up while messages of it are in the socket: they are nobody's. */
static void test_late_frames(void **state)
{
	struct broker b;
	unsigned opens;

	(void)state;
	broker_up(&b);
	broker_connect(&b);
	gate_say_ltp(&b, FEED_INITIAL, T0, FO, 100);
	broker_until(&b, FEED_UP);
	opens = b.gate.opens;
	for (int i = 1; i <= 50; i++)
		gate_say_ltp(&b, FEED_LIVE, T0 + i, FO, 100 + i);
	feed_fail(b.feed, "given up by the test");
	while (b.gate.opens == opens)
		ws_rig_turn(&b.rig);
	ws_rig_for(&b.rig, 50);
	check_i64(metric(&b, "ticks_total"), 1);
	check_i64(slot_of(&b, FO)->q.ltp, 100);
	gate_say_ltp(&b, FEED_INITIAL, T0 + 60, FO, 160);
	until(&b, "ticks_total", 2);
	check_i64(b.market.tape.seq, 2);
	check_i64(b.market.book.repeats, 0);
	broker_down(&b);
}

/* --- silence ---------------------------------------------------------------------------------- */

/* The exchange's clock stands still while the market is open: the connection is given up. That
 * messages still come is no excuse. */
static void test_stall(void **state)
{
	struct broker b;
	uint64_t said_ms = 0;

	(void)state;
	broker_up(&b);
	/* The test says what time it is: a machine that pauses is no silence. */
	clock_init_manual(&b.rig.clock, CLOCK_SYSTEM, T0);
	clock_advance(&b.rig.clock, 1000);
	b.cfg.stale_ms = 400;
	want(&b, FO, WANT_FULL);
	broker_connect(&b);
	gate_say_status(&b, T0, "NSE_FO", STATUS_NORMAL_OPEN);
	gate_say_ltp(&b, FEED_INITIAL, T0, FO, 100);
	broker_until(&b, FEED_UP);
	while (metric(&b, "stalls_total") == 0 && said_ms < 5000) {
		if (b.gate.conn && b.gate.opens == 1)
			gate_say_ltp(&b, FEED_LIVE, T0, FO, 100);
		clock_advance(&b.rig.clock, 20);
		said_ms += 20;
		ws_rig_for(&b.rig, 20);
	}
	check_i64(metric(&b, "stalls_total"), 1);
	check(said_ms >= 400);
	until(&b, "connects_total", 2);
	/* While the clock moves it stays. */
	gate_say_status(&b, T0 + 1000, "NSE_FO", STATUS_NORMAL_OPEN);
	for (int i = 0; i < 50; i++) {
		uint64_t frames = metric(&b, "frames_total");

		gate_say_ltp(&b, FEED_LIVE, T0 + 1001 + i, FO, 100);
		until(&b, "frames_total", frames + 1);
		clock_advance(&b.rig.clock, 20);
		ws_rig_for(&b.rig, 20);
	}
	check_i64(metric(&b, "stalls_total"), 1);
	check_i64(b.gate.opens, 2);
	broker_down(&b);
}

/* Open, connected, and not one message. */
static void test_never_speaks(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	b.cfg.stale_ms = 200;
	clock_init(&b.rig.clock, CLOCK_FEED);
	clock_see_market(&b.rig.clock, T0); /* a Friday, 14:59 */
	want(&b, FO, WANT_FULL);
	broker_connect(&b);
	until(&b, "stalls_total", 2);
	broker_down(&b);
}

/* What one connection said of sessions and time is nothing to the next: a segment that was closed
 * there is judged by the calendar until it is spoken of, and the exchange's clock may begin earlier. */
static void test_new_connection_begins_anew(void **state)
{
	struct broker b;
	uint64_t stalls;

	(void)state;
	broker_up(&b);
	b.cfg.stale_ms = 1000;
	clock_init(&b.rig.clock, CLOCK_FEED);
	clock_see_market(&b.rig.clock, T0);
	want(&b, FO, WANT_FULL);
	broker_connect(&b);
	gate_say_status(&b, T0, "NSE_FO", STATUS_NORMAL_CLOSE);
	gate_say_ltp(&b, FEED_INITIAL, T0 + 30000, FO, 100);
	broker_until(&b, FEED_UP);
	stalls = metric(&b, "stalls_total");
	ws_conn_abort(b.gate.conn);
	until(&b, "stalls_total", stalls + 1); /* not one word, and a Friday, 14:59 */
	broker_until(&b, FEED_SUBSCRIBING);
	stalls = metric(&b, "stalls_total");
	for (int i = 0; i < 75; i++) {
		gate_say_ltp(&b, FEED_LIVE, T0 + i, FO, 100);
		ws_rig_for(&b.rig, 20);
	}
	check_i64(metric(&b, "stalls_total"), stalls);
	broker_down(&b);
}

/* Silence is counted from when the connection opened, however long there was none before; on the
 * server's own clock, which stands still here but for what the test moves it. */
static void test_silence_begins_at_open(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	b.cfg.stale_ms = 100;
	clock_init_manual(&b.rig.clock, CLOCK_FEED, T0);
	want(&b, FO, WANT_FULL);
	broker_connect(&b);
	gate_say_ltp(&b, FEED_INITIAL, T0, FO, 100);
	broker_until(&b, FEED_UP);
	ws_rig_for(&b.rig, 150);
	check_i64(metric(&b, "stalls_total"), 0);
	clock_advance(&b.rig.clock, 100);
	until(&b, "stalls_total", 1);
	clock_advance(&b.rig.clock, 5000);
	broker_until(&b, FEED_SUBSCRIBING);
	ws_rig_for(&b.rig, 150);
	clock_advance(&b.rig.clock, 99);
	ws_rig_for(&b.rig, 150);
	check_i64(metric(&b, "stalls_total"), 1);
	clock_advance(&b.rig.clock, 1);
	until(&b, "stalls_total", 2);
	broker_down(&b);
}

/* The waits grow while connections die young; one that lived has the next fault begin anew. */
static void test_good_life(void **state)
{
	struct broker b;

	(void)state;
	broker_up(&b);
	clock_init_manual(&b.rig.clock, CLOCK_FEED, T0);
	broker_connect(&b);
	for (uint32_t tries = 1; tries <= 3; tries++) {
		clock_advance(&b.rig.clock, 10000);
		ws_conn_abort(b.gate.conn);
		broker_until(&b, FEED_BACKOFF);
		check_i64(b.feed->backoff.tries, tries);
		broker_until(&b, FEED_SUBSCRIBING);
	}
	clock_advance(&b.rig.clock, 10001);
	ws_conn_abort(b.gate.conn);
	broker_until(&b, FEED_BACKOFF);
	check_i64(b.feed->backoff.tries, 1);
	broker_down(&b);
}

/* A quiet socket of a closed market is nothing: by the broker's word, by the calendar, or because
 * nobody wants anything. */
static void test_closed_market(void **state)
{
	struct broker b;

	(void)state;
	for (int i = 0; i < 3; i++) {
		broker_up(&b);
		b.cfg.stale_ms = 100;
		clock_init(&b.rig.clock, CLOCK_FEED);
		if (i == 1) /* 20:29 */
			clock_see_market(&b.rig.clock, T0 + 5 * 3600000 + 1800000);
		else
			clock_see_market(&b.rig.clock, T0);
		if (i != 2)
			want(&b, FO, WANT_FULL);
		broker_connect(&b);
		if (i == 0)
			gate_say_status(&b, T0, "NSE_FO", STATUS_NORMAL_CLOSE);
		ws_rig_for(&b.rig, 500);
		check_i64(metric(&b, "stalls_total"), 0);
		check_i64(b.gate.opens, 1);
		broker_down(&b);
	}
}

/* --- stopping --------------------------------------------------------------------------------- */

static void test_stop(void **state)
{
	struct broker b;

	(void)state;
	/* Connected, before the first data; the broker gets a close frame. */
	broker_up(&b);
	want(&b, FO, WANT_FULL);
	broker_connect(&b);
	broker_down(&b);
	check_i64(b.gate.closes, 1);
	check_i64(b.gate.close_code, 1000);
	/* Live, with messages in the socket and a change of interest in the same turn. */
	broker_up(&b);
	broker_connect(&b);
	gate_say_ltp(&b, FEED_INITIAL, T0, FO, 100);
	broker_until(&b, FEED_UP);
	gate_say_ltp(&b, FEED_LIVE, T0 + 1, FO, 101);
	want(&b, FO, WANT_FULL);
	broker_down(&b);
	check_i64(b.gate.closes, 1);
	/* While the other side says goodbye. */
	broker_up(&b);
	broker_connect(&b);
	ws_conn_close(b.gate.conn, 1001, "");
	broker_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_bad_frames),
		cmocka_unit_test(test_bad_times),
		cmocka_unit_test(test_unknown_keys),
		cmocka_unit_test(test_leap),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_lingering),
		cmocka_unit_test(test_lingering_ends),
		cmocka_unit_test(test_subscribed_again),
		cmocka_unit_test(test_reconnect),
		cmocka_unit_test(test_late_frames),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_never_speaks),
		cmocka_unit_test(test_silence_begins_at_open),
		cmocka_unit_test(test_good_life),
		cmocka_unit_test(test_new_connection_begins_anew),
		cmocka_unit_test(test_closed_market),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, broker_log_begin, broker_log_end);
}
