/* SPDX-License-Identifier: MIT
 *
 * option_chain: the answer of the broker's GET /v2/option/chain, as far as it says what the feed does
 * not: the open interest at the close of the previous session.
 */
#ifndef AGNI_UPSTOX_OPTION_CHAIN_H
#define AGNI_UPSTOX_OPTION_CHAIN_H

#include "core/err.h"

typedef void upstox_prev_oi_fn(void *arg, const char *instrument_key, int64_t prev_oi);

/* Calls `fn` for every contract whose key and prev_oi are sound; one without is passed over. Returns
 * how many, or AGNI_EPARSE when the body is no such answer; `fn` has not been called then. */
int upstox_prev_oi_parse(const char *body, size_t len, upstox_prev_oi_fn *fn, void *arg,
			 struct agni_err *err) AGNI_MUST_USE;

#endif
