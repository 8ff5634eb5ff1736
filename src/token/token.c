/* SPDX-License-Identifier: MIT
 *
 * token: the module: its start and stop, its health, and what others ask it; see token.h.
 *
 *     config.c     the keys                        state.c      the state, and who is told of it
 *     renew.c      the next candidate, its proof   fetch.c      the token API
 *     place.c      in place, refused, expired      keep.c       to the vault and back
 *     offer.c      what people and webhooks bring  login.c      the OAuth code exchange
 *
 * Tokens are never printed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/rand.h"
#include "token/token_internal.h"

#define BOOT_WAIT_NS NS_PER_S /* for Redis, which may hold a sealed token */
#define BACKOFF_CAP  60000

struct token *token_create(const struct token_deps *deps)
{
	struct token *t = mem_zalloc(sizeof(*t));
	uint64_t seed;

	t->deps = *deps;
	list_init(&t->listeners);
	rand_bytes(&seed, sizeof(seed));
	backoff_init(&t->backoff, (uint32_t)deps->cfg->retry_ms, BACKOFF_CAP, seed);
	t->vault = vault_create(&(struct vault_deps){.loop = deps->loop,
						     .store = deps->store,
						     .dir = deps->dir,
						     .account = deps->cfg->account,
						     .key_file = deps->cfg->seal_key_file,
						     .on_found = token_on_found,
						     .arg = t});
	return t;
}

void token_destroy(struct token *t)
{
	if (!t)
		return;
	secret_clear(&t->bearer);
	candidate_clear(&t->candidate);
	candidate_clear(&t->kept);
	candidate_clear(&t->offered);
	vault_destroy(t->vault);
	free(t);
}

static int token_start(struct module *m, struct agni_err *err)
{
	struct token *t = container_of(m, struct token, mod);
	struct seal_content c;
	int rc = token_config_check(t->deps.cfg, err);

	if (rc < 0)
		return rc;
	rc = vault_open(t->vault, &c, err);
	if (rc < 0)
		return rc;
	t->top = t->generation = vault_floor(t->vault);
	uv_timer_init(&t->deps.loop->uv, &t->timer);
	uv_timer_init(&t->deps.loop->uv, &t->watch);
	if (c.token[0])
		token_on_found(t, &c);
	explicit_bzero(&c, sizeof(c));
	return 0;
}

static void token_begin(struct module *m)
{
	struct token *t = container_of(m, struct token, mod);

	t->boot_until = clock_mono(t->deps.loop->clock) + BOOT_WAIT_NS;
	token_watch(t);
	token_choose(t);
}

static void closed(struct token *t)
{
	if (--t->open == 0)
		t->mod.done(&t->mod);
}

static void on_handle_closed(uv_handle_t *handle)
{
	closed(handle->data);
}

static void on_vault_closed(void *arg)
{
	closed(arg);
}

static void token_stop(struct module *m, module_stopped_fn *done)
{
	struct token *t = container_of(m, struct token, mod);

	m->done = done;
	t->is_stopping = true;
	token_stop_trying(t);
	token_login_stop(t);
	token_offers_stop(t);
	t->state = TOKEN_STOPPED;
	t->timer.data = t->watch.data = t;
	t->open = 3;
	uv_close((uv_handle_t *)&t->timer, on_handle_closed);
	uv_close((uv_handle_t *)&t->watch, on_handle_closed);
	vault_close(t->vault, on_vault_closed, t);
}

static enum health token_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct token *t = container_of(m, struct token, mod);
	const char *trouble = vault_trouble(t->vault);

	if (t->bearer.text && trouble) {
		snprintf(why, HEALTH_WHY_MAX, "a token is in place; %.120s", trouble);
		return HEALTH_DEGRADED;
	}
	if (t->state == TOKEN_READY)
		snprintf(why, HEALTH_WHY_MAX, "a token is in place");
	else
		snprintf(why, HEALTH_WHY_MAX, "%s", t->why);
	return t->bearer.text ? HEALTH_UP : t->is_failed ? HEALTH_DOWN : HEALTH_DEGRADED;
}

static const struct metric token_metrics[] = {
	{"fetches_total", "Times the token API was asked", METRIC_COUNTER,
	 offsetof(struct token, fetches)},
	{"fetch_errors_total", "Times it gave no usable answer", METRIC_COUNTER,
	 offsetof(struct token, fetch_errors)},
	{"refusals_total", "Tokens that the broker refused", METRIC_COUNTER,
	 offsetof(struct token, refusals)},
	{"expiries_total", "Tokens that reached their end", METRIC_COUNTER,
	 offsetof(struct token, expiries)},
	{"offers_total", "Tokens offered by people, webhooks and logins", METRIC_COUNTER,
	 offsetof(struct token, offers)},
	{"puts_total", "Tokens put in place since the start", METRIC_COUNTER,
	 offsetof(struct token, puts)},
	{"generation", "Number of the token in place; it goes on over restarts", METRIC_GAUGE,
	 offsetof(struct token, generation)},
	{0},
};

static const struct module_ops token_ops = {
	.name = "token",
	.start = token_start,
	.begin = token_begin,
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
	return t->bearer.text;
}

enum token_state token_get_state(const struct token *t)
{
	return t->state;
}

bool token_has_failed(const struct token *t)
{
	return t->is_failed;
}

void token_reload(struct token *t)
{
	struct candidate given = {0};
	struct agni_err err;

	if (!t->boot_until || t->is_stopping)
		return;
	if (vault_reload(t->vault, &err) < 0)
		log_error("token", "reload: the old seal keys stay: %s", err.text);
	else if (t->bearer.text)
		token_keep(t); /* under the first key of the new ring */
	if (candidate_find_given(t, &given))
		token_try_given(t, &given);
}

void token_listen(struct token *t, struct token_listener *l)
{
	list_append(&t->listeners, &l->link);
}

static void fingerprint(const struct token *t, char out[17])
{
	const char *text = t->bearer.text + strlen("Bearer ");
	unsigned char hash[SHA256_BYTES];

	hash_sha256(text, strlen(text), hash);
	for (int i = 0; i < 8; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

void token_status(const struct token *t, struct token_status *out)
{
	bool has = t->bearer.text != NULL;

	*out = (struct token_status){
		.account = t->deps.cfg->account,
		.state = t->state,
		.state_text = token_state_text[t->state],
		.why = t->why,
		.has_token = has,
		.generation = t->generation,
		.origin = has ? token_origin_text[t->live.origin] : "",
		.kind = has ? token_kind_text[t->live.kind] : "",
		.issued_ms = t->live.issued_ms,
		.expires_ms = t->live.expires_ms,
		.kept = vault_place(t->vault),
		.tries = t->tries,
	};
	if (has)
		fingerprint(t, out->fingerprint);
}
