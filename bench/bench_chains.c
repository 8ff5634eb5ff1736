/* SPDX-License-Identifier: MIT
 *
 * bench_chains: what live chains cost: a tick that is in none of them, one that is in one, a turn
 * that reckons the 34 contracts of NIFTY anew, and the text that is made of them.
 *
 * A tick is a call of book_publish; without a subscriber it is the first line, to be taken from the
 * others. The chain is that of chain_made.h: a smile with depth, open interest and volume.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../test/lib/chain_made.h"
#include "lib/stats.h"
#include "options/chains_internal.h"

#define ROUNDS 9
#define TICKS  200000
#define TURNS  5000
#define TEXTS  1000
#define OTHERS 2000 /* instruments that are in no chain */
#define INDEX  "NSE_INDEX|Nifty 50"
#define NOW_MS 1768278600000 /* 2026-01-13 10:00 IST */

struct world {
	struct clock clock;
	struct loop loop;
	struct book book;
	struct tape tape;
	struct interest interest;
	struct master *m;
	struct chains *chains;
	struct chain_live *chain;
	inst_id contracts[2 * MADE_STRIKES];
	uint64_t seq;
};

static struct chains_listing listing(const void *arg)
{
	return (struct chains_listing){((const struct world *)arg)->m, 1};
}

static void must(int rc)
{
	if (rc < 0)
		abort();
}

static void make_master(struct world *w)
{
	struct master_builder b;
	struct agni_err err;
	char key[32];

	master_builder_init(&b);
	must(master_builder_add(
		&b,
		&(struct master_entry){
			.key = INDEX, .symbol = "NIFTY", .name = "Nifty 50", .type = "INDEX"},
		&err));
	for (int i = 0; i < 2 * MADE_STRIKES; i++) {
		snprintf(key, sizeof(key), "NSE_FO|%d", 45000 + i);
		must(master_builder_add(
			&b,
			&(struct master_entry){.key = key,
					       .symbol = key,
					       .type = i % 2 ? "PE" : "CE",
					       .underlying = "NIFTY",
					       .underlying_key = INDEX,
					       .strike = MADE_LOW + i / 2 * MADE_STEP,
					       .tick_paise = 5,
					       .lot_size = 65,
					       .expiry_ms = NOW_MS + 3 * DAY_MS,
					       .is_weekly = true},
			&err));
	}
	w->m = master_builder_take(&b);
	master_builder_fini(&b);
}

/* As the exchange quotes. */
static price_t to_tick(double rupees)
{
	price_t p;

	if (!price_from_double(rint(rupees * 20) / 20, &p))
		abort();
	return p;
}

/* A first tick of everything. */
static inst_id say(struct world *w, const char *key, const struct chain_quote *q)
{
	inst_id id = instruments_intern(&w->book.instruments, key, strlen(key));
	struct tick t = {.key = key, .key_len = (uint32_t)strlen(key)};
	struct tick_meta meta = {.ts_ms = NOW_MS};

	t.q.present = QUOTE_LTP | QUOTE_OI | QUOTE_VTT;
	t.q.ltp = to_tick(q->ltp);
	t.q.oi = (double)q->oi;
	t.q.vtt = q->volume;
	if (q->present & CHAIN_BID) {
		t.q.present |= QUOTE_DEPTH;
		t.q.depth_n = 1;
		t.q.depth[0].bid = to_tick(q->bid);
		t.q.depth[0].ask = to_tick(q->ask);
	}
	book_publish(&w->book, id, book_merge(&w->book, id, &t, &meta), ++w->seq);
	return id;
}

