/* SPDX-License-Identifier: MIT
 *
 * compose: see compose.h.
 *
 * A message of protobuf has its length in front of it, which is known when it is written. So an
 * entry is written from its end to its front, into a place on the stack that holds the largest: when
 * the front of a sub-message is reached, its length is the way that was gone. Fields come in the
 * order of their numbers, so here they are put in the reverse order.
 */
#include "upstox/compose.h"

#include "market/instrument.h"
#include "upstox/wire.h"

/* 30 depth rows of at most 44 bytes, four bars of at most 71, the key, and some 300 more. */
#define ENTRY_MAX 2560

/* Where the writing stands: everything from here to the end of the place is done. */
struct back {
	uint8_t *p;
};

static void put_byte(struct back *b, unsigned byte)
{
	*--b->p = (uint8_t)byte;
}

static unsigned varint_len(uint64_t v)
{
	return ((unsigned)(63 - __builtin_clzll(v | 1)) * 9 + 73) / 64;
}

static void varint_store(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p = (uint8_t)v;
}

static void put_varint(struct back *b, uint64_t v)
{
	b->p -= varint_len(v);
	varint_store(b->p, v);
}

/* The front of a sub-message, or of a string, that ends at `end`. */
static void put_front(struct back *b, const uint8_t *end, unsigned field)
{
	put_varint(b, (uint64_t)(end - b->p));
	put_byte(b, WIRE_TAG(field, WIRE_LEN));
}

/* Scalars that are zero are not on the wire. All fields but casEligible have tags of one byte. */

static void put_int(struct back *b, unsigned field, int64_t v)
{
	if (v == 0)
		return;
	put_varint(b, (uint64_t)v);
	put_byte(b, WIRE_TAG(field, WIRE_VARINT));
}

static void put_double(struct back *b, unsigned field, double d)
{
	uint64_t bits;

	if (d == 0)
		return;
	memcpy(&bits, &d, sizeof(bits));
	bits = htole64(bits);
	b->p -= sizeof(bits);
	memcpy(b->p, &bits, sizeof(bits));
	put_byte(b, WIRE_TAG(field, WIRE_FIXED64));
}

static void put_price(struct back *b, unsigned field, price_t price)
{
	put_double(b, field, price_to_double(price));
}

static void put_text(struct back *b, unsigned field, const char *text, size_t len)
{
	const uint8_t *end = b->p;

	if (len == 0)
		return;
	b->p -= len;
	memcpy(b->p, text, len);
	put_front(b, end, field);
}

/* --- the parts -------------------------------------------------------------------------------- */

#define LTPC_BITS (QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP | QUOTE_LTPC_IEP | QUOTE_MSG_LTPC)

/* Of what is absent nothing is put. */
#define HAS(bit) (q->present & (bit))

static void put_ltpc(struct back *b, unsigned field, const struct quote *q)
{
	const uint8_t *end = b->p;

	if (!HAS(LTPC_BITS))
		return;
	if (HAS(QUOTE_LTPC_IEP)) {
		const uint8_t *box = b->p;

		put_price(b, 1, q->ltpc_iep);
		put_front(b, box, 5);
	}
	if (HAS(QUOTE_CP))
		put_price(b, 4, q->cp);
	if (HAS(QUOTE_LTQ))
		put_int(b, 3, q->ltq);
	if (HAS(QUOTE_LTT))
		put_int(b, 2, q->ltt);
	if (HAS(QUOTE_LTP))
		put_price(b, 1, q->ltp);
	put_front(b, end, field);
}

static void put_row(struct back *b, unsigned field, const struct depth_row *row)
{
	const uint8_t *end = b->p;

	put_price(b, 4, row->ask);
	put_int(b, 3, row->ask_qty);
	put_price(b, 2, row->bid);
	put_int(b, 1, row->bid_qty);
	put_front(b, end, field);
}

