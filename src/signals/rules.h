/* SPDX-License-Identifier: MIT
 *
 * rules: what an app looks for, one file each. Pure functions of one instrument's quote, of what else
 * belongs to it (struct observation), and of a state of their own.
 *
 *      price_change.c        last price against the previous close
 *      momentum.c            a move over a window against what is usual
 *      options_momentum.c    premium, implied volatility and open interest together
 *      futures_momentum.c    price_change of a future, with its open interest
 *
 * A rule answers with a number and the threshold beyond which it is news; whether it is news now is
 * edge.h's to say. docs/analytics.md has each formula with its source and unit.
 */
#ifndef AGNI_SIGNALS_RULES_H
#define AGNI_SIGNALS_RULES_H

#include "market/tick.h"
#include "signals/contracts.h"
#include "signals/edge.h"
#include "signals/window.h"

enum rule_kind {
	RULE_PRICE_CHANGE,
	RULE_MOMENTUM,
	RULE_OPTIONS_MOMENTUM,
	RULE_FUTURES_MOMENTUM,
	RULES
};

/* The numbers of one app's configuration. */
struct rule_limits {
	double change_pct; /* per cent of the previous close */
	double rearm;      /* the lower threshold, as a fraction of the upper */
	int64_t cooldown_ms;
	int64_t window_ms; /* momentum */
	double noise;      /* so many times what is usual */
	double move_pct;
	int64_t premium_window_ms; /* options_momentum */
	double premium_pct, iv_points, oi_pct;
};

/* What a rule remembers of an instrument, for the rule's own use; zeros at the beginning. */
struct rule_state {
	struct window window;
	bool has_book;
	day_t day;
	double first_oi;
	price_t cp; /* price_change: the close that the last value was told from */
};

/* One instrument at the end of a logical turn in which it ticked. */
struct observation {
	inst_id id;
	uint64_t seq; /* of its last tick */
	const struct quote *q;
	int64_t ms;                      /* market time */
	const struct contract *contract; /* NULL: nothing is known of it */
	struct level level;              /* of rules that need it */
};

struct finding {
	double value, threshold; /* in the same unit; SELL is beyond -threshold */
	bool may_fire;
	bool begins_anew;  /* the values of before are of something else: this is a first one */
	double price;      /* rupees */
	double confidence; /* 0..1 */
	struct signal_input inputs[SIGNAL_INPUTS_MAX];
	unsigned inputs_n;
};

struct rule_ops {
	const char *name; /* in the configuration; the strategy of its signals */
	unsigned version; /* +1 when the formula changes */
	/* False: there is nothing to say of this instrument now. */
	bool (*look)(const struct rule_limits *limits, const struct observation *o,
		     struct rule_state *state, struct finding *out);
	bool needs_level; /* observation.level */
};

extern const struct rule_ops price_change_ops, momentum_ops, options_momentum_ops,
	futures_momentum_ops;

/* By enum rule_kind. */
const struct rule_ops *rule_of(enum rule_kind kind);

/* "momentum" to its number; false when there is none. */
bool rule_parse(const char *name, size_t len, enum rule_kind *out);

/* What comes from another instrument's price has its name in signal.c: not every reader may see it. */
void finding_add(struct finding *f, const char *name, double value);

/* --- parts of several rules ------------------------------------------------------------------- */

/* Whether the last price is of this day: what was traded on another one is no price of today. */
bool is_traded_today(const struct observation *o);

/* The value of `f`: of the previous close, per cent; false without both prices above zero, and before
 * the first trade of the day. */
bool change_from_close(const struct observation *o, struct rule_state *st, struct finding *f);

/* Best bid and ask, rupees; false unless both are there and in order. */
bool best_of(const struct quote *q, double *bid, double *ask);

double clamp01(double v);

/* How tight the book is: 1 - spread / (threshold per cent of the price); a half without a book. */
double tightness(const struct quote *q, double price, double threshold_pct);

/* The share of the waiting orders that are on the side of `value`'s sign; a half when unknown. */
double pressure(const struct quote *q, double value);

#endif
