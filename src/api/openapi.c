/* SPDX-License-Identifier: MIT
 *
 * openapi: GET /openapi.json: the routes as an OpenAPI 3.0 document, for tools that make clients and pages
 * out of it. Made from the route table itself; a test demands a line here for each route.
 *
 * What the members of an answer mean is told by the documents; here it is the envelope.
 */
#include "api/api_internal.h"
#include "upstox/answer.h"

#define QUERIES_MAX 6

struct query_doc {
	const char *name;
	const char *type; /* of JSON schema */
	const char *what;
};

struct route_doc {
	const char *method, *pattern, *summary;
	struct query_doc queries[QUERIES_MAX];
};

#define EXPIRY "current, next, monthly, or YYYY-MM-DD"
#define KEYS   "instrument keys, separated by commas"
#define BROKER "As the broker: "

static const struct route_doc docs[] = {
	{"GET", "/", "A page that shows ticks as they come", {{0}}},
	{"GET", "/page.json", "What that page needs to know", {{0}}},
	{"GET", "/openapi.json", "This document", {{0}}},
	{"GET", "/health", "What works, module by module", {{0}}},
	{"GET",
	 "/quotes",
	 "Latest state of all instruments, by pages, or of some",
	 {{"keys", "string", KEYS},
	  {"from", "integer", "\"next\" of the page before"},
	  {"limit", "integer", "1 to 1000 quotes a page, 500 by default"}}},
	{"GET", "/quotes/{key}", "Latest state of one instrument", {{0}}},
	{"GET",
	 "/bars/{key}",
	 "Open, high, low, close and volume of one instrument",
	 {{"interval", "string", "1s, 1m, 5m, 15m, 30m, 1h or 1d"},
	  {"from", "string", "first instant: Unix milliseconds, or 2026-11-20T09:15"},
	  {"to", "string", "last instant"},
	  {"limit", "integer", "most bars, the newest; 500 by default"}}},
	{"GET",
	 "/chain/{underlying}",
	 "Option chain with volatilities, Greeks and summary figures",
	 {{"expiry", "string", EXPIRY},
	  {"strikes", "string", "so many to each side of the money, 8 by default, or all"}}},
	{"GET",
	 "/futures/{underlying}",
	 "Near, next and far future: basis, carry, spreads, roll, build-up",
	 {{0}}},
	{"GET",
	 "/signals",
	 "Signals of the apps, the newest first",
	 {{"limit", "integer", "most signals"},
	  {"from", "string", "first instant: Unix milliseconds, or 2026-11-20T09:15"},
	  {"to", "string", "the instant behind the last"},
	  {"instrument", "string", "of this instrument key"},
	  {"app", "string", "simple, redis, options or futures"}}},
	{"GET",
	 "/why",
	 "Why an instrument does or does not tick, in one sentence",
	 {{"instrument", "string", "a key; a mistyped one is answered with what comes nearest"},
	  {"mode", "string", "ltpc, option_greeks or full"}}},
	{"GET",
	 "/instruments",
	 "Search of the instrument master",
	 {{"query", "string", "words of symbol, name, ISIN, token or key"},
	  {"type", "string", "CE, PE, FUT, EQ, INDEX"},
	  {"expiry", "string", EXPIRY},
	  {"underlying", "string", "symbol or key"},
	  {"limit", "integer", "most rows"}}},
	{"GET",
	 "/instruments/resolve",
	 "One instrument key from what a trader says",
	 {{"underlying", "string", "NIFTY"},
	  {"expiry", "string", EXPIRY},
	  {"strike", "string", "ATM, ATM+2, ATM-1, or a price in rupees"},
	  {"type", "string", "CE, PE or FUT"}}},
	{"POST", "/ws-ticket", "A one-use ticket for /ws, for browsers", {{0}}},
	{"GET", "/metrics", "Prometheus text", {{0}}},
	{"GET",
	 "/clients",
	 "Who is connected, with what, and how far behind",
	 {{"from", "integer", "\"next\" of the page before"},
	  {"limit", "integer", "clients a page"}}},
	{"GET", "/token/status", "The token's state, never the token", {{0}}},
	{"GET", "/token/validate", "Asks the broker about the token now", {{0}}},
	{"POST", "/token/update", "A new token, proved before it replaces anything", {{0}}},
	{"GET", "/accounts/{id}/token/status", "The same for a named account", {{0}}},
	{"GET", "/accounts/{id}/token/validate", "The same for a named account", {{0}}},
	{"POST", "/accounts/{id}/token/update", "The same for a named account", {{0}}},
	{"GET", "/token/login", "The way to the broker's login", {{0}}},
	{"GET",
	 "/token/callback",
	 "Where the broker's login comes back to",
	 {{"code", "string", "of the broker"}, {"state", "string", "of /token/login"}}},
	{"POST", "/token/notify/{path}", "Where the broker sends a token that was approved", {{0}}},
	{"GET", UPSTOX_AUTHORIZE_PATH, BROKER "a one-use address of the feed", {{0}}},
	{"GET", UPSTOX_FEED_PATH, BROKER "the feed, by a redirect", {{0}}},
	{"GET", "/v2/market-quote/ltp", BROKER "last prices", {{"instrument_key", "string", KEYS}}},
	{"GET", "/v3/market-quote/ltp", BROKER "last prices", {{"instrument_key", "string", KEYS}}},
	{"GET",
	 "/v2/market-quote/ohlc",
	 BROKER "open, high, low, close",
	 {{"instrument_key", "string", KEYS}, {"interval", "string", "1d, I1, I30"}}},
	{"GET",
	 "/v3/market-quote/ohlc",
	 BROKER "open, high, low, close",
	 {{"instrument_key", "string", KEYS}, {"interval", "string", "1d, I1, I30"}}},
	{"GET",
	 "/v3/market-quote/option-greek",
	 BROKER "Greeks",
	 {{"instrument_key", "string", KEYS}}},
	{"GET",
	 "/v2/market-quote/quotes",
	 BROKER "full quotes",
	 {{"instrument_key", "string", KEYS}}},
	{"GET",
	 "/v2/option/contract",
	 BROKER "option contracts of an underlying",
	 {{"instrument_key", "string", "of the underlying"},
	  {"expiry_date", "string", "YYYY-MM-DD"}}},
	{"GET",
	 "/v2/option/chain",
	 BROKER "calls and puts by strike",
	 {{"instrument_key", "string", "of the underlying"},
	  {"expiry_date", "string", "YYYY-MM-DD"}}},
	{"GET",
	 "/v3/historical-candle/intraday/{key}/{unit}/{interval}",
	 BROKER "candles of today: minutes (1 to 300), hours (1 to 5), days (1)",
	 {{0}}},
	{"GET", "/v2/market/status/{exchange}", BROKER "whether a market is open", {{0}}},
	{"GET", "/v2/market/holidays", BROKER "holidays of the year", {{0}}},
	{"GET", "/v2/market/holidays/{date}", BROKER "one day", {{0}}},
	{"GET", "/v2/market/timings/{date}", BROKER "hours of one day", {{0}}},
	{"GET", "/v2/user/profile", BROKER "a profile, invented", {{0}}},
	{"GET", "/v2/{path}", BROKER "404, there is no more", {{0}}},
	{"GET", "/v3/{path}", BROKER "404, there is no more", {{0}}},
};

