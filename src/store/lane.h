/* SPDX-License-Identifier: MIT
 *
 * lane: one kind of command of the pipelines, and whether Redis takes it; internal to the store.
 *
 * A lane that was refused (OOM, READONLY, WRONGTYPE, NOPERM) rests for retry_ms while the others go
 * on. The first pipeline after the rest carries one command of it, to see whether Redis is well
 * again; an index carries what it has.
 */
#ifndef AGNI_STORE_LANE_H
#define AGNI_STORE_LANE_H

#include "core/log.h"
#include "core/module.h"
#include "store/refusal.h"

enum lane_kind {
	LANE_QUOTES,
	LANE_INDEX,
	LANE_TICKS,
	LANE_DOCS,
	LANE_DOC_INDEX,
	LANE_EVENTS,
	LANES
};

struct lane {
	uint32_t sent;           /* commands of the pipeline in flight */
	uint32_t refused;        /* error replies to them so far */
	uint64_t rest_ms;        /* loop time until which the lane rests; 0 = it does not */
	int64_t since_ms;        /* wall time of the first refusal; 0 = the lane is well */
	char text[REFUSAL_TEXT]; /* of the newest refusal */
	struct log_limit limit;
};

/* An error reply at `wall_ms`. */
void lane_refuse(struct lane *l, const char *reply, int64_t wall_ms);

/* Every reply is in: a lane that was refused rests until `rest_ms`, one that was not is well. */
void lane_settle(struct lane *l, uint64_t rest_ms);

/* The first of LANES lanes that is refused, in words; false when all are well. */
bool lane_trouble(const struct lane lanes[LANES], char why[HEALTH_WHY_MAX]);

/* The most commands that the lane may send now. */
static inline int64_t lane_room(const struct lane *l, uint64_t now_ms, int64_t usual)
{
	if (now_ms < l->rest_ms)
		return 0;
	return l->since_ms ? 1 : usual;
}

#endif
