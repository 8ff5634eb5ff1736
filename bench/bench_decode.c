/* SPDX-License-Identifier: MIT
 *
 * bench_decode: what a FeedResponse costs to decode, in ns: our scanner against protobuf-c.
 *
 * Three messages of our encoder (one ltpc feed, one full feed, fifty full feeds), and the recorded
 * frames when the data set is there. The two decoders take turns, ROUNDS times, and the median
 * counts, because a shared machine drifts. protobuf-c uses malloc, as its users do. "ours" decodes
 * every entry into a struct tick and adds up prices, so that nothing can be left out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../test/lib/data.h"
#include "../test/lib/quotes.h"
#include "feed.pb-c.h"
#include "lib/stats.h"
#include "upstox/encode.h"

#define ROUNDS      9
#define ROUND_BYTES (8u << 20) /* decoded per round and decoder */

/* Messages one after the other: a little-endian length of four bytes before each. */
struct workload {
	const char *name;
	const char *bytes;
	size_t len;
	uint32_t messages;
};

typedef int64_t decoder(const uint8_t *bytes, size_t len, void *state);

static int64_t ours(const uint8_t *bytes, size_t len, void *state)
{
	struct feed_frame *f = state;
	const struct tick *t;
	int64_t sum = 0;

	if (feed_frame_scan(f, bytes, len, NULL) != 0)
		abort();
	while ((t = feed_frame_lend(f)))
		sum += t->q.ltp;
	return sum;
}

static int64_t protobuf_c(const uint8_t *bytes, size_t len, void *state)
{
	Agni__Feed__Response *r = agni__feed__response__unpack(NULL, len, bytes);
	int64_t sum;

	(void)state;
	if (!r)
		abort();
	sum = (int64_t)r->n_feeds;
	agni__feed__response__free_unpacked(r, NULL);
	return sum;
}

static uint32_t length_at(const char *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return le32toh(n);
}

/* ns per message, over at least ROUND_BYTES. */
static double measure(const struct workload *w, decoder *decode, void *state)
{
	static volatile int64_t sink; /* so that nothing is left out */
	size_t repeat = ROUND_BYTES / w->len + 1;
	double start = stats_cpu_ns();

	for (size_t i = 0; i < repeat; i++) {
		for (const char *p = w->bytes; p < w->bytes + w->len; p += 4 + length_at(p))
			sink = sink + decode((const uint8_t *)p + 4, length_at(p), state);
	}
	return (stats_cpu_ns() - start) / ((double)repeat * w->messages);
}

static void run(const struct workload *w, struct feed_frame *f)
{
	double a[ROUNDS], b[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		a[i] = measure(w, ours, f);
		b[i] = measure(w, protobuf_c, NULL);
	}
	printf("%-34s %8u %9.0f %12.0f %12.0f %7.1f\n", w->name, w->messages,
	       (double)w->len / w->messages - 4, stats_median(a, ROUNDS), stats_median(b, ROUNDS),
	       stats_median(b, ROUNDS) / stats_median(a, ROUNDS));
}

/* ---- messages of our own --------------------------------------------------------------------- */

static void run_own(const char *name, enum request_mode mode, int feeds, struct feed_frame *f)
{
	struct feed_encoder *e = feed_encoder_create();
	struct quote q;
	struct workload w = {.name = name, .messages = 1};
	char keys[50][16];
	struct buf b = {0};
	uint32_t n;

	quote_make_up(&q, 0);
	feed_encoder_begin(e, FEED_LIVE, 1763529366700);
	for (int i = 0; i < feeds; i++) {
		snprintf(keys[i], sizeof(keys[i]), "BSE_FO|%d", 1127928 + i);
		feed_encoder_add(e, keys[i], &q, mode);
	}
	buf_append(&b, "....", 4);
	feed_encoder_end(e, &b);
	n = htole32((uint32_t)b.len - 4);
	memcpy(b.data, &n, sizeof(n));
	w.bytes = b.data;
	w.len = b.len;
	run(&w, f);
	feed_encoder_destroy(e);
	buf_fini(&b);
}

static void run_recorded(const char *relative, struct feed_frame *f)
{
	struct workload w = {.name = strrchr(relative, '/') + 1};
	char *bytes = data_read(relative, &w.len);

	if (!bytes)
		return;
	w.bytes = bytes;
	for (const char *p = w.bytes; p < w.bytes + w.len; p += 4 + length_at(p))
		w.messages++;
	run(&w, f);
	free(bytes);
}

int main(void)
{
	struct feed_frame f = {0};

	printf("decoding a FeedResponse, ns of CPU: median of %d interleaved runs\n\n", ROUNDS);
	printf("%-34s %8s %9s %12s %12s %7s\n", "", "messages", "bytes", "ours ns", "protobuf-c",
	       "ratio");
	run_own("1 ltpc feed", MODE_LTPC, 1, &f);
	run_own("1 full feed", MODE_FULL_D5, 1, &f);
	run_own("50 full feeds", MODE_FULL_D5, 50, &f);
	run_recorded("ticks/upstox_frames_20260123_a.pbs", &f);
	run_recorded("ticks/upstox_banknifty_opt_20251215_first20k.pbs.gz", &f);
	feed_frame_fini(&f);
	return 0;
}
