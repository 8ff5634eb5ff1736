/* SPDX-License-Identifier: MIT
 *
 * test_utf8: every code point, every two-byte string, and recorded sequences.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "core/utf8.h"

/* An encoder written the other way round from the decoder: the length from the value. */
static size_t encode(uint32_t c, char *out)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		out[0] = (char)c;
		return 1;
	}
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)((0xf00 >> n & 0xff) | c);
	return n;
}

static void test_every_code_point(void **state)
{
	char bytes[4];

	(void)state;
	for (uint32_t c = 0; c <= 0x1fffff; c++) {
		size_t n = encode(c, bytes);
		bool is_valid = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);

		check_i64(utf8_next(bytes, n), is_valid ? n : 0);
		check_i64(utf8_next(bytes, n - 1), 0);
	}
}

static void test_overlong_forms(void **state)
{
	(void)state;
	check(!utf8_is_valid("\xc0\xaf", 2));
	check(!utf8_is_valid("\xc1\xbf", 2));
	check(!utf8_is_valid("\xe0\x9f\xbf", 3));
	check(!utf8_is_valid("\xf0\x8f\xbf\xbf", 4));
	check(!utf8_is_valid("\xf8\x88\x80\x80\x80", 5));
}

static void test_a_bad_byte_at_every_place(void **state)
{
	char text[40];

	(void)state;
	/* Around the stride of eight. */
	for (size_t len = 0; len <= sizeof(text); len++) {
		memset(text, 'k', sizeof(text));
		check(utf8_is_valid(text, len));
		for (size_t i = 0; i < len; i++) {
			text[i] = (char)0x80;
			check(!utf8_is_valid(text, len));
			check(utf8_is_valid(text, i));
			text[i] = 'k';
		}
		/* A character that is cut by the end. */
		if (len) {
			text[len - 1] = (char)0xe0;
			check(!utf8_is_valid(text, len));
		}
	}
}

static int unhex(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static void test_recorded_sequences(void **state)
{
	const char *csv = "conformance/utf8_sequences.csv";
	size_t len;
	char *text = data_read(csv, &len), *lines, *line;
	int rows = 0;

	(void)state;
	if (!text)
		data_skip(csv);
	lines = strchr(text, '\n') + 1;
	while ((line = strsep(&lines, "\n")) != NULL && *line) {
		char *hex = strrchr(line, ',') + 1, bytes[256];
		size_t n = strspn(hex, "0123456789abcdef") / 2;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)(unhex(hex[2 * i]) * 16 + unhex(hex[2 * i + 1]));
		if (utf8_is_valid(bytes, n) != (hex[-2] == '1'))
			fail_msg("%s", line);
		rows++;
	}
	check_i64(rows, 132);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_point),
		cmocka_unit_test(test_overlong_forms),
		cmocka_unit_test(test_a_bad_byte_at_every_place),
		cmocka_unit_test(test_recorded_sequences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
