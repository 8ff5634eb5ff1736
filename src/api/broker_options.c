/* SPDX-License-Identifier: MIT
 *
 * broker_options: options over the broker's REST API:
 *
 *      GET /v2/option/contract?instrument_key=NSE_INDEX|Nifty 50[&expiry_date=2026-11-24]
 *      GET /v2/option/chain?instrument_key=NSE_INDEX|Nifty 50&expiry_date=2026-11-24
 *
 * Contracts are those of the instrument master that are not over. The chain has the broker's own
 * figures as they came over the feed, in the units of its REST API: iv in per cent. A side that has
 * not ticked, must not be taken for the present or is outside of the caller's scope is left out, for
 * this form has no word for any of it; so is a strike without sides. Of what the broker has not sent
 * the value is null.
 */
#include <math.h>

#include "api/api_internal.h"
#include "options/chain_leg.h"

/* What a request is about. */
struct wish {
	const struct master *m;
	const struct master_underlying *u; /* NULL: nothing is listed under it */
	day_t expiry;                      /* 0: all */
	day_t first_day;                   /* what expires before is over */
};

/* --- the request ------------------------------------------------------------------------------- */

static const struct master_underlying *underlying_of(const struct master *m, const char *key)
{
	for (uint32_t i = 0; i < m->underlyings_n; i++) {
		if (strcmp(master_text(m, m->underlyings[i].key), key) == 0)
			return &m->underlyings[i];
	}
	return NULL;
}

static bool read_key(struct http_request *r, struct wish *w)
{
	char key[INST_KEY_MAX + 2];

	if (!http_request_query(r, "instrument_key", key, sizeof(key)) || !key[0]) {
		api_broker_error(r, 400, "UDAPI1009", "Instrument key is required");
		return false;
	}
	if (!instrument_key_is_valid(key, strlen(key))) {
		api_broker_error(r, 400, "UDAPI1011", "Instrument key is of invalid format");
		return false;
	}
	w->u = underlying_of(w->m, key);
	if (w->u || master_find(w->m, key, strlen(key)) != MASTER_NONE)
		return true;
	api_broker_error(r, 400, "UDAPI100011", "Invalid Instrument key");
	return false;
}

static bool read_date(struct http_request *r, bool is_required, struct wish *w)
{
	char text[16];
	bool is_there = http_request_query(r, "expiry_date", text, sizeof(text)) && text[0];

	if (is_there ? day_parse(text, strlen(text), &w->expiry) : !is_required)
		return true;
	api_broker_error(r, 400, "UDAPI1088", "Invalid date");
	return false;
}

/* False: the request was answered. */
static bool read_wish(struct api *a, struct http_request *r, bool needs_date, struct wish *w)
{
	*w = (struct wish){.m = refdata_master(a->deps.refdata),
			   .first_day = resolve_first_day(refdata_market(a->deps.refdata).now_ms)};
	if (w->m)
		return read_key(r, w) && read_date(r, needs_date, w);
	api_broker_error(r, 503, "UDAPI100500", "The instrument master is not loaded yet");
	return false;
}

static bool is_meant(const struct wish *w, const struct master_row *row)
{
	return (row->type == TYPE_CE || row->type == TYPE_PE) && row->expiry >= w->first_day &&
	       (!w->expiry || row->expiry == w->expiry);
}

/* --- values ------------------------------------------------------------------------------------ */

static void put_name(struct buf *b, const char *name)
{
	buf_str(b, ",\"");
	buf_str(b, name);
	buf_str(b, "\":");
}

static void put_text(struct buf *b, const char *name, const char *text)
{
	put_name(b, name);
	buf_json_str(b, text, strlen(text));
}

static void put_whole(struct buf *b, const char *name, int64_t v)
{
	put_name(b, name);
	buf_i64(b, v);
}

static void put_number(struct buf *b, const char *name, double v)
{
	put_name(b, name);
	buf_double(b, v);
}

/* --- contracts --------------------------------------------------------------------------------- */

static const char *underlying_type(const char *key)
{
	size_t n = instrument_segment_len(key);

	if (instrument_is_index(key, strlen(key)))
		return "INDEX";
	if (n > 3 && memcmp(key + n - 3, "_EQ", 3) == 0)
		return "EQUITY";
	return n > 4 && memcmp(key + n - 4, "_COM", 4) == 0 ? "COM" : "CUR";
}

