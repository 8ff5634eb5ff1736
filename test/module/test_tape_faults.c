/* SPDX-License-Identifier: MIT
 *
 * The tape when the disk fails: short writes, ENOSPC, EIO, a sync that fails, each write in turn; a
 * disk that is full at start, and one that does not keep up. What was shown goes on, in a new
 * epoch; what was on the tape stays; what was not is a gap.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "../lib/tape_rig.h"

static struct tape_rig r;

static void fill(uint32_t blocks)
{
	for (uint32_t i = 0; i < blocks; i++) {
		tape_rig_block(&r, 3);
		tape_flush(&r.tape);
	}
}

static enum health health(char why[HEALTH_WHY_MAX])
{
	return r.mod->ops->health(r.mod, why);
}

static void wait_recovered(void)
{
	for (int i = 0; i < 10000 && r.tape.is_degraded; i++) {
		clock_advance(&r.clock, 5);
		tape_rig_turn(&r);
		uv_sleep(1);
	}
	check(!r.tape.is_degraded);
}

static void test_short_writes(void **state)
{
	(void)state;
	tape_rig_up(&r);
	tape_faults.short_to = 7;
	fill(50);
	check(!r.tape.is_degraded);
	check(tape_faults.writes > 100);
	tape_faults.short_to = 0;
	tape_rig_kill(&r);
	tape_rig_up(&r);
	check_i64(tape_rig_read(&r, 0).ticks, 150);
	check_i64(r.tape.torn_bytes, 0);
	tape_rig_down(&r);
}

/* The disk is full for a while, in the middle of a batch. */
static void test_full(void **state)
{
	char epoch[TAPE_EPOCH_TEXT], degraded[TAPE_EPOCH_TEXT], why[HEALTH_WHY_MAX];
	struct tape_read got;

	(void)state;
	tape_rig_up(&r);
	fill(100);
	memcpy(epoch, r.tape.epoch, sizeof(epoch));
	check_i64(health(why), HEALTH_UP);
	tape_faults.short_to = 100; /* a part of it is taken */
	tape_faults.write_in = 2;
	tape_faults.write_rc = -ENOSPC;
	tape_faults.is_lasting = true;
	tape_faults.create_rc = -ENOSPC;
	fill(1);
	/* Shown all the same, under another epoch, and said. */
	check(r.tape.is_degraded);
	check_i64(r.tape.seq, 303);
	check(strcmp(epoch, r.tape.epoch) != 0);
	memcpy(degraded, r.tape.epoch, sizeof(degraded));
	check_i64(health(why), HEALTH_DEGRADED);
	check(strstr(why, "not recording since seq 301") != NULL);
	check(strstr(why, "no space left") != NULL);
	check_i64(r.tape.degraded_now, 1);
	check_i64(tape_floor(&r.tape), 301);
	fill(50);
	check_i64(tape_rig_read(&r, 0).ticks, 453); /* memory has them */
	/* It stays so as long as nothing can be begun. */
	clock_advance(&r.clock, 1000);
	for (int i = 0; i < 30; i++) {
		tape_rig_turn(&r);
		uv_sleep(1);
	}
	check(r.tape.is_degraded);
	check(r.tape.errors > 1);
	tape_faults = (struct tape_faults){0};
	wait_recovered();
	check_i64(health(why), HEALTH_UP);
	check_str(r.tape.epoch, degraded);
	fill(10);
	check_i64(r.tape.degraded_total, 1);
	tape_rig_kill(&r);
	/* What a restart can know: all but what was shown and not kept. */
	tape_rig_up(&r);
	check_str(r.tape.epoch, degraded);
	check_i64(r.tape.seq, 483);
	check_i64(tape_floor(&r.tape), 454);
	got = tape_rig_read(&r, 0);
	check_i64(got.ticks, 330);
	check_i64(got.gaps, 1);
	check_i64(got.gap_from, 301);
	check_i64(got.gap_to, 453);
	check_str(got.reason, "not_recorded");
	tape_rig_down(&r);
}

/* Killed while degraded: whatever the folder says, no (epoch, seq) is given twice. */
static void test_killed_while_degraded(void **state)
{
	char shown[TAPE_EPOCH_TEXT];

	(void)state;
	tape_rig_up(&r);
	fill(10);
	tape_faults.write_in = 1;
	tape_faults.write_rc = -EIO;
	tape_faults.create_rc = -EIO;
	fill(10);
	memcpy(shown, r.tape.epoch, sizeof(shown));
	check(r.tape.is_degraded);
	tape_rig_kill(&r);
	tape_faults = (struct tape_faults){0};
	tape_rig_up(&r);
	check(strcmp(shown, r.tape.epoch) != 0);
	check(r.tape.seq >= 60); /* the mark was there: it does not even go back */
	check_i64(r.tape.epochs, 1);
	fill(1);
	check_i64(tape_rig_read(&r, r.tape.seq - 3).ticks, 3);
	tape_rig_down(&r);
	/* And once more, without a mark. */
	tape_rig_up(&r);
	check_i64(r.tape.epochs, 0);
	tape_rig_down(&r);
}

