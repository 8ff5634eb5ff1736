/* SPDX-License-Identifier: MIT
 *
 * feed_internal: what the files of the upstream client share.
 */
#ifndef AGNI_FEED_INTERNAL_H
#define AGNI_FEED_INTERNAL_H

#include "core/backoff.h"
#include "core/log.h"
#include "feed/feed.h"
#include "upstox/session.h"
#include "upstox/frame.h"

#define HOPS_MAX      5
#define ADDRESSES_MAX 8 /* of one name */
#define ADDRESS_TEXT  46
#define LEAP_MS       60000           /* currentTs further ahead than this has to be confirmed */
#define UNHEARD_NS    (10 * NS_PER_S) /* subscribed, and no tick for so long: told in /health */

/* What upstream was told of one instrument on this connection. */
struct told {
	uint8_t mode;       /* enum interest_mode + 1; 0 = nothing */
	mono_ns since;      /* of the subscription; a tick before it is not of this subscription */
	mono_ns idle_since; /* nobody has wanted it since; in feed->lingering */
};

struct feed {
	struct module mod;
	struct feed_deps deps;
	enum feed_state state;
	char why[HEALTH_WHY_MAX];
	int64_t since_ms;
	int64_t link_ms;  /* wall time of the last change of is_up */
	uv_timer_t timer; /* the next try, or the deadline of this one */
	uv_timer_t watch; /* looks for silence while connected */
	struct backoff backoff;
	struct token_listener token_listener;
	uint64_t token_generation; /* that this attempt uses */
	/* the attempt */
	struct http_call *call;
	uv_getaddrinfo_t *resolving; /* owner is its callback */
	struct ws_conn *conn;
	/* A new token came: the connection of the old one, which goes on until the new one has
	 * brought its first data. NULL otherwise. */
	struct ws_conn *relieved;
	struct ws_conn *told_conn; /* the open connection that `told` speaks of; NULL = none */
	struct url url;
	bool sends_token; /* the token may follow to `url` */
	int hops;
	uint32_t wait_least_ms; /* asked for by the answer that ends the attempt; 0 = not */
	unsigned codes_refused; /* one-use URIs that were answered 401 since the last connection */
	char addresses[ADDRESSES_MAX][ADDRESS_TEXT];
	int addresses_n, address_next;
	/* the connection */
	mono_ns up_mono;    /* when it opened; 0 = down */
	mono_ns moved_mono; /* when currentTs last moved */
	int64_t newest_ts;  /* newest currentTs of this connection */
	int64_t leap_ts;    /* the last one, if it leapt ahead and is not confirmed; else 0 */
	int64_t turn_newest, turn_leap; /* the same two of the messages whose turn has closed */
	struct session_table sessions;
	struct told *told; /* by instrument id */
	uint32_t told_cap;
	struct bitset lingering;       /* subscribed upstream, and nobody wants them any more */
	struct interest_limits limits; /* lent to the interest table */
	struct turn_hook hook;
	/* decoding */
	struct feed_frame frame;
	struct buf info;   /* the market_info of a message, as the tape keeps it */
	struct buf held;   /* market_infos behind ticks that wait for the disk (apply.c) */
	struct tick taped; /* scratch of feed_on_block */
	struct log_limit bad_frame_limit;
	bool is_stopping;
	int closing; /* handles that are closing */
	/* metrics */
	uint64_t bad_times; /* currentTs outside 2000..2100 */
	uint64_t frames, bad_frames, text_frames, bytes, ticks, rejected_fields, unknown_keys,
		snapshots;
	uint64_t connects, disconnects, stalls, subscribes, swaps, is_up;
	struct histogram
		wire_lag; /* currentTs to arrival; only when the feed's clock is the wall's */
};

/* feed.c: the state machine. */
void feed_set_state(struct feed *f, enum feed_state to, const char *fmt, ...) AGNI_PRINTF(3, 4);
void feed_fail(struct feed *f, const char *fmt, ...) AGNI_PRINTF(2, 3); /* -> BACKOFF */
void feed_unauthorized(struct feed *f, const char *where);              /* -> WAITING_TOKEN */
void feed_forbidden(struct feed *f, const char *where);                 /* -> FORBIDDEN */
void feed_data_came(struct feed *f);                                    /* SUBSCRIBING -> LIVE */
void feed_old_is_gone(struct feed *f);                  /* `relieved` closed by itself */
void feed_drop_old(struct feed *f, const char *reason); /* closes `relieved`, if there is one */

/* connect.c: authorize, resolve, redirects, the socket. */
void feed_attempt(struct feed *f);
void feed_attempt_cancel(struct feed *f);

/* apply.c: bytes to book and tape. */
void feed_on_frame(struct feed *f, struct ws_conn *from, const void *bytes, size_t len);
void feed_on_block(void *arg, struct tape_block *b, const inst_id *ids, uint64_t recv_mono);

/* subscribe.c: the interest table, told upstream. */
void feed_subscribe_all(struct feed *f);
void feed_subscribe_changes(struct feed *f);
void feed_subscribe_sweep(struct feed *f); /* from time to time: whose lingering is over */

#endif
