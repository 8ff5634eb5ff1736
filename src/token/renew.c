/* SPDX-License-Identifier: MIT
 *
 * renew: from no token, or one that ends, to a token in place: which candidate is next, its proof, and
 * the counted tries; fetch.c asks the token API when there is no candidate.
 *
 * Two kinds of trouble are kept apart. That nobody answers (the token API, the broker) is waited
 * out, for ever. That a token was lost and no good one comes is counted: token.retries tries, then
 * FAILED. While failed, the token API is still asked every poll_s, and only a token that was not
 * refused before is tried.
 */
#include <stdio.h>

#include "token/token_internal.h"

#define BOOT_LOOK_MS 10 /* for the answer of Redis */

static void on_timer(uv_timer_t *timer)
{
	token_choose(container_of(timer, struct token, timer));
}

void token_again_in(struct token *t, uint64_t ms)
{
	uv_timer_start(&t->timer, on_timer, ms, 0);
}

void token_stop_trying(struct token *t)
{
	uv_timer_stop(&t->timer);
	proof_cancel(t->proof);
	t->proof = NULL;
	if (t->call)
		http_call_cancel(t->call);
	t->call = NULL;
	candidate_clear(&t->candidate);
}

static void fail(struct token *t, const char *why)
{
	t->is_failed = true;
	token_set_state(t, TOKEN_FAILED,
			"no good token after %u tries (%.90s): a new one is needed", t->tries, why);
	if (token_source_url(t)[0])
		token_again_in(t, (uint64_t)t->deps.cfg->poll_s * 1000);
	token_audit(t, "token.failed", NULL, "%s", t->why);
	token_tell(t);
	if (t->deps.on_failed)
		t->deps.on_failed(t->deps.arg);
}

/* One try to replace a lost token came to nothing. */
void token_try_failed(struct token *t, const char *why)
{
	uint32_t wait;

	if (t->is_failed) {
		token_set_state(t, TOKEN_FAILED, "%s", why);
		token_again_in(t, (uint64_t)t->deps.cfg->poll_s * 1000);
		return;
	}
	if (++t->tries >= (uint32_t)t->deps.cfg->retries) {
		fail(t, why);
		return;
	}
	wait = backoff_next(&t->backoff);
	token_set_state(t, token_idle_state(t), "%.100s; try %u of %u in %u ms", why, t->tries + 1,
			(unsigned)t->deps.cfg->retries, wait);
	token_again_in(t, wait);
}

static void proof_again(struct token *t, const char *why)
{
	uint32_t wait = backoff_next(&t->backoff);

	token_set_state(t, t->bearer.text ? token_idle_state(t) : TOKEN_VALIDATING,
			"cannot prove the token: %.90s; again in %u ms", why, wait);
	token_again_in(t, wait);
}

static void candidate_is_bad(struct token *t, const char *why)
{
	bool of_source = t->candidate.origin == ORIGIN_SOURCE && !t->candidate.generation;
	char text[HEALTH_WHY_MAX];

	snprintf(text, sizeof(text), "the %s token of %s is refused: %.80s",
		 t->candidate.generation ? "kept" : "new", token_origin_text[t->candidate.origin],
		 why);
	t->refusals++;
	token_audit(t, "token.refused", &t->candidate, "%s", text);
	known_add(&t->refused, t->candidate.text.text);
	candidate_clear(&t->candidate);
	if (t->bearer.text) {
		token_set_state(t, token_idle_state(t), "%s", text);
		if (t->state == TOKEN_EXPIRING)
			token_again_in(t, (uint64_t)t->deps.cfg->poll_s * 1000);
	} else if (of_source) {
		token_try_failed(t, text);
	} else {
		token_set_state(t, token_idle_state(t), "%s", text);
		token_choose(t); /* the next in line */
	}
}

static void on_proof(void *arg, const struct proof_result *r)
{
	struct token *t = arg;

	t->proof = NULL;
	if (r->verdict == PROOF_GOOD)
		token_put(t, &t->candidate);
	else if (r->verdict == PROOF_BAD)
		candidate_is_bad(t, r->why);
	else
		proof_again(t, r->why);
}

void token_prove(struct token *t)
{
	struct agni_err err;

	if (!t->bearer.text)
		token_set_state(t, TOKEN_VALIDATING, "asking the broker about the %s token of %s",
				t->candidate.generation ? "kept" : "new",
				token_origin_text[t->candidate.origin]);
	t->proof = proof_start(t->deps.http, token_api_url(t), t->candidate.text.text,
			       (uint64_t)t->deps.cfg->timeout_ms, on_proof, t, &err);
	if (!t->proof)
		proof_again(t, err.text);
}

/* Nothing is under way, and no try is due later: what next? */
void token_choose(struct token *t)
{
	if (t->proof || t->call || t->is_stopping)
		return;
	if (t->candidate.text.text || candidate_find_given(t, &t->candidate) ||
	    token_take_kept(t)) {
		token_prove(t);
	} else if (!t->bearer.text && vault_is_asking(t->vault) &&
		   clock_mono(t->deps.loop->clock) < t->boot_until) {
		token_again_in(t, BOOT_LOOK_MS);
	} else if (token_source_url(t)[0]) {
		token_fetch(t);
	} else if (!t->bearer.text && t->is_refreshing && !t->is_failed) {
		t->tries = (uint32_t)t->deps.cfg->retries; /* there is nothing to try */
		fail(t, "there is no source of tokens");
	} else if (!t->bearer.text && !t->is_failed) {
		token_set_state(t, TOKEN_WAITING,
				"no token: set token.source_url or token.access_token, or POST "
				"/token/update");
	}
}

/* Before whatever is being tried; a kept one has its turn later. */
void token_try_given(struct token *t, struct candidate *given)
{
	if (t->candidate.text.text && strcmp(t->candidate.text.text, given->text.text) == 0) {
		candidate_clear(given);
		return;
	}
	if (t->candidate.generation) {
		candidate_clear(&t->kept);
		t->kept = t->candidate;
		t->candidate = (struct candidate){0};
	}
	token_stop_trying(t);
	t->candidate = *given;
	token_prove(t);
}