static void world_make(struct world *w, const struct chains_config *cfg)
{
	struct chain_made made;
	char key[32];

	clock_init(&w->clock, CLOCK_FEED);
	clock_see_market(&w->clock, NOW_MS);
	must(loop_init(&w->loop, &w->clock));
	book_init(&w->book, 8192);
	tape_init(&w->tape, 1 << 20);
	interest_init(&w->interest);
	make_master(w);
	chain_make(&made);
	say(w, INDEX, &(struct chain_quote){.ltp = MADE_SPOT});
	for (int i = 0; i < 2 * MADE_STRIKES; i++) {
		snprintf(key, sizeof(key), "NSE_FO|%d", 45000 + i);
		w->contracts[i] = say(w, key, &made.strikes[i / 2].side[i % 2]);
	}
	for (int i = 0; i < OTHERS; i++) {
		snprintf(key, sizeof(key), "NSE_EQ|INE%06d", i);
		say(w, key, &(struct chain_quote){.ltp = 100});
	}
	w->chains = chains_create(&(struct chains_deps){.loop = &w->loop,
							.book = &w->book,
							.tape = &w->tape,
							.interest = &w->interest,
							.cfg = cfg,
							.dir = "/nonexistent",
							.listing = listing,
							.arg = w});
}

static double ticks_ns(struct world *w, inst_id first, uint32_t n)
{
	double start = stats_cpu_ns();

	for (uint32_t i = 0; i < TICKS; i++) {
		inst_id id = first + i % n;

		book_publish(&w->book, id, w->book.slots[id], ++w->seq);
	}
	return (stats_cpu_ns() - start) / TICKS;
}

static double turns_us(struct world *w)
{
	uint64_t before = w->chains->computed;
	double start = stats_cpu_ns(), us;

	for (uint32_t i = 0; i < TURNS; i++) {
		inst_id id = w->contracts[i % (2 * MADE_STRIKES)];

		w->book.slots[id]->q.oi++;
		book_publish(&w->book, id, w->book.slots[id], ++w->seq);
		book_turn(&w->book, NOW_MS);
	}
	us = (stats_cpu_ns() - start) / TURNS / 1000;
	if (w->chains->computed - before != TURNS)
		abort();
	return us;
}

static double texts_us(struct world *w)
{
	double start = stats_cpu_ns();

	for (int i = 0; i < TEXTS; i++)
		chain_live_tell(w->chain);
	return (stats_cpu_ns() - start) / TEXTS / 1000;
}

int main(void)
{
	static char none[] = "", band[] = "NIFTY:25400:26200:50";
	const struct chains_config cfg = {
		.chains = none, .bands = band, .around = 8, .publish_ms = 250, .chains_max = 4};
	const struct chain_wish wish = {.underlying = "NIFTY", .each_turn = true};
	static struct world w;
	double bare[ROUNDS], other[ROUNDS], own[ROUNDS], turn[ROUNDS], text[ROUNDS];
	struct agni_err err;
	const char *why;
	inst_id others;

	world_make(&w, &cfg);
	others = w.book.instruments.count - OTHERS;
	for (int i = 0; i < ROUNDS; i++)
		bare[i] = ticks_ns(&w, others, OTHERS);
	must(chains_module(w.chains)->ops->start(chains_module(w.chains), &err));
	w.chain = chains_open(w.chains, &wish, &why);
	if (!w.chain || chain_live_view(w.chain)->in.n != MADE_STRIKES)
		abort();
	for (int i = 0; i < ROUNDS; i++) {
		other[i] = ticks_ns(&w, others, OTHERS);
		own[i] = ticks_ns(&w, w.contracts[0], 2 * MADE_STRIKES);
		turn[i] = turns_us(&w);
		text[i] = texts_us(&w);
	}
	printf("live chains, medians of %d runs of CPU time\n\n", ROUNDS);
	printf("a tick nobody hears of                     %7.1f ns\n", stats_median(bare, ROUNDS));
	printf("a tick that is in no chain                 %7.1f ns\n",
	       stats_median(other, ROUNDS));
	printf("a tick that is in one                      %7.1f ns\n", stats_median(own, ROUNDS));
	printf("a turn: %d contracts reckoned from quotes  %7.2f us\n", 2 * MADE_STRIKES,
	       stats_median(turn, ROUNDS));
	printf("their text, %zu bytes                   %7.1f us\n", w.chain->text.len,
	       stats_median(text, ROUNDS));
	return 0;
}
