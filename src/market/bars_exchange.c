/* SPDX-License-Identifier: MIT
 *
 * bars_exchange: the exchange's own minutes, kept beside ours and compared with them.
 */
#include "market/bars_internal.h"

static void compare(struct bars *b, const struct bar_row *ours, const struct bar_row *theirs)
{
	b->compared++;
	if (price_cmp(ours->high, theirs->high) > 0 || price_cmp(ours->low, theirs->low) < 0)
		b->contradictions++;
	else if (ours->open == theirs->open && ours->high == theirs->high &&
		 ours->low == theirs->low && ours->close == theirs->close)
		b->equal++;
	else
		b->narrower++;
	b->volume_differs += (theirs->flags & ROW_HAS_VOLUME) && row_has_volume(ours) &&
			     ours->volume != theirs->volume;
}

/* A minute is compared when the exchange tells the next one: stragglers have come by then. */
static void compare_newest(struct bars *b, const struct instrument_bars *of)
{
	const struct bar_series *ex = &of->series[SERIES_EXCHANGE];
	const struct bar_row *theirs, *ours;

	if (ex->n == 0)
		return;
	theirs = &ex->rows[ex->n - 1];
	if (bars_has_hole(of, theirs->start_ms, theirs->start_ms + MINUTE_MS))
		return;
	ours = bar_series_find(&of->series[SERIES_MINUTE], theirs->start_ms);
	if (ours)
		compare(b, ours, theirs);
}

static const struct bar *find_minute(const struct quote *q)
{
	const unsigned whole = BAR_OPEN | BAR_HIGH | BAR_LOW | BAR_CLOSE | BAR_TS;

	if (!(q->present & QUOTE_BARS))
		return NULL;
	for (int i = 0; i < q->bars_n; i++) {
		const struct bar *bar = &q->bars[i];

		if (bar->interval[0] == 'I' && bar->interval[1] == '1' && !bar->interval[2])
			return (bar->present & whole) == whole ? bar : NULL;
	}
	return NULL;
}

void bars_note_exchange(struct bars *b, struct instrument_bars *of, const struct quote *q)
{
	struct bar_series *ex = &of->series[SERIES_EXCHANGE];
	const struct bar *bar = find_minute(q);
	struct bar_row *row;

	/* The newest one only: what was told once does not change. */
	if (!bar || bar->ts_ms % MINUTE_MS || bar->ts_ms > b->market_ms ||
	    (ex->n && ex->rows[ex->n - 1].start_ms >= bar->ts_ms))
		return;
	compare_newest(b, of);
	row = bar_row_at(b, of, SERIES_EXCHANGE, bar->ts_ms);
	row->open = bar->open;
	row->high = bar->high;
	row->low = bar->low;
	row->close = bar->close;
	row->volume = bar->present & BAR_VOL ? bar->vol : 0;
	row->flags = bar->present & BAR_VOL ? ROW_HAS_VOLUME : 0;
	bar_row_touch(b, of, row);
}
