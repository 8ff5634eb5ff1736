/* SPDX-License-Identifier: MIT
 *
 * follower: a client of the feed in the broker's protocol on a bare socket, on the theatre of
 * viewer.h, and messages of the upstream with several instruments.
 */
#ifndef AGNI_TEST_FOLLOWER_H
#define AGNI_TEST_FOLLOWER_H

#include "upstox/frame.h"
#include "viewer.h"

#define FOLLOWER_PATH "/v3/feed/market-data-feed"

struct follower {
	struct theatre *theatre;
	struct ws_peer *peer;
	size_t next;             /* frame to look at */
	struct feed_frame frame; /* the message that was heard last; its bytes are the peer's */
};

/* Connects; `extra` as in ws_peer_open. */
void follower_open(struct theatre *t, struct follower *f, const char *extra);
void follower_fini(struct follower *f);

/* A request: {"guid":"g","method":method,"data":{"mode":mode,"instrumentKeys":[keys]}}; `keys` with
 * commas between, `mode` NULL: none. */
void follower_ask(struct follower *f, const char *method, const char *mode, const char *keys);

/* Any payload in a frame of any kind. */
void follower_send(struct follower *f, int op, const char *payload);

/* Waits for the next binary message and scans it into f->frame. */
void follower_hear(struct follower *f);

/* The next message as text, which is what tests compare: its type ("initial", "live", "info"), its
 * time, and per entry key, mode, arm and ltp: "live@5 NSE_FO|1:ltpc:1=12.5". In a static buffer. */
const char *follower_line(struct follower *f);

/* Whether a message has come that was not looked at. */
bool follower_has_news(struct follower *f);

/* Turns until the server has read `n` requests in all. */
void follower_settle(struct theatre *t, uint64_t n);

/* --- what the upstream says ------------------------------------------------------------------- */

/* Begins a message; each entry goes into book and tape, and to the subscribers; the end. */
void upstream_begin(struct theatre *t, enum feed_type type, int64_t ts_ms);
void upstream_add(struct theatre *t, const char *key, const struct quote *q);
void upstream_add_ltp(struct theatre *t, const char *key, price_t ltp);
void upstream_end(struct theatre *t);

/* A message of one instrument with an ltp and a cp. */
void upstream_ltp(struct theatre *t, enum feed_type type, int64_t ts_ms, const char *key,
		  price_t ltp);

/* A market_info that says NORMAL_OPEN (2) or another status of one segment. */
void upstream_info(struct theatre *t, int64_t ts_ms, const char *segment, int status);

#endif
