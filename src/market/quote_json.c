/* SPDX-License-Identifier: MIT
 *
 * quote_json: see quote_json.h. Written by hand, member by member: this is the most often printed
 * text of the server, and a tick is printed once per mode for all its readers.
 */
#include "market/quote_json.h"

#include <math.h>

static const char *const mode_names[VIEW_MODES] = {"ltpc", "option_greeks", "full"};

bool view_mode_parse(const char *text, enum view_mode *out)
{
	for (int i = 0; i < VIEW_MODES; i++) {
		if (strcmp(text, mode_names[i]) == 0) {
			*out = (enum view_mode)i;
			return true;
		}
	}
	return false;
}

const char *view_mode_text(enum view_mode m)
{
	return mode_names[m];
}

#define LITERAL(b, text) buf_append((b), "" text, sizeof(text) - 1)

static void put_price(struct buf *b, const char *name, size_t len, price_t p)
{
	buf_append(b, name, len);
	buf_price(b, p);
}

static void put_i64(struct buf *b, const char *name, size_t len, int64_t v)
{
	buf_append(b, name, len);
	buf_i64(b, v);
}

static void put_double(struct buf *b, const char *name, size_t len, double v)
{
	buf_append(b, name, len);
	buf_double(b, v);
}

/* `,"name":` as bytes and their count. */
#define NAME(n) ",\"" n "\":", sizeof(",\"" n "\":") - 1

/* Against the previous session's close; exact when both are multiples of 1/10000 rupee. */
static void put_change(struct buf *b, const struct quote *q)
{
	double cp = price_to_double(q->cp), diff = price_to_double(q->ltp) - cp;
	price_t p;

	if (price_is_exact(q->ltp) && price_is_exact(q->cp))
		put_price(b, NAME("change"), q->ltp - q->cp);
	else
		put_double(b, NAME("change"), diff);
	if (price_from_double(round(diff / cp * 100.0 * PRICE_SCALE) / PRICE_SCALE, &p))
		put_price(b, NAME("change_pct"), p);
}

static void put_ltpc(struct buf *b, const struct quote *q)
{
	uint32_t p = q->present;

	if (p & QUOTE_LTP)
		put_price(b, NAME("ltp"), q->ltp);
	if (p & QUOTE_LTQ)
		put_i64(b, NAME("ltq"), q->ltq);
	if (p & QUOTE_LTT)
		put_i64(b, NAME("ltt"), q->ltt);
	if (p & QUOTE_CP)
		put_price(b, NAME("cp"), q->cp);
	if ((p & QUOTE_LTP) && (p & QUOTE_CP) && q->cp != 0)
		put_change(b, q);
	if (p & QUOTE_LTPC_IEP)
		put_price(b, NAME("iep"), q->ltpc_iep);
}

static void put_greeks(struct buf *b, const struct quote *q)
{
	uint32_t p = q->present;

	if (p & QUOTE_VTT)
		put_i64(b, NAME("vtt"), q->vtt);
	if (p & QUOTE_OI)
		put_double(b, NAME("oi"), q->oi);
	if (p & QUOTE_IV)
		put_double(b, NAME("iv"), q->iv);
	if (p & QUOTE_DELTA)
		put_double(b, NAME("delta"), q->delta);
	if (p & QUOTE_GAMMA)
		put_double(b, NAME("gamma"), q->gamma);
	if (p & QUOTE_THETA)
		put_double(b, NAME("theta"), q->theta);
	if (p & QUOTE_VEGA)
		put_double(b, NAME("vega"), q->vega);
	if (p & QUOTE_RHO)
		put_double(b, NAME("rho"), q->rho);
}

static void put_depth(struct buf *b, const struct quote *q, unsigned levels)
{
	LITERAL(b, ",\"depth\":[");
	for (unsigned i = 0; i < q->depth_n && i < levels; i++) {
		const struct depth_row *row = &q->depth[i];

		if (i)
			buf_byte(b, ',');
		buf_byte(b, '[');
		buf_i64(b, row->bid_qty);
		buf_byte(b, ',');
		buf_price(b, row->bid);
		buf_byte(b, ',');
		buf_price(b, row->ask);
		buf_byte(b, ',');
		buf_i64(b, row->ask_qty);
		buf_byte(b, ']');
	}
	buf_byte(b, ']');
}

