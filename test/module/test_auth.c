/* SPDX-License-Identifier: MIT
 *
 * The door over REST, on real sockets: who is let in with which role, and what the others are told.
 * What a reload changes is in test_auth_reload.c, the WebSocket side in test_auth_ws.c.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/door.h"

static const char *const targets[] = {"/anyone", "/viewer", "/trader", "/operator", "/admin"};

/* Each role reaches what is for it and for those before it, and nothing else. */
static void test_roles(void **state)
{
	struct door s;
	char keys[ROLE_ADMIN + 1][KEY_TEXT_LEN + 1];

	(void)state;
	door_up(&s);
	for (int role = ROLE_VIEWER; role <= ROLE_ADMIN; role++)
		keyring_add(&s.ring, (struct key){.role = (enum auth_role)role}, NULL, keys[role]);
	door_open(&s);
	for (int role = ROLE_ANYONE; role <= ROLE_ADMIN; role++) {
		for (int need = ROLE_ANYONE; need <= ROLE_ADMIN; need++) {
			int status = door_ask(&s, targets[need], role ? keys[role] : NULL);
			int wanted = role >= need ? 200 : role == ROLE_ANYONE ? 401 : 403;

			if (status != wanted)
				fail_msg("%s to %s: %d", role_text((enum auth_role)role),
					 targets[need], status);
			if (wanted == 401)
				check_str(door_code(&s), "key_required");
			if (wanted == 403)
				check_str(door_code(&s), "role_not_sufficient");
		}
	}
	check_i64(door_metric(&s, "admitted_total"), 5 + 4 + 3 + 2 + 1);
	check_i64(door_metric(&s, "unauthorized_total"), 4);
	check_i64(door_metric(&s, "forbidden_total"), 6);
	check_str(door_health(&s), "4 keys, 0 of them expired");
	door_down(&s);
}

static void test_caller(void **state)
{
	struct door s;
	char key[KEY_TEXT_LEN + 1];

	(void)state;
	door_up(&s);
	keyring_add(&s.ring, (struct key){.name = "desk1", .role = ROLE_TRADER}, NULL, key);
	door_open(&s);
	check_i64(door_ask(&s, "/viewer", key), 200);
	check_str(s.body, "key:desk1 as trader from 127.0.0.1");
	check_i64(door_ask(&s, "/anyone", key), 200);
	check_str(s.body, "key:desk1 as trader from 127.0.0.1");
	check_i64(door_ask(&s, "/anyone", NULL), 200);
	check_str(s.body, "anyone as anyone from 127.0.0.1");
	door_down(&s);
}

/* Without a file everybody on loopback may everything, whatever is presented; it is said loudly. */
static void test_open_door(void **state)
{
	struct door s;

	(void)state;
	door_up(&s);
	log_capture();
	door_open(&s);
	check(strstr(log_captured(), "WARN") && strstr(log_captured(), "NO API KEYS"));
	log_release();
	check(auth_is_open(s.ring.auth));
	check(strstr(door_health(&s), "OPEN") != NULL);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		check_i64(door_ask(&s, targets[i], NULL), 200);
		check_str(s.body, "loopback as admin from 127.0.0.1");
		check_i64(door_ask(&s, targets[i], "agni_of_another_server"), 200);
	}
	door_down(&s);
}

/* A file without keys is not an open door. */
static void test_no_keys_left(void **state)
{
	struct door s;

	(void)state;
	door_up(&s);
	keyring_save(&s.ring);
	log_capture();
	door_open(&s);
	check(strstr(log_captured(), "nobody can come in") != NULL);
	log_release();
	check(!auth_is_open(s.ring.auth));
	check_i64(door_ask(&s, "/anyone", NULL), 200);
	check_i64(door_ask(&s, "/viewer", NULL), 401);
	door_down(&s);
}

/* --- what is presented ------------------------------------------------------------------------ */

static void test_bad_credentials(void **state)
{
	static const char *const bad[] = {"Basic dXNlcjpwYXNz", "Bearer",         "Bearer ",
					  "Bearer x",           "agni_00000000_", "Bearerx"};
	struct door s;
	char key[KEY_TEXT_LEN + 1], text[256];

	(void)state;
	door_up(&s);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, key);
	door_open(&s);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		check_i64(door_ask_with(&s, "/viewer", bad[i], NULL), 401);
		check_str(door_code(&s), "key_invalid");
		/* Where no key is needed a wrong one is told of too. */
		check_i64(door_ask_with(&s, "/anyone", bad[i], NULL), 401);
	}
	check_i64(door_ask_with(&s, "/viewer", key, NULL), 401); /* without its scheme */
	snprintf(text, sizeof(text), "bEARER   %s", key);        /* RFC 7235: any case, spaces */
	check_i64(door_ask_with(&s, "/viewer", text, NULL), 200);
	snprintf(text, sizeof(text), "Bearer %s x", key);
	check_i64(door_ask_with(&s, "/viewer", text, NULL), 401);
	door_down(&s);
}

static void test_expiry(void **state)
{
	struct door s;
	char key[KEY_TEXT_LEN + 1];

	(void)state;
	door_up(&s);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER, .expires_ms = KEYRING_NOW + 60000},
		    NULL, key);
	door_open(&s);
	check_i64(door_ask(&s, "/viewer", key), 200);
	clock_advance(&s.rig.clock, 60000);
	check_i64(door_ask(&s, "/viewer", key), 401);
	check_str(door_code(&s), "key_expired");
	check_str(door_health(&s), "1 keys, 1 of them expired");
	door_down(&s);
}

/* --- how often -------------------------------------------------------------------------------- */

