/* SPDX-License-Identifier: MIT
 *
 * commit: from the chunks to the file, and from the file to the disk; what happens when that fails.
 *
 *      sync=interval   loop:    pwritev of all that the turn brought, then it may be shown
 *                      worker:  fdatasync every interval_ms, one at a time
 *      sync=turn       worker:  pwritev and fdatasync of all that waits, one batch in flight
 *                      loop:    on completion the batch's blocks go to the book, the next one starts
 *
 * A failure closes the segment behind its last good byte and begins a new epoch in the same
 * instant, before anything of the failed batch is shown: so whatever a crash leaves, no (epoch, seq)
 * that somebody has seen is ever given to another tick. A sync that failed counts like a write: the
 * kernel may have dropped the pages, and asking again would be told that all is well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/ist.h"
#include "tape/tape_internal.h"

#define RESERVE_BYTES (1 << 20) /* must be free for a segment to be begun */

struct tape_commit {
	uv_work_t work;
	struct tape *tape;
	struct tape_file *file;
	const struct tape_io *io;
	uint64_t offset;
	struct iovec iov[TAPE_IOV_MAX];
	struct {
		struct tape_chunk *chunk;
		size_t upto;
	} part[TAPE_IOV_MAX];
	int n;
	size_t bytes;
	uint64_t seq; /* the newest tick in it */
	bool is_abandoned, is_new;
	char dir[TAPE_DIR_MAX];
	uint64_t ns;
	int rc;
};

struct sync_job {
	uv_work_t work;
	struct tape *tape;
	const struct tape_io *io;
	struct list files;
	bool has_new;
	char dir[TAPE_DIR_MAX];
	uint64_t ns;
	int rc;
};

/* --- segments -------------------------------------------------------------------------------- */

static void file_free(struct tape_file *f)
{
	list_remove(&f->link);
	close(f->fd);
	free(f);
}

static void file_dirty(struct tape *t, struct tape_file *f)
{
	if (!f->is_dirty) {
		f->is_dirty = true;
		if (f->refs == 0)
			list_append(&t->unsynced, &f->link);
	}
}

static int write_header(struct tape *t, struct tape_file *f, uint64_t first_seq)
{
	struct tape_segment_header h = {.flags =
						t->deps.cfg->sync == TAPE_TURN ? TAPE_SYNC_TURN : 0,
					.ordinal = f->ordinal,
					.epoch = t->epoch_id,
					.first_seq = first_seq,
					.created_ms = clock_wall_ms(t->deps.loop->clock)};
	struct iovec iov = {&h, sizeof(h)};
	struct tape_segment *s;
	int rc;

	memcpy(h.boot, t->boot, sizeof(h.boot));
	snprintf(h.source, sizeof(h.source), "%s", t->deps.source);
	snprintf(h.writer, sizeof(h.writer), "agnidata");
	segment_header_seal(&h);
	rc = tape_write_all(t->deps.io, f->fd, &iov, 1, 0);
	if (rc < 0)
		return rc;
	f->bytes = sizeof(h);
	s = tape_segment_add(t);
	*s = (struct tape_segment){.ordinal = f->ordinal,
				   .epoch = h.epoch,
				   .first_seq = first_seq,
				   .bytes = f->bytes,
				   .created_ms = h.created_ms,
				   .has_index = true};
	return 0;
}

/* Begins the next segment; on failure nothing is left of it. */
static int file_open(struct tape *t, uint64_t first_seq)
{
	struct tape_file *f = mem_zalloc(sizeof(*f));
	char path[TAPE_PATH_MAX];
	int rc;

	f->ordinal = ++t->ordinal;
	list_init(&f->link);
	segment_path(path, t->dir, f->ordinal);
	rc = f->fd = t->deps.io->create(path);
	if (rc >= 0) {
		rc = t->deps.io->reserve(f->fd, 0, RESERVE_BYTES);
		if (rc >= 0)
			rc = write_header(t, f, first_seq);
		if (rc < 0) {
			close(f->fd);
			unlink(path);
		}
	}
	if (rc < 0) {
		free(f);
		return rc;
	}
	f->is_new = true;
	t->file = f;
	file_dirty(t, f);
	tape_rename_aside(t);
	return 0;
}

