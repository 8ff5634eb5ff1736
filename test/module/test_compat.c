/* SPDX-License-Identifier: MIT
 *
 * The feed in the broker's own protocol: what a reader that keeps up gets, and what is asked of it.
 * Slow readers are in test_compat_slow.c, the door in test_compat_door.c.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/follower.h"
#include "stream/compat_internal.h"
#include "upstox/control.h"

#define A     "NSE_FO|1"
#define B     "NSE_FO|2"
#define C     "NSE_FO|3"
#define INDEX "NSE_INDEX|Nifty 50"

/* Turns long enough for what must not come. */
static void check_silence(struct follower *f)
{
	ws_rig_for(&f->theatre->rig, 30);
	if (follower_has_news(f))
		fail_msg("not silent: %s", follower_line(f));
}

static void line_is(struct follower *f, const char *want)
{
	const char *line = follower_line(f);

	/* Times of snapshots are the server's. */
	if (strncmp(want, "initial@* ", 10) == 0 && strncmp(line, "initial@", 8) == 0)
		check_str(strchr(line, ' '), want + 9);
	else
		check_str(line, want);
}

static bool has_state(void *arg)
{
	struct theatre *t = arg;

	return module_metric(t->mod, "feed_clients") > 0;
}

/* --- the order of messages -------------------------------------------------------------------- */

static void test_market_info_comes_first(void **state)
{
	struct theatre t;
	struct follower early, late;
	const char *line;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	follower_open(&t, &early, "");
	check_silence(&early); /* the broker has not said anything yet */
	upstream_info(&t, 77, "NSE_FO", 2);
	line = follower_line(&early);
	check(strstr(line, "info@") == line);
	check(strstr(line, " NSE_FO=2") != NULL);
	check_silence(&early); /* once */
	upstream_info(&t, 78, "NSE_EQ", 3);
	line_is(&early, "info@78 NSE_EQ=3");
	/* Who comes later gets all that was said, before anything else. */
	upstream_ltp(&t, FEED_LIVE, 79, A, 125000);
	follower_open(&t, &late, "");
	follower_ask(&late, "sub", "ltpc", A);
	line = follower_line(&late);
	check(strstr(line, "info@") == line);
	check(strstr(line, " NSE_FO=2 NSE_EQ=3") != NULL);
	line_is(&late, "initial@* " A ":ltpc:ltpc=12.5");
	upstream_info(&t, 80, "NSE_FO", 3);
	line_is(&late, "info@80 NSE_FO=3");
	line_is(&early, "info@80 NSE_FO=3");
	follower_fini(&early);
	follower_fini(&late);
	theatre_down(&t);
}

/* What the broker said of the market is not handed on once its connection is gone: it says all again
 * on the next one. */
static void test_no_old_market_info(void **state)
{
	struct theatre t;
	struct follower f;
	const char *line;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	upstream_info(&t, 1, "NSE_FO", 2);
	t.market.status.is_live = t.market.status.is_connected = false;
	stream_status_changed(t.stream);
	follower_open(&t, &f, "");
	check_silence(&f);
	t.market.status.is_connected = true;
	stream_status_changed(t.stream);
	upstream_info(&t, 9, "NSE_EQ", 3);
	line = follower_line(&f);
	check(strstr(line, "info@") == line);
	check(strstr(line, " NSE_EQ=3") != NULL);
	check(strstr(line, "NSE_FO") == NULL);
	check_silence(&f);
	follower_fini(&f);
	theatre_down(&t);
}

/* Who has just connected gets nothing for a while, then market_info and state, whatever ticked
 * meanwhile; others are not held by it. */
