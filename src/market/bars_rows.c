/* SPDX-License-Identifier: MIT
 *
 * bars_rows: the rows of a series, and the holes of an instrument. The newest row is nearly always the
 * one that is looked for; the searches go from the end.
 */
#include <stdlib.h>

#include "market/bars_internal.h"

#define FIRST_ROWS 16

uint32_t bar_series_from(const struct bar_series *s, int64_t start_ms)
{
	uint32_t low = 0, high = s->n;

	if (s->n && s->rows[s->n - 1].start_ms < start_ms)
		return s->n;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (s->rows[mid].start_ms < start_ms)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct bar_row *bar_series_find(const struct bar_series *s, int64_t start_ms)
{
	uint32_t i = bar_series_from(s, start_ms);

	return i < s->n && s->rows[i].start_ms == start_ms ? &s->rows[i] : NULL;
}

/* Room for one more: the oldest eighth leaves at once, so that it need not move at every row. */
static void make_room(struct bar_series *s, uint32_t keep)
{
	uint32_t leave = keep / 8 + 1;

	if (s->n == keep) {
		s->dropped_ms = s->rows[leave - 1].start_ms;
		memmove(s->rows, s->rows + leave, (keep - leave) * sizeof(*s->rows));
		s->n -= leave;
	} else if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : FIRST_ROWS;
		if (s->cap > keep)
			s->cap = keep;
		s->rows = mem_realloc(s->rows, s->cap * sizeof(*s->rows));
	}
}

struct bar_row *bar_row_at(const struct bars *b, struct instrument_bars *of,
			   enum bar_series_kind kind, int64_t start_ms)
{
	struct bar_series *s = &of->series[kind];
	uint32_t keep =
		(uint32_t)(kind == SERIES_SECOND ? b->cfg.keep_seconds : b->cfg.keep_minutes);
	uint32_t i = s->n;

	while (i && s->rows[i - 1].start_ms > start_ms)
		i--;
	if (i && s->rows[i - 1].start_ms == start_ms)
		return &s->rows[i - 1];
	if (start_ms <= s->dropped_ms || (i == 0 && s->n == keep))
		return NULL;
	make_room(s, keep);
	i = bar_series_from(s, start_ms);
	memmove(s->rows + i + 1, s->rows + i, (s->n - i) * sizeof(*s->rows));
	s->rows[i] = (struct bar_row){.start_ms = start_ms};
	s->n++;
	return &s->rows[i];
}

void bar_row_touch(struct bars *b, struct instrument_bars *of, struct bar_row *row)
{
	row->changed_ms = b->market_ms;
	row->version = of->version = ++b->version;
}

void bars_add_hole(struct bars *b, struct instrument_bars *of, int64_t from_ms, int64_t to_ms)
{
	b->holes++;
	if (!of->holes)
		of->holes = mem_alloc(HOLES_MAX * sizeof(*of->holes));
	if (of->holes_n == HOLES_MAX) {
		of->holes[1].from_ms = of->holes[0].from_ms;
		of->holes_n--;
		memmove(of->holes, of->holes + 1, of->holes_n * sizeof(*of->holes));
	}
	of->version = ++b->version;
	of->holes[of->holes_n++] =
		(struct bar_hole){.from_ms = from_ms, .to_ms = to_ms, .version = of->version};
}

bool bars_has_hole(const struct instrument_bars *of, int64_t from_ms, int64_t to_ms)
{
	if (from_ms < of->first_ms)
		return true;
	for (uint32_t i = 0; i < of->holes_n; i++) {
		if (of->holes[i].from_ms < to_ms && of->holes[i].to_ms > from_ms)
			return true;
	}
	return false;
}
