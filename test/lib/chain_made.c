/* SPDX-License-Identifier: MIT
 *
 * chain_made: see chain_made.h.
 */
#include "chain_made.h"

#include <math.h>

#define HALF_SPREAD 0.1

double chain_made_iv(double strike)
{
	double k = log(strike / MADE_FORWARD);

	return 0.11 - 0.3 * k + 4 * k * k;
}

void chain_make(struct chain_made *c)
{
	*c = (struct chain_made){.in = {.n = MADE_STRIKES, .t = MADE_T, .spot = MADE_SPOT}};
	c->in.strikes = c->strikes;
	for (int i = 0; i < MADE_STRIKES; i++) {
		struct chain_strike *k = &c->strikes[i];

		k->strike = MADE_LOW + MADE_STEP * i;
		for (int type = OPTION_CALL; type <= OPTION_PUT; type++) {
			struct bsm option = {
				MADE_FORWARD, k->strike, MADE_T, chain_made_iv(k->strike), 0, 0};
			double price = bsm_price(&option, (enum option_type)type);

			k->side[type] = (struct chain_quote){
				.present = CHAIN_LTP | CHAIN_OI | CHAIN_PREV_OI | CHAIN_VOLUME,
				.ltp = price,
				.oi = 1000 * (i + 1) + 100 * type,
				.prev_oi = 900 * (i + 1) + 300 * type,
				.volume = 50000 + 10 * i + type,
			};
			if (price > HALF_SPREAD) {
				k->side[type].present |= CHAIN_BID | CHAIN_ASK;
				k->side[type].bid = price - HALF_SPREAD;
				k->side[type].ask = price + HALF_SPREAD;
			}
		}
	}
}
