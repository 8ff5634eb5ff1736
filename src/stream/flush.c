/* SPDX-License-Identifier: MIT
 *
 * flush: from the dirty bits of a turn to one write per client.
 *
 *      dirty instruments --index--> views due --> one frame each --> send() to every shared seat
 *      rounds of intervals --counts--> views due --^                    |        |
 *                                                     the socket is full: owed --+
 *      busy clients: what is owed (owed.c) <-----------------------------------------+ later
 *
 * A view in which nothing ticked is not looked at, nor a client that keeps up, nor one whose socket is
 * full. The shared frames go first: the seen counts of the view then say what every seat without something owed has.
 *
 * seq of a frame: the highest seq considered. When a flush needs several frames, only the last one
 * carries the new value; a client that stops between them has not seen it all.
 */
#include <stdlib.h>

#include "stream/stream_internal.h"

/* --- what is due ----------------------------------------------------------------------------- */

void view_mark_due(struct stream *s, struct view *v)
{
	if (v->is_due)
		return;
	v->is_due = true;
	v->next_due = NULL;
	*s->due_tail = v;
	s->due_tail = &v->next_due;
}

static void add_due(struct stream *s, struct view *v, uint32_t pos)
{
	if (s->due_n == s->due_cap) {
		s->due_cap = s->due_cap ? s->due_cap * 2 : 256;
		s->due = mem_realloc(s->due, s->due_cap * sizeof(*s->due));
	}
	s->due[s->due_n] = (struct due){DUE_END, pos};
	if (v->due_first == DUE_END)
		v->due_first = s->due_n;
	else
		s->due[v->due_last].next = s->due_n;
	v->due_last = s->due_n++;
}

/* In the order of ids, so that each view has its positions in order. */
static void mark_dirty(struct stream *s)
{
	bitset_for_each(id, &s->dirty)
	{
		const struct postings *list = &s->index[id];

		for (uint32_t i = 0; i < list->n; i++) {
			struct view *v = s->numbered[list->at[i].view];
			uint32_t pos = list->at[i].pos;

			if (v->pace == PACE_TICKS) {
				view_mark_due(s, v);
			} else if (v->seen[pos] != s->count[id]) {
				view_mark_due(s, v);
				add_due(s, v, pos);
			}
		}
	}
}

static void mark_round(struct stream *s, struct rhythm *r)
{
	r->is_round = true;
	r->due = s->now + r->interval_ms * NS_PER_MS;
	s->rounds++;
	list_for_each (it, &r->views) {
		struct view *v = container_of(it, struct view, link);

		for (uint32_t pos = 0; pos < v->n; pos++) {
			if (v->seen[pos] != s->count[v->ids[pos]])
				add_due(s, v, pos);
		}
		if (v->due_first != DUE_END || !list_is_empty(&v->owing))
			view_mark_due(s, v);
	}
}

/* The last values go out before the end, whatever the time. */
static void mark_rounds(struct stream *s)
{
	if (s->next_round > s->now && !s->is_stopping)
		return;
	list_for_each (it, &s->rhythms) {
		struct rhythm *r = container_of(it, struct rhythm, link);

		if (r->due <= s->now || s->is_stopping)
			mark_round(s, r);
	}
}

static void end_rounds(struct stream *s)
{
	bool any = false;

	list_for_each (it, &s->rhythms) {
		struct rhythm *r = container_of(it, struct rhythm, link);

		if (r->is_round)
			r->seq = s->newest;
		any |= r->is_round;
		r->is_round = false;
	}
	if (any)
		stream_arm_rounds(s);
}

/* --- one view -------------------------------------------------------------------------------- */

void seat_fall_behind(struct seat *seat, const struct tape_cursor *place)
{
	struct owed *o = seat_owe(seat);

	if (o->chase) {
		o->chase->cursor = *place;
		o->chase->is_at_edge = false;
	}
	o->is_midway = true;
	client_busy(seat->client);
}

/* Between two sends the kernel walks through more memory than the near caches hold, so what the next seats
 * need is asked for a few sends ahead, one step of the way to it each time: seat, client, connection. */
static void look_ahead(const struct list *it, const struct list *end)
{
	const struct list *near = it->next, *far;

	if (near == end)
		return;
	ws_conn_look_ahead(container_of(near, struct seat, link)->client->conn);
	far = near->next;
	if (far == end)
		return;
	__builtin_prefetch(container_of(far, struct seat, link)->client->conn);
	far = far->next;
	if (far == end)
		return;
	__builtin_prefetch(container_of(far, struct seat, link)->client, 1);
	__builtin_prefetch(far->next);
}

