/* SPDX-License-Identifier: MIT
 *
 * instrument: the full instrument key ("NSE_FO|45450") to a dense id and back.
 *
 * An id is given when an instrument is first watched or first ticks, and is never reused while the
 * process lives; it never leaves the process. Open addressing, linear probing, at most half full.
 */
#ifndef AGNI_MARKET_INSTRUMENT_H
#define AGNI_MARKET_INSTRUMENT_H

#include "core/base.h"

typedef uint32_t inst_id;

#define INST_NONE           UINT32_MAX
#define INSTRUMENTS_RESERVE 16 /* places that clients leave to the feed and the watch list */
#define INST_KEY_MAX        96 /* bytes; the longest real key has 30 */

struct instruments {
	uint32_t *table; /* id + 1, 0 = free; size is a power of two */
	uint32_t table_size;
	char **keys;      /* by id, NUL-terminated */
	uint8_t *key_len; /* by id */
	uint32_t *hash;   /* by id */
	uint32_t count;
	uint32_t cap;
	uint32_t limit; /* most ids that will be given out */
};

void instruments_init(struct instruments *t, uint32_t limit);
void instruments_fini(struct instruments *t);

/* The id of a known key, or INST_NONE. */
inst_id instruments_find(const struct instruments *t, const char *key, size_t len);

/* Finds or adds. INST_NONE when the key is not acceptable (instrument_key_is_valid) or the limit
 * is reached. */
inst_id instruments_intern(struct instruments *t, const char *key, size_t len);

static inline const char *instruments_key(const struct instruments *t, inst_id id)
{
	AGNI_ASSERT(id < t->count);
	return t->keys[id];
}

/* [A-Z_]+ "|" then 1 to 64 printable bytes without "," and "|"; expired contracts have a second "|"
 * and a date behind it. INST_KEY_MAX bytes in all. Unknown segments are fine. */
bool instrument_key_is_valid(const char *key, size_t len);

/* The segment part: length of the bytes before the first "|". */
size_t instrument_segment_len(const char *key);

/* Whether the segment of the key is one of indices: "NSE_INDEX|Nifty 50". */
bool instrument_is_index(const char *key, size_t len);

#endif
