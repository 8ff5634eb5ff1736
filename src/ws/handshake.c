/* SPDX-License-Identifier: MIT
 *
 * handshake: judges an upgrade request and answers the ones that are refused.
 *
 * It runs at CONFIRM_UPGRADE, where an HTTP answer with a body can still be given. What
 * libwebsockets would take although RFC 6455 forbids it (any version, a missing or doubled header),
 * or would drop without a word, is refused here with a status:
 *
 *   400 malformed     426 no upgrade, or another version     431 a header is too long
 *   (a GET without an upgrade is the application's to answer first: on_request)
 *   503 no more connections     or what on_handshake says
 *
 * Not seen by us, because libwebsockets closes first and in silence: a head above 16 KiB, an
 * unknown method, a request that is no HTTP at all.
 */
#include <stdio.h>

#include "ws/ws_internal.h"

/* libwebsockets gives up in silence on longer ones. */
#define EXTENSIONS_MAX 250
#define PROTOCOLS_MAX  120
#define KEY_LEN        24 /* base64 of 16 bytes */

static bool copy_header(struct lws *wsi, char *out, size_t size, enum lws_token_indexes token)
{
	int n = lws_hdr_copy(wsi, out, (int)size, token);

	if (n < 0)
		out[0] = '\0'; /* longer than anything that we accept */
	return n >= 0;
}

bool ws_handshake_read(struct lws *wsi, struct ws_handshake_text *t)
{
	bool ok = copy_header(wsi, t->path, sizeof(t->path), WSI_TOKEN_GET_URI);
	size_t at = 0;
	int n;

	ok = copy_header(wsi, t->host, sizeof(t->host), WSI_TOKEN_HOST) && ok;
	ok = copy_header(wsi, t->origin, sizeof(t->origin), WSI_TOKEN_ORIGIN) && ok;
	ok = copy_header(wsi, t->authorization, sizeof(t->authorization),
			 WSI_TOKEN_HTTP_AUTHORIZATION) &&
	     ok;
	/* lws keeps the arguments of the query as fragments of one header. */
	t->query[0] = '\0';
	for (int i = 0; (n = lws_hdr_copy_fragment(wsi, t->query + at + (i > 0),
						   (int)(sizeof(t->query) - at) - (i > 0),
						   WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0;
	     i++) {
		if (i > 0)
			t->query[at++] = '&';
		at += (size_t)n;
		if (sizeof(t->query) - at < 3)
			break;
	}
	ok = ok && (int)at >= lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS);
	t->peer[0] = '\0';
	lws_get_peer_simple(wsi, t->peer, sizeof(t->peer));
	t->view = (struct ws_handshake){.path = t->path,
					.query = t->query,
					.host = t->host,
					.origin = t->origin,
					.authorization = t->authorization,
					.peer = t->peer};
	return ok;
}

/* --- answers --------------------------------------------------------------------------------- */

static const char *phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} known[] = {
		{200, "OK"},
		{301, "Moved Permanently"},
		{302, "Found"},
		{307, "Temporary Redirect"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{410, "Gone"},
		{426, "Upgrade Required"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{503, "Service Unavailable"},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (known[i].status == status)
			return known[i].phrase;
	}
	return "Refused";
}

/* Headers that a status has to bring along. */
static const char *companions(int status)
{
	if (status == 401)
		return "WWW-Authenticate: Bearer\r\nConnection: close\r\n";
	if (status == 426)
		return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
		       "Connection: Upgrade, close\r\n";
	return "Connection: close\r\n";
}

/* Always -1: libwebsockets closes when it is told so, after the bytes have left. */
static int answer(struct lws *wsi, const struct ws_refusal *r)
{
	char bytes[LWS_PRE + 512 + sizeof(r->body)], retry[48] = "";
	int n;

	if (r->retry_after_s)
		snprintf(retry, sizeof(retry), "Retry-After: %lld\r\n",
			 (long long)r->retry_after_s);
	n = snprintf(bytes + LWS_PRE, sizeof(bytes) - LWS_PRE,
		     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		     "Cache-Control: no-store\r\n%s%s\r\n%s",
		     r->status, phrase(r->status),
		     r->content_type ? r->content_type : "application/json", strlen(r->body), retry,
		     companions(r->status), r->body);

	AGNI_ASSERT(n > 0 && (size_t)n < sizeof(bytes) - LWS_PRE);
	lws_write(wsi, (unsigned char *)bytes + LWS_PRE, (size_t)n, LWS_WRITE_HTTP_HEADERS);
	return -1;
}

static int refuse(struct lws *wsi, int status, const char *code, const char *message)
{
	struct ws_refusal r = {.status = status};

	snprintf(r.body, sizeof(r.body),
		 "{\"status\":\"error\",\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", code,
		 message);
	return answer(wsi, &r);
}

/* --- checks ---------------------------------------------------------------------------------- */

static bool is_twice(struct lws *wsi, enum lws_token_indexes token)
{
	char second[WS_FIELD_MAX];

	return lws_hdr_copy_fragment(wsi, second, sizeof(second), token, 1) >= 0 ||
	       lws_hdr_fragment_length(wsi, token, 1) > 0;
}

/* NULL, or what is wrong with the head of any request that we answer. */
static const char *head_fault(struct lws *wsi)
{
	static const enum lws_token_indexes singles[] = {
		WSI_TOKEN_HOST,    WSI_TOKEN_KEY,    WSI_TOKEN_VERSION,
		WSI_TOKEN_UPGRADE, WSI_TOKEN_ORIGIN, WSI_TOKEN_HTTP_AUTHORIZATION};
	char text[128];

	if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) == 0)
		return "a handshake is a GET request";
	if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP) < 0 ||
	    strcmp(text, "HTTP/1.1") != 0)
		return "a handshake is an HTTP/1.1 request";
	for (size_t i = 0; i < ARRAY_LEN(singles); i++) {
		if (is_twice(wsi, singles[i]))
			return "a header occurs twice";
	}
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HOST) == 0)
		return "Host is missing";
	return NULL;
}

