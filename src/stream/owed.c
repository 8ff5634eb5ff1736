/* SPDX-License-Identifier: MIT
 *
 * owed: what is one client's alone: answers that waited, snapshots, its own place in the tape, what passed while
 * its socket was full. In this order, one frame per send; the first that the socket does not take ends it
 * until on_writable. The tape before the states, so that the last frame says how far both are.
 *
 * seq of a frame: everything of the client's subscriptions up to there was delivered. When more is due than
 * the frame holds, the seq stays where it was: a client that stops between two frames has not seen it all.
 */
#include <stdlib.h>

#include "stream/stream_internal.h"

/* The first position from `pos` on that is due; v->n when none is. */
static uint32_t next_due(const struct seat *seat, uint32_t pos, bool is_snapshot)
{
	uint32_t n = seat->view->n;

	while (pos < n &&
	       !(is_snapshot ? owed_has_snapshot(seat->owed, pos) : seat_missed(seat, pos) != 0))
		pos++;
	return pos;
}

/* Whether the client is owed more than the frame under construction holds: the due ones before `to`. */
static bool owes_beyond(const struct client *c, const struct seat *seat, uint32_t to,
			bool is_snapshot)
{
	for (uint32_t i = 0; i < c->seats_n; i++) {
		const struct seat *other = &c->seats[i];

		for (uint32_t pos = 0; pos < other->view->n; pos++) {
			bool snapshot = owed_has_snapshot(other->owed, pos);

			if (other == seat && pos < to && (snapshot || !is_snapshot))
				continue;
			if (snapshot || seat_missed(other, pos))
				return true;
		}
	}
	return false;
}

bool client_owes_states(const struct client *c)
{
	return c->seats_n > 1 && owes_beyond(c, NULL, 0, false);
}

/* The cursor's place, where there is one. */
static uint64_t cursor_bound(const struct client *c)
{
	const struct stream *s = c->stream;

	for (uint32_t i = 0; i < c->seats_n; i++) {
		const struct owed *o = c->seats[i].owed;
		uint64_t seq;

		if (!o || !o->chase)
			continue;
		seq = o->chase->is_at_edge ? stream_edge_from(s, &o->chase->cursor).seq
					   : o->chase->cursor.seq;
		return seq < s->newest ? seq : s->newest;
	}
	return s->newest;
}

static void note_delivered(struct seat *seat, uint32_t from, uint32_t to, bool is_snapshot)
{
	const struct stream *s = seat->client->stream;
	const struct view *v = seat->view;
	struct owed *o = seat->owed;

	for (uint32_t pos = from; pos < to; pos++) {
		if (is_snapshot) {
			if (!owed_has_snapshot(o, pos))
				continue;
			o->snapshot[pos / 64] &= ~((uint64_t)1 << (pos % 64));
			o->snapshots--;
			/* The cursor goes on behind the state that was sent. */
			if (o->chase)
				o->chase->since[pos] = book_slot(s->deps.book, v->ids[pos])->seq;
		}
		if (o->seen)
			o->seen[pos] = s->count[v->ids[pos]];
	}
}

static void add_quote(struct stream *s, const struct seat *seat, uint32_t pos, bool is_snapshot,
		      struct frame *f)
{
	const struct view *v = seat->view;
	inst_id id = v->ids[pos];

	frame_add(&s->out, stream_fragment(s, id, (enum view_mode)v->modes[pos]), &f->quotes);
	if (is_snapshot && s->deps.upstream->is_stale(s->deps.upstream->arg, id)) {
		s->out.len--; /* the closing brace */
		buf_str(&s->out, ",\"stale\":true}");
	}
	/* A snapshot is no tick: what ticked is all conflated into it. */
	f->conflated += seat_missed(seat, pos) - !is_snapshot;
}

/* Sends the seat's snapshots, or its quotes, in frames of at most SEND_MAX_BYTES. False when the socket
 * did not take one. */
