/* SPDX-License-Identifier: MIT
 *
 * book: see book.h. A slot is allocated at the first tick of its instrument and never moves, so
 * subscribers may keep its address.
 */
#include "market/book.h"

#include <stdlib.h>

void book_init(struct book *b, uint32_t instruments_limit)
{
	*b = (struct book){0};
	instruments_init(&b->instruments, instruments_limit);
	list_init(&b->subscribers);
}

void book_fini(struct book *b)
{
	for (uint32_t i = 0; i < b->slots_cap; i++)
		free(b->slots[i]);
	free(b->slots);
	b->slots = NULL;
	b->slots_cap = 0;
	instruments_fini(&b->instruments);
}

static struct slot *slot_of(struct book *b, inst_id id)
{
	if (AGNI_UNLIKELY(id >= b->slots_cap)) {
		uint32_t cap = b->slots_cap ? b->slots_cap : 64;

		while (id >= cap)
			cap *= 2;
		b->slots = mem_realloc(b->slots, cap * sizeof(*b->slots));
		memset(b->slots + b->slots_cap, 0, (cap - b->slots_cap) * sizeof(*b->slots));
		b->slots_cap = cap;
	}
	if (AGNI_UNLIKELY(!b->slots[id])) {
		b->slots[id] = mem_zalloc(sizeof(struct slot));
		b->live++;
	}
	return b->slots[id];
}

static bool bar_is_equal(const struct bar *a, const struct bar *b)
{
	return strcmp(a->interval, b->interval) == 0 && a->present == b->present &&
	       a->open == b->open && a->high == b->high && a->low == b->low &&
	       a->close == b->close && a->vol == b->vol && a->ts_ms == b->ts_ms;
}

static bool bars_are_known(const struct quote *have, const struct quote *q)
{
	for (unsigned i = 0; i < q->bars_n; i++) {
		bool known = false;

		for (unsigned k = 0; k < have->bars_n && !known; k++)
			known = bar_is_equal(&have->bars[k], &q->bars[i]);
		if (!known)
			return false;
	}
	return true;
}

/* Whether every field that the tick carries is in the slot with this very value. */
static bool says_nothing_new(const struct quote *have, const struct quote *q)
{
	uint32_t p = q->present;

#define SAME(bit, field) (!(p & (bit)) || have->field == q->field)
	return !(p & ~have->present) && SAME(QUOTE_LTP, ltp) && SAME(QUOTE_LTT, ltt) &&
	       SAME(QUOTE_LTQ, ltq) && SAME(QUOTE_CP, cp) && SAME(QUOTE_VTT, vtt) &&
	       SAME(QUOTE_ATP, atp) && SAME(QUOTE_OI, oi) && SAME(QUOTE_IV, iv) &&
	       SAME(QUOTE_TBQ, tbq) && SAME(QUOTE_TSQ, tsq) && SAME(QUOTE_DELTA, delta) &&
	       SAME(QUOTE_THETA, theta) && SAME(QUOTE_GAMMA, gamma) && SAME(QUOTE_VEGA, vega) &&
	       SAME(QUOTE_RHO, rho) && SAME(QUOTE_LTPC_IEP, ltpc_iep) && SAME(QUOTE_IEP, iep) &&
	       SAME(QUOTE_RP, rp) && SAME(QUOTE_IEQ, ieq) && SAME(QUOTE_IIQ_TOTAL, iiq_total) &&
	       SAME(QUOTE_IIQ_M, iiq_m) && SAME(QUOTE_CAS_ELIGIBLE, cas_eligible) &&
	       (!(p & QUOTE_DEPTH) ||
		(have->depth_n == q->depth_n &&
		 memcmp(have->depth, q->depth, q->depth_n * sizeof(q->depth[0])) == 0)) &&
	       bars_are_known(have, q);
#undef SAME
}

/* A snapshot takes away what it does not carry: it repeats only what it equals. */
static bool takes_something_away(const struct quote *have, const struct quote *q)
{
	return have->present != q->present || have->bars_n != q->bars_n;
}

static uint32_t tick_flags(const struct slot *s, const struct quote *q, bool is_snapshot)
{
	const uint32_t fields = QUOTE_MSG_LTPC - 1;
	uint32_t both = s->q.present & q->present, flags = 0;

	if (!(q->present & fields))
		flags |= TICK_EMPTY;
	else if (s->seq && says_nothing_new(&s->q, q) &&
		 !(is_snapshot && takes_something_away(&s->q, q)))
		flags |= TICK_REPEAT;
	if ((both & QUOTE_LTT) && q->ltt < s->q.ltt)
		flags |= TICK_OLD_LTT;
	if ((both & QUOTE_VTT) && q->vtt < s->q.vtt)
		flags |= TICK_OLD_VTT;
	return flags;
}

struct slot *book_merge(struct book *b, inst_id id, const struct tick *tick,
			const struct tick_meta *meta)
{
	struct slot *s = slot_of(b, id);

	s->flags = tick_flags(s, &tick->q, meta->is_snapshot);
	b->repeats += (s->flags & TICK_REPEAT) != 0;
	b->old_ltt += (s->flags & TICK_OLD_LTT) != 0;
	b->old_vtt += (s->flags & TICK_OLD_VTT) != 0;
	b->ticks++;
	if (meta->is_snapshot) {
		s->flags |= TICK_SNAPSHOT;
		quote_replace(&s->q, &tick->q);
	} else {
		quote_merge(&s->q, &tick->q);
	}
	s->ts_ms = meta->ts_ms;
	s->recv_ms = meta->recv_ms;
	s->recv_mono = meta->recv_mono;
	b->said = &tick->q;
	return s;
}

void book_publish(struct book *b, inst_id id, struct slot *slot, uint64_t seq)
{
	AGNI_ASSERT(seq > slot->seq);
	slot->seq = seq;
	if (b->judge)
		slot->suspect = b->judge(b->judge_arg, id, slot);
	list_for_each (it, &b->subscribers) {
		struct book_subscriber *s = container_of(it, struct book_subscriber, link);

		s->on_tick(s, id, slot);
	}
	b->said = NULL;
}

void book_turn(struct book *b, int64_t market_ms)
{
	list_for_each (it, &b->subscribers) {
		struct book_subscriber *s = container_of(it, struct book_subscriber, link);

		if (s->on_turn)
			s->on_turn(s, market_ms);
	}
}

const char *suspect_text(enum suspect bit)
{
	static const char *const text[SUSPECT_BITS] = {"below_intrinsic", "spot_price", "jump",
						       "time_back",       "oi_zero",    "crossed"};

	return text[__builtin_ctz(bit)];
}

void book_subscribe(struct book *b, struct book_subscriber *s)
{
	list_append(&b->subscribers, &s->link);
}

void book_unsubscribe(struct book_subscriber *s)
{
	list_remove(&s->link);
}
