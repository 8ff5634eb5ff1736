/* SPDX-License-Identifier: MIT
 *
 * json: a strict gate in front of cJSON, which by itself takes control characters as white space,
 * "01", "2." and junk after the value.
 *
 * json_check() accepts exactly RFC 8259 in UTF-8 (no BOM), at most `depth_max` levels deep and
 * without a member name that occurs twice in one object. Control-sized input only.
 */
#ifndef AGNI_CORE_JSON_H
#define AGNI_CORE_JSON_H

#include "core/err.h"

struct cJSON;

#define JSON_DEPTH_MAX 32

/* Returns 0, or AGNI_EPARSE with the offset and the reason. */
int json_check(const char *text, size_t len, struct agni_err *err) AGNI_MUST_USE;

/* json_check, then cJSON. Strings with U+0000 are refused as well: cJSON's end there. NULL with the
 * reason in `err`; the caller frees with cJSON_Delete. */
struct cJSON *json_parse(const char *text, size_t len, struct agni_err *err) AGNI_MUST_USE;

/* A member that is a string, or NULL. Lent. */
const char *json_string(const struct cJSON *object, const char *name);

/* A member that is a number without a fraction strictly within +-2^53; false otherwise. */
bool json_int(const struct cJSON *object, const char *name, int64_t *out);

#endif
