/* SPDX-License-Identifier: MIT
 *
 * limits: see limits.h.
 */
#include "sim/limits.h"

bool limits_admit(const struct sim_limits *l, const uint32_t have[SIM_MODES],
		  enum request_mode mode)
{
	bool is_mixed = false;

	if (mode == MODE_FULL_D30 && !l->has_plus)
		return false;
	for (int m = 0; m < SIM_MODES; m++)
		is_mixed = is_mixed || (m != (int)mode && have[m] > 0);
	return have[mode] < (is_mixed ? l->mixed[mode] : l->alone[mode]);
}
