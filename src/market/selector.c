/* SPDX-License-Identifier: MIT
 *
 * selector: see selector.h.
 */
#include "market/selector.h"

#include <string.h>
#include <strings.h>

#define STRIKE_DIGITS 9 /* before the point */

struct span {
	const char *at;
	size_t len;
};

static bool span_is(struct span s, const char *word)
{
	return s.len == strlen(word) && strncasecmp(s.at, word, s.len) == 0;
}

static struct span span_trim(struct span s)
{
	while (s.len > 0 && s.at[0] == ' ')
		s.at++, s.len--;
	while (s.len > 0 && s.at[s.len - 1] == ' ')
		s.len--;
	return s;
}

/* Up to the next ":"; *rest begins behind it, or is empty with at == NULL when there is none. */
static struct span span_cut(struct span *rest)
{
	const char *colon = rest->len ? memchr(rest->at, ':', rest->len) : NULL;
	struct span part = {rest->at, colon ? (size_t)(colon - rest->at) : rest->len};

	rest->len = colon ? rest->len - part.len - 1 : 0;
	rest->at = colon ? colon + 1 : NULL;
	return part;
}

bool selector_is_meant(const char *text, size_t len)
{
	return memchr(text, ':', len) && !memchr(text, '|', len);
}

bool expiry_choice_parse(const char *text, size_t len, struct expiry_choice *out)
{
	static const char *const words[] = {"current", "next", "monthly"};
	struct span s = {text, len};

	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (span_is(s, words[i])) {
			*out = (struct expiry_choice){.kind = (enum expiry_kind)i};
			return true;
		}
	}
	out->kind = EXPIRY_DATE;
	return day_parse(text, len, &out->day);
}

/* All of it digits, at most SELECTOR_STEPS_MAX. */
static bool take_steps(struct span s, int *out)
{
	int v = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		v = v * 10 + (s.at[i] - '0');
		if (v > SELECTOR_STEPS_MAX)
			return false;
	}
	*out = v;
	return true;
}

/* "25400", "652.5": an exact number of 1/10000 rupee. */
static bool take_price(struct span s, price_t *out)
{
	price_t v = 0;
	size_t i = 0, digits = 0;
	int scale = PRICE_SCALE;

	for (; i < s.len && s.at[i] >= '0' && s.at[i] <= '9'; i++, digits++)
		v = v * 10 + (s.at[i] - '0');
	if (digits == 0 || digits > STRIKE_DIGITS)
		return false;
	v *= PRICE_SCALE;
	if (i < s.len && s.at[i] == '.') {
		for (i++; i < s.len && s.at[i] >= '0' && s.at[i] <= '9' && scale > 1; i++) {
			scale /= 10;
			v += (price_t)(s.at[i] - '0') * scale;
		}
		if (scale == PRICE_SCALE)
			return false;
	}
	*out = v;
	return i == s.len && v > 0;
}

/* What stands behind "ATM". */
static bool take_offset(struct span s, struct strike_choice *out)
{
	bool is_both = false, is_minus = false;

	if (s.len == 0)
		return true;
	if (s.len > 2 && memcmp(s.at, "\xc2\xb1", 2) == 0) {
		is_both = true;
		s.at += 2, s.len -= 2;
	} else {
		bool is_plus = s.at[0] == '+' || s.at[0] == ' ';

		is_minus = s.at[0] == '-';
		if (!is_plus && !is_minus)
			return false;
		s.at++, s.len--;
		if (is_plus && s.len > 0 && s.at[0] == '-') {
			is_both = true;
			s.at++, s.len--;
		}
	}
	if (!take_steps(s, &out->to))
		return false;
	out->from = is_both || is_minus ? -out->to : out->to;
	if (is_minus)
		out->to = out->from;
	return true;
}

bool strike_choice_parse(const char *text, size_t len, struct strike_choice *out)
{
	*out = (struct strike_choice){0};
	if (len >= 3 && strncasecmp(text, "ATM", 3) == 0) {
		out->is_atm = true;
		return take_offset((struct span){text + 3, len - 3}, out);
	}
	return take_price((struct span){text, len}, &out->price);
}

static int take_side(struct span s, struct selector *out, struct agni_err *err)
{
	out->has_calls = s.at == NULL || span_is(s, "CE");
	out->has_puts = s.at == NULL || span_is(s, "PE");
	if (!out->has_calls && !out->has_puts)
		return agni_fail(err, AGNI_EPARSE, "\"%.*s\" is neither CE nor PE",
				 (int)(s.len < 32 ? s.len : 32), s.at);
	return 0;
}

int selector_parse(const char *text, size_t len, struct selector *out, struct agni_err *err)
{
	struct span rest = {text, len}, name = span_trim(span_cut(&rest)), expiry, strike, side;

	*out = (struct selector){0};
	if (len > SELECTOR_TEXT_MAX)
		return agni_fail(err, AGNI_EPARSE, "a selector has at most %d bytes",
				 SELECTOR_TEXT_MAX);
	if (name.len == 0 || name.len > SELECTOR_NAME_MAX || memchr(text, '\0', len) ||
	    memchr(text, '|', len))
		return agni_fail(err, AGNI_EPARSE, "a selector begins with an underlying's name");
	memcpy(out->underlying, name.at, name.len);
	if (!rest.at)
		return agni_fail(err, AGNI_EPARSE, "a selector is UNDERLYING:EXPIRY:STRIKE");
	expiry = span_trim(span_cut(&rest));
	if (!expiry_choice_parse(expiry.at, expiry.len, &out->expiry))
		return agni_fail(err, AGNI_EPARSE,
				 "the expiry is current, next, monthly or YYYY-MM-DD, not \"%.*s\"",
				 (int)(expiry.len < 32 ? expiry.len : 32), expiry.at);
	if (!rest.at)
		return agni_fail(err, AGNI_EPARSE, "a selector is UNDERLYING:EXPIRY:STRIKE");
	strike = span_cut(&rest);
	side = rest;
	if (span_is(strike, "FUT")) {
		out->is_future = true;
		return side.at ? agni_fail(err, AGNI_EPARSE, "nothing follows FUT") : 0;
	}
	out->strike.is_all = span_is(strike, "*");
	if (!out->strike.is_all && !strike_choice_parse(strike.at, strike.len, &out->strike))
		return agni_fail(
			err, AGNI_EPARSE,
			"the strike is ATM, ATM+N, ATM-N, ATM+-N, a price, * or FUT, not \"%.*s\"",
			(int)(strike.len < 32 ? strike.len : 32), strike.at);
	return take_side(side, out, err);
}
