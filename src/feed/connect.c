/* SPDX-License-Identifier: MIT
 *
 * connect: one attempt to reach the broker's feed, from the token to the open socket.
 *
 *   authorize (REST, the token) --> a single-use URI, itself the credential: no token goes with it
 *   or upstream.feed_url (direct, the token) --> 3xx --> Location ...
 *
 * Rules of a redirect: at most 5 hops; from TLS never to plain text; the token goes on only to the
 * same scheme, host and port. Names are resolved off the loop, and the certificate is checked
 * against the name, not the address; every address of a name is tried.
 */
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "core/json.h"
#include "feed/feed_internal.h"
#include "upstox/reply.h"

#define AUTHORIZE_PATH    "/v3/feed/market-data-feed/authorize"
#define AUTHORIZE_MAX     65536
#define RETRY_AFTER_MAX_S 300
#define AUTHORIZE_ACCEPT  "Accept: application/json\r\n"

static void connect_url(struct feed *f);
static void next_address(struct feed *f);

/* --- the socket ------------------------------------------------------------------------------
 *
 * A connection that was given up has no user any more: what it still says, its end included, is
 * nobody's business. */

static void *on_open(void *user, struct ws_conn *c, const struct ws_handshake *h)
{
	struct feed *f = user;

	(void)h;
	if (!f)
		return NULL;
	uv_timer_stop(&f->timer);
	f->connects++;
	f->told_conn = c;
	f->codes_refused = 0;
	f->up_mono = clock_mono(f->deps.loop->clock);
	f->moved_mono = f->up_mono;
	f->newest_ts = f->leap_ts = 0;
	f->turn_newest = f->turn_leap = 0;
	f->sessions.n = 0;
	feed_set_state(f, FEED_SUBSCRIBING, "connected to %s, waiting for data", f->url.host);
	feed_subscribe_all(f);
	return f;
}

static void on_message(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
		       size_t len)
{
	struct feed *f = user;

	if (!f)
		return;
	if (op == WS_BINARY)
		feed_on_frame(f, c, data, len);
	else
		f->text_frames++; /* the broker has no text messages */
}

static void on_close(void *user, struct ws_conn *c, int code, const char *reason)
{
	struct feed *f = user;

	if (!f)
		return;
	f->disconnects++;
	if (f->told_conn == c)
		f->told_conn = NULL;
	if (c == f->relieved) {
		feed_old_is_gone(f);
		return;
	}
	AGNI_ASSERT(c == f->conn);
	f->conn = NULL;
	if (code)
		feed_fail(f, "the broker closed the feed: %d %s", code, reason);
	else
		feed_fail(f, "the feed's connection broke");
}

static void follow(struct feed *f, const char *location)
{
	struct url next;
	struct agni_err err;

	if (++f->hops > HOPS_MAX) {
		feed_fail(f, "more than %d redirects", HOPS_MAX);
	} else if (url_resolve(&f->url, location, &next, &err) < 0) {
		feed_fail(f, "a redirect that is not a URL: %s", err.text);
	} else if (url_is_tls(&f->url) && !url_is_tls(&next)) {
		feed_fail(f, "a redirect from TLS to plain text, to %s, is refused", next.host);
	} else {
		f->sends_token = f->sends_token && url_same_origin(&f->url, &next);
		f->url = next;
		connect_url(f);
	}
}

/* Where the token went along, it is the token that was refused. A URI carries a code of its own,
 * which may be used up or too old: a fresh URI decides, because authorize says 401 itself when it is
 * the token. A second code that is refused is no accident. */
static void unauthorized(struct feed *f)
{
	if (f->sends_token || ++f->codes_refused > 1)
		feed_unauthorized(f, "the feed");
	else
		feed_fail(f, "the feed answered 401 to a one-use URI, which may be too old");
}

static void on_refused(void *user, int status, const char *location, const char *why)
{
	struct feed *f = user;

	if (!f)
		return;
	f->conn = NULL;
	if (status == 0 && f->address_next < f->addresses_n)
		next_address(f);
	else if (status >= 300 && status < 400 && location[0])
		follow(f, location);
	else if (status == 401)
		unauthorized(f);
	else if (status == 403)
		feed_forbidden(f, "the feed");
	else if (status)
		feed_fail(f, "the feed answered %d to the handshake", status);
	else
		feed_fail(f, "%s:%d: %s", f->url.host, f->url.port, why);
}

static const struct ws_callbacks callbacks = {
	.on_open = on_open,
	.on_message = on_message,
	.on_close = on_close,
};

static void open_socket(struct feed *f, const char *address)
{
	uint64_t generation;
	struct agni_err err;
	const char *bearer = token_bearer(f->deps.token, &generation);
	struct ws_client_config cfg = {
		.url = &f->url,
		.address = address,
		.authorization = f->sends_token ? bearer : NULL,
		.ca_file = f->deps.cfg->ca_file,
		.callbacks = &callbacks,
		.user = f,
		.on_refused = on_refused,
		.message_max_bytes = (size_t)f->deps.cfg->frame_max_bytes,
		.ping_s = (uint16_t)f->deps.cfg->ping_s,
		.pong_s = (uint16_t)f->deps.cfg->pong_s,
	};

	if (ws_client_connect(f->deps.ws, &cfg, &f->conn, &err) < 0) {
		f->conn = NULL;
		feed_fail(f, "%s", err.text);
	}
}

/* --- the name -------------------------------------------------------------------------------- */

static void next_address(struct feed *f)
{
	open_socket(f, f->addresses[f->address_next++]);
}

