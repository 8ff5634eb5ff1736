/* SPDX-License-Identifier: MIT
 *
 * compat_send: what goes out to the readers of the broker's protocol, and what becomes of it when a
 * socket takes nothing.
 *
 *      owes nothing:   the frames of its view, made for the first reader that has it
 *      owes state:     market_info, the newest state of what is owed (initial_feed), and then the
 *                      turn's messages without these instruments: the state has them already
 *      takes nothing:  instruments, as bits
 */
#include <stdlib.h>

#include "stream/compat_internal.h"
#include "upstox/compose.h"

/* --- the turn's messages, for a view ---------------------------------------------------------- */

/* Where the frames of one gathering go: chunks of at most SEND_MAX_BYTES, of whole frames. */
struct gathering {
	struct compat *c;
	const struct compat_view *v;
	const struct compat_client *owing; /* without what it is owed; NULL: all */
	uint32_t chunk;                    /* the first of it */
};

static void put_frame(struct gathering *g, uint32_t message, size_t payload)
{
	struct compat *c = g->c;
	size_t whole = ws_header_len(payload) + payload;
	struct compat_chunk *last = c->chunks_n > g->chunk ? &c->chunks[c->chunks_n - 1] : NULL;

	if (!last || last->len + whole > SEND_MAX_BYTES) {
		if (c->chunks_n == c->chunks_cap) {
			c->chunks_cap = c->chunks_cap ? c->chunks_cap * 2 : 16;
			c->chunks = mem_realloc(c->chunks, c->chunks_cap * sizeof(*c->chunks));
		}
		last = &c->chunks[c->chunks_n++];
		*last = (struct compat_chunk){.off = c->out.len, .first = message};
	}
	last->len += whole;
	last->frames++;
	c->out.len += ws_header_write(buf_reserve(&c->out, 10), WS_BINARY, payload);
}

/* The length of what the view has of this entry; 0: nothing. */
static uint32_t entry_len(const struct gathering *g, const struct compat_entry *e)
{
	int mode = view_mode_of(g->v, e->id);

	return mode < 0 || (g->owing && bitset_has(&g->owing->owed, e->id)) ? 0 : e->len[mode];
}

/* Appends entries from *at on to the payload: those of the view, until the frame is full. */
static void append_entries(struct gathering *g, const struct compat_message *m, uint32_t *at,
			   uint32_t end)
{
	const struct compat_turn *t = &g->c->turn;

	for (; *at < end; ++*at) {
		const struct compat_entry *e = &t->entries[m->first + *at];

		if (entry_len(g, e))
			buf_append(&g->c->out, t->bytes.data + e->off[view_mode_of(g->v, e->id)],
				   entry_len(g, e));
	}
}

/* A message is one frame; a very long one several, with one type and time, as a snapshot may be. */
static void gather_message(struct gathering *g, uint32_t index)
{
	struct compat *c = g->c;
	const struct compat_message *m = &c->turn.messages[index];
	size_t around = compose_around((enum feed_type)m->type, m->ts_ms);
	uint32_t at = 0;

	while (at < m->n) {
		uint32_t end = at;
		size_t len = 0;

		for (; end < m->n && len < SEND_MAX_BYTES; end++)
			len += entry_len(g, &c->turn.entries[m->first + end]);
		if (len) {
			put_frame(g, index, around + len);
			compose_head(&c->out, (enum feed_type)m->type);
			append_entries(g, m, &at, end);
			compose_tail(&c->out, m->ts_ms);
		}
		at = end;
	}
}

/* The frames of all messages of the turn; how many chunks. */
static uint32_t gather(struct compat *c, const struct compat_view *v,
		       const struct compat_client *owing)
{
	struct gathering g = {c, v, owing, c->chunks_n};

	for (uint32_t i = 0; i < c->turn.messages_n; i++) {
		const struct compat_message *m = &c->turn.messages[i];

		if (m->type == FEED_MARKET_INFO && owing && owing->owes_info)
			continue;
		if (m->type == FEED_MARKET_INFO) {
			put_frame(&g, i, m->len);
			buf_append(&c->out, c->turn.bytes.data + m->off, m->len);
		} else if (v->keys_n) {
			gather_message(&g, i);
		}
	}
	return c->chunks_n - g.chunk;
}

/* --- what the socket takes -------------------------------------------------------------------- */

static bool give(struct compat_client *client, const void *bytes, size_t len, uint32_t frames)
{
	struct compat *c = client->compat;

	switch (ws_conn_send(client->conn, bytes, len)) {
	case WS_SENT:
		c->bytes += len;
		c->messages += frames;
		return true;
	case WS_FULL:
		if (!client->is_full) {
			client->is_full = true;
			client->full_since = clock_mono(c->stream->deps.loop->clock);
			c->full++;
		}
		return false;
	case WS_CLOSED:
		break;
	}
	return false;
}

