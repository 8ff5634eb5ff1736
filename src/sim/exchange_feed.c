/* SPDX-License-Identifier: MIT
 *
 * exchange_feed: the feed's side of the WebSocket: who may connect, and what a session hears.
 *
 * 401 for a code that is unknown, used or expired, 403 for one connection too many, both with an
 * empty body, as the broker answers. Requests come in binary frames; text is ignored.
 */
#include <string.h>

#include "core/log.h"
#include "sim/sim_internal.h"

#define FEED_PATH "/market-data-feeder/v3/upstox-developer-api/feeds"

static bool refuse(struct sim *s, struct ws_refusal *refusal, int status)
{
	s->refused_total++;
	refusal->status = status;
	refusal->body[0] = '\0';
	return false;
}

static bool on_handshake(void *arg, const struct ws_handshake *h, struct ws_refusal *refusal)
{
	struct sim *s = arg;

	if (s->is_stopping)
		return refuse(s, refusal, 503);
	if (strcmp(h->path, FEED_PATH) != 0)
		return refuse(s, refusal, 404);
	if (!ticket_take(s, h->query) || s->is_unauthorized)
		return refuse(s, refusal, 401);
	if (s->is_forbidden || s->sessions_n >= (uint64_t)s->cfg->connections_max)
		return refuse(s, refusal, 403);
	return true;
}

static void *on_open(void *arg, struct ws_conn *c, const struct ws_handshake *h)
{
	struct sim *s = arg;
	struct session *session;

	(void)h;
	if (s->is_stopping) { /* it shook hands before and was opened after stop() */
		ws_conn_abort(c);
		return NULL;
	}
	session = session_create(s, c);
	session_send_info(session);
	faults_begin(session, s->cfg->fault);
	player_kick(s);
	return session;
}

static void on_message(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
		       size_t len)
{
	(void)c;
	if (user && op == WS_BINARY)
		session_request(user, data, len);
}

static void on_writable(void *user, struct ws_conn *c)
{
	struct session *s = user;

	(void)c;
	if (!s)
		return;
	s->is_full = false;
	session_flush(s);
	player_kick(s->sim);
}

static void on_close(void *user, struct ws_conn *c, int code, const char *reason)
{
	(void)c;
	(void)reason;
	if (user) {
		log_info("sim", "feed session closed (%d)", code);
		session_destroy(user);
	}
}

const struct ws_callbacks exchange_feed_callbacks = {
	.on_handshake = on_handshake,
	.on_open = on_open,
	.on_message = on_message,
	.on_writable = on_writable,
	.on_close = on_close,
};
