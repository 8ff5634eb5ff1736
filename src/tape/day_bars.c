/* SPDX-License-Identifier: MIT
 *
 * day_bars: see day_bars.h.
 */
#include "tape/day_bars.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "tape/codec.h"
#include "tape/cursor.h"
#include "tape/reader.h"

#define CATCH_UP_MS    1
#define CATCH_UP_TICKS 1000 /* of one slice: a fraction of a millisecond */
#define IDS_RESERVE    64   /* instruments that the tape does not use up */

const struct config_key day_bars_config_keys[] = {
	CONFIG_INT(struct day_bars_config, keep_seconds, 300, 60, 100000, "",
		   "bars of a second that are kept per instrument, 88 bytes each"),
	CONFIG_INT(struct day_bars_config, keep_minutes, 900, 60, 100000, "",
		   "bars of a minute, and as many of the exchange's own; longer ones are made of "
		   "ours"),
	CONFIG_INT(struct day_bars_config, amend_ms, 60000, 0, 3600000, "ms",
		   "a trade that is told later than this after the end of its minute changes "
		   "nothing"),
	CONFIG_INT(struct day_bars_config, grace_ms, 1000, 0, 60000, "ms",
		   "a bar is final so long after its end"),
	{0},
};

/* The day from the tape, with tables of its own: a worker fills it, then the loop. */
struct rebuild {
	uv_work_t work;
	struct day_bars *owner;
	char dir[TAPE_DIR_MAX];
	struct book book;
	struct bars bars;
	struct tick tick; /* scratch */
	inst_id *ids;     /* scratch: of the book, by number in the tape's chunk */
	uint32_t ids_n;   /* that are filled in */
	uint32_t ids_cap;
	uint64_t seq;        /* read up to here */
	uint64_t former_seq; /* newest of the runs before */
	mono_ns begin;
	atomic_bool is_cancelled;
	atomic_ullong ticks;
	struct tape_cursor cursor;
	struct bitset wanted;
};

struct day_bars {
	struct module mod;
	struct day_bars_deps deps;
	struct bars bars;
	struct book_subscriber subscriber;
	struct rebuild *rebuild; /* NULL: none under way */
	bool is_working;         /* the worker has it */
	uv_timer_t timer;
	bool is_stopping, is_timer_closed;
	uint64_t rebuilding, rebuilt_ticks;
	double rebuild_s;
};

/* --- a tick of the tape ------------------------------------------------------------------------ */

static void take_tick(struct rebuild *r, inst_id id, const struct tick_meta *meta,
		      const uint8_t *bytes, uint32_t len, uint64_t seq)
{
	struct slot *slot;

	/* The bytes were checked; what does not decode was not understood when it came either. */
	if (!tape_tick_decode(bytes, len, meta->ts_ms, &r->tick.q))
		return;
	slot = book_merge(&r->book, id, &r->tick, meta);
	book_publish(&r->book, id, slot, seq);
	bars_tick(&r->bars, id, slot);
	atomic_fetch_add_explicit(&r->ticks, 1, memory_order_relaxed);
}

/* --- on the worker ----------------------------------------------------------------------------- */

/* The id of an instrument number; keys are looked up once per chunk. */
static inst_id id_of(struct rebuild *r, const struct tape_reader *reader, uint32_t number)
{
	const char *key;

	while (r->ids_n <= number) {
		key = tape_reader_key(reader, r->ids_n);
		if (r->ids_n == r->ids_cap) {
			r->ids_cap = r->ids_cap ? 2 * r->ids_cap : 64;
			r->ids = mem_realloc(r->ids, r->ids_cap * sizeof(*r->ids));
		}
		r->ids[r->ids_n++] =
			key ? instruments_intern(&r->book.instruments, key, strlen(key))
			    : INST_NONE;
	}
	return r->ids[number];
}

static void take_block(struct rebuild *r, const struct tape_reader *reader, struct tape_block *b)
{
	struct tick_meta meta = {.ts_ms = b->times.ts_ms,
				 .recv_ms = b->times.recv_ms,
				 .is_snapshot = b->is_snapshot};
	struct tape_item item;

	while (tape_block_next(b, &item)) {
		inst_id id = id_of(r, reader, item.instrument);

		r->seq = item.seq;
		if (id != INST_NONE)
			take_tick(r, id, &meta, item.bytes, item.len, item.seq);
		if (item.seq <= r->former_seq)
			r->bars.former = r->bars.version;
	}
}

static void read_day(struct rebuild *r, struct tape_reader *reader)
{
	uint64_t damages = 0;
	struct tape_record rec;
	struct tape_block b;

	while (!atomic_load_explicit(&r->is_cancelled, memory_order_relaxed) &&
	       tape_reader_next(reader, &rec)) {
		if (rec.head.type != TAPE_BLOCK || !tape_block_open(&b, &rec))
			continue;
		if (b.opens_chunk)
			r->ids_n = 0;
		/* Damaged, deleted, or shown while nothing could be recorded. */
		if (reader->damages != damages || (r->seq && rec.head.seq != r->seq + 1))
			bars_break(&r->bars);
		damages = reader->damages;
		take_block(r, reader, &b);
	}
}

