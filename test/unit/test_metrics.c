/* SPDX-License-Identifier: MIT
 *
 * test_metrics: buckets, quantiles, and the text that Prometheus reads.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "core/metrics.h"

struct part {
	int unrelated;
	uint64_t frames;
	uint64_t clients;
	struct histogram lag;
};

static const struct metric part_metrics[] = {
	{"frames_total", "Frames that decoded", METRIC_COUNTER, offsetof(struct part, frames)},
	{"clients", "Clients now", METRIC_GAUGE, offsetof(struct part, clients)},
	{"lag_seconds", "Lag", METRIC_HISTOGRAM, offsetof(struct part, lag)},
	{0},
};

static void test_counters_and_gauges(void **state)
{
	struct part p = {.frames = UINT64_MAX, .clients = 3};
	struct buf out = {0};
	const char *want = "# HELP agnidata_feed_frames_total Frames that decoded\n"
			   "# TYPE agnidata_feed_frames_total counter\n"
			   "agnidata_feed_frames_total 18446744073709551615\n"
			   "# HELP agnidata_feed_clients Clients now\n"
			   "# TYPE agnidata_feed_clients gauge\n"
			   "agnidata_feed_clients 3\n";

	(void)state;
	metrics_render(&out, "feed", part_metrics, &p);
	check(strncmp(buf_cstr(&out), want, strlen(want)) == 0);
	buf_reset(&out);
	metrics_render(&out, "feed", NULL, &p);
	check_i64(out.len, 0);
	buf_fini(&out);
}

static void test_histogram_text(void **state)
{
	struct part p = {0};
	struct buf out = {0};
	const char *text;

	(void)state;
	histogram_add(&p.lag, 1);
	histogram_add(&p.lag, 3);
	histogram_add(&p.lag, UINT64_C(1) << 40);
	metrics_render(&out, "feed", part_metrics, &p);
	text = buf_cstr(&out);
	check(strstr(text, "# TYPE agnidata_feed_lag_seconds histogram\n"));
	check(strstr(text, "agnidata_feed_lag_seconds_bucket{le=\"0.000001\"} 1\n"));
	check(strstr(text, "agnidata_feed_lag_seconds_bucket{le=\"0.000002\"} 1\n"));
	check(strstr(text, "agnidata_feed_lag_seconds_bucket{le=\"0.000004\"} 2\n"));
	check(strstr(text, "agnidata_feed_lag_seconds_bucket{le=\"16.777216\"} 2\n"));
	check(strstr(text, "agnidata_feed_lag_seconds_bucket{le=\"+Inf\"} 3\n"));
	check(strstr(text, "agnidata_feed_lag_seconds_sum 1099511.627780\n"));
	check(strstr(text, "agnidata_feed_lag_seconds_count 3\n"));
	buf_fini(&out);
}

static void test_bucket_borders(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		uint64_t bound = UINT64_C(1) << i;
		struct histogram h = {0};

		histogram_add(&h, bound);
		check_i64(h.bucket[i], 1);
		histogram_add(&h, bound + 1);
		check_i64(h.bucket[i + 1], 1);
	}
	{
		struct histogram h = {0};

		histogram_add(&h, 0);
		histogram_add(&h, UINT64_MAX);
		check_i64(h.bucket[0], 1);
		check_i64(h.bucket[HISTOGRAM_BUCKETS - 1], 1);
	}
}

static void test_quantiles(void **state)
{
	struct histogram h = {0};

	(void)state;
	check_i64(histogram_quantile(&h, 0.5), 0);
	for (int i = 0; i < 99; i++)
		histogram_add(&h, 10);
	histogram_add(&h, 1000);
	check_i64(histogram_quantile(&h, 0.5), 16);
	check_i64(histogram_quantile(&h, 0.99), 16);
	check_i64(histogram_quantile(&h, 0.991), 1024);
	check_i64(histogram_quantile(&h, 1.0), 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters_and_gauges),
		cmocka_unit_test(test_histogram_text),
		cmocka_unit_test(test_bucket_borders),
		cmocka_unit_test(test_quantiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
