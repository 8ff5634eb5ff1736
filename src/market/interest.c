/* SPDX-License-Identifier: MIT
 *
 * interest: see interest.h.
 */
#include "market/interest.h"

#include <stdlib.h>

void interest_init(struct interest *t)
{
	*t = (struct interest){0};
}

void interest_fini(struct interest *t)
{
	free(t->rows);
	bitset_fini(&t->changed);
	*t = (struct interest){0};
}

int interest_top(const struct interest *t, inst_id id)
{
	if (id >= t->rows_cap)
		return WANT_NOTHING;
	for (int m = WANT_MODES - 1; m >= 0; m--) {
		if (t->rows[id].count[m])
			return m;
	}
	return WANT_NOTHING;
}

static bool fits(const struct interest_limits *l, const uint32_t have[WANT_MODES])
{
	int in_use = 0;

	for (int m = 0; m < WANT_MODES; m++)
		in_use += have[m] > 0;
	for (int m = 0; m < WANT_MODES; m++) {
		if (have[m] > (in_use > 1 ? l->mixed[m] : l->alone[m]))
			return false;
	}
	return true;
}

bool interest_fits(const struct interest *t, const uint32_t more[WANT_MODES])
{
	uint32_t have[WANT_MODES];

	for (int m = 0; m < WANT_MODES; m++)
		have[m] = t->tops[m] + more[m];
	return !t->limits || fits(t->limits, have);
}

/* The highest mode when one party has moved from `from` to `to`. */
static int top_after(const struct interest *t, inst_id id, int from, int to)
{
	for (int m = WANT_MODES - 1; m > to && id < t->rows_cap; m--) {
		if (t->rows[id].count[m] > (m == from))
			return m;
	}
	return to;
}

bool interest_admits_move(const struct interest *t, inst_id id, int from, enum interest_mode to)
{
	int before = interest_top(t, id), after = top_after(t, id, from, (int)to);
	uint32_t have[WANT_MODES];

	if (!t->limits || after == before)
		return true;
	memcpy(have, t->tops, sizeof(have));
	if (before != WANT_NOTHING)
		have[before]--;
	have[after]++;
	return fits(t->limits, have);
}

bool interest_admits(const struct interest *t, inst_id id, enum interest_mode mode)
{
	return interest_admits_move(t, id, WANT_NOTHING, mode);
}

static void note_change(struct interest *t, inst_id id, int before)
{
	int top = interest_top(t, id);

	if (top == before)
		return;
	if (before != WANT_NOTHING) {
		t->tops[before]--;
		t->freed++;
	}
	if (top != WANT_NOTHING)
		t->tops[top]++;
	if (bitset_add(&t->changed, id) && t->on_change)
		t->on_change(t->arg);
}

void interest_add(struct interest *t, inst_id id, enum interest_mode mode)
{
	int before = interest_top(t, id);

	if (id >= t->rows_cap) {
		uint32_t cap = t->rows_cap ? t->rows_cap : 64;

		while (id >= cap)
			cap *= 2;
		t->rows = mem_realloc(t->rows, cap * sizeof(*t->rows));
		memset(t->rows + t->rows_cap, 0, (cap - t->rows_cap) * sizeof(*t->rows));
		t->rows_cap = cap;
	}
	t->rows[id].count[mode]++;
	note_change(t, id, before);
}

void interest_drop(struct interest *t, inst_id id, enum interest_mode mode)
{
	int before = interest_top(t, id);

	AGNI_ASSERT(id < t->rows_cap && t->rows[id].count[mode] > 0);
	t->rows[id].count[mode]--;
	note_change(t, id, before);
}
