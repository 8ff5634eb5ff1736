/* SPDX-License-Identifier: MIT
 *
 * audit: see audit.h. The queue, the sync off the loop, and what health says; the file is
 * audit_file.c's.
 *
 *            append fails                        append succeeds
 *   WELL -------------------> REFUSING (queue) ------------------> WELL
 *                              | every audit.retry_ms, and with each act of a person
 */
#include "auth/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/audit_file.h"
#include "core/ist.h"
#include "core/log.h"

#define BATCH_MAX 64   /* queued acts that leave in one write */
#define TEXT_MAX  1100 /* bytes of a text that wait; the line holds fewer */
/* How long a command waits for its turn. */
#define RECORD_TRIES   100
#define RECORD_WAIT_MS 10

const struct config_key audit_config_keys[] = {
	CONFIG_STR(struct audit_config, file, "", "",
		   "where acts that matter for security are recorded; empty = audit.log in "
		   "server.data_dir"),
	CONFIG_INT(struct audit_config, rotate_bytes, 16777216, 65536, 1073741824, "bytes",
		   "a file that would grow beyond it gets a number, and a new one goes on with the "
		   "chain"),
	CONFIG_INT(struct audit_config, sync_ms, 200, 0, 60000, "ms",
		   "longest time that a power cut can take back; 0 = each record is synced before "
		   "it is answered"),
	CONFIG_INT(struct audit_config, queue_max, 1000, 1, 100000, "",
		   "acts of the server that wait while the disk refuses; more are counted only"),
	CONFIG_INT(struct audit_config, retry_ms, 1000, 10, 60000, "ms",
		   "how often a disk that refuses is tried again"),
	{0},
};

struct waiting {
	struct list link; /* in audit->queue */
	int64_t wall_ms;
	bool is_of_person;
	char text[]; /* act, who, peer, detail, each with its NUL */
};

struct audit {
	struct module mod;
	struct audit_deps deps;
	char path[AUDIT_PATH_MAX];
	struct audit_file file;
	struct list queue;
	uint64_t queued;
	bool is_running;
	bool is_refusing; /* the last append or sync failed */
	int64_t since_ms; /* wall time of the first failure */
	struct agni_err why;
	uint64_t dropped_since; /* queue full; told by a record when the disk is back */
	uv_timer_t retry, sync;
	uv_work_t work; /* a sync on a thread of the pool */
	int work_fd;    /* a duplicate: a rotation may close the file meanwhile */
	bool is_syncing;
	int work_rc;
	off_t work_len;
	uint64_t work_generation;
	int open; /* timers that are not closed, and the work */
	struct log_limit limit;
	uint64_t records, refused, dropped, failures;
};

static void sync_arm(struct audit *a);

void audit_path(const struct audit_config *cfg, const char *data_dir, char out[AUDIT_PATH_MAX])
{
	if (cfg->file[0])
		snprintf(out, AUDIT_PATH_MAX, "%s", cfg->file);
	else
		snprintf(out, AUDIT_PATH_MAX, "%s/audit.log", data_dir);
}

/* ---- well and refusing -------------------------------------------------------------------- */

static void refusing(struct audit *a, const struct agni_err *err)
{
	a->failures++;
	if (!a->is_refusing)
		a->since_ms = clock_wall_ms(a->deps.loop->clock);
	a->is_refusing = true;
	a->why = *err;
	log_limited(&a->limit, clock_mono(a->deps.loop->clock), LOG_ERROR, "audit",
		    "%s; acts of people are refused until it can be", err->text);
}

static void well(struct audit *a)
{
	if (!a->is_refusing)
		return;
	a->is_refusing = false;
	a->why = (struct agni_err){0};
	log_info("audit", "%s can be written again", a->path);
}

static int append(struct audit *a, const struct audit_entry *entries, size_t n,
		  struct agni_err *err)
{
	int64_t now = clock_wall_ms(a->deps.loop->clock);
	struct agni_err own = {0};
	int rc = audit_file_append(&a->file, entries, n, now, &own);

