/* SPDX-License-Identifier: MIT
 *
 * compat: the feed in the broker's own protocol, /v3/feed/market-data-feed on stream.listen: a program
 * written for the broker's SDKs runs here after a change of host, and any number of them share the one
 * upstream connection. docs/upstox-compatible.md says how.
 *
 *      on_tick   each (instrument, mode) that somebody here wants is encoded once, from what the
 *                tick itself carried, into the turn's bytes
 *      on_turn   the upstream message ends: its entries are one message of the turn
 *      ... the loop finishes its reads ...
 *      hook      per view: one FeedResponse per message, gathered once for all who have that view
 *                per client: one write of it
 *
 * A reader that keeps up gets the upstream's messages, boundaries and currentTs, with the keys that it
 * subscribed to (longer ones come in parts). One whose socket is full costs a bit per instrument that
 * it is owed; when it reads again it gets the newest state of these as initial_feed, and then messages
 * again. There is no queue. A client that has just connected is treated so for stream.feed_hold_ms.
 *
 * The parts: compat.c (the module's part, the hook), compat_turn.c (what a turn brought),
 * compat_view.c (subscriptions that readers share), compat_client.c (requests), compat_send.c (what
 * goes out), compat_door.c (who comes in).
 */
#ifndef AGNI_STREAM_COMPAT_H
#define AGNI_STREAM_COMPAT_H

#include "core/bitset.h"
#include "market/book.h"
#include "upstox/info.h"
#include "ws/ws.h"

struct stream;

#define COMPAT_MODES 4 /* enum request_mode */
#define COMPAT_VIEWS 256

/* One instrument in one message of the turn; len 0: not wanted, or nothing of that mode changed. */
struct compat_entry {
	inst_id id;
	uint32_t off[COMPAT_MODES], len[COMPAT_MODES]; /* in turn->bytes */
};

/* One upstream message, or a market_info. */
struct compat_message {
	uint32_t first, n; /* of turn->entries */
	int type;          /* enum feed_type */
	int64_t ts_ms;
	uint32_t off, len; /* market_info: the whole payload in turn->bytes */
};

/* What the messages of this turn of the loop brought. Kept between turns, so that after the largest
 * one nothing is allocated. */
struct compat_turn {
	struct buf bytes;
	struct compat_entry *entries;
	struct compat_message *messages;
	uint32_t entries_n, entries_cap, messages_n, messages_cap;
	bool is_open; /* the last message goes on */
};

/* Part of what a view gets in this flush: whole frames, one write. */
struct compat_chunk {
	size_t off, len; /* in compat->out */
	uint32_t first;  /* message of its first frame */
	uint32_t frames;
};

struct compat {
	struct stream *stream;
	struct list clients;
	struct list views[COMPAT_VIEWS]; /* by hash */
	struct book_subscriber subscriber;
	struct turn_hook hook;
	uv_timer_t hold; /* the end of the next client's hold */
	bool is_hold_closed;
	struct compat_turn turn;
	struct info info; /* what market_info said so far */
	struct compat_want {
		uint32_t n[COMPAT_MODES];
	} * want; /* by instrument id: clients that have it in that mode */
	uint32_t want_cap;
	/* of one flush */
	uint64_t flush;     /* its number */
	struct buf out;     /* frames of the views */
	struct buf state;   /* scratch: state that one client is owed */
	struct buf payload; /* scratch: one message of it */
	struct compat_chunk *chunks;
	uint32_t chunks_n, chunks_cap;
	/* metrics */
	uint64_t clients_now, clients_total, views_now, messages, bytes, conflated, full, stalled,
		requests, ignored, authorized;
};

void compat_init(struct compat *c, struct stream *s);
void compat_fini(struct compat *c);

/* With the module: start, stop (everybody is told to go), and whether all is over. */
void compat_start(struct compat *c);
void compat_stop(struct compat *c);
bool compat_is_over(const struct compat *c);

/* While stopping: those who have not gone are cut off. */
void compat_cut(struct compat *c);

/* Times are up, perhaps: of sockets that take nothing, of keys. */
void compat_sweep(struct compat *c);

/* The keys have changed. */
void compat_keys_changed(struct compat *c);

/* The state of the upstream has changed. */
void compat_status_changed(struct compat *c);

/* The broker sent a MarketInfo. */
void compat_market_info(struct compat *c, int64_t ts_ms, const void *info, size_t len);

/* --- compat_door.c ---------------------------------------------------------------------------- */

/* Whether a handshake is for this endpoint. */
bool compat_is_feed(const char *path);

/* Whether who shakes hands may come in; else `r` is what to answer. */
bool compat_key_passes(struct stream *s, const struct ws_handshake *h, struct ws_refusal *r);

/* A GET without an upgrade: true when it is authorize, and `r` the answer. */
bool compat_answer(struct stream *s, const struct ws_handshake *h, struct ws_refusal *r);

/* It came in: what on_open of the stream returns. */
void *compat_open(struct compat *c, struct ws_conn *conn, const struct ws_handshake *h);

#endif
