/* SPDX-License-Identifier: MIT
 *
 * A record as text: its exact form, its hash, and what nobody can smuggle into it.
 */
#include <cjson/cJSON.h>

#include "../lib/check.h"
#include "auth/audit_line.h"
#include "core/json.h"

static void append(struct buf *out, struct audit_link *last, const char *detail)
{
	const struct audit_act act = {
		.act = "key.denied", .who = "key:a", .peer = "127.0.0.1", .detail = detail};

	audit_line_append(out, last, 1795635526303, &act);
}

/* Worked out with sha256sum. */
static void test_form(void **state)
{
	struct audit_link last;
	struct buf out = {0};

	(void)state;
	audit_link_init(&last);
	append(&out, &last, "no such key");
	check_str(buf_cstr(&out),
		  "{\"seq\":1,\"time\":\"2026-11-26T01:08:46.303+05:30\",\"time_ms\":1795635526303,"
		  "\"act\":\"key.denied\",\"who\":\"key:a\",\"peer\":\"127.0.0.1\","
		  "\"detail\":\"no such key\",\"prev\":\"00000000000000000000000000000000"
		  "00000000000000000000000000000000\",\"hash\":"
		  "\"6637299c91a712959bc159720f88c8d15ac2f19ae7c929f55cb380ec15fc2696\"}\n");
	check_i64(last.seq, 1);
	buf_fini(&out);
}

static void test_chain(void **state)
{
	struct audit_link last;
	struct audit_line a, b;
	struct buf out = {0};
	size_t n;

	(void)state;
	audit_link_init(&last);
	append(&out, &last, "one");
	n = out.len;
	append(&out, &last, "two");
	check(audit_line_read(out.data, n - 1, &a) == NULL);
	check(audit_line_read(out.data + n, out.len - n - 1, &b) == NULL);
	check_i64(a.seq, 1);
	check_i64(b.seq, 2);
	check_str(b.prev, a.hash);
	check_str(b.hash, last.hash);
	buf_fini(&out);
}

/* Every text that somebody else may choose, in every field: one line, valid JSON, read back. */
static void test_injection(void **state)
{
	static const char *const texts[] = {
		"a\nb",
		"\"}\n{\"seq\":2,\"time\":\"x\"",
		"\",\"prev\":\"",
		"\\",
		"\x1b[2J",
		"\x7f",
		"\xc2\x9b[2J",          /* CSI as one character */
		"\xe2\x80\xa8",         /* line separator */
		"\xe2\x80\xae",         /* right-to-left override */
		"\xe2\x81\xa6",         /* isolate */
		"\xff\xfe",             /* no UTF-8 */
		"\xc0\x8a",             /* a newline, overlong */
		"\xe0\xa4\xa8\xe0\xa4", /* the last character is cut */
		"\r",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct audit_act act = {
			.act = texts[i], .who = texts[i], .peer = texts[i], .detail = texts[i]};
		struct audit_link last;
		struct audit_line line;
		struct agni_err err;
		struct buf out = {0};
		cJSON *o;

		audit_link_init(&last);
		audit_line_append(&out, &last, 0, &act);
		check(memchr(out.data, '\n', out.len) == out.data + out.len - 1);
		for (size_t k = 0; k + 1 < out.len; k++) {
			unsigned char c = (unsigned char)out.data[k];

			check(c >= 0x20 && c != 0x7f);
		}
		check(strstr(buf_cstr(&out), "\xc2\x9b") == NULL);
		check(strstr(buf_cstr(&out), "\xe2\x80") == NULL);
		check(strstr(buf_cstr(&out), "\xe2\x81") == NULL);
		check(audit_line_read(out.data, out.len - 1, &line) == NULL);
		o = json_parse(out.data, out.len - 1, &err);
		if (!o)
			fail_msg("case %zu: %s", i, err.text);
		if (texts[i][0] == 'a')
			check_str(json_string(o, "who"), texts[i]);
		cJSON_Delete(o);
		buf_fini(&out);
	}
}

static void test_long_texts_are_cut(void **state)
{
	char *long_text = malloc(100001);
	struct audit_act act;
	struct audit_link last;
	struct audit_line line;
	struct agni_err err;
	struct buf out = {0};
	cJSON *o;

	(void)state;
	memset(long_text, '\x01', 100000);
	long_text[100000] = '\0';
	act = (struct audit_act){long_text, long_text, long_text, long_text, false};
	audit_link_init(&last);
	audit_line_append(&out, &last, 0, &act);
	check(out.len <= AUDIT_LINE_MAX);
	check(audit_line_read(out.data, out.len - 1, &line) == NULL);
	o = json_parse(out.data, out.len - 1, &err);
	assert_non_null(o);
	check(strstr(json_string(o, "detail"), "...") != NULL);
	cJSON_Delete(o);
	buf_fini(&out);
	/* A cut through a character leaves no half of it. */
	memset(long_text, 'y', 1023);
	memcpy(long_text + 1023, "\xe0\xa4\xa8", 4);
	act = (struct audit_act){"a", "b", "", long_text, false};
	audit_line_append(&out, &last, 0, &act);
	check(strstr(buf_cstr(&out), "yyy...\"") != NULL);
	buf_fini(&out);
	free(long_text);
}

static void test_absent_texts(void **state)
{
	const struct audit_act act = {.act = "a"};
	struct audit_link last;
	struct buf out = {0};

	(void)state;
	audit_link_init(&last);
	audit_line_append(&out, &last, 0, &act);
	check(strstr(buf_cstr(&out), "\"who\":\"\",\"peer\":\"\",\"detail\":\"\"") != NULL);
	buf_fini(&out);
}

/* No byte of a line can be another one, and nothing can be missing or too many. */
static void test_every_byte_counts(void **state)
{
	struct audit_link last;
	struct audit_line line;
	struct buf out = {0};

	(void)state;
	audit_link_init(&last);
	append(&out, &last, "x");
	for (size_t i = 0; i + 1 < out.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			out.data[i] ^= (char)(1 << bit);
			if (audit_line_read(out.data, out.len - 1, &line) == NULL)
				fail_msg("byte %zu, bit %d", i, bit);
			out.data[i] ^= (char)(1 << bit);
		}
	}
	for (size_t n = 0; n + 1 < out.len; n++)
		check(audit_line_read(out.data, n, &line) != NULL);
	buf_str(&out, " ");
	check(audit_line_read(out.data, out.len, &line) != NULL);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),         cmocka_unit_test(test_chain),
		cmocka_unit_test(test_injection),    cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_absent_texts), cmocka_unit_test(test_every_byte_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
