/* SPDX-License-Identifier: MIT
 *
 * part: the messages that a Feed is made of, and the scalars in them, read into a tick.
 *
 * protobuf's rules decide what a strange message means: of a scalar that comes twice the last one
 * counts, a sub-message that comes twice merges into the first. So every reader adds to what the
 * tick holds already. All of them read from `p` to `end` and return `end`, or NULL with the reason
 * in `w`.
 */
#ifndef AGNI_UPSTOX_PART_H
#define AGNI_UPSTOX_PART_H

#include "market/tick.h"
#include "upstox/wire.h"

/* A reader of a message into the tick. */
typedef const uint8_t *part_reader(struct wire *w, const uint8_t *p, const uint8_t *end,
				   struct tick *t);

part_reader ltpc_read;        /* LTPC */
part_reader level_read;       /* MarketLevel: appends depth rows */
part_reader first_depth_read; /* Quote as firstDepth: the one row */
part_reader greeks_read;      /* OptionGreeks */
part_reader bars_read;        /* MarketOHLC: a bar replaces the one of its interval */

/* Reads a sub-message: `p` stands behind its tag. Goes on at the end that the length gave, not
 * where the reader came to stand, although both are the same: so the processor may read five depth
 * rows side by side. */
static inline const uint8_t *part_read(struct wire *w, const uint8_t *p, const uint8_t *end,
				       struct tick *t, part_reader *reader)
{
	const uint8_t *sub;

	p = wire_sub(w, p, end, &sub);
	return p && reader(w, p, sub, t) ? sub : NULL;
}

/* ---- scalars: each `p` stands behind the tag ------------------------------------------------ */

/* Which scalars a message carried. Kept apart from quote.present, and in registers, until the end
 * of the message. */
struct marks {
	uint32_t seen; /* fields on the wire */
	uint32_t set;  /* those whose last value counts: not zero, and possible */
	uint32_t rejected;
};

static inline void marks_put(struct marks *m, uint32_t bit, bool counts)
{
	m->seen |= bit;
	m->set = counts ? m->set | bit : m->set & ~bit;
}

static inline void marks_apply(const struct marks *m, struct tick *t)
{
	t->q.present = (t->q.present & ~m->seen) | m->set;
	t->rejected += m->rejected;
}

static inline const uint8_t *price_read(struct wire *w, const uint8_t *p, const uint8_t *end,
					struct marks *m, uint32_t bit, price_t *to)
{
	double d;

	p = wire_double(w, p, end, &d);
	if (AGNI_UNLIKELY(!p))
		return NULL;
	if (AGNI_LIKELY(price_from_double(d, to))) {
		marks_put(m, bit, *to != 0);
	} else {
		marks_put(m, bit, false);
		m->rejected++;
	}
	return p;
}

static inline const uint8_t *double_read(struct wire *w, const uint8_t *p, const uint8_t *end,
					 struct marks *m, uint32_t bit, double *to)
{
	p = wire_double(w, p, end, to);
	if (AGNI_UNLIKELY(!p))
		return NULL;
	marks_put(m, bit, *to != 0);
	if (AGNI_UNLIKELY(!__builtin_isfinite(*to))) {
		marks_put(m, bit, false);
		m->rejected++;
	}
	return p;
}

static inline const uint8_t *int_read(struct wire *w, const uint8_t *p, const uint8_t *end,
				      struct marks *m, uint32_t bit, int64_t *to)
{
	uint64_t v;

	p = wire_varint(w, p, end, &v);
	if (AGNI_UNLIKELY(!p))
		return NULL;
	*to = (int64_t)v;
	marks_put(m, bit, v != 0);
	return p;
}

static inline const uint8_t *flag_read(struct wire *w, const uint8_t *p, const uint8_t *end,
				       struct marks *m, uint32_t bit, bool *to)
{
	uint64_t v;

	p = wire_varint(w, p, end, &v);
	if (p) {
		*to = v != 0;
		marks_put(m, bit, *to);
	}
	return p;
}

#endif
