/* SPDX-License-Identifier: MIT
 *
 * Tokens that are remembered: the last KNOWN_MAX different ones.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "token/known.h"

static void test_none(void **state)
{
	struct known k = {0};

	(void)state;
	check(!known_has(&k, "tok-1"));
	check(!known_has(&k, ""));
}

static void test_told_twice(void **state)
{
	struct known k = {0};

	(void)state;
	known_add(&k, "tok-1");
	known_add(&k, "tok-1");
	check_i64(k.n, 1);
	check(known_has(&k, "tok-1"));
	check(!known_has(&k, "tok-"));
	check(!known_has(&k, "tok-11"));
}

static void test_oldest_goes(void **state)
{
	struct known k = {0};
	char text[16];

	(void)state;
	for (int i = 0; i < KNOWN_MAX; i++) {
		snprintf(text, sizeof(text), "tok-%d", i);
		known_add(&k, text);
	}
	check(known_has(&k, "tok-0"));
	known_add(&k, "tok-new");
	check(!known_has(&k, "tok-0"));
	check(known_has(&k, "tok-1"));
	check(known_has(&k, "tok-new"));
	/* Round and round. */
	for (int i = 0; i < 10 * KNOWN_MAX; i++) {
		snprintf(text, sizeof(text), "tok-%d", i);
		known_add(&k, text);
		check(known_has(&k, text));
	}
	check(!known_has(&k, "tok-new"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_told_twice),
		cmocka_unit_test(test_oldest_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
