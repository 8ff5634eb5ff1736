/* SPDX-License-Identifier: MIT
 *
 * monitor_json: see monitor_json.h.
 */
#include "cli/monitor_json.h"

#include "cli/monitor_views.h"

static void put_text(struct buf *out, const char *name, const char *text)
{
	struct buf b = {0};

	buf_printf(out, "\"%s\":", name);
	buf_json_str(&b, text, strlen(text));
	put_ascii_json(out, b.data, b.len);
	buf_fini(&b);
}

/* What is not known is null. */
static void put_number(struct buf *out, const char *name, int64_t v)
{
	if (v < 0)
		buf_printf(out, ",\"%s\":null", name);
	else
		buf_printf(out, ",\"%s\":%lld", name, (long long)v);
}

static void put_data(struct buf *out, const struct monitor_row *r)
{
	if (r->is_gone || !r->text)
		buf_str(out, "null");
	else
		put_ascii_json(out, r->text, r->len);
}

static void put_row(struct buf *out, const struct monitor_frame *f, const struct monitor_row *r,
		    bool is_quote)
{
	int64_t age = f->now_ms - r->quote.recv_ms;

	buf_byte(out, '{');
	put_text(out, "id", r->id);
	put_number(out, "ttl_ms", r->is_gone ? -1 : r->ttl_ms);
	if (is_quote)
		put_number(out, "age_ms", r->is_gone || !r->quote.recv_ms ? -1 : age > 0 ? age : 0);
	buf_str(out, ",\"data\":");
	put_data(out, r);
	if (r->problem[0]) {
		buf_byte(out, ',');
		put_text(out, "problem", r->problem);
	}
	buf_byte(out, '}');
}

static void put_list(struct buf *out, const struct monitor_frame *f, const char *name,
		     enum monitor_kind kind)
{
	const struct monitor_list *l = &f->model->lists[kind];
	bool is_first = true;

	buf_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < l->n; i++) {
		if (!filter_passes(f->ui, l->rows[i].id) &&
		    !(l->rows[i].label[0] && filter_passes(f->ui, l->rows[i].label)))
			continue;
		if (!is_first)
			buf_byte(out, ',');
		put_row(out, f, &l->rows[i], kind == MONITOR_QUOTES);
		is_first = false;
	}
	buf_byte(out, ']');
}

static void put_signals(struct buf *out, const struct monitor_model *m)
{
	buf_str(out, ",\"signals\":[");
	for (size_t i = 0; i < m->signals_n; i++) {
		const struct monitor_signal *s = &m->signals[i];

		buf_str(out, i ? ",{" : "{");
		put_text(out, "id", s->id);
		buf_str(out, ",\"data\":");
		if (s->text)
			put_ascii_json(out, s->text, strlen(s->text));
		else
			buf_str(out, "null");
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

static void put_server(struct buf *out, const struct monitor_model *m)
{
	buf_str(out, ",\"memory\":{\"used\":");
	buf_i64(out, m->used_memory);
	put_number(out, "peak", m->used_memory_peak);
	put_number(out, "max", m->maxmemory);
	buf_str(out, "},\"status\":");
	put_data(out, &m->lists[MONITOR_STATUS].rows[0]);
}

static void put_problem(struct buf *out, const char *text)
{
	if (!text[0])
		return;
	buf_byte(out, ',');
	put_text(out, "problem", text);
}

void monitor_json(struct buf *out, const struct monitor_frame *f, enum monitor_view only)
{
	static const struct {
		const char *name;
		enum monitor_view view;
		enum monitor_kind kind;
	} lists[] = {
		{"quotes", VIEW_QUOTES, MONITOR_QUOTES},
		{"chains", VIEW_CHAIN, MONITOR_CHAINS},
		{"futures", VIEW_FUTURES, MONITOR_FUTURES},
		{"clients", VIEW_CLIENTS, MONITOR_CLIENTS},
	};
	const struct monitor_model *m = f->model;
	bool is_all = only == MONITOR_VIEWS;

	buf_byte(out, '{');
	put_text(out, "redis", f->where);
	buf_byte(out, ',');
	put_text(out, "prefix", f->prefix);
	put_number(out, "time_ms", f->now_ms);
	if (is_all || only == VIEW_SERVER)
		put_server(out, m);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (is_all || only == lists[i].view)
			put_list(out, f, lists[i].name, lists[i].kind);
	}
	if (is_all || only == VIEW_SIGNALS)
		put_signals(out, m);
	put_problem(out, m->index_problem[0] ? m->index_problem : m->signals_problem);
	buf_str(out, "}\n");
}