/* Nothing more will be written to it. */
static void file_let_go(struct tape *t)
{
	struct tape_file *f = t->file;

	t->file = NULL;
	f->is_closed = true;
	if (f->refs == 0 && !f->is_dirty)
		file_free(f);
}

void tape_file_close(struct tape *t)
{
	struct tape_file *f = t->file;
	struct tape_segment *s = tape_segment_find(t, f->ordinal);
	struct tape_chunk *newest = tape_newest(t);
	uint64_t next_seq = newest ? newest->next_seq : t->last + 1;
	struct buf out = {0};
	struct iovec iov;

	list_for_each (it, &t->chunks) {
		struct tape_chunk *c = container_of(it, struct tape_chunk, link);

		if (c->segment == f->ordinal)
			next_seq = c->next_seq;
	}
	segment_index_build(&out, s->index, s->index_n, next_seq, f->bytes);
	iov = (struct iovec){out.data, out.len};
	/* Without an index the segment is as good, and slower to read. */
	if (tape_write_all(t->deps.io, f->fd, &iov, 1, (off_t)f->bytes) == 0)
		f->bytes += out.len;
	buf_fini(&out);
	(void)t->deps.io->truncate(f->fd, (off_t)f->bytes); /* what was reserved behind it */
	s->bytes = f->bytes;
	file_dirty(t, f);
	file_let_go(t);
}

/* --- what is pending -------------------------------------------------------------------------- */

static struct tape_chunk *first_pending(const struct tape *t)
{
	struct tape_chunk *found = NULL;

	for (struct list *it = t->chunks.prev; it != &t->chunks; it = it->prev) {
		struct tape_chunk *c = container_of(it, struct tape_chunk, link);

		if (c->written < c->len)
			found = c;
		else if (found)
			break;
	}
	return found;
}

static bool begins_segment(const struct tape_chunk *c)
{
	return c->opens_segment && c->written == 0;
}

/* Collects what can go to one file in one write, from `c` on. Returns the number of pieces. */
static int collect(struct tape *t, struct tape_chunk *c, struct tape_commit *batch)
{
	batch->n = 0;
	batch->bytes = 0;
	for (struct list *it = &c->link; it != &t->chunks && batch->n < TAPE_IOV_MAX;
	     it = it->next) {
		struct tape_chunk *next = container_of(it, struct tape_chunk, link);

		if (next->written == next->len)
			continue;
		if (batch->n && begins_segment(next))
			break;
		batch->iov[batch->n] =
			(struct iovec){next->bytes + next->written, next->len - next->written};
		batch->part[batch->n].chunk = next;
		batch->part[batch->n++].upto = next->len;
		batch->bytes += next->len - next->written;
		batch->seq = next->next_seq - 1;
	}
	return batch->n;
}

static void index_chunk(struct tape *t, struct tape_chunk *c, uint64_t offset)
{
	struct tape_segment *s = tape_segment_find(t, t->file->ordinal);

	c->segment = t->file->ordinal;
	c->offset = offset;
	if (s->index_n == s->index_cap) {
		s->index_cap = s->index_cap ? 2 * s->index_cap : 64;
		s->index = mem_realloc(s->index, s->index_cap * sizeof(*s->index));
	}
	s->index[s->index_n++] = (struct tape_index_entry){
		.offset = offset, .seq = c->first_seq, .ts_ms = c->first_ms};
}

