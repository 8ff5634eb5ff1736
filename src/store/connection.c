/* SPDX-License-Identifier: MIT
 *
 * connection: see connection.h.
 *
 * hiredis frees a context by itself after its connect callback has seen an error and after its
 * disconnect callback; everywhere else we free it. `ac->data` is the bridge: it is NULL from the
 * moment we let go, so the callbacks that redisAsyncFree() still makes find nobody.
 */
#include "store/connection.h"

#include <ctype.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <hiredis/async.h>

#include "store/redis_uv.h"

#define TAG      "store"
#define TAG_PING UINTPTR_MAX /* of the PING of a quiet connection */

#define MAY(state) (1u << CONNECTION_##state)

static const struct {
	const char *name;
	unsigned next; /* states that may follow */
} states[CONNECTION_STATES] = {
	[CONNECTION_OFF] = {"OFF", MAY(RESOLVING)},
	[CONNECTION_RESOLVING] = {"RESOLVING", MAY(CONNECTING) | MAY(WAITING) | MAY(CLOSED)},
	[CONNECTION_CONNECTING] = {"CONNECTING",
				   MAY(CONNECTING) | MAY(GREETING) | MAY(WAITING) | MAY(CLOSED)},
	[CONNECTION_GREETING] = {"GREETING",
				 MAY(LIVE) | MAY(WAITING) | MAY(RESOLVING) | MAY(CLOSED)},
	[CONNECTION_LIVE] = {"LIVE", MAY(WAITING) | MAY(RESOLVING) | MAY(CLOSED)},
	[CONNECTION_WAITING] = {"WAITING", MAY(RESOLVING) | MAY(CLOSED)},
	[CONNECTION_CLOSED] = {"CLOSED", 0},
};

static void on_timer(uv_timer_t *timer);

static void set_state(struct connection *c, enum connection_state next)
{
	AGNI_ASSERT(states[c->state].next & 1u << next);
	log_debug(TAG, "%s: %s -> %s", c->where, states[c->state].name, states[next].name);
	c->state = next;
}

static void set_timer(struct connection *c, int64_t ms)
{
	uv_timer_start(&c->timer, on_timer, (uint64_t)ms, 0);
}

void connection_release(void *arg)
{
	struct connection *c = arg;

	AGNI_ASSERT(c->open > 0);
	if (--c->open == 0) {
		AGNI_ASSERT(c->state == CONNECTION_CLOSED);
		c->events->on_closed(c->arg);
	}
}

static void drop_link(struct connection *c)
{
	redisAsyncContext *ac = c->ac;

	c->ac = NULL;
	if (ac) {
		ac->data = NULL;
		redisAsyncFree(ac);
	}
}

static void connect_next(struct connection *c);

static void resolve(struct connection *c)
{
	set_state(c, CONNECTION_RESOLVING);
	address_resolve(c);
}

/* The link is gone or of no use. Where to go from here follows from where we were. */
static void leave(struct connection *c, enum trouble trouble, const char *text, bool is_given_up)
{
	enum connection_state from = c->state;

	if (from == CONNECTION_LIVE && c->guard.owed > 0)
		memcpy(c->fence, c->self, sizeof(c->fence));
	c->connected = 0;
	connection_note_trouble(c, trouble, text);
	drop_link(c);
	uv_timer_stop(&c->timer);
	if (is_given_up) {
		resolve(c);
	} else if (from == CONNECTION_CONNECTING && c->addresses_used < c->addresses_n) {
		connect_next(c);
	} else {
		set_state(c, CONNECTION_WAITING);
		set_timer(c, backoff_next(&c->backoff));
	}
	if (from == CONNECTION_LIVE)
		c->events->on_lost(c->arg);
}

void connection_fail(struct connection *c, enum trouble trouble, const char *text)
{
	leave(c, trouble, text, false);
}

void connection_enter_live(struct connection *c)
{
	set_state(c, CONNECTION_LIVE);
	log_limited(&c->limit_live, clock_mono(c->loop->clock), LOG_INFO, TAG,
		    "Redis at %s is connected", c->where);
	c->reconnects += c->has_been_live;
	c->has_been_live = true;
	c->connected = 1;
	c->trouble = TROUBLE_NONE;
	backoff_reset(&c->backoff);
	set_timer(c, c->cfg->command_timeout_ms);
	c->events->on_live(c->arg);
}

static void on_reply(redisAsyncContext *ac, void *reply, void *tag)
{
	struct connection *c = ac->data;
	const redisReply *r = reply;

	if (!c || !r)
		return;
	AGNI_ASSERT(c->guard.owed > 0);
	c->guard.owed--;
	c->progress_ms = uv_now(&c->loop->uv);
	if (AGNI_UNLIKELY(c->trouble == TROUBLE_SLOW && c->state == CONNECTION_LIVE)) {
		c->trouble = TROUBLE_NONE;
		log_limited(&c->limit_live, clock_mono(c->loop->clock), LOG_INFO, TAG,
			    "Redis at %s answers again", c->where);
	}
	if (c->state == CONNECTION_GREETING)
		greeting_reply(c, (uintptr_t)tag, r);
	else if ((uintptr_t)tag != TAG_PING)
		c->events->on_reply(c->arg, (uintptr_t)tag, r);
	else if (r->type == REDIS_REPLY_ERROR)
		refusal_count(&c->refusals, r->str);
}

