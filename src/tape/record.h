/* SPDX-License-Identifier: MIT
 *
 * record: the records of a tape in memory: built, checked, walked. No I/O here;
 * include/agnidata/tape.h is the layout.
 *
 *     struct tape_walk w = {.p = bytes, .end = bytes + len};
 *     struct tape_record r;
 *     while (tape_walk_next(&w, &r) == TAPE_SOUND)
 *             if (r.head.type == TAPE_BLOCK && tape_block_open(&b, &r))
 *                     while (tape_block_next(&b, &item)) ...
 */
#ifndef AGNI_TAPE_RECORD_H
#define AGNI_TAPE_RECORD_H

#include "agnidata/tape.h"
#include "core/buf.h"

#define RECORD_HEAD sizeof(struct tape_record_head)

/* Fills head and checksums of the record whose body is `body`; magic and lengths too. */
void tape_record_seal(struct tape_record_head *head, const void *body, size_t body_bytes);

/* What stands at a place of a segment. */
enum tape_found {
	TAPE_SOUND,    /* a record, both checksums right */
	TAPE_END,      /* nothing: the bytes end here */
	TAPE_TORN,     /* the beginning of a record that was not written to its end, or zeros */
	TAPE_BAD_BODY, /* a whole record whose body is damaged; its head is sound */
	TAPE_BAD_HEAD, /* no head where one should be */
};

struct tape_record {
	struct tape_record_head head;
	const uint8_t *body;
};

struct tape_walk {
	const uint8_t *p, *end;
};

/* Looks at the record at w->p. TAPE_SOUND and TAPE_BAD_BODY fill `r` and go on behind it; the
 * others leave the place. */
enum tape_found tape_walk_next(struct tape_walk *w, struct tape_record *r);

/* The same without looking at the body's checksum: for bytes that were checked before. */
bool tape_walk_trusted(struct tape_walk *w, struct tape_record *r);

/* --- blocks ---------------------------------------------------------------------------------- */

struct tape_item {
	uint64_t seq;
	uint32_t instrument;  /* its number in the chunk */
	const uint8_t *bytes; /* of the tick, for tape_tick_decode */
	uint32_t len;
};

struct tape_block {
	struct tape_block_body times;
	uint64_t seq; /* of the next item */
	uint32_t left;
	const uint8_t *tick, *ticks_end;
	const uint8_t *directory, *directory_end;
	const uint8_t *key, *keys_end;
	bool opens_chunk, is_snapshot;
};

/* False when the body is not laid out as a block: damage that the checksum did not see. */
bool tape_block_open(struct tape_block *b, const struct tape_record *r);

/* False after the last tick, or when the directory and the ticks do not agree. */
bool tape_block_next(struct tape_block *b, struct tape_item *item);

/* The keys of the block, in the order of their numbers; lent, not terminated. */
bool tape_block_key(struct tape_block *b, const char **key, uint32_t *len);

#endif
