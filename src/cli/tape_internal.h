/* SPDX-License-Identifier: MIT
 *
 * tape_internal: what the files of the tape command share.
 */
#ifndef AGNI_CLI_TAPE_INTERNAL_H
#define AGNI_CLI_TAPE_INTERNAL_H

#include "core/err.h"
#include "tape/reader.h"

/* A place given by --from or --to: a seq, or a market time. */
struct tape_bound {
	bool is_set, is_time;
	uint64_t seq;
	int64_t ms;
};

struct tape_args {
	const char *path;   /* what is read */
	const char *out;    /* cut, import: the folder that is written */
	const char *source; /* of what is written */
	bool is_csv;
	struct tape_bound from, to; /* both included */
};

/* Whether a tick with this seq in a block of this time lies in the range. */
bool tape_in_range(const struct tape_args *a, uint64_t seq, int64_t ts_ms);

/* Each prints to stdout, tells what is wrong on stderr, and returns an exit code. */
int tape_info(const struct tape_args *a);
int tape_verify(const struct tape_args *a);
int tape_dump(const struct tape_args *a);
int tape_cut(const struct tape_args *a);
int tape_import(const struct tape_args *a);

/* Reports `err` and returns 1. */
int tape_failed(const struct agni_err *err);

#endif
