/* SPDX-License-Identifier: MIT
 *
 * futures_config: see futures_config.h.
 */
#include "options/futures_config.h"

#define BP 1e4

const struct config_key futures_config_keys[] = {
	CONFIG_STR(
		struct futures_config, underlyings, "NIFTY", "",
		"underlyings whose futures are kept in Redis with or without a reader, separated "
		"by commas; empty = none"),
	CONFIG_INT_F(struct futures_config, rate_bp, 600, 0, 5000, "1/100 %",
		     "interest a year, continuously compounded, in the fair value of a future",
		     CONFIG_RELOAD),
	CONFIG_INT_F(struct futures_config, dividend_bp, 0, 0, 5000, "1/100 %",
		     "dividends a year that it is less by", CONFIG_RELOAD),
	CONFIG_INT_F(struct futures_config, buildup_price_bp, 10, 0, 10000, "1/100 %",
		     "a smaller change of price since the previous close is none, for the build-up",
		     CONFIG_RELOAD),
	CONFIG_INT_F(struct futures_config, buildup_oi_bp, 100, 0, 10000, "1/100 %",
		     "a smaller change of open interest since the previous session is none",
		     CONFIG_RELOAD),
	CONFIG_INT(struct futures_config, publish_ms, 250, 50, 60000, "ms",
		   "the futures of an underlying go out at most this often"),
	{0},
};

struct futures_terms futures_terms(const struct futures_config *cfg)
{
	return (struct futures_terms){.rate = (double)cfg->rate_bp / BP,
				      .yield = (double)cfg->dividend_bp / BP,
				      .price_least = (double)cfg->buildup_price_bp / BP,
				      .oi_least = (double)cfg->buildup_oi_bp / BP};
}
