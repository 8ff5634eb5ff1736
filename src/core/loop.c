/* SPDX-License-Identifier: MIT
 *
 * loop: see loop.h.
 *
 * The idle handle exists for one case: a hook that is armed outside the poll phase (by a timer, or
 * by a later hook). Without it the loop would sleep in poll with work pending.
 */
#include "core/loop.h"

#include <stdlib.h>

#include "core/buf.h"

#define FINI_TURNS 500 /* of 1 ms */

struct reap_item {
	struct list link;
	void *ptr;
};

static void on_idle(uv_idle_t *idle)
{
	(void)idle; /* being active is all it does */
}

/* Last close callbacks may still arm and reap after loop_fini has closed the idle handle. */
static void stay_awake(struct loop *l)
{
	if (!uv_is_closing((uv_handle_t *)&l->idle))
		uv_idle_start(&l->idle, on_idle);
}

static void reap_all(struct loop *l)
{
	list_for_each (it, &l->reap) {
		struct reap_item *item = container_of(it, struct reap_item, link);

		list_remove(it);
		free(item->ptr);
		free(item);
	}
}

/* Returns whether any hook was armed. The cursor lives in the loop, so that a hook may remove any
 * hook, itself and its neighbours included. */
static bool run_hooks(struct loop *l)
{
	bool ran = false;

	for (struct list *it = l->hooks.next; it != &l->hooks; it = l->next_hook) {
		struct turn_hook *hook = container_of(it, struct turn_hook, link);

		l->next_hook = it->next;
		if (hook->is_armed) {
			hook->is_armed = false;
			hook->run(hook);
			ran = true;
		}
	}
	l->next_hook = NULL;
	return ran;
}

static void on_check(uv_check_t *check)
{
	struct loop *l = container_of(check, struct loop, check);
	bool again = false;

	l->turns += run_hooks(l);
	list_for_each (it, &l->hooks) {
		again = again || container_of(it, struct turn_hook, link)->is_armed;
	}
	if (!again)
		uv_idle_stop(&l->idle);
	reap_all(l);
}

int loop_init(struct loop *l, struct clock *clock)
{
	int rc;

	*l = (struct loop){.clock = clock};
	list_init(&l->hooks);
	list_init(&l->reap);
	rc = uv_loop_init(&l->uv);
	if (rc < 0)
		return rc;
	uv_check_init(&l->uv, &l->check);
	uv_idle_init(&l->uv, &l->idle);
	uv_check_start(&l->check, on_check);
	uv_unref((uv_handle_t *)&l->check);
	return 0;
}

int loop_fini(struct loop *l)
{
	uv_close((uv_handle_t *)&l->check, NULL);
	uv_close((uv_handle_t *)&l->idle, NULL);
	/* Bounded: a handle that somebody forgot would keep uv_run here for ever. The pause is for
	 * work that the thread pool has not finished. */
	for (int i = 0; i < FINI_TURNS && uv_run(&l->uv, UV_RUN_NOWAIT) != 0; i++) {
		reap_all(l);
		if (i > 0)
			uv_sleep(1);
	}
	reap_all(l);
	return uv_loop_close(&l->uv);
}

void loop_add_hook(struct loop *l, struct turn_hook *hook, void (*run)(struct turn_hook *hook))
{
	*hook = (struct turn_hook){.run = run, .loop = l};
	list_append(&l->hooks, &hook->link);
}

void loop_remove_hook(struct turn_hook *hook)
{
	if (hook->loop) {
		if (hook->loop->next_hook == &hook->link)
			hook->loop->next_hook = hook->link.next;
		list_remove(&hook->link);
		hook->is_armed = false;
		hook->loop = NULL;
	}
}

void hook_arm(struct turn_hook *hook)
{
	if (!hook->is_armed) {
		hook->is_armed = true;
		stay_awake(hook->loop);
	}
}

void loop_reap(struct loop *l, void *ptr)
{
	struct reap_item *item = mem_alloc(sizeof(*item));

	item->ptr = ptr;
	list_append(&l->reap, &item->link);
	/* The pass that frees it must come even if nothing else happens. */
	stay_awake(l);
}
