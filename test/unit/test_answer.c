/* SPDX-License-Identifier: MIT
 *
 * test_answer: the broker's answers, to the byte where the broker's were seen, and as its own reader
 * reads them.
 */
#include "../lib/check.h"
#include "upstox/answer.h"
#include "upstox/reply.h"

static void test_error(void **state)
{
	struct buf b = {0};
	char code[UPSTOX_CODE_TEXT];

	(void)state;
	upstox_error_write(&b, "UDAPI100050", "Invalid token used to access API");
	check_str(
		buf_cstr(&b),
		"{\"status\":\"error\",\"errors\":[{\"errorCode\":\"UDAPI100050\",\"message\":"
		"\"Invalid token used to access API\",\"propertyPath\":null,\"invalidValue\":null,"
		"\"error_code\":\"UDAPI100050\",\"property_path\":null,\"invalid_value\":null}]}");
	check(upstox_error_code(b.data, b.len, code));
	check_str(code, "UDAPI100050");
	check(upstox_token_is_dead(401, b.data, b.len));
	buf_reset(&b);
	upstox_error_write(&b, "UDAPI1", "a \"quoted\" one");
	check(strstr(buf_cstr(&b), "\"a \\\"quoted\\\" one\"") != NULL);
	buf_fini(&b);
}

static void test_authorize(void **state)
{
	struct buf b = {0};

	(void)state;
	upstox_authorize_write(&b, "ws://h:1/p?a=b&c=d");
	check_str(buf_cstr(&b),
		  "{\"status\":\"success\",\"data\":{\"authorized_redirect_uri\":"
		  "\"ws://h:1/p?a=b&c=d\",\"authorizedRedirectUri\":\"ws://h:1/p?a=b&c=d\"}}");
	buf_fini(&b);
}

static void test_codes(void **state)
{
	(void)state;
	check_str(upstox_code_of(401), "UDAPI100050");
	check_str(upstox_code_of(404), "UDAPI100060");
	check_str(upstox_code_of(429), "UDAPI10005");
	check_str(upstox_code_of(400), "UDAPI10000");
	check_str(upstox_code_of(403), "UDAPI100067");
	check_str(upstox_code_of(503), "UDAPI100500");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_authorize),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