static void test_hold(void **state)
{
	struct theatre t;
	struct follower before, f;
	const char *line;

	(void)state;
	theatre_up(&t);
	t.cfg.feed_hold_ms = 1000;
	theatre_open(&t);
	upstream_info(&t, 1, "NSE_FO", 2);
	follower_open(&t, &before, "");
	follower_ask(&before, "sub", "ltpc", A);
	follower_hear(&before); /* market_info */
	follower_open(&t, &f, "");
	follower_ask(&f, "sub", "ltpc", A "," B);
	follower_settle(&t, 2);
	upstream_ltp(&t, FEED_LIVE, 5, A, 10000);
	upstream_ltp(&t, FEED_LIVE, 6, A, 20000);
	line_is(&before, "live@5 " A ":ltpc:ltpc=1");
	line_is(&before, "live@6 " A ":ltpc:ltpc=2");
	line = follower_line(&f);
	check(strstr(line, "info@") == line);
	line_is(&f, "initial@* " A ":ltpc:ltpc=2");
	upstream_ltp(&t, FEED_LIVE, 7, B, 30000);
	line_is(&f, "live@7 " B ":ltpc:ltpc=3");
	follower_fini(&before);
	follower_fini(&f);
	theatre_down(&t);
}

/* The payload of the message that comes next. */
static const uint8_t *next_payload(struct follower *f)
{
	follower_hear(f);
	return f->frame.bytes;
}

static void test_snapshot_has_no_type(void **state)
{
	struct theatre t;
	struct follower f;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	upstream_ltp(&t, FEED_LIVE, 5, A, 125000);
	follower_open(&t, &f, "");
	follower_ask(&f, "sub", "full", A);
	check_i64(next_payload(&f)[0], 0x12); /* the first entry, and no type */
	check_i64(f.frame.type, FEED_INITIAL);
	upstream_ltp(&t, FEED_LIVE, 6, A, 126000);
	check_i64(next_payload(&f)[0], 0x08);
	check_i64(f.frame.type, FEED_LIVE);
	/* The broker's own snapshot is one here too. */
	upstream_ltp(&t, FEED_INITIAL, 7, A, 127000);
	check_i64(next_payload(&f)[0], 0x12);
	check_i64(f.frame.current_ts, 7);
	follower_fini(&f);
	theatre_down(&t);
}

/* Messages keep their boundaries, their times and their order, however many a turn brings. */
static void test_boundaries(void **state)
{
	struct theatre t;
	struct follower f;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	follower_open(&t, &f, "");
	follower_ask(&f, "sub", "full", A "," B);
	follower_settle(&t, 1);
	for (int i = 1; i <= 3; i++) {
		upstream_begin(&t, FEED_LIVE, 100 * i);
		upstream_add_ltp(&t, B, i * 10000);
		upstream_add_ltp(&t, C, i * 20000); /* nobody here has it */
		upstream_add_ltp(&t, A, i * 30000);
		upstream_end(&t);
		upstream_ltp(&t, FEED_LIVE, 100 * i + 50, C, 5);
	}
	line_is(&f, "live@100 " B ":full:market=1 " A ":full:market=3");
	line_is(&f, "live@200 " B ":full:market=2 " A ":full:market=6");
	line_is(&f, "live@300 " B ":full:market=3 " A ":full:market=9");
	check_silence(&f);
	check_i64(module_metric(t.mod, "feed_messages_total"), 3);
	check(f.peer->fault == NULL);
	follower_fini(&f);
	theatre_down(&t);
}

/* A message longer than one write goes out in parts of one time and type, nothing twice. */
static void test_long_message(void **state)
{
	const int n = 4000;
	struct theatre t;
	struct follower f;
	struct buf keys = {0};
	int entries = 0, parts = 0;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	follower_open(&t, &f, "");
	for (int i = 0; i < n; i++)
		buf_printf(&keys, "%sNSE_FO|%d", i ? "," : "", i);
	follower_ask(&f, "sub", "full", buf_cstr(&keys));
	follower_settle(&t, 1);
	upstream_begin(&t, FEED_INITIAL, 5);
	for (int i = 0; i < n; i++) {
		buf_reset(&keys);
		buf_printf(&keys, "NSE_FO|%d", i);
		upstream_add_ltp(&t, buf_cstr(&keys), 10000 + i);
	}
	upstream_end(&t);
	while (entries < n) {
		const struct tick *tick;

		follower_hear(&f);
		check_i64(f.frame.type, FEED_INITIAL);
		check_i64(f.frame.current_ts, 5);
		check(f.frame.len <= SEND_MAX_BYTES + 200);
		while ((tick = feed_frame_lend(&f.frame)))
			check_i64(tick->q.ltp, 10000 + entries++);
		parts++;
	}
	check(parts > 1);
	check_silence(&f);
	buf_fini(&keys);
	follower_fini(&f);
	theatre_down(&t);
}

