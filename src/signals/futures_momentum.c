/* SPDX-License-Identifier: MIT
 *
 * futures_momentum: a future against its previous close, with the open interest that came with it.
 *
 *      value       100 (ltp / cp - 1)
 *      fires       at |value| >= change_pct; of futures only
 *      confidence  0.2 + 0.2 e + 0.2 s + 0.2 b + 0.2 i
 *                  e, s, b  as in price_change.c
 *                  i  a half, and half of the change of open interest in per cent since the first tick
 *                     of the day: new positions make it surer, closed ones less; 0..1
 *
 * Both ways the price may go, the open interest that grows says that positions are built (long
 * build-up, short build-up), that which falls that they are closed (covering, unwinding).
 */
#include <math.h>

#include "signals/rules.h"

static double interest_change(const struct observation *o, struct rule_state *st)
{
	day_t day = ist_day(o->ms);

	if (!(o->q->present & QUOTE_OI) || !(o->q->oi > 0))
		return 0;
	if (st->day != day) {
		st->day = day;
		st->first_oi = o->q->oi;
	}
	return (o->q->oi / st->first_oi - 1) * 100;
}

static bool look(const struct rule_limits *limits, const struct observation *o,
		 struct rule_state *st, struct finding *f)
{
	double t = limits->change_pct, s, b, interest;

	if (!o->contract || o->contract->kind != CONTRACT_FUTURE || !change_from_close(o, st, f))
		return false;
	interest = interest_change(o, st);
	f->threshold = t;
	f->may_fire = true;
	f->price = price_to_double(o->q->ltp);
	s = tightness(o->q, f->price, t);
	b = pressure(o->q, f->value);
	f->confidence = 0.2 + 0.2 * clamp01(fabs(f->value) / t - 1) + 0.2 * s + 0.2 * b +
			0.2 * clamp01(0.5 + interest / 2);
	finding_add(f, "change_pct", f->value);
	finding_add(f, "threshold_pct", t);
	finding_add(f, "cp", price_to_double(o->q->cp));
	finding_add(f, "oi_pct", interest);
	if (o->level.spot > 0)
		finding_add(f, "basis", f->price - o->level.spot);
	finding_add(f, "tightness", s);
	finding_add(f, "pressure", b);
	return true;
}

const struct rule_ops futures_momentum_ops = {
	.name = "futures_momentum", .version = 1, .look = look, .needs_level = true};
