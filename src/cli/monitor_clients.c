/* SPDX-License-Identifier: MIT
 *
 * monitor_clients: the views of those who read the server, and of the server itself.
 *
 * A client's document is the one of GET /clients. Of the server's status everything is shown, a line
 * for each member, whatever it has: the lines on top have the most important of it.
 */
#include "cli/monitor_views.h"

/* --- clients ------------------------------------------------------------------------------------------- */

enum sort { SORT_ID, SORT_BEHIND, SORT_SUBSCRIPTIONS };

static const char *const sorts[] = {"id", "behind", "subscriptions", NULL};

static const struct monitor_list *clients_of(const struct monitor_frame *f)
{
	return &f->model->lists[MONITOR_CLIENTS];
}

static size_t clients_count(const struct monitor_frame *f)
{
	return clients_of(f)->n;
}

static double sort_number(const struct monitor_row *r, unsigned sort)
{
	double v = doc_number(r->doc, sort == SORT_BEHIND ? "behind" : "subscriptions");

	return isnan(v) ? -1 : v;
}

static bool client_passes(const struct monitor_ui *ui, const struct monitor_row *r,
			  const cJSON *part)
{
	(void)part;
	return filter_passes(ui, r->id) || filter_passes(ui, doc_text(r->doc, "key"));
}

/* Few rows: an insertion sort keeps those that are equal in their order. */
static void clients_list(struct sheet *s)
{
	const struct monitor_list *l = clients_of(s->f);
	unsigned sort = s->f->ui->sort[VIEW_CLIENTS];

	for (size_t i = 0; i < l->n; i++) {
		if (client_passes(s->f->ui, &l->rows[i], NULL))
			sheet_add(s, i);
	}
	for (size_t i = 1; sort != SORT_ID && i < s->n; i++) {
		size_t at = i, row = s->order[i];
		double v = sort_number(&l->rows[row], sort);

		for (; at > 0 && sort_number(&l->rows[s->order[at - 1]], sort) < v; at--)
			s->order[at] = s->order[at - 1];
		s->order[at] = row;
	}
}

static void clients_head(struct sheet *s)
{
	struct pen *p = s->pen;

	pen_left(p, STYLE_BAR, 16, "CLIENT");
	pen_left(p, STYLE_BAR, 10, "KEY");
	pen_left(p, STYLE_BAR, 8, "SINCE");
	pen_number(p, STYLE_BAR, 5, "INSTR");
	pen_number(p, STYLE_BAR, 4, "CHAN");
	pen_number(p, STYLE_BAR, 6, "FRAMES");
	pen_number(p, STYLE_BAR, 6, "QUOTES");
	pen_number(p, STYLE_BAR, 6, "CONFL");
	pen_number(p, STYLE_BAR, 6, "BEHIND");
	pen_text(p, STYLE_BAR, "VIEWS");
	pen_fill(p, STYLE_BAR);
	pen_end_line(p);
}

static void put_count(struct pen *p, enum style style, unsigned width, const cJSON *doc,
		      const char *name)
{
	char text[NUMBER_TEXT];

	pen_number(p, style, width, number_count(doc_number(doc, name), false, text));
}

/* "latest 3, all 1": by policy, so many instruments. */
static void put_views(struct pen *p, enum style style, const cJSON *doc)
{
	const cJSON *v;
	char text[NUMBER_TEXT];
	bool is_first = true;

	cJSON_ArrayForEach (v, doc_member(doc, "views")) {
		pen_printf(p, style, "%s%s %s", is_first ? "" : ", ", doc_text(v, "policy"),
			   number_count(doc_number(v, "instruments"), false, text));
		is_first = false;
	}
	if (doc_text(doc, "peer")[0])
		pen_printf(p, STYLE_DIM, "%s%s", is_first ? "" : "  ", doc_text(doc, "peer"));
}

static void clients_row(struct sheet *s, size_t at)
{
	const struct monitor_row *r = &clients_of(s->f)->rows[s->order[at]];
	enum style plain = is_old(s->f, r) ? STYLE_DIM : STYLE_PLAIN;
	struct pen *p = s->pen;
	char text[NUMBER_TEXT];

	pen_left(p, plain, 16, r->id);
	if (r->problem[0] || !r->doc) {
		pen_printf(p, STYLE_WARN, r->problem[0] ? "cannot be read: %s" : "gone%s",
			   r->problem);
		return;
	}
	pen_left(p, plain, 10, doc_text(r->doc, "key"));
	pen_left(p, plain, 8, clock_text(doc_time(r->doc, "since_ms"), text));
	put_count(p, plain, 5, r->doc, "subscriptions");
	put_count(p, plain, 4, r->doc, "channels");
	put_count(p, plain, 6, r->doc, "frames");
	put_count(p, plain, 6, r->doc, "quotes");
	put_count(p, plain, 6, r->doc, "conflated");
	put_count(p, doc_number(r->doc, "behind") > 0 ? STYLE_WARN : plain, 6, r->doc, "behind");
	put_views(p, plain, r->doc);
}

