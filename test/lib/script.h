/* SPDX-License-Identifier: MIT
 *
 * script: an HTTP server that gives the answers of a list, one after the other, to whatever is
 * asked, and remembers what that was.
 */
#ifndef AGNI_TEST_SCRIPT_H
#define AGNI_TEST_SCRIPT_H

#include "http/server.h"
#include "ws_peer.h"

#define SCRIPT_HEARD    64
#define SCRIPT_HELD_MAX 8

struct script_reply {
	int status;        /* 0: no answer before script_down() */
	const char *body;  /* NULL: "" */
	const char *extra; /* header lines, each ended by CRLF; or NULL */
};

struct script {
	struct http_server *server;
	struct http_route routes[2];
	int port;
	const struct script_reply *replies; /* lent; the last one is repeated */
	size_t replies_n;
	unsigned asked; /* requests so far */
	struct {
		char path[160];
		char authorization[160];            /* "" when absent */
	} heard[SCRIPT_HEARD];                      /* the first requests */
	struct http_request *held[SCRIPT_HELD_MAX]; /* not answered */
	unsigned held_n;
};

/* Listens on 127.0.0.1, any port. */
void script_up(struct ws_rig *r, struct script *s, const struct script_reply *replies, size_t n);

/* From the next request on: another list. */
void script_set(struct script *s, const struct script_reply *replies, size_t n);
void script_down(struct ws_rig *r, struct script *s);

#endif
