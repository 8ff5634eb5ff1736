/* SPDX-License-Identifier: MIT
 *
 * fuzz_json: any bytes through the gate and, when they pass, through cJSON and back.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agni_err err;
	struct cJSON *json;
	char *text;

	if (json_check((const char *)data, size, &err) < 0) {
		AGNI_ASSERT(!json_parse((const char *)data, size, NULL));
		return 0;
	}
	json = json_parse((const char *)data, size, &err);
	if (!json)
		return 0;
	/* What cJSON prints must pass the gate again; 1e999 comes back as null. */
	text = cJSON_PrintUnformatted(json);
	if (text)
		AGNI_ASSERT(json_check(text, strlen(text), &err) == 0);
	free(text);
	cJSON_Delete(json);
	return 0;
}
