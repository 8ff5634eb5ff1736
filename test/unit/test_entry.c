/* SPDX-License-Identifier: MIT
 *
 * test_entry: what one instrument's part of a message means: the reference bytes of the
 * documentation, and the rules of protobuf and of the feed one by one.
 */
#include "feed_samples.h"

static price_t price(double d)
{
	price_t p = 0;

	check(price_from_double(d, &p));
	return p;
}

static void test_ltpc(void **state)
{
	struct feed_frame f = {0};
	struct bytes b;
	struct tick t = only_tick(&f, &b, HEX_LTPC);

	(void)state;
	check_i64(f.type, FEED_LIVE);
	check_i64(f.current_ts, 1740729566039);
	check(!f.has_market_info);
	check_i64(t.key_len, strlen("NSE_FO|45450"));
	check(memcmp(t.key, "NSE_FO|45450", t.key_len) == 0);
	check(t.key > (const char *)b.p && t.key < (const char *)b.p + b.len);
	check_i64(t.q.present, QUOTE_MSG_LTPC | QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP);
	check_i64(t.q.arm, ARM_LTPC);
	check_i64(t.q.mode, MODE_LTPC);
	check_i64(t.q.ltp, 2193000);
	check_i64(t.q.ltt, 1740729552723);
	check_i64(t.q.ltq, 75);
	check_i64(t.q.cp, 4940500);
	check_i64(t.rejected, 0);
	feed_frame_fini(&f);
	free(b.p);
}

static void test_index(void **state)
{
	struct feed_frame f = {0};
	struct bytes b;
	struct tick t = only_tick(&f, &b, HEX_INDEX);

	(void)state;
	check_i64(f.type, FEED_INITIAL);
	check_i64(f.current_ts, 1757308568000);
	check_i64(t.q.present,
		  QUOTE_MSG_LTPC | QUOTE_LTP | QUOTE_LTT | QUOTE_CP | QUOTE_BARS | QUOTE_MSG_OHLC);
	check_i64(t.q.arm, ARM_INDEX);
	check_i64(t.q.mode, MODE_FULL_D5);
	check_i64(t.q.ltp, 541548000);
	check_i64(t.q.cp, 541145500);
	check_i64(t.q.bars_n, 1);
	check_str(t.q.bars[0].interval, "1d");
	check_i64(t.q.bars[0].present, BAR_OPEN | BAR_HIGH | BAR_LOW | BAR_CLOSE | BAR_TS);
	check_i64(t.q.bars[0].open, 542154000);
	check_i64(t.q.bars[0].high, 543292000);
	check_i64(t.q.bars[0].low, 540671500);
	check_i64(t.q.bars[0].close, 541548000);
	check_i64(t.q.bars[0].ts_ms, 1757269800000);
	feed_frame_fini(&f);
	free(b.p);
}

static void test_option_greeks(void **state)
{
	struct feed_frame f = {0};
	struct bytes b;
	struct tick t = only_tick(&f, &b, HEX_GREEKS);

	(void)state;
	check_i64(t.q.present, QUOTE_MSG_LTPC | QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP |
				       QUOTE_DEPTH | QUOTE_MSG_GREEKS | QUOTE_GREEKS | QUOTE_VTT |
				       QUOTE_OI | QUOTE_IV);
	check_i64(t.q.arm, ARM_FIRST_LEVEL);
	check_i64(t.q.mode, MODE_OPTION_GREEKS);
	check_i64(t.q.depth_n, 1);
	check_i64(t.q.depth[0].bid_qty, 80);
	check_i64(t.q.depth[0].bid, 2546000);
	check_i64(t.q.depth[0].ask, 2549000);
	check_i64(t.q.depth[0].ask_qty, 60);
	check_near(t.q.delta, -0.4796, 0);
	check_near(t.q.theta, -112.3274, 0);
	check_near(t.q.gamma, 0.0006, 0);
	check_near(t.q.vega, 19.3795, 0);
	check_near(t.q.rho, -1.3444, 0);
	check_i64(t.q.vtt, 9027620);
	check_near(t.q.oi, 1416020, 0);
	check_near(t.q.iv, 0.1387786865234375, 0);
	feed_frame_fini(&f);
	free(b.p);
}

