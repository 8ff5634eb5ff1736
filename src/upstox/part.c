/* SPDX-License-Identifier: MIT
 *
 * part: see part.h. Each reader is a loop over tags; the usual forms of a message take the short
 * way of usual.h before that.
 */
#include "upstox/part.h"

#include "upstox/usual.h"

#define IEP_REFUSED 1 /* stands in ltpc_iep while its bit is not set: what came last was no price */

/* DoubleValue: that it is there counts, so its zero is a price. A second one that is empty says
 * nothing about what the first one held. */
static const uint8_t *iep_read(struct wire *w, const uint8_t *p, const uint8_t *end, struct tick *t)
{
	if (t->q.ltpc_iep != IEP_REFUSED)
		t->q.present |= QUOTE_LTPC_IEP;
	while (p < end) {
		uint32_t tag;
		double d;

		p = wire_tag(w, p, end, &tag);
		if (p && tag == WIRE_TAG(1, WIRE_FIXED64)) {
			p = wire_double(w, p, end, &d);
			if (p && price_from_double(d, &t->q.ltpc_iep)) {
				t->q.present |= QUOTE_LTPC_IEP;
			} else if (p) {
				t->q.present &= ~(uint32_t)QUOTE_LTPC_IEP;
				t->q.ltpc_iep = IEP_REFUSED;
				t->rejected++;
			}
		} else if (p) {
			p = wire_skip(w, p, end, tag);
		}
		if (!p)
			return NULL;
	}
	return end;
}

const uint8_t *ltpc_read(struct wire *w, const uint8_t *p, const uint8_t *end, struct tick *t)
{
	struct quote *q = &t->q;
	struct marks m = {.seen = QUOTE_MSG_LTPC, .set = QUOTE_MSG_LTPC};
	const uint8_t *sub;
	uint32_t tag, usual;

	usual = q->present & QUOTE_MSG_LTPC ? 0 : usual_ltpc(p, end, w->stop, q);
	if (AGNI_LIKELY(usual)) {
		q->present |= usual;
		return end;
	}
	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (!p)
			return NULL;
		switch (tag) {
		case WIRE_TAG(1, WIRE_FIXED64):
			p = price_read(w, p, end, &m, QUOTE_LTP, &q->ltp);
			break;
		case WIRE_TAG(2, WIRE_VARINT):
			p = int_read(w, p, end, &m, QUOTE_LTT, &q->ltt);
			break;
		case WIRE_TAG(3, WIRE_VARINT):
			p = int_read(w, p, end, &m, QUOTE_LTQ, &q->ltq);
			break;
		case WIRE_TAG(4, WIRE_FIXED64):
			p = price_read(w, p, end, &m, QUOTE_CP, &q->cp);
			break;
		case WIRE_TAG(5, WIRE_LEN):
			p = wire_sub(w, p, end, &sub);
			p = p ? iep_read(w, p, sub, t) : NULL;
			break;
		default:
			p = wire_skip(w, p, end, tag);
		}
		if (!p)
			return NULL;
	}
	marks_apply(&m, t);
	return end;
}

/* Adds to `row`. A price that is none leaves a zero. */
static const uint8_t *row_read(struct wire *w, const uint8_t *p, const uint8_t *end,
			       struct depth_row *row, uint32_t *rejected)
{
	struct marks m = {0};
	uint32_t tag;

	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (!p)
			return NULL;
		switch (tag) {
		case WIRE_TAG(1, WIRE_VARINT):
			p = int_read(w, p, end, &m, 0, &row->bid_qty);
			break;
		case WIRE_TAG(2, WIRE_FIXED64):
			row->bid = 0;
			p = price_read(w, p, end, &m, 0, &row->bid);
			break;
		case WIRE_TAG(3, WIRE_VARINT):
			p = int_read(w, p, end, &m, 0, &row->ask_qty);
			break;
		case WIRE_TAG(4, WIRE_FIXED64):
			row->ask = 0;
			p = price_read(w, p, end, &m, 0, &row->ask);
			break;
		default:
			p = wire_skip(w, p, end, tag);
		}
		if (!p)
			return NULL;
	}
	*rejected += m.rejected;
	return end;
}

const uint8_t *level_read(struct wire *w, const uint8_t *p, const uint8_t *end, struct tick *t)
{
	struct quote *q = &t->q;
	unsigned n = q->depth_n;
	struct depth_row beyond; /* what there is no place for is checked all the same */
	const uint8_t *sub;
	uint32_t tag;

	while (n < DEPTH_MAX && (sub = usual_sub(p, end, 1)) &&
	       usual_row(p + 2, sub, w->stop, &q->depth[n])) {
		n++;
		p = sub;
	}
	while (p < end) {
		struct depth_row *row = n < DEPTH_MAX ? &q->depth[n] : &beyond;

		p = wire_tag(w, p, end, &tag);
		if (p && tag == WIRE_TAG(1, WIRE_LEN)) {
			*row = (struct depth_row){0};
			p = wire_sub(w, p, end, &sub);
			p = p ? row_read(w, p, sub, row, &t->rejected) : NULL;
			if (n < DEPTH_MAX)
				n++;
			else
				t->rejected++;
		} else if (p) {
			p = wire_skip(w, p, end, tag);
		}
		if (!p)
			return NULL;
	}
	q->depth_n = (uint8_t)n;
	q->present |= QUOTE_DEPTH;
	return end;
}

const uint8_t *first_depth_read(struct wire *w, const uint8_t *p, const uint8_t *end,
				struct tick *t)
{
	struct quote *q = &t->q;