	if (rc == 0 && a->deps.cfg->sync_ms == 0)
		rc = audit_file_sync(&a->file, &own);
	if (rc < 0) {
		refusing(a, &own);
		return agni_fail(err, rc, "%s", own.text);
	}
	a->records += n;
	sync_arm(a);
	return 0;
}

/* ---- the queue ---------------------------------------------------------------------------- */

static void enqueue(struct audit *a, const struct audit_act *act)
{
	const char *const texts[] = {act->act, act->who, act->peer, act->detail};
	struct waiting *w;
	struct buf all = {0};

	if (a->queued >= (uint64_t)a->deps.cfg->queue_max) {
		a->dropped++;
		a->dropped_since++;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		buf_append(&all, texts[i], texts[i] ? strnlen(texts[i], TEXT_MAX) : 0);
		buf_byte(&all, '\0');
	}
	w = mem_alloc(sizeof(*w) + all.len);
	w->wall_ms = clock_wall_ms(a->deps.loop->clock);
	w->is_of_person = act->is_of_person;
	memcpy(w->text, all.data, all.len);
	buf_fini(&all);
	list_append(&a->queue, &w->link);
	a->queued++;
}

static struct audit_entry entry_of(const struct waiting *w)
{
	const char *who = w->text + strlen(w->text) + 1;
	const char *peer = who + strlen(who) + 1;

	return (struct audit_entry){.act = {.act = w->text,
					    .who = who,
					    .peer = peer,
					    .detail = peer + strlen(peer) + 1,
					    .is_of_person = w->is_of_person},
				    .wall_ms = w->wall_ms};
}

static void dequeue(struct audit *a, size_t n)
{
	for (; n > 0; n--) {
		struct waiting *w = container_of(a->queue.next, struct waiting, link);

		list_remove(&w->link);
		free(w);
		a->queued--;
	}
}

/* Writes what waits, oldest first; then how many there was no room for. 0 when nothing waits. */
static int flush(struct audit *a, struct agni_err *err)
{
	struct audit_entry entries[BATCH_MAX];
	char detail[64];
	int rc;

	while (a->queued > 0) {
		size_t n = 0;

		list_for_each (it, &a->queue) {
			if (n == BATCH_MAX)
				break;
			entries[n++] = entry_of(container_of(it, struct waiting, link));
		}
		rc = append(a, entries, n, err);
		if (rc < 0)
			return rc;
		dequeue(a, n);
	}
	if (a->dropped_since == 0)
		return 0;
	snprintf(detail, sizeof(detail), "%llu acts of the server were not recorded",
		 (unsigned long long)a->dropped_since);
	entries[0] = (struct audit_entry){
		.act = {.act = "audit.dropped", .who = "server", .peer = "", .detail = detail},
		.wall_ms = clock_wall_ms(a->deps.loop->clock)};
	rc = append(a, entries, 1, err);
	if (rc == 0)
		a->dropped_since = 0;
	return rc;
}

static void on_retry(uv_timer_t *timer);

static void retry_arm(struct audit *a)
{
	if (a->is_running && !uv_is_active((uv_handle_t *)&a->retry))
		uv_timer_start(&a->retry, on_retry, (uint64_t)a->deps.cfg->retry_ms, 0);
}

/* A sync that failed is made good by the next append, so something is appended. */
static int recover(struct audit *a, struct agni_err *err)
{
	int rc = flush(a, err);

	if (rc == 0 && a->file.has_lost_sync)
		rc = append(a, NULL, 0, err);
	if (rc == 0)
		well(a);
	else
		retry_arm(a);
	return rc;
}

static void on_retry(uv_timer_t *timer)
{
	struct audit *a = container_of(timer, struct audit, retry);
	struct agni_err err;

	(void)recover(a, &err);
}

/* ---- acts --------------------------------------------------------------------------------- */

static int write_now(struct audit *a, const struct audit_act *act, struct agni_err *err)
{
	const struct audit_entry entry = {.act = *act,
					  .wall_ms = clock_wall_ms(a->deps.loop->clock)};
	int rc = recover(a, err);

	if (rc == 0)
		rc = append(a, &entry, 1, err);
	if (rc < 0)
		retry_arm(a);
	return rc;
}

