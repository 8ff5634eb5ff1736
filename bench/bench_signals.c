/* SPDX-License-Identifier: MIT
 *
 * bench_signals: what the judge adds to each tick and what a rule costs, in nanoseconds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../test/lib/quotes.h"
#include "lib/stats.h"
#include "signals/quarantine.h"
#include "signals/rules.h"

#define KEYS   36
#define ROUNDS 9
#define N      200000
#define T0     1769160568604 /* 2026-01-23T14:59:28 IST */

static struct book book;
static struct quarantine_state states[KEYS];
static struct contract contracts[KEYS];
static struct rule_state rule_states[KEYS];
static struct quote quotes[64];
static uint64_t sink;

static void make(void)
{
	struct tick_meta meta = {.ts_ms = T0};
	char key[32];

	book_init(&book, 64);
	for (unsigned i = 0; i < KEYS; i++) {
		struct tick t = {.key = key};

		snprintf(key, sizeof(key), "NSE_FO|%u", 58600 + i);
		quote_make_up(&t.q, i);
		if (i < 2) { /* the underlying and its future */
			t.q.ltp = 250000000;
			t.q.depth[0] = (struct depth_row){65, 249995000, 250005000, 65};
		}
		book_publish(&book, i,
			     book_merge(&book,
					instruments_intern(&book.instruments, key, strlen(key)), &t,
					&meta),
			     i + 1);
		contracts[i] = (struct contract){.kind = CONTRACT_OPTION,
						 .strike = 25000,
						 .expiry_ms = T0 + 7 * DAY_MS,
						 .underlying = 0,
						 .future = 1,
						 .future_ms = T0 + 14 * DAY_MS};
	}
	for (unsigned i = 0; i < 64; i++)
		quote_make_up(&quotes[i], i);
}

static void run_judge(bool is_option)
{
	for (unsigned n = 0; n < N; n++) {
		unsigned i = 2 + n % (KEYS - 2);
		const struct slot *slot = book_slot(&book, i);
		struct quarantine_tick t = {.q = &slot->q,
					    .said = &quotes[n % 64],
					    .ts_ms = T0 + n / 64,
					    .contract = is_option ? &contracts[i] : NULL};

		if (is_option)
			t.level = contract_level(&book, t.contract, T0, 5000);
		sink += quarantine_judge(&states[i], &t);
	}
}

static void run_rule(enum rule_kind kind)
{
	const struct rule_limits limits = {.change_pct = 1,
					   .rearm = 0.7,
					   .window_ms = 60000,
					   .noise = 4,
					   .premium_window_ms = 60000,
					   .premium_pct = 5,
					   .iv_points = 0.5,
					   .oi_pct = 0.5};

	for (unsigned n = 0; n < N; n++) {
		unsigned i = 2 + n % (KEYS - 2);
		struct observation o = {.q = &book_slot(&book, i)->q,
					.ms = T0 + n / 8,
					.contract = &contracts[i],
					.level = {LEVEL_FUTURE, 25010, 25000}};
		struct finding f = {0};

		sink += rule_of(kind)->look(&limits, &o, &rule_states[i], &f);
	}
}

int main(void)
{
	double took[2 + RULES][ROUNDS];

	make();
	for (int r = 0; r < ROUNDS; r++) {
		for (int i = 0; i < 2 + RULES; i++) {
			double from = stats_cpu_ns();

			if (i < 2)
				run_judge(i == 1);
			else
				run_rule((enum rule_kind)(i - 2));
			took[i][r] = (stats_cpu_ns() - from) / N;
		}
	}
	printf("judge a tick                %6.1f ns\n", stats_median(took[0], ROUNDS));
	printf("judge an option's tick      %6.1f ns, its forward from spot and future included\n",
	       stats_median(took[1], ROUNDS));
	for (int i = 0; i < RULES; i++)
		printf("look: %-20s  %6.1f ns\n", rule_of((enum rule_kind)i)->name,
		       stats_median(took[2 + i], ROUNDS));
	book_fini(&book);
	return sink == 1;
}
