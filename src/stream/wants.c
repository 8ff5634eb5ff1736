/* SPDX-License-Identifier: MIT
 *
 * wants: a change of what a client wants: its seats are taken apart into rows by instrument, the rows
 * are changed, and of the rows new seats are made, one per pace.
 *
 *      wants_begin --> wants_add, _remove, _set_pace, _resume --> wants_end
 *      seats -> rows                                              rows -> seats, views interned
 *
 * What a row has not been sent yet comes along: `seen` and the place in the tape belong to the client, not
 * to the view that it leaves. The price is that of the set, once per command.
 */
#include <stdlib.h>

#include "stream/selection.h"
#include "stream/stream_internal.h"

/* The modes that clients ask for and those that go upstream share their first three numbers. */
_Static_assert((int)VIEW_LTPC == (int)WANT_LTPC && (int)VIEW_FULL == (int)WANT_FULL,
	       "view modes and interest modes must agree");

static struct interest *interest_of(const struct wants *w)
{
	return w->client->stream->deps.interest;
}

static struct row *row_of(struct wants *w, inst_id id)
{
	uint32_t cap = w->cap ? w->cap : 64;

	if (id >= w->cap) {
		while (id >= cap)
			cap *= 2;
		w->rows = mem_realloc(w->rows, cap * sizeof(*w->rows));
		w->cap = cap;
	}
	return &w->rows[id];
}

/* --- taking apart ---------------------------------------------------------------------------- */

static void load_chase(struct wants *w, const struct seat *seat)
{
	if (seat->owed)
		w->chase = *seat->owed->chase;
	else
		w->chase = (struct chase){.cursor = *seat->view->place,
					  .is_at_edge = !seat->view->is_late};
	if (w->chase.is_at_edge)
		w->chase.cursor = stream_edge(seat->client->stream);
	w->chase.since = NULL;
	w->chase.then = NULL;
	w->ticks_n = seat->view->n;
}

static void load_seat(struct wants *w, const struct seat *seat)
{
	const struct view *v = seat->view;
	const struct owed *o = seat->owed;

	if (v->pace == PACE_TICKS)
		load_chase(w, seat);
	for (uint32_t i = 0; i < v->n; i++) {
		struct row *row = row_of(w, v->ids[i]);

		*row = (struct row){.pace = v->pace,
				    .then = NO_PACE,
				    .mode = v->modes[i],
				    .owes_snapshot = owed_has_snapshot(o, i)};
		if (v->seen)
			row->seen = (o ? o->seen : v->seen)[i];
		if (o && o->chase && o->chase->since)
			row->since = o->chase->since[i];
		if (o && o->chase && o->chase->then)
			row->then = o->chase->then[i];
		bitset_add(&w->ids, v->ids[i]);
	}
}

void wants_begin(struct wants *w, struct client *c)
{
	AGNI_ASSERT(!w->client);
	w->client = c;
	w->ticks_n = 0;
	w->chase = (struct chase){0};
	for (uint32_t i = 0; i < c->seats_n; i++)
		load_seat(w, &c->seats[i]);
}

void wants_drop(struct wants *w)
{
	bitset_clear(&w->ids);
	w->client = NULL;
}

void wants_fini(struct wants *w)
{
	free(w->rows);
	free(w->ids_out);
	free(w->modes_out);
	bitset_fini(&w->ids);
}

/* --- changing -------------------------------------------------------------------------------- */

bool wants_has(const struct wants *w, inst_id id)
{
	return bitset_has(&w->ids, id);
}

int wants_mode(const struct wants *w, inst_id id)
{
	return wants_has(w, id) ? w->rows[id].mode : WANT_NOTHING;
}

void wants_add(struct wants *w, inst_id id, enum view_mode mode)
{
	struct stream *s = w->client->stream;
	struct row *row = row_of(w, id);
	bool is_new = bitset_add(&w->ids, id);

	stream_grow(s, id);
	/* The new interest first, so that a change of mode never reads as "nobody wants it". */
	if (is_new || row->mode != mode)
		interest_add(interest_of(w), id, (enum interest_mode)mode);
	if (!is_new && row->mode != mode)
		interest_drop(interest_of(w), id, (enum interest_mode)row->mode);
	if (is_new) {
		*row = (struct row){.pace = PACE_TURN, .then = NO_PACE, .seen = s->count[id]};
		w->client->subs++;
	}
	row->mode = (uint8_t)mode;
	row->owes_snapshot = book_slot(s->deps.book, id) != NULL; /* whatever it had before */
}

