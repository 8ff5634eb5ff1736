/* SPDX-License-Identifier: MIT
 *
 * quote_json: see quote_json.h. Written by hand, member by member: this is the most often printed
 * text of the server, and a tick is printed once per mode for all its readers. The members go to a
 * place on the stack that has room for all that a quote can say, so that nobody asks for room per
 * number, and from there at their real size to the buffer. Here `at` is where the text goes on.
 */
#include "market/quote_json.h"

#include <math.h>

#include "core/digits.h"

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

/* More than all members can take: 30 levels of depth with 4 numbers of DIGITS_MAX, 4 bars of 6,
 * about 40 other numbers with their names, and the names of what is suspect. */
#define MEMBERS_MAX 8192
#define DEPTH_TEXT  (DEPTH_MAX * (4 * (DIGITS_MAX + 1) + 2))
#define BARS_TEXT   (BARS_MAX * (6 * BAR_NAME_MAX + 8 + 6 * (DIGITS_MAX + 9)))
_Static_assert(DEPTH_TEXT + BARS_TEXT + 40 * (DIGITS_MAX + 16) + 512 < MEMBERS_MAX,
	       "a quote may be longer than its place");

#define TEXT(at, text)  ((char *)memcpy((at), "" text, sizeof(text) - 1) + sizeof(text) - 1)
#define NAME(at, name)  TEXT((at), ",\"" name "\":")
#define PRICE(name, v)  (at = put_price(NAME(at, name), (v)))
#define I64(name, v)    (at = digits_i64(NAME(at, name), (v)))
#define DOUBLE(name, v) (at = digits_double(NAME(at, name), (v)))

static char *put_price(char *at, price_t p)
{
	return AGNI_LIKELY(price_is_exact(p)) ? digits_scaled4(at, p)
					      : digits_double(at, price_to_double(p));
}

/* Against the previous session's close; exact when both are multiples of 1/10000 rupee. */
static char *put_change(char *at, const struct quote *q)
{
	double cp = price_to_double(q->cp), diff = price_to_double(q->ltp) - cp;
	price_t p;

	if (price_is_exact(q->ltp) && price_is_exact(q->cp))
		PRICE("change", q->ltp - q->cp);
	else
		DOUBLE("change", diff);
	if (price_from_double(round(diff / cp * 100.0 * PRICE_SCALE) / PRICE_SCALE, &p))
		PRICE("change_pct", p);
	return at;
}

static char *put_ltpc(char *at, const struct quote *q)
{
	uint32_t p = q->present;

	if (p & QUOTE_LTP)
		PRICE("ltp", q->ltp);
	if (p & QUOTE_LTQ)
		I64("ltq", q->ltq);
	if (p & QUOTE_LTT)
		I64("ltt", q->ltt);
	if (p & QUOTE_CP)
		PRICE("cp", q->cp);
	if ((p & QUOTE_LTP) && (p & QUOTE_CP) && q->cp != 0)
		at = put_change(at, q);
	if (p & QUOTE_LTPC_IEP)
		PRICE("iep", q->ltpc_iep);
	return at;
}

static char *put_greeks(char *at, const struct quote *q)
{
	uint32_t p = q->present;

	if (p & QUOTE_VTT)
		I64("vtt", q->vtt);
	if (p & QUOTE_OI)
		DOUBLE("oi", q->oi);
	if (p & QUOTE_IV)
		DOUBLE("iv", q->iv);
	if (p & QUOTE_DELTA)
		DOUBLE("delta", q->delta);
	if (p & QUOTE_GAMMA)
		DOUBLE("gamma", q->gamma);
	if (p & QUOTE_THETA)
		DOUBLE("theta", q->theta);
	if (p & QUOTE_VEGA)
		DOUBLE("vega", q->vega);
	if (p & QUOTE_RHO)
		DOUBLE("rho", q->rho);
	return at;
}

static char *put_depth(char *at, const struct quote *q, unsigned levels)
{
	at = TEXT(at, ",\"depth\":[");
	for (unsigned i = 0; i < q->depth_n && i < levels; i++) {
		const struct depth_row *row = &q->depth[i];

		*at = ',';
		at += i != 0;
		*at++ = '[';
		at = digits_i64(at, row->bid_qty);
		*at++ = ',';
		at = put_price(at, row->bid);
		*at++ = ',';
		at = put_price(at, row->ask);
		*at++ = ',';
		at = digits_i64(at, row->ask_qty);
		*at++ = ']';
	}
	*at++ = ']';
	return at;
}

/* A string of at most BAR_NAME_MAX bytes, whatever they are. */
static char *put_interval(char *at, const char *name)
{
	struct buf b = {.data = at, .cap = 6 * BAR_NAME_MAX + 2};

	buf_json_str(&b, name, strnlen(name, BAR_NAME_MAX));
	return at + b.len;
}

