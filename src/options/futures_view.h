/* SPDX-License-Identifier: MIT
 *
 * futures_view: the futures of one underlying as they stand now: which are listed (the instrument
 * master), what they and the underlying quote (the book), what follows from that (futures_math.h).
 *
 *     underlying --> near, next, far of the master --> quotes of the book --> futures_compute
 *
 * Only what is not stale is reckoned with: chain_leg.h. The months are those of the list, whoever asks:
 * when the near one is not for this reader, the next one stays the next.
 */
#ifndef AGNI_OPTIONS_FUTURES_VIEW_H
#define AGNI_OPTIONS_FUTURES_VIEW_H

#include "options/chain_leg.h"
#include "options/futures_config.h"
#include "options/futures_math.h"

struct futures_contract {
	uint32_t row; /* of the master; MASTER_NONE: no such month is listed */
	day_t expiry;
	int64_t expiry_ms;    /* when trading in it ends */
	struct chain_leg leg; /* row MASTER_NONE: not for this reader */
};

struct futures_view {
	uint32_t underlying; /* of the master */
	int64_t now_ms;      /* of the market, when it was filled */
	struct futures_contract months[FUTURES_MONTHS];
	struct chain_leg spot; /* row MASTER_NONE: not listed, or not for this reader */
	struct futures_input in;
	uint64_t seq; /* the highest that went into it; 0: none */
	struct futures_figures figures[FUTURES_MONTHS];
	struct futures_summary summary;
};

/* The first three expiries that are not over; `underlying` is a name, a symbol or an instrument key.
 * False with the reason in `miss`. */
bool futures_view_list(struct futures_view *v, const struct master *m, const char *underlying,
		       int64_t now_ms, struct resolve_miss *miss);

/* Quotes and figures as of from->market; the view is listed, of the same master. */
void futures_view_fill(struct futures_view *v, const struct chain_source *from,
		       const struct futures_terms *terms);

/* "near", "next", "far" */
const char *futures_month_text(int month);

#endif
