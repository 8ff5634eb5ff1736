/* SPDX-License-Identifier: MIT
 *
 * test_tape: numbers without gaps, a ring that forgets the oldest, an epoch of its own per start.
 */
#include "../lib/check.h"
#include "tape/tape.h"

static void append_block(struct tape *t, int64_t ts_ms, uint32_t ticks)
{
	struct tick_meta meta = {.ts_ms = ts_ms};
	struct tick tick = {.q = {.present = QUOTE_LTP | QUOTE_LTT}};

	tape_begin(t, &meta);
	for (uint32_t i = 0; i < ticks; i++)
		check_i64(tape_append(t, 100 + i, &tick), t->seq);
	tape_end(t);
}

static void test_seq(void **state)
{
	struct tape t;
	const struct tape_record *r;

	(void)state;
	tape_init(&t, 8);
	check_i64(t.seq, 0);
	check_i64(tape_floor(&t), 0);
	check(tape_get(&t, 0) == NULL);
	check(tape_get(&t, 1) == NULL);
	append_block(&t, 1000, 3);
	append_block(&t, 2000, 0); /* a message without an entry is a block too */
	append_block(&t, 3000, 2);
	check_i64(t.seq, 5);
	check_i64(t.blocks, 3);
	check_i64(tape_floor(&t), 1);
	r = tape_get(&t, 4);
	check(r != NULL);
	check_i64(r->seq, 4);
	check_i64(r->ts_ms, 3000);
	check_i64(r->id, 100);
	check_i64(r->present, QUOTE_LTP | QUOTE_LTT);
	check_i64(tape_get(&t, 3)->id, 102);
	check(tape_get(&t, 6) == NULL);
	tape_fini(&t);
}

static void test_ring(void **state)
{
	struct tape t;

	(void)state;
	tape_init(&t, 8);
	append_block(&t, 1, 8);
	check_i64(tape_floor(&t), 1);
	for (int i = 2; i < 1000; i++) {
		append_block(&t, i, 1);
		check_i64(t.seq, i + 7);
		check_i64(tape_floor(&t), i);
		check(tape_get(&t, (uint64_t)i - 1) == NULL);
		check_i64(tape_get(&t, (uint64_t)i)->seq, i);
		check_i64(tape_get(&t, t.seq)->ts_ms, i);
	}
	check(tape_get(&t, 0) == NULL);
	check(tape_get(&t, UINT64_MAX) == NULL);
	tape_fini(&t);
}

static void test_epoch(void **state)
{
	struct tape a, b;

	(void)state;
	tape_init(&a, 1);
	tape_init(&b, 1);
	check_i64(strlen(a.epoch), 16);
	check_i64(strspn(a.epoch, "0123456789abcdef"), 16);
	check(strcmp(a.epoch, b.epoch) != 0);
	tape_fini(&a);
	tape_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seq),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
