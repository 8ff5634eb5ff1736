/* SPDX-License-Identifier: MIT
 *
 * test_json: the gate against a public suite, and what cJSON alone would take.
 */
#include <stdio.h>

#include <cjson/cJSON.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "core/buf.h"
#include "core/json.h"

static bool is_taken(const char *text)
{
	struct agni_err err = {0};
	int rc = json_check(text, strlen(text), &err);

	check(rc == 0 || (rc == AGNI_EPARSE && strncmp(err.text, "JSON: ", 6) == 0));
	return rc == 0;
}

static void test_grammar(void **state)
{
	static const char *const good[] = {"0",
					   "-0",
					   "1e5",
					   "1.5E-3",
					   "\"\"",
					   "true",
					   " null ",
					   "[]",
					   "{}",
					   "[1,2]",
					   "{\"\":1}",
					   "\t\r\n1",
					   "\"\\u00e9\"",
					   "\"\\ud83d\\ude00\"",
					   "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}"};
	static const char *const bad[] = {"",
					  " ",
					  "01",
					  "+1",
					  "1.",
					  ".5",
					  "-",
					  "1e",
					  "1e+",
					  "0x1",
					  "NaN",
					  "tru",
					  "truex",
					  "[1,]",
					  "[,1]",
					  "[1 2]",
					  "[",
					  "]",
					  "{\"a\"}",
					  "{\"a\":}",
					  "{a:1}",
					  "{\"a\":1,}",
					  "{1:2}",
					  "1 2",
					  "1,",
					  "\"",
					  "\"\\x\"",
					  "\"\\u12g4\"",
					  "\"\\ud800\"",
					  "\"\\udc00\"",
					  "\"\\ud800\\u0041\"",
					  "\"a\nb\"",
					  "\"\xff\"",
					  "\xef\xbb\xbf[]",
					  "[1]\v",
					  "'a'",
					  "\"\xed\xa0\x80\"",
					  "\"\\"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (!is_taken(good[i]))
			fail_msg("%s", good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (is_taken(bad[i]))
			fail_msg("%s", bad[i]);
	}
	for (int c = 0; c < 0x20; c++) {
		char text[] = {'"', (char)c, '"'};

		check_i64(json_check(text, 3, NULL), AGNI_EPARSE);
	}
	check_i64(json_check("[1]\0", 4, NULL), AGNI_EPARSE);
	check_i64(json_check("\"a\0b\"", 5, NULL), AGNI_EPARSE);
	check_i64(json_check(NULL, 0, NULL), AGNI_EPARSE);
}

static void test_every_cut_is_refused(void **state)
{
	const char *text = "{\"a\":[1.5e3,true,null,\"x\\u00e9\\n\"],\"b\":{\"c\":false}}";
	size_t len = strlen(text);

	(void)state;
	check_i64(json_check(text, len, NULL), 0);
	for (size_t n = 0; n < len; n++) {
		/* A block of its own, so that ASan sees a read past the cut. */
		char *copy = malloc(n ? n : 1);

		memcpy(copy, text, n);
		check_i64(json_check(copy, n, NULL), AGNI_EPARSE);
		free(copy);
	}
}

static void test_depth(void **state)
{
	char text[200];

	(void)state;
	for (size_t n = 1; n < 60; n++) {
		memset(text, '[', n);
		memset(text + n, ']', n);
		text[2 * n] = '\0';
		check_i64(is_taken(text), n <= JSON_DEPTH_MAX);
	}
}

static void test_duplicate_names(void **state)
{
	(void)state;
	check(!is_taken("{\"a\":1,\"a\":2}"));
	check(!is_taken("{\"a\":1,\"b\":2,\"\\u0061\":3}"));
	check(!is_taken("{\"x\":{\"a\":{\"b\":1},\"c\":2,\"a\":1}}"));
	check(!is_taken("{\"\":1,\"\":2}"));
	check(!is_taken("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"));
	check(!is_taken("[{\"a\\/\":1,\"a/\":2}]"));
	check(is_taken("{\"a\":1,\"A\":2,\"aa\":3,\"a\\u0000\":4}"));
	check(is_taken("{\"a\":{\"a\":{\"a\":1}}}"));
}

static void test_many_names(void **state)
{
	const int n = 20000;
	struct buf b = {0};

	(void)state;
	buf_byte(&b, '{');
	for (int i = 0; i < n; i++)
		buf_printf(&b, "\"%d\":%d,", i, i);
	buf_str(&b, "\"last\":0}");
	check_i64(json_check(b.data, b.len, NULL), 0);
	b.len--;
	buf_str(&b, ",\"7\":0}");
	check_i64(json_check(b.data, b.len, NULL), AGNI_EPARSE);
	buf_fini(&b);
}

static void test_reason_names_the_place(void **state)
{
	struct agni_err err;

	(void)state;
	check_i64(json_check("[1,01]", 6, &err), AGNI_EPARSE);
	check_str(err.text, "JSON: ',' or a closing bracket is missing at byte 4");
	check_i64(json_check("{\"a\":1} x", 9, &err), AGNI_EPARSE);
	check_str(err.text, "JSON: more text after the value at byte 8");
	check_i64(json_check("", 0, &err), AGNI_EPARSE);
	check_str(err.text, "JSON: a value is missing at byte 0");
	check_i64(json_check("[-]", 3, &err), AGNI_EPARSE);
	check_str(err.text, "JSON: a digit is missing at byte 2");
}

static void test_parse_and_get(void **state)
{
	const char *text = "{\"s\":\"x\\u00e9\",\"i\":-42,\"f\":1.5,\"big\":9007199254740991,"
			   "\"bigger\":9007199254740993,\"huge\":1e400,\"e\":1e3,\"n\":null}";
	struct agni_err err;
	struct cJSON *json = json_parse(text, strlen(text), &err);
	int64_t v = 7;

	(void)state;
	check(json != NULL);
	check_str(json_string(json, "s"), "x\xc3\xa9");
	check(json_string(json, "S") == NULL);
	check(json_string(json, "i") == NULL);
	check(json_string(json, "none") == NULL);
	check(json_int(json, "i", &v));
	check_i64(v, -42);
	check(json_int(json, "big", &v));
	check_i64(v, 9007199254740991);
	check(json_int(json, "e", &v));
	check_i64(v, 1000);
	check(!json_int(json, "f", &v) && !json_int(json, "bigger", &v));
	check(!json_int(json, "huge", &v) && !json_int(json, "s", &v));
	check(!json_int(json, "n", &v) && !json_int(json, "none", &v));
	check_i64(v, 1000);
	cJSON_Delete(json);
}

static void test_parse_refuses(void **state)
{
	char digits[200] = "[";
	struct agni_err err;
	struct cJSON *json;

	(void)state;
	check(json_parse("[1", 2, &err) == NULL);
	check_i64(err.code, AGNI_EPARSE);
	/* cJSON's string would end at the NUL. */
	check(json_parse("\"a\\u0000b\"", 10, &err) == NULL);
	check_str(err.text, "JSON: a string holds U+0000");
	/* Some releases of cJSON read at most 63 characters of a number: then a reason, not a cut.
	 */
	memset(digits + 1, '1', 100);
	strcpy(digits + 101, "]");
	err.code = 0;
	json = json_parse(digits, strlen(digits), &err);
	if (json)
		check_near(cJSON_GetArrayItem(json, 0)->valuedouble / 1e99, 1.1111, 0.001);
	else
		check_i64(err.code, AGNI_EPARSE);
	cJSON_Delete(json);
}

static size_t decode64(const char *in, char *out)
{
	static const char abc[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (; *in && strchr(abc, *in); in++) {
		bits = bits << 6 | (unsigned)(strchr(abc, *in) - abc);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 0xff);
		}
	}
	return n;
}

