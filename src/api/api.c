/* SPDX-License-Identifier: MIT
 *
 * api: the route table, the server under it, and the module; see api.h.
 */
#include "api/api.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/api_internal.h"
#include "core/ist.h"
#include "core/log.h"
#include "upstox/answer.h"

#define INTRADAY_PATH "/v3/historical-candle/intraday/{key}/{unit}/{interval}"

const struct config_key api_config_keys[] = {
	CONFIG_STR(struct api_config, listen, "127.0.0.1:8000", "", "address of the REST server"),
	CONFIG_STR(struct api_config, tls_cert, "", "",
		   "PEM file with its certificate and what signs it; empty = plain http; SIGHUP "
		   "reads the file again"),
	CONFIG_STR(struct api_config, tls_key, "", "", "PEM file with the key, RSA or ECDSA"),
	CONFIG_INT(struct api_config, header_timeout_ms, 10000, 100, 600000, "ms",
		   "total time for a request's head; then 408"),
	CONFIG_INT(struct api_config, body_timeout_ms, 10000, 100, 600000, "ms",
		   "total time for a request's body; then 408"),
	CONFIG_INT(struct api_config, idle_timeout_ms, 60000, 100, 3600000, "ms",
		   "a kept connection without a request is closed after it"),
	CONFIG_INT(struct api_config, head_max_bytes, 16384, 1024, 1048576, "bytes",
		   "largest request head; more is 431"),
	CONFIG_INT(struct api_config, target_max_bytes, 14336, 256, 65536, "bytes",
		   "longest path and query; more is 414"),
	CONFIG_INT(struct api_config, headers_max, 100, 8, 1000, "",
		   "most header lines; more is 431"),
	CONFIG_INT(struct api_config, body_max_bytes, 65536, 0, 16777216, "bytes",
		   "largest request body; more is 413"),
	CONFIG_INT(struct api_config, max_connections, 1000, 1, 100000, "",
		   "most connections at once; more are answered 503"),
	CONFIG_INT(struct api_config, grace_s, 30, 0, 3600, "s",
		   "after a start /health stays 200 so long without any state"),
	{0},
};

void api_respond(struct http_request *r, int status, struct buf *data)
{
	struct buf out = {0};

	buf_str(&out, "{\"status\":\"success\",\"data\":");
	buf_append(&out, data->data, data->len);
	buf_byte(&out, '}');
	http_respond(r, status, "application/json", NULL, out.data, out.len);
	buf_fini(&out);
	buf_fini(data);
}

bool api_caller_is(const struct api *a, const struct http_request *r, enum auth_role least)
{
	const struct auth_caller *c = r->caller;

	return !a->deps.auth || c->role >= least;
}

bool api_query_number(const struct http_request *r, const char *name, uint32_t lo, uint32_t hi,
		      uint32_t *out)
{
	char text[16], *end;
	unsigned long v;

	if (!http_request_query(r, name, text, sizeof(text)))
		return true;
	v = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end)
		return false;
	*out = v < lo ? lo : v > hi ? hi : (uint32_t)v;
	return true;
}

