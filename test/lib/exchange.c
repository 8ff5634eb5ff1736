/* SPDX-License-Identifier: MIT
 *
 * exchange: see exchange.h.
 */
#include "exchange.h"

#include <stdio.h>

#include "check.h"
#include "core/json.h"
#include "core/log.h"

#include <cjson/cJSON.h>

static void on_wake(uv_timer_t *t)
{
	(void)t;
}

void exchange_run(struct exchange *x, bool (*cond)(void *arg), void *arg)
{
	int64_t end;

	pace_turn(&x->pace); /* what the test did meanwhile is no turn */
	end = pace_ms(&x->pace) + EXCHANGE_DEADLINE_MS;
	while (!cond(arg)) {
		if (pace_ms(&x->pace) > end)
			fail_msg("waited for %d ms in vain", EXCHANGE_DEADLINE_MS);
		uv_run(&x->loop.uv, UV_RUN_ONCE);
		pace_turn(&x->pace);
	}
}

struct span {
	const struct pace *pace;
	int64_t end_ms;
};

static bool is_over(void *arg)
{
	const struct span *span = arg;

	return pace_ms(span->pace) >= span->end_ms;
}

void exchange_run_ms(struct exchange *x, uint64_t ms)
{
	struct span span = {.pace = &x->pace};

	pace_turn(&x->pace);
	span.end_ms = pace_ms(&x->pace) + (int64_t)ms;
	exchange_run(x, is_over, &span);
}

static void config_of(struct exchange *x, struct config_section out[2])
{
	out[0] = (struct config_section){"sim", sim_config_keys, &x->cfg, "simulated exchange"};
	out[1] = (struct config_section){0};
}

void exchange_up(struct exchange *x, const char *const *settings)
{
	struct config_section sections[2];
	struct agni_err err = {0};
	char line[512];

	memset(x, 0, sizeof(*x));
	config_of(x, sections);
	config_defaults(sections);
	for (; *settings; settings++) {
		snprintf(line, sizeof(line), "sim.%s", *settings);
		if (config_set(sections, line, &err) != 0)
			fail_msg("%s", err.text);
	}
	log_setup(LOG_WARN, LOG_TEXT);
	clock_init(&x->clock, CLOCK_SYSTEM);
	check_i64(loop_init(&x->loop, &x->clock), 0);
	uv_timer_init(&x->loop.uv, &x->wake);
	uv_timer_start(&x->wake, on_wake, 10, 10);
	pace_start(&x->pace);
	check_i64(ws_create(&x->loop, &x->ws, &err), 0);
	x->http = http_client_create(&x->loop, NULL);
	x->sim = sim_create(&(struct sim_deps){&x->loop, x->ws, &x->cfg});
	if (sim_module(x->sim)->ops->start(sim_module(x->sim), &err) != 0)
		fail_msg("%s", err.text);
}

static bool is_down(void *arg)
{
	return ((struct exchange *)arg)->open_parts == 0;
}

static struct exchange *going_down; /* module_stopped_fn has no argument of ours */

static void on_stopped(struct module *m)
{
	(void)m;
	going_down->open_parts--;
}

static void on_part(void *arg)
{
	((struct exchange *)arg)->open_parts--;
}

void exchange_stop(struct exchange *x)
{
	struct module *m = sim_module(x->sim);

	going_down = x;
	x->open_parts = 1;
	m->ops->stop(m, on_stopped);
	exchange_run(x, is_down, x);
	x->is_stopped = true;
}

void exchange_down(struct exchange *x)
{
	struct config_section sections[2];

	if (!x->is_stopped)
		exchange_stop(x);
	x->open_parts = 2;
	http_client_close(x->http, on_part, x);
	ws_destroy(x->ws, on_part, x);
	exchange_run(x, is_down, x);
	sim_destroy(x->sim);
	uv_close((uv_handle_t *)&x->wake, NULL);
	check_i64(loop_fini(&x->loop), 0);
	config_of(x, sections);
	config_fini(sections);
}

/* --- HTTP ------------------------------------------------------------------------------------ */

static void on_reply(void *arg, const struct http_result *result)
{
	struct exchange_reply *r = arg;

	r->is_done = true;
	r->status = result->code == 0 ? result->status : result->code;
	snprintf(r->location, sizeof(r->location), "%s", result->code ? "" : result->location);
	snprintf(r->type, sizeof(r->type), "%s", result->code ? "" : result->content_type);
	buf_reset(&r->body);
	if (result->code == 0)
		buf_append(&r->body, result->body, result->body_len);
	buf_cstr(&r->body);
}

static bool is_answered(void *arg)
{
	return ((struct exchange_reply *)arg)->is_done;
}

void exchange_call(struct exchange *x, const char *method, const char *path, const char *token,
		   struct exchange_reply *r)
{
	char url[512], bearer[256];
	struct agni_err err = {0};
	struct http_call_options o = {
		.method = method,
		.url = url,
		.authorization = bearer,
		.timeout_ms = EXCHANGE_DEADLINE_MS,
		.response_max = 1 << 20,
	};

	token = token ? token : sim_token(x->sim);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", sim_http_port(x->sim), path);
	snprintf(bearer, sizeof(bearer), "Bearer %s", token);
	if (!token[0])
		o.authorization = NULL;
	r->is_done = false;
	if (!http_call_start(x->http, &o, on_reply, r, &err))
		fail_msg("%s", err.text);
	exchange_run(x, is_answered, r);
}

