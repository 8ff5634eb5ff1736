/* SPDX-License-Identifier: MIT
 *
 * broker: see broker.h.
 */
#include "broker.h"

#include <stdio.h>

#include "check.h"
#include "upstox/control.h"

/* --- the gate --------------------------------------------------------------------------------- */

static bool on_handshake(void *arg, const struct ws_handshake *h, struct ws_refusal *r)
{
	struct gate *g = arg;

	g->handshakes++;
	snprintf(g->authorization, sizeof(g->authorization), "%s", h->authorization);
	snprintf(g->path, sizeof(g->path), "%s", h->path);
	r->status = g->refuse_status;
	return g->refuse_status == 0;
}

static void *on_open(void *arg, struct ws_conn *c, const struct ws_handshake *h)
{
	struct gate *g = arg;

	(void)h;
	g->opens++;
	g->old = g->conn;
	g->conn = c;
	return g;
}

static void on_message(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
		       size_t len)
{
	static const char *const methods[] = {"sub", "unsub", "change_mode"};
	struct gate *g = user;
	struct control_request r;
	struct agni_err err;

	(void)c;
	g->texts += op == WS_TEXT;
	if (control_parse(&r, data, len, &err) < 0)
		fail_msg("%s: %.*s", err.text, (int)len, (const char *)data);
	buf_printf(&g->asked, "%s", methods[r.method]);
	if (r.has_mode)
		buf_printf(&g->asked, " %s", request_mode_text(r.mode));
	for (uint32_t i = 0; i < r.keys_n; i++)
		buf_printf(&g->asked, "%c%s", i ? ',' : ' ', r.keys[i]);
	buf_byte(&g->asked, '\n');
	buf_cstr(&g->asked);
	g->requests++;
	control_fini(&r);
}

static void on_close(void *user, struct ws_conn *c, int code, const char *reason)
{
	struct gate *g = user;

	(void)reason;
	g->closes++;
	g->close_code = code;
	if (g->conn == c)
		g->conn = NULL;
	if (g->old == c)
		g->old = NULL;
}

static const struct ws_callbacks gate_callbacks = {
	.on_handshake = on_handshake,
	.on_open = on_open,
	.on_message = on_message,
	.on_close = on_close,
};

static void gate_up(struct broker *b)
{
	struct agni_err err = {0};
	struct ws_server_config cfg = {.name = "gate",
				       .host = "127.0.0.1",
				       .callbacks = &gate_callbacks,
				       .arg = &b->gate,
				       .message_max_bytes = 1 << 20};

	b->gate = (struct gate){0};
	if (ws_server_create(b->rig.ws, &cfg, &b->gate.server, &err) < 0)
		fail_msg("%s", err.text);
	b->gate.port = ws_server_port(b->gate.server);
}

void gate_say(struct broker *b, enum ws_opcode op, const void *bytes, size_t len)
{
	struct buf frame = {0};

	check(b->gate.conn != NULL);
	ws_frame_append(&frame, op, bytes, len);
	check_i64(ws_conn_send(b->gate.conn, frame.data, frame.len), WS_SENT);
	buf_fini(&frame);
}

static void say_encoded(struct broker *b)
{
	struct buf out = {0};

	feed_encoder_end(b->encoder, &out);
	gate_say(b, WS_BINARY, out.data, out.len);
	buf_fini(&out);
}

void gate_say_ltp(struct broker *b, enum feed_type type, int64_t ts_ms, const char *key,
		  price_t ltp)
{
	struct quote q = {.present = QUOTE_LTP | QUOTE_LTT | QUOTE_MSG_LTPC,
			  .arm = ARM_LTPC,
			  .ltp = ltp,
			  .ltt = ts_ms};

	feed_encoder_begin(b->encoder, type, ts_ms);
	feed_encoder_add(b->encoder, key, &q, MODE_LTPC);
	say_encoded(b);
}

void gate_old_says_ltp(struct broker *b, enum feed_type type, int64_t ts_ms, const char *key,
		       price_t ltp)
{
	struct ws_conn *newest = b->gate.conn;

	b->gate.conn = b->gate.old;
	gate_say_ltp(b, type, ts_ms, key, ltp);
	b->gate.conn = newest;
}

