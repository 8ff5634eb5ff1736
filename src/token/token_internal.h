/* SPDX-License-Identifier: MIT
 *
 * token_internal: what token.c (the state machine), offer.c (offers, questions) and login.c share.
 */
#ifndef AGNI_TOKEN_INTERNAL_H
#define AGNI_TOKEN_INTERNAL_H

#include "core/backoff.h"
#include "core/log.h"
#include "core/secret.h"
#include "http/hash.h"
#include "token/source.h"
#include "token/token.h"
#include "token/vault.h"

#define KNOWN_MAX  16
#define ASKERS_MAX 64
#define LOGINS_MAX 8
#define STATE_TEXT 33

/* Tokens that are remembered by their hash. */
struct known {
	unsigned char hashes[KNOWN_MAX][SHA256_BYTES];
	uint64_t n; /* so many were, the last KNOWN_MAX are */
};

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

/* token.c */
void token_put(struct token *t, struct candidate *c); /* takes the candidate's text */
/* Records an act of ours, or with `c` not NULL of who brought that candidate. */
void token_audit(struct token *t, const char *act, const struct candidate *c, const char *fmt, ...)
	AGNI_PRINTF(4, 5);
bool token_is_live(const struct token *t, const char *text);
bool token_is_refused(const struct token *t, const char *text);
void token_remember_refused(struct token *t, const char *text);
const char *token_api_url(const struct token *t);
void candidate_fill(const struct token *t, struct candidate *c, const char *text,
		    enum token_origin origin, int64_t issued_ms, int64_t expires_ms);
void candidate_clear(struct candidate *c);

/* offer.c, login.c: while stopping, everyone who waits is answered. */
void token_offers_stop(struct token *t);
void token_login_stop(struct token *t);

#endif
