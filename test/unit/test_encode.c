/* SPDX-License-Identifier: MIT
 *
 * test_encode: what is decoded and encoded again is the same, to the byte for the reference
 * messages; what a mode leaves out stays out.
 */
#include <malloc.h>

#include "../lib/data.h"
#include "feed_check.h"
#include "feed_samples.h"
#include "upstox/encode.h"

/* Encodes all of a scanned frame as it came. `keys` must live until the end. */
static void encode_again(struct feed_encoder *e, struct feed_frame *f, struct buf *keys,
			 struct buf *out)
{
	static struct tick t;

	feed_encoder_begin(e, (enum feed_type)f->type, f->current_ts);
	buf_reset(keys);
	buf_reserve(keys, f->len + f->entries_n + 1); /* does not move from here on */
	while (feed_frame_next(f, &t)) {
		const char *key = keys->data + keys->len;

		buf_append(keys, t.key, t.key_len);
		buf_byte(keys, '\0');
		feed_encoder_add(e, key, &t.q, (enum request_mode)t.q.mode);
	}
	check_i64(feed_encoder_count(e), feed_frame_count(f));
	buf_reset(out);
	feed_encoder_end(e, out);
}

static void same_bytes(const char *hex)
{
	struct feed_encoder *e = feed_encoder_create();
	struct bytes b = unhex(hex);
	struct feed_frame f = {0};
	struct buf keys = {0}, out = {0};

	check_i64(feed_frame_scan(&f, b.p, b.len, NULL), 0);
	encode_again(e, &f, &keys, &out);
	check_i64(out.len, b.len);
	check(b.len == 0 || memcmp(out.data, b.p, b.len) == 0);
	buf_fini(&out);
	buf_fini(&keys);
	feed_frame_fini(&f);
	feed_encoder_destroy(e);
	free(b.p);
}

static void test_reference_bytes(void **state)
{
	(void)state;
	same_bytes(HEX_LTPC);
	same_bytes(HEX_INDEX);
	same_bytes(HEX_GREEKS);
	same_bytes(HEX_EQUITY);
	same_bytes(HEX_IEP);
	same_bytes("");
	same_bytes("0801"); /* live, nothing in it */
}

static void test_market_info(void **state)
{
	struct feed_encoder *e = feed_encoder_create();
	struct bytes b = unhex(HEX_INFO);
	struct buf out = {0};
	char segment[16];

	(void)state;
	feed_encoder_begin(e, FEED_MARKET_INFO, 1732775008661);
	strcpy(segment, "NSE_EQ");
	feed_encoder_add_status(e, segment, STATUS_NORMAL_OPEN);
	memset(segment, 'x', sizeof(segment)); /* was copied */
	feed_encoder_add_status(e, "NSE_FO", STATUS_NORMAL_CLOSE);
	feed_encoder_add_status(e, "NSE_INDEX", STATUS_PRE_OPEN_START);
	check_i64(feed_encoder_count(e), 3);
	feed_encoder_end(e, &out);
	check_i64(out.len, b.len);
	check(memcmp(out.data, b.p, b.len) == 0);
	feed_encoder_begin(e, FEED_LIVE, 0);
	check_i64(feed_encoder_count(e), 0);
	feed_encoder_end(e, &out); /* appends */
	check_i64(out.len, b.len + 2);
	buf_fini(&out);
	feed_encoder_destroy(e);
	free(b.p);
}

/* ---- modes ----------------------------------------------------------------------------------- */

/* Everything that there can be. */
static struct quote quote_all(enum feed_arm arm)
{
	struct quote q = {
		.present = (QUOTE_MSG_OHLC << 1) - 1,
		.arm = (uint8_t)arm,
		.depth_n = DEPTH_MAX,
		.bars_n = BARS_MAX,
		.ltp = 2551500,
		.cp = 3862000,
		.ltt = 1763529366611,
		.ltq = 40,
		.vtt = 9027620,
		.atp = 2968600,
		.oi = 1416020,
		.tbq = 188240,
		.tsq = 263140,
		.iv = 0.1387786865234375,
		.delta = -0.4796,
		.theta = -112.3274,
		.gamma = 0.0006,
		.vega = 19.3795,
		.rho = -1.3444,
		.ltpc_iep = 0,
		.iep = 2551000,
		.rp = 2552000,
		.ieq = 11,
		.iiq_total = -12,
		.iiq_m = 13,
		.cas_eligible = true,
	};

