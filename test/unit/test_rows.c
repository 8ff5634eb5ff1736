/* SPDX-License-Identifier: MIT
 *
 * test_rows: the instrument master row by row: plain and gzip, cut anywhere, torn, and with junk.
 */
#include <malloc.h>
#include <stdio.h>

#define ZLIB_CONST
#include <zlib.h>

#include <cjson/cJSON.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "core/json.h"
#include "refdata/rows.h"
#include "upstox/master_row.h"

/* What came, as text: the "k" of each row. */
struct seen {
	struct buf keys;
	uint64_t rows;
};

static int take(void *arg, const char *text, size_t len, struct agni_err *err)
{
	struct seen *s = arg;
	cJSON *row = json_parse(text, len, err);
	const char *k = json_string(row, "k");

	if (!cJSON_IsObject(row))
		return AGNI_EPARSE;
	check_i64(strlen(text), len);
	s->rows++;
	buf_str(&s->keys, k ? k : "?");
	buf_byte(&s->keys, ' ');
	cJSON_Delete(row);
	return 0;
}

/* Rows of `text` and what they were; the result of rows_each. */
static int run(const void *bytes, size_t len, struct rows_stats *stats, char keys[256])
{
	struct seen s = {0};
	struct agni_err err = {0};
	int rc = rows_each(bytes, len, take, &s, stats, &err);

	if (rc < 0)
		check(err.text[0] != '\0' && err.code == AGNI_EPARSE);
	snprintf(keys, 256, "%s", buf_cstr(&s.keys));
	check_i64(s.rows + stats->bad_rows, stats->rows);
	buf_fini(&s.keys);
	return rc;
}

static void expect(const char *text, int rc, const char *keys, unsigned bad)
{
	struct rows_stats stats;
	char got[256];

	check_i64(run(text, strlen(text), &stats, got), rc);
	check_str(got, keys);
	check_i64(stats.bad_rows, bad);
}

static void test_plain(void **state)
{
	(void)state;
	expect("[]", 0, "", 0);
	expect(" [ ] \n", 0, "", 0);
	expect("[{\"k\":\"a\"}]", 0, "a ", 0);
	expect("\t[ {\"k\":\"a\"} ,\r\n{\"k\":\"b\",\"n\":1.5e3,\"x\":null}]\n", 0, "a b ", 0);
	expect("[{}]", 0, "? ", 0);
}

/* Braces and quotes in strings end nothing; objects may hold objects. */
static void test_strings_and_depth(void **state)
{
	(void)state;
	expect("[{\"k\":\"}{\"},{\"k\":\"\\\"}\"},{\"k\":\"\\\\\"},{\"k\":\"[\"}]", 0,
	       "}{ \"} \\ [ ", 0);
	expect("[{\"k\":\"a\",\"o\":{\"p\":{\"q\":[{},{\"k\":\"no\"}]}}},{\"k\":\"b\"}]", 0, "a b ",
	       0);
}

/* A bad row costs itself only. */
static void test_bad_rows(void **state)
{
	char deep[2048];
	size_t n = 0;

	(void)state;
	expect("[{\"k\":\"a\"},{nonsense},{\"k\":\"b\"}]", 0, "a b ", 1);
	expect("[{\"k\":01},{\"k\":\"b\",},{\"k\":\"c\",\"k\":\"d\"},{\"k\":\"\\q\"},{\"k\":\"e\"}"
	       "]",
	       0, "e ", 4);
	expect("[{\"k\":\"\xff\"},{\"k\":\"b\"}]", 0, "b ", 1);
	/* Deeper than the JSON gate lets through. */
	n += (size_t)snprintf(deep, sizeof(deep), "[");
	for (int i = 0; i < 200; i++)
		n += (size_t)snprintf(deep + n, sizeof(deep) - n, "{\"k\":");
	n += (size_t)snprintf(deep + n, sizeof(deep) - n, "1");
	for (int i = 0; i < 200; i++)
		deep[n++] = '}';
	snprintf(deep + n, sizeof(deep) - n, ",{\"k\":\"z\"}]");
	expect(deep, 0, "z ", 1);
}

static void test_no_array(void **state)
{
	static const char *const bad[] = {
		"",    " ",       "x",       "{}",         "{\"k\":\"a\"}", "\"a\"",
		"[",   "[{",      "[{\"k\"", "[{\"k\":1}", "[]x",           "[][]",
		"[1]", "[\"a\"]", "[{}]}",   "]",          "[{}} ]",        "\xef\xbb\xbf[]",
	};
	struct rows_stats stats;
	char got[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (run(bad[i], strlen(bad[i]), &stats, got) != AGNI_EPARSE)
			fail_msg("\"%s\" passes", bad[i]);
	}
	check_i64(run("[]\0", 3, &stats, got), AGNI_EPARSE);
}

