/* SPDX-License-Identifier: MIT
 *
 * The door over REST, on real sockets: who is let in with which role, what the others are told, and
 * what a reload changes. The WebSocket side is in test_auth_ws.c.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "../lib/audit_lab.h"
#include "../lib/check.h"
#include "../lib/keyring.h"
#include "core/json.h"

struct stand {
	struct ws_rig rig;
	struct http_client *http;
	struct http_server *server;
	struct keyring ring;
	int port;
	bool is_done;
	int status;
	int64_t retry_after_s;
	char body[512];
	const char *headers; /* of the next request; NULL: none */
};

/* Answers with who the caller is. */
static void on_request(void *arg, struct http_request *r)
{
	const struct auth_caller *c = r->caller;
	char body[128];
	int n = snprintf(body, sizeof(body), "%s as %s from %s", c->name, role_text(c->role),
			 c->peer);

	(void)arg;
	http_respond(r, 200, "text/plain", NULL, body, (size_t)n);
}

static const struct http_route routes[] = {
	{"GET", "/anyone", on_request, NULL, ROLE_ANYONE},
	{"GET", "/viewer", on_request, NULL, ROLE_VIEWER},
	{"GET", "/trader", on_request, NULL, ROLE_TRADER},
	{"GET", "/operator", on_request, NULL, ROLE_OPERATOR},
	{"GET", "/admin", on_request, NULL, ROLE_ADMIN},
	{"POST", "/viewer", on_request, NULL, ROLE_VIEWER},
	{0},
};

static void stand_up(struct stand *s)
{
	memset(s, 0, sizeof(*s));
	ws_rig_up(&s->rig);
	s->http = http_client_create(&s->rig.loop, NULL);
	keyring_up(&s->ring, &s->rig);
}

static void stand_open(struct stand *s)
{
	struct http_server_config cfg = {.routes = routes, .admit = auth_admit, .json_only = true};

	keyring_open(&s->ring, &s->rig);
	cfg.admit_arg = s->ring.auth;
	s->server = http_server_up(&s->rig, &cfg);
	s->port = http_server_port(s->server);
}

static bool is_true(void *arg)
{
	return *(bool *)arg;
}

static void stand_down(struct stand *s)
{
	http_client_down(&s->rig, s->http);
	http_server_down(&s->rig, s->server);
	keyring_down(&s->ring, &s->rig);
	if (s->ring.audit) {
		module_down(&s->rig, audit_module(s->ring.audit));
		audit_destroy(s->ring.audit);
	}
	ws_rig_down(&s->rig);
}

static void on_answer(void *arg, const struct http_result *res)
{
	struct stand *s = arg;

	if (res->code)
		fail_msg("%s", res->error);
	s->status = res->status;
	s->retry_after_s = res->retry_after_s;
	snprintf(s->body, sizeof(s->body), "%s", res->body);
	s->is_done = true;
}

/* The status of the answer; `key` NULL: without one. `body` NULL: a GET. */
static int ask_with(struct stand *s, const char *target, const char *authorization,
		    const char *body)
{
	char url[128];
	struct agni_err err;
	struct http_call_options o = {.method = body ? "POST" : "GET",
				      .url = url,
				      .authorization = authorization,
				      .headers = s->headers,
				      .body = body,
				      .body_len = body ? strlen(body) : 0,
				      .timeout_ms = PARTS_WAIT_MS,
				      .response_max = 65536};

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", s->port, target);
	s->is_done = false;
	if (!http_call_start(s->http, &o, on_answer, s, &err))
		fail_msg("%s", err.text);
	rig_until(&s->rig, is_true, &s->is_done);
	return s->status;
}

static int ask(struct stand *s, const char *target, const char *key)
{
	return ask_with(s, target, key ? bearer(key) : NULL, NULL);
}

/* The code of the error envelope that came. */
static const char *code_of(struct stand *s)
{
	static char code[64];
	struct agni_err err;
	cJSON *json = json_parse(s->body, strlen(s->body), &err);
	const char *text = json_string(cJSON_GetObjectItem(json, "error"), "code");

	snprintf(code, sizeof(code), "%s", text ? text : "");
	cJSON_Delete(json);
	return code;
}

