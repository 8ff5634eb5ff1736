/* SPDX-License-Identifier: MIT
 *
 * viewer: see viewer.h.
 */
#include "viewer.h"

#include <stdio.h>

#include "check.h"
#include "core/json.h"

static bool is_known(const void *arg, const char *key, size_t len)
{
	(void)arg;
	return memmem(key, len, "UNKNOWN", 7) == NULL;
}

void theatre_up(struct theatre *t)
{
	memset(t, 0, sizeof(*t));
	ws_rig_up(&t->rig);
	market_init(&t->market, &t->rig.loop);
	snprintf(t->listen, sizeof(t->listen), "127.0.0.1:0");
	t->cfg = (struct stream_config){.listen = t->listen,
					.origins = t->origins,
					.max_clients = 100,
					.max_subscriptions = 5000,
					.message_max_bytes = 262144,
					.commands_per_s = 100000,
					.stall_ms = 60000,
					.heartbeat_s = 60,
					.ping_s = 60,
					.pong_s = 60};
}

void theatre_open(struct theatre *t)
{
	t->stream = stream_create(&(struct stream_deps){.loop = &t->rig.loop,
							.ws = t->rig.ws,
							.book = &t->market.book,
							.tape = &t->market.tape,
							.bars = t->bars,
							.signals = t->signals,
							.store = t->store,
							.chains = t->chains,
							.futures = t->futures,
							.interest = &t->market.interest,
							.cfg = &t->cfg,
							.auth = t->auth,
							.http_listen = t->http_listen,
							.source = "test",
							.is_known = is_known,
							.select = t->select,
							.money_key = t->money_key,
							.upstream = &t->market.view});
	t->mod = stream_module(t->stream);
	module_up(t->mod);
	t->port = stream_port(t->stream);
}

void theatre_down(struct theatre *t)
{
	module_down(&t->rig, t->mod);
	theatre_fini(t);
}

void theatre_fini(struct theatre *t)
{
	check_i64(module_metric(t->mod, "clients"), 0);
	for (inst_id id = 0; id < t->market.book.instruments.count; id++)
		check_i64(interest_top(&t->market.interest, id), WANT_NOTHING);
	ws_rig_down(&t->rig);
	stream_destroy(t->stream);
	market_fini(&t->market);
}

struct client *theatre_client(struct theatre *t)
{
	if (list_is_empty(&t->stream->clients))
		return NULL;
	return container_of(t->stream->clients.prev, struct client, link);
}

void viewer_open(struct theatre *t, struct viewer *v)
{
	*v = (struct viewer){.theatre = t};
	v->peer = ws_peer_open(&t->rig, t->port, "/ws", "");
	cJSON_Delete(viewer_hear_type(v, "connection"));
	cJSON_Delete(viewer_hear_type(v, "status"));
}

void viewer_say(struct viewer *v, const char *json)
{
	ws_peer_frame(v->peer, 0x80 | WS_TEXT, json, strlen(json));
}

/* Skips what is no text. */
static const struct ws_peer_frame *next_text(struct viewer *v)
{
	const struct ws_peer_frame *f;

	while ((f = ws_peer_get(v->peer, v->next)) && f->op != WS_TEXT)
		v->next++;
	return f;
}

static bool has_text(void *arg)
{
	struct viewer *v = arg;

	return next_text(v) != NULL || v->peer->is_eof;
}

bool viewer_has_news(struct viewer *v)
{
	return next_text(v) != NULL;
}

cJSON *viewer_hear(struct viewer *v)
{
	const struct ws_peer_frame *f;
	struct agni_err err = {0};
	cJSON *json;

	rig_until(&v->theatre->rig, has_text, v);
	f = next_text(v);
	check(f != NULL);
	check(f->is_fin);
	json = json_parse(ws_peer_payload(v->peer, f), f->len, &err);
	if (!json)
		fail_msg("%s: %.*s", err.text, (int)f->len, ws_peer_payload(v->peer, f));
	v->next++;
	return json;
}

cJSON *viewer_hear_type(struct viewer *v, const char *type)
{
	cJSON *json = viewer_hear(v);

	if (strcmp(member_str(json, "type"), type) != 0) {
		char *text = cJSON_PrintUnformatted(json);

		fail_msg("instead of %s: %s", type, text);
	}
	return json;
}

cJSON *viewer_ask(struct viewer *v, const char *json, const char *type)
{
	viewer_say(v, json);
	return viewer_hear_type(v, type);
}

void viewer_subscribe(struct viewer *v, const char *key, const char *mode)
{
	char text[256];
	cJSON *json;

	snprintf(text, sizeof(text),
		 "{\"action\":\"subscribe\",\"instruments\":[\"%s\"],\"mode\":\"%s\"}", key, mode);
	json = viewer_ask(v, text, "subscription_update");
	check_str(member_str(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), 0), "status"),
		  "subscribed");
	cJSON_Delete(json);
}

const char *member_str(const cJSON *json, const char *name)
{
	const char *text = json_string(json, name);

	if (!text)
		fail_msg("no string %s", name);
	return text;
}

double member_num(const cJSON *json, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(json, name);

	if (!cJSON_IsNumber(v))
		fail_msg("no number %s", name);
	return v->valuedouble;
}

const char *member_names(const cJSON *json)
{
	static char text[512];
	const cJSON *it;
	size_t n = 0;

	text[0] = '\0';
	cJSON_ArrayForEach (it, json)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "", it->string);
	return text;
}
