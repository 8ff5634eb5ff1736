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
	day_t prev_session;      /* that changes of open interest are against; 0: of none */
	int64_t expiry_ms;       /* when trading in it ends */
	struct chain_leg spot;   /* row MASTER_NONE: the master does not list it */
	struct chain_leg future; /* of the same expiry */
	int64_t now_ms;          /* market time that it was reckoned at */
	struct chain_input in;
	uint64_t seq; /* the highest of what counts in it now; 0: nothing does */
	struct chain_summary summary;
	struct chain_strike strikes[CHAIN_STRIKES_MAX];
	struct chain_leg legs[CHAIN_STRIKES_MAX][2];   /* by enum option_type */
	struct chain_cell cells[CHAIN_STRIKES_MAX][2]; /* by enum option_type */
};

/* Which strikes: those from..to that are multiples of `step` away from `from`, where `to` is above 0;
 * else `around` to each side of the money, or of where it was last (a stale price chooses what is shown,
 * and is not reckoned with), all where that is not known; else all. */
struct chain_strikes {
	uint32_t around;
	price_t from, to, step; /* 1/10000 rupee; step 0: every one that is listed */
};

struct chain_query {
	const char *underlying; /* a name, a symbol or an instrument key */
	struct expiry_choice expiry;
	struct chain_strikes strikes;
};

/* A view on the heap, to be freed; NULL with the reason in `miss`. */
struct chain_view *chain_view_make(const struct chain_source *s, const struct chain_query *q,
				   struct resolve_miss *miss);

/* --- its steps, for who keeps one (chain_live.h) ------------------------------------------------ */

/* Which contracts, all or those of the band; `v` is zeroed. False with the reason in `miss`. */
bool chain_view_list(const struct chain_source *s, const struct chain_query *q,
		     struct chain_view *v, struct resolve_miss *miss);

/* Leaves so many strikes to each side of the one nearest to `level`. */
void chain_view_keep(struct chain_view *v, double level, uint32_t around);

/* Where the money is: the spot, or else the future, or else what all the quotes say; 0: nowhere. */
double chain_view_money(const struct chain_source *s, struct chain_view *v);

/* Takes every quote. */
void chain_view_quote(const struct chain_source *s, struct chain_view *v);

/* The figures, at the market's time of `s`. */
void chain_view_compute(const struct chain_source *s, struct chain_view *v);

#endif
