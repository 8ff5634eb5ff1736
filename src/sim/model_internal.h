/* SPDX-License-Identifier: MIT
 *
 * model_internal: what model.c (prices) and model_micro.c (order book, trades) share.
 */
#ifndef AGNI_SIM_MODEL_INTERNAL_H
#define AGNI_SIM_MODEL_INTERNAL_H

#include "core/rand.h"
#include "sim/model.h"

#define MODEL_STRIKE_LOW  25400
#define MODEL_STRIKE_STEP 50
#define MODEL_STRIKES     17 /* 25400 .. 26200 */

enum { MODEL_NIFTY, MODEL_BANK, MODEL_RELIANCE, MODEL_TCS, MODEL_FUTURE, MODEL_OPTIONS };

/* The later months of the future stand behind the options. */
#define MODEL_NEXT        (MODEL_OPTIONS + 2 * MODEL_STRIKES)
#define MODEL_FAR         (MODEL_NEXT + 1)
#define MODEL_INSTRUMENTS (MODEL_FAR + 1)
#define MODEL_MONTHS      3

/* One instrument's state between updates. Prices are price_t on the tick grid. */
struct model_inst {
	const struct listed *row;
	struct quote q;    /* complete; every field that the kind has is present */
	price_t tick;      /* of the grid */
	int64_t due_ms;    /* next update */
	double turnover;   /* rupees * units today */
	struct bar minute; /* the running minute; present 0: nothing traded in it */
	uint32_t pending;  /* QUOTE_* that the next update has to report as well */
};

struct model {
	struct rng rng;
	int64_t now_ms, close_ms;
	int64_t minute_ms; /* start of the running minute */
	day_t day;
	day_t weekly;               /* the options' expiry, as listed today */
	day_t months[MODEL_MONTHS]; /* the futures', near to far */
	bool is_open;
	double factor;         /* log(NIFTY / 25800) */
	double own[3];         /* log noise of Bank, RELIANCE, TCS */
	double basis_noise;    /* rupees, of the futures */
	double vol;            /* at-the-money volatility, fraction */
	double forward;        /* of the near future; follows from the above at each step */
	double option_forward; /* of the weekly expiry */
	double option_t;       /* years to it */
	struct model_inst inst[MODEL_INSTRUMENTS];
	struct listed rows[MODEL_INSTRUMENTS];
};

/* --- model.c --------------------------------------------------------------------------------- */

/* The value that instrument `i` is worth now, in rupees, on no grid. */
double model_value(const struct model *m, unsigned i);

/* Greeks and volatility of option `i` in the broker's units, into its quote. */
void model_greeks(const struct model *m, unsigned i, struct quote *q);

/* --- model_micro.c --------------------------------------------------------------------------- */

/* First quote of the day: an opening trade, a book, Greeks. `cp` is the previous close. */
void micro_open(struct model *m, unsigned i, price_t cp);

/* An update that is due: what changed goes into i's quote; returns the QUOTE_* bits of it. */
uint32_t micro_update(struct model *m, unsigned i);

/* The running minute is over: it becomes I1 where anything traded. */
void micro_minute(struct model *m, unsigned i);

/* Nearest price on the grid of `tick`, not below one tick. */
price_t micro_round(double rupees, price_t tick);

#endif
