/* SPDX-License-Identifier: MIT
 *
 * The bars of the day over restarts: what is rebuilt from the tape behind a start must be what a
 * server that was never stopped would have.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/tape_rig.h"
#include "market/bars_view.h"
#include "tape/day_bars.h"

#define INSTRUMENTS 5
#define STEP_MS     40
#define WAIT_TURNS  20000

static struct tape_rig r;
static struct book book;     /* of this life of the server */
static struct day_bars *day; /* too */
static struct module *mod;
static bool has_stopped;
static uint64_t said; /* ticks of all lives */
static const struct day_bars_config cfg = {
	.keep_seconds = 300, .keep_minutes = 900, .amend_ms = 60000, .grace_ms = 1000};

/* The server that was never stopped. */
static struct book whole_book;
static struct bars whole;

static int setup(void **state)
{
	(void)state;
	tape_rig_init(&r);
	r.book = &book;
	said = 0;
	book_init(&whole_book, 100);
	bars_init(&whole, &whole_book.instruments,
		  &(struct bars_config){.keep_seconds = cfg.keep_seconds,
					.keep_minutes = cfg.keep_minutes,
					.amend_ms = cfg.amend_ms,
					.grace_ms = cfg.grace_ms});
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bars_fini(&whole);
	book_fini(&whole_book);
	tape_rig_fini(&r);
	return 0;
}

static void up(bool rebuilds)
{
	struct agni_err err;

	book_init(&book, 100);
	tape_rig_up(&r);
	day = day_bars_create(&(struct day_bars_deps){.loop = &r.loop,
						      .book = &book,
						      .tape = &r.tape,
						      .cfg = &cfg,
						      .rebuilds = rebuilds});
	mod = day_bars_module(day);
	check_i64(mod->ops->start(mod, &err), 0);
}

static void on_stopped(struct module *m)
{
	(void)m;
	has_stopped = true;
}

static void down(bool is_killed)
{
	has_stopped = false;
	mod->ops->stop(mod, on_stopped);
	for (int i = 0; i < WAIT_TURNS && !has_stopped; i++)
		uv_run(&r.loop.uv, UV_RUN_ONCE);
	check(has_stopped);
	(is_killed ? tape_rig_kill : tape_rig_down)(&r);
	day_bars_destroy(day);
	book_fini(&book);
}

static void wait_rebuilt(void)
{
	for (int i = 0; i < WAIT_TURNS && day_bars_get(day)->is_rebuilding; i++) {
		uv_sleep(i > 10);
		tape_rig_turn(&r);
	}
	check(!day_bars_get(day)->is_rebuilding);
}

/* --- ticks ------------------------------------------------------------------------------------- */

static struct quote quote_of(uint64_t n, int64_t ts_ms)
{
	struct quote q = {.present = QUOTE_LTP | QUOTE_LTT | QUOTE_VTT | QUOTE_OI,
			  .ltp = (price_t)(1000000 + (n * 2654435761u >> 7) % 5000),
			  .ltt = ts_ms - (int64_t)(n % 7) * 30,
			  .vtt = (int64_t)(1000 + n * 3),
			  .oi = (double)(500 + n % 11)};

	return q;
}

/* One message of one tick, into the book and onto the tape as the feed does; and to the one that was
 * never stopped. */
static void say(int64_t ts_ms, bool is_snapshot)
{
	uint64_t n = said++;
	struct tick_meta meta = {.ts_ms = ts_ms, .recv_ms = 5, .recv_mono = 7};
	struct tick tick = {.q = quote_of(n, ts_ms)};
	struct slot *slot;
	char key[32];
	inst_id id;

	meta.is_snapshot = is_snapshot;
	snprintf(key, sizeof(key), "NSE_FO|%u", (unsigned)(n % INSTRUMENTS));
	tick.key = key;
	tick.key_len = (uint32_t)strlen(key);
	id = instruments_intern(&book.instruments, key, tick.key_len);
	tape_begin(&r.tape, &meta);
	slot = book_merge(&book, id, &tick, &meta);
	book_publish(&book, id, slot, tape_append(&r.tape, id, &tick));
	tape_end(&r.tape);
	id = instruments_intern(&whole_book.instruments, key, tick.key_len);
	slot = book_merge(&whole_book, id, &tick, &meta);
	book_publish(&whole_book, id, slot, n + 1);
	bars_tick(&whole, id, slot);
}

