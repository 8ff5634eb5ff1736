/* SPDX-License-Identifier: MIT
 *
 * audit_verify: see audit_verify.h.
 *
 *   files: PATH.lowest .. PATH.highest, PATH   as they were at one moment, under the writers' lock
 *   each line: form -> own hash -> number -> hash of the record before
 *
 * The order of the checks makes the name right: a record whose own hash fails was altered; one that
 * is sound but has another number shows that records are missing or stand elsewhere; one with the
 * right number and another `prev` shows that the record before it was made anew.
 */
#include "auth/audit_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/audit_file.h"

struct reader {
	FILE *file;
	char path[AUDIT_PATH_MAX + 16];
	off_t left; /* bytes that belong to us: a writer may go on behind them */
	uint64_t line;
	char *text; /* AUDIT_LINE_MAX bytes */
	size_t len;
	bool is_torn; /* the file ended without a newline */
};

struct verifier {
	const struct audit_options *options;
	struct audit_finding *out;
	audit_record_fn *on_record;
	void *arg;
	unsigned at, highest; /* rotated files left; at > highest: the current one */
	bool is_single;       /* one rotated file by itself */
	int fd;               /* of the current file, opened under the lock */
	off_t len;            /* of it, then */
	bool has_head;
	struct audit_link head;
	struct audit_link last;
	bool is_begun;
	bool is_expected_seen;
	struct reader reader;
};

/* ---- lines -------------------------------------------------------------------------------- */

/* The next line without its newline; false at the end. A line longer than any record is cut; the
 * rest of it is the next line, and both are faults. */
static bool reader_next(struct reader *r)
{
	int c = EOF;

	r->len = 0;
	while (r->left > 0 && r->len < AUDIT_LINE_MAX && (c = getc_unlocked(r->file)) != EOF) {
		r->left--;
		if (c == '\n')
			break;
		r->text[r->len++] = (char)c;
	}
	r->is_torn = c != '\n' && r->len > 0;
	r->line += c == '\n' || r->len > 0;
	return c == '\n' || r->len > 0;
}

static void reader_close(struct reader *r)
{
	if (r->file)
		fclose(r->file);
	r->file = NULL;
}

static int fail_open(const char *path, struct agni_err *err)
{
	return agni_fail_uv(err, errno ? -errno : -EIO, "%s", path);
}

static int reader_fd(struct reader *r, int fd, const char *path, off_t len, struct agni_err *err)
{
	r->file = fdopen(fd, "r");
	if (!r->file) {
		close(fd);
		return fail_open(path, err);
	}
	snprintf(r->path, sizeof(r->path), "%s", path);
	r->left = len;
	r->line = 0;
	return 1;
}

