/* SPDX-License-Identifier: MIT
 *
 * test_interest: the highest mode that anyone wants, and who hears of its changes.
 */
#include "../lib/check.h"
#include "core/rand.h"
#include "market/interest.h"

static void count(void *arg)
{
	++*(int *)arg;
}

static void test_top(void **state)
{
	struct interest t;

	(void)state;
	interest_init(&t);
	check_i64(interest_top(&t, 5), WANT_NOTHING);
	check_i64(interest_top(&t, INST_NONE), WANT_NOTHING);
	interest_add(&t, 5, WANT_LTPC);
	check_i64(interest_top(&t, 5), WANT_LTPC);
	interest_add(&t, 5, WANT_FULL);
	interest_add(&t, 5, WANT_OPTION_GREEKS);
	interest_add(&t, 5, WANT_FULL);
	check_i64(interest_top(&t, 5), WANT_FULL);
	interest_add(&t, 5, WANT_FULL_D30);
	check_i64(interest_top(&t, 5), WANT_FULL_D30);
	interest_drop(&t, 5, WANT_FULL_D30);
	interest_drop(&t, 5, WANT_FULL);
	check_i64(interest_top(&t, 5), WANT_FULL); /* one is left */
	interest_drop(&t, 5, WANT_FULL);
	check_i64(interest_top(&t, 5), WANT_OPTION_GREEKS);
	interest_drop(&t, 5, WANT_OPTION_GREEKS);
	interest_drop(&t, 5, WANT_LTPC);
	check_i64(interest_top(&t, 5), WANT_NOTHING);
	check_i64(interest_top(&t, 4), WANT_NOTHING);
	interest_fini(&t);
}

static void test_listener(void **state)
{
	struct interest t;
	int calls = 0;

	(void)state;
	interest_init(&t);
	t.on_change = count;
	t.arg = &calls;
	interest_add(&t, 1, WANT_FULL);
	check_i64(calls, 1);
	check(bitset_has(&t.changed, 1));
	bitset_clear(&t.changed);
	interest_add(&t, 1, WANT_LTPC); /* lower, or the same: nobody has to act */
	interest_add(&t, 1, WANT_FULL);
	interest_drop(&t, 1, WANT_FULL);
	check_i64(calls, 1);
	check_i64(t.changed.count, 0);
	interest_drop(&t, 1, WANT_FULL); /* full -> ltpc */
	check_i64(calls, 2);
	interest_drop(&t, 1, WANT_LTPC); /* marked already */
	check_i64(calls, 2);
	check_i64(t.changed.count, 1);
	interest_fini(&t);
}

/* Alone, three of a mode; beside another, two of each; none of full_d30. */
static void test_limits(void **state)
{
	const struct interest_limits limits = {.alone = {3, 3, 3, 0}, .mixed = {2, 2, 2, 0}};
	struct interest t;

	(void)state;
	interest_init(&t);
	check(interest_admits(&t, INST_NONE, WANT_FULL_D30)); /* nobody has told of limits */
	t.limits = &limits;
	check(!interest_admits(&t, INST_NONE, WANT_FULL_D30));
	for (inst_id id = 0; id < 3; id++) {
		check(interest_admits(&t, id, WANT_LTPC));
		interest_add(&t, id, WANT_LTPC);
	}
	check(!interest_admits(&t, INST_NONE, WANT_LTPC));
	check(!interest_admits(&t, INST_NONE, WANT_FULL)); /* three would be too many then */
	check(interest_admits(&t, 1, WANT_LTPC));          /* it is there already */
	check(interest_admits(&t, 1, WANT_FULL));          /* and leaves two of the other */
	interest_add(&t, 1, WANT_FULL);
	check_i64(t.tops[WANT_LTPC], 2);
	check_i64(t.tops[WANT_FULL], 1);
	check(interest_admits(&t, 1, WANT_OPTION_GREEKS)); /* less than what it has */
	check(!interest_admits(&t, 3, WANT_LTPC));
	check(interest_admits(&t, 3, WANT_FULL));
	interest_add(&t, 3, WANT_FULL);
	check(!interest_admits(&t, 0, WANT_FULL));
	check(interest_fits(&t, (uint32_t[WANT_MODES]){0}));
	check(!interest_fits(&t, (uint32_t[WANT_MODES]){[WANT_LTPC] = 1}));
	/* Who goes to a lower mode needs a place there, unless another stays above. */
	check(!interest_admits_move(&t, 3, WANT_FULL, WANT_LTPC));
	check(interest_admits_move(&t, 3, WANT_FULL, WANT_FULL));
	check(interest_admits_move(&t, 3, WANT_FULL, WANT_OPTION_GREEKS));
	interest_add(&t, 3, WANT_FULL);
	check(interest_admits_move(&t, 3, WANT_FULL, WANT_LTPC));
	interest_drop(&t, 3, WANT_FULL);
	interest_drop(&t, 3, WANT_FULL);
	interest_drop(&t, 1, WANT_FULL);
	check_i64(t.tops[WANT_LTPC], 3);
	check_i64(t.tops[WANT_FULL], 0);
	interest_fini(&t);
}

/* Against counters kept the plain way. */
#define INSTRUMENTS 500

static void check_tops(const struct interest *t, unsigned have[INSTRUMENTS][WANT_MODES])
{
	uint32_t n[WANT_MODES] = {0};

	for (int id = 0; id < INSTRUMENTS; id++) {
		for (int m = WANT_MODES - 1; m >= 0; m--) {
			if (have[id][m]) {
				n[m]++;
				break;
			}
		}
	}
	for (int m = 0; m < WANT_MODES; m++)
		check_i64(t->tops[m], n[m]);
}

static void test_random(void **state)
{
	static unsigned have[INSTRUMENTS][WANT_MODES];
	struct rng r = {.state = 1};
	struct interest t;

	(void)state;
	interest_init(&t);
	for (int i = 0; i < 200000; i++) {
		inst_id id = (inst_id)rng_below(&r, ARRAY_LEN(have));
		enum interest_mode m = (enum interest_mode)rng_below(&r, WANT_MODES);
		int top = WANT_NOTHING;

		if (rng_below(&r, 2) && have[id][m] < 3) {
			have[id][m]++;
			interest_add(&t, id, m);
		} else if (have[id][m]) {
			have[id][m]--;
			interest_drop(&t, id, m);
		}
		for (int k = 0; k < WANT_MODES; k++)
			top = have[id][k] ? k : top;
		check_i64(interest_top(&t, id), top);
		if (i % 1000 == 0)
			check_tops(&t, have);
	}
	interest_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
