/* SPDX-License-Identifier: MIT
 *
 * The broker's limits per connection: alone, beside other modes, and what needs Plus.
 */
#include "../lib/check.h"
#include "sim/limits.h"

static const struct sim_limits normal = {
	.alone = {[MODE_LTPC] = 5000, [MODE_OPTION_GREEKS] = 3000, [MODE_FULL_D5] = 2000},
	.mixed = {[MODE_LTPC] = 2000, [MODE_OPTION_GREEKS] = 2000, [MODE_FULL_D5] = 1500},
};

static void test_alone(void **state)
{
	(void)state;
	for (int m = 0; m < SIM_MODES; m++) {
		uint32_t have[SIM_MODES] = {0};

		check(limits_admit(&normal, have, (enum request_mode)m) == (m != MODE_FULL_D30));
		have[m] = normal.alone[m] - 1;
		check(limits_admit(&normal, have, (enum request_mode)m) == (m != MODE_FULL_D30));
		have[m] = normal.alone[m];
		check(!limits_admit(&normal, have, (enum request_mode)m));
	}
}

static void test_mixed(void **state)
{
	uint32_t have[SIM_MODES] = {[MODE_LTPC] = 1, [MODE_FULL_D5] = 1499};

	(void)state;
	check(limits_admit(&normal, have, MODE_FULL_D5));
	have[MODE_FULL_D5] = 1500;
	check(!limits_admit(&normal, have, MODE_FULL_D5));
	check(limits_admit(&normal, have, MODE_LTPC));
	check(limits_admit(&normal, have, MODE_OPTION_GREEKS));
	have[MODE_LTPC] = 2000;
	check(!limits_admit(&normal, have, MODE_LTPC));
	have[MODE_LTPC] = 0; /* alone again */
	check(limits_admit(&normal, have, MODE_FULL_D5));
}

static void test_plus(void **state)
{
	struct sim_limits l = normal;
	uint32_t have[SIM_MODES] = {0};

	(void)state;
	l.alone[MODE_FULL_D30] = 50;
	check(!limits_admit(&l, have, MODE_FULL_D30));
	l.has_plus = true;
	check(limits_admit(&l, have, MODE_FULL_D30));
	have[MODE_FULL_D30] = 50;
	check(!limits_admit(&l, have, MODE_FULL_D30));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_plus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