/* --- requests --------------------------------------------------------------------------------- */

/* What the broker takes and what it passes over, one request after the other on one connection, with
 * A and B ticking behind each. */
static const struct {
	int op;
	const char *request;
	const char *modes; /* of A and B then: "ltpc" or "-" */
} table[] = {
	{WS_BINARY, "{\"guid\":\"g\",\"method\":\"sub\",\"data\":{\"instrumentKeys\":[\"" A "\"]}}",
	 "ltpc -"},
	{WS_BINARY,
	 "{\"guid\": \"g\", \"method\": \"sub\", \"data\": {\"instrumentKeys\": [\"" B "\", \"" B
	 "\"], \"mode\": \"full\"}}",
	 "ltpc full"},
	{WS_TEXT, "{\"guid\":\"g\",\"method\":\"unsub\",\"data\":{\"instrumentKeys\":[\"" A "\"]}}",
	 "ltpc full"},
	{WS_BINARY,
	 "{\"method\":\"sub\",\"data\":{\"mode\":\"full\",\"instrumentKeys\":[\"" A "\"]}}",
	 "full full"},
	{WS_BINARY,
	 "{\"method\":\"sub\",\"data\":{\"mode\":\"full\",\"instrumentKeys\":[\"" A "\"]}}",
	 "full full"},
	{WS_BINARY,
	 "{\"data\":{\"mode\":\"option_greeks\",\"instrumentKeys\":[\"" A
	 "\",\"NSE_FO|UNKNOWN\",7,null,\"\",\"x\"]},\"method\":\"change_mode\"}",
	 "option_greeks full"},
	{WS_BINARY,
	 "{\"method\":\"sub\",\"data\":{\"mode\":\"full_d5\",\"instrumentKeys\":[\"" A "\"]}}",
	 "option_greeks full"},
	{WS_BINARY,
	 "{\"method\":\"sub\",\"data\":{\"mode\":\"full_d30\",\"instrumentKeys\":[\"" A "\"]}}",
	 "full_d30 full"},
	{WS_BINARY, "{\"method\":\"unsub\",\"data\":{\"instrumentKeys\":[\"" B "\",\"" C "\"]}}",
	 "full_d30 -"},
	{WS_BINARY,
	 "{\"method\":\"change_mode\",\"data\":{\"mode\":\"full\",\"instrumentKeys\":[\"" B "\"]}}",
	 "full_d30 -"},
	{WS_BINARY, "{\"method\":\"stop\",\"data\":{\"instrumentKeys\":[\"" A "\"]}}",
	 "full_d30 -"},
	{WS_BINARY, "{\"method\":\"unsub\",\"data\":{\"instrumentKeys\":\"" A "\"}}", "full_d30 -"},
	{WS_BINARY, "{\"method\":\"unsub\",\"data\":[\"" A "\"]}", "full_d30 -"},
	{WS_BINARY, "{\"method\":\"unsub\"}", "full_d30 -"},
	{WS_BINARY, "{\"method\":\"unsub\",", "full_d30 -"},
	{WS_BINARY, "", "full_d30 -"},
	{WS_BINARY, "not JSON", "full_d30 -"},
	{WS_BINARY, "{\"method\":\"unsub\",\"data\":{\"instrumentKeys\":[\"" A "\"]}}", "- -"},
};

/* Both tick; the modes in which they come, as in the table. */
static const char *modes_now(struct follower *f, int64_t ts)
{
	static char text[64];
	const char *mode[2] = {"-", "-"};
	const struct tick *tick;

	upstream_begin(f->theatre, FEED_LIVE, ts);
	upstream_add_ltp(f->theatre, A, (price_t)ts * 10000);
	upstream_add_ltp(f->theatre, B, (price_t)ts * 10000);
	upstream_end(f->theatre);
	ws_rig_for(&f->theatre->rig, 5);
	while (follower_has_news(f)) {
		follower_hear(f);
		if (f->frame.type == FEED_INITIAL)
			continue;
		check_i64(f->frame.current_ts, ts);
		while ((tick = feed_frame_lend(&f->frame)))
			mode[tick->key[tick->key_len - 1] - '1'] =
				request_mode_text((enum request_mode)tick->q.mode);
	}
	snprintf(text, sizeof(text), "%s %s", mode[0], mode[1]);
	return text;
}

