/* SPDX-License-Identifier: MIT
 *
 * The broker's error bodies, and what may be taken for a dead token.
 */
#include "../lib/check.h"
#include "upstox/reply.h"

/* As observed. */
static const char dead[] =
	"{\"status\":\"error\",\"errors\":[{\"errorCode\":\"UDAPI100050\",\"message\":\"Invalid "
	"token "
	"used to access API\",\"propertyPath\":null,\"invalidValue\":null,\"error_code\":"
	"\"UDAPI100050\",\"property_path\":null,\"invalid_value\":null}]}";

static const char *code_of(const char *body)
{
	static char code[UPSTOX_CODE_TEXT];
	bool has = upstox_error_code(body, strlen(body), code);

	check_i64(has, code[0] != '\0');
	return code;
}

static void test_code(void **state)
{
	(void)state;
	check_str(code_of(dead), "UDAPI100050");
	check_str(code_of("{\"errors\":[{\"error_code\":\"UDAPI10005\"}]}"), "UDAPI10005");
	check_str(code_of("{\"errors\":[]}"), "");
	check_str(code_of("{\"errors\":[{\"errorCode\":7}]}"), "");
	check_str(code_of("{\"errors\":[{\"errorCode\":\"<script>\"}]}"), "");
	check_str(code_of("{\"errors\":[{\"errorCode\":\"UDAPI1000501000501000501000\"}]}"), "");
	check_str(code_of("[]"), "");
	check_str(code_of("<html>403</html>"), "");
	check_str(code_of(""), "");
}

static void test_dead(void **state)
{
	(void)state;
	check(upstox_token_is_dead(401, "", 0));
	check(upstox_token_is_dead(401, "<html>", 6));
	check(upstox_token_is_dead(403, dead, strlen(dead)));
	check(upstox_token_is_dead(400, dead, strlen(dead)));
	check(!upstox_token_is_dead(403, "<html>", 6));
	check(!upstox_token_is_dead(429, "{\"errors\":[{\"errorCode\":\"UDAPI10005\"}]}", 40));
	check(!upstox_token_is_dead(500, "", 0));
	check(!upstox_token_is_dead(200, dead, strlen(dead)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
