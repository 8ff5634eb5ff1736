/* SPDX-License-Identifier: MIT
 *
 * master_internal: what the files that build and ask the instrument master share.
 */
#ifndef AGNI_MARKET_MASTER_INTERNAL_H
#define AGNI_MARKET_MASTER_INTERNAL_H

#include "market/master.h"

uint32_t master_hash(const char *text, size_t len);

/* The place of a key in by_key, or the free one where it would go; `text` is the block of texts,
 * which is not yet the table's own while it is built. */
uint32_t master_seek(const struct master *m, const char *text, const char *key, size_t len);

#endif
