/* SPDX-License-Identifier: MIT
 *
 * chain_made: a chain that obeys its model exactly, for tests and the bench: prices are those of a
 * given smile, open interest and volume follow the strike.
 */
#ifndef AGNI_TEST_CHAIN_MADE_H
#define AGNI_TEST_CHAIN_MADE_H

#include "options/chain_math.h"

#define MADE_STRIKES 17
#define MADE_LOW     25400
#define MADE_STEP    50
#define MADE_FORWARD 25812.5
#define MADE_SPOT    25790.0
#define MADE_T       (3.25 / 365)

struct chain_made {
	struct chain_strike strikes[MADE_STRIKES];
	struct chain_cell cells[MADE_STRIKES][2];
	struct chain_input in;
};

/* The smile: 11 % at the forward, 0.3 points more per per cent below, and curved. */
double chain_made_iv(double strike);

/* 25400 to 26200, as many as the broker's account is for: 34 contracts. Bid and ask are 0.1 about
 * the price where that is above 0.1; ltp is the price. No future. */
void chain_make(struct chain_made *c);

#endif