static void on_work(uv_work_t *work)
{
	struct rebuild *r = container_of(work, struct rebuild, work);
	struct tape_reader reader;
	struct agni_err err;
	int64_t newest;

	if (tape_reader_open(&reader, r->dir, &err) < 0)
		return;
	newest = tape_reader_newest_ms(&reader);
	tape_reader_skip_to(&reader, ist_instant(ist_day(newest), 0));
	read_day(r, &reader);
	tape_reader_close(&reader);
}

/* --- on the loop ------------------------------------------------------------------------------- */

static void rebuild_free(struct rebuild *r)
{
	bars_fini(&r->bars);
	book_fini(&r->book);
	bitset_fini(&r->wanted);
	free(r->ids);
	free(r);
}

static void stop_if_idle(struct day_bars *d)
{
	if (d->is_stopping && d->is_timer_closed && !d->is_working)
		d->mod.done(&d->mod);
}

/* What was recorded today and nobody watches now can be asked for as well. */
static void intern_keys(struct day_bars *d, const struct instruments *from)
{
	struct instruments *to = &d->deps.book->instruments;

	for (inst_id id = 0; id < from->count; id++) {
		const char *key = instruments_key(from, id);

		if (to->count + IDS_RESERVE < to->limit)
			(void)instruments_intern(to, key, strlen(key));
	}
}

static void rebuild_end(struct day_bars *d)
{
	struct rebuild *r = d->rebuild;

	d->rebuilt_ticks = atomic_load(&r->ticks);
	d->rebuild_s = (double)(clock_mono(d->deps.loop->clock) - r->begin) / (double)NS_PER_S;
	intern_keys(d, &r->book.instruments);
	bars_adopt(&d->bars, &r->bars);
	d->bars.is_rebuilding = false;
	d->rebuilding = 0;
	d->rebuild = NULL;
	rebuild_free(r);
	uv_timer_stop(&d->timer);
	log_info("bars", "the day's bars are whole again: %llu ticks from the tape in %.2f s",
		 (unsigned long long)d->rebuilt_ticks, d->rebuild_s);
}

static void take_cursor_tick(struct day_bars *d, const struct tape_tick *t)
{
	struct rebuild *r = d->rebuild;
	const char *key = instruments_key(&d->deps.book->instruments, t->id);
	inst_id id = instruments_intern(&r->book.instruments, key, strlen(key));
	struct tick_meta meta = {
		.ts_ms = t->ts_ms, .recv_ms = t->recv_ms, .is_snapshot = t->is_snapshot};

	if (id != INST_NONE)
		take_tick(r, id, &meta, t->bytes, t->len, t->seq);
}

/* One slice of what came while the worker read. */
static void on_timer(uv_timer_t *timer)
{
	struct day_bars *d = container_of(timer, struct day_bars, timer);
	struct rebuild *r = d->rebuild;
	uint32_t budget = CATCH_UP_TICKS;
	struct tape_tick tick;
	struct tape_gap gap;

	tape_flush(d->deps.tape); /* what the book has shown is there to be read */
	for (uint32_t id = r->wanted.count; id < d->deps.book->instruments.count; id++)
		bitset_add(&r->wanted, id);
	tape_cursor_begin(&r->cursor);
	for (;;) {
		switch (tape_cursor_next(d->deps.tape, &r->cursor, &r->wanted, &budget, &tick,
					 &gap)) {
		case TAPE_STEP_TICK:
			take_cursor_tick(d, &tick);
			break;
		case TAPE_STEP_GAP:
			bars_break(&r->bars);
			break;
		case TAPE_STEP_EDGE:
			rebuild_end(d);
			return;
		case TAPE_STEP_WAIT:
		case TAPE_STEP_TIRED:
			return;
		}
	}
}

static void on_worked(uv_work_t *work, int status)
{
	struct rebuild *r = container_of(work, struct rebuild, work);
	struct day_bars *d = r->owner;

	(void)status;
	d->is_working = false;
	if (d->is_stopping) {
		rebuild_free(r);
		d->rebuild = NULL;
		stop_if_idle(d);
		return;
	}
	r->cursor = (struct tape_cursor){.seq = r->seq};
	uv_timer_start(&d->timer, on_timer, CATCH_UP_MS, CATCH_UP_MS);
}

static void rebuild_start(struct day_bars *d)
{
	struct rebuild *r = mem_zalloc(sizeof(*r));

	r->owner = d;
	r->begin = clock_mono(d->deps.loop->clock);
	r->former_seq = d->deps.tape->seq;
	snprintf(r->dir, sizeof(r->dir), "%s", d->deps.tape->dir);
	book_init(&r->book, d->deps.book->instruments.limit);
	bars_init(&r->bars, &r->book.instruments, &d->bars.cfg);
	d->rebuild = r;
	d->bars.is_rebuilding = true;
	d->rebuilding = 1;
	d->is_working = true;
	uv_queue_work(&d->deps.loop->uv, &r->work, on_work, on_worked);
}

