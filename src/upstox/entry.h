/* SPDX-License-Identifier: MIT
 *
 * entry: decodes one entry of FeedResponse.feeds, {key, Feed}, checking it on the way.
 */
#ifndef AGNI_UPSTOX_ENTRY_H
#define AGNI_UPSTOX_ENTRY_H

#include "market/tick.h"
#include "upstox/wire.h"

/* Reads the entry that lies from `p` to `end` into `t`, whose key then points into the bytes.
 * Returns `end`, or NULL with the reason in `w`; `t` is then half written. */
const uint8_t *entry_read(struct wire *w, const uint8_t *p, const uint8_t *end, struct tick *t);

#endif
