/* SPDX-License-Identifier: MIT
 *
 * The door of the broker's protocol: API keys where the broker has tokens, authorize and its one-use
 * addresses, refusals in the broker's shape, scope, and keys that go while somebody is inside.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/follower.h"
#include "../lib/keyring.h"
#include "stream/compat_internal.h"

#define FO        "NSE_FO|45450"
#define INDEX     "NSE_INDEX|Nifty 50"
#define AUTHORIZE FOLLOWER_PATH "/authorize"

struct stand {
	struct theatre t;
	struct keyring ring;
};

static void stand_up(struct stand *s)
{
	theatre_up(&s->t);
	keyring_up(&s->ring, &s->t.rig);
}

static void stand_open(struct stand *s)
{
	keyring_open(&s->ring, &s->t.rig);
	s->t.auth = s->ring.auth;
	theatre_open(&s->t);
}

static void stand_down(struct stand *s)
{
	module_down(&s->t.rig, s->t.mod);
	keyring_down(&s->ring, &s->t.rig);
	theatre_fini(&s->t);
}

static const char *with_key(const char *key)
{
	static char line[256];

	snprintf(line, sizeof(line), "Authorization: Bearer %s\r\n", key);
	return line;
}

/* The answer to an upgrade request, or to a plain GET: its body, in a static buffer. */
static const char *ask(struct stand *s, bool is_upgrade, const char *path, const char *header,
		       int *status)
{
	static struct buf body;
	struct ws_peer *p = ws_peer_connect(&s->t.rig, s->t.port, 0);
	char text[1024];

	if (is_upgrade) {
		ws_peer_request(p, path, header);
	} else {
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost:%d\r\n%s\r\n",
			 path, s->t.port, header);
		ws_peer_raw(p, text, strlen(text));
	}
	check(ws_peer_wait_head(&s->t.rig, p));
	*status = ws_peer_status(p);
	buf_reset(&body);
	if (*status != 101) {
		check(ws_peer_wait_eof(&s->t.rig, p));
		buf_append(&body, p->in.data, p->in.len);
		buf_cstr(&p->head);
		check((strstr(p->head.data, "WWW-Authenticate: Bearer\r\n") != NULL) ==
		      (*status == 401));
		check((strstr(p->head.data, "Retry-After: ") != NULL) == (*status == 429));
		/* What the Python SDK looks for, to the letter. */
		check((strstr(p->head.data, " 401 Unauthorized\r\n") != NULL) == (*status == 401));
	}
	ws_peer_hang_up(p);
	return buf_cstr(&body);
}

/* A refusal, with the code in both of the broker's spellings. */
static void refused(struct stand *s, bool is_upgrade, const char *path, const char *header,
		    int status, const char *code)
{
	int got;
	const char *body = ask(s, is_upgrade, path, header, &got);
	cJSON *json = cJSON_Parse(body);
	const cJSON *errors = cJSON_GetObjectItem(json, "errors");

	if (got != status)
		fail_msg("%s %s: %d %s", path, header, got, body);
	check_str(member_names(json), "status errors");
	check_str(member_str(json, "status"), "error");
	check_i64(cJSON_GetArraySize(errors), 1);
	check_str(member_names(errors->child),
		  "errorCode message propertyPath invalidValue error_code property_path "
		  "invalid_value");
	check_str(member_str(errors->child, "errorCode"), code);
	check_str(member_str(errors->child, "error_code"), code);
	cJSON_Delete(json);
}

static void enters(struct stand *s, const char *path, const char *header)
{
	int status;

	ask(s, true, path, header, &status);
	if (status != 101)
		fail_msg("%s %s: %d", path, header, status);
}

