/* SPDX-License-Identifier: MIT
 *
 * view: sets of (instrument, mode) under one pace, each there once however many clients have it;
 * and the index that leads from an instrument to the views that must know of its ticks.
 *
 *      index[id] --> postings: (view number, position in it)     view->slots[position] --> posting
 *
 * Both ends know of each other, so that a view comes and goes at a fixed price per instrument. Views
 * of intervals are not in the index: their timer compares counts, and a tick costs them nothing.
 */
#include <stdlib.h>

#include "stream/stream_internal.h"

#define BUCKETS_MIN 64

void stream_grow(struct stream *s, inst_id id)
{
	uint32_t cap = s->ids_cap ? s->ids_cap : 64;
	uint32_t old = s->ids_cap;

	if (id < s->ids_cap)
		return;
	while (id >= cap)
		cap *= 2;
	s->count = mem_realloc(s->count, cap * sizeof(*s->count));
	memset(s->count + old, 0, (cap - old) * sizeof(*s->count));
	s->index = mem_realloc(s->index, cap * sizeof(*s->index));
	memset(s->index + old, 0, (cap - old) * sizeof(*s->index));
	for (int m = 0; m < VIEW_MODES; m++) {
		struct fragment *f = mem_realloc(s->fragments[m], cap * sizeof(*f));

		memset(f + old, 0, (cap - old) * sizeof(*f));
		s->fragments[m] = f;
	}
	s->ids_cap = cap;
}

/* --- the index ------------------------------------------------------------------------------- */

static void index_add(struct stream *s, struct view *v, uint32_t pos)
{
	struct postings *list = &s->index[v->ids[pos]];

	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 2;
		list->at = mem_realloc(list->at, list->cap * sizeof(*list->at));
	}
	v->slots[pos] = list->n;
	list->at[list->n++] = (struct posting){v->number, pos};
}

/* The last posting takes the place of the one that goes. */
static void index_remove(struct stream *s, const struct view *v, uint32_t pos)
{
	struct postings *list = &s->index[v->ids[pos]];
	struct posting last = list->at[--list->n];

	list->at[v->slots[pos]] = last;
	s->numbered[last.view]->slots[last.pos] = v->slots[pos];
	if (list->n == 0) {
		free(list->at);
		*list = (struct postings){0};
	} else if (list->n < list->cap / 4) {
		list->cap /= 2;
		list->at = mem_realloc(list->at, list->cap * sizeof(*list->at));
	}
}

static void number_grow(struct stream *s)
{
	uint32_t cap = s->numbered_cap ? s->numbered_cap * 2 : 64;

	s->numbered = mem_realloc(s->numbered, cap * sizeof(*s->numbered));
	for (uint32_t i = s->numbered_cap; i < cap; i++) {
		s->numbered[i] = NULL;
		bitset_add(&s->free_numbers, i);
	}
	s->numbered_cap = cap;
}

static void index_view(struct stream *s, struct view *v)
{
	if (s->free_numbers.count == 0)
		number_grow(s);
	v->number = bitset_next(&s->free_numbers, 0);
	bitset_remove(&s->free_numbers, v->number);
	s->numbered[v->number] = v;
	for (uint32_t i = 0; i < v->n; i++)
		index_add(s, v, i);
}

static void unindex_view(struct stream *s, struct view *v)
{
	for (uint32_t i = 0; i < v->n; i++)
		index_remove(s, v, i);
	s->numbered[v->number] = NULL;
	bitset_add(&s->free_numbers, v->number);
}

/* --- rhythms --------------------------------------------------------------------------------- */

static struct rhythm *rhythm_of(struct stream *s, uint32_t interval_ms)
{
	struct rhythm *r;

	list_for_each (it, &s->rhythms) {
		r = container_of(it, struct rhythm, link);
		if (r->interval_ms == interval_ms)
			return r;
	}
	r = mem_zalloc(sizeof(*r));
	r->interval_ms = interval_ms;
	r->due = clock_mono(s->deps.loop->clock) + interval_ms * NS_PER_MS;
	r->seq = s->deps.tape->seq;
	list_init(&r->views);
	list_append(&s->rhythms, &r->link);
	return r;
}

static void join_rhythm(struct stream *s, struct view *v)
{
	v->rhythm = rhythm_of(s, v->pace);
	list_append(&v->rhythm->views, &v->link);
	if (v->rhythm->views_n++ == 0)
		stream_arm_rounds(s);
}

static void leave_rhythm(struct view *v)
{
	list_remove(&v->link);
	if (--v->rhythm->views_n == 0) {
		list_remove(&v->rhythm->link);
		free(v->rhythm);
	}
	v->rhythm = NULL;
}

/* --- interning ------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

/* Seeded, so that nobody can think up sets that share a bucket. */
static uint64_t hash_of(const struct stream *s, uint32_t pace, const inst_id *ids,
			const uint8_t *modes, uint32_t n)
{
	uint64_t h = mix(s->hash_seed, pace);

	for (uint32_t i = 0; i < n; i++)
		h = mix(h, (uint64_t)ids[i] << 8 | modes[i]);
	return h;
}

