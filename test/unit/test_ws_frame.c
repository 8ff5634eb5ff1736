/* SPDX-License-Identifier: MIT
 *
 * Frames: every length form, and that what is built is read back; compressed frames inflate to what
 * they were made of, whatever was compressed before.
 */
#include <zlib.h>

#include "../lib/check.h"
#include "ws/ws_internal.h"

static const size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 70000};

static void headers_have_the_shortest_form(void **state)
{
	static const unsigned char expected[][10] = {
		{0x81, 0},
		{0x81, 1},
		{0x81, 125},
		{0x81, 126, 0, 126},
		{0x81, 126, 0, 127},
		{0x81, 126, 0xff, 0xff},
		{0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0},
		{0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70},
	};
	static const size_t sizes[] = {2, 2, 2, 4, 4, 4, 10, 10};
	char out[10];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		check_i64(ws_header_len(lengths[i]), sizes[i]);
		check_i64(ws_header_write(out, WS_TEXT, lengths[i]), sizes[i]);
		assert_memory_equal(out, expected[i], sizes[i]);
	}
}

static void frames_are_read_back(void **state)
{
	char *payload = mem_zalloc(70000);
	struct buf b = {0};
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < 70000; i++)
		payload[i] = (char)(i * 7);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		ws_frame_append(&b, i % 2 ? WS_TEXT : WS_BINARY, payload, lengths[i]);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct ws_frame f = ws_frame_read(b.data + at);

		check_i64(f.op, i % 2 ? WS_TEXT : WS_BINARY);
		check_i64(f.len, lengths[i]);
		check_i64(f.whole, ws_header_len(f.len) + f.len);
		assert_memory_equal(f.payload, payload, f.len);
		at += f.whole;
	}
	check_i64(at, b.len);
	buf_fini(&b);
	free(payload);
}

static void empty_frames_of_nothing(void **state)
{
	struct buf b = {0};

	(void)state;
	ws_frame_append(&b, WS_PING, NULL, 0);
	check_i64(b.len, 2);
	assert_memory_equal(b.data, "\x89\0", 2);
	buf_fini(&b);
}

/* --- deflate --------------------------------------------------------------------------------- */

/* As a receiver does that keeps its window from one message to the next. */
static size_t inflate_one(z_stream *z, const char *in, size_t len, char *out, size_t size)
{
	struct buf b = {0};

	buf_append(&b, in, len);
	buf_append(&b, "\0\0\xff\xff", 4);
	z->next_in = (Bytef *)b.data;
	z->avail_in = (uInt)b.len;
	z->next_out = (Bytef *)out;
	z->avail_out = (uInt)size;
	check_i64(inflate(z, Z_SYNC_FLUSH), Z_OK);
	check_i64(z->avail_in, 0);
	buf_fini(&b);
	return size - z->avail_out;
}

static void append_text(struct buf *b, int n, size_t len)
{
	struct buf text = {0};

	while (text.len < len)
		buf_printf(&text, "{\"n\":%d,\"ltp\":%zu.05}", n, text.len);
	ws_frame_append(b, WS_TEXT, text.data, len);
	buf_fini(&text);
}

static void compressed_frames_inflate_to_what_they_were(void **state)
{
	static char out[80000];
	struct ws ws = {0};
	struct buf b = {0};
	z_stream z = {0};
	size_t at = 0, was = 0;

	(void)state;
	check_i64(inflateInit2(&z, -15), Z_OK);
	for (int i = 0; i < 3; i++) {
		for (size_t k = 0; k < ARRAY_LEN(lengths); k++)
			append_text(&b, i, lengths[k]);
	}
	ws_deflate(&ws, b.data, b.len);
	check(ws.deflated.len < b.len / 2);
	while (at < ws.deflated.len) {
		struct ws_frame f = ws_frame_read(ws.deflated.data + at);
		struct ws_frame original = ws_frame_read(b.data + was);

		check_i64(f.op, WS_TEXT);
		if (ws.deflated.data[at] & 0x40) {
			check_i64(inflate_one(&z, f.payload, f.len, out, sizeof(out)),
				  original.len);
			assert_memory_equal(out, original.payload, original.len);
		} else {
			check_i64(f.len, original.len);
			assert_memory_equal(f.payload, original.payload, f.len);
		}
		at += f.whole;
		was += original.whole;
	}
	check_i64(was, b.len);
	inflateEnd(&z);
	buf_fini(&b);
	ws_deflate_fini(&ws);
}

static void what_does_not_shrink_goes_as_it_is(void **state)
{
	struct ws ws = {0};
	struct buf b = {0};
	char noise[1000];
	uint64_t x = 88172645463325252ull;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		noise[i] = (char)(x >> 32);
	}
	ws_frame_append(&b, WS_BINARY, noise, sizeof(noise));
	ws_frame_append(&b, WS_PING,
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 64);
	ws_deflate(&ws, b.data, b.len);
	check_i64(ws.deflated.len, b.len);
	assert_memory_equal(ws.deflated.data, b.data, b.len);
	buf_fini(&b);
	ws_deflate_fini(&ws);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_have_the_shortest_form),
		cmocka_unit_test(frames_are_read_back),
		cmocka_unit_test(empty_frames_of_nothing),
		cmocka_unit_test(compressed_frames_inflate_to_what_they_were),
		cmocka_unit_test(what_does_not_shrink_goes_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
