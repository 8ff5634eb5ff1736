/* SPDX-License-Identifier: MIT
 *
 * recover: what a start finds in the folder, and what follows from it.
 *
 *      lock -> list -> headers of all -> the newest segment, every byte -> seq and epoch
 *
 * The epoch goes on when it is proved that nothing was shown beyond the tail: the process was
 * killed and the system was not (what was written is in the file), or it stopped with a last word,
 * or it showed only what was on the disk (sync=turn). In doubt (another boot, a damaged tail, a
 * mark of a degraded period) a new epoch begins, and seq leaps, so that it does not go back either.
 *
 * What was decided stands in the header of a new segment before anything else is changed: a start
 * that is killed half-way decides the same again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tape/tape_internal.h"

/* --- the list of segments --------------------------------------------------------------------- */

struct tape_segment *tape_segment_add(struct tape *t)
{
	if (t->segments_n == t->segments_cap) {
		t->segments_cap = t->segments_cap ? 2 * t->segments_cap : 32;
		t->segments = mem_realloc(t->segments, t->segments_cap * sizeof(*t->segments));
	}
	t->segments[t->segments_n] = (struct tape_segment){0};
	return &t->segments[t->segments_n++];
}

void tape_segment_drop(struct tape *t, uint32_t i)
{
	free(t->segments[i].index);
	memmove(&t->segments[i], &t->segments[i + 1],
		(t->segments_n - i - 1) * sizeof(*t->segments));
	t->segments_n--;
}

struct tape_segment *tape_segment_find(struct tape *t, uint64_t ordinal)
{
	for (uint32_t i = t->segments_n; i-- > 0;) {
		if (t->segments[i].ordinal == ordinal)
			return &t->segments[i];
	}
	return NULL;
}

static void name_damage(const struct tape *t, uint64_t ordinal, const char *what)
{
	char path[TAPE_PATH_MAX];

	segment_path(path, t->dir, ordinal);
	log_error("tape",
		  "%s is damaged (%s): set aside as " TAPE_DAMAGED_SUFFIX
		  "; its ticks are a gap for readers",
		  path, what);
}

static void rename_damaged(const struct tape *t, uint64_t ordinal)
{
	char from[TAPE_PATH_MAX], to[TAPE_PATH_MAX + 16];

	segment_path(from, t->dir, ordinal);
	snprintf(to, sizeof(to), "%s" TAPE_DAMAGED_SUFFIX, from);
	if (rename(from, to) < 0)
		log_warn("tape", "%s could not be renamed: %s", from, agni_strerror(-errno));
}

void tape_set_aside(struct tape *t, struct tape_segment *s, const char *what)
{
	t->damaged++;
	s->is_damaged = s->wants_aside = true;
	name_damage(t, s->ordinal, what);
	if (t->file && t->file->ordinal == s->ordinal)
		t->wants_chunk = true; /* the next tick begins another file */
	tape_rename_aside(t);
}

void tape_rename_aside(struct tape *t)
{
	for (uint32_t i = 0; i < t->segments_n; i++) {
		struct tape_segment *s = &t->segments[i];

		if (!s->wants_aside || !t->file || t->file->ordinal <= s->ordinal)
			continue;
		s->wants_aside = false;
		rename_damaged(t, s->ordinal);
	}
}

/* --- the folder -------------------------------------------------------------------------------- */

/* A new folder's name is on the disk when its parent is. */
static void sync_parent(const struct tape *t, const char *path)
{
	char parent[TAPE_DIR_MAX];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	if (tape_sync_folder(t->deps.io, !slash ? "." : parent[0] ? parent : "/") < 0)
		log_warn("tape", "%s: its name could not be synced", path);
}

static int make_folder(const struct tape *t, const char *path, struct agni_err *err)
{
	char part[TAPE_DIR_MAX];

	for (size_t i = 1;; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		if (mkdir(part, 0700) == 0)
			sync_parent(t, part);
		else if (errno != EEXIST)
			return agni_fail_uv(err, -errno, "cannot make the folder %s", part);
		if (path[i] == '\0')
			return 0;
	}
}

