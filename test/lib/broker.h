/* SPDX-License-Identifier: MIT
 *
 * broker: the feed module between two scripted peers on one loop: a REST host that authorizes, and
 * a WebSocket server that remembers what it was asked and says what the test tells it to say.
 *
 *      token (its API is a script) --> feed --> api (script: authorize, redirects)
 *                                         +--> gate (WebSocket)
 */
#ifndef AGNI_TEST_BROKER_H
#define AGNI_TEST_BROKER_H

#include "feed/feed.h"
#include "feed/feed_internal.h"
#include "keeper.h"
#include "parts.h"
#include "script.h"
#include "upstox/encode.h"

/* The WebSocket side. */
struct gate {
	struct ws_server *server;
	int port;
	int refuse_status; /* 0: all handshakes pass */
	unsigned handshakes, opens, closes;
	char authorization[160]; /* of the last handshake */
	char path[160];
	struct ws_conn *conn; /* the newest; NULL when closed */
	struct ws_conn *old;  /* the one before */
	int close_code;       /* of the last close */
	unsigned texts;       /* text frames: the broker ignores them */
	struct buf asked;     /* one line per request: "sub full A,B\n" */
	unsigned requests;
};

struct broker {
	struct ws_rig rig;
	struct http_client *http;
	struct script token_api, api;
	struct gate gate;
	struct market market;
	struct keeper keeper;
	struct token *token;      /* the keeper's */
	struct module *token_mod; /* the keeper's */
	struct feed_config cfg;
	struct feed *feed;
	struct module *mod;
	struct feed_encoder *encoder;
	unsigned statuses;             /* times on_status was called */
	char api_url[64], uri[2][512]; /* uri: authorize's answer with the gate's address */
	char feed_url[512], ca_file[256], token_url[64], empty[1];
	struct script_reply authorized[1];
};

/* Everything but the feed is up: token "tok1" (then "tok2", ...) in place, authorize answers with
 * the gate. Change cfg, then broker_start(). */
void broker_up(struct broker *b);

/* The same, with this CA bundle for https and wss. */
void broker_up_trusting(struct broker *b, const char *ca_file);

/* The feed module starts. */
void broker_start(struct broker *b);

/* Stops the feed in whatever state it is, then all the rest; fails when a handle is left. */
void broker_down(struct broker *b);

/* Turns until the feed is in that state. */
void broker_until(struct broker *b, enum feed_state state);

/* Turns until the gate has heard `n` requests in all. */
void broker_until_requests(struct broker *b, unsigned n);

/* Broker up, feed started, and connected: SUBSCRIBING. */
void broker_connect(struct broker *b);

/* Set-up and end of a group: what is logged is kept, and a token in it is a failure. */
int broker_log_begin(void **state);
int broker_log_end(void **state);

/* --- what the gate says ----------------------------------------------------------------------- */

/* A message of one key: price in 1/10000 rupee, at `ts_ms` of the exchange's clock. */
void gate_say_ltp(struct broker *b, enum feed_type type, int64_t ts_ms, const char *key,
		  price_t ltp);

/* The same, of the connection before the newest: it becomes the newest for this message. */
void gate_old_says_ltp(struct broker *b, enum feed_type type, int64_t ts_ms, const char *key,
		       price_t ltp);

/* market_info with one segment. */
void gate_say_status(struct broker *b, int64_t ts_ms, const char *segment,
		     enum market_status status);

/* Raw payload in a frame of this kind, on the newest connection. */
void gate_say(struct broker *b, enum ws_opcode op, const void *bytes, size_t len);

#endif
