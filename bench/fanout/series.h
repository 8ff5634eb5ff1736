/* SPDX-License-Identifier: MIT
 *
 * series: the rounds of one comparison, and how their figures are told.
 *
 * Within a round the contenders follow each other. A figure is the median of its rounds; a ratio is
 * the median of the rounds' ratios, so that what slows the whole machine for a while slows both of
 * its sides.
 */
#ifndef AGNI_BENCH_SERIES_H
#define AGNI_BENCH_SERIES_H

#include "fanout/fanout.h"

#define ROUNDS_MAX   5
#define BUSY_PERCENT 90 /* of a core: from there on a queue grows, and figures tell of it alone */

struct series {
	int rounds;
	struct outcome o[CONTENDERS][ROUNDS_MAX]; /* is_served false: it did not run */
};

/* Runs what is in `plans`; one with no clients is left out, and so is what this machine has not.
 * QUICK=1: three rounds; else five, and three where few are enough. */
struct series series_run(const struct plan plans[CONTENDERS], bool few);

static inline bool series_has(const struct series *s, enum contender who)
{
	return s->o[who][0].is_served;
}

/* Member of struct outcome. */
#define FIELD(name) offsetof(struct outcome, name)

double series_figure(const struct series *s, enum contender who, size_t field);

/* Of `who` to `base`; 0 when one of them did not run. */
double series_ratio(const struct series *s, enum contender who, enum contender base, size_t field);

/* "1.07 (<= 1.15)", or with MISSED in it; counts the bars. Valid until the next but one. */
const char *bar_at_most(double v, double bar);
const char *bar_at_least(double v, double bar);
void bars_print(void);

bool env_is_set(const char *name);

/* --- the tables -------------------------------------------------------------------------------- */

/* cost.c: the plan of a cell of the table of costs, one view. */
struct plan cell_plan(enum contender who, unsigned clients, unsigned ticks, unsigned message);
void cost_table(void);
void tls_table(void);

/* tables.c */
void latency_table(void);
void idle_table(void);
void handshake_table(void);
void views_table(void);
void stuck_table(void);

#endif
