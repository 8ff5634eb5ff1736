/* SPDX-License-Identifier: MIT
 *
 * monitor_view: see monitor_view.h. What all views share: the lines above and below, and which rows
 * are in sight.
 */
#include <ctype.h>

#include "cli/monitor_views.h"
#include "core/ist.h"

#define TOP_LINES    4
#define BOTTOM_LINES 2

const struct view_ops *const monitor_views[MONITOR_VIEWS] = {
	&view_quotes, &view_chain, &view_futures, &view_clients, &view_signals, &view_server,
};

/* --- what views ask for ------------------------------------------------------------------------------ */

bool filter_passes(const struct monitor_ui *ui, const char *text)
{
	const char *filter = ui->filter[ui->view];

	return !filter[0] || strcasestr(text, filter);
}

void sheet_add(struct sheet *s, size_t row)
{
	if ((s->n & (s->n + 1)) == 0) /* room for a power of two, less one */
		s->order = mem_realloc(s->order, (2 * s->n + 1) * sizeof(s->order[0]));
	s->order[s->n++] = row;
}

const struct monitor_row *sheet_doc(const struct sheet *s)
{
	const struct monitor_ui *ui = s->f->ui;
	const struct view_ops *v = monitor_views[ui->view];
	const struct monitor_list *l = &s->f->model->lists[v->docs];

	return l->n ? &l->rows[ui->doc[ui->view] % l->n] : NULL;
}

bool is_old(const struct monitor_frame *f, const struct monitor_row *r)
{
	return !f->is_live || r->is_gone;
}

const char *ttl_text(const struct monitor_frame *f, const struct monitor_row *r,
		     char out[NUMBER_TEXT])
{
	int64_t left = r->ttl_ms - (f->now_ms - f->model->time_ms);

	if (r->problem[0])
		snprintf(out, NUMBER_TEXT, "?");
	else if (r->is_gone || (r->ttl_ms >= 0 && left <= 0))
		snprintf(out, NUMBER_TEXT, "gone");
	else if (r->ttl_ms < 0)
		snprintf(out, NUMBER_TEXT, "-");
	else
		snprintf(out, NUMBER_TEXT, "%llds", (long long)(left + 999) / 1000);
	return out;
}

enum style style_of(int direction)
{
	return direction > 0 ? STYLE_UP : direction < 0 ? STYLE_DOWN : STYLE_DIM;
}

const char *clock_text(int64_t ms, char out[NUMBER_TEXT])
{
	struct ist_time t;

	if (ms <= 0) {
		snprintf(out, NUMBER_TEXT, "-");
		return out;
	}
	ist_split(ms, &t);
	snprintf(out, NUMBER_TEXT, "%02u:%02u:%02u", (unsigned)t.hour % 24, (unsigned)t.minute % 60,
		 (unsigned)t.second % 60);
	return out;
}

void put_doc_name(struct sheet *s, const struct monitor_row *r)
{
	const struct monitor_ui *ui = s->f->ui;
	size_t n = s->f->model->lists[monitor_views[ui->view]->docs].n;
	char ttl[NUMBER_TEXT];

	pen_text(s->pen, STYLE_BOLD, r->id);
	if (n > 1)
		pen_printf(s->pen, STYLE_DIM, " (%zu of %zu: n, p)", ui->doc[ui->view] % n + 1, n);
	if (r->problem[0])
		pen_printf(s->pen, STYLE_WARN, "  CANNOT BE READ: %s", r->problem);
	else if (r->is_gone)
		pen_text(s->pen, STYLE_WARN, "  GONE: these are its last values");
	else
		pen_printf(s->pen, STYLE_DIM, "  ttl %s", ttl_text(s->f, r, ttl));
}

/* --- the top ------------------------------------------------------------------------------------------ */

static void put_connection(const struct monitor_frame *f, struct pen *p)
{
	char now[NUMBER_TEXT], away[NUMBER_TEXT];

	pen_printf(p, STYLE_BAR, "agnidata monitor  %s  redis %s  ", f->prefix, f->where);
	if (f->is_live)
		pen_text(p, STYLE_BAR, "connected");
	else
		pen_printf(p, STYLE_BAR, "AWAY for %s", number_age(f->away_ms, away));
	clock_text(f->now_ms, now);
	if (p->used + strlen(now) + 5 < p->cols) {
		while (p->used + strlen(now) + 4 < p->cols)
			pen_text(p, STYLE_BAR, " ");
		pen_printf(p, STYLE_BAR, "%s IST", now);
	}
	pen_fill(p, STYLE_BAR);
	pen_end_line(p);
}

static enum style style_of_health(const char *health)
{
	return strcmp(health, "UP") == 0     ? STYLE_UP
	       : strcmp(health, "DOWN") == 0 ? STYLE_DOWN
					     : STYLE_WARN;
}

