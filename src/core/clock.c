/* SPDX-License-Identifier: MIT
 *
 * clock: see clock.h.
 */
#include "core/clock.h"

#include <time.h>

void clock_init(struct clock *c, enum clock_mode mode)
{
	*c = (struct clock){.mode = mode};
}

void clock_init_manual(struct clock *c, enum clock_mode mode, int64_t wall_ms)
{
	*c = (struct clock){.mode = mode,
			    .is_manual = true,
			    .manual_mono = NS_PER_S,
			    .manual_wall_ms = wall_ms};
}

void clock_advance(struct clock *c, uint64_t ms)
{
	AGNI_ASSERT(c->is_manual);
	c->manual_mono += ms * NS_PER_MS;
	c->manual_wall_ms += (int64_t)ms;
}

mono_ns clock_mono(const struct clock *c)
{
	struct timespec ts;

	if (c->is_manual)
		return c->manual_mono;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (mono_ns)ts.tv_sec * NS_PER_S + (mono_ns)ts.tv_nsec;
}

int64_t clock_wall_ms(const struct clock *c)
{
	struct timespec ts;

	if (c->is_manual)
		return c->manual_wall_ms;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_market_ms(const struct clock *c)
{
	return c->mode == CLOCK_FEED && c->feed_ms ? c->feed_ms : clock_wall_ms(c);
}

void clock_see_market(struct clock *c, int64_t ms)
{
	if (ms > c->feed_ms)
		c->feed_ms = ms;
}
