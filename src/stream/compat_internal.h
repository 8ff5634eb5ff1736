/* SPDX-License-Identifier: MIT
 *
 * compat_internal: what the files of the broker's protocol share.
 */
#ifndef AGNI_STREAM_COMPAT_INTERNAL_H
#define AGNI_STREAM_COMPAT_INTERNAL_H

#include "stream/compat.h"
#include "stream/stream_internal.h"

/* A set of subscriptions that any number of clients have. Changed only by a client that has it
 * alone, and then given up for an equal one if there is one. */
struct compat_view {
	struct list link; /* in compat->views, while it may be shared */
	uint64_t hash;    /* of its subscriptions; order does not matter */
	uint32_t refs;
	uint32_t keys_n;
	uint8_t *modes; /* by instrument id: enum request_mode + 1; 0: not subscribed */
	uint32_t cap;
	/* what it gets in the flush of that number */
	uint64_t flush;
	uint32_t chunk_first, chunks_n;
};

struct compat_client {
	struct list link; /* in compat->clients */
	struct compat *compat;
	struct ws_conn *conn;
	char id[17];
	struct auth_caller caller;
	struct compat_view *view;
	struct bitset owed; /* instruments whose state it has to get before anything else of them */
	bool owes_info;     /* it has not had a market_info that it should have */
	bool is_full;       /* on_writable will come */
	mono_ns held_until; /* nothing is sent before; 0: it is not held */
	bool is_closing;    /* was told to go: stalled, its key is gone, a flood */
	mono_ns full_since;
	mono_ns request_ns; /* when its bucket of requests is full again */
};

static inline int view_mode_of(const struct compat_view *v, inst_id id)
{
	return id < v->cap ? (int)v->modes[id] - 1 : -1;
}

/* --- compat.c --------------------------------------------------------------------------------- */

/* A flush at the end of this turn. */
void compat_arm(struct compat *c);

/* The client has just connected: nothing goes out to it for a while. */
void compat_hold(struct compat_client *client);
void compat_close(struct compat_client *client, int code, const char *reason);

/* --- compat_turn.c ---------------------------------------------------------------------------- */

/* A tick of an instrument that somebody wants. */
void turn_add(struct compat_turn *t, const struct compat_want *want, const char *key,
	      size_t key_len, inst_id id, const struct slot *slot, const struct quote *said);

/* The upstream message has ended. */
void turn_close(struct compat_turn *t);

/* A market_info. */
void turn_add_info(struct compat_turn *t, int64_t ts_ms, const void *info, size_t len);
void turn_reset(struct compat_turn *t);
void turn_fini(struct compat_turn *t);

/* --- compat_view.c ---------------------------------------------------------------------------- */

/* The view without a subscription. */
struct compat_view *view_get_empty(struct compat *c);
void view_put(struct compat *c, struct compat_view *v);

/* A view that is the caller's alone, with what `v` has; `v` is given up. */
struct compat_view *view_edit(struct compat *c, struct compat_view *v);

/* mode: enum request_mode + 1, 0 to remove; of a view that is being edited. */
void view_set(struct compat_view *v, inst_id id, uint8_t mode);

/* The end of an edit: the view, or an equal one that others have. */
struct compat_view *view_settle(struct compat *c, struct compat_view *v);

/* --- compat_client.c -------------------------------------------------------------------------- */

extern const struct ws_callbacks compat_callbacks;
struct compat_client *compat_client_create(struct compat *c, struct ws_conn *conn);

/* --- compat_send.c ---------------------------------------------------------------------------- */

/* Sends what the client is owed and what the turn brought; what its socket does not take becomes
 * bits. */
void compat_send(struct compat_client *client);

/* The turn's messages from `from` on become bits. */
void compat_fall_behind(struct compat_client *client, uint32_t from);

#endif