static void test_rate_of_a_key(void **state)
{
	struct door s;
	char slow[KEY_TEXT_LEN + 1], usual[KEY_TEXT_LEN + 1];

	(void)state;
	door_up(&s);
	s.ring.cfg.requests_per_s = 5;
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER, .requests_per_s = 2}, NULL, slow);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, usual);
	door_open(&s);
	for (int i = 0; i < 4; i++)
		check_i64(door_ask(&s, "/viewer", slow), 200);
	check_i64(door_ask(&s, "/viewer", slow), 429);
	check_str(door_code(&s), "rate_limited");
	check_i64(s.retry_after_s, 1);
	check_i64(door_ask(&s, "/admin", slow), 429); /* before its role is looked at */
	for (int i = 0; i < 10; i++)                  /* the other one has not been touched */
		check_i64(door_ask(&s, "/viewer", usual), 200);
	check_i64(door_ask(&s, "/viewer", usual), 429);
	check_i64(door_ask(&s, "/viewer", NULL), 401);
	clock_advance(&s.rig.clock, 500);
	check_i64(door_ask(&s, "/viewer", slow), 200);
	check_i64(door_ask(&s, "/viewer", slow), 429);
	check_i64(door_metric(&s, "limited_total"), 4);
	door_down(&s);
}

/* An address that guesses is told to wait; who has a key on the same address is not held up. */
static void test_failures_of_an_address(void **state)
{
	struct door s;
	char key[KEY_TEXT_LEN + 1], wrong[KEY_TEXT_LEN + 1];

	(void)state;
	door_up(&s);
	s.ring.cfg.failures_per_min = 3;
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, key);
	door_open(&s);
	snprintf(wrong, sizeof(wrong), "%s", key);
	wrong[KEY_TEXT_LEN - 1] = wrong[KEY_TEXT_LEN - 1] == '0' ? '1' : '0';
	log_capture();
	for (int i = 0; i < 3; i++)
		check_i64(door_ask(&s, "/viewer", wrong), 401);
	for (int i = 0; i < 5; i++) {
		check_i64(door_ask(&s, "/viewer", wrong), 429);
		check_str(door_code(&s), "too_many_failures");
		check_i64(s.retry_after_s, 20);
		check_i64(door_ask(&s, "/viewer", key), 200);
		check_i64(door_ask(&s, "/viewer", NULL), 401); /* nothing presented: no guess */
	}
	check(strstr(log_captured(), "anyone from 127.0.0.1: refused: key_invalid") != NULL);
	check(strstr(log_captured(), key + 14) == NULL && !strstr(log_captured(), wrong + 14));
	log_release();
	clock_advance(&s.rig.clock, 20000);
	check_i64(door_ask(&s, "/viewer", wrong), 401);
	check_i64(door_ask(&s, "/viewer", wrong), 429);
	door_down(&s);
}

/* --- posts ------------------------------------------------------------------------------------ */

static void test_media_type(void **state)
{
	static const struct {
		const char *headers;
		int status;
	} cases[] = {
		{"Content-Type: application/json\r\n", 200},
		{"Content-Type: APPLICATION/JSON; charset=utf-8\r\n", 200},
		{"Content-Type: application/json ;x=y\r\n", 200},
		{NULL, 415},
		{"Content-Type: text/plain\r\n", 415},
		{"Content-Type: application/jsonx\r\n", 415},
		{"Content-Type: application/x-www-form-urlencoded\r\n", 415},
	};
	struct door s;
	char key[KEY_TEXT_LEN + 1];

	(void)state;
	door_up(&s);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, key);
	door_open(&s);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		s.headers = cases[i].headers;
		if (door_ask_with(&s, "/viewer", bearer(key), "{}") != cases[i].status)
			fail_msg("%s: %d", cases[i].headers, s.status);
		if (cases[i].status == 415)
			check_str(door_code(&s), "unsupported_media_type");
		/* Who may not come in is told that, and nothing of the body. */
		check_i64(door_ask_with(&s, "/viewer", NULL, "{}"), 401);
	}
	s.headers = NULL;
	check_i64(door_ask_with(&s, "/viewer", bearer(key), ""), 200); /* no body, no type */
	door_down(&s);
}

/* A page of another origin posts nothing, on an open door neither. */
static void test_origin(void **state)
{
	char own[64], other_port[64];
	const struct {
		const char *headers;
		int status;
	} cases[] = {
		{NULL, 200},
		{own, 200},
		{other_port, 403},
		{"Origin: https://evil.example\r\n", 403},
		{"Origin: null\r\n", 403},
		{"Origin: https://desk.example\r\n", 200}, /* listed */
		{"Origin: https://desk.example:444\r\n", 403},
	};
	struct door s;

	(void)state;
	door_up(&s);
	s.ring.origins = "https://desk.example";
	door_open(&s);
	snprintf(own, sizeof(own), "Origin: http://127.0.0.1:%d\r\n", s.port);
	snprintf(other_port, sizeof(other_port), "Origin: http://127.0.0.1:1\r\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		s.headers = cases[i].headers;
		if (door_ask_with(&s, "/viewer", NULL, "") != cases[i].status)
			fail_msg("%s: %d", cases[i].headers, s.status);
		if (cases[i].status == 403)
			check_str(door_code(&s), "origin_not_allowed");
		check_i64(door_ask(&s, "/viewer", NULL), 200); /* reading changes nothing */
	}
	door_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_caller),
		cmocka_unit_test(test_open_door),
		cmocka_unit_test(test_no_keys_left),
		cmocka_unit_test(test_bad_credentials),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_rate_of_a_key),
		cmocka_unit_test(test_failures_of_an_address),
		cmocka_unit_test(test_media_type),
		cmocka_unit_test(test_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