static void test_requests(void **state)
{
	struct theatre t;
	struct follower f;
	uint64_t ignored = 0;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	follower_open(&t, &f, "");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *modes;

		follower_send(&f, table[i].op, table[i].request);
		follower_settle(&t, i + 1);
		modes = modes_now(&f, (int64_t)i + 1);
		if (strcmp(modes, table[i].modes) != 0)
			fail_msg("behind %s: %s, not %s", table[i].request, modes, table[i].modes);
	}
	ignored = module_metric(t.mod, "feed_ignored_total");
	check_i64(ignored, 8);
	check(f.peer->fault == NULL && !f.peer->is_eof);
	follower_fini(&f);
	theatre_down(&t);
}

/* Each sub is answered by a snapshot, of what has state, once per key. */
static void test_snapshots(void **state)
{
	struct theatre t;
	struct follower f;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	upstream_ltp(&t, FEED_LIVE, 5, A, 125000);
	follower_open(&t, &f, "");
	follower_ask(&f, "sub", "ltpc", A "," A "," B);
	line_is(&f, "initial@* " A ":ltpc:ltpc=12.5");
	follower_ask(&f, "sub", "ltpc", A);
	line_is(&f, "initial@* " A ":ltpc:ltpc=12.5");
	follower_ask(&f, "change_mode", "option_greeks", A);
	line_is(&f, "initial@* " A ":option_greeks:first=12.5");
	follower_ask(&f, "change_mode", "full", C); /* is not subscribed to */
	follower_ask(&f, "unsub", NULL, A);
	check_silence(&f);
	/* What must not be taken for the present is not shown: the broker's answer comes. */
	t.market.is_stale = true;
	follower_ask(&f, "sub", "full", A);
	check_silence(&f);
	upstream_ltp(&t, FEED_INITIAL, 9, A, 135000);
	line_is(&f, "initial@9 " A ":full:market=13.5");
	follower_fini(&f);
	theatre_down(&t);
}

/* A sub of A is answered with these fields. */
static void check_snapshot(struct follower *f, const char *mode, uint32_t fields)
{
	const struct tick *tick;

	follower_ask(f, "sub", mode, A);
	follower_hear(f);
	check_i64(f->frame.type, FEED_INITIAL);
	tick = feed_frame_lend(&f->frame);
	check(tick != NULL);
	check_i64(tick->q.present & (QUOTE_MSG_LTPC - 1), fields);
	check_str(request_mode_text((enum request_mode)tick->q.mode), mode);
}

/* What is left over from a greater mode is old when only a lesser one has come since: it is no part of a
 * snapshot. What the broker answers to the greater mode comes as its message. */
static void test_snapshot_of_a_lesser_mode(void **state)
{
	const struct quote full = {.present = QUOTE_LTP | QUOTE_MSG_LTPC | QUOTE_DEPTH,
				   .arm = ARM_MARKET,
				   .mode = MODE_FULL_D5,
				   .ltp = 10000,
				   .depth_n = 1,
				   .depth = {{1, 10000, 20000, 2}}},
			   ltpc = {.present = QUOTE_LTP | QUOTE_MSG_LTPC,
				   .arm = ARM_LTPC,
				   .mode = MODE_LTPC,
				   .ltp = 30000};
	struct theatre t;
	struct follower f;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	upstream_begin(&t, FEED_INITIAL, 1);
	upstream_add(&t, A, &full);
	upstream_end(&t);
	follower_open(&t, &f, "");
	check_snapshot(&f, "full", QUOTE_LTP | QUOTE_DEPTH);
	follower_ask(&f, "unsub", NULL, A);
	follower_settle(&t, 2);
	upstream_begin(&t, FEED_LIVE, 2);
	upstream_add(&t, A, &ltpc);
	upstream_end(&t);
	check_snapshot(&f, "full", QUOTE_LTP);
	check_snapshot(&f, "option_greeks", QUOTE_LTP);
	check_snapshot(&f, "ltpc", QUOTE_LTP);
	upstream_begin(&t, FEED_INITIAL, 3);
	upstream_add(&t, A, &full);
	upstream_end(&t);
	line_is(&f, "initial@3 " A ":ltpc:ltpc=1");
	check_snapshot(&f, "full", QUOTE_LTP | QUOTE_DEPTH);
	follower_fini(&f);
	theatre_down(&t);
}