/* `n` ticks from `*ts_ms` on; the first of each instrument is a snapshot, as after a login. */
static void say_many(uint64_t n, int64_t *ts_ms)
{
	for (uint64_t i = 0; i < n; i++, *ts_ms += STEP_MS) {
		say(*ts_ms, i < INSTRUMENTS);
		if (i % 9 == 0)
			tape_rig_turn(&r);
	}
	tape_rig_settle(&r);
}

/* --- comparing ---------------------------------------------------------------------------------- */

static void print_bars(struct buf *b, const struct bars *bars, const struct instruments *t,
		       const char *key)
{
	inst_id id = instruments_find(t, key, strlen(key));
	struct bar_walk w;
	struct bar_view v;

	for (int i = 0; i < BAR_INTERVALS; i++) {
		bar_walk_begin(&w, bars, bars_of(bars, id), key, (enum bar_interval)i, 0,
			       bars->market_ms);
		while (bar_walk_next(&w, &v)) {
			bar_json(b, &v);
			buf_byte(b, '\n');
		}
	}
}

/* The first line that differs. */
static void fail_lines(const char *a, const char *b)
{
	size_t n = 0, from = 0;

	for (; a[n] && a[n] == b[n]; n++)
		from = a[n] == '\n' ? n + 1 : from;
	fail_msg("\nrebuilt: %.*s\nwhole:   %.*s", (int)strcspn(a + from, "\n"), a + from,
		 (int)strcspn(b + from, "\n"), b + from);
}

/* Returns how many bytes of bars were compared. */
static size_t check_same(void)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < INSTRUMENTS; i++) {
		struct buf a = {0}, b = {0};
		char key[32];

		snprintf(key, sizeof(key), "NSE_FO|%u", i);
		print_bars(&a, day_bars_get(day), &book.instruments, key);
		print_bars(&b, &whole, &whole_book.instruments, key);
		if (strcmp(buf_cstr(&a), buf_cstr(&b)) != 0)
			fail_lines(a.data, b.data);
		bytes += a.len;
		buf_fini(&a);
		buf_fini(&b);
	}
	return bytes;
}

static int64_t morning(void)
{
	return ist_instant(day_from_civil(2026, 11, 20), (9 * 60 + 15) * 60000ll + 20000);
}

/* --- the tests ----------------------------------------------------------------------------------- */

static void test_never_stopped(void **state)
{
	int64_t ts = morning();

	(void)state;
	up(true);
	check(!day_bars_get(day)->is_rebuilding); /* there is nothing to rebuild */
	say_many(4000, &ts);
	check(check_same() > 10000);
	down(false);
}

/* Trades in rows that the run of now has changed. */
static uint64_t trades_of_run(void)
{
	const struct bars *bars = day_bars_get(day);
	uint64_t n = 0;

	for (inst_id id = 0; id < book.instruments.count; id++) {
		const struct instrument_bars *of = bars_of(bars, id);
		const struct bar_series *s = of ? &of->series[SERIES_SECOND] : NULL;

		for (uint32_t i = 0; s && i < s->n; i++)
			n += s->rows[i].version > bars->former ? s->rows[i].ticks : 0;
	}
	return n;
}

static void rebuild_over(uint64_t first, bool is_killed)
{
	int64_t ts = morning();

	for (int life = 0; life < 4; life++) {
		uint64_t before = whole.trades;

		up(true);
		check_i64(day_bars_get(day)->is_rebuilding, life > 0);
		/* Some before it is whole again, the rest behind it. */
		say_many(life ? 300 : first, &ts);
		wait_rebuilt();
		check_same();
		say_many(700, &ts);
		check(check_same() > 10000);
		if (life) /* the first is longer than seconds are kept */
			check_i64(trades_of_run(), whole.trades - before);
		ts += 90000; /* away for a minute and a half */
		down(is_killed);
	}
}

static void test_rebuilt_after_stop(void **state)
{
	(void)state;
	rebuild_over(3000, false);
}

static void test_rebuilt_after_kill(void **state)
{
	(void)state;
	rebuild_over(3000, true);
}

/* What came while the worker read is more than the memory of the tape holds: it is read from files. */
static void test_rebuilt_far_behind(void **state)
{
	int64_t ts = morning();

	(void)state;
	r.cfg.memory_bytes = 1 << 16;
	r.cfg.segment_bytes = 1 << 20;
	up(true);
	say_many(20000, &ts);
	down(true);
	up(true);
	say_many(20000, &ts);
	wait_rebuilt();
	check(check_same() > 10000);
	down(false);
}

