/* SPDX-License-Identifier: MIT
 *
 * exchange_http: what the exchange answers over HTTP: authorize, the redirect of the direct
 * connection, profile, the instrument file, holidays, and the door for faults; logins are in exchange_login.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/listing.h"
#include "sim/sim_internal.h"
#include "upstox/answer.h"

#define JSON_TYPE "application/json"
#define URI_MAX   512

void exchange_error(struct http_request *r, int status, const char *code, const char *text)
{
	struct buf body = {0};

	upstox_error_write(&body, code, text);
	http_respond(r, status, JSON_TYPE, NULL, body.data, body.len);
	buf_fini(&body);
}

/* True when the request carries the token; else it has been answered. */
static bool is_authorized(const struct sim *s, struct http_request *r)
{
	const char *given = http_request_header(r, "authorization");

	if (!s->is_unauthorized && given && strncmp(given, "Bearer ", 7) == 0 &&
	    strcmp(given + 7, s->token) == 0)
		return true;
	exchange_error(r, 401, "UDAPI100050", "Invalid token used to access API");
	return false;
}

static void handle_authorize(void *arg, struct http_request *r)
{
	struct sim *s = arg;
	char uri[URI_MAX];
	struct buf body = {0};

	if (!is_authorized(s, r))
		return;
	ticket_uri(s, uri, sizeof(uri));
	upstox_authorize_write(&body, uri);
	http_respond(r, 200, JSON_TYPE, NULL, body.data, body.len);
	buf_fini(&body);
}

static void handle_direct(void *arg, struct http_request *r)
{
	struct sim *s = arg;
	char uri[URI_MAX], location[URI_MAX + 16];

	if (!is_authorized(s, r))
		return;
	ticket_uri(s, uri, sizeof(uri));
	snprintf(location, sizeof(location), "Location: %s\r\n", uri);
	http_respond(r, (int)s->cfg->redirect_status, "text/plain", location, "", 0);
}

static void handle_profile(void *arg, struct http_request *r)
{
	static const char body[] =
		"{\"status\":\"success\",\"data\":{\"email\":\"sim@example.com\",\"exchanges\":["
		"\"NSE\",\"NFO\",\"BSE\",\"CDS\",\"BFO\",\"BCD\"],\"products\":[\"D\",\"CO\","
		"\"I\"],\"broker\":\"UPSTOX\",\"user_id\":\"SIM001\",\"user_name\":"
		"\"Simulated User\",\"order_types\":[\"MARKET\",\"LIMIT\",\"SL\",\"SL-M\"],"
		"\"user_type\":\"individual\",\"poa\":false,\"ddpi\":false,\"is_active\":true}}";

	if (is_authorized(arg, r))
		http_respond(r, 200, JSON_TYPE, NULL, body, sizeof(body) - 1);
}

static void handle_master(void *arg, struct http_request *r)
{
	struct buf text = {0};

	player_listing(arg, &text);
	http_respond(r, 200, JSON_TYPE, NULL, text.data, text.len);
	buf_fini(&text);
}

static void handle_master_gz(void *arg, struct http_request *r)
{
	struct buf text = {0}, packed = {0};

	player_listing(arg, &text);
	if (listing_gzip(&packed, text.data, text.len))
		http_respond(r, 200, "application/gzip", NULL, packed.data, packed.len);
	else
		exchange_error(r, 500, "UDAPI100500", "Internal server error");
	buf_fini(&packed);
	buf_fini(&text);
}

static void handle_holidays(void *arg, struct http_request *r)
{
	struct sim *s = arg;
	struct buf body = {0};
	int year, month, day;

	day_to_civil(ist_day(clock_market_ms(s->loop->clock)), &year, &month, &day);
	listing_write_holidays(&body, year);
	http_respond(r, 200, JSON_TYPE, NULL, body.data, body.len);
	buf_fini(&body);
}

static void handle_fault(void *arg, struct http_request *r)
{
	static const char *const numbers[] = {"n", "ms", "count", "code"};
	static const char ok[] = "{\"status\":\"success\",\"data\":true}";
	char kind[32], number[16], text[64];
	struct fault f;

	if (!http_request_query(r, "kind", kind, sizeof(kind)))
		kind[0] = '\0';
	snprintf(text, sizeof(text), "%s", kind);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (http_request_query(r, numbers[i], number, sizeof(number)))
			snprintf(text, sizeof(text), "%s:%s", kind, number);
	}
	if (!fault_parse(text, strlen(text), &f)) {
		exchange_error(r, 400, "UDAPI100036", "Unknown fault or bad number");
		return;
	}
	fault_apply_all(arg, &f);
	http_respond(r, 200, JSON_TYPE, NULL, ok, sizeof(ok) - 1);
}

static void handle_unknown(void *arg, struct http_request *r)
{
	(void)arg;
	exchange_error(r, 404, "UDAPI100060", "Resource not Found.");
}

struct http_route *exchange_routes(struct sim *s)
{
	const struct http_route table[] = {
		{"GET", UPSTOX_AUTHORIZE_PATH, handle_authorize, s, 0},
		{"GET", UPSTOX_FEED_PATH, handle_direct, s, 0},
		{"GET", "/v2/user/profile", handle_profile, s, 0},
		{"GET", "/accounts/{id}/token", login_token, s, 0},
		{"GET", "/v2/login/authorization/dialog", login_dialog, s, 0},
		{"POST", "/v2/login/authorization/token", login_exchange, s, 0},
		{"GET", "/market-quote/instruments/exchange/NSE.json", handle_master, s, 0},
		{"GET", "/market-quote/instruments/exchange/NSE.json.gz", handle_master_gz, s, 0},
		{"GET", "/v2/market/holidays", handle_holidays, s, 0},
		{"POST", "/sim/fault", handle_fault, s, 0},
		{"GET", "/{path}", handle_unknown, s, 0},
		{"POST", "/{path}", handle_unknown, s, 0},
		{0},
	};
	struct http_route *routes = mem_alloc(sizeof(table));

	memcpy(routes, table, sizeof(table));
	return routes;
}
