/* SPDX-License-Identifier: MIT
 *
 * token_internal: what the files of the token service share; token.c has their map.
 */
#ifndef AGNI_TOKEN_INTERNAL_H
#define AGNI_TOKEN_INTERNAL_H

#include "core/backoff.h"
#include "core/log.h"
#include "core/secret.h"
#include "token/known.h"
#include "token/source.h"
#include "token/token.h"
#include "token/vault.h"

#define ASKERS_MAX 64
#define LOGINS_MAX 8
#define STATE_TEXT 33

/* A token that is not in place yet. */
struct candidate {
	struct secret text;
	enum token_kind kind;
	enum token_origin origin;
	int64_t issued_ms, expires_ms;
	uint64_t generation;   /* of a kept one; 0: the next */
	char by[48], peer[48]; /* who brought it; "" = its origin says it all */
};

struct asker {
	token_proof_fn *done;
	void *arg;
};

struct login_state {
	char text[STATE_TEXT]; /* "" = free */
	mono_ns expires;
};

struct token {
	struct module mod;
	struct token_deps deps;
	struct list listeners;
	struct vault *vault;
	enum token_state state;
	char why[HEALTH_WHY_MAX];
	/* the live token */
	struct secret bearer;  /* "Bearer " and the token */
	struct candidate live; /* its facts; .text is empty */
	uint64_t generation;
	uint64_t top; /* the highest that was ever given, or found with what was kept */
	mono_ns put_mono;
	/* what is being tried */
	struct candidate candidate;
	struct candidate kept;  /* found sealed, not tried yet */
	struct proof *proof;    /* of the candidate */
	struct http_call *call; /* to the token API */
	struct known refused;
	struct known replaced; /* daily ones that another took the place of */
	struct backoff backoff;
	uint32_t tries;     /* failed, of this refresh */
	uint32_t young;     /* tokens in a row that were lost within GOOD_LIFE_NS */
	bool is_refreshing; /* a token was lost: tries count */
	bool is_failed;
	bool is_stopping;
	mono_ns boot_until; /* Redis may answer so long */
	uv_timer_t timer;   /* the next try */
	uv_timer_t watch;   /* looks at the wall clock */
	/* offers, questions, logins */
	struct proof *offer;
	struct candidate offered;
	struct asker offerer;
	struct proof *question;
	uint64_t question_generation;
	struct asker askers[ASKERS_MAX];
	size_t askers_n;
	struct http_call *exchange;
	struct login_state logins[LOGINS_MAX];
	size_t login_next;
	int open; /* handles that are closing, and the vault */
	uint64_t fetches, fetch_errors, refusals, offers, puts, expiries;
};

/* state.c */
extern const char *const token_state_text[TOKEN_STATES];
extern const char *const token_origin_text[ORIGINS];
extern const char *const token_kind_text[];
/* What is new in it goes to the log. */
void token_set_state(struct token *t, enum token_state to, const char *fmt, ...) AGNI_PRINTF(3, 4);
/* The state while no candidate is in hand. */
enum token_state token_idle_state(const struct token *t);
/* Time to look for the next token, and somebody to ask. */
bool token_is_ending(const struct token *t);
void token_tell(struct token *t); /* the listeners */
/* Records an act of ours, or with `c` not NULL of who brought that candidate. */
void token_audit(struct token *t, const char *act, const struct candidate *c, const char *fmt, ...)
	AGNI_PRINTF(4, 5);
const char *token_source_url(const struct token *t); /* "": there is none */
const char *token_api_url(const struct token *t);
int64_t token_wall_ms(const struct token *t);

/* candidate.c */
void candidate_fill(const struct token *t, struct candidate *c, const char *text,
		    enum token_origin origin, int64_t issued_ms, int64_t expires_ms);
void candidate_clear(struct candidate *c);
/* A token of the configuration that was not refused, and is not or was not in place. */
bool candidate_find_given(const struct token *t, struct candidate *out);
bool token_is_live(const struct token *t, const char *text);
/* It was in place before the one that is: no renewal, and better than none only. */
bool token_is_replaced(const struct token *t, const char *text);

/* keep.c */
void token_keep(struct token *t); /* the one in place, sealed */
/* The vault's word of what it has: a vault_deps.on_found with the token as `arg`. */
void token_on_found(void *arg, const struct seal_content *c);
/* What was found becomes the candidate. False: there is nothing that could be tried. */
bool token_take_kept(struct token *t);

/* renew.c */
void token_choose(struct token *t); /* what next? Nothing while a try is under way */
void token_again_in(struct token *t, uint64_t ms);
void token_prove(struct token *t); /* the candidate */
void token_try_failed(struct token *t, const char *why);
void token_try_given(struct token *t, struct candidate *given); /* takes it */
void token_stop_trying(struct token *t);

/* fetch.c */
void token_fetch(struct token *t);

/* place.c */
void token_put(struct token *t, struct candidate *c); /* takes the candidate's text */
void token_watch(struct token *t);                    /* the wall clock, from here on */

/* offer.c, login.c: while stopping, everyone who waits is answered. */
void token_offers_stop(struct token *t);
void token_login_stop(struct token *t);

#endif