/* A subscription between the messages of one turn gets the state behind all of them, and none of
 * them again: prices never go back. */
static void test_snapshot_within_a_turn(void **state)
{
	struct theatre t;
	struct follower f, other;
	struct compat_client *client;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	follower_open(&t, &other, "");
	follower_ask(&other, "sub", "full", A "," B);
	follower_settle(&t, 1);
	follower_open(&t, &f, "");
	follower_ask(&f, "sub", "full", B);
	follower_settle(&t, 2);
	client = container_of(t.stream->compat.clients.prev, struct compat_client, link);
	upstream_begin(&t, FEED_LIVE, 1);
	upstream_add_ltp(&t, A, 10000);
	upstream_add_ltp(&t, B, 10000);
	upstream_end(&t);
	compat_callbacks.on_message(
		client, client->conn, WS_BINARY,
		"{\"method\":\"sub\",\"data\":{\"mode\":\"full\",\"instrumentKeys\":[\"" A "\"]}}",
		strlen("{\"method\":\"sub\",\"data\":{\"mode\":\"full\",\"instrumentKeys\":[\"" A
		       "\"]}}"));
	upstream_begin(&t, FEED_LIVE, 2);
	upstream_add_ltp(&t, A, 20000);
	upstream_add_ltp(&t, B, 20000);
	upstream_end(&t);
	line_is(&f, "initial@* " A ":full:market=2");
	line_is(&f, "live@1 " B ":full:market=1");
	line_is(&f, "live@2 " B ":full:market=2");
	line_is(&other, "live@1 " A ":full:market=1 " B ":full:market=1");
	line_is(&other, "live@2 " A ":full:market=2 " B ":full:market=2");
	check_silence(&f);
	follower_fini(&f);
	follower_fini(&other);
	theatre_down(&t);
}

/* --- modes ------------------------------------------------------------------------------------ */

/* Only what a message carried, and of that what the mode has: a change of depth is nothing in ltpc. */
static void test_modes(void **state)
{
	static const char *const modes[] = {"ltpc", "option_greeks", "full", "full_d30"};
	static const uint32_t bits[] = {0, QUOTE_DEPTH | QUOTE_OI,
					QUOTE_DEPTH | QUOTE_OI | QUOTE_ATP,
					QUOTE_DEPTH | QUOTE_OI | QUOTE_ATP};
	static const unsigned rows[] = {0, 1, 5, 30};
	struct quote q = {.present = QUOTE_DEPTH | QUOTE_OI | QUOTE_ATP,
			  .arm = ARM_MARKET,
			  .mode = MODE_FULL_D30,
			  .oi = 75,
			  .atp = 10000,
			  .depth_n = DEPTH_MAX};
	struct theatre t;
	struct follower f[4];

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	upstream_ltp(&t, FEED_LIVE, 1, A, 10000);
	for (int i = 0; i < 4; i++) {
		follower_open(&t, &f[i], "");
		follower_ask(&f[i], "sub", modes[i], A);
		follower_hear(&f[i]); /* the snapshot */
	}
	check_i64(module_metric(t.mod, "feed_views"), 4);
	upstream_begin(&t, FEED_LIVE, 2);
	upstream_add(&t, A, &q);
	upstream_end(&t);
	for (int i = 1; i < 4; i++) {
		const struct tick *tick;

		follower_hear(&f[i]);
		tick = feed_frame_lend(&f[i].frame);
		check(tick != NULL);
		check_i64(tick->q.present, bits[i]);
		check_i64(tick->q.depth_n, rows[i]);
	}
	check_silence(&f[0]);
	for (int i = 0; i < 4; i++)
		follower_fini(&f[i]);
	theatre_down(&t);
}