static void put_bar(struct buf *b, const struct bar *bar)
{
	size_t start;

	buf_json_str(b, bar->interval, strlen(bar->interval));
	LITERAL(b, ":{");
	start = b->len;
	if (bar->present & BAR_OPEN)
		put_price(b, NAME("open"), bar->open);
	if (bar->present & BAR_HIGH)
		put_price(b, NAME("high"), bar->high);
	if (bar->present & BAR_LOW)
		put_price(b, NAME("low"), bar->low);
	if (bar->present & BAR_CLOSE)
		put_price(b, NAME("close"), bar->close);
	if (bar->present & BAR_VOL)
		put_i64(b, NAME("vol"), bar->vol);
	if (bar->present & BAR_TS)
		put_i64(b, NAME("ts"), bar->ts_ms);
	if (b->len > start) {
		/* Every member came with a comma in front; the first one goes. */
		memmove(b->data + start, b->data + start + 1, b->len - start - 1);
		b->len--;
	}
	buf_byte(b, '}');
}

static void put_full(struct buf *b, const struct quote *q)
{
	uint32_t p = q->present;

	if (p & QUOTE_ATP)
		put_price(b, NAME("atp"), q->atp);
	if (p & QUOTE_TBQ)
		put_double(b, NAME("tbq"), q->tbq);
	if (p & QUOTE_TSQ)
		put_double(b, NAME("tsq"), q->tsq);
	if ((p & QUOTE_IEP) && !(p & QUOTE_LTPC_IEP))
		put_price(b, NAME("iep"), q->iep);
	if (p & QUOTE_RP)
		put_price(b, NAME("rp"), q->rp);
	if (p & QUOTE_IEQ)
		put_i64(b, NAME("ieq"), q->ieq);
	if (p & QUOTE_IIQ_TOTAL)
		put_i64(b, NAME("iiq_total"), q->iiq_total);
	if (p & QUOTE_IIQ_M)
		put_i64(b, NAME("iiq_m"), q->iiq_m);
	if (p & QUOTE_CAS_ELIGIBLE)
		LITERAL(b, ",\"cas_eligible\":true");
	if (p & QUOTE_DEPTH)
		put_depth(b, q, DEPTH_MAX);
	if (q->bars_n) {
		LITERAL(b, ",\"ohlc\":{");
		for (unsigned i = 0; i < q->bars_n; i++) {
			if (i)
				buf_byte(b, ',');
			put_bar(b, &q->bars[i]);
		}
		buf_byte(b, '}');
	}
}

void quote_suspect_json(struct buf *b, unsigned suspect)
{
	LITERAL(b, ",\"suspect\":[");
	for (unsigned bits = suspect; bits; bits &= bits - 1) {
		if (bits != suspect)
			buf_byte(b, ',');
		buf_printf(b, "\"%s\"", suspect_text((enum suspect)(bits & -bits)));
	}
	buf_byte(b, ']');
}

/* Everything but the closing brace. */
static void put_open(struct buf *b, const char *key, const struct slot *slot, enum view_mode mode)
{
	const struct quote *q = &slot->q;

	LITERAL(b, "{\"key\":");
	buf_json_str(b, key, strlen(key));
	put_i64(b, NAME("seq"), (int64_t)slot->seq);
	put_i64(b, NAME("ts_ms"), slot->ts_ms);
	put_i64(b, NAME("recv_ms"), slot->recv_ms);
	if (AGNI_UNLIKELY(slot->suspect))
		quote_suspect_json(b, slot->suspect);
	put_ltpc(b, q);
	if (mode >= VIEW_OPTION_GREEKS)
		put_greeks(b, q);
	if (mode == VIEW_OPTION_GREEKS && (q->present & QUOTE_DEPTH))
		put_depth(b, q, 1);
	if (mode == VIEW_FULL)
		put_full(b, q);
}

void quote_json(struct buf *out, const char *key, const struct slot *slot, enum view_mode mode)
{
	put_open(out, key, slot, mode);
	buf_byte(out, '}');
}

void quote_json_aged(struct buf *out, const char *key, const struct slot *slot, int64_t age_ms,
		     bool is_stale)
{
	put_open(out, key, slot, VIEW_FULL);
	put_i64(out, NAME("age_ms"), age_ms < 0 ? 0 : age_ms);
	buf_str(out, is_stale ? ",\"stale\":true}" : ",\"stale\":false}");
}
