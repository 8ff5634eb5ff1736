/* SPDX-License-Identifier: MIT
 *
 * io: see io.h.
 */
#include "tape/io.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int sys_create(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static ssize_t sys_pwritev(int fd, const struct iovec *iov, int n, off_t offset)
{
	ssize_t got = pwritev(fd, iov, n, offset);

	return got < 0 ? -errno : got;
}

static int sys_datasync(int fd)
{
	return fdatasync(fd) < 0 ? -errno : 0;
}

static int sys_truncate(int fd, off_t len)
{
	return ftruncate(fd, len) < 0 ? -errno : 0;
}

static int sys_reserve(int fd, off_t offset, off_t len)
{
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, len) == 0)
		return 0;
	/* A file system that cannot reserve is no fault: the write will tell. */
	return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -errno;
}

const struct tape_io tape_io_system = {
	.create = sys_create,
	.pwritev = sys_pwritev,
	.datasync = sys_datasync,
	.truncate = sys_truncate,
	.reserve = sys_reserve,
};

static void skip(struct iovec **iov, int *n, size_t done)
{
	while (*n && done >= (*iov)->iov_len) {
		done -= (*iov)->iov_len;
		++*iov;
		--*n;
	}
	if (*n) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + done;
		(*iov)->iov_len -= done;
	}
}

int tape_write_all(const struct tape_io *io, int fd, struct iovec *iov, int n, off_t offset)
{
	skip(&iov, &n, 0);
	while (n) {
		ssize_t got = io->pwritev(fd, iov, n, offset);

		if (got == -EINTR)
			continue;
		if (got <= 0)
			return got ? (int)got : -EIO;
		offset += got;
		skip(&iov, &n, (size_t)got);
	}
	return 0;
}

int tape_sync_folder(const struct tape_io *io, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = io->datasync(fd);
	close(fd);
	return rc == -EINVAL ? 0 : rc; /* some file systems cannot sync a folder */
}
