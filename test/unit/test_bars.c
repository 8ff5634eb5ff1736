/* SPDX-License-Identifier: MIT
 *
 * test_bars: which trade makes which bar, what is volume, and what may not be believed.
 */
#include <stdio.h>

#include "../lib/bars_desk.h"
#include "../lib/check.h"

static struct bars_desk d;

static int setup(void **state)
{
	(void)state;
	bars_desk_init(&d, 900);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bars_desk_fini(&d);
	return 0;
}

/* Prices in rupees; -1 in volume: not compared. */
static void check_row(const struct bar_row *r, double open, double high, double low, double close,
		      int64_t volume)
{
	if (!r)
		fail_msg("there is no such bar");
	check_near(price_to_double(r->open), open, 0);
	check_near(price_to_double(r->high), high, 0);
	check_near(price_to_double(r->low), low, 0);
	check_near(price_to_double(r->close), close, 0);
	if (volume >= 0)
		check_i64(r->volume, volume);
}

static const struct bar_row *minute(const char *time)
{
	return bars_desk_row(&d, SERIES_MINUTE, NULL, time);
}

#define SAY(...) bars_desk_say(&d, (struct desk_tick){__VA_ARGS__})

static void test_a_minute(void **state)
{
	const struct bar_row *r;

	(void)state;
	SAY(.now = "09:15:01", .price = 100, .vtt = 1000, .oi = 50);
	SAY(.now = "09:15:20", .price = 103.05, .vtt = 1100);
	SAY(.now = "09:15:20.400", .price = 99.5, .vtt = 1150, .oi = 60);
	SAY(.now = "09:15:59.999", .price = 101, .vtt = 1160);
	SAY(.now = "09:16:00", .price = 102, .vtt = 1175);
	check_row(minute("09:15:00"), 100, 103.05, 99.5, 101, 160);
	check_row(minute("09:16:00"), 102, 102, 102, 102, 15);
	check_row(bars_desk_row(&d, SERIES_SECOND, NULL, "09:15:20"), 103.05, 103.05, 99.5, 99.5,
		  150);
	r = minute("09:15:00");
	check_i64(r->ticks, 4);
	check_near(r->oi, 60, 0);
	check(minute("09:14:00") == NULL);
}

/* A message that repeats the last trade, or changes the book alone, makes no bar and no tick. */
static void test_repeats(void **state)
{
	(void)state;
	SAY(.now = "09:15:01", .price = 100, .vtt = 1000);
	SAY(.now = "09:17:30", .at = "09:15:01", .price = 100, .vtt = 1000);
	SAY(.now = "09:17:40", .at = "09:15:01", .price = 100);
	check_i64(minute("09:15:00")->ticks, 1);
	check(minute("09:17:00") == NULL);
	check_i64(d.bars.late, 0);
}

/* The trade's own time decides, not when it was told; open and close follow the trades' order. */
static void test_out_of_order(void **state)
{
	(void)state;
	SAY(.now = "09:15:10", .price = 100, .vtt = 10);
	SAY(.now = "09:16:05", .at = "09:16:04", .price = 105, .vtt = 30);
	SAY(.now = "09:16:06", .at = "09:15:58", .price = 107, .vtt = 30);
	SAY(.now = "09:16:07", .at = "09:15:02", .price = 98, .vtt = 30);
	SAY(.now = "09:16:08", .at = "09:15:30", .price = 99, .vtt = 30);
	check_row(minute("09:15:00"), 98, 107, 98, 107, 0);
	check_row(minute("09:16:00"), 105, 105, 105, 105, 20);
	/* A bar for a second between others. */
	check(bars_desk_row(&d, SERIES_SECOND, NULL, "09:15:30") != NULL);
	check_i64(bars_of(&d.bars, 0)->series[SERIES_SECOND].n, 5);
	for (uint32_t i = 1; i < 5; i++)
		check(bars_of(&d.bars, 0)->series[SERIES_SECOND].rows[i - 1].start_ms <
		      bars_of(&d.bars, 0)->series[SERIES_SECOND].rows[i].start_ms);
}

