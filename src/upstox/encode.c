/* SPDX-License-Identifier: MIT
 *
 * encode: see encode.h.
 *
 * A message is built as the structures that protoc-c made of feed.proto, packed, and forgotten. The
 * structures live in an arena that is rewound, not freed, at the next begin: once it has met the
 * largest message, nothing is allocated any more. What a quote holds is copied by add, except the
 * key.
 */
#include "upstox/encode.h"

#include <stdlib.h>

#include "feed.pb-c.h"
#include "market/instrument.h"

/* ---- arena ----------------------------------------------------------------------------------- */

#define CHUNK_BYTES (64u << 10)

struct chunk {
	struct chunk *next;
	size_t used, cap;
	max_align_t bytes[];
};

struct arena {
	struct chunk *first, *at; /* chunks behind `at` are free */
};

static void *arena_take(struct arena *a, size_t size)
{
	struct chunk *c = a->at, **link = c ? &c->next : &a->first;
	void *p;

	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!c || c->cap - c->used < size) {
		if (*link && (*link)->cap >= size) {
			c = *link;
		} else {
			size_t cap = size > CHUNK_BYTES ? size : CHUNK_BYTES;

			c = mem_alloc(sizeof(*c) + cap);
			c->cap = cap;
			c->next = *link;
			*link = c;
		}
		c->used = 0;
		a->at = c;
	}
	p = (char *)c->bytes + c->used;
	c->used += size;
	return p;
}

static void arena_rewind(struct arena *a)
{
	a->at = a->first;
	if (a->at)
		a->at->used = 0;
}

static void arena_fini(struct arena *a)
{
	while (a->first) {
		struct chunk *c = a->first;

		a->first = c->next;
		free(c);
	}
	a->at = NULL;
}

/* ---- the encoder ----------------------------------------------------------------------------- */

/* A list of messages as protobuf-c wants it: an array of pointers. */
struct list {
	void **items;
	size_t n, cap;
};

struct feed_encoder {
	Agni__Feed__Response message;
	struct arena arena;
	struct list feeds, segments;
};

static void list_add(struct list *l, void *item)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->items = mem_realloc(l->items, l->cap * sizeof(*l->items));
	}
	l->items[l->n++] = item;
}

/* A new message of the arena: NEW(e, Ltpc, LTPC) is an initialised Agni__Feed__Ltpc. */
static void *message_new(struct feed_encoder *e, const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *m = arena_take(&e->arena, type->sizeof_message);

	protobuf_c_message_init(type, m);
	return m;
}

static Agni__Feed__Ltpc *ltpc_build(struct feed_encoder *e, const struct quote *q)
{
	Agni__Feed__Ltpc *m;

	if (!(q->present &
	      (QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP | QUOTE_LTPC_IEP | QUOTE_MSG_LTPC)))
		return NULL;
	m = message_new(e, &agni__feed__ltpc__descriptor);
	if (q->present & QUOTE_LTP)
		m->ltp = price_to_double(q->ltp);
	if (q->present & QUOTE_LTT)
		m->ltt = q->ltt;
	if (q->present & QUOTE_LTQ)
		m->ltq = q->ltq;
	if (q->present & QUOTE_CP)
		m->cp = price_to_double(q->cp);
	if (q->present & QUOTE_LTPC_IEP) {
		m->iep = message_new(e, &agni__feed__double_value__descriptor);
		m->iep->value = price_to_double(q->ltpc_iep);
	}
	return m;
}

static Agni__Feed__Quote *row_build(struct feed_encoder *e, const struct depth_row *row)
{
	Agni__Feed__Quote *m = message_new(e, &agni__feed__quote__descriptor);

	m->bid_qty = row->bid_qty;
	m->bid = price_to_double(row->bid);
	m->ask_qty = row->ask_qty;
	m->ask = price_to_double(row->ask);
	return m;
}

static Agni__Feed__MarketLevel *depth_build(struct feed_encoder *e, const struct quote *q,
					    unsigned levels)
{
	Agni__Feed__MarketLevel *m;
	unsigned n = q->depth_n < levels ? q->depth_n : levels;

	if (!(q->present & QUOTE_DEPTH))
		return NULL;
	m = message_new(e, &agni__feed__market_level__descriptor);
	m->rows = arena_take(&e->arena, n * sizeof(*m->rows));
	m->n_rows = n;
	for (unsigned i = 0; i < n; i++)
		m->rows[i] = row_build(e, &q->depth[i]);
	return m;
}

