/* SPDX-License-Identifier: MIT
 *
 * bench_latency: from the broker's wire to a client's frame, through the real binary.
 *
 * This process is both ends: it plays the broker (authorize and the feed, on loopback) and the
 * clients, so that one clock measures. It sends messages of 8 full feeds whose
 * `ltt` is the time of sending in nanoseconds; a client finds it in the JSON. Compared in the same
 * run with the bare hop: the same message straight to a client of its own.
 *
 *      this process --feed--> agnidata --/ws--> this process         the server's price is the
 *      this process --feed--> this process                           difference of the two
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "../test/lib/quotes.h"
#include "http/server.h"
#include "lib/stats.h"
#include "upstox/encode.h"
#include "ws/ws.h"

#define FEEDS       8
#define CLIENTS_MAX 128
#define SAMPLES_MAX 2000000
#define RUN_MS      3000
#define WARM_MS     500

struct samples {
	double *us;
	size_t n;
};

struct bench {
	struct clock clock;
	struct loop loop;
	struct ws *ws;
	struct http_server *http;
	struct ws_server *feed;
	struct ws_conn *upstream; /* agnidata's connection to our feed */
	struct ws_conn *direct;   /* our own */
	struct ws_conn *clients[CLIENTS_MAX];
	int clients_want, clients_up, clients_gone;
	unsigned period_ms; /* between two messages */
	bool is_measuring, is_over, is_failed;
	uv_process_t child;
	uv_pipe_t child_log;
	uv_timer_t tick, phase;
	char log[8192];
	size_t log_len;
	char api_arg[128];
	struct feed_encoder *encoder;
	struct buf message, frame;
	struct samples relayed, bare;
	uint64_t sent;
};

static uint64_t now_ns(const struct bench *b)
{
	return clock_mono(&b->clock);
}

static void add_sample(struct bench *b, struct samples *s, uint64_t sent_ns)
{
	if (b->is_measuring && s->n < SAMPLES_MAX)
		s->us[s->n++] = (double)(now_ns(b) - sent_ns) / 1e3;
}

/* --- the broker --------------------------------------------------------------------------------
 */

static void on_authorize(void *arg, struct http_request *r)
{
	struct bench *b = arg;
	char body[256];
	int n = snprintf(body, sizeof(body),
			 "{\"status\":\"success\",\"data\":{\"authorized_redirect_uri\":"
			 "\"ws://127.0.0.1:%d/feed\"}}",
			 ws_server_port(b->feed));

	http_respond(r, 200, "application/json", NULL, body, (size_t)n);
}

static void *on_feed_open(void *arg, struct ws_conn *c, const struct ws_handshake *h)
{
	struct bench *b = arg;

	if (strcmp(h->path, "/direct") == 0)
		b->direct = c;
	else
		b->upstream = c;
	return b;
}

static void on_feed_message(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
			    size_t len)
{
	(void)user;
	(void)c;
	(void)op;
	(void)data;
	(void)len; /* subscriptions: everybody gets everything */
}

static void on_feed_close(void *user, struct ws_conn *c, int code, const char *reason)
{
	struct bench *b = user;

	(void)code;
	(void)reason;
	if (c == b->upstream)
		b->upstream = NULL;
	if (c == b->direct)
		b->direct = NULL;
}

static void on_tick(uv_timer_t *timer)
{
	struct bench *b = timer->data;
	struct quote q[FEEDS];
	char keys[FEEDS][24];

	feed_encoder_begin(b->encoder, b->sent ? FEED_LIVE : FEED_INITIAL,
			   1769160568772 + (int64_t)b->sent);
	for (unsigned i = 0; i < FEEDS; i++) {
		quote_make_up(&q[i], (unsigned)b->sent + i);
		q[i].ltt = (int64_t)now_ns(b);
		snprintf(keys[i], sizeof(keys[i]), "NSE_FO|%u", 50000 + i);
		feed_encoder_add(b->encoder, keys[i], &q[i], MODE_FULL_D5);
	}
	buf_reset(&b->message);
	feed_encoder_end(b->encoder, &b->message);
	buf_reset(&b->frame);
	ws_frame_append(&b->frame, WS_BINARY, b->message.data, b->message.len);
	/* Alternately first, so that neither always waits for the other's send. */
	for (int i = 0; i < 2; i++) {
		struct ws_conn *c = (b->sent + (uint64_t)i) % 2 ? b->direct : b->upstream;

		if (c)
			(void)ws_conn_send(c, b->frame.data, b->frame.len);
	}
	b->sent++;
}

/* --- the clients -------------------------------------------------------------------------------
 */

static void *on_client_open(void *user, struct ws_conn *c, const struct ws_handshake *h)
{
	static const char subscribe[] =
		"{\"action\":\"subscribe\",\"mode\":\"full\",\"instruments\":[\"NSE_FO|50000\","
		"\"NSE_FO|50001\",\"NSE_FO|50002\",\"NSE_FO|50003\",\"NSE_FO|50004\",\"NSE_FO|"
		"50005\","
		"\"NSE_FO|50006\",\"NSE_FO|50007\"]}";
	struct bench *b = user;

	(void)h;
	ws_conn_send_message(c, WS_TEXT, subscribe, sizeof(subscribe) - 1);
	b->clients_up++;
	return b;
}

