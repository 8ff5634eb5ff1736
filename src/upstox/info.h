/* SPDX-License-Identifier: MIT
 *
 * info: what the broker's market_info messages have said so far: one MarketInfo with the newest word
 * on each segment, for those who come later.
 *
 * A message may speak of some segments only. Its three maps (status, closing auction, pre-open) are
 * kept entry by entry, as the bytes that came; fields that nobody knows are not kept.
 */
#ifndef AGNI_UPSTOX_INFO_H
#define AGNI_UPSTOX_INFO_H

#include "core/buf.h"

#define INFO_MAX 16384 /* bytes kept; what is beyond is left out */

struct info {
	struct buf bytes; /* a MarketInfo; empty until something was said */
};

/* Takes the entries of one MarketInfo. Bytes that do not decode are ignored from there on. */
void info_note(struct info *t, const void *bytes, size_t len);
void info_fini(struct info *t);

#endif
