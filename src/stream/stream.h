/* SPDX-License-Identifier: MIT
 *
 * stream: the downstream broadcaster: any number of WebSocket clients on /ws, JSON text.
 *
 *      tick --> one bit and one count, hook armed         ... the loop finishes its reads ...
 *      hook --> per view that is due: the cached JSON of what is due, gathered into one frame,
 *               and one send() per client that shares the view
 *               socket full: the client keeps numbers, not bytes; it asks for on_writable
 *
 * Clients with the same instruments, modes and policy share a view (stream_internal.h has the
 * picture, docs/decisions/0012 the reasons). Policy latest sends the newest state at the end of each
 * turn, interval every so many milliseconds, all every tick from a cursor into the tape.
 *
 * A slow reader costs some numbers. Its next frame holds the newest state of each instrument once,
 * and says how many ticks were conflated into it. No client can delay another: nothing here waits.
 *
 * docs/protocol.md is the reference of the messages. The same listener speaks the broker's own protocol
 * on another path: compat.h.
 */
#ifndef AGNI_STREAM_STREAM_H
#define AGNI_STREAM_STREAM_H

#include "auth/auth.h"
#include "core/config.h"
#include "core/listen.h"
#include "core/module.h"
#include "market/bars.h"
#include "market/book.h"
#include "market/interest.h"
#include "market/upstream.h"
#include "options/chains.h"
#include "options/futures.h"
#include "refdata/refdata.h"
#include "signals/signals.h"
#include "store/store.h"
#include "tape/tape.h"
#include "ws/ws.h"

struct stream;

struct stream_config {
	char *listen;
	char *tls_cert, *tls_key;
	char *origins;
	int64_t max_clients;
	int64_t max_subscriptions;
	int64_t message_max_bytes;
	int64_t commands_per_s;
	int64_t stall_ms;
	int64_t heartbeat_s;
	int64_t ping_s;
	int64_t pong_s;
	int64_t sndbuf_bytes;
	int64_t feed_hold_ms;
	bool deflate;
};

extern const struct config_key stream_config_keys[];

struct stream_deps {
	struct loop *loop;
	struct ws *ws;
	struct book *book;
	struct tape *tape;
	const struct bars *bars; /* NULL: no channel of bars */
	struct signals *signals; /* NULL: no channel of signals */
	struct store *store;     /* where clients are told of; or NULL */
	struct chains *chains;   /* NULL: no channel of chains */
	struct futures *futures; /* NULL: no channel of futures */
	struct interest *interest;
	const struct stream_config *cfg;
	struct auth *auth;                /* NULL: whoever connects may everything */
	const struct listen_guard *guard; /* NULL: loopback only */
	const char *http_listen;          /* "127.0.0.1:8000": pages from there may connect */
	const char *source;               /* "sim", "upstox" */
	/* Whether a key may be subscribed to. */
	bool (*is_known)(const void *arg, const char *key, size_t len);
	/* Every instrument that a selector means now, and the key whose price tells where the money is
	 * (or NULL); refdata.h. NULL: selectors are not served. */
	unsigned (*select)(const void *arg, const char *text, size_t len, price_t *middle,
			   refdata_key_fn *fn, void *fn_arg, struct resolve_miss *miss);
	const char *(*money_key)(const void *arg, const char *text, size_t len);
	/* What a scope lets see of an underlying; NULL: all. */
	enum resolve_sight (*sight)(const void *arg, const struct scope *scope,
				    const char *underlying);
	const void *known_arg;
	const struct upstream_view *upstream; /* read while running */
};

struct stream *stream_create(const struct stream_deps *deps);
void stream_destroy(struct stream *s);
struct module *stream_module(struct stream *s);
int stream_port(const struct stream *s);

/* Reads certificate and key again (SIGHUP); what is not usable is logged, and the old ones stay. */
void stream_reload(struct stream *s);

/* Every client is told of the upstream's state at the end of this turn. */
void stream_status_changed(struct stream *s);

/* The broker sent a MarketInfo (its bytes): for the readers of the broker's protocol. */
void stream_market_info(struct stream *s, int64_t ts_ms, const void *info, size_t len);

/* Appends JSON objects of at most `limit` clients, in the order in which they came, from number `from`
 * on, with commas between. Returns the number of the next one, 0: there is none. */
uint32_t stream_put_clients(const struct stream *s, struct buf *out, uint32_t from, uint32_t limit);

/* Clients connected now, in both protocols. */
uint64_t stream_clients(const struct stream *s);

/* Close codes of ours, 4000 and up; docs/protocol.md. */
enum { STREAM_CLOSE_KEY = 4003, STREAM_CLOSE_STALLED = 4008, STREAM_CLOSE_FLOOD = 4009 };

#endif
