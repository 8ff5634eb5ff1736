/* SPDX-License-Identifier: MIT
 *
 * nearest: "did you mean": the known word that is the fewest typing mistakes away.
 *
 *     struct nearest n = {.word = "lisen"};
 *     nearest_offer(&n, "listen");       for each known word
 *     nearest_word(&n);                  "listen", or NULL when nothing is near
 */
#ifndef AGNI_CORE_NEAREST_H
#define AGNI_CORE_NEAREST_H

#include "core/err.h"

struct nearest {
	const char *word; /* what was typed; lent */
	const char *best; /* NULL before the first near offer; lent */
	unsigned distance;
};

/* Letters to insert, delete, replace or swap with their neighbour to make `b` of `a`; words of more
 * than 63 letters are UINT_MAX apart unless equal. */
unsigned edit_distance(const char *a, const char *b);

/* Keeps `known` when it is nearer than what was offered before and not farther than a third of the
 * longer word's length. */
void nearest_offer(struct nearest *n, const char *known);

static inline const char *nearest_word(const struct nearest *n)
{
	return n->best;
}

/* A word of a configuration that is none of `choices` ("channel, redis, webhook"): AGNI_ECONFIG with
 * `KEY: "WORD" is none of CHOICES; did you mean "X"?` in `err`. */
int nearest_refuse(struct agni_err *err, const char *key, const char *word, size_t len,
		   const char *choices);

#endif
