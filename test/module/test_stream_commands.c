/* SPDX-License-Identifier: MIT
 *
 * The broadcaster's handshake, greeting and commands, with the answer to each. What it sends by
 * itself is in test_stream.c.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/viewer.h"

#define FO    "NSE_FO|45450"
#define INDEX "NSE_INDEX|Nifty 50"

static void test_connection(void **state)
{
	struct theatre t;
	struct viewer v = {.theatre = &t};
	cJSON *json;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	market_ltp(&t.market, FO, 10000);
	v.peer = ws_peer_open(&t.rig, t.port, "/ws", "");
	json = viewer_hear_type(&v, "connection");
	check_str(member_names(json), "type client_id epoch seq source server_time server_time_ms");
	check_str(member_str(json, "client_id"), theatre_client(&t)->id);
	check_str(member_str(json, "epoch"), t.market.tape.epoch);
	check_i64(member_num(json, "seq"), 1);
	check_str(member_str(json, "source"), "test");
	check(strstr(member_str(json, "server_time"), "+05:30") != NULL);
	cJSON_Delete(json);
	json = viewer_hear_type(&v, "status");
	check_str(member_names(json), "type upstream stale session_open why source seq server_time "
				      "server_time_ms");
	check_str(member_str(json, "upstream"), "live");
	check(cJSON_IsFalse(cJSON_GetObjectItem(json, "stale")));
	cJSON_Delete(json);
	/* The upstream's news go to everyone, at the end of the turn, once. */
	t.market.status = (struct upstream_status){.state = "backoff", .why = "gone \"away\""};
	stream_status_changed(t.stream);
	stream_status_changed(t.stream);
	json = viewer_hear_type(&v, "status");
	check_str(member_str(json, "why"), "gone \"away\"");
	check(cJSON_IsTrue(cJSON_GetObjectItem(json, "stale")));
	check(cJSON_IsFalse(cJSON_GetObjectItem(json, "session_open")));
	cJSON_Delete(json);
	ws_rig_for(&t.rig, 30);
	check(!viewer_has_news(&v));
	check(v.peer->fault == NULL);
	theatre_down(&t);
}

/* --- the handshake ---------------------------------------------------------------------------- */

static int handshake(struct theatre *t, const char *path, const char *host, const char *origin)
{
	struct ws_peer *p = ws_peer_connect(&t->rig, t->port, 0);
	char text[512];
	int status;

	snprintf(
		text, sizeof(text),
		"GET %s HTTP/1.1\r\nHost: %s\r\n%s%s%sUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
		path, host, origin ? "Origin: " : "", origin ? origin : "", origin ? "\r\n" : "");
	ws_peer_raw(p, text, strlen(text));
	check(ws_peer_wait_head(&t->rig, p));
	status = ws_peer_status(p);
	ws_peer_hang_up(p);
	return status;
}

static void test_handshake(void **state)
{
	static const struct {
		const char *path, *host, *origin;
		int status;
	} cases[] = {
		{"/ws", "127.0.0.1", NULL, 101},
		{"/ws?ticket=1", "localhost:8080", NULL, 101},
		{"/ws", "[::1]:8080", NULL, 101},
		{"/ws", "127.0.0.1:8080", "http://127.0.0.1:8080",
		 101}, /* the same host and port */
		{"/ws", "127.0.0.1:8080", "http://127.0.0.1:8000", 101}, /* http.listen's page */
		{"/ws", "127.0.0.1:8080", "http://localhost:8000", 101}, /* by its other name */
		{"/ws", "127.0.0.1:8080", "https://desk.example", 101},  /* listed */
		{"/ws", "127.0.0.1:8080", "https://lab.example:8443", 101},
		{"/ws", "127.0.0.1:8080", "http://desk.example", 403},
		{"/ws", "127.0.0.1:8080", "https://desk.example.evil", 403},
		{"/ws", "127.0.0.1:8080", "https://evil.example", 403},
		{"/ws", "127.0.0.1:8080", "http://localhost:9999",
		 403}, /* another local program's */
		{"/ws", "127.0.0.1:8080", "http://localhost", 403},
		{"/ws", "127.0.0.1:8080", "null", 403}, /* a file, a sandbox */
		{"/ws", "127.0.0.1:8080", "http://127.0.0.1.evil.example:8000", 403},
		{"/ws", "evil.example", NULL, 403}, /* a name that was made to point here */
		{"/ws", "evil.example:8080", "http://evil.example:8080", 403},
		{"/ws", "localhost.evil.example", NULL, 403},
		{"/", "127.0.0.1", NULL, 404},
		{"/wss", "127.0.0.1", NULL, 404},
		{"/ws/", "127.0.0.1", NULL, 404},
	};
	struct theatre t;

	(void)state;
	theatre_up(&t);
	snprintf(t.origins, sizeof(t.origins), "https://desk.example, https://lab.example:8443");
	snprintf(t.http_listen, sizeof(t.http_listen), "127.0.0.1:8000");
	theatre_open(&t);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int status = handshake(&t, cases[i].path, cases[i].host, cases[i].origin);

		if (status != cases[i].status)
			fail_msg("%s from %s to %s: %d", cases[i].path,
				 cases[i].origin ? cases[i].origin : "nowhere", cases[i].host,
				 status);
	}
	check_i64(module_metric(t.mod, "refused_total"), 13);
	theatre_down(&t);
}