/* A client that was told more than `base` already has a frame of its own: its seq never goes back. */
static void send_to_shared(struct view *v, const struct frame *f, uint64_t base)
{
	list_for_each (it, &v->shared) {
		struct seat *seat = container_of(it, struct seat, link);
		struct client *c = seat->client;

		look_ahead(it, &v->shared);
		if (c->is_full || (f->seq == base && c->sent_seq > base) ||
		    frame_send(c, f) == WS_FULL)
			seat_fall_behind(seat, NULL);
	}
}

static void note_sent(struct stream *s, struct view *v, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i != to; i = s->due[i].next) {
		uint32_t pos = s->due[i].pos;

		v->seen[pos] = s->count[v->ids[pos]];
	}
}

/* Newest states, in frames of at most SEND_MAX_BYTES. */
static void send_states(struct stream *s, struct view *v)
{
	uint64_t base = v->rhythm ? v->rhythm->seq : s->flushed;
	uint32_t at = v->due_first;

	while (at != DUE_END) {
		uint32_t from = at;
		struct frame f = {0};

		if (!list_is_empty(&v->shared)) {
			frame_begin(&s->out, false);
			for (; at != DUE_END && s->out.len < SEND_MAX_BYTES; at = s->due[at].next) {
				uint32_t pos = s->due[at].pos;
				inst_id id = v->ids[pos];

				frame_add(&s->out,
					  stream_fragment(s, id, (enum view_mode)v->modes[pos]),
					  &f.quotes);
				f.conflated += s->count[id] - v->seen[pos] - 1;
			}
			f.seq = at == DUE_END ? s->newest : base;
			frame_end(&s->out, &f);
			send_to_shared(v, &f, at == DUE_END ? UINT64_MAX : base);
		} else {
			at = DUE_END;
		}
		note_sent(s, v, from, at);
	}
}

static void flush_view(struct stream *s, struct view *v)
{
	if (v->pace != PACE_TICKS)
		send_states(s, v);
	else if (!v->is_late)
		view_catch_up(s, v);
	v->is_due = false;
	v->due_first = v->due_last = DUE_END;
	list_for_each (it, &v->owing) {
		client_busy(container_of(it, struct seat, link)->client);
	}
}

static void flush_views(struct stream *s)
{
	struct list late;

	/* Those that used the budgets go behind the others, so that all have their turn. */
	list_init(&late);
	while (!list_is_empty(&s->late)) {
		struct list *it = s->late.next;

		list_remove(it);
		list_append(&late, it);
	}
	while (!list_is_empty(&late)) {
		struct list *it = late.next;

		list_remove(it);
		view_catch_up(s, container_of(it, struct view, late_link));
	}
	for (struct view *v = s->due_views, *next; v; v = next) {
		next = v->next_due;
		flush_view(s, v);
	}
	s->due_views = NULL;
	s->due_tail = &s->due_views;
	s->due_n = 0;
}

/* --- what is not shared ---------------------------------------------------------------------- */

static void take_all(struct list *from, struct list *to)
{
	while (!list_is_empty(from)) {
		struct list *it = from->next;

		list_remove(it);
		list_append(to, it);
	}
}

/* Those that used the budgets go behind the others, so that all have their turn. */
static void flush_busy(struct stream *s)
{
	struct list waiting, served;

	list_init(&waiting);
	list_init(&served);
	take_all(&s->busy, &waiting);
	while (!list_is_empty(&waiting)) {
		struct client *c = container_of(waiting.next, struct client, busy);
		uint32_t encode = s->encode_budget, walk = s->walk_budget;

		list_remove(&c->busy);
		if (!c->conn || !client_send(c) || c->is_full)
			continue;
		list_remove(&c->busy);
		list_append(s->encode_budget != encode || s->walk_budget != walk ? &served
										 : &s->busy,
			    &c->busy);
	}
	take_all(&served, &s->busy);
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

void stream_flush(struct stream *s)
{
	tape_flush(s->deps.tape);
	if (memcmp(s->epoch, s->deps.tape->epoch, sizeof(s->epoch)) != 0)
		tell_epoch(s);
	s->now = clock_mono(s->deps.loop->clock);
	s->newest = s->deps.tape->seq;
	s->walk_budget = WALK_BUDGET;
	s->encode_budget = ENCODE_BUDGET;
	s->edge_next = s->edge;
	mark_rounds(s);
	mark_dirty(s);
	flush_views(s);
	flush_busy(s);
	end_rounds(s);
	if (s->dirty.count && s->clients_now)
		histogram_add(&s->flush_lag,
			      (clock_mono(s->deps.loop->clock) - s->first_dirty) / 1000);
	bitset_clear(&s->dirty);
	s->edge = s->edge_next;
	s->flushed = s->newest;
}