static uint64_t metric(struct stand *s, const char *name)
{
	return module_metric(auth_module(s->ring.auth), name);
}

static const char *health(struct stand *s)
{
	static char why[HEALTH_WHY_MAX];
	struct module *m = auth_module(s->ring.auth);

	check_i64(m->ops->health(m, why), HEALTH_UP);
	return why;
}

/* --- roles ------------------------------------------------------------------------------------ */

static const char *const targets[] = {"/anyone", "/viewer", "/trader", "/operator", "/admin"};

/* Each role reaches what is for it and for those before it, and nothing else. */
static void test_roles(void **state)
{
	struct stand s;
	char keys[ROLE_ADMIN + 1][KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	for (int role = ROLE_VIEWER; role <= ROLE_ADMIN; role++)
		keyring_add(&s.ring, (struct key){.role = (enum auth_role)role}, NULL, keys[role]);
	stand_open(&s);
	for (int role = ROLE_ANYONE; role <= ROLE_ADMIN; role++) {
		for (int need = ROLE_ANYONE; need <= ROLE_ADMIN; need++) {
			int status = ask(&s, targets[need], role ? keys[role] : NULL);
			int wanted = role >= need ? 200 : role == ROLE_ANYONE ? 401 : 403;

			if (status != wanted)
				fail_msg("%s to %s: %d", role_text((enum auth_role)role),
					 targets[need], status);
			if (wanted == 401)
				check_str(code_of(&s), "key_required");
			if (wanted == 403)
				check_str(code_of(&s), "role_not_sufficient");
		}
	}
	check_i64(metric(&s, "admitted_total"), 5 + 4 + 3 + 2 + 1);
	check_i64(metric(&s, "unauthorized_total"), 4);
	check_i64(metric(&s, "forbidden_total"), 6);
	check_str(health(&s), "4 keys, 0 of them expired");
	stand_down(&s);
}

static void test_caller(void **state)
{
	struct stand s;
	char key[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.name = "desk1", .role = ROLE_TRADER}, NULL, key);
	stand_open(&s);
	check_i64(ask(&s, "/viewer", key), 200);
	check_str(s.body, "key:desk1 as trader from 127.0.0.1");
	check_i64(ask(&s, "/anyone", key), 200);
	check_str(s.body, "key:desk1 as trader from 127.0.0.1");
	check_i64(ask(&s, "/anyone", NULL), 200);
	check_str(s.body, "anyone as anyone from 127.0.0.1");
	stand_down(&s);
}

/* Without a file everybody on loopback may everything, whatever is presented; it is said loudly. */
static void test_open_door(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s);
	log_capture();
	stand_open(&s);
	check(strstr(log_captured(), "WARN") && strstr(log_captured(), "NO API KEYS"));
	log_release();
	check(auth_is_open(s.ring.auth));
	check(strstr(health(&s), "OPEN") != NULL);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		check_i64(ask(&s, targets[i], NULL), 200);
		check_str(s.body, "loopback as admin from 127.0.0.1");
		check_i64(ask(&s, targets[i], "agni_of_another_server"), 200);
	}
	stand_down(&s);
}

/* A file without keys is not an open door. */
static void test_no_keys_left(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s);
	keyring_save(&s.ring);
	log_capture();
	stand_open(&s);
	check(strstr(log_captured(), "nobody can come in") != NULL);
	log_release();
	check(!auth_is_open(s.ring.auth));
	check_i64(ask(&s, "/anyone", NULL), 200);
	check_i64(ask(&s, "/viewer", NULL), 401);
	stand_down(&s);
}

/* --- what is presented ------------------------------------------------------------------------ */

