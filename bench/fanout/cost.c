/* SPDX-License-Identifier: MIT
 *
 * cost: CPU of the server per delivered tick, by clients, ticks a turn and bytes.
 */
#include <stdio.h>

#include "../test/lib/tls_files.h"
#include "fanout/series.h"

#define WINDOW_NS   (400 * NS_PER_MS)
#define CELL_VIEW   50   /* instruments of a client, when a turn has fewer */
#define BAR_CLIENTS 1000 /* the bars hold for so many, with one view, MESSAGE_SMALL */
#define TLS_CLIENTS 100

/* Microseconds of a turn per client, roughly, to choose beat and window by. */
static double guess_us(enum contender who, unsigned ticks, unsigned message)
{
	if (who == NAIVE || who == NODE_WS)
		return 12.0 * ticks;
	return 6 + 0.0003 * ticks * message;
}

struct plan cell_plan(enum contender who, unsigned clients, unsigned ticks, unsigned message)
{
	struct plan p = {.who = who, .clients = clients, .ticks = ticks, .message = message};
	uint64_t turn_ns = (uint64_t)(1e3 * guess_us(who, ticks, message) * clients);

	/* The same beat for all, at which the limit has a third of its core to spare. */
	p.period_ns = (uint64_t)(1.5e3 * guess_us(LIMIT, ticks, message) * clients);
	p.period_ns = (p.period_ns / NS_PER_MS + 1) * NS_PER_MS;
	turn_ns = turn_ns > p.period_ns ? turn_ns : p.period_ns;
	p.turns = (unsigned)(WINDOW_NS / turn_ns);
	p.turns = p.turns < 3 ? 3 : p.turns;
	p.warm = p.turns / 4 + 1;
	p.instruments = p.view = ticks > CELL_VIEW ? ticks : CELL_VIEW;
	return p;
}

static double bar_of(unsigned ticks)
{
	return ticks == 1 ? 1.15 : ticks == 32 ? 1.2 : ticks == 256 ? 1.3 : 0;
}

static void print_row(const struct series *s, bool has_bar, unsigned ticks)
{
	double r = series_ratio(s, AGNIDATA, LIMIT, FIELD(us_per_tick));

	for (enum contender who = 0; who < CONTENDERS; who++) {
		if (series_has(s, who))
			printf(" %8.3f", series_figure(s, who, FIELD(us_per_tick)));
		else
			printf("        -");
	}
	if (has_bar && bar_of(ticks) > 0)
		printf("   %-24s", bar_at_most(r, bar_of(ticks)));
	else
		printf("   %-24.2f", r);
	r = series_ratio(s, NAIVE, AGNIDATA, FIELD(us_per_tick));
	if (has_bar && ticks == 1)
		printf("%s", bar_at_least(r, 2));
	else if (r > 0)
		printf("%.2f", r);
	if (series_figure(s, LIMIT, FIELD(crowd_percent)) > BUSY_PERCENT)
		printf("  (the clients' core is busy)");
	printf("\n");
}

static void cell(unsigned clients, unsigned ticks, unsigned message)
{
	bool has_bar = clients == BAR_CLIENTS && message == MESSAGE_SMALL;
	/* Those that pay per message take seconds for a turn of many. */
	bool has_slow = clients <= BAR_CLIENTS && ticks <= 32;
	struct plan plans[CONTENDERS] = {0};
	struct series s;

	clients = lab_clients(clients);
	for (enum contender who = 0; who < CONTENDERS; who++) {
		if (has_slow || who == LIMIT || who == AGNIDATA)
			plans[who] = cell_plan(who, clients, ticks, message);
	}
	s = series_run(plans, false);
	printf("%6u %7u %6u", message, clients, ticks);
	print_row(&s, has_bar, ticks);
}

void cost_table(void)
{
	static const unsigned bytes[] = {MESSAGE_SMALL, MESSAGE_LARGE};
	static const unsigned clients[] = {100, 1000, 5000};
	static const unsigned ticks[] = {1, 16, 32, 64, 256};
	/* bytes, clients, ticks */
	static const unsigned few[][3] = {
		{MESSAGE_SMALL, 1000, 1}, {MESSAGE_SMALL, 1000, 32}, {MESSAGE_SMALL, 1000, 256},
		{MESSAGE_SMALL, 100, 1},  {MESSAGE_SMALL, 5000, 1},  {MESSAGE_LARGE, 1000, 1},
	};

	printf("\nCPU of the server per delivered tick, us; one view\n bytes clients   turn    "
	       "limit "
	       "   naive       ws agnidata   agnidata : limit        naive : agnidata\n");
	if (!env_is_set("FULL")) {
		for (size_t i = 0; i < ARRAY_LEN(few); i++)
			cell(few[i][1], few[i][2], few[i][0]);
		return;
	}
	for (size_t b = 0; b < ARRAY_LEN(bytes); b++) {
		for (size_t c = 0; c < ARRAY_LEN(clients); c++) {
			for (size_t t = 0; t < ARRAY_LEN(ticks); t++)
				cell(clients[c], ticks[t], bytes[b]);
		}
	}
}

void tls_table(void)
{
	static const unsigned ticks[] = {1, 32};
	struct tls_files files;

	if (!tls_files_make(&files)) {
		printf("\nno openssl command here: nothing over TLS\n");
		return;
	}
	printf("\nThe same over TLS, agnidata, %d bytes, %d clients\n", MESSAGE_SMALL, TLS_CLIENTS);
	for (size_t i = 0; i < ARRAY_LEN(ticks); i++) {
		struct plan plans[CONTENDERS] = {0};
		struct plan *p = &plans[AGNIDATA];
		struct series s;

		*p = cell_plan(AGNIDATA, TLS_CLIENTS, ticks[i], MESSAGE_SMALL);
		snprintf(p->tls_cert, sizeof(p->tls_cert), "%s",
			 tls_files_path(&files, "good.pem"));
		snprintf(p->tls_key, sizeof(p->tls_key), "%s", tls_files_path(&files, "good.key"));
		snprintf(p->tls_ca, sizeof(p->tls_ca), "%s", tls_files_path(&files, "ca.pem"));
		s = series_run(plans, true);
		printf("  %3u a turn                         %8.3f\n", ticks[i],
		       series_figure(&s, AGNIDATA, FIELD(us_per_tick)));
	}
	tls_files_remove(&files);
}
