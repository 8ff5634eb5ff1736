/* SPDX-License-Identifier: MIT
 *
 * compat_turn: what the upstream's messages of one turn of the loop brought, encoded once.
 */
#include <stdlib.h>

#include "stream/compat_internal.h"
#include "upstox/compose.h"

/* Room for one more element of `size` bytes behind `n` of them. */
static void *grow(void *array, uint32_t n, uint32_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap ? *cap * 2 : 64;
	return mem_realloc(array, *cap * size);
}

static struct compat_message *message_add(struct compat_turn *t, int type, int64_t ts_ms)
{
	struct compat_message *m;

	t->messages = grow(t->messages, t->messages_n, &t->messages_cap, sizeof(*t->messages));
	m = &t->messages[t->messages_n++];
	*m = (struct compat_message){.first = t->entries_n, .type = type, .ts_ms = ts_ms};
	return m;
}

void turn_add(struct compat_turn *t, const struct compat_want *want, const char *key,
	      size_t key_len, inst_id id, const struct slot *slot, const struct quote *said)
{
	struct compat_entry *e;
	bool is_there = false;

	t->entries = grow(t->entries, t->entries_n, &t->entries_cap, sizeof(*t->entries));
	e = &t->entries[t->entries_n];
	*e = (struct compat_entry){.id = id};
	for (int mode = 0; mode < COMPAT_MODES; mode++) {
		if (!want->n[mode])
			continue;
		e->off[mode] = (uint32_t)t->bytes.len;
		if (compose_entry(&t->bytes, key, key_len, said, (enum request_mode)mode))
			e->len[mode] = (uint32_t)t->bytes.len - e->off[mode];
		is_there = is_there || e->len[mode];
	}
	if (!is_there)
		return;
	if (!t->is_open)
		message_add(t, slot->flags & TICK_SNAPSHOT ? FEED_INITIAL : FEED_LIVE, slot->ts_ms);
	t->is_open = true;
	t->entries_n++;
	t->messages[t->messages_n - 1].n++;
}

void turn_close(struct compat_turn *t)
{
	t->is_open = false;
}

void turn_add_info(struct compat_turn *t, int64_t ts_ms, const void *info, size_t len)
{
	struct compat_message *m;

	turn_close(t);
	m = message_add(t, FEED_MARKET_INFO, ts_ms);
	m->off = (uint32_t)t->bytes.len;
	compose_info(&t->bytes, ts_ms, info, len);
	m->len = (uint32_t)t->bytes.len - m->off;
}

void turn_reset(struct compat_turn *t)
{
	buf_reset(&t->bytes);
	t->entries_n = t->messages_n = 0;
	t->is_open = false;
}

void turn_fini(struct compat_turn *t)
{
	buf_fini(&t->bytes);
	free(t->entries);
	free(t->messages);
	*t = (struct compat_turn){0};
}
