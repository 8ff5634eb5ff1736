/* SPDX-License-Identifier: MIT
 *
 * offer: tokens that are brought, and questions about the one in place; see token.h.
 *
 * One offer is proved at a time: the second one is told to come again, rather than having two
 * tokens race for the place. Questions share one answer.
 */
#include <stdio.h>

#include "token/lifetime.h"
#include "token/token_internal.h"

/* --- offers ------------------------------------------------------------------------------------ */

static void answer_offer(struct token *t, const struct proof_result *r)
{
	struct asker a = t->offerer;

	t->offerer = (struct asker){0};
	if (a.done)
		a.done(a.arg, r);
}

static void on_offer_proof(void *arg, const struct proof_result *r)
{
	struct token *t = arg;

	t->offer = NULL;
	if (r->verdict == PROOF_GOOD) {
		t->tries = 0;
		token_put(t, &t->offered);
	} else {
		log_warn("token", "an offered token was not taken: %s", r->why);
		token_audit(t, "token.not_taken", &t->offered, "%s", r->why);
		if (r->verdict == PROOF_BAD) {
			known_add(&t->refused, t->offered.text.text);
			if (token_is_live(t, t->offered.text.text))
				token_refuse(t, t->generation);
		}
		candidate_clear(&t->offered);
	}
	answer_offer(t, r);
}

int token_offer(struct token *t, const struct token_offer *offer, token_proof_fn *done, void *arg,
		struct agni_err *err)
{
	int64_t end = offer->expires_ms ? offer->expires_ms : lifetime_jwt_expiry(offer->token);

	if (t->offer || t->exchange)
		return agni_fail(err, AGNI_EBUSY, "another token is being proved at the moment");
	if (t->is_stopping)
		return agni_fail(err, AGNI_ECANCELED, "the server is stopping");
	if (!token_text_is_sound(offer->token))
		return agni_fail(err, AGNI_EPARSE, "no token could look like this");
	candidate_fill(t, &t->offered, offer->token, offer->origin, offer->issued_ms, end);
	snprintf(t->offered.by, sizeof(t->offered.by), "%s", offer->by ? offer->by : "");
	snprintf(t->offered.peer, sizeof(t->offered.peer), "%s", offer->peer ? offer->peer : "");
	t->offer = proof_start(t->deps.http, token_api_url(t), offer->token,
			       (uint64_t)t->deps.cfg->timeout_ms, on_offer_proof, t, err);
	if (!t->offer) {
		candidate_clear(&t->offered);
		return err ? err->code : AGNI_EPARSE;
	}
	t->offers++;
	t->offerer = (struct asker){done, arg};
	return 0;
}

/* --- questions --------------------------------------------------------------------------------- */

static void answer_all(struct token *t, const struct proof_result *r)
{
	struct asker askers[ASKERS_MAX];
	size_t n = t->askers_n;

	/* An answered asker may ask again. */
	memcpy(askers, t->askers, n * sizeof(*askers));
	t->askers_n = 0;
	for (size_t i = 0; i < n; i++)
		askers[i].done(askers[i].arg, r);
}

static void on_question_proof(void *arg, const struct proof_result *r);

/* Asks about the token that is in place now; a question about the one before it is dropped. */
static bool ask(struct token *t, struct agni_err *err)
{
	struct proof *question =
		proof_start(t->deps.http, token_api_url(t), t->bearer.text + strlen("Bearer "),
			    (uint64_t)t->deps.cfg->timeout_ms, on_question_proof, t, err);

	if (!question)
		return false;
	proof_cancel(t->question);
	t->question = question;
	t->question_generation = t->generation;
	return true;
}

static void on_question_proof(void *arg, const struct proof_result *r)
{
	struct token *t = arg;
	struct agni_err err;

	t->question = NULL;
	/* Another took its place meanwhile: the answer would be about the wrong one. */
	if (t->bearer.text && t->question_generation != t->generation && ask(t, &err))
		return;
	if (r->verdict == PROOF_BAD)
		token_refuse(t, t->question_generation);
	answer_all(t, r);
}

int token_validate(struct token *t, token_proof_fn *done, void *arg, struct agni_err *err)
{
	if (!t->bearer.text || t->is_stopping)
		return agni_fail(err, AGNI_ENOTFOUND, "there is no token");
	if (t->askers_n == ASKERS_MAX)
		return agni_fail(err, AGNI_ELIMIT, "too many ask at once");
	if ((!t->question || t->question_generation != t->generation) && !ask(t, err))
		return err ? err->code : AGNI_EPARSE;
	t->askers[t->askers_n++] = (struct asker){done, arg};
	return 0;
}

void token_offers_stop(struct token *t)
{
	const struct proof_result r = {
		.verdict = PROOF_UNKNOWN, .asked = "nobody", .why = "the server is stopping"};

	proof_cancel(t->offer);
	proof_cancel(t->question);
	t->offer = t->question = NULL;
	candidate_clear(&t->offered);
	answer_offer(t, &r);
	answer_all(t, &r);
}
