/* SPDX-License-Identifier: MIT
 *
 * test_buf: growing text, and numbers that read back as what they were.
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "../lib/check.h"
#include "core/buf.h"
#include "core/rand.h"

static void test_append_and_consume(void **state)
{
	struct buf b = {0};

	(void)state;
	check_str(buf_cstr(&b), "");
	buf_append(&b, NULL, 0);
	for (int i = 0; i < 5000; i++)
		buf_byte(&b, (char)('a' + i % 26));
	check_i64(b.len, 5000);
	buf_consume(&b, 4998);
	check_str(buf_cstr(&b), "gh");
	buf_consume(&b, 2);
	check_i64(b.len, 0);
	buf_str(&b, "kept memory");
	check(b.cap >= 5000);
	buf_reset(&b);
	check_str(buf_cstr(&b), "");
	buf_fini(&b);
	check(b.data == NULL && b.cap == 0);
}

static void test_printf_grows(void **state)
{
	/* Every length around the first capacity: the terminating NUL needs room as well. */
	(void)state;
	for (int n = 0; n < 600; n++) {
		struct buf b = {0};

		buf_printf(&b, "%*s", n, "");
		buf_printf(&b, "<%d>", n);
		check(b.len > (size_t)n && b.data[n] == '<');
		check_i64(b.data[b.len - 1], '>');
		check_i64(atoi(buf_cstr(&b) + n + 1), n);
		buf_fini(&b);
	}
}

static void check_integer(int64_t v)
{
	char want[32];
	struct buf b = {0};

	snprintf(want, sizeof(want), "%" PRId64, v);
	buf_i64(&b, v);
	check_str(buf_cstr(&b), want);
	buf_fini(&b);
}

static void test_integers(void **state)
{
	struct rng r = {1};

	(void)state;
	check_integer(0);
	check_integer(INT64_MIN);
	check_integer(INT64_MAX);
	for (int i = 0; i < 2000; i++)
		check_integer((int64_t)rng_next(&r) >> (i % 64));
	for (int64_t ten = 1; ten <= INT64_MAX / 10; ten *= 10) {
		for (int64_t v = ten - 2; v <= ten + 2; v++) {
			check_integer(v);
			check_integer(-v);
			check_integer(9 * v);
		}
	}
}

static void check_double(double v, const char *want)
{
	struct buf b = {0};

	buf_double(&b, v);
	check_str(buf_cstr(&b), want);
	buf_fini(&b);
}

static void test_doubles(void **state)
{
	(void)state;
	check_double(0.0, "0");
	check_double(-0.0, "-0");
	check_double(-1.0, "-1");
	check_double(0.1, "0.1");
	check_double(0.1 + 0.2, "0.30000000000000004");
	check_double(25095.55, "25095.55");
	check_double(999999999999999.0, "999999999999999");
	check_double(1e15, "1e+15");
	check_double(1e300, "1e+300");
	check_double(-1e19, "-1e+19");
	check_double(9223372036854775808.0, "9.223372036854776e+18");
	check_double(5e-324, "5e-324");
	check_double(DBL_MAX, "1.7976931348623157e+308");
	check_double(NAN, "null");
	check_double(INFINITY, "null");
	check_double(-INFINITY, "null");
}

static void test_doubles_read_back(void **state)
{
	struct rng r = {2};
	struct buf b = {0};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t bits = rng_next(&r), again;
		double v, w;

		memcpy(&v, &bits, sizeof(v));
		if (!isfinite(v))
			continue;
		buf_reset(&b);
		buf_double(&b, v);
		w = strtod(buf_cstr(&b), NULL);
		memcpy(&again, &w, sizeof(w));
		check_i64(again, bits);
	}
	buf_fini(&b);
}

/* The same double, in no more characters than printf needs. */
static void check_shortest(struct buf *b, double v)
{
	char want[40];
	int n = 0;

	for (int digits = 1; digits <= 17; digits++) {
		n = snprintf(want, sizeof(want), "%.*g", digits, v);
		if (strtod(want, NULL) == v)
			break;
	}
	buf_reset(b);
	buf_double(b, v);
	if (strtod(buf_cstr(b), NULL) != v || b->len > (size_t)n)
		fail_msg("%s, not %s", buf_cstr(b), want);
}

static void test_doubles_are_short(void **state)
{
	static const double one_in[] = {1, 10, 20, 100, 400, 1e4, 1e6, 1e9, 3, 7};
	struct rng r = {12};
	struct buf b = {0};

	(void)state;
	for (int i = 0; i < 60000; i++) {
		double v = (double)rng_below(&r, (uint64_t)1 << rng_below(&r, 50)) /
			   one_in[rng_below(&r, ARRAY_LEN(one_in))];

		/* Integers are printed with all their digits, where %g would say 1e+06. */
		if (v != trunc(v))
			check_shortest(&b, i % 2 ? v : -v);
	}
	buf_fini(&b);
}

static void check_json(const char *text, size_t len, const char *want)
{
	struct buf b = {0};

	buf_json_str(&b, text, len);
	check_str(buf_cstr(&b), want);
	buf_fini(&b);
}

static void test_json_strings(void **state)
{
	(void)state;
	check_json("", 0, "\"\"");
	check_json("NSE_FO|45450", 12, "\"NSE_FO|45450\"");
	check_json("a\"b\\c\n\x01\0", 8, "\"a\\\"b\\\\c\\u000a\\u0001\\u0000\"");
	check_json("\xe0\xa4\x85\x7f", 4, "\"\xe0\xa4\x85\x7f\"");
	/* Each bad byte becomes one U+FFFD, and a cut character too. */
	check_json("\xff\xc0z\xe0\xa4", 5, "\"\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\"");
}

/* What must be escaped is found at whichever place it stands. */
static void test_json_strings_long(void **state)
{
	static const struct {
		char c;
		const char *text;
	} odd[] = {{'"', "\\\""},     {'\\', "\\\\"},      {'\n', "\\u000a"},
		   {'\0', "\\u0000"}, {'\x1f', "\\u001f"}, {'\xff', "\xef\xbf\xbd"}};
	const char plain[] = "NSE_INDEX|Nifty 50 !#[]~\x7f";

	(void)state;
	for (size_t at = 0; at < sizeof(plain) - 1; at++) {
		for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
			char text[sizeof(plain)], want[64];

			memcpy(text, plain, sizeof(plain));
			text[at] = odd[i].c;
			snprintf(want, sizeof(want), "\"%.*s%s%s\"", (int)at, plain, odd[i].text,
				 plain + at + 1);
			check_json(text, sizeof(plain) - 1, want);
		}
	}
}

static void test_memory_helpers(void **state)
{
	char *a = mem_strdup("abc"), *b = mem_strndup("abcdef", 2);
	unsigned char *z = mem_zalloc(16);

	(void)state;
	check_str(a, "abc");
	check_str(b, "ab");
	for (int i = 0; i < 16; i++)
		check_i64(z[i], 0);
	a = mem_realloc(a, 100);
	check_str(a, "abc");
	free(a);
	free(b);
	free(z);
	free(mem_alloc(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_and_consume), cmocka_unit_test(test_printf_grows),
		cmocka_unit_test(test_integers),           cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_doubles_read_back),  cmocka_unit_test(test_doubles_are_short),
		cmocka_unit_test(test_json_strings),       cmocka_unit_test(test_json_strings_long),
		cmocka_unit_test(test_memory_helpers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
