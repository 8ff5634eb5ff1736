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

/* --- a part of a document ------------------------------------------------------------------------ */

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (unsigned char)*at <= ' ')
		at++;
	return at;
}

static const char *string_end(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\';
	return at < end ? at + 1 : end;
}

/* Where the value ends that begins at `at`, in text that was parsed before. */
static const char *value_end(const char *at, const char *end)
{
	unsigned depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = string_end(at, end);
		} else if (depth == 0 && (*at == ',' || *at == ']' || *at == '}')) {
			return at;
		} else {
			depth += *at == '{' || *at == '[';
			depth -= *at == '}' || *at == ']';
			at++;
		}
		if (depth == 0 && (at[-1] == '"' || at[-1] == '}' || at[-1] == ']'))
			return at;
	}
	return end;
}

/* The first byte of a member of the document's own, or its end. */
static const char *find_member(const struct monitor_row *r, const char *name)
{
	const char *end = r->text + r->len, *at = memchr(r->text, '{', r->len);
	size_t len = strlen(name);

	for (at = at ? skip_space(at + 1, end) : end; at < end && *at == '"';) {
		const char *key = at + 1, *after = string_end(at, end);

		at = skip_space(skip_space(after, end) + 1, end); /* behind the colon */
		if ((size_t)(after - key) == len + 1 && memcmp(key, name, len) == 0)
			return at < end ? at : end;
		at = at < end ? skip_space(value_end(at, end), end) : end;
		at = at < end && *at == ',' ? skip_space(at + 1, end) : end;
	}
	return end;
}

/* The document with those elements of its array only that the filter means, digit by digit. */
static void put_thinned(struct buf *out, const struct monitor_frame *f, const struct view_ops *v,
			const struct monitor_row *r)
{
	const char *end = r->text + r->len, *at = find_member(r, v->array);
	const cJSON *array = doc_member(r->doc, v->array), *part = array ? array->child : NULL;
	bool is_first = true;

	if (at == end || *at != '[') {
		put_ascii_json(out, r->text, r->len);
		return;
	}
	at++;
	put_ascii_json(out, r->text, (size_t)(at - r->text));
	for (; part; part = part->next) {
		const char *from = skip_space(at, end), *to = value_end(from, end);

		if (v->passes(f->ui, r, part)) {
			buf_str(out, is_first ? "" : ",");
			put_ascii_json(out, from, (size_t)(to - from));
			is_first = false;
		}
		at = skip_space(to, end);
		at += part->next && at < end; /* the comma */
	}
	put_ascii_json(out, at, (size_t)(end - at));
}

/* --- rows ---------------------------------------------------------------------------------------- */

/* The filter is the one of this view: means it the row, or anything in it? */
static bool is_meant(const struct monitor_frame *f, const struct view_ops *v,
		     const struct monitor_row *r)
{
	const cJSON *array = v->array ? doc_member(r->doc, v->array) : NULL, *part;

	if (!f->ui->filter[f->ui->view][0] || !cJSON_IsArray(array))
		return v->passes(f->ui, r, NULL);
	cJSON_ArrayForEach (part, array) {
		if (v->passes(f->ui, r, part))
			return true;
	}
	return false;
}

static void put_whole(struct buf *out, const struct monitor_row *r)
{
	if (r->is_gone || !r->text)
		buf_str(out, "null");
	else
		put_ascii_json(out, r->text, r->len);
}

static void put_row(struct buf *out, const struct monitor_frame *f, const struct view_ops *v,
		    const struct monitor_row *r)
{
	int64_t age = f->now_ms - r->quote.recv_ms;

	buf_byte(out, '{');
	put_text(out, "id", r->id);
	put_number(out, "ttl_ms", r->is_gone ? -1 : r->ttl_ms);
	if (v == &view_quotes)
		put_number(out, "age_ms", r->is_gone || !r->quote.recv_ms ? -1 : age > 0 ? age : 0);
	buf_str(out, ",\"data\":");
	if (v->array && f->ui->filter[f->ui->view][0] && r->text && !r->is_gone)
		put_thinned(out, f, v, r);
	else
		put_whole(out, r);
	if (r->problem[0]) {
		buf_byte(out, ',');
		put_text(out, "problem", r->problem);
	}
	buf_byte(out, '}');
}

static void put_list(struct buf *out, const struct monitor_frame *f, const char *name,
		     enum monitor_view view, enum monitor_kind kind)
{
	const struct monitor_list *l = &f->model->lists[kind];
	const struct view_ops *v = monitor_views[view];
	bool is_first = true;

	f->ui->view = view; /* whose filter counts */
	buf_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < l->n; i++) {
		if (!is_meant(f, v, &l->rows[i]))
			continue;
		if (!is_first)
			buf_byte(out, ',');
		put_row(out, f, v, &l->rows[i]);
		is_first = false;
	}
	buf_byte(out, ']');
}

static void put_signals(struct buf *out, const struct monitor_frame *f)
{
	const struct monitor_model *m = f->model;
	bool is_first = true;

	f->ui->view = VIEW_SIGNALS;
	buf_str(out, ",\"signals\":[");
	for (size_t i = 0; i < m->signals_n; i++) {
		const struct monitor_signal *s = &m->signals[i];

		if (!signal_passes(f->ui, s->doc))
			continue;
		buf_str(out, is_first ? "{" : ",{");
		is_first = false;
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
	put_whole(out, &m->lists[MONITOR_STATUS].rows[0]);
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
			put_list(out, f, lists[i].name, lists[i].view, lists[i].kind);
	}
	if (is_all || only == VIEW_SIGNALS)
		put_signals(out, f);
	put_problem(out, m->index_problem[0] ? m->index_problem : m->signals_problem);
	buf_str(out, "}\n");
}