/* --- the module -------------------------------------------------------------------------------- */

static void on_tick(struct book_subscriber *s, inst_id id, const struct slot *slot)
{
	bars_tick(&container_of(s, struct day_bars, subscriber)->bars, id, slot);
}

static int bars_start(struct module *m, struct agni_err *err)
{
	struct day_bars *d = container_of(m, struct day_bars, mod);
	const struct tape *t = d->deps.tape;

	(void)err;
	uv_timer_init(&d->deps.loop->uv, &d->timer);
	d->subscriber.on_tick = on_tick;
	book_subscribe(d->deps.book, &d->subscriber);
	if (d->deps.rebuilds && t->is_on && t->seq)
		rebuild_start(d);
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct day_bars *d = container_of((uv_timer_t *)handle, struct day_bars, timer);

	d->is_timer_closed = true;
	stop_if_idle(d);
}

static void bars_stop(struct module *m, module_stopped_fn *done)
{
	struct day_bars *d = container_of(m, struct day_bars, mod);

	m->done = done;
	d->is_stopping = true;
	book_unsubscribe(&d->subscriber);
	if (d->rebuild)
		atomic_store(&d->rebuild->is_cancelled, true);
	uv_close((uv_handle_t *)&d->timer, on_timer_closed);
}

static enum health bars_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct day_bars *d = container_of(m, struct day_bars, mod);

	if (d->rebuild)
		snprintf(why, HEALTH_WHY_MAX,
			 "the day is being rebuilt from the tape: %llu ticks so far; bars say "
			 "partial",
			 (unsigned long long)atomic_load(&d->rebuild->ticks));
	else
		snprintf(why, HEALTH_WHY_MAX, "%llu trades, %llu too late",
			 (unsigned long long)d->bars.trades, (unsigned long long)d->bars.late);
	return HEALTH_UP;
}

#define FIELD(name) offsetof(struct day_bars, name)

static const struct metric bars_metrics[] = {
	{"trades_total", "Ticks that told a new trade", METRIC_COUNTER, FIELD(bars.trades)},
	{"late_total", "Trades told too late to amend their bar", METRIC_COUNTER, FIELD(bars.late)},
	{"early_total", "Trades ahead of the market's clock, left out", METRIC_COUNTER,
	 FIELD(bars.early)},
	{"holes_total", "Times that a snapshot showed a trade that was not seen", METRIC_COUNTER,
	 FIELD(bars.holes)},
	{"compared_total", "Minutes compared with the exchange's own", METRIC_COUNTER,
	 FIELD(bars.compared)},
	{"equal_total", "Of them: the same open, high, low and close", METRIC_COUNTER,
	 FIELD(bars.equal)},
	{"narrower_total", "Of them: within the exchange's, which saw more trades", METRIC_COUNTER,
	 FIELD(bars.narrower)},
	{"contradictions_total", "Of them: a price outside of the exchange's range", METRIC_COUNTER,
	 FIELD(bars.contradictions)},
	{"volume_differs_total", "Of them: another volume", METRIC_COUNTER,
	 FIELD(bars.volume_differs)},
	{"rebuilding", "1 while the day is being rebuilt from the tape", METRIC_GAUGE,
	 FIELD(rebuilding)},
	{"rebuilt_ticks", "Ticks of the last rebuild", METRIC_GAUGE, FIELD(rebuilt_ticks)},
	{0},
};

static const struct module_ops bars_ops = {
	.name = "bars",
	.start = bars_start,
	.stop = bars_stop,
	.health = bars_health,
	.metrics = bars_metrics,
	.mod_offset = offsetof(struct day_bars, mod),
};

struct day_bars *day_bars_create(const struct day_bars_deps *deps)
{
	struct day_bars *d = mem_zalloc(sizeof(*d));

	d->deps = *deps;
	d->mod.ops = &bars_ops;
	bars_init(&d->bars, &deps->book->instruments,
		  &(struct bars_config){.keep_seconds = deps->cfg->keep_seconds,
					.keep_minutes = deps->cfg->keep_minutes,
					.amend_ms = deps->cfg->amend_ms,
					.grace_ms = deps->cfg->grace_ms});
	return d;
}

void day_bars_destroy(struct day_bars *d)
{
	if (!d)
		return;
	if (d->rebuild)
		rebuild_free(d->rebuild);
	bars_fini(&d->bars);
	free(d);
}

struct module *day_bars_module(struct day_bars *d)
{
	return &d->mod;
}

const struct bars *day_bars_get(const struct day_bars *d)
{
	return &d->bars;
}
