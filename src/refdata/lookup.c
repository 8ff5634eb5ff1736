/* SPDX-License-Identifier: MIT
 *
 * lookup: searches of the master. One runs at a time, on a worker; some wait, more are refused. The
 * table that a search walks is held until it is answered: a new one may come meanwhile.
 */
#include <stdlib.h>

#include "refdata/refdata_internal.h"

#define WAITING_MAX 64

struct lookup {
	uv_work_t work;
	struct list link; /* in waiting */
	struct refdata *refdata;
	struct master *master; /* held */
	struct search_query query;
	struct search_result result;
	refdata_found_fn *found;
	void *arg;
};

static void run_next(struct refdata *r);

/* Worker thread. */
static void on_work(uv_work_t *work)
{
	struct lookup *l = container_of(work, struct lookup, work);

	search_run(l->master, &l->query, &l->result);
}

static void answer(struct lookup *l, bool is_answered)
{
	l->found(l->arg, is_answered ? l->master : NULL, is_answered ? &l->result : NULL);
	master_release(l->master);
	free(l);
}

static void on_worked(uv_work_t *work, int status)
{
	struct lookup *l = container_of(work, struct lookup, work);
	struct refdata *r = l->refdata;

	r->lookups.running = NULL;
	answer(l, status == 0);
	run_next(r);
	refdata_stop_if_idle(r);
}

static void run_next(struct refdata *r)
{
	struct lookup *l;

	if (r->lookups.running || list_is_empty(&r->lookups.waiting))
		return;
	l = container_of(r->lookups.waiting.next, struct lookup, link);
	list_remove(&l->link);
	r->lookups.waiting_n--;
	r->lookups.running = l;
	uv_queue_work(&r->deps.loop->uv, &l->work, on_work, on_worked);
}

bool refdata_search(struct refdata *r, const struct search_query *q, refdata_found_fn *found,
		    void *arg)
{
	struct lookup *l;

	AGNI_ASSERT(r->master != NULL);
	if (r->lookups.waiting_n == WAITING_MAX || r->is_stopping) {
		r->searches_refused++;
		return false;
	}
	l = mem_zalloc(sizeof(*l));
	l->refdata = r;
	l->master = master_hold(r->master);
	l->query = *q;
	l->found = found;
	l->arg = arg;
	list_append(&r->lookups.waiting, &l->link);
	r->lookups.waiting_n++;
	r->searches++;
	run_next(r);
	return true;
}

void lookup_cancel_all(struct refdata *r)
{
	while (!list_is_empty(&r->lookups.waiting)) {
		struct lookup *l = container_of(r->lookups.waiting.next, struct lookup, link);

		list_remove(&l->link);
		r->lookups.waiting_n--;
		answer(l, false);
	}
}
