/* SPDX-License-Identifier: MIT
 *
 * compat_door: who comes in to the broker's protocol, and authorize on stream.listen.
 *
 *      Authorization: Bearer <API key>    --+--> auth_handshake --> in
 *      ?requestId=...&code=<ticket>       --+          |
 *                                                      +--> 401 403 429 in the broker's shape
 *
 * The API key stands where the broker's access token would. The code is what authorize, here or on
 * http.listen, and the redirect of http.listen gave out.
 */
#include <stdio.h>

#include "api/feed_uri.h"
#include "core/rand.h"
#include "http/target.h"
#include "stream/compat_internal.h"
#include "upstox/answer.h"

bool compat_is_feed(const char *path)
{
	return strcmp(path, UPSTOX_FEED_PATH) == 0;
}

/* Puts a body in; what does not fit is left out. */
static void fill(struct ws_refusal *r, int status, struct buf *body)
{
	r->status = status;
	if (body->len < sizeof(r->body))
		memcpy(r->body, buf_cstr(body), body->len + 1);
	if (body->data)
		explicit_bzero(body->data, body->len); /* it may hold a code */
	buf_fini(body);
}

static void refuse(struct ws_refusal *r, const struct auth_refusal *why)
{
	struct buf body = {0};
	/* One connection too many is 403 with the broker. */
	bool is_full = why->status == 429 && strcmp(why->code, "too_many_connections") == 0;

	upstox_error_write(&body, upstox_code_of(why->status), why->text);
	fill(r, is_full ? 403 : why->status, &body);
	r->retry_after_s = is_full ? 0 : why->retry_after_s;
}

/* Judged by the key, or by the ticket that came as `code`. */
static bool judge(struct auth *auth, const struct ws_handshake *h, struct auth_caller *caller,
		  struct auth_refusal *why)
{
	char code[TICKET_LEN + 2],
		query[sizeof("ticket=") + TICKET_LEN + 2] = ""; /* one too long */
	bool passes;

	if (query_get(h->query, "code", code, sizeof(code)))
		snprintf(query, sizeof(query), "ticket=%s", code);
	passes = auth_handshake(auth, h->authorization, query, h->peer, caller, why);
	explicit_bzero(code, sizeof(code));
	explicit_bzero(query, sizeof(query));
	return passes;
}

bool compat_key_passes(struct stream *s, const struct ws_handshake *h, struct ws_refusal *r)
{
	struct auth_refusal why;

	if (!s->deps.auth || judge(s->deps.auth, h, h->room, &why))
		return true;
	refuse(r, &why);
	return false;
}

bool compat_answer(struct stream *s, const struct ws_handshake *h, struct ws_refusal *r)
{
	const char *cert = s->deps.cfg->tls_cert;
	struct feed_door door = {ws_server_port(s->server), cert && cert[0]};
	struct auth *auth = s->deps.auth;
	struct auth_caller caller = {0};
	struct buf uri = {0}, body = {0};
	struct auth_refusal why;

	if (strcmp(h->path, UPSTOX_AUTHORIZE_PATH) != 0)
		return false;
	if ((auth && !auth_handshake(auth, h->authorization, "", h->peer, &caller, &why)) ||
	    !feed_uri_write(&uri, auth, &caller, &door, h->host, &why)) {
		refuse(r, &why);
		return true;
	}
	upstox_authorize_write(&body, buf_cstr(&uri));
	explicit_bzero(uri.data, uri.len);
	buf_fini(&uri);
	s->compat.authorized++;
	fill(r, 200, &body);
	return true;
}

void *compat_open(struct compat *c, struct ws_conn *conn, const struct ws_handshake *h)
{
	struct compat_client *client = compat_client_create(c, conn);
	struct auth *auth = c->stream->deps.auth;

	ws_conn_set_callbacks(conn, &compat_callbacks);
	memcpy(&client->caller, h->room, sizeof(client->caller));
	if (auth)
		auth_connection_opened(auth, &client->caller);
	compat_hold(client);
	compat_arm(c); /* the market_info that comes first */
	return client;
}
