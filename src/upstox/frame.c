/* SPDX-License-Identifier: MIT
 *
 * frame: the scanner of whole messages; see frame.h.
 *
 * Checking and decoding are one walk: entry_read() refuses what is wrong while it decodes. Nothing
 * may be used before all of it is checked, so scan keeps the ticks of the first AHEAD_MAX entries,
 * which is all of nearly every live message, and next hands them out; of longer messages
 * (snapshots) the rest is decoded a second time when it is asked for, into the caller's tick.
 * Memory is therefore bounded by AHEAD_MAX ticks and one feed_entry per entry.
 *
 *     scan   [tag 1 type][tag 2 entry]...[tag 3 currentTs][tag 4 marketInfo]
 *                              |
 *              entries[i] {off, len, key}     ahead[i < AHEAD_MAX] {tick}
 *
 * Duplicate keys are found by a hash table of entry numbers. Its slots carry the number of the
 * message they belong to, so that it needs no clearing between messages; its seed is random, so
 * that nobody can prepare keys that collide.
 */
#include "upstox/frame.h"

#include <stdlib.h>

#include "core/rand.h"
#include "upstox/entry.h"

#define AHEAD_MAX   64
#define ENTRIES_MAX (1u << 20) /* the broker serves 5,000 keys on a connection */

struct slot {
	uint32_t message; /* `round` of the message that filled it */
	uint32_t entry;
};

/* What feed_frame.scratch points to. */
struct seen_keys {
	uint64_t seed;
	uint32_t round;
	struct slot slots[]; /* scratch_cap of them, a power of two */
};

/* ---- MarketInfo ------------------------------------------------------------------------------ */

/* Called per segmentStatus entry. */
typedef void segment_fn(void *arg, const char *segment, size_t len, int status);

static const uint8_t *segment_read(struct wire *w, const uint8_t *p, const uint8_t *end,
				   segment_fn *fn, void *arg)
{
	const char *key = (const char *)p;
	uint32_t tag, key_len = 0;
	int status = STATUS_PRE_OPEN_START;

	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (p && tag == WIRE_TAG(1, WIRE_LEN))
			p = wire_string(w, p, end, &key, &key_len);
		else if (p && tag == WIRE_TAG(2, WIRE_VARINT))
			p = wire_enum(w, p, end, &status);
		else if (p)
			p = wire_skip(w, p, end, tag);
		if (!p)
			return NULL;
	}
	if (fn)
		fn(arg, key, key_len, status);
	return end;
}

/* StatusInfo when `is_entry` is false, else an entry of a map of them: checked, not used. */
static const uint8_t *status_check(struct wire *w, const uint8_t *p, const uint8_t *end,
				   bool is_entry)
{
	const uint8_t *sub;
	const char *text;
	uint32_t tag, len;

	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (p && tag == WIRE_TAG(1, WIRE_LEN)) {
			p = wire_string(w, p, end, &text, &len);
		} else if (p && is_entry && tag == WIRE_TAG(2, WIRE_LEN)) {
			p = wire_sub(w, p, end, &sub);
			p = p ? status_check(w, p, sub, false) : NULL;
		} else if (p) {
			p = wire_skip(w, p, end, tag);
		}
		if (!p)
			return NULL;
	}
	return end;
}

static const uint8_t *info_read(struct wire *w, const uint8_t *p, const uint8_t *end,
				segment_fn *fn, void *arg)
{
	const uint8_t *sub;
	uint32_t tag;

	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (p && tag == WIRE_TAG(1, WIRE_LEN)) {
			p = wire_sub(w, p, end, &sub);
			p = p ? segment_read(w, p, sub, fn, arg) : NULL;
		} else if (p && (tag == WIRE_TAG(2, WIRE_LEN) || tag == WIRE_TAG(3, WIRE_LEN))) {
			p = wire_sub(w, p, end, &sub);
			p = p ? status_check(w, p, sub, true) : NULL;
		} else if (p) {
			p = wire_skip(w, p, end, tag);
		}
		if (!p)
			return NULL;
	}
	return end;
}