static void test_equity(void **state)
{
	static const struct depth_row rows[5] = {
		{570, 13136500, 13137000, 746},  {366, 13136000, 13137500, 700},
		{384, 13135500, 13138000, 2020}, {209, 13135000, 13138500, 1},
		{65, 13134500, 13139000, 1},
	};
	struct feed_frame f = {0};
	struct bytes b;
	struct tick t = only_tick(&f, &b, HEX_EQUITY);

	(void)state;
	check_i64(t.q.present, QUOTE_MSG_LTPC | QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP |
				       QUOTE_DEPTH | QUOTE_MSG_GREEKS | QUOTE_MSG_OHLC |
				       QUOTE_BARS | QUOTE_ATP | QUOTE_VTT | QUOTE_TBQ | QUOTE_TSQ);
	check_i64(t.q.arm, ARM_MARKET);
	check_i64(t.q.depth_n, 5);
	check(memcmp(t.q.depth, rows, sizeof(rows)) == 0);
	check_i64(t.q.bars_n, 2);
	check_str(t.q.bars[0].interval, "1d");
	check_str(t.q.bars[1].interval, "I1");
	check_i64(t.q.bars[0].vol, 7790518);
	check_i64(t.q.bars[1].open, price(1312.75));
	check_i64(t.q.bars[1].vol, 45682);
	check_i64(t.q.bars[1].ts_ms, 1742373900000);
	check_i64(t.q.atp, price(1310.68));
	check_near(t.q.tbq, 359157, 0);
	check_near(t.q.tsq, 421241, 0);
	feed_frame_fini(&f);
	free(b.p);
}

static void test_auction_price(void **state)
{
	struct feed_frame f = {0};
	struct bytes b;
	struct tick t = only_tick(&f, &b, HEX_IEP);

	(void)state;
	check_i64(t.q.present,
		  QUOTE_MSG_LTPC | QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP | QUOTE_LTPC_IEP);
	check_i64(t.q.ltpc_iep, price(1401.25));
	check_i64(t.q.ltq, 3);
	feed_frame_fini(&f);
	free(b.p);
}

/* ---- rules of protobuf and of the feed ------------------------------------------------------- */

/* The hex form of a frame with one entry of key "A" whose Feed is `feed`, and unknown fields behind it:
 * only with some bytes to come are the short ways of usual.h taken. */
static void frame_hex(char hex[1024], const char *feed)
{
	size_t n = strlen(feed) / 2;

	check(n < 120);
	hex += sprintf(hex, "12%02zx0a014112%02zx%s", n + 5, n, feed);
	for (int i = 0; i < 40; i++)
		hex = stpcpy(hex, "3801");
}

static struct tick feed_tick(const char *feed)
{
	struct feed_frame f = {0};
	char hex[1024];
	struct bytes b;
	struct tick t;

	frame_hex(hex, feed);
	t = only_tick(&f, &b, hex);
	t.key = NULL; /* dies here */
	feed_frame_fini(&f);
	free(b.p);
	return t;
}