	for (unsigned i = 0; i < DEPTH_MAX; i++)
		q.depth[i] = (struct depth_row){.bid_qty = i, .bid = 2546000 - (price_t)i * 500};
	for (unsigned i = 0; i < BARS_MAX; i++) {
		q.bars[i] = (struct bar){.present = BAR_OPEN | BAR_TS, .open = i + 1, .ts_ms = 5};
		snprintf(q.bars[i].interval, BAR_NAME_MAX, "I%u", i);
	}
	return q;
}

/* What arrives when `q` is sent in `mode`. */
static struct quote sent(const struct quote *q, enum request_mode mode)
{
	struct feed_encoder *e = feed_encoder_create();
	struct feed_frame f = {0};
	struct buf out = {0};
	struct tick t;

	feed_encoder_begin(e, FEED_LIVE, 1);
	feed_encoder_add(e, "K", q, mode);
	feed_encoder_end(e, &out);
	check_i64(feed_frame_scan(&f, out.data, out.len, NULL), 0);
	check(feed_frame_next(&f, &t));
	check_i64(t.rejected, 0);
	check_i64(t.q.mode, mode);
	buf_fini(&out);
	feed_frame_fini(&f);
	feed_encoder_destroy(e);
	return t.q;
}

#define LTPC_BITS                                                                                  \
	(QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP | QUOTE_LTPC_IEP | (unsigned)QUOTE_MSG_LTPC)

static void test_mode_ltpc(void **state)
{
	struct quote all = quote_all(ARM_MARKET), q = sent(&all, MODE_LTPC);

	(void)state;
	check_i64(q.arm, ARM_LTPC);
	check_i64(q.present, LTPC_BITS);
	check_i64(q.ltpc_iep, 0);
	check_i64(q.depth_n, 0);
	all.present &= ~LTPC_BITS; /* without its part there is no arm */
	q = sent(&all, MODE_LTPC);
	check_i64(q.arm, ARM_NONE);
	check_i64(q.present, 0);
}

static void test_mode_option_greeks(void **state)
{
	struct quote all = quote_all(ARM_MARKET), q = sent(&all, MODE_OPTION_GREEKS);

	(void)state;
	check_i64(q.arm, ARM_FIRST_LEVEL);
	check_i64(q.present, LTPC_BITS | QUOTE_DEPTH | QUOTE_GREEKS | (unsigned)QUOTE_MSG_GREEKS |
				     QUOTE_VTT | QUOTE_OI | QUOTE_IV);
	check_i64(q.depth_n, 1);
	check_i64(q.depth[0].bid, 2546000);
	all.depth_n = 0; /* an empty book is a row of zeros here */
	q = sent(&all, MODE_OPTION_GREEKS);
	check_i64(q.depth_n, 1);
	check_i64(q.depth[0].bid, 0);
}

static void test_mode_full(void **state)
{
	struct quote all = quote_all(ARM_MARKET), q = sent(&all, MODE_FULL_D30);
	const char *what;

	(void)state;
	all.mode = MODE_FULL_D30;
	what = quote_differs(&all, &q);
	if (what)
		fail_msg("full_d30 changed %s", what);
	q = sent(&all, MODE_FULL_D5);
	all.mode = MODE_FULL_D5;
	all.depth_n = 5;
	what = quote_differs(&all, &q);
	if (what)
		fail_msg("full_d5 changed %s", what);
	all.present = 0; /* nothing known: the arm and no more */
	q = sent(&all, MODE_FULL_D5);
	check_i64(q.present, 0);
	check_i64(q.arm, ARM_MARKET);
}

