/* SPDX-License-Identifier: MIT
 *
 * search: instruments of the master by what a person types.
 *
 * Every word of the query must be found, in any case, in the symbol, the name, the ISIN, the token
 * or the key. The order is the same each time:
 *
 *     1. contracts that are over come last
 *     2. who is exactly what was typed (symbol, ISIN, token, key) first
 *     3. indices, equities, futures, calls, puts, all else
 *     4. a symbol that begins so, a name that begins so, a symbol that holds it, all else
 *     5. expiry, strike, symbol, key
 *
 * It walks the whole table, which takes milliseconds: on a worker, not on the loop.
 */
#ifndef AGNI_MARKET_SEARCH_H
#define AGNI_MARKET_SEARCH_H

#include "market/master.h"

#define SEARCH_QUERY_MAX 64  /* bytes */
#define SEARCH_WORDS_MAX 8   /* more are not looked at */
#define SEARCH_LIMIT_MAX 200 /* rows of an answer */

struct search_query {
	char text[SEARCH_QUERY_MAX + 1]; /* "" = all that the filters let through */
	char type[16];                   /* "INDEX", "EQ", "CE", "SG" ..., in any case; "" = all */
	uint32_t underlying;             /* MASTER_NONE = any */
	day_t expiry;                    /* 0 = any */
	day_t first_day;                 /* contracts that expire before are over */
	unsigned limit;                  /* 1..SEARCH_LIMIT_MAX */
	bool (*permits)(const void *arg, const char *key, size_t len); /* NULL: all */
	const void *permits_arg;
};

struct search_result {
	uint32_t rows[SEARCH_LIMIT_MAX]; /* best first */
	unsigned n;
	uint32_t total; /* that matched */
};

void search_run(const struct master *m, const struct search_query *q, struct search_result *out);

#endif