static void test_bad_credentials(void **state)
{
	static const char *const bad[] = {"Basic dXNlcjpwYXNz", "Bearer",         "Bearer ",
					  "Bearer x",           "agni_00000000_", "Bearerx"};
	struct stand s;
	char key[KEY_TEXT_LEN + 1], text[256];

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, key);
	stand_open(&s);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		check_i64(ask_with(&s, "/viewer", bad[i], NULL), 401);
		check_str(code_of(&s), "key_invalid");
		/* Where no key is needed a wrong one is told of too. */
		check_i64(ask_with(&s, "/anyone", bad[i], NULL), 401);
	}
	check_i64(ask_with(&s, "/viewer", key, NULL), 401); /* without its scheme */
	snprintf(text, sizeof(text), "bEARER   %s", key);   /* RFC 7235: any case, spaces */
	check_i64(ask_with(&s, "/viewer", text, NULL), 200);
	snprintf(text, sizeof(text), "Bearer %s x", key);
	check_i64(ask_with(&s, "/viewer", text, NULL), 401);
	stand_down(&s);
}

static void test_expiry(void **state)
{
	struct stand s;
	char key[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER, .expires_ms = KEYRING_NOW + 60000},
		    NULL, key);
	stand_open(&s);
	check_i64(ask(&s, "/viewer", key), 200);
	clock_advance(&s.rig.clock, 60000);
	check_i64(ask(&s, "/viewer", key), 401);
	check_str(code_of(&s), "key_expired");
	check_str(health(&s), "1 keys, 1 of them expired");
	stand_down(&s);
}

/* --- how often -------------------------------------------------------------------------------- */

static void test_rate_of_a_key(void **state)
{
	struct stand s;
	char slow[KEY_TEXT_LEN + 1], usual[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	s.ring.cfg.requests_per_s = 5;
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER, .requests_per_s = 2}, NULL, slow);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, usual);
	stand_open(&s);
	for (int i = 0; i < 4; i++)
		check_i64(ask(&s, "/viewer", slow), 200);
	check_i64(ask(&s, "/viewer", slow), 429);
	check_str(code_of(&s), "rate_limited");
	check_i64(s.retry_after_s, 1);
	check_i64(ask(&s, "/admin", slow), 429); /* before its role is looked at */
	for (int i = 0; i < 10; i++)             /* the other one has not been touched */
		check_i64(ask(&s, "/viewer", usual), 200);
	check_i64(ask(&s, "/viewer", usual), 429);
	check_i64(ask(&s, "/viewer", NULL), 401);
	clock_advance(&s.rig.clock, 500);
	check_i64(ask(&s, "/viewer", slow), 200);
	check_i64(ask(&s, "/viewer", slow), 429);
	check_i64(metric(&s, "limited_total"), 4);
	stand_down(&s);
}

/* An address that guesses is told to wait; who has a key on the same address is not held up. */
static void test_failures_of_an_address(void **state)
{
	struct stand s;
	char key[KEY_TEXT_LEN + 1], wrong[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	s.ring.cfg.failures_per_min = 3;
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, key);
	stand_open(&s);
	snprintf(wrong, sizeof(wrong), "%s", key);
	wrong[KEY_TEXT_LEN - 1] = wrong[KEY_TEXT_LEN - 1] == '0' ? '1' : '0';
	log_capture();
	for (int i = 0; i < 3; i++)
		check_i64(ask(&s, "/viewer", wrong), 401);
	for (int i = 0; i < 5; i++) {
		check_i64(ask(&s, "/viewer", wrong), 429);
		check_str(code_of(&s), "too_many_failures");
		check_i64(s.retry_after_s, 20);
		check_i64(ask(&s, "/viewer", key), 200);
		check_i64(ask(&s, "/viewer", NULL), 401); /* nothing presented: no guess */
	}
	check(strstr(log_captured(), "anyone from 127.0.0.1: refused: key_invalid") != NULL);
	check(strstr(log_captured(), key + 14) == NULL && !strstr(log_captured(), wrong + 14));
	log_release();
	clock_advance(&s.rig.clock, 20000);
	check_i64(ask(&s, "/viewer", wrong), 401);
	check_i64(ask(&s, "/viewer", wrong), 429);
	stand_down(&s);
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
	struct stand s;
	char key[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, key);
	stand_open(&s);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		s.headers = cases[i].headers;
		if (ask_with(&s, "/viewer", bearer(key), "{}") != cases[i].status)
			fail_msg("%s: %d", cases[i].headers, s.status);
		if (cases[i].status == 415)
			check_str(code_of(&s), "unsupported_media_type");
		/* Who may not come in is told that, and nothing of the body. */
		check_i64(ask_with(&s, "/viewer", NULL, "{}"), 401);
	}
	s.headers = NULL;
	check_i64(ask_with(&s, "/viewer", bearer(key), ""), 200); /* no body, no type */
	stand_down(&s);
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
	struct stand s;

	(void)state;
	stand_up(&s);
	s.ring.origins = "https://desk.example";
	stand_open(&s);
	snprintf(own, sizeof(own), "Origin: http://127.0.0.1:%d\r\n", s.port);
	snprintf(other_port, sizeof(other_port), "Origin: http://127.0.0.1:1\r\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		s.headers = cases[i].headers;
		if (ask_with(&s, "/viewer", NULL, "") != cases[i].status)
			fail_msg("%s: %d", cases[i].headers, s.status);
		if (cases[i].status == 403)
			check_str(code_of(&s), "origin_not_allowed");
		check_i64(ask(&s, "/viewer", NULL), 200); /* reading changes nothing */
	}
	stand_down(&s);
}

