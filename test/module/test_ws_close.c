/* SPDX-License-Identifier: MIT
 *
 * A WebSocket server on a real loop: the ways in which a connection ends.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/ws_app.h"

/* --- closing --------------------------------------------------------------------------------- */

static void the_close_of_the_peer_is_answered(void **state)
{
	static const struct {
		const char *payload;
		size_t len;
		int answer, code;
		const char *reason;
	} cases[] = {
		{"\x03\xe8"
		 "bye",
		 5, 1000, 1000, "bye"},
		{"\x03\xe9", 2, 1001, 1001, ""},
		{"\x0f\xa0x", 3, 4000, 4000, "x"},
		{"", 0, 0, 0, ""},
		{"a", 1, 1002, 1002, ""},        /* half a code */
		{"\x03\xed", 2, 1002, 1002, ""}, /* 1005 is never sent */
		{"\x03\xee", 2, 1002, 1002, ""},
		{"\x07\xd0", 2, 1002, 1002, ""}, /* 2000 */
	};
	struct app *a = app_up();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");

		ws_peer_frame(p, 0x88, cases[i].payload, cases[i].len);
		check(ws_peer_wait_frames(&a->rig, p, 1));
		check(ws_peer_wait_eof(&a->rig, p));
		check_i64(ws_peer_get(p, 0)->op, 8);
		check_i64(ws_peer_close_code(p), cases[i].answer);
		check(ws_rig_until(&a->rig, app_all_closed, a, 3000));
		check_i64(a->code, cases[i].code);
		check_str(a->reason, cases[i].reason);
		check(p->fault == NULL);
		check_i64(p->frames_n, 1);
	}
	app_down(a);
}

static void our_close_carries_code_and_reason(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");
	const struct ws_peer_frame *f;

	(void)state;
	ws_conn_close(a->conn, 4001, "slow \xe2\x82\xac");
	check_i64(a->closes, 0); /* not from inside the call */
	check_i64(ws_conn_send(a->conn, "\x81\x01x", 3), WS_CLOSED);
	ws_conn_close(a->conn, 1000, "too late");
	check(ws_peer_wait_frames(&a->rig, p, 1));
	f = ws_peer_get(p, 0);
	check_i64(f->len, 10);
	assert_memory_equal(ws_peer_payload(p, f), "\x0f\xa1slow \xe2\x82\xac", 10);
	ws_peer_frame(p, 0x89, "no pong now", 11);
	ws_peer_frame(p, 0x81, "no message now", 14);
	ws_peer_close(p, 4001, "");
	check(ws_peer_wait_eof(&a->rig, p));
	check(ws_rig_until(&a->rig, app_all_closed, a, 3000));
	check_i64(p->frames_n, 1);
	check_i64(a->code, 4001);
	check_i64(a->messages, 0);
	app_down(a);
}

static void a_long_reason_is_cut_between_characters(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");
	char reason[200];

	(void)state;
	for (size_t i = 0; i < 198; i += 3)
		memcpy(reason + i, "\xe2\x82\xac", 3);
	reason[0] = reason[1] = 'a'; /* 123 would end inside a character */
	reason[2] = 'b';
	memmove(reason + 1, reason + 3, 150);
	reason[151] = '\0';
	ws_conn_close(a->conn, 1008, reason);
	check(ws_peer_wait_frames(&a->rig, p, 1));
	check(ws_peer_get(p, 0)->len <= 125);
	check(ws_peer_get(p, 0)->len > 120);
	check(p->fault == NULL);
	app_down(a);
}

static void a_peer_that_never_answers_is_dropped_after_two_seconds(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");
	uint64_t begin = uv_hrtime();

	(void)state;
	ws_conn_close(a->conn, 1001, "going");
	check(ws_rig_until(&a->rig, app_all_closed, a, 3000));
	check(uv_hrtime() - begin >= 1900 * NS_PER_MS);
	check_i64(ws_peer_close_code(p), 1001);
	check(ws_peer_wait_eof(&a->rig, p));
	app_down(a);
}

static void a_full_socket_does_not_hold_the_close_up(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");

	(void)state;
	app_fill(a, p);
	ws_conn_close(a->conn, 4002, "too slow");
	check(ws_rig_until(&a->rig, app_all_closed, a, 3000));
	check_i64(a->code, 4002);
	/* The reader who wakes up within the time gets everything and then the reason. */
	p = ws_peer_open(&a->rig, a->port, "/", "");
	app_fill(a, p);
	ws_conn_close(a->conn, 4002, "too slow");
	ws_rig_for(&a->rig, 100);
	p->is_deaf = false;
	while (!p->has_close && !p->is_eof)
		ws_rig_turn(&a->rig);
	check_i64(ws_peer_close_code(p), 4002);
	check(p->fault == NULL);
	ws_peer_close(p, 4002, "");
	check(ws_rig_until(&a->rig, app_all_closed, a, 1000));
	app_down(a);
}

