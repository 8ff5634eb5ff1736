/* SPDX-License-Identifier: MIT
 *
 * bsm: see bsm.h.
 */
#include "options/bsm.h"

#include <math.h>

static struct option_frame frame_of(const struct bsm *in)
{
	double t = fmax(in->t, 0), cash_fall = expm1(-in->r * t);
	double asset_fall = in->q == in->r ? cash_fall : expm1(-in->q * t);
	double asset = in->spot + in->spot * asset_fall;
	double cash = in->strike + in->strike * cash_fall;

	return (struct option_frame){
		.x = log_ratio(in->spot, in->strike) + (in->r - in->q) * t,
		/* asset - cash; but near the money their own rounding would be most of it. */
		.gap = in->spot - in->strike + (in->spot * asset_fall - in->strike * cash_fall),
		.asset = asset,
		.cash = cash,
		.scale = sqrt(asset) * sqrt(cash),
	};
}

static double deviation(const struct bsm *in)
{
	return in->t > 0 && in->sigma > 0 ? in->sigma * sqrt(in->t) : 0;
}

double bsm_price(const struct bsm *in, enum option_type type)
{
	struct option_frame f = frame_of(in);

	return frame_price(&f, deviation(in), type);
}

/* All but the price; s and sigma belong together. */
static void greeks_at(const struct bsm *in, const struct option_frame *f, double s, double sigma,
		      enum option_type type, struct greeks *out)
{
	double side = type == OPTION_CALL ? 1 : -1, t = fmax(in->t, 0), root_t = sqrt(t);
	struct frame_odds odds;
	double asset, cash;

	frame_odds(f, s, type, &odds);
	asset = side * f->asset * odds.asset_odds;
	cash = side * f->cash * odds.cash_odds;
	out->delta = asset / in->spot;
	out->gamma = s > 0 ? odds.asset_at_one / (in->spot * in->spot * s) : 0;
	out->vega = odds.asset_at_one * root_t;
	out->theta = t > 0 ? in->q * asset - in->r * cash : 0;
	if (s > 0)
		out->theta -= odds.asset_at_one * sigma / (2 * root_t);
	out->rho = t * cash;
}

void bsm_greeks(const struct bsm *in, enum option_type type, struct greeks *out)
{
	struct option_frame f = frame_of(in);
	double s = deviation(in);

	out->price = frame_price(&f, s, type);
	greeks_at(in, &f, s, in->sigma, type, out);
}

/* *f is the frame of it, *s the deviation. */
static enum iv_status solve(double price, const struct bsm *in, enum option_type type,
			    struct option_frame *f, double *s)
{
	if (!(in->spot > 0) || !(in->strike > 0) || !isfinite(in->t))
		return IV_BAD_INPUT;
	if (in->t <= 0)
		return IV_EXPIRED;
	*f = frame_of(in);
	return frame_implied(f, price, type, s);
}

enum iv_status bsm_implied(double price, const struct bsm *in, enum option_type type, double *sigma)
{
	struct option_frame f;
	double s;
	enum iv_status status = solve(price, in, type, &f, &s);

	if (status == IV_OK)
		*sigma = s / sqrt(in->t);
	return status;
}

enum iv_status bsm_solve(double price, const struct bsm *in, enum option_type type,
			 struct bsm_point *out)
{
	struct greeks g = {.price = price};
	struct option_frame f;
	double s;
	enum iv_status status = solve(price, in, type, &f, &s);

	if (status != IV_OK)
		return status;
	out->sigma = s / sqrt(in->t);
	greeks_at(in, &f, s, out->sigma, type, &g);
	g = greeks_for_traders(&g);
	out->delta = g.delta;
	out->gamma = g.gamma;
	out->theta = g.theta;
	out->vega = g.vega;
	out->rho = g.rho;
	return IV_OK;
}