/* --- reload ----------------------------------------------------------------------------------- */

struct ear {
	struct auth_listener listener;
	unsigned calls;
};

static void on_change(struct auth_listener *l)
{
	container_of(l, struct ear, listener)->calls++;
}

static void test_reload(void **state)
{
	struct stand s;
	struct ear ear = {.listener.on_change = on_change};
	char a[KEY_TEXT_LEN + 1], b[KEY_TEXT_LEN + 1];
	struct agni_err err;

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.name = "a", .role = ROLE_VIEWER}, NULL, a);
	stand_open(&s);
	auth_listen(s.ring.auth, &ear.listener);
	keyring_add(&s.ring, (struct key){.name = "b", .role = ROLE_VIEWER}, NULL, b);
	check_i64(ask(&s, "/viewer", b), 401); /* not before it is told */
	keyring_reload(&s.ring);
	check_i64(ear.calls, 1);
	check_i64(ask(&s, "/viewer", b), 200);
	keyring_revoke(&s.ring, "a");
	check_i64(ask(&s, "/viewer", a), 200);
	keyring_reload(&s.ring);
	check_i64(ask(&s, "/viewer", a), 401);
	check_str(code_of(&s), "key_invalid");
	check_i64(ask(&s, "/viewer", b), 200);
	/* A file that cannot be taken changes nothing. */
	check_i64(chmod(s.ring.path, 0644), 0);
	check_i64(auth_reload(s.ring.auth, &err), AGNI_EAUTH);
	check(strstr(err.text, s.ring.path) != NULL);
	check_i64(unlink(s.ring.path), 0);
	check_i64(auth_reload(s.ring.auth, &err), AGNI_ENOTFOUND);
	check(!auth_is_open(s.ring.auth)); /* a file that is gone opens nothing */
	check_i64(ask(&s, "/viewer", NULL), 401);
	check_i64(ask(&s, "/viewer", b), 200);
	check_i64(ear.calls, 2);
	check_i64(metric(&s, "reloads_total"), 2);
	check_i64(metric(&s, "reload_errors_total"), 2);
	/* The last key goes: nobody comes in, and it is not open. */
	keyring_revoke(&s.ring, "b");
	keyring_reload(&s.ring);
	check_i64(ask(&s, "/viewer", b), 401);
	check_i64(ask(&s, "/viewer", NULL), 401);
	stand_down(&s);
}

