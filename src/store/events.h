/* SPDX-License-Identifier: MIT
 *
 * events: entries of streams that Redis does not have yet, oldest first; internal to the store.
 *
 *      tail              sent                      head
 *       | in flight       | wait                    |       numbers; slot = number % EVENTS_MAX
 *       +-----------------+-------------------------+
 *
 * The newest EVENTS_MAX are kept: with one more, the oldest is lost and counted. An entry whose
 * connection is lost before the answer is sent again: Redis may have it twice.
 */
#ifndef AGNI_STORE_EVENTS_H
#define AGNI_STORE_EVENTS_H

#include "store/keys.h"

#define EVENTS_MAX     1024u
#define EVENT_TEXT_MAX 16384u

struct event {
	char *text; /* NULL: Redis has it */
	size_t len;
	enum key_kind kind;
};

struct events {
	struct event ring[EVENTS_MAX];
	uint32_t tail, sent, head; /* numbers; they wrap */
	bool is_held;              /* nothing is sent yet */
	uint64_t added;            /* that Redis took; for /metrics */
	uint64_t lost;             /* pushed out, or too long, before Redis took them */
};

void events_fini(struct events *e);

/* The text is copied; longer than EVENT_TEXT_MAX it is lost. */
void events_add(struct events *e, enum key_kind kind, const char *text, size_t len);

static inline bool events_has_work(const struct events *e)
{
	return e->sent != e->head && !e->is_held;
}

/* Nothing waits and nothing is on its way. */
static inline bool events_is_empty(const struct events *e)
{
	return e->tail == e->head;
}

/* The next entry to be sent, and its number; NULL when there is none. */
const struct event *events_take(struct events *e, uint32_t *number);

/* The answer to what was taken under this number. */
void events_on_reply(struct events *e, uint32_t number, bool is_refused);

/* All that waits goes, for its owner adds it again; only while held on a new connection. */
uint32_t events_forget(struct events *e);

/* The pipeline is over, or the connection lost: what was not accepted waits again. */
void events_rewind(struct events *e);

#endif
