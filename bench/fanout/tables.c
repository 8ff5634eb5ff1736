/* SPDX-License-Identifier: MIT
 *
 * tables: everything beside the cost of a tick: its age, clients that come and stay, views of their
 * own, and readers that do not read.
 */
#include <stdio.h>

#include "fanout/series.h"

/* --- the age of a tick ------------------------------------------------------------------------- */

static void print_ages(const char *name, const struct series *s, enum contender who)
{
	printf("  %-34s %8.0f %8.0f %8.0f", name, series_figure(s, who, FIELD(p50)),
	       series_figure(s, who, FIELD(p99)), series_figure(s, who, FIELD(p999)));
	if (series_figure(s, who, FIELD(core_percent)) > BUSY_PERCENT)
		printf("  (its core is busy)");
}

/* Where a turn waits for the one before even at the limit, a ratio tells of the queue alone: then
 * there is no bar. */
static void print_age_bars(const struct series *s, double period_us)
{
	if (series_figure(s, LIMIT, FIELD(p50)) > period_us) {
		printf("   no bar: the limit is late itself, the machine is busy");
		return;
	}
	printf("   p50 : limit %s, p99 %s",
	       bar_at_most(series_ratio(s, AGNIDATA, LIMIT, FIELD(p50)), 1.2),
	       bar_at_most(series_ratio(s, AGNIDATA, LIMIT, FIELD(p99)), 1.35));
}

static void latency_cell(unsigned clients, unsigned ticks_per_s)
{
	struct plan plans[CONTENDERS] = {0};
	struct series s;

	for (enum contender who = 0; who < CONTENDERS; who++) {
		struct plan *p = &plans[who];

		if (who != LIMIT && who != AGNIDATA && !env_is_set("FULL"))
			continue;
		*p = cell_plan(who, clients, 1, MESSAGE_SMALL);
		p->is_paced = p->has_latency = true;
		p->period_ns = NS_PER_S / ticks_per_s;
		p->warm = ticks_per_s / 4;
		p->turns = ticks_per_s * 2;
	}
	s = series_run(plans, false);
	printf(" %u ticks/s to %u clients\n", ticks_per_s, clients);
	for (enum contender who = 0; who < CONTENDERS; who++) {
		if (!series_has(&s, who))
			continue;
		print_ages(contender_name(who), &s, who);
		if (who == AGNIDATA)
			print_age_bars(&s, 1e6 / ticks_per_s);
		printf("\n");
	}
}

void latency_table(void)
{
	printf("\nAge of a tick at the client, us, one tick a turn    p50      p99    p99.9\n");
	latency_cell(100, 1000);
	latency_cell(1000, 100);
}

/* --- clients that come, and stay --------------------------------------------------------------- */

static struct series run_joins(const struct plan *like, bool has_others)
{
	struct plan plans[CONTENDERS] = {0};

	for (enum contender who = 0; who < CONTENDERS; who++) {
		if (who != AGNIDATA && !has_others)
			continue;
		plans[who] = *like;
		plans[who].who = who;
		plans[who].turns = plans[who].warm = 0;
	}
	return series_run(plans, true);
}

void idle_table(void)
{
	struct plan p = cell_plan(LIMIT, lab_clients(1000), 1, MESSAGE_SMALL);
	struct series one = run_joins(&p, true), own;

	p.instruments = 2000;
	own = run_joins(&p, false);
	printf("\nMemory of an idle client, KiB resident, %u clients; agnidata: %u subscriptions "
	       "each\n",
	       p.clients, p.view);
	for (enum contender who = 0; who < AGNIDATA; who++) {
		if (series_has(&one, who))
			printf("  %-34s %8.2f\n", contender_name(who),
			       series_figure(&one, who, FIELD(kib_per_client)));
	}
	printf("  %-38s %s\n", "agnidata, one view",
	       bar_at_most(series_figure(&one, AGNIDATA, FIELD(kib_per_client)), 8));
	printf("  %-38s %s\n", "agnidata, views of their own",
	       bar_at_most(series_figure(&own, AGNIDATA, FIELD(kib_per_client)), 8));
}

void handshake_table(void)
{
	struct plan p = cell_plan(LIMIT, lab_clients(5000), 1, MESSAGE_SMALL);
	struct series s;

	p.view = 0;
	s = run_joins(&p, true);
	printf("\n%u handshakes                            ms   server's CPU, ms\n", p.clients);
	for (enum contender who = 0; who < CONTENDERS; who++) {
		if (!series_has(&s, who))
			continue;
		printf("  %-34s %8.0f %8.0f", contender_name(who),
		       series_figure(&s, who, FIELD(join_ms)),
		       series_figure(&s, who, FIELD(join_cpu_ms)));
		if (who == AGNIDATA)
			printf("   time : naive %s",
			       bar_at_most(series_ratio(&s, AGNIDATA, NAIVE, FIELD(join_ms)), 1.2));
		printf("\n");
	}
}

/* --- views of their own ------------------------------------------------------------------------ */

static void views_row(const char *name, unsigned interval_ms)
{
	struct plan plans[CONTENDERS] = {[AGNIDATA] = {.who = AGNIDATA,
						       .clients = lab_clients(1000),
						       .message = MESSAGE_SMALL,
						       .ticks = 200,
						       .period_ns = 10 * NS_PER_MS,
						       .warm = 50,
						       .turns = 200,
						       .is_paced = true,
						       .instruments = 2000,
						       .view = 50,
						       .interval_ms = interval_ms}};
	struct series s = series_run(plans, true);

	if (!series_has(&s, AGNIDATA)) {
		printf("  %-34s not served\n", name);
		return;
	}
	printf("  %-34s %8.1f %9.0f %9.1f\n", name,
	       series_figure(&s, AGNIDATA, FIELD(core_percent)),
	       series_figure(&s, AGNIDATA, FIELD(ticks_per_s)),
	       100 * series_figure(&s, AGNIDATA, FIELD(conflated)));
}

void views_table(void)
{
	printf("\n1,000 clients, each another 50 of 2,000 instruments, 20,000 ticks/s\n"
	       "                                     %% of a core  quotes/s   %% conflated\n");
	views_row("policy latest", 0);
	views_row("policy interval, 250 ms", 250);
}

/* --- readers that do not read ------------------------------------------------------------------ */

void stuck_table(void)
{
	enum { READERS = 200 };
	/* Places in the series; both are agnidata. */
	const enum contender alone = LIMIT, crowded = AGNIDATA;
	struct plan plans[CONTENDERS] = {0};
	struct plan *p = &plans[alone];
	struct series s;

	*p = cell_plan(AGNIDATA, READERS, 32, MESSAGE_SMALL);
	p->is_paced = p->has_latency = true;
	p->period_ns = 20 * NS_PER_MS;
	p->warm = 60; /* until the sockets of those that are stuck are full */
	p->turns = 100;
	plans[crowded] = *p;
	plans[crowded].clients = lab_clients(READERS + 1000);
	plans[crowded].stuck = plans[crowded].clients - READERS;
	s = series_run(plans, false);
	printf("\n%d readers, 32 ticks a turn, 50 turns/s, age us      p50      p99    p99.9\n",
	       READERS);
	print_ages("agnidata, alone", &s, alone);
	printf("\n");
	print_ages("agnidata, beside 1,000 stuck ones", &s, crowded);
	printf("   p99 : alone %s\n",
	       bar_at_most(series_ratio(&s, crowded, alone, FIELD(p99)), 1.5));
}
