/* SPDX-License-Identifier: MIT
 *
 * calendar_data: the exchange's facts as tables; calendar.c draws the conclusions.
 *
 * Dates are written as they are read: 20251021 is 2025-10-21. Times are minutes of the IST day.
 */
#ifndef AGNI_MARKET_CALENDAR_DATA_H
#define AGNI_MARKET_CALENDAR_DATA_H

#include "market/calendar.h"

#define CALENDAR_FIRST_YEAR 2024 /* holidays are known from this year */
#define CALENDAR_LAST_YEAR  2026 /* to this one */

#define HHMM(h, m) ((h)*60 + (m))

/* The exchange does not trade, apart from a special session of the same date. */
struct calendar_holiday {
	int32_t date;
	const char *why;
};

/* A session out of the ordinary, in CM and FO alike. */
struct calendar_special {
	int32_t date;
	int16_t open, close; /* both 0: the usual hours; both -1: announced without hours */
	const char *why;
};

/* The usual hours of a segment from a date on, until the next row of the same segment. */
struct calendar_hours {
	enum segment segment;
	int32_t from;
	int16_t pre_open; /* minutes before the open; 0: none */
	int16_t open, close;
};

/* A part of the day around the continuous session, from a date on to another (0: still). Those of
 * the pre-open come before every session, a muhurat one too: minutes from its open. The others are
 * minutes of a day with the usual hours. */
struct calendar_stage {
	unsigned segments; /* bits, 1 << enum segment */
	int32_t from, to;
	bool is_before_open;
	int16_t start, end;
	enum market_phase phase;
	const char *name; /* as in NSE's circulars */
};

/* All sorted by date and ended by a date of 0. A date with two sessions has two rows. */
extern const struct calendar_holiday calendar_holidays[];
extern const struct calendar_special calendar_specials[];
extern const struct calendar_hours calendar_usual_hours[];
extern const struct calendar_stage calendar_stages[]; /* ended by a name of NULL */

#endif
