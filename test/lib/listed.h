/* SPDX-License-Identifier: MIT
 *
 * listed: instrument masters for tests: of a few rows in the broker's form, or the broker's own file.
 */
#ifndef AGNI_TEST_LISTED_H
#define AGNI_TEST_LISTED_H

#include "market/master.h"

/* The table of an array of rows, JSON as the broker writes it; fails the test when it cannot be
 * read at all. To be released. */
struct master *listed_of(const char *json);

/* The table of a file of the data set; ends the test as skipped when it is not there. */
struct master *listed_file(const char *relative);

/* The row of a key; fails the test when there is none. */
const struct master_row *listed_row(const struct master *m, const char *key);

/* 2026-01-13 and a half of NIFTY: index, future, two weeklies and a monthly with strikes 25000 to
 * 25400 by 100, calls and puts; BANKNIFTY with a monthly only; RELIANCE and its future; the rupee,
 * whose master row names no underlying key. */
struct master *listed_small(void);

/* The same as the file that a server or a disk has. */
void listed_small_text(struct buf *out);

#endif