int audit_write(struct audit *a, const struct audit_act *act, struct agni_err *err)
{
	struct agni_err own = {0};
	int rc;

	if (!a)
		return 0;
	if (!act->is_of_person && (!a->is_running || a->is_refusing)) {
		enqueue(a, act); /* the timer tries; not every act of ours has to */
		return 0;
	}
	rc = a->is_running ? write_now(a, act, &own)
			   : agni_fail(&own, AGNI_ECLOSED, "%s: not open", a->path);
	if (rc == 0)
		return 0;
	if (!act->is_of_person) {
		enqueue(a, act);
		return 0;
	}
	a->refused++;
	return agni_fail(err, rc, "the audit log cannot be written: %s", own.text);
}

int audit_record(const char *path, const struct audit_act *act, struct agni_err *err)
{
	struct audit_entry entry = {.act = *act};
	struct audit_file f;
	struct clock clock;
	int rc;

	clock_init(&clock, CLOCK_SYSTEM);
	entry.wall_ms = clock_wall_ms(&clock);
	audit_file_init(&f, path, INT64_MAX, NULL); /* the server rotates */
	rc = audit_file_append(&f, &entry, 1, entry.wall_ms, err);
	for (int i = 0; i < RECORD_TRIES && rc == UV_EAGAIN; i++) {
		uv_sleep(RECORD_WAIT_MS); /* there is no loop that would have to wait for us */
		rc = audit_file_append(&f, &entry, 1, entry.wall_ms, err);
	}
	if (rc == 0)
		rc = audit_file_sync(&f, err);
	audit_file_fini(&f);
	return rc;
}

/* ---- syncing ------------------------------------------------------------------------------ */

static void stop_if_idle(struct audit *a)
{
	if (--a->open == 0)
		a->mod.done(&a->mod);
}

static void on_sync_work(uv_work_t *work)
{
	struct audit *a = container_of(work, struct audit, work);

	a->work_rc = a->file.io->fdatasync(a->work_fd);
}

static void on_sync_done(uv_work_t *work, int status)
{
	struct audit *a = container_of(work, struct audit, work);
	struct agni_err err;
	bool ok = status == 0 && a->work_rc == 0;

	close(a->work_fd);
	a->is_syncing = false;
	audit_file_synced(&a->file, a->work_generation, a->work_len, ok);
	if (!ok && a->is_running) {
		agni_fail(&err, UV_EIO, "%s: cannot be synced", a->path);
		refusing(a, &err);
		retry_arm(a);
	}
	if (a->is_running && a->file.unsynced.len > 0)
		sync_arm(a);
	stop_if_idle(a);
}

static void on_sync(uv_timer_t *timer)
{
	struct audit *a = container_of(timer, struct audit, sync);

	a->work_fd = dup(a->file.fd);
	if (a->work_fd < 0)
		return; /* no descriptor is left: the next record arms the timer again */
	a->work_len = a->file.len;
	a->work_generation = a->file.generation;
	a->is_syncing = true;
	a->open++;
	if (uv_queue_work(&a->deps.loop->uv, &a->work, on_sync_work, on_sync_done) < 0) {
		close(a->work_fd);
		a->is_syncing = false;
		a->open--;
	}
}

/* One sync in flight; records that come meanwhile are for the next. */
static void sync_arm(struct audit *a)
{
	if (a->is_running && !a->is_syncing && !uv_is_active((uv_handle_t *)&a->sync) &&
	    a->deps.cfg->sync_ms > 0)
		uv_timer_start(&a->sync, on_sync, (uint64_t)a->deps.cfg->sync_ms, 0);
}

/* ---- the module --------------------------------------------------------------------------- */

struct audit *audit_create(const struct audit_deps *deps)
{
	struct audit *a = mem_zalloc(sizeof(*a));

	a->deps = *deps;
	list_init(&a->queue);
	audit_path(deps->cfg, deps->data_dir, a->path);
	audit_file_init(&a->file, a->path, deps->cfg->rotate_bytes, deps->io);
	return a;
}

