/* SPDX-License-Identifier: MIT
 *
 * flush: from the dirty bits of a turn to one write per client.
 *
 * Everything is decided per turn and client from three sets: what ticked in this turn (shared),
 * what the client subscribed to, and, only while its socket is full, what it is behind with. The
 * JSON of an instrument is made once per mode and tick, whoever reads it.
 *
 * Instruments under policy all are not here: their ticks come from the tape, one by one (catchup.c).
 *
 * seq of a frame: the highest seq considered for this client; behind its cursor when it has one. When a flush needs several frames,
 * only the last one carries the new value; a client that stops between them has not seen it all.
 */
#include <stdlib.h>

#include "stream/stream_internal.h"

/* Room in front of the payload for the largest frame header. */
#define HEADER_ROOM 10

void stream_grow(struct stream *s, inst_id id)
{
	uint32_t cap = s->ids_cap ? s->ids_cap : 64;

	if (id < s->ids_cap)
		return;
	while (id >= cap)
		cap *= 2;
	s->dirty_ticks = mem_realloc(s->dirty_ticks, cap * sizeof(*s->dirty_ticks));
	memset(s->dirty_ticks + s->ids_cap, 0, (cap - s->ids_cap) * sizeof(*s->dirty_ticks));
	for (int m = 0; m < VIEW_MODES; m++) {
		struct fragment *f = mem_realloc(s->fragments[m], cap * sizeof(*f));

		memset(f + s->ids_cap, 0, (cap - s->ids_cap) * sizeof(*f));
		s->fragments[m] = f;
	}
	s->ids_cap = cap;
}

static const struct buf *fragment(struct stream *s, inst_id id, enum view_mode mode)
{
	const struct slot *slot = book_slot(s->deps.book, id);
	struct fragment *f;

	stream_grow(s, id);
	f = &s->fragments[mode][id];
	if (f->seq != slot->seq) {
		buf_reset(&f->json);
		quote_json(&f->json, instruments_key(&s->deps.book->instruments, id), slot, mode);
		f->seq = slot->seq;
	}
	return &f->json;
}

/* --- one frame ------------------------------------------------------------------------------- */

void frame_begin(struct buf *out, bool is_snapshot)
{
	buf_reset(out);
	buf_reserve(out, HEADER_ROOM);
	out->len = HEADER_ROOM;
	buf_str(out, is_snapshot ? "{\"type\":\"market_data\",\"snapshot\":true,\"data\":["
				 : "{\"type\":\"market_data\",\"data\":[");
}

enum ws_sent frame_send(struct client *c, struct buf *out, uint64_t seq, uint64_t conflated)
{
	char header[HEADER_ROOM];
	size_t n, len;
	enum ws_sent sent;

	buf_str(out, "],\"seq\":");
	buf_i64(out, (int64_t)seq);
	if (conflated) {
		buf_str(out, ",\"conflated\":");
		buf_i64(out, (int64_t)conflated);
	}
	buf_byte(out, '}');
	len = out->len - HEADER_ROOM;
	n = ws_header_write(header, WS_TEXT, len);
	memcpy(out->data + HEADER_ROOM - n, header, n);
	sent = ws_conn_send(c->conn, out->data + HEADER_ROOM - n, len + n);
	if (sent == WS_SENT) {
		c->stream->frames++;
		c->stream->bytes += len + n;
		c->frames++;
		c->conflated += conflated;
		c->stream->conflated += conflated;
		c->sent_seq = seq;
		c->last_sent = clock_mono(c->stream->deps.loop->clock);
	}
	return sent;
}

/* --- one client ------------------------------------------------------------------------------ */

/* Ticks of this instrument that the client gets only as part of the newest one. */
static uint64_t missed_ticks(const struct client *c, inst_id id)
{
	const struct stream *s = c->stream;
	uint64_t n = bitset_has(&s->dirty, id) ? s->dirty_ticks[id] : 0;

	if (id < c->behind_cap)
		n += c->behind_ticks[id];
	return n ? n - 1 : 0;
}

static void clear_ticks(struct client *c, inst_id id)
{
	/* The cursor goes on behind the state that was sent. */
	if (bitset_has(&c->all, id) && bitset_has(&c->snapshot, id))
		c->since[id] = book_slot(c->stream->deps.book, id)->seq;
	bitset_remove(&c->behind, id);
	bitset_remove(&c->snapshot, id);
	if (id < c->behind_cap)
		c->behind_ticks[id] = 0;
}

