/* SPDX-License-Identifier: MIT
 *
 * momentum: a move over a window W that is large against what this instrument usually does in as long.
 *
 *      move        ln(price now / price W ago)
 *      noise       sqrt(12 variance + tick^2): the variance of a twelfth of W, a mean of the last 180
 *                  of them that fades, the window itself left out; tick: the spread, or 0.05 rupees
 *                  without a book, over the price
 *      value       move / noise
 *      fires       at |value| >= momentum_noise, if |move| is at least momentum_pct too
 *      confidence  0.2 + 0.2 e + 0.3 s + 0.3 b
 *                  e  |value| / momentum_noise - 1, at most 1
 *                  s  1 - spread / |move| of the price; 0.5 without a book
 *                  b  the share of the waiting orders on this side; 0.5 when not told
 *
 * The price is the middle of the book where the instrument has one, else the last trade; a tick that
 * leaves the book one-sided is passed over, so that the two are never compared with each other.
 */
#include <math.h>

#include "signals/rules.h"

#define TICK_RUPEES 0.05

static bool price_of(const struct observation *o, struct rule_state *st, double *price,
		     double *spread)
{
	const struct quote *q = o->q;
	double bid, ask;

	*spread = TICK_RUPEES;
	if (best_of(q, &bid, &ask)) {
		if (!st->has_book)
			st->window = (struct window){0};
		st->has_book = true;
		*price = (bid + ask) / 2;
		*spread = fmax(ask - bid, TICK_RUPEES);
		return true;
	}
	if (st->has_book || !(q->present & QUOTE_LTP) || !is_traded_today(o))
		return false;
	*price = price_to_double(q->ltp);
	return *price > 0;
}

static bool look(const struct rule_limits *limits, const struct observation *o,
		 struct rule_state *st, struct finding *f)
{
	double now[WINDOW_NUMBERS] = {0}, price, spread, move, noise, s, b;

	if (!price_of(o, st, &price, &spread))
		return false;
	now[0] = log(price);
	if (!window_take(&st->window, limits->window_ms / WINDOW_STEPS, o->ms, now) ||
	    st->window.steps < WINDOW_WARM)
		return false;
	move = now[0] - st->window.kept[0][0];
	noise = sqrt(WINDOW_STEPS * st->window.variance + spread * spread / (price * price));
	f->value = move / noise;
	f->threshold = limits->noise;
	f->may_fire = fabs(move) * 100 >= limits->move_pct;
	f->price = price;
	s = st->has_book ? clamp01(1 - spread / (price * fabs(move))) : 0.5;
	b = pressure(o->q, move);
	f->confidence = 0.2 + 0.2 * clamp01(fabs(f->value) / f->threshold - 1) + 0.3 * s + 0.3 * b;
	finding_add(f, "move_pct", move * 100);
	finding_add(f, "noise_pct", noise * 100);
	finding_add(f, "ratio", f->value);
	finding_add(f, "threshold", f->threshold);
	finding_add(f, "window_s", (double)limits->window_ms / 1000);
	finding_add(f, "tightness", s);
	finding_add(f, "pressure", b);
	return true;
}

const struct rule_ops momentum_ops = {.name = "momentum", .version = 1, .look = look};
