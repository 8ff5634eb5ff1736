/* SPDX-License-Identifier: MIT
 *
 * test_json_pull: members one by one; what it takes and refuses against the strict gate.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "core/buf.h"
#include "core/json.h"
#include "core/json_pull.h"

/* All members as "name:kind:text ", or "!" behind them when the object is malformed. */
static const char *pull(const char *text, size_t len)
{
	static char got[1024];
	char scratch[256], *copy = malloc(len ? len : 1);
	struct json_pull p;
	struct json_member m;
	size_t n = 0;
	int rc;

	/* A copy of its own size: a byte too far is seen by the sanitizer. */
	check(copy != NULL);
	memcpy(copy, text, len);
	json_pull_init(&p, copy, len, scratch, sizeof(scratch));
	got[0] = '\0';
	while ((rc = json_pull_next(&p, &m)) > 0)
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%.*s:%d:%.*s ", (int)m.name_len,
				      m.name, (int)m.kind, (int)m.text_len, m.text);
	if (rc < 0)
		snprintf(got + n, sizeof(got) - n, "!");
	free(copy);
	return got;
}

static void expect(const char *text, const char *members)
{
	check_str(pull(text, strlen(text)), members);
}

static void test_members(void **state)
{
	(void)state;
	expect("{}", "");
	expect(" { } \n", "");
	expect("{\"a\":1,\"b\":\"x\",\"c\":true,\"d\":false,\"e\":null}",
	       "a:3:1 b:4:x c:2:true d:1:false e:0:null ");
	expect("\t{ \"a\" : -1.5e+3 , \"b\" : \"\" }\r\n", "a:3:-1.5e+3 b:4: ");
	expect("{\"o\":{\"p\":[1,{\"q\":\"]}\\\"\"}]},\"l\":[],\"z\":0}",
	       "o:5:{\"p\":[1,{\"q\":\"]}\\\"\"}]} l:5:[] z:3:0 ");
}

static void test_escapes(void **state)
{
	(void)state;
	expect("{\"a\\\"b\":\"\\\\\\/\\b\\f\\n\\r\\t\"}", "a\"b:4:\\/\b\f\n\r\t ");
	expect("{\"a\":\"x\\u0041\\u00e9\\u20aC\\uD83D\\ude00y\"}",
	       "a:4:xA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80y ");
	expect("{\"a\":\"\\u0000\"}", "!");
	expect("{\"a\":\"\\ud800\"}", "!");
	expect("{\"a\":\"\\ud800\\u0041\"}", "!");
	expect("{\"a\":\"\\udc00\"}", "!");
	expect("{\"a\":\"\\u00g0\"}", "!");
	expect("{\"a\":\"\\x\"}", "!");
}

static void test_malformed(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"[]",
		"{",
		"}",
		"{\"a\"}",
		"{\"a\":}",
		"{a:1}",
		"{\"a\":1,}",
		"{,\"a\":1}",
		"{\"a\":01}",
		"{\"a\":1.}",
		"{\"a\":.5}",
		"{\"a\":-}",
		"{\"a\":1e}",
		"{\"a\":tru}",
		"{\"a\":nul}",
		"{\"a\":+1}",
		"{\"a\":NaN}",
		"{\"a\":1}x",
		"{\"a\":1}{}",
		"{\"a\" 1}",
		"{\"a\":\"}",
		"{\"a\":[}",
		"{\"a\":{]}}",
		"{\"a\":[1,]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *got = pull(bad[i], strlen(bad[i]));

		if (got[strlen(got) ? strlen(got) - 1 : 0] != '!')
			fail_msg("%s passes: %s", bad[i], got);
	}
	expect("{\"a\":\"\x01\"}", "!");
	expect("{\"a\":\"\xff\"}", "!");
	expect("{\"a\":\"\xc0\x80\"}", "!");
	expect("\xef\xbb\xbf{}", "!");
	check_str(pull("{}\0", 3), "!");
}

/* A cut anywhere is malformed, and nothing behind it is read. */
static void test_cuts(void **state)
{
	static const char text[] = "{\"a\\u0041\":\"x\\ud83d\\ude00\\n\",\"b\":-1.25e-7,\"c\":[{"
				   "\"d\":null}],\"e\":true}";

	(void)state;
	check(strchr(pull(text, sizeof(text) - 1), '!') == NULL);
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		if (!strchr(pull(text, n), '!'))
			fail_msg("the first %zu bytes pass", n);
	}
}

/* What does not fit the scratch is refused, not cut. */
static void test_scratch(void **state)
{
	char text[600];

	(void)state;
	for (int n = 254; n <= 258; n++) {
		snprintf(text, sizeof(text), "{\"a\":\"\\n%0*d\"}", n - 1, 0);
		check_i64(strchr(pull(text, strlen(text)), '!') == NULL, n <= 256);
		snprintf(text, sizeof(text), "{\"a\":\"%0*d\"}", n, 0); /* lent as it stands */
		check(strchr(pull(text, strlen(text)), '!') == NULL);
	}
}

static void test_numbers(void **state)
{
	struct json_member m = {.kind = JSON_NUMBER, .text = "1768328999000", .text_len = 13};
	char digits[80];
	double v;

	(void)state;
	check(json_pull_number(&m, &v) && v == 1768328999000.0);
	m = (struct json_member){.kind = JSON_NUMBER, .text = "-0.25", .text_len = 5};
	check(json_pull_number(&m, &v) && v == -0.25);
	m = (struct json_member){.kind = JSON_NUMBER, .text = "1e999", .text_len = 5};
	check(!json_pull_number(&m, &v));
	m = (struct json_member){.kind = JSON_STRING, .text = "1", .text_len = 1};
	check(!json_pull_number(&m, &v));
	memset(digits, '1', sizeof(digits));
	m = (struct json_member){.kind = JSON_NUMBER, .text = digits, .text_len = sizeof(digits)};
	check(!json_pull_number(&m, &v));
}

/* An object passes here exactly when it passes the gate (which refuses repeated names as well). */
static void test_against_the_gate(void **state)
{
	static const char alphabet[] = "{}[]:,\"\\a1-.eutrn \xc3\xa9\x01";
	uint32_t seed = 12345;
	unsigned both = 0;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		char text[24] = "{\"a\":", *end = text + 5;
		struct agni_err err;
		bool ours, gate;

		for (unsigned i = 0; i < 1 + (unsigned)round % 8; i++) {
			seed = seed * 1664525u + 1013904223u;
			*end++ = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		*end++ = '}';
		ours = !strchr(pull(text, (size_t)(end - text)), '!');
		gate = json_check(text, (size_t)(end - text), &err) == 0;
		if (ours != gate)
			fail_msg("%.*s: %d, the gate %d", (int)(end - text), text, ours, gate);
		both += ours;
	}
	check(both > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),          cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_malformed),        cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_scratch),          cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_against_the_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
