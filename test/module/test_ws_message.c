/* SPDX-License-Identifier: MIT
 *
 * A WebSocket server on a real loop: messages and fragments of every size, pings, and what breaks
 * the protocol.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/ws_app.h"

static void messages_come_whole(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");
	static const size_t lengths[] = {0,    1,    125,   126,   4095,
					 4096, 4097, 65535, 65536, APP_MESSAGE_MAX};
	char *big = mem_alloc(APP_MESSAGE_MAX);

	(void)state;
	for (size_t i = 0; i < APP_MESSAGE_MAX; i++)
		big[i] = (char)('a' + i % 26);
	for (int chop = 0; chop < 2; chop++) {
		p->chop = chop ? 1000 : 0;
		for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
			int op = i % 2 ? 1 : 2;

			ws_peer_frame(p, 0x80 | op, big, lengths[i]);
			app_check_echo(a, p, op, big, lengths[i]);
		}
	}
	check_i64(a->messages, 2 * ARRAY_LEN(lengths));
	free(big);
	app_down(a);
}

static void fragments_are_joined(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");

	(void)state;
	for (int chop = 0; chop < 2; chop++) {
		p->chop = chop ? 1 : 0;
		ws_peer_frame(p, 0x01, "ab\xc3", 3);
		ws_peer_frame(p, 0x00, "", 0);
		ws_peer_frame(p, 0x00, "\xa9", 1);
		ws_peer_frame(p, 0x80, "cd", 2);
		app_check_echo(a, p, 1,
			       "ab\xc3\xa9"
			       "cd",
			       6);
		ws_peer_frame(p, 0x02, "", 0);
		ws_peer_frame(p, 0x80, "", 0);
		app_check_echo(a, p, 2, "", 0);
		ws_peer_frame(p, 0x02, "", 0);
		ws_peer_frame(p, 0x80, "x", 1);
		app_check_echo(a, p, 2, "x", 1);
		p->frames_n = 0;
	}
	check_i64(a->messages, 6);
	app_down(a);
}

static void a_ping_may_stand_between_fragments(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");

	(void)state;
	for (int i = 0; i < 2; i++) {
		p->chop = i ? 1 : 0;
		a->messages = 0;
		p->frames_n = 0;
		ws_peer_frame(p, 0x01, "a\xc3", 2);
		ws_peer_frame(p, 0x89, "ping", 4);
		ws_peer_frame(p, 0x80, "\xa9", 1);
		/* In which order the two answers come is free. */
		check(ws_peer_wait_frames(&a->rig, p, 2));
		check_i64(ws_peer_get(p, 0)->op + ws_peer_get(p, 1)->op, 1 + 10);
		check_i64(a->messages, 1);
		check_i64(a->last.len, 3);
		assert_memory_equal(a->last.data, "a\xc3\xa9", 3);
	}
	check(p->fault == NULL);
	app_down(a);
}

static void pings_are_answered(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");
	char payload[125];

	(void)state;
	memset(payload, 'p', sizeof(payload));
	for (size_t len = 0; len <= 125; len += 25) {
		const struct ws_peer_frame *f;
		size_t n = p->frames_n;

		ws_peer_frame(p, 0x89, payload, len);
		check(ws_peer_wait_frames(&a->rig, p, n + 1));
		f = ws_peer_get(p, n);
		check_i64(f->op, 10);
		check_i64(f->len, len);
		assert_memory_equal(ws_peer_payload(p, f), payload, len);
	}
	ws_peer_frame(p, 0x8a, "unasked", 7);
	while (a->pongs == 0)
		ws_rig_turn(&a->rig);
	check_i64(a->pongs, 1);
	check_i64(a->messages, 0);
	check(p->fault == NULL);
	app_down(a);
}

/* What the server does with one input: the code of its close frame (0: it just closes), and how
 * many messages come through before. */
struct breach {
	const char *what;
	const char *bytes; /* raw, masked with zeros */
	size_t len;
	int code, code_seen, messages;
};

#define RAW(s) s, sizeof(s) - 1
#define MASK   "\0\0\0\0"

