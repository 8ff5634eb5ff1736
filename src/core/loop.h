/* SPDX-License-Identifier: MIT
 *
 * loop: libuv's loop with two things that libuv does not have.
 *
 *   turn hooks  work that is done once after all reads of a turn ("flush"): arm it as often as you
 *               like, it runs once, in the check phase, before the loop sleeps again
 *   reap        memory that may still be on the call stack is freed when the turn ends
 *
 *      timers -> poll (all reads: feed, Redis, clients) -> check: hooks, then reap -> closing
 *
 * Hooks run in the order in which they were added at start. A hook armed while hooks are running
 * runs in the same pass when its place has not come yet, otherwise in the next turn, at once.
 */
#ifndef AGNI_CORE_LOOP_H
#define AGNI_CORE_LOOP_H

#include <uv.h>

#include "core/clock.h"
#include "core/list.h"

struct loop;

struct turn_hook {
	void (*run)(struct turn_hook *hook);
	struct loop *loop; /* set by loop_add_hook */
	struct list link;  /* in loop->hooks */
	bool is_armed;
};

struct loop {
	uv_loop_t uv;
	struct clock *clock; /* lent by the creator */
	uv_check_t check;
	uv_idle_t idle; /* active while a hook is armed: the poll phase does not sleep then */
	struct list hooks;
	struct list reap;       /* struct reap_item */
	uint64_t turns;         /* turns in which a hook ran */
	struct list *next_hook; /* while hooks run: the one after the current; NULL otherwise */
};

/* Returns 0 or a libuv error. */
int loop_init(struct loop *l, struct clock *clock) AGNI_MUST_USE;

/* Closes our handles, runs until every handle is gone and closes the loop. Handles of others must
 * be closing already. Returns uv_loop_close()'s result: 0, or UV_EBUSY when somebody left one. */
int loop_fini(struct loop *l) AGNI_MUST_USE;

void loop_add_hook(struct loop *l, struct turn_hook *hook, void (*run)(struct turn_hook *hook));
void loop_remove_hook(struct turn_hook *hook);

/* The hook runs once before the loop sleeps again. Cheap when armed already. */
void hook_arm(struct turn_hook *hook);

/* free(ptr) when this turn ends. */
void loop_reap(struct loop *l, void *ptr);

#endif
