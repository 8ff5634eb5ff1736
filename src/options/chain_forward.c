/* SPDX-License-Identifier: MIT
 *
 * chain_forward: prices of quotes, and the forward that they imply; see chain_math.h.
 *
 * A strike's forward is K + exp(rt) (C - P). Far from the money one of the two is quoted wide or
 * traded long ago, so only strikes about the money are asked; and one of them may be wrong, so the
 * median answers. Where the money is, is told by counting, not by the smallest |C - P|: calls cost
 * more than puts on as many strikes as lie below the forward, and a wrong quote moves that by one.
 */
#include "options/chain_math.h"

#include <math.h>

#define ABOUT_THE_MONEY 8   /* strikes */
#define PRICE_MAX       1e9 /* rupees; above, and beyond the next two, it is a mistake */
#define YEARS_MAX       100
#define RATE_MAX        1

static bool is_price(double p)
{
	return p > 0 && p < PRICE_MAX;
}

bool chain_price(const struct chain_quote *q, double *price, bool *is_mid)
{
	const unsigned both = CHAIN_BID | CHAIN_ASK;

	*is_mid = (q->present & both) == both && is_price(q->bid) && is_price(q->ask) &&
		  q->ask >= q->bid;
	*price = *is_mid ? (q->bid + q->ask) / 2 : q->ltp;
	return *is_mid || ((q->present & CHAIN_LTP) && is_price(q->ltp));
}

/* Sorts as it takes in: there are eight at most. */
static void insert(double *sorted, int n, double value)
{
	while (n > 0 && sorted[n - 1] > value) {
		sorted[n] = sorted[n - 1];
		n--;
	}
	sorted[n] = value;
}

static double median(const double *sorted, int n)
{
	return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

double chain_spot(const struct chain_input *in)
{
	return is_price(in->spot) ? in->spot : 0;
}

static double growth(const struct chain_input *in)
{
	return exp(in->r * fmax(in->t, 0));
}

/* The forwards of all strikes that have both prices, in the order of the strikes; *below of them
 * have the dearer call. */
static int forwards_of(const struct chain_input *in, double *forward, int *below)
{
	double per_premium = growth(in), call, put;
	bool is_mid;
	int n = 0;

	*below = 0;
	for (int i = 0; i < in->n; i++) {
		if (!chain_price(&in->strikes[i].side[OPTION_CALL], &call, &is_mid) ||
		    !chain_price(&in->strikes[i].side[OPTION_PUT], &put, &is_mid))
			continue;
		*below += call > put;
		forward[n++] = in->strikes[i].strike + per_premium * (call - put);
	}
	return n;
}

static bool forward_by_parity(const struct chain_input *in, struct chain_forward *out)
{
	double all[CHAIN_STRIKES_MAX], near[ABOUT_THE_MONEY], away[ABOUT_THE_MONEY];
	int below, n = forwards_of(in, all, &below), from = below - ABOUT_THE_MONEY / 2, count;

	if (from > n - ABOUT_THE_MONEY)
		from = n - ABOUT_THE_MONEY;
	if (from < 0)
		from = 0;
	count = n - from < ABOUT_THE_MONEY ? n - from : ABOUT_THE_MONEY;
	if (count <= 0)
		return false;
	for (int i = 0; i < count; i++)
		insert(near, i, all[from + i]);
	out->level = median(near, count);
	for (int i = 0; i < count; i++)
		insert(away, i, fabs(near[i] - out->level));
	out->spread = median(away, count);
	out->strikes = count;
	out->source = FORWARD_PARITY;
	return is_price(out->level);
}

void chain_forward(const struct chain_input *in, struct chain_forward *out)
{
	bool is_mid;

	*out = (struct chain_forward){0};
	if (!(in->t <= YEARS_MAX) || !(fabs(in->r) <= RATE_MAX))
		return;
	if (chain_price(&in->future, &out->level, &is_mid)) {
		out->source = FORWARD_FUTURE;
		return;
	}
	if (forward_by_parity(in, out))
		return;
	*out = (struct chain_forward){0};
	if (chain_spot(in) > 0) {
		out->source = FORWARD_SPOT;
		out->level = in->spot * growth(in);
	}
}
