/* SPDX-License-Identifier: MIT
 *
 * ist: Indian Standard Time, by arithmetic of our own.
 *
 * IST is UTC+05:30 without daylight saving, so a civil date is a division away. The host's time
 * zone (TZ, localtime) is never asked: a server in another zone must not move the market's hours.
 * Dates follow the proleptic Gregorian calendar (algorithm: H. Hinnant, "chrono-compatible
 * low-level date algorithms"); instants are Unix milliseconds, clamped to the years 0 to 9999.
 */
#ifndef AGNI_CORE_IST_H
#define AGNI_CORE_IST_H

#include "core/base.h"

#define IST_OFFSET_MS 19800000ll /* 5 h 30 min */
#define DAY_MS        86400000ll
#define IST_TEXT      32 /* room for "2025-10-28T09:15:00.123+05:30" and its NUL */

/* Days since 1970-01-01 of a civil date; the type that calendars are made of. */
typedef int32_t day_t;

enum weekday { SUNDAY, MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY };

struct ist_time {
	int year, month, day; /* month 1..12, day 1..31 */
	int hour, minute, second, ms;
	enum weekday weekday;
};

/* Civil date to day number; month 1..12, day 1..31 (not checked, see ist_parse_date). */
day_t day_from_civil(int year, int month, int day);
void day_to_civil(day_t d, int *year, int *month, int *day);
enum weekday day_weekday(day_t d);

/* The IST date in which the instant `ms` falls, and the milliseconds since its midnight. */
day_t ist_day(int64_t ms);
int64_t ist_ms_of_day(int64_t ms);

/* The instant of IST midnight, plus `ms_of_day`. */
int64_t ist_instant(day_t d, int64_t ms_of_day);

void ist_split(int64_t ms, struct ist_time *out);

/* "2025-10-28T09:15:00.123+05:30". Returns `out`. */
const char *ist_format(int64_t ms, char out[IST_TEXT]);

/* "2025-10-28". Returns `out`. */
const char *day_format(day_t d, char out[IST_TEXT]);

/* Exactly YYYY-MM-DD and a date that exists. */
bool day_parse(const char *text, size_t len, day_t *out);

/* YYYY-MM-DDTHH:MM[:SS[.mmm]][+05:30|Z]; without a zone: IST. False when malformed. */
bool ist_parse(const char *text, size_t len, int64_t *ms);

#endif