/* On another address the Host may be any, and our page comes from the name that its visitor uses,
 * with the port of http.listen. (The rule is asked here without such a listener.) */
static void test_handshake_beyond_loopback(void **state)
{
	static const struct {
		const char *host, *origin;
		int status;
	} cases[] = {
		{"desk.example:8080", NULL, 101},
		{"desk.example:8080", "https://desk.example:8080",
		 101},                                                  /* the same host and port */
		{"desk.example:8080", "https://desk.example:443", 101}, /* http.listen's page */
		{"desk.example:8080", "https://desk.example", 101},     /* the same */
		{"DESK.example", "https://desk.example", 101},
		{"[2001:db8::1]:8080", "https://[2001:db8::1]:443", 101},
		{"desk.example:8080", "http://desk.example", 403}, /* that is port 80 */
		{"desk.example:8080", "https://desk.example:444", 403},
		{"desk.example:8080", "https://evil.example", 403},
		{"desk.example:8080", "https://desk.example.evil", 403},
		{"desk.example:8080", "https://desk.example:443@evil", 403},
		{"desk.example:8080", "null", 403},
	};
	struct theatre t;

	(void)state;
	theatre_up(&t);
	snprintf(t.http_listen, sizeof(t.http_listen), "0.0.0.0:443");
	theatre_open(&t);
	t.stream->is_loopback = false;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int status = handshake(&t, "/ws", cases[i].host, cases[i].origin);

		if (status != cases[i].status)
			fail_msg("from %s to %s: %d", cases[i].origin ? cases[i].origin : "nowhere",
				 cases[i].host, status);
	}
	theatre_down(&t);
}

static void test_too_many_clients(void **state)
{
	struct theatre t;
	struct viewer a;

	(void)state;
	theatre_up(&t);
	t.cfg.max_clients = 1;
	theatre_open(&t);
	viewer_open(&t, &a);
	check_i64(handshake(&t, "/ws", "localhost", NULL), 503);
	ws_peer_close(a.peer, 1000, "");
	check(ws_peer_wait_eof(&t.rig, a.peer));
	check_i64(handshake(&t, "/ws", "localhost", NULL), 101);
	theatre_down(&t);
}

static void test_bad_listen(void **state)
{
	static const char *const bad[] = {"0.0.0.0:0", "192.0.2.1:8080", "nonsense", "127.0.0.1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct theatre t;
		struct agni_err err = {0};

		theatre_up(&t);
		theatre_open(&t);
		module_down(&t.rig, t.mod);
		stream_destroy(t.stream);
		snprintf(t.listen, sizeof(t.listen), "%s", bad[i]);
		t.stream = stream_create(&(struct stream_deps){.loop = &t.rig.loop,
							       .ws = t.rig.ws,
							       .book = &t.market.book,
							       .tape = &t.market.tape,
							       .interest = &t.market.interest,
							       .cfg = &t.cfg,
							       .http_listen = "",
							       .source = "test",
							       .upstream = &t.market.view});
		t.mod = stream_module(t.stream);
		check_i64(t.mod->ops->start(t.mod, &err), 0);
		check_i64(t.mod->ops->listen(t.mod, &err), AGNI_ECONFIG);
		check(strstr(err.text, "stream.listen") != NULL);
		theatre_down(&t); /* a module whose doors never opened stops too */
	}
}

