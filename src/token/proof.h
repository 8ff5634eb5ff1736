/* SPDX-License-Identifier: MIT
 *
 * proof: asks the broker whether a token is good.
 *
 *     GET /v3/feed/market-data-feed/authorize   200 good; 401 or UDAPI100050 bad
 *       | another refusal (403, 404, 410 ...)   the token may be good and only not allowed to do this
 *       v
 *     GET /v2/user/profile                      200 good; 401 or UDAPI100050 bad
 *
 * authorize comes first because it also passes for analytics tokens and proves the right that
 * matters here. Network trouble, 429, 5xx and answers of a firewall prove nothing: unknown.
 * Neither question is one that the broker answers without a token.
 */
#ifndef AGNI_TOKEN_PROOF_H
#define AGNI_TOKEN_PROOF_H

#include "http/client.h"
#include "upstox/reply.h"

struct proof;

enum proof_verdict { PROOF_GOOD, PROOF_BAD, PROOF_UNKNOWN };

struct proof_result {
	enum proof_verdict verdict;
	const char *asked; /* "GET /v3/feed/market-data-feed/authorize", the last that was asked */
	int status;        /* of its answer; 0: there was none */
	char error_code[UPSTOX_CODE_TEXT]; /* the broker's own; "" = none */
	char why[160];                     /* one line; "" when good without reserve */
};

typedef void proof_done_fn(void *arg, const struct proof_result *result);

/* `api_url` is the broker's REST address. `done` comes once, never from inside proof_start, unless
 * the proof is cancelled. NULL with the reason in `err` when the address is not usable. */
struct proof *proof_start(struct http_client *http, const char *api_url, const char *token,
			  uint64_t timeout_ms, proof_done_fn *done, void *arg,
			  struct agni_err *err) AGNI_MUST_USE;

/* No `done` from here on. NULL is fine. */
void proof_cancel(struct proof *p);

#endif