bool api_query_instant(const struct http_request *r, const char *name, int64_t *out)
{
	char text[40], *end;

	if (!http_request_query(r, name, text, sizeof(text)))
		return true;
	if (ist_parse(text, strlen(text), out))
		return true;
	*out = strtoll(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

const struct scope *api_scope(const struct api *a, const struct http_request *r)
{
	static const struct scope all = {0};

	return a->deps.auth ? auth_scope(a->deps.auth, r->caller) : &all;
}

static void add_route(struct api *a, enum auth_role least, const char *method, const char *pattern,
		      http_handler *handle, void *arg)
{
	AGNI_ASSERT(a->routes_n < ROUTES_MAX);
	a->routes[a->routes_n++] = (struct http_route){method, pattern, handle, arg, (int)least};
}

static void add_token_routes(struct api *a)
{
	add_route(a, ROLE_OPERATOR, "GET", "/token/status", api_token_status, a);
	add_route(a, ROLE_ADMIN, "GET", "/token/validate", api_token_validate, a);
	add_route(a, ROLE_ADMIN, "POST", "/token/update", api_token_update, a);
	add_route(a, ROLE_OPERATOR, "GET", "/accounts/{id}/token/status", api_token_status, a);
	add_route(a, ROLE_ADMIN, "GET", "/accounts/{id}/token/validate", api_token_validate, a);
	add_route(a, ROLE_ADMIN, "POST", "/accounts/{id}/token/update", api_token_update, a);
	add_route(a, ROLE_ADMIN, "GET", "/token/login", api_token_login, a);
	add_route(a, ROLE_ANYONE, "GET", "/token/callback", api_token_callback, a);
	add_route(a, ROLE_ANYONE, "POST", "/token/notify/{path}", api_token_notify, a);
}

static void add_broker_routes(struct api *a)
{
	add_route(a, ROLE_VIEWER, "GET", UPSTOX_AUTHORIZE_PATH, api_feed_authorize, a);
	add_route(a, ROLE_VIEWER, "GET", UPSTOX_FEED_PATH, api_feed_redirect, a);
	add_route(a, ROLE_VIEWER, "GET", "/v2/market-quote/ltp", api_broker_ltp_v2, a);
	add_route(a, ROLE_VIEWER, "GET", "/v3/market-quote/ltp", api_broker_ltp, a);
	add_route(a, ROLE_VIEWER, "GET", "/v2/market-quote/ohlc", api_broker_ohlc_v2, a);
	add_route(a, ROLE_VIEWER, "GET", "/v3/market-quote/ohlc", api_broker_ohlc, a);
	add_route(a, ROLE_VIEWER, "GET", "/v3/market-quote/option-greek", api_broker_greeks, a);
	add_route(a, ROLE_VIEWER, "GET", "/v2/market-quote/quotes", api_broker_quotes, a);
	add_route(a, ROLE_VIEWER, "GET", "/v2/option/contract", api_broker_option_contracts, a);
	add_route(a, ROLE_VIEWER, "GET", "/v2/option/chain", api_broker_option_chain, a);
	add_route(a, ROLE_VIEWER, "GET", INTRADAY_PATH, api_broker_intraday, a);
	add_route(a, ROLE_VIEWER, "GET", "/v2/market/status/{exchange}", api_broker_status, a);
	add_route(a, ROLE_ANYONE, "GET", "/v2/market/holidays", api_broker_holidays, a);
	add_route(a, ROLE_ANYONE, "GET", "/v2/market/holidays/{date}", api_broker_holiday, a);
	add_route(a, ROLE_ANYONE, "GET", "/v2/market/timings/{date}", api_broker_timings, a);
	add_route(a, ROLE_VIEWER, "GET", "/v2/user/profile", api_broker_profile, a);
	add_route(a, ROLE_ANYONE, "GET", "/v2/{path}", api_broker_unknown, a);
	add_route(a, ROLE_ANYONE, "GET", "/v3/{path}", api_broker_unknown, a);
}

struct api *api_create(const struct api_deps *deps)
{
	struct api *a = mem_zalloc(sizeof(*a));

	a->deps = *deps;
	add_route(a, ROLE_ANYONE, "GET", "/health", api_health, a);
	add_route(a, ROLE_VIEWER, "GET", "/quotes", api_quotes, a);
	add_route(a, ROLE_VIEWER, "GET", "/quotes/{key}", api_quote, a);
	add_route(a, ROLE_VIEWER, "GET", "/bars/{key}", api_bars, a);
	add_route(a, ROLE_VIEWER, "GET", "/chain/{underlying}", api_chain, a);
	add_route(a, ROLE_VIEWER, "GET", "/futures/{underlying}", api_futures, a);
	add_route(a, ROLE_VIEWER, "GET", "/why", api_why, a);
	add_route(a, ROLE_VIEWER, "GET", "/signals", api_signals, a);
	add_route(a, ROLE_VIEWER, "GET", "/instruments", api_instruments, a);
	add_route(a, ROLE_VIEWER, "GET", "/instruments/resolve", api_resolve, a);
	add_route(a, ROLE_VIEWER, "POST", "/ws-ticket", api_ticket, a);
	add_route(a, ROLE_OPERATOR, "GET", "/metrics", api_metrics, a);
	add_route(a, ROLE_ADMIN, "GET", "/clients", api_clients, a);
	add_token_routes(a);
	add_broker_routes(a);
	add_route(a, ROLE_ANYONE, "GET", "/openapi.json", api_openapi, a);
	for (const struct http_route *r = deps->more; r && r->method; r++)
		add_route(a, (enum auth_role)r->access, r->method, r->pattern, r->handle, r->arg);
	return a;
}

void api_destroy(struct api *a)
{
	buf_fini(&a->status);
	free(a);
}

static struct http_limits limits(const struct api_config *cfg)
{
	return (struct http_limits){
		.header_timeout_ms = cfg->header_timeout_ms,
		.body_timeout_ms = cfg->body_timeout_ms,
		.idle_timeout_ms = cfg->idle_timeout_ms,
		.head_max_bytes = cfg->head_max_bytes,
		.target_max_bytes = cfg->target_max_bytes,
		.headers_max = cfg->headers_max,
		.body_max_bytes = cfg->body_max_bytes,
		.connections_max = cfg->max_connections,
	};
}

/* Each route is refused in the words of those who use it. */
static bool admit(void *arg, const struct http_route *route, struct http_request *r)
{
	struct api *a = arg;
	struct auth_refusal why;

	if (strncmp(route->pattern, "/v2/", 4) != 0 && strncmp(route->pattern, "/v3/", 4) != 0)
		return auth_admit(a->deps.auth, route, r);
	if (auth_judge(a->deps.auth, route, r, &why))
		return true;
	api_refuse_as_broker(r, &why);
	return false;
}

static int api_start(struct module *m, struct agni_err *err)
{
	struct api *a = container_of(m, struct api, mod);
	struct http_server_config sc = {.loop = a->deps.loop,
					.limits = limits(a->deps.cfg),
					.routes = a->routes,
					.routes_n = a->routes_n,
					.tls_cert = a->deps.cfg->tls_cert,
					.tls_key = a->deps.cfg->tls_key,
					.admit = a->deps.auth ? admit : NULL,
					.admit_arg = a,
					.json_only = true};
	char host[64];

	if (listen_parse("http.listen", a->deps.cfg->listen, a->deps.guard, host, &sc.port, err) <
	    0)
		return err->code;
	sc.host = host;
	a->started = clock_mono(a->deps.loop->clock);
	a->started_ms = clock_wall_ms(a->deps.loop->clock);
	if (http_server_create(&sc, &a->server, err) < 0)
		return err->code;
	status_start(a);
	return 0;
}

static int api_listen(struct module *m, struct agni_err *err)
{
	return http_server_listen(container_of(m, struct api, mod)->server, err);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct api *a = container_of((uv_timer_t *)handle, struct api, status_timer);

	a->mod.done(&a->mod);
}

static void on_stopped(void *arg)
{
	struct api *a = arg;

	a->server = NULL;
	status_stop(a, on_timer_closed);
}

static void api_stop(struct module *m, module_stopped_fn *done)
{
	struct api *a = container_of(m, struct api, mod);

	m->done = done;
	http_server_stop(a->server, clock_mono(a->deps.loop->clock) + 300 * NS_PER_MS, on_stopped,
			 a);
}

static enum health api_module_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct api *a = container_of(m, struct api, mod);

	snprintf(why, HEALTH_WHY_MAX, "%llu connections",
		 (unsigned long long)http_server_stats(a->server)->connections);
	return HEALTH_UP;
}

static const struct metric api_metric_table[] = {
	{"quotes_total", "Quotes answered over REST", METRIC_COUNTER, offsetof(struct api, quotes)},
	{"health_checks_total", "Times /health was asked", METRIC_COUNTER,
	 offsetof(struct api, health_checks)},
	{0},
};

static const struct module_ops api_ops = {
	.name = "api",
	.start = api_start,
	.listen = api_listen,
	.stop = api_stop,
	.health = api_module_health,
	.metrics = api_metric_table,
	.mod_offset = offsetof(struct api, mod),
};

struct module *api_module(struct api *a)
{
	a->mod.ops = &api_ops;
	return &a->mod;
}

void api_reload(struct api *a)
{
	const struct api_config *cfg = a->deps.cfg;
	struct agni_err err;

	if (!cfg->tls_cert[0])
		return;
	if (http_server_reload_tls(a->server, cfg->tls_cert, cfg->tls_key, &err) < 0)
		log_error("api", "the certificate stays as it was: %s", err.text);
	else
		log_info("api", "certificate read from %s", cfg->tls_cert);
}

int api_port(const struct api *a)
{
	return http_server_port(a->server);
}
