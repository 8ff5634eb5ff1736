/* SPDX-License-Identifier: MIT
 *
 * bitset: see bitset.h.
 */
#include "core/bitset.h"

void bitset_grow(struct bitset *s, uint32_t i)
{
	uint32_t nwords = s->nwords ? s->nwords : 4;

	while (i / 64 >= nwords)
		nwords *= 2;
	s->words = mem_realloc(s->words, nwords * sizeof(*s->words));
	memset(s->words + s->nwords, 0, (nwords - s->nwords) * sizeof(*s->words));
	s->nwords = nwords;
}
