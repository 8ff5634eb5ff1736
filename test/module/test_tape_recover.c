/* SPDX-License-Identifier: MIT
 *
 * What a start makes of the folder: the last file cut at every byte, one bit changed anywhere in the
 * newest and in an older file, another boot, rests of files. Always: what can be read is what was
 * written, what cannot is a gap with its bounds, and no (epoch, seq) is given twice.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/check.h"
#include "../lib/tape_rig.h"
#include "core/rand.h"

static struct tape_rig r;

static int setup(void **state)
{
	(void)state;
	tape_rig_init(&r);
	r.cfg.memory_bytes = 200000; /* thousands of starts, and each touches all of it */
	log_to_fd(-1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_to_fd(2);
	tape_rig_fini(&r);
	return 0;
}

static void fill(uint32_t blocks, uint32_t n)
{
	for (uint32_t i = 0; i < blocks; i++) {
		tape_rig_block(&r, n);
		tape_flush(&r.tape);
	}
}

/* The folder as a killed process leaves it: `old` closed by a stop, then the newest. Returns the
 * bytes of the newest and its path's ordinal. */
static uint8_t *make_folder(uint32_t old, uint32_t newest, size_t *len, char *epoch)
{
	tape_rig_up(&r);
	fill(old, 4);
	tape_rig_down(&r);
	tape_rig_up(&r);
	fill(newest, 4);
	memcpy(epoch, r.tape.epoch, TAPE_EPOCH_TEXT);
	tape_rig_kill(&r);
	return tape_file_read(tape_rig_path(&r, 2), len);
}

/* Back to the two files. */
static void restore(const uint8_t *first, size_t first_len, const uint8_t *second, size_t len)
{
	char path[TAPE_PATH_MAX + 16];

	for (uint64_t n = 1; n < 6; n++) {
		unlink(tape_rig_path(&r, n));
		snprintf(path, sizeof(path), "%s" TAPE_DAMAGED_SUFFIX, tape_rig_path(&r, n));
		unlink(path);
	}
	tape_file_write(tape_rig_path(&r, 1), first, first_len);
	tape_file_write(tape_rig_path(&r, 2), second, len);
}

/* Offsets of the ends of the records in a segment's bytes; the header is the first. */
static size_t record_end(const uint8_t *bytes, size_t len, size_t at)
{
	struct tape_walk w = {.p = bytes + at, .end = bytes + len};
	struct tape_record rec;

	return tape_walk_next(&w, &rec) == TAPE_SOUND ? (size_t)(w.p - bytes) : 0;
}

static uint64_t ticks_up_to(const uint8_t *bytes, size_t len)
{
	struct tape_walk w = {.p = bytes + sizeof(struct tape_segment_header), .end = bytes + len};
	struct tape_record rec;
	uint64_t n = 0;

	while (len > sizeof(struct tape_segment_header) && tape_walk_next(&w, &rec) == TAPE_SOUND)
		n += rec.head.ticks;
	return n;
}

/* Cut anywhere, the tail was never shown: whole records stay, the epoch goes on. */
static void test_cut_at_every_byte(void **state)
{
	char epoch[TAPE_EPOCH_TEXT];
	size_t len, first_len;
	uint8_t *second = make_folder(20, 12, &len, epoch);
	uint8_t *first = tape_file_read(tape_rig_path(&r, 1), &first_len);

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		uint64_t whole = 80 + ticks_up_to(second, cut);
		struct tape_read got;

		restore(first, first_len, second, cut);
		tape_rig_up(&r);
		check_str(r.tape.epoch, epoch);
		check_i64(r.tape.seq, whole);
		check_i64(r.tape.damaged, 0);
		fill(1, 4);
		got = tape_rig_read(&r, 0);
		check_i64(got.ticks, whole + 4);
		check_i64(got.gaps, 0);
		tape_rig_down(&r);
	}
	free(first);
	free(second);
}

