/* SPDX-License-Identifier: MIT
 *
 * monitor_fetch: see monitor_fetch.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/monitor_fetch_internal.h"

#define MGET_BYTES (4u << 20) /* of values that one MGET asks for */

const struct fetch_kind fetch_kinds[MONITOR_KINDS] = {
	[MONITOR_QUOTES] = {KEY_QUOTE, KEY_INDEX_QUOTES},
	[MONITOR_CHAINS] = {KEY_CHAIN, KEY_INDEX_CHAINS},
	[MONITOR_FUTURES] = {KEY_FUTURES, KEY_INDEX_FUTURES},
	[MONITOR_CLIENTS] = {KEY_CLIENT, KEY_INDEX_CLIENTS},
	[MONITOR_STATUS] = {KEY_STATUS, KEY_STATUS},
};

const char *fetch_key(struct monitor_fetch *f, struct buf *b, enum key_kind kind, const char *id)
{
	buf_reset(b);
	key_append(b, kind, f->prefix, id);
	return buf_cstr(b);
}

void fetch_note(char out[MONITOR_PROBLEM], const char *what, const struct peek_value *v)
{
	snprintf(out, MONITOR_PROBLEM, "%s: %.*s", what, 40,
		 v->type == PEEK_ERROR ? v->text : "an unexpected answer");
}

/* --- the head ---------------------------------------------------------------------------------------- */

static void ask_head(struct monitor_fetch *f)
{
	struct buf b = {0};
	char count[16];

	f->step = FETCH_HEAD;
	f->model->index_problem[0] = '\0';
	peek_ask_words(&f->peek, fetch_tag(OP_TIME, 0), "TIME", NULL);
	peek_ask_words(&f->peek, fetch_tag(OP_INFO, 0), "INFO", "memory", NULL);
	f->owed += 2;
	if (!fetch_is_skipped(f, OP_SIGNALS)) {
		snprintf(count, sizeof(count), "%d", MONITOR_SIGNALS);
		peek_ask_words(&f->peek, fetch_tag(OP_SIGNALS, 0), "XREVRANGE",
			       fetch_key(f, &b, KEY_SIGNALS, NULL), "+", "-", "COUNT", count, NULL);
		f->owed++;
	}
	names_ask(f);
	buf_fini(&b);
}

static void on_time(struct monitor_fetch *f, const struct peek_value *v)
{
	struct peek_value s, us;

	f->looked = clock_mono(f->clock);
	f->model->time_ms = clock_wall_ms(f->clock); /* where TIME is not permitted */
	if (v->type != PEEK_ARRAY || v->n != 2)
		return;
	s = peek_element(v, 0);
	us = peek_element(v, 1);
	f->model->time_ms = strtoll(s.text, NULL, 10) * 1000 + strtoll(us.text, NULL, 10) / 1000;
}

static void on_info(struct monitor_fetch *f, const struct peek_value *v)
{
	if (v->type == PEEK_TEXT)
		monitor_set_memory(f->model, v->text, v->len);
	else
		fetch_note(f->model->memory_problem, "INFO", v);
}

/* The value of field "data"; of anything else, nothing. */
static struct peek_value data_of(const struct peek_value *entry)
{
	struct peek_value none = {.type = PEEK_NIL}, fields, name;

	if (entry->n != 2)
		return none;
	fields = peek_element(entry, 1);
	for (size_t i = 0; fields.type == PEEK_ARRAY && i + 1 < fields.n; i += 2) {
		name = peek_element(&fields, i);
		if (strcmp(name.text, "data") == 0)
			return peek_element(&fields, i + 1);
	}
	return none;
}

static bool is_same_stream(const struct monitor_model *m, const struct peek_value *v)
{
	struct peek_value first, id;

	if (v->n != m->signals_n || v->n == 0)
		return false;
	first = peek_element(v, 0);
	if (first.type != PEEK_ARRAY || first.n != 2)
		return false;
	id = peek_element(&first, 0);
	return strcmp(id.text, m->signals[0].id) == 0;
}

