/* SPDX-License-Identifier: MIT
 *
 * wire: protobuf's wire format, read strictly.
 *
 * A reader takes where it stands and where its message ends, and returns where it stands then; NULL
 * when the bytes are wrong (the reason is in `struct wire`). So a decoder is a chain of
 *
 *     p = wire_something(w, p, end, &value);
 *     if (!p)
 *             return NULL;
 *
 * Strict means what protoc 3.21 means by it: tags and lengths of at most five bytes that fit their
 * 32 and 31 bits, varints of at most ten bytes (bits above the 64th are ignored), no field zero, no
 * wire type 6 or 7, groups that end with their own field and nest less than WIRE_GROUPS_MAX deep.
 * Overlong but short enough varints are fine. What is read often is inline here, the rest in
 * wire.c.
 */
#ifndef AGNI_UPSTOX_WIRE_H
#define AGNI_UPSTOX_WIRE_H

#include <endian.h>
#include <string.h>

#include "core/base.h"

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_LEN = 2,
	WIRE_GROUP = 3,
	WIRE_GROUP_END = 4,
	WIRE_FIXED32 = 5,
};

#define WIRE_TAG(field, type) ((uint32_t)(field) << 3 | (uint32_t)(type))
#define WIRE_GROUPS_MAX       100

struct wire {
	const uint8_t *start; /* of all bytes: what may be loaded, whatever message it is of */
	const uint8_t *stop;
	const char *why;   /* set by the first failure */
	const uint8_t *at; /* where it was */
};

void wire_note(struct wire *w, const uint8_t *at, const char *why);

/* Notes the first failure; returns NULL. */
static inline const uint8_t *wire_fail(struct wire *w, const uint8_t *at, const char *why)
{
	wire_note(w, at, why);
	return NULL;
}

/* The general forms of the inline readers below. */
const uint8_t *wire_tag_long(struct wire *w, const uint8_t *p, const uint8_t *end, uint32_t *tag);
const uint8_t *wire_varint_long(struct wire *w, const uint8_t *p, const uint8_t *end, uint64_t *v);
const uint8_t *wire_len_long(struct wire *w, const uint8_t *p, const uint8_t *end, uint64_t *n);

/* Passes over the content of a field that nobody knows; `p` stands behind its tag. */
const uint8_t *wire_skip(struct wire *w, const uint8_t *p, const uint8_t *end, uint32_t tag);

/* Passes over a string, which must be UTF-8: `p` stands behind the tag. Lends its bytes. */
const uint8_t *wire_string(struct wire *w, const uint8_t *p, const uint8_t *end, const char **text,
			   uint32_t *len);

static inline uint64_t wire_load64(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

/* Any tag, the overlong ones too. `p` < `end`. */
static inline const uint8_t *wire_tag(struct wire *w, const uint8_t *p, const uint8_t *end,
				      uint32_t *tag)
{
	uint32_t any; /* of its own, so that the caller's may stay in a register; so below */

	if (AGNI_LIKELY(*p < 0x80)) {
		*tag = *p;
		return p + 1;
	}
	p = wire_tag_long(w, p, end, &any);
	if (p)
		*tag = any;
	return p;
}

/*
 * The number at the low end of eight bytes of the wire: how many of them it has, 0 when all eight
 * are not enough.
 *
 * Quantities have one to three bytes without a pattern, so a loop would mispredict once per number.
 * Here the first byte without the top bit ends the number, and two or three steps close the gaps
 * between groups of seven bits: abcdefgh -> ab cd ef gh -> abcd efgh -> all.
 */
static inline unsigned wire_number(uint64_t x, uint64_t *v)
{
	uint32_t ends = ~(uint32_t)x & 0x80808080, y;
	uint64_t ends8;

	if (AGNI_LIKELY(ends)) {
		y = (uint32_t)x & (ends ^ (ends - 1)) & 0x7f7f7f7f;
		y = (y & 0x007f007f) | (y & 0x7f007f00) >> 1;
		*v = (y & 0x00003fff) | (y & 0x3fff0000) >> 2;
		return (unsigned)(__builtin_ctz(ends) >> 3) + 1;
	}
	ends8 = ~x & 0x8080808080808080;
	if (AGNI_UNLIKELY(!ends8))
		return 0;
	x &= (ends8 ^ (ends8 - 1)) & 0x7f7f7f7f7f7f7f7f;
	x = (x & 0x007f007f007f007f) | (x & 0x7f007f007f007f00) >> 1;
	x = (x & 0x00003fff00003fff) | (x & 0x3fff00003fff0000) >> 2;
	*v = (x & 0x000000000fffffff) | (x & 0x0fffffff00000000) >> 4;
	return (unsigned)(__builtin_ctzll(ends8) >> 3) + 1;
}

static inline const uint8_t *wire_varint(struct wire *w, const uint8_t *p, const uint8_t *end,
					 uint64_t *v)
{
	ptrdiff_t room = w->stop - p;
	uint64_t x, any;
	unsigned n;

	/* The last field of a frame is its time: there the eight bytes begin before `p`. */
	if (AGNI_LIKELY(room >= 8))
		x = wire_load64(p);
	else if (AGNI_LIKELY(room > 0 && w->stop - w->start >= 8))
		x = wire_load64(w->stop - 8) >> (64 - 8 * room);
	else
		x = ~(uint64_t)0;
	n = wire_number(x, v);
	if (AGNI_LIKELY(n > 0 && n <= end - p))
		return p + n;
	p = wire_varint_long(w, p, end, &any);
	if (p)
		*v = any;
	return p;
}

/* An enum: an int32 on the wire, whatever is above that. */
static inline const uint8_t *wire_enum(struct wire *w, const uint8_t *p, const uint8_t *end,
				       int *to)
{
	uint64_t v;

	if (AGNI_LIKELY(p < end && *p < 0x80)) {
		*to = *p;
		return p + 1;
	}
	p = wire_varint_long(w, p, end, &v);
	if (p)
		*to = (int32_t)(uint32_t)v;
	return p;
}

static inline const uint8_t *wire_double(struct wire *w, const uint8_t *p, const uint8_t *end,
					 double *d)
{
	uint64_t x;

	if (AGNI_UNLIKELY(end - p < 8))
		return wire_fail(w, p, "a double runs past the end");
	x = wire_load64(p);
	memcpy(d, &x, sizeof(x));
	return p + 8;
}

/* The length of a string or message; where it ends goes to `sub_end`. */
static inline const uint8_t *wire_sub(struct wire *w, const uint8_t *p, const uint8_t *end,
				      const uint8_t **sub_end)
{
	uint64_t n;

	if (AGNI_LIKELY(p < end && *p < 0x80)) {
		n = *p++;
	} else if (AGNI_LIKELY(end - p >= 2 && p[1] < 0x80)) {
		n = (p[0] & 0x7fu) | (uint64_t)p[1] << 7;
		p += 2;
	} else {
		p = wire_len_long(w, p, end, &n);
		if (!p)
			return NULL;
	}
	if (AGNI_UNLIKELY(n > (uint64_t)(end - p)))
		return wire_fail(w, p, "a length runs past the end");
	*sub_end = p + n;
	return p;
}

#endif
