/* SPDX-License-Identifier: MIT
 *
 * The bands of fixed strikes, as the configuration writes them.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "options/chains.h"

static void test_band_text(void **state)
{
	static const char *const bad[] = {
		"NIFTY",         "NIFTY:1:2",    ":1:2:1",        "NIFTY:2:1:1",
		"NIFTY:0:1:1",   "NIFTY:1:2:0",  "NIFTY:a:2:1",   "NIFTY:1:2:1x",
		"NIFTY:1:inf:1", "NIFTY:-1:2:1", "NIFTY:1:2:1,x",
	};
	struct chains_config cfg = {.strikes = CHAINS_FIXED};
	struct chain_strikes band;
	struct agni_err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char text[32];

		snprintf(text, sizeof(text), "%s", bad[i]);
		cfg.bands = text;
		check_i64(chains_config_check(&cfg, &err), AGNI_ECONFIG);
	}
	cfg.bands = "A:B:1:2:0.5 , nifty:25400:26200:50";
	check_i64(chains_config_check(&cfg, &err), 0);
	check(chains_config_band(&cfg, "NIFTY", &band));
	check_i64(band.to, 26200 * PRICE_SCALE);
	check(chains_config_band(&cfg, "A:B", &band));
	check_i64(band.step, PRICE_SCALE / 2);
	check(!chains_config_band(&cfg, "A", &band));
	cfg.strikes = CHAINS_AUTO;
	check(!chains_config_band(&cfg, "NIFTY", &band));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_band_text)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