/* --- gzip ------------------------------------------------------------------------------------- */

static void pack(const void *bytes, size_t len, struct buf *out)
{
	z_stream z = {0};

	check_i64(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = bytes;
	z.avail_in = (uInt)len;
	z.avail_out = (uInt)deflateBound(&z, len);
	z.next_out = (unsigned char *)buf_reserve(out, z.avail_out);
	check_i64(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len = z.total_out;
	deflateEnd(&z);
}

/* Every cut of the bytes is an error, and none reads beyond its end (a copy of its own size). */
static void check_cuts(const char *bytes, size_t len)
{
	struct rows_stats stats;
	char got[256];

	for (size_t n = 0; n < len; n++) {
		char *cut = malloc(n ? n : 1);

		check(cut != NULL);
		memcpy(cut, bytes, n);
		if (run(cut, n, &stats, got) != AGNI_EPARSE)
			fail_msg("the first %zu of %zu bytes pass", n, len);
		free(cut);
	}
}

static void test_cut_everywhere(void **state)
{
	static const char text[] =
		"[{\"k\":\"a\\\"}\",\"n\":{\"m\":[1,2]}},\n {\"k\":\"b\"},{\"k\":\"c\"}]";
	struct rows_stats stats;
	struct buf gz = {0};
	char got[256];

	(void)state;
	pack(text, sizeof(text) - 1, &gz);
	check_i64(run(gz.data, gz.len, &stats, got), 0);
	check_str(got, "a\"} b c ");
	check_cuts(text, sizeof(text) - 1);
	check_cuts(gz.data, gz.len);
	buf_fini(&gz);
}

/* One byte wrong anywhere in a gzip file: refused, or (in its header) harmless. */
static void test_torn_gzip(void **state)
{
	static const char text[] = "[{\"k\":\"a\"},{\"k\":\"b\"}]";
	struct rows_stats stats;
	struct buf gz = {0};
	char got[256];
	int refused = 0;

	(void)state;
	pack(text, sizeof(text) - 1, &gz);
	for (size_t i = 0; i < gz.len; i++) {
		gz.data[i] = (char)(gz.data[i] ^ 0x10);
		if (run(gz.data, gz.len, &stats, got) == 0)
			check_str(got, "a b ");
		else
			refused++;
		gz.data[i] = (char)(gz.data[i] ^ 0x10);
	}
	check(refused > (int)gz.len - 10);
	buf_fini(&gz);
}

/* Rows across the borders of the unpacker's chunks, at every place of a row. */
static void test_chunk_borders(void **state)
{
	static const char row[] = "{\"k\":\"}\\\"{\",\"o\":{\"p\":1}}";
	struct rows_stats stats;

	(void)state;
	for (size_t shift = 0; shift <= sizeof(row); shift++) {
		struct buf text = {0}, gz = {0};
		struct seen s = {0};
		unsigned n = 0;

		for (size_t i = 0; i < shift; i++)
			buf_byte(&text, ' ');
		buf_byte(&text, '[');
		while (text.len < 3 * 65536) {
			buf_str(&text, n++ ? "," : "");
			buf_str(&text, row);
		}
		buf_byte(&text, ']');
		pack(text.data, text.len, &gz);
		check_i64(rows_each(gz.data, gz.len, take, &s, &stats, NULL), 0);
		check_i64(stats.rows, n);
		check_i64(stats.bad_rows, 0);
		check_i64(s.keys.len, n * strlen("}\"{ "));
		buf_fini(&s.keys);
		buf_fini(&text);
		buf_fini(&gz);
	}
}

/* In pieces of any size the same comes as in one; the first of two bytes at least. */
static void test_pieces(void **state)
{
	static const char text[] =
		"[{\"k\":\"a\\\"}\"},{nonsense},{\"k\":\"\\\\\"} ,{\"k\":\"c\"}]\n";
	struct buf gz = {0};

	(void)state;
	pack(text, sizeof(text) - 1, &gz);
	for (size_t piece = 1; piece <= gz.len; piece++) {
		for (int is_packed = 0; is_packed < 2; is_packed++) {
			const char *p = is_packed ? gz.data : text;
			size_t len = is_packed ? gz.len : sizeof(text) - 1;
			struct seen s = {0};
			struct rows_reader *r = rows_reader_create(take, &s);
			struct rows_stats stats;
			struct agni_err err;

			for (size_t at = 0, n = piece < 2 ? 2 : piece; at < len; n = piece) {
				n = n < len - at ? n : len - at;
				check_i64(rows_reader_feed(r, p + at, n, &err), 0);
				at += n;
			}
			check_i64(rows_reader_end(r, &stats, &err), 0);
			check_str(buf_cstr(&s.keys), "a\"} \\ c ");
			check_i64(stats.bad_rows, 1);
			/* Nothing follows what is complete. */
			check_i64(rows_reader_feed(r, "x", 1, &err), AGNI_EPARSE);
			rows_reader_destroy(r);
			buf_fini(&s.keys);
		}
	}
	buf_fini(&gz);
}

static int take_until_b(void *arg, const char *text, size_t len, struct agni_err *err)
{
	(void)len;
	++*(int *)arg;
	return strstr(text, "b") ? agni_fail(err, AGNI_ELIMIT, "full") : 0;
}

/* What the reader says ends the file, unless it is about one row. */
static void test_end_by_the_reader(void **state)
{
	static const char text[] = "[{\"k\":\"a\"},{\"k\":\"b\"},{\"k\":\"c\"}]";
	struct rows_stats stats;
	struct agni_err err;
	int n = 0;

	(void)state;
	check_i64(rows_each(text, sizeof(text) - 1, take_until_b, &n, &stats, &err), AGNI_ELIMIT);
	check_i64(n, 2);
	check_str(err.text, "full");
}

/* A row of more than 16 KiB is left out, the next one is not. */
static void test_long_row(void **state)
{
	struct rows_stats stats;
	char got[256];

	(void)state;
	for (int over = 0; over < 2; over++) {
		struct buf text = {0};

		buf_str(&text, "[{\"k\":\"a\",\"long\":\"");
		for (size_t n = strlen("{\"k\":\"a\",\"long\":\"\"}"); n < 16384u + (unsigned)over;
		     n++)
			buf_byte(&text, 'x');
		buf_str(&text, "\"},{\"k\":\"b\"}]");
		check_i64(run(text.data, text.len, &stats, got), 0);
		check_str(got, over ? "b " : "a b ");
		check_i64(stats.bad_rows, over);
		buf_fini(&text);
	}
}

/* --- the broker's own file -------------------------------------------------------------------- */

struct census {
	uint64_t rows, keys, options;
	size_t heap_max; /* beyond what was in use at the start */
	size_t heap_start;
};

static size_t heap_used(void)
{
	return mallinfo2().uordblks;
}

static int take_instrument(void *arg, const char *text, size_t len, struct agni_err *err)
{
	struct census *c = arg;
	struct master_row_text row;

	(void)err;
	if (!master_row_parse(text, len, &row))
		return AGNI_EPARSE;
	c->rows++;
	c->keys += row.entry.key != NULL;
	c->options += row.entry.type &&
		      (strcmp(row.entry.type, "CE") == 0 || strcmp(row.entry.type, "PE") == 0);
	if (c->rows % 1000 == 0) {
		size_t now = heap_used() - c->heap_start;

		c->heap_max = now > c->heap_max ? now : c->heap_max;
	}
	return 0;
}

static void test_master(void **state)
{
	static const char name[] = "instruments/upstox_nse_20260113.json.gz";
	const char *path = data_path(name);
	struct census c = {0};
	struct rows_stats stats;
	struct agni_err err;
	char *bytes;
	size_t len;
	FILE *f;

	(void)state;
	if (!path)
		data_skip(name);
	f = fopen(path, "rb"); /* packed as it is */
	check(f != NULL);
	bytes = malloc(8 << 20);
	len = fread(bytes, 1, 8 << 20, f);
	fclose(f);
	c.heap_start = heap_used();
	if (rows_each(bytes, len, take_instrument, &c, &stats, &err) < 0)
		fail_msg("%s", err.text);
	check_i64(stats.rows, 86109);
	check_i64(stats.bad_rows, 0);
	check_i64(c.rows, 86109);
	check_i64(c.keys, 86109);
	check(c.options > 10000 && c.options < 86109);
	/* 42 MB pass through the memory of the unpacker and one row (0 under a sanitizer). */
	if (c.heap_max > 256 << 10)
		fail_msg("%zu bytes in use", c.heap_max);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_strings_and_depth),
		cmocka_unit_test(test_bad_rows),
		cmocka_unit_test(test_no_array),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_torn_gzip),
		cmocka_unit_test(test_chunk_borders),
		cmocka_unit_test(test_long_row),
		cmocka_unit_test(test_master),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_end_by_the_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
