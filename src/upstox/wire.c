/* SPDX-License-Identifier: MIT
 *
 * wire: the readers that are needed seldom; see wire.h.
 */
#include "upstox/wire.h"

#include "core/utf8.h"

__attribute__((cold)) void wire_note(struct wire *w, const uint8_t *at, const char *why)
{
	if (!w->why) {
		w->why = why;
		w->at = at;
	}
}

const uint8_t *wire_varint_long(struct wire *w, const uint8_t *p, const uint8_t *end, uint64_t *v)
{
	uint64_t x = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		if (p == end)
			return wire_fail(w, p, "a number runs past the end");
		x |= (uint64_t)(*p & 0x7f) << shift;
		if (*p++ < 0x80) {
			*v = x;
			return p;
		}
	}
	return wire_fail(w, p, "a number of more than ten bytes");
}

/* A varint of at most five bytes that is below 2^bits, 28 < bits < 36. */
static const uint8_t *varint_short(struct wire *w, const uint8_t *p, const uint8_t *end,
				   unsigned bits, uint64_t *v)
{
	const uint8_t *start = p;

	p = wire_varint_long(w, p, end, v);
	if (p && (p - start > 5 || *v >> bits))
		return wire_fail(w, start, "a tag or length is too large");
	return p;
}

const uint8_t *wire_tag_long(struct wire *w, const uint8_t *p, const uint8_t *end, uint32_t *tag)
{
	uint64_t v;

	p = varint_short(w, p, end, 32, &v);
	if (p)
		*tag = (uint32_t)v;
	return p;
}

const uint8_t *wire_len_long(struct wire *w, const uint8_t *p, const uint8_t *end, uint64_t *n)
{
	return varint_short(w, p, end, 31, n);
}

static const uint8_t *fixed_skip(struct wire *w, const uint8_t *p, const uint8_t *end, ptrdiff_t n)
{
	return end - p < n ? wire_fail(w, p, "a number runs past the end") : p + n;
}

/* Anything but a group. */
static const uint8_t *plain_skip(struct wire *w, const uint8_t *p, const uint8_t *end, uint32_t tag)
{
	const uint8_t *sub;
	uint64_t v;

	switch (tag & 7) {
	case WIRE_VARINT:
		return wire_varint(w, p, end, &v);
	case WIRE_FIXED64:
		return fixed_skip(w, p, end, 8);
	case WIRE_FIXED32:
		return fixed_skip(w, p, end, 4);
	case WIRE_LEN:
		return wire_sub(w, p, end, &sub) ? sub : NULL;
	case WIRE_GROUP_END:
		return wire_fail(w, p, "a group ends that did not begin");
	default:
		return wire_fail(w, p, "a wire type that does not exist");
	}
}

/* Groups nest by nothing but their tags, so a list of those that are open replaces recursion. */
static const uint8_t *group_skip(struct wire *w, const uint8_t *p, const uint8_t *end,
				 uint32_t field)
{
	uint32_t open[WIRE_GROUPS_MAX], tag;
	unsigned n = 0;

	open[n++] = field;
	while (n) {
		if (p == end)
			return wire_fail(w, p, "a group does not end");
		p = wire_tag(w, p, end, &tag);
		if (!p)
			return NULL;
		field = tag >> 3;
		if (field == 0)
			return wire_fail(w, p, "field number zero");
		if ((tag & 7) == WIRE_GROUP) {
			if (n == WIRE_GROUPS_MAX)
				return wire_fail(w, p, "groups nest too deep");
			open[n++] = field;
		} else if ((tag & 7) == WIRE_GROUP_END) {
			if (open[--n] != field)
				return wire_fail(w, p, "a group ends as another one");
		} else {
			p = plain_skip(w, p, end, tag);
			if (!p)
				return NULL;
		}
	}
	return p;
}

const uint8_t *wire_skip(struct wire *w, const uint8_t *p, const uint8_t *end, uint32_t tag)
{
	if (tag >> 3 == 0)
		return wire_fail(w, p, "field number zero");
	if ((tag & 7) == WIRE_GROUP)
		return group_skip(w, p, end, tag >> 3);
	return plain_skip(w, p, end, tag);
}

/* Keys have 8 to 16 bytes, mostly ASCII: two loads that overlap see them all. */
static bool is_text(const uint8_t *s, size_t len)
{
	if (len >= 8 && len <= 16 &&
	    !((wire_load64(s) | wire_load64(s + len - 8)) & 0x8080808080808080))
		return true;
	return utf8_is_valid((const char *)s, len);
}

const uint8_t *wire_string(struct wire *w, const uint8_t *p, const uint8_t *end, const char **text,
			   uint32_t *len)
{
	const uint8_t *sub;

	p = wire_sub(w, p, end, &sub);
	if (!p)
		return NULL;
	if (!is_text(p, (size_t)(sub - p)))
		return wire_fail(w, p, "a string is not UTF-8");
	*text = (const char *)p;
	*len = (uint32_t)(sub - p);
	return sub;
}
