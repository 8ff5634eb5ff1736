/* SPDX-License-Identifier: MIT
 *
 * search: see search.h. The best are kept in order while the table is walked: a row that is worse
 * than the last of a full list costs one comparison.
 */
#include "market/search.h"

#include <string.h>
#include <strings.h>

/* Where a word was found, best first. */
enum place { PLACE_SYMBOL_START, PLACE_NAME_START, PLACE_SYMBOL, PLACE_ELSEWHERE, PLACE_NOWHERE };

struct words {
	char text[SEARCH_QUERY_MAX + 1];
	const char *word[SEARCH_WORDS_MAX];
	unsigned n;
};

struct hit {
	uint32_t rank, row;
};

static void split(const char *text, struct words *w)
{
	char *rest = w->text, *word;

	memcpy(w->text, text, strlen(text) + 1);
	w->n = 0;
	while (w->n < SEARCH_WORDS_MAX && (word = strsep(&rest, " ")) != NULL) {
		if (*word)
			w->word[w->n++] = word;
	}
}

static bool begins(const char *text, const char *with)
{
	return strncasecmp(text, with, strlen(with)) == 0;
}

static enum place place_of(const struct master *m, const struct master_row *r, const char *word)
{
	const char *symbol = master_text(m, r->symbol), *name = master_text(m, r->name);

	if (begins(symbol, word))
		return PLACE_SYMBOL_START;
	if (begins(name, word))
		return PLACE_NAME_START;
	if (strcasestr(symbol, word))
		return PLACE_SYMBOL;
	if (strcasestr(name, word) || strcasestr(master_text(m, r->isin), word) ||
	    strcasestr(master_text(m, r->token), word) || strcasestr(master_text(m, r->key), word))
		return PLACE_ELSEWHERE;
	return PLACE_NOWHERE;
}

static bool is_exactly(const struct master *m, const struct master_row *r, const char *text)
{
	return *text && (strcasecmp(master_text(m, r->symbol), text) == 0 ||
			 strcasecmp(master_text(m, r->isin), text) == 0 ||
			 strcmp(master_text(m, r->token), text) == 0 ||
			 strcmp(master_text(m, r->key), text) == 0);
}

static bool is_let_through(const struct master *m, const struct master_row *r,
			   const struct search_query *q)
{
	const char *key = master_text(m, r->key);

	if (q->underlying != MASTER_NONE && r->underlying != q->underlying)
		return false;
	if (q->expiry && r->expiry != q->expiry)
		return false;
	if (q->type[0] && strcasecmp(master_type_text(m, r), q->type) != 0)
		return false;
	return !q->permits || q->permits(q->permits_arg, key, strlen(key));
}

/* What decides before expiry and strike do, smaller is better; false: no match. */
static bool rank_of(const struct master *m, const struct master_row *r,
		    const struct search_query *q, const struct words *w, uint32_t *rank)
{
	enum place worst = PLACE_SYMBOL_START;
	bool is_over = r->expiry && r->expiry < q->first_day;

	for (unsigned i = 0; i < w->n; i++) {
		enum place place = place_of(m, r, w->word[i]);

		if (place == PLACE_NOWHERE)
			return false;
		worst = place > worst ? place : worst;
	}
	*rank = (uint32_t)is_over << 8 | (uint32_t)!is_exactly(m, r, q->text) << 7 |
		(uint32_t)r->type << 4 | (uint32_t)worst;
	return true;
}

static bool is_before(const struct master *m, const struct hit *a, const struct hit *b)
{
	const struct master_row *x = &m->rows[a->row], *y = &m->rows[b->row];
	int c;

	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (x->expiry != y->expiry)
		return x->expiry < y->expiry;
	if (x->strike != y->strike)
		return x->strike < y->strike;
	c = strcmp(master_text(m, x->symbol), master_text(m, y->symbol));
	return c ? c < 0 : strcmp(master_text(m, x->key), master_text(m, y->key)) < 0;
}

void search_run(const struct master *m, const struct search_query *q, struct search_result *out)
{
	struct hit best[SEARCH_LIMIT_MAX], hit;
	struct words words;

	AGNI_ASSERT(q->limit >= 1 && q->limit <= SEARCH_LIMIT_MAX);
	split(q->text, &words);
	*out = (struct search_result){0};
	for (hit.row = 0; hit.row < m->n; hit.row++) {
		const struct master_row *r = &m->rows[hit.row];
		unsigned at;

		if (!is_let_through(m, r, q) || !rank_of(m, r, q, &words, &hit.rank))
			continue;
		out->total++;
		if (out->n == q->limit && !is_before(m, &hit, &best[out->n - 1]))
			continue;
		out->n += out->n < q->limit;
		for (at = out->n - 1; at > 0 && is_before(m, &hit, &best[at - 1]); at--)
			best[at] = best[at - 1];
		best[at] = hit;
	}
	for (unsigned i = 0; i < out->n; i++)
		out->rows[i] = best[i].row;
}