static void put_depth(struct back *b, const struct quote *q, unsigned levels)
{
	const uint8_t *end = b->p;
	unsigned n = q->depth_n < levels ? q->depth_n : levels;

	if (!HAS(QUOTE_DEPTH))
		return;
	while (n > 0)
		put_row(b, 1, &q->depth[--n]);
	put_front(b, end, 2);
}

static void put_greeks(struct back *b, const struct quote *q)
{
	const uint8_t *end = b->p;

	if (!HAS(QUOTE_GREEKS | QUOTE_MSG_GREEKS))
		return;
	if (HAS(QUOTE_RHO))
		put_double(b, 5, q->rho);
	if (HAS(QUOTE_VEGA))
		put_double(b, 4, q->vega);
	if (HAS(QUOTE_GAMMA))
		put_double(b, 3, q->gamma);
	if (HAS(QUOTE_THETA))
		put_double(b, 2, q->theta);
	if (HAS(QUOTE_DELTA))
		put_double(b, 1, q->delta);
	put_front(b, end, 3);
}

static void put_bar(struct back *b, const struct bar *bar)
{
	const uint8_t *end = b->p;

	if (bar->present & BAR_TS)
		put_int(b, 7, bar->ts_ms);
	if (bar->present & BAR_VOL)
		put_int(b, 6, bar->vol);
	if (bar->present & BAR_CLOSE)
		put_price(b, 5, bar->close);
	if (bar->present & BAR_LOW)
		put_price(b, 4, bar->low);
	if (bar->present & BAR_HIGH)
		put_price(b, 3, bar->high);
	if (bar->present & BAR_OPEN)
		put_price(b, 2, bar->open);
	put_text(b, 1, bar->interval, strnlen(bar->interval, BAR_NAME_MAX));
	put_front(b, end, 1);
}

static void put_bars(struct back *b, unsigned field, const struct quote *q)
{
	const uint8_t *end = b->p;
	unsigned n = HAS(QUOTE_BARS) ? q->bars_n : 0;

	if (!HAS(QUOTE_BARS | QUOTE_MSG_OHLC))
		return;
	while (n > 0)
		put_bar(b, &q->bars[--n]);
	put_front(b, end, field);
}

/* --- the arms --------------------------------------------------------------------------------- */

static void put_auction(struct back *b, const struct quote *q)
{
	if (HAS(QUOTE_CAS_ELIGIBLE) && q->cas_eligible) {
		put_byte(b, 1);
		put_varint(b, WIRE_TAG(16, WIRE_VARINT));
	}
	if (HAS(QUOTE_IIQ_M))
		put_int(b, 15, q->iiq_m);
	if (HAS(QUOTE_IIQ_TOTAL))
		put_int(b, 14, q->iiq_total);
	if (HAS(QUOTE_IEQ))
		put_int(b, 13, q->ieq);
	if (HAS(QUOTE_RP))
		put_price(b, 12, q->rp);
	if (HAS(QUOTE_IEP))
		put_price(b, 11, q->iep);
}

static void put_market(struct back *b, const struct quote *q, unsigned levels)
{
	const uint8_t *end = b->p;

	put_auction(b, q);
	if (HAS(QUOTE_TSQ))
		put_double(b, 10, q->tsq);
	if (HAS(QUOTE_TBQ))
		put_double(b, 9, q->tbq);
	if (HAS(QUOTE_IV))
		put_double(b, 8, q->iv);
	if (HAS(QUOTE_OI))
		put_double(b, 7, q->oi);
	if (HAS(QUOTE_VTT))
		put_int(b, 6, q->vtt);
	if (HAS(QUOTE_ATP))
		put_price(b, 5, q->atp);
	put_bars(b, 4, q);
	put_greeks(b, q);
	put_depth(b, q, levels);
	put_ltpc(b, 1, q);
	put_front(b, end, 1);
}

static void put_full(struct back *b, const struct quote *q, unsigned levels, bool is_index)
{
	const uint8_t *end = b->p, *index = b->p;

	if (is_index) {
		put_bars(b, 2, q);
		put_ltpc(b, 1, q);
		put_front(b, index, 2);
	} else {
		put_market(b, q, levels);
	}
	put_front(b, end, 2);
}