static void on_signals(struct monitor_fetch *f, const struct peek_value *v)
{
	if (v->type != PEEK_ARRAY) {
		fetch_note(f->model->signals_problem, "signals", v);
		return;
	}
	if (is_same_stream(f->model, v)) {
		f->model->signals_problem[0] = '\0';
		return;
	}
	monitor_signals_begin(f->model);
	for (size_t i = 0; i < v->n; i++) {
		struct peek_value entry = peek_element(v, i), id, data;

		if (entry.type != PEEK_ARRAY || entry.n != 2)
			continue;
		id = peek_element(&entry, 0);
		data = data_of(&entry);
		monitor_signals_add(f->model, id.text, id.len,
				    data.type == PEEK_TEXT ? data.text : NULL, data.len);
	}
}

/* --- rows ---------------------------------------------------------------------------------------------- */

static void fill_batch(struct monitor_fetch *f)
{
	f->batch_n = 0;
	while (f->next_kind < MONITOR_KINDS && f->batch_n < FETCH_BATCH) {
		if (f->next_row < f->model->lists[f->next_kind].n) {
			f->batch[f->batch_n++] =
				(struct fetch_row){.kind = f->next_kind, .row = f->next_row++};
		} else {
			f->next_kind++;
			f->next_row = 0;
		}
	}
}

static const char *row_key(struct monitor_fetch *f, struct buf *b, const struct fetch_row *r)
{
	const char *id = f->model->lists[r->kind].rows[r->row].id;

	return fetch_key(f, b, fetch_kinds[r->kind].key, r->kind == MONITOR_STATUS ? NULL : id);
}

static void ask_life(struct monitor_fetch *f)
{
	struct buf b = {0};

	f->step = FETCH_LIFE;
	for (size_t i = 0; i < f->batch_n; i++) {
		const char *key = row_key(f, &b, &f->batch[i]);

		peek_ask_words(&f->peek, fetch_tag(OP_TTL, i), "PTTL", key, NULL);
		peek_ask_words(&f->peek, fetch_tag(OP_STRLEN, i), "STRLEN", key, NULL);
	}
	f->owed += 2 * f->batch_n;
	buf_fini(&b);
}

static void on_ttl(struct fetch_row *r, const struct peek_value *v)
{
	r->ttl_ms = v->number;
	r->error[0] = '\0';
	if (v->type != PEEK_NUMBER)
		fetch_note(r->error, "PTTL", v);
}

static void on_strlen(struct monitor_fetch *f, struct fetch_row *r, const struct peek_value *v)
{
	if (!r->error[0] && v->type != PEEK_NUMBER)
		fetch_note(r->error, "STRLEN", v);
	monitor_set_life(f->model, r->kind, r->row, r->ttl_ms,
			 v->number > 0 ? (size_t)v->number : 0, r->error[0] ? r->error : NULL);
}

/* MGETs of what is wanted, none for more than MGET_BYTES. False: nothing is. */
static bool ask_values(struct monitor_fetch *f)
{
	const char *words[FETCH_BATCH + 1] = {"MGET"};
	struct buf keys[FETCH_BATCH] = {0};
	size_t bytes = 0, from = 0;
	unsigned n = 1;

	f->step = FETCH_VALUES;
	f->wanted_n = 0;
	for (size_t i = 0; i < f->batch_n; i++) {
		const struct fetch_row *r = &f->batch[i];

		if (!monitor_wants(f->model, r->kind, r->row))
			continue;
		words[n++] = row_key(f, &keys[f->wanted_n], r);
		bytes += f->model->lists[r->kind].rows[r->row].strlen;
		f->wanted[f->wanted_n++] = i;
		if (bytes < MGET_BYTES)
			continue;
		peek_ask(&f->peek, fetch_tag(OP_MGET, from), n, words, NULL);
		f->owed++;
		from = f->wanted_n;
		bytes = 0;
		n = 1;
	}
	if (n > 1) {
		peek_ask(&f->peek, fetch_tag(OP_MGET, from), n, words, NULL);
		f->owed++;
	}
	for (size_t i = 0; i < f->wanted_n; i++)
		buf_fini(&keys[i]);
	return f->wanted_n > 0;
}

static void on_values(struct monitor_fetch *f, size_t from, const struct peek_value *v)
{
	char problem[MONITOR_PROBLEM];

	if (v->type != PEEK_ARRAY) {
		/* Of the whole: CROSSSLOT, NOPERM. */
		fetch_note(f->model->index_problem, "MGET", v);
		fetch_note(problem, "MGET", v);
		for (size_t i = from; i < f->wanted_n; i++) {
			const struct fetch_row *r = &f->batch[f->wanted[i]];

			monitor_set_life(f->model, r->kind, r->row, r->ttl_ms, 0, problem);
		}
		return;
	}
	for (size_t i = 0; i < v->n && from + i < f->wanted_n; i++) {
		const struct fetch_row *r = &f->batch[f->wanted[from + i]];
		struct peek_value text = peek_element(v, i);

		monitor_set_text(f->model, r->kind, r->row,
				 text.type == PEEK_TEXT ? text.text : NULL, text.len);
	}
}

