/* SPDX-License-Identifier: MIT
 *
 * test_compose: byte for byte what protobuf-c makes of the same quote, in every mode: the reference
 * messages, all recorded ones, and quotes in which everything may be there or not.
 */
#include <malloc.h>
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "core/rand.h"
#include "feed_samples.h"
#include "market/instrument.h"
#include "upstox/compose.h"
#include "upstox/encode.h"

static const enum request_mode modes[] = {MODE_LTPC, MODE_OPTION_GREEKS, MODE_FULL_D5,
					  MODE_FULL_D30};

struct pair {
	struct feed_encoder *oracle;
	struct buf want, have;
	struct quote q;
};

static void pair_up(struct pair *p)
{
	*p = (struct pair){.oracle = feed_encoder_create()};
}

static void pair_down(struct pair *p)
{
	feed_encoder_destroy(p->oracle);
	buf_fini(&p->want);
	buf_fini(&p->have);
}

/* The same message of one entry both ways. */
static void check_entry(struct pair *p, const char *key, const struct quote *q, enum feed_type type,
			int64_t ts, enum request_mode mode)
{
	bool is_there;

	p->q = *q;
	quote_project(&p->q, mode);
	feed_encoder_begin(p->oracle, type, ts);
	if (p->q.present)
		feed_encoder_add(p->oracle, key, &p->q, mode);
	buf_reset(&p->want);
	feed_encoder_end(p->oracle, &p->want);
	buf_reset(&p->have);
	compose_head(&p->have, type);
	is_there = compose_entry(&p->have, key, strlen(key), q, mode);
	compose_tail(&p->have, ts);
	check(is_there == (p->q.present != 0));
	check_i64(p->have.len, p->want.len);
	check(p->have.len == 0 || memcmp(p->have.data, p->want.data, p->have.len) == 0);
}

/* Every entry of a message in every mode. */
static void check_message(struct pair *p, const void *bytes, size_t len)
{
	static struct tick t;
	struct feed_frame f = {0};
	char key[INST_KEY_MAX + 1];

	check_i64(feed_frame_scan(&f, bytes, len, NULL), 0);
	while (feed_frame_next(&f, &t)) {
		snprintf(key, sizeof(key), "%.*s", (int)t.key_len, t.key);
		for (size_t m = 0; m < ARRAY_LEN(modes); m++)
			check_entry(p, key, &t.q, (enum feed_type)f.type, f.current_ts, modes[m]);
	}
	feed_frame_fini(&f);
}

static void test_reference_messages(void **state)
{
	static const char *const samples[] = {HEX_LTPC, HEX_INDEX, HEX_GREEKS, HEX_EQUITY, HEX_IEP};
	struct pair p;

	(void)state;
	pair_up(&p);
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct bytes b = unhex(samples[i]);

		check_message(&p, b.p, b.len);
		free(b.p);
	}
	pair_down(&p);
}

static void test_info(void **state)
{
	struct bytes b = unhex(HEX_INFO);
	struct feed_frame f = {0};
	struct buf out = {0};

	(void)state;
	check_i64(feed_frame_scan(&f, b.p, b.len, NULL), 0);
	compose_info(&out, f.current_ts, b.p + f.info_off, f.info_len);
	check_i64(out.len, b.len);
	check(memcmp(out.data, b.p, b.len) == 0);
	feed_frame_fini(&f);
	buf_fini(&out);
	free(b.p);
}

