/* SPDX-License-Identifier: MIT
 *
 * bars_internal: what the files of the bars share.
 */
#ifndef AGNI_MARKET_BARS_INTERNAL_H
#define AGNI_MARKET_BARS_INTERNAL_H

#include "market/bars.h"

#define SECOND_MS 1000
#define MINUTE_MS 60000

/* The row that begins at `start_ms`, new and empty (ticks 0) when there was none; NULL: older than all
 * that is kept. Lent until the next row. */
struct bar_row *bar_row_at(const struct bars *b, struct instrument_bars *of,
			   enum bar_series_kind kind, int64_t start_ms);

/* It has changed, now. */
void bar_row_touch(struct bars *b, struct instrument_bars *of, struct bar_row *row);

/* Nothing was seen in between. */
void bars_add_hole(struct bars *b, struct instrument_bars *of, int64_t from_ms, int64_t to_ms);

/* Takes a minute of the exchange that is new, and compares the one before with ours. */
void bars_note_exchange(struct bars *b, struct instrument_bars *of, const struct quote *q);

#endif