static void put_first_level(struct back *b, const struct quote *q)
{
	static const struct depth_row nothing = {0};
	const uint8_t *end = b->p;

	if (HAS(QUOTE_IV))
		put_double(b, 6, q->iv);
	if (HAS(QUOTE_OI))
		put_double(b, 5, q->oi);
	if (HAS(QUOTE_VTT))
		put_int(b, 4, q->vtt);
	put_greeks(b, q);
	if (HAS(QUOTE_DEPTH))
		put_row(b, 2, q->depth_n ? &q->depth[0] : &nothing);
	put_ltpc(b, 1, q);
	put_front(b, end, 3);
}

/* --- the entry -------------------------------------------------------------------------------- */

/* The QUOTE_* bits that a mode carries. */
static uint32_t bits_of(enum request_mode mode)
{
	switch (mode) {
	case MODE_LTPC:
		return LTPC_BITS;
	case MODE_OPTION_GREEKS:
		return LTPC_BITS | QUOTE_DEPTH | QUOTE_GREEKS | QUOTE_MSG_GREEKS | QUOTE_VTT |
		       QUOTE_OI | QUOTE_IV;
	case MODE_FULL_D5:
	case MODE_FULL_D30:
		break;
	}
	return UINT32_MAX;
}

static void put_arm(struct back *b, const struct quote *q, enum request_mode mode, bool is_index)
{
	switch (mode) {
	case MODE_LTPC:
		put_ltpc(b, 1, q);
		break;
	case MODE_OPTION_GREEKS:
		put_first_level(b, q);
		break;
	case MODE_FULL_D5:
		put_full(b, q, 5, is_index);
		break;
	case MODE_FULL_D30:
		put_full(b, q, DEPTH_MAX, is_index);
		break;
	}
}

bool compose_entry(struct buf *out, const char *key, size_t key_len, const struct quote *q,
		   enum request_mode mode)
{
	uint8_t place[ENTRY_MAX], *end = place + sizeof(place);
	struct back b = {end};

	AGNI_ASSERT(key_len <= INST_KEY_MAX);
	if (!HAS(bits_of(mode)))
		return false;
	put_int(&b, 4, mode);
	put_arm(&b, q, mode,
		q->arm == ARM_INDEX || (q->arm != ARM_MARKET && instrument_is_index(key, key_len)));
	put_front(&b, end, 2);
	put_text(&b, 1, key, key_len);
	put_front(&b, end, 2);
	AGNI_ASSERT(b.p >= place);
	buf_append(out, b.p, (size_t)(end - b.p));
	return true;
}

/* --- the message ------------------------------------------------------------------------------ */

static void append_varint(struct buf *out, uint64_t v)
{
	unsigned n = varint_len(v);

	varint_store((uint8_t *)buf_reserve(out, n), v);
	out->len += n;
}

void compose_head(struct buf *out, enum feed_type type)
{
	if (type == FEED_INITIAL)
		return;
	buf_byte(out, WIRE_TAG(1, WIRE_VARINT));
	buf_byte(out, (char)type);
}

void compose_tail(struct buf *out, int64_t current_ts)
{
	if (current_ts == 0)
		return;
	buf_byte(out, WIRE_TAG(3, WIRE_VARINT));
	append_varint(out, (uint64_t)current_ts);
}

size_t compose_around(enum feed_type type, int64_t current_ts)
{
	return (type == FEED_INITIAL ? 0 : 2) +
	       (current_ts == 0 ? 0 : 1 + varint_len((uint64_t)current_ts));
}

void compose_info(struct buf *out, int64_t current_ts, const void *info, size_t len)
{
	compose_head(out, FEED_MARKET_INFO);
	compose_tail(out, current_ts);
	buf_byte(out, WIRE_TAG(4, WIRE_LEN));
	append_varint(out, len);
	buf_append(out, info, len);
}
