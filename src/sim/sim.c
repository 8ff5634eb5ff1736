/* SPDX-License-Identifier: MIT
 *
 * sim: the module of the simulated exchange: its keys, its start, and its end.
 *
 * start() opens in this order and undoes in reverse: the source (a bad tape fails first), the feed
 * listener, the HTTP listener. stop() closes every feed session with 1001, cuts those that have not
 * answered after STOP_GRACE_MS, and is over when the last handle has closed.
 */
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "sim/sim_internal.h"

#define STOP_GRACE_MS 300

const struct config_key sim_config_keys[] = {
	CONFIG_STR(struct sim_config, listen, "127.0.0.1:0", "",
		   "address of the simulated exchange; port 0: any free one"),
	CONFIG_ENUM(struct sim_config, source, "model", "model|tape",
		    "a synthetic market, or a recording"),
	CONFIG_STR(
		struct sim_config, tape, "", "",
		"recording to play: .pbs, .pbs.gz, a folder of a tape of ours or one of its files"),
	CONFIG_STR(struct sim_config, speed, "1", "",
		   "times real time, or max; at max nothing is skipped for a slow reader"),
	CONFIG_INT(struct sim_config, seed, 1, 0, INT64_MAX, "", "of the synthetic market"),
	{.name = "token",
	 .type = CONFIG_TYPE_STR,
	 .offset = offsetof(struct sim_config, token),
	 .fallback = "",
	 .unit = "",
	 .help = "access token that is accepted; empty: made at random at start",
	 .flags = CONFIG_SECRET},
	CONFIG_STR(struct sim_config, start, "auto", "",
		   "market time of the model, YYYY-MM-DDTHH:MM:SS; auto: now, or the last session"),
	CONFIG_INT(struct sim_config, start_delay_ms, 0, 0, 86400000, "ms",
		   "from the first subscription to the first message of a tape"),
	CONFIG_INT(struct sim_config, redirect_status, 302, 301, 308, "",
		   "answer of the direct feed path: 301, 302, 303, 307 or 308"),
	CONFIG_INT(struct sim_config, ping_s, 10, 0, 3600, "s",
		   "silence before the feed sends a ping; 0: none"),
	CONFIG_INT(struct sim_config, snapshot_split, 0, 0, 100000, "keys",
		   "most keys in one snapshot message; 0: all"),
	CONFIG_STR(struct sim_config, fault, "", "",
		   "comma list of faults for each feed session, such as drop:2000"),
	CONFIG_INT(struct sim_config, connections_max, 2, 1, 1000, "",
		   "feed connections; then 403"),
	CONFIG_INT(struct sim_config, ltpc_max, 5000, 0, 1000000, "keys",
		   "per connection in mode ltpc alone"),
	CONFIG_INT(struct sim_config, ltpc_mixed_max, 2000, 0, 1000000, "keys",
		   "the same beside other modes"),
	CONFIG_INT(struct sim_config, option_greeks_max, 3000, 0, 1000000, "keys",
		   "per connection in mode option_greeks alone"),
	CONFIG_INT(struct sim_config, option_greeks_mixed_max, 2000, 0, 1000000, "keys",
		   "the same beside other modes"),
	CONFIG_INT(struct sim_config, full_max, 2000, 0, 1000000, "keys",
		   "per connection in mode full alone"),
	CONFIG_INT(struct sim_config, full_mixed_max, 1500, 0, 1000000, "keys",
		   "the same beside other modes"),
	CONFIG_INT(struct sim_config, full_d30_max, 50, 0, 1000000, "keys",
		   "per connection in mode full_d30 alone"),
	CONFIG_INT(struct sim_config, full_d30_mixed_max, 1500, 0, 1000000, "keys",
		   "the same beside other modes"),
	CONFIG_BOOL(struct sim_config, plus, "off", "Upstox Plus: full_d30 does something"),
	{0}};

int sim_config_check(const struct sim_config *cfg, struct agni_err *err)
{
	char host[64];
	double speed;
	int port, status = (int)cfg->redirect_status;
	int64_t ms;

	if (!config_parse_listen(cfg->listen, host, &port))
		return agni_fail(err, AGNI_ECONFIG, "sim.listen: \"%s\" is no host:port",
				 cfg->listen);
	if (!player_parse_speed(cfg->speed, &speed))
		return agni_fail(err, AGNI_ECONFIG, "sim.speed: \"%s\" is no number > 0, nor max",
				 cfg->speed);
	if (strcmp(cfg->start, "auto") != 0 && !ist_parse(cfg->start, strlen(cfg->start), &ms))
		return agni_fail(err, AGNI_ECONFIG, "sim.start: \"%s\" is no time", cfg->start);
	if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
		return agni_fail(err, AGNI_ECONFIG, "sim.redirect_status: %d is no redirect",
				 status);
	if (cfg->source == SIM_TAPE && !cfg->tape[0])
		return agni_fail(err, AGNI_ECONFIG, "sim.tape is needed with sim.source=tape");
	if (strlen(cfg->token) >= sizeof(((struct sim *)0)->token))
		return agni_fail(err, AGNI_ECONFIG, "sim.token is too long");
	return faults_check(cfg->fault, err);
}

