/* SPDX-License-Identifier: MIT
 *
 * lifetime: when a token dies. Pure arithmetic; instants are Unix milliseconds.
 *
 * A daily token dies at the next 03:30 IST, whatever time it was issued; a source may say less, and
 * so may token.ttl_h. An analytics token lives for about a year and has a date of its own.
 */
#ifndef AGNI_TOKEN_LIFETIME_H
#define AGNI_TOKEN_LIFETIME_H

#include "core/base.h"

struct cJSON;

/* The first 03:30 IST strictly after `ms` (>= 0). */
int64_t lifetime_next_0330(int64_t ms);

/* The earliest of issued + ttl_h hours, `given_ms` (0: not given) and the next 03:30 IST. */
int64_t lifetime_daily(int64_t issued_ms, int64_t given_ms, int64_t ttl_h);

/* The `exp` claim of a JWT in milliseconds, or 0 when the text is none or has no such claim. A hint
 * only: nothing is verified. */
int64_t lifetime_jwt_expiry(const char *token);

/* "expires_at" as sources write it: ISO-8601 (without a zone: IST), or a number or a string of
 * digits in milliseconds or seconds. 0 when absent; -1 when it is there and is no time. */
int64_t lifetime_parse(const struct cJSON *item);

#endif
