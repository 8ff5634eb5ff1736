/* SPDX-License-Identifier: MIT
 *
 * quotes: made-up market data for measurements.
 */
#ifndef AGNI_TEST_QUOTES_H
#define AGNI_TEST_QUOTES_H

#include "market/tick.h"

/* An option's quote as the broker sends it in the mode full_d5: depth, Greeks, two bars. Price, time
 * and volume move with `n`. */
void quote_make_up(struct quote *q, unsigned n);

#endif