/* The clock of silence starts with the first command that is owed a reply. hiredis takes no command
 * only when it is out of memory or disconnecting, and then we have let go of it. */
static void count_command(struct connection *c, int rc)
{
	AGNI_ASSERT(rc == REDIS_OK);
	if (c->guard.owed++ == 0)
		c->progress_ms = uv_now(&c->loop->uv);
}

/* hiredis is given the name of a command and none of its bytes: it looks at the name for the commands
 * that change the connection (SUBSCRIBE, MONITOR), which we never send, and keeps the callback. The
 * bytes of all commands go to the kernel from where they were made. */
void connection_expect(struct connection *c, uintptr_t tag)
{
	static const char name[] = "$3\r\nSET\r\n";

	AGNI_ASSERT(connection_is_live(c));
	if (!c->held)
		c->held = redis_uv_hold(c->ac);
	count_command(c, redisAsyncFormattedCommand(c->ac, on_reply, (void *)tag, name, 0));
}

void connection_command(struct connection *c, uintptr_t tag, int argc, const char **argv)
{
	count_command(c, redisAsyncCommandArgv(c->ac, on_reply, (void *)tag, argc, argv, NULL));
}

void connection_write(struct connection *c, const struct buf *commands)
{
	struct redis_link *held = c->held;
	int is_clear = 0; /* hiredis has nothing left to write */
	size_t done = 0;

	AGNI_ASSERT(c->ac && held);
	/* Behind what hiredis still has to write, if anything; an error is for its own write. */
	if (redisBufferWrite(&c->ac->c, &is_clear) == REDIS_OK && is_clear) {
		ssize_t n = send(c->ac->c.fd, commands->data, commands->len,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		done = n > 0 ? (size_t)n : 0;
	}
	if (done < commands->len && redisAppendFormattedCommand(&c->ac->c, commands->data + done,
								commands->len - done) != REDIS_OK)
		mem_exhausted(commands->len - done);
	c->held = NULL;
	redisAsyncHandleWrite(c->ac);
	redis_uv_release(held);
}

static int64_t silence_ms(const struct connection *c)
{
	return c->guard.owed ? (int64_t)(uv_now(&c->loop->uv) - c->progress_ms) : 0;
}

/* A turn looks at its timers before its sockets: when it was us who slept, the answers lie there,
 * and the silence is ours. Returns false when the link ended while it was read. */
static bool hear_first(struct connection *c)
{
	const redisAsyncContext *ac = c->ac;

	redisAsyncHandleRead(c->ac);
	return c->ac == ac;
}

/* GREETING and LIVE: is the silence too long? A quiet connection is asked. */
static void check_silence(struct connection *c)
{
	int64_t limit = c->cfg->command_timeout_ms, silent;

	if (silence_ms(c) >= limit && !hear_first(c))
		return;
	silent = silence_ms(c);
	if (c->guard.owed == 0) {
		connection_command(c, TAG_PING, 1, (const char *[]){"PING"});
	} else if (silent >= c->cfg->give_up_ms) {
		leave(c, TROUBLE_AWAY, "it has not answered for too long", true);
		return;
	} else if (silent < limit) {
		limit -= silent;
	} else if (c->trouble != TROUBLE_SLOW) {
		c->timeouts++;
		connection_note_trouble(c, TROUBLE_SLOW, "the connection is open but silent");
	}
	set_timer(c, limit);
}

static void on_timer(uv_timer_t *timer)
{
	struct connection *c = container_of(timer, struct connection, timer);

	switch (c->state) {
	case CONNECTION_CONNECTING:
		c->timeouts++;
		leave(c, TROUBLE_AWAY, "no answer to the attempt to connect", false);
		break;
	case CONNECTION_GREETING:
	case CONNECTION_LIVE:
		check_silence(c);
		break;
	case CONNECTION_WAITING:
		resolve(c);
		break;
	default:
		break;
	}
}

/* In 0.14 the context must not be freed from here: nothing but commands, or letting go. */
static void on_connect(const redisAsyncContext *ac, int status)
{
	struct connection *c = ac->data;

	if (!c)
		return;
	if (status != REDIS_OK) {
		c->ac->data = NULL;
		c->ac = NULL;
		leave(c, TROUBLE_AWAY, ac->c.errstr, false);
		return;
	}
	set_state(c, CONNECTION_GREETING);
	address_of_socket(ac->c.fd, c->self, sizeof(c->self));
	greeting_send(c);
	set_timer(c, c->cfg->command_timeout_ms);
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
	struct connection *c = ac->data;

	if (!c)
		return;
	c->ac->data = NULL;
	c->ac = NULL;
	if (c->guard.has_refused)
		leave(c, TROUBLE_AWAY, "what answers there is not Redis", false);
	else if (status == REDIS_OK)
		leave(c, TROUBLE_AWAY, "a reply was too long", false);
	else
		leave(c, TROUBLE_AWAY, ac->errstr, false);
}

static void set_socket_options(const struct connection *c, int fd)
{
	int64_t limit = c->cfg->command_timeout_ms;
	unsigned user_timeout_ms = limit > 1000 ? (unsigned)limit : 1000;
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
#ifdef TCP_USER_TIMEOUT
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms));
#endif
}