/* Torn bytes are counted to the byte. */
static void test_torn_bytes(void **state)
{
	char epoch[TAPE_EPOCH_TEXT];
	size_t len, first_len, at = sizeof(struct tape_segment_header), next;
	uint8_t *second = make_folder(1, 5, &len, epoch);
	uint8_t *first = tape_file_read(tape_rig_path(&r, 1), &first_len);

	(void)state;
	while ((next = record_end(second, len, at)) && next < len)
		at = next;
	for (size_t cut = at; cut < len; cut++) {
		restore(first, first_len, second, cut);
		tape_rig_up(&r);
		check_i64(r.tape.torn_bytes, cut - at);
		check_i64(r.tape.seq, 4 + 16);
		tape_rig_kill(&r);
	}
	/* A tail of zeros, as a file system may leave it, is no data either. */
	second = mem_realloc(second, len + 5000);
	memset(second + len, 0, 5000);
	restore(first, first_len, second, len + 5000);
	tape_rig_up(&r);
	check_i64(r.tape.torn_bytes, 5000);
	check_i64(r.tape.seq, 4 + 20);
	check_str(r.tape.epoch, epoch);
	tape_rig_down(&r);
	free(first);
	free(second);
}

/* One bit of the newest file: either the tail is proved and the epoch goes on from it, or a new one
 * begins above everything; what is read is right; the rest is a gap. */
static void test_flip_in_newest(void **state)
{
	char epoch[TAPE_EPOCH_TEXT];
	size_t len, first_len;
	uint8_t *second = make_folder(5, 12, &len, epoch);
	uint8_t *first = tape_file_read(tape_rig_path(&r, 1), &first_len);
	int same = 0, fresh = 0;

	(void)state;
	for (size_t bit = 0; bit < 8 * len; bit += bit < 8 * 104 ? 1 : 5) {
		struct tape_read got;

		second[bit / 8] ^= (uint8_t)(1u << bit % 8);
		restore(first, first_len, second, len);
		second[bit / 8] ^= (uint8_t)(1u << bit % 8);
		tape_rig_up(&r);
		check_i64(r.tape.damaged, 1);
		if (strcmp(r.tape.epoch, epoch) == 0) {
			check_i64(r.tape.seq, 20 + 48);
			same++;
		} else {
			check(r.tape.seq > 20 + 48);
			check_i64(tape_floor(&r.tape), r.tape.seq + 1);
			fresh++;
		}
		fill(1, 4);
		got = tape_rig_read(&r, 0);
		check_i64(got.ticks, 20 + 4); /* the file is set aside as a whole */
		check_i64(got.gaps, 1);
		check_i64(got.gap_from, 21);
		check_i64(got.gap_to, r.tape.seq - 4);
		tape_rig_down(&r);
	}
	check(same > 100 && fresh > 100);
	free(first);
	free(second);
}

/* An older file is not looked at when the server starts, but when it is read. */
static void test_flip_in_older(void **state)
{
	char epoch[TAPE_EPOCH_TEXT];
	size_t len, first_len;
	uint8_t *second = make_folder(12, 5, &len, epoch);
	uint8_t *first = tape_file_read(tape_rig_path(&r, 1), &first_len);
	int gaps = 0;

	(void)state;
	for (size_t bit = 0; bit < 8 * first_len; bit += 3) {
		struct tape_read got;

		first[bit / 8] ^= (uint8_t)(1u << bit % 8);
		restore(first, first_len, second, len);
		first[bit / 8] ^= (uint8_t)(1u << bit % 8);
		tape_rig_up(&r);
		check_str(r.tape.epoch, epoch); /* a damaged old file is a gap, not an epoch */
		check_i64(r.tape.seq, 48 + 20);
		got = tape_rig_read(&r, 0);
		check_i64(got.ticks + got.gap_ticks, 68);
		check(got.ticks >= 20);
		if (got.gaps) {
			check_i64(got.gaps, 1);
			check_i64(got.gap_to, 48);
			check_i64(r.tape.damaged, 1);
			gaps++;
		}
		tape_rig_kill(&r);
	}
	check(gaps > 100);
	free(first);
	free(second);
}

static void set_boot(uint8_t *bytes, uint32_t flags, uint8_t boot)
{
	struct tape_segment_header h;

	memcpy(&h, bytes, sizeof(h));
	h.flags = flags;
	h.boot[3] ^= boot;
	segment_header_seal(&h);
	memcpy(bytes, &h, sizeof(h));
}

