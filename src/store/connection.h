/* SPDX-License-Identifier: MIT
 *
 * connection: one connection to Redis, made again and again; internal to the store.
 *
 *            start       address       connected       PONG
 *   OFF ------> RESOLVING ----> CONNECTING ----> GREETING ----> LIVE
 *                 ^  ^  |           |                |           |
 *                 |  |  +-----------+--------+-------+-----------+ error, close, refused
 *                 |  +------ WAITING <-------+
 *                 |  retry_ms                |
 *                 +--------------------------+ no answer for give_up_ms, or one more address
 *
 * Time limits are chosen so that Redis is noticed within a second of its return:
 *
 *   - A connect that hangs (host away, SYN lost) is cut after connect_timeout_ms: the kernel would
 *     repeat the SYN only after 1, 3, 7 s.
 *   - A connection that is open but silent (process stopped, busy script) is kept: it is the first
 *     to be answered, and new ones would only pile up in the backlog of the stopped process. After
 *     command_timeout_ms it is called slow; only after give_up_ms it is replaced, which bounds the
 *     pile to one in give_up_ms.
 *   - A host that vanished looks silent too. TCP_USER_TIMEOUT tells the two apart: a stopped
 *     process' kernel still acknowledges, a vanished host does not and is given up after
 *     command_timeout_ms, or a second if that is shorter. (The same option ends a connection whose
 *     pipeline does not fit into the sockets; its successor then waits in its place.)
 *
 * A connection that was given up with commands unanswered may still have them in the socket buffer
 * of a Redis that slept, and would execute them after the newer ones of its successor. So the
 * successor begins with CLIENT KILL ADDR of the old one.
 */
#ifndef AGNI_STORE_CONNECTION_H
#define AGNI_STORE_CONNECTION_H

#include <hiredis/async.h>

#include "core/backoff.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/module.h"
#include "core/url.h"
#include "store/refusal.h"
#include "store/reply_guard.h"
#include "store/store.h"

enum connection_state {
	CONNECTION_OFF,
	CONNECTION_RESOLVING,
	CONNECTION_CONNECTING,
	CONNECTION_GREETING,
	CONNECTION_LIVE,
	CONNECTION_WAITING,
	CONNECTION_CLOSED,
	CONNECTION_STATES
};

enum trouble {
	TROUBLE_NONE,
	TROUBLE_AWAY,   /* cannot be reached, or was lost */
	TROUBLE_SLOW,   /* open, and silent for longer than command_timeout_ms */
	TROUBLE_REFUSES /* answers the greeting with an error */
};

struct connection_events {
	void (*on_live)(void *arg);
	void (*on_lost)(void *arg); /* was LIVE; commands without a reply are lost */
	void (*on_reply)(void *arg, uintptr_t tag, const redisReply *reply);
	void (*on_closed)(void *arg); /* once, after connection_stop */
};

#define ADDRESSES_MAX 4
#define ADDRESS_TEXT  46 /* INET6_ADDRSTRLEN */

struct connection {
	struct loop *loop;
	const struct store_config *cfg;
	const struct connection_events *events;
	void *arg;
	const char *source;

	struct url url;
	int db;
	char where[96]; /* "127.0.0.1:6379", for humans */

	enum connection_state state;
	redisAsyncContext *ac;   /* from CONNECTING to LIVE, otherwise NULL */
	struct redis_link *held; /* from the first connection_expect to connection_write */
	struct reply_guard guard;
	uint64_t progress_ms; /* loop time of the last reply, or of the first command owed */
	uv_timer_t timer;     /* the time limit of the state */
	uv_getaddrinfo_t resolve;
	bool is_resolving;
	unsigned open; /* handles and requests whose callback is still to come */
	char addresses[ADDRESSES_MAX][ADDRESS_TEXT];
	unsigned addresses_n, addresses_used;
	char self[ADDRESS_TEXT + 8];  /* our end of the socket as Redis names it */
	char fence[ADDRESS_TEXT + 8]; /* the end of one that was given up; "" = none */
	struct backoff backoff;
	bool has_been_live;

	enum trouble trouble;
	int64_t trouble_since_ms; /* wall */
	char trouble_text[REFUSAL_TEXT];
	struct log_limit limit_lost, limit_live;

	struct refusal_counts refusals;
	uint64_t reconnects;
	uint64_t timeouts;
	uint64_t connected; /* 0 or 1 */
};

/* Reads redis.url (not empty) into `url` and the number of the database. Returns 0, or AGNI_ECONFIG
 * with the reason. */
int connection_parse_url(const char *text, struct url *url, int *db, struct agni_err *err);

/* Reads cfg->url (not empty). Returns 0, or AGNI_ECONFIG with the reason; opens nothing. */
int connection_init(struct connection *c, const struct store_deps *deps,
		    const struct connection_events *events, void *arg, struct agni_err *err);

void connection_start(struct connection *c);

/* Closes everything; on_closed is called when the last handle is gone. */
void connection_stop(struct connection *c);

static inline bool connection_is_live(const struct connection *c)
{
	return c->state == CONNECTION_LIVE;
}

/* One more command whose reply comes to on_reply with `tag`. Only while LIVE; the command itself
 * must go with the next connection_write, before the loop goes on. */
void connection_expect(struct connection *c, uintptr_t tag);

/* Writes the commands that are expected, in RESP and in that order, now. The connection may be lost
 * when this returns. */
void connection_write(struct connection *c, const struct buf *commands);

/* trouble.c: the connection is in trouble; logs it when it is news. */
void connection_note_trouble(struct connection *c, enum trouble trouble, const char *text);

/* trouble.c: UP, or DEGRADED with the trouble in `why`. */
enum health connection_health(const struct connection *c, char why[HEALTH_WHY_MAX]);

/* trouble.c: "09:15:00" of a wall time, IST. */
void connection_clock(int64_t wall_ms, char out[16]);

/* One command from words; for the few commands that are not built in place. */
void connection_command(struct connection *c, uintptr_t tag, int argc, const char **argv);

/* connection.c for greeting.c: the link is of no use; close it and try again. */
void connection_fail(struct connection *c, enum trouble trouble, const char *text);

/* connection.c for greeting.c: PONG. */
void connection_enter_live(struct connection *c);

/* greeting.c: says hello on a link that has just opened. */
void greeting_send(struct connection *c);

/* greeting.c: one of its replies. */
void greeting_reply(struct connection *c, uintptr_t tag, const redisReply *reply);

/* address.c: fills c->addresses, now or later, and ends in connection_resolved(); `failure` is NULL
 * or why there is none. */
void address_resolve(struct connection *c);
void connection_resolved(struct connection *c, const char *failure);

/* One handle or request (c->open) less; the last one ends a connection that was stopped. */
void connection_release(void *c);

/* address.c: our end of socket `fd` as Redis prints it in CLIENT LIST; "" when unknown. */
void address_of_socket(int fd, char *out, size_t cap);

#endif