/* An index is one in the modes full, even when all that the broker has said of it came in another. */
static void test_index(void **state)
{
	const struct quote q = {.present = QUOTE_LTP | QUOTE_MSG_LTPC,
				.arm = ARM_LTPC,
				.mode = MODE_LTPC,
				.ltp = 250000};
	struct theatre t;
	struct follower f;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	upstream_begin(&t, FEED_INITIAL, 1);
	upstream_add(&t, INDEX, &q);
	upstream_end(&t);
	follower_open(&t, &f, "");
	follower_ask(&f, "sub", "full", INDEX);
	line_is(&f, "initial@* " INDEX ":full:index=25");
	upstream_begin(&t, FEED_LIVE, 2);
	upstream_add(&t, INDEX, &q);
	upstream_end(&t);
	line_is(&f, "live@2 " INDEX ":full:index=25");
	follower_fini(&f);
	theatre_down(&t);
}

/* --- who wants what --------------------------------------------------------------------------- */

static int top(struct theatre *t, const char *key)
{
	return interest_top(&t->market.interest,
			    instruments_find(&t->market.book.instruments, key, strlen(key)));
}

static void test_interest_and_views(void **state)
{
	struct theatre t;
	struct follower f[3];
	struct viewer v;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	for (int i = 0; i < 3; i++) {
		follower_open(&t, &f[i], "");
		follower_ask(&f[i], "sub", "ltpc", i == 1 ? B "," A : A "," B);
	}
	viewer_open(&t, &v);
	viewer_subscribe(&v, B, "option_greeks");
	follower_settle(&t, 3);
	check_i64(module_metric(t.mod, "feed_clients"), 3);
	check_i64(module_metric(t.mod, "feed_views"), 1); /* whatever the order */
	check_i64(top(&t, A), WANT_LTPC);
	check_i64(top(&t, B), WANT_OPTION_GREEKS);
	follower_ask(&f[0], "sub", "full_d30", A);
	follower_settle(&t, 4);
	check_i64(module_metric(t.mod, "feed_views"), 2);
	check_i64(top(&t, A), WANT_FULL_D30);
	upstream_begin(&t, FEED_LIVE, 3);
	upstream_add_ltp(&t, A, 10000);
	upstream_add_ltp(&t, B, 20000);
	upstream_end(&t);
	line_is(&f[0], "live@3 " A ":full_d30:market=1 " B ":ltpc:ltpc=2");
	line_is(&f[1], "live@3 " A ":ltpc:ltpc=1 " B ":ltpc:ltpc=2");
	line_is(&f[2], "live@3 " A ":ltpc:ltpc=1 " B ":ltpc:ltpc=2");
	cJSON_Delete(viewer_hear_type(&v, "market_data"));
	follower_ask(&f[0], "sub", "ltpc", A);
	follower_settle(&t, 5);
	check_i64(module_metric(t.mod, "feed_views"), 1); /* equal again */
	check_i64(top(&t, A), WANT_LTPC);
	for (int i = 0; i < 3; i++) {
		ws_peer_hang_up(f[i].peer);
		follower_fini(&f[i]);
	}
	ws_rig_for(&t.rig, 50);
	check_i64(module_metric(t.mod, "feed_clients"), 0);
	check_i64(module_metric(t.mod, "feed_views"), 0);
	check_i64(top(&t, A), WANT_NOTHING);
	check_i64(top(&t, B), WANT_OPTION_GREEKS);
	theatre_down(&t);
}

