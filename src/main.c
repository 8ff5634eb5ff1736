/* SPDX-License-Identifier: MIT
 *
 * main: the table of contents. What the parts are, in which order they start (and, reversed, stop),
 * and what each is given. Read `server_build` top to bottom: it is the architecture.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/audit_command.h"
#include "cli/key_command.h"
#include "cli/monitor.h"
#include "cli/replay.h"
#include "cli/seal_command.h"
#include "cli/server_config.h"
#include "cli/tape.h"
#include "core/log.h"
#include "core/runner.h"
#include "dashboard/page.h"
#include "signals/outputs.h"

enum { EXIT_CLEAN = 0, EXIT_NOT_STARTED = 1, EXIT_USAGE = 2, EXIT_TOKEN = 3 };

#define TAPE_MEMORY         (1u << 20) /* until its configuration is read at start */
#define DESCRIPTORS_RESERVE 64         /* for what is not a client */

enum {
	TAPE,
	BARS,
	STORE,
	HTTP,
	WS,
	AUDIT,
	AUTH,
	TOKEN,
	REFDATA,
	OPTIONS,
	FUTURES,
	SIGNALS,
	OUTPUTS,
	API,
	STREAM,
	SIM,
	FEED,
	REPLAY,
	MODULES_MAX
};

struct server {
	struct server_config cfg;
	const struct options *options; /* for a reload */
	struct clock clock;
	struct loop loop;
	struct book book;
	struct tape tape;
	struct module *tape_mod;
	struct day_bars *bars;
	struct interest interest;
	struct upstream_view upstream;
	struct ws *ws;
	struct http_client *http;
	struct module http_mod, ws_mod;
	struct page page;
	struct http_route page_routes[PAGE_ROUTES];
	struct store *store;
	struct audit *audit;
	struct auth *auth;
	struct token *token;
	struct refdata *refdata;
	struct chains *chains;
	struct futures *futures;
	struct signals *signals;
	struct outputs *outputs;
	struct api *api;
	struct stream *stream;
	struct sim *sim; /* NULL with a real broker */
	struct feed *feed;
	struct replay *replay; /* NULL unless this is one */
	struct module *modules[MODULES_MAX];
	size_t modules_n;
	/* Filled when the listeners are bound: the simulated exchange, and where our page comes
	 * from. */
	char api_url[64], token_url[128], master_url[128], page_origin[64];
	struct feed_door feed_door; /* where stream.listen is */
	char source_dir[512];       /* {data_dir}/live, /sim or /replay */
	bool has_token_failed;
};

static bool is_sim(const struct server *s)
{
	return s->cfg.upstream.mode == UPSTREAM_SIM;
}

static bool is_replay(const struct server *s)
{
	return s->options->command == COMMAND_REPLAY;
}

/* A recording is what comes in: its day begins when it does. */
static bool is_playback(const struct server *s)
{
	return is_sim(s) && s->cfg.sim.source == SIM_TAPE;
}

/* Live prices, those of the simulated exchange and those of a replay never mix: folders and Redis
 * keys are per source. */
static const char *source_name(const struct server *s)
{
	return !is_sim(s) ? "upstox" : is_replay(s) ? "replay" : "sim";
}

static const char *redis_prefix(const struct server *s)
{
	return !is_sim(s) ? "agni:" : is_replay(s) ? "agni-replay:" : "agni-sim:";
}

/* --- libraries that are guests on the loop: they only need to be closed, in their place ------- */

static void http_closed(void *arg)
{
	struct server *s = arg;

	s->http_mod.done(&s->http_mod);
}

static void http_stop(struct module *m, module_stopped_fn *done)
{
	struct server *s = container_of(m, struct server, http_mod);

	m->done = done;
	http_client_close(s->http, http_closed, s);
}

static void ws_closed(void *arg)
{
	struct server *s = arg;

	s->ws_mod.done(&s->ws_mod);
}

