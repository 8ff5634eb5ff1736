/* SPDX-License-Identifier: MIT
 *
 * ws_caller: see ws_caller.h.
 */
#include "ws_caller.h"

#include <stdio.h>
#include <unistd.h>

#include "check.h"

static void *on_open(void *arg, struct ws_conn *c, const struct ws_handshake *h)
{
	struct caller *a = arg;

	check(h == NULL);
	check(c == a->conn);
	check_str(ws_conn_peer(c), "127.0.0.1");
	a->opens++;
	if (a->greets)
		ws_conn_send_message(c, WS_TEXT, "hello", 5);
	return NULL; /* ignored */
}

static void on_message(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
		       size_t len)
{
	struct caller *a = user;

	(void)c;
	a->messages++;
	a->last_op = op;
	buf_reset(&a->last);
	buf_append(&a->last, data, len);
}

static void on_close(void *user, struct ws_conn *c, int code, const char *reason)
{
	struct caller *a = user;

	(void)c;
	a->closes++;
	a->code = code;
	snprintf(a->reason, sizeof(a->reason), "%s", reason);
}

static void on_pong(void *user, struct ws_conn *c)
{
	(void)c;
	((struct caller *)user)->pongs++;
}

static void on_refused(void *user, int status, const char *location, const char *why)
{
	struct caller *a = user;

	a->refusals++;
	a->status = status;
	snprintf(a->location, sizeof(a->location), "%s", location);
	snprintf(a->why, sizeof(a->why), "%s", why);
}

static const struct ws_callbacks callbacks = {
	.on_open = on_open, .on_message = on_message, .on_close = on_close, .on_pong = on_pong};

struct caller *caller_up(void)
{
	struct caller *a = mem_zalloc(sizeof(*a));

	ws_rig_up(&a->rig);
	a->listener = ws_peer_listen(&a->port);
	return a;
}

void caller_down(struct caller *a)
{
	ws_rig_down(&a->rig);
	check_i64(a->opens, a->closes);
	close(a->listener);
	buf_fini(&a->last);
	free(a);
}

int caller_try(struct caller *a, const char *text, struct agni_err *err)
{
	struct url url;
	const struct ws_client_config cfg = {.url = &url,
					     .address =
						     strstr(text, "localhost") ? "127.0.0.1" : NULL,
					     .authorization = a->authorization,
					     .ca_file = a->ca,
					     .callbacks = &callbacks,
					     .user = a,
					     .on_refused = on_refused,
					     .message_max_bytes = CALLER_MESSAGE_MAX,
					     .ping_s = a->ping_s,
					     .pong_s = a->ping_s};

	check_i64(url_parse(text, &url, err), 0);
	return ws_client_connect(a->rig.ws, &cfg, &a->conn, err);
}

void caller_connect_to(struct caller *a, const char *scheme, const char *host, int port)
{
	char text[128];
	struct agni_err err = {0};

	snprintf(text, sizeof(text), "%s://%s:%d/feed?x=1", scheme, host, port);
	if (caller_try(a, text, &err) != 0)
		fail_msg("%s", err.text);
}

/* A client that is connected to a peer of the test. */
struct ws_peer *caller_open(struct caller *a)
{
	struct ws_peer *p;
	int opens = a->opens;

	caller_connect_to(a, "ws", "127.0.0.1", a->port);
	p = ws_peer_accept(&a->rig, a->listener, 2000);
	check(p != NULL);
	ws_peer_welcome(&a->rig, p);
	while (a->opens == opens && a->refusals == 0)
		ws_rig_turn(&a->rig);
	check_i64(a->refusals, 0);
	return p;
}

bool caller_has_outcome(void *arg)
{
	struct caller *a = arg;

	return a->refusals + a->closes > 0;
}

bool caller_is_open(void *arg)
{
	struct caller *a = arg;

	return a->refusals + a->opens > 0;
}

bool caller_has_message(void *arg)
{
	return ((struct caller *)arg)->messages > 0;
}