static const struct route_doc *doc_of(const struct http_route *r)
{
	for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
		if (strcmp(docs[i].method, r->method) == 0 &&
		    strcmp(docs[i].pattern, r->pattern) == 0)
			return &docs[i];
	}
	return NULL;
}

static void put_text(struct buf *b, const char *text)
{
	buf_json_str(b, text, strlen(text));
}

static void put_parameter(struct buf *b, unsigned n, const char *where, const char *name,
			  size_t name_len, const char *type)
{
	buf_str(b, n ? ",{\"name\":" : "{\"name\":");
	buf_json_str(b, name, name_len);
	buf_printf(b, ",\"in\":\"%s\",\"required\":%s,\"schema\":{\"type\":\"%s\"}", where,
		   strcmp(where, "path") == 0 ? "true" : "false", type);
}

static void put_parameters(struct buf *b, const char *pattern, const struct route_doc *doc)
{
	unsigned n = 0;

	buf_str(b, "\"parameters\":[");
	for (const char *at = strchr(pattern, '{'); at; at = strchr(at + 1, '{')) {
		put_parameter(b, n++, "path", at + 1, strcspn(at + 1, "}"), "string");
		buf_byte(b, '}');
	}
	for (int i = 0; doc && i < QUERIES_MAX && doc->queries[i].name; i++) {
		const struct query_doc *q = &doc->queries[i];

		put_parameter(b, n++, "query", q->name, strlen(q->name), q->type);
		buf_str(b, ",\"description\":");
		put_text(b, q->what);
		buf_byte(b, '}');
	}
	buf_byte(b, ']');
}

static void put_operation(struct buf *b, const struct http_route *r)
{
	const struct route_doc *doc = doc_of(r);

	buf_str(b, strcmp(r->method, "POST") == 0 ? "\"post\":{\"summary\":"
						  : "\"get\":{\"summary\":");
	put_text(b, doc ? doc->summary : "");
	buf_str(b, ",\"x-least-role\":");
	put_text(b, role_text((enum auth_role)r->access));
	if (r->access == ROLE_ANYONE)
		buf_str(b, ",\"security\":[]");
	buf_byte(b, ',');
	put_parameters(b, r->pattern, doc);
	buf_str(b, ",\"responses\":{\"200\":{\"description\":\"success\"},"
		   "\"default\":{\"description\":\"error\"}}}");
}

/* Methods of one path stand together; of each path the first route puts all. */
static bool is_first_of_path(const struct api *a, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (strcmp(a->routes[k].pattern, a->routes[i].pattern) == 0)
			return false;
	}
	return true;
}

static void put_path(struct buf *b, const struct api *a, size_t first)
{
	unsigned n = 0;

	put_text(b, a->routes[first].pattern);
	buf_str(b, ":{");
	for (size_t i = first; i < a->routes_n; i++) {
		if (strcmp(a->routes[i].pattern, a->routes[first].pattern) != 0)
			continue;
		if (n++)
			buf_byte(b, ',');
		put_operation(b, &a->routes[i]);
	}
	buf_byte(b, '}');
}

void api_openapi(void *arg, struct http_request *r)
{
	const struct api *a = arg;
	struct buf b = {0};
	unsigned n = 0;

	buf_str(&b, "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"agnidata\",\"version\":");
	put_text(&b, a->deps.version ? a->deps.version : "");
	buf_str(&b, "},\"components\":{\"securitySchemes\":{\"key\":{\"type\":\"http\","
		    "\"scheme\":\"bearer\"}}},\"security\":[{\"key\":[]}],\"paths\":{");
	for (size_t i = 0; i < a->routes_n; i++) {
		if (!is_first_of_path(a, i))
			continue;
		if (n++)
			buf_byte(&b, ',');
		put_path(&b, a, i);
	}
	buf_str(&b, "}}");
	http_respond(r, 200, "application/json", NULL, b.data, b.len);
	buf_fini(&b);
}
