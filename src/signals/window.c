/* SPDX-License-Identifier: MIT
 *
 * window: see window.h.
 */
#include "signals/window.h"

#include <string.h>

/* The oldest step leaves, and is remembered as what is usual. */
static void note_step(struct window *w)
{
	double move = w->kept[1][0] - w->kept[0][0];

	if (w->steps < WINDOW_MEMORY)
		w->steps++;
	w->variance += (move * move - w->variance) / w->steps;
}

static void push(struct window *w)
{
	if (w->n == WINDOW_STEPS + 1) {
		note_step(w);
		memmove(w->kept[0], w->kept[1], WINDOW_STEPS * sizeof(w->kept[0]));
		w->n--;
	}
	memcpy(w->kept[w->n++], w->now, sizeof(w->now));
	w->step++;
}

bool window_take(struct window *w, int64_t step_ms, int64_t ms, const double now[WINDOW_NUMBERS])
{
	int64_t step = ms / step_ms;
	day_t day = ist_day(ms);

	if (step < w->step && w->step - step <= WINDOW_STEPS)
		step = w->step; /* a message that was overtaken */
	if (w->day != day || step < w->step) {
		*w = (struct window){.day = day};
	} else if (step - w->step > WINDOW_STEPS) {
		w->n = 0;
	}
	if (w->n == 0) {
		memcpy(w->kept[0], now, sizeof(w->kept[0]));
		w->n = 1;
		w->step = step;
	}
	while (w->step < step)
		push(w);
	memcpy(w->now, now, sizeof(w->now));
	return w->n == WINDOW_STEPS + 1;
}
