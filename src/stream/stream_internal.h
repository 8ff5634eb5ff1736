/* SPDX-License-Identifier: MIT
 *
 * stream_internal: what the files of the broadcaster share.
 *
 *      client --has a seat in--> view (pace; instruments with modes) <--are watched by-- stream->index
 *                 |                |
 *                 |                +-- shared: seats that have all that the view has sent
 *                 +-- owed: what this client alone still has to get; NULL for those
 *
 * A view is a set of (instrument, mode) under one pace: at the end of each turn (policy latest),
 * every so many milliseconds (interval), or every tick (all). Clients with the same set share it: what is
 * due is gathered once into one frame, and each seat in `shared` costs one send. A client has one
 * seat per pace; nearly all have one.
 *
 * Who is owed something else than the others of the view has a struct owed: a snapshot after
 * a subscription, the state of a full socket, a cursor into the tape. Its frames are its own, made of the
 * same cached JSON. When it has all that the view has sent, it goes back to the shared ones. A client with several
 * seats is always of this kind, because the seq of its frames speaks for all of them.
 *
 * Nothing is marked at a tick but one bit and one count. What a reader has got is the value of that count when it
 * got it: the difference says whether a quote is due, and how many ticks it stands for. So
 * a full socket costs the same whether one tick passes or a million, and no time at all.
 *
 * Who does what: view.c interns views and keeps the index; wants.c moves a client between views;
 * flush.c sends what is shared, owed.c what is not; catchup.c reads the tape for both; frame.c has the bytes.
 */
#ifndef AGNI_STREAM_INTERNAL_H
#define AGNI_STREAM_INTERNAL_H

#include "market/quote_json.h"
#include "stream/channels.h"
#include "stream/compat.h"
#include "stream/stream.h"
#include "tape/cursor.h"

/* At most this much payload a send; a frame may be longer only by its last quote. */
#define SEND_MAX_BYTES 65536
/* Replies that a client does not read; beyond it is closed. */
#define REPLIES_MAX_BYTES (1 << 20)

/* When the ticks of a view go out: a number of milliseconds, or one of these. */
#define PACE_TURN  0          /* policy latest: at the end of each turn */
#define PACE_TICKS UINT32_MAX /* policy all: every tick, through a cursor */
#define NO_PACE    (PACE_TICKS - 1)

#define INTERVAL_MIN_MS 10 /* policy interval; and its multiples, so that there are not too many */
#define INTERVAL_MAX_MS 60000
/* Different intervals that one client may have at a time. */
#define INTERVALS_MAX 4
#define SEATS_MAX     (INTERVALS_MAX + 2)

#define RECENT_TICKS   1024       /* a power of two: JSON of single ticks that readers share */
#define WALK_BUDGET    100000     /* ticks that cursors look at in one flush */
#define ENCODE_BUDGET  1000       /* of them made to JSON */
#define SINCE_SNAPSHOT UINT64_MAX /* in chase->since: behind the snapshot that is owed */

/* All views of one interval, so that who changes its set keeps its rhythm. */
struct rhythm {
	struct list link; /* in stream->rhythms */
	uint32_t interval_ms;
	uint32_t views_n;
	struct list views;
	mono_ns due;
	uint64_t seq;  /* of the tape, at the last round */
	bool is_round; /* in this flush */
};

struct view {
	struct view *next; /* in its bucket of stream->views */
	struct view *next_due;
	uint64_t hash;
	uint32_t pace;
	uint32_t n;                   /* instruments */
	uint32_t seats;               /* in all; 0: freed */
	uint32_t number;              /* in stream->numbered; not for intervals */
	struct list shared;           /* seats without anything of their own */
	struct list owing;            /* seats with something owed, of clients that are not full */
	struct rhythm *rhythm;        /* intervals only */
	struct list link;             /* in rhythm->views */
	struct tape_cursor *place;    /* pace TICKS: how far the shared ones have been */
	struct list late_link;        /* in stream->late */
	bool is_late;                 /* not at the edge */
	uint32_t due_first, due_last; /* in stream->due */
	bool is_due;
	struct bitset wanted; /* pace TICKS: the ids, for the cursor */
	/* by position, which is the order of ids; all in one block with the view */
	inst_id *ids;
	uint32_t *seen;  /* stream->count when it was last sent; not for TICKS */
	uint32_t *slots; /* place in stream->index[id]; not for intervals */
	uint8_t *modes;  /* enum view_mode */
};

/* A view that has to know of an instrument's ticks at the end of the turn. */
struct posting {
	uint32_t view; /* its number */
	uint32_t pos;
};

