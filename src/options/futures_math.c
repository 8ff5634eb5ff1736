/* SPDX-License-Identifier: MIT
 *
 * futures_math: see futures_math.h.
 */
#include "options/futures_math.h"

#include <math.h>
#include <string.h>

#define YEARS_MAX 100.0
#define RATE_MAX  1.0
#define PRICE_MIN 1e-6 /* rupees: what is less is none, and divides nothing */
#define PRICE_MAX 1e9

static bool is_time(double t)
{
	return t > 0 && t <= YEARS_MAX; /* false for NaN */
}

static bool is_rate(double r)
{
	return r >= -RATE_MAX && r <= RATE_MAX;
}

static bool is_price(double p)
{
	return p >= PRICE_MIN && p < PRICE_MAX;
}

/* ln(b/a)/t, when all of it can be meant. */
static bool rate_between(double a, double b, double t, double *rate)
{
	if (!(t >= FUTURES_RATE_MIN_T) || !is_time(t))
		return false;
	*rate = log(b / a) / t;
	return true;
}

static void against_spot(const struct futures_input *in, double spot, double t,
			 struct futures_figures *f)
{
	f->basis = f->price - spot;
	f->basis_fraction = f->basis / spot;
	f->has |= FUTURES_BASIS;
	if (rate_between(spot, f->price, t, &f->carry))
		f->has |= FUTURES_CARRY;
	if (!is_time(t) || !is_rate(in->rate) || !is_rate(in->yield))
		return;
	f->fair = spot * exp((in->rate - in->yield) * t);
	f->fair_difference = f->price - f->fair;
	f->has |= FUTURES_FAIR;
}

/* --- against the previous session -------------------------------------------------------------- */

static enum futures_buildup buildup_of(const struct futures_input *in,
				       const struct futures_figures *f)
{
	/* From no open interest at all any change is a large one. */
	bool oi_moved = f->oi_change != 0 &&
			(!(f->has & FUTURES_OI_FRACTION) || fabs(f->oi_fraction) >= in->oi_least);

	if (f->change == 0 || fabs(f->change_fraction) < in->price_least || !oi_moved)
		return BUILDUP_NEUTRAL;
	if (f->oi_change > 0)
		return f->change > 0 ? BUILDUP_LONG : BUILDUP_SHORT;
	return f->change > 0 ? BUILDUP_SHORT_COVERED : BUILDUP_LONG_UNWOUND;
}

static void against_before(const struct futures_input *in, const struct futures_quote *q,
			   struct futures_figures *f)
{
	const unsigned both = CHAIN_OI | CHAIN_PREV_OI;

	if ((q->q.present & CHAIN_LTP) && (q->present & FUTURES_CP) && is_price(q->q.ltp) &&
	    is_price(q->cp)) {
		f->change = q->q.ltp - q->cp;
		f->change_fraction = f->change / q->cp;
		f->has |= FUTURES_CHANGE;
	}
	if ((q->q.present & both) == both) {
		f->oi_change = q->q.oi - q->q.prev_oi;
		f->has |= FUTURES_OI_CHANGE;
		if (q->q.prev_oi > 0) {
			f->oi_fraction = (double)f->oi_change / (double)q->q.prev_oi;
			f->has |= FUTURES_OI_FRACTION;
		}
	}
	if ((f->has & FUTURES_CHANGE) && (f->has & FUTURES_OI_CHANGE)) {
		f->buildup = buildup_of(in, f);
		f->has |= FUTURES_BUILDUP;
	}
}

/* --- together ---------------------------------------------------------------------------------- */

static void spread_of(const struct futures_month months[2], const struct futures_figures f[2],
		      struct futures_spread *out)
{
	if (!(f[0].has & FUTURES_PRICE) || !(f[1].has & FUTURES_PRICE))
		return;
	out->price = f[1].price - f[0].price;
	out->has |= SPREAD_PRICE;
	if (rate_between(f[0].price, f[1].price, months[1].t - months[0].t, &out->rate))
		out->has |= SPREAD_RATE;
}

/* A sum of which a part is not known is no sum, and a share of it no share. */
static void sum_oi(const struct futures_month *months, struct futures_summary *out)
{
	int there = 0;

	for (int i = 0; i < FUTURES_MONTHS; i++) {
		if (!months[i].is_there)
			continue;
		if (!(months[i].quote.q.present & CHAIN_OI)) {
			out->oi = 0;
			return;
		}
		out->oi += months[i].quote.q.oi;
		there++;
	}
	out->has_oi = out->oi > 0;
	out->has_roll = out->has_oi && months[0].is_there && there > 1;
	if (out->has_roll)
		out->roll = (double)(out->oi - months[0].quote.q.oi) / (double)out->oi;
}

static void figure(const struct futures_input *in, const struct futures_month *m, double spot,
		   struct futures_figures *f)
{
	double price;
	bool is_mid;

	if (!m->is_there)
		return;
	against_before(in, &m->quote, f);
	if (!chain_price(&m->quote.q, &price, &is_mid) || !is_price(price))
		return;
	f->price = price;
	f->is_mid = is_mid;
	f->has |= FUTURES_PRICE;
	if (is_price(spot))
		against_spot(in, spot, m->t, f);
}

void futures_compute(const struct futures_input *in, struct futures_figures figures[FUTURES_MONTHS],
		     struct futures_summary *out)
{
	const struct chain_input as_chain = {.spot = in->spot};
	double spot = chain_spot(&as_chain);

	memset(out, 0, sizeof(*out));
	memset(figures, 0, FUTURES_MONTHS * sizeof(figures[0]));
	for (int i = 0; i < FUTURES_MONTHS; i++)
		figure(in, &in->months[i], spot, &figures[i]);
	for (int i = 0; i < FUTURES_SPREADS; i++)
		spread_of(&in->months[i], &figures[i], &out->spreads[i]);
	sum_oi(in->months, out);
}

const char *futures_buildup_text(enum futures_buildup b)
{
	static const char *const text[] = {"neutral", "long_buildup", "short_buildup",
					   "short_covering", "long_unwinding"};

	return text[b];
}
