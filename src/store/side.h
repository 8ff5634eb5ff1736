/* SPDX-License-Identifier: MIT
 *
 * side: single values beside the quotes (a sealed token), over the writer's connection; internal to
 * the store. A handful of slots: whoever uses them waits for one answer before the next question.
 */
#ifndef AGNI_STORE_SIDE_H
#define AGNI_STORE_SIDE_H

#include "store/connection.h"

#define SIDE_SLOTS 8
#define SIDE_TAG   ((uintptr_t)1 << 40) /* above every tag of the writer */

struct side_slot {
	bool is_used;         /* a reply is still to come */
	store_value_fn *done; /* NULL: nobody waits for it any more */
	void *arg;
};

struct side {
	struct connection *connection;
	struct side_slot slots[SIDE_SLOTS];
};

static inline bool side_owns(uintptr_t tag)
{
	return tag >= SIDE_TAG && tag < SIDE_TAG + SIDE_SLOTS;
}

/* Sends a command of `argc` words. 0, AGNI_ECLOSED (not connected) or AGNI_ELIMIT (no slot). */
int side_ask(struct side *s, int argc, const char **argv, store_value_fn *done, void *arg);

void side_on_reply(struct side *s, uintptr_t tag, const redisReply *reply);

/* No answer for `arg` from here on. */
void side_forget(struct side *s, const void *arg);

/* Nobody will answer any more: each asker is told. */
void side_on_lost(struct side *s);

#endif