void compat_fall_behind(struct compat_client *client, uint32_t from)
{
	struct compat *c = client->compat;

	for (uint32_t i = from; i < c->turn.messages_n; i++) {
		const struct compat_message *m = &c->turn.messages[i];

		if (m->type == FEED_MARKET_INFO)
			client->owes_info = true;
		for (uint32_t k = 0; k < m->n; k++) {
			const struct compat_entry *e = &c->turn.entries[m->first + k];
			int mode = view_mode_of(client->view, e->id);

			if (mode >= 0 && e->len[mode] && !bitset_add(&client->owed, e->id))
				c->conflated++;
		}
	}
}

static void send_chunks(struct compat_client *client, uint32_t first, uint32_t n)
{
	struct compat *c = client->compat;

	for (uint32_t i = first; i < first + n; i++) {
		const struct compat_chunk *chunk = &c->chunks[i];

		if (!give(client, c->out.data + chunk->off, chunk->len, chunk->frames)) {
			compat_fall_behind(client, chunk->first);
			return;
		}
	}
}

static void send_view(struct compat_client *client)
{
	struct compat *c = client->compat;
	struct compat_view *v = client->view;

	if (v->flush != c->flush) {
		v->flush = c->flush;
		v->chunk_first = c->chunks_n;
		v->chunks_n = gather(c, v, NULL);
	}
	send_chunks(client, v->chunk_first, v->chunks_n);
}

/* --- what is owed ----------------------------------------------------------------------------- */

/* What of the slot is as new as its last message: behind one of a lesser mode there may be what an
 * earlier, greater one has left. `room` is for a part of it. */
static const struct quote *fresh_part(const struct slot *slot, struct quote *room)
{
	if (slot->q.arm != ARM_LTPC && slot->q.arm != ARM_FIRST_LEVEL)
		return &slot->q;
	*room = slot->q;
	quote_project(room, slot->q.arm == ARM_LTPC ? MODE_LTPC : MODE_OPTION_GREEKS);
	return room;
}

static void append_state(const struct compat_client *client, inst_id id)
{
	struct compat *c = client->compat;
	const struct book *book = c->stream->deps.book;
	const struct slot *slot = book_slot(book, id);
	int mode = view_mode_of(client->view, id);
	struct quote room;

	if (slot && mode >= 0)
		compose_entry(&c->payload, instruments_key(&book->instruments, id),
			      book->instruments.key_len[id], fresh_part(slot, &room),
			      (enum request_mode)mode);
}

/* One initial_feed with the state of what is owed from `id` on; where the next one begins. */
static uint32_t append_snapshot(const struct compat_client *client, uint32_t id)
{
	struct compat *c = client->compat;

	buf_reset(&c->payload);
	compose_head(&c->payload, FEED_INITIAL);
	for (; id != BITSET_END && c->payload.len < SEND_MAX_BYTES;
	     id = bitset_next(&client->owed, id + 1))
		append_state(client, id);
	if (c->payload.len) {
		compose_tail(&c->payload, clock_market_ms(c->stream->deps.loop->clock));
		ws_frame_append(&c->state, WS_BINARY, c->payload.data, c->payload.len);
	}
	return id;
}

static void append_info(const struct compat_client *client)
{
	struct compat *c = client->compat;

	buf_reset(&c->payload);
	compose_info(&c->payload, clock_market_ms(c->stream->deps.loop->clock), c->info.bytes.data,
		     c->info.bytes.len);
	ws_frame_append(&c->state, WS_BINARY, c->payload.data, c->payload.len);
}

/* False when the socket did not take it all: the bits of the rest are still there. */
static bool send_owed(struct compat_client *client)
{
	struct compat *c = client->compat;
	bool has_info = client->owes_info && c->info.bytes.len;
	uint32_t from = bitset_next(&client->owed, 0), next;

	while (has_info || from != BITSET_END) {
		buf_reset(&c->state);
		if (has_info)
			append_info(client);
		next = append_snapshot(client, from);
		if (!give(client, c->state.data, c->state.len,
			  (uint32_t)has_info + (c->payload.len > 0)))
			return false;
		client->owes_info = client->owes_info && !has_info;
		has_info = false;
		for (uint32_t i = from; i != next; i = bitset_next(&client->owed, i + 1))
			bitset_remove(&client->owed, i);
		from = next;
	}
	return true;
}

void compat_send(struct compat_client *client)
{
	struct compat *c = client->compat;
	size_t out = c->out.len;
	uint32_t first = c->chunks_n;

	if (!client->owed.count && !(client->owes_info && c->info.bytes.len)) {
		send_view(client);
		return;
	}
	/* Before the bits go: the state that is sent has what the turn said of these. */
	gather(c, client->view, client);
	if (send_owed(client))
		send_chunks(client, first, c->chunks_n - first);
	else
		compat_fall_behind(client, 0);
	c->out.len = out;
	c->chunks_n = first;
}
