/* SPDX-License-Identifier: MIT
 *
 * contracts: what the instrument master says of an instrument, kept by its id so that a tick does not
 * look it up; and about where an expiry stands, from what the underlying and its future quote.
 */
#ifndef AGNI_SIGNALS_CONTRACTS_H
#define AGNI_SIGNALS_CONTRACTS_H

#include "market/book.h"
#include "market/master.h"
#include "options/black76.h"

enum contract_kind { CONTRACT_NONE, CONTRACT_FUTURE, CONTRACT_OPTION };

struct contract {
	uint64_t generation; /* of the master that this was read in; 0: never */
	enum contract_kind kind;
	uint32_t row;          /* of the master; MASTER_NONE: it does not list it */
	enum option_type type; /* of an option */
	double strike;         /* rupees */
	int64_t expiry_ms;     /* when trading in it ends */
	inst_id underlying;    /* INST_NONE: not known */
	inst_id future;        /* of an option: of its expiry or the next one after it; INST_NONE */
	int64_t future_ms;     /* when trading in that ends */
};

struct contracts {
	struct contract *of; /* by instrument id */
	uint32_t cap;
};

void contracts_fini(struct contracts *c);

/* What `id` is; `m` NULL: nothing is known of it. `generation` (above 0) changes when `m` does. Looks it
 * up the first time only. Lent until the next call. */
const struct contract *contract_of(struct contracts *c, struct instruments *t,
				   const struct master *m, uint64_t generation, inst_id id);

/* Where the price of an expiry is told from. */
enum level_source { LEVEL_NONE, LEVEL_SPOT, LEVEL_FUTURE, LEVEL_PARITY };

struct level {
	enum level_source source;
	double forward; /* rupees, of the option's expiry */
	double spot;    /* 0: not known */
};

/* For the quarantine, which cannot ask the options that it judges; what rules reckon with is the
 * chain's (forwards.h). From quotes that are not suspect and not older than `max_age_ms` at market time
 * `ms`. The future of the same expiry; else the spot plus that part of the next future's basis that belongs to the time
 * until the option's expiry; else the spot, which leaves the cost of carry out. */
struct level contract_level(const struct book *b, const struct contract *c, int64_t ms,
			    int64_t max_age_ms);

#endif
