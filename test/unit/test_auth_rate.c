/* SPDX-License-Identifier: MIT
 *
 * test_auth_rate: buckets, and the bounded table of them by address.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "auth/rate.h"

#define START (1000 * NS_PER_S)

static unsigned take_all(struct rate *r, const struct rate_rule *rule, mono_ns now)
{
	unsigned n = 0;

	while (n < 100000 && rate_take(r, rule, now))
		n++;
	return n;
}

static void test_bucket(void **state)
{
	struct rate_rule rule = rate_rule_of(10, NS_PER_S, 20); /* 10 a second, 20 at once */
	struct rate r = {0};

	(void)state;
	check_i64(take_all(&r, &rule, START), 20);
	check_i64(rate_wait_s(&r, &rule, START), 1);
	check(!rate_take(&r, &rule, START + 99 * NS_PER_MS));
	check_i64(take_all(&r, &rule, START + 100 * NS_PER_MS), 1);
	check_i64(take_all(&r, &rule, START + 600 * NS_PER_MS), 5);
	/* A refusal costs nothing; a long rest fills the bucket, and no more. */
	check_i64(take_all(&r, &rule, START + 3600 * NS_PER_S), 20);
}

static void test_wait(void **state)
{
	struct rate_rule rule = rate_rule_of(10, 60 * NS_PER_S, 10); /* one in 6 s */
	struct rate r = {0};

	(void)state;
	check_i64(rate_wait_s(&r, &rule, START), 1); /* there is room */
	check_i64(take_all(&r, &rule, START), 10);
	check_i64(rate_wait_s(&r, &rule, START), 6);
	check_i64(rate_wait_s(&r, &rule, START + NS_PER_MS), 6);
	check_i64(rate_wait_s(&r, &rule, START + 4 * NS_PER_S), 2);
	check(!rate_take(&r, &rule, START + 6 * NS_PER_S - 1));
	check(rate_take(&r, &rule, START + 6 * NS_PER_S)); /* what was said holds */
}

static void test_addresses(void **state)
{
	static const struct {
		const char *a, *b;
		bool is_same;
	} pairs[] = {
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"127.0.0.1", "::ffff:127.0.0.1", true},
		{"2001:db8::1", "2001:db8::2", true}, /* one customer */
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"::1", "127.0.0.1", false},
		{"", "nonsense", true},
	};
	struct rate_table t;

	(void)state;
	rate_table_init(&t);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct rate *a = rate_table_get(&t, pairs[i].a);

		a->empty_ns = i + 1;
		if ((rate_table_get(&t, pairs[i].b) == a) != pairs[i].is_same)
			fail_msg("%s and %s", pairs[i].a, pairs[i].b);
	}
	rate_table_fini(&t);
}

/* However many addresses come, the table does not grow; who has most to wait is kept longest. */
static void test_table_is_bounded(void **state)
{
	struct rate_rule rule = rate_rule_of(1, NS_PER_S, 100);
	struct rate_table t;
	struct rate *bad;
	char address[32];
	unsigned distinct = 0;

	(void)state;
	rate_table_init(&t);
	bad = rate_table_get(&t, "192.0.2.1");
	check_i64(take_all(bad, &rule, START), 100);
	for (unsigned i = 0; i < 200000; i++) {
		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		check(rate_take(rate_table_get(&t, address), &rule, START));
	}
	check(!rate_take(rate_table_get(&t, "192.0.2.1"), &rule, START));
	for (size_t i = 0; i < RATE_SETS; i++) {
		for (size_t j = 0; j < RATE_WAYS; j++)
			distinct += t.sets[i][j].rate.empty_ns != 0;
	}
	check_i64(distinct, RATE_SETS * RATE_WAYS); /* spread over all of it */
	rate_table_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_table_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