static void ws_stop(struct module *m, module_stopped_fn *done)
{
	struct server *s = container_of(m, struct server, ws_mod);

	m->done = done;
	ws_destroy(s->ws, ws_closed, s);
}

static const struct module_ops http_ops = {.name = "http", .stop = http_stop};
static const struct module_ops ws_ops = {.name = "ws", .stop = ws_stop};

/* --- what modules ask of each other ------------------------------------------------------------
 */

static bool is_feed_alive(void *arg)
{
	const struct server *s = arg;
	struct upstream_status st;

	s->upstream.status(s->upstream.arg, &st);
	return st.is_live;
}

static bool is_quote_stale(void *arg, inst_id id)
{
	const struct server *s = arg;

	return s->upstream.is_stale(s->upstream.arg, id);
}

static unsigned select_keys(const void *arg, const char *text, size_t len, price_t *middle,
			    refdata_key_fn *fn, void *fn_arg, struct resolve_miss *miss)
{
	const struct server *s = arg;

	return refdata_select(s->refdata, text, len, middle, fn, fn_arg, miss);
}

static const char *money_key(const void *arg, const char *text, size_t len)
{
	const struct server *s = arg;

	return refdata_money_key(s->refdata, text, len);
}

static enum resolve_sight sight(const void *arg, const struct scope *scope, const char *underlying)
{
	return refdata_sight(((const struct server *)arg)->refdata, scope, underlying);
}

static const char *bearer(const void *arg)
{
	uint64_t generation;

	return token_bearer(((const struct server *)arg)->token, &generation);
}

static struct chains_listing listing(const void *arg)
{
	const struct server *s = arg;

	return (struct chains_listing){refdata_master(s->refdata), refdata_generation(s->refdata)};
}

static bool is_key_known(const void *arg, const char *key, size_t len)
{
	const struct server *s = arg;

	return refdata_is_known(s->refdata, key, len);
}

static void on_token_failed(void *arg)
{
	struct server *s = arg;

	if (s->cfg.token.on_failure != TOKEN_EXIT)
		return;
	log_error("main", "token.on_failure=exit: stopping");
	s->has_token_failed = true;
	module_request_stop(token_module(s->token));
}

static uint32_t put_clients(const void *arg, struct buf *out, uint32_t from, uint32_t limit)
{
	return stream_put_clients(((const struct server *)arg)->stream, out, from, limit);
}

static bool has_recording_ended(const void *arg)
{
	const struct server *s = arg;
	struct sim_progress progress;

	if (!is_playback(s))
		return false;
	sim_progress(s->sim, &progress);
	return progress.has_ended;
}

static uint64_t count_clients(const void *arg)
{
	return stream_clients(((const struct server *)arg)->stream);
}

static void on_upstream_status(void *arg)
{
	struct server *s = arg;

	chains_status_changed(s->chains);
	futures_status_changed(s->futures);
	stream_status_changed(s->stream);
}

static void on_market_info(void *arg, int64_t ts_ms, const void *info, size_t len)
{
	const struct server *s = arg;

	signals_market_info(s->signals, info, len);
	stream_market_info(s->stream, ts_ms, info, len);
}

/* --- building ----------------------------------------------------------------------------------
 */

