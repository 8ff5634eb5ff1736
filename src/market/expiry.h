/* SPDX-License-Identifier: MIT
 *
 * expiry: on which day contracts expire and what their lots are, by the exchange's rules with their
 * dates. For what is really listed the instrument master stands over this: the exchange re-dates
 * contracts that exist, and lots change expiry by expiry.
 */
#ifndef AGNI_MARKET_EXPIRY_H
#define AGNI_MARKET_EXPIRY_H

#include "market/calendar.h"

enum expiry_cycle { CYCLE_WEEKLY, CYCLE_MONTHLY };

/* The first expiry of the cycle on or after `d`; a holiday moves it to the trading day before. A
 * month's last weekly expiry is its monthly one. `underlying` is a symbol ("NIFTY"); one that has no
 * rule of its own is a share, which has monthly contracts. 0 when there is none within 70 days of
 * `d`: the cycle was discontinued, or its rule is not known. */
day_t expiry_next(const char *underlying, enum expiry_cycle cycle, day_t d);

/* Units in one lot of an index contract that expires on `expiry`; 0 when it is not known. */
int expiry_lot_size(const char *underlying, day_t expiry);

/* NIFTY's. Where it has no weekly contracts yet (before 2019-02-11) the month's. */
day_t calendar_weekly_expiry(day_t d);
day_t calendar_monthly_expiry(day_t d);

#endif
