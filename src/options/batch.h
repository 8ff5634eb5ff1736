/* SPDX-License-Identifier: MIT
 *
 * batch: implied volatility and five Greeks for many contracts at once, in the units of traders.
 * Pure arithmetic; the same numbers as bsm_solve, at a fifth of the price.
 *
 * The usual contract is solved in lanes of vectors, without a branch; the unusual one (a price
 * above half of its bound, s above 1.5 or so, no solution at all) is noticed in its lane and given
 * to bsm_solve. Volatility to 4e-12 relative where the price tells it, Greeks to 1e-9.
 *
 * The vector code is compiled twice, for AVX2 with FMA and for whatever the build's target is;
 * which one runs is decided by the processor.
 */
#ifndef AGNI_OPTIONS_BATCH_H
#define AGNI_OPTIONS_BATCH_H

#include "core/base.h"

#define BATCH_MAX   64 /* contracts */
#define BATCH_ALIGN 64 /* bytes */

#define BATCH_COLUMN(name) _Alignas(BATCH_ALIGN) double name[BATCH_MAX]

struct batch {
	/* In: the first n of each. */
	unsigned n;
	BATCH_COLUMN(price);  /* rupees */
	BATCH_COLUMN(spot);   /* rupees */
	BATCH_COLUMN(strike); /* rupees */
	BATCH_COLUMN(t);      /* years */
	BATCH_COLUMN(r);      /* per year, as in bsm.h */
	BATCH_COLUMN(q);      /* per year; r where the "spot" is a future (Black-76) */
	BATCH_COLUMN(side);   /* 1 call, -1 put */
	/* Out. Where status is not IV_OK, all numbers are 0. */
	BATCH_COLUMN(sigma); /* fraction */
	BATCH_COLUMN(delta);
	BATCH_COLUMN(gamma);
	BATCH_COLUMN(theta); /* per calendar day */
	BATCH_COLUMN(vega);  /* per percentage point */
	BATCH_COLUMN(rho);   /* per percentage point, with the spot held fixed: what brokers show */
	uint8_t status[BATCH_MAX]; /* enum iv_status */
	unsigned slow;             /* how many went to bsm_solve */
};

void batch_solve(struct batch *b);

/* The same on the code for any processor, for tests and for the bench. */
void batch_solve_plain(struct batch *b);

#endif
