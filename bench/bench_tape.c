/* SPDX-License-Identifier: MIT
 *
 * bench_tape: what the journal costs: appending and writing, ns and bytes per tick, both ways to sync,
 * beside a plain write() of the same bytes; how fast a reader catches up from memory and from files;
 * how long a start verifies. Full option quotes, 8 to a message, 4 messages to a turn of the loop.
 * AGNI_BENCH_DIR is the folder (default: the present one, for the disk that is under it).
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../test/lib/quotes.h"
#include "market/quote_json.h"
#include "tape/codec.h"
#include "tape/cursor.h"
#include "tape/segment.h"
#include "core/log.h"

#define KEYS      200
#define PER_MSG   8
#define PER_TURN  4 /* messages */
#define TURNS     60000
#define TURN_SYNC 300 /* turns that are waited for, one by one, with sync=turn */

struct bench {
	struct clock clock;
	struct loop loop;
	struct instruments instruments;
	struct tape tape;
	struct tape_config cfg;
	struct module *mod;
	char dir[256], source_dir[300];
	bool has_stopped;
	uint64_t delivered;
	struct quote q;
	char keys[KEYS][24];
};

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void on_block(void *arg, struct tape_block *b, const inst_id *ids, uint64_t recv_mono)
{
	struct bench *x = arg;

	(void)ids;
	(void)recv_mono;
	x->delivered += b->left;
}

