/* SPDX-License-Identifier: MIT
 *
 * reply: see reply.h.
 */
#include "upstox/reply.h"

#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/json.h"

/* What is shown to people must be short and plain. */
static bool is_code(const char *text)
{
	size_t n = text ? strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") : 0;

	return n > 0 && n < UPSTOX_CODE_TEXT && text[n] == '\0';
}

bool upstox_error_code(const char *body, size_t len, char out[UPSTOX_CODE_TEXT])
{
	struct agni_err err;
	cJSON *json = json_parse(body, len, &err);
	const cJSON *first =
		cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "errors"), 0);
	const char *code = json_string(first, "errorCode");

	if (!code)
		code = json_string(first, "error_code");
	out[0] = '\0';
	if (is_code(code))
		snprintf(out, UPSTOX_CODE_TEXT, "%s", code);
	cJSON_Delete(json);
	return out[0] != '\0';
}

bool upstox_token_is_dead(int status, const char *body, size_t len)
{
	char code[UPSTOX_CODE_TEXT];

	if (status == 401)
		return true;
	return (status < 200 || status > 299) && upstox_error_code(body, len, code) &&
	       strcmp(code, "UDAPI100050") == 0;
}