/* What has other rights is another key; another name or limit changes nothing of who is there. */
static void test_reload_of_a_changed_key(void **state)
{
	struct stand s;
	struct auth_caller c, d;
	struct auth_refusal why;
	struct agni_err err;
	char text[KEY_TEXT_LEN + 1];
	struct key *key;

	(void)state;
	stand_up(&s);
	keyring_add(&s.ring, (struct key){.name = "a", .role = ROLE_VIEWER}, "NSE_FO|*", text);
	stand_open(&s);
	check(auth_handshake(s.ring.auth, bearer(text), "", "127.0.0.1", &c, &why));
	check(auth_is_current(s.ring.auth, &c));
	key = keys_find(&s.ring.keys, "a");
	key->connections = 5;
	snprintf(key->name, sizeof(key->name), "other");
	keyring_save(&s.ring);
	keyring_reload(&s.ring);
	check(auth_is_current(s.ring.auth, &c));
	check(scope_permits(auth_scope(s.ring.auth, &c), "NSE_FO|1", 8));
	check(!scope_permits(auth_scope(s.ring.auth, &c), "NSE_EQ|1", 8));
	check_i64(scope_add(&key->scope, "NSE_EQ|*", &err), 0);
	keyring_save(&s.ring);
	keyring_reload(&s.ring);
	check(!auth_is_current(s.ring.auth, &c));
	check(!scope_permits(auth_scope(s.ring.auth, &c), "NSE_FO|1", 8)); /* sees nothing now */
	check(auth_handshake(s.ring.auth, bearer(text), "", "127.0.0.1", &d, &why));
	check(scope_permits(auth_scope(s.ring.auth, &d), "NSE_EQ|1", 8));
	key->role = ROLE_ADMIN;
	keyring_save(&s.ring);
	keyring_reload(&s.ring);
	check(!auth_is_current(s.ring.auth, &d));
	stand_down(&s);
}

/* From no file to a file: who came in without a key is not current any more. */
static void test_reload_closes_the_door(void **state)
{
	struct stand s;
	struct auth_caller c;
	struct auth_refusal why;
	char text[KEY_TEXT_LEN + 1];

	(void)state;
	stand_up(&s);
	stand_open(&s);
	check(auth_handshake(s.ring.auth, "", "", "127.0.0.1", &c, &why));
	keyring_reload(&s.ring); /* still no file: fine */
	check(auth_is_current(s.ring.auth, &c));
	keyring_add(&s.ring, (struct key){.role = ROLE_VIEWER}, NULL, text);
	keyring_reload(&s.ring);
	check(!auth_is_current(s.ring.auth, &c));
	check(!auth_handshake(s.ring.auth, "", "", "127.0.0.1", &c, &why));
	check_i64(why.status, 401);
	check_i64(ask(&s, "/viewer", NULL), 401);
	check_i64(ask(&s, "/viewer", text), 200);
	stand_down(&s);
}

/* --- on the record ---------------------------------------------------------------------------- */

/* How many records of the log hold both words. */
static unsigned records_with(struct lab *lab, const char *a, const char *b)
{
	size_t len;
	char *text = lab_read(lab->path, &len), *at = text, *line;
	unsigned n = 0;

	while ((line = strsep(&at, "\n")))
		n += strstr(line, a) && strstr(line, b);
	free(text);
	return n;
}

/* Refusals and what admins do are recorded; with a full disk an admin does nothing, and the rest
 * goes on. No key is ever in the log. */