static void test_too_late(void **state)
{
	(void)state;
	SAY(.now = "09:15:10", .price = 100, .vtt = 10);
	SAY(.now = "09:17:00", .price = 101, .vtt = 20);
	SAY(.now = "09:17:00", .at = "09:15:59", .price = 200, .vtt = 20); /* just in time */
	check_row(minute("09:15:00"), 100, 200, 100, 200, 0);
	SAY(.now = "09:17:00.001", .at = "09:15:59.500", .price = 300, .vtt = 20);
	check_row(minute("09:15:00"), 100, 200, 100, 200, 0);
	check_i64(d.bars.late, 1);
}

/* The first tick tells of a trade of hours ago: where to count from, and no bar. */
static void test_first_tick_is_old(void **state)
{
	(void)state;
	d.is_snapshot = true;
	SAY(.now = "12:00:00", .at = "10:02:03", .price = 55, .vtt = 5000);
	check_i64(bars_of(&d.bars, 0)->series[SERIES_MINUTE].n, 0);
	check_i64(d.bars.late, 0);
	SAY(.now = "12:00:30", .price = 56, .vtt = 5075);
	check_row(minute("12:00:00"), 56, 56, 56, 56, 75);
}

static void test_volume(void **state)
{
	(void)state;
	SAY(.now = "09:15:10", .price = 100, .vtt = 500);
	SAY(.now = "09:15:20", .price = 100, .vtt = 450); /* it goes back now and then */
	SAY(.now = "09:15:30", .price = 100, .vtt = 520);
	SAY(.now = "09:15:40", .price = 101); /* not said: unchanged */
	check_i64(minute("09:15:00")->volume, 20);
	/* The next day the exchange counts from zero. */
	SAY(.now = "2026-11-23T09:15:01", .price = 90, .vtt = 77);
	SAY(.now = "2026-11-23T09:15:02", .price = 91, .vtt = 80);
	check_row(minute("2026-11-23T09:15:00"), 90, 91, 90, 91, 80);
}

/* An index has no volume; a price without a time is as old as it is known. */
static void test_index(void **state)
{
	const struct bar_row *r;

	(void)state;
	SAY(.now = "09:15:10", .price = 25000, .key = "NSE_INDEX|Nifty 50", .has_no_ltt = true);
	SAY(.now = "09:15:40", .price = 25000, .key = "NSE_INDEX|Nifty 50", .has_no_ltt = true);
	SAY(.now = "09:16:10", .price = 25001.5, .key = "NSE_INDEX|Nifty 50", .has_no_ltt = true);
	r = bars_desk_row(&d, SERIES_MINUTE, "NSE_INDEX|Nifty 50", "09:15:00");
	check_row(r, 25000, 25000, 25000, 25000, 0);
	check_i64(r->ticks, 1);
	check_i64(r->flags & ROW_HAS_VOLUME, 0);
	check(bars_desk_row(&d, SERIES_MINUTE, "NSE_INDEX|Nifty 50", "09:16:00") != NULL);
}

static bool has_volume(const char *key, const char *time)
{
	return row_has_volume(bars_desk_row(&d, SERIES_MINUTE, key, time));
}

/* What had not traded when it was asked for: its first trade is the first of the day. */
static void test_first_trade_of_the_day(void **state)
{
	(void)state;
	d.is_snapshot = true;
	SAY(.now = "09:16:00", .oi = 30);
	SAY(.now = "10:30:15", .price = 50, .vtt = 75);
	SAY(.now = "10:30:20", .price = 51, .vtt = 150);
	check_row(minute("10:30:00"), 50, 51, 50, 51, 150);
	check(has_volume(NULL, "10:30:00"));
	/* The last trade was days ago. */
	d.is_snapshot = true;
	SAY(.now = "10:31:00", .at = "2026-11-18T15:00:00", .price = 7, .key = "NSE_FO|2");
	SAY(.now = "10:32:00", .price = 8, .vtt = 25, .key = "NSE_FO|2");
	check_row(bars_desk_row(&d, SERIES_MINUTE, "NSE_FO|2", "10:32:00"), 8, 8, 8, 8, 25);
	check(has_volume("NSE_FO|2", "10:32:00"));
	/* In mode ltpc nobody says whether anything was traded. */
	d.is_snapshot = true;
	SAY(.now = "10:33:00", .price = 7, .key = "NSE_FO|3", .arm = ARM_LTPC);
	SAY(.now = "10:34:00", .price = 8, .vtt = 2500, .key = "NSE_FO|3");
	check_row(bars_desk_row(&d, SERIES_MINUTE, "NSE_FO|3", "10:34:00"), 8, 8, 8, 8, 0);
	check(!has_volume("NSE_FO|3", "10:34:00"));
}

