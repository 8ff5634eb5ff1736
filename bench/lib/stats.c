/* SPDX-License-Identifier: MIT
 *
 * stats: see stats.h.
 */
#include "lib/stats.h"

#include <stdlib.h>
#include <time.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double stats_quantile(double *v, size_t n, double share)
{
	size_t at = (size_t)((double)n * share);

	if (n == 0)
		return 0;
	qsort(v, n, sizeof(*v), by_value);
	return v[at < n ? at : n - 1];
}

double stats_median(double *v, size_t n)
{
	return stats_quantile(v, n, 0.5);
}

double stats_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}