/* --- commands --------------------------------------------------------------------------------- */

static void check_result(const cJSON *update, int i, const char *name, const char *status)
{
	const cJSON *r = cJSON_GetArrayItem(cJSON_GetObjectItem(update, "results"), i);

	check(r != NULL);
	check_str(r->child->valuestring, name);
	check_str(member_str(r, "status"), status);
}

static void test_subscribe(void **state)
{
	struct theatre t;
	struct viewer v;
	cJSON *json;
	inst_id id;

	(void)state;
	theatre_up(&t);
	t.cfg.max_subscriptions = 7;
	theatre_open(&t);
	viewer_open(&t, &v);
	json = viewer_ask(&v,
			  "{\"action\":\"subscribe\",\"id\":\"my \\\"id\\\"\",\"mode\":\"ltpc\","
			  "\"instruments\":[\"NSE_FO|1\",\"NSE_EQ|UNKNOWN\",\"nonsense\",7,"
			  "\"NSE_FO|1\"],\"channels\":[\"status\",\"chain:NIFTY\"]}",
			  "subscription_update");
	check_str(member_str(json, "id"), "my \"id\"");
	check_str(member_str(json, "action"), "subscribe");
	check_str(member_str(json, "mode"), "ltpc");
	check_result(json, 0, "NSE_FO|1", "subscribed");
	check_result(json, 1, "NSE_EQ|UNKNOWN", "unknown_instrument");
	check_result(json, 2, "nonsense", "invalid_instrument");
	check_result(json, 3, "", "invalid_instrument");
	check_result(json, 4, "NSE_FO|1", "subscribed"); /* twice is once */
	check_result(json, 5, "status", "subscribed");
	check_result(json, 6, "chain:NIFTY", "unknown_channel");
	check_i64(member_num(json, "subscriptions"), 1);
	cJSON_Delete(json);
	id = instruments_find(&t.market.book.instruments, "NSE_FO|1", 8);
	check_i64(interest_top(&t.market.interest, id), WANT_LTPC);
	json = viewer_ask(
		&v,
		"{\"action\":\"subscribe\",\"mode\":\"ltpc\",\"instruments\":[\"NSE_FO|2\","
		"\"NSE_FO|3\",\"NSE_FO|4\",\"NSE_FO|5\",\"NSE_FO|6\",\"NSE_FO|7\","
		"\"NSE_FO|8\"]}",
		"subscription_update");
	check_result(json, 5, "NSE_FO|7", "subscribed");
	check_result(json, 6, "NSE_FO|8", "over_limit");
	check_i64(member_num(json, "subscriptions"), 7);
	cJSON_Delete(json);
	check_i64(instruments_find(&t.market.book.instruments, "NSE_FO|8", 8), INST_NONE);

	/* The default is full; another mode moves a subscription. */
	json = viewer_ask(&v, "{\"action\":\"subscribe\",\"id\":12,\"instruments\":[\"NSE_FO|1\"]}",
			  "subscription_update");
	check_i64(member_num(json, "id"), 12);
	check_str(member_str(json, "mode"), "full");
	cJSON_Delete(json);
	check_i64(interest_top(&t.market.interest, id), WANT_FULL);
	json = viewer_ask(&v, "{\"action\":\"subscriptions\",\"id\":\"s\"}", "subscriptions");
	check_str(member_str(json, "id"), "s");
	check_i64(cJSON_GetArraySize(cJSON_GetObjectItem(json, "data")), 7);
	check_str(member_names(cJSON_GetObjectItem(json, "data")->child), "instrument mode policy");
	check_str(member_str(cJSON_GetObjectItem(json, "data")->child, "instrument"), "NSE_FO|1");
	check_str(member_str(cJSON_GetObjectItem(json, "data")->child, "mode"), "full");
	cJSON_Delete(json);

	json = viewer_ask(
		&v, "{\"action\":\"unsubscribe\",\"instruments\":[\"NSE_FO|1\",\"NSE_FO|9\"]}",
		"subscription_update");
	check_result(json, 0, "NSE_FO|1", "unsubscribed");
	check_result(json, 1, "NSE_FO|9", "not_subscribed");
	check_i64(member_num(json, "subscriptions"), 6);
	cJSON_Delete(json);
	check_i64(interest_top(&t.market.interest, id), WANT_NOTHING);
	/* The status channel comes to everyone, whether asked for or not. */
	json = viewer_ask(&v, "{\"action\":\"unsubscribe\",\"channels\":[\"status\"]}",
			  "subscription_update");
	check_result(json, 0, "status", "not_subscribed");
	cJSON_Delete(json);
	theatre_down(&t);
}