static void recorded(const char *relative)
{
	struct pair p;
	size_t len = 0;
	char *all = data_read(relative, &len);
	uint32_t size;

	if (!all)
		data_skip(relative);
	pair_up(&p);
	for (size_t at = 0; at + 4 <= len; at += 4 + size) {
		memcpy(&size, all + at, 4);
		check(size <= len - at - 4);
		check_message(&p, all + at + 4, size);
	}
	pair_down(&p);
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

/* Of every size, zero and below zero too. */
static int64_t any_number(struct rng *r)
{
	int64_t v = (int64_t)(rng_next(r) >> rng_below(r, 64));

	return rng_below(r, 4) ? v : rng_below(r, 2) ? -v : 0;
}

static double any_double(struct rng *r)
{
	return rng_below(r, 4) ? rng_normal(r) * 1e4 : 0.0 * (rng_below(r, 2) ? 1 : -1);
}

static price_t any_price(struct rng *r)
{
	price_t p = 0;

	check(price_from_double(any_double(r), &p));
	return p;
}

static void any_quote(struct rng *r, struct quote *q)
{
	*q = (struct quote){.present = (uint32_t)(rng_next(r) & rng_next(r)) &
				       ((QUOTE_MSG_OHLC << 1) - 1),
			    .arm = (uint8_t)rng_below(r, ARM_FIRST_LEVEL + 1),
			    .depth_n = (uint8_t)rng_below(r, DEPTH_MAX + 1),
			    .bars_n = (uint8_t)rng_below(r, BARS_MAX + 1),
			    .cas_eligible = rng_below(r, 2)};
	for (price_t *p[] = {&q->ltp, &q->cp, &q->atp, &q->ltpc_iep, &q->iep, &q->rp, NULL},
		     **at = p;
	     *at; at++)
		**at = any_price(r);
	for (int64_t *n[] = {&q->ltt, &q->ltq, &q->vtt, &q->ieq, &q->iiq_total, &q->iiq_m, NULL},
		     **at = n;
	     *at; at++)
		**at = any_number(r);
	for (double *d[] = {&q->oi, &q->tbq, &q->tsq, &q->iv, &q->delta, &q->theta, &q->gamma,
			    &q->vega, &q->rho, NULL},
		    **at = d;
	     *at; at++)
		**at = any_double(r);
	for (unsigned i = 0; i < q->depth_n; i++)
		q->depth[i] = (struct depth_row){any_number(r), any_price(r), any_price(r),
						 any_number(r)};
	for (unsigned i = 0; i < q->bars_n; i++) {
		struct bar *b = &q->bars[i];

		*b = (struct bar){"",
				  (unsigned)rng_below(r, 64),
				  any_price(r),
				  any_price(r),
				  any_price(r),
				  any_price(r),
				  any_number(r),
				  any_number(r)};
		snprintf(b->interval, BAR_NAME_MAX, "%.*s", (int)rng_below(r, 8), "I123456");
	}
}

static void test_any_quote(void **state)
{
	struct rng r = {20260123};
	struct pair p;
	struct quote q;
	char key[INST_KEY_MAX + 8];

	(void)state;
	pair_up(&p);
	for (int i = 0; i < 5000; i++) {
		any_quote(&r, &q);
		snprintf(
			key, sizeof(key), "%.*s", (int)rng_below(&r, INST_KEY_MAX),
			"NSE_INDEX|A name that is as long as the name of an instrument may be, and "
			"longer than any real one");
		check_entry(&p, key, &q, i % 2 ? FEED_LIVE : FEED_INITIAL, any_number(&r),
			    modes[i % 4]);
	}
	pair_down(&p);
}

/* The largest there can be has room, and in the end nothing is allocated. */
static void test_largest(void **state)
{
	struct quote q = {.present = (QUOTE_MSG_OHLC << 1) - 1,
			  .arm = ARM_MARKET,
			  .depth_n = DEPTH_MAX,
			  .bars_n = BARS_MAX,
			  .cas_eligible = true};
	char key[INST_KEY_MAX + 1];
	struct pair p;
	size_t used;

	(void)state;
	memset(key, 'K', INST_KEY_MAX);
	key[INST_KEY_MAX] = '\0';
	q.ltp = q.cp = q.atp = q.ltpc_iep = q.iep = q.rp = -1;
	q.ltt = q.ltq = q.vtt = q.ieq = q.iiq_total = q.iiq_m = -1;
	q.oi = q.tbq = q.tsq = q.iv = q.delta = q.theta = q.gamma = q.vega = q.rho = -1;
	for (int i = 0; i < DEPTH_MAX; i++)
		q.depth[i] = (struct depth_row){-1, -1, -1, -1};
	for (int i = 0; i < BARS_MAX; i++)
		q.bars[i] = (struct bar){"ABCDEF", 63, -1, -1, -1, -1, -1, -1};
	for (int i = 0; i < BARS_MAX; i++)
		q.bars[i].interval[6] = (char)('0' + i);
	pair_up(&p);
	check_entry(&p, key, &q, FEED_LIVE, -1, MODE_FULL_D30);
	check(p.have.len > 1800);
	used = mallinfo2().uordblks;
	for (int i = 0; i < 100; i++) {
		buf_reset(&p.have);
		check(compose_entry(&p.have, key, INST_KEY_MAX, &q, MODE_FULL_D30));
	}
	check_i64(mallinfo2().uordblks, used);
	pair_down(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_messages), cmocka_unit_test(test_info),
		cmocka_unit_test(test_recorded_chain),     cmocka_unit_test(test_recorded_options),
		cmocka_unit_test(test_any_quote),          cmocka_unit_test(test_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
