/* SPDX-License-Identifier: MIT
 *
 * compose: FeedResponse messages put together from entries that are encoded once, whoever gets them.
 *
 *      compose_entry(NSE_FO|45450, ltpc) --> bytes --+    a message: head, entries, tail
 *      compose_entry(NSE_FO|45450, full) --> bytes   +--> 08 01 | 12 .. | 12 .. | 18 ..
 *      compose_entry(NSE_FO|45451, ltpc) --> bytes --+
 *
 * encode.h builds the same bytes by protobuf-c, several times slower and a message at a time; it is
 * the oracle of the tests of this.
 */
#ifndef AGNI_UPSTOX_COMPOSE_H
#define AGNI_UPSTOX_COMPOSE_H

#include "core/buf.h"
#include "upstox/frame.h"

/* Appends one entry of `feeds`, its tag too, with what `q` holds of what mode `mode` carries; the
 * arm follows from the mode and from q->arm (ARM_INDEX stays an index, and what came in an arm that
 * does not tell is one when its key is). False, and nothing was appended, when that is nothing at
 * all. `key_len` is at most INST_KEY_MAX. */
bool compose_entry(struct buf *out, const char *key, size_t key_len, const struct quote *q,
		   enum request_mode mode);

/* What stands in front of the entries. FEED_INITIAL is zero, and so no byte. */
void compose_head(struct buf *out, enum feed_type type);

/* What stands behind them: currentTs. */
void compose_tail(struct buf *out, int64_t current_ts);

/* How many bytes these two are. */
size_t compose_around(enum feed_type type, int64_t current_ts);

/* A whole market_info message around the bytes of a MarketInfo. */
void compose_info(struct buf *out, int64_t current_ts, const void *info, size_t len);

#endif
