/* SPDX-License-Identifier: MIT
 *
 * audit_verify: reads a chain from its first file to its head, and names the first record that was
 * altered, removed or reordered.
 *
 * What it cannot see: a chain that somebody with write access made anew from some record on, head
 * file included. Compare the last hash with a copy kept elsewhere (`expect`) to see that too.
 */
#ifndef AGNI_AUTH_AUDIT_VERIFY_H
#define AGNI_AUTH_AUDIT_VERIFY_H

#include "auth/audit_line.h"

struct audit_options {
	const char *path; /* the file that is written to, or a rotated one (then that alone) */
	bool is_archived; /* older files were moved away: the first that is here may begin anywhere */
	const char *expect; /* "SEQ:HASH" of a record that has to be there, or NULL */
};

struct audit_finding {
	uint64_t records; /* that are in order, up to the fault */
	unsigned files;   /* that were read */
	uint64_t first, last;
	char last_hash[SHA256_TEXT];
	char note[160]; /* what could not be checked; "" */
	/* The fault; file "" when there is none. */
	char file[AUDIT_PATH_MAX + 16];
	uint64_t line; /* from 1 */
	uint64_t seq;  /* of the record that should be there */
	char why[256];
};

/* Shown every record that is in order, as a line without its newline; or NULL. */
typedef void audit_record_fn(void *arg, const char *line, size_t len);

/* 0: `out` holds what was found, a fault or none. Negative: the file cannot be read. */
int audit_verify(const struct audit_options *o, audit_record_fn *on_record, void *arg,
		 struct audit_finding *out, struct agni_err *err) AGNI_MUST_USE;

#endif
