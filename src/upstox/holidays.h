/* SPDX-License-Identifier: MIT
 *
 * holidays: what the broker's GET /v2/market/holidays says, as entries of our calendar.
 *
 *     {"status":"success","data":[{"date":"2024-01-26","description":"Republic Day","holiday_type":
 *      "TRADING_HOLIDAY","closed_exchanges":["NFO","NSE",...],"open_exchanges":[{"exchange":"NSE",
 *      "start_time":1705722300000,"end_time":1705734000000}]},...]}
 *
 * The type is not looked at (the broker calls ordinary days a TRADING_HOLIDAY): what counts is where
 * NSE (cash) and NFO (derivatives) stand, among the closed or the open. A row that names neither is
 * about another exchange.
 */
#ifndef AGNI_UPSTOX_HOLIDAYS_H
#define AGNI_UPSTOX_HOLIDAYS_H

#include "core/err.h"
#include "market/calendar.h"

#define HOLIDAYS_MAX 400 /* rows; a year has some twenty */

/* AGNI_EPARSE when it is no such answer, or a row is absurd; *out is empty then. The rows are to be
 * freed with calendar_entries_fini (market/calendar_file.h). */
int upstox_holidays_parse(const char *body, size_t len, struct calendar_entries *out,
			  struct agni_err *err) AGNI_MUST_USE;

#endif
