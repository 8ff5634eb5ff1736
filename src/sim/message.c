/* SPDX-License-Identifier: MIT
 *
 * message: see message.h.
 */
#include "sim/message.h"

#include <stdlib.h>

void feed_message_fini(struct message *m)
{
	free(m->ticks);
	free(m->ids);
	*m = (struct message){0};
}

void feed_message_begin(struct message *m, int type, int64_t ts_ms)
{
	m->type = type;
	m->ts_ms = ts_ms;
	m->raw = NULL;
	m->raw_len = 0;
	m->has_info = false;
	m->n = 0;
}

struct tick *feed_message_add(struct message *m)
{
	struct tick *t;

	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		m->ticks = mem_realloc(m->ticks, m->cap * sizeof(*m->ticks));
		m->ids = mem_realloc(m->ids, m->cap * sizeof(*m->ids));
	}
	m->ids[m->n] = INST_NONE;
	t = &m->ticks[m->n++];
	t->key = NULL;
	t->key_len = 0;
	t->rejected = 0;
	quote_clear(&t->q);
	return t;
}
