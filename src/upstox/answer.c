/* SPDX-License-Identifier: MIT
 *
 * answer: see answer.h.
 */
#include "upstox/answer.h"

void upstox_error_write(struct buf *out, const char *code, const char *message)
{
	buf_printf(out,
		   "{\"status\":\"error\",\"errors\":[{\"errorCode\":\"%s\",\"message\":", code);
	buf_json_str(out, message, strlen(message));
	buf_printf(out,
		   ",\"propertyPath\":null,\"invalidValue\":null,\"error_code\":\"%s\","
		   "\"property_path\":null,\"invalid_value\":null}]}",
		   code);
}

void upstox_authorize_write(struct buf *out, const char *uri)
{
	static const char *const names[] = {"authorized_redirect_uri", "authorizedRedirectUri"};

	buf_str(out, "{\"status\":\"success\",\"data\":{");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		buf_printf(out, "%s\"%s\":", i ? "," : "", names[i]);
		buf_json_str(out, uri, strlen(uri));
	}
	buf_str(out, "}}");
}

const char *upstox_code_of(int status)
{
	switch (status) {
	case 400:
		return "UDAPI10000";
	case 401:
		return "UDAPI100050";
	case 403:
		return "UDAPI100067";
	case 404:
		return "UDAPI100060";
	case 429:
		return "UDAPI10005";
	default:
		return "UDAPI100500";
	}
}
