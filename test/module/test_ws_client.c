/* SPDX-License-Identifier: MIT
 *
 * A WebSocket client on a real loop against a peer that speaks RFC 6455 by hand.
 */
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "../lib/ws_caller.h"

static void the_request_is_what_it_should_be(void **state)
{
	struct caller *a = caller_up();
	struct ws_peer *p;
	char host[64];

	(void)state;
	a->authorization = "Bearer secret-1";
	p = caller_open(a);
	check(strncmp(p->head.data, "GET /feed?x=1 HTTP/1.1\r\n", 24) == 0);
	snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%d\r\n", a->port);
	check(strcasestr(p->head.data, host) != NULL);
	check(strcasestr(p->head.data, "\r\nauthorization: Bearer secret-1\r\n") != NULL);
	check(strcasestr(p->head.data, "\r\nSec-WebSocket-Version: 13\r\n") != NULL);
	check(strcasestr(p->head.data, "Sec-WebSocket-Extensions") == NULL);
	check(strcasestr(p->head.data, "Sec-WebSocket-Protocol") == NULL);
	check_i64(a->opens, 1);
	caller_down(a);
}

static void plain_text_stays_on_this_machine(void **state)
{
	struct caller *a = caller_up();
	struct agni_err err = {0};

	(void)state;
	check_i64(caller_try(a, "ws://feed.test/", &err), AGNI_ETLS);
	check(strstr(err.text, "feed.test") != NULL);
	ws_rig_for(&a->rig, 20);
	check_i64(a->refusals, 0);
	caller_down(a);
}

static void answers_that_refuse(void **state)
{
	static const struct {
		const char *answer;
		int status;
		const char *location;
	} cases[] = {
		{"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 401, ""},
		{"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nhello", 401, ""},
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403, ""},
		{"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", 429, ""},
		{"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n", 503, ""},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""},
		{"HTTP/1.1 302 Found\r\nLocation: wss://feed.test/v3?code=x\r\n"
		 "Content-Length: 0\r\n\r\n",
		 302, "wss://feed.test/v3?code=x"},
		{"HTTP/1.1 307 T\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 307,
		 "/elsewhere"},
		{"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", 302, ""},
		{"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		 "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
		 101, ""},
		{"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 101, ""},
	};
	struct caller *a = caller_up();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ws_peer *p;

		print_message("  %.40s\n", cases[i].answer);
		a->refusals = 0;
		caller_connect_to(a, "ws", "127.0.0.1", a->port);
		check_i64(a->refusals, 0);
		p = ws_peer_accept(&a->rig, a->listener, 2000);
		check(ws_peer_wait_head(&a->rig, p));
		ws_peer_raw(p, cases[i].answer, strlen(cases[i].answer));
		check(ws_rig_until(&a->rig, caller_has_outcome, a, 3000));
		check_i64(a->status, cases[i].status);
		check_str(a->location, cases[i].location);
		check(a->why[0] != '\0');
		check(ws_peer_wait_eof(&a->rig, p));
		ws_rig_for(&a->rig, 5);
		check_i64(a->refusals, 1);
	}
	check_i64(a->opens, 0);
	caller_down(a);
}

static void a_redirect_is_not_followed(void **state)
{
	struct caller *a = caller_up();
	struct ws_peer *p;
	int second, port;
	char answer[160];

	(void)state;
	second = ws_peer_listen(&port);
	a->authorization = "Bearer secret-1";
	caller_connect_to(a, "ws", "127.0.0.1", a->port);
	p = ws_peer_accept(&a->rig, a->listener, 2000);
	check(ws_peer_wait_head(&a->rig, p));
	snprintf(answer, sizeof(answer),
		 "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:%d/x\r\nContent-Length: 0\r\n\r\n",
		 port);
	ws_peer_raw(p, answer, strlen(answer));
	check(ws_rig_until(&a->rig, caller_has_outcome, a, 3000));
	check_i64(a->status, 302);
	check(ws_peer_accept(&a->rig, second, 100) == NULL);
	close(second);
	caller_down(a);
}

static void nobody_there(void **state)
{
	struct caller *a = caller_up();
	struct agni_err err = {0};
	char text[64];
	int port, fd = ws_peer_listen(&port), rc;

	(void)state;
	close(fd);
	snprintf(text, sizeof(text), "ws://127.0.0.1:%d/", port);
	rc = caller_try(a, text, &err);
	if (rc == 0) {
		check(ws_rig_until(&a->rig, caller_has_outcome, a, 3000));
		check_i64(a->refusals, 1);
		check_i64(a->status, 0);
	} else {
		ws_rig_for(&a->rig, 20);
		check_i64(a->refusals, 0);
	}
	caller_down(a);
}

