/* SPDX-License-Identifier: MIT
 *
 * test_instrument: ids are dense, stable and never given for what is no key.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "market/instrument.h"

static inst_id intern(struct instruments *t, const char *key)
{
	return instruments_intern(t, key, strlen(key));
}

static inst_id find(const struct instruments *t, const char *key)
{
	return instruments_find(t, key, strlen(key));
}

static void test_many(void **state)
{
	const uint32_t n = 100000;
	struct instruments t;
	char key[32];

	(void)state;
	instruments_init(&t, n);
	for (uint32_t i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "NSE_FO|%u", i * 7);
		check_i64(intern(&t, key), i);
		check_i64(intern(&t, key), i); /* again: the same */
	}
	check_i64(t.count, n);
	for (uint32_t i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "NSE_FO|%u", i * 7);
		check_i64(find(&t, key), i);
		check_str(instruments_key(&t, i), key);
		snprintf(key, sizeof(key), "NSE_FO|%u", i * 7 + 1);
		check_i64(find(&t, key), INST_NONE);
	}
	/* The limit is reached: what is known stays known, nothing is added. */
	check_i64(intern(&t, "NSE_EQ|INE002A01018"), INST_NONE);
	check_i64(intern(&t, "NSE_FO|7"), 1);
	check_i64(t.count, n);
	instruments_fini(&t);
}

/* The borrowed bytes may change or vanish after the call; a prefix is another key. */
static void test_copies(void **state)
{
	struct instruments t;
	char key[] = "NSE_FO|45450 and more";

	(void)state;
	instruments_init(&t, 10);
	check_i64(instruments_intern(&t, key, 12), 0);
	memset(key, 'x', sizeof(key) - 1);
	check_str(instruments_key(&t, 0), "NSE_FO|45450");
	check_i64(find(&t, "NSE_FO|4545"), INST_NONE);
	check_i64(find(&t, "NSE_FO|45450 "), INST_NONE);
	check_i64(find(&t, "nse_fo|45450"), INST_NONE);
	check_i64(find(&t, ""), INST_NONE);
	instruments_fini(&t);
}

static void test_keys(void **state)
{
	static const char *const good[] = {
		"NSE_FO|45450",
		"NSE_INDEX|Nifty 50",
		"BSE_INDEX|SENSEX",
		"NSE_EQ|INE002A01018",
		"A|1",
		"NEW_SEGMENT|x y z",
		"NSE_FO|45450|24-04-2025",
	};
	static const char *const bad[] = {
		"",
		"NSE_FO",
		"NSE_FO|",
		"|45450",
		"nse_fo|45450",
		"NSE1|2",
		"NSE FO|1",
		"NSE_FO|4,5",
		"NSE_FO|a|b|c",
		"NSE_FO|\x01",
		"NSE_FO|\x7f",
		"NSE_FO|n\xc3\xa9",
		" NSE_FO|1",
		"NSE_FO|||",
		"NSE_FO||x",
		"NSE_FO|x|",
	};
	struct instruments t;

	(void)state;
	instruments_init(&t, 100);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		check(instrument_key_is_valid(good[i], strlen(good[i])));
		check_i64(intern(&t, good[i]), i);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (instrument_key_is_valid(bad[i], strlen(bad[i])))
			fail_msg("\"%s\" passes", bad[i]);
		check_i64(intern(&t, bad[i]), INST_NONE);
	}
	check(!instrument_key_is_valid("NSE_FO|\0001", 9)); /* a NUL inside */
	check_i64(t.count, ARRAY_LEN(good));
	instruments_fini(&t);
}

static void test_longest_key(void **state)
{
	struct instruments t;
	char key[400];

	(void)state;
	instruments_init(&t, 10);
	memset(key, 'A', sizeof(key));
	memcpy(key, "NSE_FO|", 7);
	check_i64(instruments_intern(&t, key, 7 + 64), 0);
	check_i64(instruments_find(&t, key, 7 + 64), 0);
	check_i64(instruments_intern(&t, key, 7 + 65), INST_NONE);
	check_i64(instruments_intern(&t, key, 300), INST_NONE);
	check_i64(instruments_find(&t, key, 300), INST_NONE);
	memset(key, 'S', 40); /* a long segment */
	key[40] = '|';
	check_i64(instruments_intern(&t, key, INST_KEY_MAX), 1);
	check_i64(instruments_intern(&t, key, INST_KEY_MAX + 1), INST_NONE);
	instruments_fini(&t);
}

static void test_segment(void **state)
{
	(void)state;
	check_i64(instrument_segment_len("NSE_FO|45450"), 6);
	check_i64(instrument_segment_len("NSE_INDEX|Nifty 50"), 9);
	check(instrument_is_index("NSE_INDEX|Nifty 50", 18));
	check(instrument_is_index("MCX_INDEX|X", 11));
	check(!instrument_is_index("NSE_FO|45450", 12));
	check(!instrument_is_index("INDEX|1", 7));
	check(!instrument_is_index("NSE_INDEX", 9));
	check(!instrument_is_index("NSE_FO|X_INDEX|", 15));
	check_i64(instrument_segment_len("NSE_FO|45450|24-04-2025"), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),    cmocka_unit_test(test_copies),
		cmocka_unit_test(test_keys),    cmocka_unit_test(test_longest_key),
		cmocka_unit_test(test_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
