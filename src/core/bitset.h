/* SPDX-License-Identifier: MIT
 *
 * bitset: a growable set of small integers (instrument ids), with fast iteration over its members.
 */
#ifndef AGNI_CORE_BITSET_H
#define AGNI_CORE_BITSET_H

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"

struct bitset {
	uint64_t *words;
	uint32_t nwords;
	uint32_t count; /* members */
};

static inline void bitset_fini(struct bitset *s)
{
	free(s->words);
	*s = (struct bitset){0};
}

static inline bool bitset_has(const struct bitset *s, uint32_t i)
{
	return i / 64 < s->nwords && (s->words[i / 64] >> (i % 64) & 1);
}

void bitset_grow(struct bitset *s, uint32_t i);

/* Returns whether `i` is new in the set. */
static inline bool bitset_add(struct bitset *s, uint32_t i)
{
	uint64_t bit = (uint64_t)1 << (i % 64);

	if (AGNI_UNLIKELY(i / 64 >= s->nwords))
		bitset_grow(s, i);
	if (s->words[i / 64] & bit)
		return false;
	s->words[i / 64] |= bit;
	s->count++;
	return true;
}

/* Returns whether `i` was in the set. */
static inline bool bitset_remove(struct bitset *s, uint32_t i)
{
	if (!bitset_has(s, i))
		return false;
	s->words[i / 64] &= ~((uint64_t)1 << (i % 64));
	s->count--;
	return true;
}

static inline void bitset_clear(struct bitset *s)
{
	if (s->count)
		memset(s->words, 0, s->nwords * sizeof(*s->words));
	s->count = 0;
}

#define BITSET_END UINT32_MAX

/* The smallest member >= `from`, or BITSET_END. */
static inline uint32_t bitset_next(const struct bitset *s, uint32_t from)
{
	uint32_t w = from / 64;
	uint64_t word;

	if (s->count == 0 || w >= s->nwords)
		return BITSET_END;
	word = s->words[w] & (~(uint64_t)0 << (from % 64));
	while (word == 0) {
		if (++w >= s->nwords)
			return BITSET_END;
		word = s->words[w];
	}
	return w * 64 + (uint32_t)__builtin_ctzll(word);
}

#define bitset_for_each(i, s)                                                                      \
	for (uint32_t i = bitset_next(s, 0); i != BITSET_END; i = bitset_next(s, i + 1))

#endif