static void test_zero_is_not_sent(void **state)
{
	struct tick t = feed_tick("0a0f0900000000000000001000180a1800");

	(void)state;
	check_i64(t.q.present, QUOTE_MSG_LTPC);
	/* -0.0 too, and a later zero takes an earlier value back */
	t = feed_tick("0a12090000000000e06f40090000000000000080");
	check_i64(t.q.present, QUOTE_MSG_LTPC);
	t = feed_tick("0a09090000000000e06f400a09090000000000000000");
	check_i64(t.q.present, QUOTE_MSG_LTPC);
	/* written zeros in a message that is otherwise of the usual form: LTPC, a bar */
	t = feed_tick("0a16090000000000000000"
		      "10001800"
		      "210000000000000000");
	check_i64(t.q.present, QUOTE_MSG_LTPC);
	t = feed_tick("12320a30222e0a2c0a023164"
		      "110000000000000000190000000000000000210000000000000000290000000000000000"
		      "30003800");
	check_i64(t.q.present, QUOTE_MSG_OHLC | QUOTE_BARS);
	check_str(t.q.bars[0].interval, "1d");
	check_i64(t.q.bars[0].present, 0);
	/* but an iep that is there is a value */
	t = feed_tick("0a022a00");
	check_i64(t.q.present, QUOTE_MSG_LTPC | QUOTE_LTPC_IEP);
	check_i64(t.q.ltpc_iep, 0);
	/* which an empty one, merged into it, does not change: 1 */
	t = feed_tick("0a0d2a0909000000000000f03f2a00");
	check_i64(t.q.present, QUOTE_MSG_LTPC | QUOTE_LTPC_IEP);
	check_i64(t.q.ltpc_iep, 10000);
	/* 1, NaN, empty: NaN, which is no price, and no zero was ever said */
	t = feed_tick("0a182a0909000000000000f03f2a0909000000000000f87f2a00");
	check_i64(t.q.present, QUOTE_MSG_LTPC);
	check_i64(t.rejected, 1);
	/* and so are the zeros of depth */
	t = feed_tick("120a0a0812060a000a020805");
	check_i64(t.q.present, QUOTE_DEPTH);
	check_i64(t.q.depth_n, 2);
	check_i64(t.q.depth[0].bid_qty, 0);
	check_i64(t.q.depth[0].ask, 0);
	check_i64(t.q.depth[1].bid_qty, 5);
	t = feed_tick("12040a021200");
	check_i64(t.q.present, QUOTE_DEPTH);
	check_i64(t.q.depth_n, 0);
	check_i64(t.q.arm, ARM_MARKET);
}

static void test_merging(void **state)
{
	/* firstDepth twice: {bidQ 5, bidP 1}, {askQ 6} */
	struct tick t = feed_tick("1a11120b080511000000000000f03f12021806");

	(void)state;
	check_i64(t.q.depth_n, 1);
	check_i64(t.q.depth[0].bid_qty, 5);
	check_i64(t.q.depth[0].bid, 10000);
	check_i64(t.q.depth[0].ask_qty, 6);
	/* marketLevel twice: rows add up */
	t = feed_tick("120e0a0c12040a02080112040a020802");
	check_i64(t.q.depth_n, 2);
	check_i64(t.q.depth[1].bid_qty, 2);
	/* an empty arm takes the place of another one, and keeps the mode */
	t = feed_tick("20010a0218051200");
	check_i64(t.q.present, 0);
	check_i64(t.q.arm, ARM_NONE);
	check_i64(t.q.mode, MODE_FULL_D5);
	/* the arm that is there keeps what it has */
	t = feed_tick("12060a040a0218051200");
	check_i64(t.q.present, QUOTE_MSG_LTPC | QUOTE_LTQ);
	check_i64(t.q.arm, ARM_MARKET);
	/* an ltpc in the usual form after an odd one */
	t = feed_tick("0a021805"
		      "0a19099a99999999696b4010d39ec4dcd43221cdcccccccce07e40");
	check_i64(t.q.ltq, 5);
	check(t.q.present & QUOTE_LTQ);
	/* a mode that no byte can hold */
	check_i64(feed_tick("20ac02").q.mode, 255);
	check_i64(feed_tick("20ffffffffffffffffff01").q.mode, 255);
	check_i64(feed_tick("20feffffffffffffffff01").q.mode, 255);
	check_i64(feed_tick("2063").q.mode, 99);
}

