/* SPDX-License-Identifier: MIT
 *
 * test_nearest: distances by hand, and which slips are worth a hint.
 */
#include <limits.h>

#include "../lib/check.h"
#include "core/nearest.h"

static void test_distances(void **state)
{
	char longer[80];

	(void)state;
	check_i64(edit_distance("", ""), 0);
	check_i64(edit_distance("", "abc"), 3);
	check_i64(edit_distance("abc", ""), 3);
	check_i64(edit_distance("listen", "listen"), 0);
	check_i64(edit_distance("lisen", "listen"), 1);
	check_i64(edit_distance("lsiten", "listen"), 1);
	check_i64(edit_distance("kitten", "sitting"), 3);
	check_i64(edit_distance("ca", "abc"), 3); /* the optimal string alignment form */
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	check_i64(edit_distance(longer, longer), 0);
	check_i64(edit_distance(longer, "a"), UINT_MAX);
	check_i64(edit_distance("a", longer), UINT_MAX);
	longer[63] = '\0';
	check_i64(edit_distance("", longer), 63);
}

static const char *nearest_of(const char *word)
{
	static const char *const known[] = {"listen", "tls_cert", "tls_key", "body_max_bytes"};
	struct nearest n = {.word = word};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		nearest_offer(&n, known[i]);
	return nearest_word(&n);
}

static void test_hints(void **state)
{
	(void)state;
	check_str(nearest_of("lisen"), "listen");
	check_str(nearest_of("tls_crt"), "tls_cert");
	check_str(nearest_of("bodymaxbyte"), "body_max_bytes");
	check(nearest_of("colour") == NULL);
	check(nearest_of("") == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
