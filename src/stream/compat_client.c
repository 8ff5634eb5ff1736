/* SPDX-License-Identifier: MIT
 *
 * compat_client: one reader of the broker's protocol, and its requests.
 *
 * As the broker does it: requests are JSON in binary frames; text frames, requests that do not read,
 * unknown methods, modes and keys are passed over in silence; `sub` of a key that is there moves it to
 * the mode, and its snapshot comes again. What the reader's API key may not see is like an unknown
 * key, and so is what lies beyond stream.max_subscriptions or what the broker serves us (full_d30 without
 * the plan for it).
 *
 * Not as the broker does it: a client that goes on to send more than stream.commands_per_s is closed
 * with 4009. A program may ask for its instruments one by one, so the burst is large.
 */
#include <stdlib.h>

#include "core/log.h"
#include "core/rand.h"
#include "stream/compat_internal.h"
#include "upstox/control.h"

#define BURST_S 40 /* so many seconds' requests at once */
/* What the feed and the watch list still need is not for clients to use up. */

/* The modes in the order of what goes upstream for them. */
static enum interest_mode interest_of(int mode)
{
	static const enum interest_mode want[COMPAT_MODES] = {
		[MODE_LTPC] = WANT_LTPC,
		[MODE_OPTION_GREEKS] = WANT_OPTION_GREEKS,
		[MODE_FULL_D5] = WANT_FULL,
		[MODE_FULL_D30] = WANT_FULL_D30,
	};

	return want[mode];
}

struct compat_client *compat_client_create(struct compat *c, struct ws_conn *conn)
{
	struct compat_client *client = mem_zalloc(sizeof(*client));

	client->compat = c;
	client->conn = conn;
	client->owes_info = true;
	client->view = view_get_empty(c);
	rand_hex(client->id, (sizeof(client->id) - 1) / 2);
	list_append(&c->clients, &client->link);
	c->clients_now++;
	c->clients_total++;
	return client;
}

/* --- subscriptions ---------------------------------------------------------------------------- */

static struct compat_want *want_of(struct compat *c, inst_id id)
{
	uint32_t cap = c->want_cap ? c->want_cap : 64;

	if (id >= c->want_cap) {
		while (id >= cap)
			cap *= 2;
		c->want = mem_realloc(c->want, cap * sizeof(*c->want));
		memset(c->want + c->want_cap, 0, (cap - c->want_cap) * sizeof(*c->want));
		c->want_cap = cap;
	}
	return &c->want[id];
}

/* What upstream is asked for, and what is encoded, follows a subscription; -1: none. The new
 * interest comes first, so that a change of mode never reads as "nobody wants it". */
static void want_move(struct compat *c, inst_id id, int from, int to)
{
	struct interest *interest = c->stream->deps.interest;
	struct compat_want *want = want_of(c, id);

	if (to >= 0) {
		interest_add(interest, id, interest_of(to));
		want->n[to]++;
	}
	if (from >= 0) {
		interest_drop(interest, id, interest_of(from));
		want->n[from]--;
	}
}

static void move_key(struct compat_client *client, inst_id id, int to)
{
	int from = view_mode_of(client->view, id);

	if (from == to)
		return;
	want_move(client->compat, id, from, to);
	view_set(client->view, id, (uint8_t)(to + 1));
}

static const struct scope *scope_of(const struct compat_client *client)
{
	static const struct scope all = {0};
	const struct auth *auth = client->compat->stream->deps.auth;

	return auth ? auth_scope(auth, &client->caller) : &all;
}

/* As stream_admit has it: the mode in which the client has the key now, or WANT_NOTHING. */
static int had_mode(const struct compat_client *client, inst_id id)
{
	int had = id != INST_NONE ? view_mode_of(client->view, id) : -1;

	return had < 0 ? WANT_NOTHING : (int)interest_of(had);
}

/* Whether the broker would still serve everything. */
static bool is_served(const struct compat_client *client, inst_id id, enum request_mode mode)
{
	return interest_admits_move(client->compat->stream->deps.interest, id, had_mode(client, id),
				    interest_of((int)mode));
}

