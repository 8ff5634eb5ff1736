/* SPDX-License-Identifier: MIT
 *
 * A tape written by a tool and read from end to end: every tick with its key over several chunks, a
 * number and an epoch to begin with, damage that is stepped over without a guess.
 */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "../lib/tape_rig.h"
#include "tape/codec.h"
#include "tape/reader.h"
#include "tape/writer.h"

#define BLOCKS 9000
#define KEYS   90

static struct tape_rig r; /* for its folder alone */

static void write_tape(uint64_t epoch, uint64_t seq)
{
	struct tape_writer w;
	struct agni_err err;
	struct quote q = {.present = QUOTE_LTP | QUOTE_VTT};

	if (tape_writer_open(&w, r.parent, "sim", epoch, seq, &err) < 0)
		fail_msg("%s", err.text);
	for (int i = 0; i < BLOCKS; i++) {
		struct tick_meta meta = {.ts_ms = 1000 + i};

		tape_begin(&w.tape, &meta);
		for (int k = 0; k < 5; k++) {
			char key[32];

			snprintf(key, sizeof(key), "NSE_FO|%d", (i + k) % KEYS);
			q.ltp = (price_t)w.tape.last + 1;
			q.vtt = (i + k) % KEYS;
			check(tape_writer_tick(&w, key, strlen(key), &q));
		}
		check(!tape_writer_tick(&w, "no key", 6, &q));
		tape_end(&w.tape);
		if (i % 100 == 0)
			check_i64(tape_writer_flush(&w, &err), 0);
	}
	check_i64(tape_writer_close(&w, &err), 0);
}

/* Every tick that is given out is right; returns how many there were. */
static uint64_t read_tape(struct tape_reader *reader, uint64_t *first)
{
	struct tape_record rec;
	struct tape_block b;
	struct tape_item item;
	struct quote q;
	uint64_t n = 0;

	*first = 0;
	while (tape_reader_next(reader, &rec)) {
		if (!tape_block_open(&b, &rec))
			continue;
		while (tape_block_next(&b, &item)) {
			const char *key = tape_reader_key(reader, item.instrument);

			check(key && tape_tick_decode(item.bytes, item.len, b.times.ts_ms, &q));
			check_i64(q.ltp, item.seq);
			check_i64(atoi(key + strlen("NSE_FO|")), q.vtt);
			*first = *first ? *first : item.seq;
			n++;
		}
	}
	return n;
}

static void test_whole(void **state)
{
	struct tape_reader reader;
	struct agni_err err;
	uint64_t first;

	(void)state;
	write_tape(0x1234, 1000);
	check_i64(tape_reader_open(&reader, r.dir, &err), 0);
	check_i64(read_tape(&reader, &first), 5 * BLOCKS);
	check_i64(first, 1001);
	check_i64(reader.header.epoch, 0x1234);
	check_i64(reader.damages, 0);
	check_i64(reader.files, 1);
	tape_reader_rewind(&reader);
	check_i64(read_tape(&reader, &first), 5 * BLOCKS);
	tape_reader_close(&reader);
	/* One file alone, and what is not there. */
	check_i64(tape_reader_open(&reader, tape_rig_path(&r, 1), &err), 0);
	check_i64(read_tape(&reader, &first), 5 * BLOCKS);
	tape_reader_close(&reader);
	check_i64(tape_reader_open(&reader, r.parent, &err), AGNI_ENOTFOUND);
	check(tape_reader_open(&reader, "/nonexistent", &err) < 0);
}

/* Behind damage the numbers of the chunk may mean anything: nothing of it until the next one. */
static void test_damage(void **state)
{
	struct tape_reader reader;
	struct agni_err err;
	uint64_t first, got;
	uint8_t *bytes;
	size_t len;

	(void)state;
	write_tape(0, 0);
	bytes = tape_file_read(tape_rig_path(&r, 1), &len);
	check(len > 3 * TAPE_CHUNK_BYTES); /* several chunks */
	bytes[400000] ^= 4;
	tape_file_write(tape_rig_path(&r, 1), bytes, len);
	free(bytes);
	check_i64(tape_reader_open(&reader, r.dir, &err), 0);
	got = read_tape(&reader, &first);
	check_i64(reader.damages, 1);
	check(got < 5 * BLOCKS && got > 5 * BLOCKS / 2);
	check_i64(got + reader.left_out, 5 * BLOCKS);
	tape_reader_close(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		tape_rig_test(test_whole, &r),
		tape_rig_test(test_damage, &r),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
