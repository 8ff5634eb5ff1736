/* SPDX-License-Identifier: MIT
 *
 * test_monitor_text: columns, numbers, and that nothing but printable ASCII comes out.
 */
#include <math.h>
#include <stdio.h>

#include "../lib/check.h"
#include "cli/monitor_text.h"

static struct buf out;

static struct pen pen_of(enum pen_kind kind, unsigned cols)
{
	buf_reset(&out);
	return (struct pen){.out = &out, .kind = kind, .cols = cols};
}

static void test_columns(void **state)
{
	struct pen p = pen_of(PEN_PLAIN, 80);

	(void)state;
	pen_left(&p, STYLE_PLAIN, 5, "ab");
	pen_number(&p, STYLE_PLAIN, 5, "12");
	pen_left(&p, STYLE_PLAIN, 5, "abcdefgh");
	pen_number(&p, STYLE_PLAIN, 5, "1234567");
	pen_left(&p, STYLE_PLAIN, 5, "abcde");
	pen_text(&p, STYLE_PLAIN, "|");
	pen_end_line(&p);
	check_str(buf_cstr(&out), "ab       12 abcd~ ##### abcde |\n");
	p = pen_of(PEN_PLAIN, 10);
	pen_left(&p, STYLE_BAR, 8, "a");
	pen_end_line(&p);
	pen_end_line(&p);
	check_str(buf_cstr(&out), "a\n\n"); /* no spaces at the end of a line on paper */
	p = pen_of(PEN_PLAIN, 10);
	pen_left(&p, STYLE_PLAIN, 8, "ab");
	pen_number(&p, STYLE_PLAIN, 8, "12345678");
	pen_text(&p, STYLE_PLAIN, "more");
	pen_end_line(&p);
	check_str(buf_cstr(&out), "ab       1\n");
}

static void test_styles(void **state)
{
	struct pen p = pen_of(PEN_COLOURED_SCREEN, 20);

	(void)state;
	pen_text(&p, STYLE_UP, "1");
	pen_text(&p, STYLE_UP, "2");
	pen_text(&p, STYLE_DOWN, "3");
	pen_end_line(&p);
	check_str(buf_cstr(&out), "\x1b[0;32m12\x1b[0;31m3\x1b[0m\x1b[K\r\n");
	p = pen_of(PEN_SCREEN, 20);
	pen_text(&p, STYLE_UP, "1");
	pen_end_line(&p);
	check_str(buf_cstr(&out), "1\x1b[K\r\n");
	p = pen_of(PEN_COLOURED_SCREEN, 3);
	pen_text(&p, STYLE_BAR, "a");
	pen_fill(&p, STYLE_BAR);
	pen_end_line(&p); /* nothing to erase behind the edge */
	check_str(buf_cstr(&out), "\x1b[0;7ma  \x1b[0m\r\n");
}

/* Every byte, and what is dangerous: escape codes of 7 and 8 bits, overrides of direction. */
static void test_untrusted(void **state)
{
	struct pen p = pen_of(PEN_PLAIN, 1000);
	char all[255];

	(void)state;
	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	pen_bytes(&p, STYLE_PLAIN, all, sizeof(all));
	for (size_t i = 0; i < out.len; i++)
		check(out.data[i] >= ' ' && out.data[i] <= '~');
	check_i64(out.len, 255);
	p = pen_of(PEN_PLAIN, 80);
	pen_left(&p, STYLE_PLAIN, 12,
		 "\x1b[2Ja\xe2\x80\xae"
		 "b\xc2\x9b"
		 "c\xff\r\n");
	pen_printf(&p, STYLE_PLAIN, "%s", "\x1b]0;t\x07");
	check_str(buf_cstr(&out), "?[2Ja?b?c??? ?]0;t?");
	p = pen_of(PEN_PLAIN, 80);
	pen_bytes(&p, STYLE_PLAIN, "a\0b", 3);
	check_str(buf_cstr(&out), "a?b");
}

static void check_price(double v, const char *text)
{
	char s[NUMBER_TEXT];

	check_str(number_price(v, s), text);
}

static void test_prices(void **state)
{
	(void)state;
	check_price(25412.35, "25412.35");
	check_price(133, "133.00");
	check_price(0, "0.00");
	check_price(83.1225, "83.1225");
	check_price(83.125, "83.125");
	check_price(52.04999923706055, "52.04999923706055");
	check_price(-1.5, "-1.50");
	check_price(NAN, "-");
	check_price(INFINITY, "-");
	check_price(1e300, "1e+300");
}

static void check_count(double v, bool plus, const char *text)
{
	char s[NUMBER_TEXT];

	check_str(number_count(v, plus, s), text);
	check(strlen(s) <= (plus ? 7 : 6));
}

static void test_counts(void **state)
{
	(void)state;
	check_count(0, false, "0");
	check_count(0, true, "0");
	check_count(75, true, "+75");
	check_count(-99999, true, "-99999");
	check_count(99999, false, "99999");
	check_count(99999.6, false, "1.00L");
	check_count(123456, false, "1.23L");
	check_count(999499, false, "9.99L");
	check_count(999500, false, "10.0L");
	check_count(9994999, false, "99.9L");
	check_count(9995000, false, "1.00Cr");
	check_count(123456789, true, "+12.3Cr");
	check_count(9876543210, false, "988Cr");
	check_count(-123456, true, "-1.23L");
	check_count(NAN, true, "-");
}

static void test_ages_and_bytes(void **state)
{
	char s[NUMBER_TEXT];

	(void)state;
	check_str(number_age(-5, s), "0.0s");
	check_str(number_age(9999, s), "9.9s");
	check_str(number_age(10000, s), "10s");
	check_str(number_age(119999, s), "119s");
	check_str(number_age(120000, s), "2m");
	check_str(number_age(7200000, s), "2h");
	check_str(number_age(172800000, s), "2d");
	check_str(number_age(INT64_MAX, s), "years");
	check_str(number_bytes(950, s), "950B");
	check_str(number_bytes(1536, s), "1.5K");
	check_str(number_bytes(150.0 * 1024 * 1024, s), "150M");
	check_str(number_bytes(1e300, s), "-");
	check_str(number_bytes(-1, s), "-");
}

static void test_json_in_ascii(void **state)
{
	static const char text[] =
		"{\"a\":\"\xe2\x82\xb9\xf0\x9f\x98\x80\xc2\x9b\x7f\",\n\t\"b\": 1}";

	(void)state;
	buf_reset(&out);
	put_ascii_json(&out, text, sizeof(text) - 1);
	check_str(buf_cstr(&out), "{\"a\":\"\\u20b9\\ud83d\\ude00\\u009b\\u007f\",\"b\": 1}");
}

static int done(void **state)
{
	(void)state;
	buf_fini(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),       cmocka_unit_test(test_styles),
		cmocka_unit_test(test_untrusted),     cmocka_unit_test(test_prices),
		cmocka_unit_test(test_counts),        cmocka_unit_test(test_ages_and_bytes),
		cmocka_unit_test(test_json_in_ascii),
	};

	return cmocka_run_group_tests_name("monitor_text", tests, NULL, done);
}
