/* SPDX-License-Identifier: MIT
 *
 * test_crc32c: the published values (RFC 3720 B.4), and both ways agree in pieces of every length.
 */
#include "../lib/check.h"
#include "core/crc32c.h"
#include "core/rand.h"

static void test_published(void **state)
{
	uint8_t bytes[32];

	(void)state;
	check_i64(crc32c(0, "123456789", 9), 0xe3069283);
	memset(bytes, 0, sizeof(bytes));
	check_i64(crc32c(0, bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	check_i64(crc32c(0, bytes, 32), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		bytes[i] = (uint8_t)i;
	check_i64(crc32c(0, bytes, 32), 0x46dd794e);
	check_i64(crc32c_by_table(0, bytes, 32), 0x46dd794e);
	check_i64(crc32c(0, bytes, 0), 0);
}

static void test_both_ways(void **state)
{
	struct rng rng = {1};
	uint8_t bytes[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)rng_next(&rng);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		size_t cut = len ? rng_below(&rng, len) : 0;
		uint32_t whole = crc32c(0, bytes, len);

		check_i64(whole, crc32c_by_table(0, bytes, len));
		check_i64(whole, crc32c(crc32c(0, bytes, cut), bytes + cut, len - cut));
		check_i64(whole,
			  crc32c_by_table(crc32c_by_table(0, bytes, cut), bytes + cut, len - cut));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
