/* SPDX-License-Identifier: MIT
 *
 * near_key: what a mistyped instrument key, or a name in the place of one, was probably meant to be.
 *
 * Nearest first:
 *
 *     1. the key itself, but for case and spaces          nse_index|nifty50
 *     2. the same behind another segment                  NSE|45450
 *     3. symbol, name, ISIN or token in the key's place   NSE_EQ|RELIANCE, RELIANCE
 *     4. a few slips away, of what is no contract         NSE_EQ|RELAINCE
 *
 * Contracts are not looked for by slips: numbers of five digits are all near to each other. Among equals
 * the order is that of a search: indices, equities, futures, calls, puts, all else; contracts that are over
 * last.
 *
 * It walks the whole table, some milliseconds: on a worker, not on the loop.
 */
#ifndef AGNI_MARKET_NEAR_KEY_H
#define AGNI_MARKET_NEAR_KEY_H

#include "market/master.h"
#include "market/selector.h"

#define NEAR_KEYS_MAX 5

struct near_query {
	char text[SELECTOR_TEXT_MAX + 1];
	day_t first_day; /* contracts before are over */
	bool (*permits)(const void *arg, const char *key, size_t len); /* NULL: all */
	const void *permits_arg;
};

struct near_result {
	uint32_t rows[NEAR_KEYS_MAX]; /* nearest first */
	unsigned n;
	bool is_same; /* the first is what the text says, but for case and spaces: no guess */
};

void near_run(const struct master *m, const struct near_query *q, struct near_result *out);

#endif
