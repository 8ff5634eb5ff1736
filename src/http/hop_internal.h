/* SPDX-License-Identifier: MIT
 *
 * hop_internal: what hop.c (an exchange on a connection), hop_connect.c (how there comes to be one)
 * and hop_idle.c (where it waits for the next) share.
 */
#ifndef AGNI_HTTP_HOP_INTERNAL_H
#define AGNI_HTTP_HOP_INTERNAL_H

#include <netdb.h>

#include "http/client_internal.h"
#include "http/parser.h"

#define HOP_READ_BYTES 16384

/*  RESOLVE --> CONNECT --> TLS --> SEND --> RECEIVE --+--> closed
 *                                   ^                 |
 *                     hop_again() --+------ IDLE <----+ whole answer, the peer keeps it open
 */
enum stage { STAGE_RESOLVE, STAGE_CONNECT, STAGE_TLS, STAGE_SEND, STAGE_RECEIVE, STAGE_IDLE };

struct hop {
	struct http_client *client;
	struct url url;
	hop_done_fn *done; /* NULL once it was called or the hop is closed */
	void *arg;
	enum stage stage;
	struct list link;   /* in client->idle, or nowhere */
	uv_timer_t starter; /* turns a failure of hop_start into one of the next turn; then idle */
	uv_getaddrinfo_t resolve;
	struct addrinfo *addrs, *next; /* libuv's; `next` is tried next */
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_write_t write;
	struct tls_session *tls; /* NULL: plain http */
	struct buf request;      /* wiped when it has been handed to TLS or the kernel */
	struct buf wire;         /* what uv_write holds */
	struct parser *parser;
	struct message msg;
	struct agni_err err;
	int held; /* by libuv: starter, resolver request, tcp */
	bool has_tcp;
	bool is_writing;
	bool is_reused; /* not the first exchange of this connection */
	bool has_heard; /* a byte of the answer */
	bool is_whole;  /* the answer is complete, and nothing came behind it */
	bool is_closed;
	char bytes[HOP_READ_BYTES];
};

/* hop.c: the connection stands: TLS, then the request. */
void hop_connected(struct hop *h);
/* h->err says why. */
void hop_fail(struct hop *h);
int hop_set_fail(struct hop *h, int code, const char *text);
/* A handle or a request of libuv is gone; the last one frees the hop. */
void hop_unhold(struct hop *h);
/* Everything of an answer is forgotten; `response_max` is for the next. */
void hop_expect(struct hop *h, size_t response_max);
void hop_send_request(struct hop *h);

/* Reads on. False: the socket is of no more use. */
bool hop_listen_on(struct hop *h);

/* hop_idle.c */
/* Off the idle list, if it is there. */
void hop_forget(struct hop *h);
/* Bytes (n < 0: an error) came while nobody waits for any. */
void hop_idle_read(struct hop *h, ssize_t n, const char *bytes);

#endif
