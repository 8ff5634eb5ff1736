/* SPDX-License-Identifier: MIT
 *
 * test_bars_view: longer bars from minutes, their states, and the JSON.
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

#define SAY(...) bars_desk_say(&d, (struct desk_tick){__VA_ARGS__})

static void test_names(void **state)
{
	static const char *const bad[] = {"", "2m", "1M", "1", "1mm", "60", "1m "};
	enum bar_interval i;

	(void)state;
	for (int n = 0; n < BAR_INTERVALS; n++) {
		const char *text = bar_interval_text((enum bar_interval)n);

		check(bar_interval_parse(text, strlen(text), &i));
		check_i64(i, n);
	}
	for (size_t n = 0; n < ARRAY_LEN(bad); n++)
		check(!bar_interval_parse(bad[n], strlen(bad[n]), &i));
}

/* Where the bar begins that holds an instant. */
static void check_start(enum bar_interval i, const char *anchor, const char *time,
			const char *start)
{
	int32_t anchor_ms = (int32_t)(desk_ms(anchor) - desk_ms("00:00:00"));

	check_i64(bar_start(i, anchor_ms, desk_ms(time)), desk_ms(start));
}

static void test_starts(void **state)
{
	(void)state;
	check_start(BAR_1S, "09:15:00", "09:15:03.999", "09:15:03");
	check_start(BAR_1M, "09:15:00", "09:15:59.999", "09:15:00");
	check_start(BAR_5M, "09:15:00", "09:19:59.999", "09:15:00");
	check_start(BAR_15M, "09:15:00", "09:30:00", "09:30:00");
	check_start(BAR_30M, "09:15:00", "09:44:59", "09:15:00");
	check_start(BAR_30M, "09:15:00", "09:14:59", "08:45:00"); /* the pre-open is a bar apart */
	check_start(BAR_1H, "09:15:00", "15:29:59", "15:15:00");
	check_start(BAR_1H, "09:00:00", "15:29:59", "15:00:00");
	check_start(BAR_30M, "09:00:00", "09:31:00", "09:30:00");
	check_start(BAR_1D, "09:15:00", "23:59:59.999", "00:00:00");
	check_start(BAR_1D, "09:15:00", "00:00:00", "00:00:00");
}

static void check_bar(const struct bar_view *v, double open, double high, double low, double close,
		      int64_t volume, enum bar_state state)
{
	check_near(price_to_double(v->row.open), open, 0);
	check_near(price_to_double(v->row.high), high, 0);
	check_near(price_to_double(v->row.low), low, 0);
	check_near(price_to_double(v->row.close), close, 0);
	check_i64(v->row.volume, volume);
	check_i64(v->state, state);
}

/* A quiet hour: one trade in every minute from 09:15 on, the price going up by one. */
static void say_an_hour(void)
{
	SAY(.now = "09:14:50", .at = "09:07:00", .price = 99, .vtt = 100);
	for (int i = 0; i < 60; i++) {
		char now[40];

		snprintf(now, sizeof(now), "%02d:%02d:30", 9 + (15 + i) / 60, (15 + i) % 60);
		SAY(.now = now, .price = 100 + i, .vtt = 110 + 10 * i, .oi = 7 + i);
	}
}

static void test_minutes_together(void **state)
{
	struct bar_view v;

	(void)state;
	say_an_hour();
	v = bars_desk_view(&d, NULL, BAR_5M, "09:15:00", "10:15:01");
	check_bar(&v, 100, 104, 100, 104, 50, BAR_FINAL);
	check_i64(v.row.ticks, 5);
	check_near(v.row.oi, 11, 0);
	v = bars_desk_view(&d, NULL, BAR_15M, "09:45:00", "10:15:01");
	check_bar(&v, 130, 144, 130, 144, 150, BAR_FINAL);
	v = bars_desk_view(&d, NULL, BAR_30M, "09:45:00", "10:15:01");
	check_bar(&v, 130, 159, 130, 159, 300, BAR_FINAL);
	v = bars_desk_view(&d, NULL, BAR_1H, "09:15:00", "10:15:01");
	check_bar(&v, 100, 159, 100, 159, 600, BAR_FINAL);
	/* The day's volume is the exchange's: what was before the first tick counts. */
	v = bars_desk_view(&d, NULL, BAR_1D, "00:00:00", "10:15:01");
	check_bar(&v, 100, 159, 100, 159, 700, BAR_PARTIAL);
	v = bars_desk_view(&d, NULL, BAR_1S, "09:15:30", "10:15:01");
	check_bar(&v, 100, 100, 100, 100, 10, BAR_FINAL);
}

