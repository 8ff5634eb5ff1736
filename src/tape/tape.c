/* SPDX-License-Identifier: MIT
 *
 * tape: see tape.h.
 */
#include "tape/tape.h"

#include <stdlib.h>

#include "core/rand.h"

void tape_init(struct tape *t, uint32_t ring_size)
{
	AGNI_ASSERT(ring_size && (ring_size & (ring_size - 1)) == 0);
	*t = (struct tape){.ring_size = ring_size};
	t->ring = mem_alloc(ring_size * sizeof(*t->ring));
	/* Every page is touched now: memory must not seem to grow while the ring fills. */
	memset(t->ring, 0, ring_size * sizeof(*t->ring));
	rand_hex(t->epoch, (TAPE_EPOCH_TEXT - 1) / 2);
}

void tape_fini(struct tape *t)
{
	free(t->ring);
	*t = (struct tape){0};
}

void tape_begin(struct tape *t, const struct tick_meta *meta)
{
	AGNI_ASSERT(!t->is_open);
	t->block = *meta;
	t->is_open = true;
}

uint64_t tape_append(struct tape *t, inst_id id, const struct tick *tick)
{
	uint64_t seq = t->seq + 1;

	AGNI_ASSERT(t->is_open);
	t->ring[seq & (t->ring_size - 1)] = (struct tape_record){
		.seq = seq,
		.ts_ms = t->block.ts_ms,
		.id = id,
		.present = tick->q.present,
	};
	t->seq = seq;
	return seq;
}

void tape_end(struct tape *t)
{
	AGNI_ASSERT(t->is_open);
	t->is_open = false;
	t->blocks++;
}

uint64_t tape_floor(const struct tape *t)
{
	if (t->seq == 0)
		return 0;
	return t->seq > t->ring_size ? t->seq - t->ring_size + 1 : 1;
}

const struct tape_record *tape_get(const struct tape *t, uint64_t seq)
{
	if (seq == 0 || seq > t->seq || seq < tape_floor(t))
		return NULL;
	return &t->ring[seq & (t->ring_size - 1)];
}
