/* SPDX-License-Identifier: MIT
 *
 * test_tape: the journal in memory: numbers without gaps, blocks that explain themselves, a memory
 * that forgets the oldest, an epoch of its own per start. Files are in test/module/test_tape_*.c.
 */
#include "../lib/check.h"
#include "tape/codec.h"
#include "tape/cursor.h"
#include "tape/tape_internal.h"

static void append_block(struct tape *t, int64_t ts_ms, uint32_t ticks)
{
	struct tick_meta meta = {.ts_ms = ts_ms};

	tape_begin(t, &meta);
	for (uint32_t i = 0; i < ticks; i++) {
		struct tick tick = {.key = "NSE_FO|1",
				    .key_len = 8,
				    .q = {.present = QUOTE_LTP, .ltp = (price_t)t->last + 1}};

		check_i64(tape_append(t, 100 + i, &tick), t->last);
	}
	tape_end(t);
}

static void test_seq(void **state)
{
	struct tape t;

	(void)state;
	tape_init(&t, 1 << 20);
	check_i64(t.seq, 0);
	check_i64(tape_floor(&t), 1);
	append_block(&t, 1000, 3);
	append_block(&t, 2000, 0); /* a message without an entry is counted, and leaves nothing */
	append_block(&t, 3000, 2);
	check_i64(t.seq, 5);
	check_i64(t.blocks, 3);
	check_i64(tape_floor(&t), 1);
	tape_fini(&t);
}

static void test_read_back(void **state)
{
	struct tape_cursor c = {.seq = 1};
	struct bitset wanted = {0};
	uint32_t budget = 1000;
	struct tape_tick tick;
	struct tape_gap gap;
	struct quote q;
	struct tape t;

	(void)state;
	tape_init(&t, 1 << 20);
	append_block(&t, 1000, 3);
	append_block(&t, 3000, 3);
	bitset_add(&wanted, 101);
	check_i64(tape_cursor_next(&t, &c, &wanted, &budget, &tick, &gap), TAPE_STEP_TICK);
	check_i64(tick.seq, 2);
	check_i64(tick.id, 101);
	check_i64(tick.ts_ms, 1000);
	check(tape_tick_decode(tick.bytes, tick.len, tick.ts_ms, &q));
	check_i64(q.ltp, 2);
	check_i64(tape_cursor_next(&t, &c, &wanted, &budget, &tick, &gap), TAPE_STEP_TICK);
	check_i64(tick.seq, 5);
	check_i64(tape_cursor_next(&t, &c, &wanted, &budget, &tick, &gap), TAPE_STEP_EDGE);
	check_i64(c.seq, 6);
	/* At the edge it goes on with what comes. */
	append_block(&t, 4000, 2);
	tape_cursor_begin(&c);
	check_i64(tape_cursor_next(&t, &c, &wanted, &budget, &tick, &gap), TAPE_STEP_TICK);
	check_i64(tick.seq, 8);
	/* Who wants nothing comes to the edge all the same; a budget ends. */
	bitset_clear(&wanted);
	tape_cursor_begin(&c);
	c.seq = 0;
	budget = 0;
	check_i64(tape_cursor_next(&t, &c, &wanted, &budget, &tick, &gap), TAPE_STEP_TIRED);
	budget = 100;
	check_i64(tape_cursor_next(&t, &c, &wanted, &budget, &tick, &gap), TAPE_STEP_EDGE);
	check_i64(c.seq, 8);
	bitset_fini(&wanted);
	tape_fini(&t);
}

/* Memory is bounded; what left it is a gap for who still wanted it. */
static void test_memory(void **state)
{
	struct tape_cursor c = {0};
	struct bitset wanted = {0};
	uint32_t budget = UINT32_MAX;
	struct tape_tick tick;
	struct tape_gap gap;
	struct tape t;

	(void)state;
	tape_init(&t, 1 << 20);
	bitset_add(&wanted, 100);
	while (tape_floor(&t) == 1)
		append_block(&t, 1000, 50);
	for (int i = 0; i < 10000; i++)
		append_block(&t, 1000, 50);
	check(t.memory_used <= (1 << 20) + 2 * TAPE_CHUNK_BYTES);
	check(tape_floor(&t) > 1);
	check_i64(tape_cursor_next(&t, &c, &wanted, &budget, &tick, &gap), TAPE_STEP_GAP);
	check_i64(gap.from, 1);
	check_i64(gap.to, tape_floor(&t) - 1);
	check_str(gap.reason, "retention");
	for (uint64_t last = gap.to; c.seq < t.seq;) {
		if (tape_cursor_next(&t, &c, &wanted, &budget, &tick, &gap) != TAPE_STEP_TICK)
			break;
		check(tick.seq > last && tick.seq <= last + 50);
		last = tick.seq;
	}
	check_i64(c.seq, t.seq);
	bitset_fini(&wanted);
	tape_fini(&t);
}

static void test_epochs_differ(void **state)
{
	struct tape a, b;

	(void)state;
	tape_init(&a, 1 << 20);
	tape_init(&b, 1 << 20);
	check_i64(strlen(a.epoch), TAPE_EPOCH_TEXT - 1);
	check(strcmp(a.epoch, b.epoch) != 0);
	tape_fini(&a);
	tape_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seq),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_epochs_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
