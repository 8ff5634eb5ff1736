/* SPDX-License-Identifier: MIT
 *
 * feed_check: whether two readings of one Feed are the same: two quotes of ours, or a quote and
 * what protobuf-c made of the same bytes. Both give the name of the first thing that differs, or
 * NULL. For tests and fuzz targets.
 */
#ifndef AGNI_TEST_FEED_CHECK_H
#define AGNI_TEST_FEED_CHECK_H

#include <string.h>

#include "feed.pb-c.h"
#include "upstox/frame.h"

/* 64 bits as they are, so that -0.0 and NaN count too. */
static inline bool same_bits(const void *a, const void *b)
{
	return memcmp(a, b, 8) == 0;
}

struct quote_field {
	uint32_t bit;
	size_t offset;
	const char *name;
};

#define QUOTE_FIELD(bit, field)                                                                    \
	{                                                                                          \
		bit, offsetof(struct quote, field), #field                                         \
	}

static inline const char *bar_differs(const struct bar *a, const struct bar *b)
{
	if (memcmp(a->interval, b->interval, BAR_NAME_MAX) != 0)
		return "bar interval";
	if (a->present != b->present)
		return "bar present";
	if (((a->present & BAR_OPEN) && a->open != b->open) ||
	    ((a->present & BAR_HIGH) && a->high != b->high) ||
	    ((a->present & BAR_LOW) && a->low != b->low) ||
	    ((a->present & BAR_CLOSE) && a->close != b->close))
		return "bar price";
	if (((a->present & BAR_VOL) && a->vol != b->vol) ||
	    ((a->present & BAR_TS) && a->ts_ms != b->ts_ms))
		return "bar number";
	return NULL;
}

/* Compares what is present, not what lies in places without a bit. */
static inline const char *quote_differs(const struct quote *a, const struct quote *b)
{
	static const struct quote_field fields[] = {
		QUOTE_FIELD(QUOTE_LTP, ltp),
		QUOTE_FIELD(QUOTE_LTT, ltt),
		QUOTE_FIELD(QUOTE_LTQ, ltq),
		QUOTE_FIELD(QUOTE_CP, cp),
		QUOTE_FIELD(QUOTE_LTPC_IEP, ltpc_iep),
		QUOTE_FIELD(QUOTE_DELTA, delta),
		QUOTE_FIELD(QUOTE_THETA, theta),
		QUOTE_FIELD(QUOTE_GAMMA, gamma),
		QUOTE_FIELD(QUOTE_VEGA, vega),
		QUOTE_FIELD(QUOTE_RHO, rho),
		QUOTE_FIELD(QUOTE_ATP, atp),
		QUOTE_FIELD(QUOTE_VTT, vtt),
		QUOTE_FIELD(QUOTE_OI, oi),
		QUOTE_FIELD(QUOTE_IV, iv),
		QUOTE_FIELD(QUOTE_TBQ, tbq),
		QUOTE_FIELD(QUOTE_TSQ, tsq),
		QUOTE_FIELD(QUOTE_IEP, iep),
		QUOTE_FIELD(QUOTE_RP, rp),
		QUOTE_FIELD(QUOTE_IEQ, ieq),
		QUOTE_FIELD(QUOTE_IIQ_TOTAL, iiq_total),
		QUOTE_FIELD(QUOTE_IIQ_M, iiq_m),
	};

	if (a->present != b->present)
		return "present";
	if (a->arm != b->arm)
		return "arm";
	if (a->mode != b->mode)
		return "mode";
	if (a->depth_n != b->depth_n ||
	    memcmp(a->depth, b->depth, a->depth_n * sizeof(a->depth[0])) != 0)
		return "depth";
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *x = (const char *)a + fields[i].offset;
		const char *y = (const char *)b + fields[i].offset;

		if (a->present & fields[i].bit && !same_bits(x, y))
			return fields[i].name;
	}
	if (a->bars_n != b->bars_n)
		return "bars";
	for (unsigned i = 0; i < a->bars_n; i++) {
		const char *what = bar_differs(&a->bars[i], &b->bars[i]);

		if (what)
			return what;
	}
	return NULL;
}

/* ---- against protobuf-c ---------------------------------------------------------------------- */

/* A zero is absent; all others must be there with the value of the message. */
static inline bool price_agrees(double wire, bool is_present, price_t ours)
{
	return is_present ? wire != 0 && price_to_double(ours) == wire : wire == 0;
}

