/* SPDX-License-Identifier: MIT
 *
 * io: the system calls that write a tape, behind a table, so that a test can make them fail.
 *
 * Each returns what the call returns, or -errno.
 */
#ifndef AGNI_TAPE_IO_H
#define AGNI_TAPE_IO_H

#include <sys/types.h>
#include <sys/uio.h>

#include "core/base.h"

struct tape_io {
	int (*create)(const char *path); /* a new file for writing; an old one is an error */
	ssize_t (*pwritev)(int fd, const struct iovec *iov, int n, off_t offset);
	int (*datasync)(int fd);
	int (*truncate)(int fd, off_t len);
	int (*reserve)(int fd, off_t offset, off_t len); /* room on the disk; the size stays */
};

extern const struct tape_io tape_io_system;

#define TAPE_IOV_MAX 64

/* Writes all of it, in as many calls as it takes. Returns 0 or -errno; a call that takes nothing is
 * -EIO. `iov` is used up. */
int tape_write_all(const struct tape_io *io, int fd, struct iovec *iov, int n,
		   off_t offset) AGNI_MUST_USE;

/* The folder itself to the disk: names of new files are safe then. Returns 0 or -errno. */
int tape_sync_folder(const struct tape_io *io, const char *dir) AGNI_MUST_USE;

#endif
