/* SPDX-License-Identifier: MIT
 *
 * futures_config: section [futures].
 */
#ifndef AGNI_OPTIONS_FUTURES_CONFIG_H
#define AGNI_OPTIONS_FUTURES_CONFIG_H

#include "core/config.h"

struct futures_config {
	char *underlyings;        /* kept for Redis */
	int64_t rate_bp;          /* 1/100 per cent a year */
	int64_t dividend_bp;      /* the same */
	int64_t buildup_price_bp; /* 1/100 per cent of the previous close */
	int64_t buildup_oi_bp;    /* 1/100 per cent of the previous session's OI */
	int64_t publish_ms;
};

extern const struct config_key futures_config_keys[];

/* What a view is reckoned with besides quotes; fractions, rates per year. */
struct futures_terms {
	double rate, yield, price_least, oi_least;
};

struct futures_terms futures_terms(const struct futures_config *cfg);

#endif
