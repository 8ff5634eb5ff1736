/* SPDX-License-Identifier: MIT
 *
 * stats: what every benchmark does with its figures. Runs of what is compared take turns, and the
 * median counts: a shared machine drifts.
 */
#ifndef AGNI_BENCH_STATS_H
#define AGNI_BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

/* Both sort `v`. `share` 0.5 is the median, 0.99 the 99th percentile; 0 without values. */
double stats_quantile(double *v, size_t n, double share);
double stats_median(double *v, size_t n);

/* CPU time of this process, user and system: the same on a machine with other work. */
double stats_cpu_ns(void);

#endif
