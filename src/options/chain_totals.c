/* SPDX-License-Identifier: MIT
 *
 * chain_totals: open interest and volume; see chain_math.h. Sums are integers, so nothing is lost.
 */
#include "options/chain_math.h"

#include <math.h>

static int64_t oi_of(const struct chain_quote *q)
{
	return q->present & CHAIN_OI ? q->oi : 0;
}

static void add_side(const struct chain_quote *q, enum option_type type, struct chain_totals *out)
{
	const unsigned both = CHAIN_OI | CHAIN_PREV_OI;

	if (q->present & CHAIN_OI) {
		out->oi[type] += q->oi;
		out->ois[type]++;
	}
	if (q->present & CHAIN_VOLUME) {
		out->volume[type] += q->volume;
		out->volumes[type]++;
	}
	if ((q->present & both) == both) {
		out->oi_change[type] += q->oi - q->prev_oi;
		out->changes[type]++;
	}
}

static double amount_of(const struct chain_quote *q, enum chain_present bit)
{
	return !(q->present & bit) ? 0 : (double)(bit == CHAIN_OI ? q->oi : q->volume);
}

/* Whether the broker tells open interest and volume of the contract: with the book it does, and does not
 * send what is zero. */
static bool is_told(const struct chain_quote *q)
{
	return q->present & (CHAIN_BID | CHAIN_ASK | CHAIN_OI | CHAIN_VOLUME);
}

/* Whether calls and puts can be compared: where only one side is known stands next to nothing. */
static bool is_even(const struct chain_strike *strikes, int n, enum chain_present bit)
{
	double all = 0, lone = 0;

	for (int i = 0; i < n; i++) {
		const struct chain_quote *call = &strikes[i].side[OPTION_CALL];
		const struct chain_quote *put = &strikes[i].side[OPTION_PUT];
		double both = amount_of(call, bit) + amount_of(put, bit);

		all += both;
		if (is_told(call) != is_told(put))
			lone += both;
	}
	return lone <= CHAIN_LONE_MAX * all;
}

void chain_totals(const struct chain_strike *strikes, int n, struct chain_totals *out)
{
	*out = (struct chain_totals){0};
	for (int i = 0; i < n; i++) {
		add_side(&strikes[i].side[OPTION_CALL], OPTION_CALL, out);
		add_side(&strikes[i].side[OPTION_PUT], OPTION_PUT, out);
	}
	if (out->oi[OPTION_CALL] > 0 && is_even(strikes, n, CHAIN_OI)) {
		out->has |= TOTALS_PCR_OI;
		out->pcr_oi = (double)out->oi[OPTION_PUT] / (double)out->oi[OPTION_CALL];
	}
	if (out->volume[OPTION_CALL] > 0 && is_even(strikes, n, CHAIN_VOLUME)) {
		out->has |= TOTALS_PCR_VOLUME;
		out->pcr_volume =
			(double)out->volume[OPTION_PUT] / (double)out->volume[OPTION_CALL];
	}
	if (out->changes[OPTION_CALL] + out->changes[OPTION_PUT] > 0)
		out->has |= TOTALS_OI_CHANGE;
}

double chain_pain(const struct chain_strike *strikes, int n, double level)
{
	double sum = 0;

	for (int i = 0; i < n; i++) {
		double d = level - strikes[i].strike;
		enum option_type paid = d > 0 ? OPTION_CALL : OPTION_PUT;

		sum += fabs(d) * (double)oi_of(&strikes[i].side[paid]);
	}
	return sum;
}

/* From one strike to the next all calls up to the first gain the difference and all puts above it
 * lose it, so that the payout is convex: it is least where the first are no longer fewer than the
 * second. No product is needed, and one pass does it. */
int chain_max_pain(const struct chain_strike *strikes, int n)
{
	int64_t calls_below = 0, puts_above = 0, all = 0;
	int i;

	for (i = 0; i < n; i++) {
		puts_above += oi_of(&strikes[i].side[OPTION_PUT]);
		all += oi_of(&strikes[i].side[OPTION_CALL]);
	}
	if (all + puts_above <= 0 || !is_even(strikes, n, CHAIN_OI))
		return CHAIN_NONE;
	for (i = 0; i < n - 1; i++) {
		calls_below += oi_of(&strikes[i].side[OPTION_CALL]);
		puts_above -= oi_of(&strikes[i].side[OPTION_PUT]);
		if (calls_below >= puts_above)
			break;
	}
	return i;
}

int chain_nearest(const struct chain_strike *strikes, int n, double level)
{
	int best = n > 0 ? 0 : CHAIN_NONE;

	for (int i = 1; i < n; i++) {
		if (fabs(strikes[i].strike - level) < fabs(strikes[best].strike - level))
			best = i;
	}
	return best;
}