static void on_client_message(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
			      size_t len)
{
	struct bench *b = user;
	const char *at = memmem(data, len, "\"ltt\":", 6);

	(void)c;
	(void)op;
	if (at && !memmem(data, len < 64 ? len : 64, "snapshot", 8))
		add_sample(b, &b->relayed, strtoull(at + 6, NULL, 10));
}

static void on_direct_message(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
			      size_t len)
{
	struct bench *b = user;
	struct feed_frame f = {0};
	struct tick *t = mem_zalloc(sizeof(*t));

	(void)c;
	(void)op;
	if (feed_frame_scan(&f, data, len, NULL) == 0 && feed_frame_next(&f, t))
		add_sample(b, &b->bare, (uint64_t)t->q.ltt);
	feed_frame_fini(&f);
	free(t);
}

static void *on_direct_open(void *user, struct ws_conn *c, const struct ws_handshake *h)
{
	(void)c;
	(void)h;
	return user;
}

static void on_client_close(void *user, struct ws_conn *c, int code, const char *reason)
{
	struct bench *b = user;

	(void)c;
	(void)code;
	(void)reason;
	b->clients_gone++;
}

static void on_refused(void *user, int status, const char *location, const char *why)
{
	struct bench *b = user;

	(void)location;
	fprintf(stderr, "bench_latency: refused: %d %s\n", status, why);
	b->is_failed = true;
}

static void connect_to(struct bench *b, const char *url, const struct ws_callbacks *cb,
		       struct ws_conn **out)
{
	struct agni_err err;
	struct url u;
	struct ws_client_config cfg = {.url = &u,
				       .callbacks = cb,
				       .user = b,
				       .on_refused = on_refused,
				       .message_max_bytes = 1 << 20};

	if (url_parse(url, &u, &err) < 0 || ws_client_connect(b->ws, &cfg, out, &err) < 0) {
		fprintf(stderr, "bench_latency: %s: %s\n", url, err.text);
		b->is_failed = true;
	}
}

static const struct ws_callbacks client_callbacks = {
	.on_open = on_client_open, .on_message = on_client_message, .on_close = on_client_close};
static const struct ws_callbacks direct_callbacks = {
	.on_open = on_direct_open, .on_message = on_direct_message, .on_close = on_client_close};
static const struct ws_callbacks feed_callbacks = {
	.on_open = on_feed_open, .on_message = on_feed_message, .on_close = on_feed_close};

/* --- the course --------------------------------------------------------------------------------
 */

static void on_over(uv_timer_t *timer)
{
	struct bench *b = timer->data;

	b->is_over = true;
}

static void on_warm(uv_timer_t *timer)
{
	struct bench *b = timer->data;

	b->is_measuring = true;
	uv_timer_start(timer, on_over, RUN_MS, 0);
}

static void on_server_up(struct bench *b, const char *ws_url)
{
	struct ws_conn *c;
	char url[64];

	for (int i = 0; i < b->clients_want; i++)
		connect_to(b, ws_url, &client_callbacks, &b->clients[i]);
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d/direct", ws_server_port(b->feed));
	connect_to(b, url, &direct_callbacks, &c);
	uv_timer_start(&b->tick, on_tick, 100, b->period_ms);
	uv_timer_start(&b->phase, on_warm, WARM_MS, 0);
}

static void on_alloc(uv_handle_t *h, size_t want, uv_buf_t *out)
{
	struct bench *b = h->data;

	(void)want;
	*out = uv_buf_init(b->log + b->log_len, (unsigned)(sizeof(b->log) - 1 - b->log_len));
}

/* The server says where it listens; what comes later is of no interest. */
static void on_log(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct bench *b = stream->data;
	char *at, url[64];

	(void)buf;
	if (n <= 0) {
		b->is_failed = b->is_failed || !b->is_over;
		uv_read_stop(stream);
		return;
	}
	b->log_len += (size_t)n;
	b->log[b->log_len] = '\0';
	at = strstr(b->log, "ticks    ws://");
	if (at && strchr(at, '\n') && !b->clients[0] && !b->is_failed) {
		snprintf(url, sizeof(url), "%.*s", (int)strcspn(at + 9, "\n"), at + 9);
		on_server_up(b, url);
	}
	if (sizeof(b->log) - b->log_len < 512)
		b->log_len = 0;
}

static void on_exit_child(uv_process_t *p, int64_t status, int signal_number)
{
	struct bench *b = p->data;

	(void)signal_number;
	if (status != 0)
		fprintf(stderr, "bench_latency: agnidata ended with %lld\n%s\n", (long long)status,
			b->log);
	uv_close((uv_handle_t *)p, NULL);
}

