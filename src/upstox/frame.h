/* SPDX-License-Identifier: MIT
 *
 * frame: a strict reader of the broker's FeedResponse messages (protobuf wire format).
 *
 * A message is checked whole before anything of it is used: feed_frame_scan() walks every byte once
 * (wire types, lengths, nesting, UTF-8 of strings, trailing bytes), keeps the message's own fields
 * and where each map entry lies. feed_frame_lend() then gives entry by entry as a struct tick,
 * without malloc. A message that does not pass is refused as a whole, as protoc does.
 *
 *     struct feed_frame f = {0};
 *     if (feed_frame_scan(&f, bytes, len, &err) == 0)
 *             while ((tick = feed_frame_lend(&f)))
 *                     ...                      tick->key is a view into `bytes`
 *
 * proto3 reading: a scalar that is zero on the wire is "not sent", except inside marketLevel,
 * firstDepth and LTPC.iep. Duplicate map keys: the last one wins (the earlier ones are left out). A
 * oneof that comes twice: the last arm wins, the same arm merges. Unknown fields of every wire type,
 * groups too, are skipped. NaN, infinite and out-of-range numbers leave their field absent and are
 * counted in tick.rejected. An OHLC without an interval is padding and is dropped.
 */
#ifndef AGNI_UPSTOX_FRAME_H
#define AGNI_UPSTOX_FRAME_H

#include "core/err.h"
#include "market/tick.h"

enum feed_type {
	FEED_INITIAL = 0,
	FEED_LIVE = 1,
	FEED_MARKET_INFO = 2
}; /* others are kept as int */

/* MarketStatus of the wire. */
enum market_status {
	STATUS_PRE_OPEN_START,
	STATUS_PRE_OPEN_END,
	STATUS_NORMAL_OPEN,
	STATUS_NORMAL_CLOSE,
	STATUS_CLOSING_START,
	STATUS_CLOSING_END,
};

struct feed_entry {
	uint32_t off, len; /* of the map entry's bytes within the message */
	uint32_t key_off, key_len;
	uint32_t dup; /* 1: a later entry has the same key */
};

/* Reused between messages: entries grow to the largest message met. Zero-initialise once. */
struct feed_frame {
	const uint8_t *bytes;
	size_t len;
	int type; /* enum feed_type; absent = FEED_INITIAL */
	int64_t current_ts;
	struct feed_entry *entries;
	uint32_t entries_n, entries_cap;
	uint32_t next; /* cursor of feed_frame_next */
	bool has_market_info;
	uint32_t info_off,
		info_len;   /* last marketInfo message (earlier ones merge: see feed_info_each) */
	struct tick *ahead; /* the first entries, decoded by the scan already */
	void *scratch;      /* duplicate detection */
	size_t scratch_cap;
};

/* Checks the whole message. Returns 0, or AGNI_EPARSE with the reason (more than a million entries
 * is one); a message that was refused has no entries. `len` < 2^31. `bytes` must live until the
 * last use of `f` for this message. */
int feed_frame_scan(struct feed_frame *f, const void *bytes, size_t len,
		    struct agni_err *err) AGNI_MUST_USE;

/* The next entry, in wire order, duplicates resolved; NULL after the last one. Lent until the next
 * call for this frame. */
const struct tick *feed_frame_lend(struct feed_frame *f);

/* As feed_frame_lend, but copies the entry to `tick`; false after the last one. */
bool feed_frame_next(struct feed_frame *f, struct tick *tick);

/* Entries that feed_frame_next will give in all. */
uint32_t feed_frame_count(const struct feed_frame *f);

/* One call per segmentStatus entry of marketInfo ("NSE_FO", status); an entry without a value is
 * STATUS_PRE_OPEN_START. */
void feed_info_each(const struct feed_frame *f,
		    void (*fn)(void *arg, const char *segment, size_t len, int status), void *arg);

/* The same of the bytes of one MarketInfo; what does not decode ends it. */
void feed_info_read(const void *info, size_t len,
		    void (*fn)(void *arg, const char *segment, size_t len, int status), void *arg);

void feed_frame_fini(struct feed_frame *f);

#endif