/* Documents that are JSON and that our gate refuses on purpose. */
static bool is_refused_on_purpose(const char *name)
{
	static const char *const names[] = {"y_object_duplicated_key.json",
					    "y_object_duplicated_key_and_value.json"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static void check_row(const char *line)
{
	struct cJSON *row = cJSON_Parse(line), *parsed;
	const char *name = json_string(row, "name"), *expect = json_string(row, "expect");
	const char *b64 = json_string(row, "b64");
	char *bytes = malloc(strlen(b64) + 1);
	size_t len = decode64(b64, bytes);
	struct agni_err err = {0};
	bool taken = json_check(bytes, len, &err) == 0;

	if (is_refused_on_purpose(name))
		check(!taken && strstr(err.text, "twice"));
	else if (strcmp(expect, "either") != 0 && taken != (strcmp(expect, "accept") == 0))
		fail_msg("%s: %s", name, err.text);
	/* What passes the gate must never crash cJSON. */
	parsed = json_parse(bytes, len, &err);
	check(taken || !parsed);
	cJSON_Delete(parsed);
	free(bytes);
	cJSON_Delete(row);
}

static void test_public_suite(void **state)
{
	const char *file = "conformance/json_parsing.jsonl.gz";
	size_t len;
	char *text = data_read(file, &len), *lines = text, *line;
	int rows = 0;

	(void)state;
	if (!text)
		data_skip(file);
	while ((line = strsep(&lines, "\n")) != NULL) {
		if (*line) {
			check_row(line);
			rows++;
		}
	}
	check_i64(rows, 318);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),       cmocka_unit_test(test_every_cut_is_refused),
		cmocka_unit_test(test_depth),         cmocka_unit_test(test_duplicate_names),
		cmocka_unit_test(test_many_names),    cmocka_unit_test(test_reason_names_the_place),
		cmocka_unit_test(test_parse_and_get), cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_public_suite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
