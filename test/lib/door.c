/* SPDX-License-Identifier: MIT
 *
 * door: see door.h.
 */
#include "door.h"

#include <stdio.h>

#include <cjson/cJSON.h>

#include "check.h"
#include "core/json.h"

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

void door_up(struct door *s)
{
	memset(s, 0, sizeof(*s));
	ws_rig_up(&s->rig);
	s->http = http_client_create(&s->rig.loop, NULL);
	keyring_up(&s->ring, &s->rig);
}

void door_open(struct door *s)
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

void door_down(struct door *s)
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
	struct door *s = arg;

	if (res->code)
		fail_msg("%s", res->error);
	s->status = res->status;
	s->retry_after_s = res->retry_after_s;
	snprintf(s->body, sizeof(s->body), "%s", res->body);
	s->is_done = true;
}

int door_ask_with(struct door *s, const char *target, const char *authorization, const char *body)
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

int door_ask(struct door *s, const char *target, const char *key)
{
	return door_ask_with(s, target, key ? bearer(key) : NULL, NULL);
}

const char *door_code(struct door *s)
{
	static char code[64];
	struct agni_err err;
	cJSON *json = json_parse(s->body, strlen(s->body), &err);
	const char *text = json_string(cJSON_GetObjectItem(json, "error"), "code");

	snprintf(code, sizeof(code), "%s", text ? text : "");
	cJSON_Delete(json);
	return code;
}

uint64_t door_metric(struct door *s, const char *name)
{
	return module_metric(auth_module(s->ring.auth), name);
}

const char *door_health(struct door *s)
{
	static char why[HEALTH_WHY_MAX];
	struct module *m = auth_module(s->ring.auth);

	check_i64(m->ops->health(m, why), HEALTH_UP);
	return why;
}
