/* SPDX-License-Identifier: MIT
 *
 * cursor: a place in the tape, from which a reader goes on tick by tick: memory first, then files.
 *
 *     struct tape_cursor c = {.seq = 1234};       everything up to 1234 was read (exclusive)
 *     tape_cursor_begin(&c);                       once per turn of the loop
 *     for (;;) switch (tape_cursor_next(t, &c, wanted, &budget, &tick, &gap)) ...
 *
 * A cursor is two dozen words; what it reads lies in chunks that all readers share. What is not in
 * memory is read and checked on a worker thread, a few chunks at a time; meanwhile the cursor waits
 * and costs nothing.
 */
#ifndef AGNI_TAPE_CURSOR_H
#define AGNI_TAPE_CURSOR_H

#include "core/bitset.h"
#include "tape/tape.h"

struct tape_cursor {
	uint64_t seq; /* read, or passed over, up to here */
	/* where to look first: a chunk's serial number and the offset of a record in it */
	uint64_t serial;
	size_t offset;
	/* between tape_cursor_begin and the end of the turn */
	struct tape_chunk *chunk;
	struct tape_walk walk;
	struct tape_block block;
	uint64_t block_end; /* seq behind the block's last tick */
	uint64_t came_seq;  /* `seq` when the chunk was found */
	bool has_block, is_hinted;
};

/* A tick as it was recorded; lent until the end of the turn. */
struct tape_tick {
	uint64_t seq;
	inst_id id;
	int64_t ts_ms, recv_ms;
	bool is_snapshot;
	const uint8_t *bytes; /* for tape_tick_decode, with ts_ms */
	uint32_t len;
};

/* Ticks that cannot be read any more: from..to, both included. */
struct tape_gap {
	uint64_t from, to;
	const char *reason; /* "retention", "damaged", "not_recorded" */
};

enum tape_step {
	TAPE_STEP_TICK, /* `tick` is filled */
	TAPE_STEP_EDGE, /* everything that may be shown was read */
	TAPE_STEP_GAP,  /* `gap` is filled; the cursor stands behind it */
	TAPE_STEP_WAIT, /* a worker reads; on_ready will be called */
	TAPE_STEP_TIRED /* the budget is used up: go on in another turn */
};

static inline void tape_cursor_begin(struct tape_cursor *c)
{
	c->chunk = NULL;
}

/* The next tick of an instrument in `wanted`. `budget` goes down by one per tick looked at. */
enum tape_step tape_cursor_next(struct tape *t, struct tape_cursor *c, const struct bitset *wanted,
				uint32_t *budget, struct tape_tick *tick, struct tape_gap *gap);

/* `fn` is called, on the loop, whenever something has come that a cursor waited for. */
void tape_set_on_ready(struct tape *t, void (*fn)(void *arg), void *arg);

#endif
