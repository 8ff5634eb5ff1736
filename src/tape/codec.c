/* SPDX-License-Identifier: MIT
 *
 * codec: see codec.h.
 *
 * Small numbers are the rule: a bid lies a tick size below the bid above it, a last trade some
 * milliseconds before its message. So differences are written, and integers in as few bytes as they
 * need. Differences are taken modulo 2^64, where every bit pattern of a price comes back, also that
 * of a raw double.
 */
#include "tape/codec.h"

#include <math.h>
#include <string.h>

#include "agnidata/tape.h"

#define SAME_BIT(name) _Static_assert((int)TAPE_##name == (int)QUOTE_##name, "bits must agree")
SAME_BIT(LTP);
SAME_BIT(LTPC_IEP);
SAME_BIT(DEPTH);
SAME_BIT(DELTA);
SAME_BIT(RHO);
SAME_BIT(BARS);
SAME_BIT(ATP);
SAME_BIT(TSQ);
SAME_BIT(CAS_ELIGIBLE);
SAME_BIT(MSG_OHLC);
_Static_assert((int)TAPE_BAR_TS == (int)BAR_TS, "bits must agree");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the tape is little-endian");

/* --- bytes ----------------------------------------------------------------------------------- */

uint8_t *tape_varint_put(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

const uint8_t *tape_varint_get(const uint8_t *p, const uint8_t *end, uint64_t *v)
{
	uint64_t out = 0;

	for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
		uint8_t b = *p++;

		if (shift == 63 && b > 1)
			return NULL;
		out |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*v = out;
			return p;
		}
	}
	return NULL;
}

static uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static uint8_t *put_int(uint8_t *p, int64_t v)
{
	return tape_varint_put(p, zigzag(v));
}

static uint8_t *put_diff(uint8_t *p, int64_t v, int64_t from)
{
	return put_int(p, (int64_t)((uint64_t)v - (uint64_t)from));
}

