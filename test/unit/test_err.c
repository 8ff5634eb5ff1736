/* SPDX-License-Identifier: MIT
 *
 * test_err: codes, prefixes and cuts.
 */
#include <uv.h>

#include "../lib/check.h"
#include "core/err.h"

static void test_fail_sets_code_and_text(void **state)
{
	struct agni_err err = {0};

	(void)state;
	check_i64(agni_fail(&err, AGNI_EAUTH, "token of %s expired", "me"), AGNI_EAUTH);
	check_i64(err.code, AGNI_EAUTH);
	check_str(err.text, "token of me expired");
	check_i64(agni_fail(NULL, AGNI_EPARSE, "nobody listens"), AGNI_EPARSE);
}

static void test_uv_sentence_follows(void **state)
{
	struct agni_err err;

	(void)state;
	check_i64(agni_fail_uv(&err, UV_EADDRINUSE, "listen on %d", 8000), UV_EADDRINUSE);
	check_str(err.text, "listen on 8000: address already in use");
	check_i64(agni_fail_uv(NULL, UV_ENOENT, "x"), UV_ENOENT);
}

static void test_wrap_puts_words_in_front(void **state)
{
	struct agni_err err;

	(void)state;
	agni_fail(&err, AGNI_ETLS, "certificate");
	check_i64(agni_wrap(&err, "authorize"), AGNI_ETLS);
	check_i64(agni_wrap(&err, "feed %d", 1), AGNI_ETLS);
	check_str(err.text, "feed 1: authorize: certificate");
	check_i64(agni_wrap(NULL, "x"), -1);
}

static void test_long_text_is_cut(void **state)
{
	char text[1000];
	struct agni_err err;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	agni_fail(&err, AGNI_EPARSE, "%s", text);
	check_i64(strlen(err.text), AGNI_ERR_TEXT - 1);
	agni_wrap(&err, "short");
	check_i64(strlen(err.text), AGNI_ERR_TEXT - 1);
	check(strncmp(err.text, "short: aaa", 10) == 0);
	/* A long prefix leaves half of the room to the reason. */
	agni_fail(&err, AGNI_EPARSE, "reason");
	agni_wrap(&err, "%s", text);
	check(strstr(err.text, "a: reason") != NULL);
	agni_fail_uv(&err, UV_ENOENT, "%s", text);
	check_i64(strlen(err.text), AGNI_ERR_TEXT - 1);
}

static void test_codes_do_not_meet_libuv(void **state)
{
	(void)state;
#define X(name, value, text)                                                                       \
	check_str(agni_strerror(name), text);                                                      \
	check((name) < -10000);
	AGNI_ERRORS(X)
#undef X
	check_str(agni_strerror(0), "no error");
	check_str(agni_strerror(UV_ECONNREFUSED), "connection refused");
	check(UV_EOF > -10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail_sets_code_and_text),
		cmocka_unit_test(test_uv_sentence_follows),
		cmocka_unit_test(test_wrap_puts_words_in_front),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_codes_do_not_meet_libuv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
