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

/* Against counters kept the plain way. */
static void test_random(void **state)
{
	static unsigned have[500][WANT_MODES];
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
	}
	interest_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