/* The path and query of the address that authorize gives, in a static buffer. */
static const char *authorized(struct stand *s, const char *header)
{
	static char path[512];
	int status;
	const char *body = ask(s, false, AUTHORIZE, header, &status), *uri;
	cJSON *json = cJSON_Parse(body), *data = cJSON_GetObjectItem(json, "data");
	char start[64];

	if (status != 200)
		fail_msg("authorize: %d %s", status, body);
	check_str(member_str(json, "status"), "success");
	check_str(member_names(data), "authorized_redirect_uri authorizedRedirectUri");
	uri = member_str(data, "authorized_redirect_uri");
	check_str(uri, member_str(data, "authorizedRedirectUri"));
	snprintf(start, sizeof(start), "ws://localhost:%d", s->t.port);
	check(strncmp(uri, start, strlen(start)) == 0);
	snprintf(path, sizeof(path), "%s", uri + strlen(start));
	check(strncmp(path, FOLLOWER_PATH "?requestId=", strlen(FOLLOWER_PATH) + 11) == 0);
	cJSON_Delete(json);
	return path;
}

/* --- who comes in ----------------------------------------------------------------------------- */

static void test_handshake(void **state)
{
	struct stand s;
	char key[KEY_TEXT_LEN + 1], old[KEY_TEXT_LEN + 1];
	int status;

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.name = "desk", .role = ROLE_VIEWER}, NULL, key);
	keyring_add(&s.ring, (struct key){.role = ROLE_ADMIN, .expires_ms = KEYRING_NOW}, NULL,
		    old);
	stand_open(&s);
	for (int is_upgrade = 0; is_upgrade < 2; is_upgrade++) {
		const char *path = is_upgrade ? FOLLOWER_PATH : AUTHORIZE;

		refused(&s, is_upgrade, path, "", 401, "UDAPI100050");
		refused(&s, is_upgrade, path, with_key("eyJ0eXAi"), 401, "UDAPI100050");
		refused(&s, is_upgrade, path, with_key(old), 401, "UDAPI100050");
	}
	enters(&s, FOLLOWER_PATH, with_key(key));
	ask(&s, true, AUTHORIZE, with_key(key), &status);
	check_i64(status, 404);
	ask(&s, false, FOLLOWER_PATH, with_key(key), &status);
	check_i64(status, 426);
	ask(&s, false, AUTHORIZE "/x", with_key(key), &status);
	check_i64(status, 426);
	ask(&s, false, AUTHORIZE, "Origin: https://evil.example\r\n", &status);
	check_i64(status, 403);
	stand_down(&s);
}

/* An address is good once, and not for long. */
static void test_one_use_address(void **state)
{
	struct stand s;
	char key[KEY_TEXT_LEN + 1], path[512];

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.name = "desk", .role = ROLE_VIEWER}, NULL, key);
	stand_open(&s);
	snprintf(path, sizeof(path), "%s", authorized(&s, with_key(key)));
	check(strstr(path, "&code=") != NULL);
	enters(&s, path, "");
	refused(&s, true, path, "", 401, "UDAPI100050");
	snprintf(path, sizeof(path), "%s", authorized(&s, with_key(key)));
	clock_advance(&s.t.rig.clock, 30000);
	refused(&s, true, path, "", 401, "UDAPI100050");
	refused(&s, true, FOLLOWER_PATH "?code=", "", 401, "UDAPI100050");
	refused(&s, true, FOLLOWER_PATH "?code=00", "", 401, "UDAPI100050");
	/* The Python SDK sends its key along to the address it was redirected to. */
	snprintf(path, sizeof(path), "%s", authorized(&s, with_key(key)));
	enters(&s, path, with_key(key));
	check_i64(module_metric(s.t.mod, "feed_authorized_total"), 3);
	stand_down(&s);
}

/* Without keys anything is good, and no code is given out. */
static void test_open_door(void **state)
{
	struct stand s;
	char path[512];

	(void)state;
	stand_up(&s);
	stand_open(&s);
	enters(&s, FOLLOWER_PATH, "");
	enters(&s, FOLLOWER_PATH, with_key("anything"));
	snprintf(path, sizeof(path), "%s", authorized(&s, with_key("anything")));
	check(strstr(path, "code=") == NULL);
	enters(&s, path, "");
	stand_down(&s);
}

