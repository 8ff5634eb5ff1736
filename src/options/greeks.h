/* SPDX-License-Identifier: MIT
 *
 * greeks: the derivatives of an option's price, in the units of mathematics and in those of
 * traders. Pure arithmetic.
 */
#ifndef AGNI_OPTIONS_GREEKS_H
#define AGNI_OPTIONS_GREEKS_H

#define DAYS_PER_YEAR  365.0 /* ACT/365, calendar days */
#define POINTS_PER_ONE 100.0

/* What black76_greeks and bsm_greeks give: per year and per 1.00. */
struct greeks {
	double price;
	double delta; /* per rupee of the forward (black76) or the spot (bsm) */
	double gamma; /* per rupee^2 */
	double vega;  /* per 1.00 of sigma */
	double theta; /* per year; negative when time costs */
	double rho;   /* per 1.00 of r */
};

/* The units of the broker and of every option chain: theta per calendar day, vega and rho per
 * percentage point of sigma and of r; delta and gamma are the same. */
static inline struct greeks greeks_for_traders(const struct greeks *g)
{
	return (struct greeks){.price = g->price,
			       .delta = g->delta,
			       .gamma = g->gamma,
			       .vega = g->vega / POINTS_PER_ONE,
			       .theta = g->theta / DAYS_PER_YEAR,
			       .rho = g->rho / POINTS_PER_ONE};
}

#endif