/* The batch is in the file. */
static void batch_is_written(struct tape *t, const struct tape_commit *batch)
{
	uint64_t offset = t->file->bytes;

	for (int i = 0; i < batch->n; i++) {
		struct tape_chunk *c = batch->part[i].chunk;

		if (c->written == 0)
			index_chunk(t, c, offset);
		offset += batch->part[i].upto - c->written;
		c->written = batch->part[i].upto;
	}
	t->file->bytes = offset;
	tape_segment_find(t, t->file->ordinal)->bytes = offset;
	t->pending_bytes -= batch->bytes;
	t->writes++;
}

/* The file that `c` goes to. */
static int file_for(struct tape *t, const struct tape_chunk *c)
{
	if (t->file && begins_segment(c)) {
		tape_file_close(t);
		tape_retain(t);
	}
	return t->file ? 0 : file_open(t, c->first_seq);
}

int tape_write_pending(struct tape *t)
{
	struct tape_commit batch;
	struct tape_chunk *c;
	uint64_t begin = uv_hrtime();

	while ((c = first_pending(t))) {
		int rc = file_for(t, c);

		if (rc == 0) {
			int n = collect(t, c, &batch);

			rc = tape_write_all(t->deps.io, t->file->fd, batch.iov, n,
					    (off_t)t->file->bytes);
		}
		if (rc < 0)
			return rc;
		batch_is_written(t, &batch);
		file_dirty(t, t->file);
	}
	histogram_add(&t->write_time, (uv_hrtime() - begin) / 1000);
	return 0;
}

/* --- sync=turn -------------------------------------------------------------------------------- */

/* The blocks between `from` and `to` of a chunk go to the book. */
static void deliver(struct tape *t, struct tape_chunk *c, size_t from, size_t to)
{
	struct tape_walk w = {.p = c->bytes + from, .end = c->bytes + to};
	struct tape_record r;
	struct tape_block b;

	while (tape_walk_trusted(&w, &r)) {
		uint64_t mono = 0;

		if (!tape_block_open(&b, &r))
			continue;
		AGNI_ASSERT(t->pending_mono.len >= sizeof(mono));
		memcpy(&mono, t->pending_mono.data, sizeof(mono));
		buf_consume(&t->pending_mono, sizeof(mono));
		t->on_block(t->block_arg, &b, c->ids, mono);
		t->seq = r.head.seq + r.head.ticks - 1;
	}
}

static void on_commit_work(uv_work_t *work)
{
	struct tape_commit *b = container_of(work, struct tape_commit, work);
	uint64_t begin = uv_hrtime();

	b->rc = tape_write_all(b->io, b->file->fd, b->iov, b->n, (off_t)b->offset);
	if (b->rc == 0)
		b->rc = b->io->datasync(b->file->fd);
	if (b->rc == 0 && b->is_new)
		b->rc = tape_sync_folder(b->io, b->dir);
	b->ns = uv_hrtime() - begin;
}

static void file_unref(struct tape *t, struct tape_file *f)
{
	f->refs--;
	if (f->refs == 0 && f->is_dirty)
		list_append(&t->unsynced, &f->link);
	else if (f->refs == 0 && f->is_closed)
		file_free(f);
}

static void on_committed(uv_work_t *work, int status)
{
	struct tape_commit *b = container_of(work, struct tape_commit, work);
	struct tape *t = b->tape;
	size_t from[TAPE_IOV_MAX];

	(void)status;
	t->commits_n--;
	for (int i = 0; i < b->n; i++)
		b->part[i].chunk->refs--;
	file_unref(t, b->file);
	if (!b->is_abandoned) {
		t->commit = NULL;
		histogram_add(&t->sync_time, b->ns / 1000);
		if (b->rc < 0) {
			tape_degrade(t, b->rc, "a write or its sync failed");
		} else {
			t->syncs++;
			for (int i = 0; i < b->n; i++)
				from[i] = b->part[i].chunk->written;
			batch_is_written(t, b);
			for (int i = 0; i < b->n; i++)
				deliver(t, b->part[i].chunk, from[i], b->part[i].upto);
			if (t->pending_bytes && !t->is_stopping)
				tape_commit_start(t);
		}
	}
	free(b);
	tape_evict(t);
	tape_stop_if_idle(t);
}

