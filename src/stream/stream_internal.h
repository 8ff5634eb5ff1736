/* SPDX-License-Identifier: MIT
 *
 * stream_internal: what the files of the broadcaster share.
 */
#ifndef AGNI_STREAM_INTERNAL_H
#define AGNI_STREAM_INTERNAL_H

#include "market/quote_json.h"
#include "stream/compat.h"
#include "stream/stream.h"
#include "tape/cursor.h"

/* At most this much payload a send; a frame may be longer only by its last quote. */
#define SEND_MAX_BYTES 65536
/* Replies that a client does not read; beyond it is closed. */
#define REPLIES_MAX_BYTES (1 << 20)

#define NOT_SUBSCRIBED 0xff

struct channel;

struct client {
	struct list link; /* in stream->clients */
	struct stream *stream;
	struct ws_conn *conn; /* NULL once closed */
	char id[17];
	struct auth_caller caller; /* zeroed without a struct auth */
	struct bitset subs;
	uint8_t *mode; /* by instrument id: enum view_mode, or NOT_SUBSCRIBED */
	uint32_t mode_cap;
	struct bitset latest;      /* of subs: policy latest */
	struct bitset all;         /* of subs: every tick, through the cursor */
	struct bitset then_latest; /* of all: policy latest again when the cursor is at the edge */
	uint64_t *since; /* by instrument id: ticks up to here are not for the cursor to deliver */
	uint32_t since_cap;
	struct tape_cursor cursor; /* every tick of `all` up to cursor.seq was delivered */
	struct bitset snapshot;    /* subscribed just now: state is owed, marked as a snapshot */
	struct bitset behind;      /* ticked, and not delivered: the socket was full */
	uint32_t *behind_ticks; /* by instrument id: ticks not delivered; NULL until first behind */
	uint32_t behind_cap;
	struct channel *channels;
	uint32_t channels_n;
	struct buf replies; /* whole frames that wait for the socket */
	bool is_full;       /* on_writable will come */
	bool is_stalled;    /* was full for too long, and is being closed */
	bool has_lost_key;  /* is being closed for it */
	mono_ns full_since;
	mono_ns last_sent;
	mono_ns command_ns; /* when its bucket of commands is full again */
	uint64_t sent_seq;  /* everything in its view up to here was delivered or announced */
	uint64_t frames, ticks, conflated;
};

/* Under which a subscription's ticks come. */
enum policy { POLICY_LATEST, POLICY_ALL };

#define RECENT_TICKS   1024       /* a power of two: JSON of single ticks that readers share */
#define WALK_BUDGET    100000     /* ticks that cursors look at in one flush */
#define ENCODE_BUDGET  1000       /* of them made to JSON */
#define SINCE_SNAPSHOT UINT64_MAX /* in client->since: behind the snapshot that is owed */

/* The JSON of one instrument in one mode, kept until its seq moves. */
struct fragment {
	struct buf json;
	uint64_t seq;
};

struct stream {
	struct module mod;
	struct stream_deps deps;
	struct ws_server *server;
	struct list clients;
	struct compat compat;      /* the feed in the broker's protocol, and its clients */
	struct auth_listener keys; /* told when they have changed */
	struct book_subscriber subscriber;
	struct turn_hook hook;
	uv_timer_t sweep;
	struct bitset dirty;   /* ticked since the last flush */
	uint32_t *dirty_ticks; /* by instrument id: how often, since the last flush */
	uint32_t ids_cap;      /* of the two arrays by instrument id */
	struct fragment *fragments[VIEW_MODES];
	struct fragment *recent[VIEW_MODES]; /* RECENT_TICKS each, by seq: single ticks */
	struct slot tick;                    /* scratch: a tick read back */
	uint32_t walk_budget, encode_budget; /* of this flush */
	char epoch[TAPE_EPOCH_TEXT];         /* that the clients were told */
	struct bitset due;                   /* scratch of one client's flush */
	struct buf out;                      /* scratch: the frame under construction */
	mono_ns first_dirty; /* arrival of the oldest tick that waits for the flush */
	bool status_is_due, is_stopping, is_timer_closed;
	bool is_loopback; /* where it listens */
	mono_ns stop_deadline;
	char http_origin[96];
	/* metrics */
	uint64_t clients_now, clients_total, refused, frames, ticks, bytes, conflated, full,
		stalled, commands, bad_commands, keys_lost, replayed, gaps, resumes, cannot_resumes;
	struct histogram flush_lag; /* arrival of a tick to its frame being written */
};

/* client.c */
struct client *client_create(struct stream *s, struct ws_conn *conn);
void client_destroy(struct client *c);
enum view_mode client_mode(const struct client *c, inst_id id);
bool client_subscribe(struct client *c, inst_id id, enum view_mode mode); /* false: no change */
bool client_unsubscribe(struct client *c, inst_id id);

/* How the ticks of a subscribed instrument come from now on, behind a snapshot when there is state. */
void client_set_policy(struct client *c, inst_id id, enum policy policy);

/* As client_set_policy, but from behind `from_seq` on instead of a snapshot. */
void client_resume(struct client *c, inst_id id, enum policy policy, uint64_t from_seq);
void client_reply(struct client *c, struct buf *json); /* sends or keeps; json is consumed */
void client_close(struct client *c, int code, const char *reason);
void client_went_full(struct client *c); /* its socket took nothing: on_writable will come */

/* command.c */
void client_on_message(struct client *c, const void *data, size_t len);
void client_send_connection(struct client *c);
void stream_status_json(const struct stream *s, struct buf *out);

/* The id of an instrument that this client may subscribe to, or the reason why it may not. `has_it`: the
 * subscription is no new one, and counts already. */
const char *client_admit(struct client *c, const struct scope *scope, const char *key,
			 enum view_mode mode, bool has_it, inst_id *id);

/* channels.c: returns the status of the command's result. */
const char *channel_subscribe(struct client *c, const struct scope *scope, const char *name);
const char *channel_unsubscribe(struct client *c, const char *name);
void channels_list(const struct client *c, struct buf *out); /* a member "channels" */
void channels_send(struct client *c);                        /* what is due by now */
void channels_fini(struct client *c);

/* catchup.c: the cursor. Sends at most one frame; false when the socket took nothing. */
bool client_catch_up(struct client *c);

/* flush.c */
void frame_begin(struct buf *out, bool is_snapshot);
enum ws_sent frame_send(struct client *c, struct buf *out, uint64_t seq, uint64_t conflated);
void stream_grow(struct stream *s, inst_id id);
void stream_flush(struct stream *s);

/* stream.c: a flush at the end of this turn. */
void stream_arm(struct stream *s);

/* While stopping: the last client has gone, perhaps. */
void stream_stop_if_idle(struct stream *s);

#endif
