/* SPDX-License-Identifier: MIT
 *
 * skip: the part of data.h that needs cmocka; benchmarks link data.c without it.
 */
#include "check.h"
#include "data.h"

void data_skip(const char *relative)
{
	print_message("no data set: %s\n", relative);
	skip();
}