/* A member that is a text, or an object that has one. */
static const char *text_within(const cJSON *doc, const char *name, const char *member)
{
	const cJSON *v = doc_member(doc, name);

	return cJSON_IsObject(v) ? doc_text(v, member) : doc_text(doc, name);
}

#define STATUS_LATE_MS 7000 /* the server writes its status each 2 s */

/* "2026-11-25T09:16:03.000+05:30" of the status, which is up to two seconds old, as date and time. */
static void put_market(const cJSON *doc, struct pen *p)
{
	const char *at = doc_text(doc, "market_time");

	if (strlen(at) >= strlen("2026-11-25T09:16:03"))
		pen_printf(p, STYLE_PLAIN, "  market %.10s %.8s %s", at, at + 11,
			   doc_text(doc, "market_phase"));
}

static void put_server(const struct monitor_frame *f, struct pen *p)
{
	const struct monitor_row *r = &f->model->lists[MONITOR_STATUS].rows[0];
	const char *health = doc_text(r->doc, "status"), *why = doc_text(r->doc, "why");
	char silent[NUMBER_TEXT];

	if (!f->is_live) {
		pen_printf(p, STYLE_WARN, "Redis: %s; trying again, and what is shown is OLD",
			   f->why);
		pen_end_line(p);
		return;
	}
	if (r->doc && !r->is_gone && f->now_ms - r->changed_ms > STATUS_LATE_MS) {
		pen_printf(p, STYLE_WARN, "server: SILENT for %s; what it said last: ",
			   number_age(f->now_ms - r->changed_ms, silent));
	} else if (r->is_gone || !r->doc) {
		pen_text(p, STYLE_WARN,
			 r->problem[0] ? "server: its status cannot be read: "
			 : r->doc      ? "server: GONE; what it said last: "
				  : "server: no status in Redis (is it running, on this prefix?)");
		pen_text(p, STYLE_WARN, r->problem);
	} else {
		pen_printf(p, STYLE_BOLD, "server %s ", doc_text(r->doc, "version"));
	}
	if (r->doc) {
		pen_text(p, is_old(f, r) ? STYLE_DIM : style_of_health(health), health);
		pen_printf(p, STYLE_PLAIN, "  upstream %s  token %s",
			   text_within(r->doc, "upstream", "state"),
			   text_within(r->doc, "token", "state"));
		if (strcmp(health, "UP") != 0)
			pen_printf(p, STYLE_WARN, "  %s", why);
		put_market(r->doc, p);
	}
	pen_end_line(p);
}

static void put_figure(struct pen *p, const char *name, const char *value)
{
	pen_printf(p, STYLE_DIM, "%s ", name);
	pen_printf(p, STYLE_PLAIN, "%s  ", value);
}

static void put_figures(const struct monitor_frame *f, struct pen *p)
{
	const struct monitor_model *m = f->model;
	const cJSON *doc = monitor_status(m);
	char text[NUMBER_TEXT];

	if (m->memory_problem[0])
		pen_printf(p, STYLE_WARN, "redis memory: %s  ", m->memory_problem);
	else
		put_figure(p, "memory: redis", number_bytes((double)m->used_memory, text));
	if (m->maxmemory > 0)
		put_figure(p, "of", number_bytes((double)m->maxmemory, text));
	if (doc) {
		put_figure(p, "server", number_bytes(doc_number(doc, "rss_bytes"), text));
		put_figure(p, "ticks", number_fixed(doc_number(doc, "ticks"), 0, false, text));
		put_figure(p, "clients", number_fixed(doc_number(doc, "clients"), 0, false, text));
		put_figure(p, "tape seq", number_fixed(doc_number(doc, "seq"), 0, false, text));
	}
	pen_end_line(p);
}

static void put_tabs(const struct monitor_frame *f, struct pen *p)
{
	for (int i = 0; i < MONITOR_VIEWS; i++) {
		bool is_here = f->ui->view == (enum monitor_view)i;

		pen_printf(p, is_here ? STYLE_BOLD : STYLE_DIM, is_here ? "[%d %s" : " %d %s",
			   i + 1, monitor_views[i]->name);
		if (monitor_views[i]->count)
			pen_printf(p, is_here ? STYLE_BOLD : STYLE_DIM, " %zu",
				   monitor_views[i]->count(f));
		pen_text(p, is_here ? STYLE_BOLD : STYLE_DIM, is_here ? "]" : " ");
	}
	pen_end_line(p);
}

/* --- the bottom --------------------------------------------------------------------------------------- */

