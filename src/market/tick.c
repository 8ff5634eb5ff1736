/* SPDX-License-Identifier: MIT
 *
 * tick: how one message changes what is known of an instrument; see tick.h.
 */
#include "market/tick.h"

static void depth_copy(struct quote *into, const struct quote *from)
{
	into->depth_n = from->depth_n;
	memcpy(into->depth, from->depth, from->depth_n * sizeof(from->depth[0]));
}

/* A bar replaces the one of its interval; a new interval takes a free place, or is left out. */
static void bar_merge(struct quote *into, const struct bar *bar)
{
	for (unsigned i = 0; i < into->bars_n; i++) {
		if (strcmp(into->bars[i].interval, bar->interval) == 0) {
			into->bars[i] = *bar;
			return;
		}
	}
	if (into->bars_n < BARS_MAX)
		into->bars[into->bars_n++] = *bar;
}

#define TAKE(bit, field)                                                                           \
	do {                                                                                       \
		if (from->present & (bit))                                                         \
			into->field = from->field;                                                 \
	} while (0)

void quote_merge(struct quote *into, const struct quote *from)
{
	TAKE(QUOTE_LTP, ltp);
	TAKE(QUOTE_LTT, ltt);
	TAKE(QUOTE_LTQ, ltq);
	TAKE(QUOTE_CP, cp);
	TAKE(QUOTE_LTPC_IEP, ltpc_iep);
	TAKE(QUOTE_ATP, atp);
	TAKE(QUOTE_VTT, vtt);
	TAKE(QUOTE_OI, oi);
	TAKE(QUOTE_IV, iv);
	TAKE(QUOTE_TBQ, tbq);
	TAKE(QUOTE_TSQ, tsq);
	if (from->present & QUOTE_GREEKS) {
		TAKE(QUOTE_DELTA, delta);
		TAKE(QUOTE_THETA, theta);
		TAKE(QUOTE_GAMMA, gamma);
		TAKE(QUOTE_VEGA, vega);
		TAKE(QUOTE_RHO, rho);
	}
	if (from->present & QUOTE_DEPTH)
		depth_copy(into, from);
	for (unsigned i = 0; i < from->bars_n; i++)
		bar_merge(into, &from->bars[i]);
	TAKE(QUOTE_IEP, iep);
	TAKE(QUOTE_RP, rp);
	TAKE(QUOTE_IEQ, ieq);
	TAKE(QUOTE_IIQ_TOTAL, iiq_total);
	TAKE(QUOTE_IIQ_M, iiq_m);
	TAKE(QUOTE_CAS_ELIGIBLE, cas_eligible);
	into->present |= from->present;
	if (from->arm != ARM_NONE) {
		into->arm = from->arm;
		into->mode = from->mode;
	}
}

void quote_replace(struct quote *into, const struct quote *from)
{
	memcpy(into, from, offsetof(struct quote, depth));
	depth_copy(into, from);
}

void quote_project(struct quote *q, enum request_mode mode)
{
	const uint32_t ltpc =
		QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP | QUOTE_LTPC_IEP | QUOTE_MSG_LTPC;
	const uint32_t first = ltpc | QUOTE_DEPTH | QUOTE_GREEKS | QUOTE_MSG_GREEKS | QUOTE_VTT |
			       QUOTE_OI | QUOTE_IV;
	unsigned levels = 5;

	switch (mode) {
	case MODE_LTPC:
		q->present &= ltpc;
		levels = 0;
		break;
	case MODE_OPTION_GREEKS:
		q->present &= first;
		levels = 1;
		break;
	case MODE_FULL_D5:
		break;
	case MODE_FULL_D30:
		levels = DEPTH_MAX;
		break;
	}
	if (!(q->present & QUOTE_BARS))
		q->bars_n = 0;
	if (q->depth_n > levels)
		q->depth_n = (uint8_t)levels;
	q->mode = (uint8_t)mode;
}
