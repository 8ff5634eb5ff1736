/* SPDX-License-Identifier: MIT
 *
 * edge: see edge.h.
 */
#include "signals/edge.h"

#include <math.h>

#define AHEAD_MS 60000

/* How far beyond zero on this side. */
static double reach(enum signal_side side, double value)
{
	return side == SIGNAL_BUY ? value : -value;
}

/* When this side fired, or 0. A time that lies far ahead is of a market that has begun anew since; one that
 * lies a little ahead is of a message that overtook this one. */
static int64_t fired_before(const struct edge *e, enum signal_side side, int64_t ms)
{
	return e->fired_ms[side] <= ms + AHEAD_MS ? e->fired_ms[side] : 0;
}

static bool is_cooling(const struct edge *e, const struct edge_rule *rule, enum signal_side side,
		       int64_t ms)
{
	int64_t fired = fired_before(e, side, ms);

	return fired && ms - fired < rule->cooldown_ms;
}

/* Nothing fires; what a journal has said of this very day stands until the value is back. */
static void begin_day(struct edge *e, const struct edge_rule *rule, double value, int64_t ms)
{
	day_t today = ist_day(ms);

	for (int side = SIGNAL_BUY; side <= SIGNAL_SELL; side++) {
		double far = reach((enum signal_side)side, value);
		int64_t fired = fired_before(e, (enum signal_side)side, ms);
		bool was_today = fired && ist_day(fired) == today;

		e->is_fired[side] = far >= rule->threshold || (was_today && far > rule->rearm);
	}
	e->day = today;
}

enum edge_verdict edge_observe(struct edge *e, const struct edge_rule *rule, double value,
			       int64_t ms, bool may_fire, enum signal_side *side)
{
	if (!isfinite(value))
		return EDGE_QUIET;
	if (e->day != ist_day(ms)) {
		begin_day(e, rule, value, ms);
		return EDGE_QUIET;
	}
	for (int i = SIGNAL_BUY; i <= SIGNAL_SELL; i++) {
		if (e->is_fired[i] && reach((enum signal_side)i, value) <= rule->rearm)
			e->is_fired[i] = false;
	}
	*side = value > 0 ? SIGNAL_BUY : SIGNAL_SELL;
	if (!(reach(*side, value) >= rule->threshold) || e->is_fired[*side] || !may_fire)
		return EDGE_QUIET;
	e->is_fired[*side] = true;
	if (is_cooling(e, rule, *side, ms))
		return EDGE_SWALLOWED;
	e->fired_ms[*side] = ms;
	return EDGE_FIRES;
}

void edge_forget(struct edge *e)
{
	e->day = 0;
}

void edge_restore(struct edge *e, enum signal_side side, int64_t ms)
{
	e->fired_ms[side] = ms;
}