static Agni__Feed__OptionGreeks *greeks_build(struct feed_encoder *e, const struct quote *q)
{
	Agni__Feed__OptionGreeks *m;

	if (!(q->present & (QUOTE_GREEKS | QUOTE_MSG_GREEKS)))
		return NULL;
	m = message_new(e, &agni__feed__option_greeks__descriptor);
	if (q->present & QUOTE_DELTA)
		m->delta = q->delta;
	if (q->present & QUOTE_THETA)
		m->theta = q->theta;
	if (q->present & QUOTE_GAMMA)
		m->gamma = q->gamma;
	if (q->present & QUOTE_VEGA)
		m->vega = q->vega;
	if (q->present & QUOTE_RHO)
		m->rho = q->rho;
	return m;
}

static Agni__Feed__Bar *bar_build(struct feed_encoder *e, const struct bar *bar)
{
	Agni__Feed__Bar *m = message_new(e, &agni__feed__bar__descriptor);

	m->interval = arena_take(&e->arena, BAR_NAME_MAX);
	memcpy(m->interval, bar->interval, BAR_NAME_MAX);
	if (bar->present & BAR_OPEN)
		m->open = price_to_double(bar->open);
	if (bar->present & BAR_HIGH)
		m->high = price_to_double(bar->high);
	if (bar->present & BAR_LOW)
		m->low = price_to_double(bar->low);
	if (bar->present & BAR_CLOSE)
		m->close = price_to_double(bar->close);
	if (bar->present & BAR_VOL)
		m->vol = bar->vol;
	if (bar->present & BAR_TS)
		m->ts = bar->ts_ms;
	return m;
}

static Agni__Feed__MarketOhlc *bars_build(struct feed_encoder *e, const struct quote *q)
{
	Agni__Feed__MarketOhlc *m;
	unsigned n = q->present & QUOTE_BARS ? q->bars_n : 0;

	if (!(q->present & (QUOTE_BARS | QUOTE_MSG_OHLC)))
		return NULL;
	m = message_new(e, &agni__feed__market_ohlc__descriptor);
	m->bars = arena_take(&e->arena, n * sizeof(*m->bars));
	m->n_bars = n;
	for (unsigned i = 0; i < n; i++)
		m->bars[i] = bar_build(e, &q->bars[i]);
	return m;
}

static Agni__Feed__MarketFull *market_build(struct feed_encoder *e, const struct quote *q,
					    unsigned levels)
{
	Agni__Feed__MarketFull *m = message_new(e, &agni__feed__market_full__descriptor);
	uint32_t present = q->present;

	m->ltpc = ltpc_build(e, q);
	m->depth = depth_build(e, q, levels);
	m->greeks = greeks_build(e, q);
	m->bars = bars_build(e, q);
	m->atp = present & QUOTE_ATP ? price_to_double(q->atp) : 0;
	m->vtt = present & QUOTE_VTT ? q->vtt : 0;
	m->oi = present & QUOTE_OI ? q->oi : 0;
	m->iv = present & QUOTE_IV ? q->iv : 0;
	m->tbq = present & QUOTE_TBQ ? q->tbq : 0;
	m->tsq = present & QUOTE_TSQ ? q->tsq : 0;
	m->iep = present & QUOTE_IEP ? price_to_double(q->iep) : 0;
	m->rp = present & QUOTE_RP ? price_to_double(q->rp) : 0;
	m->ieq = present & QUOTE_IEQ ? q->ieq : 0;
	m->iiq_total = present & QUOTE_IIQ_TOTAL ? q->iiq_total : 0;
	m->iiq_m = present & QUOTE_IIQ_M ? q->iiq_m : 0;
	m->cas_eligible = present & QUOTE_CAS_ELIGIBLE ? q->cas_eligible : 0;
	return m;
}

static Agni__Feed__FullFeed *full_build(struct feed_encoder *e, const char *key,
					const struct quote *q, unsigned levels)
{
	Agni__Feed__FullFeed *m = message_new(e, &agni__feed__full_feed__descriptor);

	if (q->arm == ARM_INDEX ||
	    (q->arm != ARM_MARKET && instrument_is_index(key, strlen(key)))) {
		m->content_case = AGNI__FEED__FULL_FEED__CONTENT_INDEX;
		m->index = message_new(e, &agni__feed__index_full__descriptor);
		m->index->ltpc = ltpc_build(e, q);
		m->index->bars = bars_build(e, q);
	} else {
		m->content_case = AGNI__FEED__FULL_FEED__CONTENT_MARKET;
		m->market = market_build(e, q, levels);
	}
	return m;
}

