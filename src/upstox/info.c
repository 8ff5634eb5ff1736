/* SPDX-License-Identifier: MIT
 *
 * info: see info.h. There are some thirty entries, so they lie one behind the other and are looked
 * through.
 */
#include "upstox/info.h"

#include "upstox/wire.h"

/* One entry of one of the maps. */
struct entry {
	const uint8_t *at, *end; /* with its tag */
	uint32_t tag;
	const char *key;
	uint32_t key_len;
};

static bool is_map(uint32_t tag)
{
	return tag == WIRE_TAG(1, WIRE_LEN) || tag == WIRE_TAG(2, WIRE_LEN) ||
	       tag == WIRE_TAG(3, WIRE_LEN);
}

/* Reads the field at `p`: where it ends, or NULL. e->at stays NULL when it is no entry of a map. */
static const uint8_t *entry_find(struct wire *w, const uint8_t *p, const uint8_t *end,
				 struct entry *e)
{
	const uint8_t *start = p, *sub = NULL;
	uint32_t tag;

	*e = (struct entry){.key = ""};
	p = wire_tag(w, p, end, &tag);
	if (!p || !is_map(tag))
		return p ? wire_skip(w, p, end, tag) : NULL;
	p = wire_sub(w, p, end, &sub);
	*e = (struct entry){.at = start, .end = sub, .tag = tag, .key = ""};
	while (p && p < sub) {
		p = wire_tag(w, p, sub, &tag);
		if (p && tag == WIRE_TAG(1, WIRE_LEN))
			p = wire_string(w, p, sub, &e->key, &e->key_len);
		else if (p)
			p = wire_skip(w, p, sub, tag);
	}
	return p ? sub : NULL;
}

static struct wire wire_over(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	return (struct wire){.start = p, .stop = p + len};
}

/* The entry of the same map with the same key leaves. */
static void remove_like(struct info *t, const struct entry *e)
{
	const uint8_t *p = (const uint8_t *)t->bytes.data, *end = p + t->bytes.len;
	struct wire w = wire_over(t->bytes.data, t->bytes.len);
	struct entry old;

	while (p && p < end) {
		p = entry_find(&w, p, end, &old);
		if (p && old.tag == e->tag && old.key_len == e->key_len &&
		    memcmp(old.key, e->key, e->key_len) == 0) {
			size_t at = (size_t)(old.at - (const uint8_t *)t->bytes.data);

			memmove(t->bytes.data + at, p, (size_t)(end - p));
			t->bytes.len -= (size_t)(p - old.at);
			return;
		}
	}
}

void info_note(struct info *t, const void *bytes, size_t len)
{
	const uint8_t *p = bytes, *end = p + len;
	struct wire w = wire_over(bytes, len);
	struct entry e;

	while (p && p < end) {
		p = entry_find(&w, p, end, &e);
		if (!p || !e.at)
			continue;
		remove_like(t, &e);
		if (t->bytes.len + (size_t)(e.end - e.at) <= INFO_MAX)
			buf_append(&t->bytes, e.at, (size_t)(e.end - e.at));
	}
}

void info_fini(struct info *t)
{
	buf_fini(&t->bytes);
}
