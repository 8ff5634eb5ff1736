/* SPDX-License-Identifier: MIT
 *
 * answer: the broker's REST answers, for those who give them in its place: the simulated exchange
 * and the endpoint that speaks the broker's protocol. Reading them is reply.h.
 */
#ifndef AGNI_UPSTOX_ANSWER_H
#define AGNI_UPSTOX_ANSWER_H

#include "core/buf.h"

#define UPSTOX_FEED_PATH      "/v3/feed/market-data-feed"
#define UPSTOX_AUTHORIZE_PATH UPSTOX_FEED_PATH "/authorize"

/* The body of an error, with both spellings of each member. */
void upstox_error_write(struct buf *out, const char *code, const char *message);

/* The answer of authorize: the one-use URI under both of its names. */
void upstox_authorize_write(struct buf *out, const char *uri);

/* The code that goes with an HTTP status when no better one is known: 401 UDAPI100050, ... */
const char *upstox_code_of(int status);

#endif
