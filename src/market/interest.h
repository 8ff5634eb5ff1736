/* SPDX-License-Identifier: MIT
 *
 * interest: who wants what, counted: one table of (instrument, mode) -> number of parties.
 *
 * stream and the watch list add and drop; feed reads the highest mode asked for and keeps the
 * upstream subscription equal to it. The listener hears of a change of the highest mode only.
 */
#ifndef AGNI_MARKET_INTEREST_H
#define AGNI_MARKET_INTEREST_H

#include "core/bitset.h"
#include "market/instrument.h"

/* In the order of what they carry; the highest asked for goes upstream. */
enum interest_mode { WANT_LTPC, WANT_OPTION_GREEKS, WANT_FULL, WANT_FULL_D30, WANT_MODES };

#define WANT_NOTHING (-1)

struct interest {
	struct interest_row {
		uint32_t count[WANT_MODES];
	} * rows; /* by instrument id */
	uint32_t rows_cap;
	struct bitset changed; /* ids whose highest mode changed since the reader cleared it */
	void (*on_change)(void *arg); /* called at each such change; or NULL */
	void *arg;
};

void interest_init(struct interest *t);
void interest_fini(struct interest *t);
void interest_add(struct interest *t, inst_id id, enum interest_mode mode);
void interest_drop(struct interest *t, inst_id id, enum interest_mode mode);

/* The highest mode that anyone wants, or WANT_NOTHING. */
int interest_top(const struct interest *t, inst_id id);

#endif
