/* SPDX-License-Identifier: MIT
 *
 * writer: see writer.h.
 */
#include "store/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG     "store"
#define TICK_MS 100 /* of the hand and of resting lanes */

static bool has_work(const struct writer *w)
{
	return w->dirty.count > 0 || w->unindexed.count > 0 || docs_has_work(&w->docs) ||
	       events_has_work(&w->events);
}

bool writer_is_settled(const struct writer *w)
{
	return w->owed == 0 && !has_work(w) && !w->events.is_held;
}

static void wake(struct writer *w)
{
	if (w->owed == 0 && connection_is_live(w->connection))
		hook_arm(&w->hook);
}

static void on_turn_end(struct turn_hook *hook)
{
	struct writer *w = container_of(hook, struct writer, hook);

	if (w->owed == 0 && connection_is_live(w->connection) && has_work(w))
		pipeline_send(w);
}

static struct writer_stamp *stamp_of(struct writer *w, inst_id id)
{
	if (AGNI_UNLIKELY(id >= w->stamps_cap)) {
		uint32_t cap = w->stamps_cap ? w->stamps_cap : 256;

		while (id >= cap)
			cap *= 2;
		w->stamps = mem_realloc(w->stamps, cap * sizeof(*w->stamps));
		memset(w->stamps + w->stamps_cap, 0, (cap - w->stamps_cap) * sizeof(*w->stamps));
		w->stamps_cap = cap;
	}
	return &w->stamps[id];
}

void writer_mark(struct writer *w, inst_id id, uint64_t arrived_ns)
{
	struct writer_stamp *stamp = stamp_of(w, id);

	if (stamp->dirty_ns == 0)
		stamp->dirty_ns = arrived_ns;
	bitset_add(&w->dirty, id);
	w->dirty_now = w->dirty.count;
}

static void on_tick(struct book_subscriber *s, inst_id id, const struct slot *slot)
{
	struct writer *w = container_of(s, struct writer, subscriber);

	if (bitset_add(&w->named, id))
		bitset_add(&w->unindexed, id);
	writer_mark(w, id, slot->recv_mono);
	bitset_add(&w->ticked, id);
	wake(w);
}

/* Has a tick that was published. */
static bool has_quote(const struct writer *w, inst_id id)
{
	const struct slot *slot = book_slot(w->deps.book, id);

	return slot && slot->seq;
}

/* ---- the hand ---------------------------------------------------------------------------------*/

/* How many of `ids` to visit in one tick, so that a round takes a sixth of the TTL. */
static uint32_t visits_per_tick(const struct writer *w, uint64_t ids)
{
	uint64_t round_ms = (uint64_t)w->deps.cfg->ttl_s * 1000 / 6;
	uint64_t n = (ids * TICK_MS + round_ms - 1) / round_ms;

	return (uint32_t)(n < ids ? n : ids);
}

