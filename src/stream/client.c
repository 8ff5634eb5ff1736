/* SPDX-License-Identifier: MIT
 *
 * client: one reader: what it wants, what it is owed, and replies that wait for its socket.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/rand.h"
#include "stream/stream_internal.h"

struct client *client_create(struct stream *s, struct ws_conn *conn)
{
	struct client *c = mem_zalloc(sizeof(*c));

	c->stream = s;
	c->conn = conn;
	rand_hex(c->id, (sizeof(c->id) - 1) / 2);
	c->last_sent = clock_mono(s->deps.loop->clock);
	c->sent_seq = s->deps.tape->seq;
	list_append(&s->clients, &c->link);
	s->clients_now++;
	s->clients_total++;
	return c;
}

void client_destroy(struct client *c)
{
	struct stream *s = c->stream;

	if (s->deps.auth)
		auth_connection_closed(s->deps.auth, &c->caller);
	channels_fini(c);
	bitset_for_each(id, &c->subs)
	{
		interest_drop(s->deps.interest, id, (enum interest_mode)c->mode[id]);
	}
	list_remove(&c->link);
	s->clients_now--;
	bitset_fini(&c->subs);
	bitset_fini(&c->latest);
	bitset_fini(&c->all);
	bitset_fini(&c->then_latest);
	free(c->since);
	bitset_fini(&c->snapshot);
	bitset_fini(&c->behind);
	buf_fini(&c->replies);
	free(c->mode);
	free(c->behind_ticks);
	free(c);
}

enum view_mode client_mode(const struct client *c, inst_id id)
{
	AGNI_ASSERT(bitset_has(&c->subs, id));
	return (enum view_mode)c->mode[id];
}

static void modes_grow(struct client *c, inst_id id)
{
	uint32_t cap = c->mode_cap ? c->mode_cap : 64;

	if (id < c->mode_cap)
		return;
	while (id >= cap)
		cap *= 2;
	c->mode = mem_realloc(c->mode, cap);
	memset(c->mode + c->mode_cap, NOT_SUBSCRIBED, cap - c->mode_cap);
	c->mode_cap = cap;
}

/* The modes that clients ask for and those that go upstream share their first three numbers. */
_Static_assert((int)VIEW_LTPC == (int)WANT_LTPC && (int)VIEW_FULL == (int)WANT_FULL,
	       "view modes and interest modes must agree");

bool client_subscribe(struct client *c, inst_id id, enum view_mode mode)
{
	struct interest *interest = c->stream->deps.interest;

	modes_grow(c, id);
	if (book_slot(c->stream->deps.book, id))
		bitset_add(&c->snapshot, id); /* state is owed, whatever it had before */
	if (c->mode[id] == mode)
		return false;
	/* The new interest first, so that a change of mode never reads as "nobody wants it". */
	interest_add(interest, id, (enum interest_mode)mode);
	if (c->mode[id] != NOT_SUBSCRIBED)
		interest_drop(interest, id, (enum interest_mode)c->mode[id]);
	c->mode[id] = (uint8_t)mode;
	bitset_add(&c->subs, id);
	return true;
}

bool client_unsubscribe(struct client *c, inst_id id)
{
	if (!bitset_remove(&c->subs, id))
		return false;
	interest_drop(c->stream->deps.interest, id, (enum interest_mode)c->mode[id]);
	c->mode[id] = NOT_SUBSCRIBED;
	bitset_remove(&c->latest, id);
	bitset_remove(&c->all, id);
	bitset_remove(&c->then_latest, id);
	bitset_remove(&c->snapshot, id);
	if (bitset_remove(&c->behind, id))
		c->behind_ticks[id] = 0;
	return true;
}

/* --- policies -------------------------------------------------------------------------------- */

static void since_grow(struct client *c, inst_id id)
{
	uint32_t cap = c->since_cap ? c->since_cap : 64;

	if (id < c->since_cap)
		return;
	while (id >= cap)
		cap *= 2;
	c->since = mem_realloc(c->since, cap * sizeof(*c->since));
	memset(c->since + c->since_cap, 0, (cap - c->since_cap) * sizeof(*c->since));
	c->since_cap = cap;
}

/* From now on the cursor brings the instrument's ticks behind `since`. */
static void join_cursor(struct client *c, inst_id id, uint64_t since)
{
	uint64_t newest = c->stream->deps.tape->seq;

	since_grow(c, id);
	if (c->all.count == 0)
		c->cursor = (struct tape_cursor){.seq = newest};
	c->since[id] = since;
	bitset_add(&c->all, id);
	bitset_remove(&c->latest, id);
	bitset_remove(&c->then_latest, id);
	if (bitset_remove(&c->behind, id))
		c->behind_ticks[id] = 0;
}

void client_set_policy(struct client *c, inst_id id, enum policy policy)
{
	if (policy == POLICY_ALL) {
		join_cursor(c, id,
			    bitset_has(&c->snapshot, id) ? SINCE_SNAPSHOT
							 : c->stream->deps.tape->seq);
		return;
	}
	bitset_remove(&c->all, id);
	bitset_remove(&c->then_latest, id);
	bitset_add(&c->latest, id);
}

/* The cursor goes back to `seq`: what the others had by now is not for them to have again. */
static void rewind_cursor(struct client *c, uint64_t seq)
{
	bitset_for_each(id, &c->all)
	{
		if (c->since[id] < c->cursor.seq)
			c->since[id] = c->cursor.seq;
	}
	c->cursor = (struct tape_cursor){.seq = seq};
	if (c->sent_seq > seq)
		c->sent_seq = seq;
}

void client_resume(struct client *c, inst_id id, enum policy policy, uint64_t from_seq)
{
	bool is_first;

	bitset_remove(&c->snapshot, id);
	bitset_remove(&c->all, id);
	is_first = c->all.count == 0;
	if (!is_first && from_seq < c->cursor.seq)
		rewind_cursor(c, from_seq);
	join_cursor(c, id, from_seq);
	if (is_first)
		c->cursor = (struct tape_cursor){.seq = from_seq};
	if (c->sent_seq > from_seq)
		c->sent_seq = from_seq;
	if (policy == POLICY_LATEST)
		bitset_add(&c->then_latest, id);
}

void client_close(struct client *c, int code, const char *reason)
{
	if (c->conn)
		ws_conn_close(c->conn, code, reason);
}

void client_went_full(struct client *c)
{
	if (!c->is_full) {
		c->is_full = true;
		c->full_since = clock_mono(c->stream->deps.loop->clock);
		c->stream->full++;
	}
}

void client_reply(struct client *c, struct buf *json)
{
	struct buf frame = {0};

	ws_frame_append(&frame, WS_TEXT, json->data, json->len);
	buf_fini(json);
	c->last_sent = clock_mono(c->stream->deps.loop->clock);
	if (!c->is_full && c->replies.len == 0) {
		enum ws_sent sent = ws_conn_send(c->conn, frame.data, frame.len);

		if (sent == WS_FULL) {
			buf_append(&c->replies, frame.data, frame.len);
			client_went_full(c);
		}
	} else if (c->replies.len + frame.len > REPLIES_MAX_BYTES) {
		client_close(c, STREAM_CLOSE_FLOOD, "replies are not read");
	} else {
		buf_append(&c->replies, frame.data, frame.len);
	}
	buf_fini(&frame);
}