static void test_states(void **state)
{
	struct bar_view v;

	(void)state;
	say_an_hour();
	/* Open until a second after its end. */
	v = bars_desk_view(&d, NULL, BAR_1M, "10:14:00", "10:15:00.999");
	check_i64(v.state, BAR_PARTIAL);
	v = bars_desk_view(&d, NULL, BAR_1M, "10:14:00", "10:15:01");
	check_i64(v.state, BAR_FINAL);
	/* A straggler within that second is no amendment. */
	SAY(.now = "10:15:00.500", .at = "10:14:59", .price = 170, .vtt = 720);
	v = bars_desk_view(&d, NULL, BAR_1M, "10:14:00", "10:15:01");
	check_bar(&v, 159, 170, 159, 170, 30, BAR_FINAL);
	SAY(.now = "10:15:40", .at = "10:14:59.500", .price = 180, .vtt = 730);
	v = bars_desk_view(&d, NULL, BAR_1M, "10:14:00", "10:15:40");
	check_bar(&v, 159, 180, 159, 180, 40, BAR_AMENDED);
	/* The hour that holds it was over as well, the day is not. */
	v = bars_desk_view(&d, NULL, BAR_1H, "09:15:00", "10:15:40");
	check_i64(v.state, BAR_AMENDED);
	check_near(price_to_double(v.row.high), 180, 0);
	v = bars_desk_view(&d, NULL, BAR_5M, "10:10:00", "10:15:40");
	check_i64(v.state, BAR_AMENDED);
	d.bars.is_rebuilding = true;
	v = bars_desk_view(&d, NULL, BAR_1M, "09:30:00", "10:15:40");
	check_i64(v.state, BAR_PARTIAL);
}

static void test_holes(void **state)
{
	struct bar_view v;

	(void)state;
	say_an_hour();
	d.is_snapshot = true;
	SAY(.now = "10:20:30", .price = 200, .vtt = 2000);
	SAY(.now = "10:45:00", .price = 201, .vtt = 2010);
	v = bars_desk_view(&d, NULL, BAR_1M, "10:14:00", "10:45:00");
	check_i64(v.state, BAR_PARTIAL); /* from 10:14:30 on nothing was seen */
	v = bars_desk_view(&d, NULL, BAR_1M, "10:13:00", "10:45:00");
	check_i64(v.state, BAR_FINAL);
	v = bars_desk_view(&d, NULL, BAR_15M, "10:15:00", "10:45:00");
	check_i64(v.state, BAR_PARTIAL);
	/* The first minute of all began before its first tick. */
	SAY(.now = "10:45:10", .price = 5, .key = "NSE_EQ|LATE");
	SAY(.now = "10:47:10", .price = 6, .key = "NSE_EQ|LATE");
	v = bars_desk_view(&d, "NSE_EQ|LATE", BAR_1M, "10:45:00", "10:50:00");
	check_i64(v.state, BAR_PARTIAL);
	v = bars_desk_view(&d, "NSE_EQ|LATE", BAR_1M, "10:47:00", "10:50:00");
	check_i64(v.state, BAR_FINAL);
}

/* The last hour and the day are over when the exchange has closed, not at their full length. */
static void test_close(void **state)
{
	struct bar_view v;

	(void)state;
	SAY(.now = "09:00:00", .at = "08:00:00", .price = 1, .vtt = 1);
	SAY(.now = "15:20:00", .price = 100, .vtt = 10);
	SAY(.now = "15:38:00", .price = 101, .vtt = 20);
	v = bars_desk_view(&d, NULL, BAR_1H, "15:15:00", "15:39:59"); /* derivatives: 15:40 */
	check_i64(v.state, BAR_PARTIAL);
	check_i64(v.over_ms, desk_ms("15:40:00"));
	v = bars_desk_view(&d, NULL, BAR_1H, "15:15:00", "15:40:01");
	check_i64(v.state, BAR_FINAL);
	v = bars_desk_view(&d, NULL, BAR_30M, "15:15:00", "15:45:01");
	check_i64(v.over_ms, desk_ms("15:40:00"));
	v = bars_desk_view(&d, NULL, BAR_1D, "00:00:00", "15:40:01");
	check_i64(v.over_ms, desk_ms("15:40:00"));
	/* Nothing is known of the hours of others. */
	SAY(.now = "15:38:00", .price = 101, .key = "MCX_FO|7");
	v = bars_desk_view(&d, "MCX_FO|7", BAR_1H, "15:00:00", "15:40:01");
	check_i64(v.over_ms, desk_ms("16:00:00"));
}