struct postings {
	struct posting *at;
	uint32_t n, cap;
};

/* One's own place in the tape. */
struct chase {
	struct tape_cursor cursor; /* unless at the edge */
	bool is_at_edge;           /* has every tick up to the last flush */
	uint64_t *
		since; /* by position: ticks up to here are not for the cursor to deliver; or NULL */
	uint32_t *then; /* by position: the pace to go on with at the edge; or NULL: stay */
};

struct owed {
	uint64_t *snapshot; /* bits by position: state is owed, marked as a snapshot */
	uint32_t snapshots;
	uint32_t *seen;      /* by position, as in the view; not for TICKS */
	struct chase *chase; /* TICKS only */
	mono_ns not_before;  /* intervals: no quotes earlier than this */
	bool is_midway;      /* intervals: a round is not delivered in full */
};

struct seat {
	struct list link; /* in view->shared or ->owing; nowhere while owed something and full */
	struct client *client;
	struct view *view;
	struct owed *owed; /* NULL: has all that the view has sent */
};

struct selected;

/* Names in one command for which the instrument master is asked (selectors, chains, futures): each costs some
 * ten microseconds, the more when it is none. */
#define LOOKS_MAX 64

#define SIGNALS_FROM_NOW  UINT64_MAX
#define SELECTION_BUCKETS 256

/* What a frame that is sent touches stands in front, together. */
struct client {
	struct ws_conn *conn; /* NULL once closed */
	struct stream *stream;
	mono_ns last_sent;
	uint64_t sent_seq; /* everything in its view up to here was delivered or announced */
	uint64_t frames, ticks, conflated;
	bool is_full;     /* on_writable will come */
	struct list link; /* in stream->clients */
	struct list busy; /* in stream->busy: has something to be sent that is its own */
	char id[17];
	uint32_t number;   /* of those that came */
	bool is_stalled;   /* was full for too long, and is being closed */
	bool has_lost_key; /* is being closed for it */
	bool is_published; /* is a document in Redis */
	uint8_t seats_n;
	uint32_t subs; /* instruments, in all seats */
	struct seat *seats;
	struct auth_caller caller; /* zeroed without a struct auth */
	struct list following;     /* in stream->followers while there are any of these: */
	struct selected *selected; /* subscriptions by selector */
	uint32_t selected_n;
	uint32_t follow_at; /* of them: where following goes on */
	uint32_t looks;     /* of the command that is at work */
	struct channel **channels;
	uint32_t channels_n;
	uint64_t signals_from; /* of the command that is at work; or SIGNALS_FROM_NOW */
	struct buf replies;    /* whole frames that wait for the socket */
	mono_ns full_since;
	mono_ns command_ns; /* when its bucket of commands is full again */
	int64_t since_ms;   /* wall time at which it came */
};

/* The JSON of one instrument in one mode, kept until its seq moves. */
struct fragment {
	struct buf json;
	uint64_t seq;
};

/* What one client wants of one instrument, while it is being changed. */
struct row {
	uint64_t since; /* as in struct chase */
	uint32_t pace, then;
	uint32_t seen;
	uint8_t mode;
	bool owes_snapshot;
};

/* The wishes of one client, taken apart by instrument id: one bench for all, used in one call. */
struct wants {
	struct client *client; /* NULL: the bench is free */
	struct row *rows;
	uint32_t cap;
	struct bitset ids;  /* rows in use */
	uint32_t ticks_n;   /* of them under PACE_TICKS */
	struct chase chase; /* of these; without the arrays */
	inst_id *ids_out;   /* scratch of one view */
	uint8_t *modes_out;
	uint32_t out_cap;
};

/* One quote that is due to a view in this turn. */
struct due {
	uint32_t next, pos;
};
#define DUE_END UINT32_MAX