bool wants_remove(struct wants *w, inst_id id)
{
	if (!bitset_remove(&w->ids, id))
		return false;
	interest_drop(interest_of(w), id, (enum interest_mode)w->rows[id].mode);
	w->ticks_n -= w->rows[id].pace == PACE_TICKS;
	w->client->subs--;
	return true;
}

/* Adds an interval that is not among them yet; false when there is no room for it. */
static bool note_interval(uint32_t intervals[INTERVALS_MAX], uint32_t *n, uint32_t pace)
{
	uint32_t i = 0;

	if (pace == PACE_TURN || pace == PACE_TICKS)
		return true;
	while (i < *n && intervals[i] != pace)
		i++;
	if (i < *n)
		return true;
	if (*n == INTERVALS_MAX)
		return false;
	intervals[(*n)++] = pace;
	return true;
}

bool wants_fit(const struct wants *w, uint32_t pace)
{
	const struct client *c = w->client;
	uint32_t intervals[INTERVALS_MAX], n = 0;

	if (pace == PACE_TURN || pace == PACE_TICKS)
		return true;
	note_interval(intervals, &n, pace);
	bitset_for_each(id, &w->ids)
	{
		const struct row *row = &w->rows[id];

		if (!note_interval(intervals, &n, row->then != NO_PACE ? row->then : row->pace))
			return false;
	}
	/* What a selector brings later comes in its own interval. */
	for (uint32_t i = 0; i < c->selected_n; i++) {
		if (!note_interval(intervals, &n, selection_pace(c, i)))
			return false;
	}
	return true;
}

/* From now on the cursor brings the instrument's ticks behind `since`. */
static void join_cursor(struct wants *w, struct row *row, uint64_t since)
{
	if (w->ticks_n == 0)
		w->chase = (struct chase){.cursor = {.seq = w->client->stream->deps.tape->seq}};
	w->ticks_n += row->pace != PACE_TICKS;
	row->pace = PACE_TICKS;
	row->then = NO_PACE;
	row->since = since;
}

void wants_set_pace(struct wants *w, inst_id id, uint32_t pace)
{
	const struct stream *s = w->client->stream;
	struct row *row = &w->rows[id];

	if (pace == PACE_TICKS) {
		join_cursor(w, row, row->owes_snapshot ? SINCE_SNAPSHOT : s->deps.tape->seq);
		return;
	}
	if (row->pace == PACE_TICKS) {
		w->ticks_n--;
		row->seen = s->count[id];
	}
	row->pace = pace;
	row->then = NO_PACE;
}

/* The cursor goes back to `seq`: what the others had by now is not for them to have again. */
static void rewind_cursor(struct wants *w, uint64_t seq)
{
	bitset_for_each(id, &w->ids)
	{
		struct row *row = &w->rows[id];

		if (row->pace == PACE_TICKS && row->since < w->chase.cursor.seq)
			row->since = w->chase.cursor.seq;
	}
	w->chase = (struct chase){.cursor = {.seq = seq}};
}

void wants_resume(struct wants *w, inst_id id, uint32_t pace, uint64_t from_seq)
{
	struct row *row = &w->rows[id];
	bool is_first = w->ticks_n == (row->pace == PACE_TICKS);

	row->owes_snapshot = false;
	if (!is_first && from_seq < w->chase.cursor.seq)
		rewind_cursor(w, from_seq);
	join_cursor(w, row, from_seq);
	if (is_first)
		w->chase = (struct chase){.cursor = {.seq = from_seq}};
	if (w->client->sent_seq > from_seq)
		w->client->sent_seq = from_seq;
	if (pace != PACE_TICKS)
		row->then = pace;
}

/* --- putting together ------------------------------------------------------------------------ */

static struct view *view_of(struct wants *w, uint32_t pace)
{
	uint32_t n = 0;

	if (w->out_cap < w->ids.count) {
		w->out_cap = w->ids.count;
		w->ids_out = mem_realloc(w->ids_out, w->out_cap * sizeof(*w->ids_out));
		w->modes_out = mem_realloc(w->modes_out, w->out_cap);
	}
	bitset_for_each(id, &w->ids)
	{
		if (w->rows[id].pace != pace)
			continue;
		w->ids_out[n] = id;
		w->modes_out[n++] = w->rows[id].mode;
	}
	return view_intern(w->client->stream, pace, w->ids_out, w->modes_out, n);
}