/* The broker's limits hold on the way down as well: else full and back, one after the other, would fill
 * ltpc without an end. */
static void test_lower_mode(void **state)
{
	const struct interest_limits limits = {.alone = {2, 2, 2, 0}, .mixed = {2, 2, 2, 0}};
	struct theatre t;
	struct viewer v;
	cJSON *json;

	(void)state;
	theatre_up(&t);
	t.market.interest.limits = &limits;
	theatre_open(&t);
	viewer_open(&t, &v);
	viewer_subscribe(&v, "NSE_FO|1", "ltpc");
	viewer_subscribe(&v, "NSE_FO|2", "ltpc");
	viewer_subscribe(&v, "NSE_FO|3", "full");
	json = viewer_ask(&v,
			  "{\"action\":\"subscribe\",\"mode\":\"ltpc\","
			  "\"instruments\":[\"NSE_FO|3\"]}",
			  "subscription_update");
	check_result(json, 0, "NSE_FO|3", "over_broker_limit");
	cJSON_Delete(json);
	check_i64(t.market.interest.tops[WANT_LTPC], 2);
	check_i64(t.market.interest.tops[WANT_FULL], 1);
	theatre_down(&t);
}

static void test_ping(void **state)
{
	struct theatre t;
	struct viewer v;
	cJSON *json;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	viewer_open(&t, &v);
	json = viewer_ask(&v, "{\"action\":\"ping\",\"id\":\"p\"}", "pong");
	check_str(member_names(json), "type id server_time server_time_ms");
	cJSON_Delete(json);
	/* A binary frame is a command like any other. */
	ws_peer_frame(v.peer, 0x80 | WS_BINARY, "{\"action\":\"ping\"}", 17);
	cJSON_Delete(viewer_hear_type(&v, "pong"));
	check_i64(module_metric(t.mod, "commands_total"), 2);
	check_i64(module_metric(t.mod, "bad_commands_total"), 0);
	theatre_down(&t);
}

/* Every command is answered, and the connection lives on. */
static void test_bad_commands(void **state)
{
	static const struct {
		const char *command, *code;
	} bad[] = {
		{"", "bad_json"},
		{"{", "bad_json"},
		{"{\"action\":\"ping\"} x", "bad_json"},
		{"{\"action\":\"ping\",\"action\":\"ping\"}", "bad_json"},
		{"[]", "bad_request"},
		{"\"ping\"", "bad_request"},
		{"{}", "bad_request"},
		{"{\"action\":7}", "bad_request"},
		{"{\"action\":\"sell\"}", "unknown_action"},
		{"{\"action\":\"subscribe\"}", "bad_request"},
		{"{\"action\":\"subscribe\",\"instruments\":\"NSE_FO|1\"}", "bad_request"},
		{"{\"action\":\"subscribe\",\"instruments\":[],\"mode\":\"full_d30\"}",
		 "unknown_mode"},
		{"{\"action\":\"subscribe\",\"instruments\":[],\"mode\":1}", "unknown_mode"},
		{"{\"action\":\"subscribe\",\"instruments\":[],\"policy\":\"every\"}",
		 "unknown_policy"},
		{"{\"action\":\"subscribe\",\"instruments\":[],\"policy\":1}", "unknown_policy"},
		{"{\"action\":\"subscribe\",\"instruments\":[],\"interval_ms\":250}",
		 "bad_interval"},
		{"{\"action\":\"subscribe\",\"instruments\":[],\"policy\":\"all\","
		 "\"interval_ms\":250}",
		 "bad_interval"},
		{"{\"action\":\"subscribe\",\"instruments\":[],\"policy\":\"interval\","
		 "\"interval_ms\":9}",
		 "bad_interval"},
		{"{\"action\":\"subscribe\",\"instruments\":[],\"policy\":\"interval\","
		 "\"interval_ms\":60001}",
		 "bad_interval"},
		{"{\"action\":\"subscribe\",\"instruments\":[],\"policy\":\"interval\","
		 "\"interval_ms\":\"250\"}",
		 "bad_interval"},
		{"{\"action\":\"subscribe\",\"instruments\":[1,2],\"channels\":[1,2]}", "too_many"},
		{"{\"action\":\"unsubscribe\",\"instruments\":[1,2,3,4]}", "too_many"},
		{"{\"action\":\"unsubscribe\"}", "bad_request"},
		{"{\"action\":\"unsubscribe\",\"instruments\":{}}", "bad_request"},
	};
	struct theatre t;
	struct viewer v;

	(void)state;
	theatre_up(&t);
	t.cfg.max_subscriptions = 3;
	theatre_open(&t);
	viewer_open(&t, &v);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cJSON *json = viewer_ask(&v, bad[i].command, "error");

		if (strcmp(member_str(json, "code"), bad[i].code) != 0)
			fail_msg("%s: %s", bad[i].command, member_str(json, "code"));
		check(member_str(json, "message")[0] != '\0');
		cJSON_Delete(json);
	}
	cJSON_Delete(viewer_ask(&v, "{\"action\":\"ping\"}", "pong"));
	check_i64(module_metric(t.mod, "bad_commands_total"), ARRAY_LEN(bad));
	theatre_down(&t);
}

