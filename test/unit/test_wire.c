/* SPDX-License-Identifier: MIT
 *
 * test_wire: numbers, tags, lengths and groups of every form, at every distance from the end.
 */
#include <stdlib.h>

#include "../lib/check.h"
#include "upstox/wire.h"

/* Bytes in an allocation of exactly their size, so that the sanitizer sees every step beyond. */
static struct wire wire_of(const char *bytes, size_t len)
{
	uint8_t *p = malloc(len ? len : 1);

	check(p != NULL);
	memcpy(p, bytes, len);
	return (struct wire){.start = p, .stop = p + len};
}

static void wire_free(const struct wire *w)
{
	void *p;

	memcpy(&p, &w->start, sizeof(p)); /* const only for readers */
	free(p);
}

/* `n` bytes at the end of `before` others: the number, and that all of it was read. */
static void number_is(const char *bytes, size_t n, size_t before, uint64_t expected)
{
	char all[64] = {0};
	struct wire w;
	uint64_t v = 0;

	memcpy(all + before, bytes, n);
	w = wire_of(all, before + n);
	if (wire_varint(&w, w.start + before, w.stop, &v) != w.stop || v != expected)
		fail_msg("%zu bytes behind %zu: %llu, not %llu", n, before, (unsigned long long)v,
			 (unsigned long long)expected);
	wire_free(&w);
}

static void test_number_of_every_length(void **state)
{
	(void)state;
	for (size_t before = 0; before < 12; before++) {
		char bytes[10] = {0};
		uint64_t v = 0;

		/* 1, then 1 | 2 << 7, then 1 | 2 << 7 | 3 << 14, ... */
		for (size_t n = 1; n <= 10; n++) {
			if (n > 1)
				bytes[n - 2] = (char)(bytes[n - 2] | 0x80);
			bytes[n - 1] = (char)(n < 10 ? n : 1);
			v |= (uint64_t)bytes[n - 1] << 7 * (n - 1);
			number_is(bytes, n, before, v);
		}
	}
}

static void test_number_forms(void **state)
{
	(void)state;
	number_is("\x80\x80\x00", 3, 0, 0);
	number_is("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, 0, UINT64_MAX);
	number_is("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10, 3, UINT64_MAX);
	number_is("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10, 0, (uint64_t)1 << 63);
	number_is("\xff\xff\xff\x7f", 4, 5, (1u << 28) - 1);
	number_is("\xff\xff\xff\xff\x7f", 5, 5, ((uint64_t)1 << 35) - 1);
}

/* Whether a field {tag, content} is passed over to exactly its end, alone and before other bytes.
 */
static bool skips(const char *bytes, size_t n)
{
	struct wire w = wire_of(bytes, n);
	const uint8_t *p;
	uint32_t tag;

	p = wire_tag(&w, w.start, w.stop, &tag);
	p = p ? wire_skip(&w, p, w.stop, tag) : NULL;
	check((p == NULL) == (w.why != NULL));
	check(p == NULL || p == w.stop);
	wire_free(&w);
	return p != NULL;
}

#define SKIPS(bytes) skips(bytes, sizeof(bytes) - 1)

static void test_skip(void **state)
{
	(void)state;
	check(SKIPS("\x08\x01"));
	check(SKIPS("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"));
	check(SKIPS("\x09"
		    "12345678"));
	check(SKIPS("\x0d"
		    "1234"));
	check(SKIPS("\x0a\x03"
		    "abc"));
	check(SKIPS("\x0a\x83\x80\x80\x80\x00"
		    "abc"));
	check(SKIPS("\xf8\xff\xff\xff\x0f\x01")); /* the largest field */
	check(SKIPS("\x88\x80\x00\x01"));         /* an overlong tag */
	check(SKIPS("\x0b\x0c"));
	check(SKIPS("\x0b\x13\x08\x01\x14\x0a\x01x\x0c"));
}

static void test_refused(void **state)
{
	(void)state;
	check(!SKIPS("\x08"));
	check(!SKIPS("\x08\x80"));
	check(!SKIPS("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")); /* eleven bytes */
	check(!SKIPS("\x09"
		     "1234567"));
	check(!SKIPS("\x0d"
		     "123"));
	check(!SKIPS("\x0a\x04"
		     "abc"));
	check(!SKIPS("\x0a\xff\xff\xff\xff\x07"));
	check(!SKIPS("\x0a\x80\x80\x80\x80\x08"));     /* 2^31 */
	check(!SKIPS("\x0a\x80\x80\x80\x80\x80\x00")); /* six bytes */
	check(!SKIPS("\x00\x01"));                     /* field zero */
	check(!SKIPS("\x80\x00\x01"));
	check(!SKIPS("\x88\x80\x80\x80\x10\x01"));     /* a tag of 33 bits */
	check(!SKIPS("\x88\x80\x80\x80\x80\x00\x01")); /* of six bytes */
	check(!SKIPS("\x0e"));
	check(!SKIPS("\x0f"));
	check(!SKIPS("\x0c"));
	check(!SKIPS("\x0b"));
	check(!SKIPS("\x0b\x08"));
	check(!SKIPS("\x0b\x14"));
	check(!SKIPS("\x0b\x03\x04\x0c")); /* field zero inside */
	check(!SKIPS("\x0b\x0f\x0c"));
}

static void test_group_depth(void **state)
{
	char bytes[2 * (WIRE_GROUPS_MAX + 1)];

	(void)state;
	for (size_t n = WIRE_GROUPS_MAX; n <= WIRE_GROUPS_MAX + 1; n++) {
		memset(bytes, 0x0b, n);
		memset(bytes + n, 0x0c, n);
		check_i64(skips(bytes, 2 * n), n <= WIRE_GROUPS_MAX);
	}
}

static bool is_string(const char *bytes, size_t n)
{
	struct wire w = wire_of(bytes, n);
	const char *text = NULL;
	uint32_t len = 0;
	const uint8_t *p = wire_string(&w, w.start, w.stop, &text, &len);

	check(p == NULL || (p == w.stop && (const uint8_t *)text + len == p));
	wire_free(&w);
	return p != NULL;
}

static void test_strings(void **state)
{
	(void)state;
	for (size_t len = 0; len < 40; len++) {
		char bytes[41];

		memset(bytes, 'k', sizeof(bytes));
		bytes[0] = (char)len;
		check(is_string(bytes, len + 1));
		check(len == 0 || !is_string(bytes, len));
		for (size_t at = 1; at <= len; at++) { /* one bad byte anywhere */
			bytes[at] = '\xff';
			check(!is_string(bytes, len + 1));
			bytes[at] = 'k';
		}
	}
	check(is_string("\x0c\xe2\x82\xb9"
			"123456789",
			13));
	check(!is_string("\x0b\xe2\x82"
			 "123456789",
			 12));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_of_every_length),
		cmocka_unit_test(test_number_forms),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_group_depth),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
