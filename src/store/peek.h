/* SPDX-License-Identifier: MIT
 *
 * peek: Redis from the reader's side, for programs that look at what a server has written: one
 * connection, made again and again, that asks in batches and never waits.
 *
 *         start       address        connected      PONG
 *   OFF ------> RESOLVING ----> CONNECTING ----> GREETING ----> LIVE
 *                   ^               |                |            |
 *                   |      retry_ms   |                |            | error, close, silence for
 *                   +---------- WAITING <------------+------------+ silence_ms, a reply too long
 *
 * The server's own connection (connection.h) is another thing: it writes, and lets nothing but
 * statuses and numbers in. Here arrays and long texts are what one came for, so what bounds memory
 * is the length of a reply: beyond PEEK_REPLY_MAX bytes the connection is closed, and the loss names
 * the command by its tag, so that its owner can leave it out the next time.
 *
 * Sockets and names are libuv's, the protocol is hiredis' reader. What answers there is not trusted
 * to be Redis: a reply that nobody asked for ends the connection.
 */
#ifndef AGNI_STORE_PEEK_H
#define AGNI_STORE_PEEK_H

#include <uv.h>

#include "core/buf.h"
#include "core/url.h"
#include "store/refusal.h"

#define PEEK_REPLY_MAX (32u << 20) /* bytes of one reply */

enum peek_type { PEEK_NIL, PEEK_TEXT, PEEK_NUMBER, PEEK_ERROR, PEEK_ARRAY };

/* A reply, or an element of one; lent until on_reply returns. */
struct peek_value {
	enum peek_type type;
	const char *text; /* PEEK_TEXT, PEEK_ERROR: `len` bytes and a NUL; otherwise "" */
	size_t len;
	int64_t number;
	size_t n; /* elements of a PEEK_ARRAY */
	const void *reply;
};

/* Element `i`, which must be there. */
struct peek_value peek_element(const struct peek_value *v, size_t i);

/* Each of them may stop the whole (peek_stop). */
struct peek_events {
	void (*on_live)(void *arg);
	/* The connection, or the attempt to make one, has failed (p->why); what was asked is lost. `tag`
	 * is that of a reply that was too long, or 0. */
	void (*on_lost)(void *arg, uintptr_t tag);
	void (*on_reply)(void *arg, uintptr_t tag, const struct peek_value *v);
};

enum peek_state {
	PEEK_OFF,
	PEEK_RESOLVING,
	PEEK_CONNECTING,
	PEEK_GREETING,
	PEEK_LIVE,
	PEEK_WAITING,
	PEEK_CLOSED
};

struct peek_link;

struct peek {
	uv_loop_t *loop;
	const struct peek_events *events;
	void *arg;
	struct url url; /* holds the password */
	int db;
	char where[96]; /* "127.0.0.1:6379", for people */
	enum peek_state state;
	char why[REFUSAL_TEXT]; /* the last failure; "" while all is well, printable ASCII */
	struct peek_link *link; /* from CONNECTING to LIVE */
	struct addrinfo *addresses, *next_address;
	struct buf out;  /* commands that are not sent yet */
	uintptr_t *tags; /* of the replies that are owed, oldest at `tags_at` */
	size_t tags_at, tags_n, tags_cap;
	uv_timer_t timer;
	uv_getaddrinfo_t resolve;
	bool is_resolving;
	/* Milliseconds; set by peek_init, may be changed before the start. */
	uint64_t connect_ms; /* for one address */
	uint64_t silence_ms; /* without an answer, while one is owed */
	uint64_t retry_ms;   /* rest between two attempts */
};

/* `url` as redis.url of the configuration. Returns 0, or AGNI_ECONFIG with the reason; opens
 * nothing. */
int peek_init(struct peek *p, uv_loop_t *loop, const char *url, const struct peek_events *events,
	      void *arg, struct agni_err *err) AGNI_MUST_USE;

void peek_start(struct peek *p);

/* Closes everything; run the loop until it is empty, then peek_fini. */
void peek_stop(struct peek *p);
void peek_fini(struct peek *p);

/* Queues one command of `argc` words (lens NULL: they are C strings); only while LIVE. `tag` not 0. */
void peek_ask(struct peek *p, uintptr_t tag, unsigned argc, const char *const *argv,
	      const size_t *lens);

/* The same, of words up to NULL. */
void peek_ask_words(struct peek *p, uintptr_t tag, ...) __attribute__((sentinel));

/* Sends what is queued. */
void peek_flush(struct peek *p);

static inline bool peek_is_live(const struct peek *p)
{
	return p->state == PEEK_LIVE;
}

#endif