static void server_build(struct server *s)
{
	struct server_config *c = &s->cfg;
	const char *source = source_name(s);
	struct loop *loop = &s->loop;

	page_routes(&s->page, s->page_routes);
	s->tape_mod =
		tape_module(&s->tape, &(struct tape_deps){.loop = loop,
							  .cfg = &c->tape,
							  .data_dir = c->server.data_dir,
							  .source = source,
							  .instruments = &s->book.instruments});
	s->bars = day_bars_create(&(struct day_bars_deps){.loop = loop,
							  .book = &s->book,
							  .tape = &s->tape,
							  .cfg = &c->bars,
							  .rebuilds = !is_playback(s)});
	s->store = store_create(&(struct store_deps){.loop = loop,
						     .book = &s->book,
						     .cfg = &c->redis,
						     .prefix = redis_prefix(s),
						     .source = source,
						     .is_feed_alive = is_feed_alive,
						     .is_stale = is_quote_stale,
						     .events_max = &c->signals.redis_max,
						     .arg = s});
	s->audit = audit_create(&(struct audit_deps){
		.loop = loop, .cfg = &c->audit, .data_dir = c->server.data_dir});
	s->auth = auth_create(&(struct auth_deps){.loop = loop,
						  .cfg = &c->auth,
						  .data_dir = c->server.data_dir,
						  .origins = c->stream.origins,
						  .audit = s->audit});
	s->token = token_create(&(struct token_deps){.loop = loop,
						     .http = s->http,
						     .store = s->store,
						     .audit = s->audit,
						     .cfg = &c->token,
						     .source_url = s->token_url,
						     .api_url = s->api_url,
						     .api_url_fallback = c->upstream.api_url,
						     .dir = s->source_dir,
						     .on_failed = on_token_failed,
						     .arg = s});
	s->refdata = refdata_create(&(struct refdata_deps){.loop = loop,
							   .http = s->http,
							   .book = &s->book,
							   .interest = &s->interest,
							   .cfg = &c->instruments,
							   .calendar = &c->calendar,
							   .master_url = s->master_url,
							   .api_url = s->api_url,
							   .api_url_fallback = c->upstream.api_url,
							   .watch_all = is_sim(s),
							   .master_first = is_playback(s)});
	s->chains =
		chains_create(&(struct chains_deps){.loop = loop,
						    .book = &s->book,
						    .tape = &s->tape,
						    .interest = &s->interest,
						    .upstream = &s->upstream,
						    .cfg = &c->chains,
						    .store = s->store,
						    .dir = is_playback(s) ? NULL : s->source_dir,
						    .listing = listing,
						    .http = is_sim(s) ? NULL : s->http,
						    .api_url = c->upstream.api_url,
						    .bearer = bearer,
						    .arg = s});
	s->futures = futures_create(&(struct futures_deps){.loop = loop,
							   .book = &s->book,
							   .tape = &s->tape,
							   .interest = &s->interest,
							   .upstream = &s->upstream,
							   .cfg = &c->futures,
							   .store = s->store,
							   .oi = chains_session_oi(s->chains),
							   .listing = listing,
							   .arg = s});
	s->signals =
		signals_create(&(struct signals_deps){.loop = loop,
						      .book = &s->book,
						      .interest = &s->interest,
						      .refdata = s->refdata,
						      .upstream = &s->upstream,
						      .cfg = &c->signals,
						      .apps = c->apps,
						      .dir = is_playback(s) ? NULL : s->source_dir,
						      .waits_for_master = is_playback(s)});
	/* A replay shows what was; nobody outside is to take that for a signal of today. */
	s->outputs = outputs_create(&(struct outputs_deps){.loop = loop,
							   .signals = s->signals,
							   .store = s->store,
							   .http = is_replay(s) ? NULL : s->http,
							   .instruments = &s->book.instruments,
							   .tape = &s->tape,
							   .cfg = &c->signals,
							   .source = source});
	s->api = api_create(&(struct api_deps){.loop = loop,
					       .book = &s->book,
					       .tape = &s->tape,
					       .bars = day_bars_get(s->bars),
					       .interest = &s->interest,
					       .token = s->token,
					       .token_cfg = &c->token,
					       .refdata = s->refdata,
					       .session_oi = chains_session_oi(s->chains),
					       .signals = s->signals,
					       .auth = s->auth,
					       .guard = &c->http_guard,
					       .feed_door = &s->feed_door,
					       .cfg = &c->http,
					       .futures = &c->futures,
					       .source = source,
					       .version = AGNI_VERSION,
					       .upstream = &s->upstream,
					       .store = s->store,
					       .put_clients = put_clients,
					       .has_ended = has_recording_ended,
					       .count_clients = count_clients,
					       .clients_arg = s,
					       .modules = s->modules,
					       .modules_n = REPLAY - !is_sim(s),
					       .more = s->page_routes});
	s->stream = stream_create(&(struct stream_deps){.loop = loop,
							.ws = s->ws,
							.book = &s->book,
							.tape = &s->tape,
							.bars = day_bars_get(s->bars),
							.signals = s->signals,
							.store = s->store,
							.interest = &s->interest,
							.cfg = &c->stream,
							.auth = s->auth,
							.guard = &c->stream_guard,
							.http_listen = s->page_origin,
							.source = source,
							.is_known = is_key_known,
							.select = select_keys,
							.money_key = money_key,
							.sight = sight,
							.known_arg = s,
							.chains = s->chains,
							.futures = s->futures,
							.upstream = &s->upstream});
	if (is_sim(s))
		s->sim = sim_create(&(struct sim_deps){.loop = loop, .ws = s->ws, .cfg = &c->sim});
	s->feed = feed_create(&(struct feed_deps){.loop = loop,
						  .ws = s->ws,
						  .http = s->http,
						  .book = &s->book,
						  .tape = &s->tape,
						  .interest = &s->interest,
						  .token = s->token,
						  .cfg = &c->upstream,
						  .api_url = s->api_url,
						  .on_status = on_upstream_status,
						  .on_market_info = on_market_info,
						  .arg = s});
	s->upstream = feed_view(s->feed);
	if (is_replay(s))
		s->replay = replay_create(&(struct replay_deps){.loop = loop,
								.book = &s->book,
								.tape = &s->tape,
								.bars = day_bars_get(s->bars),
								.sim = s->sim,
								.signals = s->signals,
								.feed = s->feed,
								.path = s->options->replay});
}

