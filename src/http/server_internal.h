/* SPDX-License-Identifier: MIT
 *
 * server_internal: what server.c, conn.c and response.c share.
 *
 *   http_server --> conns: conn --> request (message, target, route)
 *        |                 +------- in (the rest of a pipeline), out (the answer)
 *        +--------> ready: conns with input left over, one request of each per turn
 *
 * A request belongs to its connection, except while it is HANDLING and the connection goes away:
 * then it is on its own until http_respond() frees it.
 */
#ifndef AGNI_HTTP_SERVER_INTERNAL_H
#define AGNI_HTTP_SERVER_INTERNAL_H

#include "http/guard.h"
#include "http/parser.h"
#include "http/router.h"
#include "http/server.h"

#define CONN_READ_BYTES    65536
#define CONN_WRITE_MS      10000  /* an answer must have left by then */
#define CONN_DRAIN_MS      1000   /* how long input is thrown away after the last answer ... */
#define CONN_DRAIN_BYTES   262144 /* ... and how much of it */
#define SERVER_REFUSED_MAX 64     /* connections over the limit that are told so, at a time */

/*             first byte      head complete       message complete    http_respond()
 *    IDLE -------------> HEAD -------------> BODY ---------------> HANDLING --+
 *     ^  ^ accept --------^|                  |                               |
 *     |                    +------------------+--> (refused) -----> WRITING <-+
 *     +--------------------------------- keep-alive -----------------+
 *                             CLOSING <-- DRAINING <-----------------+ last answer
 */
enum conn_state {
	CONN_IDLE,
	CONN_HEAD,
	CONN_BODY,
	CONN_HANDLING, /* reading is stopped until the answer has left */
	CONN_WRITING,
	CONN_DRAINING,
	CONN_CLOSING
};

struct request {
	struct http_request pub;
	struct conn *conn; /* NULL: the client is gone */
	struct message msg;
	struct target target;
	struct route_match match;
};

struct conn {
	struct http_server *server;
	struct list link;  /* in server->conns */
	struct list ready; /* in server->ready, or nowhere */
	uv_tcp_t tcp;
	uv_timer_t timer; /* the deadline of the state */
	uv_write_t write;
	uv_shutdown_t shutdown;
	int open; /* handles */
	enum conn_state state;
	struct parser *parser;
	struct request *req;
	struct buf in;  /* read, but behind the request that is handled */
	struct buf out; /* the answer */
	size_t drained; /* bytes thrown away while DRAINING */
	bool is_last;   /* close after this answer */
	char peer[48];
};

struct http_server {
	struct loop *loop;
	struct http_limits limits;
	const struct http_route *routes; /* lent */
	size_t routes_n;
	struct guard_rules rules;
	uv_tcp_t listener;
	uv_timer_t stop_timer;
	struct turn_hook hook; /* serves `ready` */
	struct list conns;
	struct list ready;
	struct http_stats stats;
	int port;
	int open; /* handles, those of connections included */
	bool is_stopping;
	void (*done)(void *arg); /* NULL before stop, and when create failed */
	void *done_arg;
	char read_bytes[CONN_READ_BYTES]; /* lent to libuv for one callback */
};

/* conn.c */
void conn_accept(struct http_server *s);
void conn_close(struct conn *c);
/* The answer is in c->out: send it. */
void conn_answer(struct conn *c);
/* Parses what was left over. */
void conn_resume(struct conn *c);

/* server.c: a handle is closed; the last one ends the server. */
void server_handle_closed(struct http_server *s);

/* response.c */
void request_free(struct request *req);
/* Finds the route and calls it, or answers 404 or 405. */
void request_dispatch(struct request *req);
/* The answer to a request that was refused before it was one. */
void response_fault(struct conn *c, const struct http_fault *fault);

#endif
