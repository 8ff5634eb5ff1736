/* SPDX-License-Identifier: MIT
 *
 * door: who is let in on stream.listen (the right path, the right host, no page of somebody else, and a
 * key), and what instruments those inside may have. What is particular to the broker's protocol is in
 * compat_door.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "auth/origin.h"
#include "core/url.h"
#include "http/target.h"
#include "stream/compat.h"
#include "stream/stream_internal.h"

static void refuse(struct ws_refusal *r, int status, const char *code, const char *text)
{
	r->status = status;
	snprintf(r->body, sizeof(r->body),
		 "{\"status\":\"error\",\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", code,
		 text);
}

/* "host:port" or "[v6]:port" or "host" names the loopback. */
static bool host_header_is_loopback(const char *header)
{
	char host[256];
	size_t n;

	if (header[0] == '[') {
		header++;
		n = strcspn(header, "]");
	} else {
		n = strcspn(header, ":");
	}
	if (n == 0 || n >= sizeof(host))
		return false;
	memcpy(host, header, n);
	host[n] = '\0';
	return host_is_loopback(host);
}

/* The port of "host:port", "[v6]:port"; else `fallback`. */
static int port_of(const char *authority, int fallback)
{
	const char *bracket = strrchr(authority, ']');
	const char *colon = strrchr(bracket ? bracket : authority, ':');

	return colon ? atoi(colon + 1) : fallback;
}

/* Our own page, under the name by which its visitor knows this machine: the Host of the handshake,
 * with the port of http.listen. Beyond loopback no right comes with an address, so a name that
 * somebody else made point here gives nothing. */
static bool is_own_page(const struct stream *s, const struct ws_handshake *h)
{
	const char *page = strstr(h->origin, "://") + 3;
	int usual = strncmp(h->origin, "https:", 6) == 0 ? 443 : 80;
	char a[HOST_MAX], b[HOST_MAX];

	return !s->is_loopback && port_of(page, usual) == port_of(s->http_origin, 0) &&
	       authority_parse(page, strlen(page), a) &&
	       authority_parse(h->host, strlen(h->host), b) && strcasecmp(a, b) == 0;
}

/* Absent (not a browser), same host and port, the page that http.listen serves, or listed. */
static bool origin_passes(const struct stream *s, const struct ws_handshake *h)
{
	const char *host = strstr(h->origin, "://");

	if (!h->origin[0])
		return true;
	if (!host)
		return false; /* "null": a sandboxed page or a file */
	host += 3;
	if (strcmp(host, h->host) == 0 || origin_is_listed(s->deps.cfg->origins, h->origin))
		return true;
	/* 127.0.0.1 and localhost name the same page there. */
	if (host_header_is_loopback(host) && host_header_is_loopback(s->http_origin)) {
		const char *a = strrchr(host, ':'), *b = strrchr(s->http_origin, ':');

		return a && b && strcmp(a, b) == 0;
	}
	return strcmp(host, s->http_origin) == 0 || is_own_page(s, h);
}

_Static_assert(sizeof(struct auth_caller) <= WS_ROOM_BYTES, "a handshake has room for a caller");

/* Who it is goes with the handshake to on_open. */
static bool key_passes(const struct stream *s, const struct ws_handshake *h, struct ws_refusal *r)
{
	struct auth_refusal why;

	if (!s->deps.auth ||
	    auth_handshake(s->deps.auth, h->authorization, h->query, h->peer, h->room, &why))
		return true;
	refuse(r, why.status, why.code, why.text);
	r->retry_after_s = why.retry_after_s;
	return false;
}

/* Of the right host, and no page of somebody else. */
static bool address_passes(const struct stream *s, const struct ws_handshake *h,
			   struct ws_refusal *r)
{
	if (s->is_loopback && !host_header_is_loopback(h->host))
		refuse(r, 403, "host_not_allowed", "on loopback the Host must name the loopback");
	else if (!origin_passes(s, h))
		refuse(r, 403, "origin_not_allowed", "this web origin is not in stream.origins");
	else
		return true;
	return false;
}

bool stream_handshake(void *arg, const struct ws_handshake *h, struct ws_refusal *r)
{
	struct stream *s = arg;

	if (s->is_stopping || s->is_draining)
		refuse(r, 503, "stopping", "the server is stopping");
	else if (strcmp(h->path, "/ws") != 0 && !compat_is_feed(h->path))
		refuse(r, 404, "not_found", "the WebSocket endpoint is /ws");
	else if (address_passes(s, h, r) &&
		 (compat_is_feed(h->path) ? compat_key_passes(s, h, r) : key_passes(s, h, r)))
		return true;
	s->refused++;
	return false;
}

bool stream_request(void *arg, const struct ws_handshake *h, struct ws_refusal *answer)
{
	struct stream *s = arg;

	return !s->is_stopping && (!address_passes(s, h, answer) || compat_answer(s, h, answer));
}

/* --- what those inside may have ------------------------------------------------------------------ */

/* What the feed and the watch list still need is not for clients to use up. */
inst_id stream_intern(const struct stream *s, const char *key, size_t len)
{
	struct instruments *t = &s->deps.book->instruments;
	inst_id id = instruments_find(t, key, len);

	return id != INST_NONE || t->count + INSTRUMENTS_RESERVE >= t->limit
		       ? id
		       : instruments_intern(t, key, len);
}

enum resolve_sight stream_sight(const struct stream *s, const struct scope *scope,
				const char *underlying)
{
	const struct stream_deps *d = &s->deps;

	return scope->n && d->sight ? d->sight(d->known_arg, scope, underlying) : SIGHT_ALL;
}

const char *stream_admit(const struct stream *s, const struct scope *scope, const char *key,
			 enum interest_mode mode, int had, uint32_t has_n, inst_id *out)
{
	const struct stream_deps *d = &s->deps;
	size_t len = strlen(key);

	if (!instrument_key_is_valid(key, len))
		return "invalid_instrument";
	if (!scope_permits(scope, key, len))
		return "not_permitted"; /* before it is said whether there is such a thing */
	if (!d->is_known(d->known_arg, key, len))
		return "unknown_instrument";
	if (had == WANT_NOTHING && has_n >= (uint32_t)d->cfg->max_subscriptions)
		return "over_limit";
	if (!interest_admits_move(d->interest, instruments_find(&d->book->instruments, key, len),
				  had, mode))
		return "over_broker_limit";
	*out = stream_intern(s, key, len);
	return *out == INST_NONE ? "over_limit" : NULL;
}
