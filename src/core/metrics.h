/* SPDX-License-Identifier: MIT
 *
 * metrics: counters declared as data.
 *
 * A module keeps plain uint64_t fields, bumps them with ++, and declares beside its structure what
 * they are. /metrics and the dashboard then need no code in the module:
 *
 *     static const struct metric feed_metrics[] = {
 *             {"frames_total", "Frames that decoded", METRIC_COUNTER, offsetof(struct feed,
 * frames)}, {0}};
 *
 * They come out as agnidata_<module>_<name> in the Prometheus text format, version 0.0.4.
 */
#ifndef AGNI_CORE_METRICS_H
#define AGNI_CORE_METRICS_H

#include "core/buf.h"

enum metric_type {
	METRIC_COUNTER,  /* uint64_t, only goes up; name ends in _total */
	METRIC_GAUGE,    /* uint64_t */
	METRIC_HISTOGRAM /* struct histogram */
};

struct metric {
	const char *name; /* NULL ends a table */
	const char *help;
	enum metric_type type;
	size_t offset; /* of the field in the module's structure */
};

/* Powers of two of microseconds, 1 us to 2^24 us (17 s); the last bucket takes the rest. */
#define HISTOGRAM_BUCKETS 26

struct histogram {
	uint64_t bucket[HISTOGRAM_BUCKETS]; /* bucket i: value <= 2^i us */
	uint64_t count;
	uint64_t sum_us;
};

void histogram_add(struct histogram *h, uint64_t us);

/* The upper bound in microseconds of the bucket that holds quantile q in (0, 1]; 0 when empty. */
uint64_t histogram_quantile(const struct histogram *h, double q);

/* Appends one module's table in Prometheus text. `base` is the structure the offsets refer to. */
void metrics_render(struct buf *out, const char *module, const struct metric *table,
		    const void *base);

#endif
