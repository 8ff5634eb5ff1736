/* SPDX-License-Identifier: MIT
 *
 * resolve: from what a trader means ("NIFTY, current expiry, one strike above the money, call") to
 * the instrument; pure functions of the instrument master, the book and an instant.
 *
 * Expiry. A contract is over when the market closes on its day (calendar_expiry_instant): from then
 * on it is never meant. `current` is the first expiry of the kind that is asked for, `next` the one
 * after it, `monthly` the first that the master does not call weekly. Options and futures of an
 * underlying may expire on different days: each has its own `current`.
 *
 * Money. ATM is the listed strike nearest to the underlying's last price, the lower one of two that
 * are equally near; ATM+1 is the next higher listed strike, whatever the distance. Where the
 * underlying itself has no price the future of the same expiry (or the next one that has a price)
 * takes its place, and the answer says so. With neither there is no ATM: it is not guessed; nor is it told
 * from a price that is suspect.
 */
#ifndef AGNI_MARKET_RESOLVE_H
#define AGNI_MARKET_RESOLVE_H

#include "market/book.h"
#include "market/master.h"
#include "market/selector.h"

#define RESOLVE_NEAR_MAX 5
#define RESOLVE_LEAVE    0.75 /* as live chains have it */

/* Where prices and the time come from. */
struct resolve_market {
	const struct book *book;
	int64_t now_ms; /* of the market */
	/* Of who follows a selector: the strike that was at the money when it looked last, 0: none yet; it
	 * stays there until the price is RESOLVE_LEAVE of the way to the next one. NULL: the nearest. */
	price_t *middle;
};

/* The price that the money was told from. */
struct resolve_money {
	bool is_known;
	bool is_future; /* of a future, for want of a spot price */
	char key[INST_KEY_MAX + 1];
	double price;   /* rupees */
	int64_t age_ms; /* since its last tick */
};

enum resolve_code {
	RESOLVE_OK,
	RESOLVE_UNKNOWN_UNDERLYING,
	RESOLVE_NO_EXPIRY,
	RESOLVE_NO_STRIKE, /* not listed, or the money is too near to the edge of the list */
	RESOLVE_NO_PRICE,  /* ATM, and the underlying has no price yet */
	RESOLVE_BAD_SELECTOR,
	RESOLVE_NO_MASTER,
	RESOLVE_NO_DERIVATIVES, /* a share or an index without options and futures */
};

/* Why nothing was found, and what comes nearest: names of underlyings, dates or strikes. */
struct resolve_miss {
	enum resolve_code code;
	char text[sizeof(((struct agni_err *)0)->text)];
	unsigned near_n;
	char near[RESOLVE_NEAR_MAX][SELECTOR_NAME_MAX + 1];
};

struct resolve_query {
	const char *underlying; /* a name, a symbol in any case and spacing, or an instrument key */
	enum master_type type;  /* TYPE_FUT, TYPE_CE or TYPE_PE */
	struct expiry_choice expiry;
	struct strike_choice strike; /* of one strike; not looked at for a future */
};

struct resolved {
	uint32_t row;
	day_t expiry;
	struct resolve_money money; /* known when the strike was told from ATM */
};

/* "unknown_underlying", "no_expiry", ... */
const char *resolve_code_text(enum resolve_code code);

/* One contract. False with the reason in `miss`. */
bool resolve_one(const struct master *m, const struct resolve_query *q,
		 const struct resolve_market *market, struct resolved *out,
		 struct resolve_miss *miss);

typedef void resolve_each_fn(void *arg, uint32_t row);

/* Every contract that a selector means, by strike, the call first. Strikes beyond the edge of what
 * is listed are left out as long as one remains. Returns how many; 0 with the reason in `miss`. */
unsigned resolve_selector(const struct master *m, const struct selector *s,
			  const struct resolve_market *market, resolve_each_fn *fn, void *arg,
			  struct resolve_miss *miss);

/* An underlying by name, symbol or instrument key (NSE before the others), or MASTER_NONE. */
uint32_t resolve_underlying(const struct master *m, const char *name);

/* The row of an index or equity by name, symbol, ISIN or instrument key, or MASTER_NONE; `type` is
 * TYPE_INDEX or TYPE_EQ. Walks the table, some hundred microseconds. */
uint32_t resolve_plain(const struct master *m, const char *name, enum master_type type);

/* What is said of a name that nothing has. */
void resolve_unknown(const struct master *m, const char *name, struct resolve_miss *miss);

/* The key of the instrument whose price tells where the money of contracts of this expiry is: the underlying itself,
 * or, where the master names none (currencies), the first future that is not over before; NULL: there is none. */
const char *resolve_money_key(const struct master *m, uint32_t underlying, day_t expiry);

/* How much of what is listed for an underlying, by name, may be seen: none of it (an unknown one, too), some, or all
 * of its contracts. Who sees the underlying alone sees some. */
enum resolve_sight { SIGHT_NOTHING, SIGHT_SOME, SIGHT_ALL };
typedef bool resolve_permits_fn(const void *arg, const char *key, size_t len);
enum resolve_sight resolve_sight(const struct master *m, const char *name,
				 resolve_permits_fn *permits, const void *arg);

/* What is said of a name that no underlying has: a share or an index may have it. */
void resolve_no_underlying(const struct master *m, const char *name, struct resolve_miss *miss);

/* The row of the underlying itself, or MASTER_NONE when the master does not list it. */
uint32_t resolve_underlying_row(const struct master *m, uint32_t underlying);

/* The expiry that is meant for contracts of `type` (TYPE_OTHER: any); 0 when there is none. */
day_t resolve_expiry(const struct master *m, uint32_t underlying, enum master_type type,
		     const struct expiry_choice *choice, int64_t now_ms);

/* The first day whose contracts are not over yet. */
day_t resolve_first_day(int64_t now_ms);

#endif