static const char *problem_of(const struct monitor_frame *f)
{
	const struct monitor_model *m = f->model;

	return m->index_problem[0]     ? m->index_problem
	       : m->signals_problem[0] ? m->signals_problem
				       : NULL;
}

static void put_signal(const struct monitor_frame *f, struct pen *p)
{
	const struct monitor_model *m = f->model;
	const char *problem = problem_of(f);

	if (problem)
		pen_printf(p, STYLE_WARN, "Redis: %s", problem);
	else if (m->signals_n)
		put_signal_line(p, f, &m->signals[0]);
	else
		pen_text(p, STYLE_DIM, "no signals yet");
	pen_end_line(p);
}

static void put_keys(struct sheet *s, uint32_t from, uint32_t shown)
{
	const struct monitor_ui *ui = s->f->ui;
	const struct view_ops *v = monitor_views[ui->view];
	const char *filter = ui->filter[ui->view];
	struct pen *p = s->pen;

	if (ui->is_filtering) {
		pen_printf(p, STYLE_BAR, "filter: %s_  (Enter: keep, Esc: none)", filter);
	} else {
		pen_printf(p, STYLE_BAR, "%u-%u of %zu", s->n ? from + 1 : 0, from + shown, s->n);
		if (filter[0])
			pen_printf(p, STYLE_BAR, "  filter \"%s\"", filter);
		if (v->sorts)
			pen_printf(p, STYLE_BAR, "  by %s%s", v->sorts[ui->sort[ui->view]],
				   ui->is_reversed ? " reversed" : "");
		pen_text(p, STYLE_BAR, "  q quit  arrows  / filter");
		if (v->sorts)
			pen_text(p, STYLE_BAR, "  s sort  r reverse");
		if (v->docs != MONITOR_KINDS)
			pen_text(p, STYLE_BAR, "  n next");
	}
	pen_fill(p, STYLE_BAR);
}

/* --- the whole ----------------------------------------------------------------------------------------- */

/* Which rows are in sight: the first, and how many. */
static uint32_t place(struct sheet *s, unsigned room, uint32_t *shown)
{
	struct monitor_ui *ui = s->f->ui;
	const struct view_ops *v = monitor_views[ui->view];
	uint32_t *at = &ui->scroll[ui->view], n = (uint32_t)s->n, from = *at, last;

	*shown = n < room ? n : room;
	last = n - *shown;
	if (*at == SCROLL_AUTO)
		from = v->begin ? (uint32_t)v->begin(s, *shown) : 0;
	if (from > last)
		from = last;
	if (*at != SCROLL_AUTO)
		*at = from;
	ui->from[ui->view] = from;
	ui->shown[ui->view] = *shown;
	ui->total[ui->view] = n;
	return from;
}

static void reverse(struct sheet *s)
{
	for (size_t i = 0; i < s->n / 2; i++) {
		size_t other = s->order[s->n - 1 - i];

		s->order[s->n - 1 - i] = s->order[i];
		s->order[i] = other;
	}
}

static void put_view(struct sheet *s)
{
	const struct monitor_frame *f = s->f;
	const struct view_ops *v = monitor_views[f->ui->view];
	unsigned below = f->rows ? BOTTOM_LINES : 0, room;
	uint32_t shown, from;

	v->list(s);
	if (f->ui->is_reversed && v->sorts)
		reverse(s);
	v->head(s);
	room = !f->rows                          ? UINT32_MAX
	       : f->rows > s->pen->lines + below ? f->rows - s->pen->lines - below
						 : 0;
	from = place(s, room, &shown);
	for (uint32_t i = 0; i < shown; i++) {
		v->row(s, from + i);
		pen_end_line(s->pen);
	}
	if (!f->rows)
		return;
	while (s->pen->lines + below < f->rows)
		pen_end_line(s->pen);
	put_signal(f, s->pen);
	put_keys(s, from, shown);
}

void monitor_render(const struct monitor_frame *f, struct buf *out)
{
	struct pen p = {.out = out, .kind = f->pen, .cols = f->cols};
	struct sheet s = {.f = f, .pen = &p};
	bool is_screen = f->rows > 0;

	buf_reset(out);
	if (is_screen)
		buf_str(out, "\x1b[H");
	if (is_screen && (f->rows < MONITOR_ROWS_MIN || f->cols < MONITOR_COLS_MIN)) {
		pen_printf(&p, STYLE_PLAIN, "%ux%u is too small; q quits", f->cols, f->rows);
		buf_str(out, "\x1b[J");
		return;
	}
	put_connection(f, &p);
	put_server(f, &p);
	put_figures(f, &p);
	put_tabs(f, &p);
	put_view(&s);
	if (is_screen)
		buf_str(out, f->pen == PEN_COLOURED_SCREEN ? "\x1b[0m" : "");
	free(s.order);
}
