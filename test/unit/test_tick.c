/* SPDX-License-Identifier: MIT
 *
 * test_tick: what one message changes of what is known, and what each mode shows of it.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "market/tick.h"

/* Every scalar of a quote with its bit, and a way to set and read it as a number. */
#define FIELDS(X)                                                                                  \
	X(QUOTE_LTP, ltp)                                                                          \
	X(QUOTE_LTT, ltt)                                                                          \
	X(QUOTE_LTQ, ltq)                                                                          \
	X(QUOTE_CP, cp)                                                                            \
	X(QUOTE_LTPC_IEP, ltpc_iep)                                                                \
	X(QUOTE_DELTA, delta)                                                                      \
	X(QUOTE_THETA, theta)                                                                      \
	X(QUOTE_GAMMA, gamma)                                                                      \
	X(QUOTE_VEGA, vega)                                                                        \
	X(QUOTE_RHO, rho)                                                                          \
	X(QUOTE_ATP, atp)                                                                          \
	X(QUOTE_VTT, vtt)                                                                          \
	X(QUOTE_OI, oi)                                                                            \
	X(QUOTE_IV, iv)                                                                            \
	X(QUOTE_TBQ, tbq)                                                                          \
	X(QUOTE_TSQ, tsq)                                                                          \
	X(QUOTE_IEP, iep)                                                                          \
	X(QUOTE_RP, rp)                                                                            \
	X(QUOTE_IEQ, ieq)                                                                          \
	X(QUOTE_IIQ_TOTAL, iiq_total)                                                              \
	X(QUOTE_IIQ_M, iiq_m)

static const uint32_t bits[] = {
#define BIT(bit, field) bit,
	FIELDS(BIT)
#undef BIT
};

static double field_get(const struct quote *q, uint32_t bit)
{
	switch (bit) {
#define GET(bit_, field)                                                                           \
	case bit_:                                                                                 \
		return (double)q->field;
		FIELDS(GET)
#undef GET
	}
	fail_msg("no field for bit %x", bit);
	return 0;
}

static void field_set(struct quote *q, uint32_t bit, int v)
{
	q->present |= bit;
	switch (bit) {
#define SET(bit_, field)                                                                           \
	case bit_:                                                                                 \
		q->field = v;                                                                      \
		return;
		FIELDS(SET)
#undef SET
	}
	fail_msg("no field for bit %x", bit);
}

/* Field number i holds base + i. */
static void fill(struct quote *q, int base)
{
	for (size_t i = 0; i < ARRAY_LEN(bits); i++)
		field_set(q, bits[i], base + (int)i);
}

static struct bar bar_of(const char *interval, int64_t close)
{
	struct bar b = {.present = BAR_CLOSE | BAR_TS, .close = close, .ts_ms = close * 10};

	snprintf(b.interval, sizeof(b.interval), "%s", interval);
	return b;
}

/* One field at a time: it changes, and nothing else does. */
static void test_each_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
		struct quote have = {0}, from = {0};

		fill(&have, 100);
		have.present |= QUOTE_DEPTH;
		have.depth_n = 2;
		field_set(&from, bits[i], 7);
		quote_merge(&have, &from);
		for (size_t k = 0; k < ARRAY_LEN(bits); k++) {
			check(have.present & bits[k]);
			check_i64(field_get(&have, bits[k]), k == i ? 7 : 100 + (int)k);
		}
		check_i64(have.depth_n, 2);
	}
}

/* A message that carries nothing changes nothing. */
static void test_absent_keeps(void **state)
{
	struct quote have = {0}, before, nothing = {0};

	(void)state;
	fill(&have, 1);
	have.arm = ARM_MARKET;
	have.mode = MODE_FULL_D30;
	have.depth_n = 3;
	have.bars[0] = bar_of("1d", 5);
	have.bars_n = 1;
	have.present |= QUOTE_DEPTH | QUOTE_BARS;
	before = have;
	/* Values without their bit are leftovers, not news. */
	nothing.ltp = 99;
	nothing.oi = 99;
	nothing.depth_n = 1;
	quote_merge(&have, &nothing);
	assert_memory_equal(&have, &before, sizeof(have));
}

/* optionGreeks that is there and empty keeps the old ones. */
static void test_empty_greeks(void **state)
{
	struct quote have = {0}, empty = {.present = QUOTE_MSG_GREEKS};

	(void)state;
	fill(&have, 10);
	quote_merge(&have, &empty);
	check_i64(have.present & QUOTE_GREEKS, QUOTE_GREEKS);
	check(have.present & QUOTE_MSG_GREEKS);
	check_i64(have.delta, 15);
	check_i64(have.rho, 19);
}

/* A price of zero cannot be told from "not sent" by its value: the bit decides. */
static void test_present_zero(void **state)
{
	struct quote have = {0}, from = {0};

	(void)state;
	fill(&have, 50);
	field_set(&from, QUOTE_LTPC_IEP, 0);
	quote_merge(&have, &from);
	check_i64(have.ltpc_iep, 0);
	check(have.present & QUOTE_LTPC_IEP);
	/* It is a message of its own: an LTPC that comes without it leaves it as it was. */
	field_set(&from, QUOTE_LTPC_IEP, 77);
	quote_merge(&have, &from);
	from = (struct quote){.present = QUOTE_MSG_LTPC | QUOTE_LTP, .ltp = 5};
	quote_merge(&have, &from);
	check_i64(have.ltpc_iep, 77);
	check(have.present & QUOTE_LTPC_IEP);
}