/* The first tick of all: whether its trade is the first of the day is told by the day's volume. */
static void test_first_tick_is_a_trade(void **state)
{
	(void)state;
	d.is_snapshot = true;
	SAY(.now = "09:15:00", .price = 50, .vtt = 65, .ltq = 65);
	SAY(.now = "09:15:20", .price = 51, .vtt = 165, .ltq = 25);
	check_row(minute("09:15:00"), 50, 51, 50, 51, 165);
	check(!bars_has_hole(bars_of(&d.bars, 0), desk_ms("09:15:00"), desk_ms("09:16:00")));
	/* The same where it was told only later within the minute. */
	d.is_snapshot = true;
	SAY(.now = "09:15:30", .at = "09:15:25", .price = 5, .vtt = 20, .ltq = 20,
	    .key = "NSE_FO|2");
	SAY(.now = "09:15:40", .price = 6, .vtt = 50, .ltq = 30, .key = "NSE_FO|2");
	check_i64(bars_desk_row(&d, SERIES_MINUTE, "NSE_FO|2", "09:15:00")->volume, 50);
	check(!bars_has_hole(bars_of(&d.bars, 1), desk_ms("09:15:00"), desk_ms("09:16:00")));
	/* Something was traded before it, nobody knows when: not whole, though it is the minute's
	 * first instant. */
	SAY(.now = "09:16:00", .price = 7, .vtt = 90, .ltq = 65, .key = "NSE_FO|3");
	SAY(.now = "09:16:20", .price = 8, .vtt = 100, .ltq = 10, .key = "NSE_FO|3");
	check(bars_has_hole(bars_of(&d.bars, 2), desk_ms("09:16:00"), desk_ms("09:17:00")));
	check(!bars_has_hole(bars_of(&d.bars, 2), desk_ms("09:17:00"), desk_ms("09:18:00")));
	/* The day's only trade was long ago: there is no bar of it, and none may say it is whole. */
	SAY(.now = "09:24:00", .at = "09:16:00", .price = 7, .vtt = 9, .ltq = 9, .key = "NSE_FO|4");
	check(bars_has_hole(bars_of(&d.bars, 3), desk_ms("09:15:00"), desk_ms("09:30:00")));
}

/* The simulator was started again, later in the day: it counts from zero. */
static void test_count_begins_anew(void **state)
{
	(void)state;
	SAY(.now = "09:14:59", .price = 100, .vtt = 1000);
	SAY(.now = "09:15:10", .price = 101, .vtt = 5000);
	d.is_snapshot = true;
	SAY(.now = "09:20:30", .price = 102, .vtt = 65);
	SAY(.now = "09:20:40", .price = 103, .vtt = 75);
	SAY(.now = "09:21:10", .price = 104, .vtt = 100);
	check_i64(minute("09:21:00")->volume, 25);
	check(has_volume(NULL, "09:21:00"));
	check(bars_has_hole(bars_of(&d.bars, 0), desk_ms("09:20:00"), desk_ms("09:21:00")));
	check(!bars_has_hole(bars_of(&d.bars, 0), desk_ms("09:21:00"), desk_ms("09:22:00")));
}

/* For a while the instrument is asked for in mode ltpc, which has no volume: no volume is shown, and
 * what was traded meanwhile is not thrown onto the minute in which one comes again. */
