/* SPDX-License-Identifier: MIT
 *
 * control: see control.h.
 *
 * The official SDKs write their requests with their own order of members and white space, so they
 * are read as JSON. `guid` is looked at by nobody. A null stands for a member that is absent.
 */
#include "upstox/control.h"

#include <stdlib.h>

#include <cjson/cJSON.h>

#include "core/json.h"
#include "core/rand.h"

static const char *const mode_names[] = {
	[MODE_LTPC] = "ltpc",
	[MODE_FULL_D5] = "full",
	[MODE_OPTION_GREEKS] = "option_greeks",
	[MODE_FULL_D30] = "full_d30",
};

static const char *const method_names[] = {
	[CONTROL_SUB] = "sub",
	[CONTROL_UNSUB] = "unsub",
	[CONTROL_CHANGE_MODE] = "change_mode",
};

/* The place of `text` in `names`, -1 when it is not there. */
static int name_find(const char *const *names, unsigned n, const char *text)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(names[i], text) == 0)
			return (int)i;
	return -1;
}

bool request_mode_parse(const char *text, enum request_mode *out)
{
	int i = name_find(mode_names, ARRAY_LEN(mode_names), text);

	if (i < 0)
		return false;
	*out = (enum request_mode)i;
	return true;
}

const char *request_mode_text(enum request_mode m)
{
	AGNI_ASSERT((size_t)m < ARRAY_LEN(mode_names));
	return mode_names[m];
}

/* A member, NULL when it is absent or null. */
static const cJSON *member(const cJSON *object, const char *name)
{
	const cJSON *m = object ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;

	return cJSON_IsNull(m) ? NULL : m;
}

static int method_read(struct control_request *r, const cJSON *root, struct agni_err *err)
{
	const char *text = json_string(root, "method");
	int method = text ? name_find(method_names, ARRAY_LEN(method_names), text) : -1;

	if (!text)
		return agni_fail(err, AGNI_EPARSE, "the request has no method");
	if (method < 0)
		return agni_fail(err, AGNI_EPARSE, "unknown method \"%.40s\"", text);
	r->method = (enum control_method)method;
	return 0;
}

static int mode_read(struct control_request *r, const cJSON *data, struct agni_err *err)
{
	const cJSON *mode = member(data, "mode");

	r->mode = MODE_LTPC;
	if (!mode)
		return 0;
	if (!cJSON_IsString(mode))
		return agni_fail(err, AGNI_EPARSE, "the mode is not a string");
	if (!request_mode_parse(mode->valuestring, &r->mode))
		return agni_fail(err, AGNI_EPARSE, "unknown mode \"%.40s\"", mode->valuestring);
	r->has_mode = true;
	return 0;
}

static int keys_read(struct control_request *r, const cJSON *data, struct agni_err *err)
{
	const cJSON *keys = member(data, "instrumentKeys"), *key;

	if (!keys)
		return 0;
	if (!cJSON_IsArray(keys))
		return agni_fail(err, AGNI_EPARSE, "instrumentKeys is not an array");
	r->keys = mem_alloc((size_t)cJSON_GetArraySize(keys) * sizeof(*r->keys));
	cJSON_ArrayForEach (key, keys)
		if (cJSON_IsString(key))
			r->keys[r->keys_n++] = key->valuestring;
	return 0;
}

int control_parse(struct control_request *r, const char *json, size_t len, struct agni_err *err)
{
	const cJSON *data;
	cJSON *root;
	int rc;

	*r = (struct control_request){0};
	root = json_parse(json, len, err);
	if (!root)
		return AGNI_EPARSE;
	r->json = root;
	data = member(root, "data");
	if (!cJSON_IsObject(root) || (data && !cJSON_IsObject(data)))
		rc = agni_fail(err, AGNI_EPARSE, "the request is not an object with data");
	else
		rc = method_read(r, root, err);
	if (rc == 0)
		rc = mode_read(r, data, err);
	if (rc == 0)
		rc = keys_read(r, data, err);
	if (rc)
		control_fini(r);
	return rc;
}

void control_fini(struct control_request *r)
{
	cJSON_Delete(r->json);
	free(r->keys);
	*r = (struct control_request){0};
}

void control_write(struct buf *out, enum control_method method, enum request_mode mode,
		   const char *const *keys, uint32_t keys_n)
{
	char guid[UUID_TEXT];

	AGNI_ASSERT((size_t)method < ARRAY_LEN(method_names));
	rand_uuid(guid);
	buf_printf(out, "{\"guid\":\"%s\",\"method\":\"%s\",\"data\":{", guid,
		   method_names[method]);
	if (method != CONTROL_UNSUB)
		buf_printf(out, "\"mode\":\"%s\",", request_mode_text(mode));
	buf_str(out, "\"instrumentKeys\":[");
	for (uint32_t i = 0; i < keys_n; i++) {
		if (i)
			buf_byte(out, ',');
		buf_json_str(out, keys[i], strlen(keys[i]));
	}
	buf_str(out, "]}}");
}
