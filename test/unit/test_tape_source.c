/* SPDX-License-Identifier: MIT
 *
 * tape_source: recordings made here, whole and damaged in every way, and the real ones.
 */
#include "../lib/check.h"
#include "../lib/data.h"

#include <stdio.h>
#include <unistd.h>

#include <zlib.h>

#include "sim/tape_source.h"
#include "upstox/encode.h"

#define MESSAGES 20

/* A tape in memory and the place of each record in it. */
struct made {
	struct buf bytes;
	size_t at[MESSAGES + 1];
	char path[64];
};

static void append_record(struct buf *out, const void *bytes, size_t len)
{
	unsigned char head[4] = {(unsigned char)len, (unsigned char)(len >> 8),
				 (unsigned char)(len >> 16), (unsigned char)(len >> 24)};

	buf_append(out, head, sizeof(head));
	buf_append(out, bytes, len);
}

/* Message i: market_info first, then two keys of three with a price that tells i. */
static void encode(struct feed_encoder *e, int i, struct buf *out)
{
	static const char *const keys[] = {"NSE_INDEX|Nifty 50", "NSE_FO|1", "NSE_FO|2"};
	struct quote q;

	feed_encoder_begin(e, i == 0 ? FEED_MARKET_INFO : FEED_LIVE, 1000 + 150 * i);
	if (i == 0)
		feed_encoder_add_status(e, "NSE_COM", STATUS_NORMAL_OPEN);
	for (int k = 0; i > 0 && k < 2; k++) {
		quote_clear(&q);
		q.present = QUOTE_LTP | QUOTE_MSG_LTPC;
		q.arm = ARM_LTPC;
		q.ltp = (i + 1) * 10000;
		feed_encoder_add(e, keys[(i + k) % 3], &q, MODE_LTPC);
	}
	feed_encoder_end(e, out);
}

static void make_tape(struct made *m)
{
	struct feed_encoder *e = feed_encoder_create();
	struct buf one = {0};

	*m = (struct made){0};
	snprintf(m->path, sizeof(m->path), "/tmp/agni-tape-XXXXXX");
	close(mkstemp(m->path));
	for (int i = 0; i < MESSAGES; i++) {
		m->at[i] = m->bytes.len;
		buf_reset(&one);
		encode(e, i, &one);
		append_record(&m->bytes, one.data, one.len);
	}
	m->at[MESSAGES] = m->bytes.len;
	buf_fini(&one);
	feed_encoder_destroy(e);
}

static void drop_tape(struct made *m)
{
	unlink(m->path);
	buf_fini(&m->bytes);
}