/* The order of starting. Stopping goes the other way: the feed falls silent first, then clients get
 * their last frames, and Redis its last values. The tape comes first: its hook, which writes what a
 * turn brought, runs before those that show it. */
static void server_table(struct server *s)
{
	s->http_mod.ops = &http_ops;
	s->ws_mod.ops = &ws_ops;
	struct module *const table[MODULES_MAX] = {
		[TAPE] = s->tape_mod,
		[BARS] = day_bars_module(s->bars),
		[STORE] = store_module(s->store),
		[HTTP] = &s->http_mod,
		[WS] = &s->ws_mod,
		[AUDIT] = audit_module(s->audit),
		[AUTH] = auth_module(s->auth),
		[TOKEN] = token_module(s->token),
		[REFDATA] = refdata_module(s->refdata),
		[OPTIONS] = chains_module(s->chains),
		[FUTURES] = futures_module(s->futures),
		[SIGNALS] = signals_module(s->signals),
		[OUTPUTS] = outputs_module(s->outputs),
		[API] = api_module(s->api),
		[STREAM] = stream_module(s->stream),
		[SIM] = s->sim ? sim_module(s->sim) : NULL,
		[FEED] = feed_module(s->feed),
		[REPLAY] = s->replay ? replay_module(s->replay) : NULL,
	};

	for (size_t i = 0; i < MODULES_MAX; i++) {
		if (table[i])
			s->modules[s->modules_n++] = table[i];
	}
}

static int make_dir(const char *path, struct agni_err *err)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return agni_fail_uv(err, -errno, "server.data_dir: cannot make %s", path);
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return agni_fail(err, UV_ENOTDIR, "server.data_dir: %s is not a folder", path);
	if (access(path, W_OK | X_OK) < 0)
		return agni_fail_uv(err, -errno, "server.data_dir: cannot write to %s", path);
	return 0;
}

static int make_data_dir(struct server *s, struct agni_err *err)
{
	int rc = make_dir(s->cfg.server.data_dir, err);

	snprintf(s->source_dir, sizeof(s->source_dir), "%s/%s", s->cfg.server.data_dir,
		 is_sim(s) ? source_name(s) : "live");
	return rc < 0 ? rc : make_dir(s->source_dir, err);
}