static void up(struct bench *x, int sync)
{
	struct agni_err err;
	int rc;

	clock_init(&x->clock, CLOCK_SYSTEM);
	rc = loop_init(&x->loop, &x->clock);
	AGNI_ASSERT(rc == 0);
	x->cfg = (struct tape_config){.dir = x->dir,
				      .sync = sync,
				      .interval_ms = 100,
				      .segment_bytes = 64 << 20,
				      .memory_bytes = 16 << 20,
				      .retry_ms = 1000,
				      .pending_max_bytes = 64 << 20};
	tape_init(&x->tape, 1 << 20);
	x->mod = tape_module(&x->tape, &(struct tape_deps){.loop = &x->loop,
							   .cfg = &x->cfg,
							   .data_dir = x->dir,
							   .source = "bench",
							   .instruments = &x->instruments});
	if (sync == TAPE_TURN)
		tape_set_on_block(&x->tape, on_block, x);
	if (x->mod->ops->start(x->mod, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	uv_ref((uv_handle_t *)&x->tape.timer);
}

static void on_stopped(struct module *m)
{
	((struct bench *)m->runner)->has_stopped = true;
}

static void down(struct bench *x)
{
	int left;

	x->mod->runner = x;
	x->has_stopped = false;
	x->mod->ops->stop(x->mod, on_stopped);
	while (!x->has_stopped)
		uv_run(&x->loop.uv, UV_RUN_ONCE);
	left = loop_fini(&x->loop);
	AGNI_ASSERT(left == 0);
	tape_fini(&x->tape);
}

static void append_turn(struct bench *x, struct tape *t, unsigned n)
{
	for (unsigned m = 0; m < PER_TURN; m++) {
		struct tick_meta meta = {.ts_ms = 1769160568772 + n, .recv_ms = 1769160568772 + n};

		tape_begin(t, &meta);
		for (unsigned i = 0; i < PER_MSG; i++) {
			inst_id id = (n * PER_MSG * PER_TURN + m * PER_MSG + i) % KEYS;
			struct tick tick = {.key = x->keys[id],
					    .key_len = (uint32_t)strlen(x->keys[id])};

			x->q.ltp = 1000000 + 500 * (price_t)((n + i) % 100);
			x->q.vtt++;
			quote_replace(&tick.q, &x->q);
			tape_append(t, id, &tick);
		}
		tape_end(t);
	}
}

static void empty_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char name[600];

	while (d && (e = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.')
			unlink(name);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static const double ticks_of_turn = PER_MSG * PER_TURN;

/* Encoding alone. */
static double bench_encode(struct bench *x)
{
	struct tape t;
	double begin;

	tape_init(&t, 16 << 20);
	begin = now_s();
	for (unsigned n = 0; n < TURNS; n++)
		append_turn(x, &t, n);
	begin = now_s() - begin;
	tape_fini(&t);
	return begin * 1e9 / (TURNS * ticks_of_turn);
}

/* A turn at a time: append, one write; syncs run beside. */
static double bench_interval(struct bench *x, double *bytes)
{
	double begin;

	up(x, TAPE_INTERVAL);
	begin = now_s();
	for (unsigned n = 0; n < TURNS; n++) {
		append_turn(x, &x->tape, n);
		tape_flush(&x->tape);
		if (n % 64 == 0)
			uv_run(&x->loop.uv, UV_RUN_NOWAIT);
	}
	begin = now_s() - begin;
	*bytes = (double)x->tape.bytes_total / (TURNS * ticks_of_turn);
	down(x);
	return begin * 1e9 / (TURNS * ticks_of_turn);
}

/* The limit: the same number of bytes, as many write() calls. */
static double bench_write(struct bench *x, double bytes, unsigned turns, bool sync)
{
	size_t n = (size_t)(bytes * ticks_of_turn);
	char path[300], *data = mem_zalloc(n);
	double begin;
	int fd;

	snprintf(path, sizeof(path), "%s/plain", x->dir);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	begin = now_s();
	for (unsigned i = 0; i < turns; i++) {
		if (write(fd, data, n) != (ssize_t)n || (sync && fdatasync(fd) < 0)) {
			perror(path);
			exit(1);
		}
	}
	begin = now_s() - begin;
	close(fd);
	unlink(path);
	free(data);
	return begin * 1e9 / (turns * ticks_of_turn);
}

/* Each turn waits for its own batch: the longest way. Then all that comes while one is in flight. */
static void bench_turn(struct bench *x, double *one, double *many)
{
	double begin;
	uint64_t want;

	up(x, TAPE_TURN);
	begin = now_s();
	for (unsigned n = 0; n < TURN_SYNC; n++) {
		want = x->tape.last + PER_MSG * PER_TURN;
		append_turn(x, &x->tape, n);
		tape_flush(&x->tape);
		while (x->tape.seq < want)
			uv_run(&x->loop.uv, UV_RUN_ONCE);
	}
	*one = (now_s() - begin) * 1e9 / (TURN_SYNC * ticks_of_turn);
	begin = now_s();
	for (unsigned n = 0; n < TURNS / 4; n++) {
		append_turn(x, &x->tape, n);
		tape_flush(&x->tape);
		while (x->tape.pending_bytes > 8 << 20)
			uv_run(&x->loop.uv, UV_RUN_ONCE);
		uv_run(&x->loop.uv, UV_RUN_NOWAIT);
	}
	while (x->tape.seq < x->tape.last)
		uv_run(&x->loop.uv, UV_RUN_ONCE);
	*many = (now_s() - begin) * 1e9 / (TURNS / 4 * ticks_of_turn);
	down(x);
}

/* A reader of everything, as JSON of mode full or only looked at. Ticks per second. */
static double bench_cursor(struct bench *x, uint64_t from, bool is_json)
{
	struct tape_cursor c = {.seq = from};
	struct bitset wanted = {0};
	struct tape_tick tick;
	struct tape_gap gap;
	struct buf out = {0};
	struct slot slot = {0};
	uint64_t n = 0;
	double begin = now_s();
	enum tape_step step = TAPE_STEP_WAIT;

	for (inst_id id = 0; id < KEYS; id++)
		bitset_add(&wanted, id);
	while (step != TAPE_STEP_EDGE) {
		uint32_t budget = 100000;

		tape_cursor_begin(&c);
		while ((step = tape_cursor_next(&x->tape, &c, &wanted, &budget, &tick, &gap)) ==
		       TAPE_STEP_TICK) {
			n++;
			if (!is_json)
				continue;
			buf_reset(&out);
			if (tape_tick_decode(tick.bytes, tick.len, tick.ts_ms, &slot.q))
				quote_json(&out, x->keys[tick.id], &slot, VIEW_FULL);
		}
		uv_run(&x->loop.uv, step == TAPE_STEP_WAIT ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	}
	begin = now_s() - begin;
	bitset_fini(&wanted);
	buf_fini(&out);
	return (double)n / begin;
}

/* Verifying as a start does, seconds per GB; the file is in the page cache. */
static double bench_scan(const struct bench *x)
{
	char path[TAPE_PATH_MAX];
	struct segment_scan s;
	double begin;
	int rc;

	segment_path(path, x->source_dir, 1);
	begin = now_s();
	rc = segment_scan(path, &s);
	begin = now_s() - begin;
	AGNI_ASSERT(rc == 0 && s.damages == 0);
	begin *= 1e9 / (double)s.file_bytes;
	segment_scan_fini(&s);
	return begin;
}

static void bench_readers(struct bench *x)
{
	double begin = now_s(), start;
	uint64_t memory;

	up(x, TAPE_INTERVAL);
	start = now_s() - begin;
	/* The newest 16 MiB. */
	for (unsigned n = 0; n < 2500; n++) {
		append_turn(x, &x->tape, n);
		tape_flush(&x->tape);
	}
	memory = x->tape.seq - 2500 * PER_MSG * PER_TURN;
	printf("  catch up from memory, looked at          %10.2f million ticks/s\n",
	       bench_cursor(x, memory, false) / 1e6);
	printf("  catch up from memory, JSON mode full     %10.2f\n",
	       bench_cursor(x, memory, true) / 1e6);
	printf("  catch up from files, looked at           %10.2f\n",
	       bench_cursor(x, 0, false) / 1e6);
	printf("  catch up from files, JSON mode full      %10.2f\n",
	       bench_cursor(x, 0, true) / 1e6);
	printf("  start with %.2f GB in the folder         %10.1f ms\n",
	       (double)x->tape.folder_bytes / 1e9, start * 1e3);
	printf("  verify (a start reads one segment)       %10.2f s/GB\n", bench_scan(x));
	down(x);
}

int main(void)
{
	struct bench *x = mem_zalloc(sizeof(*x));
	const char *base = getenv("AGNI_BENCH_DIR");
	double bytes, interval, one, many;

	log_setup(LOG_ERROR, LOG_TEXT);
	snprintf(x->dir, sizeof(x->dir), "%s/bench-tape-XXXXXX", base ? base : ".");
	if (!mkdtemp(x->dir)) {
		perror(x->dir);
		return 1;
	}
	snprintf(x->source_dir, sizeof(x->source_dir), "%s/bench", x->dir);
	instruments_init(&x->instruments, 1024);
	for (int i = 0; i < KEYS; i++) {
		snprintf(x->keys[i], sizeof(x->keys[i]), "NSE_FO|%d", 40000 + i);
		(void)instruments_intern(&x->instruments, x->keys[i], strlen(x->keys[i]));
	}
	quote_make_up(&x->q, 0);
	printf("full quotes, %d a message, %d messages a turn\n", PER_MSG, PER_TURN);
	printf("  append, in memory                        %10.0f ns/tick\n", bench_encode(x));
	interval = bench_interval(x, &bytes);
	printf("  append and write, sync=interval          %10.0f\n", interval);
	printf("  write() of the same bytes                %10.0f\n",
	       bench_write(x, bytes, TURNS, false));
	printf("  bytes per tick                           %10.1f\n", bytes);
	bench_readers(x);
	empty_folder(x->source_dir);
	bench_turn(x, &one, &many);
	printf("  sync=turn, each turn waited for          %10.0f ns/tick\n", one);
	printf("  write() and fdatasync() of the same      %10.0f\n",
	       bench_write(x, bytes, TURN_SYNC, true));
	printf("  sync=turn, batches as they come          %10.0f\n", many);
	instruments_fini(&x->instruments);
	empty_folder(x->source_dir);
	empty_folder(x->dir);
	free(x);
	return 0;
}
