/* SPDX-License-Identifier: MIT
 *
 * day_bars: the module that keeps the bars: from the book's ticks, and, behind a start, those of the
 * day from the tape.
 *
 *      start --> ticks of now --> bars that say partial
 *        |
 *        +-----> worker: the day's files, tick by tick, through a book and bars of its own
 *                  |
 *                  v     the loop: what came meanwhile, from the tape, a slice per timer tick
 *                at the edge: these bars take the place of the first ones
 *
 * So bars of a server that was killed are those of one that was not: both have seen the same ticks in
 * the same order. A playback begins a day of its own and rebuilds nothing.
 */
#ifndef AGNI_TAPE_DAY_BARS_H
#define AGNI_TAPE_DAY_BARS_H

#include "core/config.h"
#include "market/bars.h"
#include "tape/tape.h"

struct day_bars;

struct day_bars_config {
	int64_t keep_seconds, keep_minutes;
	int64_t amend_ms;
	int64_t grace_ms;
};

extern const struct config_key day_bars_config_keys[];

struct day_bars_deps {
	struct loop *loop;
	struct book *book;
	struct tape *tape;
	const struct day_bars_config *cfg;
	bool rebuilds; /* behind a start */
};

struct day_bars *day_bars_create(const struct day_bars_deps *deps);
void day_bars_destroy(struct day_bars *d);
struct module *day_bars_module(struct day_bars *d);

/* Lent; what it points to changes with every tick. */
const struct bars *day_bars_get(const struct day_bars *d);

#endif
