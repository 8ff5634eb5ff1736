/* SPDX-License-Identifier: MIT
 *
 * option_chain: see option_chain.h.
 */
#include "upstox/option_chain.h"

#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/json.h"
#include "market/instrument.h"

#define COUNT_MAX 9e15

/* One side of a row; it may be missing. */
static int take_side(const cJSON *side, upstox_prev_oi_fn *fn, void *arg)
{
	const char *key = json_string(side, "instrument_key");
	const cJSON *market = cJSON_GetObjectItemCaseSensitive(side, "market_data");
	const cJSON *oi = cJSON_GetObjectItemCaseSensitive(market, "prev_oi");

	if (!key || !instrument_key_is_valid(key, strlen(key)) || !cJSON_IsNumber(oi))
		return 0;
	if (!(oi->valuedouble >= 0 && oi->valuedouble < COUNT_MAX) ||
	    oi->valuedouble != floor(oi->valuedouble))
		return 0;
	fn(arg, key, (int64_t)oi->valuedouble);
	return 1;
}

int upstox_prev_oi_parse(const char *body, size_t len, upstox_prev_oi_fn *fn, void *arg,
			 struct agni_err *err)
{
	cJSON *json = json_parse(body, len, err);
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(json, "data"), *row;
	int n = 0;

	if (!cJSON_IsArray(data)) {
		cJSON_Delete(json);
		return agni_fail(err, AGNI_EPARSE, "not an option chain");
	}
	cJSON_ArrayForEach (row, data) {
		n += take_side(cJSON_GetObjectItemCaseSensitive(row, "call_options"), fn, arg);
		n += take_side(cJSON_GetObjectItemCaseSensitive(row, "put_options"), fn, arg);
	}
	cJSON_Delete(json);
	return n;
}
