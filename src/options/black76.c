/* SPDX-License-Identifier: MIT
 *
 * black76: see black76.h.
 */
#include "options/black76.h"

#include <math.h>

static double discount(const struct black76 *in)
{
	return in->t > 0 ? exp(-in->r * in->t) : 1;
}

static struct option_frame frame_of(const struct black76 *in)
{
	double df = discount(in);

	return (struct option_frame){
		.x = log_ratio(in->forward, in->strike),
		.gap = df * (in->forward - in->strike),
		.asset = df * in->forward,
		.cash = df * in->strike,
		.scale = df * sqrt(in->forward) * sqrt(in->strike),
	};
}

/* sigma sqrt(t), 0 where all is known. */
static double deviation(const struct black76 *in)
{
	return in->t > 0 && in->sigma > 0 ? in->sigma * sqrt(in->t) : 0;
}

double black76_price(const struct black76 *in, enum option_type type)
{
	struct option_frame f = frame_of(in);

	return frame_price(&f, deviation(in), type);
}

void black76_greeks(const struct black76 *in, enum option_type type, struct greeks *out)
{
	double side = type == OPTION_CALL ? 1 : -1, s = deviation(in), t = fmax(in->t, 0);
	struct option_frame f = frame_of(in);
	struct frame_odds odds;

	frame_odds(&f, s, type, &odds);
	out->price = frame_price(&f, s, type);
	out->delta = side * discount(in) * odds.asset_odds;
	out->gamma = s > 0 ? odds.asset_at_one / (in->forward * in->forward * s) : 0;
	out->vega = odds.asset_at_one * sqrt(t);
	/* Half of sigma^2 F^2 gamma is what time costs; the premium earns interest. */
	out->theta = t > 0 ? in->r * out->price : 0;
	if (s > 0)
		out->theta -= odds.asset_at_one * in->sigma / (2 * sqrt(t));
	out->rho = -t * out->price;
}

enum iv_status black76_implied(double price, const struct black76 *in, enum option_type type,
			       double *sigma)
{
	enum iv_status status;
	struct option_frame f;
	double s;

	if (!(in->forward > 0) || !(in->strike > 0) || !isfinite(in->t))
		return IV_BAD_INPUT;
	if (in->t <= 0)
		return IV_EXPIRED;
	f = frame_of(in);
	status = frame_implied(&f, price, type, &s);
	if (status == IV_OK)
		*sigma = s / sqrt(in->t);
	return status;
}
