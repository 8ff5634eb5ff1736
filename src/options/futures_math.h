/* SPDX-License-Identifier: MIT
 *
 * futures_math: what the futures of one underlying say from their quotes: basis, annualised carry,
 * distance from the fair value, calendar spreads, roll, and how open interest was built up. Pure
 * arithmetic over plain structs: no I/O, no clock, no allocation. docs/analytics.md has each formula
 * with its source and unit.
 *
 *      near, next, far; spot  -->  basis, carry, fair value    per month
 *      close, OI of before    -->  changes, build-up           per month
 *                             -->  spreads, roll               of the months together
 *
 * What is not there is absent: a bit in `has` says so, and the number beside it is 0. No number is
 * ever NaN or infinite. Zero is a value: a basis of 0 is there, no basis is not.
 *
 * Carry is ln(F/S)/t, continuously compounded, and not (F/S - 1)/t: rates then add up over time (the
 * carry of the next month is that of the near one and of the spread between them, weighted by time),
 * and it is the r - q of F = S exp((r - q) t), which the chain and the fair value go by.
 *
 * As t goes to 0 the basis goes to 0, but not faster than the spread between bid and ask lets it: half
 * a rupee of noise on 25,000 is 0.7 % a year with a day to go and 17 % with an hour. What is divided
 * by less than a day is no rate but that noise, and absent; rupees are told to the end. The fair value
 * goes to the spot.
 *
 * Units: rupees; quantities (not lots); years, ACT/365, to the close of the expiry day; rates per year;
 * all ratios are fractions.
 */
#ifndef AGNI_OPTIONS_FUTURES_MATH_H
#define AGNI_OPTIONS_FUTURES_MATH_H

#include "options/chain_math.h"

#define FUTURES_MONTHS     3 /* near, next, far */
#define FUTURES_SPREADS    (FUTURES_MONTHS - 1)
#define FUTURES_RATE_MIN_T (1.0 / 365) /* below it there is no rate per year */

enum futures_present { FUTURES_CP = 1, FUTURES_RANGE = 2 };

struct futures_quote {
	struct chain_quote q;
	unsigned present; /* enum futures_present: of the fields below */
	double cp;        /* close of the previous session */
	double high, low; /* of the session */
};

/* One month. One that is not there (not listed, or not for this reader) has nothing in it. */
struct futures_month {
	bool is_there;
	double t;
	struct futures_quote quote;
};

struct futures_input {
	struct futures_month months[FUTURES_MONTHS]; /* by expiry */
	double spot;                                 /* 0 when it is not known */
	double rate, yield; /* what the fair value is reckoned with: interest less dividends */
	double price_least; /* a change of price below it is none, for the build-up */
	double oi_least;    /* the same of open interest */
};

enum futures_buildup {
	BUILDUP_NEUTRAL,       /* one of the two changes is below its threshold */
	BUILDUP_LONG,          /* price up, OI up */
	BUILDUP_SHORT,         /* price down, OI up */
	BUILDUP_SHORT_COVERED, /* price up, OI down */
	BUILDUP_LONG_UNWOUND,  /* price down, OI down */
};

enum futures_has {
	FUTURES_PRICE = 1,
	FUTURES_BASIS = 2,
	FUTURES_CARRY = 4,
	FUTURES_FAIR = 8,
	FUTURES_CHANGE = 16,
	FUTURES_OI_CHANGE = 32,
	FUTURES_OI_FRACTION = 64, /* not of a contract that had no open interest */
	FUTURES_BUILDUP = 128,
};

struct futures_figures {
	unsigned has;           /* enum futures_has */
	bool is_mid;            /* price is the middle of bid and ask, else the last trade */
	double price;           /* that the following are of */
	double basis;           /* price - spot */
	double basis_fraction;  /* of the spot */
	double carry;           /* per year */
	double fair;            /* spot exp((rate - yield) t) */
	double fair_difference; /* price - fair: above 0 the future is rich */
	double change;          /* last trade - close of the previous session */
	double change_fraction; /* of that close */
	int64_t oi_change;      /* against the close of the previous session */
	double oi_fraction;     /* of the OI then */
	enum futures_buildup buildup;
};

enum spread_has { SPREAD_PRICE = 1, SPREAD_RATE = 2 };

/* Of a month and the one before it. */
struct futures_spread {
	unsigned has; /* enum spread_has */
	double price; /* the later less the earlier */
	double rate;  /* ln(later / earlier) over the time between their expiries, per year */
};

struct futures_summary {
	bool has_oi;   /* of every month that is there, and not all 0 */
	int64_t oi;    /* of them together */
	bool has_roll; /* the near month, and another one, are there and has_oi */
	double roll;   /* share of the later months in that */
	struct futures_spread spreads[FUTURES_SPREADS]; /* next - near, far - next */
};

void futures_compute(const struct futures_input *in, struct futures_figures figures[FUTURES_MONTHS],
		     struct futures_summary *out);

/* "neutral", "long_buildup", "short_buildup", "short_covering", "long_unwinding" */
const char *futures_buildup_text(enum futures_buildup b);

#endif
