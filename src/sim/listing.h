/* SPDX-License-Identifier: MIT
 *
 * listing: what the simulated exchange trades, and the instrument master that says so, in the
 * broker's own shape (one JSON array; expiry in ms at 23:59:59 IST; tick_size in paise).
 */
#ifndef AGNI_SIM_LISTING_H
#define AGNI_SIM_LISTING_H

#include "core/buf.h"
#include "core/ist.h"
#include "market/instrument.h"

enum listed_kind { LISTED_INDEX, LISTED_EQUITY, LISTED_FUTURE, LISTED_CALL, LISTED_PUT };

struct listed {
	enum listed_kind kind;
	char key[INST_KEY_MAX];
	char token[16];     /* exchange_token */
	const char *symbol; /* index and equity: trading_symbol; contracts: the underlying's */
	const char *name;   /* static */
	day_t expiry;       /* contracts only, as the three below */
	double strike;      /* rupees; 0 for a future */
	bool is_weekly;
	int lot_size;      /* units; 1 for an equity */
	double tick_paise; /* 5.0 is 0.05 rupee */
};

/* Appends the master of `n` contracts: "[{...},...]". */
void listing_write(struct buf *out, const struct listed *rows, uint32_t n);

/* The same for instruments of which only the key is known (a tape's): INDEX for an index segment,
 * EQ with its ISIN for an equity, and for a contract just segment, token and key: what it expires
 * on and its strike are not in the key. */
void listing_write_keys(struct buf *out, const struct instruments *keys);

/* The broker's list of holidays and special sessions of a year: the days that are not ordinary. One
 * with two sessions is left out, its form has no room for it. */
void listing_write_holidays(struct buf *out, int year);

/* Gzip of `text`, as the broker's file server sends it. False when zlib refuses. */
bool listing_gzip(struct buf *out, const void *text, size_t len);

#endif
