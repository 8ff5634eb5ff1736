/* SPDX-License-Identifier: MIT
 *
 * interest: who wants what, counted: one table of (instrument, mode) -> number of parties.
 *
 * stream and the watch list add and drop; feed reads the highest mode asked for and keeps the
 * upstream subscription equal to it. The listener hears of a change of the highest mode only.
 *
 * The broker serves so many instruments per mode and leaves out the rest in silence, so its limits are
 * kept here: who is about to add asks first, and can refuse aloud.
 */
#ifndef AGNI_MARKET_INTEREST_H
#define AGNI_MARKET_INTEREST_H

#include "core/bitset.h"
#include "market/instrument.h"

/* In the order of what they carry; the highest asked for goes upstream. */
enum interest_mode { WANT_LTPC, WANT_OPTION_GREEKS, WANT_FULL, WANT_FULL_D30, WANT_MODES };

#define WANT_NOTHING (-1)

/* Most instruments whose highest mode is this one, by enum interest_mode. */
struct interest_limits {
	uint32_t alone[WANT_MODES]; /* while no other mode is in use */
	uint32_t mixed[WANT_MODES]; /* beside others */
};

struct interest {
	struct interest_row {
		uint32_t count[WANT_MODES];
	} * rows; /* by instrument id */
	uint32_t rows_cap;
	uint32_t tops[WANT_MODES];            /* instruments by their highest mode */
	uint64_t freed;                       /* +1 when one of these falls: there is room again */
	const struct interest_limits *limits; /* lent; NULL: none */
	struct bitset changed; /* ids whose highest mode changed since the reader cleared it */
	void (*on_change)(void *arg); /* called at each such change; or NULL */
	void *arg;
};

void interest_init(struct interest *t);
void interest_fini(struct interest *t);
void interest_add(struct interest *t, inst_id id, enum interest_mode mode);
void interest_drop(struct interest *t, inst_id id, enum interest_mode mode);

/* Whether the broker would still serve everything if `mode` of `id` (INST_NONE: of one that nobody wants
 * yet) were added. */
bool interest_admits(const struct interest *t, inst_id id, enum interest_mode mode);

/* The same for a party that has `from` (WANT_NOTHING: nothing yet) and moves to `to`: what goes to a lower mode
 * takes a place there. */
bool interest_admits_move(const struct interest *t, inst_id id, int from, enum interest_mode to);

/* The same for `more[m]` further instruments in mode m. */
bool interest_fits(const struct interest *t, const uint32_t more[WANT_MODES]);

/* The highest mode that anyone wants, or WANT_NOTHING. */
int interest_top(const struct interest *t, inst_id id);

#endif
