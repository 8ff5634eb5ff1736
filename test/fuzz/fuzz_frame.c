/* SPDX-License-Identifier: MIT
 *
 * fuzz_frame: any bytes as a FeedResponse. What the scanner takes must keep its promises, and must
 * come out the same after it was encoded and decoded again; protobuf-c must read the encoder's
 * bytes as we do.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../unit/feed_check.h"
#include "upstox/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void claim(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "broken: %s\n", what);
		abort();
	}
}

static void agrees(const char *difference)
{
	claim(!difference, difference);
}

static enum request_mode mode_of(const struct quote *q)
{
	if (q->arm == ARM_LTPC)
		return MODE_LTPC;
	return q->arm == ARM_FIRST_LEVEL ? MODE_OPTION_GREEKS : MODE_FULL_D30;
}

static void invariants(const struct feed_frame *f, const struct tick *t)
{
	const char *start = (const char *)f->bytes;

	claim(t->key >= start && t->key + t->key_len <= start + f->len, "key inside the bytes");
	claim(t->q.depth_n <= DEPTH_MAX && t->q.bars_n <= BARS_MAX, "counts");
	claim(!(t->q.present & QUOTE_BARS) == !t->q.bars_n, "QUOTE_BARS");
	claim(t->q.depth_n == 0 || t->q.present & QUOTE_DEPTH, "QUOTE_DEPTH");
	claim(t->q.arm != ARM_NONE || t->q.present == 0, "something without an arm");
	for (unsigned i = 0; i < t->q.bars_n; i++) {
		claim(memchr(t->q.bars[i].interval, 0, BAR_NAME_MAX), "interval ends");
		claim(t->q.bars[i].interval[0] != 0, "interval is named");
	}
}

/* Encodes `t` alone and reads it again, twice. */
static void round_trip(struct feed_encoder *e, struct buf *out, struct tick *t)
{
	static struct feed_frame f;
	static struct tick again;
	Agni__Feed__Response *r;

	if (t->q.arm == ARM_NONE)
		return;
	t->q.mode = (uint8_t)mode_of(&t->q);
	buf_reset(out);
	feed_encoder_begin(e, FEED_LIVE, 1);
	feed_encoder_add(e, "K", &t->q, mode_of(&t->q));
	feed_encoder_end(e, out);
	claim(feed_frame_scan(&f, out->data, out->len, NULL) == 0, "our own bytes pass");
	claim(feed_frame_next(&f, &again), "our own entry is there");
	claim(again.rejected == 0, "our own numbers pass");
	agrees(quote_differs(&t->q, &again.q));
	r = agni__feed__response__unpack(NULL, out->len, (const uint8_t *)out->data);
	claim(r && r->n_feeds == 1, "protobuf-c takes our bytes");
	agrees(feed_disagrees(r->feeds[0]->value, &again.q));
	unknown_add(&r->base, true);
	buf_reset(out);
	buf_reserve(out, agni__feed__response__get_packed_size(r));
	out->len = agni__feed__response__pack(r, (uint8_t *)out->data);
	unknown_add(&r->base, false);
	agni__feed__response__free_unpacked(r, NULL);
	claim(feed_frame_scan(&f, out->data, out->len, NULL) == 0, "unknown fields pass");
	claim(feed_frame_next(&f, &again), "the entry is there");
	agrees(quote_differs(&t->q, &again.q));
}

static void segment_seen(void *arg, const char *segment, size_t len, int status)
{
	const struct feed_frame *f = arg;
	const char *start = (const char *)f->bytes;

	(void)status;
	claim(segment >= start && segment + len <= start + f->len, "segment inside the bytes");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct feed_frame f; /* reused, as the server does */
	static struct feed_encoder *e;
	static struct buf out;
	static struct tick t;
	uint32_t n = 0, count;

	if (!e)
		e = feed_encoder_create();
	if (feed_frame_scan(&f, data, size, NULL) != 0)
		return 0;
	count = feed_frame_count(&f);
	while (feed_frame_next(&f, &t)) {
		invariants(&f, &t);
		if (n++ < 100)
			round_trip(e, &out, &t);
	}
	claim(n == count, "count");
	feed_info_each(&f, segment_seen, &f);
	return 0;
}
