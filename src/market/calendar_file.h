/* SPDX-License-Identifier: MIT
 *
 * calendar_file: what an operator knows better than the compiled calendar, as lines of text.
 *
 *     # holidays of next year, and what was announced since
 *     holiday 2026-11-09 Declared on Friday evening
 *     session 2026-11-08 18:00-19:00 Muhurat
 *     session 2026-12-05 usual Saturday in place of a Monday
 *     session 2026-12-12 09:15-10:00 FO Drill of derivatives alone
 *     usual   2026-06-26 the holiday was taken back
 *     year 2027
 *
 * What a file says of a date takes the place of all that was known of it. `usual`: a day like others,
 * contracts expire on it too. `session`: up to two of a date; hours in IST, or `usual`; with CM (cash)
 * or FO (derivatives) before the text it is for that segment alone, and the other is closed. `year`: all
 * holidays of that year are in the file; without it a year that was not compiled is judged by
 * weekdays, and says so.
 */
#ifndef AGNI_MARKET_CALENDAR_FILE_H
#define AGNI_MARKET_CALENDAR_FILE_H

#include "core/err.h"
#include "market/calendar.h"

#define CALENDAR_ENTRIES_MAX 1000
#define CALENDAR_FILE_MAX    262144 /* bytes */

/* AGNI_EPARSE with the line's number; *out is empty then. Free it with calendar_entries_fini. */
int calendar_file_parse(const char *text, size_t len, struct calendar_entries *out,
			struct agni_err *err) AGNI_MUST_USE;

/* The same from a file; its path comes first in `err`. */
int calendar_file_load(const char *path, struct calendar_entries *out,
		       struct agni_err *err) AGNI_MUST_USE;

void calendar_entries_fini(struct calendar_entries *e);

#endif