static bool is_same_double(double a, double b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static uint8_t *put_number(uint8_t *p, double d)
{
	price_t k;

	if (d > -9e15 && d < 9e15 && is_same_double((double)(int64_t)d, d))
		return tape_varint_put(p, zigzag((int64_t)d) << 2);
	if (price_from_double(d, &k) && price_is_exact(k) && is_same_double(price_to_double(k), d))
		return tape_varint_put(p, zigzag(k) << 2 | 1);
	*p++ = 2;
	memcpy(p, &d, sizeof(d));
	return p + sizeof(d);
}

/* --- writing --------------------------------------------------------------------------------- */

static uint8_t *put_depth(uint8_t *p, const struct quote *q)
{
	price_t bid = q->present & QUOTE_LTP ? q->ltp : 0, ask = 0;

	p = tape_varint_put(p, q->depth_n);
	for (unsigned i = 0; i < q->depth_n; i++) {
		const struct depth_row *row = &q->depth[i];

		p = put_int(p, row->bid_qty);
		p = put_int(p, row->ask_qty);
		p = put_diff(p, row->bid, bid);
		p = put_diff(p, row->ask, i ? ask : row->bid);
		bid = row->bid;
		ask = row->ask;
	}
	return p;
}

static uint8_t *put_bars(uint8_t *p, const struct quote *q, int64_t ts_ms)
{
	p = tape_varint_put(p, q->bars_n);
	for (unsigned i = 0; i < q->bars_n; i++) {
		const struct bar *bar = &q->bars[i];
		size_t n = strnlen(bar->interval, sizeof(bar->interval));

		*p++ = (uint8_t)n;
		memcpy(p, bar->interval, n);
		p += n;
		*p++ = (uint8_t)bar->present;
		p = put_int(p, bar->open);
		p = put_diff(p, bar->high, bar->open);
		p = put_diff(p, bar->low, bar->open);
		p = put_diff(p, bar->close, bar->open);
		p = put_int(p, bar->vol);
		p = put_diff(p, bar->ts_ms, ts_ms);
	}
	return p;
}

/* The fields that only full modes carry, behind the bars. */
static uint8_t *put_rest(uint8_t *p, const struct quote *q, price_t ltp)
{
#define PUT(bit, call)                                                                             \
	do {                                                                                       \
		if (q->present & (bit))                                                            \
			p = call;                                                                  \
	} while (0)
	PUT(QUOTE_ATP, put_diff(p, q->atp, ltp));
	PUT(QUOTE_VTT, put_int(p, q->vtt));
	PUT(QUOTE_OI, put_number(p, q->oi));
	PUT(QUOTE_IV, put_number(p, q->iv));
	PUT(QUOTE_TBQ, put_number(p, q->tbq));
	PUT(QUOTE_TSQ, put_number(p, q->tsq));
	PUT(QUOTE_IEP, put_int(p, q->iep));
	PUT(QUOTE_RP, put_int(p, q->rp));
	PUT(QUOTE_IEQ, put_int(p, q->ieq));
	PUT(QUOTE_IIQ_TOTAL, put_int(p, q->iiq_total));
	PUT(QUOTE_IIQ_M, put_int(p, q->iiq_m));
	if (q->present & QUOTE_CAS_ELIGIBLE)
		*p++ = q->cas_eligible;
	return p;
}

size_t tape_tick_encode(uint8_t *out, const struct quote *q, int64_t ts_ms)
{
	price_t ltp = q->present & QUOTE_LTP ? q->ltp : 0;
	uint8_t *p = tape_varint_put(out, q->present);

	*p++ = q->arm;
	*p++ = q->mode;
	PUT(QUOTE_LTP, put_int(p, q->ltp));
	PUT(QUOTE_LTT, put_diff(p, q->ltt, ts_ms));
	PUT(QUOTE_LTQ, put_int(p, q->ltq));
	PUT(QUOTE_CP, put_diff(p, q->cp, ltp));
	PUT(QUOTE_LTPC_IEP, put_int(p, q->ltpc_iep));
	PUT(QUOTE_DEPTH, put_depth(p, q));
	PUT(QUOTE_DELTA, put_number(p, q->delta));
	PUT(QUOTE_THETA, put_number(p, q->theta));
	PUT(QUOTE_GAMMA, put_number(p, q->gamma));
	PUT(QUOTE_VEGA, put_number(p, q->vega));
	PUT(QUOTE_RHO, put_number(p, q->rho));
	PUT(QUOTE_BARS, put_bars(p, q, ts_ms));
	return (size_t)(put_rest(p, q, ltp) - out);
#undef PUT
}

/* --- reading --------------------------------------------------------------------------------- */

/* A place in the bytes of one tick; `p` is NULL once something did not fit. */
struct reader {
	const uint8_t *p, *end;
};

static uint64_t get_varint(struct reader *r)
{
	uint64_t v = 0;

	if (r->p)
		r->p = tape_varint_get(r->p, r->end, &v);
	return v;
}

static int64_t get_int(struct reader *r)
{
	return unzigzag(get_varint(r));
}

static int64_t get_diff(struct reader *r, int64_t from)
{
	return (int64_t)((uint64_t)get_int(r) + (uint64_t)from);
}

static uint8_t get_byte(struct reader *r)
{
	if (r->p && r->p < r->end)
		return *r->p++;
	r->p = NULL;
	return 0;
}

static double get_number(struct reader *r)
{
	uint64_t v = get_varint(r);
	double d = 0;

	switch (v & 3) {
	case 0:
		return (double)unzigzag(v >> 2);
	case 1:
		return price_to_double(unzigzag(v >> 2));
	case 2:
		if (v == 2 && r->p && r->end - r->p >= (ptrdiff_t)sizeof(d)) {
			memcpy(&d, r->p, sizeof(d));
			r->p += sizeof(d);
			return d;
		}
	}
	r->p = NULL;
	return 0;
}

static void get_depth(struct reader *r, struct quote *q)
{
	price_t bid = q->present & QUOTE_LTP ? q->ltp : 0, ask = 0;
	uint64_t n = get_varint(r);

	if (n > DEPTH_MAX) {
		r->p = NULL;
		return;
	}
	q->depth_n = (uint8_t)n;
	for (unsigned i = 0; i < n; i++) {
		struct depth_row *row = &q->depth[i];

		row->bid_qty = get_int(r);
		row->ask_qty = get_int(r);
		row->bid = bid = get_diff(r, bid);
		row->ask = ask = get_diff(r, i ? ask : bid);
	}
}

static void get_bar(struct reader *r, struct bar *bar, int64_t ts_ms)
{
	size_t n = get_byte(r);

	if (!r->p || n >= sizeof(bar->interval) || (size_t)(r->end - r->p) < n) {
		r->p = NULL;
		return;
	}
	memset(bar->interval, 0, sizeof(bar->interval));
	memcpy(bar->interval, r->p, n);
	r->p += n;
	bar->present = get_byte(r);
	bar->open = get_int(r);
	bar->high = get_diff(r, bar->open);
	bar->low = get_diff(r, bar->open);
	bar->close = get_diff(r, bar->open);
	bar->vol = get_int(r);
	bar->ts_ms = get_diff(r, ts_ms);
}

static void get_bars(struct reader *r, struct quote *q, int64_t ts_ms)
{
	uint64_t n = get_varint(r);

	if (n > BARS_MAX) {
		r->p = NULL;
		return;
	}
	q->bars_n = (uint8_t)n;
	for (unsigned i = 0; i < n && r->p; i++)
		get_bar(r, &q->bars[i], ts_ms);
}

#define GET(bit, field, call)                                                                      \
	do {                                                                                       \
		if (q->present & (bit))                                                            \
			q->field = call;                                                           \
	} while (0)

static void get_rest(struct reader *r, struct quote *q, price_t ltp)
{
	GET(QUOTE_ATP, atp, get_diff(r, ltp));
	GET(QUOTE_VTT, vtt, get_int(r));
	GET(QUOTE_OI, oi, get_number(r));
	GET(QUOTE_IV, iv, get_number(r));
	GET(QUOTE_TBQ, tbq, get_number(r));
	GET(QUOTE_TSQ, tsq, get_number(r));
	GET(QUOTE_IEP, iep, get_int(r));
	GET(QUOTE_RP, rp, get_int(r));
	GET(QUOTE_IEQ, ieq, get_int(r));
	GET(QUOTE_IIQ_TOTAL, iiq_total, get_int(r));
	GET(QUOTE_IIQ_M, iiq_m, get_int(r));
	GET(QUOTE_CAS_ELIGIBLE, cas_eligible, get_byte(r) != 0);
}

bool tape_tick_decode(const uint8_t *bytes, size_t len, int64_t ts_ms, struct quote *q)
{
	struct reader r = {bytes, bytes + len};
	uint64_t present = get_varint(&r);
	price_t ltp;

	quote_clear(q);
	if (present >= 2 * QUOTE_MSG_OHLC)
		return false; /* a field that this version does not know */
	q->present = (uint32_t)present;
	q->arm = get_byte(&r);
	q->mode = get_byte(&r);
	GET(QUOTE_LTP, ltp, get_int(&r));
	ltp = q->ltp;
	GET(QUOTE_LTT, ltt, get_diff(&r, ts_ms));
	GET(QUOTE_LTQ, ltq, get_int(&r));
	GET(QUOTE_CP, cp, get_diff(&r, ltp));
	GET(QUOTE_LTPC_IEP, ltpc_iep, get_int(&r));
	if (q->present & QUOTE_DEPTH)
		get_depth(&r, q);
	GET(QUOTE_DELTA, delta, get_number(&r));
	GET(QUOTE_THETA, theta, get_number(&r));
	GET(QUOTE_GAMMA, gamma, get_number(&r));
	GET(QUOTE_VEGA, vega, get_number(&r));
	GET(QUOTE_RHO, rho, get_number(&r));
	if (q->present & QUOTE_BARS)
		get_bars(&r, q, ts_ms);
	get_rest(&r, q, ltp);
	return r.p == r.end;
}
