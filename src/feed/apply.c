/* SPDX-License-Identifier: MIT
 *
 * apply: one message of the broker into the book and onto the tape. This is the way of a tick:
 *
 *      scan the whole message (nothing is applied unless all of it is sound)
 *      for each entry:  book_merge   tape_append (seq)   book_publish
 *      book_turn        the logical turn closes at the end of the message
 *
 * With tape.sync=turn the entries are appended alone; the rest happens when their block comes back
 * from the disk (feed_on_block), from the very bytes that are there. A market_info waits for the ticks
 * in front of it.
 *
 * No allocation, no queue; instruments that nobody knew get a slot at their first tick.
 */
#include "feed/feed_internal.h"
#include "tape/codec.h"

static void on_segment(void *arg, const char *segment, size_t len, int status)
{
	struct feed *f = arg;

	if (len <= UINT8_MAX) {
		buf_byte(&f->info, (char)len);
		buf_append(&f->info, segment, len);
		buf_byte(&f->info, (char)status);
	}
	if (session_note(&f->sessions, segment, len, status))
		log_info("feed", "market_info: %.*s %s", (int)len, segment,
			 session_status_text(status));
}

/* 2000-01-01 to 2100-01-01: a time outside is no time, and must not move the market's clock. */
static bool is_time(int64_t ms)
{
	return ms >= 946684800000 && ms < 4102444800000;
}

/* One broken byte in currentTs can be a date years ahead, and market time never goes back. So a leap
 * counts when the message behind it is as far ahead; after a night or a gap it is. */
static bool is_lone_leap(int64_t newest, int64_t *leap, int64_t ms)
{
	int64_t before = *leap;

	*leap = 0;
	if (!newest || ms - newest < LEAP_MS || (before && ms >= before))
		return false;
	*leap = ms;
	return true;
}

/* The market time of a turn, told from the messages with ticks in the order in which they are shown: when
 * their block comes back from the disk the newest message that has arrived may be another one. */
static int64_t turn_time(struct feed *f, int64_t ms)
{
	if (!ms || is_lone_leap(f->turn_newest, &f->turn_leap, ms))
		return f->turn_newest;
	if (ms > f->turn_newest)
		f->turn_newest = ms;
	return ms;
}

static void note_time(struct feed *f, struct tick_meta *meta)
{
	int64_t lag;

	if (!is_time(meta->ts_ms)) {
		f->bad_times += meta->ts_ms != 0;
		meta->ts_ms = 0;
		return;
	}
	lag = meta->recv_ms - meta->ts_ms;
	if (meta->ts_ms > f->newest_ts)
		f->moved_mono = meta->recv_mono;
	if (is_lone_leap(f->newest_ts, &f->leap_ts, meta->ts_ms))
		return;
	if (meta->ts_ms > f->newest_ts)
		f->newest_ts = meta->ts_ms;
	clock_see_market(f->deps.loop->clock, meta->ts_ms);
	/* A recording's times say nothing about the wire. */
	if (lag >= 0 && lag < 3600000)
		histogram_add(&f->wire_lag, (uint64_t)lag * 1000);
}

/* --- market_info, in its place among the ticks ------------------------------------------------ */

/* One of f->held; the MarketInfo's bytes follow. */
struct held_info {
	uint64_t seq; /* it comes behind this tick */
	int64_t ts_ms;
	size_t len;
};

static void pass_info(struct feed *f, int64_t ts_ms, const void *info, size_t len)
{
	if (f->deps.on_market_info)
		f->deps.on_market_info(f->deps.arg, ts_ms, info, len);
}

/* Passes on what stood behind ticks up to `seq`, which have been shown. */
static void release_infos(struct feed *f, uint64_t seq)
{
	struct held_info h;

	while (f->held.len) {
		memcpy(&h, f->held.data, sizeof(h));
		if (h.seq > seq)
			return;
		pass_info(f, h.ts_ms, f->held.data + sizeof(h), h.len);
		buf_consume(&f->held, sizeof(h) + h.len);
	}
}

