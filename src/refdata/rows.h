/* SPDX-License-Identifier: MIT
 *
 * rows: the instrument master's JSON array, row by row, in the memory of one row.
 *
 * The file is one array of flat objects, tens of megabytes when unpacked. It is inflated in chunks
 * and cut at the objects' braces; what an object means, and whether it is one, is the reader's business.
 */
#ifndef AGNI_REFDATA_ROWS_H
#define AGNI_REFDATA_ROWS_H

#include "core/buf.h"
#include "core/err.h"

struct rows_stats {
	uint64_t rows, bad_rows;
};

/* One row's text, NUL-terminated. Returns 0; AGNI_EPARSE when it is no row that makes sense (it is
 * counted, and the next one comes); any other error ends the reading. */
typedef int rows_fn(void *arg, const char *text, size_t len, struct agni_err *err);

struct rows_reader;

struct rows_reader *rows_reader_create(rows_fn *fn, void *arg);
void rows_reader_destroy(struct rows_reader *r);

/* The next piece of the file, plain or gzip; the first piece has two bytes at least, or is all.
 * Returns 0, AGNI_EPARSE (not an array, damaged gzip) or what `fn` said. */
int rows_reader_feed(struct rows_reader *r, const void *bytes, size_t len,
		     struct agni_err *err) AGNI_MUST_USE;

/* The file is over: 0, or AGNI_EPARSE when it was cut off. */
int rows_reader_end(struct rows_reader *r, struct rows_stats *stats,
		    struct agni_err *err) AGNI_MUST_USE;

/* All of the three for a file that is in memory. */
int rows_each(const void *bytes, size_t len, rows_fn *fn, void *arg, struct rows_stats *stats,
	      struct agni_err *err) AGNI_MUST_USE;

#endif