void tape_commit_start(struct tape *t)
{
	struct tape_chunk *c = first_pending(t);
	struct tape_commit *b;
	int rc;

	if (t->pending_bytes > (size_t)t->deps.cfg->pending_max_bytes) {
		tape_degrade(t, AGNI_ELIMIT, "the disk does not keep up");
		return;
	}
	if (t->commit || !c)
		return;
	rc = file_for(t, c);
	if (rc < 0) {
		tape_degrade(t, rc, "no new segment");
		return;
	}
	b = mem_zalloc(sizeof(*b));
	b->tape = t;
	b->io = t->deps.io;
	b->file = t->file;
	b->offset = t->file->bytes;
	b->is_new = t->file->is_new;
	t->file->is_new = false;
	memcpy(b->dir, t->dir, sizeof(b->dir));
	collect(t, c, b);
	for (int i = 0; i < b->n; i++)
		b->part[i].chunk->refs++;
	if (t->file->refs == 0) {
		/* This very batch syncs what the file owes. */
		list_remove(&t->file->link);
		t->file->is_dirty = false;
	}
	t->file->refs++;
	t->commit = b;
	t->commits_n++;
	uv_queue_work(&t->deps.loop->uv, &b->work, on_commit_work, on_committed);
}

/* --- sync=interval ---------------------------------------------------------------------------- */

static void on_sync_work(uv_work_t *work)
{
	struct sync_job *j = container_of(work, struct sync_job, work);
	uint64_t begin = uv_hrtime();

	list_for_each (it, &j->files) {
		struct tape_file *f = container_of(it, struct tape_file, link);

		if (j->rc == 0)
			j->rc = j->io->datasync(f->fd);
	}
	if (j->rc == 0 && j->has_new)
		j->rc = tape_sync_folder(j->io, j->dir);
	j->ns = uv_hrtime() - begin;
}

static void on_synced(uv_work_t *work, int status)
{
	struct sync_job *j = container_of(work, struct sync_job, work);
	struct tape *t = j->tape;

	(void)status;
	t->is_syncing = false;
	t->syncs++;
	histogram_add(&t->sync_time, j->ns / 1000);
	list_for_each (it, &j->files) {
		list_remove(it);
		file_unref(t, container_of(it, struct tape_file, link));
	}
	if (j->rc < 0 && t->is_stopping)
		log_error("tape", "the last sync failed: %s", agni_strerror(j->rc));
	else if (j->rc < 0 && !t->is_degraded)
		tape_degrade(t, j->rc, "a sync failed");
	free(j);
	tape_stop_if_idle(t);
}

void tape_sync_start(struct tape *t)
{
	struct sync_job *j;

	if (t->is_syncing || list_is_empty(&t->unsynced))
		return;
	j = mem_zalloc(sizeof(*j));
	j->tape = t;
	j->io = t->deps.io;
	memcpy(j->dir, t->dir, sizeof(j->dir));
	list_init(&j->files);
	list_for_each (it, &t->unsynced) {
		struct tape_file *f = container_of(it, struct tape_file, link);

		list_remove(it);
		list_append(&j->files, it);
		f->is_dirty = false;
		f->refs++;
		j->has_new |= f->is_new;
		f->is_new = false;
	}
	t->is_syncing = true;
	uv_queue_work(&t->deps.loop->uv, &j->work, on_sync_work, on_synced);
}

/* --- degraded mode ---------------------------------------------------------------------------- */

/* An empty file takes no room, so it can often be made on a full disk. It only makes the next start
 * more careful than it has to be. */