/* ---- duplicate keys -------------------------------------------------------------------------- */

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t key_hash(uint64_t seed, const uint8_t *key, size_t len)
{
	uint64_t h = seed ^ len, word;

	for (; len > 8; key += 8, len -= 8)
		h = mix(h ^ wire_load64(key), 0x9e3779b97f4a7c15);
	word = 0;
	memcpy(&word, key, len);
	return mix(mix(h ^ word, 0x9e3779b97f4a7c15), seed | 1);
}

/* Room for twice as many slots as entries. */
static struct seen_keys *seen_prepare(struct feed_frame *f)
{
	struct seen_keys *seen = f->scratch;
	size_t cap = f->scratch_cap;

	if (!seen || cap < (size_t)f->entries_n * 2) {
		cap = cap ? cap : 64;
		while (cap < (size_t)f->entries_n * 2)
			cap *= 2;
		free(seen);
		seen = mem_zalloc(sizeof(*seen) + cap * sizeof(seen->slots[0]));
		rand_bytes(&seen->seed, sizeof(seen->seed));
		f->scratch = seen;
		f->scratch_cap = cap;
	}
	if (++seen->round == 0) {
		memset(seen->slots, 0, cap * sizeof(seen->slots[0]));
		seen->round = 1;
	}
	return seen;
}

/* Marks every entry whose key comes again. */
static void duplicates_mark(struct feed_frame *f)
{
	struct seen_keys *seen;
	size_t mask;

	if (f->entries_n < 2)
		return;
	seen = seen_prepare(f);
	mask = f->scratch_cap - 1;
	for (uint32_t i = 0; i < f->entries_n; i++) {
		const struct feed_entry *e = &f->entries[i];
		const uint8_t *key = f->bytes + e->key_off;
		size_t at = key_hash(seen->seed, key, e->key_len) & mask;

		for (; seen->slots[at].message == seen->round; at = (at + 1) & mask) {
			struct feed_entry *old = &f->entries[seen->slots[at].entry];

			if (old->key_len == e->key_len &&
			    memcmp(f->bytes + old->key_off, key, e->key_len) == 0) {
				old->dup = 1;
				break;
			}
		}
		seen->slots[at] = (struct slot){.message = seen->round, .entry = i};
	}
}

/* ---- the message ----------------------------------------------------------------------------- */

static const uint8_t *entry_add(struct feed_frame *f, struct wire *w, const uint8_t *p,
				const uint8_t *end)
{
	uint32_t i = f->entries_n;
	struct feed_entry *e;
	struct tick *t;

	if (AGNI_UNLIKELY(i == f->entries_cap)) {
		if (i == ENTRIES_MAX)
			return wire_fail(w, p, "too many entries");
		f->entries_cap = i ? i * 2 : AHEAD_MAX;
		f->entries = mem_realloc(f->entries, f->entries_cap * sizeof(*f->entries));
	}
	t = &f->ahead[i < AHEAD_MAX ? i : AHEAD_MAX];
	if (!entry_read(w, p, end, t))
		return NULL;
	e = &f->entries[f->entries_n++];
	e->off = (uint32_t)(p - f->bytes);
	e->len = (uint32_t)(end - p);
	e->key_off = (uint32_t)((const uint8_t *)t->key - f->bytes);
	e->key_len = t->key_len;
	e->dup = 0;
	return end;
}

static const uint8_t *info_add(struct feed_frame *f, struct wire *w, const uint8_t *p,
			       const uint8_t *end)
{
	f->has_market_info = true;
	f->info_off = (uint32_t)(p - f->bytes);
	f->info_len = (uint32_t)(end - p);
	return info_read(w, p, end, NULL, NULL);
}

static const uint8_t *message_read(struct feed_frame *f, struct wire *w)
{
	const uint8_t *p = f->bytes, *end = w->stop, *sub;
	uint32_t tag;
	uint64_t v = 0;

	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (!p)
			return NULL;
		switch (tag) {
		case WIRE_TAG(1, WIRE_VARINT):
			p = wire_enum(w, p, end, &f->type);
			break;
		case WIRE_TAG(2, WIRE_LEN):
			p = wire_sub(w, p, end, &sub);
			p = p ? entry_add(f, w, p, sub) : NULL;
			break;
		case WIRE_TAG(3, WIRE_VARINT):
			p = wire_varint(w, p, end, &v);
			f->current_ts = (int64_t)v;
			break;
		case WIRE_TAG(4, WIRE_LEN):
			p = wire_sub(w, p, end, &sub);
			p = p ? info_add(f, w, p, sub) : NULL;
			break;
		default:
			p = wire_skip(w, p, end, tag);
		}
		if (!p)
			return NULL;
	}
	return end;
}

