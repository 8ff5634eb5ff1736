/* SPDX-License-Identifier: MIT
 *
 * rows: the instrument master's JSON array, row by row, in the memory of one row.
 *
 * The file is one array of flat objects, tens of megabytes when unpacked. It is inflated in chunks
 * and cut at the objects' braces; each object then passes the strict JSON gate by itself.
 */
#ifndef AGNI_REFDATA_ROWS_H
#define AGNI_REFDATA_ROWS_H

#include "core/buf.h"
#include "core/err.h"

struct cJSON;

struct rows_stats {
	uint64_t rows, bad_rows;
};

/* Calls `fn` for each row of the array in `bytes` (plain or gzip). Rows that are no objects or not
 * JSON are counted and left out. Returns 0, or AGNI_EPARSE (not an array, torn gzip, cut off). */
int rows_each(const void *bytes, size_t len, void (*fn)(void *arg, const struct cJSON *row),
	      void *arg, struct rows_stats *stats, struct agni_err *err) AGNI_MUST_USE;

#endif
