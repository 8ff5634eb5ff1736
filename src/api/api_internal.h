/* SPDX-License-Identifier: MIT
 *
 * api_internal: what the files of the REST routes share.
 */
#ifndef AGNI_API_INTERNAL_H
#define AGNI_API_INTERNAL_H

#include "api/api.h"

#define ROUTES_MAX 64

struct api {
	struct module mod;
	struct api_deps deps;
	struct http_server *server;
	struct http_route routes[ROUTES_MAX + 1];
	size_t routes_n;
	mono_ns started;
	int64_t started_ms; /* wall */
	uv_timer_t status_timer;
	struct buf status; /* reused */
	uint64_t quotes, health_checks;
};

/* Room for a list of keys in a query, decoded: 500 of them and more. One that fills it is refused, as
 * what was cut would name another instrument. */
#define API_KEYS_BYTES 16384

/* Answers with the envelope's success form around `data`, a JSON text; data is consumed. */
void api_respond(struct http_request *r, int status, struct buf *data);

/* Whether the caller has at least this role. True for everybody where there is no access control at
 * all (a test without a struct auth). */
bool api_caller_is(const struct api *a, const struct http_request *r, enum auth_role least);

/* The id of the instrument that {key} of the path names, INST_NONE when it has none. False: it is no
 * key, or not one that the caller may see; that is answered then. */
bool api_path_instrument(struct api *a, struct http_request *r, inst_id *id);

/* 404: nothing is known of {key} yet, or there is no such instrument. */
void api_respond_nothing(struct api *a, struct http_request *r, inst_id id);

/* The instrument master, or NULL and the request is answered. */
const struct master *api_master(struct api *a, struct http_request *r);

/* What the caller may see of an underlying, by name; all of it without a scope. */
enum resolve_sight api_sight(const struct api *a, const struct http_request *r,
			     const char *underlying);

/* 403 not_permitted, in the words that tell nothing. */
void api_respond_outside(struct http_request *r);

/* Whether what a name does not mean is not for the caller to hear: names, dates and strikes of what lies outside
 * of its scope, or that there are none. */
bool api_is_miss_hidden(const struct api *a, const struct http_request *r, const char *underlying,
			const struct resolve_miss *miss);

/* Nothing was found: why, and what comes nearest; 403 when that is not for the caller to hear. */
void api_respond_miss(const struct api *a, struct http_request *r, int status,
		      const char *underlying, const struct resolve_miss *miss);

/* A number of the query, or `*out` as it was; clamped to lo..hi. False when it is none: a page that
 * was asked for by mistake must not look like an answer. */
bool api_query_number(const struct http_request *r, const char *name, uint32_t lo, uint32_t hi,
		      uint32_t *out);

/* An instant of the query (Unix ms, or 2026-11-20T09:15 IST), or `*out` as it was. False when it is
 * none. */
bool api_query_instant(const struct http_request *r, const char *name, int64_t *out);

/* What the caller may see. */
const struct scope *api_scope(const struct api *a, const struct http_request *r);

/* What is known of the state of the whole. */
struct health_look {
	enum health health; /* of the service, not of its worst module */
	const char *code;   /* why it is DOWN; "" */
	struct buf why;     /* "" when all is well */
	struct buf modules; /* ,"modules":{...} */
};

/* health.c */
void health_look(const struct api *a, struct health_look *look);
void health_look_fini(struct health_look *look);
void health_put_market(const struct api *a, const struct upstream_status *up, struct buf *b);
void api_put_string(struct buf *b, const char *name, const char *value); /* ,"name":"value" */

/* metrics_route.c: resident memory of this process. */
uint64_t api_rss_bytes(void);

/* status.c: the state of the whole as a document in Redis, each 2 s. */
void status_start(struct api *a);
void status_stop(struct api *a, uv_close_cb done);

/* Appends it: one JSON object (docs/redis.md). */
void status_put(const struct api *a, struct buf *out);

/* health.c, quotes.c, bars_route.c, chain_route.c, futures_route.c, metrics_route.c, ticket.c, clients.c: handlers, `arg` is the struct
 * api. */
http_handler api_health, api_quotes, api_quote, api_bars, api_chain, api_futures, api_signals,
	api_metrics, api_ticket, api_clients;

/* why.c */
http_handler api_why;

/* instruments.c */
http_handler api_instruments, api_resolve;

/* Answers a refusal of the door in the broker's shape. */
void api_refuse_as_broker(struct http_request *r, const struct auth_refusal *why);

/* An error in the broker's shape, with the broker's code. */
void api_broker_error(struct http_request *r, int status, const char *code, const char *text);

/* feed_routes.c */
http_handler api_feed_authorize, api_feed_redirect;

/* broker_quotes.c, broker_market.c: the broker's REST API, as far as it is market data. */
http_handler api_broker_ltp_v2, api_broker_ltp, api_broker_ohlc_v2, api_broker_ohlc,
	api_broker_greeks, api_broker_quotes, api_broker_status, api_broker_holidays,
	api_broker_holiday, api_broker_timings, api_broker_profile, api_broker_unknown;

/* broker_candles.c */
http_handler api_broker_intraday;

/* The newest candle of today that is over and whole, of 1 to 300 minutes, from the exchange's own
 * minutes; false: there is none. Its interval is "I1", "I30", ... */
bool api_last_candle(const struct api *a, inst_id id, int minutes, struct bar *out);

/* broker_options.c */
http_handler api_broker_option_contracts, api_broker_option_chain;

/* openapi.c */
http_handler api_openapi;

/* token_routes.c */
http_handler api_token_status, api_token_validate, api_token_update, api_token_login,
	api_token_callback, api_token_notify;

#endif
