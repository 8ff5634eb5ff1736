/* SPDX-License-Identifier: MIT
 *
 * lookup: walks of the whole master: searches, and what a mistyped key may mean. One runs at a time, on a worker; some wait, more are refused. The
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
	enum lookup_kind { LOOKUP_SEARCH, LOOKUP_NEAR } kind;
	union {
		struct search_query search;
		struct near_query near;
	} query;
	union {
		struct search_result search;
		struct near_result near;
	} result;
	refdata_found_fn *found; /* of a search */
	refdata_near_fn *told;   /* of the other */
	void *arg;
};

static void run_next(struct refdata *r);

/* Worker thread. */
static void on_work(uv_work_t *work)
{
	struct lookup *l = container_of(work, struct lookup, work);

	if (l->kind == LOOKUP_SEARCH)
		search_run(l->master, &l->query.search, &l->result.search);
	else
		near_run(l->master, &l->query.near, &l->result.near);
}

static void answer(struct lookup *l, bool is_answered)
{
	const struct master *m = is_answered ? l->master : NULL;

	if (l->kind == LOOKUP_SEARCH)
		l->found(l->arg, m, m ? &l->result.search : NULL);
	else
		l->told(l->arg, m, m ? &l->result.near : NULL);
	master_retire(l->refdata, l->master);
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

/* NULL when too many wait. */
static struct lookup *lookup_add(struct refdata *r, enum lookup_kind kind, void *arg)
{
	struct lookup *l;

	AGNI_ASSERT(r->master != NULL);
	if (r->lookups.waiting_n == WAITING_MAX || r->is_stopping) {
		r->searches_refused++;
		return NULL;
	}
	l = mem_zalloc(sizeof(*l));
	l->refdata = r;
	l->master = master_hold(r->master);
	l->kind = kind;
	l->arg = arg;
	list_append(&r->lookups.waiting, &l->link);
	r->lookups.waiting_n++;
	r->searches++;
	return l;
}

bool refdata_search(struct refdata *r, const struct search_query *q, refdata_found_fn *found,
		    void *arg)
{
	struct lookup *l = lookup_add(r, LOOKUP_SEARCH, arg);

	if (!l)
		return false;
	l->query.search = *q;
	l->found = found;
	run_next(r);
	return true;
}

bool refdata_near(struct refdata *r, const struct near_query *q, refdata_near_fn *told, void *arg)
{
	struct lookup *l = lookup_add(r, LOOKUP_NEAR, arg);

	if (!l)
		return false;
	l->query.near = *q;
	l->told = told;
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
