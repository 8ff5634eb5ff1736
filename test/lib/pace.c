/* SPDX-License-Identifier: MIT
 *
 * pace: see pace.h.
 */
#include "pace.h"

#include <uv.h>

#include "core/clock.h"

void pace_start(struct pace *p)
{
	*p = (struct pace){.last_ns = uv_hrtime()};
}

void pace_turn(struct pace *p)
{
	uint64_t now = uv_hrtime(), took = now - p->last_ns;

	p->last_ns = now;
	p->spent_ns += took < PACE_TURN_MS * NS_PER_MS ? took : PACE_TURN_MS * NS_PER_MS;
}

int64_t pace_ms(const struct pace *p)
{
	return (int64_t)(p->spent_ns / NS_PER_MS);
}