static void turn_hand(struct writer *w)
{
	uint32_t ids = w->deps.book->slots_cap;

	for (uint32_t n = visits_per_tick(w, ids); n > 0; n--) {
		uint32_t id = w->hand < ids ? w->hand : 0;

		w->hand = id + 1;
		if (!has_quote(w, id))
			continue;
		/* Somebody may have emptied Redis, or put something else in the index's place. */
		bitset_add(&w->unindexed, id);
		if (!bitset_remove(&w->fresh, id) &&
		    !(w->deps.is_stale && w->deps.is_stale(w->deps.arg, id)))
			writer_mark(w, id, 0);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct writer *w = container_of(timer, struct writer, tick);

	bool is_alive = w->deps.is_feed_alive(w->deps.arg);

	/* Keys die while the feed is dead; when it returns, one round brings back what is quiet. */
	if (!is_alive)
		bitset_clear(&w->fresh);
	else if (connection_is_live(w->connection))
		turn_hand(w);
	if (connection_is_live(w->connection))
		docs_turn_hand(&w->docs, visits_per_tick(w, docs_span(&w->docs)), is_alive);
	if (has_work(w))
		wake(w);
}

/* ---- draining ---------------------------------------------------------------------------------*/

static void finish_drain(struct writer *w)
{
	w->is_draining = false;
	uv_timer_stop(&w->tick);
	w->on_drained(w->arg);
}

static void on_drain_deadline(uv_timer_t *timer)
{
	finish_drain(container_of(timer, struct writer, tick));
}

/* Nothing is left to write, or no hope to write it. */
static bool is_drained(const struct writer *w)
{
	if (!connection_is_live(w->connection) || w->lanes[LANE_QUOTES].since_ms)
		return true;
	return w->owed == 0 && w->dirty.count == 0 &&
	       (w->unindexed.count == 0 || w->lanes[LANE_INDEX].since_ms) &&
	       (!docs_has_work(&w->docs) || w->lanes[LANE_DOCS].since_ms ||
		w->lanes[LANE_DOC_INDEX].since_ms) &&
	       (events_is_empty(&w->events) || w->lanes[LANE_EVENTS].since_ms);
}

void writer_drain(struct writer *w, uint64_t ms, void (*on_drained)(void *arg), void *arg)
{
	w->on_drained = on_drained;
	w->arg = arg;
	w->is_draining = true;
	docs_retire(&w->docs);
	if (is_drained(w)) {
		finish_drain(w);
		return;
	}
	uv_timer_start(&w->tick, on_drain_deadline, ms, 0);
	wake(w);
}

/* ---- replies ----------------------------------------------------------------------------------*/

static enum lane_kind lane_of(enum pipeline_command command)
{
	static const enum lane_kind lanes[PIPELINE_COMMANDS] = {
		[PIPELINE_SET] = LANE_QUOTES,
		[PIPELINE_SADD] = LANE_INDEX,
		[PIPELINE_DEL] = LANE_INDEX,
		[PIPELINE_PUBLISH] = LANE_TICKS,
		[PIPELINE_DOC_SET] = LANE_DOCS,
		[PIPELINE_DOC_DEL] = LANE_DOCS,
		[PIPELINE_DOC_SADD] = LANE_DOC_INDEX,
		[PIPELINE_DOC_SREM] = LANE_DOC_INDEX,
		[PIPELINE_DOC_INDEX_DEL] = LANE_DOC_INDEX,
		[PIPELINE_XADD] = LANE_EVENTS};

	return lanes[command];
}

/* The members of `from` go (back) to `to`, and `from` is empty. */
static void move_all(struct bitset *from, struct bitset *to)
{
	for (uint32_t i = bitset_next(from, 0); i != BITSET_END; i = bitset_next(from, i + 1))
		bitset_add(to, i);
	bitset_clear(from);
}

static void put_back(struct writer *w, inst_id id)
{
	uint64_t since = w->stamps[id].flight_ns;

	bitset_remove(&w->flight, id);
	if (since)
		w->stamps[id].dirty_ns = since;
	writer_mark(w, id, 0);
}

static void note_refusal(struct writer *w, enum pipeline_command command, const char *text)
{
	struct lane *lane = &w->lanes[lane_of(command)];

	refusal_count(&w->connection->refusals, text);
	lane_refuse(lane, text, clock_wall_ms(w->deps.loop->clock));
	log_limited(&lane->limit, clock_mono(w->deps.loop->clock), LOG_WARN, TAG,
		    "Redis at %s answers errors: %s", w->connection->where, lane->text);
}

static void note_lag(struct writer *w, uint64_t arrived_ns)
{
	uint64_t now = clock_mono(w->deps.loop->clock);

	if (arrived_ns && now > arrived_ns)
		histogram_add(&w->lag, (now - arrived_ns) / 1000);
}

static void on_set(struct writer *w, inst_id id, bool is_refused)
{
	if (is_refused) {
		put_back(w, id);
		return;
	}
	w->sets++;
	bitset_remove(&w->flight, id);
	bitset_add(&w->fresh, id);
	note_lag(w, w->stamps[id].flight_ns);
}

static void on_sadd(struct writer *w, bool is_refused)
{
	if (is_refused)
		move_all(&w->flight_unindexed, &w->unindexed);
	else
		bitset_clear(&w->flight_unindexed);
}

static void on_answer(struct writer *w, enum pipeline_command command, uint32_t id, bool is_refused)
{
	switch (command) {
	case PIPELINE_SET:
		on_set(w, id, is_refused);
		break;
	case PIPELINE_SADD:
		on_sadd(w, is_refused);
		break;
	case PIPELINE_DEL:
		w->is_index_ours = w->is_index_ours || !is_refused;
		break;
	case PIPELINE_PUBLISH:
		w->publishes += !is_refused;
		break;
	case PIPELINE_DOC_SET:
		docs_on_set(&w->docs, id, is_refused);
		break;
	case PIPELINE_DOC_DEL:
		docs_on_del(&w->docs, id, is_refused);
		break;
	case PIPELINE_DOC_SADD:
		docs_on_join(&w->docs, (enum doc_family)id, is_refused);
		break;
	case PIPELINE_DOC_SREM:
		docs_on_leave(&w->docs, (enum doc_family)id, is_refused);
		break;
	case PIPELINE_DOC_INDEX_DEL:
		w->docs.is_ours[id] = w->docs.is_ours[id] || !is_refused;
		break;
	case PIPELINE_XADD:
		events_on_reply(&w->events, id, is_refused);
		break;
	case PIPELINE_COMMANDS:
		break;
	}
}

/* Every reply is in: lanes that were refused rest, those that were not are well (again). */
static void end_pipeline(struct writer *w)
{
	for (int i = 0; i < LANES; i++)
		lane_settle(&w->lanes[i],
			    uv_now(&w->deps.loop->uv) + (uint64_t)w->deps.cfg->retry_ms);
	bitset_clear(&w->flight_ticked);
	events_rewind(&w->events);
	if (w->is_draining && is_drained(w))
		finish_drain(w);
	else if (has_work(w))
		wake(w);
}

void writer_on_reply(struct writer *w, uintptr_t tag, const redisReply *reply)
{
	enum pipeline_command command = tag & ((1u << PIPELINE_TAG_BITS) - 1);
	bool is_refused = reply->type == REDIS_REPLY_ERROR;

	AGNI_ASSERT(w->owed > 0);
	w->owed--;
	if (AGNI_UNLIKELY(is_refused))
		note_refusal(w, command, reply->str);
	on_answer(w, command, (uint32_t)(tag >> PIPELINE_TAG_BITS), is_refused);
	if (w->owed == 0)
		end_pipeline(w);
}

/* ---- coming and going -------------------------------------------------------------------------*/

void writer_on_live(struct writer *w)
{
	for (inst_id id = 0; id < w->deps.book->slots_cap; id++) {
		if (has_quote(w, id)) {
			writer_mark(w, id, 0);
			bitset_add(&w->named, id);
			bitset_add(&w->unindexed, id);
		}
	}
	for (int i = 0; i < LANES; i++)
		w->lanes[i].rest_ms = 0;
	wake(w);
}

void writer_on_lost(struct writer *w)
{
	for (inst_id id = bitset_next(&w->flight, 0); id != BITSET_END;
	     id = bitset_next(&w->flight, id + 1))
		put_back(w, id);
	move_all(&w->flight_ticked, &w->ticked);
	move_all(&w->flight_unindexed, &w->unindexed);
	docs_rewind(&w->docs);
	events_rewind(&w->events);
	for (int i = 0; i < LANES; i++)
		w->lanes[i].sent = w->lanes[i].refused = 0;
	w->owed = 0;
	if (w->is_draining)
		finish_drain(w);
}

/* ---- documents and events ---------------------------------------------------------------------*/

int writer_doc_set(struct writer *w, enum key_kind kind, const char *identity, const char *text,
		   size_t len)
{
	int rc = docs_set(&w->docs, kind, identity, text, len);

	wake(w);
	return rc;
}

void writer_doc_drop(struct writer *w, enum key_kind kind, const char *identity)
{
	docs_drop(&w->docs, kind, identity);
	if (docs_has_work(&w->docs))
		wake(w);
}

void writer_event_add(struct writer *w, enum key_kind kind, const char *text, size_t len)
{
	events_add(&w->events, kind, text, len);
	wake(w);
}

void writer_events_hold(struct writer *w, bool is_held)
{
	w->events.is_held = is_held;
	wake(w);
}

void writer_init(struct writer *w, const struct store_deps *deps, struct connection *c)
{
	*w = (struct writer){.deps = *deps, .connection = c, .subscriber = {.on_tick = on_tick}};
	docs_init(&w->docs);
}

void writer_fini(struct writer *w)
{
	struct bitset *sets[] = {&w->dirty, &w->ticked, &w->unindexed,     &w->fresh,
				 &w->named, &w->flight, &w->flight_ticked, &w->flight_unindexed};
	struct buf *bufs[] = {&w->out,     &w->key,      &w->json,    &w->data,
			      &w->members, &w->set_head, &w->set_tail};

	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		bitset_fini(sets[i]);
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		buf_fini(bufs[i]);
	docs_fini(&w->docs);
	events_fini(&w->events);
	free(w->stamps);
	w->stamps = NULL;
}

void writer_start(struct writer *w)
{
	struct loop *loop = w->deps.loop;

	uv_timer_init(&loop->uv, &w->tick);
	uv_timer_start(&w->tick, on_timer, TICK_MS, TICK_MS);
	loop_add_hook(loop, &w->hook, on_turn_end);
	book_subscribe(w->deps.book, &w->subscriber);
}

static void on_tick_closed(uv_handle_t *handle)
{
	struct writer *w = container_of((uv_timer_t *)handle, struct writer, tick);

	w->on_drained(w->arg);
}

void writer_stop(struct writer *w, void (*on_closed)(void *arg), void *arg)
{
	w->on_drained = on_closed;
	w->arg = arg;
	book_unsubscribe(&w->subscriber);
	loop_remove_hook(&w->hook);
	uv_close((uv_handle_t *)&w->tick, on_tick_closed);
}
