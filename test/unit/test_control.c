/* SPDX-License-Identifier: MIT
 *
 * test_control: requests as the official SDKs write them, as nobody should, and our own.
 */
#include "../lib/check.h"
#include "upstox/control.h"

static int parse(struct control_request *r, const char *json)
{
	return control_parse(r, json, strlen(json), NULL);
}

static void test_modes(void **state)
{
	enum request_mode m = MODE_LTPC;

	(void)state;
	check(request_mode_parse("full", &m) && m == MODE_FULL_D5);
	check(request_mode_parse("ltpc", &m) && m == MODE_LTPC);
	check(request_mode_parse("option_greeks", &m) && m == MODE_OPTION_GREEKS);
	check(request_mode_parse("full_d30", &m) && m == MODE_FULL_D30);
	check(!request_mode_parse("full_d5", &m));
	check(!request_mode_parse("FULL", &m));
	check(!request_mode_parse("", &m));
	check_i64(m, MODE_FULL_D30);
	check_str(request_mode_text(MODE_FULL_D5), "full");
}

static void test_sdk_requests(void **state)
{
	struct control_request r;

	(void)state;
	/* JavaScript: compact */
	check_i64(parse(&r, "{\"guid\":\"13syxu852ztodyqncwt0\",\"method\":\"sub\",\"data\":"
			    "{\"instrumentKeys\":[\"NSE_INDEX|Nifty Bank\",\"NSE_FO|45450\"],"
			    "\"mode\":\"full\"}}"),
		  0);
	check_i64(r.method, CONTROL_SUB);
	check_i64(r.mode, MODE_FULL_D5);
	check(r.has_mode);
	check_i64(r.keys_n, 2);
	check_str(r.keys[0], "NSE_INDEX|Nifty Bank");
	check_str(r.keys[1], "NSE_FO|45450");
	control_fini(&r);
	check(r.keys == NULL && r.json == NULL);
	/* Python: spaces, another order */
	check_i64(parse(&r, " {\"data\": {\"mode\": \"ltpc\", \"instrumentKeys\": [\"A\"]}, "
			    "\"method\": \"change_mode\", \"guid\": \"g\"}\n"),
		  0);
	check_i64(r.method, CONTROL_CHANGE_MODE);
	check_i64(r.mode, MODE_LTPC);
	check_i64(r.keys_n, 1);
	control_fini(&r);
	check_i64(parse(&r, "{\"method\":\"unsub\",\"data\":{\"instrumentKeys\":[\"A\"]}}"), 0);
	check_i64(r.method, CONTROL_UNSUB);
	check(!r.has_mode);
	control_fini(&r);
}

static void test_what_may_be_absent(void **state)
{
	struct control_request r;

	(void)state;
	check_i64(parse(&r, "{\"method\":\"sub\"}"), 0);
	check_i64(r.mode, MODE_LTPC);
	check_i64(r.keys_n, 0);
	control_fini(&r);
	check_i64(parse(&r, "{\"guid\":7,\"method\":\"sub\",\"data\":{},\"more\":[1,{}]}"), 0);
	check_i64(r.keys_n, 0);
	control_fini(&r);
	check_i64(parse(&r, "{\"method\":\"sub\",\"data\":{\"mode\":null,\"instrumentKeys\":"
			    "[1,\"A\",null,[\"B\"],{\"C\":\"D\"},\"E\"]}}"),
		  0);
	check(!r.has_mode);
	check_i64(r.keys_n, 2);
	check_str(r.keys[0], "A");
	check_str(r.keys[1], "E");
	control_fini(&r);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"null",
		"[]",
		"\"sub\"",
		"{}",
		"{\"method\":7}",
		"{\"method\":\"subscribe\"}",
		"{\"method\":\"SUB\"}",
		"{\"Method\":\"sub\"}",
		"{\"method\":\"sub\",\"data\":[]}",
		"{\"method\":\"sub\",\"data\":\"x\"}",
		"{\"method\":\"sub\",\"data\":{\"mode\":\"full_d5\"}}",
		"{\"method\":\"unsub\",\"data\":{\"mode\":\"nonsense\"}}",
		"{\"method\":\"sub\",\"data\":{\"mode\":1}}",
		"{\"method\":\"sub\",\"data\":{\"instrumentKeys\":\"NSE_FO|45450\"}}",
		"{\"method\":\"sub\",\"data\":{\"instrumentKeys\":{}}}",
		"{\"method\":\"sub\",\"method\":\"sub\"}",
		"{\"method\":\"sub\"} x",
		"{\"method\":\"sub\"",
	};
	struct control_request r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct agni_err err = {0};

		if (control_parse(&r, bad[i], strlen(bad[i]), &err) != AGNI_EPARSE)
			fail_msg("taken: %s", bad[i]);
		check_i64(err.code, AGNI_EPARSE);
		check(err.text[0] != '\0');
		check(r.keys == NULL && r.json == NULL);
	}
}

static bool is_guid(const char *s)
{
	for (int i = 0; i < 36; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? s[i] != '-' : !strchr("0123456789abcdef", s[i]))
			return false;
	}
	return s[14] == '4' && strchr("89ab", s[19]);
}

static void test_write(void **state)
{
	static const char *const keys[] = {"NSE_INDEX|Nifty 50", "odd\"\\\n"};
	static const char rest[] = "\",\"method\":\"sub\",\"data\":{\"mode\":\"full\","
				   "\"instrumentKeys\":[\"NSE_INDEX|Nifty 50\",";
	struct control_request r;
	struct buf a = {0}, b = {0};

	(void)state;
	control_write(&a, CONTROL_SUB, MODE_FULL_D5, keys, 2);
	control_write(&b, CONTROL_SUB, MODE_FULL_D5, keys, 2);
	check_i64(a.len, b.len);
	check(memcmp(a.data, "{\"guid\":\"", 9) == 0);
	check(is_guid(a.data + 9) && is_guid(b.data + 9));
	check(memcmp(a.data + 9, b.data + 9, 36) != 0);
	check(memcmp(a.data + 45, rest, sizeof(rest) - 1) == 0);
	check_i64(control_parse(&r, a.data, a.len, NULL), 0);
	check_i64(r.method, CONTROL_SUB);
	check_i64(r.mode, MODE_FULL_D5);
	check_i64(r.keys_n, 2);
	check_str(r.keys[0], keys[0]);
	check_str(r.keys[1], keys[1]);
	control_fini(&r);
	buf_fini(&a);
	buf_fini(&b);
}

static void test_write_unsub(void **state)
{
	static const char expected[] = "\",\"method\":\"unsub\",\"data\":{\"instrumentKeys\":[]}}";
	struct buf b = {0};

	(void)state;
	control_write(&b, CONTROL_UNSUB, MODE_FULL_D5, NULL, 0);
	check_str(buf_cstr(&b) + 45, expected);
	buf_reset(&b);
	control_write(&b, CONTROL_CHANGE_MODE, MODE_FULL_D30, (const char *const[]){"A"}, 1);
	check(strstr(buf_cstr(&b), "\"change_mode\",\"data\":{\"mode\":\"full_d30\",") != NULL);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_sdk_requests),
		cmocka_unit_test(test_what_may_be_absent),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_unsub),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
