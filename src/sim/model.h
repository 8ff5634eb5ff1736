/* SPDX-License-Identifier: MIT
 *
 * model: a synthetic market, and labelled so: NIFTY and Bank index, two shares, three NIFTY futures
 * and 34 weekly NIFTY options, all driven by one random factor.
 *
 *      factor (log NIFTY, mean reverting around 25800, 12 % a year)
 *        +-> Nifty 50 -> forward of an expiry = spot * exp(carry * T) + noise -> futures of three months
 *        +-> Nifty Bank, RELIANCE, TCS: a beta each, and noise of their own
 *        +------------- forward of the week's expiry -> Black-76 with a smile -> 17 calls and 17 puts
 *
 * Time goes in steps of 150 ms of market time, the rhythm of the recorded feed. In a step each
 * instrument whose next update is due changes: a trade, a new book, new Greeks, or several. What
 * changed is reported field by field, so that the message is as partial as the broker's. All
 * contracts of one step are priced off the same spot, carry and noise, so calls, puts and futures agree
 * within their spreads, and the carry that parity shows is the futures'.
 *
 * Everything follows from (seed, start): same input, same bytes. The model knows no wall clock.
 * All segments follow the F&O session; the closing auction of shares is not simulated.
 */
#ifndef AGNI_SIM_MODEL_H
#define AGNI_SIM_MODEL_H

#include "sim/listing.h"
#include "sim/message.h"

#define MODEL_STEP_MS 150

struct model;

/* A market that stands at `start_ms`, an instant within an F&O session, all instruments quoted. */
struct model *model_create(uint64_t seed, int64_t start_ms);
void model_destroy(struct model *m);

/* Where a model with start=auto begins: `now_ms` when F&O trades then, else 09:15:00 (the open) of
 * the last trading day. */
int64_t model_start_auto(int64_t now_ms);

int64_t model_now(const struct model *m);
bool model_is_open(const struct model *m);

/* What is listed today, model_count() rows; lent until model_next_day. */
const struct listed *model_listing(const struct model *m, uint32_t *n);

/* One step. Fills `out` (FEED_LIVE, only what changed, perhaps no entry). False, time standing at
 * the close, when the session is over. `ids` of the message are indices into model_listing. */
bool model_step(struct model *m, struct message *out);

/* To the open of the next session: new closing prices, new contracts after an expiry. */
void model_next_day(struct model *m);

/* All instruments, complete, as FEED_INITIAL. */
void model_state(const struct model *m, struct message *out);

/* What the near future, and what the options, are priced off, rounded nowhere; for tests. */
double model_forward(const struct model *m);
double model_option_forward(const struct model *m);

#endif
