/* SPDX-License-Identifier: MIT
 *
 * lane: see lane.h.
 */
#include "store/lane.h"

#include <stdio.h>

#include "store/connection.h"

void lane_refuse(struct lane *l, const char *reply, int64_t wall_ms)
{
	refusal_text(l->text, reply);
	l->refused++;
	if (l->since_ms == 0)
		l->since_ms = wall_ms;
}

void lane_settle(struct lane *l, uint64_t rest_ms)
{
	if (l->refused)
		l->rest_ms = rest_ms;
	else if (l->sent)
		l->since_ms = 0;
	l->sent = l->refused = 0;
}

bool lane_trouble(const struct lane lanes[LANES], char why[HEALTH_WHY_MAX])
{
	static const char *const what[LANES] = {[LANE_QUOTES] = "quotes",
						[LANE_INDEX] = "the index",
						[LANE_TICKS] = "ticks",
						[LANE_DOCS] = "documents",
						[LANE_DOC_INDEX] = "an index of documents",
						[LANE_EVENTS] = "signals"};

	for (int i = 0; i < LANES; i++) {
		char since[16];

		if (lanes[i].since_ms == 0)
			continue;
		connection_clock(lanes[i].since_ms, since);
		snprintf(why, HEALTH_WHY_MAX, "Redis answers errors to %s since %s: %s", what[i],
			 since, lanes[i].text);
		return true;
	}
	return false;
}
