/* SPDX-License-Identifier: MIT
 *
 * monitor_chain: the view of an option chain, calls at the left, puts at the right:
 *
 *        CE OI  CHANGE   IV  DLT      LTP M   STRIKE M      LTP  DLT   IV  CHANGE  PE OI
 *
 * The document is the one of GET /chain/{underlying}; what is not in it is "-". M is the moneyness:
 * I in, A at, O out of the money. iv in percent.
 */
#include "cli/monitor_views.h"

#define STRIKES_MAX 1000 /* no chain has so many; what is no chain may */

static const struct monitor_list *list_of(const struct monitor_frame *f)
{
	return &f->model->lists[MONITOR_CHAINS];
}

static size_t count(const struct monitor_frame *f)
{
	return list_of(f)->n;
}

static const cJSON *strikes_of(const cJSON *doc)
{
	const cJSON *strikes = doc_member(doc, "strikes");

	return cJSON_IsArray(strikes) ? strikes : NULL;
}

/* By the strike, or all of an underlying by its name. */
static bool passes(const struct monitor_ui *ui, const struct monitor_row *r, const cJSON *strike)
{
	char text[NUMBER_TEXT], underlying[NUMBER_TEXT];

	snprintf(underlying, sizeof(underlying), "%.*s", (int)strcspn(r->id, "@"), r->id);
	return filter_passes(ui, number_fixed(doc_number(strike, "strike"), 0, false, text)) ||
	       filter_passes(ui, underlying);
}

static void list(struct sheet *s)
{
	const struct monitor_row *doc = sheet_doc(s);
	const cJSON *strike;
	size_t i = 0;

	if (!doc)
		return;
	cJSON_ArrayForEach (strike, strikes_of(doc->doc)) {
		if (i == STRIKES_MAX)
			return;
		if (passes(s->f->ui, doc, strike))
			sheet_add(s, i);
		i++;
	}
}

/* The money in the middle. */
static size_t begin(struct sheet *s, size_t rows)
{
	const struct monitor_row *doc = sheet_doc(s);
	double atm = doc ? doc_number(doc->doc, "atm") : NAN;

	for (size_t i = 0; i < s->n; i++) {
		const cJSON *strike = cJSON_GetArrayItem(strikes_of(doc->doc), (int)s->order[i]);

		if (doc_number(strike, "strike") == atm)
			return i > rows / 2 ? i - rows / 2 : 0;
	}
	return 0;
}

/* --- the head ----------------------------------------------------------------------------------------- */

static void put(struct pen *p, const char *name, const char *value)
{
	pen_printf(p, STYLE_DIM, "  %s ", name);
	pen_text(p, STYLE_PLAIN, value);
}

static void put_price(struct pen *p, const cJSON *doc, const char *name, const char *member)
{
	char text[NUMBER_TEXT];

	put(p, name, number_price(doc_number(doc, member), text));
}

static void put_fixed(struct pen *p, const char *name, double v, int decimals, const char *unit)
{
	char text[NUMBER_TEXT];

	put(p, name, number_fixed(v, decimals, false, text));
	pen_text(p, STYLE_PLAIN, isfinite(v) ? unit : "");
}

static void put_totals(struct pen *p, const cJSON *doc, const char *name, const char *member)
{
	const cJSON *totals = doc_member(doc, member);
	double change = doc_number(totals, "oi_change");
	char text[NUMBER_TEXT];

	put(p, name, number_count(doc_number(totals, "oi"), false, text));
	pen_printf(p, style_of(sign_of(change)), " %s", number_count(change, true, text));
}

static void head_lines(struct sheet *s, const cJSON *doc)
{
	const cJSON *forward = doc_member(doc, "forward"), *smile = doc_member(doc, "smile");
	struct pen *p = s->pen;
	char text[NUMBER_TEXT];

	put_price(p, doc_member(doc, "spot"), "spot", "ltp");
	put_price(p, doc_member(doc, "future"), "future", "ltp");
	put_fixed(p, "days", doc_number(doc, "days"), 2, "");
	pen_end_line(p);
	pen_text(p, STYLE_DIM, "fwd ");
	pen_printf(p, STYLE_PLAIN, "%s %s",
		   number_fixed(doc_number(forward, "level"), 2, false, text),
		   doc_text(forward, "source"));
	put_price(p, doc, "ATM", "atm");
	put_fixed(p, "iv", 100 * doc_number(smile, "atm_iv"), 2, "%");
	put_price(p, doc, "max pain", "max_pain");
	put_fixed(p, "straddle", doc_number(doc, "straddle"), 2, "");
	pen_end_line(p);
	pen_text(p, STYLE_DIM, "PCR oi ");
	pen_text(p, STYLE_PLAIN, number_fixed(doc_number(doc, "pcr_oi"), 3, false, text));
	put_fixed(p, "volume", doc_number(doc, "pcr_volume"), 3, "");
	put_totals(p, doc, "CE oi", "call_totals");
	put_totals(p, doc, "PE oi", "put_totals");
	put(p, "GEX", number_count(doc_number(doc, "gex_net"), true, text));
	pen_end_line(p);
}

