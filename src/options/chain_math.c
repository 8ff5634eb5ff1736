/* SPDX-License-Identifier: MIT
 *
 * chain_math: the whole chain at once; see chain_math.h.
 */
#include "options/chain_math.h"

#include <math.h>

#include "options/batch.h"

#define ONE_PER_CENT 0.01

static enum chain_moneyness moneyness_of(double strike, double reference, bool is_atm,
					 enum option_type type)
{
	if (is_atm)
		return CHAIN_ATM;
	return (strike < reference) == (type == OPTION_CALL) ? CHAIN_ITM : CHAIN_OTM;
}

/* What needs no volatility. */
static void cell_begin(const struct chain_strike *k, enum option_type type, double reference,
		       bool is_atm, struct chain_cell *cell)
{
	const struct chain_quote *q = &k->side[type];
	const unsigned both = CHAIN_OI | CHAIN_PREV_OI;
	double price;

	*cell = (struct chain_cell){.iv_status = IV_NO_PRICE};
	if (chain_price(q, &price, &cell->is_mid)) {
		cell->has |= CELL_PRICE;
		cell->price = price;
	}
	if (reference > 0) {
		double gap = reference - k->strike;

		cell->has |= CELL_VALUES;
		cell->moneyness = moneyness_of(k->strike, reference, is_atm, type);
		cell->intrinsic = fmax(type == OPTION_CALL ? gap : -gap, 0);
		if (cell->has & CELL_PRICE)
			cell->time_value = price - cell->intrinsic;
	}
	if ((q->present & both) == both) {
		cell->has |= CELL_OI_CHANGE;
		cell->oi_change = q->oi - q->prev_oi;
	}
}

/* ---- volatilities --------------------------------------------------------------------------- */

/* Contracts on their way through the lanes, and where their answers go. */
struct crowd {
	struct batch batch;
	struct chain_cell *cell[BATCH_MAX];
};

static void crowd_solve(struct crowd *c)
{
	const struct batch *b = &c->batch;

	batch_solve(&c->batch);
	for (unsigned i = 0; i < b->n; i++) {
		struct chain_cell *cell = c->cell[i];

		cell->iv_status = (enum iv_status)b->status[i];
		if (cell->iv_status != IV_OK)
			continue;
		cell->has |= CELL_IV | CELL_GREEKS;
		cell->at = (struct bsm_point){.sigma = b->sigma[i],
					      .delta = b->delta[i],
					      .gamma = b->gamma[i],
					      .theta = b->theta[i],
					      .vega = b->vega[i],
					      .rho = b->rho[i]};
	}
	c->batch.n = 0;
}

static void crowd_add(struct crowd *c, const struct chain_input *in, double forward, double strike,
		      enum option_type type, struct chain_cell *cell)
{
	struct batch *b = &c->batch;
	unsigned i = b->n++;

	b->price[i] = cell->price;
	b->spot[i] = forward;
	b->strike[i] = strike;
	b->t[i] = in->t;
	b->r[i] = b->q[i] = in->r;
	b->side[i] = type == OPTION_CALL ? 1 : -1;
	c->cell[i] = cell;
	if (b->n == BATCH_MAX)
		crowd_solve(c);
}

static void solve_all(const struct chain_input *in, double forward, struct chain_cell (*cells)[2])
{
	struct crowd c;

	c.batch.n = 0;
	for (int i = 0; i < in->n; i++) {
		for (int type = OPTION_CALL; type <= OPTION_PUT; type++) {
			if (cells[i][type].has & CELL_PRICE)
				crowd_add(&c, in, forward, in->strikes[i].strike,
					  (enum option_type)type, &cells[i][type]);
		}
	}
	crowd_solve(&c);
}

/* The Greeks of `cell` at a volatility that is not its own; after the close, the limits, where no
 * volatility matters. */
static void lend(const struct chain_input *in, double forward, double strike, enum option_type type,
		 double sigma, struct chain_cell *cell)
{
	struct bsm option = {forward, strike, in->t, sigma, in->r, in->r};
	struct greeks g;

	bsm_greeks(&option, type, &g);
	g = greeks_for_traders(&g);
	cell->at = (struct bsm_point){
		.delta = g.delta, .gamma = g.gamma, .theta = g.theta, .vega = g.vega, .rho = g.rho};
	cell->has |= CELL_GREEKS;
	cell->is_lent = true;
}