static void test_audit(void **state)
{
	struct audit_config cfg = {.file = (char[]){""},
				   .rotate_bytes = 1 << 20,
				   .sync_ms = 1,
				   .queue_max = 100,
				   .retry_ms = 10};
	struct stand s;
	struct lab lab;
	struct audit *audit;
	char viewer[KEY_TEXT_LEN + 1], root[KEY_TEXT_LEN + 1], late[KEY_TEXT_LEN + 1];

	(void)state;
	lab_up(&lab);
	stand_up(&s);
	s.ring.cfg.failures_per_min = 3;
	audit = audit_create(&(struct audit_deps){
		.loop = &s.rig.loop, .cfg = &cfg, .data_dir = lab.dir, .io = &lab_io});
	module_up(audit_module(audit));
	s.ring.audit = audit;
	keyring_add(&s.ring, (struct key){.name = "desk", .role = ROLE_VIEWER}, NULL, viewer);
	keyring_add(&s.ring, (struct key){.name = "root", .role = ROLE_ADMIN}, NULL, root);
	stand_open(&s);
	check_i64(ask(&s, "/viewer", "agni_guess"), 401);
	check_i64(records_with(&lab, "key.denied", "key_invalid: GET /viewer"), 1);
	check_i64(ask(&s, "/admin", viewer), 403);
	check_i64(records_with(&lab, "\"key:desk\"", "role_not_sufficient: GET /admin"), 1);
	check_i64(ask(&s, "/admin", root), 200);
	check_i64(records_with(&lab, "admin.call", "\"key:root\""), 1);
	check_i64(ask(&s, "/viewer", root), 200); /* reading is no act */
	for (int i = 0; i < 20; i++) {            /* the record is not filled from outside */
		ask(&s, "/viewer", "agni_guess");
		ask(&s, "/admin", viewer);
	}
	check_i64(records_with(&lab, "key.denied", ""), 3);
	keyring_add(&s.ring, (struct key){.name = "late", .role = ROLE_VIEWER}, NULL, late);
	keyring_revoke(&s.ring, "desk");
	keyring_reload(&s.ring);
	check_i64(records_with(&lab, "key.loaded", "late"), 1);
	check_i64(records_with(&lab, "key.dropped", "desk"), 1);
	check_i64(records_with(&lab, "key.loaded", ""), 1); /* not those of the start */
	lab_disk.write_errno = ENOSPC;
	check_i64(ask(&s, "/admin", root), 503);
	check_str(code_of(&s), "audit_unavailable");
	check_i64(ask(&s, "/viewer", root), 200);
	check_i64(ask(&s, "/viewer", "agni_guess"), 429);
	lab_disk.write_errno = 0;
	check_i64(ask(&s, "/admin", root), 200);
	check_i64(records_with(&lab, viewer + 14, ""), 0);
	check_i64(records_with(&lab, root + 14, ""), 0);
	check_i64(records_with(&lab, "guess", ""), 0);
	stand_down(&s);
	lab_down(&lab);
}

/* --- start ------------------------------------------------------------------------------------ */

/* A keys file that cannot be trusted, or that is named and not there, is no start. */
static void test_bad_start(void **state)
{
	struct ws_rig rig;
	struct keyring ring;
	char named[128];

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct agni_err err = {0};
		struct auth_survey survey;
		struct auth *a;

		ws_rig_up(&rig);
		keyring_up(&ring, &rig);
		snprintf(named, sizeof(named), "%s/none", ring.folder);
		keyring_save(&ring);
		if (i == 0)
			check_i64(chmod(ring.path, 0640), 0);
		else if (i == 1)
			check_i64(truncate(ring.path, 10), 0); /* NUL bytes are no keys */
		else
			ring.cfg.keys_file = named;
		check(auth_survey(&ring.cfg, ring.folder, KEYRING_NOW, &survey, &err) < 0);
		check(strncmp(err.text, "auth.keys_file: ", 16) == 0);
		a = auth_create(&(struct auth_deps){
			.loop = &rig.loop, .cfg = &ring.cfg, .data_dir = ring.folder});
		check_i64(auth_module(a)->ops->start(auth_module(a), &err), AGNI_ECONFIG);
		check(strstr(err.text, i == 2 ? named : ring.path) != NULL);
		auth_destroy(a);
		keyring_down(&ring, &rig);
		ws_rig_down(&rig);
	}
}

static void test_survey(void **state)
{
	struct ws_rig rig;
	struct keyring ring;
	struct auth_survey survey;
	struct agni_err err;
	char text[KEY_TEXT_LEN + 1];

	(void)state;
	ws_rig_up(&rig);
	keyring_up(&ring, &rig);
	check_i64(auth_survey(&ring.cfg, ring.folder, KEYRING_NOW, &survey, &err), 0);
	check(!survey.has_file && survey.keys == 0 && survey.usable == 0);
	keyring_add(&ring, (struct key){.role = ROLE_VIEWER}, NULL, text);
	keyring_add(&ring, (struct key){.role = ROLE_VIEWER, .expires_ms = KEYRING_NOW}, NULL,
		    text);
	check_i64(auth_survey(&ring.cfg, ring.folder, KEYRING_NOW, &survey, &err), 0);
	check(survey.has_file && survey.keys == 2 && survey.usable == 1);
	keyring_down(&ring, &rig);
	ws_rig_down(&rig);
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
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_reload_of_a_changed_key),
		cmocka_unit_test(test_reload_closes_the_door),
		cmocka_unit_test(test_audit),
		cmocka_unit_test(test_bad_start),
		cmocka_unit_test(test_survey),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
