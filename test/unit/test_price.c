/* SPDX-License-Identifier: MIT
 *
 * test_price: nothing that comes in leaves as something else, and it leaves in its shortest form.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "../lib/check.h"
#include "core/rand.h"
#include "market/price.h"

static uint64_t bits_of(double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

#define check_bits(a, b)                                                                           \
	do {                                                                                       \
		double check_a = (a), check_b = (b);                                               \
		if (bits_of(check_a) != bits_of(check_b))                                          \
			fail_msg("%s = %.17g, %s = %.17g", #a, check_a, #b, check_b);              \
	} while (0)

/* What buf_price prints, in a static buffer. */
static const char *text_of(price_t p)
{
	static char text[64];
	struct buf b = {0};

	buf_price(&b, p);
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	buf_fini(&b);
	return text;
}

static price_t price_of(double d)
{
	price_t p = 0;

	if (!price_from_double(d, &p))
		fail_msg("%.17g is refused", d);
	return p;
}

/* In and out bit for bit, and the printed text reads back as the same double. */
static void check_round_trip(double d)
{
	price_t p = price_of(d);

	check_bits(price_to_double(p), d);
	check_bits(strtod(text_of(p), NULL), d);
}

/* The shortest decimal of a multiple of 1/10000, by another way: digits of the integer. */
static const char *decimal(int64_t k)
{
	static char text[64];
	size_t n = (size_t)snprintf(text, sizeof(text), "%lld.%04lld", (long long)(k / 10000),
				    (long long)(k % 10000));

	while (text[n - 1] == '0')
		text[--n] = '\0';
	if (text[n - 1] == '.')
		text[n - 1] = '\0';
	return text;
}

/* Every multiple of 0.0025 to 2000 rupees, of 0.05 to a million: the double nearest to it. */
static void test_grid(void **state)
{
	(void)state;
	for (int64_t k = 25; k <= 10000000000; k += k < 20000000 ? 25 : 500) {
		double d = (double)k / 10000.0;
		price_t p;

		if (!price_from_double(d, &p) || p != k ||
		    bits_of(price_to_double(p)) != bits_of(d))
			fail_msg("%lld/10000 does not stay what it is", (long long)k);
		if (k % 70025 < 500)
			check_str(text_of(p), decimal(k));
	}
}

static void test_known(void **state)
{
	static const struct {
		double d;
		const char *text;
	} known[] = {
		{25412.35, "25412.35"},
		{133, "133"},
		{0.05, "0.05"},
		{-0.05, "-0.05"},
		{0.0025, "0.0025"},
		{0, "0"},
		{0.0001, "0.0001"},
		{1e6, "1000000"},
		{-112.3274, "-112.3274"},
		{1e11, "100000000000"},
		{59839.65, "59839.65"},
		{100.5, "100.5"},
		{-3, "-3"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		price_t p = price_of(known[i].d);

		check(price_is_exact(p));
		check_str(text_of(p), known[i].text);
		check_bits(price_to_double(p), known[i].d);
	}
	check_i64(price_of(25412.35), 254123500);
}

/* Prices that went through a 32-bit float, and others between the multiples. */
static void test_raw(void **state)
{
	static const double raw[] = {
		52.04999923706055,
		-52.04999923706055,
		0.00001,
		1.0 / 3,
		25412.350000000002,
		9.1e11,
		-9.1e11,
		1e15,
		1e70,
		0x1p-255,
		0x1p255,
		-0x1p-255,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(raw); i++)
		check_round_trip(raw[i]);
	check(!price_is_exact(price_of(52.04999923706055)));
	check_str(text_of(price_of(52.04999923706055)), "52.04999923706055");
	check_str(text_of(price_of(-52.04999923706055)), "-52.04999923706055");
}

static void test_refused(void **state)
{
	static const double bad[] = {
		NAN,     -NAN,    INFINITY,  -INFINITY,  1e300,    -1e300,
		DBL_MAX, DBL_MIN, 0x1p-1074, -0x1p-1030, 0x1p-256, 0x1p257,
	};
	price_t p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (price_from_double(bad[i], &p))
			fail_msg("%g is taken", bad[i]);
	}
}

static void test_zero(void **state)
{
	(void)state;
	check_i64(price_of(0.0), 0);
	check_i64(price_of(-0.0), 0); /* a price has no sign of zero */
}

static void test_order(void **state)
{
	static const double rising[] = {
		-1e30,   -9.5e11, -52.05, -52.04999923706055, -0.05, -0.00001, 0,
		0.00001, 0.0001,  0.05,   52.04999923706055,  52.05, 25412.35, 8.9e11,
		9.5e11,  1e30,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rising); i++) {
		for (size_t k = 0; k < ARRAY_LEN(rising); k++)
			check_i64(price_cmp(price_of(rising[i]), price_of(rising[k])),
				  (i > k) - (i < k));
	}
}

/* A million doubles of every magnitude: bits of their own, 32-bit floats, near the ticks. */
static void test_random(void **state)
{
	struct rng r = {.state = 20260123};
	price_t p;

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		uint64_t raw = rng_next(&r);
		double d;

		memcpy(&d, &raw, sizeof(d));
		if (i % 4 == 1)
			d = (double)(float)((double)(raw % 100000000) / 100);
		else if (i % 4 == 2)
			d = nextafter((double)(raw % 1000000000) / 10000, i % 8 == 2 ? 0 : 1e300);
		else if (i % 4 == 3)
			d = rng_unit(&r) * 1e13;
		if (!price_from_double(d, &p)) {
			if (isfinite(d) && (d == 0 || (fabs(d) >= 0x1p-255 && fabs(d) <= 0x1p255)))
				fail_msg("%.17g is refused", d);
			continue;
		}
		if (bits_of(price_to_double(p)) != bits_of(d))
			fail_msg("%.17g comes back as %.17g", d, price_to_double(p));
		if (i % 16 < 4)
			check_bits(strtod(text_of(p), NULL), d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grid),   cmocka_unit_test(test_known),
		cmocka_unit_test(test_raw),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_zero),   cmocka_unit_test(test_order),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
