/* SPDX-License-Identifier: MIT
 *
 * token: see token.h. Tokens are wiped before their memory is given back, and are never printed.
 */
#include "token/token.h"

#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "core/backoff.h"
#include "core/json.h"
#include "core/log.h"

#define RESPONSE_MAX 16384
#define TOKEN_MAX    4096
#define GOOD_LIFE_NS (60 * NS_PER_S) /* a token refused sooner was never good */

const struct config_key token_config_keys[] = {
	CONFIG_STR(struct token_config, account, "agnidata001", "", "account whose token this is"),
	CONFIG_STR(struct token_config, source_url, "", "",
		   "internal token API that answers {\"success\":true,\"access_token\":...}; empty "
		   "= none"),
	CONFIG_STR_F(
		struct token_config, access_token, "", "",
		"a token given by hand, best as ${UPSTOX_ACCESS_TOKEN}; empty = ask source_url",
		CONFIG_SECRET | CONFIG_RELOAD),
	CONFIG_INT(struct token_config, poll_s, 30, 1, 3600, "s",
		   "how often source_url is asked while the last token is refused"),
	CONFIG_INT(struct token_config, timeout_ms, 5000, 100, 60000, "ms",
		   "total time for one answer of source_url"),
	{0},
};

struct token {
	struct module mod;
	struct token_deps deps;
	struct list listeners;
	enum token_state state;
	char *bearer;  /* "Bearer " and the token; NULL when there is none */
	char *refused; /* the last token that was refused, so that it is not put in place again */
	uint64_t generation;
	struct http_call *call;
	struct backoff backoff;     /* the token API does not answer */
	struct backoff bad_backoff; /* it answers with tokens that are refused at once */
	mono_ns put_mono;           /* when the present token was put in place */
	uv_timer_t timer;
	char why[HEALTH_WHY_MAX];
	uint64_t fetches, fetch_errors, refusals;
};

static void fetch(struct token *t);

static void wipe(char **text)
{
	if (*text) {
		explicit_bzero(*text, strlen(*text));
		free(*text);
		*text = NULL;
	}
}

static const char *source(const struct token *t)
{
	return t->deps.source_url && t->deps.source_url[0] ? t->deps.source_url
							   : t->deps.cfg->source_url;
}

static void set_state(struct token *t, enum token_state to, const char *why)
{
	static const char *const text[] = {"NONE", "FETCHING", "READY", "WAITING"};

	if (t->state != to)
		log_info("token", "%s -> %s%s%s", text[t->state], text[to], why[0] ? ": " : "",
			 why);
	t->state = to;
	snprintf(t->why, sizeof(t->why), "%s", why);
}

static void tell(struct token *t)
{
	list_for_each (it, &t->listeners) {
		struct token_listener *l = container_of(it, struct token_listener, link);

		l->on_change(l);
	}
}

/* Header values hold visible ASCII only: nothing else can be a token. */
static bool is_token(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++) {
		if (s[n] <= 0x20 || s[n] > 0x7e)
			return false;
	}
	return n > 0 && n <= TOKEN_MAX;
}

static void put(struct token *t, const char *access_token)
{
	size_t size = strlen("Bearer ") + strlen(access_token) + 1;

	wipe(&t->bearer);
	wipe(&t->refused);
	t->bearer = mem_alloc(size);
	snprintf(t->bearer, size, "Bearer %s", access_token);
	t->generation++;
	t->put_mono = clock_mono(t->deps.loop->clock);
	backoff_reset(&t->backoff);
	set_state(t, TOKEN_READY, "");
	tell(t);
}

static void on_timer(uv_timer_t *timer)
{
	fetch(container_of(timer, struct token, timer));
}

static void again_in(struct token *t, uint64_t ms)
{
	uv_timer_start(&t->timer, on_timer, ms, 0);
}

static const char *take_answer(struct token *t, const cJSON *json)
{
	const char *access_token = json_string(json, "access_token");

	if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "success")) || !access_token ||
	    !is_token(access_token))
		return "the token API answered without a token";
	if (t->refused && strcmp(t->refused, access_token) == 0) {
		set_state(t, TOKEN_WAITING, "the token API still gives the token that was refused");
		again_in(t, (uint64_t)t->deps.cfg->poll_s * 1000);
		return NULL;
	}
	put(t, access_token);
	return NULL;
}

/* cJSON gives its strings back as they are. */
static void wipe_answer(cJSON *json)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(json, "access_token");

	if (cJSON_IsString(item))
		explicit_bzero(item->valuestring, strlen(item->valuestring));
}

static void fetch_done(void *arg, const struct http_result *r)
{
	struct token *t = arg;
	struct agni_err err;
	char why[HEALTH_WHY_MAX];
	const char *bad = NULL;
	cJSON *json = NULL;

	t->call = NULL;
	if (r->code) {
		bad = r->error;
	} else if (r->status != 200) {
		snprintf(why, sizeof(why), "the token API answered %d", r->status);
		bad = why;
	} else if (!(json = json_parse(r->body, r->body_len, &err))) {
		bad = "the token API's answer is not JSON";
	} else {
		bad = take_answer(t, json);
		wipe_answer(json);
		cJSON_Delete(json);
	}
	if (bad) {
		t->fetch_errors++;
		set_state(t, TOKEN_FETCHING, bad);
		again_in(t, backoff_next(&t->backoff));
	}
}

