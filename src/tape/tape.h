/* SPDX-License-Identifier: MIT
 *
 * tape: the journal of every accepted tick; the one that gives out seq.
 *
 * Each tick gets a number, +1 per tick, that never repeats within an epoch. This first form keeps
 * the journal in memory: a ring of the newest records, gone with the process, so every start is a
 * new epoch. One block is one upstream message:
 *
 *     tape_begin(meta)  tape_append(id, tick) -> seq  ...  tape_end()
 */
#ifndef AGNI_TAPE_TAPE_H
#define AGNI_TAPE_TAPE_H

#include "market/book.h"

#define TAPE_EPOCH_TEXT 17 /* 16 hex digits and a NUL */

struct tape_record {
	uint64_t seq;
	int64_t ts_ms;
	inst_id id;
	uint32_t present; /* QUOTE_* that the tick carried */
};

struct tape {
	char epoch[TAPE_EPOCH_TEXT]; /* random, new at each start */
	uint64_t seq;                /* of the newest tick; 0 before the first */
	struct tape_record *ring;
	uint32_t ring_size;     /* a power of two */
	struct tick_meta block; /* of the open block */
	bool is_open;
	uint64_t blocks;
};

void tape_init(struct tape *t, uint32_t ring_size);
void tape_fini(struct tape *t);

void tape_begin(struct tape *t, const struct tick_meta *meta);
uint64_t tape_append(struct tape *t, inst_id id, const struct tick *tick);
void tape_end(struct tape *t);

/* The oldest seq that is still held; 0 when there is none. */
uint64_t tape_floor(const struct tape *t);

/* The record of `seq`, or NULL when it is not held. */
const struct tape_record *tape_get(const struct tape *t, uint64_t seq);

#endif
