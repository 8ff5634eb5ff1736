/* SPDX-License-Identifier: MIT
 *
 * chain_math: an option chain's figures from its quotes: forward, implied volatility and Greeks of
 * every contract, put-call ratios, max pain, change of open interest, straddle, smile and gamma
 * exposure. Pure arithmetic over plain structs: no I/O, no clock, no allocation. docs/analytics.md
 * has each formula with its source and unit.
 *
 * What is not there is absent: a bit in `present` or `has` says so, and the number beside it is 0.
 * No number is ever NaN or infinite. Zero is a value: a change of 0 is there, no change is not.
 *
 *      strikes, ascending  -->  forward  -->  implied volatilities  -->  smile, Greeks, exposure
 *                          -->  totals, ratios, max pain
 *
 * Two levels are told apart. The forward, of the same expiry, prices options. The reference is what
 * traders compare strikes with, and what the exchange settles against: the spot where it is known,
 * else the forward; moneyness, intrinsic value and the strike at the money go by it.
 *
 * Units: rupees; quantities (not lots) for open interest and volume; years, ACT/365, to the close
 * of the expiry day; volatility a fraction; Greeks as in bsm.h's bsm_point.
 */
#ifndef AGNI_OPTIONS_CHAIN_MATH_H
#define AGNI_OPTIONS_CHAIN_MATH_H

#include "options/bsm.h"

#define CHAIN_STRIKES_MAX 512
#define CHAIN_NONE        (-1) /* no such strike */
#define CHAIN_LONE_MAX    0.05

enum chain_present {
	CHAIN_BID = 1,
	CHAIN_ASK = 2,
	CHAIN_LTP = 4,
	CHAIN_OI = 8,
	CHAIN_PREV_OI = 16,
	CHAIN_VOLUME = 32,
};

struct chain_quote {
	unsigned present; /* enum chain_present */
	double bid, ask, ltp;
	int64_t oi;
	int64_t prev_oi; /* at the close of the previous session */
	int64_t volume;  /* of the session */
};

struct chain_strike {
	double strike;
	struct chain_quote side[2]; /* by enum option_type */
};

struct chain_input {
	const struct chain_strike *strikes; /* strictly ascending, above 0 */
	int n;                              /* at most CHAIN_STRIKES_MAX */
	double t;
	double r;                  /* 0 for what traders in India use */
	double spot;               /* 0 when it is not known */
	struct chain_quote future; /* of the same expiry; nothing present when there is none */
};

enum chain_moneyness { CHAIN_ITM, CHAIN_ATM, CHAIN_OTM };

enum cell_has {
	CELL_PRICE = 1,
	CELL_IV = 2,
	CELL_GREEKS = 4,
	CELL_VALUES = 8, /* intrinsic; and time value where there is a price */
	CELL_OI_CHANGE = 16,
	CELL_GEX = 32,
};

/* One contract. */
struct chain_cell {
	unsigned has; /* enum cell_has */
	enum chain_moneyness moneyness;
	enum iv_status iv_status; /* why there is no iv */
	bool is_mid;              /* price is the middle of bid and ask, else the last trade */
	bool is_lent;             /* Greeks are of the other side's volatility, see chain_compute */
	double price;
	double intrinsic;
	double time_value;
	struct bsm_point at; /* sigma: the contract's own; 0 without CELL_IV */
	int64_t oi_change;
	double gex; /* rupees a 1 % move; negative of puts */
};

enum forward_source { FORWARD_NONE, FORWARD_FUTURE, FORWARD_PARITY, FORWARD_SPOT };

struct chain_forward {
	enum forward_source source;
	double level;  /* 0 when there is none */
	double spread; /* of parity: median distance of the strikes' forwards from it */
	int strikes;   /* of parity: how many were asked */
};

enum totals_has {
	TOTALS_PCR_OI = 1,
	TOTALS_PCR_VOLUME = 2,
	TOTALS_OI_CHANGE = 4,
};

