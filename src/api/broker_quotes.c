/* SPDX-License-Identifier: MIT
 *
 * broker_quotes: the market quotes of the broker's REST API, out of the latest state:
 *
 *      GET /v2/market-quote/ltp, quotes, ohlc      GET /v3/market-quote/ltp, ohlc, option-greek
 *
 * ?instrument_key=a,b (the SDKs' v2 methods say symbol=). What has not ticked, is unknown or outside of
 * the caller's scope is left out. Of what the broker has not sent the value is null. The members are
 * named SEGMENT:ID, those of shares SEGMENT:SYMBOL where the instrument master knows it; programs
 * find theirs by instrument_token, as with the broker.
 */
#include "api/api_internal.h"
#include "core/bitset.h"
#include "core/ist.h"
#include "upstox/answer.h"

#define ROWS 5

/* Writes the members of one instrument's object; `bar` is that of the interval asked for, or NULL. */
typedef void member_writer(struct buf *b, const struct slot *slot, const struct bar *bar);

/* --- values ----------------------------------------------------------------------------------- */

static void put_name(struct buf *b, const char *name)
{
	buf_printf(b, ",\"%s\":", name);
}

static void put_price(struct buf *b, const char *name, const struct quote *q, uint32_t bit,
		      price_t price)
{
	put_name(b, name);
	if (q->present & bit)
		buf_price(b, price);
	else
		buf_str(b, "null");
}

static void put_int(struct buf *b, const char *name, const struct quote *q, uint32_t bit, int64_t v)
{
	put_name(b, name);
	if (q->present & bit)
		buf_i64(b, v);
	else
		buf_str(b, "null");
}

static void put_double(struct buf *b, const char *name, const struct quote *q, uint32_t bit,
		       double v)
{
	put_name(b, name);
	if (q->present & bit)
		buf_double(b, v);
	else
		buf_str(b, "null");
}

static void put_last_price(struct buf *b, const struct quote *q)
{
	put_price(b, "last_price", q, QUOTE_LTP, q->ltp);
}

static const struct bar *bar_of(const struct quote *q, const char *interval)
{
	for (unsigned i = 0; q->present & QUOTE_BARS && i < q->bars_n; i++) {
		if (strcmp(q->bars[i].interval, interval) == 0)
			return &q->bars[i];
	}
	return NULL;
}

/* {open, high, low, close} and, when asked for, {volume, ts}; null without the bar. */
static void put_bar(struct buf *b, const char *name, const struct bar *bar, bool is_long)
{
	static const char *const names[] = {"open", "high", "low", "close"};

	put_name(b, name);
	if (!bar) {
		buf_str(b, "null");
		return;
	}
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		const price_t prices[] = {bar->open, bar->high, bar->low, bar->close};

		buf_printf(b, "%s\"%s\":", i ? "," : "{", names[i]);
		if (bar->present & ((unsigned)BAR_OPEN << i))
			buf_price(b, prices[i]);
		else
			buf_str(b, "null");
	}
	if (is_long)
		buf_printf(b, ",\"volume\":%lld,\"ts\":%lld",
			   (long long)(bar->present & BAR_VOL ? bar->vol : 0),
			   (long long)(bar->present & BAR_TS ? bar->ts_ms : 0));
	buf_byte(b, '}');
}

_Static_assert(BAR_HIGH == BAR_OPEN << 1 && BAR_LOW == BAR_OPEN << 2 && BAR_CLOSE == BAR_OPEN << 3,
	       "the bits of a bar's prices are in order");

/* --- what each path shows --------------------------------------------------------------------- */

static void put_ltp_v2(struct buf *b, const struct slot *slot, const struct bar *bar)
{
	(void)bar;
	put_last_price(b, &slot->q);
}

static void put_ltp_v3(struct buf *b, const struct slot *slot, const struct bar *bar)
{
	const struct quote *q = &slot->q;

	(void)bar;
	put_last_price(b, q);
	put_int(b, "ltq", q, QUOTE_LTQ, q->ltq);
	put_int(b, "volume", q, QUOTE_VTT, q->vtt);
	put_price(b, "cp", q, QUOTE_CP, q->cp);
}

static void put_greeks(struct buf *b, const struct slot *slot, const struct bar *bar)
{
	const struct quote *q = &slot->q;

	put_ltp_v3(b, slot, bar);
	put_double(b, "iv", q, QUOTE_IV, q->iv);
	put_double(b, "vega", q, QUOTE_VEGA, q->vega);
	put_double(b, "gamma", q, QUOTE_GAMMA, q->gamma);
	put_double(b, "theta", q, QUOTE_THETA, q->theta);
	put_double(b, "delta", q, QUOTE_DELTA, q->delta);
	put_double(b, "oi", q, QUOTE_OI, q->oi);
}

