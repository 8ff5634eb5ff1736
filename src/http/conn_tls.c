/* SPDX-License-Identifier: MIT
 *
 * conn_tls: an accepted connection behind TLS: the handshake, and bytes on their way in.
 *
 *   socket --> conn_decrypt() -+-> shake(): a step of the handshake --> thread --> shaken()
 *                              +-> conn_pump() --> conn_parse()
 *
 * A step of the handshake costs milliseconds (a signature, a key exchange), in which ticks would
 * have to wait: so it is made on a thread of libuv's pool, one at a time, the others in line. One,
 * because mbedtls 2.28 keeps a table of the curve in the key that all sessions share, and makes it
 * without a lock; and the pool has other things to do. Nothing of the connection is touched
 * meanwhile but its deadline, and its memory waits for the thread.
 */
#include "http/server_internal.h"

static void shake_next(struct http_server *s);

/* The alert that says why goes out, and then the connection ends as after a last answer. */
static void tls_failed(struct conn *c)
{
	c->server->stats.tls_failed_total++;
	c->is_last = true;
	uv_read_stop((uv_stream_t *)&c->tcp);
	conn_set_state(c, CONN_WRITING);
	conn_flush(c);
}

static void shaken(struct conn *c, int rc)
{
	if (rc < 0) {
		tls_failed(c);
		return;
	}
	if (rc > 0) {
		c->server->stats.tls_handshakes_total++;
		conn_set_state(c, CONN_HEAD);
		if (c->is_too_many) {
			conn_refuse_too_many(c);
			return;
		}
		conn_pump(c);
	} else {
		conn_flush(c);
	}
	if (c->state == CONN_TLS || conn_can_read(c))
		conn_read_start(c);
}

/* ---- on the thread -------------------------------------------------------------------------- */

static void on_shake(uv_work_t *work)
{
	struct conn *c = work->data;
	struct agni_err err;

	c->shake_rc = tls_handshake(c->tls, &err);
}

static void on_shaken(uv_work_t *work, int status)
{
	struct conn *c = work->data;

	c->is_shaking = false;
	c->server->shakes--;
	shake_next(c->server);
	if (c->state == CONN_TLS)
		shaken(c, status < 0 ? status : c->shake_rc);
	conn_unhold(c);
}

static void shake_next(struct http_server *s)
{
	while (s->shakes < SERVER_SHAKES && !list_is_empty(&s->shaking)) {
		struct conn *c = container_of(s->shaking.next, struct conn, shake);

		list_remove(&c->shake);
		c->work.data = c;
		if (uv_queue_work(&s->loop->uv, &c->work, on_shake, on_shaken) < 0) {
			conn_close(c);
			continue;
		}
		c->is_shaking = true;
		c->open++;
		s->open++;
		s->shakes++;
	}
}

/* Nothing is read until the step is made: the session belongs to the thread. */
static void shake(struct conn *c)
{
	struct agni_err err;

	if (!tls_is_threaded()) {
		shaken(c, tls_handshake(c->tls, &err));
		return;
	}
	uv_read_stop((uv_stream_t *)&c->tcp);
	list_append(&c->server->shaking, &c->shake);
	shake_next(c->server);
}

void conn_shake_cancel(struct conn *c)
{
	list_remove(&c->shake);
	if (c->is_shaking)
		uv_cancel((uv_req_t *)&c->work); /* its callback runs in any case */
}

/* ---- bytes ---------------------------------------------------------------------------------- */

/* Parses what can be decrypted, up to the end of one request. */
void conn_pump(struct conn *c)
{
	struct agni_err err;
	char *plain = c->server->plain_bytes;
	int n = 0;

	while (conn_can_read(c) &&
	       (n = tls_read(c->tls, plain, sizeof(c->server->plain_bytes), &err)) > 0) {
		conn_parse(c, plain, (size_t)n);
		explicit_bzero(plain, (size_t)n); /* shared, and may have held a token */
	}
	if (!conn_can_read(c))
		return;
	if (n < 0)
		conn_close(c); /* its orderly close, or a broken record */
	else
		conn_flush(c);
}

/* The first byte of a handshake is 22. A letter is somebody who took https for http: told so in
 * plain text, and gone. */
static bool is_plain_http(const struct conn *c, const char *bytes)
{
	return c->state == CONN_TLS && !c->has_spoken && *bytes >= 'A' && *bytes <= 'Z';
}

static void refuse_plain(struct conn *c)
{
	tls_session_destroy(c->tls);
	c->tls = NULL;
	c->server->stats.tls_failed_total++;
	conn_set_state(c, CONN_HEAD);
	conn_refuse(c, 400, "tls_required", "this port speaks https, not http");
}

void conn_decrypt(struct conn *c, const char *bytes, size_t len)
{
	if (is_plain_http(c, bytes)) {
		refuse_plain(c);
		return;
	}
	c->has_spoken = true;
	tls_feed(c->tls, bytes, len);
	if (c->state == CONN_TLS)
		shake(c);
	else
		conn_pump(c);
}

bool conn_begin_tls(struct conn *c)
{
	struct agni_err err;

	c->state = CONN_TLS;
	c->tls = tls_session_create(c->server->tls, NULL, &err);
	if (!c->tls)
		conn_close(c);
	return c->tls != NULL;
}