void audit_destroy(struct audit *a)
{
	if (!a)
		return;
	dequeue(a, a->queued);
	audit_file_fini(&a->file);
	free(a);
}

/* Whether the disk may yet think better of it; anything else is for a person to put right. */
static bool is_passing(int code)
{
	return code == UV_ENOSPC || code == UV_EIO || code == UV_EROFS || code == UV_EAGAIN ||
	       code == -EDQUOT;
}

static void write_own(struct audit *a, const char *act)
{
	struct agni_err err;
	const struct audit_act entry = {.act = act, .who = "server", .peer = "", .detail = ""};

	(void)!audit_write(a, &entry, &err);
}

static int audit_start(struct module *m, struct agni_err *err)
{
	struct audit *a = container_of(m, struct audit, mod);
	struct agni_err own = {0};
	int rc = audit_file_open(&a->file, &own);

	if (rc < 0 && !is_passing(rc))
		return agni_fail(err, rc, "%s", own.text);
	uv_timer_init(&a->deps.loop->uv, &a->retry);
	uv_timer_init(&a->deps.loop->uv, &a->sync);
	a->open = 2;
	a->is_running = true;
	if (rc < 0) {
		refusing(a, &own);
		retry_arm(a);
	}
	write_own(a, "server.started");
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	stop_if_idle(handle->data);
}

/* The last records are synced here: a few milliseconds, once. */
static void audit_stop(struct module *m, module_stopped_fn *done)
{
	struct audit *a = container_of(m, struct audit, mod);
	struct agni_err err = {0};

	m->done = done;
	write_own(a, "server.stopped");
	if (recover(a, &err) < 0 || audit_file_sync(&a->file, &err) < 0)
		log_error("audit", "%s; %llu acts of the server are not recorded", err.text,
			  (unsigned long long)(a->queued + a->dropped_since));
	a->is_running = false;
	a->retry.data = a->sync.data = a;
	uv_close((uv_handle_t *)&a->retry, on_timer_closed);
	uv_close((uv_handle_t *)&a->sync, on_timer_closed);
}

static enum health audit_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct audit *a = container_of(m, struct audit, mod);
	char when[IST_TEXT];

	if (a->is_refusing) {
		snprintf(why, HEALTH_WHY_MAX, "since %s %.80s; %llu acts wait",
			 ist_format(a->since_ms, when), a->why.text, (unsigned long long)a->queued);
		return HEALTH_DEGRADED;
	}
	if (a->file.is_head_behind) {
		snprintf(why, HEALTH_WHY_MAX, "%.100s.head cannot be written", a->path);
		return HEALTH_DEGRADED;
	}
	snprintf(why, HEALTH_WHY_MAX, "%llu records", (unsigned long long)a->file.last.seq);
	return HEALTH_UP;
}

static const struct metric audit_metrics[] = {
	{"records_total", "Acts recorded", METRIC_COUNTER, offsetof(struct audit, records)},
	{"refused_total", "Acts of people refused because they could not be recorded",
	 METRIC_COUNTER, offsetof(struct audit, refused)},
	{"queued", "Acts of the server that wait for the disk", METRIC_GAUGE,
	 offsetof(struct audit, queued)},
	{"dropped_total", "Acts of the server for which the queue had no room", METRIC_COUNTER,
	 offsetof(struct audit, dropped)},
	{"failures_total", "Writes and syncs that failed", METRIC_COUNTER,
	 offsetof(struct audit, failures)},
	{"rotations_total", "Times the file was changed", METRIC_COUNTER,
	 offsetof(struct audit, file.rotations)},
	{0},
};

static const struct module_ops audit_ops = {
	.name = "audit",
	.start = audit_start,
	.stop = audit_stop,
	.health = audit_health,
	.metrics = audit_metrics,
	.mod_offset = offsetof(struct audit, mod),
};

struct module *audit_module(struct audit *a)
{
	a->mod.ops = &audit_ops;
	return &a->mod;
}
