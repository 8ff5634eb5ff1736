/* SPDX-License-Identifier: MIT
 *
 * calendar: when the exchange trades: holidays, special sessions, hours with their effective dates.
 *
 * The core: NSE cash (CM) and derivatives (FO) from facts compiled in (calendar_data.c, 2024 to
 * 2026 with circular numbers). An instant outside the years that are covered is judged by weekday
 * alone and says so (`is_covered`).
 */
#ifndef AGNI_MARKET_CALENDAR_H
#define AGNI_MARKET_CALENDAR_H

#include "core/ist.h"

enum segment { SEGMENT_CM, SEGMENT_FO };

enum market_phase {
	PHASE_CLOSED,
	PHASE_PRE_OPEN, /* from 09:00 where the segment has one, to the open */
	PHASE_OPEN,
	PHASE_CLOSING, /* closing auction or post-close session of the cash segment */
};

struct session {
	int64_t pre_open_ms; /* instant; equals open_ms when there is no pre-open */
	int64_t open_ms;     /* instant of the continuous session's start */
	int64_t close_ms;    /* its end, exclusive */
};

#define SESSIONS_MAX 2 /* a disaster-recovery Saturday has two */

/* The sessions of a date, in order; returns how many (0: no trading). `why` (may be NULL) gets a
 * static text: "trading day", "weekend", "holiday: Diwali Laxmi Pujan", "special session: muhurat".
 */
int calendar_sessions(enum segment seg, day_t d, struct session out[SESSIONS_MAX],
		      const char **why);

bool calendar_is_trading_day(enum segment seg, day_t d);

/* Whether holidays of this year are known. */
bool calendar_is_covered(day_t d);

enum market_phase calendar_phase(enum segment seg, int64_t ms);
const char *market_phase_text(enum market_phase p); /* "closed", "pre_open", "open", "closing" */

/* The first open strictly after `ms`; the close at or after it that ends a session that is open or
 * comes next. 0 when none within 400 days. */
int64_t calendar_next_open(enum segment seg, int64_t ms);
int64_t calendar_next_close(enum segment seg, int64_t ms);

/* The trading day before `d`. */
day_t calendar_previous_trading_day(enum segment seg, day_t d);

/* The first NIFTY weekly expiry (Tuesday since 2025-09-01, Thursday before; the previous trading
 * day when that is a holiday) on or after `d`, and the last of the month that holds `d` or the
 * next. */
day_t calendar_weekly_expiry(day_t d);
day_t calendar_monthly_expiry(day_t d);

/* When an F&O contract that expires on `d` stops trading (15:30 IST, 15:40 from 2026-08-03). */
int64_t calendar_expiry_instant(day_t d);

#endif