/* Sends the members of `due` in frames of at most SEND_MAX_BYTES; what was sent leaves `due`.
 * Returns false when the socket did not take a frame: the rest is still in `due`. */
static bool send_due(struct client *c, struct bitset *due, bool is_snapshot, uint64_t seq)
{
	struct stream *s = c->stream;

	while (due->count) {
		uint32_t from = bitset_next(due, 0), id = from, objects = 0;
		uint64_t conflated = 0;
		enum ws_sent sent;

		frame_begin(&s->out, is_snapshot);
		for (; id != BITSET_END && s->out.len < SEND_MAX_BYTES;
		     id = bitset_next(due, id + 1)) {
			const struct buf *json = fragment(s, id, client_mode(c, id));

			if (objects++)
				buf_byte(&s->out, ',');
			buf_append(&s->out, json->data, json->len);
			if (is_snapshot && s->deps.upstream->is_stale(s->deps.upstream->arg, id)) {
				s->out.len--; /* the closing brace */
				buf_str(&s->out, ",\"stale\":true}");
			}
			conflated += missed_ticks(c, id);
		}
		sent = frame_send(c, &s->out, id == BITSET_END ? seq : c->sent_seq, conflated);
		if (sent != WS_SENT) {
			if (sent == WS_FULL)
				client_went_full(c);
			return false;
		}
		for (uint32_t i = from; i != id && i != BITSET_END; i = bitset_next(due, i + 1)) {
			clear_ticks(c, i);
			bitset_remove(due, i);
			c->ticks++;
			s->ticks++;
		}
	}
	return true;
}

static void behind_grow(struct client *c, inst_id id)
{
	uint32_t cap = c->stream->ids_cap;

	if (id < c->behind_cap)
		return;
	AGNI_ASSERT(id < cap);
	c->behind_ticks = mem_realloc(c->behind_ticks, cap * sizeof(*c->behind_ticks));
	memset(c->behind_ticks + c->behind_cap, 0,
	       (cap - c->behind_cap) * sizeof(*c->behind_ticks));
	c->behind_cap = cap;
}

/* This turn's ticks become the client's own bits and counts. */
static void fall_behind(struct client *c)
{
	struct stream *s = c->stream;
	uint32_t words = s->dirty.nwords < c->latest.nwords ? s->dirty.nwords : c->latest.nwords;

	for (uint32_t w = 0; w < words; w++) {
		uint64_t bits = s->dirty.words[w] & c->latest.words[w];

		for (; bits; bits &= bits - 1) {
			inst_id id = w * 64 + (uint32_t)__builtin_ctzll(bits);

			behind_grow(c, id);
			bitset_add(&c->behind, id);
			c->behind_ticks[id] += s->dirty_ticks[id];
		}
	}
}

/* due = (subscribed & dirty) | behind, without what goes out as a snapshot. */
static void due_of(const struct client *c, struct bitset *due)
{
	const struct stream *s = c->stream;
	uint32_t words = s->dirty.nwords < c->latest.nwords ? s->dirty.nwords : c->latest.nwords;

	bitset_clear(due);
	for (uint32_t w = 0; w < words; w++) {
		for (uint64_t bits = s->dirty.words[w] & c->latest.words[w]; bits; bits &= bits - 1)
			bitset_add(due, w * 64 + (uint32_t)__builtin_ctzll(bits));
	}
	bitset_for_each(id, &c->behind)
	{
		bitset_add(due, id);
	}
}

static bool send_replies(struct client *c)
{
	enum ws_sent sent;

	if (c->replies.len == 0)
		return true;
	sent = ws_conn_send(c->conn, c->replies.data, c->replies.len);
	if (sent == WS_SENT)
		buf_reset(&c->replies);
	else if (sent == WS_FULL)
		client_went_full(c);
	return sent == WS_SENT;
}

/* What did not go out in this flush becomes the client's own bits and counts. */
static void keep_for_later(struct client *c, const struct bitset *left)
{
	const struct stream *s = c->stream;

	bitset_for_each(id, left)
	{
		if (!bitset_has(&c->latest, id))
			continue; /* the snapshot bit is enough: the cursor knows the ticks */
		behind_grow(c, id);
		bitset_add(&c->behind, id);
		if (bitset_has(&s->dirty, id))
			c->behind_ticks[id] += s->dirty_ticks[id];
	}
}