/* NULL, or what is wrong with the head of a handshake. */
static const char *fault_of(struct lws *wsi)
{
	const char *fault = head_fault(wsi);
	char text[128];

	if (fault)
		return fault;
	if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_CONNECTION) <= 0 ||
	    !strcasestr(text, "upgrade"))
		return "Connection does not say Upgrade";
	if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_KEY) != KEY_LEN)
		return "Sec-WebSocket-Key is not 16 bytes in base64";
	return NULL;
}

static bool is_version_13(struct lws *wsi)
{
	char text[8];

	return lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_VERSION) == 2 &&
	       strcmp(text, "13") == 0;
}

/* We speak no subprotocol. libwebsockets drops a request that names only unknown ones, and there is
 * no option against it; RFC 6455 wants an answer without the header. So the protocol of our vhost
 * takes the first name that is asked for, and ws_server_callback empties it while lws writes its
 * answer. False when the name is longer than lws takes. */
static bool accept_subprotocol(struct ws_server *s, struct lws *wsi)
{
	char text[PROTOCOLS_MAX + 1];
	const char *first;
	size_t n;

	ws_server_reset_protocol(s);
	if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_PROTOCOL) <= 0)
		return true;
	first = text + strspn(text, " \t,");
	n = strcspn(first, " \t,");
	if (n >= sizeof(s->protocol))
		return false;
	if (n) {
		memcpy(s->protocol, first, n);
		s->protocol[n] = '\0';
	}
	return true;
}

int ws_handshake_judge(struct ws_server *s, struct lws *wsi, const char *upgrade)
{
	struct ws_handshake_text t;
	struct ws_refusal r = {.status = 403};
	const char *fault;

	if (strcasecmp(upgrade, "websocket") != 0)
		return ws_handshake_missing(s, wsi);
	if (!ws_handshake_read(wsi, &t) ||
	    lws_hdr_total_length(wsi, WSI_TOKEN_EXTENSIONS) > EXTENSIONS_MAX ||
	    lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > PROTOCOLS_MAX)
		return refuse(wsi, 431, "header_too_long", "a header is too long");
	fault = fault_of(wsi);
	if (fault)
		return refuse(wsi, 400, "bad_request", fault);
	if (!is_version_13(wsi))
		return refuse(wsi, 426, "upgrade_required", "only WebSocket version 13 is spoken");
	if (!accept_subprotocol(s, wsi))
		return refuse(wsi, 431, "header_too_long", "the name of a subprotocol is too long");
	if (s->is_closed || s->clients >= s->clients_max)
		return refuse(wsi, 503, "too_many_connections", "no more connections are taken");
	memset(s->room, 0, sizeof(s->room));
	s->room_of = wsi;
	t.view.room = s->room;
	if (s->cb.on_handshake && !s->cb.on_handshake(s->arg, &t.view, &r))
		return answer(wsi, &r);
	return 0;
}

int ws_handshake_missing(struct ws_server *s, struct lws *wsi)
{
	struct ws_handshake_text t;
	struct ws_refusal r = {.status = 403};

	if (s->cb.on_request && !s->is_closed && !head_fault(wsi) && ws_handshake_read(wsi, &t) &&
	    s->cb.on_request(s->arg, &t.view, &r))
		return answer(wsi, &r);
	return refuse(wsi, 426, "upgrade_required", "this port speaks WebSocket");
}

int ws_handshake_extension(struct lws *wsi)
{
	char text[EXTENSIONS_MAX + 1];

	if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_EXTENSIONS) <= 0)
		return 1;
	/* lws answers neither limit of the window, and takes server_no_context_takeover for the
	 * client's: it would forget the client's window after each message. */
	if (strstr(text, "server_max_window_bits"))
		return 1;
	return strstr(text, "server_no_context_takeover") &&
	       !strstr(text, "client_no_context_takeover");
}