void gate_say_status(struct broker *b, int64_t ts_ms, const char *segment,
		     enum market_status status)
{
	feed_encoder_begin(b->encoder, FEED_MARKET_INFO, ts_ms);
	feed_encoder_add_status(b->encoder, segment, status);
	say_encoded(b);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void tokens_up(struct broker *b)
{
	static const struct script_reply replies[] = {
		{200, "{\"success\":true,\"access_token\":\"tok1\"}", NULL},
		{200, "{\"success\":true,\"access_token\":\"tok2\"}", NULL},
		{200, "{\"success\":true,\"access_token\":\"tok3\"}", NULL},
		{200, "{\"success\":true,\"access_token\":\"tok4\"}", NULL},
	};

	script_up(&b->rig, &b->token_api, replies, ARRAY_LEN(replies));
	snprintf(b->token_url, sizeof(b->token_url), "http://127.0.0.1:%d/token",
		 b->token_api.port);
	keeper_up(&b->rig, &b->keeper, b->http);
	b->keeper.cfg.source_url = b->token_url;
	b->keeper.cfg.timeout_ms = 60000;
	b->keeper.cfg.retry_ms = 500;
	b->keeper.cfg.retries = 100;
	keeper_start(&b->keeper);
	b->token = b->keeper.token;
	b->token_mod = b->keeper.mod;
	keeper_until_ready(&b->rig, &b->keeper);
}

static void on_status(void *arg)
{
	((struct broker *)arg)->statuses++;
}

void broker_up(struct broker *b)
{
	broker_up_trusting(b, NULL);
}

void broker_up_trusting(struct broker *b, const char *ca_file)
{
	memset(b, 0, sizeof(*b));
	snprintf(b->ca_file, sizeof(b->ca_file), "%s", ca_file ? ca_file : "");
	ws_rig_up(&b->rig);
	b->http = http_client_create(&b->rig.loop, ca_file);
	market_init(&b->market, &b->rig.loop);
	b->encoder = feed_encoder_create();
	gate_up(b);
	tokens_up(b);
	snprintf(b->uri[0], sizeof(b->uri[0]),
		 "{\"status\":\"success\",\"data\":{\"authorized_redirect_uri\":"
		 "\"ws://127.0.0.1:%d/feeds?requestId=1&code=2\"}}",
		 b->gate.port);
	b->authorized[0] = (struct script_reply){200, b->uri[0], NULL};
	script_up(&b->rig, &b->api, b->authorized, 1);
	snprintf(b->api_url, sizeof(b->api_url), "http://127.0.0.1:%d/", b->api.port);
	b->cfg = (struct feed_config){.mode = UPSTREAM_UPSTOX,
				      .api_url = b->api_url,
				      .feed_url = b->feed_url,
				      .ca_file = b->ca_file,
				      .stale_ms = 60000,
				      .connect_timeout_ms = 5000,
				      .frame_max_bytes = 1 << 20,
				      .ping_s = 60,
				      .pong_s = 60,
				      .backoff_min_ms = 20,
				      .backoff_max_ms = 40,
				      .forbidden_retry_s = 3600,
				      .subscribe_batch = 3};
}

void broker_start(struct broker *b)
{
	b->feed = feed_create(&(struct feed_deps){.loop = &b->rig.loop,
						  .ws = b->rig.ws,
						  .http = b->http,
						  .book = &b->market.book,
						  .tape = &b->market.tape,
						  .interest = &b->market.interest,
						  .token = b->token,
						  .cfg = &b->cfg,
						  .api_url = b->empty,
						  .on_status = on_status,
						  .arg = b});
	b->mod = feed_module(b->feed);
	module_up(b->mod);
}

void broker_down(struct broker *b)
{
	module_down(&b->rig, b->mod);
	feed_destroy(b->feed); /* allowed from here on, whatever is still on its way */
	keeper_down(&b->rig, &b->keeper);
	script_down(&b->rig, &b->api);
	script_down(&b->rig, &b->token_api);
	http_client_down(&b->rig, b->http);
	ws_rig_down(&b->rig);
	feed_encoder_destroy(b->encoder);
	buf_fini(&b->gate.asked);
	market_fini(&b->market);
}

struct wanted_state {
	const struct broker *b;
	enum feed_state state;
};

static bool is_in_state(void *arg)
{
	const struct wanted_state *w = arg;

	return w->b->feed->state == w->state;
}

void broker_until(struct broker *b, enum feed_state state)
{
	if (!ws_rig_until(&b->rig, is_in_state, &(struct wanted_state){b, state}, PARTS_WAIT_MS))
		fail_msg("not in state %d, but in %d: %s", state, b->feed->state, b->feed->why);
}

struct wanted_requests {
	const struct broker *b;
	unsigned n;
};

static bool has_requests(void *arg)
{
	const struct wanted_requests *w = arg;

	return w->b->gate.requests >= w->n;
}

void broker_until_requests(struct broker *b, unsigned n)
{
	rig_until(&b->rig, has_requests, &(struct wanted_requests){b, n});
}

void broker_connect(struct broker *b)
{
	broker_start(b);
	broker_until(b, FEED_SUBSCRIBING);
}

int broker_log_begin(void **state)
{
	(void)state;
	log_capture();
	return 0;
}

int broker_log_end(void **state)
{
	static const char *const tokens[] = {"tok1", "tok2", "tok-"};
	int leaks = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
		leaks += strstr(log_captured(), tokens[i]) != NULL;
	log_release();
	return leaks;
}
