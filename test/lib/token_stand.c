/* SPDX-License-Identifier: MIT
 *
 * token_stand: see token_stand.h.
 */
#include "token_stand.h"

#include <stdio.h>

#include "core/ist.h"

const struct script_reply stand_first[1] = {{200, ANSWER("tok-one"), NULL}};

static void on_change(struct token_listener *l)
{
	struct stand *s = container_of(l, struct stand, listener);

	s->told++;
	snprintf(s->bearer, sizeof(s->bearer), "%s", stand_bearer(s));
}

static void on_failed(void *arg)
{
	((struct stand *)arg)->failed++;
}

void stand_up(struct stand *s, const struct script_reply *replies, size_t n)
{
	*s = (struct stand){0};
	ws_rig_up(&s->rig);
	s->http = http_client_create(&s->rig.loop, NULL);
	script_up(&s->rig, &s->api, replies, n);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/accounts/a/token", s->api.port);
	keeper_up(&s->rig, &s->keeper, s->http);
	s->keeper.cfg.source_url = s->url;
	s->keeper.deps.on_failed = on_failed;
	s->keeper.deps.arg = s;
}

void stand_begin(struct stand *s)
{
	s->token = token_create(&s->keeper.deps);
	s->module = token_module(s->token);
	s->listener.on_change = on_change;
	token_listen(s->token, &s->listener);
	s->keeper.token = s->token;
	s->keeper.mod = s->module;
	module_up(s->module);
}

void stand_ready(struct stand *s)
{
	stand_begin(s);
	rig_until(&s->rig, stand_is_ready, s);
}

void stand_down(struct stand *s)
{
	keeper_down(&s->rig, &s->keeper);
	script_down(&s->rig, &s->api);
	http_client_down(&s->rig, s->http);
	ws_rig_down(&s->rig);
}

int64_t stand_at(struct stand *s, const char *ist)
{
	int64_t at;

	check(ist_parse(ist, strlen(ist), &at));
	clock_init_manual(&s->rig.clock, CLOCK_SYSTEM, at);
	return at;
}

/* --- waiting ---------------------------------------------------------------------------------- */

bool stand_is_ready(void *arg)
{
	return token_get_state(((struct stand *)arg)->token) == TOKEN_READY;
}

bool stand_is_failed(void *arg)
{
	return token_get_state(((struct stand *)arg)->token) == TOKEN_FAILED;
}

bool stand_has_answer(void *arg)
{
	return ((struct stand *)arg)->answers > 0;
}

struct asked {
	const struct script *script;
	unsigned n;
};

static bool is_asked(void *arg)
{
	const struct asked *a = arg;

	return a->script->asked >= a->n;
}

void stand_until_asked(struct stand *s, const struct script *script, unsigned n)
{
	rig_until(&s->rig, is_asked, &(struct asked){script, n});
}

struct swap {
	const struct stand *stand;
	uint64_t old;
};

static bool is_next(void *arg)
{
	const struct swap *swap = arg;

	return stand_generation(swap->stand) != swap->old;
}

void stand_until_next(struct stand *s, uint64_t old)
{
	rig_until(&s->rig, is_next, &(struct swap){s, old});
}

/* --- what is there ---------------------------------------------------------------------------- */

uint64_t stand_generation(const struct stand *s)
{
	uint64_t generation;

	(void)token_bearer(s->token, &generation);
	return generation;
}

const char *stand_bearer(const struct stand *s)
{
	uint64_t generation;
	const char *bearer = token_bearer(s->token, &generation);

	return bearer ? bearer : "";
}

void check_health(struct stand *s, enum health want, const char *part)
{
	char why[HEALTH_WHY_MAX] = "";

	check_i64(s->module->ops->health(s->module, why), want);
	if (!strstr(why, part))
		fail_msg("\"%s\" does not say \"%s\"", why, part);
}

/* --- offers and questions --------------------------------------------------------------------- */

static void on_proof(void *arg, const struct proof_result *r)
{
	struct stand *s = arg;

	s->answers++;
	s->verdict = r->verdict;
	s->status = r->status;
	snprintf(s->asked, sizeof(s->asked), "%s", r->asked);
	snprintf(s->code, sizeof(s->code), "%s", r->error_code);
}

int stand_offer(struct stand *s, const char *token)
{
	return token_offer(s->token, &(struct token_offer){.token = token, .origin = ORIGIN_UPDATE},
			   on_proof, s, NULL);
}

int stand_validate(struct stand *s)
{
	return token_validate(s->token, on_proof, s, NULL);
}

/* --- the log ---------------------------------------------------------------------------------- */

int stand_log_begin(void **state)
{
	(void)state;
	log_capture();
	return 0;
}

int stand_log_end(void **state)
{
	(void)state;
	log_release();
	return 0;
}

void test_log(void **state)
{
	const char *text = log_captured();

	(void)state;
	check(strstr(text, "token: VALIDATING -> READY") != NULL);
	if (strstr(text, "tok-"))
		fail_msg("a token was logged: %.60s", strstr(text, "tok-"));
}
