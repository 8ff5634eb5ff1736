/* SPDX-License-Identifier: MIT
 *
 * catchup: every tick, in order: a cursor into the tape, one frame per flush.
 *
 *      flush --> ticks behind cursor.seq, wanted and not had --> JSON, shared by readers of one mode
 *                     |  a gap: one notice with its bounds, and on behind it
 *                     |  the edge: policy all stays here; a resume of another policy is over
 *                     |  not in memory: a worker reads, the next flush looks again
 *                     |  budget used up: the others first, and on in the next turn
 *
 * Those of a view that are at the edge go on together: a tick of theirs makes the view due, the cursor starts where
 * the last flush ended, and the frame is gathered once for all. What passes meanwhile is not theirs, and nobody walks
 * over it. When a turn brings more than a frame holds, the view is late and has a place of its own until it is at the edge.
 *
 * A client that is behind (a full socket, from_seq) goes through the same code with a cursor of its
 * own; there is no seam. When the socket takes nothing the cursor is put back to where the frame
 * began: nothing is kept.
 */
#include <stdlib.h>

#include "stream/stream_internal.h"
#include "tape/codec.h"

static const struct buf *tick_json(struct stream *s, const struct tape_tick *tick,
				   enum view_mode mode)
{
	struct fragment *f = &s->recent[mode][tick->seq % RECENT_TICKS];

	if (f->seq == tick->seq)
		return &f->json;
	s->encode_budget -= s->encode_budget > 0;
	buf_reset(&f->json);
	/* The bytes were checked when they were read; what does not decode is shown as empty. */
	if (!tape_tick_decode(tick->bytes, tick->len, tick->ts_ms, &s->tick.q))
		quote_clear(&s->tick.q);
	s->tick.seq = tick->seq;
	s->tick.ts_ms = tick->ts_ms;
	s->tick.recv_ms = tick->recv_ms;
	quote_json(&f->json, instruments_key(&s->deps.book->instruments, tick->id), &s->tick, mode);
	if (tick->is_snapshot) {
		f->json.len--; /* the closing brace */
		buf_str(&f->json, ",\"replaces\":true}");
	}
	f->seq = tick->seq;
	return &f->json;
}

/* What a cursor brought in one flush. */
struct catch
{
	enum tape_step step;
	struct tape_gap gap;
	struct frame frame; /* without quotes: none to send */
};

/* Puts ticks into a frame until it is full or none comes: for one client, or NULL: for those at the
 * edge. `since` may be NULL. */
static void gather(struct stream *s, const struct view *v, struct tape_cursor *cursor,
		   const uint64_t *since, const struct client *c, struct catch *out)
{
	struct tape_tick tick;

	*out = (struct catch){.step = TAPE_STEP_TIRED};
	frame_begin(&s->out, false);
	while (s->out.len < SEND_MAX_BYTES && s->encode_budget) {
		uint32_t pos;

		out->step = tape_cursor_next(s->deps.tape, cursor, &v->wanted, &s->walk_budget,
					     &tick, &out->gap);
		if (out->step != TAPE_STEP_TICK)
			break;
		out->step = TAPE_STEP_TIRED;
		pos = view_find(v, tick.id);
		if (since && tick.seq <= since[pos])
			continue;
		frame_add(&s->out, tick_json(s, &tick, (enum view_mode)v->modes[pos]),
			  &out->frame.quotes);
	}
	if (out->frame.quotes) {
		out->frame.seq = out->step == TAPE_STEP_GAP ? out->gap.from - 1 : cursor->seq;
		if (c && client_owes_states(c))
			out->frame.seq = c->sent_seq;
		frame_end(&s->out, &out->frame);
	}
	if (out->step == TAPE_STEP_EDGE)
		s->edge_next = *cursor;
}

static void send_gap(struct client *c, const struct tape_gap *gap)
{
	struct buf b = {0};

	c->stream->gaps++;
	buf_printf(&b, "{\"type\":\"gap\",\"from_seq\":%llu,\"to_seq\":%llu,\"reason\":\"%s\"}",
		   (unsigned long long)gap->from, (unsigned long long)gap->to, gap->reason);
	client_reply(c, &b);
	if (c->sent_seq < gap->to && !client_owes_states(c))
		c->sent_seq = gap->to;
}

struct tape_cursor stream_edge(const struct stream *s)
{
	struct tape_cursor c = s->edge;

	c.seq = s->dirty.count ? s->first_seq - 1 : s->deps.tape->seq;
	return c;
}

struct tape_cursor stream_edge_from(const struct stream *s, const struct tape_cursor *had)
{
	struct tape_cursor edge = stream_edge(s);

	return had->seq > edge.seq ? *had : edge;
}

/* --- those at the edge ----------------------------------------------------------------------- */

static void send_to_shared(struct view *v, const struct catch *got, const struct tape_cursor *place)
{
	list_for_each (it, &v->shared) {
		struct seat *seat = container_of(it, struct seat, link);
		struct client *c = seat->client;

		if (c->is_full || frame_send(c, &got->frame) == WS_FULL)
			seat_fall_behind(seat, place);
	}
}

static void tell_gap(struct view *v, const struct catch *got)
{
	struct tape_cursor place = {.seq = got->gap.from - 1};

	list_for_each (it, &v->shared) {
		struct seat *seat = container_of(it, struct seat, link);

		if (seat->client->is_full)
			seat_fall_behind(seat, &place);
		else
			send_gap(seat->client, &got->gap);
	}
}

void view_catch_up(struct stream *s, struct view *v)
{
	struct tape_cursor cursor = v->is_late ? *v->place : stream_edge_from(s, v->place);
	struct tape_cursor before = cursor;
	struct catch got;

	tape_cursor_begin(&cursor);
	gather(s, v, &cursor, NULL, NULL, &got);
	if (got.frame.quotes)
		send_to_shared(v, &got, &before);
	if (got.step == TAPE_STEP_GAP)
		tell_gap(v, &got);
	v->is_late = got.step != TAPE_STEP_EDGE;
	*v->place = cursor;
	list_remove(&v->late_link);
	if (v->is_late) {
		list_append(&s->late, &v->late_link);
		if (got.step != TAPE_STEP_WAIT)
			stream_arm(s);
	}
}

/* --- one client ------------------------------------------------------------------------------ */

bool client_catch_up(struct client *c, struct seat *seat)
{
	struct stream *s = c->stream;
	struct chase *chase = seat->owed->chase;
	struct tape_cursor before;
	struct catch got;

	if (chase->is_at_edge)
		chase->cursor = stream_edge_from(s, &chase->cursor);
	chase->is_at_edge = false;
	before = chase->cursor;
	tape_cursor_begin(&chase->cursor);
	gather(s, seat->view, &chase->cursor, chase->since, c, &got);
	if (got.frame.quotes && frame_send(c, &got.frame) != WS_SENT) {
		chase->cursor = before;
		return false;
	}
	s->replayed += got.step != TAPE_STEP_EDGE ? got.frame.quotes : 0;
	if (got.step == TAPE_STEP_GAP)
		send_gap(c, &got.gap);
	chase->is_at_edge = got.step == TAPE_STEP_EDGE;
	if (chase->is_at_edge) {
		free(chase->since); /* the cursor is past all of it */
		chase->since = NULL;
	} else if (got.step != TAPE_STEP_WAIT) {
		stream_arm(s);
	}
	return true;
}
