/* SPDX-License-Identifier: MIT
 *
 * keys: see keys.h.
 */
#include "store/keys.h"

static const struct key_info table[KEY_KINDS] = {
	[KEY_QUOTE] = {"quote", "KEY", "string", "redis.ttl_s"},
	[KEY_TICKS] = {"ticks", NULL, "channel", "-"},
	[KEY_INDEX_QUOTES] = {"index:quotes", NULL, "set", "-"},
	[KEY_TOKEN] = {"token", "ACCOUNT", "string", "the token's"},
	[KEY_CHAIN] = {"chain", "UNDERLYING@EXPIRY", "string", "redis.ttl_s"},
	[KEY_FUTURES] = {"futures", "UNDERLYING", "string", "redis.ttl_s"},
	[KEY_CLIENT] = {"client", "ID", "string", "redis.ttl_s"},
	[KEY_STATUS] = {"status", NULL, "string", "redis.ttl_s"},
	[KEY_INDEX_CHAINS] = {"index:chains", NULL, "set", "-"},
	[KEY_INDEX_FUTURES] = {"index:futures", NULL, "set", "-"},
	[KEY_INDEX_CLIENTS] = {"index:clients", NULL, "set", "-"},
	[KEY_SIGNALS] = {"signals", NULL, "stream", "-"},
};

const struct key_info *key_info(enum key_kind kind)
{
	AGNI_ASSERT(kind < KEY_KINDS);
	return &table[kind];
}

void key_append(struct buf *out, enum key_kind kind, const char *prefix, const char *identity)
{
	const struct key_info *info = key_info(kind);

	AGNI_ASSERT((identity != NULL) == (info->identity != NULL));
	buf_str(out, prefix);
	buf_str(out, info->name);
	if (identity) {
		buf_append(out, ":{", 2);
		buf_str(out, identity);
		buf_byte(out, '}');
	}
}