/* State that a subscription owes goes first, as a snapshot, and only once. */
static bool send_snapshot(struct client *c, struct bitset *due, uint64_t seq)
{
	struct bitset owed = {0};
	bool all;

	bitset_for_each(id, &c->snapshot)
	{
		bitset_add(&owed, id);
		bitset_remove(due, id);
	}
	all = send_due(c, &owed, true, due->count ? c->sent_seq : seq);
	if (!all)
		keep_for_later(c, &owed);
	bitset_fini(&owed);
	return all;
}

/* Everything of its view up to here has been delivered when the sets are empty. */
static uint64_t seq_of(const struct client *c)
{
	uint64_t newest = c->stream->deps.tape->seq;

	return c->all.count && c->cursor.seq < newest ? c->cursor.seq : newest;
}

/* Sends what the client is owed; when the socket does not take it all, the rest is kept as bits and
 * as the cursor's place. */
static void client_send(struct client *c)
{
	struct stream *s = c->stream;
	uint64_t seq = seq_of(c);

	due_of(c, &s->due);
	if (!send_replies(c) || (c->snapshot.count && !send_snapshot(c, &s->due, seq)) ||
	    !send_due(c, &s->due, false, seq))
		keep_for_later(c, &s->due);
	else if (c->all.count)
		client_catch_up(c);
}

/* --- all clients ----------------------------------------------------------------------------- */

static bool has_work(const struct client *c, const struct stream *s)
{
	uint32_t words = s->dirty.nwords < c->latest.nwords ? s->dirty.nwords : c->latest.nwords;

	if (c->snapshot.count || c->behind.count || c->replies.len)
		return true;
	if (c->all.count && c->cursor.seq < s->deps.tape->seq)
		return true;
	for (uint32_t w = 0; w < words; w++) {
		if (s->dirty.words[w] & c->latest.words[w])
			return true;
	}
	return false;
}

/* A new epoch is told before anything of it. */
static void tell_epoch(struct stream *s)
{
	const struct tape *tape = s->deps.tape;

	memcpy(s->epoch, tape->epoch, sizeof(s->epoch));
	list_for_each (it, &s->clients) {
		struct client *c = container_of(it, struct client, link);
		struct buf b = {0};

		buf_printf(&b, "{\"type\":\"epoch\",\"epoch\":\"%s\",\"from_seq\":%llu,\"why\":",
			   tape->epoch, (unsigned long long)tape->epoch_from);
		buf_json_str(&b, tape->why, strlen(tape->why));
		buf_byte(&b, '}');
		if (c->conn)
			client_reply(c, &b);
		else
			buf_fini(&b);
	}
}

/* Those that used the budgets go behind the others, so that all have their turn. */
static void flush_client(struct client *c, struct list *served)
{
	struct stream *s = c->stream;
	uint32_t encode = s->encode_budget, walk = s->walk_budget;

	if (c->is_full)
		fall_behind(c);
	else
		client_send(c);
	if (s->encode_budget != encode || s->walk_budget != walk) {
		list_remove(&c->link);
		list_append(served, &c->link);
	}
}

void stream_flush(struct stream *s)
{
	struct list served;

	tape_flush(s->deps.tape);
	if (memcmp(s->epoch, s->deps.tape->epoch, sizeof(s->epoch)) != 0)
		tell_epoch(s);
	list_init(&served);
	s->walk_budget = WALK_BUDGET;
	s->encode_budget = ENCODE_BUDGET;
	list_for_each (it, &s->clients) {
		struct client *c = container_of(it, struct client, link);

		if (c->conn && has_work(c, s))
			flush_client(c, &served);
	}
	while (!list_is_empty(&served)) {
		struct list *it = served.next;

		list_remove(it);
		list_append(&s->clients, it);
	}
	if (s->dirty.count && s->clients_now)
		histogram_add(&s->flush_lag,
			      (clock_mono(s->deps.loop->clock) - s->first_dirty) / 1000);
	bitset_for_each(id, &s->dirty)
	{
		s->dirty_ticks[id] = 0;
	}
	bitset_clear(&s->dirty);
}
