/* SPDX-License-Identifier: MIT
 *
 * chain_json: see chain_json.h.
 */
#include "options/chain_json.h"

#include <math.h>

#include "market/quote_json.h"

/* Digits that a figure of a model is worth, and gamma, which is small. */
#define MODEL_DIGITS 6
#define GAMMA_DIGITS 9

/* Rounded to so many decimals. What buf_double would find by trial is known here: five times as fast. */
static void put_rounded(struct buf *b, double v, int digits)
{
	int64_t scale = 1, k, rest;

	for (int i = 0; i < digits; i++)
		scale *= 10;
	if (!(fabs(v) < 1e9)) {
		buf_double(b, round(v));
		return;
	}
	k = llround(v * (double)scale);
	if (k < 0) {
		buf_byte(b, '-');
		k = -k;
	}
	buf_i64(b, k / scale);
	rest = k % scale;
	if (rest == 0)
		return;
	buf_byte(b, '.');
	while (rest) {
		scale /= 10;
		buf_byte(b, (char)('0' + rest / scale));
		rest %= scale;
	}
}

static void put_name(struct buf *b, const char *name)
{
	buf_str(b, ",\"");
	buf_str(b, name);
	buf_str(b, "\":");
}

static void put_model(struct buf *b, const char *name, double v)
{
	put_name(b, name);
	put_rounded(b, v, MODEL_DIGITS);
}

/* As it came: a price is nearly always a whole number of 1/10000 rupee. */
static void put_price(struct buf *b, double v)
{
	price_t p;

	if (price_from_double(v, &p))
		buf_price(b, p);
	else
		buf_double(b, v);
}

static void put_number(struct buf *b, const char *name, double v)
{
	put_name(b, name);
	put_price(b, v);
}

static void put_count(struct buf *b, const char *name, int64_t v)
{
	put_name(b, name);
	buf_i64(b, v);
}

/* Whole ones: these sums are in crores. */
static void put_rupees(struct buf *b, const char *name, double v)
{
	put_name(b, name);
	put_rounded(b, v, 0);
}

/* --- one contract ------------------------------------------------------------------------------ */

static void put_quote(struct buf *b, const struct chain_quote *q)
{
	if (q->present & CHAIN_LTP)
		put_number(b, "ltp", q->ltp);
	if (q->present & CHAIN_BID)
		put_number(b, "bid", q->bid);
	if (q->present & CHAIN_ASK)
		put_number(b, "ask", q->ask);
	if (q->present & CHAIN_OI)
		put_count(b, "oi", q->oi);
	if (q->present & CHAIN_VOLUME)
		put_count(b, "volume", q->volume);
}

/* Beside the open interest that it is to be compared with, and who says so. */
static void put_previous(struct buf *b, const struct chain_leg *leg)
{
	if (leg->prev_source == PREV_OI_NONE)
		return;
	put_count(b, "prev_oi", leg->prev_oi);
	put_name(b, "prev_oi_source");
	buf_byte(b, '"');
	buf_str(b, prev_oi_source_text(leg->prev_source));
	buf_byte(b, '"');
}

static void put_greeks(struct buf *b, const struct chain_cell *c)
{
	put_model(b, "delta", c->at.delta);
	put_name(b, "gamma");
	put_rounded(b, c->at.gamma, GAMMA_DIGITS);
	put_model(b, "theta", c->at.theta);
	put_model(b, "vega", c->at.vega);
	put_model(b, "rho", c->at.rho);
	if (c->is_lent)
		buf_str(b, ",\"greeks_of_other_side\":true");
}

static void put_cell(struct buf *b, const struct chain_cell *c)
{
	static const char *const moneyness[] = {",\"moneyness\":\"ITM\"", ",\"moneyness\":\"ATM\"",
						",\"moneyness\":\"OTM\""};

	if (c->has & CELL_PRICE) {
		put_model(b, "price", c->price);
		buf_str(b, c->is_mid ? ",\"price_of\":\"mid\"" : ",\"price_of\":\"ltp\"");
	}
	if (c->has & CELL_IV)
		put_model(b, "iv", c->at.sigma);
	if (c->has & CELL_GREEKS)
		put_greeks(b, c);
	if (c->has & CELL_VALUES) {
		buf_str(b, moneyness[c->moneyness]);
		put_model(b, "intrinsic", c->intrinsic);
		if (c->has & CELL_PRICE)
			put_model(b, "time_value", c->time_value);
	}
	if (c->has & CELL_OI_CHANGE)
		put_count(b, "oi_change", c->oi_change);
	if (c->has & CELL_GEX)
		put_rupees(b, "gex", c->gex);
}

