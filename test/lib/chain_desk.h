/* SPDX-License-Identifier: MIT
 *
 * chain_desk: live chains on a market that the test writes: listed_small (listed.h), Tuesday
 * 2026-01-13, an expiry day, at 10:00 on the feed's clock. The first expiry has strikes 25000 to 25400 by
 * 100.
 */
#ifndef AGNI_TEST_CHAIN_DESK_H
#define AGNI_TEST_CHAIN_DESK_H

#include "listed.h"
#include "options/chains.h"
#include "parts.h"

#define DESK_INDEX "NSE_INDEX|Nifty 50"

struct chain_desk {
	struct ws_rig *rig;
	struct market *market;
	struct chains_config cfg;
	struct chains_listing listing; /* what the chains are given */
	struct master *m;
	char dir[64];             /* "": nothing is kept beyond the process */
	struct http_client *http; /* NULL: the broker is not asked for open interest */
	char api_url[64];
	const char *bearer; /* NULL: there is no token */
	struct chains *chains;
};

/* Before chain_desk_open() `cfg` may be changed: no chain is kept, strikes are about the money, one to
 * each side. */
void chain_desk_init(struct chain_desk *d, struct ws_rig *rig, struct market *market);
void chain_desk_open(struct chain_desk *d);

/* Stops the module. */
void chain_desk_close(struct chain_desk *d);
void chain_desk_fini(struct chain_desk *d);

int64_t chain_desk_ms(const char *ist); /* "2026-01-13T10:00:00" */

/* The market's clock, without a tick. */
void chain_desk_at(struct chain_desk *d, const char *ist);

/* The key of a contract of the first expiry. */
const char *chain_desk_key(int strike, bool is_put);

/* One message with one entry, at the market's time; oi < 0: without. */
void chain_desk_say(struct chain_desk *d, const char *key, double ltp, double oi);

#endif
