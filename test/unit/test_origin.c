/* SPDX-License-Identifier: MIT
 *
 * test_origin: the list of trusted web origins.
 */
#include "../lib/check.h"
#include "auth/origin.h"

static void test_listed(void **state)
{
	static const char list[] = "https://desk.example, https://lab.example:8443 http://a";
	static const char *const out[] = {"",
					  "https://desk.example.evil",
					  "https://desk.exampl",
					  "https://lab.example",
					  "http://desk.example",
					  "HTTPS://desk.example",
					  "https://desk.example,",
					  "null"};

	(void)state;
	check(origin_is_listed(list, "https://desk.example"));
	check(origin_is_listed(list, "https://lab.example:8443"));
	check(origin_is_listed(list, "http://a"));
	for (size_t i = 0; i < ARRAY_LEN(out); i++)
		check(!origin_is_listed(list, out[i]));
	check(!origin_is_listed("", "http://a") && !origin_is_listed(" , ", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_listed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