static int start_server(struct bench *b)
{
	uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}, {.flags = UV_IGNORE}};
	char *args[] = {"./agnidata",
			"--set",
			"upstream.mode=upstox",
			"--set",
			b->api_arg,
			"--set",
			"token.access_token=bench",
			"--set",
			"redis.url=",
			"--set",
			"http.listen=127.0.0.1:0",
			"--set",
			"stream.listen=127.0.0.1:0",
			"--set",
			"server.clock=feed",
			NULL};
	uv_process_options_t o = {.exit_cb = on_exit_child,
				  .file = args[0],
				  .args = args,
				  .stdio_count = 3,
				  .stdio = stdio};

	snprintf(b->api_arg, sizeof(b->api_arg), "upstream.api_url=http://127.0.0.1:%d",
		 http_server_port(b->http));
	uv_pipe_init(&b->loop.uv, &b->child_log, 0);
	b->child_log.data = b->child.data = b;
	stdio[2].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
	stdio[2].data.stream = (uv_stream_t *)&b->child_log;
	if (uv_spawn(&b->loop.uv, &b->child, &o) < 0) {
		fprintf(stderr, "bench_latency: no ./agnidata here: run make first\n");
		return -1;
	}
	return uv_read_start((uv_stream_t *)&b->child_log, on_alloc, on_log);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void print_row(const char *name, struct samples *s)
{
	if (s->n == 0) {
		printf("  %-44s no sample\n", name);
		return;
	}
	printf("  %-44s %8.0f %8.0f %8.0f %9zu\n", name, stats_median(s->us, s->n),
	       stats_quantile(s->us, s->n, 0.99), stats_quantile(s->us, s->n, 0.999), s->n);
}

static int run(int clients, unsigned period_ms)
{
	static const struct http_limits limits = {.header_timeout_ms = 10000,
						  .body_timeout_ms = 10000,
						  .idle_timeout_ms = 60000,
						  .head_max_bytes = 16384,
						  .target_max_bytes = 8192,
						  .headers_max = 100,
						  .connections_max = 100};
	struct bench *b = mem_zalloc(sizeof(*b));
	const struct http_route routes[] = {
		{"GET", "/v3/feed/market-data-feed/authorize", on_authorize, b, 0}, {0}};
	struct http_server_config hc = {
		.loop = &b->loop, .host = "127.0.0.1", .limits = limits, .routes = routes};
	struct ws_server_config wc = {.name = "bench-feed",
				      .host = "127.0.0.1",
				      .callbacks = &feed_callbacks,
				      .arg = b,
				      .message_max_bytes = 1 << 20};
	struct agni_err err;
	char name[64];
	int rc = 1;

	clock_init(&b->clock, CLOCK_SYSTEM);
	b->clients_want = clients;
	b->period_ms = period_ms;
	b->relayed.us = mem_alloc(SAMPLES_MAX * sizeof(double));
	b->bare.us = mem_alloc(SAMPLES_MAX * sizeof(double));
	b->encoder = feed_encoder_create();
	if (loop_init(&b->loop, &b->clock) < 0 || ws_create(&b->loop, &b->ws, &err) < 0 ||
	    http_server_create(&hc, &b->http, &err) < 0 || http_server_listen(b->http, &err) < 0 ||
	    ws_server_create(b->ws, &wc, &b->feed, &err) < 0) {
		fprintf(stderr, "bench_latency: %s\n", err.text);
		return 1;
	}
	uv_timer_init(&b->loop.uv, &b->tick);
	uv_timer_init(&b->loop.uv, &b->phase);
	b->tick.data = b->phase.data = b;
	if (start_server(b) == 0) {
		while (!b->is_over && !b->is_failed)
			uv_run(&b->loop.uv, UV_RUN_ONCE);
		uv_process_kill(&b->child, SIGTERM);
		snprintf(name, sizeof(name), "through agnidata, %d client%s, %u messages/s",
			 clients, clients == 1 ? "" : "s", 1000 / period_ms);
		print_row(name, &b->relayed);
		print_row("the bare hop, compared", &b->bare);
		if (b->relayed.n == 0)
			fprintf(stderr, "bench_latency: nothing came through:\n%s\n", b->log);
		rc = b->is_failed || b->relayed.n == 0;
	}
	uv_timer_stop(&b->tick);
	uv_close((uv_handle_t *)&b->tick, NULL);
	uv_close((uv_handle_t *)&b->phase, NULL);
	uv_close((uv_handle_t *)&b->child_log, NULL);
	http_server_stop(b->http, 0, nothing, NULL);
	ws_destroy(b->ws, nothing, NULL);
	if (loop_fini(&b->loop) != 0)
		fprintf(stderr, "bench_latency: handles are left\n");
	feed_encoder_destroy(b->encoder);
	buf_fini(&b->message);
	buf_fini(&b->frame);
	free(b->relayed.us);
	free(b->bare.us);
	free(b);
	return rc;
}

int main(void)
{
	int rc;

	signal(SIGPIPE, SIG_IGN);
	printf("wire to frame, us; messages of %d full feeds\n", FEEDS);
	printf("  %-44s %8s %8s %8s %9s\n", "", "p50", "p99", "p99.9", "samples");
	rc = run(1, 1);
	return rc ? rc : run(100, 20);
}
