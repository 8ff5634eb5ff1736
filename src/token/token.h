/* SPDX-License-Identifier: MIT
 *
 * token: the only keeper of the broker's access token.
 *
 *          start                 200, a token that was not refused
 *   NONE ---------> FETCHING ----------------------------------> READY
 *     |                ^ | no answer: again after a backoff          | token_refuse(generation)
 *     | no source      | +----------+                               |
 *     v                |            |<------------------------------+
 *   WAITING -----------+ every token.poll_s, while there is a source
 *
 * A token comes from token.access_token (the configuration, usually ${UPSTOX_ACCESS_TOKEN}) or from
 * the internal token API at token.source_url. Every token that is put in place gets a new
 * generation. Whoever is answered 401 says so with the generation it used: the first to say it ends
 * that generation, the others change nothing (one fetch in flight, however many noticed).
 */
#ifndef AGNI_TOKEN_TOKEN_H
#define AGNI_TOKEN_TOKEN_H

#include "core/config.h"
#include "core/module.h"
#include "http/client.h"

struct token;

struct token_config {
	char *account;
	char *source_url;
	char *access_token;
	int64_t poll_s;
	int64_t timeout_ms;
};

extern const struct config_key token_config_keys[];

struct token_deps {
	struct loop *loop;
	struct http_client *http;
	const struct token_config *cfg;
	const char *source_url; /* instead of cfg->source_url when not empty; read at listen */
};

enum token_state { TOKEN_NONE, TOKEN_FETCHING, TOKEN_READY, TOKEN_WAITING };

/* Told when a token is put in place or taken away. */
struct token_listener {
	void (*on_change)(struct token_listener *l);
	struct list link;
};

struct token *token_create(const struct token_deps *deps);
void token_destroy(struct token *t);
struct module *token_module(struct token *t);

/* "Bearer ..." of the live token and its generation; NULL when there is none. Lent until the loop's
 * next callback: do not store. */
const char *token_bearer(const struct token *t, uint64_t *generation);

enum token_state token_get_state(const struct token *t);

/* The broker answered 401 to a token of `generation`. */
void token_refuse(struct token *t, uint64_t generation);

/* token.access_token may have changed (SIGHUP): a new one is put in place. */
void token_reload(struct token *t);

void token_listen(struct token *t, struct token_listener *l);

#endif