/* The lots of one order and of one contract are the same in all 50,000 contracts of the file. */
static void put_contract(struct buf *b, const struct master *m, const struct master_row *row)
{
	const char *key = master_text(m, row->key);
	size_t segment = instrument_segment_len(key);
	const char *underlying = master_text(m, row->underlying_key);
	char day[IST_TEXT];

	buf_str(b, "{\"name\":");
	buf_json_str(b, master_text(m, row->name), strlen(master_text(m, row->name)));
	put_name(b, "segment");
	buf_json_str(b, key, segment);
	put_name(b, "exchange");
	buf_json_str(b, key, strcspn(key, "_|"));
	put_text(b, "expiry", day_format(row->expiry, day));
	put_text(b, "instrument_key", key);
	put_text(b, "exchange_token", master_text(m, row->token));
	put_text(b, "trading_symbol", master_text(m, row->symbol));
	put_name(b, "tick_size");
	buf_price(b, (price_t)row->tick_size * 100); /* paise */
	put_whole(b, "lot_size", row->lot_size);
	put_text(b, "instrument_type", row->type == TYPE_CE ? "CE" : "PE");
	put_whole(b, "freeze_quantity", row->freeze_quantity);
	put_text(b, "underlying_key", underlying);
	put_text(b, "underlying_type", underlying_type(underlying));
	put_text(b, "underlying_symbol", master_text(m, m->underlyings[row->underlying].symbol));
	put_name(b, "strike_price");
	buf_price(b, row->strike);
	put_whole(b, "minimum_lot", row->lot_size);
	put_name(b, "weekly");
	buf_str(b, row->is_weekly ? "true}" : "false}");
}

void api_broker_option_contracts(void *arg, struct http_request *r)
{
	struct api *a = arg;
	const struct scope *scope = api_scope(a, r);
	struct buf b = {0};
	struct wish w;

	if (!read_wish(a, r, false, &w))
		return;
	buf_byte(&b, '[');
	for (uint32_t i = 0; w.u && i < w.u->n; i++) {
		const struct master_row *row = &w.m->rows[w.m->contracts[w.u->first + i]];
		const char *key = master_text(w.m, row->key);

		if (!is_meant(&w, row) || !scope_permits(scope, key, strlen(key)))
			continue;
		if (b.len > 1)
			buf_byte(&b, ',');
		put_contract(&b, w.m, row);
	}
	buf_byte(&b, ']');
	api_respond(r, 200, &b);
}

/* --- the chain --------------------------------------------------------------------------------- */

static bool permits(const void *arg, const char *key, size_t len)
{
	return scope_permits(arg, key, len);
}

static void value_price(struct buf *b, bool is_there, price_t p)
{
	if (is_there)
		buf_price(b, p);
	else
		buf_str(b, "null");
}

static void value_double(struct buf *b, bool is_there, double v)
{
	if (is_there)
		buf_double(b, v);
	else
		buf_str(b, "null");
}

static void put_price(struct buf *b, const char *name, bool is_there, price_t p)
{
	put_name(b, name);
	value_price(b, is_there, p);
}

static void put_int(struct buf *b, const char *name, bool is_there, int64_t v)
{
	put_name(b, name);
	if (is_there)
		buf_i64(b, v);
	else
		buf_str(b, "null");
}

static void put_greek(struct buf *b, const char *name, bool is_there, double v)
{
	put_name(b, name);
	value_double(b, is_there, v);
}

static void put_market(struct buf *b, const struct quote *q, const struct chain_quote *c)
{
	bool has_book = (q->present & QUOTE_DEPTH) && q->depth_n > 0;
	const struct depth_row *row = &q->depth[0];

	buf_str(b, "{\"ltp\":");
	value_price(b, q->present & QUOTE_LTP, q->ltp);
	put_int(b, "volume", q->present & QUOTE_VTT, q->vtt);
	put_int(b, "oi", c->present & CHAIN_OI, c->oi);
	put_price(b, "close_price", q->present & QUOTE_CP, q->cp);
	put_price(b, "bid_price", has_book, row->bid);
	put_int(b, "bid_qty", has_book, row->bid_qty);
	put_price(b, "ask_price", has_book, row->ask);
	put_int(b, "ask_qty", has_book, row->ask_qty);
	put_int(b, "prev_oi", c->present & CHAIN_PREV_OI, c->prev_oi);
	buf_byte(b, '}');
}

static void put_greeks(struct buf *b, const struct quote *q)
{
	buf_str(b, "{\"vega\":");
	value_double(b, q->present & QUOTE_VEGA, q->vega);
	put_greek(b, "theta", q->present & QUOTE_THETA, q->theta);
	put_greek(b, "gamma", q->present & QUOTE_GAMMA, q->gamma);
	put_greek(b, "delta", q->present & QUOTE_DELTA, q->delta);
	put_greek(b, "iv", q->present & QUOTE_IV, round(q->iv * 1e4) / 1e2); /* per cent */
	put_greek(b, "pop", false, 0);
	buf_byte(b, '}');
}

/* One strike. */
struct pair {
	const char *key[2];         /* call, put */
	const struct slot *slot[2]; /* NULL: left out */
	struct chain_quote quote[2];
};

