/* SPDX-License-Identifier: MIT
 *
 * test_codec: a tick comes back from its bytes with nothing lost: every field alone, random ones of
 * every kind of number, and every message of a recording; cut or changed bytes are refused or are
 * another tick, and never read beyond.
 */
#include <math.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "core/rand.h"
#include "tape/codec.h"
#include "upstox/frame.h"

#define ALL_BITS (2u * QUOTE_MSG_OHLC - 1)
#define TS       1763700000123

static bool is_same(double a, double b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

#define SAME(bit, field)                                                                           \
	do {                                                                                       \
		if (a->present & (bit))                                                            \
			check_i64(a->field, b->field);                                             \
	} while (0)
#define SAME_DOUBLE(bit, field)                                                                    \
	do {                                                                                       \
		if (a->present & (bit))                                                            \
			check(is_same(a->field, b->field));                                        \
	} while (0)

static void check_bars(const struct quote *a, const struct quote *b)
{
	check_i64(a->bars_n, b->bars_n);
	for (unsigned i = 0; i < a->bars_n; i++) {
		const struct bar *x = &a->bars[i], *y = &b->bars[i];

		check_str(x->interval, y->interval);
		check_i64(x->present, y->present);
		check_i64(x->open, y->open);
		check_i64(x->high, y->high);
		check_i64(x->low, y->low);
		check_i64(x->close, y->close);
		check_i64(x->vol, y->vol);
		check_i64(x->ts_ms, y->ts_ms);
	}
}

static void check_same(const struct quote *a, const struct quote *b)
{
	check_i64(a->present, b->present);
	check_i64(a->arm, b->arm);
	check_i64(a->mode, b->mode);
	SAME(QUOTE_LTP, ltp);
	SAME(QUOTE_LTT, ltt);
	SAME(QUOTE_LTQ, ltq);
	SAME(QUOTE_CP, cp);
	SAME(QUOTE_LTPC_IEP, ltpc_iep);
	SAME(QUOTE_ATP, atp);
	SAME(QUOTE_VTT, vtt);
	SAME(QUOTE_IEP, iep);
	SAME(QUOTE_RP, rp);
	SAME(QUOTE_IEQ, ieq);
	SAME(QUOTE_IIQ_TOTAL, iiq_total);
	SAME(QUOTE_IIQ_M, iiq_m);
	SAME(QUOTE_CAS_ELIGIBLE, cas_eligible);
	SAME_DOUBLE(QUOTE_DELTA, delta);
	SAME_DOUBLE(QUOTE_THETA, theta);
	SAME_DOUBLE(QUOTE_GAMMA, gamma);
	SAME_DOUBLE(QUOTE_VEGA, vega);
	SAME_DOUBLE(QUOTE_RHO, rho);
	SAME_DOUBLE(QUOTE_OI, oi);
	SAME_DOUBLE(QUOTE_IV, iv);
	SAME_DOUBLE(QUOTE_TBQ, tbq);
	SAME_DOUBLE(QUOTE_TSQ, tsq);
	if (a->present & QUOTE_DEPTH) {
		check_i64(a->depth_n, b->depth_n);
		check(memcmp(a->depth, b->depth, a->depth_n * sizeof(a->depth[0])) == 0);
	}
	if (a->present & QUOTE_BARS)
		check_bars(a, b);
}

/* --- random quotes --------------------------------------------------------------------------- */

static int64_t any_int(struct rng *r)
{
	switch (rng_below(r, 6)) {
	case 0:
		return 0;
	case 1:
		return INT64_MIN;
	case 2:
		return INT64_MAX;
	case 3:
		return (int64_t)rng_next(r);
	default:
		return (int64_t)rng_below(r, 10000000) - 100;
	}
}

static double any_double(struct rng *r)
{
	static const double odd[] = {0.0,  -0.0, 1e300,  -1e-300,           0.1045, 9.1e15,
				     -0.5, 1e15, 5e-324, 52.04999923706055, 1.0 / 3};
	uint64_t bits;
	double d;

	if (rng_below(r, 2))
		return odd[rng_below(r, ARRAY_LEN(odd))];
	do {
		bits = rng_next(r);
		memcpy(&d, &bits, sizeof(d));
	} while (!isfinite(d));
	return d;
}

static price_t any_price(struct rng *r)
{
	price_t p;

	while (!price_from_double(
		rng_below(r, 2) ? (double)rng_below(r, 9000000) / 20 : any_double(r), &p))
		;
	return p;
}

static void fill_lists(struct rng *r, struct quote *q)
{
	q->depth_n = (uint8_t)rng_below(r, DEPTH_MAX + 1);
	for (unsigned i = 0; i < q->depth_n; i++)
		q->depth[i] =
			(struct depth_row){any_int(r), any_price(r), any_price(r), any_int(r)};
	q->bars_n = (uint8_t)rng_below(r, BARS_MAX + 1);
	for (unsigned i = 0; i < q->bars_n; i++)
		q->bars[i] = (struct bar){"I30",        any_int(r) & 63, any_price(r), any_price(r),
					  any_price(r), any_price(r),    any_int(r),   any_int(r)};
}

static void fill(struct rng *r, struct quote *q, uint32_t present)
{
	*q = (struct quote){.present = present,
			    .arm = (uint8_t)rng_below(r, 5),
			    .mode = (uint8_t)rng_below(r, 256),
			    .ltp = any_price(r),
			    .cp = any_price(r),
			    .ltt = any_int(r),
			    .ltq = any_int(r),
			    .vtt = any_int(r),
			    .atp = any_price(r),
			    .oi = any_double(r),
			    .tbq = any_double(r),
			    .tsq = any_double(r),
			    .iv = any_double(r),
			    .delta = any_double(r),
			    .theta = any_double(r),
			    .gamma = any_double(r),
			    .vega = any_double(r),
			    .rho = any_double(r),
			    .ltpc_iep = any_price(r),
			    .iep = any_price(r),
			    .rp = any_price(r),
			    .ieq = any_int(r),
			    .iiq_total = any_int(r),
			    .iiq_m = any_int(r),
			    .cas_eligible = rng_below(r, 2)};
	fill_lists(r, q);
}

static void round_trip(const struct quote *q)
{
	static struct quote back;
	uint8_t bytes[TAPE_TICK_MAX];
	size_t len = tape_tick_encode(bytes, q, TS);

	check(len < TAPE_TICK_MAX);
	memset(&back, 0xa5, sizeof(back));
	check(tape_tick_decode(bytes, len, TS, &back));
	check_same(q, &back);
}

static void test_each_field(void **state)
{
	struct rng rng = {1};
	struct quote q;

	(void)state;
	for (unsigned bit = 0; bit < 27; bit++) {
		for (int i = 0; i < 200; i++) {
			fill(&rng, &q, 1u << bit);
			round_trip(&q);
		}
	}
}

static void test_random(void **state)
{
	struct rng rng = {2};
	struct quote q;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		fill(&rng, &q, (uint32_t)rng_next(&rng) & ALL_BITS);
		round_trip(&q);
	}
	fill(&rng, &q, ALL_BITS);
	round_trip(&q);
	fill(&rng, &q, 0);
	round_trip(&q);
}

