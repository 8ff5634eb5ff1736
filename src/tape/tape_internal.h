/* SPDX-License-Identifier: MIT
 *
 * tape_internal: what the files of the tape share.
 *
 *      tape.c      append, memory, module      commit.c   writes, syncs, degraded mode
 *      recover.c   the folder at start         retain.c   what is deleted, and when
 *      load.c      chunks from files           cursor.c   reading on
 */
#ifndef AGNI_TAPE_INTERNAL_H
#define AGNI_TAPE_INTERNAL_H

#include "core/log.h"
#include "tape/segment.h"
#include "tape/tape.h"

/* A run of blocks, byte for byte as in the file. */
struct tape_chunk {
	struct list link; /* in tape->chunks or tape->cache */
	uint64_t serial;
	uint64_t first_seq, next_seq; /* ticks in it: [first_seq, next_seq) */
	int64_t first_ms;             /* market time of the first block; 0 = none yet */
	uint64_t segment, offset;     /* where it begins on the disk; segment 0 = nowhere yet */
	uint8_t *bytes;
	size_t len, cap;
	size_t written; /* bytes that need no write any more */
	inst_id *ids;   /* by instrument number */
	uint32_t ids_n, ids_cap;
	unsigned refs; /* a worker reads its bytes */
	void *old[8];  /* former `bytes`, freed when no worker reads them */
	unsigned old_n;
	bool opens_segment; /* a new file begins with it */
	bool has_block;
};

/* An open segment that is being written. */
struct tape_file {
	struct list link; /* in tape->unsynced while is_dirty */
	int fd;
	uint64_t ordinal, bytes;
	bool is_dirty;  /* written since the last sync */
	bool is_new;    /* its name is not on the disk yet */
	bool is_closed; /* nothing more will be written: freed when it is synced */
	unsigned refs;  /* a worker uses fd */
};

/* A file of the folder. */
struct tape_segment {
	uint64_t ordinal, epoch, first_seq, bytes;
	int64_t created_ms;
	struct tape_index_entry *index; /* by chunk; NULL until it is read */
	uint32_t index_n, index_cap;
	bool has_index, is_loading;
	bool is_damaged;  /* not read again */
	bool wants_aside; /* to be renamed when a newer file carries seq and epoch */
};

#define TAPE_SEQ_LEAP (1ull << 20) /* more ticks than can be shown between two syncs */
#define TAPE_MARKER   "degraded"   /* a file in the folder while ticks are shown and not kept */

/* tape.c */
void tape_new_epoch(struct tape *t);
void tape_evict(struct tape *t); /* what is over memory_bytes and written */
struct tape_chunk *tape_newest(const struct tape *t);

/* recover.c: the folder at start: lists it, repairs the tail, finds seq and epoch. */
int tape_recover(struct tape *t, struct agni_err *err) AGNI_MUST_USE;
struct tape_segment *tape_segment_add(struct tape *t);
void tape_segment_drop(struct tape *t, uint32_t i);
struct tape_segment *tape_segment_find(struct tape *t, uint64_t ordinal);
/* Names the damage in the log; readers get a gap; the file is renamed as soon as a newer one carries
 * seq and epoch over a crash. */
void tape_set_aside(struct tape *t, struct tape_segment *s, const char *what);
void tape_rename_aside(struct tape *t); /* those that waited for that */

/* commit.c */
void tape_degrade(struct tape *t, int rc, const char *what);
void tape_try_again(struct tape *t);                  /* out of degraded mode */
int tape_begin_segment(struct tape *t) AGNI_MUST_USE; /* for the ticks behind t->last */
void tape_sync_start(struct tape *t);
void tape_commit_start(struct tape *t);
void tape_file_close(struct tape *t); /* the current segment, with its index */
int tape_write_pending(struct tape *t) AGNI_MUST_USE;
void tape_stop_if_idle(struct tape *t);

/* retain.c */
void tape_retain(struct tape *t);

/* load.c */
void tape_cache_free(struct tape *t);

#endif
