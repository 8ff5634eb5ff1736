/* SPDX-License-Identifier: MIT
 *
 * tape_rig: see tape_rig.h.
 */
#include "tape_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "tape/codec.h"

#define TURNS_MAX 200000

struct tape_faults tape_faults;

/* --- system calls that fail -------------------------------------------------------------------- */

static bool is_hit(int *in)
{
	if (*in == 0)
		return false;
	if (*in > 1) {
		--*in;
		return false;
	}
	if (!tape_faults.is_lasting)
		*in = 0;
	return true;
}

static int faulty_create(const char *path)
{
	if (tape_faults.is_dead)
		return -EIO;
	return tape_faults.create_rc ? tape_faults.create_rc : tape_io_system.create(path);
}

static ssize_t faulty_pwritev(int fd, const struct iovec *iov, int n, off_t offset)
{
	struct iovec one = iov[0];

	if (tape_faults.is_dead)
		return -EIO;
	tape_faults.writes++;
	if (is_hit(&tape_faults.write_in))
		return tape_faults.write_rc;
	if (!tape_faults.short_to)
		return tape_io_system.pwritev(fd, iov, n, offset);
	if (one.iov_len > tape_faults.short_to)
		one.iov_len = tape_faults.short_to;
	return tape_io_system.pwritev(fd, &one, 1, offset);
}

/* What a disk does with it cannot be tested here: only that it is asked. */
static int faulty_datasync(int fd)
{
	(void)fd;
	tape_faults.syncs++;
	return is_hit(&tape_faults.sync_in) ? tape_faults.sync_rc : 0;
}

static int faulty_truncate(int fd, off_t len)
{
	return tape_faults.is_dead ? -EIO : tape_io_system.truncate(fd, len);
}

static int faulty_reserve(int fd, off_t offset, off_t len)
{
	(void)fd;
	(void)offset;
	(void)len;
	return tape_faults.is_dead ? -EIO : tape_faults.reserve_rc;
}

static const struct tape_io faulty_io = {
	.create = faulty_create,
	.pwritev = faulty_pwritev,
	.datasync = faulty_datasync,
	.truncate = faulty_truncate,
	.reserve = faulty_reserve,
};

/* --- up and down ------------------------------------------------------------------------------- */