static bool send_part(struct client *c, struct seat *seat, bool is_snapshot)
{
	struct stream *s = c->stream;
	uint32_t n = seat->view->n, pos = next_due(seat, 0, is_snapshot);

	while (pos < n) {
		uint32_t from = pos;
		struct frame f = {0};

		frame_begin(&s->out, is_snapshot);
		for (; pos < n && s->out.len < SEND_MAX_BYTES;
		     pos = next_due(seat, pos + 1, is_snapshot))
			add_quote(s, seat, pos, is_snapshot, &f);
		f.seq = owes_beyond(c, seat, pos, is_snapshot) ? c->sent_seq : cursor_bound(c);
		frame_end(&s->out, &f);
		if (frame_send(c, &f) != WS_SENT)
			return false;
		note_delivered(seat, from, pos, is_snapshot);
	}
	return true;
}

static bool send_replies(struct client *c)
{
	enum ws_sent sent;

	if (c->replies.len == 0)
		return true;
	sent = ws_conn_send(c->conn, c->replies.data, c->replies.len);
	if (sent == WS_SENT)
		buf_fini(&c->replies);
	else if (sent == WS_FULL)
		client_went_full(c);
	return sent == WS_SENT;
}

/* --- intervals ------------------------------------------------------------------------------- */

/* A round is for who has not had anything for an interval; the rest of one goes on when it can. */
static void open_round(struct client *c)
{
	for (uint32_t i = 0; i < c->seats_n; i++) {
		struct seat *seat = &c->seats[i];
		const struct rhythm *r = seat->view->rhythm;

		if (r && r->is_round && seat->owed &&
		    (c->stream->now >= seat->owed->not_before || c->stream->is_stopping))
			seat->owed->is_midway = true;
	}
}

/* What came late is not followed by a round that is on time. */
static void close_round(struct stream *s, struct seat *seat)
{
	const struct rhythm *r = seat->view->rhythm;

	seat->owed->is_midway = false;
	if (!r->is_round)
		seat->owed->not_before = s->now + r->interval_ms * NS_PER_MS;
}

static bool send_quotes(struct client *c, struct seat *seat)
{
	if (seat->view->rhythm && !seat->owed->is_midway)
		return true; /* not yet */
	if (!send_part(c, seat, false))
		return false;
	if (seat->view->rhythm)
		close_round(c->stream, seat);
	return true;
}

/* --- and back to the others ------------------------------------------------------------------ */

/* Every tick up to the newest was delivered: what asked for another policy goes over to it. */
static void go_on(struct client *c, const struct seat *seat)
{
	struct wants *w = &c->stream->wants;
	const struct view *v = seat->view;

	wants_begin(w, c);
	for (uint32_t i = 0; i < v->n; i++) {
		uint32_t then = w->rows[v->ids[i]].then;

		if (then != NO_PACE)
			wants_set_pace(w, v->ids[i], then);
	}
	wants_end(w);
}

static bool has_caught_up(const struct seat *seat)
{
	const struct owed *o = seat->owed;
	const struct view *v = seat->view;

	if (o->snapshots)
		return false;
	if (o->chase)
		return o->chase->is_at_edge && !v->is_late;
	/* Between two rounds it has something that the others of its view have not, or none of them. */
	return !v->rhythm ||
	       (v->rhythm->is_round && !o->is_midway && o->not_before <= seat->client->stream->now);
}

/* True while the cursor is not at the edge. */
static bool settle(struct client *c)
{
	for (uint32_t i = 0; i < c->seats_n; i++) {
		struct seat *seat = &c->seats[i];
		const struct chase *chase = seat->owed ? seat->owed->chase : NULL;

		if (chase && !chase->is_at_edge)
			return true;
		if (chase && chase->then) {
			go_on(c, seat);
			return false;
		}
	}
	if (c->seats_n == 1 && c->seats[0].owed && has_caught_up(&c->seats[0]))
		seat_settle(&c->seats[0]);
	return false;
}

bool client_send(struct client *c)
{
	open_round(c);
	if (!send_replies(c))
		return false;
	for (uint32_t i = 0; i < c->seats_n; i++) {
		struct seat *seat = &c->seats[i];

		if (seat->owed && seat->owed->snapshots && !send_part(c, seat, true))
			return false;
	}
	for (uint32_t i = 0; i < c->seats_n; i++) {
		struct seat *seat = &c->seats[i];

		if (seat->owed && seat->owed->chase && !client_catch_up(c, seat))
			return false;
	}
	for (uint32_t i = 0; i < c->seats_n; i++) {
		struct seat *seat = &c->seats[i];

		if (seat->owed && seat->owed->seen && !send_quotes(c, seat))
			return false;
	}
	return settle(c);
}