static void put_titles(struct pen *p)
{
	static const char *const calls[] = {"CE OI", "CHANGE", "IV", "DLT", "LTP", "M"};
	static const char *const puts_[] = {"M", "LTP", "DLT", "IV", "CHANGE", "PE OI"};
	static const unsigned widths[] = {6, 7, 4, 4, 8, 1};

	for (int i = 0; i < 6; i++)
		pen_number(p, STYLE_BAR, widths[i], calls[i]);
	pen_number(p, STYLE_BAR, 8, "STRIKE");
	for (int i = 0; i < 6; i++)
		pen_number(p, STYLE_BAR, widths[5 - i], puts_[i]);
	pen_fill(p, STYLE_BAR);
	pen_end_line(p);
}

static void head(struct sheet *s)
{
	const struct monitor_row *r = sheet_doc(s);

	if (!r) {
		pen_text(s->pen, STYLE_DIM,
			 "no chain in Redis: options.chains names what is kept there");
		pen_end_line(s->pen);
		return;
	}
	put_doc_name(s, r);
	if (r->doc)
		head_lines(s, r->doc);
	else
		pen_end_line(s->pen);
	put_titles(s->pen);
}

/* --- the strikes -------------------------------------------------------------------------------------- */

/* One contract, as texts. */
struct leg {
	char oi[NUMBER_TEXT], change[NUMBER_TEXT], iv[NUMBER_TEXT], delta[NUMBER_TEXT],
		ltp[NUMBER_TEXT], money[2];
	enum style plain, oi_style, ltp_style;
};

/* ".52", "-.48", "1.0": in four places. */
static void delta_text(double v, char out[NUMBER_TEXT])
{
	char *zero;

	number_fixed(v, 2, false, out);
	zero = strstr(out, "0.");
	if (isfinite(v) && fabs(v) >= 0.995)
		number_fixed(v, 1, false, out);
	else if (zero)
		memmove(zero, zero + 1, strlen(zero));
}

static void read_leg(struct leg *l, const cJSON *now, const cJSON *before, bool old)
{
	double ltp = doc_number(now, "ltp"), was = doc_number(before, "ltp");
	double change = doc_number(now, "oi_change"), iv = 100 * doc_number(now, "iv");
	const char *money = doc_text(now, "moneyness");
	bool is_stale = old || cJSON_IsTrue(doc_member(now, "stale"));

	number_count(doc_number(now, "oi"), false, l->oi);
	number_count(change, true, l->change);
	number_fixed(iv, iv >= 99.95 ? 0 : 1, false, l->iv);
	delta_text(doc_number(now, "delta"), l->delta);
	number_price(ltp, l->ltp);
	l->money[0] = *money ? *money : '-';
	l->money[1] = '\0';
	l->plain = is_stale ? STYLE_DIM : STYLE_PLAIN;
	l->oi_style = is_stale ? STYLE_DIM : style_of(sign_of(change));
	l->ltp_style = is_stale                     ? STYLE_DIM
		       : doc_member(now, "suspect") ? STYLE_WARN
						    : style_of((ltp > was) - (ltp < was));
}

static void put_call(struct pen *p, const struct leg *l)
{
	pen_number(p, l->plain, 6, l->oi);
	pen_number(p, l->oi_style, 7, l->change);
	pen_number(p, l->plain, 4, l->iv);
	pen_number(p, l->plain, 4, l->delta);
	pen_number(p, l->ltp_style, 8, l->ltp);
	pen_number(p, l->plain, 1, l->money);
}

static void put_put(struct pen *p, const struct leg *l)
{
	pen_number(p, l->plain, 1, l->money);
	pen_number(p, l->ltp_style, 8, l->ltp);
	pen_number(p, l->plain, 4, l->delta);
	pen_number(p, l->plain, 4, l->iv);
	pen_number(p, l->oi_style, 7, l->change);
	pen_number(p, l->plain, 6, l->oi);
}

/* The same strike in the document before; strikes move when the money does. */
static const cJSON *strike_before(const cJSON *prev, size_t at, double strike)
{
	const cJSON *strikes = strikes_of(prev), *s = cJSON_GetArrayItem(strikes, (int)at);

	if (doc_number(s, "strike") == strike)
		return s;
	cJSON_ArrayForEach (s, strikes) {
		if (doc_number(s, "strike") == strike)
			return s;
	}
	return NULL;
}

static void row(struct sheet *s, size_t at)
{
	const struct monitor_row *r = sheet_doc(s);
	const cJSON *now = cJSON_GetArrayItem(strikes_of(r->doc), (int)s->order[at]);
	double strike = doc_number(now, "strike");
	const cJSON *before = strike_before(r->prev, s->order[at], strike);
	bool old = is_old(s->f, r), is_atm = strike == doc_number(r->doc, "atm");
	struct leg call, put_leg;
	char text[NUMBER_TEXT];

	read_leg(&call, doc_member(now, "call"), doc_member(before, "call"), old);
	read_leg(&put_leg, doc_member(now, "put"), doc_member(before, "put"), old);
	put_call(s->pen, &call);
	number_fixed(strike, strike == floor(strike) ? 0 : 2, false, text);
	pen_number(s->pen, is_atm ? STYLE_BAR : STYLE_BOLD, 8, text);
	put_put(s->pen, &put_leg);
}

const struct view_ops view_chain = {.name = "chain",
				    .count = count,
				    .list = list,
				    .head = head,
				    .row = row,
				    .begin = begin,
				    .docs = MONITOR_CHAINS,
				    .passes = passes,
				    .array = "strikes"};
