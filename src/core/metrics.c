/* SPDX-License-Identifier: MIT
 *
 * metrics: see metrics.h.
 */
#include "core/metrics.h"

#include <inttypes.h>

static unsigned bucket_of(uint64_t us)
{
	unsigned b = us <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(us - 1);

	return b < HISTOGRAM_BUCKETS - 1 ? b : HISTOGRAM_BUCKETS - 1;
}

void histogram_add(struct histogram *h, uint64_t us)
{
	h->bucket[bucket_of(us)]++;
	h->count++;
	h->sum_us += us;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (h->count && (double)seen >= q * (double)h->count)
			return (uint64_t)1 << i;
	}
	return 0;
}

static void render_histogram(struct buf *out, const char *module, const char *name,
			     const struct histogram *h)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		buf_printf(out, "agnidata_%s_%s_bucket{le=\"%.6f\"} %" PRIu64 "\n", module, name,
			   (double)((uint64_t)1 << i) / 1e6, seen);
	}
	buf_printf(out, "agnidata_%s_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", module, name, h->count);
	buf_printf(out, "agnidata_%s_%s_sum %.6f\n", module, name, (double)h->sum_us / 1e6);
	buf_printf(out, "agnidata_%s_%s_count %" PRIu64 "\n", module, name, h->count);
}

void metrics_render(struct buf *out, const char *module, const struct metric *table,
		    const void *base)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};

	for (const struct metric *m = table; m && m->name; m++) {
		const char *at = (const char *)base + m->offset;

		buf_printf(out, "# HELP agnidata_%s_%s %s\n# TYPE agnidata_%s_%s %s\n", module,
			   m->name, m->help, module, m->name, types[m->type]);
		if (m->type == METRIC_HISTOGRAM) {
			render_histogram(out, module, m->name,
					 (const struct histogram *)(const void *)at);
		} else {
			uint64_t v;

			memcpy(&v, at, sizeof(v));
			buf_printf(out, "agnidata_%s_%s %" PRIu64 "\n", module, m->name, v);
		}
	}
}