/* --- the round ----------------------------------------------------------------------------------------- */

static void begin_batch(struct monitor_fetch *f)
{
	fill_batch(f);
	if (f->batch_n) {
		ask_life(f);
		return;
	}
	f->step = FETCH_REST;
	f->model->rounds++;
	f->on_round(f->arg);
}

/* All answers to a step are there. */
static void next_step(struct monitor_fetch *f)
{
	switch (f->step) {
	case FETCH_HEAD:
		if (names_begin_scan(f))
			break;
		/* fallthrough */
	case FETCH_SCAN:
		names_sweep(f);
		f->next_kind = MONITOR_QUOTES;
		f->next_row = 0;
		begin_batch(f);
		break;
	case FETCH_LIFE:
		if (ask_values(f))
			break;
		/* fallthrough */
	case FETCH_VALUES:
		begin_batch(f);
		break;
	default:
		break;
	}
}

static void on_reply(void *arg, uintptr_t tag, const struct peek_value *v)
{
	struct monitor_fetch *f = arg;
	size_t number = tag >> 8;

	f->owed--;
	switch ((enum fetch_op)(tag & 0xff)) {
	case OP_TIME:
		on_time(f, v);
		break;
	case OP_INFO:
		on_info(f, v);
		break;
	case OP_SIGNALS:
		on_signals(f, v);
		break;
	case OP_INDEX:
		names_on_index(f, (enum monitor_kind)number, v);
		break;
	case OP_SCAN:
		names_on_scan(f, v);
		break;
	case OP_TTL:
		on_ttl(&f->batch[number], v);
		break;
	case OP_STRLEN:
		on_strlen(f, &f->batch[number], v);
		break;
	case OP_MGET:
		on_values(f, number, v);
		break;
	}
	if (f->owed == 0)
		next_step(f);
	peek_flush(&f->peek);
}

static void on_live(void *arg)
{
	struct monitor_fetch *f = arg;

	f->lost = 0;
	fetch_round(f);
}

static void on_lost(void *arg, uintptr_t tag)
{
	struct monitor_fetch *f = arg;
	enum fetch_op op = (enum fetch_op)(tag & 0xff);

	f->step = FETCH_REST;
	f->owed = 0;
	if (f->lost == 0)
		f->lost = clock_mono(f->clock);
	f->has_learnt = tag != 0;
	if (tag)
		f->skipped |= 1u << op;
	if (op == OP_SIGNALS)
		snprintf(f->model->signals_problem, MONITOR_PROBLEM,
			 "signals: an answer too long; not asked for again");
	f->on_lost(f->arg);
}

void fetch_round(struct monitor_fetch *f)
{
	if (f->step != FETCH_REST || !peek_is_live(&f->peek))
		return;
	ask_head(f);
	peek_flush(&f->peek);
}

int64_t fetch_now_ms(const struct monitor_fetch *f)
{
	if (f->model->time_ms == 0)
		return clock_wall_ms(f->clock);
	return f->model->time_ms + (int64_t)((clock_mono(f->clock) - f->looked) / NS_PER_MS);
}

int fetch_init(struct monitor_fetch *f, uv_loop_t *loop, const char *url, const char *prefix,
	       struct monitor_model *m, const struct clock *clock, struct agni_err *err)
{
	static const struct peek_events events = {
		.on_live = on_live, .on_lost = on_lost, .on_reply = on_reply};

	*f = (struct monitor_fetch){.model = m, .clock = clock, .prefix = prefix, .cursor = "0"};
	f->lost = clock_mono(clock);
	return peek_init(&f->peek, loop, url, &events, f, err);
}

void fetch_start(struct monitor_fetch *f)
{
	peek_start(&f->peek);
}

void fetch_stop(struct monitor_fetch *f)
{
	peek_stop(&f->peek);
}

void fetch_fini(struct monitor_fetch *f)
{
	peek_fini(&f->peek);
}
