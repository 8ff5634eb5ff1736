/* SPDX-License-Identifier: MIT
 *
 * audit_file: see audit_file.h.
 *
 *   append:  lock -> follow -> (rotate) -> one pwrite -> head -> unlock
 *
 * follow() compares the file behind the path with ours: another writer may have appended or
 * rotated, somebody may have moved or cut it. What is then found is adopted, and what should not
 * be is noted, as a record of its own.
 *
 * A sync that fails may have dropped what it could not write, and the kernel says so only once:
 * the bytes since the last good one are kept and written again.
 */
#include "auth/audit_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"

#define LOCK_TRIES   5
#define LOCK_WAIT_US 500
#define HEAD_BYTES   86 /* 20 digits, a space, 64 digits, a newline */
#define ROTATED_MAX  999999u
#define TORN_SHOWN   120 /* bytes of a torn line that its note quotes */

static int open_system(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

const struct audit_io audit_io_system = {
	.open = open_system,
	.pwrite = pwrite,
	.ftruncate = ftruncate,
	.fdatasync = fdatasync,
	.rename = rename,
};

void audit_file_init(struct audit_file *f, const char *path, int64_t rotate_bytes,
		     const struct audit_io *io)
{
	*f = (struct audit_file){.io = io ? io : &audit_io_system,
				 .rotate_bytes = rotate_bytes,
				 .fd = -1,
				 .head_fd = -1};
	snprintf(f->path, sizeof(f->path), "%s", path);
	audit_link_init(&f->last);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void audit_file_fini(struct audit_file *f)
{
	close_fd(&f->fd);
	close_fd(&f->head_fd);
	buf_fini(&f->unsynced);
}

static int fail_errno(const struct audit_file *f, const char *what, struct agni_err *err)
{
	return agni_fail_uv(err, errno ? -errno : -EIO, "%s: %s", f->path, what);
}

AGNI_PRINTF(3, 4)
static void note(struct audit_file *f, const char *act, const char *fmt, ...)
{
	struct audit_note n = {.act = act};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(n.detail, sizeof(n.detail), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < f->notes_n; i++) {
		if (strcmp(f->notes[i].act, act) == 0 && strcmp(f->notes[i].detail, n.detail) == 0)
			return;
	}
	log_write(strcmp(act, "audit.rotated") == 0 ? LOG_INFO : LOG_WARN, "audit", "%s: %s", act,
		  n.detail);
	if (f->notes_n < AUDIT_NOTES)
		f->notes[f->notes_n++] = n;
}

/* ---- names -------------------------------------------------------------------------------- */

void audit_rotated_path(const char *path, unsigned n, char out[AUDIT_PATH_MAX + 16])
{
	snprintf(out, AUDIT_PATH_MAX + 16, "%s.%u", path, n);
}

void audit_head_path(const char *path, char out[AUDIT_PATH_MAX + 16])
{
	snprintf(out, AUDIT_PATH_MAX + 16, "%s.head", path);
}

/* N when `name` is BASE.N as we write it, else 0. */
static unsigned rotated_number(const char *name, const char *base)
{
	size_t n = strlen(base);
	unsigned long number;
	char *end, again[32];

	if (strncmp(name, base, n) != 0 || name[n] != '.')
		return 0;
	number = strtoul(name + n + 1, &end, 10);
	snprintf(again, sizeof(again), "%lu", number);
	return *end == '\0' && number <= ROTATED_MAX && strcmp(again, name + n + 1) == 0
		       ? (unsigned)number
		       : 0;
}

static void folder_of(const char *path, char out[AUDIT_PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	if (slash)
		snprintf(out, AUDIT_PATH_MAX, "%.*s", (int)(slash - path) + 1, path);
	else
		snprintf(out, AUDIT_PATH_MAX, ".");
}

void audit_rotated_range(const char *path, unsigned *lowest, unsigned *highest)
{
	const char *base = strrchr(path, '/');
	char folder[AUDIT_PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	*lowest = *highest = 0;
	folder_of(path, folder);
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		unsigned n = rotated_number(entry->d_name, base ? base + 1 : path);

		if (n > *highest)
			*highest = n;
		if (n && (*lowest == 0 || n < *lowest))
			*lowest = n;
	}
	if (dir)
		closedir(dir);
}

/* ---- the head ----------------------------------------------------------------------------- */

bool audit_head_read(int fd, struct audit_link *out)
{
	char text[HEAD_BYTES + 2], again[HEAD_BYTES + 2];
	ssize_t n = pread(fd, text, HEAD_BYTES + 1, 0);
	uint64_t seq;

	audit_link_init(out);
	if (n != HEAD_BYTES)
		return false;
	text[n] = '\0';
	if (sscanf(text, "%20" SCNu64 " %64[0-9a-f]", &seq, out->hash) != 2)
		return false;
	out->seq = seq;
	snprintf(again, sizeof(again), "%020" PRIu64 " %s\n", seq, out->hash);
	return memcmp(text, again, HEAD_BYTES) == 0;
}

/* 86 bytes in place: they need no new block, and no disk tears them. */
static void head_write(struct audit_file *f)
{
	char text[HEAD_BYTES + 2];

	snprintf(text, sizeof(text), "%020" PRIu64 " %s\n", f->last.seq, f->last.hash);
	f->is_head_behind = f->io->pwrite(f->head_fd, text, HEAD_BYTES, 0) != HEAD_BYTES;
}

/* Writers take turns; who has to wait longer than a few milliseconds gives up. */
static int lock(struct audit_file *f, struct agni_err *err)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(f->head_fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		usleep(LOCK_WAIT_US);
	}
	return agni_fail(err, UV_EAGAIN, "%s: another program is writing", f->path);
}

static void unlock(struct audit_file *f)
{
	flock(f->head_fd, LOCK_UN);
}

/* ---- the end of what is there -------------------------------------------------------------- */

/* The offset behind the last newline among the first `len` bytes; 0: there is none. What cannot be
 * read holds none. */
static off_t behind_newline(int fd, off_t len)
{
	char bytes[4096];

	while (len > 0) {
		off_t from = len > (off_t)sizeof(bytes) ? len - (off_t)sizeof(bytes) : 0;
		ssize_t n = pread(fd, bytes, (size_t)(len - from), from);

		if (n != len - from)
			return 0;
		for (; n > 0; n--) {
			if (bytes[n - 1] == '\n')
				return from + n;
		}
		len = from;
	}
	return 0;
}

/* A record begins so; a power cut may leave zeros where the file had grown already. Anything else
 * at the end of a file that we are told to write to may be somebody's work. */
static bool is_torn_record(const char *text, size_t n)
{
	static const char begin[] = "{\"seq\":";
	size_t cmp = n < sizeof(begin) - 1 ? n : sizeof(begin) - 1;

	return n > 0 && (text[0] == '\0' || memcmp(text, begin, cmp) == 0);
}

/* The bytes behind the last newline are what a crash left of a record: cut off, but not silently. */
static int cut_torn(struct audit_file *f, int fd, off_t *len, struct agni_err *err)
{
	off_t at = behind_newline(fd, *len);
	char text[TORN_SHOWN];
	ssize_t n;

	if (at == *len)
		return 0;
	n = pread(fd, text, sizeof(text), at);
	if (!is_torn_record(text, n > 0 ? (size_t)n : 0))
		return agni_fail(err, AGNI_EPARSE, "%s: its end is not that of an audit log",
				 f->path);
	if (f->io->ftruncate(fd, at) < 0)
		return fail_errno(f, "cannot cut an incomplete record off", err);
	note(f, "audit.torn", "%lld bytes of an incomplete record were cut off: %.*s",
	     (long long)(*len - at), (int)strnlen(text, (size_t)n), text);
	*len = at;
	return 0;
}

/* The last record of a file that ends with whole lines. */
static void read_end(struct audit_file *f, int fd, const char *path, off_t len,
		     struct audit_link *end)
{
	off_t at = behind_newline(fd, len - 1);
	char *text = mem_alloc(AUDIT_LINE_MAX);
	size_t n = len - at > AUDIT_LINE_MAX ? 0 : (size_t)(len - at - 1);
	struct audit_line line = {0};
	const char *why = "it is too long";

	audit_link_init(end);
	if (n > 0 && pread(fd, text, n, at) == (ssize_t)n)
		why = audit_line_read(text, n, &line);
	if (why)
		note(f, "audit.broken", "the last record of %.200s: %s", path, why);
	end->seq = line.seq;
	if (line.hash[0])
		memcpy(end->hash, line.hash, sizeof(end->hash));
	free(text);
}

/* The chain ends in the newest rotated file when a crash came between rename and create. */
static void end_of_rotated(struct audit_file *f, struct audit_link *end)
{
	char path[AUDIT_PATH_MAX + 16];
	unsigned lowest, highest;
	struct stat st;
	int fd;

	audit_link_init(end);
	audit_rotated_range(f->path, &lowest, &highest);
	if (highest == 0)
		return;
	audit_rotated_path(f->path, highest, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0)
		read_end(f, fd, path, st.st_size, end);
	close(fd);
	note(f, "audit.rotated", "continues %.200s, whose last hash is %s", path, end->hash);
}

/* Compares what the files hold with what was known (the head file, or our memory), notes what is
 * missing, and goes on from the higher of the two: a number is never used twice. */
static void adopt_end(struct audit_file *f, const struct audit_link *end,
		      const struct audit_link *known)
{
	if (known->seq > end->seq)
		note(f, "audit.lost",
		     "%.200s ends with record %" PRIu64 ", but record %" PRIu64 " had been written",
		     f->path, end->seq, known->seq);
	else if (known->seq == end->seq && known->seq > 0 && strcmp(known->hash, end->hash) != 0)
		note(f, "audit.rewritten", "record %" PRIu64 " is not the one that was written",
		     known->seq);
	f->last = known->seq > end->seq ? *known : *end;
}

static int check_regular(struct audit_file *f, int fd, off_t *len, struct agni_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail_errno(f, "cannot be examined", err);
	if (!S_ISREG(st.st_mode))
		return agni_fail(err, UV_EINVAL, "%s: not a regular file", f->path);
	*len = st.st_size;
	return 0;
}

/* A command that root runs beside a server of another user must not shut it out: what is made here
 * (and nothing else) belongs to the owner of the folder. */
static void give_to_owner(const struct audit_file *f, int fd)
{
	char folder[AUDIT_PATH_MAX];
	struct stat owner;

	folder_of(f->path, folder);
	if (geteuid() == 0 && stat(folder, &owner) == 0 &&
	    fchown(fd, owner.st_uid, owner.st_gid) < 0)
		log_warn("audit", "%s: cannot be given to the owner of its folder: %s", f->path,
			 strerror(errno));
}

static int open_or_make(const struct audit_file *f, const char *path)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = f->io->open(path, flags, 0);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = f->io->open(path, flags | O_CREAT | O_EXCL, 0600);
	if (fd >= 0)
		give_to_owner(f, fd);
	else if (errno == EEXIST) /* another program was faster */
		fd = f->io->open(path, flags, 0);
	return fd;
}

static void sync_folder(const struct audit_file *f)
{
	char folder[AUDIT_PATH_MAX];
	int fd;

	folder_of(f->path, folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		f->io->fdatasync(fd); /* a rename that is lost leaves a longer file: no harm */
		close(fd);
	}
}

/* Opens the path, makes it when absent, and finds the end of the chain. Locked. */
static int load(struct audit_file *f, struct agni_err *err)
{
	struct audit_link known = f->last, end;
	off_t len = 0;
	int fd, rc;

	if (known.seq == 0)
		audit_head_read(f->head_fd, &known);
	fd = open_or_make(f, f->path);
	if (fd < 0)
		return fail_errno(f, "cannot be opened", err);
	rc = check_regular(f, fd, &len, err);
	if (rc == 0)
		rc = cut_torn(f, fd, &len, err);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	if (len > 0)
		read_end(f, fd, f->path, len, &end);
	else
		end_of_rotated(f, &end);
	adopt_end(f, &end, &known);
	close_fd(&f->fd);
	f->fd = fd;
	f->len = f->unsynced_at = len;
	buf_reset(&f->unsynced);
	f->generation++;
	if (len == 0)
		sync_folder(f);
	return 0;
}

/* Whether `path` leads to the open file; its size to `len` unless NULL. */
static bool is_same(int fd, const char *path, off_t *len)
{
	struct stat ours, theirs;

	if (fd < 0 || fstat(fd, &ours) < 0 || stat(path, &theirs) < 0)
		return false;
	if (len)
		*len = ours.st_size;
	return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static int open_head(struct audit_file *f, struct agni_err *err)
{
	char path[AUDIT_PATH_MAX + 16];

	audit_head_path(f->path, path);
	if (is_same(f->head_fd, path, NULL))
		return 0;
	close_fd(&f->head_fd);
	f->head_fd = open_or_make(f, path);
	if (f->head_fd < 0)
		return agni_fail_uv(err, -errno, "%s: cannot be opened", path);
	return 0;
}

/* Whether the path still leads to the file that we know, as we know it; if not, it is read anew.
 * Bytes behind `len` may be our own, of a write that failed and could not be undone. */
static int follow(struct audit_file *f, struct agni_err *err)
{
	off_t len = 0;

	return is_same(f->fd, f->path, &len) && len == f->len ? 0 : load(f, err);
}

int audit_file_open(struct audit_file *f, struct agni_err *err)
{
	int rc = open_head(f, err);

	if (rc == 0)
		rc = lock(f, err);
	if (rc < 0)
		return rc;
	rc = follow(f, err);
	unlock(f);
	return rc;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* All or nothing: what was taken of a write that failed is cut off again. If even that fails the
 * file stays longer than `len`, and the next append finds it torn. */
static int write_whole(struct audit_file *f, const char *bytes, size_t len, struct agni_err *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = f->io->pwrite(f->fd, bytes + done, len - done, f->len + (off_t)done);
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		errno = n == 0 ? ENOSPC : errno;
		rc = fail_errno(f, "cannot be written", err);
		if (f->io->ftruncate(f->fd, f->len) < 0)
			log_error("audit", "%s: a half-written record could not be undone: %s",
				  f->path, strerror(errno));
		return rc;
	}
	return 0;
}

/* After a failed sync: the same bytes at the same place, and a sync that has to succeed. */
static int write_again(struct audit_file *f, struct agni_err *err)
{
	ssize_t n;

	if (!f->has_lost_sync)
		return 0;
	n = f->io->pwrite(f->fd, f->unsynced.data, f->unsynced.len, f->unsynced_at);
	if (n != (ssize_t)f->unsynced.len)
		return fail_errno(f, "cannot be written again after a failed sync", err);
	return audit_file_sync(f, err);
}

/* The full file gets its number; load() makes the new one and notes what it continues. The sync is
 * done here, on the loop: once in audit.rotate_bytes, of what the last audit.sync_ms left. */
static int rotate(struct audit_file *f, struct agni_err *err)
{
	char to[AUDIT_PATH_MAX + 16];
	unsigned lowest, highest;
	int rc = audit_file_sync(f, err);

	if (rc < 0)
		return rc;
	audit_rotated_range(f->path, &lowest, &highest);
	if (highest >= ROTATED_MAX)
		return agni_fail(err, AGNI_ELIMIT, "%s: too many rotated files", f->path);
	audit_rotated_path(f->path, highest + 1, to);
	if (f->io->rename(f->path, to) < 0)
		return fail_errno(f, "cannot be rotated", err);
	f->rotations++;
	return load(f, err);
}

static void build(const struct audit_file *f, const struct audit_entry *entries, size_t n,
		  int64_t now_ms, struct buf *out, struct audit_link *end)
{
	*end = f->last;
	buf_reset(out);
	for (size_t i = 0; i < f->notes_n; i++) {
		const struct audit_act act = {.act = f->notes[i].act,
					      .who = "server",
					      .peer = "",
					      .detail = f->notes[i].detail};

		audit_line_append(out, end, now_ms, &act);
	}
	for (size_t i = 0; i < n; i++)
		audit_line_append(out, end, entries[i].wall_ms, &entries[i].act);
}

static int append_locked(struct audit_file *f, const struct audit_entry *entries, size_t n,
			 int64_t now_ms, struct buf *text, struct agni_err *err)
{
	struct audit_link end;
	int rc = follow(f, err);

	if (rc == 0)
		rc = write_again(f, err);
	if (rc < 0)
		return rc;
	build(f, entries, n, now_ms, text, &end);
	if (f->len > 0 && f->len + (off_t)text->len > f->rotate_bytes) {
		rc = rotate(f, err);
		if (rc < 0)
			return rc;
		build(f, entries, n, now_ms, text, &end);
	}
	rc = write_whole(f, text->data, text->len, err);
	if (rc < 0)
		return rc;
	buf_append(&f->unsynced, text->data, text->len);
	f->len += (off_t)text->len;
	f->last = end;
	f->notes_n = 0;
	head_write(f);
	return 0;
}

int audit_file_append(struct audit_file *f, const struct audit_entry *entries, size_t n,
		      int64_t now_ms, struct agni_err *err)
{
	struct buf text = {0};
	int rc = open_head(f, err);

	if (rc == 0)
		rc = lock(f, err);
	if (rc < 0)
		return rc;
	rc = append_locked(f, entries, n, now_ms, &text, err);
	unlock(f);
	buf_fini(&text);
	return rc;
}

/* ---- syncing ------------------------------------------------------------------------------ */

int audit_file_sync(struct audit_file *f, struct agni_err *err)
{
	int rc = f->io->fdatasync(f->fd);

	if (rc < 0)
		rc = fail_errno(f, "cannot be synced", err);
	audit_file_synced(f, f->generation, f->len, rc == 0);
	return rc;
}

void audit_file_synced(struct audit_file *f, uint64_t generation, off_t len, bool ok)
{
	if (generation != f->generation)
		return;
	f->has_lost_sync = !ok;
	if (ok && len > f->unsynced_at) {
		buf_consume(&f->unsynced, (size_t)(len - f->unsynced_at));
		f->unsynced_at = len;
	}
}