/* Whether the shared frames of its view would not be right for this row. */
static bool is_special(const struct wants *w, const struct view *v, uint32_t pos)
{
	const struct row *row = &w->rows[v->ids[pos]];

	if (row->owes_snapshot)
		return true;
	if (v->seen)
		return row->seen != v->seen[pos];
	return row->then != NO_PACE || row->since > w->chase.cursor.seq;
}

static bool needs_own(const struct wants *w, const struct seat *seat, const struct owed *before)
{
	const struct view *v = seat->view;

	if (before && v->rhythm &&
	    (before->is_midway ||
	     before->not_before > clock_mono(seat->client->stream->deps.loop->clock)))
		return true;
	if (v->pace == PACE_TICKS && (v->is_late || !w->chase.is_at_edge))
		return true;
	for (uint32_t i = 0; i < v->n; i++) {
		if (is_special(w, v, i))
			return true;
	}
	return false;
}

static void store_row(const struct wants *w, const struct view *v, struct owed *o, uint32_t pos)
{
	const struct row *row = &w->rows[v->ids[pos]];

	if (row->owes_snapshot) {
		o->snapshot[pos / 64] |= (uint64_t)1 << (pos % 64);
		o->snapshots++;
	}
	if (o->seen) {
		o->seen[pos] = row->seen;
		return;
	}
	if (row->since > w->chase.cursor.seq && !o->chase->since)
		o->chase->since = mem_zalloc(v->n * sizeof(*o->chase->since));
	if (row->then != NO_PACE && !o->chase->then) {
		o->chase->then = mem_alloc(v->n * sizeof(*o->chase->then));
		for (uint32_t i = 0; i < v->n; i++)
			o->chase->then[i] = NO_PACE;
	}
	if (o->chase->since)
		o->chase->since[pos] = row->since;
	if (o->chase->then)
		o->chase->then[pos] = row->then;
}

static void store_owed(const struct wants *w, struct seat *seat, const struct owed *before)
{
	struct owed *o = seat_owe(seat);

	if (o->chase)
		*o->chase = w->chase;
	for (uint32_t i = 0; i < seat->view->n; i++)
		store_row(w, seat->view, o, i);
	if (before && seat->view->rhythm) {
		o->not_before = before->not_before;
		o->is_midway = before->is_midway;
	}
}

static uint32_t distinct_paces(const struct wants *w, uint32_t paces[SEATS_MAX])
{
	uint32_t n = 0;

	bitset_for_each(id, &w->ids)
	{
		uint32_t i = 0;

		while (i < n && paces[i] != w->rows[id].pace)
			i++;
		if (i < n)
			continue;
		AGNI_ASSERT(n < SEATS_MAX);
		paces[n++] = w->rows[id].pace;
	}
	return n;
}

/* What the client had of this pace. */
static const struct owed *owed_before(const struct seat *seats, uint32_t n, uint32_t pace)
{
	for (uint32_t i = 0; i < n; i++) {
		if (seats[i].view->pace == pace)
			return seats[i].owed;
	}
	return NULL;
}

static void leave_seats(struct stream *s, struct seat *seats, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		seat_settle(&seats[i]);
		list_remove(&seats[i].link);
		view_release(s, seats[i].view);
	}
	free(seats);
}

void wants_end(struct wants *w)
{
	struct client *c = w->client;
	struct seat *before = c->seats;
	uint32_t paces[SEATS_MAX], before_n = c->seats_n;

	c->seats_n = (uint8_t)distinct_paces(w, paces);
	c->seats = c->seats_n ? mem_zalloc(c->seats_n * sizeof(*c->seats)) : NULL;
	for (uint32_t i = 0; i < c->seats_n; i++) {
		struct seat *seat = &c->seats[i];
		const struct owed *o = owed_before(before, before_n, paces[i]);

		*seat = (struct seat){.client = c, .view = view_of(w, paces[i])};
		list_init(&seat->link);
		list_append(&seat->view->shared, &seat->link);
		if (c->seats_n > 1 || needs_own(w, seat, o)) {
			store_owed(w, seat, o);
			client_busy(c);
			stream_arm(c->stream);
		}
	}
	leave_seats(c->stream, before, before_n);
	wants_drop(w);
}
