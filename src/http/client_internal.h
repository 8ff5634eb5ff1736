/* SPDX-License-Identifier: MIT
 *
 * client_internal: what client.c (calls, redirects, results) and hop.c (one connection) share.
 *
 *   http_client --> calls: http_call --> hop --> socket, TLS, parser
 *
 * A call makes one hop after the other, as redirects lead it. Afterwards the hop's connection waits
 * in `idle` for another one, or is closed. A hop that is closed lives on until libuv has let go of
 * its handles; the client counts these.
 */
#ifndef AGNI_HTTP_CLIENT_INTERNAL_H
#define AGNI_HTTP_CLIENT_INTERNAL_H

#include "http/client.h"
#include "http/message.h"
#include "http/tls.h"

#define HOP_HEAD_BYTES 16384
#define HOP_HEADERS    200

struct http_client {
	struct loop *loop;
	char *ca_file;          /* or NULL */
	struct tls_config *tls; /* NULL until the first https call */
	struct list calls;
	struct list idle; /* hops that wait for another exchange, newest last */
	unsigned idle_n, idle_max;
	uint64_t idle_ms;
	uv_timer_t anchor; /* never started: its close callback is the client's last turn */
	int open;          /* the anchor, calls and hops that libuv still holds */
	bool is_closing;
	void (*done)(void *arg);
	void *done_arg;
};

/* A call or a hop is gone; the last one ends a client that is closing. */
void client_release(struct http_client *c);

struct hop;

/* `answer` is NULL when there is none: then `err` says why. Both are lent. Called once, never from
 * inside hop_start; the hop is still there afterwards. */
typedef void hop_done_fn(void *arg, struct message *answer, const struct agni_err *err);

/* Connects to `u` and sends `request`, whose memory is taken over and wiped. `tls` is lent, and set
 * exactly when `u` is https. */
struct hop *hop_start(struct http_client *c, const struct url *u, struct tls_config *tls,
		      struct buf *request, size_t response_max, hop_done_fn *done, void *arg);

/* The same on an idle connection to u's origin; NULL, and nothing is taken, when there is none. A
 * failure is still told in a later turn. */
struct hop *hop_again(struct http_client *c, const struct url *u, struct buf *request,
		      size_t response_max, hop_done_fn *done, void *arg);

/* After an answer: the connection waits for another exchange, if it can; else it is closed. The
 * answer is dead. NULL is allowed. */
void hop_keep(struct hop *h);

/* The idle connection that has waited longest; there is one. */
void hop_close_oldest(struct http_client *c);

/* After a failure: an old connection turned out to be closed before a byte of the answer came. */
bool hop_is_stale(const struct hop *h);

/* Of the answer, when its head has come; else 0. */
int hop_status(const struct hop *h);

/* No `done` from here on. NULL is allowed. */
void hop_close(struct hop *h);

/* What the hop is doing: "resolving the name". */
const char *hop_stage(const struct hop *h);

#endif
