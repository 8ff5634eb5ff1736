/* SPDX-License-Identifier: MIT
 *
 * test_record: what stands at a place: sound, torn, damaged, for every cut and every changed bit; a
 * block gives its ticks and keys, and never more than its body holds.
 */
#include "../lib/check.h"
#include "tape/codec.h"
#include "tape/record.h"

static uint8_t bytes[1024];

/* A block of three ticks (of 5, 0 and 7 bytes) and two keys. Returns its length. */
static size_t make_block(void)
{
	struct tape_record_head head = {.seq = 40,
					.ticks = 3,
					.type = TAPE_BLOCK,
					.flags = TAPE_OPENS_CHUNK | TAPE_SNAPSHOT};
	struct tape_block_body body = {.ts_ms = 1000, .recv_ms = 2000, .ticks_bytes = 12};
	static const uint64_t directory[] = {0, 5, 300, 0, 1, 7};
	uint8_t *start = bytes + RECORD_HEAD, *p = start + sizeof(body), *d;

	memcpy(p, "aaaaabbbbbbb", 12);
	d = p += 12;
	for (size_t i = 0; i < ARRAY_LEN(directory); i++)
		p = tape_varint_put(p, directory[i]);
	body.directory_bytes = (uint32_t)(p - d);
	memcpy(p, "\3A|1\4B|22", 9);
	p += 9;
	memcpy(start, &body, sizeof(body));
	tape_record_seal(&head, start, (size_t)(p - start));
	memcpy(bytes, &head, sizeof(head));
	return (size_t)(p - bytes);
}

static enum tape_found look(const uint8_t *from, size_t len, struct tape_record *r)
{
	struct tape_walk w = {.p = from, .end = from + len};

	return tape_walk_next(&w, r);
}

static void test_block(void **state)
{
	size_t len = make_block();
	struct tape_record r;
	struct tape_block b;
	struct tape_item item;
	const char *key;
	uint32_t n;

	(void)state;
	check_i64(look(bytes, len, &r), TAPE_SOUND);
	check(tape_block_open(&b, &r));
	check(b.opens_chunk && b.is_snapshot);
	check_i64(b.times.ts_ms, 1000);
	check(tape_block_key(&b, &key, &n) && n == 3 && memcmp(key, "A|1", 3) == 0);
	check(tape_block_key(&b, &key, &n) && n == 4 && memcmp(key, "B|22", 4) == 0);
	check(!tape_block_key(&b, &key, &n));
	check(tape_block_next(&b, &item));
	check_i64(item.seq, 40);
	check_i64(item.len, 5);
	check(tape_block_next(&b, &item));
	check_i64(item.instrument, 300);
	check_i64(item.len, 0);
	check(tape_block_next(&b, &item));
	check_i64(item.seq, 42);
	check(memcmp(item.bytes, "bbbbbbb", 7) == 0);
	check(!tape_block_next(&b, &item));
}

/* Shorter by any number of bytes: nothing, or torn; never damage. */
static void test_cut(void **state)
{
	size_t len = make_block();
	struct tape_record r;

	(void)state;
	check_i64(look(bytes, 0, &r), TAPE_END);
	for (size_t cut = 1; cut < len; cut++) {
		uint8_t *exact = malloc(cut);

		memcpy(exact, bytes, cut);
		check_i64(look(exact, cut, &r), TAPE_TORN);
		free(exact);
	}
	memset(bytes, 0, sizeof(bytes));
	check_i64(look(bytes, sizeof(bytes), &r), TAPE_TORN); /* zeros are no record */
}

/* Any changed bit of a whole record is damage; never torn, never sound. */
static void test_flip(void **state)
{
	size_t len = make_block();
	struct tape_record r;

	(void)state;
	for (size_t bit = 0; bit < 8 * len; bit++) {
		enum tape_found found;

		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		found = look(bytes, len, &r);
		check_i64(found, bit < 8 * RECORD_HEAD ? TAPE_BAD_HEAD : TAPE_BAD_BODY);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	check_i64(look(bytes, len, &r), TAPE_SOUND);
}

/* Lengths that do not fit, under right checksums. */
static void test_lies(void **state)
{
	size_t len = make_block();
	struct tape_record r;
	struct tape_block b;
	struct tape_block_body body;
	struct tape_item item;

	(void)state;
	check_i64(look(bytes, len, &r), TAPE_SOUND);
	memcpy(&body, r.body, sizeof(body));
	body.ticks_bytes = UINT32_MAX;
	memcpy(bytes + RECORD_HEAD, &body, sizeof(body));
	check(!tape_block_open(&b, &r));
	body.ticks_bytes = 3; /* the directory says more */
	memcpy(bytes + RECORD_HEAD, &body, sizeof(body));
	if (tape_block_open(&b, &r))
		while (tape_block_next(&b, &item))
			check(item.bytes + item.len <= bytes + len);
	r.head.body_bytes = sizeof(body) - 1;
	check(!tape_block_open(&b, &r));
	r.head.type = TAPE_CONTROL;
	check(!tape_block_open(&b, &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_flip),
		cmocka_unit_test(test_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
