/* SPDX-License-Identifier: MIT
 *
 * edge: when a number that goes up and down is news. Pure.
 *
 *        value                                   fires BUY          does not: not re-armed
 *          T ------------------------------------x------------------------x-------
 *        rearm ------------------------------/--------\------/\---------/----------
 *                                           /          \    /  \_______/ <- re-armed here
 *
 * Each side (above +T: BUY, below -T: SELL) fires at the step beyond the threshold, and again only
 * when the number has been back below the lower threshold `rearm`. An edge that comes sooner than
 * the cooldown after the last one of its side is swallowed: it counts as seen. The first
 * observation, and the first of each day, fires nothing: what is beyond then is not news.
 */
#ifndef AGNI_SIGNALS_EDGE_H
#define AGNI_SIGNALS_EDGE_H

#include "core/ist.h"
#include "signals/signal.h"

struct edge_rule {
	double threshold;    /* > 0 */
	double rearm;        /* 0 <= rearm < threshold */
	int64_t cooldown_ms; /* market time */
};

struct edge {
	day_t day;           /* of the last observation; 0: none yet */
	bool is_fired[2];    /* by enum signal_side: beyond, and not back since */
	int64_t fired_ms[2]; /* market time of the last one; 0: none */
};

enum edge_verdict { EDGE_QUIET, EDGE_FIRES, EDGE_SWALLOWED };

/* One observation at market time `ms`. `may_fire` false: what else the rule asks for is not there;
 * then the edge waits for it. A value that is not finite is no observation. */
enum edge_verdict edge_observe(struct edge *e, const struct edge_rule *rule, double value,
			       int64_t ms, bool may_fire, enum signal_side *side);

/* The next observation is as the first; cooldowns go on. For new thresholds. */
void edge_forget(struct edge *e);

/* What a journal knows of before, in its order: the side fired at `ms`. */
void edge_restore(struct edge *e, enum signal_side side, int64_t ms);

#endif