static void test_mode_without_volume(void **state)
{
	(void)state;
	SAY(.now = "09:15:10", .price = 100, .vtt = 10);
	SAY(.now = "09:16:10", .price = 101, .vtt = 20);
	SAY(.now = "09:17:10", .price = 102, .vtt = 30);
	SAY(.now = "09:17:20", .price = 103, .arm = ARM_LTPC);
	SAY(.now = "09:18:20", .price = 104, .arm = ARM_LTPC);
	SAY(.now = "09:19:20", .price = 105, .vtt = 5000);
	SAY(.now = "09:19:30", .price = 106, .vtt = 5010);
	SAY(.now = "09:20:10", .price = 107, .vtt = 5030);
	check(has_volume(NULL, "09:16:00") && has_volume(NULL, "09:20:00"));
	check(!has_volume(NULL, "09:17:00"));
	check(!has_volume(NULL, "09:18:00"));
	check(!has_volume(NULL, "09:19:00"));
	check_row(minute("09:16:00"), 101, 101, 101, 101, 10);
	check_row(minute("09:20:00"), 107, 107, 107, 107, 20);
}

/* --- holes ------------------------------------------------------------------------------------- */

static bool has_hole(const char *from, const char *to)
{
	return bars_has_hole(bars_of(&d.bars, 0), desk_ms(from), desk_ms(to));
}

static void test_hole(void **state)
{
	(void)state;
	SAY(.now = "09:14:59.999", .price = 100, .vtt = 10);
	SAY(.now = "09:16:30", .price = 101, .vtt = 20);
	check(!has_hole("09:15:00", "09:17:00"));
	check(has_hole("09:14:00", "09:15:00")); /* before the first tick */
	/* A snapshot that shows nothing new hides nothing. */
	d.is_snapshot = true;
	SAY(.now = "09:16:40", .at = "09:16:30", .price = 101, .vtt = 20);
	check_i64(d.bars.holes, 0);
	/* One that does: what was traded before it may belong to any minute between. */
	d.is_snapshot = true;
	SAY(.now = "09:20:05", .price = 110, .vtt = 520);
	check_i64(d.bars.holes, 1);
	check(has_hole("09:16:00", "09:17:00"));
	check(has_hole("09:18:00", "09:19:00"));
	check(has_hole("09:20:00", "09:21:00"));
	check(!has_hole("09:15:00", "09:16:00"));
	check(!has_hole("09:21:00", "09:22:00"));
	check_i64(minute("09:20:00")->volume, 0);
	SAY(.now = "09:20:10", .price = 111, .vtt = 530);
	check_i64(minute("09:20:00")->volume, 10);
	/* Within one minute it can only belong to that. */
	d.is_snapshot = true;
	SAY(.now = "09:20:20", .price = 112, .vtt = 600);
	check_i64(minute("09:20:00")->volume, 80);
	check_i64(bars_desk_row(&d, SERIES_SECOND, NULL, "09:20:20")->volume, 0);
}

static void test_break(void **state)
{
	(void)state;
	SAY(.now = "09:15:10", .price = 100, .vtt = 10);
	bars_break(&d.bars);
	SAY(.now = "09:18:10", .price = 101, .vtt = 40);
	check_i64(d.bars.holes, 1);
	check(has_hole("09:16:00", "09:17:00"));
	check_i64(minute("09:18:00")->volume, 0);
	SAY(.now = "09:18:20", .price = 101.5, .vtt = 45);
	check_i64(d.bars.holes, 1);
}

/* The exchange's clock may run ahead of the message's: the trade that a snapshot shows lies behind its
 * message, and what was missed goes up to it. */
static void test_hole_reaches_the_trade(void **state)
{
	(void)state;
	SAY(.now = "09:15:10", .price = 100, .vtt = 10);
	d.is_snapshot = true;
	SAY(.now = "09:15:58", .at = "09:16:03", .price = 101, .vtt = 500);
	check(has_hole("09:16:00", "09:17:00"));
	/* The same where the first tick of all does it. */
	d.is_snapshot = true;
	SAY(.now = "09:15:58", .at = "09:16:03", .price = 101, .vtt = 500, .key = "NSE_FO|2");
	check(bars_has_hole(bars_of(&d.bars, 1), desk_ms("09:16:00"), desk_ms("09:17:00")));
	check(!bars_has_hole(bars_of(&d.bars, 1), desk_ms("09:17:00"), desk_ms("09:18:00")));
}

