/* SPDX-License-Identifier: MIT
 *
 * bench_futures: what live futures cost: a tick of what no row follows, one of what a row follows,
 * three months and the spot reckoned from the book, and their text.
 *
 * A tick is a call of book_publish; without a subscriber it is the first line, to be taken from the
 * others.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/stats.h"
#include "options/futures_internal.h"

#define ROUNDS 9
#define TICKS  200000
#define FILLS  20000
#define OTHERS 2000 /* instruments that no row follows */
#define INDEX  "NSE_INDEX|Nifty 50"
#define NOW_MS 1768278600000 /* 2026-01-13 10:00 IST */

struct world {
	struct clock clock;
	struct loop loop;
	struct book book;
	struct tape tape;
	struct interest interest;
	struct master *m;
	struct futures *futures;
	struct futures_live *row;
	inst_id months[FUTURES_MONTHS];
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
	for (int i = 0; i < FUTURES_MONTHS; i++) {
		snprintf(key, sizeof(key), "NSE_FO|%d", 45000 + i);
		must(master_builder_add(
			&b,
			&(struct master_entry){.key = key,
					       .symbol = "NIFTY FUT",
					       .type = "FUT",
					       .underlying = "NIFTY",
					       .underlying_key = INDEX,
					       .tick_paise = 10,
					       .lot_size = 65,
					       .expiry_ms = NOW_MS + (14 + 28 * i) * DAY_MS},
			&err));
	}
	w->m = master_builder_take(&b);
	master_builder_fini(&b);
}

/* A first tick. */
static inst_id say(struct world *w, const char *key, double ltp)
{
	inst_id id = instruments_intern(&w->book.instruments, key, strlen(key));
	struct tick t = {.key = key, .key_len = (uint32_t)strlen(key)};
	struct tick_meta meta = {.ts_ms = NOW_MS};

	t.q.present = QUOTE_LTP | QUOTE_CP | QUOTE_OI | QUOTE_VTT | QUOTE_DEPTH;
	if (!price_from_double(ltp, &t.q.ltp) || !price_from_double(ltp - 100, &t.q.cp) ||
	    !price_from_double(ltp - 1, &t.q.depth[0].bid) ||
	    !price_from_double(ltp + 1, &t.q.depth[0].ask))
		abort();
	t.q.depth_n = 1;
	t.q.oi = 1e7;
	t.q.vtt = 1000000;
	book_publish(&w->book, id, book_merge(&w->book, id, &t, &meta), ++w->seq);
	return id;
}

static void world_make(struct world *w, const struct futures_config *cfg)
{
	char key[32];

	clock_init(&w->clock, CLOCK_FEED);
	clock_see_market(&w->clock, NOW_MS);
	must(loop_init(&w->loop, &w->clock));
	book_init(&w->book, 8192);
	tape_init(&w->tape, 1 << 20);
	interest_init(&w->interest);
	make_master(w);
	say(w, INDEX, 25800);
	for (int i = 0; i < FUTURES_MONTHS; i++) {
		snprintf(key, sizeof(key), "NSE_FO|%d", 45000 + i);
		w->months[i] = say(w, key, 25850 + 120 * i);
	}
	for (int i = 0; i < OTHERS; i++) {
		snprintf(key, sizeof(key), "NSE_EQ|INE%06d", i);
		say(w, key, 100);
	}
	w->futures = futures_create(&(struct futures_deps){.loop = &w->loop,
							   .book = &w->book,
							   .tape = &w->tape,
							   .interest = &w->interest,
							   .cfg = cfg,
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

static double fills_us(struct world *w)
{
	uint64_t before = w->futures->computed;
	double start = stats_cpu_ns(), us;

	for (uint32_t i = 0; i < FILLS; i++) {
		inst_id id = w->months[i % FUTURES_MONTHS];

		w->book.slots[id]->q.oi++;
		book_publish(&w->book, id, w->book.slots[id], ++w->seq);
		futures_live_refresh(w->row);
	}
	us = (stats_cpu_ns() - start) / FILLS / 1000;
	if (w->futures->computed - before != FILLS)
		abort();
	return us;
}

static double texts_us(struct world *w)
{
	double start = stats_cpu_ns();

	for (int i = 0; i < FILLS; i++)
		futures_live_tell(w->row);
	return (stats_cpu_ns() - start) / FILLS / 1000;
}

int main(void)
{
	static char none[] = "";
	const struct futures_config cfg = {.underlyings = none, .rate_bp = 600, .publish_ms = 250};
	static struct world w;
	double bare[ROUNDS], other[ROUNDS], own[ROUNDS], fill[ROUNDS], text[ROUNDS];
	struct agni_err err;
	const char *why;
	inst_id others;

	world_make(&w, &cfg);
	others = w.book.instruments.count - OTHERS;
	for (int i = 0; i < ROUNDS; i++)
		bare[i] = ticks_ns(&w, others, OTHERS);
	must(futures_module(w.futures)->ops->start(futures_module(w.futures), &err));
	w.row = futures_open(w.futures, "NIFTY", NULL, &why);
	if (!w.row || !w.row->view.summary.has_roll)
		abort();
	for (int i = 0; i < ROUNDS; i++) {
		other[i] = ticks_ns(&w, others, OTHERS);
		own[i] = ticks_ns(&w, w.months[0], FUTURES_MONTHS);
		fill[i] = fills_us(&w);
		text[i] = texts_us(&w);
	}
	printf("live futures, medians of %d runs of CPU time\n\n", ROUNDS);
	printf("a tick nobody hears of                     %7.1f ns\n", stats_median(bare, ROUNDS));
	printf("a tick that no row follows                 %7.1f ns\n",
	       stats_median(other, ROUNDS));
	printf("a tick that one follows                    %7.1f ns\n", stats_median(own, ROUNDS));
	printf("three months reckoned from the book        %7.2f us\n", stats_median(fill, ROUNDS));
	printf("their text, %zu bytes                    %7.1f us\n", w.row->text.len,
	       stats_median(text, ROUNDS));
	return 0;
}
