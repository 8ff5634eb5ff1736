/* SPDX-License-Identifier: MIT
 *
 * monitor_quotes: the view of instruments: price, change, age, and how long the key still lives.
 * Wider terminals get more columns.
 */
#include "cli/monitor_views.h"

enum sort { SORT_KEY, SORT_CHANGE, SORT_AGE, SORT_OI, SORT_VOLUME };

static const char *const sorts[] = {"key", "change", "age", "oi", "volume", NULL};

#define COLS_DEPTH 104 /* from so many on: bid and ask */
#define COLS_ALL   126 /* and iv and seq */
#define KEY_MIN    25
#define KEY_MAX    40
#define COLS_BASE  48u /* all but the key */

static const struct monitor_list *list_of(const struct monitor_frame *f)
{
	return &f->model->lists[MONITOR_QUOTES];
}

static size_t count(const struct monitor_frame *f)
{
	return list_of(f)->n;
}

/* The largest comes first; what has none, last. */
static int compare_numbers(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return (a < b) - (a > b);
}

static double sort_number(const struct monitor_quote *q, unsigned sort)
{
	switch (sort) {
	case SORT_CHANGE:
		return q->change_pct;
	case SORT_AGE:
		return q->recv_ms ? -(double)q->recv_ms : NAN;
	case SORT_OI:
		return q->oi;
	default:
		return q->vtt;
	}
}

struct sort_key {
	size_t row;
	double number;
};

static int compare_keys(const void *a, const void *b)
{
	const struct sort_key *x = a, *y = b;
	int order = compare_numbers(x->number, y->number);

	return order ? order : (x->row > y->row) - (x->row < y->row);
}

static bool passes(const struct monitor_ui *ui, const struct monitor_row *r, const cJSON *part)
{
	(void)part;
	return filter_passes(ui, r->id) || (r->label[0] && filter_passes(ui, r->label));
}

static void list(struct sheet *s)
{
	const struct monitor_list *l = list_of(s->f);
	unsigned sort = s->f->ui->sort[VIEW_QUOTES];
	struct sort_key *keys;

	for (size_t i = 0; i < l->n; i++) {
		if (passes(s->f->ui, &l->rows[i], NULL))
			sheet_add(s, i);
	}
	if (sort == SORT_KEY || s->n == 0)
		return;
	keys = mem_alloc(s->n * sizeof(keys[0]));
	for (size_t i = 0; i < s->n; i++) {
		const struct monitor_row *r = &l->rows[s->order[i]];

		keys[i] = (struct sort_key){s->order[i],
					    r->text ? sort_number(&r->quote, sort) : NAN};
	}
	qsort(keys, s->n, sizeof(keys[0]), compare_keys);
	for (size_t i = 0; i < s->n; i++)
		s->order[i] = keys[i].row;
	free(keys);
}

static unsigned key_width(const struct sheet *s)
{
	unsigned cols = s->pen->cols;
	unsigned others = COLS_BASE + (cols >= COLS_DEPTH ? 22u : 0) + (cols >= COLS_ALL ? 18u : 0);
	unsigned left = cols > others ? cols - others : 0;

	return left < KEY_MIN ? KEY_MIN : left > KEY_MAX ? KEY_MAX : left;
}

static void head(struct sheet *s)
{
	struct pen *p = s->pen;

	pen_left(p, STYLE_BAR, key_width(s), "INSTRUMENT");
	pen_number(p, STYLE_BAR, 10, "LTP");
	pen_left(p, STYLE_BAR, 1, "");
	pen_number(p, STYLE_BAR, 7, "CHG %");
	if (p->cols >= COLS_DEPTH) {
		pen_number(p, STYLE_BAR, 10, "BID");
		pen_number(p, STYLE_BAR, 10, "ASK");
	}
	pen_number(p, STYLE_BAR, 6, "OI");
	pen_number(p, STYLE_BAR, 6, "VOLUME");
	if (p->cols >= COLS_ALL) {
		pen_number(p, STYLE_BAR, 6, "IV %");
		pen_number(p, STYLE_BAR, 10, "SEQ");
	}
	pen_number(p, STYLE_BAR, 5, "AGE");
	pen_number(p, STYLE_BAR, 5, "TTL");
	pen_fill(p, STYLE_BAR);
	pen_end_line(p);
}

/* In one place: how the price has moved, or that it is not to be trusted. */
static const char *mark_of(const struct monitor_row *r)
{
	if (r->quote.suspect[0])
		return "!";
	return r->moved > 0 ? "^" : r->moved < 0 ? "v" : "";
}

static void put_values(struct sheet *s, const struct monitor_row *r)
{
	const struct monitor_quote *q = &r->quote;
	bool old = is_old(s->f, r);
	enum style plain = old ? STYLE_DIM : STYLE_PLAIN, price;
	struct pen *p = s->pen;
	char text[NUMBER_TEXT];

	price = old ? STYLE_DIM : q->suspect[0] ? STYLE_WARN : style_of(r->moved);
	pen_number(p, price, 10, number_price(q->ltp, text));
	pen_left(p, price, 1, old ? "" : mark_of(r));
	pen_number(p, old ? STYLE_DIM : style_of(sign_of(q->change_pct)), 7,
		   number_fixed(q->change_pct, 2, true, text));
	if (p->cols >= COLS_DEPTH) {
		pen_number(p, plain, 10, number_price(q->bid, text));
		pen_number(p, plain, 10, number_price(q->ask, text));
	}
	pen_number(p, plain, 6, number_count(q->oi, false, text));
	pen_number(p, plain, 6, number_count(q->vtt, false, text));
	if (p->cols >= COLS_ALL) {
		pen_number(p, plain, 6, number_fixed(100 * q->iv, 2, false, text));
		pen_number(p, plain, 10, number_fixed((double)q->seq, 0, false, text));
	}
	pen_number(p, plain, 5, q->recv_ms ? number_age(s->f->now_ms - q->recv_ms, text) : "-");
}

static void row(struct sheet *s, size_t at)
{
	const struct monitor_row *r = &list_of(s->f)->rows[s->order[at]];
	char text[NUMBER_TEXT], name[MONITOR_ID_MAX + sizeof(r->label) + 2];

	snprintf(name, sizeof(name), "%s %s", r->id, r->label);
	pen_left(s->pen, is_old(s->f, r) ? STYLE_DIM : STYLE_PLAIN, key_width(s),
		 r->label[0] ? name : r->id);
	if (r->problem[0]) {
		pen_printf(s->pen, STYLE_WARN, "cannot be read: %s", r->problem);
		return;
	}
	if (!r->text) {
		pen_text(s->pen, STYLE_DIM, r->is_gone ? "no fresh quote" : "not read yet");
		return;
	}
	put_values(s, r);
	ttl_text(s->f, r, text);
	pen_number(s->pen, is_old(s->f, r) ? STYLE_WARN : STYLE_DIM, 5, text);
	if (r->quote.suspect[0])
		pen_text(s->pen, STYLE_WARN, r->quote.suspect);
}

const struct view_ops view_quotes = {.name = "quotes",
				     .count = count,
				     .list = list,
				     .head = head,
				     .row = row,
				     .sorts = sorts,
				     .docs = MONITOR_KINDS,
				     .passes = passes};
