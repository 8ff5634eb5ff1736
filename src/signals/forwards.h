/* SPDX-License-Identifier: MIT
 *
 * forwards: the forward price of an option's expiry, as its chain tells it: the same quotes
 * (chain_leg.h), the same arithmetic (chain_forward of chain_math.h). What a signal says of an option's
 * volatility is what the chain says.
 *
 * Which contracts an expiry has is looked up once; what they quote is read when it is asked for the
 * first time in a turn, and the rest of the turn gets the same answer.
 */
#ifndef AGNI_SIGNALS_FORWARDS_H
#define AGNI_SIGNALS_FORWARDS_H

#include "options/chain_leg.h"

struct expiry_forward;

struct forwards {
	struct expiry_forward **of;
	uint32_t n, last; /* last: the one that was asked for last */
	uint64_t generation;
};

void forwards_fini(struct forwards *f);

/* The forward of the expiry of option `row`. `generation` (above 0) changes when the master does,
 * `turn` when the quotes may have. Lent until the next call. */
const struct chain_forward *forward_of_option(struct forwards *f, const struct chain_source *s,
					      uint64_t generation, uint64_t turn, uint32_t row);

#endif
