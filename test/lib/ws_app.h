/* SPDX-License-Identifier: MIT
 *
 * ws_app: a WebSocket server on a rig whose application echoes and keeps account of what it is
 * told.
 */
#ifndef AGNI_TEST_WS_APP_H
#define AGNI_TEST_WS_APP_H

#include "ws_peer.h"

#define APP_MESSAGE_MAX 100000

struct app {
	struct ws_rig rig;
	struct ws_server *server;
	int port;
	int handshakes, requests, opens, closes, pongs, messages;
	int code; /* of the last on_close */
	char reason[128];
	char seen[4096]; /* the last handshake: path|query|host|origin|authorization|peer */
	struct ws_refusal refusal;
	bool refuses;
	int at_open;          /* what on_open does: 1 greets, 2 greets and closes, 3 aborts */
	struct ws_conn *conn; /* the last that opened */
	struct buf last;      /* the last message */
	enum ws_opcode last_op;
};

/* 127.0.0.1, no limits but APP_MESSAGE_MAX, no pings; for app_up_with. */
struct ws_server_config app_config(struct app *a);

/* `a` comes zeroed from the heap. */
void app_up_with(struct app *a, const struct ws_server_config *cfg);
struct app *app_up(void);

/* Destroys everything; fails the test unless every connection that opened was closed. */
void app_down(struct app *a);

bool app_all_closed(void *app);

/* Waits for the next frame, which has to be this. */
void app_check_echo(struct app *a, struct ws_peer *p, int op, const char *text, size_t len);

/* Makes `p` stop reading and sends to a->conn until it is WS_FULL. */
void app_fill(struct app *a, struct ws_peer *p);

#endif
