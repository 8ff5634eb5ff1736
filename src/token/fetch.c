/* SPDX-License-Identifier: MIT
 *
 * fetch: asks the token API at token.source_url; what it gives is a candidate.
 */
#include <stdio.h>

#include "token/token_internal.h"

#define RESPONSE_MAX 16384

/* It gave nothing that could be tried. */
static void nothing_fetched(struct token *t, const char *why, bool is_error)
{
	uint32_t wait;

	t->fetch_errors += is_error;
	if (t->bearer.text) { /* renewal: the live token is still good */
		token_set_state(t, TOKEN_EXPIRING, "%s", why);
		token_again_in(t, (uint64_t)t->deps.cfg->poll_s * 1000);
	} else if (t->is_refreshing || !is_error) {
		token_try_failed(t, why);
	} else {
		wait = backoff_next(&t->backoff);
		token_set_state(t, TOKEN_FETCHING, "%s", why);
		token_again_in(t, wait);
	}
}

static void take_fetched(struct token *t, const struct source_token *s)
{
	const char *account = t->deps.cfg->account;
	char why[HEALTH_WHY_MAX];

	if (s->account[0] && strcmp(s->account, account) != 0) {
		snprintf(why, sizeof(why),
			 "the token API answered for the account %.40s, not %.40s", s->account,
			 account);
		nothing_fetched(t, why, true);
	} else if (token_is_live(t, s->token) || token_is_replaced(t, s->token)) {
		nothing_fetched(t, "the token API has no newer token yet", false);
	} else if (known_has(&t->refused, s->token)) {
		nothing_fetched(t, "the token API still gives the token that was refused", false);
	} else if (s->expires_ms && s->expires_ms <= token_wall_ms(t)) {
		nothing_fetched(t, "the token API gives a token that has expired", false);
	} else {
		candidate_fill(t, &t->candidate, s->token, ORIGIN_SOURCE, s->issued_ms,
			       s->expires_ms);
		token_audit(t, "token.fetched", NULL, "from the token API, for account %s",
			    account);
		token_prove(t);
	}
}

static void fetch_done(void *arg, const struct http_result *r)
{
	struct token *t = arg;
	struct source_token s;
	struct agni_err err;
	char why[HEALTH_WHY_MAX];

	t->call = NULL;
	if (r->code) {
		snprintf(why, sizeof(why), "the token API does not answer: %.110s", r->error);
	} else if (r->status != 200) {
		snprintf(why, sizeof(why), "the token API answered %d", r->status);
	} else if (source_read_api(r->body, r->body_len, &s, &err) < 0) {
		snprintf(why, sizeof(why), "the token API's answer is not usable: %.100s",
			 err.text);
	} else {
		take_fetched(t, &s);
		source_fini(&s);
		return;
	}
	nothing_fetched(t, why, true);
}

void token_fetch(struct token *t)
{
	struct agni_err err;
	struct http_call_options o = {
		.method = "GET",
		.url = token_source_url(t),
		.timeout_ms = (uint64_t)t->deps.cfg->timeout_ms,
		.response_max = RESPONSE_MAX,
	};

	t->fetches++;
	if (!t->is_failed)
		token_set_state(t, token_idle_state(t), "asking the token API");
	t->call = http_call_start(t->deps.http, &o, fetch_done, t, &err);
	if (!t->call)
		nothing_fetched(t, err.text, true);
}
