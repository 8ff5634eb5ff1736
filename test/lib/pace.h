/* SPDX-License-Identifier: MIT
 *
 * pace: time as a test's loop has it, for limits that shall hold on a machine that is busy.
 *
 * A wait is limited by what the loop was given, not by the wall clock: a turn that took longer than
 * PACE_TURN_MS (another process had the processor, a sanitizer was at work) counts as PACE_TURN_MS.
 * The loop must turn at least that often, so a test keeps a timer of a few milliseconds. Paced time
 * never runs ahead of the clock on the wall.
 */
#ifndef AGNI_TEST_PACE_H
#define AGNI_TEST_PACE_H

#include <stdint.h>

#define PACE_TURN_MS 20

/* For a wait that an event ends: reached only when the event does not come. */
#define PATIENCE_MS 15000

struct pace {
	uint64_t last_ns;  /* uv_hrtime() of the last turn */
	uint64_t spent_ns; /* paced time since pace_start() */
};

void pace_start(struct pace *p);

/* After each turn of the loop. */
void pace_turn(struct pace *p);

/* Paced milliseconds since pace_start(). */
int64_t pace_ms(const struct pace *p);

#endif