/* Puts a fresh context on the loop; returns false with the reason in `why`. */
static bool open_link(struct connection *c, redisAsyncContext *ac, char why[REFUSAL_TEXT])
{
	int rc = ac && !ac->err ? redis_uv_attach(ac, &c->loop->uv, connection_release, c) : 0;

	if (!ac || ac->err || rc < 0) {
		refusal_text(why, rc < 0 ? uv_strerror(rc)
				  : ac   ? ac->errstr
					 : "no memory for a connection");
		if (ac)
			redisAsyncFree(ac);
		return false;
	}
	c->open++;
	c->ac = ac;
	ac->data = c;
	reply_guard_install(&c->guard, ac);
	set_socket_options(c, ac->c.fd);
	redisAsyncSetDisconnectCallback(ac, on_disconnect);
	redisAsyncSetConnectCallback(ac, on_connect);
	return true;
}

static void connect_next(struct connection *c)
{
	char why[REFUSAL_TEXT];

	set_state(c, CONNECTION_CONNECTING);
	if (open_link(c, redisAsyncConnect(c->addresses[c->addresses_used++], c->url.port), why))
		set_timer(c, c->cfg->connect_timeout_ms);
	else
		leave(c, TROUBLE_AWAY, why, false);
}

void connection_resolved(struct connection *c, const char *failure)
{
	if (c->state == CONNECTION_CLOSED)
		return;
	c->addresses_used = 0;
	if (failure)
		leave(c, TROUBLE_AWAY, failure, false);
	else
		connect_next(c);
}

static bool parse_db(const char *target, int *db)
{
	char *end;
	long v = strtol(target + 1, &end, 10);

	*db = (int)v;
	if (target[1] == '\0')
		return true;
	return isdigit((unsigned char)target[1]) && *end == '\0' && v <= 65535;
}

int connection_parse_url(const char *text, struct url *url, int *db, struct agni_err *err)
{
	if (strncmp(text, "rediss://", 9) == 0)
		return agni_fail(err, AGNI_ECONFIG,
				 "redis.url: TLS (rediss://) is not supported; use redis:// to a "
				 "local Redis or to a TLS tunnel such as stunnel");
	if (url_parse(text, url, err) < 0) {
		agni_wrap(err, "redis.url");
		return err ? err->code = AGNI_ECONFIG : AGNI_ECONFIG;
	}
	if (strcmp(url->scheme, "redis") != 0 || !parse_db(url->target, db))
		return agni_fail(err, AGNI_ECONFIG,
				 "redis.url is not redis://[[user]:password@]host[:port][/db]");
	return 0;
}

int connection_init(struct connection *c, const struct store_deps *deps,
		    const struct connection_events *events, void *arg, struct agni_err *err)
{
	bool is_v6;
	int rc;

	*c = (struct connection){.loop = deps->loop,
				 .cfg = deps->cfg,
				 .source = deps->source,
				 .events = events,
				 .arg = arg};
	rc = connection_parse_url(deps->cfg->url, &c->url, &c->db, err);
	if (rc < 0)
		return rc;
	is_v6 = strchr(c->url.host, ':') != NULL;
	snprintf(c->where, sizeof(c->where), is_v6 ? "[%.64s]:%d" : "%.64s:%d", c->url.host,
		 c->url.port);
	backoff_init(&c->backoff, (uint32_t)c->cfg->retry_ms, (uint32_t)c->cfg->retry_ms,
		     clock_mono(c->loop->clock));
	return 0;
}

void connection_start(struct connection *c)
{
	uv_timer_init(&c->loop->uv, &c->timer);
	c->open = 1;
	resolve(c);
}

static void on_timer_closed(uv_handle_t *handle)
{
	connection_release(container_of((uv_timer_t *)handle, struct connection, timer));
}

void connection_stop(struct connection *c)
{
	set_state(c, CONNECTION_CLOSED);
	c->connected = 0;
	drop_link(c);
	if (c->is_resolving)
		uv_cancel((uv_req_t *)&c->resolve);
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}