static void fetch(struct token *t)
{
	struct agni_err err;
	struct http_call_options o = {
		.method = "GET",
		.url = source(t),
		.timeout_ms = (uint64_t)t->deps.cfg->timeout_ms,
		.response_max = RESPONSE_MAX,
	};

	if (t->call)
		return;
	t->fetches++;
	set_state(t, TOKEN_FETCHING, "asking the token API");
	t->call = http_call_start(t->deps.http, &o, fetch_done, t, &err);
	if (!t->call) {
		t->fetch_errors++;
		set_state(t, TOKEN_WAITING, err.text);
		again_in(t, backoff_next(&t->backoff));
	}
}

struct token *token_create(const struct token_deps *deps)
{
	struct token *t = mem_zalloc(sizeof(*t));
	uint64_t seed;

	t->deps = *deps;
	list_init(&t->listeners);
	rand_bytes(&seed, sizeof(seed));
	backoff_init(&t->backoff, 500, 30000, seed);
	backoff_init(&t->bad_backoff, 1000, 60000, seed + 1);
	return t;
}

void token_destroy(struct token *t)
{
	wipe(&t->bearer);
	wipe(&t->refused);
	free(t);
}

static int token_start(struct module *m, struct agni_err *err)
{
	struct token *t = container_of(m, struct token, mod);
	const char *given = t->deps.cfg->access_token;

	if (given[0] && !is_token(given))
		return agni_fail(err, AGNI_ECONFIG,
				 "token.access_token holds characters that no token has");
	return uv_timer_init(&t->deps.loop->uv, &t->timer);
}

static int token_begin(struct module *m, struct agni_err *err)
{
	struct token *t = container_of(m, struct token, mod);

	(void)err;
	if (t->deps.cfg->access_token[0])
		put(t, t->deps.cfg->access_token);
	else if (source(t)[0])
		fetch(t);
	else
		set_state(t, TOKEN_WAITING, "no token: set token.source_url or token.access_token");
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct token *t = container_of((uv_timer_t *)handle, struct token, timer);

	t->mod.done(&t->mod);
}

static void token_stop(struct module *m, module_stopped_fn *done)
{
	struct token *t = container_of(m, struct token, mod);

	m->done = done;
	if (t->call)
		http_call_cancel(t->call);
	t->call = NULL;
	uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}

static enum health token_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct token *t = container_of(m, struct token, mod);

	snprintf(why, HEALTH_WHY_MAX, "%s",
		 t->state == TOKEN_READY ? "a token is in place" : t->why);
	return t->state == TOKEN_READY ? HEALTH_UP : HEALTH_DEGRADED;
}

static const struct metric token_metrics[] = {
	{"fetches_total", "Times the token API was asked", METRIC_COUNTER,
	 offsetof(struct token, fetches)},
	{"fetch_errors_total", "Times it gave no usable answer", METRIC_COUNTER,
	 offsetof(struct token, fetch_errors)},
	{"refusals_total", "Tokens that the broker refused", METRIC_COUNTER,
	 offsetof(struct token, refusals)},
	{"generation", "Number of tokens put in place", METRIC_GAUGE,
	 offsetof(struct token, generation)},
	{0},
};

static const struct module_ops token_ops = {
	.name = "token",
	.start = token_start,
	.listen = token_begin,
	.stop = token_stop,
	.health = token_health,
	.metrics = token_metrics,
	.mod_offset = offsetof(struct token, mod),
};

struct module *token_module(struct token *t)
{
	t->mod.ops = &token_ops;
	return &t->mod;
}

const char *token_bearer(const struct token *t, uint64_t *generation)
{
	*generation = t->generation;
	return t->bearer;
}

enum token_state token_get_state(const struct token *t)
{
	return t->state;
}

void token_refuse(struct token *t, uint64_t generation)
{
	if (generation != t->generation || !t->bearer)
		return; /* somebody else noticed first */
	t->refusals++;
	wipe(&t->refused);
	t->refused = mem_strdup(t->bearer + strlen("Bearer "));
	wipe(&t->bearer);
	if (clock_mono(t->deps.loop->clock) - t->put_mono > GOOD_LIFE_NS)
		backoff_reset(&t->bad_backoff);
	if (source(t)[0] && t->bad_backoff.tries == 0) {
		backoff_next(&t->bad_backoff);
		fetch(t);
	} else if (source(t)[0]) {
		set_state(t, TOKEN_WAITING, "the token API gave another token that was refused");
		again_in(t, backoff_next(&t->bad_backoff));
	} else {
		set_state(t, TOKEN_WAITING, "the broker refused the token: a new one is needed");
	}
	tell(t);
}

void token_reload(struct token *t)
{
	const char *given = t->deps.cfg->access_token;

	if (!given[0] || (t->bearer && strcmp(t->bearer + strlen("Bearer "), given) == 0) ||
	    (t->refused && strcmp(t->refused, given) == 0))
		return;
	if (is_token(given))
		put(t, given);
	else
		log_error("token", "reload: token.access_token holds characters that no token has");
}

void token_listen(struct token *t, struct token_listener *l)
{
	list_append(&t->listeners, &l->link);
}