/* One connection too many is 403, as with the broker; too often is 429. */
static void test_limits(void **state)
{
	struct stand s;
	struct follower f;
	char key[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	s.ring.cfg.handshakes_per_s = 1;
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER, .connections = 1}, NULL, key);
	stand_open(&s);
	follower_open(&s.t, &f, with_key(key));
	refused(&s, true, FOLLOWER_PATH, with_key(key), 403, "UDAPI10005");
	for (int i = 0; i < 3; i++)
		refused(&s, true, FOLLOWER_PATH, "", 401, "UDAPI100050");
	refused(&s, true, FOLLOWER_PATH, with_key(key), 429, "UDAPI10005");
	follower_fini(&f);
	stand_down(&s);
}

/* --- inside ----------------------------------------------------------------------------------- */

static void test_scope(void **state)
{
	struct stand s;
	struct follower f;
	char key[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, "NSE_INDEX|*", key);
	stand_open(&s);
	upstream_ltp(&s.t, FEED_LIVE, 1, FO, 10000);
	upstream_ltp(&s.t, FEED_LIVE, 1, INDEX, 20000);
	follower_open(&s.t, &f, with_key(key));
	follower_ask(&f, "sub", "ltpc", FO "," INDEX);
	check_str(strchr(follower_line(&f), ' '), " " INDEX ":ltpc:ltpc=2");
	upstream_begin(&s.t, FEED_LIVE, 2);
	upstream_add_ltp(&s.t, FO, 30000);
	upstream_add_ltp(&s.t, INDEX, 40000);
	upstream_end(&s.t);
	check_str(follower_line(&f), "live@2 " INDEX ":ltpc:ltpc=4");
	follower_fini(&f);
	stand_down(&s);
}

static bool has_close(void *arg)
{
	return ((struct ws_peer *)arg)->has_close;
}

static void thrown_out(struct stand *s, struct follower *f)
{
	rig_until(&s->t.rig, has_close, f->peer);
	check_i64(ws_peer_close_code(f->peer), STREAM_CLOSE_KEY);
	ws_peer_close(f->peer, STREAM_CLOSE_KEY, "");
	check(ws_peer_wait_eof(&s->t.rig, f->peer));
	follower_fini(f);
}

static void test_key_that_goes(void **state)
{
	struct stand s;
	struct follower revoked, expired, stays;
	char a[KEY_TEXT_LEN + 1], b[KEY_TEXT_LEN + 1], c[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.name = "a", .role = ROLE_VIEWER}, NULL, a);
	keyring_add(
		&s.ring,
		(struct key){.name = "b", .role = ROLE_VIEWER, .expires_ms = KEYRING_NOW + 120000},
		NULL, b);
	keyring_add(&s.ring, (struct key){.name = "c", .role = ROLE_VIEWER}, NULL, c);
	stand_open(&s);
	follower_open(&s.t, &revoked, with_key(a));
	follower_open(&s.t, &expired, with_key(b));
	follower_open(&s.t, &stays, with_key(c));
	keyring_revoke(&s.ring, "a");
	keyring_reload(&s.ring);
	thrown_out(&s, &revoked);
	clock_advance(&s.t.rig.clock, 120001);
	thrown_out(&s, &expired);
	check_i64(module_metric(s.t.mod, "keys_lost_total"), 2);
	upstream_ltp(&s.t, FEED_LIVE, 1, FO, 10000);
	follower_ask(&stays, "sub", "ltpc", FO);
	follower_hear(&stays);
	follower_fini(&stays);
	stand_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake), cmocka_unit_test(test_one_use_address),
		cmocka_unit_test(test_open_door), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_scope),     cmocka_unit_test(test_key_that_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
