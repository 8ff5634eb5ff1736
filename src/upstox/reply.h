/* SPDX-License-Identifier: MIT
 *
 * reply: what the broker's REST answers say about a request that failed.
 *
 *     {"status":"error","errors":[{"errorCode":"UDAPI100050","message":"...","error_code":...}]}
 *
 * Bodies are not always JSON: a firewall in front answers HTML of its own.
 */
#ifndef AGNI_UPSTOX_REPLY_H
#define AGNI_UPSTOX_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#define UPSTOX_CODE_TEXT 24

/* The first error's code, in either spelling, into `out`; "" and false when the body has none. */
bool upstox_error_code(const char *body, size_t len, char out[UPSTOX_CODE_TEXT]);

/* Whether the answer says that the token is dead: 401, or UDAPI100050 under any status but 2xx. */
bool upstox_token_is_dead(int status, const char *body, size_t len);

#endif
