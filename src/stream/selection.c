/* SPDX-License-Identifier: MIT
 *
 * selection: see selection.h.
 */
#include "stream/selection.h"

#include <stdlib.h>

#include "stream/stream_internal.h"

#define SELECTIONS_MAX 64 /* of one client */
#define LOOK_NS        NS_PER_S

/* One text, whoever asked for it. */
struct selection {
	struct list link; /* in stream->selections */
	char *text;
	uint32_t refs;
	uint64_t version; /* +1 when `ids` changes */
	/* what is meant, in the order of strikes; each with a NUL behind */
	struct buf keys;
	inst_id *ids; /* INST_NONE: no client has had it yet, so the table does not know it */
	uint32_t n;
	struct bitset meant;       /* the ids */
	inst_id money;             /* tells the price that the money is at; INST_NONE: not known */
	const char *money_refusal; /* why its price is not asked for; NULL: it is */
	enum resolve_code code;
};

/* A client's subscription to one. */
struct selected {
	struct selection *selection;
	enum view_mode mode;
	uint32_t pace;
	uint64_t version; /* that the client has */
	inst_id *ids;     /* that this brought to the client: it would leave with it */
	uint32_t n, cap;
};

static bool has_id(const inst_id *ids, uint32_t n, inst_id id)
{
	for (uint32_t i = 0; i < n; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

static void push_id(inst_id **ids, uint32_t *n, uint32_t *cap, inst_id id)
{
	if (*n == *cap) {
		*cap = *cap ? 2 * *cap : 16;
		*ids = mem_realloc(*ids, *cap * sizeof(**ids));
	}
	(*ids)[(*n)++] = id;
}

/* --- what a text means -------------------------------------------------------------------------- */

/* A place in the table of instruments is for what a client may have, not for all that is meant. */
static void find_ids(const struct stream *s, struct selection *sel)
{
	const char *key = sel->keys.data;

	for (uint32_t i = 0; i < sel->n && sel->meant.count < sel->n; i++) {
		size_t len = strlen(key);

		if (sel->ids[i] == INST_NONE) {
			sel->ids[i] = instruments_find(&s->deps.book->instruments, key, len);
			if (sel->ids[i] != INST_NONE)
				bitset_add(&sel->meant, sel->ids[i]);
		}
		key += len + 1;
	}
}

static void on_key(void *arg, const char *key, size_t len)
{
	buf_append(arg, key, len);
	buf_byte(arg, '\0');
}

/* Why the price of this instrument cannot be asked for; NULL: it can, and `*id` is its. */
static const char *admit_money(const struct stream *s, const char *key, inst_id *id)
{
	const struct stream_deps *d = &s->deps;
	size_t len = strlen(key);

	if (!interest_admits(d->interest, instruments_find(&d->book->instruments, key, len),
			     WANT_LTPC))
		return "over_broker_limit";
	*id = stream_intern(s, key, len);
	return *id == INST_NONE ? "over_limit" : NULL;
}

/* The price that tells the money has to come, or nothing is ever at it. Where there is no room for it now there
 * may be some the next time. */
static void want_money(struct stream *s, struct selection *sel)
{
	const struct stream_deps *d = &s->deps;
	const char *key = d->money_key(d->known_arg, sel->text, strlen(sel->text));
	inst_id id = INST_NONE;

	sel->money_refusal = key ? admit_money(s, key, &id) : NULL;
	if (id == sel->money)
		return;
	if (id != INST_NONE)
		interest_add(d->interest, id, WANT_LTPC);
	if (sel->money != INST_NONE)
		interest_drop(d->interest, sel->money, WANT_LTPC);
	sel->money = id;
}

static void set_meaning(const struct stream *s, struct selection *sel, struct buf *keys, uint32_t n)
{
	buf_fini(&sel->keys);
	sel->keys = *keys;
	sel->n = n;
	sel->ids = mem_realloc(sel->ids, n * sizeof(*sel->ids));
	for (uint32_t i = 0; i < n; i++)
		sel->ids[i] = INST_NONE;
	bitset_clear(&sel->meant);
	find_ids(s, sel);
	sel->version++;
}

/* Where nothing is meant any more (no price, no master) what was meant stays. */
static void look(struct stream *s, struct selection *sel)
{
	const struct stream_deps *d = &s->deps;
	struct buf keys = {0};
	struct resolve_miss miss;
	uint32_t n;

	want_money(s, sel);
	n = d->select(d->known_arg, sel->text, strlen(sel->text), on_key, &keys, &miss);
	sel->code = n ? RESOLVE_OK : miss.code;
	if (n == 0 ||
	    (keys.len == sel->keys.len && memcmp(keys.data, sel->keys.data, keys.len) == 0))
		buf_fini(&keys);
	else
		set_meaning(s, sel, &keys, n);
}

static struct selection *selection_find(const struct stream *s, const char *text)
{
	list_for_each (it, &s->selections) {
		struct selection *sel = container_of(it, struct selection, link);

		if (strcmp(sel->text, text) == 0)
			return sel;
	}
	return NULL;
}

static struct selection *selection_get(struct stream *s, const char *text)
{
	struct selection *sel = selection_find(s, text);

	if (!sel) {
		sel = mem_zalloc(sizeof(*sel));
		sel->text = mem_strdup(text);
		sel->money = INST_NONE;
		list_append(&s->selections, &sel->link);
		look(s, sel);
	}
	sel->refs++;
	return sel;
}

static void selection_put(struct stream *s, struct selection *sel)
{
	if (--sel->refs)
		return;
	if (sel->money != INST_NONE)
		interest_drop(s->deps.interest, sel->money, WANT_LTPC);
	list_remove(&sel->link);
	free(sel->text);
	buf_fini(&sel->keys);
	free(sel->ids);
	bitset_fini(&sel->meant);
	free(sel);
}

/* --- a client's --------------------------------------------------------------------------------- */

static struct selected *selected_find(const struct client *c, const char *text)
{
	for (uint32_t i = 0; i < c->selected_n; i++) {
		if (strcmp(c->selected[i].selection->text, text) == 0)
			return &c->selected[i];
	}
	return NULL;
}

static void put_key(const struct client *c, inst_id id, uint32_t *n, struct buf *out)
{
	const char *key = instruments_key(&c->stream->deps.book->instruments, id);

	if ((*n)++)
		buf_byte(out, ',');
	buf_json_str(out, key, strlen(key));
}

/* Whether another selection of the client means it too: it goes over to that one. */
static bool hand_over(struct client *c, const struct selected *from, inst_id id)
{
	for (uint32_t i = 0; i < c->selected_n; i++) {
		struct selected *other = &c->selected[i];

		if (other != from && bitset_has(&other->selection->meant, id)) {
			push_id(&other->ids, &other->n, &other->cap, id);
			return true;
		}
	}
	return false;
}

/* Takes away what it brought and does not mean any more; all of it when `is_over`. */
static void leave(struct client *c, struct selected *sd, bool is_over, struct buf *out)
{
	const struct selection *sel = sd->selection;
	uint32_t kept = 0, told = 0;

	for (uint32_t i = 0; i < c->selected_n; i++)
		find_ids(c->stream, c->selected[i].selection);
	for (uint32_t i = 0; i < sd->n; i++) {
		inst_id id = sd->ids[i];

		if (!is_over && bitset_has(&sel->meant, id)) {
			sd->ids[kept++] = id;
		} else if (!hand_over(c, sd, id) && wants_remove(&c->stream->wants, id)) {
			put_key(c, id, &told, out);
		}
	}
	sd->n = kept;
}

/* Brings what it means and the client does not have; what the client has goes on as it is. */
static void enter(struct client *c, struct selected *sd, const struct scope *scope, bool is_new,
		  struct buf *out)
{
	struct wants *w = &c->stream->wants;
	struct selection *sel = sd->selection;
	const char *key = sel->keys.data;
	uint32_t told = 0;

	find_ids(c->stream, sel);
	for (uint32_t i = 0; i < sel->n; i++, key += strlen(key) + 1) {
		inst_id id = sel->ids[i];
		int had = wants_mode(w, id);

		if ((had != WANT_NOTHING && !(is_new && has_id(sd->ids, sd->n, id))) ||
		    client_admit(c, scope, key, sd->mode, had, &id))
			continue;
		wants_add(w, id, sd->mode);
		wants_set_pace(w, id, sd->pace);
		if (had == WANT_NOTHING)
			push_id(&sd->ids, &sd->n, &sd->cap, id);
		put_key(c, id, &told, out);
	}
	find_ids(c->stream, sel);
	sd->version = sel->version;
}

/* ,"keys":[...]: what it means of what the client may have; and how many of them limits keep out: not
 * in silence. What lies outside of the scope is not counted, as if it did not exist. */
static void put_keys(const struct client *c, const struct selected *sd, const struct scope *scope,
		     struct buf *out)
{
	const struct selection *sel = sd->selection;
	const char *key = sel->keys.data;
	uint32_t n = 0, left_out = 0;

	buf_str(out, ",\"keys\":[");
	for (uint32_t i = 0; i < sel->n; i++, key += strlen(key) + 1) {
		if (wants_has(&c->stream->wants, sel->ids[i]))
			put_key(c, sel->ids[i], &n, out);
		else
			left_out += scope_permits(scope, key, strlen(key));
	}
	buf_byte(out, ']');
	if (left_out)
		buf_printf(out, ",\"left_out\":%u", left_out);
}

static void put_status(struct buf *out, const char *status)
{
	buf_printf(out, ",\"status\":\"%s\"", status);
}

static struct selected *selected_add(struct client *c, const char *text, const char **refusal)
{
	struct selection *sel = selection_get(c->stream, text);

	/* Without a price it waits for one; all else is not going to be better. */
	if (sel->n == 0 && sel->code != RESOLVE_OK && sel->code != RESOLVE_NO_PRICE)
		*refusal = resolve_code_text(sel->code);
	else
		*refusal = sel->money_refusal;
	if (*refusal) {
		selection_put(c->stream, sel);
		return NULL;
	}
	c->selected = mem_realloc(c->selected, (c->selected_n + 1) * sizeof(*c->selected));
	c->selected[c->selected_n] = (struct selected){.selection = sel};
	return &c->selected[c->selected_n++];
}

void selection_subscribe(struct client *c, const struct scope *scope, const char *text,
			 enum view_mode mode, uint32_t pace, struct buf *out)
{
	struct selected *sd = selected_find(c, text);
	const char *refusal = NULL;
	struct buf unused = {0};

	if (!c->stream->deps.select) {
		put_status(out, "invalid_instrument");
		return;
	}
	if (!sd && c->selected_n == SELECTIONS_MAX) {
		put_status(out, "over_limit");
		return;
	}
	if (!sd)
		sd = selected_add(c, text, &refusal);
	if (!sd) {
		put_status(out, refusal);
		return;
	}
	sd->mode = mode;
	sd->pace = pace;
	enter(c, sd, scope, true, &unused);
	buf_fini(&unused);
	put_status(out, "subscribed");
	put_keys(c, sd, scope, out);
}

static void selected_drop(struct client *c, struct selected *sd)
{
	selection_put(c->stream, sd->selection);
	free(sd->ids);
	*sd = c->selected[--c->selected_n];
}

void selection_unsubscribe(struct client *c, const char *text, struct buf *out)
{
	struct selected *sd = selected_find(c, text);
	struct buf unused = {0};

	if (!sd) {
		put_status(out, "not_subscribed");
		return;
	}
	leave(c, sd, true, &unused);
	buf_fini(&unused);
	selected_drop(c, sd);
	put_status(out, "unsubscribed");
}

void selection_forget(struct client *c, inst_id id)
{
	for (uint32_t i = 0; i < c->selected_n; i++) {
		struct selected *sd = &c->selected[i];
		uint32_t kept = 0;

		for (uint32_t k = 0; k < sd->n; k++) {
			if (sd->ids[k] != id)
				sd->ids[kept++] = sd->ids[k];
		}
		sd->n = kept;
	}
}

uint32_t selection_pace(const struct client *c, uint32_t i)
{
	return c->selected[i].pace;
}

void selections_list(const struct client *c, struct buf *out)
{
	buf_str(out, ",\"selectors\":[");
	for (uint32_t i = 0; i < c->selected_n; i++) {
		const char *text = c->selected[i].selection->text;

		if (i)
			buf_byte(out, ',');
		buf_json_str(out, text, strlen(text));
	}
	buf_byte(out, ']');
}

void selections_fini(struct client *c)
{
	while (c->selected_n)
		selected_drop(c, &c->selected[0]);
	free(c->selected);
	c->selected = NULL;
}

/* --- following ----------------------------------------------------------------------------------- */

static void follow(struct client *c, struct selected *sd)
{
	struct wants *w = &c->stream->wants;
	const char *text = sd->selection->text;
	struct buf b = {0};

	buf_str(&b, "{\"type\":\"selection\",\"selector\":");
	buf_json_str(&b, text, strlen(text));
	buf_str(&b, ",\"removed\":[");
	wants_begin(w, c);
	leave(c, sd, false, &b);
	buf_str(&b, "],\"added\":[");
	enter(c, sd, client_scope(c), false, &b);
	buf_byte(&b, ']');
	put_keys(c, sd, client_scope(c), &b);
	wants_end(w);
	buf_byte(&b, '}');
	client_reply(c, &b);
}

void selections_sweep(struct stream *s)
{
	mono_ns now = clock_mono(s->deps.loop->clock);
	bool has_changed = false;

	if (list_is_empty(&s->selections) || now - s->selections_looked < LOOK_NS)
		return;
	s->selections_looked = now;
	list_for_each (it, &s->selections) {
		struct selection *sel = container_of(it, struct selection, link);
		uint64_t version = sel->version;

		look(s, sel);
		has_changed = has_changed || sel->version != version;
	}
	if (!has_changed)
		return;
	list_for_each (it, &s->clients) {
		struct client *c = container_of(it, struct client, link);

		for (uint32_t i = 0; c->conn && i < c->selected_n; i++) {
			if (c->selected[i].version != c->selected[i].selection->version)
				follow(c, &c->selected[i]);
		}
	}
}