static const struct breach breaches[] = {
	{"text that is not UTF-8", RAW("\x81\x84" MASK "ab\xff."), 1007, 1007, 0},
	{"text that ends inside a character", RAW("\x81\x82" MASK "a\xc3"), 1007, 1007, 0},
	{"the same in fragments", RAW("\x01\x82" MASK "a\xc3\x80\x81" MASK "a"), 1007, 1007, 0},
	{"a last fragment that is empty, inside a character",
	 RAW("\x01\x82" MASK "a\xc3\x80\x80" MASK), 1007, 1007, 0},
	{"RSV1 without an extension", RAW("\xc1\x81" MASK "a"), 1002, 1002, 0},
	{"RSV2", RAW("\xa1\x81" MASK "a"), 1002, 1002, 0},
	{"RSV3 on a ping", RAW("\x99\x80" MASK), 1002, 1002, 0},
	{"opcode 3", RAW("\x83\x80" MASK), 1002, 1002, 0},
	{"opcode 11", RAW("\x8b\x80" MASK), 1002, 1002, 0},
	{"a continuation of nothing", RAW("\x80\x81" MASK "a"), 1002, 1002, 0},
	{"a new message inside a fragmented one", RAW("\x01\x81" MASK "a\x81\x81" MASK "b"), 1002,
	 1002, 0},
	{"a fragmented ping", RAW("\x09\x80" MASK), 1002, 1002, 0},
	{"good, then bad", RAW("\x81\x81" MASK "a\x83\x80" MASK), 1002, 1002, 1},
	/* libwebsockets closes these without a close frame. */
	{"a ping of 126 bytes", RAW("\x89\xfe\0\x7e" MASK), 0, 0, 0},
	{"a length with the highest bit", RAW("\x82\xff\x80\0\0\0\0\0\0\0" MASK), 0, 0, 0},
};

static void breaches_end_the_connection(void **state)
{
	struct app *a = app_up();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(breaches); i++) {
		const struct breach *b = &breaches[i];

		for (int chop = 0; chop < 2; chop++) {
			struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");

			print_message("  %s%s\n", b->what, chop ? ", byte by byte" : "");
			p->chop = chop ? 1 : 0;
			a->messages = 0;
			ws_peer_raw(p, b->bytes, b->len);
			while (!p->has_close && !p->is_eof)
				ws_rig_turn(&a->rig);
			/* From here on nothing may be sent, whoever tries. */
			if (!p->is_eof)
				check_i64(ws_conn_send(a->conn, "\x81\x01x", 3), WS_CLOSED);
			check_i64(ws_peer_close_code(p), b->code);
			ws_peer_close(p, 1000, "");
			check(ws_peer_wait_eof(&a->rig, p));
			check(ws_rig_until(&a->rig, app_all_closed, a, 3000));
			check(p->fault == NULL);
			check_i64(a->code, b->code_seen);
			check_i64(a->messages, b->messages);
		}
	}
	app_down(a);
}

static void messages_have_a_limit(void **state)
{
	struct app *a = app_up();
	char *big = mem_zalloc(APP_MESSAGE_MAX + 1);

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct ws_peer *p = ws_peer_open(&a->rig, a->port, "/", "");

		if (i == 0) /* whole */
			ws_peer_frame(p, 0x82, big, APP_MESSAGE_MAX + 1);
		if (i == 1) /* announced, and nearly nothing sent */
			ws_peer_raw(p, "\x82\xff\0\0\0\0\x80\0\0\0\0\0\0\0abc", 17);
		if (i == 2) { /* in fragments that are all right by themselves */
			ws_peer_frame(p, 0x02, big, APP_MESSAGE_MAX / 2 + 1);
			ws_peer_frame(p, 0x80, big, APP_MESSAGE_MAX / 2);
		}
		if (i == 3) { /* announced in the second fragment */
			ws_peer_frame(p, 0x02, big, 10);
			ws_peer_raw(p, "\x80\xff\0\0\0\0\0\x01\x86\x97\0\0\0\0abc", 17);
		}
		check(ws_peer_wait_frames(&a->rig, p, 1));
		check_i64(ws_peer_close_code(p), 1009);
		ws_peer_hang_up(p);
		check(ws_rig_until(&a->rig, app_all_closed, a, 3000));
		check_i64(a->code, 1009);
		check_i64(a->messages, 0);
	}
	free(big);
	app_down(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_whole),
		cmocka_unit_test(fragments_are_joined),
		cmocka_unit_test(a_ping_may_stand_between_fragments),
		cmocka_unit_test(pings_are_answered),
		cmocka_unit_test(breaches_end_the_connection),
		cmocka_unit_test(messages_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