static void hold_info(struct feed *f, int64_t ts_ms, const void *info, size_t len)
{
	struct held_info h = {f->deps.tape->last, ts_ms, len};

	buf_append(&f->held, &h, sizeof(h));
	buf_append(&f->held, info, len);
}

static void take_info(struct feed *f, const struct tick_meta *meta)
{
	const struct tape *tape = f->deps.tape;
	const void *info = f->frame.bytes + f->frame.info_off;
	bool waits = tape_is_deferred(tape) && tape->seq < tape->last;

	buf_reset(&f->info);
	feed_info_each(&f->frame, on_segment, f);
	tape_control(f->deps.tape, TAPE_MARKET_INFO, meta->ts_ms, meta->recv_ms, f->info.data,
		     f->info.len);
	if (waits)
		hold_info(f, meta->ts_ms, info, f->frame.info_len);
	else
		pass_info(f, meta->ts_ms, info, f->frame.info_len);
	if (f->deps.on_status)
		f->deps.on_status(f->deps.arg);
}

void feed_on_block(void *arg, struct tape_block *b, const inst_id *ids, uint64_t recv_mono)
{
	struct feed *f = arg;
	struct book *book = f->deps.book;
	struct tick_meta meta = {.ts_ms = b->times.ts_ms,
				 .recv_ms = b->times.recv_ms,
				 .recv_mono = recv_mono,
				 .is_snapshot = b->is_snapshot};
	struct tape_item item = {0};

	while (tape_block_next(b, &item)) {
		inst_id id = ids[item.instrument];

		AGNI_ASSERT(tape_tick_decode(item.bytes, item.len, meta.ts_ms, &f->taped.q));
		book_publish(book, id, book_merge(book, id, &f->taped, &meta), item.seq);
	}
	book_turn(book, turn_time(f, meta.ts_ms));
	release_infos(f, item.seq);
}

static void apply_ticks(struct feed *f, const struct tick_meta *meta)
{
	struct book *book = f->deps.book;
	bool is_deferred = tape_is_deferred(f->deps.tape);
	const struct tick *tick;

	tape_begin(f->deps.tape, meta);
	while ((tick = feed_frame_lend(&f->frame))) {
		inst_id id = instruments_intern(&book->instruments, tick->key, tick->key_len);
		struct slot *slot;

		f->rejected_fields += tick->rejected;
		if (AGNI_UNLIKELY(id == INST_NONE)) {
			f->unknown_keys++; /* not a key, or more instruments than we hold */
			continue;
		}
		f->ticks++;
		if (is_deferred) {
			tape_append(f->deps.tape, id, tick);
			continue;
		}
		slot = book_merge(book, id, tick, meta);
		book_publish(book, id, slot, tape_append(f->deps.tape, id, tick));
	}
	tape_end(f->deps.tape);
	if (!is_deferred)
		book_turn(book, turn_time(f, meta->ts_ms));
}

void feed_on_frame(struct feed *f, struct ws_conn *from, const void *bytes, size_t len)
{
	struct clock *clock = f->deps.loop->clock;
	struct tick_meta meta = {.recv_ms = clock_wall_ms(clock), .recv_mono = clock_mono(clock)};
	struct agni_err err;

	f->bytes += len;
	if (feed_frame_scan(&f->frame, bytes, len, &err) < 0) {
		f->bad_frames++;
		log_limited(&f->bad_frame_limit, meta.recv_mono, LOG_WARN, "feed",
			    "a message of %zu bytes does not decode and is left out: %s", len,
			    err.text);
		return;
	}
	f->frames++;
	meta.ts_ms = f->frame.current_ts;
	meta.is_snapshot = f->frame.type == FEED_INITIAL;
	note_time(f, &meta);
	if (!tape_is_deferred(f->deps.tape))
		release_infos(f, UINT64_MAX);
	if (f->frame.has_market_info)
		take_info(f, &meta);
	if (feed_frame_count(&f->frame) == 0)
		return;
	f->snapshots += meta.is_snapshot;
	if (from == f->conn) /* and not one that is being relieved */
		feed_data_came(f);
	apply_ticks(f, &meta);
}