/* The lock is another's. */
static int is_taken(struct tape *t, int code, struct agni_err *err)
{
	char pid[24];
	ssize_t n = pread(t->lock_fd, pid, sizeof(pid) - 1, 0);

	close(t->lock_fd);
	t->lock_fd = -1;
	pid[n > 0 ? n : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	return agni_fail_uv(err, code, "another process (%s) records to %s",
			    pid[0] ? pid : "not known", t->dir);
}

static int take_folder(struct tape *t, struct agni_err *err)
{
	const char *base = t->deps.cfg->dir, *middle = "";
	char path[TAPE_PATH_MAX];
	int n;

	if (!base[0]) {
		base = t->deps.data_dir;
		middle = "/tape";
	}
	n = snprintf(t->dir, sizeof(t->dir), "%s%s/%s", base, middle, t->deps.source);
	if (n >= (int)sizeof(t->dir))
		return agni_fail(err, AGNI_ECONFIG, "tape.dir is too long");
	if (make_folder(t, t->dir, err) < 0)
		return err ? err->code : -1;
	snprintf(path, sizeof(path), "%s/lock", t->dir);
	t->lock_fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (t->lock_fd < 0)
		return agni_fail_uv(err, -errno, "cannot open %s", path);
	if (flock(t->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return is_taken(t, -errno, err);
	/* Who it is, for who wants to send a signal. On a full disk nobody is told. */
	n = snprintf(path, sizeof(path), "%ld\n", (long)getpid());
	if (ftruncate(t->lock_fd, 0) < 0 || pwrite(t->lock_fd, path, (size_t)n, 0) != n)
		log_warn("tape", "cannot write the process id to %s/lock: %s", t->dir,
			 strerror(errno));
	return 0;
}

static int compare_ordinals(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Ordinals of the segments, in order; those set aside only count for the next number. */
static int list_folder(struct tape *t, struct buf *ordinals, struct agni_err *err)
{
	DIR *d = opendir(t->dir);
	struct dirent *e;

	if (!d)
		return agni_fail_uv(err, -errno, "cannot read the folder %s", t->dir);
	while ((e = readdir(d))) {
		bool is_damaged;
		uint64_t n = segment_ordinal(e->d_name, &is_damaged);

		if (n && !is_damaged)
			buf_append(ordinals, &n, sizeof(n));
		if (n > t->ordinal)
			t->ordinal = n;
	}
	closedir(d);
	if (ordinals->len)
		qsort(ordinals->data, ordinals->len / sizeof(uint64_t), sizeof(uint64_t),
		      compare_ordinals);
	return 0;
}

/* Reads a header. Returns its length in the file, at most sizeof(*h), or -errno. */
static ssize_t read_header(const char *path, struct tape_segment_header *h, uint64_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = pread(fd, h, sizeof(*h), 0);
	if (n < 0 || fstat(fd, &st) < 0)
		n = -errno;
	else
		*bytes = (uint64_t)st.st_size;
	close(fd);
	return n;
}

/* What is found, and changed only when the decision stands in a file. */
struct finding {
	struct buf aside;    /* ordinals of damaged segments */
	uint64_t lost_bytes; /* of newest files whose headers are damaged */
	uint64_t
		lost_bound; /* no tick in them has a seq from it on, as far as their records tell */
	const char *why;    /* a new epoch is needed; NULL: it goes on */
};

static void note_damaged(struct tape *t, struct finding *f, uint64_t ordinal, const char *what)
{
	t->damaged++;
	name_damage(t, ordinal, what);
	buf_append(&f->aside, &ordinal, sizeof(ordinal));
}

/* All but the newest: the header is looked at, and no more. */
static int note_old(struct tape *t, struct finding *f, uint64_t ordinal, struct agni_err *err)
{
	char path[TAPE_PATH_MAX];
	struct tape_segment_header h;
	struct tape_segment *s;
	uint64_t bytes = 0;

	segment_path(path, t->dir, ordinal);
	if (read_header(path, &h, &bytes) < (ssize_t)sizeof(h) || !segment_header_is_sound(&h)) {
		note_damaged(t, f, ordinal, "its header");
		return 0;
	}
	if (strncmp(h.source, t->deps.source, sizeof(h.source)) != 0)
		return agni_fail(
			err, AGNI_ECONFIG,
			"%s was recorded from \"%.16s\", not from \"%s\": give each source "
			"a folder of its own",
			path, h.source, t->deps.source);
	s = tape_segment_add(t);
	s->ordinal = ordinal;
	s->epoch = h.epoch;
	s->first_seq = h.first_seq;
	s->created_ms = h.created_ms;
	s->bytes = bytes;
	return 0;
}

/* --- the newest segment ------------------------------------------------------------------------ */

static void read_boot(uint8_t boot[16])
{
	char text[64] = "";
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	memset(boot, 0, 16);
	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0) {
		for (const char *p = text; *p && n < 32; p++) {
			int v = *p >= '0' && *p <= '9'   ? *p - '0'
				: *p >= 'a' && *p <= 'f' ? *p - 'a' + 10
							 : -1;

			if (v >= 0) {
				boot[n / 2] = (uint8_t)(boot[n / 2] << 4 | v);
				n++;
			}
		}
	}
	close(fd);
}

/* Why it is not proved that nothing was shown beyond the tail; NULL: it is. */
static const char *doubt(const struct tape *t, const struct finding *f,
			 const struct segment_scan *s)
{
	char path[TAPE_PATH_MAX];

	snprintf(path, sizeof(path), "%s/" TAPE_MARKER, t->dir);
	if (access(path, F_OK) == 0)
		return "the last run ended while it could not record";
	if (f->lost_bytes)
		return "the newest file does not tell who it is";
	if (s->is_tail_damaged)
		return "the end of the newest file is damaged";
	if (s->is_stopped || (s->header.flags & TAPE_SYNC_TURN) ||
	    memcmp(s->header.boot, t->boot, sizeof(t->boot)) == 0)
		return NULL;
	return "the system went down without a clean stop";
}

/* seq goes on where nothing that was shown can be: a lost tick took more than a byte. */
static void leap(struct tape *t, const struct finding *f, uint64_t bound)
{
	if (f->lost_bound > bound)
		bound = f->lost_bound;
	if (bound > t->last + 1)
		t->last = bound - 1;
	t->last += f->lost_bytes + TAPE_SEQ_LEAP;
	tape_new_epoch(t);
	log_warn("tape", "%s: a new epoch, %s, begins behind seq %llu", f->why, t->epoch,
		 (unsigned long long)t->last);
}

static void take_epoch(struct tape *t, struct finding *f, const struct segment_scan *s)
{
	f->why = doubt(t, f, s);
	t->last = s->next_seq - 1;
	if (f->why) {
		leap(t, f, s->seq_bound);
		t->epoch_from = t->last + 1;
	} else {
		t->epoch_id = s->header.epoch;
		snprintf(t->epoch, sizeof(t->epoch), "%016llx", (unsigned long long)t->epoch_id);
	}
	t->seq = t->last;
}

/* Cuts what was never published, and closes the segment with an index. */
static void mend(struct tape *t, const char *path, struct segment_scan *s)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	struct buf index = {0};
	struct iovec iov;

	if (fd < 0) {
		log_warn("tape", "%s cannot be mended: %s", path, agni_strerror(-errno));
		return;
	}
	if (s->torn_bytes) {
		t->torn_bytes += s->torn_bytes;
		log_warn("tape",
			 "%s: the last write was not finished: %llu bytes behind seq %llu cut; "
			 "nobody "
			 "had seen them",
			 path, (unsigned long long)s->torn_bytes,
			 (unsigned long long)(s->next_seq - 1));
	}
	/* Also what was reserved behind the end goes back to the disk. */
	if (ftruncate(fd, (off_t)s->sound_bytes) < 0)
		log_warn("tape", "%s cannot be cut: %s", path, agni_strerror(-errno));
	if (!s->is_closed) {
		segment_index_build(&index, s->index, s->index_n, s->next_seq, s->sound_bytes);
		iov = (struct iovec){index.data, index.len};
		if (tape_write_all(t->deps.io, fd, &iov, 1, (off_t)s->sound_bytes) < 0)
			(void)t->deps.io->truncate(fd, (off_t)s->sound_bytes);
		buf_fini(&index);
	}
	close(fd);
}

/* Moves what the scan knows to the list. */
static void note_newest(struct tape *t, struct finding *f, uint64_t ordinal, struct segment_scan *s)
{
	struct tape_segment *seg = tape_segment_add(t);
	char path[TAPE_PATH_MAX], what[96];

	segment_path(path, t->dir, ordinal);
	seg->ordinal = ordinal;
	seg->epoch = s->header.epoch;
	seg->first_seq = s->header.first_seq;
	seg->created_ms = s->header.created_ms;
	seg->bytes = s->sound_bytes;
	if (s->damages) {
		snprintf(what, sizeof(what), "%llu places, the first at byte %llu",
			 (unsigned long long)s->damages, (unsigned long long)s->damage_at);
		seg->is_damaged = true;
		note_damaged(t, f, ordinal, what);
		return;
	}
	mend(t, path, s);
	seg->index = s->index;
	seg->index_n = s->index_n;
	seg->index_cap = s->index_cap;
	seg->has_index = true;
	s->index = NULL;
}

static void note_lost(struct tape *t, struct finding *f, uint64_t ordinal,
		      const struct segment_scan *s, const char *what)
{
	f->lost_bytes += s->file_bytes + 1;
	if (s->seq_bound > f->lost_bound)
		f->lost_bound = s->seq_bound;
	note_damaged(t, f, ordinal, what);
}

/* The newest file that tells who it is decides; `n` of the ordinals are older. */
static void take_newest(struct tape *t, struct finding *f, const uint64_t *ordinals, size_t *n)
{
	while (*n) {
		uint64_t ordinal = ordinals[*n - 1];
		char path[TAPE_PATH_MAX];
		struct segment_scan s;
		int rc;

		segment_path(path, t->dir, ordinal);
		rc = segment_scan(path, &s);
		if (rc < 0) {
			/* Whatever is in it may have been shown: as with a header that is gone. */
			--*n;
			note_lost(t, f, ordinal, &s, agni_strerror(rc));
			segment_scan_fini(&s);
			continue;
		}
		if (s.has_header &&
		    strncmp(s.header.source, t->deps.source, sizeof(s.header.source)) != 0) {
			segment_scan_fini(&s);
			return; /* note_old says what is wrong with it */
		}
		--*n;
		if (s.has_header) {
			take_epoch(t, f, &s);
			note_newest(t, f, ordinal, &s);
			segment_scan_fini(&s);
			return;
		}
		if (s.file_bytes < sizeof(s.header)) {
			t->torn_bytes += s.torn_bytes; /* made, and then killed */
			unlink(path);
		} else {
			note_lost(t, f, ordinal, &s, "its header");
		}
		segment_scan_fini(&s);
	}
	if (f->lost_bytes) {
		f->why = "the only file does not tell who it is";
		leap(t, f, 0);
		t->seq = t->last;
		t->epoch_from = t->last + 1;
	}
}

/* The newest was added first: it goes behind the others. */
static void order_segments(struct tape *t, bool has_newest)
{
	struct tape_segment first;

	if (!has_newest || t->segments_n < 2)
		return;
	first = t->segments[0];
	memmove(t->segments, t->segments + 1, (t->segments_n - 1) * sizeof(*t->segments));
	t->segments[t->segments_n - 1] = first;
}

static int look(struct tape *t, struct finding *f, struct agni_err *err)
{
	struct buf ordinals = {0};
	bool has_newest;
	size_t n;
	int rc = list_folder(t, &ordinals, err);

	if (rc < 0)
		return rc;
	n = ordinals.len / sizeof(uint64_t);
	take_newest(t, f, (const uint64_t *)(const void *)ordinals.data, &n);
	has_newest = t->segments_n > 0;
	for (size_t i = 0; i < n && rc >= 0; i++) {
		uint64_t ordinal;

		memcpy(&ordinal, ordinals.data + i * sizeof(ordinal), sizeof(ordinal));
		rc = note_old(t, f, ordinal, err);
	}
	buf_fini(&ordinals);
	if (rc >= 0)
		order_segments(t, has_newest);
	return rc;
}

/* The decision is in a file: now the folder may change. */
static void settle(struct tape *t, const struct finding *f)
{
	char path[TAPE_PATH_MAX];

	for (size_t i = 0; i < f->aside.len; i += sizeof(uint64_t)) {
		uint64_t ordinal;

		memcpy(&ordinal, f->aside.data + i, sizeof(ordinal));
		rename_damaged(t, ordinal);
	}
	snprintf(path, sizeof(path), "%s/" TAPE_MARKER, t->dir);
	unlink(path);
	tape_retain(t);
}

int tape_recover(struct tape *t, struct agni_err *err)
{
	struct finding f = {0};
	uint64_t begin = uv_hrtime();
	int rc = take_folder(t, err);

	if (rc == 0) {
		read_boot(t->boot);
		rc = look(t, &f, err);
	}
	if (rc == 0) {
		t->is_on = true;
		rc = tape_begin_segment(t);
		if (rc == 0)
			settle(t, &f);
		else
			tape_degrade(t, rc, "no file can be begun");
		rc = 0;
		log_info(
			"tape",
			"%s: %u files, %llu MB, the newest verified in %llu ms; epoch %s, seq %llu",
			t->dir, t->segments_n, (unsigned long long)(t->folder_bytes / 1000000),
			(unsigned long long)((uv_hrtime() - begin) / 1000000), t->epoch,
			(unsigned long long)t->seq);
	}
	buf_fini(&f.aside);
	return rc;
}
