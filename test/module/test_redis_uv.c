/* SPDX-License-Identifier: MIT
 *
 * test_redis_uv: the adapter between hiredis and libuv, above all that a refused connect is
 * reported, which the adapter that comes with hiredis 0.14 does not do.
 */
#include <signal.h>
#include <stdio.h>

#include <hiredis/async.h>

#include "../lib/canned.h"
#include "../lib/check.h"
#include "../lib/redis.h"
#include "store/redis_uv.h"

struct seen {
	uv_loop_t loop;
	uv_timer_t deadline;
	int connected, refused, disconnected, closed, replies, lost;
	bool is_late;
	char text[64];
};

static void on_connect(const redisAsyncContext *ac, int status)
{
	struct seen *s = ac->data;

	if (status == REDIS_OK)
		s->connected++;
	else
		s->refused++;
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
	struct seen *s = ac->data;

	(void)status;
	s->disconnected++;
}

static void on_reply(redisAsyncContext *ac, void *reply, void *arg)
{
	struct seen *s = ac->data;
	const redisReply *r = reply;

	(void)arg;
	if (!r) {
		s->lost++;
		return;
	}
	s->replies++;
	if (r->str)
		snprintf(s->text, sizeof(s->text), "%s", r->str);
}

static void on_closed(void *arg)
{
	struct seen *s = arg;

	s->closed++;
}

static void on_deadline(uv_timer_t *timer)
{
	struct seen *s = container_of(timer, struct seen, deadline);

	s->is_late = true;
}

static void begin(struct seen *s)
{
	*s = (struct seen){0};
	uv_loop_init(&s->loop);
	uv_timer_init(&s->loop, &s->deadline);
	uv_timer_start(&s->deadline, on_deadline, 10000, 0);
}

static redisAsyncContext *open_link(struct seen *s, int port)
{
	redisAsyncContext *ac = redisAsyncConnect("127.0.0.1", port);

	check(ac && !ac->err);
	ac->data = s;
	check_i64(redis_uv_attach(ac, &s->loop, on_closed, s), 0);
	redisAsyncSetDisconnectCallback(ac, on_disconnect);
	redisAsyncSetConnectCallback(ac, on_connect);
	return ac;
}

/* Turns the loop until *count reaches n; a deadline ends it. */
static void run_until_count(struct seen *s, const int *count, int n)
{
	while (*count < n && !s->is_late)
		uv_run(&s->loop, UV_RUN_ONCE);
	check_i64(*count, n);
}

static void finish(struct seen *s)
{
	uv_close((uv_handle_t *)&s->deadline, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	check_i64(uv_loop_close(&s->loop), 0);
	check_i64(s->closed, 1);
}

static void test_refused_connect_is_reported(void **state)
{
	struct seen s;

	(void)state;
	begin(&s);
	open_link(&s, redis_free_port());
	run_until_count(&s, &s.refused, 1);
	run_until_count(&s, &s.closed, 1);
	check_i64(s.connected, 0);
	finish(&s);
}

static void test_commands(void **state)
{
	struct redis_server server;
	redisAsyncContext *ac;
	struct seen s;

	(void)state;
	if (!redis_is_installed())
		skip();
	redis_start(&server, 0, NULL);
	begin(&s);
	ac = open_link(&s, server.port);
	redisAsyncCommand(ac, on_reply, NULL, "SET k %s", "value");
	redisAsyncCommand(ac, on_reply, NULL, "GET k");
	run_until_count(&s, &s.replies, 2);
	check_str(s.text, "value");
	redisAsyncDisconnect(ac);
	run_until_count(&s, &s.closed, 1);
	check_i64(s.disconnected, 1);
	finish(&s);
	redis_stop(&server);
}

/* While it is held nothing is said to the loop; the release says what is wished then. */
static void test_hold(void **state)
{
	struct redis_server server;
	struct redis_link *held;
	redisAsyncContext *ac;
	struct seen s;

	(void)state;
	if (!redis_is_installed())
		skip();
	redis_start(&server, 0, NULL);
	begin(&s);
	ac = open_link(&s, server.port);
	run_until_count(&s, &s.connected, 1);
	held = redis_uv_hold(ac);
	redisAsyncCommand(ac, on_reply, NULL, "SET k held"); /* wishes to write ... */
	redis_uv_release(held);                              /* ... and is not forgotten */
	run_until_count(&s, &s.replies, 1);
	held = redis_uv_hold(ac);
	redisAsyncCommand(ac, on_reply, NULL, "GET k");
	redisAsyncHandleWrite(ac);
	redis_uv_release(held);
	run_until_count(&s, &s.replies, 2);
	check_str(s.text, "held");
	held = redis_uv_hold(ac);
	redisAsyncFree(ac); /* the context goes while it is held */
	redis_uv_release(held);
	run_until_count(&s, &s.closed, 1);
	finish(&s);
	redis_stop(&server);
}

static void test_lost_server_is_reported(void **state)
{
	struct redis_server server;
	redisAsyncContext *ac;
	struct seen s;

	(void)state;
	if (!redis_is_installed())
		skip();
	redis_start(&server, 0, NULL);
	begin(&s);
	ac = open_link(&s, server.port);
	run_until_count(&s, &s.connected, 1);
	redis_pause(&server);
	redisAsyncCommand(ac, on_reply, NULL, "PING");
	redis_kill(&server);
	run_until_count(&s, &s.disconnected, 1);
	check_i64(s.lost, 1);
	finish(&s);
}

/* What lies in the socket before the peer's reset is still read. */
static void test_replies_before_the_end_are_read(void **state)
{
	struct redis_server server;
	redisAsyncContext *ac;
	struct seen s;

	(void)state;
	if (!redis_is_installed())
		skip();
	redis_start(&server, 0, NULL);
	begin(&s);
	ac = open_link(&s, server.port);
	for (int i = 0; i < 20000; i++)
		redisAsyncCommand(ac, on_reply, NULL, "ECHO 0123456789abcdef0123456789abcdef");
	redisAsyncCommand(ac, on_reply, NULL, "QUIT");
	run_until_count(&s, &s.disconnected, 1);
	check_i64(s.replies, 20001);
	check_i64(s.lost, 0);
	finish(&s);
	redis_stop(&server);
}

static void test_endless_reply_is_cut(void **state)
{
	static char text[3 * REDIS_REPLY_MAX];
	struct canned server;
	redisAsyncContext *ac;
	struct seen s;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "$500000000\r\n", 12);
	begin(&s);
	ac = open_link(&s, canned_start(&server, &s.loop, text, sizeof(text), true));
	redisAsyncCommand(ac, on_reply, NULL, "GET k");
	run_until_count(&s, &s.disconnected, 1);
	check_i64(s.replies, 0);
	check_i64(s.lost, 1);
	canned_stop(&server);
	finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_connect_is_reported),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_lost_server_is_reported),
		cmocka_unit_test(test_replies_before_the_end_are_read),
		cmocka_unit_test(test_endless_reply_is_cut),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
