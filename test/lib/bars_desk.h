/* SPDX-License-Identifier: MIT
 *
 * bars_desk: bars of one or a few instruments, fed tick by tick through a book, in words of the
 * trade: "at 09:15:03.250 the last trade was 100.05, 250 so far".
 */
#ifndef AGNI_TEST_BARS_DESK_H
#define AGNI_TEST_BARS_DESK_H

#include "market/bars_view.h"

#define DESK_DAY "2026-11-20" /* a Friday on which the exchange trades */

struct bars_desk {
	struct book book;
	struct bars bars;
	uint64_t seq;
	bool is_snapshot; /* the next tick comes in an initial_feed */
};

void bars_desk_init(struct bars_desk *d, int64_t keep);
void bars_desk_fini(struct bars_desk *d);

/* "09:15:03.250" of DESK_DAY, or a whole "2026-11-21T09:15:03", as Unix ms. */
int64_t desk_ms(const char *time);

/* What one tick says; what is 0 is not said. */
struct desk_tick {
	const char *now; /* market time of its message */
	const char *at;  /* of the trade; NULL: as `now` */
	double price;    /* with its time */
	int64_t vtt;
	int64_t ltq; /* of the trade */
	double oi;
	const struct bar *minute; /* the exchange's own */
	const char *key;          /* NULL: NSE_FO|1 */
	bool has_no_ltt;
	enum feed_arm arm; /* ARM_NONE: ARM_MARKET, as in mode full */
};

void bars_desk_say(struct bars_desk *d, struct desk_tick t);

/* The row of `key` (NULL: NSE_FO|1) that begins at `time`; NULL when there is none. */
const struct bar_row *bars_desk_row(const struct bars_desk *d, enum bar_series_kind kind,
				    const char *key, const char *time);

/* The bar as a reader sees it at market time `now`; fails the test when there is none. */
struct bar_view bars_desk_view(const struct bars_desk *d, const char *key,
			       enum bar_interval interval, const char *start, const char *now);

#endif