static void test_mode_full_index(void **state)
{
	struct quote all = quote_all(ARM_INDEX), q = sent(&all, MODE_FULL_D5);

	(void)state;
	check_i64(q.arm, ARM_INDEX);
	check_i64(q.present, LTPC_BITS | QUOTE_BARS | (unsigned)QUOTE_MSG_OHLC);
	check_i64(q.bars_n, BARS_MAX);
}

/* ---- recorded frames ------------------------------------------------------------------------- */

/* decode(encode(decode(frame))) is decode(frame). */
static void round_trip(struct feed_encoder *e, const char *p, size_t len, struct buf *keys,
		       struct buf *out)
{
	static struct tick a, b;
	struct feed_frame f = {0}, g = {0};

	check_i64(feed_frame_scan(&f, p, len, NULL), 0);
	encode_again(e, &f, keys, out);
	check_i64(feed_frame_scan(&f, p, len, NULL), 0);
	check_i64(feed_frame_scan(&g, out->data, out->len, NULL), 0);
	check_i64(f.type, g.type);
	check_i64(f.current_ts, g.current_ts);
	check_i64(feed_frame_count(&f), feed_frame_count(&g));
	while (feed_frame_next(&f, &a)) {
		const char *what;

		check(feed_frame_next(&g, &b));
		check_i64(a.key_len, b.key_len);
		check(memcmp(a.key, b.key, a.key_len) == 0);
		what = quote_differs(&a.q, &b.q);
		if (what)
			fail_msg("%.*s: %s changed", (int)a.key_len, a.key, what);
	}
	feed_frame_fini(&f);
	feed_frame_fini(&g);
}

static void recorded(const char *relative)
{
	struct feed_encoder *e = feed_encoder_create();
	struct buf keys = {0}, out = {0};
	size_t len = 0;
	char *all = data_read(relative, &len);
	uint32_t size;

	if (!all) {
		feed_encoder_destroy(e);
		data_skip(relative);
	}
	for (size_t at = 0; at + 4 <= len; at += 4 + size) {
		memcpy(&size, all + at, 4);
		check(size <= len - at - 4);
		round_trip(e, all + at + 4, size, &keys, &out);
	}
	buf_fini(&keys);
	buf_fini(&out);
	feed_encoder_destroy(e);
	free(all);
}

static void test_recorded_chain(void **state)
{
	(void)state;
	recorded("ticks/upstox_frames_20260123_a.pbs");
}

static void test_recorded_options(void **state)
{
	(void)state;
	recorded("ticks/upstox_banknifty_opt_20251215_first20k.pbs.gz");
}

/* Once the arena has met its largest message, nothing is allocated. (Sanitizers count nothing.) */
static void test_arena_is_reused(void **state)
{
	struct feed_encoder *e = feed_encoder_create();
	struct quote q = quote_all(ARM_MARKET);
	struct buf out = {0};
	size_t len = 0, used = 0;

	(void)state;
	for (int message = 0; message < 10; message++) {
		buf_reset(&out);
		feed_encoder_begin(e, FEED_LIVE, 1);
		for (int i = 0; i < 200; i++)
			feed_encoder_add(e, "K", &q, MODE_FULL_D30);
		feed_encoder_end(e, &out);
		if (message == 1) {
			len = out.len;
			used = mallinfo2().uordblks;
		}
	}
	check_i64(out.len, len);
	check_i64(mallinfo2().uordblks, used);
	buf_fini(&out);
	feed_encoder_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_bytes), cmocka_unit_test(test_market_info),
		cmocka_unit_test(test_mode_ltpc),       cmocka_unit_test(test_mode_option_greeks),
		cmocka_unit_test(test_mode_full),       cmocka_unit_test(test_mode_full_index),
		cmocka_unit_test(test_recorded_chain),  cmocka_unit_test(test_recorded_options),
		cmocka_unit_test(test_arena_is_reused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