static void put_ohlc_v2(struct buf *b, const struct slot *slot, const struct bar *bar)
{
	put_bar(b, "ohlc", bar, false);
	put_last_price(b, &slot->q);
}

/* The bar of a day is the one that is forming, that of minutes the last completed one. */
static void put_ohlc_v3(struct buf *b, const struct slot *slot, const struct bar *bar)
{
	bool is_day = bar && strcmp(bar->interval, "1d") == 0;

	put_last_price(b, &slot->q);
	put_bar(b, "prev_ohlc", is_day ? NULL : bar, true);
	put_bar(b, "live_ohlc", is_day ? bar : NULL, true);
}

/* Five rows, zeros where there are fewer. The feed does not tell how many orders there are. */
static void put_depth_side(struct buf *b, const char *name, const struct quote *q, bool is_buy)
{
	unsigned n = q->present & QUOTE_DEPTH ? q->depth_n : 0;

	buf_printf(b, "\"%s\":[", name);
	for (unsigned i = 0; i < ROWS; i++) {
		const struct depth_row *row = &q->depth[i];

		buf_printf(b, "%s{\"quantity\":%lld,\"price\":", i ? "," : "",
			   i < n ? (long long)(is_buy ? row->bid_qty : row->ask_qty) : 0);
		buf_price(b, i < n ? (is_buy ? row->bid : row->ask) : 0);
		buf_str(b, ",\"orders\":0}");
	}
	buf_byte(b, ']');
}

static void put_net_change(struct buf *b, const struct quote *q)
{
	put_name(b, "net_change");
	if (!(q->present & QUOTE_LTP) || !(q->present & QUOTE_CP))
		buf_str(b, "null");
	else if (price_is_exact(q->ltp) && price_is_exact(q->cp))
		buf_price(b, q->ltp - q->cp);
	else
		buf_double(b, price_to_double(q->ltp) - price_to_double(q->cp));
}

static void put_full(struct buf *b, const struct slot *slot, const struct bar *bar)
{
	const struct quote *q = &slot->q;
	char time[IST_TEXT];

	(void)bar;
	put_bar(b, "ohlc", bar_of(q, "1d"), false);
	buf_str(b, ",\"depth\":{");
	put_depth_side(b, "buy", q, true);
	buf_byte(b, ',');
	put_depth_side(b, "sell", q, false);
	buf_printf(b, "},\"timestamp\":\"%s\"", ist_format(slot->ts_ms, time));
	put_last_price(b, q);
	put_int(b, "volume", q, QUOTE_VTT, q->vtt);
	put_price(b, "average_price", q, QUOTE_ATP, q->atp);
	put_double(b, "oi", q, QUOTE_OI, q->oi);
	put_net_change(b, q);
	put_double(b, "total_buy_quantity", q, QUOTE_TBQ, q->tbq);
	put_double(b, "total_sell_quantity", q, QUOTE_TSQ, q->tsq);
	buf_str(b, ",\"lower_circuit_limit\":null,\"upper_circuit_limit\":null");
	if (q->present & QUOTE_LTT)
		buf_printf(b, ",\"last_trade_time\":\"%lld\"", (long long)q->ltt);
	else
		buf_str(b, ",\"last_trade_time\":null");
	buf_str(b, ",\"oi_day_high\":null,\"oi_day_low\":null");
}

/* --- the answer ------------------------------------------------------------------------------- */

/* One kind of answer. */
struct shape {
	member_writer *put;
	size_t most;          /* instruments of one request */
	const char *too_many; /* the broker's code for more */
	bool has_interval, has_symbol;
};

/* The request's list of keys; false: it was answered. */
static bool read_keys(struct http_request *r, const struct shape *shape, char keys[API_KEYS_BYTES])
{
	size_t n = 1;

	if ((!http_request_query(r, "instrument_key", keys, API_KEYS_BYTES) &&
	     !http_request_query(r, "symbol", keys, API_KEYS_BYTES)) ||
	    !keys[0]) {
		api_broker_error(r, 400, "UDAPI1009", "Instrument key is required");
		return false;
	}
	if (strlen(keys) == API_KEYS_BYTES - 1) { /* it may have been cut */
		api_broker_error(r, 400, shape->too_many, "Too many instruments");
		return false;
	}
	for (const char *at = keys; *at;) {
		size_t len = strcspn(at, ",");

		if (!instrument_key_is_valid(at, len)) {
			api_broker_error(r, 400, "UDAPI1011",
					 "Instrument key is of invalid format");
			return false;
		}
		at += len;
		n += *at == ',';
		at += *at == ',';
	}
	if (n <= shape->most)
		return true;
	api_broker_error(r, 400, shape->too_many, "Too many instruments");
	return false;
}

