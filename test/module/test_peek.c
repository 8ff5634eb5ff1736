/* SPDX-License-Identifier: MIT
 *
 * test_peek: the reader's connection to a real Redis, and to what is none.
 */
#include <signal.h>
#include <stdio.h>

#include "../lib/canned.h"
#include "../lib/check.h"
#include "../lib/pace.h"
#include "../lib/redis.h"
#include "store/peek.h"

struct desk {
	uv_loop_t loop;
	uv_timer_t tick; /* the loop turns, for pace.h */
	struct peek peek;
	int live, lost, replies;
	uintptr_t lost_tag;
	char log[256]; /* tags and replies, in their order */
	bool stops;    /* at the next reply */
};

static void on_live(void *arg)
{
	((struct desk *)arg)->live++;
}

static void on_lost(void *arg, uintptr_t tag)
{
	struct desk *d = arg;

	d->lost++;
	d->lost_tag = tag;
}

static void put_value(char *out, size_t cap, const struct peek_value *v)
{
	size_t n = strlen(out);

	switch (v->type) {
	case PEEK_NIL:
		snprintf(out + n, cap - n, "nil ");
		break;
	case PEEK_NUMBER:
		snprintf(out + n, cap - n, "%lld ", (long long)v->number);
		break;
	case PEEK_TEXT:
	case PEEK_ERROR:
		snprintf(out + n, cap - n, "%s%.*s ", v->type == PEEK_ERROR ? "!" : "",
			 (int)(v->len < 9 ? v->len : 9), v->text);
		break;
	case PEEK_ARRAY:
		snprintf(out + n, cap - n, "[ ");
		for (size_t i = 0; i < v->n; i++) {
			struct peek_value e = peek_element(v, i);

			put_value(out, cap, &e);
		}
		n = strlen(out);
		snprintf(out + n, cap - n, "] ");
		break;
	}
}