static void marker_set(const struct tape *t, bool is_there)
{
	char path[TAPE_PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/" TAPE_MARKER, t->dir);
	if (!is_there) {
		unlink(path);
		return;
	}
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

/* What waits for the file waits no more: the book gets what it has not, in order. */
static void give_up_pending(struct tape *t)
{
	list_for_each (it, &t->chunks) {
		struct tape_chunk *c = container_of(it, struct tape_chunk, link);
		size_t from = c->written;

		c->written = c->len;
		if (from < c->len && t->pending_mono.len)
			deliver(t, c, from, c->len);
	}
	t->pending_bytes = 0;
	t->seq = t->last;
}

void tape_degrade(struct tape *t, int rc, const char *what)
{
	AGNI_ASSERT(!t->is_degraded);
	t->errors++;
	t->degraded_total++;
	t->degraded_now = t->is_degraded = true;
	t->degraded_from = t->seq + 1;
	t->degraded_ms = clock_wall_ms(t->deps.loop->clock);
	t->next_retry =
		clock_mono(t->deps.loop->clock) + (uint64_t)t->deps.cfg->retry_ms * NS_PER_MS;
	snprintf(t->why, sizeof(t->why), "%s: %s", what, agni_strerror(rc));
	tape_new_epoch(t);
	t->epoch_from = t->seq + 1;
	if (t->commit) {
		t->commit->is_abandoned = true;
		t->commit = NULL;
	}
	if (t->file) {
		(void)t->deps.io->truncate(t->file->fd, (off_t)t->file->bytes);
		file_let_go(t);
	}
	marker_set(t, true);
	log_error("tape", "%s: ticks go on WITHOUT being recorded from seq %llu on, in epoch %s",
		  t->why, (unsigned long long)t->degraded_from, t->epoch);
	give_up_pending(t);
}

int tape_begin_segment(struct tape *t)
{
	int rc = file_open(t, t->last + 1);

	if (rc == 0)
		t->wants_chunk = t->has_fresh_file = true;
	return rc;
}

void tape_try_again(struct tape *t)
{
	uint64_t bounds[2] = {t->degraded_from, t->last};
	struct buf payload = {0};
	int rc = tape_begin_segment(t);

	if (rc < 0) {
		t->errors++;
		return;
	}
	t->degraded_now = t->is_degraded = false;
	marker_set(t, false);
	buf_append(&payload, bounds, sizeof(bounds));
	buf_str(&payload, t->why);
	tape_control(t, TAPE_DEGRADED, 0, clock_wall_ms(t->deps.loop->clock), payload.data,
		     payload.len);
	buf_fini(&payload);
	log_info("tape", "recording again from seq %llu on; %llu ticks were not kept",
		 (unsigned long long)t->last + 1,
		 (unsigned long long)(t->last + 1 - t->degraded_from));
}

/* --- the end ---------------------------------------------------------------------------------- */

/* The last words, synchronous: nothing else runs any more. */
static void finish(struct tape *t)
{
	int rc = 0;

	if (!t->is_degraded) {
		tape_control(t, TAPE_STOP, 0, clock_wall_ms(t->deps.loop->clock), NULL, 0);
		rc = tape_write_pending(t);
	}
	if (rc < 0)
		log_error("tape", "the end of the journal could not be written: %s",
			  agni_strerror(rc));
	t->seq = t->last;
	if (t->file && rc == 0)
		tape_file_close(t);
	else if (t->file)
		file_let_go(t);
}

void tape_stop_if_idle(struct tape *t)
{
	if (!t->is_stopping || !t->is_timer_closed || t->commits_n || t->is_syncing || t->loads_n)
		return;
	if (!t->is_stopped) {
		t->is_stopped = true;
		finish(t);
		tape_sync_start(t);
		if (t->is_syncing)
			return;
	}
	if (t->mod.done) {
		module_stopped_fn *done = t->mod.done;

		t->mod.done = NULL;
		t->is_on = false;
		done(&t->mod);
	}
}
