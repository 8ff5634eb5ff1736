/* SPDX-License-Identifier: MIT
 *
 * chain_leg: see chain_leg.h.
 */
#include "options/chain_leg.h"

#include <string.h>

struct chain_leg chain_leg_of(const struct chain_source *s, uint32_t row)
{
	const struct book *book = s->market->book;
	struct chain_leg leg = {.row = MASTER_NONE, .id = INST_NONE};
	const char *key;
	size_t len;

	if (row == MASTER_NONE)
		return leg;
	key = master_key(s->m, row);
	len = strlen(key);
	if (s->permits && !s->permits(s->permits_arg, key, len))
		return leg;
	leg.row = row;
	leg.id = instruments_find(&book->instruments, key, len);
	if (leg.id != INST_NONE && !book_slot(book, leg.id))
		leg.id = INST_NONE;
	leg.prev_source = s->oi ? session_oi_previous(s->oi, key, len, &leg.prev_oi) : PREV_OI_NONE;
	leg.is_stale = leg.id != INST_NONE && s->upstream &&
		       s->upstream->is_stale(s->upstream->arg, leg.id);
	return leg;
}

const struct slot *chain_leg_slot(const struct chain_source *s, const struct chain_leg *leg)
{
	const struct slot *slot =
		leg->id == INST_NONE || leg->is_stale ? NULL : book_slot(s->market->book, leg->id);

	return slot && !slot->suspect ? slot : NULL;
}

static void take_price(struct chain_quote *out, enum chain_present bit, double *field, price_t p)
{
	*field = price_to_double(p);
	if (*field > 0)
		out->present |= bit;
	else
		*field = 0;
}

static int64_t take_count(double v)
{
	return v > 0 && v < 9e15 ? (int64_t)v : 0;
}

struct chain_quote chain_leg_quote(const struct chain_source *s, const struct chain_leg *leg,
				   uint64_t *seq)
{
	const struct slot *slot = chain_leg_slot(s, leg);
	struct chain_quote out = {0};
	const struct quote *q;

	if (!slot)
		return out;
	q = &slot->q;
	if (leg->prev_source != PREV_OI_NONE) {
		out.prev_oi = leg->prev_oi;
		out.present |= CHAIN_PREV_OI;
	}
	if (q->present & QUOTE_LTP)
		take_price(&out, CHAIN_LTP, &out.ltp, q->ltp);
	if ((q->present & QUOTE_DEPTH) && q->depth_n) {
		take_price(&out, CHAIN_BID, &out.bid, q->depth[0].bid);
		take_price(&out, CHAIN_ASK, &out.ask, q->depth[0].ask);
	}
	if (q->present & QUOTE_OI) {
		out.oi = take_count(q->oi);
		out.present |= CHAIN_OI;
	}
	if (q->present & QUOTE_VTT) {
		out.volume = q->vtt;
		out.present |= CHAIN_VOLUME;
	}
	if (slot->seq > *seq)
		*seq = slot->seq;
	return out;
}
