/* SPDX-License-Identifier: MIT
 *
 * replay: see replay.h.
 *
 * The end is known by counting: the simulated exchange has played its last message, and the feed has
 * received as many as were sent. Where a connection broke in between, the counts never meet; then
 * the replay ends when nothing has come for some seconds, and says that it is not complete.
 */
#include "cli/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/ist.h"
#include "http/hash.h"
#include "market/bars_view.h"
#include "market/quote_json.h"

#define LOOK_MS      50
#define SILENCE_NS   (5 * NS_PER_S)
#define BAR_WIDTH    30
#define DIGEST_BYTES 65536 /* of text per link of the chain */

struct replay {
	struct module mod;
	struct replay_deps deps;
	uv_timer_t timer;
	struct book_subscriber subscriber;
	struct signals_listener listener;
	mono_ns begin, end, moved;
	uint64_t base_seq; /* of the tape at start: the replay's first tick is number 1 */
	uint64_t ticks, received, turns, bars, signals;
	int64_t first_ms, last_ms; /* market time */
	struct slot shown;         /* scratch */
	struct buf text;
	unsigned char digest[SHA256_BYTES];
	unsigned char signals_digest[SHA256_BYTES]; /* a chain over the signals alone */
	int told;                                   /* tenths that were told where no terminal is */
	bool is_terminal, is_complete, is_stopping;
};

/* --- the hash --------------------------------------------------------------------------------- */

static void digest_text(struct replay *r)
{
	struct buf b = {0};

	buf_append(&b, r->digest, sizeof(r->digest));
	buf_append(&b, r->text.data, r->text.len);
	hash_sha256(b.data, b.len, r->digest);
	buf_fini(&b);
	buf_reset(&r->text);
}

/* What does not depend on when and where it ran. */
static void digest_state(struct replay *r, inst_id id, const struct slot *slot)
{
	r->shown.seq = slot->seq - r->base_seq;
	r->shown.ts_ms = slot->ts_ms;
	r->shown.recv_ms = 0;
	r->shown.suspect = slot->suspect;
	quote_replace(&r->shown.q, &slot->q);
	quote_json(&r->text, instruments_key(&r->deps.book->instruments, id), &r->shown, VIEW_FULL);
	buf_printf(&r->text, "%x\n", slot->flags);
	if (r->text.len >= DIGEST_BYTES)
		digest_text(r);
}

static void on_tick(struct book_subscriber *s, inst_id id, const struct slot *slot)
{
	struct replay *r = container_of(s, struct replay, subscriber);

	if (r->ticks++ == 0)
		r->begin = clock_mono(r->deps.loop->clock);
	digest_state(r, id, slot);
}

static void on_turn(struct book_subscriber *s, int64_t market_ms)
{
	struct replay *r = container_of(s, struct replay, subscriber);

	r->turns++;
	if (!r->first_ms)
		r->first_ms = market_ms;
	if (market_ms > r->last_ms)
		r->last_ms = market_ms;
	buf_printf(&r->text, "turn %lld\n", (long long)market_ms);
}

static void on_signal(struct signals_listener *l, const struct signal *signal)
{
	struct replay *r = container_of(l, struct replay, listener);
	struct signal shown = *signal;
	struct buf b = {0};

	shown.seq -= r->base_seq;
	r->signals++;
	buf_append(&b, r->signals_digest, sizeof(r->signals_digest));
	signal_json(&b, &shown, &r->deps.book->instruments);
	hash_sha256(b.data, b.len, r->signals_digest);
	buf_append(&r->text, b.data + SHA256_BYTES, b.len - SHA256_BYTES);
	buf_byte(&r->text, '\n');
	buf_fini(&b);
}

/* By key, because ids come in the order in which they were asked for. */
static int compare_keys(const void *a, const void *b, void *arg)
{
	const struct instruments *t = arg;
	const inst_id *x = a, *y = b;

	return strcmp(instruments_key(t, *x), instruments_key(t, *y));
}

/* Every bar that is kept, with its state as the recording's last moment shows it. */
static void digest_bars(struct replay *r, inst_id id)
{
	const char *key = instruments_key(&r->deps.book->instruments, id);
	const struct instrument_bars *of = bars_of(r->deps.bars, id);
	struct bar_walk walk;
	struct bar_view v;

	for (int i = 0; of && i < BAR_INTERVALS; i++) {
		buf_printf(&r->text, "bars %s %s\n", bar_interval_text((enum bar_interval)i), key);
		bar_walk_begin(&walk, r->deps.bars, of, key, (enum bar_interval)i, 0, r->last_ms);
		while (bar_walk_next(&walk, &v)) {
			bar_json(&r->text, &v);
			buf_byte(&r->text, '\n');
			r->bars++;
			if (r->text.len >= DIGEST_BYTES)
				digest_text(r);
		}
	}
}

static void digest_end(struct replay *r)
{
	struct book *book = r->deps.book;
	uint32_t n = book->instruments.count;
	inst_id *ids = mem_alloc((n + 1) * sizeof(*ids));

	for (inst_id id = 0; id < n; id++)
		ids[id] = id;
	qsort_r(ids, n, sizeof(*ids), compare_keys, &book->instruments);
	buf_str(&r->text, "state\n");
	for (uint32_t i = 0; i < n; i++) {
		const struct slot *slot = book_slot(book, ids[i]);

		if (slot && slot->seq)
			digest_state(r, ids[i], slot);
	}
	for (uint32_t i = 0; i < n; i++)
		digest_bars(r, ids[i]);
	digest_text(r);
	free(ids);
}

/* --- how far it is ----------------------------------------------------------------------------- */

