/* SPDX-License-Identifier: MIT
 *
 * file: small files that must be whole: keys, sealed tokens. They are written beside their place,
 * synced, and renamed into it: after a crash the old one is there or the new one, never half of one.
 *
 * A command that root runs beside a server of another user must not shut that server out: what root
 * makes belongs to who had the file before, else to the owner of its folder.
 */
#ifndef AGNI_CORE_FILE_H
#define AGNI_CORE_FILE_H

#include <sys/stat.h>

#include "core/err.h"

/* Replaces or makes `path` with these bytes, mode 0600. Blocks until the disk has it. Returns 0 or a
 * negative errno with the path in `err`; then the old file is as it was. */
int file_replace(const char *path, const void *bytes, size_t len,
		 struct agni_err *err) AGNI_MUST_USE;

/* As root: the open file that was just made at `path` belongs to the owner of its folder. Returns 0
 * or a negative errno. */
int file_follow_folder(int fd, const char *path);

/* Whether nobody but us, root, or (for root) the owner of its folder could have written the file
 * whose `st` this is, as far as its owner tells. */
bool file_is_of_owner(const struct stat *st, const char *path);

#endif
