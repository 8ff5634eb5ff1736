/* SPDX-License-Identifier: MIT
 *
 * The tape in its folder when all goes well: restarts, kills, segments, readers that are behind,
 * retention, both ways to sync.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "../lib/tape_rig.h"

static struct tape_rig r;

/* So many blocks of `n` ticks, some to a turn. */
static void fill(uint32_t blocks, uint32_t n)
{
	for (uint32_t i = 0; i < blocks; i++) {
		tape_rig_block(&r, n);
		if (i % 7 == 0)
			tape_rig_turn(&r);
	}
	tape_rig_settle(&r);
}

static void check_all(uint64_t ticks)
{
	struct tape_read got = tape_rig_read(&r, 0);

	check_i64(got.ticks, ticks);
	check_i64(got.gaps, 0);
}

static void test_restarts(void **state)
{
	char epoch[TAPE_EPOCH_TEXT];
	uint64_t ticks = 0;

	(void)state;
	for (int i = 0; i < 6; i++) {
		tape_rig_up(&r);
		if (i)
			check_str(r.tape.epoch, epoch);
		memcpy(epoch, r.tape.epoch, sizeof(epoch));
		check_i64(r.tape.seq, ticks);
		check_i64(r.tape.torn_bytes, 0);
		check_i64(r.tape.epochs, 0);
		fill(100, 5);
		ticks += 500;
		check_all(ticks);
		/* Three ends by three: clean, killed, killed with a turn that was not flushed. */
		if (i % 3 == 2) {
			tape_rig_block(&r, 5);
			check_i64(r.tape.last, ticks + 5);
			check_i64(r.tape.seq, ticks); /* nobody may see them */
		}
		(i % 3 ? tape_rig_kill : tape_rig_down)(&r);
	}
}

static void test_segments(void **state)
{
	uint64_t ticks = 0;

	(void)state;
	r.cfg.segment_bytes = 1 << 20;
	for (int i = 0; i < 3; i++) {
		tape_rig_up(&r);
		fill(5000, 10);
		ticks += 50000;
		check(r.tape.segments_n > 1);
		check_all(ticks);
		check_i64(tape_rig_read(&r, ticks - 1).ticks, 1);
		check_i64(tape_rig_read(&r, ticks).ticks, 0);
		check_i64(tape_rig_read(&r, ticks / 2).ticks, ticks - ticks / 2);
		(i == 1 ? tape_rig_kill : tape_rig_down)(&r);
	}
}

/* Many readers at once share what is read. */
static void test_readers_share(void **state)
{
	struct tape_cursor c[50] = {{0}};
	struct bitset wanted = {0};
	uint32_t budget;
	struct tape_tick tick;
	struct tape_gap gap;
	size_t done = 0;
	uint64_t seen[50] = {0};

	(void)state;
	tape_rig_up(&r);
	fill(20000, 10);
	tape_rig_down(&r);
	tape_rig_up(&r);
	bitset_add(&wanted, 3);
	for (int turn = 0; turn < 100000 && done < ARRAY_LEN(c); turn++) {
		done = 0;
		for (size_t i = 0; i < ARRAY_LEN(c); i++) {
			enum tape_step step;

			tape_cursor_begin(&c[i]);
			budget = 3000;
			while ((step = tape_cursor_next(&r.tape, &c[i], &wanted, &budget, &tick,
							&gap)) == TAPE_STEP_TICK)
				seen[i]++;
			done += step == TAPE_STEP_EDGE;
			check(step != TAPE_STEP_GAP);
		}
		tape_rig_turn(&r);
		check(r.tape.cache_n <= 32);
		uv_sleep(turn % 50 == 49);
	}
	for (size_t i = 0; i < ARRAY_LEN(c); i++)
		check_i64(seen[i], 20000);
	check(r.tape.loads < 200); /* not 50 times as many */
	bitset_fini(&wanted);
	tape_rig_down(&r);
}

/* A segment that was not closed has no index: it is made by reading. */
static void test_no_index(void **state)
{
	size_t len, cut;
	uint8_t *bytes;

	(void)state;
	tape_rig_up(&r);
	fill(3000, 10);
	tape_rig_down(&r);
	tape_rig_up(&r);
	fill(10, 10);
	tape_rig_down(&r);
	bytes = tape_file_read(tape_rig_path(&r, 1), &len);
	memcpy(&cut, bytes + len - sizeof(uint64_t), sizeof(cut)); /* the index's offset */
	tape_file_write(tape_rig_path(&r, 1), bytes, cut);
	free(bytes);
	tape_rig_up(&r);
	check_all(30100);
	check_i64(r.tape.damaged, 0);
	tape_rig_down(&r);
}

