/* SPDX-License-Identifier: MIT
 *
 * near_key: see near_key.h.
 */
#include "market/near_key.h"

#include <ctype.h>
#include <limits.h>

#include "core/nearest.h"

/* How far away; the words by which one is the same come before all slips. */
enum {
	FAR_SAME_KEY,
	FAR_OTHER_SEGMENT,
	FAR_SAME_WORD,
	FAR_SAME_WORD_ELSEWHERE, /* of another segment */
	FAR_SLIPS,               /* and the number of slips */
	FAR_ELSEWHERE = 1,       /* more, for slips in another segment */
	FAR_TOO = INT_MAX
};

struct near_walk {
	const struct master *m;
	const struct near_query *q;
	char word[SELECTOR_TEXT_MAX + 1]; /* lower case, without spaces, behind the "|" */
	char segment[SELECTOR_TEXT_MAX + 1];
	bool has_segment, is_number;
	uint64_t rank[NEAR_KEYS_MAX]; /* of out->rows */
	struct near_result *out;
};

static void squeeze(char *out, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++) {
		if (text[i] != ' ')
			out[n++] = (char)tolower((unsigned char)text[i]);
	}
	out[n] = '\0';
}

/* `text` against a squeezed word. */
static bool is_same(const char *text, const char *word)
{
	for (; *text; text++) {
		if (*text == ' ')
			continue;
		if (tolower((unsigned char)*text) != *word)
			return false;
		word++;
	}
	return *word == '\0';
}

static const char *tail_of(const char *key)
{
	const char *bar = strchr(key, '|');

	return bar ? bar + 1 : key;
}

static bool is_of_segment(const struct near_walk *w, const char *key)
{
	char segment[SELECTOR_TEXT_MAX + 1];

	squeeze(segment, sizeof(segment), key, instrument_segment_len(key));
	return strcmp(segment, w->segment) == 0;
}

/* Slips between the word and one text of a row, or FAR_TOO. */
static int slips(const struct near_walk *w, const char *text)
{
	char squeezed[64];
	struct nearest n = {.word = w->word};

	if (!*text || strlen(text) >= sizeof(squeezed))
		return FAR_TOO;
	squeeze(squeezed, sizeof(squeezed), text, strlen(text));
	nearest_offer(&n, squeezed);
	return n.best ? (int)n.distance : FAR_TOO;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

static int far_by_slips(const struct near_walk *w, const struct master_row *r, bool is_here)
{
	int d = slips(w, tail_of(master_text(w->m, r->key)));

	d = least(d, slips(w, master_text(w->m, r->symbol)));
	d = least(d, slips(w, master_text(w->m, r->name)));
	return d == FAR_TOO ? d : FAR_SLIPS + d + (is_here ? 0 : FAR_ELSEWHERE);
}

static int far_of(const struct near_walk *w, const struct master_row *r)
{
	const struct master *m = w->m;
	const char *key = master_text(m, r->key);
	bool is_tail = is_same(tail_of(key), w->word);
	bool is_word = is_tail || is_same(master_text(m, r->symbol), w->word) ||
		       is_same(master_text(m, r->name), w->word) ||
		       is_same(master_text(m, r->isin), w->word) ||
		       is_same(master_text(m, r->token), w->word);
	bool is_here;

	if (!is_word && (w->is_number || r->expiry))
		return FAR_TOO;
	is_here = !w->has_segment || is_of_segment(w, key);
	if (is_tail && w->has_segment)
		return is_here ? FAR_SAME_KEY : FAR_OTHER_SEGMENT;
	if (is_word)
		return is_here ? FAR_SAME_WORD : FAR_SAME_WORD_ELSEWHERE;
	return far_by_slips(w, r, is_here);
}

/* Smaller is nearer. */
static uint64_t rank_of(const struct near_walk *w, const struct master_row *r, int far)
{
	uint64_t is_over = r->expiry && r->expiry < w->q->first_day;

	return (uint64_t)far << 40 | is_over << 39 | (uint64_t)r->type << 32 | (uint32_t)r->expiry;
}

static void keep(struct near_walk *w, uint32_t row, uint64_t rank)
{
	struct near_result *out = w->out;
	unsigned at = out->n;

	if (out->n == NEAR_KEYS_MAX && rank >= w->rank[NEAR_KEYS_MAX - 1])
		return;
	if (out->n < NEAR_KEYS_MAX)
		out->n++;
	else
		at--;
	for (; at > 0 && w->rank[at - 1] > rank; at--) {
		w->rank[at] = w->rank[at - 1];
		out->rows[at] = out->rows[at - 1];
	}
	w->rank[at] = rank;
	out->rows[at] = row;
}

static void consider(struct near_walk *w, uint32_t row)
{
	const struct near_query *q = w->q;
	const struct master_row *r = &w->m->rows[row];
	const char *key = master_text(w->m, r->key);
	int far = far_of(w, r);

	if (far != FAR_TOO && (!q->permits || q->permits(q->permits_arg, key, strlen(key))))
		keep(w, row, rank_of(w, r, far));
}

void near_run(const struct master *m, const struct near_query *q, struct near_result *out)
{
	struct near_walk w = {.m = m, .q = q, .out = out};
	const char *bar = strchr(q->text, '|'), *tail = tail_of(q->text);

	*out = (struct near_result){0};
	squeeze(w.word, sizeof(w.word), tail, strlen(tail));
	w.has_segment = bar != NULL;
	if (bar)
		squeeze(w.segment, sizeof(w.segment), q->text, (size_t)(bar - q->text));
	w.is_number = w.word[strspn(w.word, "0123456789")] == '\0';
	if (!w.word[0])
		return;
	for (uint32_t row = 0; row < m->n; row++)
		consider(&w, row);
	if (out->n)
		out->is_same = w.rank[0] >> 40 == FAR_SAME_KEY ||
			       (!w.has_segment && w.rank[0] >> 40 == FAR_SAME_WORD);
}
