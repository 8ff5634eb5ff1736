/* SPDX-License-Identifier: MIT
 *
 * option_rows: what the tests of option arithmetic share: options at random, the rows of the data
 * set, and a check of relative errors.
 */
#ifndef AGNI_TEST_OPTION_ROWS_H
#define AGNI_TEST_OPTION_ROWS_H

#include "core/rand.h"
#include "options/black76.h"
#include "options/bsm.h"

#define EPS (DBL_EPSILON / 2)

/* |got - want| <= tolerance |want|. */
void check_rel(double got, double want, double tolerance);

/* A NIFTY-like option up to 12 standard deviations from the money, 1 minute to 3 years. */
struct black76 random_option(struct rng *r);

/* A row of pricing/bsm_highprec.csv: 50-digit arithmetic. */
struct exact_row {
	enum option_type type;
	struct bsm in;
	double price, delta, gamma, vega, theta, rho;
	double price_f64; /* the price as a double */
	double iv;        /* the exact implied volatility of that double */
	double iv_cond;   /* relative error of iv per relative error of the price */
};

bool exact_row_parse(const char *line, struct exact_row *r);

/* Calls `each` for every line after the first of a CSV file of the data set; returns their number.
 * Ends the running test as skipped when the file is absent. */
int option_rows_each(const char *csv, void (*each)(char *line, void *arg), void *arg);

#endif