static void buckets_grow(struct stream *s)
{
	uint32_t n = s->buckets_n ? s->buckets_n * 2 : BUCKETS_MIN;
	struct view **buckets = mem_zalloc(n * sizeof(*buckets)), *v, *next;

	for (uint32_t i = 0; i < s->buckets_n; i++) {
		for (v = s->views[i]; v; v = next) {
			next = v->next;
			v->next = buckets[v->hash % n];
			buckets[v->hash % n] = v;
		}
	}
	free(s->views);
	s->views = buckets;
	s->buckets_n = n;
}

static struct view *view_create(struct stream *s, uint32_t pace, const inst_id *ids,
				const uint8_t *modes, uint32_t n)
{
	uint32_t arrays = pace == PACE_TURN ? 3 : 2; /* ids, and seen or slots, or both */
	struct view *v = mem_zalloc(sizeof(*v) + n * (arrays * sizeof(uint32_t) + 1));
	uint32_t *at = (uint32_t *)(v + 1);

	v->pace = pace;
	v->n = n;
	list_init(&v->shared);
	list_init(&v->owing);
	list_init(&v->link);
	list_init(&v->late_link);
	v->due_first = v->due_last = DUE_END;
	v->ids = at;
	at += n;
	if (pace != PACE_TICKS) {
		v->seen = at;
		at += n;
	}
	if (pace == PACE_TURN || pace == PACE_TICKS) {
		v->slots = at;
		at += n;
	}
	v->modes = (uint8_t *)at;
	memcpy(v->ids, ids, n * sizeof(*ids));
	memcpy(v->modes, modes, n);
	stream_grow(s, ids[n - 1]);
	for (uint32_t i = 0; i < n && v->seen; i++)
		v->seen[i] = s->count[ids[i]];
	if (pace == PACE_TICKS) {
		v->place = mem_zalloc(sizeof(*v->place));
		for (uint32_t i = 0; i < n; i++)
			bitset_add(&v->wanted, ids[i]);
	}
	if (v->slots)
		index_view(s, v);
	else
		join_rhythm(s, v);
	s->views_now++;
	return v;
}

struct view *view_intern(struct stream *s, uint32_t pace, const inst_id *ids, const uint8_t *modes,
			 uint32_t n)
{
	uint64_t hash = hash_of(s, pace, ids, modes, n);
	struct view *v, **bucket;

	if (s->views_n >= s->buckets_n)
		buckets_grow(s);
	bucket = &s->views[hash % s->buckets_n];
	for (v = *bucket; v; v = v->next) {
		if (v->hash == hash && v->pace == pace && v->n == n &&
		    memcmp(v->ids, ids, n * sizeof(*ids)) == 0 && memcmp(v->modes, modes, n) == 0)
			break;
	}
	if (!v) {
		v = view_create(s, pace, ids, modes, n);
		v->hash = hash;
		v->next = *bucket;
		*bucket = v;
		s->views_n++;
	}
	v->seats++;
	return v;
}

void view_release(struct stream *s, struct view *v)
{
	struct view **at = &s->views[v->hash % s->buckets_n];

	if (--v->seats)
		return;
	AGNI_ASSERT(!v->is_due && list_is_empty(&v->shared) && list_is_empty(&v->owing));
	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	s->views_n--;
	s->views_now--;
	if (v->slots)
		unindex_view(s, v);
	else
		leave_rhythm(v);
	list_remove(&v->late_link);
	free(v->place);
	bitset_fini(&v->wanted);
	free(v);
}

uint32_t view_find(const struct view *v, inst_id id)
{
	uint32_t low = 0, high = v->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (v->ids[mid] < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < v->n && v->ids[low] == id ? low : v->n;
}

void stream_views_fini(struct stream *s)
{
	AGNI_ASSERT(s->views_n == 0);
	free(s->views);
	free(s->numbered);
	bitset_fini(&s->free_numbers);
	free(s->index);
	free(s->count);
	free(s->due);
}

/* --- seats ----------------------------------------------------------------------------------- */

struct owed *seat_owe(struct seat *seat)
{
	const struct view *v = seat->view;
	size_t words = (v->n + 63) / 64;
	struct owed *o = seat->owed;

	if (o)
		return o;
	o = mem_zalloc(sizeof(*o) + words * sizeof(*o->snapshot) +
		       (v->seen ? v->n * sizeof(*o->seen) : sizeof(*o->chase)));
	o->snapshot = (uint64_t *)(o + 1);
	if (v->seen) {
		o->seen = (uint32_t *)(o->snapshot + words);
		memcpy(o->seen, v->seen, v->n * sizeof(*o->seen));
	} else {
		o->chase = (struct chase *)(o->snapshot + words);
		o->chase->is_at_edge = !v->is_late;
		if (v->is_late)
			o->chase->cursor = *v->place;
	}
	seat->owed = o;
	list_remove(&seat->link);
	if (!seat->client->is_full)
		list_append(&seat->view->owing, &seat->link);
	return o;
}

void seat_settle(struct seat *seat)
{
	struct owed *o = seat->owed;

	if (!o)
		return;
	if (o->chase) {
		free(o->chase->since);
		free(o->chase->then);
	}
	free(o);
	seat->owed = NULL;
	list_remove(&seat->link);
	list_append(&seat->view->shared, &seat->link);
}
