/* SPDX-License-Identifier: MIT
 *
 * chain_desk: see chain_desk.h.
 */
#include "chain_desk.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static struct chains_listing listing(const void *arg)
{
	return ((const struct chain_desk *)arg)->listing;
}

static const char *bearer(const void *arg)
{
	return ((const struct chain_desk *)arg)->bearer;
}

int64_t chain_desk_ms(const char *ist)
{
	int64_t ms;

	check(ist_parse(ist, strlen(ist), &ms));
	return ms;
}

void chain_desk_at(struct chain_desk *d, const char *ist)
{
	clock_see_market(&d->rig->clock, chain_desk_ms(ist));
}

void chain_desk_init(struct chain_desk *d, struct ws_rig *rig, struct market *market)
{
	*d = (struct chain_desk){.rig = rig, .market = market, .m = listed_small()};
	d->cfg = (struct chains_config){.chains = "",
					.strikes = CHAINS_AUTO,
					.bands = "",
					.around = 1,
					.publish_ms = 50,
					.chains_max = 4};
	d->listing = (struct chains_listing){d->m, 1};
	snprintf(d->dir, sizeof(d->dir), "/tmp/agni-chains-XXXXXX");
	check(mkdtemp(d->dir) != NULL);
	rig->clock.mode = CLOCK_FEED;
	chain_desk_at(d, "2026-01-13T10:00:00");
}

void chain_desk_open(struct chain_desk *d)
{
	d->chains = chains_create(&(struct chains_deps){.loop = &d->rig->loop,
							.book = &d->market->book,
							.tape = &d->market->tape,
							.interest = &d->market->interest,
							.upstream = &d->market->view,
							.cfg = &d->cfg,
							.dir = d->dir[0] ? d->dir : NULL,
							.listing = listing,
							.http = d->http,
							.api_url = d->api_url,
							.bearer = bearer,
							.arg = d});
	module_up(chains_module(d->chains));
}

void chain_desk_close(struct chain_desk *d)
{
	module_down(d->rig, chains_module(d->chains));
	chains_destroy(d->chains);
	d->chains = NULL;
}

void chain_desk_fini(struct chain_desk *d)
{
	char command[128];

	if (d->chains)
		chain_desk_close(d);
	master_release(d->m);
	snprintf(command, sizeof(command), "rm -rf %s", d->dir);
	check_i64(system(command), 0);
}

const char *chain_desk_key(int strike, bool is_put)
{
	static char keys[4][32];
	static unsigned next;
	char *key = keys[next++ % 4];

	snprintf(key, sizeof(keys[0]), "NSE_FO|%d", 100 + (strike - 25000) / 100 * 2 + is_put);
	return key;
}

void chain_desk_say(struct chain_desk *d, const char *key, double ltp, double oi)
{
	struct market *m = d->market;
	inst_id id = instruments_intern(&m->book.instruments, key, strlen(key));
	struct tick_meta meta = {.ts_ms = clock_market_ms(&d->rig->clock),
				 .recv_mono = clock_mono(&d->rig->clock)};
	struct tick tick = {.key = key, .key_len = (uint32_t)strlen(key)};
	struct slot *slot;

	tick.q.arm = ARM_FIRST_LEVEL;
	tick.q.present = QUOTE_LTP | (oi >= 0 ? QUOTE_OI : 0);
	check(price_from_double(ltp, &tick.q.ltp));
	tick.q.oi = oi;
	tape_begin(&m->tape, &meta);
	slot = book_merge(&m->book, id, &tick, &meta);
	book_publish(&m->book, id, slot, tape_append(&m->tape, id, &tick));
	tape_end(&m->tape);
	book_turn(&m->book, meta.ts_ms);
}