static void put_side(struct buf *b, const struct pair *p, int side)
{
	if (!p->slot[side])
		return;
	put_name(b, side ? "put_options" : "call_options");
	buf_str(b, "{\"instrument_key\":");
	buf_json_str(b, p->key[side], strlen(p->key[side]));
	put_name(b, "market_data");
	put_market(b, &p->slot[side]->q, &p->quote[side]);
	put_name(b, "option_greeks");
	put_greeks(b, &p->slot[side]->q);
	buf_byte(b, '}');
}

/* Put over call of this strike, as the broker has it: none where no call is open. */
static void put_pcr(struct buf *b, const struct pair *p)
{
	const struct chain_quote *call = &p->quote[0], *put = &p->quote[1];

	if ((call->present & put->present & CHAIN_OI) && call->oi > 0)
		put_number(b, "pcr", round((double)put->oi / (double)call->oi * 1e4) / 1e4);
}

static void put_strike(struct buf *b, const struct wish *w, const struct pair *p, price_t strike,
		       const struct chain_quote *spot)
{
	char day[IST_TEXT];

	if (!p->slot[0] && !p->slot[1])
		return;
	buf_str(b, b->len > 1 ? ",{\"expiry\":\"" : "{\"expiry\":\"");
	buf_str(b, day_format(w->expiry, day));
	buf_byte(b, '"');
	put_pcr(b, p);
	put_price(b, "strike_price", true, strike);
	put_text(b, "underlying_key", master_text(w->m, w->u->key));
	put_greek(b, "underlying_spot_price", spot->present & CHAIN_LTP, spot->ltp);
	put_side(b, p, 0);
	put_side(b, p, 1);
	buf_byte(b, '}');
}

/* Rows of one expiry and one type stand together, by strike. */
static uint32_t first_of(const struct wish *w, enum master_type type)
{
	for (uint32_t i = 0; i < w->u->n; i++) {
		const struct master_row *row = &w->m->rows[w->m->contracts[w->u->first + i]];

		if (row->type == type && is_meant(w, row))
			return i;
	}
	return w->u->n;
}

/* The row at `at` when it is of this type and is meant, else NULL. */
static const struct master_row *row_at(const struct wish *w, enum master_type type, uint32_t at)
{
	const struct master_row *row =
		at < w->u->n ? &w->m->rows[w->m->contracts[w->u->first + at]] : NULL;

	return row && row->type == type && is_meant(w, row) ? row : NULL;
}

static void take_side(const struct chain_source *from, const struct wish *w, uint32_t at,
		      struct pair *p, int side)
{
	uint32_t row = w->m->contracts[w->u->first + at];
	struct chain_leg leg = chain_leg_of(from, row);
	uint64_t seq = 0;

	p->key[side] = master_key(w->m, row);
	p->slot[side] = chain_leg_slot(from, &leg);
	p->quote[side] = chain_leg_quote(from, &leg, &seq);
}

static void put_chain(struct buf *b, const struct chain_source *from, const struct wish *w)
{
	struct chain_leg leg = chain_leg_of(
		from, resolve_underlying_row(w->m, (uint32_t)(w->u - w->m->underlyings)));
	uint64_t seq = 0;
	struct chain_quote spot = chain_leg_quote(from, &leg, &seq);
	uint32_t call_at = first_of(w, TYPE_CE), put_at = first_of(w, TYPE_PE);

	for (;;) {
		const struct master_row *call = row_at(w, TYPE_CE, call_at);
		const struct master_row *put = row_at(w, TYPE_PE, put_at);
		struct pair p = {0};
		price_t strike;

		if (!call && !put)
			return;
		strike = !put || (call && price_cmp(call->strike, put->strike) < 0) ? call->strike
										    : put->strike;
		while ((call = row_at(w, TYPE_CE, call_at)) && call->strike == strike)
			take_side(from, w, call_at++, &p, 0);
		while ((put = row_at(w, TYPE_PE, put_at)) && put->strike == strike)
			take_side(from, w, put_at++, &p, 1);
		put_strike(b, w, &p, strike, &spot);
	}
}

void api_broker_option_chain(void *arg, struct http_request *r)
{
	struct api *a = arg;
	struct resolve_market market = refdata_market(a->deps.refdata);
	struct buf b = {0};
	struct wish w;

	if (!read_wish(a, r, true, &w))
		return;
	tape_flush(a->deps.tape); /* what is shown is on the tape */
	buf_byte(&b, '[');
	if (w.u)
		put_chain(&b,
			  &(struct chain_source){.m = w.m,
						 .market = &market,
						 .upstream = a->deps.upstream,
						 .oi = a->deps.session_oi,
						 .permits = permits,
						 .permits_arg = api_scope(a, r)},
			  &w);
	buf_byte(&b, ']');
	api_respond(r, 200, &b);
}