/* A sum is of the contracts of which the figure is known, and says how many these are: of none it is
 * no sum. What compares calls with puts (ratios, max pain, net exposure) is absent when strikes of which
 * nothing but one side is known hold more than CHAIN_LONE_MAX of the sum of both. A contract whose book
 * is known and whose open interest or volume is not has none: the broker does not send a zero. */
struct chain_totals {
	unsigned has;         /* enum totals_has */
	int64_t oi[2];        /* by enum option_type, as below */
	int ois[2];           /* contracts in oi */
	int64_t oi_change[2]; /* of contracts whose previous session is known */
	int changes[2];       /* contracts in oi_change */
	int64_t volume[2];
	int volumes[2]; /* contracts in volume */
	double pcr_oi;  /* puts over calls */
	double pcr_volume;
};

enum smile_has { SMILE_ATM = 1, SMILE_SLOPE = 2, SMILE_WINGS = 4 };

struct chain_smile {
	unsigned has;     /* enum smile_has */
	double atm_iv;    /* at the forward */
	double slope;     /* change of iv per 1 % of log strike, at the forward */
	double curvature; /* change of slope per 1 % of log strike */
	double call_25;   /* iv of the call whose delta is 0.25 */
	double put_25;
	double risk_reversal; /* call_25 - put_25 */
	double butterfly;     /* (call_25 + put_25) / 2 - atm_iv */
};

enum summary_has {
	SUMMARY_STRADDLE = 1,
	SUMMARY_SIGMA = 2,
	SUMMARY_GEX = 4, /* net and peak */
};

struct chain_summary {
	unsigned has; /* enum summary_has */
	struct chain_forward forward;
	struct chain_totals totals;
	struct chain_smile smile;
	double reference;     /* 0 when neither spot nor forward is known */
	int atm;              /* the strike nearest to it, or CHAIN_NONE */
	int max_pain;         /* or CHAIN_NONE */
	double straddle;      /* rupees, call and put at `atm` */
	double move_fraction; /* straddle / reference: the move that the straddle pays for */
	double sigma_move; /* rupees: one standard deviation until expiry, forward atm_iv sqrt(t) */
	double gex[2];     /* rupees a 1 % move; [OPTION_PUT] is negative */
	int gexes[2];      /* contracts in gex */
	double gex_net;
	int gex_peak; /* the strike with most gamma, either sign, or CHAIN_NONE */
};

/* The middle of bid and ask where both are there and in order, else the last trade; false when
 * there is no price above zero and below 1e9. */
bool chain_price(const struct chain_quote *q, double *price, bool *is_mid);

/* The spot, or 0 when it is not known or cannot be one. */
double chain_spot(const struct chain_input *in);

/* The future; else put-call parity, K + exp(rt) (C - P), median of the eight strikes about the one
 * where calls and puts cost the same; else the spot, carried. None of
 * them when t or r is no number that can be meant (above 100 years, beyond 100 %). */
void chain_forward(const struct chain_input *in, struct chain_forward *out);

void chain_totals(const struct chain_strike *strikes, int n, struct chain_totals *out);

/* What option holders are paid if the underlying settles at `level`, rupees. */
double chain_pain(const struct chain_strike *strikes, int n, double level);

/* The strike at which that is least, the lowest of equals; CHAIN_NONE without open interest, and where
 * too much of it stands at strikes of which one side is not known. */
int chain_max_pain(const struct chain_strike *strikes, int n);

/* The strike nearest to `level`, the lower of equals; CHAIN_NONE when n is 0. */
int chain_nearest(const struct chain_strike *strikes, int n, double level);

/* From the cells' volatilities; each strike is represented by the option out of the money, or by
 * the other when that has none. */
void chain_smile(const struct chain_input *in, const struct chain_cell (*cells)[2], double forward,
		 struct chain_smile *out);

/* Everything. cells has in->n rows. A contract without a volatility of its own (no time value left
 * in the price, or none at all) gets the Greeks of the other side's: call and put of one strike
 * have the same. */
void chain_compute(const struct chain_input *in, struct chain_cell (*cells)[2],
		   struct chain_summary *out);

#endif
