/* SPDX-License-Identifier: MIT
 *
 * test_webhook: signals sent to a receiver that checks the signature, answers errors, is slow, hangs,
 * closes early or is not there. The claim everywhere: each is delivered in order, or counted; nobody
 * waits, and the queue has an end.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/http_world.h"
#include "http/hash.h"
#include "signals/webhook.h"

#define SECRET "a secret of the test"
#define OK     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define ANSWER(code)                                                                               \
	"HTTP/1.1 " #code " Some Reason\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"

static struct http_world world;
static struct http_peer peer;
static struct webhook hook;
static struct signals_config cfg;
static char url[300], secret[64];

static void up_at(const char *where)
{
	snprintf(url, sizeof(url), "%s", where);
	snprintf(secret, sizeof(secret), SECRET);
	cfg = (struct signals_config){.webhook_url = url,
				      .webhook_secret = secret,
				      .webhook_timeout_ms = 20000,
				      .webhook_retry_ms = 10};
	webhook_init(&hook, &world.loop, world.client, &cfg, "sim");
}

static void up(void)
{
	http_world_up(&world, NULL);
	http_peer_up(&peer, &world);
	up_at(http_peer_url(&peer, "127.0.0.1", "/hook?x=1"));
}

static void on_closed(void *arg)
{
	*(bool *)arg = true;
}

static bool is_true(const void *arg)
{
	return *(const bool *)arg;
}

static void hook_down(void)
{
	bool is_closed = false;

	webhook_stop(&hook, on_closed, &is_closed);
	check(!is_closed); /* not from inside */
	check(http_world_until(&world, is_true, &is_closed));
	for (size_t i = 0; i < WEBHOOK_QUEUE; i++)
		check(!hook.ring[i].body && !hook.ring[i].id);
}

static void down(void)
{
	hook_down();
	http_world_close(&world);
	http_peer_down(&peer);
	http_world_down(&world);
}

static void add(unsigned i)
{
	char id[32], body[64];

	snprintf(id, sizeof(id), "4d1cec22c3d337ed-%u", i);
	snprintf(body, sizeof(body), "{\"id\":%u,\"price\":612.4}", i);
	webhook_add(&hook, id, body, strlen(body));
}

static bool is_idle(const void *arg)
{
	(void)arg;
	return hook.waiting == 0;
}

static bool has_trouble(const void *arg)
{
	(void)arg;
	return hook.trouble[0] != '\0';
}

static void settle(void)
{
	check(http_world_until(&world, is_idle, NULL));
}

static bool has_call(const void *arg)
{
	return peer.served >= *(const int *)arg;
}

/* The n-th request of those that came, whole; its body in *body. */
static const char *request(int n, const char **body, size_t *len)
{
	const char *at = buf_cstr(&peer.seen), *end;

	for (;; n--) {
		const char *length;

		end = strstr(at, "\r\n\r\n");
		check(end);
		for (length = at; strncasecmp(length, "\r\nContent-Length: ", 18) != 0; length++)
			check(length < end);
		*len = (size_t)atoi(length + 18);
		*body = end + 4;
		if (n == 0)
			return at;
		at = *body + *len;
	}
}

static void header(const char *head, const char *name, char *out, size_t cap)
{
	char line[64];
	const char *at;

	snprintf(line, sizeof(line), "\r\n%s: ", name);
	at = strstr(head, line);
	if (!at)
		fail_msg("no header %s", name);
	at += strlen(line);
	snprintf(out, cap, "%.*s", (int)strcspn(at, "\r"), at);
}

/* As a receiver would: the time is near, and the digits are what the secret makes of it. */
static void check_request(int n, unsigned id)
{
	char value[200], want[200], digits[SHA256_TEXT];
	const char *body, *head;
	size_t len;
	long long t = 0;

	head = request(n, &body, &len);
	check(strncmp(head, "POST /hook?x=1 HTTP/1.1\r\n", 25) == 0);
	header(head, "Content-Type", value, sizeof(value));
	check_str(value, "application/json");
	header(head, "X-Agni-Source", value, sizeof(value));
	check_str(value, "sim");
	header(head, "X-Agni-Signal-Id", value, sizeof(value));
	snprintf(want, sizeof(want), "4d1cec22c3d337ed-%u", id);
	check_str(value, want);
	header(head, "X-Agni-Signature", value, sizeof(value));
	check_i64(sscanf(value, "t=%lld,", &t), 1);
	check(llabs(t - clock_wall_ms(&world.clock) / 1000) <= 60);
	snprintf(want, sizeof(want), "%lld.%.*s", t, (int)len, body);
	hash_hmac_text(SECRET, strlen(SECRET), want, strlen(want), digits);
	snprintf(want, sizeof(want), "t=%lld,v1=%s", t, digits);
	check_str(value, want);
	snprintf(want, sizeof(want), "{\"id\":%u,\"price\":612.4}", id);
	check_i64(len, strlen(want));
	check(memcmp(body, want, len) == 0);
}

