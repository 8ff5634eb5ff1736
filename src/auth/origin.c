/* SPDX-License-Identifier: MIT
 *
 * origin: see origin.h.
 */
#include "auth/origin.h"

#include <string.h>

bool origin_is_listed(const char *list, const char *origin)
{
	size_t len = strlen(origin);

	while (*list) {
		size_t n;

		list += strspn(list, ", ");
		n = strcspn(list, ", ");
		if (n > 0 && n == len && memcmp(list, origin, n) == 0)
			return true;
		list += n;
	}
	return false;
}