static void a_peer_that_closes_instead_of_answering(void **state)
{
	struct caller *a = caller_up();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct ws_peer *p;

		a->refusals = 0;
		caller_connect_to(a, "ws", "127.0.0.1", a->port);
		p = ws_peer_accept(&a->rig, a->listener, 2000);
		check(ws_peer_wait_head(&a->rig, p));
		if (i)
			ws_peer_raw(p, "HTTP/1.1 10", 11);
		ws_rig_for(&a->rig, 5);
		ws_peer_hang_up(p);
		check(ws_rig_until(&a->rig, caller_has_outcome, a, 3000));
		check_i64(a->refusals, 1);
		check_i64(a->status, 0);
	}
	caller_down(a);
}

static void a_peer_that_never_answers_can_be_aborted(void **state)
{
	struct caller *a = caller_up();

	(void)state;
	for (int i = 0; i < 3; i++) {
		a->refusals = 0;
		caller_connect_to(a, "ws", "127.0.0.1", a->port);
		if (i)
			ws_peer_wait_head(&a->rig, ws_peer_accept(&a->rig, a->listener, 2000));
		if (i == 2)
			ws_conn_close(a->conn, 1000, "never mind");
		else
			ws_conn_abort(a->conn);
		check_i64(a->refusals, 0); /* not from inside the call */
		check(ws_rig_until(&a->rig, caller_has_outcome, a, 500));
		ws_rig_for(&a->rig, 20);
		check_i64(a->refusals, 1);
		check_i64(a->status, 0);
		check_str(a->why, "aborted");
	}
	check_i64(a->opens + a->closes, 0);
	caller_down(a);
}

static void destroy_ends_the_attempts(void **state)
{
	struct caller *a = caller_up();
	struct ws_peer *p = caller_open(a);

	(void)state;
	check(!p->is_eof);
	for (int i = 0; i < 10; i++)
		caller_connect_to(a, "ws", "127.0.0.1", a->port);
	ws_rig_down(&a->rig);
	check_i64(a->refusals, 10);
	check_i64(a->closes, 1);
	close(a->listener);
	free(a);
}

/* --- messages -------------------------------------------------------------------------------- */

static void messages_go_both_ways(void **state)
{
	struct caller *a = caller_up();
	struct ws_peer *p = caller_open(a);
	static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536, 200000};
	char *big = mem_zalloc(200000);

	(void)state;
	memset(big, 'b', 200000);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		ws_conn_send_message(a->conn, i % 2 ? WS_TEXT : WS_BINARY, big, lengths[i]);
	check(ws_peer_wait_frames(&a->rig, p, ARRAY_LEN(lengths)));
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		const struct ws_peer_frame *f = ws_peer_get(p, i);

		check_i64(f->op, i % 2 ? WS_TEXT : WS_BINARY);
		check_i64(f->len, lengths[i]);
		assert_memory_equal(ws_peer_payload(p, f), big, f->len);
		a->messages = 0;
		ws_peer_frame(p, 0x80 | f->op, big, f->len);
		check(ws_rig_until(&a->rig, caller_has_message, a, 3000));
		check_i64(a->last_op, f->op);
		check_i64(a->last.len, f->len);
	}
	a->messages = 0;
	p->chop = 1;
	ws_peer_frame(p, 0x02, "ab", 2);
	ws_peer_frame(p, 0x89, "ping", 4);
	ws_peer_frame(p, 0x00, "", 0);
	ws_peer_frame(p, 0x80, "cd", 2);
	check(ws_rig_until(&a->rig, caller_has_message, a, 3000));
	check_i64(a->last.len, 4);
	assert_memory_equal(a->last.data, "abcd", 4);
	check(ws_peer_wait_frames(&a->rig, p, ARRAY_LEN(lengths) + 1));
	check_i64(ws_peer_get(p, ARRAY_LEN(lengths))->op, 10);
	check(p->fault == NULL);
	free(big);
	caller_down(a);
}

static void on_open_may_send(void **state)
{
	struct caller *a = caller_up();
	struct ws_peer *p;

	(void)state;
	a->greets = true;
	p = caller_open(a);
	check(ws_peer_wait_frames(&a->rig, p, 1));
	check_i64(ws_peer_get(p, 0)->len, 5);
	check(p->fault == NULL);
	caller_down(a);
}

static void sixteen_megabytes_arrive_whole(void **state)
{
	struct caller *a = caller_up();
	struct ws_peer *p = caller_open(a);
	char *big = mem_alloc(CALLER_MESSAGE_MAX + 1);
	uint64_t begin;

	(void)state;
	for (size_t i = 0; i <= CALLER_MESSAGE_MAX; i++)
		big[i] = (char)(i * 2654435761u >> 13);
	ws_peer_frame(p, 0x82, big, CALLER_MESSAGE_MAX);
	begin = uv_hrtime();
	check(ws_rig_until(&a->rig, caller_has_message, a, 20000));
	print_message("  16 MiB in %d ms\n", (int)((uv_hrtime() - begin) / NS_PER_MS));
	check_i64(a->last.len, CALLER_MESSAGE_MAX);
	check(memcmp(a->last.data, big, CALLER_MESSAGE_MAX) == 0);
	ws_peer_frame(p, 0x82, big, CALLER_MESSAGE_MAX + 1);
	ws_rig_until(&a->rig, caller_has_outcome, a, 1000);
	check_i64(ws_peer_close_code(p), 1009);
	check_i64(a->messages, 1);
	free(big);
	caller_down(a);
}

