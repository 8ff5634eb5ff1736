/* SPDX-License-Identifier: MIT
 *
 * record: see record.h.
 */
#include "tape/record.h"

#include <stddef.h>
#include <string.h>

#include "core/crc32c.h"
#include "tape/codec.h"

_Static_assert(sizeof(struct tape_record_head) == 32, "no padding");
_Static_assert(sizeof(struct tape_segment_header) == 104, "no padding");
_Static_assert(sizeof(struct tape_block_body) == 24, "no padding");

void tape_record_seal(struct tape_record_head *head, const void *body, size_t body_bytes)
{
	head->magic = TAPE_RECORD_MAGIC;
	head->body_bytes = (uint32_t)body_bytes;
	head->body_crc = crc32c(0, body, body_bytes);
	head->head_crc = crc32c(0, head, offsetof(struct tape_record_head, head_crc));
}

static bool is_zero(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p == 0)
		p++;
	return p == end;
}

static bool head_is_sound(const struct tape_record_head *h)
{
	return h->magic == TAPE_RECORD_MAGIC && h->body_bytes <= TAPE_BODY_MAX &&
	       h->head_crc == crc32c(0, h, offsetof(struct tape_record_head, head_crc));
}

enum tape_found tape_walk_next(struct tape_walk *w, struct tape_record *r)
{
	size_t left = (size_t)(w->end - w->p);

	if (left == 0)
		return TAPE_END;
	if (left < RECORD_HEAD)
		return TAPE_TORN;
	memcpy(&r->head, w->p, RECORD_HEAD);
	if (!head_is_sound(&r->head))
		return is_zero(w->p, w->end) ? TAPE_TORN : TAPE_BAD_HEAD;
	if (left - RECORD_HEAD < r->head.body_bytes)
		return TAPE_TORN;
	r->body = w->p + RECORD_HEAD;
	w->p = r->body + r->head.body_bytes;
	return crc32c(0, r->body, r->head.body_bytes) == r->head.body_crc ? TAPE_SOUND
									  : TAPE_BAD_BODY;
}

bool tape_walk_trusted(struct tape_walk *w, struct tape_record *r)
{
	if ((size_t)(w->end - w->p) < RECORD_HEAD)
		return false;
	memcpy(&r->head, w->p, RECORD_HEAD);
	r->body = w->p + RECORD_HEAD;
	if ((size_t)(w->end - r->body) < r->head.body_bytes)
		return false;
	w->p = r->body + r->head.body_bytes;
	return true;
}

/* --- blocks ---------------------------------------------------------------------------------- */

bool tape_block_open(struct tape_block *b, const struct tape_record *r)
{
	uint64_t left = r->head.body_bytes;

	if (r->head.type != TAPE_BLOCK || left < sizeof(b->times))
		return false;
	memcpy(&b->times, r->body, sizeof(b->times));
	left -= sizeof(b->times);
	if ((uint64_t)b->times.ticks_bytes + b->times.directory_bytes > left)
		return false;
	b->seq = r->head.seq;
	b->left = r->head.ticks;
	b->tick = r->body + sizeof(b->times);
	b->directory = b->ticks_end = b->tick + b->times.ticks_bytes;
	b->key = b->directory_end = b->directory + b->times.directory_bytes;
	b->keys_end = r->body + r->head.body_bytes;
	b->opens_chunk = r->head.flags & TAPE_OPENS_CHUNK;
	b->is_snapshot = r->head.flags & TAPE_SNAPSHOT;
	return true;
}

bool tape_block_next(struct tape_block *b, struct tape_item *item)
{
	uint64_t instrument = 0, len = 0;

	if (b->left == 0)
		return false;
	b->directory = tape_varint_get(b->directory, b->directory_end, &instrument);
	if (b->directory)
		b->directory = tape_varint_get(b->directory, b->directory_end, &len);
	if (!b->directory || instrument > UINT32_MAX || len > (uint64_t)(b->ticks_end - b->tick)) {
		b->left = 0;
		return false;
	}
	*item = (struct tape_item){.seq = b->seq++,
				   .instrument = (uint32_t)instrument,
				   .bytes = b->tick,
				   .len = (uint32_t)len};
	b->tick += len;
	b->left--;
	return true;
}

bool tape_block_key(struct tape_block *b, const char **key, uint32_t *len)
{
	size_t left = (size_t)(b->keys_end - b->key);

	if (left == 0 || left - 1 < *b->key)
		return false;
	*len = *b->key;
	*key = (const char *)b->key + 1;
	b->key += 1 + *len;
	return true;
}