struct stream {
	struct module mod;
	struct stream_deps deps;
	struct ws_server *server;
	struct list clients;
	struct list selections;                          /* texts that clients have subscribed to */
	struct list selections_named[SELECTION_BUCKETS]; /* the same, by their text */
	mono_ns selections_looked;
	struct list followers; /* clients that have selectors */
	struct turn_hook
		following; /* looks at the texts, then at the clients; so many of them are left: */
	uint32_t looks_left, follows_left;
	struct compat compat; /* the feed in the broker's protocol, and its clients */
	struct list busy;     /* clients */
	struct list channels[CHANNEL_KINDS]; /* what clients have of each kind */
	unsigned woken;                      /* kinds with news, by bits */
	struct chains_listener chains_listener;
	struct futures_listener futures_listener;
	struct auth_listener keys;       /* told when they have changed */
	struct signals_listener signals; /* told of each, for the channel */
	struct book_subscriber subscriber;
	struct turn_hook hook;
	uv_timer_t sweep, round;
	uint32_t *count;        /* by instrument id: ticks so far; wraps */
	struct postings *index; /* by instrument id */
	uint32_t ids_cap;       /* of the arrays by instrument id */
	struct bitset dirty;    /* ticked since the last flush, and watched through the index */
	uint64_t first_seq;     /* of these ticks, when there are some */
	mono_ns first_dirty;    /* arrival of the same tick */
	struct fragment *fragments[VIEW_MODES];
	struct fragment *recent[VIEW_MODES]; /* RECENT_TICKS each, by seq: single ticks */
	struct slot tick;                    /* scratch: a tick read back */
	/* views */
	struct view **views; /* buckets of a hash table */
	uint32_t views_n, buckets_n;
	uint64_t hash_seed;
	struct view **numbered;
	uint32_t numbered_cap;
	struct bitset free_numbers;
	struct list rhythms;
	mono_ns next_round; /* not before; 0: look */
	struct list late;   /* views whose shared ones are behind on the tape */
	struct wants wants;
	/* of one flush */
	uint32_t walk_budget, encode_budget;
	struct tape_cursor edge;      /* where the last flush ended */
	struct tape_cursor edge_next; /* and where this one will have */
	mono_ns now;
	uint64_t newest;  /* seq up to which this flush sends */
	uint64_t flushed; /* and of the one before */
	struct view *due_views, **due_tail;
	struct due *due;
	uint32_t due_n, due_cap;
	struct buf out;              /* scratch: the frame under construction */
	char epoch[TAPE_EPOCH_TEXT]; /* that the clients were told */
	bool status_is_due, is_draining, is_stopping;
	bool is_loopback; /* where it listens */
	uint64_t crowd,
		clients_seen;  /* most clients since memory was given back; at the last sweep */
	mono_ns publish_due;   /* the next round of documents */
	uint32_t publish_from; /* number of the next client of this round; 0: it is over */
	uint32_t published;
	struct histogram publish_time; /* of one sweep */
	int timers_open;
	mono_ns stop_deadline;
	char http_origin[96];
	/* metrics */
	uint64_t clients_now, clients_total, refused, frames, ticks, bytes, conflated, full,
		stalled, commands, bad_commands, keys_lost, replayed, gaps, resumes, cannot_resumes,
		views_now, rounds;
	struct histogram flush_lag; /* arrival of a tick to its frame being written */
};

/* crowd.c: looks at how many clients there are, four times a second. */
void crowd_sweep(struct stream *s);

/* client.c */
struct client *client_create(struct stream *s, struct ws_conn *conn);
void client_destroy(struct client *c);
void client_reply(struct client *c, struct buf *json); /* sends or keeps; json is consumed */
void client_close(struct client *c, int code, const char *reason);
void client_went_full(struct client *c); /* its socket took nothing: on_writable will come */
void client_writable(struct client *c);  /* and it did */
void client_busy(struct client *c);      /* the next flush looks at it */

/* Instruments under this pace. */
uint32_t client_count(const struct client *c, uint32_t pace);

/* Instruments that ticked since this client got them last, and ticks that its cursor has before it. */
uint32_t client_behind(const struct client *c);
uint64_t client_lag(const struct client *c);

/* Everything of its subscriptions up to here was delivered. */
uint64_t client_considered(const struct client *c);

/* wants.c: wishes are changed between begin and end, which seats the client anew. */
void wants_begin(struct wants *w, struct client *c);
void wants_end(struct wants *w);
void wants_drop(struct wants *w); /* instead of the end: nothing has changed */
void wants_fini(struct wants *w);
bool wants_has(const struct wants *w, inst_id id);
int wants_mode(const struct wants *w, inst_id id); /* WANT_NOTHING: it has none */
void wants_add(struct wants *w, inst_id id, enum view_mode mode);
bool wants_remove(struct wants *w, inst_id id);

/* Whether the client may have instruments under this pace too. */
bool wants_fit(const struct wants *w, uint32_t pace);

/* How the ticks of a subscribed instrument come from now on, behind a snapshot when there is state. */
void wants_set_pace(struct wants *w, inst_id id, uint32_t pace);

/* As wants_set_pace, but from behind `from_seq` on instead of a snapshot: every tick up to the newest, then
 * in this pace. */
void wants_resume(struct wants *w, inst_id id, uint32_t pace, uint64_t from_seq);

/* view.c */
struct view *view_intern(struct stream *s, uint32_t pace, const inst_id *ids, const uint8_t *modes,
			 uint32_t n);
