/* SPDX-License-Identifier: MIT
 *
 * chain_view: the option chain of one underlying and expiry as it stands now: which contracts are
 * listed (the instrument master), what they quote (the book), what follows from that (chain_math.h).
 *
 *     underlying, expiry --> rows of the master, by strike --> quotes of the book --> chain_compute
 *
 * Only what is not stale is reckoned with: chain_leg.h.
 */
#ifndef AGNI_OPTIONS_CHAIN_VIEW_H
#define AGNI_OPTIONS_CHAIN_VIEW_H

#include "options/chain_leg.h"

struct chain_view {
	uint32_t underlying; /* of the master */
	day_t expiry;
	int64_t expiry_ms;       /* when trading in it ends */
	struct chain_leg spot;   /* row MASTER_NONE: the master does not list it */
	struct chain_leg future; /* of the same expiry */
	struct chain_input in;
	uint64_t seq; /* the highest that went into it; 0: none */
	struct chain_summary summary;
	struct chain_strike strikes[CHAIN_STRIKES_MAX];
	struct chain_leg legs[CHAIN_STRIKES_MAX][2];   /* by enum option_type */
	struct chain_cell cells[CHAIN_STRIKES_MAX][2]; /* by enum option_type */
};

struct chain_query {
	const char *underlying; /* a name, a symbol or an instrument key */
	struct expiry_choice expiry;
	uint32_t around; /* strikes to each side of the money; 0: all */
	/* Which contracts the reader may see; NULL: all. */
	bool (*permits)(const void *arg, const char *key, size_t len);
	const void *permits_arg;
};

/* A view on the heap, to be freed; NULL with the reason in `miss`. `upstream` NULL: nothing is stale. */
struct chain_view *chain_view_make(const struct master *m, const struct chain_query *q,
				   const struct resolve_market *market,
				   const struct upstream_view *upstream, struct resolve_miss *miss);

#endif