static enum clock_mode clock_mode_of(const struct server *s)
{
	if (s->cfg.server.clock == CLOCK_CHOICE_AUTO)
		return is_sim(s) ? CLOCK_FEED : CLOCK_SYSTEM;
	return s->cfg.server.clock == CLOCK_CHOICE_FEED ? CLOCK_FEED : CLOCK_SYSTEM;
}

/* A client is a descriptor. Where the system gives fewer than were configured for, fewer are served. */
static void fit_descriptors(struct server *s)
{
	struct rlimit lim;
	int64_t room;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
	room = (int64_t)lim.rlim_cur - DESCRIPTORS_RESERVE - s->cfg.http.max_connections;
	if (room < 16)
		room = 16;
	if (s->cfg.stream.max_clients > room) {
		log_warn("main", "the limit of open files is %llu: at most %lld clients, not %lld",
			 (unsigned long long)lim.rlim_cur, (long long)room,
			 (long long)s->cfg.stream.max_clients);
		s->cfg.stream.max_clients = room;
	}
}

static int server_init(struct server *s, struct agni_err *err)
{
	int rc = make_data_dir(s, err);

	if (rc < 0)
		return rc;
	fit_descriptors(s);
	clock_init(&s->clock, clock_mode_of(s));
	rc = loop_init(&s->loop, &s->clock);
	if (rc < 0)
		return agni_fail_uv(err, rc, "no event loop");
	rc = ws_create(&s->loop, &s->ws, err);
	if (rc < 0)
		return rc;
	s->http = http_client_create(&s->loop, s->cfg.upstream.ca_file);
	http_client_keep(s->http, (unsigned)s->cfg.server.client_idle_max,
			 (uint64_t)s->cfg.server.client_idle_ms);
	book_init(&s->book, (uint32_t)s->cfg.server.instruments_max);
	tape_init(&s->tape, TAPE_MEMORY);
	interest_init(&s->interest);
	server_build(s);
	server_table(s);
	return 0;
}

static void server_fini(struct server *s)
{
	replay_destroy(s->replay);
	feed_destroy(s->feed);
	if (s->sim)
		sim_destroy(s->sim);
	stream_destroy(s->stream);
	api_destroy(s->api);
	outputs_destroy(s->outputs);
	signals_destroy(s->signals);
	futures_destroy(s->futures);
	chains_destroy(s->chains);
	refdata_destroy(s->refdata);
	token_destroy(s->token);
	auth_destroy(s->auth);
	audit_destroy(s->audit);
	store_destroy(s->store);
	day_bars_destroy(s->bars);
	interest_fini(&s->interest);
	tape_fini(&s->tape);
	book_fini(&s->book);
}

/* --- running -----------------------------------------------------------------------------------
 */

/* Every module has started: ports are known, so the lines between them can be drawn. */
static int on_started(void *arg, struct agni_err *err)
{
	struct server *s = arg;
	char host[64];
	int port;

	(void)err;
	if (config_parse_listen(s->cfg.http.listen, host, &port))
		snprintf(s->page_origin, sizeof(s->page_origin),
			 strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, api_port(s->api));
	if (s->sim) {
		port = sim_http_port(s->sim);
		snprintf(s->api_url, sizeof(s->api_url), "http://127.0.0.1:%d", port);
		snprintf(s->token_url, sizeof(s->token_url),
			 "http://127.0.0.1:%d/accounts/%.64s/token", port, s->cfg.token.account);
		snprintf(s->master_url, sizeof(s->master_url),
			 "http://127.0.0.1:%d/market-quote/instruments/exchange/NSE.json.gz", port);
	}
	return 0;
}

