/* SPDX-License-Identifier: MIT
 *
 * segment: one file of the tape: its name, its header, its records from the first to the last, and
 * what can be said of its tail. Synchronous; runs at start, on worker threads, and in the tools.
 *
 *      what the scan meets at the end     what it was                        who has seen it
 *      a sound record                     written whole                      anybody
 *      a sound head, a short body;        a write that a crash cut short     nobody: it was
 *      less than a head; zeros                                               never published
 *      a whole record, a wrong checksum   damage                             perhaps somebody:
 *      no head where one should be        damage                             a new epoch
 *
 * Damage with sound records behind it is a hole: the tail is proved, the segment is set aside.
 */
#ifndef AGNI_TAPE_SEGMENT_H
#define AGNI_TAPE_SEGMENT_H

#include "core/buf.h"
#include "core/err.h"
#include "tape/record.h"

#define TAPE_DAMAGED_SUFFIX ".damaged" /* behind the name of a segment that was set aside */
#define TAPE_PATH_MAX       1024

/* DIR/0000000001.tape. */
void segment_path(char out[TAPE_PATH_MAX], const char *dir, uint64_t ordinal);

/* The number in a name; 0 when it is none of a segment. `is_damaged`: set aside. */
uint64_t segment_ordinal(const char *name, bool *is_damaged);

/* Fills in what is always the same, and the checksum. */
void segment_header_seal(struct tape_segment_header *h);
bool segment_header_is_sound(const struct tape_segment_header *h);

/* --- from the first record to the last -------------------------------------------------------- */

struct segment_walk {
	int fd;
	uint64_t offset; /* of `walk.p` in the file */
	uint64_t read;   /* bytes of the file that were read so far */
	uint64_t limit;  /* read no further */
	struct buf window;
	struct tape_walk walk;
	int error; /* -errno of a read that failed: the file ends there */
	bool is_at_eof;
};

/* From `offset` up to `limit` (UINT64_MAX: the end of the file). The descriptor stays the caller's. */
void segment_walk_init(struct segment_walk *w, int fd, uint64_t offset, uint64_t limit);
void segment_walk_fini(struct segment_walk *w);

/* As tape_walk_next; the record is lent until the next call. */
enum tape_found segment_walk_next(struct segment_walk *w, struct tape_record *r);

/* After TAPE_BAD_HEAD: goes to the next sound head; false when there is none. */
bool segment_walk_resync(struct segment_walk *w);

/* --- a whole segment -------------------------------------------------------------------------- */

struct segment_scan {
	struct tape_segment_header header;
	bool has_header; /* it is sound */
	uint64_t file_bytes;
	uint64_t sound_bytes; /* up to the first trouble */
	uint64_t torn_bytes;  /* at the end, never published */
	uint64_t damage_at;   /* offset of the first damage; 0 = none */
	uint64_t damages;
	bool is_tail_damaged; /* nothing sound behind the last damage */
	uint64_t next_seq;    /* behind the newest sound tick */
	uint64_t seq_bound;   /* no tick that ever was in here has a seq from it on */
	bool is_stopped;      /* its last word is TAPE_STOP */
	bool is_closed;       /* it ends with its index */
	uint64_t blocks, ticks, controls, keys;
	int64_t first_ms, last_ms;      /* market time of the first and the last block; 0 = none */
	struct tape_index_entry *index; /* by chunk; the caller frees */
	uint32_t index_n, index_cap;
};

/* Reads and checks every byte. Returns 0, or -errno when the file cannot be read. */
int segment_scan(const char *path, struct segment_scan *s) AGNI_MUST_USE;
void segment_scan_fini(struct segment_scan *s);

/* The index at the end of a closed segment. False when there is none, or it is not sound. */
bool segment_index_read(int fd, struct tape_index_entry **index, uint32_t *n, uint64_t *last_seq);

/* Appends the record of an index to `out`; it will stand at `offset`. */
void segment_index_build(struct buf *out, const struct tape_index_entry *index, uint32_t n,
			 uint64_t next_seq, uint64_t offset);

#endif