static void check_health(enum health want, const char *word)
{
	char why[HEALTH_WHY_MAX];

	check_i64(webhook_health(&hook, why), want);
	if (!strstr(why, word))
		fail_msg("\"%s\" has no \"%s\"", why, word);
	check(!strstr(why, "hook?x"));
}

static void test_delivered_in_order(void **state)
{
	(void)state;
	up();
	peer.answers[0] = peer.answers[1] = peer.answers[2] = OK;
	for (unsigned i = 1; i <= 3; i++)
		add(i);
	check(!hook.call); /* not in this turn: it may not be on the tape yet */
	check_health(HEALTH_UP, "3 wait");
	settle();
	for (unsigned i = 1; i <= 3; i++)
		check_request((int)i - 1, i);
	check_i64(hook.delivered, 3);
	check_i64(hook.retries, 0);
	check_health(HEALTH_UP, "3 delivered");
	down();
}

/* Twice 500, then well: the same signal with the same id, and the ones behind it after that. */
static void test_tries_again(void **state)
{
	(void)state;
	up();
	peer.answers[0] = ANSWER(500);
	peer.answers[1] = ANSWER(503);
	peer.answers[2] = peer.answers[3] = OK;
	add(1);
	add(2);
	settle();
	check_request(0, 1);
	check_request(1, 1);
	check_request(2, 1);
	check_request(3, 2);
	check_i64(hook.retries, 2);
	check_i64(hook.delivered, 2);
	check_health(HEALTH_UP, "2 delivered");
	down();
}

static void test_too_many_requests(void **state)
{
	(void)state;
	up();
	peer.answers[0] = "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
			  "Connection: close\r\n\r\n";
	peer.answers[1] = OK;
	add(1);
	settle();
	check_i64(hook.retries, 1);
	check_i64(hook.delivered, 1);
	down();
}

/* A receiver that says no means it; and a redirect is not followed: it would leave the host. */
static void test_refused_for_good(void **state)
{
	(void)state;
	up();
	peer.answers[0] = ANSWER(400);
	peer.answers[1] = "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\n"
			  "Content-Length: 0\r\nConnection: close\r\n\r\n";
	peer.answers[2] = ANSWER(404);
	for (unsigned i = 1; i <= 3; i++)
		add(i);
	settle();
	check_request(1, 2);
	check_i64(hook.refused, 3);
	check_i64(hook.retries + hook.delivered + hook.given_up, 0);
	check_health(HEALTH_DEGRADED, "127.0.0.1 since");
	check_health(HEALTH_DEGRADED, "answered 404");
	down();
}

