/* SPDX-License-Identifier: MIT
 *
 * events: see events.h.
 */
#include "store/events.h"

#include <stdlib.h>

static struct event *slot_of(struct events *e, uint32_t number)
{
	return &e->ring[number % EVENTS_MAX];
}

static void clear(struct event *event)
{
	free(event->text);
	*event = (struct event){0};
}

void events_fini(struct events *e)
{
	for (size_t i = 0; i < EVENTS_MAX; i++)
		clear(&e->ring[i]);
	e->tail = e->sent = e->head = 0;
}

/* The oldest makes room. */
static void lose_oldest(struct events *e)
{
	struct event *oldest = slot_of(e, e->tail);

	e->lost += oldest->text != NULL;
	clear(oldest);
	if (e->sent == e->tail)
		e->sent++;
	e->tail++;
}

void events_add(struct events *e, enum key_kind kind, const char *text, size_t len)
{
	if (len > EVENT_TEXT_MAX) {
		e->lost++;
		return;
	}
	if (e->head - e->tail == EVENTS_MAX)
		lose_oldest(e);
	*slot_of(e, e->head++) = (struct event){mem_strndup(text, len), len, kind};
}

const struct event *events_take(struct events *e, uint32_t *number)
{
	while (e->sent != e->head && !e->is_held) {
		*number = e->sent++;
		if (slot_of(e, *number)->text)
			return slot_of(e, *number);
	}
	return NULL;
}

/* Nothing is on its way: the connection is new. */
uint32_t events_forget(struct events *e)
{
	uint32_t n = e->head - e->tail;

	AGNI_ASSERT(e->sent == e->tail);
	for (; e->tail != e->head; e->tail++)
		clear(slot_of(e, e->tail));
	e->sent = e->tail;
	return n;
}

/* One that was lost meanwhile is none of ours any more. */
void events_on_reply(struct events *e, uint32_t number, bool is_refused)
{
	if (is_refused)
		return;
	e->added++;
	if (number - e->tail < e->head - e->tail)
		clear(slot_of(e, number));
}

void events_rewind(struct events *e)
{
	while (e->tail != e->sent && !slot_of(e, e->tail)->text)
		e->tail++;
	e->sent = e->tail;
}
