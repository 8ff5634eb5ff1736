/* SPDX-License-Identifier: MIT
 *
 * csv: the tables of the data set, row by row.
 */
#ifndef AGNI_TEST_CSV_H
#define AGNI_TEST_CSV_H

#include "core/ist.h"

/* Calls `row` with the fields of each line behind the first; the eighth takes the rest. Returns how
 * many lines there were; ends the test as skipped when the file is absent. */
int csv_each_row(const char *relative, void (*row)(char *field[8]));

/* The date that a field begins with; fails the test when it is none. */
day_t csv_day(const char *field);

#endif