/* More holes than are kept: neighbours become one, and nothing is called whole that is not. */
static void test_many_holes(void **state)
{
	(void)state;
	for (int i = 0; i < 3 * HOLES_MAX; i++) {
		char time[40];

		snprintf(time, sizeof(time), "10:%02d:10", i);
		d.is_snapshot = true;
		SAY(.now = time, .price = 100 + i, .vtt = 10 + i);
	}
	check_i64(bars_of(&d.bars, 0)->holes_n, HOLES_MAX);
	for (int i = 0; i < 3 * HOLES_MAX; i++) {
		char from[40], to[40];

		snprintf(from, sizeof(from), "10:%02d:00", i);
		snprintf(to, sizeof(to), "10:%02d:00", i + 1);
		check(has_hole(from, to));
	}
}

/* --- the clock --------------------------------------------------------------------------------- */

/* One broken currentTs must not make all that follows "too late". */
static void test_lone_leap(void **state)
{
	(void)state;
	SAY(.now = "09:15:10", .price = 100, .vtt = 10);
	SAY(.now = "2031-01-01T09:15:10", .at = "09:15:20", .price = 101, .vtt = 11);
	SAY(.now = "09:15:30", .price = 102, .vtt = 12);
	check_row(minute("09:15:00"), 100, 102, 100, 102, 2);
	check_i64(d.bars.market_ms, desk_ms("09:15:30"));
	/* A trade of that time comes with it, or another message behind it: then it is true. */
	SAY(.now = "11:15:10", .price = 103, .vtt = 13);
	check_i64(d.bars.market_ms, desk_ms("11:15:10"));
	check_row(minute("11:15:00"), 103, 103, 103, 103, 1);
	SAY(.now = "13:15:10", .at = "11:15:10", .price = 103, .vtt = 13);
	check_i64(d.bars.market_ms, desk_ms("11:15:10"));
	SAY(.now = "14:00:00", .at = "11:15:10", .price = 103, .vtt = 13);
	check_i64(d.bars.market_ms, desk_ms("14:00:00"));
}

/* The simulator begins its day again: what was of its future goes, what was before stays. */
static void test_market_begins_anew(void **state)
{
	uint64_t generation = d.bars.generation;

	(void)state;
	SAY(.now = "09:15:10", .price = 100, .vtt = 10);
	for (int i = 0; i < 60; i++) {
		char now[40];

		snprintf(now, sizeof(now), "10:%02d:30", i);
		SAY(.now = now, .price = 200, .vtt = 20 + i);
	}
	d.is_snapshot = true;
	SAY(.now = "09:30:00", .price = 300, .vtt = 5); /* one is late, or broken */
	check(minute("10:59:00") != NULL);
	for (int i = 1; i <= 30; i++) {
		char now[40];

		snprintf(now, sizeof(now), "09:30:%02d", i);
		SAY(.now = now, .price = 300 + i, .vtt = 5 + i);
	}
	check(minute("10:59:00") == NULL);
	check(minute("09:15:00") != NULL);
	check_i64(d.bars.market_ms, desk_ms("09:30:30"));
	check_i64(d.bars.generation, generation + 1);
	check_near(price_to_double(minute("09:30:00")->close), 330, 0);
	check(has_hole("09:30:00", "09:31:00")); /* it was seen from its sixteenth second on */
	SAY(.now = "09:31:10", .price = 400, .vtt = 50);
	check_row(minute("09:31:00"), 400, 400, 400, 400, 15);
}