/* Who took it and says much about it has taken it all the same; it is not sent ten times. */
static void test_long_answers(void **state)
{
	char *body =
		http_long_answer("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 'x', 300000, "");
	char *no =
		http_long_answer("HTTP/1.1 400 No\r\nConnection: close\r\n\r\n", 'x', 300000, "");

	(void)state;
	up();
	peer.answers[0] = body;
	peer.answers[1] =
		"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\nConnection: close\r\n\r\nxx";
	peer.answers[2] = no;
	peer.answers[3] = OK;
	for (unsigned i = 1; i <= 4; i++)
		add(i);
	settle();
	for (unsigned i = 1; i <= 4; i++)
		check_request((int)i - 1, i);
	check_i64(hook.delivered, 3);
	check_i64(hook.refused, 1);
	check_i64(hook.retries, 0);
	down();
	free(body);
	free(no);
}

static void test_hangs_and_closes_early(void **state)
{
	(void)state;
	up();
	cfg.webhook_timeout_ms = 100;
	peer.answers[0] = NULL; /* hangs */
	peer.answers[1] = "";   /* closes without a word */
	peer.answers[2] = "HTTP/1.1 200 OK\r\nContent-Le";
	peer.answers[3] = "nonsense\r\n\r\n";
	peer.answers[4] = OK;
	add(1);
	settle();
	check_i64(hook.retries, 4);
	check_i64(hook.delivered, 1);
	check_request(4, 1);
	down();
}

/* Whole sentences, in the log and in /health. */
static void test_a_hang_in_words(void **state)
{
	(void)state;
	up();
	cfg.webhook_timeout_ms = 100;
	cfg.webhook_retry_ms = 60000;
	peer.answers[0] = NULL;
	add(1);
	check(http_world_until(&world, has_trouble, NULL));
	check_health(HEALTH_DEGRADED,
		     ": no answer within 100 ms, still waiting for the answer; 1 wait");
	down();
}

static void test_not_there(void **state)
{
	(void)state;
	http_world_up(&world, NULL);
	up_at("http://127.0.0.1:1/hook?x=1");
	add(1);
	add(2);
	settle();
	check_i64(hook.retries, 2 * (WEBHOOK_TRIES - 1));
	check_i64(hook.given_up, 2);
	check_health(HEALTH_DEGRADED, "no answer");
	hook_down();
	http_world_down(&world);
}

/* The receiver hangs: 256 wait, the newest; the one that is on its way keeps its place. */
static void test_queue_is_bounded(void **state)
{
	int calls = 1;

	(void)state;
	up();
	peer.answers[0] = NULL;
	add(1);
	check(http_world_until(&world, has_call, &calls));
	for (unsigned i = 2; i <= 300; i++)
		add(i);
	check_i64(hook.waiting, WEBHOOK_QUEUE);
	check_i64(hook.given_up, 300 - WEBHOOK_QUEUE);
	check_str(hook.ring[hook.first].id, "4d1cec22c3d337ed-1");
	check_str(hook.ring[(hook.first + 1) % WEBHOOK_QUEUE].id, "4d1cec22c3d337ed-46");
	down();
	check_i64(hook.given_up, 300);
	check_i64(hook.waiting, 0);
}

static void test_reload(void **state)
{
	(void)state;
	up();
	url[0] = '\0';
	add(1);
	check_i64(hook.waiting, 0);
	check_health(HEALTH_UP, "no webhook");
	snprintf(url, sizeof(url), "%s", http_peer_url(&peer, "127.0.0.1", "/hook?x=1"));
	peer.answers[0] = ANSWER(500);
	add(2);
	check(http_world_until(&world, has_call, &(int){1}));
	url[0] = '\0'; /* while it waits for another try */
	settle();
	check_i64(hook.given_up, 1);
	down();
}

static void test_configuration(void **state)
{
	static const struct {
		const char *url, *secret, *word; /* word NULL: fine */
	} cases[] = {
		{"", "", NULL},
		{"", "short", NULL},
		{"https://hooks.example/x?key=abc", "0123456789abcdef", NULL},
		{"http://127.0.0.1:9/x", "0123456789abcdef", NULL},
		{"http://localhost/x", "0123456789abcdef", NULL},
		{"http://[::1]:80/x", "0123456789abcdef", NULL},
		{"https://hooks.example/x", "", "signals.webhook_url needs signals.webhook_secret"},
		{"https://hooks.example/x", "0123456789abcde", "signals.webhook_secret"},
		{"http://hooks.example/x?key=abc", "0123456789abcdef", "signals.webhook_url"},
		{"http://127.0.0.1.example/x?key=abc", "0123456789abcdef", "signals.webhook_url"},
		{"ftp://127.0.0.1/x?key=abc", "0123456789abcdef", "signals.webhook_url"},
		{"wss://hooks.example/x?key=abc", "0123456789abcdef", "signals.webhook_url"},
		{"https://u:abc@hooks.example/x", "0123456789abcdef", "signals.webhook_url"},
		{"nonsense abc", "0123456789abcdef", "signals.webhook_url"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct agni_err err = {0};
		int rc;

		snprintf(url, sizeof(url), "%s", cases[i].url);
		snprintf(secret, sizeof(secret), "%s", cases[i].secret);
		cfg = (struct signals_config){.webhook_url = url, .webhook_secret = secret};
		rc = webhook_config_check(&cfg, &err);
		if (rc != (cases[i].word ? AGNI_ECONFIG : 0))
			fail_msg("%s: %d %s", cases[i].url, rc, err.text);
		if (cases[i].word)
			check(strncmp(err.text, cases[i].word, strlen(cases[i].word)) == 0);
		check(!strstr(err.text, "abc")); /* nothing of the value */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivered_in_order),
		cmocka_unit_test(test_tries_again),
		cmocka_unit_test(test_too_many_requests),
		cmocka_unit_test(test_refused_for_good),
		cmocka_unit_test(test_long_answers),
		cmocka_unit_test(test_hangs_and_closes_early),
		cmocka_unit_test(test_a_hang_in_words),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_queue_is_bounded),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