void view_release(struct stream *s, struct view *v);  /* one seat less */
uint32_t view_find(const struct view *v, inst_id id); /* its position; v->n when it is not there */
void view_mark_due(struct stream *s, struct view *v);
void stream_grow(struct stream *s, inst_id id);
void stream_views_fini(struct stream *s);
void stream_arm_rounds(struct stream *s); /* the timer of the rhythms */

/* A seat is owed something of its own from now on; at first nothing that the shared ones do not get. */
struct owed *seat_owe(struct seat *seat);
void seat_settle(struct seat *seat); /* nothing any more */

/* Ticks of this instrument that the client does not have yet. */
static inline uint32_t seat_missed(const struct seat *seat, uint32_t pos)
{
	const uint32_t *seen = seat->owed ? seat->owed->seen : seat->view->seen;

	return seen ? seat->client->stream->count[seat->view->ids[pos]] - seen[pos] : 0;
}

static inline bool owed_has_snapshot(const struct owed *o, uint32_t pos)
{
	return o && (o->snapshot[pos / 64] >> (pos % 64) & 1);
}

/* frame.c */
struct frame {
	const char *bytes;
	size_t len;
	uint64_t seq, conflated;
	uint32_t quotes;
};

const struct buf *stream_fragment(struct stream *s, inst_id id, enum view_mode mode);
void frame_begin(struct buf *out, bool is_snapshot);
void frame_add(struct buf *out, const struct buf *json, uint32_t *quotes);
void frame_end(struct buf *out, struct frame *f);
enum ws_sent frame_send(struct client *c, const struct frame *f);

/* owed.c: sends what is this client's alone. Returns whether there is more to send, now or soon. */
bool client_send(struct client *c);
/* States are held back (an interval), so that no seq may be claimed beyond what was before. */
bool client_owes_states(const struct client *c);

/* catchup.c: the tape. */
struct tape_cursor stream_edge(const struct stream *s); /* where the last flush ended, by now */
/* The same for who is at the edge, and may have been further in this very flush. */
struct tape_cursor stream_edge_from(const struct stream *s, const struct tape_cursor *had);
void view_catch_up(struct stream *s, struct view *v);
bool client_catch_up(struct client *c, struct seat *seat); /* false: the socket took nothing */

/* table.c: one object of GET /clients, of a client that is connected. */
void stream_put_client(struct buf *out, const struct client *c);

/* publish.c: the clients as documents in Redis, a few in each sweep; and one of them less. */
void publish_sweep(struct stream *s);
void publish_drop(struct client *c);

/* command.c */
void client_on_message(struct client *c, const void *data, size_t len);
void client_send_connection(struct client *c);
void stream_status_json(const struct stream *s, struct buf *out);

/* The id of an instrument that this client may subscribe to, or the reason why it may not. `had`: the mode
 * of this very subscription by now, which counts already; WANT_NOTHING: it is a new one. */
const char *client_admit(struct client *c, const struct scope *scope, const char *key,
			 enum view_mode mode, int had, inst_id *id);

/* What a scope lets see of the contracts of an underlying, by name. */
enum resolve_sight stream_sight(const struct stream *s, const struct scope *scope,
				const char *underlying);

/* Whether the command at work may look up one more name; counted. */
bool client_may_look(struct client *c);

/* What this client may see. */
const struct scope *client_scope(const struct client *c);

/* flush.c */
void stream_flush(struct stream *s);
void seat_fall_behind(struct seat *seat, const struct tape_cursor *place);

/* door.c: the id of an instrument that a client may subscribe to in `mode`; else the reason why it may
 * not. `had`: the mode it has it in now, or WANT_NOTHING; `has_n`: of how many it has any. */
const char *stream_admit(const struct stream *s, const struct scope *scope, const char *key,
			 enum interest_mode mode, int had, uint32_t has_n, inst_id *out);

/* The id of a key; INST_NONE when it is new and the table is full but for the reserve. */
inst_id stream_intern(const struct stream *s, const char *key, size_t len);

/* door.c: the callbacks of the listener that judge; `arg` is the stream. */
bool stream_handshake(void *arg, const struct ws_handshake *h, struct ws_refusal *r);
/* A GET that asks for no upgrade: authorize of the broker's protocol, or nothing that is here. */
bool stream_request(void *arg, const struct ws_handshake *h, struct ws_refusal *answer);

/* stream.c: a flush at the end of this turn. */
void stream_arm(struct stream *s);

/* While stopping: the last client has gone, perhaps. */
void stream_stop_if_idle(struct stream *s);

#endif
