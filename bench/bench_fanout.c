/* SPDX-License-Identifier: MIT
 *
 * bench_fanout: what fan-out costs, beside what cannot be gone below and beside what others pay. The
 * story is in fanout/fanout.h; this file only says which tables there are.
 *
 *      bench_fanout                                       all tables
 *      bench_fanout CONTENDER CLIENTS TICKS BYTES [S]     one cell for S seconds, for a profiler
 *
 * QUICK=1: three rounds instead of five. FULL=1: every cell of clients x ticks x bytes, and ages of
 * all contenders. A bar is printed beside the figure that it is for; missing one does not fail the
 * bench, but ticks that did not arrive do. RESULTS.md keeps what came out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fanout/series.h"

static int one_cell(int argc, char **argv)
{
	double seconds = argc > 5 ? atof(argv[5]) : 5;

	for (enum contender who = 0; who < CONTENDERS; who++) {
		struct plan p = cell_plan(who, lab_clients((unsigned)atoi(argv[2])),
					  (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
		struct outcome o;

		if (strcmp(argv[1], contender_name(who)) != 0)
			continue;
		p.turns = (unsigned)(seconds * 1e9 / (double)p.period_ns);
		o = lab_run(&p);
		printf("%.3f us and %.1f bytes of frames a tick, %.0f %% of its core, %.0f %% of "
		       "the clients'\n",
		       o.us_per_tick, o.bytes_per_tick, o.core_percent, o.crowd_percent);
		return 0;
	}
	fprintf(stderr, "no contender %s\n", argv[1]);
	return 2;
}

int main(int argc, char **argv)
{
	const char *why;

	if (argc == 2 && strcmp(argv[1], LAB_SERVE) == 0) {
		lab_serve();
		return 1;
	}
	lab_setup();
	if (argc > 4)
		return one_cell(argc, argv);
	if (!lab_has(NODE_WS, &why))
		printf("ws is left out: %s\n", why);
	cost_table();
	tls_table();
	latency_table();
	idle_table();
	handshake_table();
	views_table();
	stuck_table();
	bars_print();
	return 0;
}
