/* SPDX-License-Identifier: MIT
 *
 * resolve_near: what comes nearest to an expiry or a strike that is not there; see resolve.h.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "market/resolve_internal.h"

static void near_add(struct resolve_miss *miss, const char *text)
{
	if (miss->near_n < RESOLVE_NEAR_MAX)
		snprintf(miss->near[miss->near_n++], sizeof(miss->near[0]), "%s", text);
}

void resolve_near_expiries(const struct master *m, uint32_t underlying, enum master_type type,
			   day_t day, int64_t now_ms, struct resolve_miss *miss)
{
	const struct master_underlying *u = &m->underlyings[underlying];
	day_t near[RESOLVE_NEAR_MAX], first = resolve_first_day(now_ms), last = 0;
	unsigned n = 0;
	char text[IST_TEXT];

	for (uint32_t i = 0; i < u->n; i++) {
		const struct master_row *r = &m->rows[m->contracts[u->first + i]];

		if (r->expiry < first || r->expiry == last || !resolve_is_of_type(r, type))
			continue;
		last = r->expiry;
		if (n == RESOLVE_NEAR_MAX) {
			/* A window of consecutive expiries that slides on while its first is the
			 * farthest. */
			if (abs(r->expiry - day) >= abs(near[0] - day))
				break;
			memmove(near, near + 1, sizeof(near) - sizeof(near[0]));
			n--;
		}
		near[n++] = r->expiry;
	}
	for (unsigned i = 0; i < n; i++)
		near_add(miss, day_format(near[i], text));
}

uint32_t resolve_nearest_strike(const price_t *strikes, uint32_t n, double price)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < n; i++) {
		if (fabs((double)strikes[i] / PRICE_SCALE - price) <
		    fabs((double)strikes[best] / PRICE_SCALE - price))
			best = i;
	}
	return best;
}

void resolve_strike_text(price_t strike, char out[32])
{
	struct buf b = {0};

	buf_price(&b, strike);
	snprintf(out, 32, "%s", buf_cstr(&b));
	buf_fini(&b);
}

void resolve_near_strikes(const price_t *strikes, uint32_t n, double price,
			  struct resolve_miss *miss)
{
	uint32_t at = n ? resolve_nearest_strike(strikes, n, price) : 0;
	uint32_t from = at < RESOLVE_NEAR_MAX / 2 ? 0 : at - RESOLVE_NEAR_MAX / 2;
	char text[32];

	for (uint32_t i = from; i < n && i < from + RESOLVE_NEAR_MAX; i++) {
		resolve_strike_text(strikes[i], text);
		near_add(miss, text);
	}
}
