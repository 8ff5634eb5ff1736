/* SPDX-License-Identifier: MIT
 *
 * data: see data.h.
 */
#include "data.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <zlib.h>

const char *data_path(const char *relative)
{
	static char path[1024];
	const char *root = getenv("AGNI_DATA");

	snprintf(path, sizeof(path), "%s/%s", root ? root : "../shared/data", relative);
	return access(path, R_OK) == 0 ? path : NULL;
}

char *data_read(const char *relative, size_t *len)
{
	const char *path = data_path(relative);
	size_t cap = 1 << 20, n = 0;
	char *bytes;
	gzFile f;
	int got;

	/* gzread gives the bytes of a file that is not compressed as they are. */
	if (!path || !(f = gzopen(path, "rb")))
		return NULL;
	bytes = malloc(cap + 1);
	while (bytes && (got = gzread(f, bytes + n, (unsigned)(cap - n))) > 0) {
		n += (size_t)got;
		if (n == cap)
			bytes = realloc(bytes, (cap *= 2) + 1);
	}
	gzclose(f);
	if (bytes) {
		bytes[n] = '\0';
		*len = n;
	}
	return bytes;
}