static void on_running(void *arg)
{
	struct server *s = arg;
	char host[64];
	int port;

	const char *http = s->cfg.http.tls_cert[0] ? "https" : "http";
	const char *ws = s->cfg.stream.tls_cert[0] ? "wss" : "ws";

	s->feed_door =
		(struct feed_door){stream_port(s->stream), s->cfg.stream.tls_cert[0] != '\0'};
	s->page.ws_port = s->feed_door.port;
	s->page.heartbeat_s = s->cfg.stream.heartbeat_s;
	s->page.is_ws_tls = s->feed_door.is_tls;
	if (!config_parse_listen(s->cfg.stream.listen, host, &port))
		return;
	log_info("main", "agnidata %s is up; source: %s", AGNI_VERSION,
		 s->sim ? "the simulated exchange (no account, invented or recorded prices)"
			: "upstox");
	log_info("main", "  page     %s://%s/", http, s->page_origin);
	log_info("main", "  health   %s://%s/health", http, s->page_origin);
	log_info("main",
		 strchr(host, ':') ? "  ticks    %s://[%s]:%d/ws" : "  ticks    %s://%s:%d/ws", ws,
		 host, stream_port(s->stream));
}

/* One line of the log per problem. */
static void log_lines(const char *what, const char *lines)
{
	while (*lines) {
		size_t n = strcspn(lines, "\n");

		log_error("main", "%s: %.*s", what, (int)n, lines);
		lines += n + (lines[n] == '\n');
	}
}

/* The owner of the machine asked by a signal, so it is not refused when the disk is full: a key may
 * have to be taken away. */
static void audit_reload(struct server *s, const char *act, const char *detail)
{
	(void)!audit_write(
		s->audit,
		&(struct audit_act){.act = act, .who = "signal", .peer = "", .detail = detail},
		NULL);
}

static void keys_reload(struct server *s)
{
	struct agni_err err;

	if (auth_reload(s->auth, &err) < 0) {
		log_error("main", "reload: the keys stay as they were: %s", err.text);
		audit_reload(s, "keys.refused", err.text);
	}
}

static void on_reload(void *arg)
{
	struct server *s = arg;
	struct server_config *next = mem_alloc(sizeof(*next));
	struct buf problems = {0}, can = {0}, cannot = {0};

	keys_reload(s); /* a mistake elsewhere must not keep a revoked key alive */
	if (server_config_load(next, s->options, &problems) < 0) {
		log_lines("reload: nothing was changed", buf_cstr(&problems));
		audit_reload(s, "config.refused", buf_cstr(&problems));
	} else {
		config_diff(s->cfg.sections, next->sections, &can, &cannot);
		config_reload(s->cfg.sections, next->sections);
		token_reload(s->token);
		refdata_reload(s->refdata);
		futures_reload(s->futures);
		signals_reload(s->signals);
		api_reload(s->api);
		stream_reload(s->stream);
		log_setup((enum log_level)s->cfg.server.log_level,
			  (enum log_format)s->cfg.server.log_format);
		log_info("main", "reload: changed: %s; needs a restart: %s",
			 can.len ? buf_cstr(&can) : "nothing",
			 cannot.len ? buf_cstr(&cannot) : "nothing");
		audit_reload(s, "config.reloaded", can.len ? buf_cstr(&can) : "nothing changed");
	}
	server_config_fini(next);
	free(next);
	buf_fini(&problems);
	buf_fini(&can);
	buf_fini(&cannot);
}

