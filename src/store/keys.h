/* SPDX-License-Identifier: MIT
 *
 * keys: the one place of all names that exist in Redis, with type and life.
 *
 * A name is {prefix}{kind}[:{IDENTITY}]: the type first, so that Redis Insight shows folders; the
 * identity in a hash tag, so that a cluster keeps everything of one instrument in one slot:
 *
 *     agni:quote:{NSE_INDEX|Nifty 50}      live
 *     agni-sim:quote:{NSE_INDEX|Nifty 50}  simulator: sources never mix
 *
 * docs/redis.md is this table for readers; a test holds the two together.
 */
#ifndef AGNI_STORE_KEYS_H
#define AGNI_STORE_KEYS_H

#include "core/buf.h"

enum key_kind {
	KEY_QUOTE,
	KEY_TICKS,
	KEY_INDEX_QUOTES,
	KEY_TOKEN,
	KEY_CHAIN,   /* identity NIFTY@2025-10-28: underlying and expiry */
	KEY_FUTURES, /* identity NIFTY */
	KEY_CLIENT,  /* identity: the client's id */
	KEY_STATUS,
	KEY_INDEX_CHAINS,
	KEY_INDEX_FUTURES,
	KEY_INDEX_CLIENTS,
	KEY_SIGNALS,
	KEY_KINDS
};

struct key_info {
	const char *name;     /* after the prefix */
	const char *identity; /* what stands in the hash tag; NULL: one key, no tag */
	const char *type;     /* Redis type, or "channel" */
	const char *life;     /* TTL, or "-" */
};

/* Never NULL; static. */
const struct key_info *key_info(enum key_kind kind);

/* Appends the name to `out`. `identity` must be given exactly when the kind has one. */
void key_append(struct buf *out, enum key_kind kind, const char *prefix, const char *identity);

#endif