static bool read_interval(struct http_request *r, char interval[8])
{
	static const char *const known[] = {"1d", "I1", "I30"};

	if (!http_request_query(r, "interval", interval, 8)) {
		api_broker_error(r, 400, "UDAPI1027", "Interval is required");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(interval, known[i]) == 0)
			return true;
	}
	api_broker_error(r, 400, "UDAPI1028", "Interval is invalid");
	return false;
}

/* What stands for the instrument behind its segment. The broker's short names of contracts
 * ("NIFTY2543021600PE") are in no file. */
static const char *symbol_of(const struct master *m, const char *key)
{
	uint32_t row = m ? master_find(m, key, strlen(key)) : MASTER_NONE;

	if (row != MASTER_NONE && m->rows[row].type == TYPE_EQ)
		return master_text(m, m->rows[row].symbol);
	return key + instrument_segment_len(key) + 1;
}

/* "NSE_FO:45450":{"instrument_token":"NSE_FO|45450", ...} */
static void put_instrument(struct buf *b, const struct shape *shape, const struct master *m,
			   const char *key, const struct slot *slot, const struct bar *bar)
{
	size_t segment = instrument_segment_len(key);
	const char *symbol = symbol_of(m, key);
	struct buf name = {0};

	buf_append(&name, key, segment);
	buf_byte(&name, ':');
	buf_str(&name, symbol);
	buf_json_str(b, name.data, name.len);
	buf_str(b, ":{\"instrument_token\":");
	buf_json_str(b, key, strlen(key));
	if (shape->has_symbol) {
		put_name(b, "symbol");
		buf_json_str(b, symbol, strlen(symbol));
	}
	shape->put(b, slot, bar);
	buf_byte(b, '}');
	buf_fini(&name);
}

/* The feed brings days and minutes; half hours are put together from the exchange's minutes. */
static const struct bar *bar_asked(const struct api *a, inst_id id, const char *interval,
				   struct bar *made)
{
	if (strcmp(interval, "I30") == 0)
		return api_last_candle(a, id, 30, made) ? made : NULL;
	return bar_of(&book_slot(a->deps.book, id)->q, interval);
}

static void answer(struct api *a, struct http_request *r, const struct shape *shape)
{
	const struct scope *scope = api_scope(a, r);
	const struct instruments *t = &a->deps.book->instruments;
	char keys[API_KEYS_BYTES], interval[8] = "";
	struct bitset shown = {0}; /* what is named twice is one member */
	struct buf b = {0};
	size_t len;

	if (!read_keys(r, shape, keys) || (shape->has_interval && !read_interval(r, interval)))
		return;
	tape_flush(a->deps.tape); /* what is shown is on the tape */
	buf_byte(&b, '{');
	for (const char *at = keys; *at; at += len + (at[len] == ',')) {
		struct bar made;
		inst_id id;

		len = strcspn(at, ",");
		id = instruments_find(t, at, len);
		if (id == INST_NONE || !book_slot(a->deps.book, id) ||
		    !scope_permits(scope, at, len) || !bitset_add(&shown, id))
			continue;
		if (b.len > 1)
			buf_byte(&b, ',');
		put_instrument(&b, shape, refdata_master(a->deps.refdata), instruments_key(t, id),
			       book_slot(a->deps.book, id),
			       shape->has_interval ? bar_asked(a, id, interval, &made) : NULL);
		a->quotes++;
	}
	buf_byte(&b, '}');
	bitset_fini(&shown);
	api_respond(r, 200, &b);
}

void api_broker_ltp_v2(void *arg, struct http_request *r)
{
	answer(arg, r, &(struct shape){put_ltp_v2, 500, "UDAPI100043", false, false});
}

void api_broker_ltp(void *arg, struct http_request *r)
{
	answer(arg, r, &(struct shape){put_ltp_v3, 500, "UDAPI100043", false, false});
}

void api_broker_ohlc_v2(void *arg, struct http_request *r)
{
	answer(arg, r, &(struct shape){put_ohlc_v2, 500, "UDAPI100042", true, false});
}

void api_broker_ohlc(void *arg, struct http_request *r)
{
	answer(arg, r, &(struct shape){put_ohlc_v3, 500, "UDAPI100042", true, false});
}

void api_broker_greeks(void *arg, struct http_request *r)
{
	answer(arg, r, &(struct shape){put_greeks, 50, "UDAPI100042", false, false});
}

void api_broker_quotes(void *arg, struct http_request *r)
{
	answer(arg, r, &(struct shape){put_full, 500, "UDAPI100042", false, true});
}
