/* SPDX-License-Identifier: MIT
 *
 * file: see file.h.
 */
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/buf.h"

/* The folder that `path` lies in; the caller frees it. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
}

static bool folder_stat(const char *path, struct stat *st)
{
	char *folder = folder_of(path);
	bool ok = stat(folder, st) == 0;

	free(folder);
	return ok;
}

int file_follow_folder(int fd, const char *path)
{
	struct stat st;

	if (geteuid() != 0 || !folder_stat(path, &st))
		return 0;
	return fchown(fd, st.st_uid, st.st_gid) < 0 ? -errno : 0;
}

bool file_is_of_owner(const struct stat *st, const char *path)
{
	struct stat folder;

	if (st->st_uid == geteuid() || st->st_uid == 0)
		return true;
	return geteuid() == 0 && folder_stat(path, &folder) && folder.st_uid == st->st_uid;
}

static int follow_old(int fd, const char *path)
{
	struct stat old;

	if (geteuid() != 0)
		return 0;
	if (stat(path, &old) < 0)
		return file_follow_folder(fd, path);
	return fchown(fd, old.st_uid, old.st_gid) < 0 ? -errno : 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* The new name of a file is on the disk only when its folder is. */
static int sync_folder(const char *path)
{
	char *folder = folder_of(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	free(folder);
	return rc;
}

static int write_beside(char *temp, const char *path, const void *bytes, size_t len)
{
	int fd = mkostemp(temp, O_CLOEXEC); /* 0600 from its first moment */
	int rc;

	if (fd < 0)
		return -errno;
	rc = follow_old(fd, path);
	if (rc == 0)
		rc = write_all(fd, bytes, len);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temp, path) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(temp);
	return rc;
}

int file_replace(const char *path, const void *bytes, size_t len, struct agni_err *err)
{
	struct buf temp = {0};
	int rc;

	buf_printf(&temp, "%s.XXXXXX", path);
	buf_cstr(&temp);
	rc = write_beside(temp.data, path, bytes, len);
	buf_fini(&temp);
	if (rc == 0)
		rc = sync_folder(path);
	return rc < 0 ? agni_fail_uv(err, rc, "%s: cannot be written", path) : 0;
}
