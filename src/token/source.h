/* SPDX-License-Identifier: MIT
 *
 * source: what brings a token, read and judged: the internal token API's answer, the broker's
 * notifier message, the answer of the login's code exchange, and the body of POST /token/update.
 * All four are JSON from outside; none is trusted before the broker has proved the token.
 */
#ifndef AGNI_TOKEN_SOURCE_H
#define AGNI_TOKEN_SOURCE_H

#include "core/err.h"
#include "token/seal.h"

/* A token as it came. `token` points into memory of its own: source_fini() wipes it. */
struct source_token {
	char *token;
	char *account; /* "" when the source does not say */
	char *client_id;
	int64_t issued_ms;  /* 0: not said */
	int64_t expires_ms; /* 0: not said */
};

/* Header values hold visible ASCII only: nothing else can be a token. */
bool token_text_is_sound(const char *text);

/* Each returns 0, or AGNI_EPARSE with what is wrong in one line (never the token), and then there
 * is nothing to free. */

/* {"success":true,"access_token":...,"expires_at":...,"account_id":...} */
int source_read_api(const char *body, size_t len, struct source_token *out, struct agni_err *err);

/* {"access_token":...,"expires_at"?,"account_id"?} */
int source_read_update(const char *body, size_t len, struct source_token *out,
		       struct agni_err *err);

/* {"client_id":...,"access_token":...,"expires_at":"ms","issued_at":"ms",
 *  "message_type":"access_token"} */
int source_read_notice(const char *body, size_t len, struct source_token *out,
		       struct agni_err *err);

/* {...,"access_token":...}, the broker's answer to the code exchange */
int source_read_login(const char *body, size_t len, struct source_token *out, struct agni_err *err);

void source_fini(struct source_token *t);

#endif
