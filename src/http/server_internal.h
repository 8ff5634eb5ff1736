/* SPDX-License-Identifier: MIT
 *
 * server_internal: what server.c, conn*.c and response.c share.
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
#include "http/tls.h"

#define CONN_READ_BYTES    65536
#define CONN_WRITE_MS      10000  /* an answer must have left by then */
#define CONN_DRAIN_MS      1000   /* how long input is thrown away after the last answer ... */
#define CONN_DRAIN_BYTES   262144 /* ... and how much of it */
#define SERVER_SHAKES      1      /* TLS handshakes on threads at a time: see conn_tls.c */
#define SERVER_REFUSED_MAX 64     /* connections over the limit that are told so, at a time */

/*             first byte      head complete       message complete    http_respond()
 *    IDLE -------------> HEAD -------------> BODY ---------------> HANDLING --+
 *     ^  ^ accept --------^|                  |                               |
 *     |      \--> TLS ----^+------------------+--> (refused) -----> WRITING <-+
 *     +--------------------------------- keep-alive -----------------+
 *                             CLOSING <-- DRAINING <-----------------+ last answer
 */
enum conn_state {
	CONN_TLS, /* the handshake; its deadline goes on into HEAD */
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
	_Alignas(max_align_t) char caller[HTTP_CALLER_BYTES];
};

struct conn {
	struct http_server *server;
	struct list link;  /* in server->conns */
	struct list ready; /* in server->ready, or nowhere */
	uv_tcp_t tcp;
	uv_timer_t timer; /* the deadline of the state */
	uv_write_t write;
	uv_shutdown_t shutdown;
	int open; /* handles, and a step of the handshake that is on a thread */
	enum conn_state state;
	struct parser *parser;
	struct request *req;
	struct tls_session *tls; /* NULL: plain */
	struct buf in;           /* read, but behind the request that is handled */
	struct buf out;          /* the answer */
	struct buf wire;         /* what uv_write holds: the answer, or what TLS made of it */
	size_t drained;          /* bytes thrown away while DRAINING */
	bool is_writing;         /* uv_write holds `wire` */
	bool is_last;            /* close after this answer */
	struct list shake;       /* in server->shaking: waits for a thread; or nowhere */
	uv_work_t work;          /* a step of the handshake */
	bool is_shaking;         /* it is on a thread */
	int shake_rc;
	bool has_spoken;  /* the first byte of the handshake has come */
	bool is_too_many; /* is answered 503 when the handshake is done */
	char peer[48];
};

struct http_server {
	struct loop *loop;
	struct http_limits limits;
	const struct http_route *routes; /* lent */
	size_t routes_n;
	bool (*admit)(void *arg, const struct http_route *route, struct http_request *r);
	void *admit_arg;
	bool json_only;
	struct guard_rules rules;
	struct tls_config *tls; /* for connections from now on; NULL: plain */
	uv_tcp_t listener;
	uv_timer_t stop_timer;
	struct turn_hook hook; /* serves `ready` */
	struct list conns;
	struct list ready;
	struct list shaking; /* conns that wait for a thread, in order */
	unsigned shakes;     /* on threads now */
	struct http_stats stats;
	int port;
	int open; /* handles, those of connections included, and work on threads */
	bool is_stopping;
	void (*done)(void *arg); /* NULL before stop, and when create failed */
	void *done_arg;
	char read_bytes[CONN_READ_BYTES];  /* lent to libuv for one callback */
	char plain_bytes[CONN_READ_BYTES]; /* decrypted, while they are parsed */
};

/* conn.c */
void conn_accept(struct http_server *s);
void conn_close(struct conn *c);
/* Parses what was left over. */
void conn_resume(struct conn *c);

void conn_set_state(struct conn *c, enum conn_state to);
void conn_read_start(struct conn *c);

/* Parses until one request is complete, and has it handled. */
void conn_parse(struct conn *c, const char *bytes, size_t len);
bool conn_can_read(const struct conn *c);
void conn_refuse(struct conn *c, int status, const char *code, const char *text);
void conn_refuse_too_many(struct conn *c);
/* A handle, or work on a thread, is over; the last one frees the connection. */
void conn_unhold(struct conn *c);

/* conn_tls.c */
/* Begins with TLS. False: the connection is closed. */
bool conn_begin_tls(struct conn *c);
/* Bytes from the socket. */
void conn_decrypt(struct conn *c, const char *bytes, size_t len);
/* Parses what can be decrypted, up to the end of one request. */
void conn_pump(struct conn *c);
/* The connection is being closed: no further step. */
void conn_shake_cancel(struct conn *c);

/* conn_write.c */
/* Sends what is due: c->out, or the session's output. */
void conn_flush(struct conn *c);
/* The answer is in c->out: send it. */
void conn_answer(struct conn *c);
/* A few bytes that are not an answer. */
void conn_send(struct conn *c, const char *bytes, size_t len);

/* server.c: a handle is closed; the last one ends the server. */
void server_handle_closed(struct http_server *s);

/* response.c */
void request_free(struct request *req);
/* Finds the route and calls it, or answers 404 or 405. */
void request_dispatch(struct request *req);
/* The answer to a request that was refused before it was one. */
void response_fault(struct conn *c, const struct http_fault *fault);

#endif