static void test_retention(void **state)
{
	struct tape_read got;
	uint64_t last;

	(void)state;
	r.cfg.segment_bytes = 1 << 20;
	r.cfg.keep_bytes = 3 << 20;
	tape_rig_up(&r);
	fill(30000, 10);
	last = r.tape.seq;
	check(r.tape.deleted > 0);
	check(r.tape.folder_bytes <= 4 << 20);
	check(access(tape_rig_path(&r, 1), F_OK) < 0);
	got = tape_rig_read(&r, 0);
	check_i64(got.gaps, 1);
	check_i64(got.gap_from, 1);
	check_i64(got.gap_to, tape_floor(&r.tape) - 1);
	check_str(got.reason, "retention");
	check_i64(got.ticks + got.gap_ticks, last);
	/* By age: only the newest stays, and with it seq and epoch. */
	r.cfg.keep_bytes = 0;
	clock_advance(&r.clock, 8 * 86400000ull);
	tape_retain(&r.tape);
	check_i64(r.tape.segments_n, 1);
	tape_rig_down(&r);
	tape_rig_up(&r);
	check_i64(r.tape.seq, last);
	check_i64(r.tape.epochs, 0);
	tape_rig_down(&r);
}

/* With sync=turn nothing is seen before its batch is on the disk. */
static void test_sync_turn(void **state)
{
	(void)state;
	r.cfg.sync = TAPE_TURN;
	tape_rig_up(&r);
	tape_rig_settle(&r);
	tape_rig_block(&r, 4);
	tape_rig_block(&r, 4);
	check_i64(r.delivered, 0);
	check_i64(r.tape.seq, 0);
	tape_flush(&r.tape);
	check(r.tape.commit != NULL);
	check_i64(r.delivered, 0);
	tape_rig_block(&r, 4); /* waits for the next batch */
	tape_rig_settle(&r);
	check_i64(r.delivered, 12);
	check_i64(r.tape.seq, 12);
	check(tape_faults.syncs >= 2);
	for (int i = 0; i < 300; i++) {
		tape_rig_block(&r, 300); /* large blocks, while batches are in flight */
		if (i % 3 == 0)
			tape_rig_turn(&r);
		check_i64(r.tape.seq, r.delivered_last);
	}
	tape_rig_settle(&r);
	check_i64(r.delivered, 12 + 300 * 300);
	check_all(12 + 300 * 300);
	tape_rig_down(&r);
	tape_rig_up(&r);
	check_i64(r.tape.epochs, 0);
	check_i64(r.tape.seq, 12 + 300 * 300);
	check_all(12 + 300 * 300);
	tape_rig_kill(&r);
}

/* The lock names who holds it. */
static void check_lock(const char *want)
{
	char path[160], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/lock", r.dir);
	f = fopen(path, "r");
	check(f != NULL);
	check_i64(fread(text, 1, sizeof(text) - 1, f), strlen(want));
	fclose(f);
	check_str(text, want);
}

/* Live, simulated and replayed prices never meet. */
static void test_sources(void **state)
{
	struct agni_err err = {0};
	struct tape other;
	struct module *m;
	char dir[128], word[64], pid[32];

	(void)state;
	snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	snprintf(word, sizeof(word), "another process (%ld) records to ", (long)getpid());
	tape_rig_up(&r);
	fill(10, 1);
	check_lock(pid);
	/* The folder is taken while a process records to it. */
	tape_init(&other, 1 << 20);
	m = tape_module(&other, &(struct tape_deps){.loop = &r.loop,
						    .cfg = &r.cfg,
						    .data_dir = r.parent,
						    .source = "sim",
						    .instruments = &r.instruments});
	check(m->ops->start(m, &err) < 0);
	check(strstr(err.text, word) != NULL);
	tape_fini(&other);
	check_lock(pid); /* it is the first one's still */
	tape_rig_down(&r);
	check_lock("");
	/* Files of one source in another's folder are refused. */
	snprintf(dir, sizeof(dir), "%s/upstox", r.parent);
	check_i64(rename(r.dir, dir), 0);
	tape_init(&other, 1 << 20);
	m = tape_module(&other, &(struct tape_deps){.loop = &r.loop,
						    .cfg = &r.cfg,
						    .data_dir = r.parent,
						    .source = "upstox",
						    .instruments = &r.instruments});
	check_i64(m->ops->start(m, &err), AGNI_ECONFIG);
	check(strstr(err.text, "folder of its own") != NULL);
	tape_fini(&other);
	check_i64(rename(dir, r.dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) tape_rig_test(f, &r)
		TEST(test_restarts), TEST(test_segments),  TEST(test_readers_share),
		TEST(test_no_index), TEST(test_retention), TEST(test_sync_turn),
		TEST(test_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
