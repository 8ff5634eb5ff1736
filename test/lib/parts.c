/* SPDX-License-Identifier: MIT
 *
 * parts: see parts.h.
 */
#include "parts.h"

#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "core/log.h"

/* --- modules ---------------------------------------------------------------------------------- */

void rig_until(struct ws_rig *r, bool (*cond)(void *arg), void *arg)
{
	if (!ws_rig_until(r, cond, arg, PARTS_WAIT_MS))
		fail_msg("waited for %d ms in vain", PARTS_WAIT_MS);
}

void module_up(struct module *m)
{
	struct agni_err err = {0};

	if (m->ops->start && m->ops->start(m, &err) < 0)
		fail_msg("%s: %s", m->ops->name, err.text);
	if (m->ops->listen && m->ops->listen(m, &err) < 0)
		fail_msg("%s: %s", m->ops->name, err.text);
	if (m->ops->begin)
		m->ops->begin(m);
}

static struct module *last_stopped; /* module_stopped_fn has no argument of ours */
static unsigned stops;

static void on_stopped(struct module *m)
{
	last_stopped = m;
	stops++;
}

static bool has_stopped(void *arg)
{
	return last_stopped == arg;
}

void module_down(struct ws_rig *r, struct module *m)
{
	last_stopped = NULL;
	stops = 0;
	m->ops->stop(m, on_stopped);
	rig_until(r, has_stopped, m);
	ws_rig_turn(r);
	check_i64(stops, 1);
}

uint64_t module_metric(const struct module *m, const char *name)
{
	for (const struct metric *t = m->ops->metrics; t && t->name; t++) {
		if (strcmp(t->name, name) == 0)
			return *(const uint64_t *)(const void *)((const char *)m -
								 m->ops->mod_offset + t->offset);
	}
	fail_msg("%s has no metric %s", m->ops->name, name);
	return 0;
}

static void set_true(void *arg)
{
	*(bool *)arg = true;
}

static bool is_true(void *arg)
{
	return *(bool *)arg;
}

void http_client_down(struct ws_rig *r, struct http_client *c)
{
	bool is_closed = false;

	http_client_close(c, set_true, &is_closed);
	rig_until(r, is_true, &is_closed);
	ws_rig_turn(r);
}

struct http_server *http_server_up(struct ws_rig *r, const struct http_server_config *cfg)
{
	struct http_server_config full = *cfg;
	struct http_server *s;
	struct agni_err err = {0};

	full.loop = &r->loop;
	full.host = "127.0.0.1";
	full.limits = (struct http_limits){.header_timeout_ms = 60000,
					   .body_timeout_ms = 60000,
					   .idle_timeout_ms = 60000,
					   .head_max_bytes = 16384,
					   .target_max_bytes = 8192,
					   .headers_max = 100,
					   .body_max_bytes = 65536,
					   .connections_max = 100};
	if (http_server_create(&full, &s, &err) < 0 || http_server_listen(s, &err) < 0)
		fail_msg("%s", err.text);
	return s;
}

void http_server_down(struct ws_rig *r, struct http_server *s)
{
	bool is_stopped = false;

	http_server_stop(s, 0, set_true, &is_stopped);
	rig_until(r, is_true, &is_stopped);
	ws_rig_turn(r);
}

/* --- one HTTP request ------------------------------------------------------------------------- */

static void on_answer(void *arg, const struct http_result *res)
{
	struct answer *a = arg;

	a->is_done = true;
	a->code = res->code;
	a->status = res->status;
	snprintf(a->type, sizeof(a->type), "%s", res->code ? res->error : res->content_type);
	if (res->code == 0)
		buf_append(&a->body, res->body, res->body_len);
	buf_cstr(&a->body);
}

void http_ask(struct ws_rig *r, struct http_client *c, int port, const char *method,
	      const char *target, struct answer *a)
{
	char url[1024];
	struct agni_err err = {0};
	struct http_call_options o = {.method = method ? method : "GET",
				      .url = url,
				      .authorization = a->authorization,
				      .timeout_ms = PARTS_WAIT_MS,
				      .response_max = 16 << 20};

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, target);
	a->is_done = false;
	buf_reset(&a->body);
	if (!http_call_start(c, &o, on_answer, a, &err))
		fail_msg("%s", err.text);
	rig_until(r, is_true, &a->is_done);
}

/* --- the log ---------------------------------------------------------------------------------- */

static FILE *log_file;
static struct buf log_text;

void log_capture(void)
{
	log_file = tmpfile();
	check(log_file != NULL);
	log_to_fd(fileno(log_file));
	log_setup(LOG_DEBUG, LOG_TEXT);
}

const char *log_captured(void)
{
	char block[4096];
	ssize_t n;

	buf_reset(&log_text);
	while ((n = pread(fileno(log_file), block, sizeof(block), (off_t)log_text.len)) > 0)
		buf_append(&log_text, block, (size_t)n);
	return buf_cstr(&log_text);
}

void log_release(void)
{
	log_to_fd(STDERR_FILENO);
	log_setup(LOG_INFO, LOG_TEXT);
	fclose(log_file);
	buf_fini(&log_text);
}

/* --- a market --------------------------------------------------------------------------------- */

static void get_status(const void *arg, struct upstream_status *out)
{
	*out = ((const struct market *)arg)->status;
}

static bool is_stale(const void *arg, inst_id id)
{
	(void)id;
	return ((const struct market *)arg)->is_stale;
}

void market_init(struct market *m, struct loop *loop)
{
	*m = (struct market){.loop = loop,
			     .status = {.state = "live",
					.why = "data flows",
					.code = "",
					.is_live = true,
					.is_connected = true,
					.is_session_open = true}};
	book_init(&m->book, 16384);
	tape_init(&m->tape, 1024);
	interest_init(&m->interest);
	m->view = (struct upstream_view){.status = get_status, .is_stale = is_stale, .arg = m};
}

void market_fini(struct market *m)
{
	interest_fini(&m->interest);
	tape_fini(&m->tape);
	book_fini(&m->book);
}

const struct slot *market_tick(struct market *m, const char *key, const struct quote *q)
{
	inst_id id = instruments_intern(&m->book.instruments, key, strlen(key));
	struct tick_meta meta = {.ts_ms = clock_wall_ms(m->loop->clock),
				 .recv_ms = clock_wall_ms(m->loop->clock),
				 .recv_mono = clock_mono(m->loop->clock)};
	struct tick tick = {.key = key, .key_len = (uint32_t)strlen(key), .q = *q};
	struct slot *slot;

	check(id != INST_NONE);
	tape_begin(&m->tape, &meta);
	slot = book_merge(&m->book, id, &tick, &meta);
	book_publish(&m->book, id, slot, tape_append(&m->tape, id, &tick));
	tape_end(&m->tape);
	book_turn(&m->book, meta.ts_ms);
	return slot;
}

const struct slot *market_ltp(struct market *m, const char *key, price_t ltp)
{
	struct quote q = {.present = QUOTE_LTP | QUOTE_LTT | QUOTE_MSG_LTPC,
			  .arm = ARM_LTPC,
			  .ltp = ltp,
			  .ltt = clock_wall_ms(m->loop->clock)};

	return market_tick(m, key, &q);
}
