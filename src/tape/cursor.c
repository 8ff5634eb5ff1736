/* SPDX-License-Identifier: MIT
 *
 * cursor: see cursor.h.
 *
 * The search for the chunk that holds the next seq: chunks in memory (they end at the newest tick),
 * then the segment, its index, its chunk. Where neither has it, the next thing that begins behind
 * it is the end of a gap.
 */
#include "tape/cursor.h"

#include "tape/load.h"
#include "tape/tape_internal.h"

void tape_set_on_ready(struct tape *t, void (*fn)(void *arg), void *arg)
{
	t->on_ready = fn;
	t->ready_arg = arg;
}

static struct tape_chunk *memory_find(const struct tape *t, uint64_t seq)
{
	for (struct list *it = t->chunks.prev; it != &t->chunks; it = it->prev) {
		struct tape_chunk *c = container_of(it, struct tape_chunk, link);

		if (c->first_seq <= seq)
			return seq < c->next_seq ? c : NULL;
	}
	return NULL;
}

/* The last segment that begins at or before `seq`; NULL when all begin behind it. */
static struct tape_segment *segment_of(const struct tape *t, uint64_t seq)
{
	uint32_t low = 0, high = t->segments_n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (t->segments[mid].first_seq <= seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &t->segments[low - 1] : NULL;
}

/* The last entry that begins at or before `seq`; index_n when all begin behind it. */
static uint32_t entry_of(const struct tape_segment *s, uint64_t seq)
{
	uint32_t low = 0, high = s->index_n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (s->index[mid].seq <= seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? low - 1 : s->index_n;
}

/* The lowest seq above `seq` where something that can be read may begin. */
static uint64_t next_start(const struct tape *t, const struct tape_segment *s, uint64_t seq)
{
	uint64_t best = t->seq + 1;

	if (s && !s->is_damaged && s->has_index) {
		for (uint32_t i = 0; i < s->index_n; i++) {
			if (s->index[i].seq > seq && s->index[i].seq < best)
				best = s->index[i].seq;
		}
	}
	for (uint32_t i = 0; i < t->segments_n; i++) {
		const struct tape_segment *next = &t->segments[i];

		if (!next->is_damaged && next->first_seq > seq && next->first_seq < best)
			best = next->first_seq;
	}
	list_for_each (it, &t->chunks) {
		const struct tape_chunk *c = container_of(it, struct tape_chunk, link);

		if (c->first_seq > seq && c->first_seq < best)
			best = c->first_seq;
	}
	return best;
}

static enum tape_step meet_gap(struct tape *t, struct tape_cursor *c, const struct tape_segment *s,
			       const char *reason, struct tape_gap *gap)
{
	uint64_t from = c->seq + 1;

	c->chunk = NULL;
	c->seq = next_start(t, s, from) - 1;
	*gap = (struct tape_gap){.from = from, .to = c->seq, .reason = reason};
	return TAPE_STEP_GAP;
}

static enum tape_step attach(struct tape_cursor *c, struct tape_chunk *chunk)
{
	size_t offset = c->serial == chunk->serial ? c->offset : 0;

	c->chunk = chunk;
	c->serial = chunk->serial;
	c->offset = offset;
	c->walk = (struct tape_walk){.p = chunk->bytes + offset, .end = chunk->bytes + chunk->len};
	c->has_block = false;
	c->is_hinted = offset > 0;
	c->came_seq = c->seq;
	return TAPE_STEP_TICK;
}

/* The chunk after this one is read while this one is used. */
static void read_ahead(struct tape *t, struct tape_segment *s, uint32_t entry)
{
	uint32_t next = entry + 1;

	if (next < s->index_n && !memory_find(t, s->index[next].seq) &&
	    !tape_cache_find(t, s->ordinal, s->index[next].offset))
		tape_load_chunk(t, s, next);
}

static enum tape_step locate_in_files(struct tape *t, struct tape_cursor *c, struct tape_gap *gap)
{
	uint64_t want = c->seq + 1;
	struct tape_segment *s = segment_of(t, want);
	struct tape_chunk *chunk;
	uint32_t entry;

	if (!s)
		return meet_gap(t, c, NULL, "retention", gap);
	if (s->is_damaged)
		return meet_gap(t, c, s, "damaged", gap);
	if (!s->has_index) {
		tape_load_index(t, s);
		return TAPE_STEP_WAIT;
	}
	entry = entry_of(s, want);
	if (entry == s->index_n)
		return meet_gap(t, c, s, "not_recorded", gap);
	chunk = tape_cache_find(t, s->ordinal, s->index[entry].offset);
	if (!chunk) {
		tape_load_chunk(t, s, entry);
		return TAPE_STEP_WAIT;
	}
	if (want < chunk->first_seq || want >= chunk->next_seq)
		return meet_gap(t, c, s, "not_recorded", gap);
	read_ahead(t, s, entry);
	return attach(c, chunk);
}

static enum tape_step locate(struct tape *t, struct tape_cursor *c, struct tape_gap *gap)
{
	struct tape_chunk *chunk = memory_find(t, c->seq + 1);

	return chunk ? attach(c, chunk) : locate_in_files(t, c, gap);
}

static bool has_any(const struct tape_chunk *chunk, const struct bitset *wanted)
{
	for (uint32_t i = 0; i < chunk->ids_n; i++) {
		if (chunk->ids[i] != INST_NONE && bitset_has(wanted, chunk->ids[i]))
			return true;
	}
	return false;
}

/* The next tick of the open block that is wanted; false at its end. */
static bool next_in_block(struct tape_cursor *c, const struct bitset *wanted, uint32_t *budget,
			  struct tape_tick *tick)
{
	const struct tape_chunk *chunk = c->chunk;
	struct tape_item item;

	while (tape_block_next(&c->block, &item)) {
		inst_id id =
			item.instrument < chunk->ids_n ? chunk->ids[item.instrument] : INST_NONE;

		if (item.seq <= c->seq)
			continue;
		c->seq = item.seq;
		*budget -= *budget > 0;
		if (id == INST_NONE || !bitset_has(wanted, id))
			continue;
		*tick = (struct tape_tick){.seq = item.seq,
					   .id = id,
					   .ts_ms = c->block.times.ts_ms,
					   .recv_ms = c->block.times.recv_ms,
					   .is_snapshot = c->block.is_snapshot,
					   .bytes = item.bytes,
					   .len = item.len};
		return true;
	}
	return false;
}

/* Opens the next block that may hold something new; false when the chunk has no more. */
static bool next_block(struct tape *t, struct tape_cursor *c)
{
	struct tape_record r;

	c->has_block = false;
	for (;;) {
		c->offset = (size_t)(c->walk.p - c->chunk->bytes);
		if (!tape_walk_trusted(&c->walk, &r))
			return false;
		if (r.head.type != TAPE_BLOCK || r.head.seq + r.head.ticks <= c->seq + 1)
			continue;
		if (r.head.seq > t->seq)
			return false;
		c->has_block = tape_block_open(&c->block, &r);
		c->block_end = r.head.seq + r.head.ticks;
		return c->has_block;
	}
}

/* The chunk has no more. When it had nothing at all, the hint was wrong, or it is not what it says. */
static bool leave_chunk(struct tape_cursor *c)
{
	bool is_strange = c->seq == c->came_seq && !c->is_hinted;

	if (c->seq == c->came_seq)
		c->serial = 0;
	c->chunk = NULL;
	return !is_strange;
}

enum tape_step tape_cursor_next(struct tape *t, struct tape_cursor *c, const struct bitset *wanted,
				uint32_t *budget, struct tape_tick *tick, struct tape_gap *gap)
{
	while (c->seq < t->seq) {
		enum tape_step step;

		if (*budget == 0)
			return TAPE_STEP_TIRED;
		if (!c->chunk) {
			step = locate(t, c, gap);
			if (step != TAPE_STEP_TICK)
				return step;
			if (!has_any(c->chunk, wanted)) {
				/* Passed over as a whole. */
				c->seq = c->chunk->next_seq - 1;
				if (c->seq > t->seq)
					c->seq = t->seq;
				c->chunk = NULL;
				*budget -= *budget > 0;
				continue;
			}
		}
		if (c->has_block && next_in_block(c, wanted, budget, tick))
			return TAPE_STEP_TICK;
		if (c->has_block && c->seq + 1 < c->block_end) {
			/* The checksum is right and the directory is not. */
			*gap = (struct tape_gap){c->seq + 1, c->block_end - 1, "damaged"};
			c->seq = c->block_end - 1;
			return TAPE_STEP_GAP;
		}
		if (!next_block(t, c) && !leave_chunk(c))
			return meet_gap(t, c, NULL, "damaged", gap);
	}
	return TAPE_STEP_EDGE;
}
