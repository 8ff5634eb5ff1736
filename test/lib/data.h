/* SPDX-License-Identifier: MIT
 *
 * data: the recorded market data that tests use when it lies beside the project (../shared/data, or
 * $AGNI_DATA); none of it is part of the project.
 */
#ifndef AGNI_TEST_DATA_H
#define AGNI_TEST_DATA_H

#include <stddef.h>

/* The path of a file of the data set, in a static buffer; NULL when the set or the file is absent.
 */
const char *data_path(const char *relative);

/* The whole file, gunzipped when the name ends in ".gz", with a NUL behind it; malloc'd. NULL when
 * absent or unreadable. */
char *data_read(const char *relative, size_t *len);

/* Prints "no data set: <relative>" and ends the running cmocka test as skipped. */
void data_skip(const char *relative);

#endif