const struct view_ops view_clients = {.name = "clients",
				      .count = clients_count,
				      .list = clients_list,
				      .head = clients_head,
				      .row = clients_row,
				      .sorts = sorts,
				      .docs = MONITOR_KINDS,
				      .passes = client_passes};

/* --- the server ---------------------------------------------------------------------------------------- */

#define LEAVES_MAX 500

/* Where in a document we are: "modules.feed.why". */
struct leaf {
	char path[96];
	const cJSON *value;
};

struct leaf_search {
	size_t left; /* leaves before the one that is looked for */
	struct leaf found;
};

/* Stops at the leaf that is looked for. */
static bool walk(struct leaf_search *w, const cJSON *v, const char *path)
{
	const cJSON *child;
	char below[sizeof(w->found.path)];
	size_t i = 0;

	if (!cJSON_IsObject(v) && !cJSON_IsArray(v)) {
		if (w->left-- > 0)
			return false;
		snprintf(w->found.path, sizeof(w->found.path), "%s", path);
		w->found.value = v;
		return true;
	}
	cJSON_ArrayForEach (child, v) {
		int n = child->string ? snprintf(below, sizeof(below), "%s%s%s", path,
						 *path ? "." : "", child->string)
				      : snprintf(below, sizeof(below), "%s[%zu]", path, i);

		i++;
		if (n >= 0 && walk(w, child, below))
			return true;
	}
	return false;
}

static bool find_leaf(const cJSON *doc, size_t at, struct leaf *out)
{
	struct leaf_search w = {.left = at};
	bool found = doc && walk(&w, doc, "");

	*out = w.found;
	return found;
}

static const char *value_text(const cJSON *v, char out[NUMBER_TEXT])
{
	struct buf b = {0};

	if (cJSON_IsString(v))
		return v->valuestring;
	if (!cJSON_IsNumber(v))
		return cJSON_IsTrue(v) ? "yes" : cJSON_IsFalse(v) ? "no" : "-";
	buf_double(&b, v->valuedouble);
	snprintf(out, NUMBER_TEXT, "%s", buf_cstr(&b));
	buf_fini(&b);
	return out;
}

static void server_list(struct sheet *s)
{
	struct leaf leaf;

	for (size_t i = 0; i < LEAVES_MAX && find_leaf(monitor_status(s->f->model), i, &leaf);
	     i++) {
		if (filter_passes(s->f->ui, leaf.path))
			sheet_add(s, i);
	}
}

static void server_head(struct sheet *s)
{
	const struct monitor_row *r = &s->f->model->lists[MONITOR_STATUS].rows[0];
	const struct monitor_model *m = s->f->model;
	char used[NUMBER_TEXT], peak[NUMBER_TEXT], most[NUMBER_TEXT], ttl[NUMBER_TEXT];

	pen_printf(s->pen, STYLE_PLAIN, "redis memory: %s used, %s at most, limit %s",
		   number_bytes((double)m->used_memory, used),
		   number_bytes((double)m->used_memory_peak, peak),
		   m->maxmemory > 0 ? number_bytes((double)m->maxmemory, most) : "none");
	if (m->is_scanned)
		pen_text(s->pen, STYLE_WARN, "  no index sets: names come from SCAN");
	pen_end_line(s->pen);
	pen_printf(s->pen, STYLE_BAR, "STATUS OF THE SERVER  ttl %s", ttl_text(s->f, r, ttl));
	pen_fill(s->pen, STYLE_BAR);
	pen_end_line(s->pen);
}

static void server_row(struct sheet *s, size_t at)
{
	const struct monitor_row *r = &s->f->model->lists[MONITOR_STATUS].rows[0];
	enum style plain = is_old(s->f, r) ? STYLE_DIM : STYLE_PLAIN;
	char text[NUMBER_TEXT];
	struct leaf leaf;

	if (!find_leaf(monitor_status(s->f->model), s->order[at], &leaf))
		return;
	pen_left(s->pen, STYLE_DIM, 28, leaf.path);
	pen_text(s->pen, plain, value_text(leaf.value, text));
}

const struct view_ops view_server = {.name = "server",
				     .list = server_list,
				     .head = server_head,
				     .row = server_row,
				     .docs = MONITOR_KINDS};