/* {ltp, ltt, cp} in the usual form, with prices that are no plain multiples of 1/10000. */
static void test_odd_prices(void **state)
{
	static const double odd[] = {52.04999923706055, 1e12, -1e12,  4e11, -4e11, 1e-7, 3e15, 1e30,
				     -0.0625,           1e70, 0.00005};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		char feed[128];
		uint64_t bits;
		struct tick t;

		memcpy(&bits, &odd[i], sizeof(bits));
		bits = __builtin_bswap64(bits); /* as hex digits in the order of the wire */
		snprintf(feed, sizeof(feed), "0a1909%016llx10d39ec4dcd43221cdcccccccce07e40",
			 (unsigned long long)bits);
		t = feed_tick(feed);
		check_i64(t.q.present, QUOTE_MSG_LTPC | QUOTE_LTP | QUOTE_LTT | QUOTE_CP);
		check_i64(t.rejected, 0);
		check_near(price_to_double(t.q.ltp), odd[i], 0);
		check_i64(t.q.ltt, 1740729552723);
		check_i64(t.q.cp, price(494.05));
	}
}

static void test_rejected(void **state)
{
	/* ltp NaN, cp infinite */
	struct tick t = feed_tick("0a1209000000000000f87f21000000000000f07f");

	(void)state;
	check_i64(t.q.present, QUOTE_MSG_LTPC);
	check_i64(t.rejected, 2);
	/* iep NaN, empty, 0.5 */
	t = feed_tick("0a182a0909000000000000f87f2a002a0909000000000000e03f");
	check_i64(t.q.present, QUOTE_MSG_LTPC | QUOTE_LTPC_IEP);
	check_i64(t.q.ltpc_iep, 5000);
	/* a NaN in depth leaves a zero, even over a number */
	t = feed_tick("1a181216080711000000000000004011000000000000f87f1801");
	check_i64(t.rejected, 1);
	check_i64(t.q.depth[0].bid_qty, 7);
	check_i64(t.q.depth[0].bid, 0);
	check_i64(t.q.depth[0].ask_qty, 1);
	/* greeks: NaN, then four that are fine */
	t = feed_tick("1a2f1a2d09000000000000f87f11000000000000f03f19000000000000f03f2100000000"
		      "0000f03f29000000000000f03f");
	check_i64(t.rejected, 1);
	check_i64(t.q.present, QUOTE_MSG_GREEKS | (QUOTE_GREEKS & ~(unsigned)QUOTE_DELTA));
}

static void test_bars(void **state)
{
	/* "I1" open 1; padding; "I1" open 2: the last wins; "12345678" is too long; "a\0" is none
	 */
	struct tick t = feed_tick("122d122b1229"
				  "0a0d0a02493111000000000000f03f"
				  "0a0911000000000000f03f"
				  "0a0d0a024931110000000000000040");

	(void)state;
	check_i64(t.q.bars_n, 1);
	check_i64(t.q.bars[0].open, 20000);
	check_i64(t.rejected, 0);
	t = feed_tick("121612141212"
		      "0a0a0a083132333435363738"
		      "0a040a026100");
	check_i64(t.q.bars_n, 0);
	check_i64(t.q.present, QUOTE_MSG_OHLC);
	check_i64(t.rejected, 2);
	/* a longest name, and one of two-byte characters */
	t = feed_tick("121412121210"
		      "0a090a0731323334353637"
		      "0a030a0178");
	check_i64(t.q.bars_n, 2);
	check_str(t.q.bars[0].interval, "1234567");
}

/* Whether the frame of `feed` is refused. */
static bool refuses(const char *feed)
{
	struct feed_frame f = {0};
	char hex[1024];
	struct bytes b;
	bool refused;

	frame_hex(hex, feed);
	b = unhex(hex);
	refused = feed_frame_scan(&f, b.p, b.len, NULL) != 0;
	feed_frame_fini(&f);
	free(b.p);
	return refused;
}

/* `inner`, whose last `cut` bytes are missing and which has the bytes `more` behind it, in as many
 * sub-messages as `fields` names: "12220a" is a bar, field 1 of field 4 of field 2. */
