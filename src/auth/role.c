/* SPDX-License-Identifier: MIT
 *
 * role: see role.h.
 */
#include "auth/role.h"

#include <string.h>

static const char *const names[] = {
	[ROLE_ANYONE] = "anyone",     [ROLE_VIEWER] = "viewer", [ROLE_TRADER] = "trader",
	[ROLE_OPERATOR] = "operator", [ROLE_ADMIN] = "admin",
};

const char *role_text(enum auth_role role)
{
	AGNI_ASSERT((size_t)role < ARRAY_LEN(names));
	return names[role];
}

bool role_parse(const char *text, enum auth_role *out)
{
	for (size_t i = ROLE_VIEWER; i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (enum auth_role)i;
			return true;
		}
	}
	return false;
}