/* A trade of the future is none; what it hid counts at the next. */
static void test_early(void **state)
{
	(void)state;
	SAY(.now = "09:15:10", .price = 100, .vtt = 10);
	SAY(.now = "09:15:20", .at = "09:16:20.001", .price = 500, .vtt = 20);
	check_i64(d.bars.early, 1);
	check(minute("09:16:00") == NULL);
	SAY(.now = "09:15:30", .price = 101, .vtt = 30);
	check_row(minute("09:15:00"), 100, 101, 100, 101, 20);
	/* The recorder's clock may run some seconds behind the exchange's. */
	SAY(.now = "09:15:58", .at = "09:16:03", .price = 102, .vtt = 31);
	check_row(minute("09:16:00"), 102, 102, 102, 102, 1);
}

/* --- the exchange's own ------------------------------------------------------------------------ */

static struct bar exchange_bar(const char *time, double open, double high, double low, double close,
			       int64_t vol)
{
	struct bar b = {.interval = "I1",
			.present = BAR_OPEN | BAR_HIGH | BAR_LOW | BAR_CLOSE | BAR_VOL | BAR_TS,
			.vol = vol,
			.ts_ms = desk_ms(time)};

	check(price_from_double(open, &b.open) && price_from_double(high, &b.high));
	check(price_from_double(low, &b.low) && price_from_double(close, &b.close));
	return b;
}

static void say_minute(const char *now, double price, int64_t vtt, struct bar bar)
{
	SAY(.now = now, .price = price, .vtt = vtt, .minute = &bar);
}

static void test_compare(void **state)
{
	struct bar before = exchange_bar("09:14:00", 1, 2, 1, 2, 9);

	(void)state;
	SAY(.now = "09:15:00", .price = 100, .vtt = 10, .ltq = 10, .minute = &before);
	SAY(.now = "09:15:30", .price = 102, .vtt = 40);
	say_minute("09:16:01", 101, 50, exchange_bar("09:15:00", 100, 102, 100, 102, 40));
	check_i64(d.bars.compared, 0); /* stragglers may come until the next is told */
	say_minute("09:17:01", 103, 60, exchange_bar("09:16:00", 100.5, 104, 100.5, 101, 12));
	check_i64(d.bars.compared, 1);
	check_i64(d.bars.equal, 1);
	say_minute("09:18:01", 99, 70, exchange_bar("09:17:00", 103, 103, 103.5, 103, 10));
	check_i64(d.bars.narrower, 1);
	check_i64(d.bars.volume_differs, 1);
	say_minute("09:19:01", 99, 71, exchange_bar("09:18:00", 99, 99, 99, 99, 10));
	check_i64(d.bars.compared, 3);
	check_i64(d.bars.contradictions, 1);
	check_i64(d.bars.equal + d.bars.narrower, 2);
	/* Told again, or an older one: nothing. */
	say_minute("09:19:02", 99, 72, exchange_bar("09:18:00", 7, 7, 7, 7, 7));
	check_i64(d.bars.compared, 3);
	check_near(price_to_double(bars_desk_row(&d, SERIES_EXCHANGE, NULL, "09:18:00")->open), 99,
		   0);
}

/* A minute that was not seen whole is not compared. */
static void test_compare_not_whole(void **state)
{
	(void)state;
	SAY(.now = "09:15:20", .price = 100, .vtt = 10);
	say_minute("09:16:01", 101, 50, exchange_bar("09:15:00", 90, 110, 90, 102, 300));
	say_minute("09:17:01", 101, 50, exchange_bar("09:16:00", 101, 101, 101, 101, 1));
	check_i64(d.bars.compared, 0);
}

/* --- how much is kept -------------------------------------------------------------------------- */

