/* SPDX-License-Identifier: MIT
 *
 * reply_guard: see reply_guard.h. A constructor that returns NULL makes the reader fail for good;
 * hiredis calls that "out of memory", the owner reads has_refused and says it better.
 */
#include "store/reply_guard.h"

#include <string.h>

static struct reply_guard *guard_of(const redisReadTask *task)
{
	return task->privdata;
}

static bool is_welcome(const redisReadTask *task)
{
	struct reply_guard *g = guard_of(task);

	if (g->owed > 0)
		return true;
	g->has_refused = true;
	return false;
}

/* Nearly every answer is "+OK": one that is made once, and freed never. */
static char ok_text[] = "OK";
static redisReply ok = {.type = REDIS_REPLY_STATUS, .str = ok_text, .len = 2};

static void free_object(void *reply)
{
	if (reply != &ok)
		freeReplyObject(reply);
}

static void *create_string(const redisReadTask *task, char *text, size_t len)
{
	if (AGNI_LIKELY(task->type == REDIS_REPLY_STATUS && len == 2 &&
			memcmp(text, ok_text, 2) == 0))
		return is_welcome(task) ? &ok : NULL;
	return is_welcome(task) ? guard_of(task)->base->createString(task, text, len) : NULL;
}

static void *create_integer(const redisReadTask *task, long long value)
{
	return is_welcome(task) ? guard_of(task)->base->createInteger(task, value) : NULL;
}

static void *create_nil(const redisReadTask *task)
{
	return is_welcome(task) ? guard_of(task)->base->createNil(task) : NULL;
}

#if HIREDIS_MAJOR >= 1
static void *create_array(const redisReadTask *task, size_t elements)
#else
static void *create_array(const redisReadTask *task, int elements)
#endif
{
	(void)elements;
	guard_of(task)->has_refused = true;
	return NULL;
}

#if HIREDIS_MAJOR >= 1
/* RESP3's own types; we never ask for RESP3. */
static void *create_double(const redisReadTask *task, double value, char *text, size_t len)
{
	(void)value;
	(void)text;
	(void)len;
	guard_of(task)->has_refused = true;
	return NULL;
}

static void *create_bool(const redisReadTask *task, int value)
{
	(void)value;
	guard_of(task)->has_refused = true;
	return NULL;
}
#endif

void reply_guard_install(struct reply_guard *g, redisAsyncContext *ac)
{
	redisReader *reader = ac->c.reader;

	g->owed = 0;
	g->has_refused = false;
	g->base = reader->fn;
	g->fns = *reader->fn;
	g->fns.createString = create_string;
	g->fns.createInteger = create_integer;
	g->fns.createNil = create_nil;
	g->fns.createArray = create_array;
	g->fns.freeObject = free_object;
#if HIREDIS_MAJOR >= 1
	g->fns.createDouble = create_double;
	g->fns.createBool = create_bool;
	reader->maxelements = 1;
#endif
	reader->fn = &g->fns;
	reader->privdata = g;
}
