/* SPDX-License-Identifier: MIT
 *
 * test_info: what several market_info messages said, taken together.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "feed_samples.h"
#include "upstox/compose.h"
#include "upstox/info.h"

static void put_segment(void *arg, const char *segment, size_t len, int status)
{
	buf_printf(arg, "%.*s=%d ", (int)len, segment, status);
}

/* The segments of it, as a reader of the feed sees them. In a static buffer. */
static const char *segments(const struct info *t)
{
	static struct buf out;
	struct buf message = {0};
	struct feed_frame f = {0};

	buf_reset(&out);
	compose_info(&message, 5, t->bytes.data, t->bytes.len);
	check_i64(feed_frame_scan(&f, message.data, message.len, NULL), 0);
	check_i64(f.type, FEED_MARKET_INFO);
	feed_info_each(&f, put_segment, &out);
	feed_frame_fini(&f);
	buf_fini(&message);
	return buf_cstr(&out);
}

/* {map: {1: key, 2: status}} */
static void note(struct info *t, int map, const char *key, int status)
{
	struct buf b = {0};
	size_t n = strlen(key);

	buf_byte(&b, (char)(map << 3 | 2));
	buf_byte(&b, (char)(n + 4));
	buf_byte(&b, 0x0a);
	buf_byte(&b, (char)n);
	buf_append(&b, key, n);
	buf_byte(&b, 0x10);
	buf_byte(&b, (char)status);
	info_note(t, b.data, b.len);
	buf_fini(&b);
}

static void test_newest_word_counts(void **state)
{
	struct info t = {0};

	(void)state;
	note(&t, 1, "NSE_EQ", 2);
	note(&t, 1, "NSE_FO", 2);
	check_str(segments(&t), "NSE_EQ=2 NSE_FO=2 ");
	note(&t, 1, "NSE_EQ", 3);
	check_str(segments(&t), "NSE_FO=2 NSE_EQ=3 ");
	note(&t, 1, "NSE_E", 4);  /* another key */
	note(&t, 2, "NSE_FO", 7); /* another map */
	check_str(segments(&t), "NSE_FO=2 NSE_EQ=3 NSE_E=4 ");
	check_i64(t.bytes.len, 12 + 12 + 11 + 12);
	note(&t, 2, "NSE_FO", 8);
	check_i64(t.bytes.len, 12 + 12 + 11 + 12);
	info_fini(&t);
}

/* A message with all three maps is kept as it is. */
static void test_all_maps(void **state)
{
	struct bytes b = unhex(HEX_STATUS);
	struct feed_frame f = {0};
	struct info t = {0};

	(void)state;
	check_i64(feed_frame_scan(&f, b.p, b.len, NULL), 0);
	for (int i = 0; i < 3; i++)
		info_note(&t, b.p + f.info_off, f.info_len);
	check_i64(t.bytes.len, f.info_len);
	check(memcmp(t.bytes.data, b.p + f.info_off, f.info_len) == 0);
	feed_frame_fini(&f);
	info_fini(&t);
	free(b.p);
}

static void test_strange_bytes(void **state)
{
	/* an unknown field, an entry, and one that is cut */
	static const uint8_t bytes[] = {0x28, 0x07, 0x0a, 0x05, 0x0a, 0x01,
					'A',  0x10, 0x02, 0x0a, 0x05, 0x0a};
	struct info t = {0};
	char key[8];

	(void)state;
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		info_fini(&t);
		info_note(&t, bytes, n);
		check_str(segments(&t), n >= 9 ? "A=2 " : "");
	}
	/* What it keeps is bounded. */
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "S%d", i);
		note(&t, 1, key, 1);
	}
	check(t.bytes.len <= INFO_MAX && t.bytes.len > INFO_MAX - 20);
	info_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_word_counts),
		cmocka_unit_test(test_all_maps),
		cmocka_unit_test(test_strange_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
