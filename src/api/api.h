/* SPDX-License-Identifier: MIT
 *
 * api: all REST routes, on http.listen.
 *
 *      GET /health          what works, module by module, each with one line
 *      GET /quotes          latest state of what has ticked: ?keys=a,b, or pages of ?limit=500 (at
 *                           most 1000); "next" is the ?from= of the following page, or null
 *      GET /quotes/{key}    latest state of one
 *      GET /bars/{key}      bars of one: ?interval=1m, ?from= and ?to= (instants), ?limit=500
 *      GET /chain/{underlying}, /futures/{underlying}  analytics: docs/analytics.md
 *      GET /instruments     search of the instrument master: ?query=&type=&expiry=&underlying=&limit=
 *      GET /instruments/resolve  ?underlying=NIFTY&expiry=current&strike=ATM+1&type=CE to one key
 *      GET /why             why an instrument does (not) tick: ?instrument=KEY; why.h
 *      GET /metrics         Prometheus text
 *      GET /openapi.json    all of this for tools that make clients of it
 *      GET /clients         who is connected to /ws, with what, and how far behind; by pages
 *      ... /token/...       the token service: token_routes.c
 *      POST /ws-ticket      a one-use ticket for /ws, for who cannot send a header there
 *      GET /v3/feed/...     the way to the feed in the broker's protocol: feed_routes.c
 *      GET /v2/..., /v3/... the broker's REST API, as far as it is market data: broker_quotes.c,
 *                           broker_options.c, broker_candles.c, broker_market.c
 *      GET /                a page that shows ticks as they come
 *
 * Each with the least role that may ask: docs/security.md has the table. A caller without the role
 * operator gets the short form of /health.
 *
 * JSON: {"status":"success","data":...} or {"status":"error","error":{"code":...,"message":...}};
 * under /v2 and /v3 the broker's own.
 */
#ifndef AGNI_API_API_H
#define AGNI_API_API_H

#include "api/feed_uri.h"
#include "auth/auth.h"
#include "core/config.h"
#include "core/listen.h"
#include "core/module.h"
#include "http/server.h"
#include "market/bars.h"
#include "market/interest.h"
#include "market/upstream.h"
#include "options/session_oi.h"
#include "options/futures_config.h"
#include "refdata/refdata.h"
#include "store/store.h"
#include "signals/signals.h"
#include "tape/tape.h"
#include "token/token.h"

struct api;

struct api_config {
	char *listen;
	char *tls_cert, *tls_key;
	int64_t header_timeout_ms;
	int64_t body_timeout_ms;
	int64_t idle_timeout_ms;
	int64_t head_max_bytes;
	int64_t target_max_bytes;
	int64_t headers_max;
	int64_t body_max_bytes;
	int64_t max_connections;
	int64_t grace_s;
};

extern const struct config_key api_config_keys[];

struct api_deps {
	struct loop *loop;
	struct book *book;
	struct tape *tape;
	const struct bars *bars;
	const struct interest *interest; /* NULL: nobody asks for anything */
	struct token *token;
	const struct token_config *token_cfg;
	struct refdata *refdata;
	const struct session_oi *session_oi; /* of the previous session; NULL: not known */
	struct auth *auth;                   /* NULL: all may do everything */
	const struct listen_guard *guard;    /* NULL: loopback only */
	const struct feed_door *feed_door;   /* read while running */
	const struct api_config *cfg;
	const struct futures_config *futures;
	const struct signals *signals;        /* NULL: there are none */
	const char *source;                   /* "sim", "upstox" */
	const char *version;                  /* "0.1.0" */
	const struct upstream_view *upstream; /* read while running */
	/* Appends the objects of at most `limit` clients from number `from` on, with commas between;
	 * returns the number of the next one, 0: none. NULL: nobody can be connected. */
	uint32_t (*put_clients)(const void *arg, struct buf *out, uint32_t from, uint32_t limit);
	/* Whether a recording that is played has come to its end. NULL: none is. */
	bool (*has_ended)(const void *arg);
	uint64_t (*count_clients)(const void *arg); /* or NULL */
	const void *clients_arg;                    /* of the three above */
	struct store *store;                        /* where the status is told; or NULL */
	struct module *const *modules; /* all of them, in table order; read while running */
	size_t modules_n;
	/* Extra routes of modules to the right (the page); may be NULL, ends with method NULL. */
	const struct http_route *more;
};

struct api *api_create(const struct api_deps *deps);
void api_destroy(struct api *a);
struct module *api_module(struct api *a);
int api_port(const struct api *a);

/* Reads certificate and key again (SIGHUP); what is not usable is logged, and the old ones stay. */
void api_reload(struct api *a);

#endif
