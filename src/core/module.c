/* SPDX-License-Identifier: MIT
 *
 * module: see module.h.
 */
#include "core/module.h"

const char *health_text(enum health h)
{
	static const char *const text[] = {"UP", "DEGRADED", "DOWN"};

	return text[h];
}
