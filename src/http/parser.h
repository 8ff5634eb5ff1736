/* SPDX-License-Identifier: MIT
 *
 * parser: llhttp, and the checks on the raw bytes that it leaves to others.
 *
 *      parser_feed()          parser_feed()               parser_feed()
 *   HEAD --------> PARSER_HEAD --------> BODY [-> TRAILER] --------> PARSER_DONE -> parser_begin()
 *     +----------------+------------------+----------+-> PARSER_FAILED, for good
 *
 * It stops at the end of the head, so that the caller may refuse before a body is read, and at the
 * end of the message, so that one request is handled at a time. Both stops need another call to go
 * on, with no bytes when none are left.
 *
 * The bytes of head and trailer are kept as they came until they are complete and then looked at
 * once more: a CR without LF, an LF without CR, a line that begins with white space (obs-fold,
 * which llhttp 8.1 joins in silence: CVE-2024-27982) or with its colon, or a NUL is refused
 * whatever llhttp says.
 */
#ifndef AGNI_HTTP_PARSER_H
#define AGNI_HTTP_PARSER_H

#include "http/message.h"

enum parser_kind { PARSER_REQUEST, PARSER_RESPONSE };

enum parser_event {
	PARSER_MORE,  /* all bytes were taken, the message goes on */
	PARSER_HEAD,  /* the head is complete: everything but the body is in the message */
	PARSER_DONE,  /* the message is complete; the bytes behind it were not taken */
	PARSER_FAILED /* see parser_fault() */
};

struct parser_limits {
	size_t head_max;    /* bytes of the head, blank lines before it included; so of a trailer */
	size_t target_max;  /* bytes */
	size_t headers_max; /* lines, trailers included */
	size_t body_max;    /* bytes after chunks are joined */
};

struct parser;

struct parser *parser_create(enum parser_kind kind, const struct parser_limits *limits);
void parser_destroy(struct parser *p);

/* Starts a message into `m`, which is reset and lent until the message is complete. */
void parser_begin(struct parser *p, struct message *m);

/* Takes bytes up to the next event; `used` gets their number. */
enum parser_event parser_feed(struct parser *p, const char *bytes, size_t len, size_t *used);

/* At PARSER_HEAD, for an answer that is trusted to be as long as it says: room for all of its body at once, so
 * that it is not copied and wiped each time it grows. */
void parser_expect(struct parser *p);

/* The other side closed: PARSER_DONE when that ends a response's body, else PARSER_FAILED. */
enum parser_event parser_finish(struct parser *p);

/* After PARSER_FAILED. Lent. */
const struct http_fault *parser_fault(const struct parser *p);

#endif
