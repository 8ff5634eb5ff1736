/* SPDX-License-Identifier: MIT
 *
 * meaning: what the text of a selector means now; see selection.h.
 */
#include <stdlib.h>

#include "stream/selection_internal.h"

/* A place in the table of instruments is for what a client may have, not for all that is meant. */
void selection_find_ids(const struct stream *s, struct selection *sel)
{
	const char *key = sel->keys.data;

	for (uint32_t i = 0; i < sel->n && sel->meant.count < sel->n; i++) {
		size_t len = strlen(key);

		if (sel->ids[i] == INST_NONE) {
			sel->ids[i] = instruments_find(&s->deps.book->instruments, key, len);
			if (sel->ids[i] != INST_NONE)
				bitset_add(&sel->meant, sel->ids[i]);
		}
		key += len + 1;
	}
}

static void on_key(void *arg, const char *key, size_t len)
{
	buf_append(arg, key, len);
	buf_byte(arg, '\0');
}

/* Why the price of this instrument cannot be asked for; NULL: it can, and `*id` is its. */
static const char *admit_money(const struct stream *s, const char *key, inst_id *id)
{
	const struct stream_deps *d = &s->deps;
	size_t len = strlen(key);

	if (!interest_admits(d->interest, instruments_find(&d->book->instruments, key, len),
			     WANT_LTPC))
		return "over_broker_limit";
	*id = stream_intern(s, key, len);
	return *id == INST_NONE ? "over_limit" : NULL;
}

/* The price that tells the money has to come, or nothing is ever at it. Where there is no room for it now there
 * may be some the next time. */
static void want_money(struct stream *s, struct selection *sel)
{
	const struct stream_deps *d = &s->deps;
	const char *key = d->money_key(d->known_arg, sel->text, strlen(sel->text));
	inst_id id = INST_NONE;

	sel->money_refusal = key ? admit_money(s, key, &id) : NULL;
	if (id == sel->money)
		return;
	if (id != INST_NONE)
		interest_add(d->interest, id, WANT_LTPC);
	if (sel->money != INST_NONE)
		interest_drop(d->interest, sel->money, WANT_LTPC);
	sel->money = id;
}

static void set_meaning(const struct stream *s, struct selection *sel, struct buf *keys, uint32_t n)
{
	buf_fini(&sel->keys);
	sel->keys = *keys;
	sel->n = n;
	sel->ids = mem_realloc(sel->ids, n * sizeof(*sel->ids));
	for (uint32_t i = 0; i < n; i++)
		sel->ids[i] = INST_NONE;
	bitset_clear(&sel->meant);
	selection_find_ids(s, sel);
	sel->version++;
}

void selection_look(struct stream *s, struct selection *sel)
{
	const struct stream_deps *d = &s->deps;
	struct buf keys = {0};
	struct resolve_miss miss;
	uint32_t n;

	want_money(s, sel);
	n = d->select(d->known_arg, sel->text, strlen(sel->text), &sel->middle, on_key, &keys,
		      &miss);
	sel->code = n ? RESOLVE_OK : miss.code;
	if (n == 0 ||
	    (keys.len == sel->keys.len && memcmp(keys.data, sel->keys.data, keys.len) == 0))
		buf_fini(&keys);
	else
		set_meaning(s, sel, &keys, n);
}

/* Where a text is looked for. */
static struct list *bucket_of(struct stream *s, const char *text)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return &s->selections_named[hash % SELECTION_BUCKETS];
}

static struct selection *selection_find(struct stream *s, const char *text)
{
	list_for_each (it, bucket_of(s, text)) {
		struct selection *sel = container_of(it, struct selection, named);

		if (strcmp(sel->text, text) == 0)
			return sel;
	}
	return NULL;
}

struct selection *selection_get(struct stream *s, const char *text)
{
	struct selection *sel = selection_find(s, text);

	if (!sel) {
		sel = mem_zalloc(sizeof(*sel));
		sel->text = mem_strdup(text);
		sel->money = INST_NONE;
		list_append(&s->selections, &sel->link);
		list_append(bucket_of(s, text), &sel->named);
		selection_look(s, sel);
	}
	sel->refs++;
	return sel;
}

void selection_put(struct stream *s, struct selection *sel)
{
	if (--sel->refs)
		return;
	if (sel->money != INST_NONE)
		interest_drop(s->deps.interest, sel->money, WANT_LTPC);
	list_remove(&sel->link);
	list_remove(&sel->named);
	free(sel->text);
	buf_fini(&sel->keys);
	free(sel->ids);
	bitset_fini(&sel->meant);
	free(sel);
}