static void test_keep(void **state)
{
	const struct bar_series *s;

	(void)state;
	bars_desk_fini(&d);
	bars_desk_init(&d, 64);
	for (int i = 0; i < 300; i++) {
		char time[40];

		snprintf(time, sizeof(time), "%02d:%02d:30", 9 + i / 60, i % 60);
		SAY(.now = time, .price = 100 + i, .vtt = 1 + i);
	}
	s = &bars_of(&d.bars, 0)->series[SERIES_MINUTE];
	check(s->n > 64 - 64 / 8 - 2 && s->n <= 64 && s->cap <= 64);
	check(minute("13:59:00") != NULL);
	check(minute("13:10:00") != NULL);
	check(minute("09:00:00") == NULL);
	check_i64(s->rows[0].start_ms, s->dropped_ms + 60000);
	/* A late trade older than all that is kept leaves no mark. */
	SAY(.now = "13:59:31", .at = "13:59:31", .price = 7, .vtt = 900);
	check_i64(bar_series_from(s, 0), 0);
	check_i64(bar_series_from(s, INT64_MAX), s->n);
}

/* A row that had to leave does not come back with nothing but a late trade in it. */
static void test_gone_is_gone(void **state)
{
	(void)state;
	bars_desk_fini(&d);
	bars_desk_init(&d, 64);
	for (int i = 0; i <= 64; i++) {
		char time[40];

		snprintf(time, sizeof(time), "09:%02d:%02d", 15 + i / 60, i % 60);
		SAY(.now = time, .price = 100 + i, .vtt = 1 + i);
	}
	check(bars_desk_row(&d, SERIES_SECOND, NULL, "09:15:02") == NULL);
	SAY(.now = "09:16:05", .at = "09:15:02.900", .price = 7, .vtt = 900);
	check(bars_desk_row(&d, SERIES_SECOND, NULL, "09:15:02") == NULL);
	check_near(price_to_double(minute("09:15:00")->low), 7, 0);
}

/* --- handing over ------------------------------------------------------------------------------ */

static void test_adopt(void **state)
{
	struct bars_desk old;
	uint64_t generation = d.bars.generation;

	(void)state;
	bars_desk_init(&old, 900);
	bars_desk_say(&old, (struct desk_tick){.now = "09:15:01", .price = 9, .key = "NSE_EQ|A"});
	bars_desk_say(&old, (struct desk_tick){.now = "09:15:02", .price = 10, .key = "NSE_EQ|B"});
	bars_desk_say(&old, (struct desk_tick){.now = "09:15:03", .price = 11, .key = "NSE_EQ|C"});
	/* Here B has another id, C is not known, and what was before goes. */
	SAY(.now = "10:00:00", .price = 77, .key = "NSE_EQ|B");
	SAY(.now = "10:00:00", .price = 78, .key = "NSE_EQ|A");
	bars_adopt(&d.bars, &old.bars);
	check_row(bars_desk_row(&d, SERIES_MINUTE, "NSE_EQ|A", "09:15:00"), 9, 9, 9, 9, 0);
	check_row(bars_desk_row(&d, SERIES_MINUTE, "NSE_EQ|B", "09:15:00"), 10, 10, 10, 10, 0);
	check(bars_desk_row(&d, SERIES_MINUTE, "NSE_EQ|B", "10:00:00") == NULL);
	check_i64(d.bars.market_ms, desk_ms("09:15:03"));
	check_i64(d.bars.trades, 3);
	check_i64(d.bars.generation, generation + 1);
	SAY(.now = "09:15:40", .price = 12, .key = "NSE_EQ|B");
	check_row(bars_desk_row(&d, SERIES_MINUTE, "NSE_EQ|B", "09:15:00"), 10, 12, 10, 12, 0);
	bars_desk_fini(&old);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_minute),
		TEST(test_repeats),
		TEST(test_out_of_order),
		TEST(test_too_late),
		TEST(test_first_tick_is_old),
		TEST(test_volume),
		TEST(test_index),
		TEST(test_first_trade_of_the_day),
		TEST(test_first_tick_is_a_trade),
		TEST(test_count_begins_anew),
		TEST(test_mode_without_volume),
		TEST(test_hole),
		TEST(test_hole_reaches_the_trade),
		TEST(test_break),
		TEST(test_many_holes),
		TEST(test_lone_leap),
		TEST(test_early),
		TEST(test_market_begins_anew),
		TEST(test_compare),
		TEST(test_compare_not_whole),
		TEST(test_keep),
		TEST(test_gone_is_gone),
		TEST(test_adopt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
