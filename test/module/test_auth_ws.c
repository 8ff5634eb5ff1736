/* SPDX-License-Identifier: MIT
 *
 * The door of /ws, on real sockets: keys, tickets, scope, how many, how often; and what happens to
 * those who are inside when their key goes.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/keyring.h"
#include "../lib/viewer.h"

#define FO    "NSE_FO|45450"
#define INDEX "NSE_INDEX|Nifty 50"

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

/* The answer to a handshake; its body's code goes to `code`. */
static int knock(struct stand *s, const char *path, const char *header, char code[64])
{
	struct ws_peer *p = ws_peer_connect(&s->t.rig, s->t.port, 0);
	const char *at;
	int status;

	ws_peer_request(p, path, header);
	check(ws_peer_wait_head(&s->t.rig, p));
	status = ws_peer_status(p);
	code[0] = '\0';
	if (status != 101) {
		check(ws_peer_wait_eof(&s->t.rig, p));
		buf_cstr(&p->in);
		at = strstr(p->in.data, "\"code\":\"");
		check(at != NULL);
		snprintf(code, 64, "%.*s", (int)strcspn(at + 8, "\""), at + 8);
		buf_cstr(&p->head);
		check((strstr(p->head.data, "WWW-Authenticate: Bearer\r\n") != NULL) ==
		      (status == 401));
		check((strstr(p->head.data, "Retry-After: ") != NULL) == (status == 429));
	}
	ws_peer_hang_up(p);
	return status;
}

static void expect(struct stand *s, const char *path, const char *header, int status,
		   const char *code)
{
	char got[64];
	int n = knock(s, path, header, got);

	if (n != status || strcmp(got, code) != 0)
		fail_msg("%s %s: %d %s", path, header, n, got);
}

/* Connects with this header, checked to be up. */
static void enter(struct stand *s, struct viewer *v, const char *path, const char *header)
{
	*v = (struct viewer){.theatre = &s->t};
	v->peer = ws_peer_open(&s->t.rig, s->t.port, path, header);
	cJSON_Delete(viewer_hear_type(v, "connection"));
	cJSON_Delete(viewer_hear_type(v, "status"));
}

static bool is_empty(void *arg)
{
	return theatre_client(arg) == NULL;
}

static void leave(struct stand *s, struct viewer *v)
{
	ws_peer_close(v->peer, 1000, "");
	rig_until(&s->t.rig, is_empty, &s->t);
}

static bool has_close(void *arg)
{
	return ((struct ws_peer *)arg)->has_close;
}

/* The server ends it with this code. */
static void thrown_out(struct stand *s, struct viewer *v, int code)
{
	rig_until(&s->t.rig, has_close, v->peer);
	check_i64(ws_peer_close_code(v->peer), code);
	ws_peer_close(v->peer, code, "");
	check(ws_peer_wait_eof(&s->t.rig, v->peer));
}

static const char *ticket_for(struct stand *s, const char *key)
{
	static char path[128];
	struct auth_caller c;
	struct auth_refusal why;
	char ticket[TICKET_LEN + 1];
	int64_t life_s;

	check(auth_handshake(s->ring.auth, bearer(key), "", "127.0.0.1", &c, &why));
	check(auth_ticket(s->ring.auth, &c, ticket, &life_s, &why));
	check_i64(life_s, 30);
	snprintf(path, sizeof(path), "/ws?ticket=%s", ticket);
	return path;
}

/* --- the handshake ---------------------------------------------------------------------------- */

static void test_handshake(void **state)
{
	struct stand s;
	struct viewer v;
	char key[KEY_TEXT_LEN + 1], old[KEY_TEXT_LEN + 1], wrong[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.name = "desk", .role = ROLE_VIEWER}, NULL, key);
	keyring_add(&s.ring, (struct key){.role = ROLE_ADMIN, .expires_ms = KEYRING_NOW}, NULL,
		    old);
	stand_open(&s);
	snprintf(wrong, sizeof(wrong), "%s", key);
	wrong[20] = wrong[20] == '0' ? '1' : '0';
	expect(&s, "/ws", "", 401, "key_required");
	expect(&s, "/ws", with_key(wrong), 401, "key_invalid");
	expect(&s, "/ws", with_key(old), 401, "key_expired");
	expect(&s, "/ws", "Authorization: Basic x\r\n", 401, "key_invalid");
	expect(&s, "/ws?ticket=", "", 401, "ticket_invalid");
	expect(&s, "/ws?ticket=00", "", 401, "ticket_invalid");
	expect(&s, "/ws?key=x", "", 401, "key_required"); /* no key in a URL */
	expect(&s, "/other", "", 404, "not_found");
	expect(&s, "/ws", "Origin: https://evil.example\r\n", 403, "origin_not_allowed");
	enter(&s, &v, "/ws", with_key(key));
	check_str(theatre_client(&s.t)->caller.name, "key:desk");
	check_str(theatre_client(&s.t)->caller.peer, "127.0.0.1");
	check_i64(module_metric(auth_module(s.ring.auth), "connections"), 1);
	leave(&s, &v);
	check_i64(module_metric(auth_module(s.ring.auth), "connections"), 0);
	stand_down(&s);
}

