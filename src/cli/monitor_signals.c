/* SPDX-License-Identifier: MIT
 *
 * monitor_signals: the view of signals, the newest on top.
 */
#include "cli/monitor_views.h"

static size_t count(const struct monitor_frame *f)
{
	return f->model->signals_n;
}

bool signal_passes(const struct monitor_ui *ui, const cJSON *doc)
{
	return filter_passes(ui, doc_text(doc, "key")) ||
	       filter_passes(ui, doc_text(doc, "strategy"));
}

static void list(struct sheet *s)
{
	const struct monitor_model *m = s->f->model;

	for (size_t i = 0; i < m->signals_n; i++) {
		if (signal_passes(s->f->ui, m->signals[i].doc))
			sheet_add(s, i);
	}
}

static void head(struct sheet *s)
{
	struct pen *p = s->pen;

	pen_left(p, STYLE_BAR, 8, "TIME");
	pen_left(p, STYLE_BAR, 4, "SIDE");
	pen_left(p, STYLE_BAR, 26, "INSTRUMENT");
	pen_number(p, STYLE_BAR, 9, "PRICE");
	pen_number(p, STYLE_BAR, 4, "CONF");
	pen_left(p, STYLE_BAR, 16, "STRATEGY");
	pen_text(p, STYLE_BAR, "INPUTS");
	pen_fill(p, STYLE_BAR);
	pen_end_line(p);
}

static enum style style_of_side(const char *side)
{
	return strcmp(side, "BUY") == 0    ? STYLE_UP
	       : strcmp(side, "SELL") == 0 ? STYLE_DOWN
					   : STYLE_PLAIN;
}

static void put_inputs(struct pen *p, const cJSON *doc)
{
	const cJSON *v;
	char text[NUMBER_TEXT];

	cJSON_ArrayForEach (v, doc_member(doc, "inputs")) {
		if (v->string && cJSON_IsNumber(v))
			pen_printf(p, STYLE_DIM, "%s %s  ", v->string,
				   number_price(v->valuedouble, text));
	}
}

static void row(struct sheet *s, size_t at)
{
	const struct monitor_signal *g = &s->f->model->signals[s->order[at]];
	const char *side = doc_text(g->doc, "side");
	enum style plain = s->f->is_live ? STYLE_PLAIN : STYLE_DIM;
	struct pen *p = s->pen;
	char text[NUMBER_TEXT];

	if (!g->doc) {
		pen_printf(p, STYLE_WARN, "%s cannot be read: no JSON object", g->id);
		return;
	}
	pen_left(p, STYLE_DIM, 8, clock_text(doc_time(g->doc, "ts_ms"), text));
	pen_left(p, style_of_side(side), 4, side);
	pen_left(p, plain, 26, doc_text(g->doc, "key"));
	pen_number(p, plain, 9, number_price(doc_number(g->doc, "price"), text));
	pen_number(p, plain, 4, number_fixed(doc_number(g->doc, "confidence"), 2, false, text));
	pen_left(p, plain, 16, doc_text(g->doc, "strategy"));
	put_inputs(p, g->doc);
}

void put_signal_line(struct pen *p, const struct monitor_frame *f, const struct monitor_signal *s)
{
	const char *side = doc_text(s->doc, "side");
	char time[NUMBER_TEXT], price[NUMBER_TEXT], confidence[NUMBER_TEXT];

	if (!s->doc) {
		pen_printf(p, STYLE_WARN, "signal %s cannot be read", s->id);
		return;
	}
	pen_printf(p, STYLE_DIM, "signal %s ", clock_text(doc_time(s->doc, "ts_ms"), time));
	pen_printf(p, f->is_live ? style_of_side(side) : STYLE_DIM, "%s", side);
	pen_printf(p, f->is_live ? STYLE_PLAIN : STYLE_DIM, " %s at %s  confidence %s  %s",
		   doc_text(s->doc, "key"), number_price(doc_number(s->doc, "price"), price),
		   number_fixed(doc_number(s->doc, "confidence"), 2, false, confidence),
		   doc_text(s->doc, "strategy"));
}

const struct view_ops view_signals = {.name = "signals",
				      .count = count,
				      .list = list,
				      .head = head,
				      .row = row,
				      .docs = MONITOR_KINDS};
