/* SPDX-License-Identifier: MIT
 *
 * audit_lab: see audit_lab.h.
 */
#include "audit_lab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

struct lab_disk lab_disk;

void lab_up(struct lab *l)
{
	lab_disk = (struct lab_disk){0};
	snprintf(l->dir, sizeof(l->dir), "/tmp/agni-audit-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	snprintf(l->path, sizeof(l->path), "%s/audit.log", l->dir);
}

void lab_down(struct lab *l)
{
	char line[128];

	snprintf(line, sizeof(line), "rm -rf %s", l->dir);
	check_i64(system(line), 0);
}

const char *lab_file(struct lab *l, const char *suffix)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s%s", l->path, suffix);
	return path;
}

char *lab_read(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *bytes = malloc(1 << 22);

	if (!f)
		fail_msg("%s cannot be read", path);
	*len = fread(bytes, 1, (1 << 22) - 1, f);
	bytes[*len] = '\0';
	fclose(f);
	return bytes;
}

void lab_write(const char *path, const char *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	check_i64(fwrite(bytes, 1, len, f), len);
	check_i64(fclose(f), 0);
}

bool lab_has(const char *path)
{
	return access(path, F_OK) == 0;
}

int lab_append(struct audit_file *f, const char *detail)
{
	const struct audit_entry entry = {.act = {.act = "token.updated",
						  .who = "key:desk1",
						  .peer = "127.0.0.1",
						  .detail = detail,
						  .is_of_person = true},
					  .wall_ms = 1795635526303};
	struct agni_err err = {0};
	int rc = audit_file_append(f, &entry, 1, 1795635526304, &err);

	if (rc < 0 && !err.text[0])
		fail_msg("%d without a reason", rc);
	return rc;
}

struct audit_finding lab_verify(struct lab *l)
{
	const struct audit_options o = {.path = l->path};
	struct audit_finding found;
	struct agni_err err;

	if (audit_verify(&o, NULL, NULL, &found, &err) < 0)
		fail_msg("%s", err.text);
	return found;
}

void lab_check_sound(struct lab *l, uint64_t records)
{
	struct audit_finding f = lab_verify(l);

	if (f.file[0])
		fail_msg("%s:%d: record %d: %s", f.file, (int)f.line, (int)f.seq, f.why);
	check_i64(f.records, records);
	check_str(f.note, "");
}

/* ---- the disk ------------------------------------------------------------------------------- */

static int refuse(int number)
{
	errno = number;
	return -1;
}

static int lab_open(const char *path, int flags, mode_t mode)
{
	return lab_disk.open_errno ? refuse(lab_disk.open_errno) : open(path, flags, mode);
}

static ssize_t lab_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	lab_disk.writes++;
	if (lab_disk.write_errno)
		return refuse(lab_disk.write_errno);
	if (lab_disk.full_at && at + (off_t)len > lab_disk.full_at) {
		if (at >= lab_disk.full_at)
			return refuse(ENOSPC);
		len = (size_t)(lab_disk.full_at - at);
	}
	if (lab_disk.short_by && (long)len > lab_disk.short_by) {
		len -= (size_t)lab_disk.short_by;
		lab_disk.short_by = 0;
		lab_disk.full_at = at + (off_t)len;
	}
	return pwrite(fd, bytes, len, at);
}

static int lab_ftruncate(int fd, off_t len)
{
	return lab_disk.truncate_errno ? refuse(lab_disk.truncate_errno) : ftruncate(fd, len);
}

static int lab_fdatasync(int fd)
{
	lab_disk.syncs++;
	return lab_disk.sync_errno ? refuse(lab_disk.sync_errno) : fdatasync(fd);
}

static int lab_rename(const char *from, const char *to)
{
	return lab_disk.rename_errno ? refuse(lab_disk.rename_errno) : rename(from, to);
}

const struct audit_io lab_io = {
	.open = lab_open,
	.pwrite = lab_pwrite,
	.ftruncate = lab_ftruncate,
	.fdatasync = lab_fdatasync,
	.rename = lab_rename,
};
