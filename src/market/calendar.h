/* SPDX-License-Identifier: MIT
 *
 * calendar: when the exchange trades: holidays, special sessions, hours with their effective dates.
 *
 * The core: NSE cash (CM) and derivatives (FO) from facts compiled in (calendar_data.c, 2024 to
 * 2026 with circular numbers), and in front of it what an operator or the broker knows better. An
 * instant outside the years that are covered is judged by weekday alone and says so (`is_covered`).
 * Which weekday contracts expire on, and their lots, is expiry.h's.
 */
#ifndef AGNI_MARKET_CALENDAR_H
#define AGNI_MARKET_CALENDAR_H

#include "core/ist.h"

/* Since 2026-08-03 a cash share that has derivatives stops earlier, for a closing auction; in
 * derivatives only futures have a pre-open. */
enum segment { SEGMENT_CM, SEGMENT_FO, SEGMENT_CM_CAS, SEGMENT_FO_OPTIONS };

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

/* The part of the phase: "pre_open_order_entry", "normal", "cas_limit_only", "post_close", ...;
 * "" when nothing goes on. */
const char *calendar_stage(enum segment seg, int64_t ms);

/* The first open strictly after `ms`; the close at or after it that ends a session that is open or
 * comes next. 0 when none within 400 days. */
int64_t calendar_next_open(enum segment seg, int64_t ms);
int64_t calendar_next_close(enum segment seg, int64_t ms);

/* The trading day before `d`. */
day_t calendar_previous_trading_day(enum segment seg, day_t d);

/* `d`, or the day before it that is neither a holiday nor a weekend: where an expiry moves. A muhurat
 * session makes no holiday a day on which contracts expire. */
day_t calendar_expiry_from_rule(day_t d);

/* When an F&O contract that expires on `d` stops trading (15:30 IST, 15:40 from 2026-08-03). */
int64_t calendar_expiry_instant(day_t d);

/* --- what is known better --------------------------------------------------------------------- */

/* One line of the operator's file (calendar_file.h) or one row of the broker's holidays. */
struct calendar_entry {
	int32_t date; /* 20261108 */
	enum { ENTRY_HOLIDAY, ENTRY_SESSION, ENTRY_USUAL, ENTRY_YEAR } kind;
	int16_t open, close; /* ENTRY_SESSION: minutes of the day; both 0: the usual hours */
	unsigned segments;   /* ENTRY_SESSION: bits as in calendar_stage; 0: all */
	char why[72];
};

struct calendar_entries {
	struct calendar_entry *rows;
	size_t n;
};

/* Puts these in front of the compiled facts: what they say of a date is all that counts of it. Lent
 * until the next call; NULL: the compiled facts alone. For the loop's thread, as all of this. */
void calendar_override(const struct calendar_entries *entries);

#endif