static void test_partial_meanwhile(void **state)
{
	int64_t ts = morning();
	const struct bars *bars;
	struct bar_walk w;
	struct bar_view v;
	char why[HEALTH_WHY_MAX];
	int n = 0;

	(void)state;
	up(true);
	say_many(10000, &ts);
	down(true);
	up(true);
	bars = day_bars_get(day);
	for (int i = 0; i < 100; i++, ts += 1000)
		say(ts, i < INSTRUMENTS); /* no turn of the loop: it stays as it is */
	check(bars->is_rebuilding);
	check_i64(mod->ops->health(mod, why), HEALTH_UP);
	check(strstr(why, "partial") != NULL);
	bar_walk_begin(&w, bars, bars_of(bars, 0), "NSE_FO|0", BAR_1M, 0, bars->market_ms);
	for (; bar_walk_next(&w, &v); n++)
		check_i64(v.state, BAR_PARTIAL);
	check(n > 0);
	tape_rig_settle(&r);
	wait_rebuilt();
	check_same();
	n = 0;
	bar_walk_begin(&w, bars, bars_of(bars, 0), "NSE_FO|0", BAR_1M, 0, bars->market_ms);
	while (bar_walk_next(&w, &v))
		n += v.state == BAR_FINAL;
	check(n > 2);
	down(false);
}

static void test_stop_meanwhile(void **state)
{
	int64_t ts = morning();

	(void)state;
	up(true);
	say_many(30000, &ts);
	down(true);
	for (int i = 0; i < 5; i++) {
		up(true);
		check(day_bars_get(day)->is_rebuilding);
		if (i)
			tape_rig_turn(&r);
		down(i % 2);
	}
}

/* Files that hold nothing of the day are not read. */
static void test_day_only(void **state)
{
	int64_t ts = morning() - DAY_MS, today = morning();
	const struct instrument_bars *of;
	const struct bar_series *s;

	(void)state;
	r.cfg.segment_bytes = 1 << 20;
	up(true);
	say_many(30000, &ts);
	down(false);
	up(true);
	wait_rebuilt();
	say_many(3000, &today);
	down(false);
	up(true);
	wait_rebuilt();
	of = bars_of(day_bars_get(day), instruments_find(&book.instruments, "NSE_FO|0", 8));
	check(of != NULL);
	s = &of->series[SERIES_MINUTE];
	check(bar_series_find(s, morning() - morning() % 60000 + 60000) != NULL);
	check(s->rows[0].start_ms > morning() - DAY_MS + 300000);
	check(day_bars_get(day)->trades < 20000);
	down(false);
}

/* A playback begins its own day. */
static void test_no_rebuild(void **state)
{
	int64_t ts = morning();

	(void)state;
	up(true);
	say_many(1000, &ts);
	down(false);
	up(false);
	check(!day_bars_get(day)->is_rebuilding);
	check(bars_of(day_bars_get(day), 0) == NULL);
	down(false);
}

/* One bit in the middle of an older file: what is behind it is behind a hole, and nothing is guessed. */
static void test_damage(void **state)
{
	const struct instrument_bars *of;
	int64_t ts = morning();
	uint8_t *bytes;
	size_t len;

	(void)state;
	r.cfg.segment_bytes = 1 << 20;
	up(true);
	say_many(20000, &ts);
	down(false);
	bytes = tape_file_read(tape_rig_path(&r, 1), &len);
	bytes[len / 2] ^= 4;
	tape_file_write(tape_rig_path(&r, 1), bytes, len);
	free(bytes);
	up(true);
	wait_rebuilt();
	of = bars_of(day_bars_get(day), instruments_find(&book.instruments, "NSE_FO|0", 8));
	check(of != NULL && of->holes_n > 0);
	check(day_bars_get(day)->trades < 20000);
	/* The hole is where ticks are missing: a minute in front of it is as it was. */
	check(bars_has_hole(of, of->holes[0].from_ms, of->holes[0].to_ms));
	check(!bars_has_hole(of, morning() + 60000, morning() + 120000));
	down(false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_never_stopped),
		TEST(test_rebuilt_after_stop),
		TEST(test_rebuilt_after_kill),
		TEST(test_rebuilt_far_behind),
		TEST(test_partial_meanwhile),
		TEST(test_stop_meanwhile),
		TEST(test_day_only),
		TEST(test_no_rebuild),
		TEST(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