static void test_open_door(void **state)
{
	struct stand s;
	struct viewer v;

	(void)state;
	stand_up(&s);
	stand_open(&s);
	enter(&s, &v, "/ws?ticket=nothing", "");
	check_str(theatre_client(&s.t)->caller.name, "loopback");
	leave(&s, &v);
	stand_down(&s);
}

/* A ticket opens once, for half a minute, and as long as its key is good. */
static void test_ticket(void **state)
{
	struct stand s;
	struct viewer v;
	char key[KEY_TEXT_LEN + 1], path[128];

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring,
		    (struct key){.name = "desk",
				 .role = ROLE_VIEWER,
				 .expires_ms = KEYRING_NOW + 120000},
		    NULL, key);
	stand_open(&s);
	snprintf(path, sizeof(path), "%s", ticket_for(&s, key));
	enter(&s, &v, path, "");
	check_str(theatre_client(&s.t)->caller.name, "key:desk");
	expect(&s, path, "", 401, "ticket_invalid");
	leave(&s, &v);
	snprintf(path, sizeof(path), "%s", ticket_for(&s, key));
	clock_advance(&s.t.rig.clock, 30000);
	expect(&s, path, "", 401, "ticket_invalid");
	/* A wrong key beside a good ticket is a wrong key, and does not use it up. */
	snprintf(path, sizeof(path), "%s", ticket_for(&s, key));
	expect(&s, path, with_key("agni_x"), 401, "key_invalid");
	expect(&s, path, "", 101, "");
	/* The key goes between the ticket and its use: expired, then revoked. */
	snprintf(path, sizeof(path), "%s", ticket_for(&s, key));
	clock_advance(&s.t.rig.clock, 29999);
	expect(&s, path, "", 101, "");
	clock_advance(&s.t.rig.clock, 60000 - 29999 - 1);
	snprintf(path, sizeof(path), "%s", ticket_for(&s, key));
	clock_advance(&s.t.rig.clock, 29999 + 2);
	expect(&s, path, "", 401, "ticket_invalid");
	keyring_add(&s.ring, (struct key){.name = "two", .role = ROLE_VIEWER}, NULL, key);
	keyring_reload(&s.ring);
	snprintf(path, sizeof(path), "%s", ticket_for(&s, key));
	keyring_revoke(&s.ring, "two");
	keyring_reload(&s.ring);
	expect(&s, path, "", 401, "ticket_invalid");
	check_i64(module_metric(auth_module(s.ring.auth), "tickets_used_total"), 3);
	stand_down(&s);
}

/* --- how many, how often ---------------------------------------------------------------------- */

static void test_connections_of_a_key(void **state)
{
	struct stand s;
	struct viewer v[3];
	char two[KEY_TEXT_LEN + 1], usual[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	s.ring.cfg.connections_per_key = 1;
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER, .connections = 2}, NULL, two);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, usual);
	stand_open(&s);
	enter(&s, &v[0], "/ws", with_key(two));
	enter(&s, &v[1], "/ws", with_key(two));
	expect(&s, "/ws", with_key(two), 429, "too_many_connections");
	enter(&s, &v[2], "/ws", with_key(usual));
	expect(&s, "/ws", with_key(usual), 429, "too_many_connections");
	/* A reload keeps the count; who leaves makes room. */
	keyring_reload(&s.ring);
	expect(&s, "/ws", with_key(two), 429, "too_many_connections");
	for (int i = 0; i < 3; i++)
		ws_peer_close(v[i].peer, 1000, "");
	rig_until(&s.t.rig, is_empty, &s.t);
	enter(&s, &v[0], "/ws", with_key(two));
	leave(&s, &v[0]);
	stand_down(&s);
}

static void test_handshakes_of_an_address(void **state)
{
	struct stand s;
	char key[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	s.ring.cfg.handshakes_per_s = 2;
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, key);
	stand_open(&s);
	for (int i = 0; i < 10; i++)
		expect(&s, "/ws", "", 401, "key_required");
	expect(&s, "/ws", with_key(key), 429, "too_many_handshakes");
	clock_advance(&s.t.rig.clock, 500);
	expect(&s, "/ws", with_key(key), 101, "");
	expect(&s, "/ws", "", 429, "too_many_handshakes");
	stand_down(&s);
}

static void test_failures_of_an_address(void **state)
{
	struct stand s;
	char key[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	s.ring.cfg.failures_per_min = 2;
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, key);
	stand_open(&s);
	expect(&s, "/ws", with_key("x"), 401, "key_invalid");
	expect(&s, "/ws?ticket=x", "", 401, "ticket_invalid");
	expect(&s, "/ws?ticket=x", "", 429, "too_many_failures");
	expect(&s, "/ws", with_key(key), 101, "");
	stand_down(&s);
}

static void test_commands_of_a_key(void **state)
{
	struct stand s;
	struct viewer v;
	char key[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER, .commands_per_s = 2}, NULL, key);
	stand_open(&s);
	enter(&s, &v, "/ws", with_key(key));
	for (int i = 0; i < 4; i++)
		cJSON_Delete(viewer_ask(&v, "{\"action\":\"ping\"}", "pong"));
	viewer_say(&v, "{\"action\":\"ping\"}");
	thrown_out(&s, &v, STREAM_CLOSE_FLOOD);
	stand_down(&s);
}

