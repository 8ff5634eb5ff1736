/* SPDX-License-Identifier: MIT
 *
 * test_master_row: every member that is read, and what a row of the broker's file may not be.
 */
#include "../lib/check.h"
#include "upstox/master_row.h"

static bool parse(const char *text, struct master_row_text *out)
{
	return master_row_parse(text, strlen(text), out);
}

static void test_members(void **state)
{
	struct master_row_text r;

	(void)state;
	check(parse(
		"{\"weekly\":true,\"segment\":\"NSE_FO\",\"name\":\"NIFTY\",\"exchange\":\"NSE\","
		"\"expiry\":1768328999000,\"instrument_type\":\"CE\",\"asset_symbol\":\"NO\","
		"\"underlying_symbol\":\"NIFTY\",\"instrument_key\":\"NSE_FO|1\",\"lot_size\":65,"
		"\"freeze_quantity\":1800.0,\"exchange_token\":\"1\",\"asset_key\":\"no\","
		"\"underlying_key\":\"NSE_INDEX|Nifty 50\",\"tick_size\":0.25,"
		"\"trading_symbol\":\"NIFTY 25400 CE\",\"strike_price\":25400.5,"
		"\"isin\":\"INE1\",\"new\":{\"weekly\":false}}",
		&r));
	check_str(r.entry.key, "NSE_FO|1");
	check_str(r.entry.symbol, "NIFTY 25400 CE");
	check_str(r.entry.name, "NIFTY");
	check_str(r.entry.isin, "INE1");
	check_str(r.entry.token, "1");
	check_str(r.entry.type, "CE");
	check_str(r.entry.underlying, "NIFTY");
	check_str(r.entry.underlying_key, "NSE_INDEX|Nifty 50");
	check(r.entry.strike == 25400.5 && r.entry.tick_paise == 0.25);
	check_i64(r.entry.lot_size, 65);
	check_i64(r.entry.expiry_ms, 1768328999000);
	check(r.entry.is_weekly);
}

/* Nothing of the row before is left. */
static void test_absent(void **state)
{
	struct master_row_text r;

	(void)state;
	check(parse("{\"instrument_key\":\"NSE_EQ|A\",\"lot_size\":5,\"weekly\":true}", &r));
	check(parse("{\"name\":null,\"lot_size\":null}", &r));
	check(r.entry.key == NULL && r.entry.name == NULL);
	check_i64(r.entry.lot_size, 0);
	check(!r.entry.is_weekly);
	check(parse("{}", &r));
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{\"name\":1}",
		"{\"name\":{}}",
		"{\"lot_size\":\"5\"}",
		"{\"lot_size\":5.5}",
		"{\"lot_size\":1e300}",
		"{\"expiry\":true}",
		"{\"strike_price\":\"1\"}",
		"{\"tick_size\":1e999}",
		"{\"weekly\":\"true\"}",
		"{\"weekly\":0}",
		"{\"name\":\"a\",\"name\":\"a\"}",
		"{\"name\":null,\"name\":\"a\"}",
		"{\"name\":\"a\"",
		"{\"name\":\"a\"}}",
	};
	struct master_row_text r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (parse(bad[i], &r))
			fail_msg("%s passes", bad[i]);
	}
}

/* Texts beyond the room are refused, at its very edge too. */
static void test_room(void **state)
{
	struct master_row_text r;
	char text[4096];

	(void)state;
	for (size_t n = sizeof(r.text) - 2; n < sizeof(r.text) + 2; n++) {
		memset(text, 'x', sizeof(text));
		memcpy(text, "{\"name\":\"", 9);
		memcpy(text + 9 + n, "\"}", 3);
		check_i64(parse(text, &r), n < sizeof(r.text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
