/* SPDX-License-Identifier: MIT
 *
 * usual: short ways through the messages that make up nearly all bytes of the feed.
 *
 * A depth row, a bar, the Greeks and an LTPC come with their fields in ascending order, each once,
 * written without overlong numbers. These functions take such a message at a run. They load where
 * bytes are (`stop` is the end of the frame, `end` that of the message), and the last comparison,
 * whether the fields end where the message does, vouches for every length on the way. Anything
 * else, and every number that has to be refused, gives false, and the general reader of entry.c
 * starts over. They must never read a message otherwise than it does: test_frame.c compares the
 * two.
 */
#ifndef AGNI_UPSTOX_USUAL_H
#define AGNI_UPSTOX_USUAL_H

#include "market/tick.h"
#include "upstox/wire.h"

static inline double usual_double(const uint8_t *p)
{
	uint64_t x = wire_load64(p);
	double d;

	memcpy(&d, &x, sizeof(d));
	return d;
}

typedef double two_doubles __attribute__((vector_size(16)));
typedef uint64_t two_words __attribute__((vector_size(16)));

/*
 * Two prices that are plain multiples of 1/10000, which is what price.h calls exact; else false.
 * Adding 1.5 * 2^52 rounds a double to a whole number and leaves that in its low bits. Below 2^51
 * (a sum from 2^52 to 2^53) it is exact, and its quotient is the double nearest to that decimal: if
 * it is the one that came, nothing was lost. The same judgement as price_from_double, without
 * branches.
 */
static inline bool usual_prices(const uint8_t *a, const uint8_t *b, price_t *first, price_t *second)
{
	static const two_doubles round = {0x1.8p52, 0x1.8p52}, scale = {PRICE_SCALE, PRICE_SCALE};
	static const two_doubles low = {0x1p52, 0x1p52}, high = {0x1p53, 0x1p53};
	two_doubles d = {usual_double(a), usual_double(b)}, sum = d * scale + round;
	two_words ok, k;

	ok = (two_words)(((sum - round) / scale == d) & (sum >= low) & (sum < high));
	k = (two_words)sum - (two_words)round;
	*first = (price_t)k[0];
	*second = (price_t)k[1];
	return ok[0] & ok[1] & 1;
}

/* A varint behind its tag; its last byte is before the one returned, or NULL: too long. */
static inline const uint8_t *usual_int(const uint8_t *p, int64_t *to)
{
	uint64_t v = 0;
	unsigned n = wire_number(wire_load64(p + 1), &v);

	*to = (int64_t)v;
	return n ? p + 1 + n : NULL;
}

#define USUAL_NUMBER 9 /* bytes that a number may take, or may be loaded for it, with its tag */

/* {bidQ, bidP, askQ, askP} */
static inline bool usual_row(const uint8_t *p, const uint8_t *end, const uint8_t *stop,
			     struct depth_row *row)
{
	const uint8_t *bid;

	if (stop - p < 3 * USUAL_NUMBER || *p != WIRE_TAG(1, WIRE_VARINT))
		return false;
	bid = usual_int(p, &row->bid_qty);
	if (!bid || bid[0] != WIRE_TAG(2, WIRE_FIXED64) || bid[9] != WIRE_TAG(3, WIRE_VARINT))
		return false;
	p = usual_int(bid + 9, &row->ask_qty);
	return p && p + 9 == end && *p == WIRE_TAG(4, WIRE_FIXED64) &&
	       usual_prices(bid + 1, p + 1, &row->bid, &row->ask);
}

static inline uint32_t usual_bit(bool is_set, uint32_t bit)
{
	return is_set ? bit : 0;
}

/* {ltp, ltt, ltq (not for an index), cp}; returns the QUOTE_* bits, 0 when it is something else. */
static inline uint32_t usual_ltpc(const uint8_t *p, const uint8_t *end, const uint8_t *stop,
				  struct quote *q)
{
	const uint8_t *ltp = p + 1;
	int64_t ltq = 0;

	if (stop - p < 3 * USUAL_NUMBER || p[0] != WIRE_TAG(1, WIRE_FIXED64) ||
	    p[9] != WIRE_TAG(2, WIRE_VARINT))
		return 0;
	p = usual_int(p + 9, &q->ltt);
	if (p && *p == WIRE_TAG(3, WIRE_VARINT))
		p = usual_int(p, &ltq);
	if (!p || p + 9 != end || *p != WIRE_TAG(4, WIRE_FIXED64) ||
	    !usual_prices(ltp, p + 1, &q->ltp, &q->cp))
		return 0;
	q->ltq = ltq;
	return QUOTE_MSG_LTPC | usual_bit(q->ltp, QUOTE_LTP) | usual_bit(q->ltt, QUOTE_LTT) |
	       usual_bit(ltq, QUOTE_LTQ) | usual_bit(q->cp, QUOTE_CP);
}

