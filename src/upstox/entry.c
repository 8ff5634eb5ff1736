/* SPDX-License-Identifier: MIT
 *
 * entry: the decoder of one instrument's part of a message.
 *
 *     entry { key, Feed { ltpc | fullFeed { marketFF | indexFF } | firstLevelWithGreeks, mode } }
 *
 * Of the arms of a oneof the last one on the wire stays, the same arm twice merges.
 */
#include "upstox/entry.h"

#include "upstox/part.h"
#include "upstox/usual.h"

static const uint8_t *market_read(struct wire *w, const uint8_t *p, const uint8_t *end,
				  struct tick *t)
{
	struct quote *q = &t->q;
	struct marks m = {0};
	uint32_t tag, usual;

	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (!p)
			return NULL;
		switch (tag) {
		case WIRE_TAG(1, WIRE_LEN):
			p = part_read(w, p, end, t, ltpc_read);
			break;
		case WIRE_TAG(2, WIRE_LEN):
			p = part_read(w, p, end, t, level_read);
			break;
		case WIRE_TAG(3, WIRE_LEN):
			p = part_read(w, p, end, t, greeks_read);
			break;
		case WIRE_TAG(4, WIRE_LEN):
			p = part_read(w, p, end, t, bars_read);
			break;
		case WIRE_TAG(5, WIRE_FIXED64):
			usual = usual_totals(p - 1, end, w->stop, q);
			m.set |= usual;
			p = usual ? end : price_read(w, p, end, &m, QUOTE_ATP, &q->atp);
			break;
		case WIRE_TAG(6, WIRE_VARINT):
			p = int_read(w, p, end, &m, QUOTE_VTT, &q->vtt);
			break;
		case WIRE_TAG(7, WIRE_FIXED64):
			p = double_read(w, p, end, &m, QUOTE_OI, &q->oi);
			break;
		case WIRE_TAG(8, WIRE_FIXED64):
			p = double_read(w, p, end, &m, QUOTE_IV, &q->iv);
			break;
		case WIRE_TAG(9, WIRE_FIXED64):
			p = double_read(w, p, end, &m, QUOTE_TBQ, &q->tbq);
			break;
		case WIRE_TAG(10, WIRE_FIXED64):
			p = double_read(w, p, end, &m, QUOTE_TSQ, &q->tsq);
			break;
		case WIRE_TAG(11, WIRE_FIXED64):
			p = price_read(w, p, end, &m, QUOTE_IEP, &q->iep);
			break;
		case WIRE_TAG(12, WIRE_FIXED64):
			p = price_read(w, p, end, &m, QUOTE_RP, &q->rp);
			break;
		case WIRE_TAG(13, WIRE_VARINT):
			p = int_read(w, p, end, &m, QUOTE_IEQ, &q->ieq);
			break;
		case WIRE_TAG(14, WIRE_VARINT):
			p = int_read(w, p, end, &m, QUOTE_IIQ_TOTAL, &q->iiq_total);
			break;
		case WIRE_TAG(15, WIRE_VARINT):
			p = int_read(w, p, end, &m, QUOTE_IIQ_M, &q->iiq_m);
			break;
		case WIRE_TAG(16, WIRE_VARINT):
			p = flag_read(w, p, end, &m, QUOTE_CAS_ELIGIBLE, &q->cas_eligible);
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

static const uint8_t *index_read(struct wire *w, const uint8_t *p, const uint8_t *end,
				 struct tick *t)
{
	uint32_t tag;

	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (p && tag == WIRE_TAG(1, WIRE_LEN))
			p = part_read(w, p, end, t, ltpc_read);
		else if (p && tag == WIRE_TAG(2, WIRE_LEN))
			p = part_read(w, p, end, t, bars_read);
		else if (p)
			p = wire_skip(w, p, end, tag);
		if (!p)
			return NULL;
	}
	return end;
}

static const uint8_t *first_level_read(struct wire *w, const uint8_t *p, const uint8_t *end,
				       struct tick *t)
{
	struct quote *q = &t->q;
	struct marks m = {0};
	uint32_t tag;

	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (!p)
			return NULL;
		switch (tag) {
		case WIRE_TAG(1, WIRE_LEN):
			p = part_read(w, p, end, t, ltpc_read);
			break;
		case WIRE_TAG(2, WIRE_LEN):
			p = part_read(w, p, end, t, first_depth_read);
			break;
		case WIRE_TAG(3, WIRE_LEN):
			p = part_read(w, p, end, t, greeks_read);
			break;
		case WIRE_TAG(4, WIRE_VARINT):
			p = int_read(w, p, end, &m, QUOTE_VTT, &q->vtt);
			break;
		case WIRE_TAG(5, WIRE_FIXED64):
			p = double_read(w, p, end, &m, QUOTE_OI, &q->oi);
			break;
		case WIRE_TAG(6, WIRE_FIXED64):
			p = double_read(w, p, end, &m, QUOTE_IV, &q->iv);
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

/* Another arm of a oneof than the one that is there takes its place; the same one merges. */
static void arm_choose(struct quote *q, enum feed_arm arm)
{
	uint8_t mode = q->mode;

	if (q->arm == arm)
		return;
	if (q->arm != ARM_NONE) {
		quote_clear(q);
		q->mode = mode;
	}
	q->arm = (uint8_t)arm;
}

static const uint8_t *full_read(struct wire *w, const uint8_t *p, const uint8_t *end,
				struct tick *t)
{
	uint32_t tag;

	if (t->q.arm != ARM_MARKET && t->q.arm != ARM_INDEX)
		arm_choose(&t->q, ARM_NONE);
	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (p && tag == WIRE_TAG(1, WIRE_LEN)) {
			arm_choose(&t->q, ARM_MARKET);
			p = part_read(w, p, end, t, market_read);
		} else if (p && tag == WIRE_TAG(2, WIRE_LEN)) {
			arm_choose(&t->q, ARM_INDEX);
			p = part_read(w, p, end, t, index_read);
		} else if (p) {
			p = wire_skip(w, p, end, tag);
		}
		if (!p)
			return NULL;
	}
	return end;
}

static const uint8_t *feed_read(struct wire *w, const uint8_t *p, const uint8_t *end,
				struct tick *t)
{
	uint32_t tag;
	int mode;

	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (!p)
			return NULL;
		switch (tag) {
		case WIRE_TAG(1, WIRE_LEN):
			arm_choose(&t->q, ARM_LTPC);
			p = part_read(w, p, end, t, ltpc_read);
			break;
		case WIRE_TAG(2, WIRE_LEN):
			p = part_read(w, p, end, t, full_read);
			break;
		case WIRE_TAG(3, WIRE_LEN):
			arm_choose(&t->q, ARM_FIRST_LEVEL);
			p = part_read(w, p, end, t, first_level_read);
			break;
		case WIRE_TAG(4, WIRE_VARINT):
			p = wire_enum(w, p, end, &mode);
			if (p)
				t->q.mode = mode >= 0 && mode <= 255 ? (uint8_t)mode : 255;
			break;
		default:
			p = wire_skip(w, p, end, tag);
		}
		if (!p)
			return NULL;
	}
	return end;
}

const uint8_t *entry_read(struct wire *w, const uint8_t *p, const uint8_t *end, struct tick *t)
{
	uint32_t tag;

	t->key = (const char *)p;
	t->key_len = 0;
	t->rejected = 0;
	quote_clear(&t->q);
	while (p < end) {
		p = wire_tag(w, p, end, &tag);
		if (p && tag == WIRE_TAG(1, WIRE_LEN))
			p = wire_string(w, p, end, &t->key, &t->key_len);
		else if (p && tag == WIRE_TAG(2, WIRE_LEN))
			p = part_read(w, p, end, t, feed_read);
		else if (p)
			p = wire_skip(w, p, end, tag);
		if (!p)
			return NULL;
	}
	return end;
}