/* --- scope ------------------------------------------------------------------------------------ */

static const char *status_of(const cJSON *update, int n)
{
	return member_str(cJSON_GetArrayItem(cJSON_GetObjectItem(update, "results"), n), "status");
}

/* What is outside is not subscribed, nor is it said whether it exists. */
static void test_scope(void **state)
{
	struct stand s;
	struct viewer v;
	char key[KEY_TEXT_LEN + 1];
	cJSON *json;

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, "NSE_INDEX|*,NSE_FO|1", key);
	stand_open(&s);
	market_ltp(&s.t.market, FO, 10000);
	market_ltp(&s.t.market, INDEX, 10000);
	enter(&s, &v, "/ws", with_key(key));
	json = viewer_ask(&v,
			  "{\"action\":\"subscribe\",\"instruments\":[\"" INDEX "\",\"" FO
			  "\",\"NSE_FO|UNKNOWN\",\"NSE_INDEX|UNKNOWN\",\"x\",\"NSE_FO|1\"]}",
			  "subscription_update");
	check_str(status_of(json, 0), "subscribed");
	check_str(status_of(json, 1), "not_permitted");
	check_str(status_of(json, 2), "not_permitted");
	check_str(status_of(json, 3), "unknown_instrument");
	check_str(status_of(json, 4), "invalid_instrument");
	check_str(status_of(json, 5), "subscribed");
	check_i64(member_num(json, "subscriptions"), 2);
	cJSON_Delete(json);
	json = viewer_hear_type(&v, "market_data"); /* the snapshot */
	check_i64(cJSON_GetArraySize(cJSON_GetObjectItem(json, "data")), 1);
	cJSON_Delete(json);
	market_ltp(&s.t.market, FO, 20000);
	ws_rig_for(&s.t.rig, 30);
	check(!viewer_has_news(&v));
	leave(&s, &v);
	stand_down(&s);
}

/* --- who is inside ---------------------------------------------------------------------------- */

/* The sweep looks after expiry; a reload after all else. */
static void test_key_goes(void **state)
{
	struct stand s;
	struct viewer stays, expires, revoked, changed;
	char keys[4][KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.name = "stays", .role = ROLE_VIEWER}, NULL, keys[0]);
	keyring_add(&s.ring,
		    (struct key){.name = "expires",
				 .role = ROLE_VIEWER,
				 .expires_ms = KEYRING_NOW + 60000},
		    NULL, keys[1]);
	keyring_add(&s.ring, (struct key){.name = "revoked", .role = ROLE_VIEWER}, NULL, keys[2]);
	keyring_add(&s.ring, (struct key){.name = "changed", .role = ROLE_ADMIN}, NULL, keys[3]);
	stand_open(&s);
	enter(&s, &stays, "/ws", with_key(keys[0]));
	enter(&s, &expires, "/ws", with_key(keys[1]));
	enter(&s, &revoked, "/ws", with_key(keys[2]));
	enter(&s, &changed, "/ws", with_key(keys[3]));
	viewer_subscribe(&stays, FO, "full");
	ws_rig_for(&s.t.rig, 300); /* more than a sweep: nothing happens before its time */
	check(!expires.peer->is_eof && !expires.peer->has_close);
	clock_advance(&s.t.rig.clock, 59000);
	thrown_out(&s, &expires, STREAM_CLOSE_KEY);
	keyring_revoke(&s.ring, "revoked");
	keys_find(&s.ring.keys, "changed")->role = ROLE_VIEWER;
	keyring_save(&s.ring);
	check(!revoked.peer->has_close && !changed.peer->has_close);
	keyring_reload(&s.ring);
	thrown_out(&s, &revoked, STREAM_CLOSE_KEY);
	thrown_out(&s, &changed, STREAM_CLOSE_KEY);
	check_i64(module_metric(s.t.mod, "keys_lost_total"), 3);
	/* The others notice nothing. */
	market_ltp(&s.t.market, FO, 10000);
	cJSON_Delete(viewer_hear_type(&stays, "market_data"));
	check(!stays.peer->has_close);
	stand_down(&s);
}

/* The first keys arrive: who came in without one goes. */
static void test_door_closes(void **state)
{
	struct stand s;
	struct viewer v;
	char key[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	stand_open(&s);
	enter(&s, &v, "/ws", "");
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, key);
	keyring_reload(&s.ring);
	thrown_out(&s, &v, STREAM_CLOSE_KEY);
	expect(&s, "/ws", "", 401, "key_required");
	expect(&s, "/ws", with_key(key), 101, "");
	stand_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_open_door),
		cmocka_unit_test(test_ticket),
		cmocka_unit_test(test_connections_of_a_key),
		cmocka_unit_test(test_handshakes_of_an_address),
		cmocka_unit_test(test_failures_of_an_address),
		cmocka_unit_test(test_commands_of_a_key),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_key_goes),
		cmocka_unit_test(test_door_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