static Agni__Feed__FirstLevel *first_level_build(struct feed_encoder *e, const struct quote *q)
{
	Agni__Feed__FirstLevel *m = message_new(e, &agni__feed__first_level__descriptor);

	m->ltpc = ltpc_build(e, q);
	if (q->present & QUOTE_DEPTH)
		m->depth = row_build(e, q->depth_n ? &q->depth[0] : &(struct depth_row){0});
	m->greeks = greeks_build(e, q);
	m->vtt = q->present & QUOTE_VTT ? q->vtt : 0;
	m->oi = q->present & QUOTE_OI ? q->oi : 0;
	m->iv = q->present & QUOTE_IV ? q->iv : 0;
	return m;
}

void feed_encoder_add(struct feed_encoder *e, const char *key, const struct quote *q,
		      enum request_mode mode)
{
	Agni__Feed__FeedEntry *entry = message_new(e, &agni__feed__feed_entry__descriptor);
	Agni__Feed__Feed *feed = message_new(e, &agni__feed__feed__descriptor);

	/* protobuf-c has no const for strings that are only read */
	memcpy(&entry->key, &key, sizeof(key));
	entry->value = feed;
	feed->mode = (Agni__Feed__Mode)mode;
	switch (mode) {
	case MODE_LTPC:
		feed->ltpc = ltpc_build(e, q);
		if (feed->ltpc)
			feed->content_case = AGNI__FEED__FEED__CONTENT_LTPC;
		break;
	case MODE_OPTION_GREEKS:
		feed->first_level = first_level_build(e, q);
		feed->content_case = AGNI__FEED__FEED__CONTENT_FIRST_LEVEL;
		break;
	case MODE_FULL_D5:
	case MODE_FULL_D30:
		feed->full = full_build(e, key, q, mode == MODE_FULL_D30 ? 30 : 5);
		feed->content_case = AGNI__FEED__FEED__CONTENT_FULL;
		break;
	}
	list_add(&e->feeds, entry);
}

void feed_encoder_add_status(struct feed_encoder *e, const char *segment, enum market_status status)
{
	Agni__Feed__SegmentEntry *entry = message_new(e, &agni__feed__segment_entry__descriptor);
	size_t size = strlen(segment) + 1;

	entry->key = arena_take(&e->arena, size);
	memcpy(entry->key, segment, size);
	entry->value = (Agni__Feed__MarketStatus)status;
	entry->given_case = AGNI__FEED__SEGMENT_ENTRY__GIVEN_VALUE;
	list_add(&e->segments, entry);
}

struct feed_encoder *feed_encoder_create(void)
{
	struct feed_encoder *e = mem_zalloc(sizeof(*e));

	feed_encoder_begin(e, FEED_INITIAL, 0);
	return e;
}

void feed_encoder_destroy(struct feed_encoder *e)
{
	if (!e)
		return;
	arena_fini(&e->arena);
	free(e->feeds.items);
	free(e->segments.items);
	free(e);
}

void feed_encoder_begin(struct feed_encoder *e, enum feed_type type, int64_t current_ts)
{
	arena_rewind(&e->arena);
	e->feeds.n = e->segments.n = 0;
	agni__feed__response__init(&e->message);
	e->message.type = (Agni__Feed__Type)type;
	e->message.current_ts = current_ts;
}

uint32_t feed_encoder_count(const struct feed_encoder *e)
{
	return (uint32_t)(e->feeds.n + e->segments.n);
}

void feed_encoder_end(struct feed_encoder *e, struct buf *out)
{
	Agni__Feed__MarketInfo info = AGNI__FEED__MARKET_INFO__INIT;
	size_t size;

	e->message.feeds = (Agni__Feed__FeedEntry **)e->feeds.items;
	e->message.n_feeds = e->feeds.n;
	if (e->segments.n) {
		info.segments = (Agni__Feed__SegmentEntry **)e->segments.items;
		info.n_segments = e->segments.n;
		e->message.market_info = &info;
	}
	size = protobuf_c_message_get_packed_size(&e->message.base);
	if (size) { /* an empty snapshot is no bytes */
		protobuf_c_message_pack(&e->message.base, (uint8_t *)buf_reserve(out, size));
		out->len += size;
	}
	e->message.market_info = NULL;
}