void exchange_fault(struct exchange *x, const char *query)
{
	struct exchange_reply r = {0};
	char path[128];

	snprintf(path, sizeof(path), "/sim/fault?%s", query);
	exchange_call(x, "POST", path, "", &r);
	check_i64(r.status, 200);
	buf_fini(&r.body);
}

void exchange_uri(struct exchange *x, char *out, size_t size)
{
	struct exchange_reply r = {0};
	struct agni_err err;
	cJSON *json;
	const char *uri;

	exchange_call(x, "GET", "/v3/feed/market-data-feed/authorize", NULL, &r);
	check_i64(r.status, 200);
	json = json_parse(r.body.data, r.body.len, &err);
	check(json != NULL);
	uri = json_string(cJSON_GetObjectItem(json, "data"), "authorized_redirect_uri");
	check(uri != NULL);
	snprintf(out, size, "%s", uri);
	cJSON_Delete(json);
	buf_fini(&r.body);
}

uint64_t exchange_counter(struct exchange *x, const char *name)
{
	struct module *m = sim_module(x->sim);
	const struct metric *t = m->ops->metrics;

	for (; t->name; t++) {
		if (strcmp(t->name, name) == 0)
			return *(const uint64_t *)(const void *)((char *)m - m->ops->mod_offset +
								 t->offset);
	}
	fail_msg("no metric %s", name);
	return 0;
}

/* --- feed clients ---------------------------------------------------------------------------- */

static void *on_open(void *arg, struct ws_conn *c, const struct ws_handshake *h)
{
	(void)c;
	(void)h;
	((struct peer *)arg)->is_open = true;
	return arg;
}

static void on_message(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
		       size_t len)
{
	struct peer *p = user;

	(void)c;
	if (op == WS_TEXT) {
		p->texts++;
		return;
	}
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 64;
		p->msgs = mem_realloc(p->msgs, p->cap * sizeof(*p->msgs));
	}
	p->msgs[p->n] = (struct buf){0};
	buf_append(&p->msgs[p->n++], data, len);
}

static void on_close(void *user, struct ws_conn *c, int code, const char *reason)
{
	struct peer *p = user;

	(void)c;
	(void)reason;
	p->is_closed = true;
	p->close_code = code;
	p->conn = NULL;
}

static void on_refused(void *user, int status, const char *location, const char *why)
{
	struct peer *p = user;

	(void)location;
	(void)why;
	p->is_closed = true;
	p->refused_status = status;
	p->conn = NULL;
}

static const struct ws_callbacks peer_callbacks = {
	.on_open = on_open,
	.on_message = on_message,
	.on_close = on_close,
};

static bool is_settled(void *arg)
{
	const struct peer *p = arg;

	return p->is_open || p->is_closed;
}

void peer_connect(struct exchange *x, struct peer *p, const char *uri)
{
	struct url url;
	struct agni_err err = {0};
	struct ws_client_config cfg = {
		.url = &url,
		.callbacks = &peer_callbacks,
		.user = p,
		.on_refused = on_refused,
		.message_max_bytes = 16 << 20,
	};

	memset(p, 0, sizeof(*p));
	check_i64(url_parse(uri, &url, &err), 0);
	if (ws_client_connect(x->ws, &cfg, &p->conn, &err) != 0)
		fail_msg("%s", err.text);
	exchange_run(x, is_settled, p);
}

void peer_open(struct exchange *x, struct peer *p)
{
	char uri[1024];

	exchange_uri(x, uri, sizeof(uri));
	peer_connect(x, p, uri);
	check(p->is_open);
}

void peer_request(struct peer *p, enum control_method method, enum request_mode mode,
		  const char *const *keys, uint32_t n)
{
	struct buf b = {0};

	control_write(&b, method, mode, keys, n);
	check(p->conn != NULL);
	ws_conn_send_message(p->conn, WS_BINARY, b.data, b.len);
	buf_fini(&b);
}

struct wanted {
	struct peer *peer;
	uint32_t n;
};

static bool has_messages(void *arg)
{
	const struct wanted *w = arg;

	return w->peer->n >= w->n || w->peer->is_closed;
}

void peer_wait(struct exchange *x, struct peer *p, uint32_t n)
{
	exchange_run(x, has_messages, &(struct wanted){p, n});
}

static bool is_gone(void *arg)
{
	return ((struct peer *)arg)->is_closed;
}

void peer_wait_close(struct exchange *x, struct peer *p)
{
	exchange_run(x, is_gone, p);
}

void peer_frame(const struct peer *p, uint32_t i, struct feed_frame *f)
{
	struct agni_err err = {0};

	check(i < p->n);
	if (feed_frame_scan(f, p->msgs[i].data, p->msgs[i].len, &err) != 0)
		fail_msg("message %u: %s", i, err.text);
}

void peer_fini(struct exchange *x, struct peer *p)
{
	if (p->conn) {
		ws_conn_close(p->conn, WS_CLOSE_NORMAL, "");
		peer_wait_close(x, p);
	}
	for (uint32_t i = 0; i < p->n; i++)
		buf_fini(&p->msgs[i]);
	free(p->msgs);
	memset(p, 0, sizeof(*p));
}