static void lend_all(const struct chain_input *in, double forward, struct chain_cell (*cells)[2])
{
	for (int i = 0; i < in->n; i++) {
		struct chain_cell *call = &cells[i][OPTION_CALL], *put = &cells[i][OPTION_PUT];
		double strike = in->strikes[i].strike;
		double call_iv = call->at.sigma, put_iv = put->at.sigma;

		if (!(call->has & CELL_IV) && ((put->has & CELL_IV) || in->t <= 0))
			lend(in, forward, strike, OPTION_CALL, put_iv, call);
		if (!(put->has & CELL_IV) && ((call->has & CELL_IV) || in->t <= 0))
			lend(in, forward, strike, OPTION_PUT, call_iv, put);
	}
}

/* ---- summary -------------------------------------------------------------------------------- */

/* Gamma times open interest is how many units a dealer trades per rupee of move; times F twice, in
 * rupees per 100 %. Calls are counted as owned by dealers and puts as owed, by convention. */
static void exposure(const struct chain_input *in, double forward, struct chain_cell (*cells)[2],
		     struct chain_summary *out)
{
	double per_gamma = forward * forward * ONE_PER_CENT, most = 0;
	double sum = 0, lone = 0;

	for (int i = 0; i < in->n; i++) {
		double all = 0;

		for (int type = OPTION_CALL; type <= OPTION_PUT; type++) {
			const struct chain_quote *q = &in->strikes[i].side[type];
			struct chain_cell *cell = &cells[i][type];

			if (!(q->present & CHAIN_OI) || !(cell->has & CELL_GREEKS))
				continue;
			cell->gex = (type == OPTION_CALL ? 1 : -1) * cell->at.gamma *
				    (double)q->oi * per_gamma;
			cell->has |= CELL_GEX;
			out->gex[type] += cell->gex;
			out->gexes[type]++;
			all += fabs(cell->gex);
		}
		sum += all;
		if ((cells[i][OPTION_CALL].has ^ cells[i][OPTION_PUT].has) & CELL_GEX)
			lone += all;
		if (all > most) {
			most = all;
			out->gex_peak = i;
		}
	}
	if (lone > CHAIN_LONE_MAX * sum || out->gexes[OPTION_CALL] == 0) {
		out->gex_peak = CHAIN_NONE;
		return;
	}
	out->has |= SUMMARY_GEX;
	out->gex_net = out->gex[OPTION_CALL] + out->gex[OPTION_PUT];
}

static void moves(const struct chain_input *in, struct chain_cell (*cells)[2],
		  struct chain_summary *out)
{
	if (out->atm != CHAIN_NONE && (cells[out->atm][OPTION_CALL].has & CELL_PRICE) &&
	    (cells[out->atm][OPTION_PUT].has & CELL_PRICE)) {
		out->has |= SUMMARY_STRADDLE;
		out->straddle =
			cells[out->atm][OPTION_CALL].price + cells[out->atm][OPTION_PUT].price;
		out->move_fraction = out->straddle / out->reference;
	}
	if (out->smile.has & SMILE_ATM) {
		out->has |= SUMMARY_SIGMA;
		out->sigma_move = out->forward.level * out->smile.atm_iv * sqrt(in->t);
	}
}

void chain_compute(const struct chain_input *in, struct chain_cell (*cells)[2],
		   struct chain_summary *out)
{
	double forward;

	AGNI_ASSERT(in->n >= 0 && in->n <= CHAIN_STRIKES_MAX);
	*out = (struct chain_summary){.atm = CHAIN_NONE, .gex_peak = CHAIN_NONE};
	chain_forward(in, &out->forward);
	chain_totals(in->strikes, in->n, &out->totals);
	out->max_pain = chain_max_pain(in->strikes, in->n);
	forward = out->forward.level;
	out->reference = chain_spot(in) > 0 ? in->spot : forward;
	if (out->reference > 0)
		out->atm = chain_nearest(in->strikes, in->n, out->reference);
	for (int i = 0; i < in->n; i++) {
		cell_begin(&in->strikes[i], OPTION_CALL, out->reference, i == out->atm,
			   &cells[i][OPTION_CALL]);
		cell_begin(&in->strikes[i], OPTION_PUT, out->reference, i == out->atm,
			   &cells[i][OPTION_PUT]);
	}
	if (forward > 0) {
		solve_all(in, forward, cells);
		lend_all(in, forward, cells);
		exposure(in, forward, cells, out);
	}
	chain_smile(in, (const struct chain_cell(*)[2])cells, forward, &out->smile);
	moves(in, cells, out);
}