/* The instrument, when the client may subscribe to it; else INST_NONE. */
static inst_id admit(const struct compat_client *client, const char *key, enum request_mode mode)
{
	const struct stream *s = client->compat->stream;
	inst_id id = instruments_find(&s->deps.book->instruments, key, strlen(key));

	return stream_admit(s, scope_of(client), key, interest_of((int)mode), had_mode(client, id),
			    client->view->keys_n, &id)
		       ? INST_NONE
		       : id;
}

/* A snapshot is due, when there is state that may be taken for the present; else what the broker
 * says to the subscription will come as a message. */
static void owe_state(struct compat_client *client, inst_id id)
{
	const struct stream_deps *d = &client->compat->stream->deps;

	if (book_slot(d->book, id) && !d->upstream->is_stale(d->upstream->arg, id))
		bitset_add(&client->owed, id);
}

static void end_key(struct compat_client *client, inst_id id)
{
	move_key(client, id, -1);
	bitset_remove(&client->owed, id);
}

static void take_key(struct compat_client *client, const struct control_request *r, const char *key)
{
	const struct instruments *t = &client->compat->stream->deps.book->instruments;
	inst_id id = r->method == CONTROL_SUB ? admit(client, key, r->mode)
					      : instruments_find(t, key, strlen(key));

	if (id == INST_NONE)
		return;
	if (r->method != CONTROL_SUB && view_mode_of(client->view, id) < 0)
		return; /* there is nothing to end or to change */
	if (r->method == CONTROL_UNSUB) {
		end_key(client, id);
	} else if (is_served(client, id, r->mode)) {
		move_key(client, id, (int)r->mode);
		owe_state(client, id);
	}
}

/* A bucket of requests that fills at commands_per_s. */
static bool is_flood(struct compat_client *client)
{
	const struct stream_deps *d = &client->compat->stream->deps;
	mono_ns now = clock_mono(d->loop->clock);
	int64_t per_s = client->caller.commands_per_s ? client->caller.commands_per_s
						      : d->cfg->commands_per_s;

	if (client->request_ns < now)
		client->request_ns = now;
	client->request_ns += NS_PER_S / (uint64_t)per_s;
	return client->request_ns - now > BURST_S * NS_PER_S;
}

static void on_message(void *user, struct ws_conn *conn, enum ws_opcode op, const void *data,
		       size_t len)
{
	struct compat_client *client = user;
	struct compat *c = client->compat;
	struct control_request r;
	struct agni_err err;

	(void)conn;
	c->requests++;
	if (is_flood(client)) {
		compat_close(client, STREAM_CLOSE_FLOOD, "too many requests");
		return;
	}
	if (op != WS_BINARY || control_parse(&r, data, len, &err) < 0) {
		c->ignored++;
		return;
	}
	client->view = view_edit(c, client->view);
	for (uint32_t i = 0; i < r.keys_n; i++)
		take_key(client, &r, r.keys[i]);
	client->view = view_settle(c, client->view);
	control_fini(&r);
	if (client->owed.count)
		compat_arm(c);
}

/* --- the connection --------------------------------------------------------------------------- */

static void on_writable(void *user, struct ws_conn *conn)
{
	struct compat_client *client = user;

	(void)conn;
	client->is_full = false;
	compat_arm(client->compat); /* what it is owed and this turn's messages go out together */
}

static void client_drop_all(struct compat_client *client)
{
	struct compat_view *v = client->view;

	for (uint32_t id = 0; id < v->cap; id++) {
		if (v->modes[id])
			want_move(client->compat, id, v->modes[id] - 1, -1);
	}
	view_put(client->compat, v);
	client->view = NULL;
}

static void on_close(void *user, struct ws_conn *conn, int code, const char *reason)
{
	struct compat_client *client = user;
	struct compat *c = client->compat;
	struct stream *s = c->stream;

	(void)conn;
	log_debug("stream", "feed client %s is gone: %d %s", client->id, code, reason);
	if (s->deps.auth)
		auth_connection_closed(s->deps.auth, &client->caller);
	client_drop_all(client);
	list_remove(&client->link);
	c->clients_now--;
	bitset_fini(&client->owed);
	free(client);
	stream_stop_if_idle(s);
}

const struct ws_callbacks compat_callbacks = {
	.on_message = on_message,
	.on_writable = on_writable,
	.on_close = on_close,
};