static void an_abort_is_at_once_and_without_a_frame(void **state)
{
	struct app *a = app_up();

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");

		if (i == 1)
			app_fill(a, p);
		if (i == 2) /* an abort while closing */
			ws_conn_close(a->conn, 1000, "");
		ws_conn_abort(a->conn);
		if (i == 3) /* closing an aborted one changes nothing */
			ws_conn_close(a->conn, 1000, "");
		check_i64(a->closes, i);
		check_i64(ws_conn_send(a->conn, "\x81\x01x", 3), WS_CLOSED);
		check(ws_rig_until(&a->rig, app_all_closed, a, 500));
		p->is_deaf = false;
		check(ws_peer_wait_eof(&a->rig, p));
		check(!p->has_close);
		check_i64(a->code, i == 2 ? 1000 : 0);
	}
	app_down(a);
}

static void a_peer_that_vanishes_is_noticed(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");

	(void)state;
	ws_peer_hang_up(p);
	check(ws_rig_until(&a->rig, app_all_closed, a, 2000));
	check_i64(a->code, 0);
	/* In the middle of a frame. */
	p = ws_peer_open(&a->rig, a->port, "/", "");
	ws_peer_raw(p, "\x81\x85\0\0\0\0ab", 8);
	ws_rig_for(&a->rig, 10);
	ws_peer_hang_up(p);
	check(ws_rig_until(&a->rig, app_all_closed, a, 2000));
	check_i64(a->messages, 0);
	app_down(a);
}

/* --- keepalive ------------------------------------------------------------------------------- */

static void quiet_peers_are_pinged_and_dead_ones_dropped(void **state)
{
	struct app *a = mem_zalloc(sizeof(*a));
	struct ws_server_config cfg = app_config(a);
	struct ws_peer *dead, *alive;
	uint64_t begin;

	(void)state;
	cfg.ping_s = cfg.pong_s = 1;
	app_up_with(a, &cfg);
	begin = uv_hrtime();
	dead = ws_peer_open(&a->rig, a->port, "/", "");
	alive = ws_peer_open(&a->rig, a->port, "/", "");
	while (a->closes == 0 && ws_rig_ms(&a->rig) < PATIENCE_MS) {
		size_t n = alive->frames_n;

		ws_rig_turn(&a->rig);
		if (alive->frames_n > n) {
			const struct ws_peer_frame *f = ws_peer_get(alive, n);

			check_i64(f->op, 9);
			ws_peer_frame(alive, 0x8a, ws_peer_payload(alive, f), f->len);
		}
	}
	check_i64(a->closes, 1);
	check((uv_hrtime() - begin) / 1000000 >= 1900);
	check(ws_peer_wait_eof(&a->rig, dead));
	check_i64(dead->frames_n, 1);
	check_i64(ws_peer_get(dead, 0)->op, 9);
	check(a->pongs >= 1);
	check(!alive->is_eof);
	check(alive->fault == NULL && dead->fault == NULL);
	app_down(a);
}

/* --- the end --------------------------------------------------------------------------------- */

static void destroy_closes_a_hundred_connections(void **state)
{
	struct app *a = app_up();

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");

		if (i % 10 == 0)
			app_fill(a, p);
		if (i % 10 == 1)
			ws_conn_close(a->conn, 1001, "");
		if (i % 10 == 2)
			ws_conn_abort(a->conn);
		if (i % 10 == 3) /* a message half received */
			ws_peer_raw(p, "\x81\x85\0\0\0\0ab", 8);
	}
	/* Some that only connected, and one in the middle of its head. */
	for (int i = 0; i < 5; i++)
		ws_peer_connect(&a->rig, a->port, 0);
	ws_peer_raw(ws_peer_connect(&a->rig, a->port, 0), "GET / HT", 8);
	for (int i = 0; i < 5; i++)
		ws_rig_turn(&a->rig);
	check_i64(a->opens, 100);
	app_down(a);
}

static void create_and_destroy_again_and_again(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		struct app *a = app_up();

		if (i % 2)
			ws_peer_open(&a->rig, a->port, "/", "");
		app_down(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_close_of_the_peer_is_answered),
		cmocka_unit_test(our_close_carries_code_and_reason),
		cmocka_unit_test(a_long_reason_is_cut_between_characters),
		cmocka_unit_test(a_peer_that_never_answers_is_dropped_after_two_seconds),
		cmocka_unit_test(a_full_socket_does_not_hold_the_close_up),
		cmocka_unit_test(an_abort_is_at_once_and_without_a_frame),
		cmocka_unit_test(a_peer_that_vanishes_is_noticed),
		cmocka_unit_test(quiet_peers_are_pinged_and_dead_ones_dropped),
		cmocka_unit_test(destroy_closes_a_hundred_connections),
		cmocka_unit_test(create_and_destroy_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