/* --- start ----------------------------------------------------------------------------------- */

static void set_limits(struct sim *s)
{
	const struct sim_config *c = s->cfg;
	const int64_t alone[SIM_MODES] = {
		[MODE_LTPC] = c->ltpc_max,
		[MODE_FULL_D5] = c->full_max,
		[MODE_OPTION_GREEKS] = c->option_greeks_max,
		[MODE_FULL_D30] = c->full_d30_max,
	};
	const int64_t mixed[SIM_MODES] = {
		[MODE_LTPC] = c->ltpc_mixed_max,
		[MODE_FULL_D5] = c->full_mixed_max,
		[MODE_OPTION_GREEKS] = c->option_greeks_mixed_max,
		[MODE_FULL_D30] = c->full_d30_mixed_max,
	};

	for (int m = 0; m < SIM_MODES; m++) {
		s->limits.alone[m] = (uint32_t)alone[m];
		s->limits.mixed[m] = (uint32_t)mixed[m];
	}
	s->limits.has_plus = c->plus;
}

static int open_feed(struct sim *s, struct agni_err *err)
{
	char name[16] = "sim-";
	struct ws_server_config cfg = {
		.name = name,
		.host = s->host,
		.port = 0,
		.callbacks = &exchange_feed_callbacks,
		.arg = s,
		.message_max_bytes = 1 << 20,
		.ping_s = (uint16_t)s->cfg->ping_s,
		.pong_s = (uint16_t)(s->cfg->ping_s ? 20 : 0),
		/* Above the exchange's own limit, which answers 403 as the broker does. */
		.clients_max = (uint32_t)s->cfg->connections_max + 16,
	};

	rand_hex(name + 4, 4); /* two exchanges may live in one process */
	return ws_server_create(s->ws, &cfg, &s->feed, err);
}

static int open_http(struct sim *s, int port, struct agni_err *err)
{
	struct http_route *routes = exchange_routes(s);
	struct http_server_config cfg = {
		.loop = s->loop,
		.host = s->host,
		.port = port,
		.limits =
			{
				.header_timeout_ms = 10000,
				.body_timeout_ms = 10000,
				.idle_timeout_ms = 60000,
				.head_max_bytes = 16384,
				.target_max_bytes = 8192,
				.headers_max = 100,
				.body_max_bytes = 65536,
				.connections_max = 256,
			},
		.routes = routes,
	};
	int rc = http_server_create(&cfg, &s->http, err);

	if (rc < 0) {
		free(routes);
		return rc;
	}
	rc = http_server_listen(s->http, err);
	if (rc < 0) {
		/* Nobody has connected: only the routes have to outlive its last handle. */
		http_server_stop(s->http, 0, free, routes);
		s->http = NULL;
		return rc;
	}
	s->routes = routes;
	s->http_port = http_server_port(s->http);
	return 0;
}

static int sim_start(struct module *m, struct agni_err *err)
{
	struct sim *s = container_of(m, struct sim, mod);
	int port, rc;

	rc = sim_config_check(s->cfg, err);
	if (rc < 0)
		return rc;
	config_parse_listen(s->cfg->listen, s->host, &port);
	set_limits(s);
	snprintf(s->token, sizeof(s->token), "%s", s->cfg->token);
	if (!s->token[0])
		rand_hex(s->token, 24);
	rc = player_open(s, err);
	if (rc < 0)
		return rc;
	rc = open_feed(s, err);
	if (rc < 0)
		goto err_after_player;
	rc = open_http(s, port, err);
	if (rc < 0)
		goto err_after_feed;
	uv_timer_init(&s->loop->uv, &s->deadline);
	player_start(s);
	log_info("sim", "SIMULATED exchange on %s:%d, feed on port %d", s->host, s->http_port,
		 sim_feed_port(s));
	return 0;

err_after_feed:
	ws_server_stop_accepting(s->feed);
	s->feed = NULL;
err_after_player:
	player_close(s);
	return rc;
}

/* --- stop ------------------------------------------------------------------------------------ */

static void on_timer_closed(uv_handle_t *h)
{
	sim_part_closed(h->data);
}

static void http_is_gone(void *arg)
{
	struct sim *s = arg;

	s->http = NULL;
	free(s->routes);
	s->routes = NULL;
	sim_part_closed(s);
}

