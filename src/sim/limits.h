/* SPDX-License-Identifier: MIT
 *
 * limits: how many keys one connection may hold in each mode (upstox.md 2.6).
 *
 * Two caps per mode: "alone" while the connection uses that mode only, "mixed" while it uses
 * several. Beyond the cap a key is left out in silence, as the broker does. full_d30 needs Plus.
 */
#ifndef AGNI_SIM_LIMITS_H
#define AGNI_SIM_LIMITS_H

#include "market/tick.h"

#define SIM_MODES 4

struct sim_limits {
	uint32_t alone[SIM_MODES]; /* by enum request_mode */
	uint32_t mixed[SIM_MODES];
	bool has_plus;
};

/* Whether a connection with `have` keys per mode may take one more in `mode`. */
bool limits_admit(const struct sim_limits *l, const uint32_t have[SIM_MODES],
		  enum request_mode mode);

#endif
