/* SPDX-License-Identifier: MIT
 *
 * audit_lab: a folder with an audit log in it, and a disk that fails on request.
 */
#ifndef AGNI_TEST_AUDIT_LAB_H
#define AGNI_TEST_AUDIT_LAB_H

#include "auth/audit_file.h"
#include "auth/audit_verify.h"

struct lab {
	char dir[64];
	char path[96]; /* of the log */
};

void lab_up(struct lab *l);
void lab_down(struct lab *l);

/* PATH + suffix; valid until the next call. */
const char *lab_file(struct lab *l, const char *suffix);

/* A whole file; the caller frees. Writing replaces it. */
char *lab_read(const char *path, size_t *len);
void lab_write(const char *path, const char *bytes, size_t len);
bool lab_has(const char *path);

/* One act of a person with this detail; the result of audit_file_append. */
int lab_append(struct audit_file *f, const char *detail);

/* Verifies with the options at their defaults. */
struct audit_finding lab_verify(struct lab *l);

/* Fails the test unless the finding is sound, and has so many records. */
void lab_check_sound(struct lab *l, uint64_t records);

/* --- the disk ---------------------------------------------------------------------------------- */

/* What the calls of `lab_io` do from now on; all zero: what the system does. */
struct lab_disk {
	int open_errno, write_errno, truncate_errno, sync_errno, rename_errno;
	long short_by; /* a write takes so many bytes fewer, once; the next one fails with ENOSPC */
	long full_at;  /* no file grows beyond it; 0: no limit */
	unsigned writes, syncs;
};

extern struct lab_disk lab_disk;
extern const struct audit_io lab_io;

#endif
