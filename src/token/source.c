/* SPDX-License-Identifier: MIT
 *
 * source: see source.h.
 */
#include "token/source.h"

#include <stdlib.h>

#include <cjson/cJSON.h>

#include "core/json.h"
#include "token/lifetime.h"

bool token_text_is_sound(const char *text)
{
	size_t n = 0;

	for (; text[n]; n++) {
		if (text[n] <= 0x20 || text[n] > 0x7e)
			return false;
	}
	return n > 0 && n <= TOKEN_TEXT_MAX;
}

void source_fini(struct source_token *t)
{
	secret_wipe_text(&t->token);
	free(t->account);
	free(t->client_id);
	*t = (struct source_token){0};
}

/* cJSON gives its strings back as they are. */
static void wipe(cJSON *json)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(json, "access_token");

	if (cJSON_IsString(item))
		explicit_bzero(item->valuestring, strlen(item->valuestring));
	cJSON_Delete(json);
}

static char *text_or_empty(const cJSON *json, const char *name)
{
	const char *text = json_string(json, name);

	return mem_strdup(text ? text : "");
}

/* NULL, or what is wrong with the members that all four share. */
static const char *take(const cJSON *json, struct source_token *out)
{
	const char *token = json_string(json, "access_token");
	const cJSON *account = cJSON_GetObjectItemCaseSensitive(json, "account_id");

	*out = (struct source_token){0};
	if (!cJSON_IsObject(json))
		return "it is not a JSON object";
	if (!token || !token_text_is_sound(token))
		return "it has no access_token that could be one";
	if (account && !cJSON_IsNull(account) && !cJSON_IsString(account))
		return "account_id is not a text";
	out->expires_ms = lifetime_parse(cJSON_GetObjectItemCaseSensitive(json, "expires_at"));
	out->issued_ms = lifetime_parse(cJSON_GetObjectItemCaseSensitive(json, "issued_at"));
	if (out->expires_ms < 0)
		return "expires_at is not a time";
	if (out->issued_ms < 0)
		out->issued_ms = 0;
	out->token = mem_strdup(token);
	out->account = text_or_empty(json, "account_id");
	out->client_id = text_or_empty(json, "client_id");
	return NULL;
}

static int read_json(const char *body, size_t len, cJSON **json, struct agni_err *err)
{
	struct agni_err why;

	*json = json_parse(body, len, &why);
	return *json ? 0 : agni_fail(err, AGNI_EPARSE, "it is not JSON: %.160s", why.text);
}

static int read_checked(const char *body, size_t len, struct source_token *out,
			const char *(*check)(const cJSON *json), struct agni_err *err)
{
	const char *wrong;
	cJSON *json;
	int rc = read_json(body, len, &json, err);

	*out = (struct source_token){0};
	if (rc < 0)
		return rc;
	wrong = check ? check(json) : NULL;
	if (!wrong)
		wrong = take(json, out);
	wipe(json);
	return wrong ? agni_fail(err, AGNI_EPARSE, "%s", wrong) : 0;
}

static const char *check_api(const cJSON *json)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "success"))
		       ? NULL
		       : "it does not say \"success\":true";
}

static const char *check_notice(const cJSON *json)
{
	const char *type = json_string(json, "message_type");

	if (!type || strcmp(type, "access_token") != 0)
		return "its message_type is not access_token";
	return json_string(json, "client_id") ? NULL : "it has no client_id";
}

int source_read_api(const char *body, size_t len, struct source_token *out, struct agni_err *err)
{
	return read_checked(body, len, out, check_api, err);
}

int source_read_update(const char *body, size_t len, struct source_token *out, struct agni_err *err)
{
	return read_checked(body, len, out, NULL, err);
}

int source_read_notice(const char *body, size_t len, struct source_token *out, struct agni_err *err)
{
	return read_checked(body, len, out, check_notice, err);
}

int source_read_login(const char *body, size_t len, struct source_token *out, struct agni_err *err)
{
	return read_checked(body, len, out, NULL, err);
}
