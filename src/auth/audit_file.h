/* SPDX-License-Identifier: MIT
 *
 * audit_file: the chain on disk: append, rotate, follow what others appended, repair a torn end.
 *
 *   audit.log.1   audit.log.2   audit.log        audit.log.head
 *   [1 .. 310]    [311 .. 640]  [641 .. 702]     "702 <hash>"
 *                               ^ its first record names the file before and that one's last hash
 *
 * The head file says where the chain ends, so that records cut off at the end are missed as well;
 * it is also what writers lock. Files are never renamed twice, and never removed by us.
 *
 * An append is all or nothing: what a full disk took of it is cut off again. Nothing here knows a
 * loop; the calls block as long as the kernel does.
 */
#ifndef AGNI_AUTH_AUDIT_FILE_H
#define AGNI_AUTH_AUDIT_FILE_H

#include <sys/types.h>

#include "auth/audit_line.h"

/* The calls that may fail, so that tests can make them. Results as those of the system. */
struct audit_io {
	int (*open)(const char *path, int flags, mode_t mode);
	ssize_t (*pwrite)(int fd, const void *bytes, size_t len, off_t at);
	int (*ftruncate)(int fd, off_t len);
	int (*fdatasync)(int fd);
	int (*rename)(const char *from, const char *to);
};

extern const struct audit_io audit_io_system;

#define AUDIT_NOTES       4
#define AUDIT_NOTE_DETAIL 512

/* Something about the file itself that has to be recorded, in front of the next record. */
struct audit_note {
	const char *act;
	char detail[AUDIT_NOTE_DETAIL];
};

struct audit_file {
	const struct audit_io *io;
	char path[AUDIT_PATH_MAX];
	int64_t rotate_bytes;
	int fd;                 /* -1: not open */
	int head_fd;            /* -1: not open; carries the lock */
	off_t len;              /* whole records; what is behind is torn */
	struct audit_link last; /* the end of the chain, as far as we know */
	struct audit_note notes[AUDIT_NOTES];
	size_t notes_n;
	struct buf unsynced; /* written since the last sync that succeeded ... */
	off_t unsynced_at;   /* ... from here on */
	uint64_t generation; /* of fd: another file, another number */
	uint64_t rotations;
	bool has_lost_sync;  /* a sync failed: `unsynced` has to be written again */
	bool is_head_behind; /* the head file could not be written; the records were */
};

struct audit_entry {
	struct audit_act act;
	int64_t wall_ms;
};

/* Nothing is opened yet. */
void audit_file_init(struct audit_file *f, const char *path, int64_t rotate_bytes,
		     const struct audit_io *io);
void audit_file_fini(struct audit_file *f);

/* Opens and checks the end of the chain; called by audit_file_append when need be. 0 or an error
 * whose text names the path. */
int audit_file_open(struct audit_file *f, struct agni_err *err) AGNI_MUST_USE;

/* Appends all of `entries`, behind what there is to note, or nothing. 0 or an error. */
int audit_file_append(struct audit_file *f, const struct audit_entry *entries, size_t n,
		      int64_t now_ms, struct agni_err *err) AGNI_MUST_USE;

/* Syncs here and now. 0 or an error: then the next append writes again what may be lost. */
int audit_file_sync(struct audit_file *f, struct agni_err *err) AGNI_MUST_USE;

/* The result of a sync that ran elsewhere, begun when the file had `len` and `generation`. */
void audit_file_synced(struct audit_file *f, uint64_t generation, off_t len, bool ok);

/* --- for readers ----------------------------------------------------------------------------- */

/* "PATH.N" to `out`. */
void audit_rotated_path(const char *path, unsigned n, char out[AUDIT_PATH_MAX + 16]);

/* The lowest and highest N of the rotated files of `path`; 0 and 0: none. */
void audit_rotated_range(const char *path, unsigned *lowest, unsigned *highest);

/* Reads an open PATH.head. False when it is not what we write. */
bool audit_head_read(int fd, struct audit_link *out);
void audit_head_path(const char *path, char out[AUDIT_PATH_MAX + 16]);

#endif