/* Every shorter piece is refused; a byte too many too. */
static void test_cut(void **state)
{
	struct rng rng = {3};
	struct quote q, back;
	uint8_t bytes[TAPE_TICK_MAX + 1];

	(void)state;
	for (int i = 0; i < 50; i++) {
		size_t len;

		fill(&rng, &q, (uint32_t)rng_next(&rng) & ALL_BITS);
		len = tape_tick_encode(bytes, &q, TS);
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *exact = malloc(cut + 1);

			memcpy(exact, bytes, cut);
			check(!tape_tick_decode(exact, cut, TS, &back));
			free(exact);
		}
		bytes[len] = 0;
		check(!tape_tick_decode(bytes, len + 1, TS, &back));
	}
}

/* Nonsense is read within its bounds, whatever comes of it. */
static void test_nonsense(void **state)
{
	struct rng rng = {4};
	static struct quote q;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		size_t len = rng_below(&rng, 64);
		uint8_t *exact = malloc(len + 1);

		for (size_t k = 0; k < len; k++)
			exact[k] = (uint8_t)rng_next(&rng);
		if (tape_tick_decode(exact, len, TS, &q))
			check(q.depth_n <= DEPTH_MAX && q.bars_n <= BARS_MAX);
		free(exact);
	}
}

static void test_recorded(void **state)
{
	size_t len, at = 0;
	char *bytes;
	struct feed_frame f = {0};
	struct tick tick;
	int ticks = 0;

	(void)state;
	bytes = data_read("ticks/upstox_frames_20260123_a.pbs", &len);
	if (!bytes)
		data_skip("ticks/upstox_frames_20260123_a.pbs");
	while (at + 4 <= len) {
		uint32_t n;

		memcpy(&n, bytes + at, 4);
		check_i64(feed_frame_scan(&f, bytes + at + 4, n, NULL), 0);
		while (feed_frame_next(&f, &tick)) {
			round_trip(&tick.q);
			ticks++;
		}
		at += 4 + n;
	}
	check_i64(ticks, 612);
	feed_frame_fini(&f);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_field), cmocka_unit_test(test_random),
		cmocka_unit_test(test_cut),        cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
