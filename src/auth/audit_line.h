/* SPDX-License-Identifier: MIT
 *
 * audit_line: one record as text, and back.
 *
 *   {"seq":7,"time":"2026-..+05:30","time_ms":1795..,"act":"..","who":"..","peer":"..","detail":"..",
 *    "prev":"<64 hex>","hash":"<64 hex>"}\n                                     (on one line)
 *
 * `hash` is the SHA-256 of everything from the opening brace up to, not including, `,"hash":`. The
 * text that is hashed ends with `prev`, the hash of the record before; the first one has 64 zeros.
 * Pure: no file is known here.
 */
#ifndef AGNI_AUTH_AUDIT_LINE_H
#define AGNI_AUTH_AUDIT_LINE_H

#include "auth/audit.h"
#include "http/hash.h"

#define AUDIT_LINE_MAX 16384 /* no record is longer, its newline included */

/* The end of a chain: what the next record has to follow. */
struct audit_link {
	uint64_t seq;           /* 0: nothing yet */
	char hash[SHA256_TEXT]; /* zeros: nothing yet */
};

void audit_link_init(struct audit_link *l);

/* Appends the record that follows `last`, with its newline, and moves `last` on. */
void audit_line_append(struct buf *out, struct audit_link *last, int64_t wall_ms,
		       const struct audit_act *act);

/* What a line says of its place in the chain. */
struct audit_line {
	uint64_t seq;
	char prev[SHA256_TEXT];
	char hash[SHA256_TEXT]; /* as it stands there */
};

/* Takes a line (without its newline) apart. NULL when it has the form of a record and its hash is
 * right, else a static sentence; `out` is filled as far as the form allows, seq 0 otherwise. */
const char *audit_line_read(const char *line, size_t len, struct audit_line *out);

#endif
