/* SPDX-License-Identifier: MIT
 *
 * window: what some numbers were so long ago, and how much the first of them usually moves. Pure.
 *
 * A window is twelve steps long. At each boundary of a step of market time the newest numbers are
 * kept; what happens between two boundaries does not depend on how often it was told. Silence is a
 * step without a move. A gap longer than the window, time that goes back and another day begin it anew.
 */
#ifndef AGNI_SIGNALS_WINDOW_H
#define AGNI_SIGNALS_WINDOW_H

#include "core/ist.h"

#define WINDOW_STEPS   12
#define WINDOW_NUMBERS 3

struct window {
	day_t day;
	int64_t step; /* number of the boundary that the newest of `kept` is of */
	unsigned n;   /* of `kept` */
	double kept[WINDOW_STEPS + 1][WINDOW_NUMBERS]; /* oldest first */
	double now[WINDOW_NUMBERS];
	/* Of the steps that have left the window, so that a move is not compared with itself. */
	double variance; /* of the first number, per step */
	unsigned steps;  /* that went into it, up to WINDOW_MEMORY */
};

#define WINDOW_MEMORY 180 /* steps; older ones fade: fifteen windows */
#define WINDOW_WARM   60  /* steps until the variance means something */

/* Takes the numbers at market time `ms`. Returns whether kept[0] is of a whole window ago. */
bool window_take(struct window *w, int64_t step_ms, int64_t ms, const double now[WINDOW_NUMBERS]);

#endif
