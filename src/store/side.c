/* SPDX-License-Identifier: MIT
 *
 * side: see side.h.
 */
#include "store/side.h"

int side_ask(struct side *s, int argc, const char **argv, store_value_fn *done, void *arg)
{
	if (!connection_is_live(s->connection))
		return AGNI_ECLOSED;
	for (uintptr_t i = 0; i < SIDE_SLOTS; i++) {
		if (!s->slots[i].is_used) {
			s->slots[i] = (struct side_slot){true, done, arg};
			connection_command(s->connection, SIDE_TAG + i, argc, argv);
			return 0;
		}
	}
	return AGNI_ELIMIT;
}

static struct side_slot take(struct side *s, uintptr_t i)
{
	struct side_slot slot = s->slots[i];

	s->slots[i] = (struct side_slot){0};
	return slot;
}

void side_on_reply(struct side *s, uintptr_t tag, const redisReply *reply)
{
	struct side_slot slot = take(s, tag - SIDE_TAG);

	if (!slot.done)
		return;
	if (reply->type == REDIS_REPLY_ERROR)
		slot.done(slot.arg, AGNI_EPROTO, reply->str, (size_t)reply->len);
	else if (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS)
		slot.done(slot.arg, 0, reply->str, (size_t)reply->len);
	else
		slot.done(slot.arg, AGNI_ENOTFOUND, "", 0);
}

void side_forget(struct side *s, const void *arg)
{
	for (uintptr_t i = 0; i < SIDE_SLOTS; i++) {
		if (s->slots[i].arg == arg)
			s->slots[i].done = NULL;
	}
}

void side_on_lost(struct side *s)
{
	for (uintptr_t i = 0; i < SIDE_SLOTS; i++) {
		struct side_slot slot = take(s, i);

		if (slot.done)
			slot.done(slot.arg, AGNI_ECLOSED, "Redis is away", 13);
	}
}