static void take_addresses(struct feed *f, const struct addrinfo *ai)
{
	f->addresses_n = f->address_next = 0;
	for (; ai && f->addresses_n < ADDRESSES_MAX; ai = ai->ai_next) {
		char *out = f->addresses[f->addresses_n];

		if (ai->ai_family == AF_INET)
			uv_ip4_name((struct sockaddr_in *)(void *)ai->ai_addr, out, ADDRESS_TEXT);
		else if (ai->ai_family == AF_INET6)
			uv_ip6_name((struct sockaddr_in6 *)(void *)ai->ai_addr, out, ADDRESS_TEXT);
		else
			continue;
		f->addresses_n++;
	}
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *ai)
{
	struct feed *f = req->data;

	if (f) {
		f->resolving = NULL;
		take_addresses(f, ai);
		if (f->addresses_n)
			next_address(f);
		else
			feed_fail(f, "cannot resolve %s: %s", f->url.host,
				  status < 0 ? uv_strerror(status) : "no address");
	}
	uv_freeaddrinfo(ai);
	free(req);
}

static void connect_url(struct feed *f)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	uv_getaddrinfo_t *req = mem_zalloc(sizeof(*req));
	int rc;

	feed_set_state(f, FEED_CONNECTING, "connecting to %s:%d", f->url.host, f->url.port);
	req->data = f;
	rc = uv_getaddrinfo(&f->deps.loop->uv, req, on_resolved, f->url.host, NULL, &hints);
	if (rc < 0) {
		free(req);
		feed_fail(f, "cannot resolve %s: %s", f->url.host, uv_strerror(rc));
		return;
	}
	f->resolving = req;
}

/* --- authorize ------------------------------------------------------------------------------- */

static void take_uri(struct feed *f, const struct http_result *r)
{
	struct agni_err err = {0};
	cJSON *json = json_parse(r->body, r->body_len, &err);
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(json, "data");
	const char *uri = json_string(data, "authorized_redirect_uri");

	if (!uri)
		uri = json_string(data, "authorizedRedirectUri");
	if (!uri) {
		feed_fail(f, "authorize answered without a redirect URI");
	} else if (url_parse(uri, &f->url, &err) < 0) {
		feed_fail(f, "authorize gave a URI that is none: %s", err.text);
	} else {
		f->sends_token = false; /* the URI's code is the credential */
		connect_url(f);
	}
	cJSON_Delete(json);
}

/* 429, 5xx and the like; a server that says how long it needs is given that time. */
static void busy(struct feed *f, const struct http_result *r)
{
	if (r->retry_after_s > 0)
		f->wait_least_ms =
			1000 * (uint32_t)(r->retry_after_s < RETRY_AFTER_MAX_S ? r->retry_after_s
									       : RETRY_AFTER_MAX_S);
	feed_fail(f, "authorize answered %d", r->status);
}

static void authorize_done(void *arg, const struct http_result *r)
{
	struct feed *f = arg;

	f->call = NULL;
	if (r->code)
		feed_fail(f, "authorize: %s", r->error);
	else if (r->status == 200)
		take_uri(f, r);
	else if (upstox_token_is_dead(r->status, r->body, r->body_len))
		feed_unauthorized(f, "authorize");
	else if (r->status == 403)
		feed_forbidden(f, "authorize");
	else
		busy(f, r);
}

static void authorize(struct feed *f, const char *bearer)
{
	const char *api = f->deps.api_url[0] ? f->deps.api_url : f->deps.cfg->api_url;
	char url[URL_HOST_MAX + 128];
	struct agni_err err;
	struct http_call_options o = {
		.method = "GET",
		.url = url,
		.authorization = bearer,
		.headers = AUTHORIZE_ACCEPT,
		.timeout_ms = (uint64_t)f->deps.cfg->connect_timeout_ms,
		.response_max = AUTHORIZE_MAX,
		.follow_redirects = true,
	};
	size_t len = strlen(api);

	while (len && api[len - 1] == '/')
		len--;
	snprintf(url, sizeof(url), "%.*s%s", (int)len, api, AUTHORIZE_PATH);
	feed_set_state(f, FEED_AUTHORIZING, "asking %.*s for the feed's address", (int)len, api);
	f->call = http_call_start(f->deps.http, &o, authorize_done, f, &err);
	if (!f->call)
		feed_fail(f, "authorize: %s", err.text);
}

void feed_attempt(struct feed *f)
{
	const char *bearer = token_bearer(f->deps.token, &f->token_generation);
	const char *direct = f->deps.cfg->feed_url;
	struct agni_err err;

	f->hops = 0;
	if (!bearer) {
		feed_set_state(f, FEED_WAITING_TOKEN, "waiting for a token");
	} else if (!direct[0]) {
		authorize(f, bearer);
	} else if (url_parse(direct, &f->url, &err) < 0) {
		feed_fail(f, "upstream.feed_url: %s", err.text);
	} else {
		f->sends_token = true;
		connect_url(f);
	}
}

void feed_attempt_cancel(struct feed *f)
{
	struct ws_conn *c = f->conn;

	if (f->call)
		http_call_cancel(f->call);
	f->call = NULL;
	if (f->resolving) {
		f->resolving->data = NULL; /* its callback frees it */
		uv_cancel((uv_req_t *)f->resolving);
		f->resolving = NULL;
	}
	f->conn = NULL;
	if (c) {
		if (f->told_conn == c)
			f->told_conn = NULL;
		ws_conn_set_user(c, NULL);
		ws_conn_abort(c);
	}
}
