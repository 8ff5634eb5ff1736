/* SPDX-License-Identifier: MIT
 *
 * fuzz_audit: the input is read as a line of the log, and used as the texts of an act: what is made of
 * them must be one line, valid JSON, and read back.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "auth/audit_line.h"
#include "core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_act(const char *text)
{
	const struct audit_act act = {.act = text, .who = text, .peer = text, .detail = text};
	struct audit_link last;
	struct audit_line line;
	struct agni_err err;
	struct buf out = {0};
	cJSON *json;

	audit_link_init(&last);
	audit_line_append(&out, &last, 0, &act);
	AGNI_ASSERT(memchr(out.data, '\n', out.len) == out.data + out.len - 1);
	AGNI_ASSERT(out.len <= AUDIT_LINE_MAX);
	AGNI_ASSERT(audit_line_read(out.data, out.len - 1, &line) == NULL);
	AGNI_ASSERT(line.seq == 1 && strcmp(line.hash, last.hash) == 0);
	json = json_parse(out.data, out.len - 1, &err);
	AGNI_ASSERT(json);
	cJSON_Delete(json);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct audit_line line;

	memcpy(text, data, size);
	text[size] = '\0';
	if (audit_line_read(text, size, &line) == NULL)
		AGNI_ASSERT(line.seq > 0);
	check_act(text);
	free(text);
	return 0;
}
