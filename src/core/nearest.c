/* SPDX-License-Identifier: MIT
 *
 * nearest: see nearest.h. The distance is the "optimal string alignment" form of Damerau's: a swap
 * of neighbours counts once, because it is the commonest slip.
 */
#include "core/nearest.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 63

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned edit_distance(const char *a, const char *b)
{
	/* row[i % 3][j]: distance of the first i letters of `a` to the first j of `b`. */
	unsigned row[3][WORD_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return strcmp(a, b) == 0 ? 0 : UINT_MAX;
	for (unsigned j = 0; j <= nb; j++)
		row[0][j] = j;
	for (unsigned i = 1; i <= na; i++) {
		unsigned *now = row[i % 3], *up = row[(i - 1) % 3], *up2 = row[(i + 1) % 3];

		now[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			now[j] = least(up[j - 1] + (a[i - 1] != b[j - 1]),
				       least(up[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], up2[j - 2] + 1);
		}
	}
	return row[na % 3][nb];
}

void nearest_offer(struct nearest *n, const char *known)
{
	size_t a = strlen(n->word), b = strlen(known), limit = ((a > b ? a : b) + 2) / 3;
	unsigned d;

	if ((a > b ? a - b : b - a) > limit)
		return; /* so many letters are missing at least: not worth the reckoning */
	d = edit_distance(n->word, known);
	if (d <= limit && (!n->best || d < n->distance)) {
		n->best = known;
		n->distance = d;
	}
}

int nearest_refuse(struct agni_err *err, const char *key, const char *word, size_t len,
		   const char *choices)
{
	char typed[WORD_MAX + 1], list[256], *save = NULL;
	struct nearest near = {.word = typed};

	snprintf(typed, sizeof(typed), "%.*s", len > WORD_MAX ? WORD_MAX : (int)len, word);
	snprintf(list, sizeof(list), "%s", choices);
	for (char *w = strtok_r(list, ", ", &save); w; w = strtok_r(NULL, ", ", &save))
		nearest_offer(&near, w);
	if (nearest_word(&near))
		return agni_fail(err, AGNI_ECONFIG,
				 "%s: \"%.40s\" is none of %s; did you mean \"%s\"?", key, typed,
				 choices, nearest_word(&near));
	return agni_fail(err, AGNI_ECONFIG, "%s: \"%.40s\" is none of %s", key, typed, choices);
}
