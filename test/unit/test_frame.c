/* SPDX-License-Identifier: MIT
 *
 * test_frame: messages as a whole: segments, duplicate keys, limits, cuts at every byte; and the
 * short ways of usual.h against the general readers and protobuf-c, on recorded frames too.
 */
#include "../lib/data.h"
#include "feed_check.h"
#include "feed_samples.h"

static const char *const samples[] = {
	HEX_LTPC, HEX_INFO, HEX_INDEX, HEX_GREEKS, HEX_EQUITY, HEX_STATUS, HEX_IEP,
};

static bool accepts(const uint8_t *p, size_t len)
{
	struct feed_frame f = {0};
	struct bytes b = bytes_of(p, len);
	bool ok = feed_frame_scan(&f, b.p, b.len, NULL) == 0;

	feed_frame_fini(&f);
	free(b.p);
	return ok;
}

/* Segments in the order of the wire, as "NSE_EQ=2,". */
static void segment_note(void *arg, const char *segment, size_t len, int status)
{
	buf_append(arg, segment, len);
	buf_printf(arg, "=%d,", status);
}

static void segments_are(const char *hex, const char *expected)
{
	struct feed_frame f = {0};
	struct bytes b = unhex(hex);
	struct buf text = {0};

	check_i64(feed_frame_scan(&f, b.p, b.len, NULL), 0);
	check(f.has_market_info);
	feed_info_each(&f, segment_note, &text);
	check_str(buf_cstr(&text), expected);
	buf_fini(&text);
	feed_frame_fini(&f);
	free(b.p);
}

static void test_market_info(void **state)
{
	(void)state;
	segments_are(HEX_INFO, "NSE_EQ=2,NSE_FO=3,NSE_INDEX=0,");
	segments_are(HEX_STATUS, "NSE_EQ=2,");
	segments_are("0802220a0a080a064e53455f4551", "NSE_EQ=0,");
	/* the value first; a status of the future; two marketInfo fields merge */
	segments_are("08022207"
		     "0a0510050a0141"
		     "2208"
		     "0a0610870a0a0142",
		     "A=5,B=1287,");
}

/* n entries, keys 0 to n/2 - 1 twice, ltq = 1 + place; the second half must survive. */
static void duplicates(struct feed_frame *f, unsigned n)
{
	struct buf b = {0};
	struct tick t;
	unsigned seen = 0;

	for (unsigned i = 0; i < n; i++) {
		buf_printf(&b, "%c%c%c%cNSE_FO|%05u%c%c%c%c%c%c%c", 0x12, 23, 0x0a, 12, i % (n / 2),
			   0x12, 7, 0x0a, 5, 0x18, 0x80 | (i & 0x7f), 0x80 | (i >> 7 & 0x7f));
		buf_append(&b, "\x80", 1);
		buf_byte(&b, (char)1);
	}
	check_i64(b.len, n * 25);
	check_i64(feed_frame_scan(f, b.data, b.len, NULL), 0);
	check_i64(f->entries_n, n);
	check_i64(feed_frame_count(f), n / 2);
	while (feed_frame_next(f, &t)) {
		unsigned i = n / 2 + seen++;
		char key[24];

		snprintf(key, sizeof(key), "NSE_FO|%05u", i % (n / 2));
		check(memcmp(t.key, key, 12) == 0);
		check_i64(t.q.ltq, (1 << 21) + i);
	}
	check_i64(seen, n / 2);
	buf_fini(&b);
}

static void test_duplicates(void **state)
{
	struct feed_frame f = {0};

	(void)state;
	duplicates(&f, 2);
	duplicates(&f, 64);
	duplicates(&f, 1000); /* beyond what is decoded ahead */
	duplicates(&f, 10);   /* and the memory is used again */
	feed_frame_fini(&f);
}

/* More entries than are decoded ahead, all different. */
static void test_many(void **state)
{
	struct feed_frame f = {0};
	struct buf b = {0};
	struct tick t;
	unsigned seen = 0;

	(void)state;
	for (unsigned i = 0; i < 150; i++) {
		buf_append(&b, "\x12\x0d\x0a\x04", 4);
		buf_printf(&b, "K%03u", i);
		buf_append(&b, "\x12\x05\x0a\x03\x18", 5);
		buf_byte(&b, (char)(0x80 | (i & 0x7f)));
		buf_byte(&b, (char)(2 | i >> 7));
	}
	check_i64(feed_frame_scan(&f, b.data, b.len, NULL), 0);
	for (; feed_frame_next(&f, &t); seen++) {
		char key[16];

		snprintf(key, sizeof(key), "K%03u", seen);
		check_i64(t.key_len, 4);
		check(memcmp(t.key, key, 4) == 0);
		check_i64(t.q.ltq, 256 + seen);
	}
	check_i64(seen, 150);
	buf_fini(&b);
	feed_frame_fini(&f);
}

static void test_entry_limit(void **state)
{
	size_t n = (1u << 20) + 1;
	uint8_t *p = malloc(2 * n);
	struct feed_frame f = {0};

	(void)state;
	for (size_t i = 0; i < n; i++) {
		p[2 * i] = 0x12;
		p[2 * i + 1] = 0;
	}
	check_i64(feed_frame_scan(&f, p, 2 * n, NULL), AGNI_EPARSE);
	check_i64(feed_frame_scan(&f, p, 2 * (n - 1), NULL), 0);
	check_i64(feed_frame_count(&f), 1);
	feed_frame_fini(&f);
	free(p);
}