/* Each write in turn fails, once: nothing that was on the tape before is lost, and all is told. */
static void test_nth_write(void **state)
{
	(void)state;
	r.cfg.segment_bytes = 65536;
	for (int n = 1; n < 40; n++) {
		struct tape_read got;
		uint64_t begin;

		tape_rig_up(&r);
		begin = r.tape.seq;
		tape_faults.write_in = n;
		tape_faults.write_rc = n % 2 ? -EIO : -ENOSPC;
		for (int i = 0; i < 60; i++) {
			tape_rig_block(&r, 40);
			tape_flush(&r.tape);
			check_i64(r.tape.seq, r.tape.last);
			if (r.tape.is_degraded && i % 10 == 9) {
				clock_advance(&r.clock, 50);
				tape_try_again(&r.tape);
			}
		}
		tape_rig_settle(&r);
		check_i64(r.tape.seq, begin + 60 * 40);
		got = tape_rig_read(&r, begin);
		check_i64(got.ticks + got.gap_ticks, 60 * 40);
		(n % 3 ? tape_rig_kill : tape_rig_down)(&r);
		tape_faults = (struct tape_faults){0};
	}
	tape_rig_up(&r);
	check_i64(r.tape.damaged, 0);
	tape_rig_read(&r, 0);
	tape_rig_down(&r);
}

static void test_sync_fails(void **state)
{
	char epoch[TAPE_EPOCH_TEXT];

	(void)state;
	tape_rig_up(&r);
	tape_rig_settle(&r);
	memcpy(epoch, r.tape.epoch, sizeof(epoch));
	tape_faults.sync_in = 1;
	tape_faults.sync_rc = -EIO;
	fill(10);
	for (int i = 0; i < 10000 && !r.tape.is_degraded; i++) {
		tape_rig_turn(&r);
		uv_sleep(1);
	}
	check(r.tape.is_degraded);
	check(strcmp(epoch, r.tape.epoch) != 0);
	check_i64(tape_floor(&r.tape), 31);
	fill(10);
	wait_recovered();
	fill(10);
	check_i64(tape_rig_read(&r, 0).ticks, 90);
	tape_rig_down(&r);
}

/* sync=turn: the batch that failed is shown under the new epoch, in order, once. */
static void turn_fails(bool is_sync)
{
	char epoch[TAPE_EPOCH_TEXT];

	r.cfg.sync = TAPE_TURN;
	tape_rig_up(&r);
	tape_rig_settle(&r);
	fill(5);
	tape_rig_settle(&r);
	check_i64(r.delivered, 15);
	memcpy(epoch, r.tape.epoch, sizeof(epoch));
	tape_faults.write_in = !is_sync;
	tape_faults.sync_in = is_sync;
	tape_faults.write_rc = tape_faults.sync_rc = -EIO;
	tape_rig_block(&r, 3);
	tape_flush(&r.tape);
	tape_rig_block(&r, 3); /* waits behind the batch in flight */
	check_i64(r.delivered, 15);
	for (int i = 0; i < 10000 && !r.tape.is_degraded; i++) {
		tape_rig_turn(&r);
		uv_sleep(1);
	}
	check(r.tape.is_degraded);
	check_i64(r.delivered, 21);
	check_i64(r.tape.seq, 21);
	check(strcmp(epoch, r.tape.epoch) != 0);
	wait_recovered();
	tape_rig_block(&r, 3);
	tape_rig_settle(&r);
	check_i64(r.delivered, 24);
	check_i64(tape_rig_read(&r, 0).ticks, 24);
	tape_rig_down(&r);
}

static void test_turn_write_fails(void **state)
{
	(void)state;
	turn_fails(false);
}

static void test_turn_sync_fails(void **state)
{
	(void)state;
	turn_fails(true);
}

/* sync=turn on a disk that does not keep up: bounded, and said. */
static void test_too_slow(void **state)
{
	(void)state;
	r.cfg.sync = TAPE_TURN;
	r.cfg.pending_max_bytes = 100000;
	tape_rig_up(&r);
	tape_rig_settle(&r);
	tape_rig_block(&r, 3);
	tape_flush(&r.tape); /* in flight; its completion is not looked at */
	for (int i = 0; i < 100000 && !r.tape.is_degraded; i++) {
		tape_rig_block(&r, 100);
		tape_flush(&r.tape);
	}
	check(r.tape.is_degraded);
	check(strstr(r.tape.why, "does not keep up") != NULL);
	check_i64(r.delivered, r.tape.last);
	check(r.tape.pending_bytes == 0);
	tape_rig_block(&r, 3);
	check(!tape_is_deferred(&r.tape));
	wait_recovered();
	tape_rig_settle(&r);
	tape_rig_down(&r);
	tape_rig_up(&r);
	tape_rig_read(&r, 0);
	tape_rig_down(&r);
}