static void wrapped(char *out, const char *fields, const char *inner, size_t cut, const char *more)
{
	size_t len = strlen(inner) - 2 * cut;

	memcpy(out, inner, len);
	strcpy(out + len, more);
	for (size_t at = strlen(fields); at > 0; at -= 2) {
		char head[24];

		len = strlen(out);
		snprintf(head, sizeof(head), "%.2s%02zx", fields + at - 2, len / 2);
		memmove(out + 4, out, len + 1);
		memcpy(out, head, 4);
	}
}

/* Messages in their usual form pass; not one byte short, nor with a wrong field behind them. */
static void test_usual_lengths(void **state)
{
	static const struct {
		const char *fields, *inner;
	} cases[] = {
		{"0a", "099a99999999696b4010d39ec4dcd432184b21cdcccccccce07e40"},
		{"12120a", "099a99999999696b4010d39ec4dcd43221cdcccccccce07e40"},
		{"120a120a", "0850113333333333d36f40183c21cdccccccccdc6f40"},
		{"120a220a", "0a02316411cdccccccec78ea4019666666662687ea4021cdcccccc6466ea40"
			     "299a9999995971ea4038c0e8c4ab9233"},
		{"1212120a", "0a02493111cdccccccec78ea4019666666662687ea4021cdcccccc6466ea40"
			     "299a9999995971ea40300538c0e8c4ab9233"},
		{"1a1a", "09a857ca32c4b1debf11772d211ff4145cc019613255302aa9433f21fed478e926613340"
			 "29dfe00b93a982f5bf"},
		{"120a", "291f85eb51b87a944030b6bfdb034900000000d4eb15415100000000e4b51941"},
		{"120a", "291f85eb51b87a944030b6bfdb0339000000000000f03f41000000000000f03f49000000"
			 "00d4eb15415100000000e4b51941"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *fields = cases[i].fields, *inner = cases[i].inner;
		char feed[400];

		wrapped(feed, fields, inner, 0, "");
		if (refuses(feed))
			fail_msg("usual form %zu is refused", i);
		wrapped(feed, fields, inner, 1, "");
		if (!refuses(feed))
			fail_msg("usual form %zu passes when it is too short", i);
		wrapped(feed, fields, inner, 0, "0001");
		if (!refuses(feed))
			fail_msg("usual form %zu passes with a wrong field", i);
	}
	/* an interval that is there and empty is padding too */
	check_i64(feed_tick("123012"
			    "2e122c0a2a0a0011cdccccccec78ea4019666666662687ea4021cdcccccc6466"
			    "ea40299a9999995971ea4030053805")
			  .q.bars_n,
		  0);
}

/* marketLevel with `n` rows {bidQ i} in one frame. */
static void test_depth_limit(void **state)
{
	struct feed_frame f = {0};
	struct tick t;
	struct buf b = {0};
	static const char head[] = "\x12\x89\x01\x12\x86\x01\x12\x83\x01\x0a\x80\x01\x12\x7e";

	(void)state;
	/* 31 rows of 4 bytes and an unknown field of 2: 126 = 0x7e */
	buf_append(&b, head, sizeof(head) - 1);
	for (char i = 1; i <= 31; i++) {
		const char row[4] = {0x0a, 0x02, 0x08, i};

		buf_append(&b, row, sizeof(row));
	}
	buf_append(&b, "\x38\x01", 2);
	check_i64(feed_frame_scan(&f, b.data, b.len, NULL), 0);
	check(feed_frame_next(&f, &t));
	check_i64(t.q.depth_n, 30);
	check_i64(t.q.depth[29].bid_qty, 30);
	check_i64(t.rejected, 1);
	buf_fini(&b);
	feed_frame_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ltpc),          cmocka_unit_test(test_index),
		cmocka_unit_test(test_option_greeks), cmocka_unit_test(test_equity),
		cmocka_unit_test(test_auction_price), cmocka_unit_test(test_zero_is_not_sent),
		cmocka_unit_test(test_merging),       cmocka_unit_test(test_odd_prices),
		cmocka_unit_test(test_rejected),      cmocka_unit_test(test_bars),
		cmocka_unit_test(test_usual_lengths), cmocka_unit_test(test_depth_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
