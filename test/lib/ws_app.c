/* SPDX-License-Identifier: MIT
 *
 * ws_app: see ws_app.h.
 */
#include "ws_app.h"

#include <stdio.h>

#include "check.h"

static bool on_handshake(void *arg, const struct ws_handshake *h, struct ws_refusal *refusal)
{
	struct app *a = arg;

	a->handshakes++;
	check_i64(refusal->status, 403);
	snprintf(a->seen, sizeof(a->seen), "%s|%s|%s|%s|%s|%s", h->path, h->query, h->host,
		 h->origin, h->authorization, h->peer);
	if (a->refuses)
		*refusal = a->refusal;
	return !a->refuses;
}

static void *on_open(void *arg, struct ws_conn *c, const struct ws_handshake *h)
{
	struct app *a = arg;
	char again[4096];

	a->opens++;
	a->conn = c;
	snprintf(again, sizeof(again), "%s|%s|%s|%s|%s|%s", h->path, h->query, h->host, h->origin,
		 h->authorization, h->peer);
	check_str(again, a->seen);
	check_str(ws_conn_peer(c), "127.0.0.1");
	if (a->at_open == 1 || a->at_open == 2)
		check(ws_conn_send(c, "\x81\x05hello", 7) == WS_SENT);
	if (a->at_open == 2)
		ws_conn_close(c, 4003, "no room");
	if (a->at_open == 3)
		ws_conn_abort(c);
	return a;
}

static void on_message(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
		       size_t len)
{
	struct app *a = user;
	struct buf b = {0};

	a->messages++;
	a->last_op = op;
	buf_reset(&a->last);
	buf_append(&a->last, data, len);
	ws_frame_append(&b, op, data, len);
	ws_conn_send(c, b.data, b.len);
	buf_fini(&b);
}

static void on_writable(void *user, struct ws_conn *c)
{
	(void)user;
	(void)c;
}

static void on_close(void *user, struct ws_conn *c, int code, const char *reason)
{
	struct app *a = user;

	(void)c;
	a->closes++;
	a->code = code;
	snprintf(a->reason, sizeof(a->reason), "%s", reason);
}

static void on_pong(void *user, struct ws_conn *c)
{
	(void)c;
	((struct app *)user)->pongs++;
}

/* Only one path is answered without an upgrade. */
static bool on_request(void *arg, const struct ws_handshake *h, struct ws_refusal *answer)
{
	struct app *a = arg;

	a->requests++;
	if (strcmp(h->path, "/plain") != 0)
		return false;
	answer->status = 200;
	answer->content_type = "text/plain";
	snprintf(answer->body, sizeof(answer->body), "%s|%s|%s", h->path, h->query,
		 h->authorization);
	return true;
}

static const struct ws_callbacks callbacks = {
	.on_handshake = on_handshake,
	.on_open = on_open,
	.on_message = on_message,
	.on_writable = on_writable,
	.on_close = on_close,
	.on_pong = on_pong,
	.on_request = on_request,
};

struct ws_server_config app_config(struct app *a)
{
	return (struct ws_server_config){.name = "test",
					 .host = "127.0.0.1",
					 .callbacks = &callbacks,
					 .arg = a,
					 .message_max_bytes = APP_MESSAGE_MAX};
}

void app_up_with(struct app *a, const struct ws_server_config *cfg)
{
	struct agni_err err = {0};

	ws_rig_up(&a->rig);
	if (ws_server_create(a->rig.ws, cfg, &a->server, &err) != 0)
		fail_msg("%s", err.text);
	a->port = ws_server_port(a->server);
}

struct app *app_up(void)
{
	struct app *a = mem_zalloc(sizeof(*a));
	struct ws_server_config cfg = app_config(a);

	app_up_with(a, &cfg);
	return a;
}

void app_down(struct app *a)
{
	ws_rig_down(&a->rig);
	check_i64(a->closes, a->opens);
	buf_fini(&a->last);
	free(a);
}

bool app_all_closed(void *arg)
{
	struct app *a = arg;

	return a->closes == a->opens;
}

void app_check_echo(struct app *a, struct ws_peer *p, int op, const char *text, size_t len)
{
	const struct ws_peer_frame *f;
	size_t n = p->frames_n;

	check(ws_peer_wait_frames(&a->rig, p, n + 1));
	f = ws_peer_get(p, n);
	check_i64(f->op, op);
	check_i64(f->len, len);
	assert_memory_equal(ws_peer_payload(p, f), text, len);
	check(p->fault == NULL);
	check_i64(a->last_op, op);
}

void app_fill(struct app *a, struct ws_peer *p)
{
	char frame[4096 + 4];

	p->is_deaf = true;
	memset(frame, 'f', sizeof(frame));
	ws_header_write(frame, WS_BINARY, 4096);
	for (int i = 0; i < 100000; i++) {
		if (ws_conn_send(a->conn, frame, sizeof(frame)) == WS_FULL)
			return;
	}
	fail_msg("the socket never fills");
}