static inline bool double_agrees(double wire, bool is_present, double ours)
{
	return is_present ? wire != 0 && ours == wire : wire == 0;
}

static inline bool int_agrees(int64_t wire, bool is_present, int64_t ours)
{
	return is_present ? wire != 0 && ours == wire : wire == 0;
}

static inline const char *ltpc_disagrees(const Agni__Feed__Ltpc *m, const struct quote *q)
{
	static const Agni__Feed__Ltpc none = AGNI__FEED__LTPC__INIT;

	if (!m != !(q->present & QUOTE_MSG_LTPC))
		return "ltpc";
	m = m ? m : &none;
	if (!price_agrees(m->ltp, q->present & QUOTE_LTP, q->ltp))
		return "ltp";
	if (!int_agrees(m->ltt, q->present & QUOTE_LTT, q->ltt))
		return "ltt";
	if (!int_agrees(m->ltq, q->present & QUOTE_LTQ, q->ltq))
		return "ltq";
	if (!price_agrees(m->cp, q->present & QUOTE_CP, q->cp))
		return "cp";
	if (!m->iep != !(q->present & QUOTE_LTPC_IEP))
		return "ltpc.iep";
	return m->iep && price_to_double(q->ltpc_iep) != m->iep->value ? "ltpc.iep.value" : NULL;
}

static inline bool row_agrees(const Agni__Feed__Quote *m, const struct depth_row *row)
{
	return m->bid_qty == row->bid_qty && m->ask_qty == row->ask_qty &&
	       m->bid == price_to_double(row->bid) && m->ask == price_to_double(row->ask);
}

static inline const char *greeks_disagree(const Agni__Feed__OptionGreeks *m, const struct quote *q)
{
	static const Agni__Feed__OptionGreeks none = AGNI__FEED__OPTION_GREEKS__INIT;

	if (!m != !(q->present & QUOTE_MSG_GREEKS))
		return "greeks";
	m = m ? m : &none;
	return double_agrees(m->delta, q->present & QUOTE_DELTA, q->delta) &&
			       double_agrees(m->theta, q->present & QUOTE_THETA, q->theta) &&
			       double_agrees(m->gamma, q->present & QUOTE_GAMMA, q->gamma) &&
			       double_agrees(m->vega, q->present & QUOTE_VEGA, q->vega) &&
			       double_agrees(m->rho, q->present & QUOTE_RHO, q->rho)
		       ? NULL
		       : "a greek";
}

/* Expects distinct, short interval names, at most BARS_MAX of them. */
static inline const char *bars_disagree(const Agni__Feed__MarketOhlc *m, const struct quote *q)
{
	unsigned n = 0;

	if (!m != !(q->present & QUOTE_MSG_OHLC))
		return "bars";
	for (size_t i = 0; m && i < m->n_bars; i++) {
		const Agni__Feed__Bar *x = m->bars[i];
		const struct bar *y = &q->bars[n];

		if (!*x->interval)
			continue;
		if (++n > q->bars_n || strcmp(x->interval, y->interval) != 0 ||
		    !price_agrees(x->open, y->present & BAR_OPEN, y->open) ||
		    !price_agrees(x->high, y->present & BAR_HIGH, y->high) ||
		    !price_agrees(x->low, y->present & BAR_LOW, y->low) ||
		    !price_agrees(x->close, y->present & BAR_CLOSE, y->close) ||
		    !int_agrees(x->vol, y->present & BAR_VOL, y->vol) ||
		    !int_agrees(x->ts, y->present & BAR_TS, y->ts_ms))
			return "a bar";
	}
	return n == q->bars_n && !n == !(q->present & QUOTE_BARS) ? NULL : "number of bars";
}