static void test_refused_has_nothing(void **state)
{
	struct feed_frame f = {0};
	struct agni_err err = {0};
	struct bytes good = unhex(HEX_LTPC), bad = bytes_of(good.p, good.len - 1);
	struct tick t;

	(void)state;
	check_i64(feed_frame_scan(&f, good.p, good.len, &err), 0);
	check_i64(feed_frame_scan(&f, bad.p, bad.len, &err), AGNI_EPARSE);
	check_i64(err.code, AGNI_EPARSE);
	check_str(err.text, "feed message: a number runs past the end (byte 55 of 55)");
	check(!feed_frame_next(&f, &t));
	check_i64(feed_frame_count(&f), 0);
	check_i64(feed_frame_scan(&f, NULL, 0, &err), 0);
	check(!feed_frame_next(&f, &t));
	feed_frame_fini(&f);
	free(good.p);
	free(bad.p);
}

/* ---- cut off, and the two ways through a message --------------------------------------------- */

/* Whether a message may end at `at`: only between its fields (of tags and lengths below 2^14). */
static bool is_border(const struct bytes *b, size_t at)
{
	size_t i = 0;

	while (i < at) {
		bool is_len = (b->p[i] & 7) == 2;
		size_t n = 0, shift = 0;

		do {
			i++;
			n |= (size_t)(b->p[i] & 0x7f) << shift;
			shift += 7;
		} while (b->p[i] & 0x80);
		i += 1 + (is_len ? n : 0);
	}
	return i == at;
}

static void test_every_cut(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(samples); s++) {
		struct bytes b = unhex(samples[s]);

		for (size_t at = 0; at <= b.len; at++)
			if (accepts(b.p, at) != is_border(&b, at))
				fail_msg("sample %zu cut at %zu", s, at);
		free(b.p);
	}
}

/* Any byte changed to anything: no crash, and what is refused stays refused as a whole. */
static void test_every_byte(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(samples); s++) {
		struct bytes b = unhex(samples[s]);

		for (size_t at = 0; at < b.len; at++) {
			uint8_t was = b.p[at];

			for (unsigned x = 0; x < 256; x += 5) {
				b.p[at] = (uint8_t)(was ^ x);
				(void)accepts(b.p, b.len);
			}
			b.p[at] = was;
		}
		free(b.p);
	}
}

/* An unknown field in every message sends all of them through the general readers, which must see
 * what the short ways saw. Also holds protobuf-c against both. */
static void both_ways(const uint8_t *p, size_t len, struct feed_frame *f, struct feed_frame *g)
{
	Agni__Feed__Response *r = agni__feed__response__unpack(NULL, len, p);
	static struct tick a, b;
	struct bytes odd;
	const char *what;

	check(r != NULL);
	unknown_add(&r->base, true);
	odd = bytes_new(agni__feed__response__get_packed_size(r));
	agni__feed__response__pack(r, odd.p);
	unknown_add(&r->base, false);
	check_i64(feed_frame_scan(f, p, len, NULL), 0);
	check_i64(feed_frame_scan(g, odd.p, odd.len, NULL), 0);
	check_i64(f->type, r->type);
	check_i64(f->type, g->type);
	check_i64(f->current_ts, r->current_ts);
	check_i64(f->current_ts, g->current_ts);
	check_i64(feed_frame_count(f), r->n_feeds);
	check_i64(feed_frame_count(g), r->n_feeds);
	for (size_t i = 0; i < r->n_feeds; i++) {
		check(feed_frame_next(f, &a) && feed_frame_next(g, &b));
		check_i64(a.key_len, strlen(r->feeds[i]->key));
		check(memcmp(a.key, r->feeds[i]->key, a.key_len) == 0);
		check_i64(a.key_len, b.key_len);
		check(memcmp(a.key, b.key, a.key_len) == 0);
		check_i64(a.rejected, 0);
		what = quote_differs(&a.q, &b.q);
		if (what)
			fail_msg("%.*s: the two ways differ in %s", (int)a.key_len, a.key, what);
		what = feed_disagrees(r->feeds[i]->value, &a.q);
		if (what)
			fail_msg("%.*s: protobuf-c has another %s", (int)a.key_len, a.key, what);
	}
	check_i64(f->has_market_info, r->market_info != NULL);
	free(odd.p);
	agni__feed__response__free_unpacked(r, NULL);
}

static void test_both_ways(void **state)
{
	struct feed_frame f = {0}, g = {0};

	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(samples); s++) {
		struct bytes b = unhex(samples[s]);

		both_ways(b.p, b.len, &f, &g);
		free(b.p);
	}
	feed_frame_fini(&f);
	feed_frame_fini(&g);
}

static void recorded(const char *relative)
{
	struct feed_frame f = {0}, g = {0};
	size_t len = 0, n = 0;
	char *all = data_read(relative, &len);

	if (!all)
		data_skip(relative);
	for (size_t at = 0; at + 4 <= len; n++) {
		uint32_t size;
		struct bytes b;

		memcpy(&size, all + at, 4);
		check(size <= len - at - 4);
		b = bytes_of(all + at + 4, size);
		both_ways(b.p, b.len, &f, &g);
		free(b.p);
		at += 4 + size;
	}
	print_message("%s: %zu messages\n", relative, n);
	check(n > 0);
	feed_frame_fini(&f);
	feed_frame_fini(&g);
	free(all);
}

static void test_recorded_chain(void **state)
{
	(void)state;
	recorded("ticks/upstox_frames_20260123_a.pbs");
}

static void test_recorded_misc(void **state)
{
	(void)state;
	recorded("ticks/upstox_frames_misc.pbs");
}

static void test_recorded_options(void **state)
{
	(void)state;
	recorded("ticks/upstox_banknifty_opt_20251215_first20k.pbs.gz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_market_info),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_entry_limit),
		cmocka_unit_test(test_refused_has_nothing),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_recorded_chain),
		cmocka_unit_test(test_recorded_misc),
		cmocka_unit_test(test_recorded_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