static void save(const struct made *m, const void *bytes, size_t len)
{
	FILE *f = fopen(m->path, "wb");

	check(f != NULL);
	check_i64(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

/* Plays the file at m->path to its end; returns the number of messages, each compared with what was
 * recorded. */
static int play(struct made *m, struct tape_facts *facts)
{
	struct instruments keys;
	struct tape_source *t;
	struct message msg = {0};
	struct agni_err err;
	int n = 0;

	instruments_init(&keys, 100);
	check_i64(tape_source_open(m->path, &keys, &t, &err), 0);
	while (tape_source_next(t, &msg)) {
		check_i64(msg.raw_len, m->at[n + 1] - m->at[n] - 4);
		check(memcmp(msg.raw, m->bytes.data + m->at[n] + 4, msg.raw_len) == 0);
		check_i64(msg.ts_ms, 1000 + 150 * n);
		check_i64(msg.n, n == 0 ? 0 : 2);
		check(msg.has_info == (n == 0));
		for (uint32_t i = 0; i < msg.n; i++) {
			check_i64(msg.ticks[i].q.ltp, (n + 1) * 10000);
			check(strlen(instruments_key(&keys, msg.ids[i])) == msg.ticks[i].key_len);
		}
		n++;
		check_i64(tape_source_next_ms(t), n < (int)tape_source_facts(t)->messages
							  ? 1000 + 150 * n
							  : tape_source_facts(t)->last_ms);
	}
	check(tape_source_at_end(t));
	*facts = *tape_source_facts(t);
	check_i64(facts->messages, n);
	tape_source_close(t);
	feed_message_fini(&msg);
	instruments_fini(&keys);
	return n;
}

static void test_whole(void **state)
{
	struct made m;
	struct tape_facts f;

	(void)state;
	make_tape(&m);
	save(&m, m.bytes.data, m.bytes.len);
	check_i64(play(&m, &f), MESSAGES);
	check_str(f.problem, "");
	check_i64(f.invalid, 0);
	check_i64(f.first_ms, 1000);
	check_i64(f.last_ms, 1000 + 150 * (MESSAGES - 1));
	check_i64(f.segments_n, 3);
	check_str(f.segments[0], "NSE_COM");
	check_str(f.segments[1], "NSE_FO");
	check_str(f.segments[2], "NSE_INDEX");
	drop_tape(&m);
}

/* Cut at every byte: what is whole plays, and a cut inside a record is told. */
static void test_cut(void **state)
{
	struct made m;
	struct tape_facts f;

	(void)state;
	make_tape(&m);
	for (size_t cut = m.at[1]; cut < m.bytes.len; cut++) {
		int whole = 0;

		while (m.at[whole + 1] <= cut)
			whole++;
		save(&m, m.bytes.data, cut);
		check_i64(play(&m, &f), whole);
		check((f.problem[0] != '\0') == (cut != m.at[whole]));
	}
	drop_tape(&m);
}

static void test_gzip(void **state)
{
	struct made m;
	struct tape_facts f;
	struct buf packed = {0};
	gzFile gz;
	FILE *file;
	char chunk[4096];
	size_t n;

	(void)state;
	make_tape(&m);
	gz = gzopen(m.path, "wb");
	check_i64(gzwrite(gz, m.bytes.data, (unsigned)m.bytes.len), m.bytes.len);
	gzclose(gz);
	check_i64(play(&m, &f), MESSAGES);
	check_str(f.problem, "");

	file = fopen(m.path, "rb");
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_append(&packed, chunk, n);
	fclose(file);
	save(&m, packed.data, packed.len * 3 / 4);
	check(play(&m, &f) < MESSAGES);
	check(f.problem[0] != '\0');
	buf_fini(&packed);
	drop_tape(&m);
}

static void test_damage_inside(void **state)
{
	struct made m;
	struct tape_facts f;
	struct buf bad = {0};
	static const unsigned char huge[4] = {0xff, 0xff, 0xff, 0x7f};

	(void)state;
	make_tape(&m);
	/* A whole record that is no FeedResponse is left out. */
	buf_append(&bad, m.bytes.data, m.at[3]);
	append_record(&bad, "\xff\xff\xff", 3);
	buf_append(&bad, m.bytes.data + m.at[3], m.bytes.len - m.at[3]);
	save(&m, bad.data, bad.len);
	check_i64(play(&m, &f), MESSAGES);
	check_i64(f.invalid, 1);
	check_str(f.problem, "");
	/* A length that cannot be ends the tape. */
	buf_reset(&bad);
	buf_append(&bad, m.bytes.data, m.at[5]);
	buf_append(&bad, huge, sizeof(huge));
	save(&m, bad.data, bad.len);
	check_i64(play(&m, &f), 5);
	check_str(f.problem, "a length beyond 16 MiB in record 6");
	buf_fini(&bad);
	drop_tape(&m);
}

static void test_refused(void **state)
{
	struct made m;
	struct instruments keys;
	struct tape_source *t;
	struct agni_err err;

	(void)state;
	make_tape(&m);
	instruments_init(&keys, 100);
	save(&m, "", 0);
	check_i64(tape_source_open(m.path, &keys, &t, &err), AGNI_EPARSE);
	check(t == NULL);
	unlink(m.path);
	check_i64(tape_source_open(m.path, &keys, &t, &err), AGNI_ENOTFOUND);
	instruments_fini(&keys);
	drop_tape(&m);
}

static void test_rewind(void **state)
{
	struct made m;
	struct instruments keys;
	struct tape_source *t;
	struct message msg = {0};
	struct agni_err err;
	int n = 0;

	(void)state;
	make_tape(&m);
	save(&m, m.bytes.data, m.bytes.len);
	instruments_init(&keys, 100);
	check_i64(tape_source_open(m.path, &keys, &t, &err), 0);
	for (int round = 0; round < 3; round++) {
		while (tape_source_next(t, &msg))
			n++;
		tape_source_rewind(t);
	}
	check_i64(n, 3 * MESSAGES);
	check_i64(keys.count, 3);
	tape_source_close(t);
	feed_message_fini(&msg);
	instruments_fini(&keys);
	drop_tape(&m);
}

/* A recorded tape comes out byte for byte. */
static void play_real(const char *name, uint64_t messages, uint32_t keys_n)
{
	struct instruments keys;
	struct tape_source *t;
	struct message msg = {0};
	struct agni_err err;
	size_t len = 0, at = 0;
	char *bytes = data_read(name, &len);
	uint64_t n = 0;

	if (!bytes) {
		data_skip(name);
		return;
	}
	instruments_init(&keys, 1000);
	check_i64(tape_source_open(data_path(name), &keys, &t, &err), 0);
	check_i64(tape_source_facts(t)->messages, messages);
	check_str(tape_source_facts(t)->problem, "");
	check_i64(keys.count, keys_n);
	for (; tape_source_next(t, &msg); n++) {
		check(memcmp(bytes + at + 4, msg.raw, msg.raw_len) == 0);
		at += 4 + msg.raw_len;
	}
	check_i64(n, messages);
	check_i64(at, len);
	tape_source_close(t);
	feed_message_fini(&msg);
	instruments_fini(&keys);
	free(bytes);
}

static void test_real_frames(void **state)
{
	(void)state;
	play_real("ticks/upstox_frames_20260123_a.pbs", 70, 36);
}

static void test_real_first20k(void **state)
{
	(void)state;
	play_real("ticks/upstox_banknifty_opt_20251215_first20k.pbs.gz", 8912, 5);
}

static void test_real_misc(void **state)
{
	(void)state;
	play_real("ticks/upstox_frames_misc.pbs", 3, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),       cmocka_unit_test(test_cut),
		cmocka_unit_test(test_gzip),        cmocka_unit_test(test_damage_inside),
		cmocka_unit_test(test_refused),     cmocka_unit_test(test_rewind),
		cmocka_unit_test(test_real_frames), cmocka_unit_test(test_real_first20k),
		cmocka_unit_test(test_real_misc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
