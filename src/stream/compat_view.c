/* SPDX-License-Identifier: MIT
 *
 * compat_view: sets of subscriptions that readers share, so that their bytes are gathered once.
 *
 *      a request --> view_edit: a copy of its own --> view_set ... --> view_settle
 *                                                                        |  an equal one is there:
 *                                                                        |  share that
 *                                                                        +--> else stay, to be found
 *
 * Views are found by a hash to which each subscription adds a word of its own, in any order, and then
 * compared.
 */
#include <stdlib.h>

#include "core/rand.h"
#include "stream/compat_internal.h"

static uint64_t hash_of(inst_id id, uint8_t mode)
{
	struct rng r = {(uint64_t)id << 8 | mode};

	return mode ? rng_next(&r) : 0;
}

static struct list *bucket_of(struct compat *c, uint64_t hash)
{
	return &c->views[hash % COMPAT_VIEWS];
}

static struct compat_view *view_create(struct compat *c)
{
	struct compat_view *v = mem_zalloc(sizeof(*v));

	v->refs = 1;
	list_init(&v->link);
	c->views_now++;
	return v;
}

static void view_destroy(struct compat *c, struct compat_view *v)
{
	c->views_now--;
	list_remove(&v->link);
	free(v->modes);
	free(v);
}

struct compat_view *view_get_empty(struct compat *c)
{
	return view_settle(c, view_create(c));
}

void view_put(struct compat *c, struct compat_view *v)
{
	AGNI_ASSERT(v->refs > 0);
	if (--v->refs == 0)
		view_destroy(c, v);
}

struct compat_view *view_edit(struct compat *c, struct compat_view *v)
{
	struct compat_view *own;

	if (v->refs == 1) {
		list_remove(&v->link); /* nobody is to find it while it changes */
		list_init(&v->link);
		return v;
	}
	own = view_create(c);
	own->hash = v->hash;
	own->keys_n = v->keys_n;
	own->cap = v->cap;
	if (v->cap) {
		own->modes = mem_alloc(v->cap);
		memcpy(own->modes, v->modes, v->cap);
	}
	view_put(c, v);
	return own;
}

void view_set(struct compat_view *v, inst_id id, uint8_t mode)
{
	uint8_t old = id < v->cap ? v->modes[id] : 0;

	if (old == mode)
		return;
	if (id >= v->cap) {
		uint32_t cap = v->cap ? v->cap : 64;

		while (id >= cap)
			cap *= 2;
		v->modes = mem_realloc(v->modes, cap);
		memset(v->modes + v->cap, 0, cap - v->cap);
		v->cap = cap;
	}
	v->modes[id] = mode;
	v->hash ^= hash_of(id, old) ^ hash_of(id, mode);
	v->keys_n += (mode != 0) - (uint32_t)(old != 0);
}

/* The same number of subscriptions, and the same as far as the smaller table goes: then it has all of
 * them there, and so has the other. */
static bool is_equal(const struct compat_view *a, const struct compat_view *b)
{
	uint32_t cap = a->cap < b->cap ? a->cap : b->cap;

	return a->hash == b->hash && a->keys_n == b->keys_n &&
	       (cap == 0 || memcmp(a->modes, b->modes, cap) == 0);
}

struct compat_view *view_settle(struct compat *c, struct compat_view *v)
{
	struct list *bucket = bucket_of(c, v->hash);

	list_for_each (it, bucket) {
		struct compat_view *other = container_of(it, struct compat_view, link);

		if (is_equal(v, other)) {
			other->refs++;
			view_destroy(c, v);
			return other;
		}
	}
	list_append(bucket, &v->link);
	return v;
}