static void put_broker(struct buf *b, const struct quote *q)
{
	static const struct {
		uint32_t bit;
		const char *name;
		size_t at;
	} fields[] = {
		{QUOTE_IV, "iv", offsetof(struct quote, iv)},
		{QUOTE_DELTA, "delta", offsetof(struct quote, delta)},
		{QUOTE_GAMMA, "gamma", offsetof(struct quote, gamma)},
		{QUOTE_THETA, "theta", offsetof(struct quote, theta)},
		{QUOTE_VEGA, "vega", offsetof(struct quote, vega)},
		{QUOTE_RHO, "rho", offsetof(struct quote, rho)},
	};
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		double v;

		if (!(q->present & fields[i].bit))
			continue;
		memcpy(&v, (const char *)q + fields[i].at, sizeof(v));
		buf_printf(b, "%s\"%s\":", first ? ",\"broker\":{" : ",", fields[i].name);
		buf_double(b, v);
		first = false;
	}
	if (!first)
		buf_byte(b, '}');
}

static void put_leg(struct buf *b, const struct chain_source *s, const struct chain_leg *leg,
		    const struct chain_quote *q, const struct chain_cell *cell)
{
	const char *key = master_key(s->m, leg->row);
	int64_t now_ms = s->market->now_ms;
	const struct slot *slot;

	buf_str(b, "{\"key\":");
	buf_json_str(b, key, strlen(key));
	if (leg->id != INST_NONE) {
		slot = book_slot(s->market->book, leg->id);
		put_count(b, "age_ms", now_ms > slot->ts_ms ? now_ms - slot->ts_ms : 0);
		if (leg->is_stale)
			buf_str(b, ",\"stale\":true");
		else if (slot->suspect)
			quote_suspect_json(b, slot->suspect);
		else
			put_broker(b, &slot->q);
	}
	put_quote(b, q);
	put_previous(b, leg);
	if (cell)
		put_cell(b, cell);
	buf_byte(b, '}');
}

/* --- the whole ---------------------------------------------------------------------------------- */

static void put_forward(struct buf *b, const struct chain_forward *f)
{
	static const char *const sources[] = {"none", "future", "parity", "spot"};

	if (f->source == FORWARD_NONE)
		return;
	buf_printf(b, ",\"forward\":{\"source\":\"%s\"", sources[f->source]);
	put_model(b, "level", f->level);
	if (f->source == FORWARD_PARITY) {
		put_model(b, "spread", f->spread);
		put_count(b, "strikes", f->strikes);
	}
	buf_byte(b, '}');
}

/* A sum, and of how many contracts it is; of none it is none. */
static void put_sum(struct buf *b, const char *name, int64_t sum, int contracts)
{
	if (contracts == 0)
		return;
	put_count(b, name, sum);
	buf_printf(b, ",\"%s_contracts\":%d", name, contracts);
}

static void put_side(struct buf *b, const struct chain_view *v, int side)
{
	const struct chain_totals *t = &v->summary.totals;
	int listed = 0;

	for (int i = 0; i < v->in.n; i++)
		listed += v->legs[i][side].row != MASTER_NONE;
	buf_printf(b, ",\"%s_totals\":{\"contracts\":%d", side == OPTION_CALL ? "call" : "put",
		   listed);
	put_sum(b, "oi", t->oi[side], t->ois[side]);
	put_sum(b, "volume", t->volume[side], t->volumes[side]);
	put_sum(b, "oi_change", t->oi_change[side], t->changes[side]);
	buf_byte(b, '}');
}

static void put_totals(struct buf *b, const struct chain_view *v)
{
	const struct chain_totals *t = &v->summary.totals;

	put_side(b, v, OPTION_CALL);
	put_side(b, v, OPTION_PUT);
	if (t->has & TOTALS_PCR_OI)
		put_model(b, "pcr_oi", t->pcr_oi);
	if (t->has & TOTALS_PCR_VOLUME)
		put_model(b, "pcr_volume", t->pcr_volume);
}

