/* SPDX-License-Identifier: MIT
 *
 * selection: see selection.h.
 */
#include <stdlib.h>

#include "stream/selection_internal.h"

#define SELECTIONS_MAX 64 /* of one client */
#define LOOK_NS        NS_PER_S
#define WORK_NS        (NS_PER_MS / 2) /* of following in one turn of the loop */

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
		selection_find_ids(c->stream, c->selected[i].selection);
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

/* Whether it is for want of room, which may be there later. */
static bool is_limit(const char *refusal)
{
	return strncmp(refusal, "over_", 5) == 0;
}

/* Brings what it means and the client does not have; what the client has goes on as it is. Returns how many it
 * brought. */
static uint32_t enter(struct client *c, struct selected *sd, const struct scope *scope, bool is_new,
		      struct buf *out)
{
	struct wants *w = &c->stream->wants;
	struct selection *sel = sd->selection;
	const char *key = sel->keys.data;
	uint32_t told = 0;

	selection_find_ids(c->stream, sel);
	sd->kept_out = 0;
	for (uint32_t i = 0; i < sel->n; i++, key += strlen(key) + 1) {
		inst_id id = sel->ids[i];
		int had = wants_mode(w, id);
		const char *refusal;

		if (had != WANT_NOTHING && !(is_new && has_id(sd->ids, sd->n, id)))
			continue;
		refusal = client_admit(c, scope, key, sd->mode, had, &id);
		if (refusal) {
			sd->kept_out += is_limit(refusal);
			continue;
		}
		wants_add(w, id, sd->mode);
		wants_set_pace(w, id, sd->pace);
		if (had == WANT_NOTHING)
			push_id(&sd->ids, &sd->n, &sd->cap, id);
		put_key(c, id, &told, out);
	}
	selection_find_ids(c->stream, sel);
	sd->version = sel->version;
	sd->freed = c->stream->deps.interest->freed;
	sd->subs = c->subs + c->channels_n;
	return told;
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

/* What a scope lets see of what the text is about; of no selector that it is one. */
static enum resolve_sight sight_of(const struct client *c, const struct scope *scope,
				   const char *text)
{
	struct selector s;
	struct agni_err err;

	return selector_parse(text, strlen(text), &s, &err) < 0
		       ? SIGHT_ALL
		       : stream_sight(c->stream, scope, s.underlying);
}

static struct selected *selected_add(struct client *c, const struct scope *scope, const char *text,
				     const char **refusal)
{
	enum resolve_sight sight = sight_of(c, scope, text);
	struct selection *sel;

	*refusal = "not_permitted"; /* before it is said whether there is such a thing */
	if (sight == SIGHT_NOTHING)
		return NULL;
	sel = selection_get(c->stream, text);
	/* Without a price it waits for one; all else is not going to be better. */
	if (sel->n == 0 && sel->code != RESOLVE_OK && sel->code != RESOLVE_NO_PRICE)
		*refusal = sight == SIGHT_ALL ? resolve_code_text(sel->code) : "not_permitted";
	else
		*refusal = sel->money_refusal;
	if (*refusal) {
		selection_put(c->stream, sel);
		return NULL;
	}
	c->selected = mem_realloc(c->selected, (c->selected_n + 1) * sizeof(*c->selected));
	c->selected[c->selected_n] = (struct selected){.selection = sel};
	if (c->selected_n == 0) {
		list_append(&c->stream->followers, &c->following);
		c->follow_at = 0;
	}
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
	if (!client_may_look(c) || (!sd && c->selected_n == SELECTIONS_MAX)) {
		put_status(out, "over_limit");
		return;
	}
	if (!sd)
		sd = selected_add(c, scope, text, &refusal);
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
	if (c->selected_n == 0)
		list_remove(&c->following);
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

/* --- following ----------------------------------------------------------------------------------
 *
 * Once a second all texts are looked at, then all clients that have some. However many there are, no turn of the
 * loop is held for longer than WORK_NS and what one text costs: what is left goes on in the next one. Both lists go
 * round: who was served goes to their end, so nobody has to remember a place in a list that others change. */

static void follow(struct client *c, struct selected *sd, bool may_be_quiet)
{
	struct wants *w = &c->stream->wants;
	const char *text = sd->selection->text;
	uint32_t came;
	struct buf b = {0};

	buf_str(&b, "{\"type\":\"selection\",\"selector\":");
	buf_json_str(&b, text, strlen(text));
	buf_str(&b, ",\"removed\":[");
	wants_begin(w, c);
	leave(c, sd, false, &b);
	buf_str(&b, "],\"added\":[");
	came = enter(c, sd, client_scope(c), false, &b);
	buf_byte(&b, ']');
	put_keys(c, sd, client_scope(c), &b);
	wants_end(w);
	buf_byte(&b, '}');
	if (came || !may_be_quiet)
		client_reply(c, &b);
	else
		buf_fini(&b);
}

/* Whether what a limit kept out might come in now. */
static bool has_room_come(const struct client *c, const struct selected *sd)
{
	return sd->kept_out &&
	       (sd->freed != c->stream->deps.interest->freed || c->subs + c->channels_n < sd->subs);
}

/* Follows the next of its selectors for which there is something to do. Returns whether there was one. */
static bool follow_next(struct client *c)
{
	while (c->conn && c->follow_at < c->selected_n) {
		struct selected *sd = &c->selected[c->follow_at++];
		bool is_new = sd->version != sd->selection->version;

		if (is_new || has_room_come(c, sd)) {
			follow(c, sd, !is_new);
			return true;
		}
	}
	return false;
}

static struct list *take_first(struct list *l)
{
	struct list *first = l->next;

	list_remove(first);
	list_append(l, first);
	return first;
}

/* Returns whether there is more to do. */
static bool work(struct stream *s)
{
	const struct clock *clock = s->deps.loop->clock;
	mono_ns until = clock_mono(clock) + WORK_NS;

	while (s->looks_left && !list_is_empty(&s->selections)) {
		selection_look(s, container_of(take_first(&s->selections), struct selection, link));
		s->looks_left--;
		if (clock_mono(clock) >= until)
			return true;
	}
	s->looks_left = 0;
	while (s->follows_left && !list_is_empty(&s->followers)) {
		struct client *c = container_of(s->followers.next, struct client, following);

		if (!follow_next(c)) {
			c->follow_at = 0;
			take_first(&s->followers);
			s->follows_left--;
		}
		if (clock_mono(clock) >= until)
			return true;
	}
	s->follows_left = 0;
	return false;
}

void selections_work(struct turn_hook *hook)
{
	struct stream *s = container_of(hook, struct stream, following);

	if (work(s))
		hook_arm(hook);
}

static uint32_t length_of(const struct list *l)
{
	uint32_t n = 0;

	list_for_each (it, l)
		n++;
	return n;
}

void selections_sweep(struct stream *s)
{
	mono_ns now = clock_mono(s->deps.loop->clock);

	if (list_is_empty(&s->selections) || now - s->selections_looked < LOOK_NS ||
	    s->following.is_armed)
		return;
	s->selections_looked = now;
	s->looks_left = length_of(&s->selections);
	s->follows_left = length_of(&s->followers);
	hook_arm(&s->following);
}
