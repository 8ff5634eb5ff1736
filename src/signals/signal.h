/* SPDX-License-Identifier: MIT
 *
 * signal: one thing that a rule has seen: which instrument, which way, at what price, how sure, and
 * every number that it was told from.
 *
 * {"id":12,"seq":90211,"ts_ms":1765771490949,"time":"2025-12-15T09:34:50.949+05:30",
 *  "key":"NSE_FO|45450","app":"options","strategy":"price_change","rule_version":1,"side":"BUY",
 *  "price":612.4,"confidence":0.71,"inputs":{"change_pct":2.13,"threshold_pct":2,...}}
 */
#ifndef AGNI_SIGNALS_SIGNAL_H
#define AGNI_SIGNALS_SIGNAL_H

#include "auth/scope.h"
#include "core/buf.h"
#include "market/instrument.h"

#define SIGNAL_INPUTS_MAX 8

enum signal_side { SIGNAL_BUY, SIGNAL_SELL };

/* Where an app wants its signals; /signals shows all of them. */
enum signal_output { SIGNAL_TO_CHANNEL = 1, SIGNAL_TO_REDIS = 2, SIGNAL_TO_WEBHOOK = 4 };

struct signal_input {
	const char *name; /* static */
	double value;     /* finite */
};

struct signal {
	uint64_t id;   /* 1, 2, 3 ...; a restart goes on from what the journal has */
	uint64_t seq;  /* of the tick that fired it */
	int64_t ts_ms; /* market time of that tick's message */
	inst_id instrument;
	enum signal_side side;
	double price;         /* rupees */
	double confidence;    /* 0..1, docs/analytics.md */
	const char *app;      /* "options"; static */
	const char *strategy; /* "options_momentum"; static */
	unsigned rule_version;
	unsigned outputs; /* enum signal_output */
	/* Whose price tells the forward, or the basis; INST_NONE: nobody's, more than one's (parity), or not
	 * known any more (the journal has it not). */
	inst_id told_from;
	struct signal_input inputs[SIGNAL_INPUTS_MAX];
	unsigned inputs_n;
};

/* "BUY", "SELL". */
const char *signal_side_text(enum signal_side side);

/* Adds an input; one that is not finite, or too many, is left out. `name` is static. */
void signal_add_input(struct signal *s, const char *name, double value);

/* Appends the object as a reader of this scope may see it (NULL: all of it): the inputs that come from
 * the price of another instrument (forward, basis, the volatility at that forward) only where the
 * scope permits that one too. */
void signal_json_scoped(struct buf *out, const struct signal *s, const struct instruments *t,
			const struct scope *scope);

/* Appends the whole object. `t` is the table that the signal's instrument is of. */
void signal_json(struct buf *out, const struct signal *s, const struct instruments *t);

#endif