/* Of another epoch: subscribed all the same, and said. */
static void test_cannot_resume(void **state)
{
	struct theatre t;
	struct viewer v;
	cJSON *json;

	(void)state;
	theatre_up(&t);
	theatre_open(&t);
	viewer_open(&t, &v);
	market_ltp(&t.market, INDEX, 1);
	market_ltp(&t.market, INDEX, 2);
	json = viewer_ask(&v,
			  "{\"action\":\"subscribe\",\"id\":\"r\",\"instruments\":[\"" FO
			  "\"],\"from_seq\":1,\"epoch\":\"x\"}",
			  "subscription_update");
	check_result(json, 0, FO, "subscribed");
	cJSON_Delete(json);
	json = viewer_hear_type(&v, "cannot_resume");
	check_str(member_names(json), "type floor newest epoch reason id");
	check_i64(member_num(json, "floor"), 1);
	check_i64(member_num(json, "newest"), 2);
	check_str(member_str(json, "reason"), "another_epoch");
	cJSON_Delete(json);
	theatre_down(&t);
}

/* Twice a second's commands at once is a burst; more is not. */
static void test_command_rate(void **state)
{
	struct theatre t;
	struct viewer v;

	(void)state;
	theatre_up(&t);
	t.cfg.commands_per_s = 10;
	theatre_open(&t);
	viewer_open(&t, &v);
	for (int i = 0; i < 20; i++)
		cJSON_Delete(viewer_ask(&v, "{\"action\":\"ping\"}", "pong"));
	for (int i = 0; i < 20; i++)
		viewer_say(&v, "{\"action\":\"ping\"}");
	check(ws_peer_wait_eof(&t.rig, v.peer));
	check_i64(ws_peer_close_code(v.peer), STREAM_CLOSE_FLOOD);
	theatre_down(&t);
}

static void test_too_big(void **state)
{
	struct theatre t;
	struct viewer v;
	char *big = malloc(300000);

	(void)state;
	memset(big, ' ', 300000);
	theatre_up(&t);
	theatre_open(&t);
	viewer_open(&t, &v);
	ws_peer_frame(v.peer, 0x80 | WS_TEXT, big, 300000);
	check(ws_peer_wait_eof(&t.rig, v.peer));
	check_i64(ws_peer_close_code(v.peer), 1009);
	theatre_down(&t);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connection),
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_handshake_beyond_loopback),
		cmocka_unit_test(test_too_many_clients),
		cmocka_unit_test(test_bad_listen),
		cmocka_unit_test(test_subscribe),
		cmocka_unit_test(test_lower_mode),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_bad_commands),
		cmocka_unit_test(test_cannot_resume),
		cmocka_unit_test(test_command_rate),
		cmocka_unit_test(test_too_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
