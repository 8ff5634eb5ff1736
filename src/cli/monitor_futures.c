/* SPDX-License-Identifier: MIT
 *
 * monitor_futures: the view of the futures of an underlying, near, next and far. The document is the
 * one of GET /futures/{underlying}. Rates in percent a year.
 */
#include "cli/monitor_views.h"

#define MONTHS_MAX 100

static const struct monitor_list *list_of(const struct monitor_frame *f)
{
	return &f->model->lists[MONITOR_FUTURES];
}

static size_t count(const struct monitor_frame *f)
{
	return list_of(f)->n;
}

static const cJSON *array_of(const cJSON *doc, const char *name)
{
	const cJSON *v = doc_member(doc, name);

	return cJSON_IsArray(v) ? v : NULL;
}

static bool passes(const struct monitor_ui *ui, const struct monitor_row *r, const cJSON *month)
{
	(void)r;
	return filter_passes(ui, doc_text(month, "symbol"));
}

static void list(struct sheet *s)
{
	const struct monitor_row *doc = sheet_doc(s);
	const cJSON *month;
	size_t i = 0;

	if (!doc)
		return;
	cJSON_ArrayForEach (month, array_of(doc->doc, "months")) {
		if (i == MONTHS_MAX)
			return;
		if (passes(s->f->ui, doc, month))
			sheet_add(s, i);
		i++;
	}
}

static void put_figure(struct pen *p, const char *name, double v, int decimals, const char *unit)
{
	char text[NUMBER_TEXT];

	pen_printf(p, STYLE_DIM, "  %s ", name);
	pen_text(p, STYLE_PLAIN, number_fixed(v, decimals, false, text));
	pen_text(p, STYLE_PLAIN, isfinite(v) ? unit : "");
}

static void put_spreads(struct pen *p, const cJSON *doc)
{
	const cJSON *spread;
	char text[NUMBER_TEXT];

	pen_text(p, STYLE_DIM, "spreads ");
	cJSON_ArrayForEach (spread, array_of(doc, "spreads")) {
		pen_printf(p, STYLE_DIM, " %s to %s ", doc_text(spread, "from"),
			   doc_text(spread, "to"));
		pen_text(p, STYLE_PLAIN, number_fixed(doc_number(spread, "spread"), 2, true, text));
		pen_printf(p, STYLE_DIM, " (%s%% a year)",
			   number_fixed(doc_number(spread, "rate_pct"), 2, false, text));
	}
	pen_end_line(p);
}

static void head_lines(struct sheet *s, const cJSON *doc)
{
	struct pen *p = s->pen;
	char text[NUMBER_TEXT];

	pen_text(p, STYLE_DIM, "  spot ");
	pen_text(p, STYLE_PLAIN, number_price(doc_number(doc_member(doc, "spot"), "ltp"), text));
	pen_end_line(p);
	pen_text(p, STYLE_DIM, "oi ");
	pen_text(p, STYLE_PLAIN, number_count(doc_number(doc, "oi"), false, text));
	put_figure(p, "roll", doc_number(doc, "roll_pct"), 2, "%");
	put_figure(p, "rate", doc_number(doc, "rate_pct"), 2, "%");
	put_figure(p, "dividend", doc_number(doc, "dividend_pct"), 2, "%");
	pen_end_line(p);
	put_spreads(p, doc);
}

static void head(struct sheet *s)
{
	const struct monitor_row *r = sheet_doc(s);
	struct pen *p = s->pen;

	if (!r) {
		pen_text(p, STYLE_DIM,
			 "no futures in Redis: futures.underlyings names what is kept there");
		pen_end_line(p);
		return;
	}
	put_doc_name(s, r);
	if (r->doc)
		head_lines(s, r->doc);
	else
		pen_end_line(p);
	pen_left(p, STYLE_BAR, 4, "");
	pen_left(p, STYLE_BAR, 10, "EXPIRY");
	pen_number(p, STYLE_BAR, 9, "LTP");
	pen_number(p, STYLE_BAR, 6, "CHG %");
	pen_number(p, STYLE_BAR, 8, "BASIS");
	pen_number(p, STYLE_BAR, 7, "CARRY %");
	pen_number(p, STYLE_BAR, 6, "OI");
	pen_number(p, STYLE_BAR, 7, "CHANGE");
	if (p->cols >= 104) {
		pen_number(p, STYLE_BAR, 9, "BID");
		pen_number(p, STYLE_BAR, 9, "ASK");
	}
	pen_left(p, STYLE_BAR, 14, "BUILD-UP");
	pen_fill(p, STYLE_BAR);
	pen_end_line(p);
}

static const cJSON *month_before(const cJSON *prev, const char *key)
{
	const cJSON *month;

	cJSON_ArrayForEach (month, array_of(prev, "months")) {
		if (strcmp(doc_text(month, "key"), key) == 0)
			return month;
	}
	return NULL;
}

static void put_number(struct pen *p, enum style style, unsigned width, double v, int decimals)
{
	char text[NUMBER_TEXT];

	pen_number(p, style, width, number_fixed(v, decimals, true, text));
}

static void row(struct sheet *s, size_t at)
{
	const struct monitor_row *r = sheet_doc(s);
	const cJSON *m = cJSON_GetArrayItem(array_of(r->doc, "months"), (int)s->order[at]);
	double ltp = doc_number(m, "ltp"), change = doc_number(m, "change_pct");
	double was = doc_number(month_before(r->prev, doc_text(m, "key")), "ltp");
	double oi_change = doc_number(m, "oi_change");
	bool old = is_old(s->f, r) || cJSON_IsTrue(doc_member(m, "stale"));
	enum style plain = old ? STYLE_DIM : STYLE_PLAIN;
	struct pen *p = s->pen;
	char text[NUMBER_TEXT];

	pen_left(p, old ? STYLE_DIM : STYLE_BOLD, 4, doc_text(m, "month"));
	pen_left(p, plain, 10, doc_text(m, "expiry"));
	pen_number(p, old ? STYLE_DIM : style_of((ltp > was) - (ltp < was)), 9,
		   number_price(ltp, text));
	put_number(p, old ? STYLE_DIM : style_of(sign_of(change)), 6, change, 2);
	put_number(p, plain, 8, doc_number(m, "basis"), 2);
	put_number(p, plain, 7, doc_number(m, "carry_pct"), 2);
	pen_number(p, plain, 6, number_count(doc_number(m, "oi"), false, text));
	pen_number(p, old ? STYLE_DIM : style_of(sign_of(oi_change)), 7,
		   number_count(oi_change, true, text));
	if (p->cols >= 104) {
		pen_number(p, plain, 9, number_price(doc_number(m, "bid"), text));
		pen_number(p, plain, 9, number_price(doc_number(m, "ask"), text));
	}
	pen_left(p, plain, 14, doc_text(m, "buildup"));
}

const struct view_ops view_futures = {.name = "futures",
				      .count = count,
				      .list = list,
				      .head = head,
				      .row = row,
				      .docs = MONITOR_FUTURES,
				      .passes = passes,
				      .array = "months"};