static int serve(struct server *s)
{
	struct agni_err err = {0};
	struct runner_config rc = {.loop = &s->loop,
				   .on_started = on_started,
				   .on_running = on_running,
				   .on_reload = on_reload,
				   .arg = s,
				   .modules = s->modules};
	enum runner_end end;
	bool is_incomplete;
	int left;

	if (server_init(s, &err) < 0) {
		log_error("main", "cannot start: %s", err.text);
		return EXIT_NOT_STARTED;
	}
	rc.modules_n = s->modules_n;
	rc.stop_ms = (uint64_t)s->cfg.server.stop_ms;
	rc.drain_ms = (uint64_t)s->cfg.server.drain_ms;
	end = runner_run(&rc, &err);
	if (end == RUNNER_LATE) {
		if (err.code)
			log_error("main", "cannot start: %s", err.text);
		return EXIT_NOT_STARTED; /* modules may still hold what would be freed */
	}
	left = loop_fini(&s->loop);
	is_incomplete = s->replay && !replay_is_complete(s->replay);
	server_fini(s);
	if (end == RUNNER_NOT_START) {
		log_error("main", "cannot start: %s", err.text);
		return err.code == AGNI_ECONFIG ? EXIT_USAGE : EXIT_NOT_STARTED;
	}
	log_info("main", "stopped; uv_loop_close: %d", left);
	if (left != 0 || is_incomplete)
		return EXIT_NOT_STARTED;
	return s->has_token_failed ? EXIT_TOKEN : EXIT_CLEAN;
}

static int run(struct server *s, const struct options *o)
{
	struct buf problems = {0};
	int rc = server_config_load(&s->cfg, o, &problems);

	if (rc == 0)
		rc = server_config_check_files(&s->cfg, &problems);
	if (rc < 0)
		fprintf(stderr, "%s", buf_cstr(&problems));
	buf_fini(&problems);
	if (rc < 0)
		return EXIT_USAGE;
	if (is_replay(s) && !is_playback(s)) {
		fprintf(stderr, "agnidata: a replay has the recording as its upstream\n");
		return EXIT_USAGE;
	}
	if (o->command == COMMAND_CHECK) {
		printf("the configuration is fine\n");
		return EXIT_CLEAN;
	}
	log_setup((enum log_level)s->cfg.server.log_level,
		  (enum log_format)s->cfg.server.log_format);
	return serve(s);
}

static int print_config(void)
{
	struct server_config *c = mem_alloc(sizeof(*c));
	struct options o = {0};
	struct buf out = {0};

	(void)server_config_read(c, &o, &out);
	buf_reset(&out);
	config_print(c->sections, &out);
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
	server_config_fini(c);
	free(c);
	return EXIT_CLEAN;
}

int main(int argc, char **argv)
{
	struct options o;
	struct agni_err err;
	struct server *s;
	int rc;

	if (argc > 1 && strcmp(argv[1], "audit") == 0)
		return audit_command(argc - 2, argv + 2);
	if (argc > 1 && strcmp(argv[1], "key") == 0)
		return key_command(argc - 2, argv + 2);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);  /* a file size limit is a write error like another */
	prctl(PR_SET_DUMPABLE, 0); /* no core dump: it would hold the token */
	if (argc > 1 && strcmp(argv[1], "seal") == 0)
		return seal_command(argc - 2, argv + 2);
	if (argc > 1 && strcmp(argv[1], "monitor") == 0)
		return monitor_command(argc - 2, argv + 2);
	if (argc > 1 && strcmp(argv[1], "tape") == 0)
		return tape_command(argc - 2, argv + 2);
	if (options_parse(&o, argc, argv, &err) < 0) {
		fprintf(stderr, "agnidata: %s\n", err.text);
		return EXIT_USAGE;
	}
	switch (o.command) {
	case COMMAND_REPLAY_HELP:
		fputs(options_replay_help, stdout);
		return EXIT_CLEAN;
	case COMMAND_HELP:
		fputs(options_help, stdout);
		return EXIT_CLEAN;
	case COMMAND_VERSION:
		puts("agnidata " AGNI_VERSION);
		return EXIT_CLEAN;
	case COMMAND_CONFIG:
		return print_config();
	case COMMAND_SERVE:
	case COMMAND_CHECK:
	case COMMAND_REPLAY:
		break;
	}
	s = mem_zalloc(sizeof(*s));
	s->options = &o;
	rc = run(s, &o);
	server_config_fini(&s->cfg);
	free(s);
	return rc;
}