	if (!(q->present & QUOTE_DEPTH))
		q->depth[0] = (struct depth_row){0};
	q->depth_n = 1;
	q->present |= QUOTE_DEPTH;
	return row_read(w, p, end, &q->depth[0], &t->rejected);
}

const uint8_t *greeks_read(struct wire *w, const uint8_t *p, const uint8_t *end, struct tick *t)
{
	struct quote *q = &t->q;
	struct marks m = {.seen = QUOTE_MSG_GREEKS, .set = QUOTE_MSG_GREEKS};
	uint32_t tag;

	if (AGNI_LIKELY(usual_greeks(p, end, q))) {
		q->present |= QUOTE_MSG_GREEKS | QUOTE_GREEKS;
		return end;
	}
	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (!p)
			return NULL;
		switch (tag) {
		case WIRE_TAG(1, WIRE_FIXED64):
			p = double_read(w, p, end, &m, QUOTE_DELTA, &q->delta);
			break;
		case WIRE_TAG(2, WIRE_FIXED64):
			p = double_read(w, p, end, &m, QUOTE_THETA, &q->theta);
			break;
		case WIRE_TAG(3, WIRE_FIXED64):
			p = double_read(w, p, end, &m, QUOTE_GAMMA, &q->gamma);
			break;
		case WIRE_TAG(4, WIRE_FIXED64):
			p = double_read(w, p, end, &m, QUOTE_VEGA, &q->vega);
			break;
		case WIRE_TAG(5, WIRE_FIXED64):
			p = double_read(w, p, end, &m, QUOTE_RHO, &q->rho);
			break;
		default:
			p = wire_skip(w, p, end, tag);
		}
		if (!p)
			return NULL;
	}
	marks_apply(&m, t);
	return end;
}

/* Where the interval's name lies while its bar is read. */
struct bar_name {
	const char *text;
	uint32_t len;
};

static const uint8_t *bar_read(struct wire *w, const uint8_t *p, const uint8_t *end,
			       struct bar *bar, struct bar_name *name, uint32_t *rejected)
{
	struct marks m = {0};
	uint32_t tag;

	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (!p)
			return NULL;
		switch (tag) {
		case WIRE_TAG(1, WIRE_LEN):
			p = wire_string(w, p, end, &name->text, &name->len);
			break;
		case WIRE_TAG(2, WIRE_FIXED64):
			p = price_read(w, p, end, &m, BAR_OPEN, &bar->open);
			break;
		case WIRE_TAG(3, WIRE_FIXED64):
			p = price_read(w, p, end, &m, BAR_HIGH, &bar->high);
			break;
		case WIRE_TAG(4, WIRE_FIXED64):
			p = price_read(w, p, end, &m, BAR_LOW, &bar->low);
			break;
		case WIRE_TAG(5, WIRE_FIXED64):
			p = price_read(w, p, end, &m, BAR_CLOSE, &bar->close);
			break;
		case WIRE_TAG(6, WIRE_VARINT):
			p = int_read(w, p, end, &m, BAR_VOL, &bar->vol);
			break;
		case WIRE_TAG(7, WIRE_VARINT):
			p = int_read(w, p, end, &m, BAR_TS, &bar->ts_ms);
			break;
		default:
			p = wire_skip(w, p, end, tag);
		}
		if (!p)
			return NULL;
	}
	bar->present = m.set;
	*rejected += m.rejected;
	return end;
}

/* Files the bar that was read into the place behind the others: it may be a newer one of an
 * interval that is there, or too many. */
static void bar_put(struct tick *t, struct bar *bar)
{
	struct quote *q = &t->q;

	q->present |= QUOTE_BARS;
	for (unsigned i = 0; i < q->bars_n; i++) {
		if (memcmp(q->bars[i].interval, bar->interval, BAR_NAME_MAX) == 0) {
			q->bars[i] = *bar;
			return;
		}
	}
	if (q->bars_n < BARS_MAX)
		q->bars_n++;
	else
		t->rejected++;
}

/* Without an interval it is padding. */
static const uint8_t *bar_add(struct wire *w, const uint8_t *p, const uint8_t *end, struct tick *t)
{
	struct bar_name name = {0};
	struct bar beyond, *bar = t->q.bars_n < BARS_MAX ? &t->q.bars[t->q.bars_n] : &beyond;

	*bar = (struct bar){0};
	if (!bar_read(w, p, end, bar, &name, &t->rejected))
		return NULL;
	if (name.len >= BAR_NAME_MAX || (name.len && memchr(name.text, 0, name.len))) {
		t->rejected++;
	} else if (name.len) {
		memcpy(bar->interval, name.text, name.len);
		bar_put(t, bar);
	}
	return end;
}

const uint8_t *bars_read(struct wire *w, const uint8_t *p, const uint8_t *end, struct tick *t)
{
	const uint8_t *sub;
	uint32_t tag;

	t->q.present |= QUOTE_MSG_OHLC;
	while (t->q.bars_n < BARS_MAX && (sub = usual_sub(p, end, 1)) &&
	       usual_bar(p + 2, sub, w->stop, &t->q.bars[t->q.bars_n])) {
		bar_put(t, &t->q.bars[t->q.bars_n]);
		p = sub;
	}
	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (p && AGNI_LIKELY(tag == WIRE_TAG(1, WIRE_LEN))) {
			p = wire_sub(w, p, end, &sub);
			if (!p || !bar_add(w, p, sub, t))
				return NULL;
			p = sub;
		} else if (p) {
			p = wire_skip(w, p, end, tag);
		}
		if (!p)
			return NULL;
	}
	return end;
}
