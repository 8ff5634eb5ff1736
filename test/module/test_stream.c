/* SPDX-License-Identifier: MIT
 *
 * The broadcaster's data: snapshots, ticks, modes, heartbeats, and the end. Handshake and commands
 * are in test_stream_commands.c, readers that are slow in test_stream_slow.c.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/viewer.h"

#define FO    "NSE_FO|45450"
#define INDEX "NSE_INDEX|Nifty 50"

static void full_tick(struct theatre *t, const char *key, price_t ltp)
{
	struct quote q = {.present = QUOTE_LTP | QUOTE_LTT | QUOTE_CP | QUOTE_VTT | QUOTE_OI |
				     QUOTE_ATP | QUOTE_DELTA | QUOTE_DEPTH,
			  .arm = ARM_MARKET,
			  .ltp = ltp,
			  .ltt = 5,
			  .cp = 1000000,
			  .vtt = 7,
			  .oi = 75,
			  .atp = ltp,
			  .delta = 0.5,
			  .depth_n = 2};

	market_tick(&t->market, key, &q);
}

/* --- data ------------------------------------------------------------------------------------- */

static void test_snapshot_and_ticks(void **state)
{
	struct theatre t;
	struct viewer v;
	cJSON *json, *quote;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	full_tick(&t, FO, 1010000);
	viewer_open(&t, &v);
	viewer_subscribe(&v, FO, "full");
	json = viewer_hear_type(&v, "market_data");
	check_str(member_names(json), "type snapshot data seq");
	check(cJSON_IsTrue(cJSON_GetObjectItem(json, "snapshot")));
	check_i64(member_num(json, "seq"), 1);
	quote = cJSON_GetObjectItem(json, "data")->child;
	check(quote->next == NULL);
	check_str(member_str(quote, "key"), FO);
	check_near(member_num(quote, "ltp"), 101, 0);
	cJSON_Delete(json);
	full_tick(&t, FO, 1020000);
	json = viewer_hear_type(&v, "market_data");
	check_str(member_names(json), "type data seq");
	check_i64(member_num(json, "seq"), 2);
	quote = cJSON_GetObjectItem(json, "data")->child;
	check_i64(member_num(quote, "seq"), 2);
	check_near(member_num(quote, "ltp"), 102, 0);
	check_i64(member_num(quote, "vtt"), 7); /* the complete state */
	cJSON_Delete(json);
	/* What nobody here watches makes no frame; the seq of the next one covers it. */
	full_tick(&t, INDEX, 1);
	ws_rig_for(&t.rig, 30);
	check(!viewer_has_news(&v));
	full_tick(&t, FO, 1030000);
	json = viewer_hear_type(&v, "market_data");
	check_i64(member_num(json, "seq"), 4);
	cJSON_Delete(json);
	/* After unsubscribe: silence. */
	cJSON_Delete(viewer_ask(&v, "{\"action\":\"unsubscribe\",\"instruments\":[\"" FO "\"]}",
				"subscription_update"));
	full_tick(&t, FO, 1040000);
	ws_rig_for(&t.rig, 30);
	check(!viewer_has_news(&v));
	check(v.peer->fault == NULL);
	theatre_down(&t);
}

/* Without state there is no snapshot; a subscription made again owes it again. */
static void test_no_snapshot(void **state)
{
	struct theatre t;
	struct viewer v;
	cJSON *json;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	viewer_open(&t, &v);
	viewer_subscribe(&v, FO, "full");
	ws_rig_for(&t.rig, 30);
	check(!viewer_has_news(&v));
	full_tick(&t, FO, 1010000);
	json = viewer_hear_type(&v, "market_data");
	check(cJSON_GetObjectItem(json, "snapshot") == NULL);
	cJSON_Delete(json);
	for (int i = 0; i < 2; i++) {
		viewer_subscribe(&v, FO, i ? "ltpc" : "full"); /* the same mode, and another */
		json = viewer_hear_type(&v, "market_data");
		check(cJSON_IsTrue(cJSON_GetObjectItem(json, "snapshot")));
		check(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "data")->child, "stale") ==
		      NULL);
		cJSON_Delete(json);
	}
	/* What must not be taken for the present says so. */
	t.market.is_stale = true;
	viewer_subscribe(&v, FO, "full");
	json = viewer_hear_type(&v, "market_data");
	check(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "data")->child, "stale")));
	cJSON_Delete(json);
	theatre_down(&t);
}

/* The same tick in three modes; two readers of one mode get the same bytes. */
static void test_modes(void **state)
{
	static const char *const modes[] = {"ltpc", "option_greeks", "full", "full"};
	static const char *const members[] = {
		"key seq ts_ms recv_ms ltp ltt cp change change_pct",
		"key seq ts_ms recv_ms ltp ltt cp change change_pct vtt oi delta depth",
		"key seq ts_ms recv_ms ltp ltt cp change change_pct vtt oi delta atp depth",
	};
	struct theatre t;
	struct viewer v[4];
	cJSON *json[4];

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	for (int i = 0; i < 4; i++) {
		viewer_open(&t, &v[i]);
		viewer_subscribe(&v[i], FO, modes[i]);
	}
	full_tick(&t, FO, 1010000);
	for (int i = 0; i < 4; i++) {
		json[i] = viewer_hear_type(&v[i], "market_data");
		check_str(member_names(cJSON_GetObjectItem(json[i], "data")->child),
			  members[i < 3 ? i : 2]);
	}
	check(cJSON_Compare(json[2], json[3], true));
	check_i64(cJSON_GetArraySize(cJSON_GetObjectItem(
			  cJSON_GetObjectItem(json[1], "data")->child, "depth")),
		  1);
	for (int i = 0; i < 4; i++)
		cJSON_Delete(json[i]);
	theatre_down(&t);
}