static void test_limit(void **state)
{
	struct theatre t;
	struct follower f;

	(void)state;
	theatre_up(&t);
	t.cfg.max_subscriptions = 2;
	theatre_open(&t);
	follower_open(&t, &f, "");
	follower_ask(&f, "sub", "ltpc", A "," B "," C);
	follower_settle(&t, 1);
	check_i64(top(&t, B), WANT_LTPC);
	check_i64(instruments_find(&t.market.book.instruments, C, strlen(C)), INST_NONE);
	follower_ask(&f, "unsub", NULL, A);
	follower_ask(&f, "sub", "full", B "," C); /* what is there may always move */
	follower_settle(&t, 3);
	check_i64(top(&t, A), WANT_NOTHING);
	check_i64(top(&t, B), WANT_FULL);
	check_i64(top(&t, C), WANT_FULL);
	follower_fini(&f);
	theatre_down(&t);
}

/* What the broker would not serve is passed over, as it would pass it over: what was there stays. */
static void test_broker_limit(void **state)
{
	static const struct interest_limits limits = {.alone = {2, 2, 2, 0}, .mixed = {2, 2, 2, 0}};
	struct theatre t;
	struct follower f;

	(void)state;
	theatre_up(&t);
	t.market.interest.limits = &limits;
	theatre_open(&t);
	follower_open(&t, &f, "");
	follower_ask(&f, "sub", "full", A "," B "," C);
	follower_ask(&f, "sub", "full_d30", A);
	follower_ask(&f, "change_mode", "full_d30", B);
	follower_settle(&t, 3);
	check_i64(top(&t, A), WANT_FULL);
	check_i64(top(&t, B), WANT_FULL);
	check_i64(instruments_find(&t.market.book.instruments, C, strlen(C)), INST_NONE);
	upstream_begin(&t, FEED_LIVE, 2);
	upstream_add_ltp(&t, A, 10000);
	upstream_add_ltp(&t, B, 20000);
	upstream_add_ltp(&t, C, 30000);
	upstream_end(&t);
	line_is(&f, "live@2 " A ":full:market=1 " B ":full:market=2");
	follower_fini(&f);
	theatre_down(&t);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void test_flood(void **state)
{
	struct theatre t;
	struct follower f;
	int sent = 0;

	(void)state;
	theatre_up(&t);
	t.cfg.commands_per_s = 1;
	theatre_open(&t);
	follower_open(&t, &f, "");
	for (; sent < 30; sent++)
		follower_ask(&f, "sub", "ltpc", A);
	follower_settle(&t, 30);
	check(!f.peer->is_eof); /* a program may ask for its instruments one by one */
	for (; sent < 60; sent++)
		follower_ask(&f, "sub", "ltpc", A);
	check(ws_peer_wait_eof(&t.rig, f.peer));
	check_i64(ws_peer_close_code(f.peer), STREAM_CLOSE_FLOOD);
	follower_fini(&f);
	theatre_down(&t);
}

/* Before a stop a reader is served until the time is over, though it cannot be told. */
static void test_drain(void **state)
{
	struct theatre t;
	struct follower f;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	follower_open(&t, &f, "");
	follower_ask(&f, "sub", "ltpc", A);
	t.mod->ops->drain(t.mod, 3000);
	ws_rig_for(&t.rig, 600); /* two looks at whether somebody is left */
	upstream_ltp(&t, FEED_LIVE, 5, A, 10000);
	line_is(&f, "live@5 " A ":ltpc:ltpc=1");
	follower_fini(&f);
	theatre_down(&t);
}

/* The last ticks leave, then everyone is told to go. */
static void test_stop(void **state)
{
	struct theatre t;
	struct follower f;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	follower_open(&t, &f, "");
	rig_until(&t.rig, has_state, &t);
	follower_ask(&f, "sub", "full", A);
	follower_settle(&t, 1);
	upstream_ltp(&t, FEED_LIVE, 4, A, 10000);
	module_down(&t.rig, t.mod);
	check(ws_peer_wait_eof(&t.rig, f.peer));
	line_is(&f, "live@4 " A ":full:market=1");
	check_i64(ws_peer_close_code(f.peer), 1001);
	follower_fini(&f);
	theatre_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_market_info_comes_first),
		cmocka_unit_test(test_no_old_market_info),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_snapshot_has_no_type),
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_long_message),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_snapshot_of_a_lesser_mode),
		cmocka_unit_test(test_snapshot_within_a_turn),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_interest_and_views),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_broker_limit),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
