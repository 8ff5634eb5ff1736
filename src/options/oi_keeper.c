/* SPDX-License-Identifier: MIT
 *
 * oi_keeper: see oi_keeper.h.
 */
#include "options/oi_keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"

#define AGAIN_NS  (60 * NS_PER_S) /* from one writing of a session to the next */
#define KEEP_DAYS 30
#define PRUNED    40 /* days before those, whose files are looked for and deleted */
#define FILE_MAX  (32u << 20)

/* One writing, on a worker. */
struct job {
	uv_work_t work;
	struct oi_keeper *keeper;
	struct buf text;
	day_t day;
	uint32_t contracts;
	int rc;
	struct agni_err err;
	char dir[600];
};

struct oi_keeper {
	struct oi_keeper_deps deps;
	struct session_oi oi;
	struct oi_table closing; /* the session that is over, as its file has it or will */
	bool is_kept;            /* it has a file */
	uint64_t ticks;          /* of the book, when it was written */
	mono_ns not_before;
	bool is_out; /* a job is under way */
	void (*done)(void *arg);
	void *done_arg;
	struct oi_keeper_facts facts;
};

struct oi_keeper *oi_keeper_create(const struct oi_keeper_deps *deps)
{
	struct oi_keeper *k = mem_zalloc(sizeof(*k));

	k->deps = *deps;
	session_oi_init(&k->oi);
	oi_table_init(&k->closing, 0);
	return k;
}

void oi_keeper_destroy(struct oi_keeper *k)
{
	session_oi_fini(&k->oi);
	oi_table_fini(&k->closing);
	free(k);
}

struct session_oi *oi_keeper_get(struct oi_keeper *k)
{
	return &k->oi;
}

const struct oi_keeper_facts *oi_keeper_facts(const struct oi_keeper *k)
{
	return &k->facts;
}

static void path_of(const char *dir, day_t day, char out[700])
{
	char text[IST_TEXT];

	snprintf(out, 700, "%s/oi/%s.oi", dir, day_format(day, text));
}

/* --- reading ------------------------------------------------------------------------------------ */

/* The whole file; false when there is none, or it cannot be read, which is said. */
static bool read_file(struct oi_keeper *k, day_t day, struct buf *out)
{
	char path[700];
	FILE *f;
	size_t n;

	if (!k->deps.dir)
		return false;
	path_of(k->deps.dir, day, path);
	f = fopen(path, "rb");
	if (!f) {
		if (errno != ENOENT)
			log_warn("options", "%s: %s", path, strerror(errno));
		return false;
	}
	do {
		n = fread(buf_reserve(out, 65536), 1, 65536, f);
		out->len += n;
	} while (n > 0 && out->len < FILE_MAX);
	fclose(f);
	return true;
}

static void complain(day_t day, const struct agni_err *err)
{
	char text[IST_TEXT];

	log_warn("options", "open interest of %s is not used: %s", day_format(day, text),
		 err->text);
}

/* What this process has seen of that day's close, else what a file says. */
static bool recall(struct oi_keeper *k, day_t day, struct buf *out)
{
	if (k->closing.day != day || k->closing.keys.count == 0)
		return read_file(k, day, out);
	oi_table_text(&k->closing, out);
	return true;
}

static void begin_session(struct oi_keeper *k, day_t before)
{
	struct agni_err err;
	struct buf text = {0};
	bool is_there = recall(k, before, &text);
	char day[IST_TEXT];

	if (session_oi_begin(&k->oi, before, is_there ? text.data : NULL, text.len, &err) < 0)
		complain(before, &err);
	buf_fini(&text);
	log_info("options", "open interest is compared with that of %s: %u contracts are known",
		 day_format(before, day), k->oi.before.keys.count);
}

/* What a file of the session that is over says already is kept where nothing newer is known. */
static void begin_closing(struct oi_keeper *k, day_t day)
{
	struct agni_err err;
	struct buf text = {0};

	oi_table_fini(&k->closing);
	oi_table_init(&k->closing, day);
	k->is_kept = read_file(k, day, &text);
	if (k->is_kept && oi_table_parse(&k->closing, text.data, text.len, &err) < 0) {
		complain(day, &err);
		oi_table_fini(&k->closing);
		oi_table_init(&k->closing, day);
		k->is_kept = false;
	}
	buf_fini(&text);
	k->ticks = 0;
	k->not_before = 0;
}

/* --- writing ------------------------------------------------------------------------------------ */

static bool has_known_sessions(const char *key)
{
	return strncmp(key, "NSE_FO|", 7) == 0 || strncmp(key, "BSE_FO|", 7) == 0;
}