static void breaches_of_the_server_end_it(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{"\xc1\x01x", 3},     {"\x83\x01x", 3},      {"\x80\x01x", 3}, {"\x81\x02x\xff", 4},
		{"\x81\x02x\xc3", 4}, {"\x89\x7e\0\x7e", 4}, {"\x09\0", 2},
	};
	struct caller *a = caller_up();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ws_peer *p = caller_open(a);

		a->closes = a->opens - 1;
		ws_peer_raw(p, cases[i].bytes, cases[i].len);
		while (!p->has_close && !p->is_eof)
			ws_rig_turn(&a->rig);
		ws_peer_hang_up(p);
		while (a->closes < a->opens)
			ws_rig_turn(&a->rig);
		check_i64(a->messages, 0);
		check(p->fault == NULL);
	}
	caller_down(a);
}

/* --- closing --------------------------------------------------------------------------------- */

static void our_close_comes_after_what_was_queued(void **state)
{
	struct caller *a = caller_up();
	struct ws_peer *p = caller_open(a);

	(void)state;
	ws_conn_send_message(a->conn, WS_TEXT, "last words", 10);
	ws_conn_close(a->conn, 1000, "bye");
	ws_conn_send_message(a->conn, WS_TEXT, "too late", 8);
	check(ws_peer_wait_frames(&a->rig, p, 2));
	check_i64(ws_peer_get(p, 0)->op, 1);
	check_i64(ws_peer_close_code(p), 1000);
	ws_peer_close(p, 1000, "");
	check(ws_rig_until(&a->rig, caller_has_outcome, a, 1000));
	check_i64(a->code, 1000);
	check_i64(p->frames_n, 2);
	check(p->fault == NULL);
	caller_down(a);
}

static void the_close_of_the_server_is_answered(void **state)
{
	struct caller *a = caller_up();
	struct ws_peer *p = caller_open(a);

	(void)state;
	ws_peer_close(p, 4005, "token expired");
	check(ws_peer_wait_frames(&a->rig, p, 1));
	check_i64(ws_peer_close_code(p), 4005);
	ws_peer_hang_up(p);
	check(ws_rig_until(&a->rig, caller_has_outcome, a, 3000));
	check_i64(a->code, 4005);
	check_str(a->reason, "token expired");
	caller_down(a);
}

static void a_server_that_never_answers_a_close(void **state)
{
	struct caller *a = caller_up();
	struct ws_peer *p = caller_open(a);
	uint64_t begin = uv_hrtime();

	(void)state;
	ws_conn_close(a->conn, 1001, "");
	check(ws_rig_until(&a->rig, caller_has_outcome, a, 3000));
	check(uv_hrtime() - begin >= 1900 * NS_PER_MS);
	check_i64(ws_peer_close_code(p), 1001);
	a->closes = 0;
	p = caller_open(a);
	ws_conn_abort(a->conn);
	check(ws_rig_until(&a->rig, caller_has_outcome, a, 500));
	check(ws_peer_wait_eof(&a->rig, p));
	check_i64(p->frames_n, 0);
	a->closes = 2;
	caller_down(a);
}

static void a_silent_server_is_pinged_and_dropped(void **state)
{
	struct caller *a = caller_up();
	struct ws_peer *p;
	uint64_t begin = uv_hrtime();

	(void)state;
	a->ping_s = 1;
	p = caller_open(a);
	check(ws_peer_wait_frames(&a->rig, p, 1));
	check_i64(ws_peer_get(p, 0)->op, 9);
	ws_peer_frame(p, 0x8a, ws_peer_payload(p, ws_peer_get(p, 0)), ws_peer_get(p, 0)->len);
	check(ws_peer_wait_frames(&a->rig, p, 2));
	check_i64(a->pongs, 1);
	check(ws_rig_until(&a->rig, caller_has_outcome, a, 4000));
	check(uv_hrtime() - begin >= 2900 * NS_PER_MS);
	check(p->fault == NULL);
	caller_down(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_is_what_it_should_be),
		cmocka_unit_test(plain_text_stays_on_this_machine),
		cmocka_unit_test(answers_that_refuse),
		cmocka_unit_test(a_redirect_is_not_followed),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(a_peer_that_closes_instead_of_answering),
		cmocka_unit_test(a_peer_that_never_answers_can_be_aborted),
		cmocka_unit_test(destroy_ends_the_attempts),
		cmocka_unit_test(messages_go_both_ways),
		cmocka_unit_test(on_open_may_send),
		cmocka_unit_test(sixteen_megabytes_arrive_whole),
		cmocka_unit_test(breaches_of_the_server_end_it),
		cmocka_unit_test(our_close_comes_after_what_was_queued),
		cmocka_unit_test(the_close_of_the_server_is_answered),
		cmocka_unit_test(a_server_that_never_answers_a_close),
		cmocka_unit_test(a_silent_server_is_pinged_and_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