static void on_reply(void *arg, uintptr_t tag, const struct peek_value *v)
{
	struct desk *d = arg;
	size_t n = strlen(d->log);

	d->replies++;
	snprintf(d->log + n, sizeof(d->log) - n, "%u:", (unsigned)tag);
	put_value(d->log, sizeof(d->log), v);
	if (d->stops)
		peek_stop(&d->peek);
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

static void begin(struct desk *d, const char *host, int port, const char *rest)
{
	static const struct peek_events events = {on_live, on_lost, on_reply};
	struct agni_err err;
	char url[128];

	*d = (struct desk){0};
	uv_loop_init(&d->loop);
	uv_timer_init(&d->loop, &d->tick);
	uv_timer_start(&d->tick, on_tick, 5, 5);
	snprintf(url, sizeof(url), "redis://%s:%d%s", host, port, rest);
	check_i64(peek_init(&d->peek, &d->loop, url, &events, d, &err), 0);
	d->peek.silence_ms = PATIENCE_MS;
	d->peek.retry_ms = 50;
	peek_start(&d->peek);
}

static void run_until(struct desk *d, const int *count, int n)
{
	struct pace pace;

	pace_start(&pace);
	while (*count < n && pace_ms(&pace) < PATIENCE_MS) {
		uv_run(&d->loop, UV_RUN_ONCE);
		pace_turn(&pace);
	}
	check(*count >= n);
}

static void end(struct desk *d)
{
	peek_stop(&d->peek);
	uv_close((uv_handle_t *)&d->tick, NULL);
	uv_run(&d->loop, UV_RUN_DEFAULT);
	check_i64(uv_loop_close(&d->loop), 0);
	peek_fini(&d->peek);
}

static void test_answers(void **state)
{
	struct redis_server server;
	struct desk d;

	(void)state;
	if (!redis_is_installed())
		skip();
	redis_start(&server, 0, NULL);
	redis_do(&server, "MSET a 1 b two");
	redis_do(&server, "RPUSH l x");
	begin(&d, "localhost", server.port, "");
	run_until(&d, &d.live, 1);
	check_str(d.peek.why, "");
	peek_ask_words(&d.peek, 1, "MGET", "a", "none", "b", "l", NULL);
	peek_ask_words(&d.peek, 2, "GET", "l", NULL);
	peek_ask_words(&d.peek, 3, "PTTL", "none", NULL);
	peek_ask_words(&d.peek, 4, "XREVRANGE", "none", "+", "-", NULL);
	peek_ask(&d.peek, 5, 2, (const char *[]){"ECHO", "a\0b"}, (const size_t[]){4, 3});
	peek_ask_words(&d.peek, 6, "SSCAN", "none", "0", NULL);
	peek_flush(&d.peek);
	run_until(&d, &d.replies, 6);
	d.log[strcspn(d.log, "\n")] = '\0';
	check(memcmp(d.log, "1:[ 1 nil two nil ] 2:!WRONGTYPE 3:-2 4:[ ] 5:a", 47) == 0);
	/* 20,000 questions in one go. */
	for (int i = 0; i < 20000; i++)
		peek_ask_words(&d.peek, 7, "PING", NULL);
	peek_flush(&d.peek);
	run_until(&d, &d.replies, 20006);
	/* Stopped in the middle of its own replies. */
	d.stops = true;
	peek_ask_words(&d.peek, 7, "PING", NULL);
	peek_ask_words(&d.peek, 8, "PING", NULL);
	peek_flush(&d.peek);
	run_until(&d, &d.replies, 20007);
	end(&d);
	check_i64(d.replies, 20007);
	redis_stop(&server);
}

static void test_away_and_back(void **state)
{
	struct redis_server server;
	struct desk d;
	int port = redis_free_port();

	(void)state;
	if (!redis_is_installed())
		skip();
	begin(&d, "127.0.0.1", port, "");
	run_until(&d, &d.lost, 1);
	check_str(d.peek.why, "connection refused");
	redis_start(&server, port, NULL);
	run_until(&d, &d.live, 1);
	redis_pause(&server);
	peek_ask_words(&d.peek, 1, "PING", NULL);
	peek_flush(&d.peek);
	redis_kill(&server);
	d.lost = 0;
	run_until(&d, &d.lost, 1);
	check_i64(d.replies, 0);
	redis_start(&server, port, NULL);
	run_until(&d, &d.live, 2);
	/* Open, and silent: given up after a while, and found again. */
	d.peek.silence_ms = 200;
	redis_pause(&server);
	peek_ask_words(&d.peek, 1, "PING", NULL);
	peek_flush(&d.peek);
	d.lost = 0;
	run_until(&d, &d.lost, 1);
	check_str(d.peek.why, "it does not answer");
	redis_resume(&server);
	d.peek.silence_ms = PATIENCE_MS;
	run_until(&d, &d.live, 3);
	end(&d);
	redis_stop(&server);
}

static void test_password(void **state)
{
	struct redis_server server;
	struct desk d;

	(void)state;
	if (!redis_is_installed())
		skip();
	redis_start(&server, 0, "--requirepass", "s3", NULL);
	begin(&d, ":wrong@127.0.0.1", server.port, "");
	run_until(&d, &d.lost, 1);
	check(strncmp(d.peek.why, "WRONGPASS", 9) == 0 || strncmp(d.peek.why, "ERR", 3) == 0);
	end(&d);
	begin(&d, ":s3@127.0.0.1", server.port, "/2");
	run_until(&d, &d.live, 1);
	check_i64(d.lost, 0);
	end(&d);
	begin(&d, ":s3@127.0.0.1", server.port, "/77");
	run_until(&d, &d.lost, 1);
	check(strstr(d.peek.why, "out of range"));
	end(&d);
	redis_stop(&server);
}

/* The command whose reply was too long is named; the others are asked again. */
static void test_reply_too_long(void **state)
{
	struct redis_server server;
	struct desk d;

	(void)state;
	if (!redis_is_installed())
		skip();
	redis_start(&server, 0, NULL);
	redis_do(&server, "SETRANGE large %d x", PEEK_REPLY_MAX + 1000000);
	begin(&d, "127.0.0.1", server.port, "");
	run_until(&d, &d.live, 1);
	peek_ask_words(&d.peek, 7, "PING", NULL);
	peek_ask_words(&d.peek, 8, "GET", "large", NULL);
	peek_ask_words(&d.peek, 9, "PING", NULL);
	peek_flush(&d.peek);
	run_until(&d, &d.lost, 1);
	check_i64(d.lost_tag, 8);
	check_i64(d.replies, 1);
	check_str(d.peek.why, "a reply was too long");
	run_until(&d, &d.live, 2);
	end(&d);
	redis_stop(&server);
}

/* What answers there is not Redis. */
static void test_strangers(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{"HTTP/1.1 400 Bad Request\r\n\r\n", "is not Redis"},
		{"+OK\r\n+OK\r\n+PONG\r\n", "is not Redis"},
		{"+OK\r\n:1\r\n", "is not Redis"},
		{"+OK\r\n$-1\r\n", "is not Redis"},
		{"*2147483647\r\n", "is not Redis"}, /* nothing is laid out for it */
		{"*2\r\n+OK\r\n", "does not answer"},
		{"-ERR max number of clients reached\r\n-ERR no\r\n", "ERR"},
		{"$99999999999999999999\r\n", "is not Redis"},
		{"-\x1b[2J\x1b]0;x\x07\r\n-\x1b[2J\r\n", "?[2J"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct canned server;
		struct desk d;
		int port;

		begin(&d, "127.0.0.1", 1, "");
		port = canned_start(&server, &d.loop, cases[i].text, strlen(cases[i].text), true);
		d.peek.url.port = port;
		d.peek.silence_ms = 200;
		d.lost = 0;
		run_until(&d, &d.lost, 2); /* the first is port 1 */
		check_i64(d.live, 0);
		if (!strstr(d.peek.why, cases[i].why))
			fail_msg("\"%s\" does not speak of %s", d.peek.why, cases[i].why);
		canned_stop(&server);
		end(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),   cmocka_unit_test(test_away_and_back),
		cmocka_unit_test(test_password),  cmocka_unit_test(test_reply_too_long),
		cmocka_unit_test(test_strangers),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("peek", tests, NULL, NULL);
}
