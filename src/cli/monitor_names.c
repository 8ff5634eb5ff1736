/* SPDX-License-Identifier: MIT
 *
 * monitor_names: which keys there are: from the index sets, and where there is none of quotes, from
 * SCAN: some steps in each round, so that a Redis full of other things is not held up. Declared in
 * monitor_fetch_internal.h.
 */
#include <stdio.h>

#include "cli/monitor_fetch_internal.h"

#define PAGE       "500"  /* members of an index that a step asks for */
#define SCAN_COUNT "1000" /* keys that a step of SCAN looks at */
#define SCAN_STEPS 10     /* in one round */
#define SCAN_REST  10     /* rounds between two passes */

static void ask_index(struct monitor_fetch *f, enum monitor_kind kind, const char *cursor)
{
	struct buf b = {0};

	peek_ask_words(&f->peek, fetch_tag(OP_INDEX, kind), "SSCAN",
		       fetch_key(f, &b, fetch_kinds[kind].index, NULL), cursor, "COUNT", PAGE,
		       NULL);
	f->owed++;
	buf_fini(&b);
}

void names_ask(struct monitor_fetch *f)
{
	for (int kind = 0; kind < MONITOR_STATUS; kind++) {
		f->has_names[kind] = false;
		f->model->lists[kind].left_out = 0;
		if (!fetch_is_skipped(f, OP_INDEX))
			ask_index(f, (enum monitor_kind)kind, "0");
	}
	f->names = 0;
}

/* A cursor and what is under it: the answer of SSCAN and SCAN. */
static bool read_page(const struct peek_value *v, struct peek_value *cursor,
		      struct peek_value *names)
{
	if (v->type != PEEK_ARRAY || v->n != 2)
		return false;
	*cursor = peek_element(v, 0);
	*names = peek_element(v, 1);
	return cursor->type == PEEK_TEXT && names->type == PEEK_ARRAY;
}

void names_on_index(struct monitor_fetch *f, enum monitor_kind kind, const struct peek_value *v)
{
	struct peek_value cursor, names;

	if (!read_page(v, &cursor, &names)) {
		fetch_note(f->model->index_problem, key_info(fetch_kinds[kind].index)->name, v);
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		struct peek_value name = peek_element(&names, i);

		f->has_names[kind] = true;
		if (name.type == PEEK_TEXT)
			monitor_see(f->model, kind, name.text, name.len);
	}
	f->names += names.n;
	if (strcmp(cursor.text, "0") != 0 && f->names < 4ul * MONITOR_ROWS_MAX)
		ask_index(f, kind, cursor.text);
}

/* --- without an index ---------------------------------------------------------------------------------- */

/* A glob that begins with the prefix, whatever stands in it. */
static void put_pattern(struct buf *b, const char *prefix)
{
	for (; *prefix; prefix++) {
		if (strchr("*?[]\\^-", *prefix))
			buf_byte(b, '\\');
		buf_byte(b, *prefix);
	}
	buf_byte(b, '*');
}

static void ask_scan(struct monitor_fetch *f)
{
	struct buf b = {0};

	put_pattern(&b, f->prefix);
	f->step = FETCH_SCAN;
	peek_ask_words(&f->peek, fetch_tag(OP_SCAN, 0), "SCAN", f->cursor, "MATCH", buf_cstr(&b),
		       "COUNT", SCAN_COUNT, NULL);
	f->owed++;
	f->scan_steps--;
	buf_fini(&b);
}

/* "{prefix}chain:{NIFTY@2025-10-28}": its kind and its identity. */
static void see_key(struct monitor_fetch *f, const struct peek_value *key)
{
	for (int kind = 0; kind < MONITOR_STATUS; kind++) {
		struct buf head = {0};

		key_append(&head, fetch_kinds[kind].key, f->prefix, "");
		head.len--; /* without the closing brace */
		if (!f->has_names[kind] && key->len > head.len + 1 &&
		    memcmp(key->text, head.data, head.len) == 0 && key->text[key->len - 1] == '}')
			monitor_see(f->model, (enum monitor_kind)kind, key->text + head.len,
				    key->len - head.len - 1);
		buf_fini(&head);
	}
}

void names_on_scan(struct monitor_fetch *f, const struct peek_value *v)
{
	struct peek_value cursor, names;

	if (!read_page(v, &cursor, &names)) {
		fetch_note(f->model->index_problem, "SCAN", v);
		f->scan_steps = 0;
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		struct peek_value name = peek_element(&names, i);

		if (name.type == PEEK_TEXT)
			see_key(f, &name);
	}
	snprintf(f->cursor, sizeof(f->cursor), "%s", cursor.text);
	if (strcmp(f->cursor, "0") == 0) {
		f->scan_steps = 0;
		f->scan_rest = SCAN_REST;
	} else if (f->scan_steps > 0) {
		ask_scan(f);
	}
}

bool names_begin_scan(struct monitor_fetch *f)
{
	struct monitor_model *m = f->model;

	m->is_scanned = !f->has_names[MONITOR_QUOTES];
	if (!m->is_scanned || fetch_is_skipped(f, OP_SCAN))
		return false;
	if (f->scan_rest > 0 && f->scan_rest-- > 1)
		return false;
	f->scan_steps = SCAN_STEPS;
	ask_scan(f);
	return true;
}

/* A pass of SCAN may take many rounds. */
void names_sweep(struct monitor_fetch *f)
{
	bool is_passed =
		f->model->is_scanned && strcmp(f->cursor, "0") == 0 && f->scan_rest == SCAN_REST;
	uint64_t left_out = 0;

	for (int kind = 0; kind < MONITOR_STATUS; kind++) {
		bool keeps = f->model->is_scanned && !f->has_names[kind] && !is_passed;

		monitor_swept(f->model, (enum monitor_kind)kind, keeps);
		left_out += f->model->lists[kind].left_out;
	}
	if (left_out && !f->model->index_problem[0])
		snprintf(f->model->index_problem, MONITOR_PROBLEM,
			 "%llu names are too long or too many: not shown",
			 (unsigned long long)left_out);
}