static inline const char *market_disagrees(const Agni__Feed__MarketFull *m, const struct quote *q)
{
	const char *what = ltpc_disagrees(m->ltpc, q);
	uint32_t present = q->present;

	what = what ? what : greeks_disagree(m->greeks, q);
	what = what ? what : bars_disagree(m->bars, q);
	if (what)
		return what;
	if (!m->depth != !(present & QUOTE_DEPTH) || (m->depth && m->depth->n_rows != q->depth_n))
		return "depth";
	for (unsigned i = 0; i < q->depth_n; i++)
		if (!row_agrees(m->depth->rows[i], &q->depth[i]))
			return "a depth row";
	return price_agrees(m->atp, present & QUOTE_ATP, q->atp) &&
			       int_agrees(m->vtt, present & QUOTE_VTT, q->vtt) &&
			       double_agrees(m->oi, present & QUOTE_OI, q->oi) &&
			       double_agrees(m->iv, present & QUOTE_IV, q->iv) &&
			       double_agrees(m->tbq, present & QUOTE_TBQ, q->tbq) &&
			       double_agrees(m->tsq, present & QUOTE_TSQ, q->tsq) &&
			       price_agrees(m->iep, present & QUOTE_IEP, q->iep) &&
			       price_agrees(m->rp, present & QUOTE_RP, q->rp) &&
			       int_agrees(m->ieq, present & QUOTE_IEQ, q->ieq) &&
			       int_agrees(m->iiq_total, present & QUOTE_IIQ_TOTAL, q->iiq_total) &&
			       int_agrees(m->iiq_m, present & QUOTE_IIQ_M, q->iiq_m) &&
			       !m->cas_eligible == !(present & QUOTE_CAS_ELIGIBLE)
		       ? NULL
		       : "a number of marketFF";
}

static inline const char *index_disagrees(const Agni__Feed__IndexFull *m, const struct quote *q)
{
	const char *what = ltpc_disagrees(m->ltpc, q);

	return what ? what : bars_disagree(m->bars, q);
}

static inline const char *first_level_disagrees(const Agni__Feed__FirstLevel *m,
						const struct quote *q)
{
	const char *what = ltpc_disagrees(m->ltpc, q);

	what = what ? what : greeks_disagree(m->greeks, q);
	if (what)
		return what;
	if (!m->depth != !(q->present & QUOTE_DEPTH) ||
	    (m->depth && (q->depth_n != 1 || !row_agrees(m->depth, &q->depth[0]))))
		return "firstDepth";
	return int_agrees(m->vtt, q->present & QUOTE_VTT, q->vtt) &&
			       double_agrees(m->oi, q->present & QUOTE_OI, q->oi) &&
			       double_agrees(m->iv, q->present & QUOTE_IV, q->iv)
		       ? NULL
		       : "a number of firstLevelWithGreeks";
}

/* Expects a feed from which nothing had to be rejected. */
static inline const char *feed_disagrees(const Agni__Feed__Feed *m, const struct quote *q)
{
	enum feed_arm arm = ARM_NONE;
	const char *what = NULL;

	if (m->content_case == AGNI__FEED__FEED__CONTENT_LTPC) {
		arm = ARM_LTPC;
		what = ltpc_disagrees(m->ltpc, q);
	} else if (m->content_case == AGNI__FEED__FEED__CONTENT_FIRST_LEVEL) {
		arm = ARM_FIRST_LEVEL;
		what = first_level_disagrees(m->first_level, q);
	} else if (m->content_case == AGNI__FEED__FEED__CONTENT_FULL) {
		if (m->full->content_case == AGNI__FEED__FULL_FEED__CONTENT_MARKET) {
			arm = ARM_MARKET;
			what = market_disagrees(m->full->market, q);
		} else if (m->full->content_case == AGNI__FEED__FULL_FEED__CONTENT_INDEX) {
			arm = ARM_INDEX;
			what = index_disagrees(m->full->index, q);
		}
	}
	if (arm != q->arm)
		return "arm";
	return (uint8_t)m->mode != q->mode ? "mode" : what;
}

/* Puts (or takes away) an unknown field at the end of `m` and of everything in it: then no message
 * has its usual form any more. To be taken away before `m` is freed. */
static inline void unknown_add(ProtobufCMessage *m, bool on)
{
	static uint8_t zero[1];
	static ProtobufCMessageUnknownField field = {
		.tag = 100, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = zero};

	m->n_unknown_fields = on;
	m->unknown_fields = on ? &field : NULL;
	for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *d = &m->descriptor->fields[i];
		char *at = (char *)m + d->offset, *quantifier = (char *)m + d->quantifier_offset;

		if (d->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		if (d->label == PROTOBUF_C_LABEL_REPEATED) {
			for (size_t n = 0; n < *(size_t *)quantifier; n++)
				unknown_add((*(ProtobufCMessage ***)at)[n], on);
		} else if (!(d->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
			   *(uint32_t *)quantifier == d->id) {
			if (*(ProtobufCMessage **)at)
				unknown_add(*(ProtobufCMessage **)at, on);
		}
	}
}

#endif