static int open_rotated(struct verifier *v, unsigned n, struct agni_err *err)
{
	char path[AUDIT_PATH_MAX + 16];
	struct stat st;
	int fd;

	audit_rotated_path(v->options->path, n, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_open(path, err);
	return reader_fd(&v->reader, fd, path, st.st_size, err);
}

/* The next file: 1, 0 after the last one, or an error. A number that is missing is passed over: the
 * records of the next file tell. */
static int open_next(struct verifier *v, struct agni_err *err)
{
	reader_close(&v->reader);
	while (!v->is_single && v->at && v->at <= v->highest) {
		int rc = open_rotated(v, v->at++, err);

		if (rc != UV_ENOENT)
			return rc;
	}
	if (v->fd >= 0) {
		int fd = v->fd;

		v->fd = -1;
		return reader_fd(&v->reader, fd, v->options->path, v->len, err);
	}
	return 0;
}

static bool next_line(struct verifier *v, int *rc, struct agni_err *err)
{
	for (;;) {
		if (v->reader.file && reader_next(&v->reader))
			return true;
		*rc = open_next(v, err);
		if (*rc <= 0)
			return false;
		v->out->files++;
	}
}

/* ---- faults ------------------------------------------------------------------------------- */

AGNI_PRINTF(3, 4)
static void fault(struct verifier *v, uint64_t seq, const char *fmt, ...)
{
	struct audit_finding *out = v->out;
	va_list ap;

	snprintf(out->file, sizeof(out->file), "%s", v->reader.path);
	out->line = v->reader.line;
	out->seq = seq;
	va_start(ap, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, ap);
	va_end(ap);
}

/* Record `seq` is not where it should be: is it further on, whole? */
static void fault_gap(struct verifier *v, uint64_t seq, uint64_t found)
{
	struct audit_line line;
	struct agni_err err;
	int rc;

	if (found < seq) {
		fault(v, seq, "reordered: record %" PRIu64 " stands here again", found);
		return;
	}
	fault(v, seq, "removed: record %" PRIu64 " stands here", found);
	while (next_line(v, &rc, &err)) {
		if (audit_line_read(v->reader.text, v->reader.len, &line) || line.seq != seq)
			continue;
		snprintf(v->out->why, sizeof(v->out->why),
			 "reordered: it stands at %.150s:%" PRIu64, v->reader.path, v->reader.line);
		return;
	}
}

/* Whether the line is the next record of the chain. */
static bool check_line(struct verifier *v)
{
	uint64_t want = v->last.seq + 1;
	struct audit_line line;
	const char *why = audit_line_read(v->reader.text, v->reader.len, &line);

	if (!v->is_begun && (v->options->is_archived || v->is_single) && line.seq) {
		want = line.seq;
		memcpy(v->last.hash, line.prev, sizeof(v->last.hash));
	}
	if (v->reader.is_torn)
		fault(v, want, "altered: the line has no end");
	else if (why)
		fault(v, want, "altered: %s", why);
	else if (line.seq != want)
		fault_gap(v, want, line.seq);
	else if (strcmp(line.prev, v->last.hash) != 0)
		fault(v, want - 1, "altered: record %" PRIu64 " followed another one, not this",
		      want);
	if (v->out->file[0])
		return false;
	if (!v->is_begun)
		v->out->first = want;
	v->is_begun = true;
	v->last.seq = want;
	memcpy(v->last.hash, line.hash, sizeof(v->last.hash));
	return true;
}

/* ---- what lies outside of the lines --------------------------------------------------------- */

/* "SEQ:HASH". */
static bool is_expected(const struct verifier *v)
{
	char text[SHA256_TEXT + 24];

	snprintf(text, sizeof(text), "%" PRIu64 ":%s", v->last.seq, v->last.hash);
	return v->options->expect && strcmp(text, v->options->expect) == 0;
}

static void check_end(struct verifier *v)
{
	v->reader.line++;
	if (v->options->expect && !v->is_expected_seen)
		fault(v, strtoull(v->options->expect, NULL, 10),
		      "altered or removed: no record is %.100s", v->options->expect);
	else if (v->is_single)
		snprintf(v->out->note, sizeof(v->out->note),
			 "this file alone: whether records follow or precede was not checked");
	else if (!v->has_head)
		snprintf(v->out->note, sizeof(v->out->note),
			 "no sound head file: whether records are missing at the end cannot be "
			 "said");
	else if (v->head.seq > v->last.seq)
		fault(v, v->last.seq + 1, "removed: the head file names record %" PRIu64,
		      v->head.seq);
	else if (v->head.seq == v->last.seq && strcmp(v->head.hash, v->last.hash) != 0)
		fault(v, v->last.seq, "altered: the head file names another hash");
}

static void damaged_head(struct verifier *v, const char *path)
{
	snprintf(v->reader.path, sizeof(v->reader.path), "%s", path);
	v->reader.line = 1;
	fault(v, v->last.seq, "altered: the head file is not as it was written");
}

/* Files and head as they are at one moment. Without a head file (a copy) there is no lock, and no
 * writer. */
static int snapshot(struct verifier *v, struct agni_err *err)
{
	char path[AUDIT_PATH_MAX + 16];
	struct stat st;
	int head, rc = 0;

	audit_head_path(v->options->path, path);
	head = open(path, O_RDONLY | O_CLOEXEC);
	if (head >= 0)
		flock(head, LOCK_SH);
	audit_rotated_range(v->options->path, &v->at, &v->highest);
	v->fd = open(v->options->path, O_RDONLY | O_CLOEXEC);
	if (v->fd >= 0 && fstat(v->fd, &st) == 0)
		v->len = st.st_size;
	else if (errno != ENOENT || (v->highest == 0 && head < 0))
		rc = fail_open(v->options->path, err);
	if (head >= 0) {
		v->has_head = audit_head_read(head, &v->head);
		close(head); /* and the lock with it */
	}
	return rc;
}

/* "audit.log.3" is one file of a chain. */
static bool is_rotated_name(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && dot[1] && strspn(dot + 1, "0123456789") == strlen(dot + 1);
}

static bool has_head_file(const char *path)
{
	char head[AUDIT_PATH_MAX + 16];

	audit_head_path(path, head);
	return access(head, F_OK) == 0;
}

/* A disk that was full at the first start leaves both files empty. */
static bool is_never_written(const struct verifier *v, const char *head)
{
	struct stat st;

	return v->last.seq == 0 && stat(head, &st) == 0 && st.st_size == 0;
}

static void finish(struct verifier *v)
{
	char head[AUDIT_PATH_MAX + 16];

	v->out->last = v->last.seq;
	memcpy(v->out->last_hash, v->last.hash, sizeof(v->out->last_hash));
	if (v->out->file[0])
		return;
	audit_head_path(v->options->path, head);
	if (!v->is_single && !v->has_head && has_head_file(v->options->path) &&
	    !is_never_written(v, head))
		damaged_head(v, head);
	else
		check_end(v);
}

int audit_verify(const struct audit_options *o, audit_record_fn *on_record, void *arg,
		 struct audit_finding *out, struct agni_err *err)
{
	struct verifier v = {.options = o, .out = out, .on_record = on_record, .arg = arg};
	int rc;

	*out = (struct audit_finding){0};
	audit_link_init(&v.last);
	v.is_single = is_rotated_name(o->path) && !has_head_file(o->path);
	v.reader.text = mem_alloc(AUDIT_LINE_MAX);
	snprintf(v.reader.path, sizeof(v.reader.path), "%s", o->path);
	rc = snapshot(&v, err);
	while (rc >= 0 && next_line(&v, &rc, err) && check_line(&v)) {
		v.is_expected_seen = v.is_expected_seen || is_expected(&v);
		out->records++;
		if (on_record)
			on_record(arg, v.reader.text, v.reader.len);
	}
	if (rc >= 0)
		finish(&v);
	reader_close(&v.reader);
	if (v.fd >= 0)
		close(v.fd);
	free(v.reader.text);
	return rc < 0 ? rc : 0;
}
