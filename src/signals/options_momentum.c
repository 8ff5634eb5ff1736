/* SPDX-License-Identifier: MIT
 *
 * options_momentum: premium, implied volatility and open interest of one option move together: not
 * the underlying alone has moved, and new positions stand behind it.
 *
 *      value       change of the premium (the middle of the book) over a window, per cent
 *      fires       at |value| >= premium_pct, if the implied volatility has moved the same way by
 *                  iv_points at least, and the open interest has grown by oi_pct at least
 *                  BUY: premium up (long build-up); SELL: premium down (short build-up)
 *      confidence  0.2 + 0.2 e + 0.3 v + 0.3 i
 *                  e  |value| / premium_pct - 1, at most 1
 *                  v  change of the volatility / (2 iv_points), at most 1
 *                  i  change of the open interest / (2 oi_pct), at most 1
 *
 * The volatility is our own: Black-76 at the forward of forwards.h, zero rate, ACT/365 to the close of
 * the expiry day. Without a forward, or where the price has none, there is nothing to say.
 */
#include <math.h>

#include "signals/rules.h"

#define YEAR_MS (365.0 * DAY_MS)

enum { PREMIUM, VOLATILITY, INTEREST };

static bool read_now(const struct observation *o, double now[WINDOW_NUMBERS])
{
	const struct contract *c = o->contract;
	struct black76 in = {.forward = o->level.forward};
	double bid, ask;

	if (!c || c->kind != CONTRACT_OPTION || o->level.source == LEVEL_NONE ||
	    !(o->q->present & QUOTE_OI) || !(o->q->oi > 0) || !best_of(o->q, &bid, &ask))
		return false;
	in.strike = c->strike;
	in.t = (double)(c->expiry_ms - o->ms) / YEAR_MS;
	now[PREMIUM] = (bid + ask) / 2;
	now[INTEREST] = o->q->oi;
	return black76_implied(now[PREMIUM], &in, c->type, &now[VOLATILITY]) == IV_OK;
}

static bool look(const struct rule_limits *limits, const struct observation *o,
		 struct rule_state *st, struct finding *f)
{
	double now[WINDOW_NUMBERS], points, interest;
	const double *then = st->window.kept[0];

	if (!read_now(o, now) ||
	    !window_take(&st->window, limits->premium_window_ms / WINDOW_STEPS, o->ms, now))
		return false;
	f->value = (now[PREMIUM] / then[PREMIUM] - 1) * 100;
	points = (now[VOLATILITY] - then[VOLATILITY]) * 100 * (f->value < 0 ? -1 : 1);
	interest = (now[INTEREST] / then[INTEREST] - 1) * 100;
	f->threshold = limits->premium_pct;
	f->may_fire = points >= limits->iv_points && interest >= limits->oi_pct;
	f->price = now[PREMIUM];
	f->confidence = 0.2 + 0.2 * clamp01(fabs(f->value) / f->threshold - 1) +
			0.3 * clamp01(points / (2 * limits->iv_points)) +
			0.3 * clamp01(interest / (2 * limits->oi_pct));
	finding_add(f, "premium_pct", f->value);
	finding_add(f, "threshold_pct", f->threshold);
	finding_add(f, "iv", now[VOLATILITY]);
	finding_add(f, "iv_points", (now[VOLATILITY] - then[VOLATILITY]) * 100);
	finding_add(f, "oi_pct", interest);
	finding_add(f, "forward", o->level.forward);
	finding_add(f, "window_s", (double)limits->premium_window_ms / 1000);
	return true;
}

const struct rule_ops options_momentum_ops = {
	.name = "options_momentum", .version = 2, .look = look, .needs_level = true};