/* Of all that has one and may be taken for the present. Returns how many. */
static uint32_t gather(struct oi_keeper *k)
{
	const struct book *book = k->deps.book;
	const struct upstream_view *up = k->deps.upstream;
	uint32_t n = 0;

	for (inst_id id = 0; id < book->instruments.count; id++) {
		const struct slot *slot = book_slot(book, id);
		const char *key = instruments_key(&book->instruments, id);

		if (!slot || slot->suspect || !(slot->q.present & QUOTE_OI) || !(slot->q.oi >= 0) ||
		    slot->q.oi > 9e15 || !has_known_sessions(key) ||
		    (up && up->is_stale(up->arg, id)))
			continue;
		oi_table_set(&k->closing, key, strlen(key), (int64_t)slot->q.oi);
		n++;
	}
	return n;
}

/* Files that nothing will be compared with any more. */
static void prune(const struct job *j)
{
	char path[700];

	for (day_t d = j->day - KEEP_DAYS - PRUNED; d < j->day - KEEP_DAYS; d++) {
		path_of(j->dir, d, path);
		unlink(path);
	}
}

static void on_worker(uv_work_t *work)
{
	struct job *j = container_of(work, struct job, work);
	char path[700];

	snprintf(path, sizeof(path), "%s/oi", j->dir);
	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		j->rc = agni_fail_uv(&j->err, -errno, "cannot make %s", path);
		return;
	}
	path_of(j->dir, j->day, path);
	j->rc = file_replace(path, j->text.data, j->text.len, &j->err);
	if (j->rc == 0)
		prune(j);
}

static void note(struct oi_keeper *k, const struct job *j)
{
	char day[IST_TEXT];

	if (j->rc < 0) {
		k->facts.errors++;
		k->ticks = 0; /* again, whether or not anything comes */
		snprintf(k->facts.why, sizeof(k->facts.why), "%s", j->err.text);
		log_error("options", "open interest of %s is not kept: %s", day_format(j->day, day),
			  j->err.text);
		return;
	}
	k->facts.why[0] = '\0';
	k->facts.writes++;
	k->facts.kept_day = j->day;
	k->facts.kept_n = j->contracts;
	if (k->closing.day == j->day && !k->is_kept) {
		k->is_kept = true;
		log_info("options", "open interest of %s is kept: %u contracts",
			 day_format(j->day, day), j->contracts);
	}
}

static void on_written(uv_work_t *work, int status)
{
	struct job *j = container_of(work, struct job, work);
	struct oi_keeper *k = j->keeper;

	if (status == 0)
		note(k, j);
	buf_fini(&j->text);
	free(j);
	k->is_out = false;
	if (k->done)
		k->done(k->done_arg);
}

static void write_out(struct oi_keeper *k)
{
	struct job *j = mem_zalloc(sizeof(*j));

	j->keeper = k;
	j->day = k->closing.day;
	j->contracts = k->closing.keys.count;
	snprintf(j->dir, sizeof(j->dir), "%s", k->deps.dir);
	oi_table_text(&k->closing, &j->text);
	k->is_out = true;
	uv_queue_work(&k->deps.loop->uv, &j->work, on_worker, on_written);
}

/* The session that is over, as long as there is news of it. */
static void keep(struct oi_keeper *k, int64_t now_ms)
{
	day_t day = session_oi_day(now_ms);

	if (now_ms < session_oi_close(day))
		return;
	if (k->closing.day != day)
		begin_closing(k, day);
	if ((k->is_kept && ist_day(now_ms) != day) || k->deps.book->ticks == k->ticks ||
	    gather(k) == 0)
		return;
	k->ticks = k->deps.book->ticks;
	k->not_before = clock_mono(k->deps.loop->clock) + AGAIN_NS;
	if (k->deps.dir)
		write_out(k);
}

/* A feed's clock knows the day from its first message on. */
static bool is_day_known(const struct clock *c)
{
	return c->mode == CLOCK_SYSTEM || c->feed_ms > 0;
}

void oi_keeper_look(struct oi_keeper *k)
{
	const struct clock *clock = k->deps.loop->clock;
	int64_t now_ms = clock_market_ms(clock);
	day_t before;

	if (!is_day_known(clock))
		return;
	before = session_oi_day_before(now_ms);
	if (k->oi.before.day != before)
		begin_session(k, before);
	if (!k->is_out &&
	    (k->closing.day != session_oi_day(now_ms) || clock_mono(clock) >= k->not_before))
		keep(k, now_ms);
}

void oi_keeper_stop(struct oi_keeper *k, void (*done)(void *arg), void *arg)
{
	if (!k->is_out) {
		done(arg);
		return;
	}
	k->done = done;
	k->done_arg = arg;
}
