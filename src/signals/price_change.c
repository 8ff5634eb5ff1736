/* SPDX-License-Identifier: MIT
 *
 * price_change: the last price against the previous session's close. `cp` of the feed is that close,
 * a price; the percentage is made here.
 *
 *      value       100 (ltp / cp - 1)
 *      confidence  0.2 + 0.2 e + 0.3 s + 0.3 b
 *                  e  how far beyond the threshold T: |value| / T - 1, at most 1
 *                  s  how tight the book is: 1 - spread / (T per cent of the price); 0.5 without one
 *                  b  the share of the waiting orders (tbq, tsq) on this side; 0.5 when not told
 */
#include <math.h>

#include "signals/rules.h"

static bool look(const struct rule_limits *limits, const struct observation *o,
		 struct rule_state *st, struct finding *f)
{
	double t = limits->change_pct, s, b;

	if (!change_from_close(o, st, f))
		return false;
	f->threshold = t;
	f->may_fire = true;
	f->price = price_to_double(o->q->ltp);
	s = tightness(o->q, f->price, t);
	b = pressure(o->q, f->value);
	f->confidence = 0.2 + 0.2 * clamp01(fabs(f->value) / t - 1) + 0.3 * s + 0.3 * b;
	finding_add(f, "change_pct", f->value);
	finding_add(f, "threshold_pct", t);
	finding_add(f, "cp", price_to_double(o->q->cp));
	finding_add(f, "tightness", s);
	finding_add(f, "pressure", b);
	return true;
}

const struct rule_ops price_change_ops = {.name = "price_change", .version = 1, .look = look};