/* Nothing can be missed before the exchange opens: the day of a server that was there in time is whole. */
static void test_day_is_whole(void **state)
{
	struct bar_view v;

	(void)state;
	d.is_snapshot = true;
	SAY(.now = "08:50:00", .at = "2026-11-19T15:39:59", .price = 99, .vtt = 900);
	SAY(.now = "08:59:00", .at = "2026-11-19T15:39:59", .price = 9, .key = "MCX_FO|7");
	SAY(.now = "09:15:00.500", .price = 100, .vtt = 10);
	SAY(.now = "15:39:00", .price = 101, .vtt = 20);
	v = bars_desk_view(&d, NULL, BAR_1D, "00:00:00", "15:40:00.999");
	check_bar(&v, 100, 101, 100, 101, 20, BAR_PARTIAL);
	v = bars_desk_view(&d, NULL, BAR_1D, "00:00:00", "15:40:01");
	check_bar(&v, 100, 101, 100, 101, 20, BAR_FINAL);
	/* When commodities close is not known, when they open is. */
	SAY(.now = "15:39:00", .price = 8, .key = "MCX_FO|7");
	v = bars_desk_view(&d, "MCX_FO|7", BAR_1D, "00:00:00", "2026-11-21T00:00:01");
	check_i64(v.state, BAR_FINAL);
	/* What came behind the opening only. */
	SAY(.now = "15:39:10", .at = "15:39:10", .price = 8, .key = "NSE_FO|8");
	v = bars_desk_view(&d, "NSE_FO|8", BAR_1D, "00:00:00", "15:40:01");
	check_i64(v.state, BAR_PARTIAL);
}

/* A bar whose first minutes had to leave is not whole any more. */
static void test_dropped(void **state)
{
	struct bar_view v;

	(void)state;
	bars_desk_fini(&d);
	bars_desk_init(&d, 60);
	say_an_hour();
	v = bars_desk_view(&d, NULL, BAR_1H, "09:15:00", "10:40:00");
	check_i64(v.state, BAR_FINAL);
	SAY(.now = "10:16:00", .price = 7, .vtt = 900);
	v = bars_desk_view(&d, NULL, BAR_1H, "09:15:00", "10:40:00");
	check_i64(v.state, BAR_PARTIAL);
	v = bars_desk_view(&d, NULL, BAR_5M, "09:30:00", "10:40:00");
	check_i64(v.state, BAR_FINAL);
}

static void test_walk(void **state)
{
	const struct instrument_bars *of;
	struct bar_walk w;
	struct bar_view v;
	int n = 0;

	(void)state;
	bar_walk_begin(&w, &d.bars, NULL, "NSE_FO|1", BAR_1M, 0, desk_ms("10:15:01"));
	check(!bar_walk_next(&w, &v));
	say_an_hour();
	of = bars_of(&d.bars, 0);
	/* From inside of a bar: the next one is the first. */
	bar_walk_begin(&w, &d.bars, of, "NSE_FO|1", BAR_5M, desk_ms("09:17:00"),
		       desk_ms("10:15:01"));
	while (bar_walk_next(&w, &v)) {
		check_i64(v.row.start_ms, desk_ms("09:20:00") + n * 300000);
		n++;
	}
	check_i64(n, 11);
	/* Behind all that is. */
	for (int i = 0; i < BAR_INTERVALS; i++) {
		bar_walk_begin(&w, &d.bars, of, "NSE_FO|1", (enum bar_interval)i, INT64_MAX,
			       desk_ms("10:15:01"));
		check(!bar_walk_next(&w, &v));
	}
}

static void test_json(void **state)
{
	struct bar minute = {.interval = "I1",
			     .present = BAR_OPEN | BAR_HIGH | BAR_LOW | BAR_CLOSE | BAR_TS,
			     .open = 1000500,
			     .high = 1100000,
			     .low = 1000000,
			     .close = 1050000,
			     .ts_ms = desk_ms("09:16:00")};
	struct buf b = {0};
	struct bar_view v;

	(void)state;
	SAY(.now = "09:15:30", .price = 100.05, .vtt = 1);
	SAY(.now = "09:16:30", .price = 100.05, .vtt = 76, .oi = 12.5);
	SAY(.now = "09:17:30", .price = 101, .vtt = 80, .minute = &minute);
	v = bars_desk_view(&d, NULL, BAR_1M, "09:16:00", "09:18:00");
	bar_json(&b, &v);
	check_str(buf_cstr(&b),
		  "{\"start\":\"2026-11-20T09:16:00.000+05:30\",\"start_ms\":1795146360000,"
		  "\"open\":100.05,\"high\":100.05,\"low\":100.05,\"close\":100.05,"
		  "\"volume\":75,\"oi\":12.5,\"ticks\":1,\"state\":\"final\",\"exchange\":{"
		  "\"open\":100.05,\"high\":110,\"low\":100,\"close\":105}}");
	buf_reset(&b);
	v = bars_desk_view(&d, NULL, BAR_5M, "09:15:00", "09:18:00");
	bar_json(&b, &v);
	check(strstr(buf_cstr(&b), "\"state\":\"partial\"}") != NULL);
	buf_fini(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names),        TEST(test_starts), TEST(test_minutes_together),
		TEST(test_states),       TEST(test_holes),  TEST(test_close),
		TEST(test_dropped),      TEST(test_walk),   TEST(test_json),
		TEST(test_day_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
