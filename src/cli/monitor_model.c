/* SPDX-License-Identifier: MIT
 *
 * monitor_model: see monitor_model.h.
 */
#include "cli/monitor_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "core/json.h"

double doc_number(const struct cJSON *object, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(v) && isfinite(v->valuedouble) ? v->valuedouble : NAN;
}

const char *doc_text(const struct cJSON *object, const char *name)
{
	const char *text = object ? json_string(object, name) : NULL;

	return text ? text : "";
}

const struct cJSON *doc_member(const struct cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

int64_t doc_time(const struct cJSON *object, const char *name)
{
	int64_t ms;

	return json_int(object, name, &ms) && ms > 0 ? ms : 0;
}

static int64_t doc_count(const struct cJSON *object, const char *name)
{
	int64_t v;

	return json_int(object, name, &v) ? v : 0;
}

/* --- rows ------------------------------------------------------------------------------------------ */

static void row_fini(struct monitor_row *r)
{
	free(r->id);
	free(r->text);
	cJSON_Delete(r->doc);
	cJSON_Delete(r->prev);
}

static int compare_rows(const void *a, const void *b)
{
	return strcmp(((const struct monitor_row *)a)->id, ((const struct monitor_row *)b)->id);
}

static struct monitor_row *find_row(const struct monitor_list *l, const char *id)
{
	size_t low = 0, high = l->sorted;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(l->rows[mid].id, id);

		if (order == 0)
			return &l->rows[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static void add_row(struct monitor_list *l, const char *id)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->rows = mem_realloc(l->rows, l->cap * sizeof(l->rows[0]));
	}
	l->rows[l->n++] = (struct monitor_row){.id = mem_strdup(id), .ttl_ms = -1, .is_seen = true};
}

void monitor_init(struct monitor_model *m)
{
	*m = (struct monitor_model){.used_memory = -1, .used_memory_peak = -1, .maxmemory = -1};
	add_row(&m->lists[MONITOR_STATUS], "");
	m->lists[MONITOR_STATUS].sorted = 1;
	m->lists[MONITOR_STATUS].rows[0].is_gone = true;
}

void monitor_fini(struct monitor_model *m)
{
	for (int kind = 0; kind < MONITOR_KINDS; kind++) {
		struct monitor_list *l = &m->lists[kind];

		for (size_t i = 0; i < l->n; i++)
			row_fini(&l->rows[i]);
		free(l->rows);
	}
	monitor_signals_begin(m);
}

void monitor_see(struct monitor_model *m, enum monitor_kind kind, const char *id, size_t len)
{
	struct monitor_list *l = &m->lists[kind];
	char name[MONITOR_ID_MAX + 1];
	struct monitor_row *r;

	if (len == 0 || len > MONITOR_ID_MAX || memchr(id, '\0', len)) {
		l->left_out++;
		return;
	}
	memcpy(name, id, len);
	name[len] = '\0';
	r = find_row(l, name);
	if (r)
		r->is_seen = true;
	else if (l->n < MONITOR_ROWS_MAX)
		add_row(l, name);
	else
		l->left_out++;
}

void monitor_swept(struct monitor_model *m, enum monitor_kind kind, bool keeps)
{
	struct monitor_list *l = &m->lists[kind];
	size_t n = 0;

	if (l->n > l->sorted)
		qsort(l->rows, l->n, sizeof(l->rows[0]), compare_rows);
	for (size_t i = 0; i < l->n; i++) {
		struct monitor_row *r = &l->rows[i];
		bool is_twin = n > 0 && strcmp(l->rows[n - 1].id, r->id) == 0;

		if (is_twin || !(r->is_seen || keeps)) {
			row_fini(r);
			continue;
		}
		r->is_seen = keeps && r->is_seen;
		if (n != i)
			l->rows[n] = *r;
		n++;
	}
	l->n = l->sorted = n;
}

/* --- values ---------------------------------------------------------------------------------------- */

static void set_problem(struct monitor_row *r, const char *text)
{
	snprintf(r->problem, sizeof(r->problem), "%.*s", MONITOR_PROBLEM - 1, text);
	r->is_gone = true;
	r->moved = 0;
}

static size_t text_max(enum monitor_kind kind)
{
	return kind == MONITOR_QUOTES ? MONITOR_QUOTE_MAX : MONITOR_TEXT_MAX;
}

void monitor_set_life(struct monitor_model *m, enum monitor_kind kind, size_t row, int64_t ttl_ms,
		      size_t strlen, const char *error)
{
	struct monitor_row *r = &m->lists[kind].rows[row];
	char text[MONITOR_PROBLEM];

	r->ttl_ms = ttl_ms;
	r->strlen = error ? 0 : strlen;
	if (error) {
		set_problem(r, error);
	} else if (ttl_ms == -2) {
		r->problem[0] = '\0';
		r->is_gone = true;
		r->moved = 0;
	} else if (strlen > text_max(kind)) {
		snprintf(text, sizeof(text), "%zu bytes: not read", strlen);
		set_problem(r, text);
	}
}

bool monitor_wants(const struct monitor_model *m, enum monitor_kind kind, size_t row)
{
	const struct monitor_row *r = &m->lists[kind].rows[row];

	return r->ttl_ms != -2 && r->strlen > 0 && r->strlen <= text_max(kind);
}

static void read_depth(const cJSON *doc, struct monitor_quote *q)
{
	const cJSON *first = cJSON_GetArrayItem(doc_member(doc, "depth"), 0);
	const cJSON *bid = cJSON_GetArrayItem(first, 1), *ask = cJSON_GetArrayItem(first, 2);

	/* An empty side is a row of zeros, and no price. */
	q->bid = cJSON_IsNumber(bid) && bid->valuedouble > 0 ? bid->valuedouble : NAN;
	q->ask = cJSON_IsNumber(ask) && ask->valuedouble > 0 ? ask->valuedouble : NAN;
}

static void read_suspect(const cJSON *doc, struct monitor_quote *q)
{
	const cJSON *v;

	q->suspect[0] = '\0';
	cJSON_ArrayForEach (v, doc_member(doc, "suspect")) {
		size_t n = strlen(q->suspect);

		if (cJSON_IsString(v))
			snprintf(q->suspect + n, sizeof(q->suspect) - n, "%s%s", n ? "," : "",
				 v->valuestring);
	}
}

static void read_quote(struct monitor_row *r, const cJSON *doc)
{
	struct monitor_quote *q = &r->quote;
	double before = q->ltp;
	bool is_first = !r->text;

	*q = (struct monitor_quote){
		.ltp = doc_number(doc, "ltp"),
		.change = doc_number(doc, "change"),
		.change_pct = doc_number(doc, "change_pct"),
		.oi = doc_number(doc, "oi"),
		.vtt = doc_number(doc, "vtt"),
		.iv = doc_number(doc, "iv"),
		.seq = doc_count(doc, "seq"),
		.ts_ms = doc_time(doc, "ts_ms"),
		.recv_ms = doc_time(doc, "recv_ms"),
	};
	read_depth(doc, q);
	read_suspect(doc, q);
	r->moved = is_first ? 0 : (int8_t)((q->ltp > before) - (q->ltp < before));
}

/* What a contract is, from the documents that know it: keys of the broker say nothing to the eye. */
static void label(struct monitor_model *m, const cJSON *leg, const cJSON *doc, const char *what,
		  const char *expiry)
{
	struct monitor_row *r = find_row(&m->lists[MONITOR_QUOTES], doc_text(leg, "key"));

	if (r)
		snprintf(r->label, sizeof(r->label), "%.20s %s %.5s", doc_text(doc, "underlying"),
			 what, strlen(expiry) > 5 ? expiry + 5 : "");
}

static void label_strike(struct monitor_model *m, const cJSON *doc, const cJSON *strike)
{
	double at = doc_number(strike, "strike");
	char what[24];

	if (!(at >= 0 && at < 1e9))
		return;
	snprintf(what, sizeof(what), "%.10gCE", at);
	label(m, doc_member(strike, "call"), doc, what, doc_text(doc, "expiry"));
	snprintf(what, sizeof(what), "%.10gPE", at);
	label(m, doc_member(strike, "put"), doc, what, doc_text(doc, "expiry"));
}

static void label_all(struct monitor_model *m, const cJSON *doc)
{
	const cJSON *v;

	cJSON_ArrayForEach (v, doc_member(doc, "strikes")) {
		label_strike(m, doc, v);
	}
	cJSON_ArrayForEach (v, doc_member(doc, "months")) {
		label(m, v, doc, "FUT", doc_text(v, "expiry"));
	}
}

static void keep_text(struct monitor_row *r, const char *text, size_t len)
{
	free(r->text);
	r->text = mem_strndup(text, len);
	r->len = len;
}

void monitor_set_text(struct monitor_model *m, enum monitor_kind kind, size_t row, const char *text,
		      size_t len)
{
	struct monitor_row *r = &m->lists[kind].rows[row];
	struct agni_err err;
	cJSON *doc;

	r->moved = 0;
	if (!text) { /* it died between two questions */
		r->is_gone = true;
		r->problem[0] = '\0';
		return;
	}
	if (r->text && r->len == len && memcmp(r->text, text, len) == 0) {
		r->is_gone = false;
		r->problem[0] = '\0';
		cJSON_Delete(r->prev);
		r->prev = NULL; /* nothing has changed */
		return;
	}
	doc = len > text_max(kind) ? NULL : json_parse(text, len, &err);
	if (!cJSON_IsObject(doc)) {
		cJSON_Delete(doc);
		set_problem(r, "what stands there is no JSON object");
		return;
	}
	r->is_gone = false;
	r->problem[0] = '\0';
	if (kind == MONITOR_QUOTES) {
		read_quote(r, doc);
		cJSON_Delete(doc);
	} else {
		cJSON_Delete(r->prev);
		r->prev = r->doc;
		r->doc = doc;
		label_all(m, doc);
	}
	keep_text(r, text, len);
	r->changed_ms = m->time_ms;
}

const struct cJSON *monitor_status(const struct monitor_model *m)
{
	return m->lists[MONITOR_STATUS].rows[0].doc;
}

/* --- signals and memory ------------------------------------------------------------------------------ */

void monitor_signals_begin(struct monitor_model *m)
{
	for (size_t i = 0; i < m->signals_n; i++) {
		free(m->signals[i].text);
		cJSON_Delete(m->signals[i].doc);
	}
	m->signals_n = 0;
	m->signals_problem[0] = '\0';
}

void monitor_signals_add(struct monitor_model *m, const char *id, size_t id_len, const char *text,
			 size_t len)
{
	struct monitor_signal *s = &m->signals[m->signals_n];
	struct agni_err err;
	cJSON *doc;

	if (m->signals_n == MONITOR_SIGNALS)
		return;
	*s = (struct monitor_signal){0};
	snprintf(s->id, sizeof(s->id), "%.*s", (int)(id_len < sizeof(s->id) ? id_len : 31), id);
	doc = text && len <= MONITOR_QUOTE_MAX ? json_parse(text, len, &err) : NULL;
	if (cJSON_IsObject(doc)) {
		s->doc = doc;
		s->text = mem_strndup(text, len);
	} else {
		cJSON_Delete(doc);
	}
	m->signals_n++;
}

/* "used_memory:1054384" of INFO; -1 when it is not there. */
static int64_t info_number(const char *info, size_t len, const char *name)
{
	size_t n = strlen(name);
	const char *at = info, *end = info + len;

	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t line = (size_t)((line_end ? line_end : end) - at);

		if (line > n + 1 && memcmp(at, name, n) == 0 && at[n] == ':')
			return strtoll(at + n + 1, NULL, 10); /* INFO ends with a NUL of hiredis */
		at += line + 1;
	}
	return -1;
}

void monitor_set_memory(struct monitor_model *m, const char *info, size_t len)
{
	m->memory_problem[0] = '\0';
	m->used_memory = info_number(info, len, "used_memory");
	m->used_memory_peak = info_number(info, len, "used_memory_peak");
	m->maxmemory = info_number(info, len, "maxmemory");
}
