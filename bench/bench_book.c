/* SPDX-License-Identifier: MIT
 *
 * bench_book: what one tick costs from the message's bytes to the published slot, in nanoseconds,
 * on messages of the shape that the broker sends (8 full feeds each), against the same messages
 * only decoded, and against protobuf-c unpacking them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../test/lib/quotes.h"
#include "feed.pb-c.h"

#include "lib/stats.h"
#include "market/bars.h"
#include "market/quote_json.h"
#include "tape/tape.h"
#include "upstox/encode.h"

#define KEYS     36
#define PER_MSG  8
#define MESSAGES 512
#define ROUNDS   9

struct world {
	struct book book;
	struct tape tape;
	struct buf bytes[MESSAGES];
	struct book_subscriber subscriber;
	struct bars bars;
	struct slot *slots; /* KEYS of them: states whose trades go on */
	uint64_t seen;
};

static void on_tick(struct book_subscriber *s, inst_id id, const struct slot *slot)
{
	struct world *w = container_of(s, struct world, subscriber);

	w->seen += id + slot->seq;
}

static void make_messages(struct world *w)
{
	struct feed_encoder *e = feed_encoder_create();
	struct quote q[PER_MSG];
	char keys[PER_MSG][32];

	for (unsigned m = 0; m < MESSAGES; m++) {
		feed_encoder_begin(e, FEED_LIVE, 1769160568772 + m);
		for (unsigned i = 0; i < PER_MSG; i++) {
			quote_make_up(&q[i], m * PER_MSG + i);
			snprintf(keys[i], sizeof(keys[i]), "NSE_FO|%u", 58600 + (m * 5 + i) % KEYS);
			feed_encoder_add(e, keys[i], &q[i], MODE_FULL_D5);
		}
		feed_encoder_end(e, &w->bytes[m]);
	}
	feed_encoder_destroy(e);
}

/* Only the decoder. */
static void run_decode(struct world *w, struct feed_frame *f)
{
	const struct tick *tick;

	for (unsigned m = 0; m < MESSAGES; m++) {
		if (feed_frame_scan(f, w->bytes[m].data, w->bytes[m].len, NULL) < 0)
			abort();
		while ((tick = feed_frame_lend(f)))
			w->seen += tick->key_len;
	}
}

/* The way of a tick, as feed/apply.c goes it. */
static void run_book(struct world *w, struct feed_frame *f)
{
	const struct tick *tick;

	for (unsigned m = 0; m < MESSAGES; m++) {
		struct tick_meta meta = {.recv_ms = 1, .recv_mono = 1};

		if (feed_frame_scan(f, w->bytes[m].data, w->bytes[m].len, NULL) < 0)
			abort();
		meta.ts_ms = f->current_ts;
		tape_begin(&w->tape, &meta);
		while ((tick = feed_frame_lend(f))) {
			inst_id id =
				instruments_intern(&w->book.instruments, tick->key, tick->key_len);
			struct slot *slot = book_merge(&w->book, id, tick, &meta);

			book_publish(&w->book, id, slot, tape_append(&w->tape, id, tick));
		}
		tape_end(&w->tape);
		book_turn(&w->book, meta.ts_ms);
	}
}

static void bars_up(struct world *w)
{
	const struct bars_config cfg = {
		.keep_seconds = 300, .keep_minutes = 900, .amend_ms = 60000, .grace_ms = 1000};

	bars_init(&w->bars, &w->book.instruments, &cfg);
	w->slots = mem_zalloc(KEYS * sizeof(*w->slots));
	for (inst_id id = 0; id < KEYS; id++) {
		const struct slot *slot = book_slot(&w->book, id);

		w->slots[id] = *slot;
		w->slots[id].flags = 0;
	}
}

/* Every tick tells a new trade: what bars cost at most. */
static void run_bars(struct world *w)
{
	for (unsigned i = 0; i < MESSAGES * PER_MSG; i++) {
		inst_id id = i % KEYS;
		struct slot *slot = &w->slots[id];

		slot->ts_ms += 500;
		slot->q.ltt = slot->ts_ms - 60;
		slot->q.vtt += 65;
		bars_tick(&w->bars, id, slot);
	}
	w->seen += w->bars.trades;
}

static void run_protobuf_c(struct world *w)
{
	for (unsigned m = 0; m < MESSAGES; m++) {
		Agni__Feed__Response *r = agni__feed__response__unpack(
			NULL, w->bytes[m].len, (const uint8_t *)w->bytes[m].data);

		if (!r)
			abort();
		w->seen += r->base.descriptor != NULL;
		agni__feed__response__free_unpacked(r, NULL);
	}
}

static void run_json(struct world *w, struct buf *out)
{
	for (unsigned i = 0; i < MESSAGES * PER_MSG; i++) {
		inst_id id = i % w->book.instruments.count;

		buf_reset(out);
		quote_json(out, instruments_key(&w->book.instruments, id), book_slot(&w->book, id),
			   VIEW_FULL);
		w->seen += out->len;
	}
}

int main(void)
{
	struct world *w = mem_zalloc(sizeof(*w));
	struct feed_frame f = {0};
	struct buf out = {0};
	double t[5][ROUNDS];
	const double ticks = MESSAGES * PER_MSG;

	book_init(&w->book, 1024);
	tape_init(&w->tape, 1 << 18);
	w->subscriber.on_tick = on_tick;
	book_subscribe(&w->book, &w->subscriber);
	make_messages(w);
	run_book(w, &f);
	bars_up(w);
	for (int r = 0; r < ROUNDS; r++) { /* interleaved: all meet the same noise */
		double t0 = stats_cpu_ns(), t1, t2, t3, t4, t5;

		run_decode(w, &f);
		t1 = stats_cpu_ns();
		run_book(w, &f);
		t2 = stats_cpu_ns();
		run_protobuf_c(w);
		t3 = stats_cpu_ns();
		run_json(w, &out);
		t4 = stats_cpu_ns();
		run_bars(w);
		t5 = stats_cpu_ns();
		t[0][r] = (t1 - t0) / ticks;
		t[1][r] = (t2 - t1) / ticks;
		t[2][r] = (t3 - t2) / ticks;
		t[3][r] = (t4 - t3) / ticks;
		t[4][r] = (t5 - t4) / ticks;
	}
	printf("per tick, ns of CPU, median of %d rounds; messages of %d full feeds, %zu bytes "
	       "each\n",
	       ROUNDS, PER_MSG, w->bytes[0].len);
	printf("  decode, our scanner                     %7.0f\n", stats_median(t[0], ROUNDS));
	printf("  decode, protobuf-c (malloc), compared   %7.0f\n", stats_median(t[2], ROUNDS));
	printf("  decode, merge, tape, publish            %7.0f\n", stats_median(t[1], ROUNDS));
	printf("  bars of a second and of a minute        %7.0f\n", stats_median(t[4], ROUNDS));
	printf("  quote as JSON, mode full                %7.0f\n", stats_median(t[3], ROUNDS));
	return w->seen == 0;
}
