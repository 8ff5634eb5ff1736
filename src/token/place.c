/* SPDX-License-Identifier: MIT
 *
 * place: a token is put in place, and it ends: refused by the broker, or dead at its hour. A refused
 * or expired one begins a refresh; see renew.c.
 */
#include <stdio.h>

#include "core/ist.h"
#include "token/token_internal.h"

#define GOOD_LIFE_NS (60 * NS_PER_S) /* a token refused sooner was never good */
#define WATCH_MS     250

static const char *end_text(const struct candidate *c, char out[IST_TEXT])
{
	if (!c->expires_ms)
		return "no known end";
	ist_format(c->expires_ms, out);
	out[16] = '\0'; /* to the minute */
	return out;
}

void token_put(struct token *t, struct candidate *c)
{
	struct candidate facts = *c;
	char end[IST_TEXT];

	if (t->bearer.text && t->live.kind == TOKEN_DAILY)
		known_add(&t->replaced, t->bearer.text + strlen("Bearer "));
	secret_set(&t->bearer, "Bearer ", c->text.text);
	secret_clear(&c->text);
	*c = (struct candidate){0};
	facts.text = (struct secret){0};
	t->live = facts;
	/* A kept token comes back with the generation that it had. */
	t->generation = facts.generation && facts.generation == t->top ? t->top : ++t->top;
	t->put_mono = clock_mono(t->deps.loop->clock);
	t->puts++;
	t->is_refreshing = t->is_failed = false;
	token_stop_trying(t);
	backoff_reset(&t->backoff);
	token_set_state(t, TOKEN_READY, "%s token of %s in place, generation %llu, until %s",
			token_kind_text[facts.kind], token_origin_text[facts.origin],
			(unsigned long long)t->generation, end_text(&t->live, end));
	token_audit(t, "token.placed", &t->live, "account %s, generation %llu, %s of %s, until %s",
		    t->deps.cfg->account, (unsigned long long)t->generation,
		    token_kind_text[facts.kind], token_origin_text[facts.origin],
		    end_text(&t->live, end));
	token_keep(t);
	token_tell(t);
}

/* The live token is of no use any more. */
static void take_away(struct token *t)
{
	if (clock_mono(t->deps.loop->clock) - t->put_mono > GOOD_LIFE_NS) {
		t->tries = t->young = 0;
		backoff_reset(&t->backoff);
	} else {
		t->young++;
	}
	secret_clear(&t->bearer);
	t->live = (struct candidate){0};
	t->is_refreshing = true;
}

void token_refuse(struct token *t, uint64_t generation)
{
	if (generation != t->generation || !t->bearer.text || t->is_stopping)
		return; /* somebody else noticed first */
	t->refusals++;
	known_add(&t->refused, t->bearer.text + strlen("Bearer "));
	token_stop_trying(t);
	take_away(t);
	token_set_state(t, TOKEN_REFRESHING, "the broker refused the token of generation %llu",
			(unsigned long long)generation);
	token_audit(t, "token.refused", NULL, "generation %llu, by the broker",
		    (unsigned long long)generation);
	token_tell(t);
	/* One may have come at a bad moment; the next that dies at once is a failed try. */
	if (t->young <= 1)
		token_choose(t);
	else
		token_try_failed(t, "the new token was refused, too");
}

static void expire(struct token *t)
{
	char end[IST_TEXT];

	t->expiries++;
	end_text(&t->live, end);
	known_add(&t->refused, t->bearer.text + strlen("Bearer "));
	take_away(t);
	token_set_state(t, TOKEN_REFRESHING, "the token died at %s", end);
	token_audit(t, "token.expired", NULL, "generation %llu, at %s",
		    (unsigned long long)t->generation, end);
	token_tell(t);
	if (!t->proof && !t->call)
		token_choose(t);
}

static void on_watch(uv_timer_t *timer)
{
	struct token *t = container_of(timer, struct token, watch);
	int64_t end = t->live.expires_ms;
	mono_ns age = clock_mono(t->deps.loop->clock) - t->put_mono;

	if (!t->bearer.text || !end)
		return;
	if (token_wall_ms(t) >= end) {
		expire(t);
	} else if (t->state == TOKEN_READY && token_is_ending(t) &&
		   age >= (uint64_t)t->deps.cfg->poll_s * NS_PER_S) {
		/* Not at once: one that was just fetched may end as soon as the one before. */
		token_set_state(t, TOKEN_EXPIRING, "the token ends soon: asking for the next one");
		token_choose(t);
	}
}

void token_watch(struct token *t)
{
	uv_timer_start(&t->watch, on_watch, WATCH_MS, WATCH_MS);
}
