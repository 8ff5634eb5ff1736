/* SPDX-License-Identifier: MIT
 *
 * message: one HTTP message as the parser leaves it, request or response, in memory of its own.
 *
 * Target, headers and body may be secret (tickets, keys, tokens): no copy of them is left behind.
 * Header names are stored in lower case. Everything is text without NUL bytes, except the body.
 */
#ifndef AGNI_HTTP_MESSAGE_H
#define AGNI_HTTP_MESSAGE_H

#include "core/buf.h"

/* Why a message is refused: the status and code that the other side is told, and the sentence. */
struct http_fault {
	int status;       /* 0: no fault */
	const char *code; /* "bad_request" */
	const char *text; /* static */
};

struct message {
	char method[24];
	int major, minor;
	int status;             /* responses; else 0 */
	struct buf target;      /* raw; NUL-terminated once the head is complete */
	struct buf headers;     /* name NUL value NUL name NUL ... */
	size_t headers_n;       /* lines; trailers count, but are not kept */
	struct buf body;        /* NUL-terminated once the message is complete */
	int64_t content_length; /* -1: none given */
	bool keep_alive;
	bool is_upgrade;
};

/* Ready for the next message; memory of a usual size is kept. A zeroed message may be reset. */
void message_reset(struct message *m);
void message_fini(struct message *m);

/* A header's value by lower-case name, the first when repeated; NULL when absent. Lent. */
const char *message_header(const struct message *m, const char *name);

/* How often a header occurs. */
size_t message_header_count(const struct message *m, const char *name);

#endif