/* Several ticks between two flushes: one frame, each instrument once, the rest counted. */
static void test_conflated(void **state)
{
	struct theatre t;
	struct viewer v;
	cJSON *json, *data;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	viewer_open(&t, &v);
	viewer_subscribe(&v, FO, "ltpc");
	viewer_subscribe(&v, INDEX, "ltpc");
	for (int i = 1; i <= 5; i++)
		market_ltp(&t.market, FO, i * 10000);
	market_ltp(&t.market, INDEX, 70000);
	json = viewer_hear_type(&v, "market_data");
	data = cJSON_GetObjectItem(json, "data");
	check_i64(cJSON_GetArraySize(data), 2);
	check_i64(member_num(json, "seq"), 6);
	check_i64(member_num(json, "conflated"), 4);
	check_near(member_num(data->child, "ltp"), 5, 0);
	check_near(member_num(data->child->next, "ltp"), 7, 0);
	cJSON_Delete(json);
	ws_rig_for(&t.rig, 30);
	check(!viewer_has_news(&v));
	check_i64(module_metric(t.mod, "frames_total"), 1);
	check_i64(module_metric(t.mod, "conflated_total"), 4);
	/* Ticks and a subscription in one turn: the snapshot holds them, and none comes twice. */
	market_ltp(&t.market, FO, 60000);
	viewer_subscribe(&v, FO, "full");
	json = viewer_hear_type(&v, "market_data");
	cJSON_Delete(json);
	while (viewer_has_news(&v)) {
		json = viewer_hear_type(&v, "market_data");
		check(cJSON_IsTrue(cJSON_GetObjectItem(json, "snapshot")));
		cJSON_Delete(json);
	}
	theatre_down(&t);
}

/* More than a frame holds goes out in several; only the last one claims the newest seq. */
static void test_many_frames(void **state)
{
	const int n = 2000;
	struct theatre t;
	struct viewer v;
	struct buf command = {0};
	int quotes = 0, frames = 0;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	viewer_open(&t, &v);
	buf_str(&command, "{\"action\":\"subscribe\",\"instruments\":[");
	for (int i = 0; i < n; i++)
		buf_printf(&command, "%s\"NSE_FO|%d\"", i ? "," : "", i);
	buf_str(&command, "]}");
	viewer_say(&v, buf_cstr(&command));
	cJSON_Delete(viewer_hear_type(&v, "subscription_update"));
	for (int i = 0; i < n; i++) {
		buf_reset(&command);
		buf_printf(&command, "NSE_FO|%d", i);
		full_tick(&t, buf_cstr(&command), 10000 + i);
	}
	while (quotes < n) {
		cJSON *json = viewer_hear_type(&v, "market_data"), *it;
		int count = 0;

		cJSON_ArrayForEach (it, cJSON_GetObjectItem(json, "data")) {
			check_i64(member_num(it, "seq"), quotes + count + 1);
			count++;
		}
		quotes += count;
		frames++;
		check_i64(member_num(json, "seq"), quotes < n ? 0 : n);
		cJSON_Delete(json);
	}
	check_i64(quotes, n);
	check(frames > 3);
	check(v.peer->fault == NULL);
	buf_fini(&command);
	theatre_down(&t);
}

static void test_heartbeat(void **state)
{
	struct theatre t;
	struct viewer v;
	cJSON *json;

	(void)state;
	theatre_up(&t);
	t.cfg.heartbeat_s = 1;
	theatre_open(&t);
	viewer_open(&t, &v);
	viewer_subscribe(&v, FO, "ltpc");
	market_ltp(&t.market, INDEX, 1); /* not in its view */
	json = viewer_hear_type(&v, "heartbeat");
	check_i64(member_num(json, "seq"), 1);
	cJSON_Delete(json);
	theatre_down(&t);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void test_client_goes(void **state)
{
	struct theatre t;
	struct viewer v[3];
	inst_id id;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	for (int i = 0; i < 3; i++) {
		viewer_open(&t, &v[i]);
		viewer_subscribe(&v[i], FO, i == 2 ? "full" : "ltpc");
	}
	id = instruments_find(&t.market.book.instruments, FO, strlen(FO));
	ws_peer_hang_up(v[2].peer);
	ws_rig_for(&t.rig, 50);
	check_i64(interest_top(&t.market.interest, id), WANT_LTPC);
	ws_peer_close(v[0].peer, 1000, "bye");
	check(ws_peer_wait_eof(&t.rig, v[0].peer));
	check_i64(module_metric(t.mod, "clients"), 1);
	market_ltp(&t.market, FO, 10000);
	cJSON_Delete(viewer_hear_type(&v[1], "market_data"));
	theatre_down(&t);
}

/* The last ticks leave, then everyone is told to go. */
static void test_stop(void **state)
{
	struct theatre t;
	struct viewer v[3];

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	for (int i = 0; i < 3; i++) {
		viewer_open(&t, &v[i]);
		viewer_subscribe(&v[i], FO, "ltpc");
	}
	market_ltp(&t.market, FO, 10000);
	module_down(&t.rig, t.mod);
	for (int i = 0; i < 3; i++) {
		check(ws_peer_wait_eof(&t.rig, v[i].peer));
		cJSON_Delete(viewer_hear_type(&v[i], "market_data"));
		check_i64(ws_peer_close_code(v[i].peer), 1001);
		check(v[i].peer->fault == NULL);
	}
	ws_rig_down(&t.rig);
	stream_destroy(t.stream);
	market_fini(&t.market);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshot_and_ticks),
		cmocka_unit_test(test_no_snapshot),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_conflated),
		cmocka_unit_test(test_many_frames),
		cmocka_unit_test(test_heartbeat),
		cmocka_unit_test(test_client_goes),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