int feed_frame_scan(struct feed_frame *f, const void *bytes, size_t len, struct agni_err *err)
{
	/* An empty message may come without an address; arithmetic needs one. */
	static const uint8_t nothing[1];
	struct wire w = {0};

	AGNI_ASSERT(len < (size_t)1 << 31);
	f->bytes = len ? bytes : nothing;
	f->len = len;
	f->type = FEED_INITIAL;
	f->current_ts = 0;
	f->entries_n = f->next = 0;
	f->has_market_info = false;
	f->info_off = f->info_len = 0;
	if (AGNI_UNLIKELY(!f->ahead))
		f->ahead = mem_alloc((AHEAD_MAX + 1) * sizeof(*f->ahead));
	w.start = f->bytes;
	w.stop = f->bytes + len;
	if (AGNI_UNLIKELY(!message_read(f, &w))) {
		f->entries_n = 0;
		f->has_market_info = false;
		return agni_fail(err, AGNI_EPARSE, "feed message: %s (byte %zu of %zu)", w.why,
				 (size_t)(w.at - f->bytes), len);
	}
	duplicates_mark(f);
	return 0;
}

/* Decodes an entry that the scan had no place for. */
static const struct tick *entry_again(struct feed_frame *f, const struct feed_entry *e)
{
	struct wire w = {.start = f->bytes, .stop = f->bytes + f->len};
	const uint8_t *p = f->bytes + e->off;

	p = entry_read(&w, p, p + e->len, &f->ahead[AHEAD_MAX]);
	AGNI_ASSERT(p); /* it was read before */
	return &f->ahead[AHEAD_MAX];
}

const struct tick *feed_frame_lend(struct feed_frame *f)
{
	while (f->next < f->entries_n) {
		uint32_t i = f->next++;

		if (AGNI_LIKELY(!f->entries[i].dup))
			return AGNI_LIKELY(i < AHEAD_MAX) ? &f->ahead[i]
							  : entry_again(f, &f->entries[i]);
	}
	return NULL;
}

bool feed_frame_next(struct feed_frame *f, struct tick *tick)
{
	const struct tick *t = feed_frame_lend(f);

	if (!t)
		return false;
	/* without the places of bars and depth rows that are not used */
	memcpy(tick, t, offsetof(struct tick, q.bars) + t->q.bars_n * sizeof(struct bar));
	memcpy(tick->q.depth, t->q.depth, t->q.depth_n * sizeof(struct depth_row));
	return true;
}

uint32_t feed_frame_count(const struct feed_frame *f)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->entries_n; i++)
		n += !f->entries[i].dup;
	return n;
}

void feed_info_each(const struct feed_frame *f, segment_fn *fn, void *arg)
{
	struct wire w = {.start = f->bytes, .stop = f->bytes + f->len};
	const uint8_t *p = f->bytes, *end = w.stop, *sub;
	uint32_t tag;

	if (!f->has_market_info)
		return;
	while (p && p < end) {
		p = wire_tag(&w, p, end, &tag);
		if (p && tag == WIRE_TAG(4, WIRE_LEN)) {
			p = wire_sub(&w, p, end, &sub);
			p = p ? info_read(&w, p, sub, fn, arg) : NULL;
		} else if (p) {
			p = wire_skip(&w, p, end, tag);
		}
	}
}

void feed_info_read(const void *info, size_t len, segment_fn *fn, void *arg)
{
	struct wire w = {.start = info, .stop = (const uint8_t *)info + len};

	(void)!info_read(&w, w.start, w.stop, fn, arg);
}

void feed_frame_fini(struct feed_frame *f)
{
	free(f->entries);
	free(f->ahead);
	free(f->scratch);
	*f = (struct feed_frame){0};
}