static void empty_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char name[TAPE_PATH_MAX];

	while (d && (e = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.')
			unlink(name);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

void tape_rig_init(struct tape_rig *r)
{
	*r = (struct tape_rig){.cfg = {.dir = r->parent,
				       .interval_ms = 5,
				       .segment_bytes = 64 << 20,
				       .memory_bytes = 1 << 20,
				       .keep_days = 7,
				       .retry_ms = 10,
				       .pending_max_bytes = 64 << 20}};
	tape_faults = (struct tape_faults){0};
	/* In memory where there is such a folder: thousands of files are made. */
	snprintf(r->parent, sizeof(r->parent), "%s/agni-tape-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	check(mkdtemp(r->parent) != NULL);
	snprintf(r->dir, sizeof(r->dir), "%s/sim", r->parent);
	instruments_init(&r->instruments, 100000);
}

void tape_rig_fini(struct tape_rig *r)
{
	instruments_fini(&r->instruments);
	empty_folder(r->dir);
	empty_folder(r->parent);
}

int tape_rig_setup(void **rig)
{
	tape_rig_init(*rig);
	return 0;
}

int tape_rig_teardown(void **rig)
{
	tape_faults = (struct tape_faults){0};
	tape_rig_fini(*rig);
	return 0;
}

static void on_block(void *arg, struct tape_block *b, const inst_id *ids, uint64_t recv_mono)
{
	struct tape_rig *r = arg;
	struct tape_item item;

	check_i64(recv_mono, 7);
	while (tape_block_next(b, &item)) {
		check_i64(item.seq, r->delivered_last + 1);
		check_i64(ids[item.instrument], item.instrument);
		r->delivered++;
		r->delivered_last = item.seq;
	}
}

void tape_rig_up(struct tape_rig *r)
{
	struct agni_err err = {0};

	clock_init_manual(&r->clock, CLOCK_SYSTEM, 1763700000000);
	check_i64(loop_init(&r->loop, &r->clock), 0);
	tape_init(&r->tape, (size_t)r->cfg.memory_bytes);
	r->mod = tape_module(&r->tape,
			     &(struct tape_deps){.loop = &r->loop,
						 .cfg = &r->cfg,
						 .data_dir = r->parent,
						 .source = "sim",
						 .instruments = r->book ? &r->book->instruments
									: &r->instruments,
						 .io = &faulty_io});
	if (r->cfg.sync == TAPE_TURN)
		tape_set_on_block(&r->tape, on_block, r);
	if (r->mod->ops->start(r->mod, &err) < 0)
		fail_msg("%s", err.text);
	uv_ref((uv_handle_t *)&r->tape.timer); /* a loop without any would not turn */
	r->delivered_last = r->tape.seq;
}

static void on_stopped(struct module *m)
{
	struct tape_rig *r = m->runner;

	r->has_stopped = true;
}

void tape_rig_down(struct tape_rig *r)
{
	r->mod->runner = r;
	r->has_stopped = false;
	r->mod->ops->stop(r->mod, on_stopped);
	for (int i = 0; i < TURNS_MAX && !r->has_stopped; i++)
		uv_run(&r->loop.uv, UV_RUN_ONCE);
	check(r->has_stopped);
	check_i64(loop_fini(&r->loop), 0);
	tape_fini(&r->tape);
}

void tape_rig_kill(struct tape_rig *r)
{
	tape_faults.is_dead = true;
	tape_rig_down(r);
	tape_faults.is_dead = false;
}

void tape_rig_turn(struct tape_rig *r)
{
	uv_run(&r->loop.uv, UV_RUN_NOWAIT);
	clock_advance(&r->clock, 1);
}

static bool is_settled(const struct tape *t)
{
	return t->pending_bytes == 0 && !t->commit && !t->is_syncing && list_is_empty(&t->unsynced);
}

void tape_rig_settle(struct tape_rig *r)
{
	for (int i = 0; i < TURNS_MAX; i++) {
		tape_rig_turn(r);
		if (is_settled(&r->tape))
			return;
		uv_sleep(i > 100);
	}
	fail_msg("the tape does not come to rest");
}

/* --- ticks that tell their seq ------------------------------------------------------------------ */

static struct quote quote_of(uint64_t seq)
{
	return (struct quote){.present =
				      QUOTE_LTP | QUOTE_LTT | QUOTE_VTT | QUOTE_OI | QUOTE_MSG_LTPC,
			      .arm = ARM_MARKET,
			      .mode = MODE_FULL_D5,
			      .ltp = (price_t)(seq * 500),
			      .ltt = (int64_t)seq,
			      .vtt = (int64_t)(seq * seq % 100003),
			      .oi = (double)(seq % 977)};
}

static inst_id id_of(struct tape_rig *r, uint32_t i, char key[32])
{
	snprintf(key, 32, "NSE_FO|%u", i);
	return instruments_intern(&r->instruments, key, strlen(key));
}

void tape_rig_block(struct tape_rig *r, uint32_t n)
{
	struct tick_meta meta = {
		.ts_ms = 1763700000000 + (int64_t)r->tape.last, .recv_ms = 5, .recv_mono = 7};

	tape_begin(&r->tape, &meta);
	for (uint32_t i = 0; i < n; i++) {
		char key[32];
		inst_id id = id_of(r, i, key);
		struct tick tick = {.key = key,
				    .key_len = (uint32_t)strlen(key),
				    .q = quote_of(r->tape.last + 1)};

		check_i64(tape_append(&r->tape, id, &tick), r->tape.last);
	}
	tape_end(&r->tape);
}

/* --- reading ------------------------------------------------------------------------------------ */

static void check_tick(const struct tape_tick *tick)
{
	struct quote want = quote_of(tick->seq), q;

	check(tape_tick_decode(tick->bytes, tick->len, tick->ts_ms, &q));
	check_i64(q.present, want.present);
	check_i64(q.ltp, want.ltp);
	check_i64(q.ltt, want.ltt);
	check_i64(q.vtt, want.vtt);
	check_near(q.oi, want.oi, 0);
}

static void note_gap(struct tape_read *out, const struct tape_gap *gap, uint64_t next)
{
	check_i64(gap->from, next);
	check(gap->to >= gap->from);
	out->gaps++;
	out->gap_ticks += gap->to + 1 - gap->from;
	out->gap_from = gap->from;
	out->gap_to = gap->to;
	snprintf(out->reason, sizeof(out->reason), "%s", gap->reason);
}

struct tape_read tape_rig_read(struct tape_rig *r, uint64_t from)
{
	struct tape_cursor c = {.seq = from};
	struct tape_read out = {0};
	struct bitset wanted = {0};
	uint64_t next = from + 1;
	uint32_t budget = 1000;
	struct tape_tick tick;
	struct tape_gap gap;

	for (inst_id id = 0; id < r->instruments.count; id++)
		bitset_add(&wanted, id);
	for (int i = 0; i < TURNS_MAX; i++) {
		switch (tape_cursor_next(&r->tape, &c, &wanted, &budget, &tick, &gap)) {
		case TAPE_STEP_TICK:
			i = 0;
			check_i64(tick.seq, next);
			check_tick(&tick);
			out.ticks++;
			out.first = out.first ? out.first : tick.seq;
			out.last = next++;
			break;
		case TAPE_STEP_GAP:
			note_gap(&out, &gap, next);
			next = gap.to + 1;
			break;
		case TAPE_STEP_WAIT:
		case TAPE_STEP_TIRED:
			uv_sleep(i > 1000);
			tape_rig_turn(r);
			budget = 1000;
			tape_cursor_begin(&c);
			break;
		case TAPE_STEP_EDGE:
			check_i64(next, r->tape.seq + 1);
			bitset_fini(&wanted);
			return out;
		}
	}
	fail_msg("the reader does not come to the edge: at %llu of %llu", (unsigned long long)c.seq,
		 (unsigned long long)r->tape.seq);
	return out;
}

/* --- files --------------------------------------------------------------------------------------- */

uint8_t *tape_file_read(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	uint8_t *bytes;

	check(fd >= 0 && fstat(fd, &st) == 0);
	*len = (size_t)st.st_size;
	bytes = mem_alloc(*len + 1);
	check_i64(read(fd, bytes, *len), *len);
	close(fd);
	return bytes;
}

void tape_file_write(const char *path, const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	check(fd >= 0);
	check_i64(write(fd, bytes, len), len);
	close(fd);
}

const char *tape_rig_path(const struct tape_rig *r, uint64_t ordinal)
{
	static char path[TAPE_PATH_MAX];

	segment_path(path, r->dir, ordinal);
	return path;
}