/* The sessions and the HTTP server are gone: now the timers, then the end. */
static void close_timers(struct sim *s)
{
	s->has_closed_timers = true;
	s->open_parts = 2;
	player_close(s);
	s->deadline.data = s;
	s->player.timer.data = s;
	uv_close((uv_handle_t *)&s->deadline, on_timer_closed);
	uv_close((uv_handle_t *)&s->player.timer, on_timer_closed);
}

void sim_part_closed(struct sim *s)
{
	AGNI_ASSERT(s->open_parts > 0);
	if (--s->open_parts > 0)
		return;
	if (!s->has_closed_timers)
		close_timers(s);
	else
		s->mod.done(&s->mod);
}

static void on_laggards(uv_timer_t *timer)
{
	struct sim *s = container_of(timer, struct sim, deadline);

	list_for_each (it, &s->sessions) {
		struct session *x = container_of(it, struct session, link);

		if (x->conn)
			ws_conn_abort(x->conn);
	}
}

static void sim_stop(struct module *m, module_stopped_fn *done)
{
	struct sim *s = container_of(m, struct sim, mod);

	m->done = done;
	s->is_stopping = true;
	ws_server_stop_accepting(s->feed);
	s->open_parts = 1 + (int)s->sessions_n;
	uv_timer_stop(&s->player.timer);
	uv_timer_start(&s->deadline, on_laggards, STOP_GRACE_MS, 0);
	list_for_each (it, &s->sessions) {
		struct session *x = container_of(it, struct session, link);

		if (x->conn) /* else it is closing already */
			ws_conn_close(x->conn, WS_CLOSE_GOING_AWAY, "the exchange stops");
	}
	http_server_stop(s->http, sim_now(s) + STOP_GRACE_MS * NS_PER_MS, http_is_gone, s);
}

/* --- the rest of the module ------------------------------------------------------------------ */

static enum health sim_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct sim *s = container_of((struct module *)(uintptr_t)m, struct sim, mod);

	player_describe(s, why, HEALTH_WHY_MAX);
	return HEALTH_UP;
}

static const struct metric sim_metrics[] = {
	{"sessions", "Feed sessions", METRIC_GAUGE, offsetof(struct sim, sessions_n)},
	{"sessions_total", "Feed sessions opened", METRIC_COUNTER,
	 offsetof(struct sim, sessions_total)},
	{"refused_total", "Feed handshakes refused", METRIC_COUNTER,
	 offsetof(struct sim, refused_total)},
	{"requests_total", "Feed requests understood", METRIC_COUNTER,
	 offsetof(struct sim, requests_total)},
	{"messages_total", "Feed messages sent", METRIC_COUNTER,
	 offsetof(struct sim, messages_total)},
	{"bytes_total", "Bytes of feed messages sent", METRIC_COUNTER,
	 offsetof(struct sim, bytes_total)},
	{"conflated_total", "Ticks that a slow session got as a later state only", METRIC_COUNTER,
	 offsetof(struct sim, conflated_total)},
	{"source_asked_total", "Times the token API was asked", METRIC_COUNTER,
	 offsetof(struct sim, source_asked_total)},
	{"waits_total", "Turns in which the source waited for a session (speed=max)",
	 METRIC_COUNTER, offsetof(struct sim, waits_total)},
	{0}};

static const struct module_ops sim_ops = {
	.name = "sim",
	.start = sim_start,
	.stop = sim_stop,
	.health = sim_health,
	.metrics = sim_metrics,
	.mod_offset = offsetof(struct sim, mod),
};

struct sim *sim_create(const struct sim_deps *deps)
{
	struct sim *s = mem_zalloc(sizeof(*s));

	s->mod.ops = &sim_ops;
	s->loop = deps->loop;
	s->ws = deps->ws;
	s->cfg = deps->cfg;
	s->encoder = feed_encoder_create();
	s->fault_rng.state = 1;
	list_init(&s->sessions);
	book_init(&s->book, SIM_INSTRUMENTS);
	return s;
}

struct module *sim_module(struct sim *s)
{
	return &s->mod;
}

void sim_destroy(struct sim *s)
{
	if (!s)
		return;
	AGNI_ASSERT(list_is_empty(&s->sessions));
	book_fini(&s->book);
	feed_encoder_destroy(s->encoder);
	buf_fini(&s->encoded);
	free(s);
}

int sim_http_port(const struct sim *s)
{
	return s->http_port;
}

int sim_feed_port(const struct sim *s)
{
	return s->feed ? ws_server_port(s->feed) : 0;
}

const char *sim_token(const struct sim *s)
{
	return s->token;
}