static char *put_bar(char *at, const struct bar *bar)
{
	char *start;

	at = TEXT(put_interval(at, bar->interval), ":{");
	/* Every member comes with a comma in front; the first one falls on the brace. */
	start = at--;
	if (bar->present & BAR_OPEN)
		PRICE("open", bar->open);
	if (bar->present & BAR_HIGH)
		PRICE("high", bar->high);
	if (bar->present & BAR_LOW)
		PRICE("low", bar->low);
	if (bar->present & BAR_CLOSE)
		PRICE("close", bar->close);
	if (bar->present & BAR_VOL)
		I64("vol", bar->vol);
	if (bar->present & BAR_TS)
		I64("ts", bar->ts_ms);
	if (at < start)
		at = start;
	start[-1] = '{';
	*at++ = '}';
	return at;
}

static char *put_bars(char *at, const struct quote *q)
{
	at = TEXT(at, ",\"ohlc\":{");
	for (unsigned i = 0; i < q->bars_n && i < BARS_MAX; i++) {
		*at = ',';
		at = put_bar(at + (i != 0), &q->bars[i]);
	}
	*at++ = '}';
	return at;
}

static char *put_full(char *at, const struct quote *q)
{
	uint32_t p = q->present;

	if (p & QUOTE_ATP)
		PRICE("atp", q->atp);
	if (p & QUOTE_TBQ)
		DOUBLE("tbq", q->tbq);
	if (p & QUOTE_TSQ)
		DOUBLE("tsq", q->tsq);
	if ((p & QUOTE_IEP) && !(p & QUOTE_LTPC_IEP))
		PRICE("iep", q->iep);
	if (p & QUOTE_RP)
		PRICE("rp", q->rp);
	if (p & QUOTE_IEQ)
		I64("ieq", q->ieq);
	if (p & QUOTE_IIQ_TOTAL)
		I64("iiq_total", q->iiq_total);
	if (p & QUOTE_IIQ_M)
		I64("iiq_m", q->iiq_m);
	if (p & QUOTE_CAS_ELIGIBLE)
		at = TEXT(at, ",\"cas_eligible\":true");
	if (p & QUOTE_DEPTH)
		at = put_depth(at, q, DEPTH_MAX);
	return q->bars_n ? put_bars(at, q) : at;
}

void quote_suspect_json(struct buf *b, unsigned suspect)
{
	buf_str(b, ",\"suspect\":[");
	for (unsigned bits = suspect; bits; bits &= bits - 1) {
		if (bits != suspect)
			buf_byte(b, ',');
		buf_byte(b, '"');
		buf_str(b, suspect_text((enum suspect)(bits & -bits)));
		buf_byte(b, '"');
	}
	buf_byte(b, ']');
}

static char *put_suspect(char *at, unsigned suspect)
{
	struct buf b = {.data = at, .cap = 256};

	quote_suspect_json(&b, suspect);
	AGNI_ASSERT(b.data == at);
	return at + b.len;
}

/* Everything behind the key but the closing brace. */
static char *put_members(char *at, const struct slot *slot, enum view_mode mode)
{
	const struct quote *q = &slot->q;

	I64("seq", (int64_t)slot->seq);
	I64("ts_ms", slot->ts_ms);
	I64("recv_ms", slot->recv_ms);
	if (AGNI_UNLIKELY(slot->suspect))
		at = put_suspect(at, slot->suspect);
	at = put_ltpc(at, q);
	if (mode >= VIEW_OPTION_GREEKS)
		at = put_greeks(at, q);
	if (mode == VIEW_OPTION_GREEKS && (q->present & QUOTE_DEPTH))
		at = put_depth(at, q, 1);
	return mode == VIEW_FULL ? put_full(at, q) : at;
}

static void put_key(struct buf *out, const char *key)
{
	buf_append(out, "{\"key\":", 7);
	buf_json_str(out, key, strlen(key));
}

void quote_json(struct buf *out, const char *key, const struct slot *slot, enum view_mode mode)
{
	char text[MEMBERS_MAX], *at = put_members(text, slot, mode);

	*at++ = '}';
	put_key(out, key);
	buf_append(out, text, (size_t)(at - text));
}

void quote_json_aged(struct buf *out, const char *key, const struct slot *slot, int64_t age_ms,
		     bool is_stale)
{
	char text[MEMBERS_MAX], *at = put_members(text, slot, VIEW_FULL);

	I64("age_ms", age_ms < 0 ? 0 : age_ms);
	at = is_stale ? TEXT(at, ",\"stale\":true}") : TEXT(at, ",\"stale\":false}");
	put_key(out, key);
	buf_append(out, text, (size_t)(at - text));
}
