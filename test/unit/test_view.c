/* SPDX-License-Identifier: MIT
 *
 * test_view: sets are there once, however many have them, and the index leads to exactly those that are.
 */
#include "../lib/check.h"
#include "core/rand.h"
#include "stream/stream_internal.h"

#define IDS   300
#define HELD  200
#define STEPS 4000

struct desk {
	struct clock clock;
	struct loop loop;
	struct tape tape;
	struct stream s;
	struct view *held[HELD]; /* a seat in each; NULL: none */
	struct rng rng;
};

static void desk_init(struct desk *d)
{
	memset(d, 0, sizeof(*d));
	clock_init_manual(&d->clock, CLOCK_SYSTEM, 1761623100000);
	d->loop.clock = &d->clock;
	d->s.deps.loop = &d->loop;
	d->s.deps.tape = &d->tape;
	d->s.hash_seed = 7;
	d->rng.state = 42;
	list_init(&d->s.rhythms);
	list_init(&d->s.late);
}

static void desk_fini(struct desk *d)
{
	check_i64(d->s.views_n, 0);
	check(list_is_empty(&d->s.rhythms));
	for (uint32_t id = 0; id < d->s.ids_cap; id++)
		check(d->s.index[id].n == 0 && d->s.index[id].at == NULL);
	for (int m = 0; m < VIEW_MODES; m++)
		free(d->s.fragments[m]);
	stream_views_fini(&d->s);
}

static struct view *intern(struct desk *d, uint32_t pace, const inst_id *ids, uint32_t n,
			   uint8_t mode)
{
	uint8_t modes[IDS];

	memset(modes, mode, n);
	return view_intern(&d->s, pace, ids, modes, n);
}

static void test_sets(void **state)
{
	static const inst_id ids[] = {3, 5, 70};
	struct desk d;
	struct view *v, *other;

	(void)state;
	desk_init(&d);
	v = intern(&d, PACE_TURN, ids, 3, VIEW_FULL);
	check(intern(&d, PACE_TURN, ids, 3, VIEW_FULL) == v);
	check_i64(v->seats, 2);
	check_i64(d.s.views_now, 1);
	/* Another mode, pace or set is another view. */
	other = intern(&d, PACE_TURN, ids, 3, VIEW_LTPC);
	check(other != v);
	view_release(&d.s, other);
	other = intern(&d, PACE_TICKS, ids, 3, VIEW_FULL);
	check(other != v && other->seen == NULL && other->wanted.count == 3);
	view_release(&d.s, other);
	other = intern(&d, 250, ids, 3, VIEW_FULL);
	check(other != v && other->rhythm->interval_ms == 250 && other->slots == NULL);
	check_i64(d.s.index[3].n, 1); /* a tick is not its business */
	view_release(&d.s, other);
	other = intern(&d, PACE_TURN, ids, 2, VIEW_FULL);
	check(other != v);
	check_i64(d.s.index[3].n, 2);
	check_i64(d.s.index[70].n, 1);
	view_release(&d.s, other);
	check_i64(view_find(v, 5), 1);
	check_i64(view_find(v, 70), 2);
	check_i64(view_find(v, 4), 3);
	check_i64(view_find(v, 71), 3);
	check_i64(view_find(v, 0), 3);
	view_release(&d.s, v);
	check_i64(d.s.views_now, 1);
	view_release(&d.s, v);
	desk_fini(&d);
}

/* One interval is one rhythm; what begins in it beats with the others. */
static void test_rhythms(void **state)
{
	static const inst_id ids[] = {1, 2};
	struct desk d;
	struct view *a, *b, *c;

	(void)state;
	desk_init(&d);
	a = intern(&d, 250, ids, 2, VIEW_FULL);
	clock_advance(&d.clock, 100);
	b = intern(&d, 250, ids, 1, VIEW_FULL);
	c = intern(&d, 1000, ids, 1, VIEW_FULL);
	check(a->rhythm == b->rhythm && c->rhythm != a->rhythm);
	check_i64(c->rhythm->due - a->rhythm->due, 850 * NS_PER_MS);
	view_release(&d.s, a);
	check_i64(b->rhythm->views_n, 1);
	view_release(&d.s, b);
	view_release(&d.s, c);
	desk_fini(&d);
}

/* Each posting is where its view says that it is, and there are no others. */
static void check_index(const struct desk *d)
{
	uint32_t postings = 0, wanted = 0, views = 0;

	for (uint32_t id = 0; id < d->s.ids_cap; id++) {
		for (uint32_t i = 0; i < d->s.index[id].n; i++, postings++) {
			struct posting p = d->s.index[id].at[i];
			const struct view *v = d->s.numbered[p.view];

			check(v != NULL && v->number == p.view);
			check_i64(v->ids[p.pos], id);
			check_i64(v->slots[p.pos], i);
		}
	}
	for (uint32_t i = 0; i < d->s.numbered_cap; i++) {
		if (d->s.numbered[i]) {
			wanted += d->s.numbered[i]->n;
			views++;
		}
	}
	check_i64(postings, wanted);
	check_i64(views, d->s.views_n);
}

static void test_index(void **state)
{
	struct desk d;

	(void)state;
	desk_init(&d);
	for (int step = 0; step < STEPS; step++) {
		uint32_t at = (uint32_t)rng_below(&d.rng, HELD), n = 0;
		inst_id ids[IDS];

		if (d.held[at]) {
			view_release(&d.s, d.held[at]);
			d.held[at] = NULL;
		} else {
			uint64_t thin = 1 + rng_below(&d.rng, 40);

			for (inst_id id = 0; id < IDS; id++) {
				if (rng_below(&d.rng, thin) == 0)
					ids[n++] = id;
			}
			if (n)
				d.held[at] =
					intern(&d, rng_below(&d.rng, 2) ? PACE_TURN : PACE_TICKS,
					       ids, n, VIEW_LTPC);
		}
		if (step % 100 == 0)
			check_index(&d);
	}
	for (uint32_t i = 0; i < HELD; i++) {
		if (d.held[i])
			view_release(&d.s, d.held[i]);
	}
	check_index(&d);
	desk_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_rhythms),
		cmocka_unit_test(test_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
