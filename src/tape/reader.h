/* SPDX-License-Identifier: MIT
 *
 * reader: a tape from its first record to its last, synchronously: for tools and for playing it back.
 * A folder, or single segments (those set aside too).
 *
 *     if (tape_reader_open(&r, path, &err) == 0)
 *             while (tape_reader_next(&r, &rec))
 *                     if (tape_block_open(&b, &rec))
 *                             while (tape_block_next(&b, &item)) ... tape_reader_key(&r, item.instrument)
 *
 * Damage is counted and stepped over. Behind it, blocks whose instruments are not known for sure are
 * left out until the next chunk begins: nothing is guessed.
 */
#ifndef AGNI_TAPE_READER_H
#define AGNI_TAPE_READER_H

#include "tape/segment.h"

struct tape_reader {
	struct buf paths; /* NUL-terminated strings, one behind the other, in order */
	size_t next_path;
	const char *path; /* of the file that is read */
	int fd;           /* -1: none */
	struct segment_walk walk;
	struct tape_segment_header header; /* of that file */
	bool has_header;
	struct buf keys;                   /* of the chunk, NUL-terminated, one behind the other */
	struct buf offsets;                /* uint32_t into `keys`, by instrument number */
	bool is_blind;                     /* damage: wait for the next chunk */
	uint64_t files, damages, left_out; /* left_out: ticks of blocks that were stepped over */
};

/* `path`: a folder of segments, or one file. Returns 0, AGNI_ENOTFOUND (no segment there) or a libuv
 * code. */
int tape_reader_open(struct tape_reader *r, const char *path, struct agni_err *err) AGNI_MUST_USE;
void tape_reader_close(struct tape_reader *r);

/* The next sound record, of whatever type but the index; false at the end. Lent until the next call. */
bool tape_reader_next(struct tape_reader *r, struct tape_record *rec);

/* The key of an instrument number of the last block; NULL when the file does not tell. */
const char *tape_reader_key(const struct tape_reader *r, uint32_t number);

/* Begins with the last file whose first block is not behind market time `ms`, when there is one: what is
 * older is left out, file by file. Before the first tape_reader_next. */
void tape_reader_skip_to(struct tape_reader *r, int64_t ms);

/* Market time of the newest file's first block that tells one; 0: none does. */
int64_t tape_reader_newest_ms(const struct tape_reader *r);

/* Back to the first record. */
void tape_reader_rewind(struct tape_reader *r);

#endif