/* A batch that was given up is still with a worker when the server stops. */
static void test_stop_while_given_up(void **state)
{
	(void)state;
	r.cfg.sync = TAPE_TURN;
	tape_rig_up(&r);
	tape_rig_settle(&r);
	tape_rig_block(&r, 3);
	tape_flush(&r.tape);
	tape_degrade(&r.tape, -EIO, "by the test");
	check_i64(r.delivered, 3);
	check_i64(r.tape.commits_n, 1);
	tape_rig_down(&r);
	tape_rig_up(&r);
	tape_rig_read(&r, 0);
	tape_rig_down(&r);
}

static void change_byte(const char *path, size_t at)
{
	size_t len;
	uint8_t *bytes = tape_file_read(path, &len);
	int fd = open(path, O_WRONLY);

	bytes[at] ^= 1;
	check(fd >= 0 && pwrite(fd, bytes + at, 1, (off_t)at) == 1);
	close(fd);
	free(bytes);
}

/* Damage in the very file that is written: what a restart goes on from must not be in it alone. */
static void test_damage_in_the_open_file(void **state)
{
	char epoch[TAPE_EPOCH_TEXT];
	struct tape_read got;
	uint64_t last;

	(void)state;
	tape_rig_up(&r);
	while (r.tape.bytes_total < 3 << 20) /* beyond what memory keeps */
		fill(100);
	tape_rig_settle(&r);
	memcpy(epoch, r.tape.epoch, sizeof(epoch));
	change_byte(tape_rig_path(&r, 1), 500000);
	got = tape_rig_read(&r, 0);
	check_i64(got.gaps, 1);
	check_str(got.reason, "damaged");
	check_i64(r.tape.damaged, 1);
	check_i64(access(tape_rig_path(&r, 1), F_OK), 0); /* not before another carries on */
	fill(10);
	check(access(tape_rig_path(&r, 1), F_OK) < 0);
	check_i64(access(tape_rig_path(&r, 2), F_OK), 0);
	last = r.tape.seq;
	check_i64(tape_rig_read(&r, last - 30).ticks, 30);
	tape_rig_kill(&r);
	tape_rig_up(&r);
	check_str(r.tape.epoch, epoch);
	check_i64(r.tape.seq, last);
	tape_rig_down(&r);
}

/* Somebody deletes the file that is written: it goes on in another, and a reader gets a gap. */
static void test_open_file_is_deleted(void **state)
{
	struct tape_read got;
	uint64_t last;

	(void)state;
	tape_rig_up(&r);
	while (r.tape.bytes_total < 3 << 20)
		fill(100);
	tape_rig_settle(&r);
	unlink(tape_rig_path(&r, 1));
	got = tape_rig_read(&r, 0);
	check_i64(got.gaps, 1);
	fill(10);
	last = r.tape.seq;
	check_i64(tape_rig_read(&r, last - 30).ticks, 30);
	tape_rig_kill(&r);
	tape_rig_up(&r);
	check_i64(r.tape.seq, last);
	check_i64(r.tape.epochs, 0);
	tape_rig_down(&r);
}

/* A start on a full disk: it serves, and says so; later it records. */
static void test_full_at_start(void **state)
{
	char why[HEALTH_WHY_MAX];

	(void)state;
	tape_rig_up(&r);
	fill(10);
	tape_rig_kill(&r);
	tape_faults.reserve_rc = -ENOSPC;
	tape_rig_up(&r);
	check(r.tape.is_degraded);
	check_i64(health(why), HEALTH_DEGRADED);
	check_i64(r.tape.seq, 30);
	fill(10);
	tape_faults.reserve_rc = 0;
	wait_recovered();
	fill(10);
	check_i64(tape_rig_read(&r, 0).ticks, 90);
	tape_rig_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) tape_rig_test(f, &r)
		TEST(test_short_writes),
		TEST(test_full),
		TEST(test_killed_while_degraded),
		TEST(test_nth_write),
		TEST(test_sync_fails),
		TEST(test_turn_write_fails),
		TEST(test_turn_sync_fails),
		TEST(test_too_slow),
		TEST(test_full_at_start),
		TEST(test_stop_while_given_up),
		TEST(test_damage_in_the_open_file),
		TEST(test_open_file_is_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