static double seconds(const struct replay *r)
{
	mono_ns end = r->end ? r->end : clock_mono(r->deps.loop->clock);

	return (double)(end - r->begin) / (double)NS_PER_S;
}

static double rate(const struct replay *r)
{
	double s = seconds(r);

	return s > 0 ? (double)r->ticks / s : 0;
}

static void draw_bar(const struct replay *r, const struct sim_progress *p)
{
	char bar[BAR_WIDTH + 1], text[IST_TEXT];
	int done = p->messages ? (int)(p->played * BAR_WIDTH / p->messages) : BAR_WIDTH;

	for (int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < done ? '=' : ' ';
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r[%s] %3d%%  %.8s  %llu ticks, %.0f a second ", bar,
		p->messages ? (int)(p->played * 100 / p->messages) : 100,
		ist_format(p->market_ms, text) + 11, (unsigned long long)r->ticks, rate(r));
}

static void tell_progress(struct replay *r, const struct sim_progress *p)
{
	int tenths = p->messages ? (int)(p->played * 10 / p->messages) : 10;

	if (r->is_terminal) {
		draw_bar(r, p);
	} else if (tenths > r->told) {
		r->told = tenths;
		fprintf(stderr, "replay: %d%%, %llu ticks, %.0f a second\n", tenths * 10,
			(unsigned long long)r->ticks, rate(r));
	}
}

static void put_hex(const char *name, const unsigned char digest[SHA256_BYTES])
{
	printf("%s", name);
	for (int i = 0; i < SHA256_BYTES; i++)
		printf("%02x", digest[i]);
}

static void tell_summary(const struct replay *r, const struct sim_progress *p)
{
	char first[IST_TEXT], last[IST_TEXT];

	if (r->is_terminal)
		fputc('\n', stderr);
	printf("replayed  %s\n", r->deps.path);
	printf("messages  %llu of %llu%s\n", (unsigned long long)p->played,
	       (unsigned long long)p->messages, r->is_complete ? "" : "  NOT COMPLETE");
	printf("ticks     %llu of %u instruments, in %llu turns\n", (unsigned long long)r->ticks,
	       r->deps.book->live, (unsigned long long)r->turns);
	printf("bars      %llu, of a second to a day\n", (unsigned long long)r->bars);
	printf("signals   %llu", (unsigned long long)r->signals);
	if (r->signals)
		put_hex(", sha256 ", r->signals_digest);
	printf("\n");
	if (r->first_ms)
		printf("market    %s .. %s\n", ist_format(r->first_ms, first),
		       ist_format(r->last_ms, last));
	printf("took      %.2f s, %.0f ticks a second\n", seconds(r), rate(r));
	put_hex("sha256    ", r->digest);
	printf("\n");
	fflush(stdout);
}

static void finish(struct replay *r, bool is_complete)
{
	r->is_complete = is_complete;
	r->is_stopping = true;
	uv_timer_stop(&r->timer);
	module_request_stop(&r->mod);
}

static void on_timer(uv_timer_t *timer)
{
	struct replay *r = container_of(timer, struct replay, timer);
	mono_ns now = clock_mono(r->deps.loop->clock);
	struct sim_progress p;
	uint64_t received = feed_received(r->deps.feed);

	sim_progress(r->deps.sim, &p);
	if (received != r->received) {
		r->received = received;
		r->moved = now;
	}
	tell_progress(r, &p);
	if (p.has_ended && received == p.sent && r->deps.tape->seq == r->deps.tape->last)
		finish(r, p.problem[0] == '\0');
	else if (p.has_ended && now - r->moved > SILENCE_NS)
		finish(r, false);
}

/* --- the module -------------------------------------------------------------------------------- */

static int replay_start(struct module *m, struct agni_err *err)
{
	struct replay *r = container_of(m, struct replay, mod);

	(void)err;
	r->begin = r->moved = clock_mono(r->deps.loop->clock);
	r->base_seq = r->deps.tape->seq;
	r->is_terminal = isatty(STDERR_FILENO) == 1;
	r->subscriber.on_tick = on_tick;
	r->subscriber.on_turn = on_turn;
	book_subscribe(r->deps.book, &r->subscriber);
	r->listener.on_signal = on_signal;
	signals_listen(r->deps.signals, &r->listener);
	uv_timer_init(&r->deps.loop->uv, &r->timer);
	uv_timer_start(&r->timer, on_timer, LOOK_MS, LOOK_MS);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct replay *r = container_of((uv_timer_t *)handle, struct replay, timer);

	r->mod.done(&r->mod);
}

static void replay_stop(struct module *m, module_stopped_fn *done)
{
	struct replay *r = container_of(m, struct replay, mod);
	struct sim_progress p;

	m->done = done;
	r->end = r->moved;
	book_unsubscribe(&r->subscriber);
	signals_unlisten(&r->listener);
	digest_end(r);
	sim_progress(r->deps.sim, &p);
	tell_summary(r, &p);
	uv_close((uv_handle_t *)&r->timer, on_closed);
}

static const struct module_ops replay_ops = {
	.name = "replay",
	.start = replay_start,
	.stop = replay_stop,
	.mod_offset = offsetof(struct replay, mod),
};

struct replay *replay_create(const struct replay_deps *deps)
{
	struct replay *r = mem_zalloc(sizeof(*r));

	r->deps = *deps;
	r->mod.ops = &replay_ops;
	return r;
}

void replay_destroy(struct replay *r)
{
	if (!r)
		return;
	buf_fini(&r->text);
	free(r);
}

struct module *replay_module(struct replay *r)
{
	return &r->mod;
}

bool replay_is_complete(const struct replay *r)
{
	return r->is_complete;
}