static void test_depth(void **state)
{
	struct quote have = {0}, from = {0};

	(void)state;
	have.present = QUOTE_DEPTH;
	have.depth_n = DEPTH_MAX;
	for (int i = 0; i < DEPTH_MAX; i++)
		have.depth[i] = (struct depth_row){i + 1, i + 2, i + 3, i + 4};
	from.present = QUOTE_DEPTH;
	from.depth_n = 2;
	from.depth[0] = (struct depth_row){75, 1000, 0, 0}; /* zeros of a row are zeros */
	from.depth[1] = (struct depth_row){0, 0, 2000, 150};
	quote_merge(&have, &from);
	check_i64(have.depth_n, 2);
	check_i64(have.depth[0].bid_qty, 75);
	check_i64(have.depth[0].ask, 0);
	check_i64(have.depth[1].bid, 0);
	check_i64(have.depth[1].ask_qty, 150);
	from.depth_n = 0; /* present and empty: the book of orders is empty */
	quote_merge(&have, &from);
	check_i64(have.depth_n, 0);
	check(have.present & QUOTE_DEPTH);
}

static void test_bars(void **state)
{
	struct quote have = {0}, from = {0};

	(void)state;
	from.present = QUOTE_BARS;
	from.bars_n = 2;
	from.bars[0] = bar_of("1d", 1);
	from.bars[1] = bar_of("I1", 2);
	from.bars[1].high = from.bars[1].vol = 7;
	quote_merge(&have, &from);
	check_i64(have.bars_n, 2);
	/* Only the minute: the day stays; a bar is replaced whole. */
	from.bars_n = 1;
	from.bars[0] = bar_of("I1", 3);
	from.bars[0].present = BAR_CLOSE;
	quote_merge(&have, &from);
	check_i64(have.bars_n, 2);
	check_i64(have.bars[0].close, 1);
	check_i64(have.bars[1].present, BAR_CLOSE);
	assert_memory_equal(&have.bars[1], &from.bars[0], sizeof(from.bars[0]));
	/* More intervals than there is room for: the first ones stay, and still take news. */
	for (int i = 0; i < 2 * BARS_MAX; i++) {
		char name[] = {'I', '1', (char)('0' + i), '\0'};

		from.bars[0] = bar_of(name, 100 + i);
		quote_merge(&have, &from);
	}
	check_i64(have.bars_n, BARS_MAX);
	check_str(have.bars[2].interval, "I10");
	check_str(have.bars[3].interval, "I11");
	from.bars[0] = bar_of("1d", 9);
	quote_merge(&have, &from);
	check_i64(have.bars[0].close, 9);
	check_i64(have.bars_n, BARS_MAX);
}

static void test_replace(void **state)
{
	struct quote have = {0}, from = {0};

	(void)state;
	fill(&have, 1);
	have.present |= QUOTE_DEPTH | QUOTE_BARS;
	have.depth_n = 5;
	have.bars_n = 2;
	field_set(&from, QUOTE_LTP, 42);
	from.arm = ARM_LTPC;
	quote_replace(&have, &from);
	check_i64(have.present, QUOTE_LTP);
	check_i64(have.ltp, 42);
	check_i64(have.depth_n, 0);
	check_i64(have.bars_n, 0);
	check_i64(have.arm, ARM_LTPC);
	from.present |= QUOTE_DEPTH;
	from.depth_n = DEPTH_MAX;
	from.depth[DEPTH_MAX - 1].ask_qty = 77;
	quote_replace(&have, &from);
	check_i64(have.depth_n, DEPTH_MAX);
	check_i64(have.depth[DEPTH_MAX - 1].ask_qty, 77);
}

/* The mode of the newest message that had content is remembered. */
static void test_arm(void **state)
{
	struct quote have = {0}, from = {.arm = ARM_MARKET, .mode = MODE_FULL_D5};

	(void)state;
	quote_merge(&have, &from);
	check_i64(have.mode, MODE_FULL_D5);
	from.arm = ARM_NONE;
	from.mode = MODE_LTPC;
	quote_merge(&have, &from);
	check_i64(have.arm, ARM_MARKET);
	check_i64(have.mode, MODE_FULL_D5);
}

static void test_project(void **state)
{
	const uint32_t ltpc = QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP | QUOTE_LTPC_IEP;
	const uint32_t first = ltpc | QUOTE_DEPTH | QUOTE_GREEKS | QUOTE_VTT | QUOTE_OI | QUOTE_IV;
	static const struct {
		enum request_mode mode;
		int levels, bars;
	} modes[] = {
		{MODE_LTPC, 0, 0},
		{MODE_OPTION_GREEKS, 1, 0},
		{MODE_FULL_D5, 5, 2},
		{MODE_FULL_D30, 30, 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct quote q = {0};
		uint32_t all;

		fill(&q, 1);
		q.present |= QUOTE_DEPTH | QUOTE_BARS;
		q.depth_n = DEPTH_MAX;
		q.bars_n = 2;
		all = q.present;
		quote_project(&q, modes[i].mode);
		check_i64(q.depth_n, modes[i].levels);
		check_i64(q.bars_n, modes[i].bars);
		check_i64(q.mode, modes[i].mode);
		check_i64(q.present, modes[i].mode == MODE_LTPC            ? ltpc
				     : modes[i].mode == MODE_OPTION_GREEKS ? first
									   : all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_field),   cmocka_unit_test(test_absent_keeps),
		cmocka_unit_test(test_empty_greeks), cmocka_unit_test(test_present_zero),
		cmocka_unit_test(test_depth),        cmocka_unit_test(test_bars),
		cmocka_unit_test(test_replace),      cmocka_unit_test(test_arm),
		cmocka_unit_test(test_project),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