/* Written by another boot of the system: what was shown may be gone, unless it stopped or showed
 * only what was on the disk. */
static void test_another_boot(void **state)
{
	char epoch[TAPE_EPOCH_TEXT], fresh[TAPE_EPOCH_TEXT];
	size_t len, first_len;
	uint8_t *second = make_folder(5, 5, &len, epoch);
	uint8_t *first = tape_file_read(tape_rig_path(&r, 1), &first_len);

	(void)state;
	set_boot(second, 0, 1);
	restore(first, first_len, second, len);
	tape_rig_up(&r);
	check(strcmp(r.tape.epoch, epoch) != 0);
	check(r.tape.seq > 40);
	memcpy(fresh, r.tape.epoch, sizeof(fresh));
	tape_rig_kill(&r); /* before a single tick: the decision stands all the same */
	tape_rig_up(&r);
	check_str(r.tape.epoch, fresh);
	tape_rig_kill(&r);
	set_boot(second, TAPE_SYNC_TURN, 0);
	restore(first, first_len, second, len);
	tape_rig_up(&r);
	check_str(r.tape.epoch, epoch);
	check_i64(r.tape.seq, 40);
	tape_rig_kill(&r);
	/* After a clean stop the boot does not matter. */
	unlink(tape_rig_path(&r, 3));
	unlink(tape_rig_path(&r, 2));
	set_boot(first, 0, 1);
	restore(first, first_len, first, 0);
	tape_rig_up(&r);
	check_str(r.tape.epoch, epoch);
	check_i64(r.tape.seq, 20);
	tape_rig_down(&r);
	free(first);
	free(second);
}

/* The newest file cannot be read at all (here it is a folder): a new epoch, above the older ones. */
static void test_unreadable(void **state)
{
	char epoch[TAPE_EPOCH_TEXT];
	char path[TAPE_PATH_MAX + 16];
	uint64_t last;

	(void)state;
	tape_rig_up(&r);
	fill(10, 3);
	memcpy(epoch, r.tape.epoch, sizeof(epoch));
	tape_rig_kill(&r);
	check_i64(mkdir(tape_rig_path(&r, 2), 0700), 0);
	tape_rig_up(&r);
	check(strcmp(r.tape.epoch, epoch) != 0);
	check(r.tape.seq > 30);
	check_i64(r.tape.damaged, 1);
	last = r.tape.seq;
	fill(1, 3);
	check_i64(tape_rig_read(&r, last).ticks, 3);
	check_i64(tape_rig_read(&r, 0).ticks, 33);
	tape_rig_kill(&r);
	tape_rig_up(&r);
	check_i64(r.tape.seq, last + 3);
	check_i64(r.tape.epochs, 0);
	tape_rig_down(&r);
	snprintf(path, sizeof(path), "%s" TAPE_DAMAGED_SUFFIX, tape_rig_path(&r, 2));
	check_i64(rmdir(path), 0);
}

/* Any folder of rests is started on. */
static void test_rests(void **state)
{
	struct rng rng = {7};
	uint8_t bytes[4096];

	(void)state;
	tape_rig_up(&r);
	tape_rig_down(&r);
	for (int i = 0; i < 200; i++) {
		size_t len = rng_below(&rng, sizeof(bytes));
		uint64_t seq;

		for (size_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)rng_next(&rng);
		for (uint64_t n = 1; n < 200; n++)
			unlink(tape_rig_path(&r, n));
		tape_file_write(tape_rig_path(&r, 1 + rng_below(&rng, 3)), bytes, len);
		tape_rig_up(&r);
		seq = r.tape.seq;
		fill(2, 3);
		check_i64(tape_rig_read(&r, seq).ticks, 6);
		tape_rig_down(&r);
		tape_rig_up(&r);
		check_i64(r.tape.seq, seq + 6);
		tape_rig_down(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(test_cut_at_every_byte), TEST(test_torn_bytes),   TEST(test_flip_in_newest),
		TEST(test_flip_in_older),     TEST(test_another_boot), TEST(test_rests),
		TEST(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
