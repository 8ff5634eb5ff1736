/* SPDX-License-Identifier: MIT
 *
 * test_bitset: against an array of bools.
 */
#include "../lib/check.h"
#include "core/bitset.h"
#include "core/rand.h"

#define MEMBERS 1000

static void check_same(const struct bitset *s, const bool *want)
{
	uint32_t count = 0, next = 0;

	for (uint32_t i = 0; i < MEMBERS; i++) {
		check_i64(bitset_has(s, i), want[i]);
		count += want[i];
	}
	check_i64(s->count, count);
	bitset_for_each(i, s)
	{
		while (!want[next])
			next++;
		check_i64(i, next);
		next++;
		count--;
	}
	check_i64(count, 0);
}

static void test_against_bools(void **state)
{
	bool want[MEMBERS] = {0};
	struct bitset s = {0};
	struct rng r = {5};

	(void)state;
	check_same(&s, want);
	for (int round = 0; round < 5000; round++) {
		uint32_t i = (uint32_t)rng_below(&r, MEMBERS);
		bool add = rng_below(&r, 3) > 0;

		check_i64(add ? bitset_add(&s, i) : bitset_remove(&s, i), want[i] != add);
		want[i] = add;
		if (round % 500 == 0)
			check_same(&s, want);
	}
	check_same(&s, want);
	bitset_clear(&s);
	memset(want, 0, sizeof(want));
	check_same(&s, want);
	bitset_fini(&s);
}

static void test_borders(void **state)
{
	static const uint32_t members[] = {0, 63, 64, 255, 256, 257, 4095, 1u << 20};
	struct bitset s = {0};
	size_t k = 0;

	(void)state;
	check_i64(bitset_next(&s, 0), BITSET_END);
	check(!bitset_remove(&s, 12345));
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		check(bitset_add(&s, members[i]));
	bitset_for_each(i, &s) check_i64(i, members[k++]);
	check_i64(k, ARRAY_LEN(members));
	check_i64(bitset_next(&s, 65), 255);
	check_i64(bitset_next(&s, (1u << 20) + 1), BITSET_END);
	check_i64(bitset_next(&s, UINT32_MAX), BITSET_END);
	check(!bitset_has(&s, UINT32_MAX));
	bitset_fini(&s);
}

static void test_removal_while_iterating(void **state)
{
	struct bitset s = {0};
	int n = 0;

	(void)state;
	for (uint32_t i = 0; i < 300; i++)
		bitset_add(&s, i);
	bitset_for_each(i, &s)
	{
		bitset_remove(&s, i);
		n++;
	}
	check_i64(n, 300);
	check_i64(s.count, 0);
	bitset_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_bools),
		cmocka_unit_test(test_borders),
		cmocka_unit_test(test_removal_while_iterating),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
