/* SPDX-License-Identifier: MIT
 *
 * selector: instruments by what they are, not by key; text in, meaning out, nothing else.
 *
 *     NIFTY:current:ATM+-2        calls and puts of five strikes around the money
 *     NIFTY:current:ATM-1:PE      one put
 *     BANKNIFTY:monthly:59000     the call and the put of one strike
 *     NIFTY:2026-01-27:FUT        the future
 *     NIFTY:next:*:CE             all calls of an expiry
 *
 *     UNDERLYING ":" EXPIRY ":" ( "FUT" | STRIKE [ ":" ( "CE" | "PE" ) ] )
 *     EXPIRY   current | next | monthly | YYYY-MM-DD
 *     STRIKE   ATM | ATM+N | ATM-N | ATM+-N | a price in rupees | *
 *
 * The sign of "both sides" may be U+00B1 too, and in the strike a space is read as "+", which is
 * what a query of a URL makes of one. Words are read in any case. A selector has no "|" in it, so
 * it is never an instrument key. Which contracts are meant is market/resolve.h's to say.
 */
#ifndef AGNI_MARKET_SELECTOR_H
#define AGNI_MARKET_SELECTOR_H

#include "core/err.h"
#include "core/ist.h"
#include "market/price.h"

#define SELECTOR_TEXT_MAX  128 /* bytes, spaces included */
#define SELECTOR_NAME_MAX  64  /* bytes of an underlying's name */
#define SELECTOR_STEPS_MAX 100 /* strikes to one side */

enum expiry_kind { EXPIRY_CURRENT, EXPIRY_NEXT, EXPIRY_MONTHLY, EXPIRY_DATE };

struct expiry_choice {
	enum expiry_kind kind;
	day_t day; /* EXPIRY_DATE */
};

struct strike_choice {
	bool is_atm, is_all;
	int from, to;  /* steps from the money, both inclusive; equal for one strike */
	price_t price; /* when neither is_atm nor is_all */
};

struct selector {
	char underlying[SELECTOR_NAME_MAX + 1];
	struct expiry_choice expiry;
	bool is_future;
	struct strike_choice strike; /* unless is_future */
	bool has_calls, has_puts;
};

/* Whether the text is meant as a selector: it has a ":" and no "|". */
bool selector_is_meant(const char *text, size_t len);

/* AGNI_EPARSE with what is wrong with which part. */
int selector_parse(const char *text, size_t len, struct selector *out,
		   struct agni_err *err) AGNI_MUST_USE;

/* The parts by themselves, as a query has them. */
bool expiry_choice_parse(const char *text, size_t len, struct expiry_choice *out);
bool strike_choice_parse(const char *text, size_t len, struct strike_choice *out);

#endif