/* The name of an interval: 1 to 7 characters of ASCII, which fill the place and a NUL. */
static inline bool usual_interval(const uint8_t *p, unsigned len, char to[BAR_NAME_MAX])
{
	const uint64_t tops = 0x8080808080808080, mask = ((uint64_t)1 << 8 * len) - 1;
	uint64_t name = wire_load64(p) & mask;

	/* no byte has its top bit, and each has it after 127 is added: none is NUL */
	if (name & tops || ((name + ~tops) & tops & mask) != (tops & mask))
		return false;
	name = htole64(name);
	memcpy(to, &name, BAR_NAME_MAX);
	return true;
}

/* {interval, open, high, low, close, vol (not for an index), ts}; false: something else. */
static inline bool usual_bar(const uint8_t *p, const uint8_t *end, const uint8_t *stop,
			     struct bar *bar)
{
	unsigned len;

	if (stop - p < 2 + BAR_NAME_MAX + 4 * 9 + USUAL_NUMBER || p[0] != WIRE_TAG(1, WIRE_LEN))
		return false;
	len = p[1];
	if (len == 0 || len >= BAR_NAME_MAX || !usual_interval(p + 2, len, bar->interval))
		return false;
	p += 2 + len;
	if (p[0] != WIRE_TAG(2, WIRE_FIXED64) || p[9] != WIRE_TAG(3, WIRE_FIXED64) ||
	    p[18] != WIRE_TAG(4, WIRE_FIXED64) || p[27] != WIRE_TAG(5, WIRE_FIXED64) ||
	    !usual_prices(p + 1, p + 10, &bar->open, &bar->high) ||
	    !usual_prices(p + 19, p + 28, &bar->low, &bar->close))
		return false;
	p += 36;
	bar->vol = 0;
	if (*p == WIRE_TAG(6, WIRE_VARINT))
		p = usual_int(p, &bar->vol);
	if (!p || stop - p < USUAL_NUMBER || *p != WIRE_TAG(7, WIRE_VARINT))
		return false;
	p = usual_int(p, &bar->ts_ms);
	bar->present = usual_bit(bar->open, BAR_OPEN) | usual_bit(bar->high, BAR_HIGH) |
		       usual_bit(bar->low, BAR_LOW) | usual_bit(bar->close, BAR_CLOSE) |
		       usual_bit(bar->vol, BAR_VOL) | usual_bit(bar->ts_ms, BAR_TS);
	return p == end;
}

/* A double that is neither zero nor NaN nor infinite: its bits without the sign lie between. */
static inline bool usual_is_number(const uint8_t *p)
{
	return (wire_load64(p) << 1) - 1 < ((uint64_t)0x7ff << 53) - 1;
}

/* {delta, theta, gamma, vega, rho}, none of them zero, all of them numbers. */
static inline bool usual_greeks(const uint8_t *p, const uint8_t *end, struct quote *q)
{
	if (end - p != 9 * QUOTE_GREEKS_N)
		return false;
	for (unsigned i = 0; i < QUOTE_GREEKS_N; i++)
		if (p[9 * i] != WIRE_TAG(i + 1, WIRE_FIXED64) || !usual_is_number(p + 9 * i + 1))
			return false;
	q->delta = usual_double(p + 1);
	q->theta = usual_double(p + 10);
	q->gamma = usual_double(p + 19);
	q->vega = usual_double(p + 28);
	q->rho = usual_double(p + 37);
	return true;
}

/* A double that is a number, with its tag, of a message that ends at `end`. */
static inline bool usual_field(const uint8_t *p, const uint8_t *end, uint32_t field, double *to)
{
	if (end - p < 9 || *p != WIRE_TAG(field, WIRE_FIXED64) || !usual_is_number(p + 1))
		return false;
	*to = usual_double(p + 1);
	return true;
}

/* The end of MarketFullFeed: {atp, vtt, oi and iv (not of a share), tbq, tsq}, none of them zero.
 * Returns the QUOTE_* bits, 0 when it is something else. */
static inline uint32_t usual_totals(const uint8_t *p, const uint8_t *end, const uint8_t *stop,
				    struct quote *q)
{
	uint32_t bits = QUOTE_ATP | QUOTE_VTT | QUOTE_TBQ | QUOTE_TSQ;

	if (end - p < 4 * 9 || stop - p < 9 + USUAL_NUMBER || p[9] != WIRE_TAG(6, WIRE_VARINT) ||
	    !price_from_double(usual_double(p + 1), &q->atp) || q->atp == 0)
		return 0;
	p = usual_int(p + 9, &q->vtt);
	if (!p || q->vtt == 0)
		return 0;
	if (usual_field(p, end, 7, &q->oi)) {
		bits |= QUOTE_OI;
		p += 9;
	}
	if (usual_field(p, end, 8, &q->iv)) {
		bits |= QUOTE_IV;
		p += 9;
	}
	if (end - p != 18 || !usual_field(p, end, 9, &q->tbq) ||
	    !usual_field(p + 9, end, 10, &q->tsq))
		return 0;
	return bits;
}

/* A repeated sub-message of less than 128 bytes: its end, or NULL. */
static inline const uint8_t *usual_sub(const uint8_t *p, const uint8_t *end, uint32_t field)
{
	if (end - p < 2 || p[0] != WIRE_TAG(field, WIRE_LEN) || p[1] >= 0x80 || p[1] > end - p - 2)
		return NULL;
	return p + 2 + p[1];
}

#endif
