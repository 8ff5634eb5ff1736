/* SPDX-License-Identifier: MIT
 *
 * ws_caller: a WebSocket client on a rig that keeps account of what it is told, and a listening
 * socket for it to call.
 */
#ifndef AGNI_TEST_WS_CALLER_H
#define AGNI_TEST_WS_CALLER_H

#include "ws_peer.h"

#define CALLER_MESSAGE_MAX (16 << 20)

struct caller {
	struct ws_rig rig;
	int listener, port;
	struct ws_conn *conn;
	int opens, closes, messages, pongs, refusals;
	int status, code;
	char location[256], why[256], reason[128];
	struct buf last;
	enum ws_opcode last_op;
	const char *ca;
	const char *authorization;
	uint16_t ping_s;
	bool greets; /* sends in on_open */
};

struct caller *caller_up(void);

/* Destroys everything; fails the test unless every connection that opened was closed. */
void caller_down(struct caller *a);

/* ws_client_connect to a URL; "localhost" resolves to 127.0.0.1. */
int caller_try(struct caller *a, const char *url, struct agni_err *err);

/* The same to scheme://host:port/feed?x=1; fails the test when it is refused. */
void caller_connect_to(struct caller *a, const char *scheme, const char *host, int port);

/* Connects to the listening socket and takes the other end through the handshake. */
struct ws_peer *caller_open(struct caller *a);

/* Conditions for ws_rig_until: refused or closed, refused or open, a message came. */
bool caller_has_outcome(void *caller);
bool caller_is_open(void *caller);
bool caller_has_message(void *caller);

#endif
