/* SPDX-License-Identifier: MIT
 *
 * resolve_internal: what resolve.c, resolve_near.c and underlying.c share.
 */
#ifndef AGNI_MARKET_RESOLVE_INTERNAL_H
#define AGNI_MARKET_RESOLVE_INTERNAL_H

#include "market/resolve.h"

/* The symbols that come nearest to a name that nothing has; returns how many. */
unsigned resolve_near_names(const struct master *m, const char *name,
			    char near[RESOLVE_NEAR_MAX][SELECTOR_NAME_MAX + 1]);

/* The expiries that are left, the nearest to `day` among them. */
void resolve_near_expiries(const struct master *m, uint32_t underlying, enum master_type type,
			   day_t day, int64_t now_ms, struct resolve_miss *miss);

/* Strikes about a price, in order; `strikes` is sorted. */
void resolve_near_strikes(const price_t *strikes, uint32_t n, double price,
			  struct resolve_miss *miss);

/* The index of the strike nearest to `price`; of two the lower one. n > 0. */
uint32_t resolve_nearest_strike(const price_t *strikes, uint32_t n, double price);

/* "25400", "652.5" */
void resolve_strike_text(price_t strike, char out[32]);

/* TYPE_OTHER stands for any. */
static inline bool resolve_is_of_type(const struct master_row *r, enum master_type type)
{
	return type == TYPE_OTHER || r->type == type;
}

static inline const struct master_row *row_at(const struct master *m, uint32_t row)
{
	return &m->rows[row];
}

#endif
