/* SPDX-License-Identifier: MIT
 *
 * writer: what Redis does not know yet, and how it gets there; internal to the store.
 *
 * Everything is a bit per instrument. A pipeline takes bits out of `dirty`, `ticked` and
 * `unindexed` and holds them in `flight*` until its replies are in; a SET that was refused, or
 * whose connection was lost, goes back.
 *
 *   dirty      must be SET: a tick, a renewal, or Redis came back
 *   ticked     has a tick that was not published yet; a part of dirty
 *   unindexed  is not known to be in the index set (named: has been in unindexed before)
 *   fresh      was SET since the hand came by
 *
 * Renewal is the clock algorithm: a hand goes round the ids in a sixth of the TTL. It clears the
 * fresh bit of an instrument that was SET since its last visit, and marks the others dirty. A quiet
 * key is thus renewed after two rounds, a third of its life, and the work is spread over the round.
 * Renewal is a SET and not an EXPIRE: at the same price it also restores a key that was evicted,
 * deleted or overwritten by somebody else.
 *
 * Documents (docs.h) and entries of streams (events.h) go the same way, in the same pipeline. Each
 * kind of command is a lane (lane.h), which rests when it is refused.
 */
#ifndef AGNI_STORE_WRITER_H
#define AGNI_STORE_WRITER_H

#include "core/bitset.h"
#include "store/connection.h"
#include "store/docs.h"
#include "store/events.h"
#include "store/lane.h"

struct writer_stamp {
	uint64_t dirty_ns;  /* monotonic arrival of the oldest tick not SET; 0 = none */
	uint64_t flight_ns; /* the same, of what is in flight */
};

struct writer {
	struct store_deps deps;
	struct connection *connection;
	struct book_subscriber subscriber;
	struct turn_hook hook;
	uv_timer_t tick; /* turns the hand, ends a lane's rest; while draining: the deadline */
	void (*on_drained)(void *arg); /* once, after writer_drain */
	void *arg;
	bool is_draining;

	struct bitset dirty, ticked, unindexed, named, fresh;
	struct bitset flight, flight_ticked, flight_unindexed;
	struct writer_stamp *stamps; /* by id */
	uint32_t stamps_cap;
	uint32_t cursor;    /* where the next pipeline begins to look */
	uint32_t hand;      /* the next id the hand visits */
	uint32_t owed;      /* replies of the pipeline in flight; 0 = none in flight */
	bool is_index_ours; /* what an earlier process left in the index set is gone */
	struct lane lanes[LANES];

	struct docs docs;
	struct events events;

	/* Reused by every pipeline: `out` is all its commands, `data` what PUBLISH says of the ticks. */
	struct buf out, key, json, data, members, set_head, set_tail;

	uint64_t sets, publishes, pipelines;
	uint64_t dirty_now;   /* dirty.count, for /metrics */
	struct histogram lag; /* arrival of the oldest tick to +OK */
};

void writer_init(struct writer *w, const struct store_deps *deps, struct connection *c);
void writer_fini(struct writer *w);

/* Subscribes to the book. writer_stop ends that and closes the timer. */
void writer_start(struct writer *w);
void writer_stop(struct writer *w, void (*on_closed)(void *arg), void *arg);

/* Calls on_drained when nothing is dirty, when that is hopeless, or after `ms`. */
void writer_drain(struct writer *w, uint64_t ms, void (*on_drained)(void *arg), void *arg);

/* News of the connection. */
void writer_on_live(struct writer *w);
void writer_on_lost(struct writer *w);
void writer_on_reply(struct writer *w, uintptr_t tag, const redisReply *reply);

/* Marks `id` as not SET; `arrived_ns` is when its tick came, 0 when it is no tick. */
void writer_mark(struct writer *w, inst_id id, uint64_t arrived_ns);

/* As store_doc_set, store_doc_drop and store_event_add. */
int writer_doc_set(struct writer *w, enum key_kind kind, const char *identity, const char *text,
		   size_t len) AGNI_MUST_USE;
void writer_doc_drop(struct writer *w, enum key_kind kind, const char *identity);
void writer_event_add(struct writer *w, enum key_kind kind, const char *text, size_t len);

/* While held, events wait. */
void writer_events_hold(struct writer *w, bool is_held);

/* Nothing waits and nothing is on its way. */
bool writer_is_settled(const struct writer *w);

/* pipeline.c: builds and queues one pipeline of what is dirty, within the limits. */
void pipeline_send(struct writer *w);

/* What a tag says; the rest of its bits is an instrument's id, a document's row, a family of
 * documents, the number of an event, or 0. */
enum pipeline_command {
	PIPELINE_SET,
	PIPELINE_SADD,
	PIPELINE_DEL,
	PIPELINE_PUBLISH,
	PIPELINE_DOC_SET,
	PIPELINE_DOC_DEL,
	PIPELINE_DOC_SADD,
	PIPELINE_DOC_SREM,
	PIPELINE_DOC_INDEX_DEL,
	PIPELINE_XADD,
	PIPELINE_COMMANDS
};

#define PIPELINE_TAG_BITS 4

static inline uintptr_t pipeline_tag(enum pipeline_command command, uint32_t id)
{
	return (uintptr_t)id << PIPELINE_TAG_BITS | (uintptr_t)command;
}

#endif