static void put_smile(struct buf *b, const struct chain_smile *s)
{
	if (!(s->has & SMILE_ATM))
		return;
	buf_str(b, ",\"smile\":{\"atm_iv\":");
	put_rounded(b, s->atm_iv, MODEL_DIGITS);
	if (s->has & SMILE_SLOPE) {
		put_model(b, "slope", s->slope);
		put_model(b, "curvature", s->curvature);
	}
	if (s->has & SMILE_WINGS) {
		put_model(b, "call_25", s->call_25);
		put_model(b, "put_25", s->put_25);
		put_model(b, "risk_reversal", s->risk_reversal);
		put_model(b, "butterfly", s->butterfly);
	}
	buf_byte(b, '}');
}

static void put_gex(struct buf *b, const struct chain_view *v)
{
	const struct chain_summary *s = &v->summary;

	if (s->gexes[OPTION_CALL])
		put_rupees(b, "gex_call", s->gex[OPTION_CALL]);
	if (s->gexes[OPTION_PUT])
		put_rupees(b, "gex_put", s->gex[OPTION_PUT]);
	if (s->has & SUMMARY_GEX)
		put_rupees(b, "gex_net", s->gex_net);
	if (s->gex_peak != CHAIN_NONE)
		put_number(b, "gex_peak", v->strikes[s->gex_peak].strike);
}

static void put_summary(struct buf *b, const struct chain_view *v)
{
	const struct chain_summary *s = &v->summary;

	put_forward(b, &s->forward);
	if (s->atm != CHAIN_NONE)
		put_number(b, "atm", v->strikes[s->atm].strike);
	if (s->max_pain != CHAIN_NONE)
		put_number(b, "max_pain", v->strikes[s->max_pain].strike);
	put_totals(b, v);
	if (s->has & SUMMARY_STRADDLE) {
		put_model(b, "straddle", s->straddle);
		put_model(b, "move_fraction", s->move_fraction);
	}
	if (s->has & SUMMARY_SIGMA)
		put_model(b, "sigma_move", s->sigma_move);
	put_smile(b, &s->smile);
	put_gex(b, v);
}

static void put_head(struct buf *b, const struct chain_view *v, const struct master *m)
{
	const char *symbol = master_text(m, m->underlyings[v->underlying].symbol);
	char day[IST_TEXT];

	buf_str(b, "{\"underlying\":");
	buf_json_str(b, symbol, strlen(symbol));
	buf_printf(b, ",\"expiry\":\"%s\",\"expiry_ms\":%lld", day_format(v->expiry, day),
		   (long long)v->expiry_ms);
	put_model(b, "days", v->in.t * 365);
	put_count(b, "ts_ms", v->now_ms);
	if (v->seq)
		put_count(b, "seq", (int64_t)v->seq);
	if (v->prev_session)
		buf_printf(b, ",\"previous_session\":\"%s\"", day_format(v->prev_session, day));
}

void chain_json(struct buf *out, const struct chain_view *v, const struct chain_source *s)
{
	static const char *const sides[] = {[OPTION_CALL] = "call", [OPTION_PUT] = "put"};
	const struct chain_quote spot = {.present = v->in.spot > 0 ? CHAIN_LTP : 0,
					 .ltp = v->in.spot};

	put_head(out, v, s->m);
	if (v->spot.row != MASTER_NONE) {
		buf_str(out, ",\"spot\":");
		put_leg(out, s, &v->spot, &spot, NULL);
	}
	if (v->future.row != MASTER_NONE) {
		buf_str(out, ",\"future\":");
		put_leg(out, s, &v->future, &v->in.future, NULL);
	}
	put_summary(out, v);
	buf_str(out, ",\"strikes\":[");
	for (int i = 0; i < v->in.n; i++) {
		buf_str(out, i ? ",\n{\"strike\":" : "\n{\"strike\":");
		put_price(out, v->strikes[i].strike);
		for (int side = 0; side < 2; side++) {
			if (v->legs[i][side].row == MASTER_NONE)
				continue;
			put_name(out, sides[side]);
			put_leg(out, s, &v->legs[i][side], &v->strikes[i].side[side],
				&v->cells[i][side]);
		}
		buf_byte(out, '}');
	}
	buf_str(out, "\n]}");
}
