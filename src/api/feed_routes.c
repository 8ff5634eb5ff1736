/* SPDX-License-Identifier: MIT
 *
 * feed_routes: what a program for the broker's API asks http.listen for on its way to the feed:
 *
 *      GET /v3/feed/market-data-feed/authorize   the one-use URI in the broker's envelope
 *      GET /v3/feed/market-data-feed             302 to such a URI, with an upgrade or without
 *
 * Refusals have the broker's shape here: an SDK reads errors[0].errorCode.
 */
#include "api/api_internal.h"
#include "upstox/answer.h"

void api_refuse_as_broker(struct http_request *r, const struct auth_refusal *why)
{
	struct buf body = {0};

	upstox_error_write(&body, upstox_code_of(why->status), why->text);
	auth_respond_with(r, why, body.data, body.len);
	buf_fini(&body);
}

void api_broker_error(struct http_request *r, int status, const char *code, const char *text)
{
	struct buf body = {0};

	upstox_error_write(&body, code, text);
	http_respond(r, status, "application/json", NULL, body.data, body.len);
	buf_fini(&body);
}

/* The URI, NUL-terminated; false when the request has been answered. */
static bool make_uri(const struct api *a, struct http_request *r, struct buf *uri)
{
	struct auth_refusal why;

	if (feed_uri_write(uri, a->deps.auth, r->caller, a->deps.feed_door,
			   http_request_header(r, "host"), &why)) {
		buf_cstr(uri);
		return true;
	}
	api_refuse_as_broker(r, &why);
	return false;
}

/* The code in it is a credential until it is used. */
static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
	buf_fini(b);
}

void api_feed_authorize(void *arg, struct http_request *r)
{
	struct buf uri = {0}, body = {0};

	if (make_uri(arg, r, &uri)) {
		upstox_authorize_write(&body, uri.data);
		http_respond(r, 200, "application/json", NULL, body.data, body.len);
	}
	wipe(&uri);
	wipe(&body);
}

void api_feed_redirect(void *arg, struct http_request *r)
{
	struct buf uri = {0}, location = {0};

	if (make_uri(arg, r, &uri)) {
		buf_printf(&location, "Location: %s\r\n", uri.data);
		http_respond(r, 302, "text/plain", buf_cstr(&location), "", 0);
	}
	wipe(&uri);
	wipe(&location);
}
