/* SPDX-License-Identifier: MIT
 *
 * status: what the server says of itself, as a document in Redis: the long form of /health, and the
 * figures that a monitor shows. Written each 2 s while Redis is on; at a clean stop it is deleted.
 */
#include <stdio.h>

#include "api/api_internal.h"
#include "core/ist.h"

#define FIRST_MS 500
#define EACH_MS  2000

static void put_time(struct buf *b, const char *name, int64_t ms)
{
	char text[IST_TEXT];

	if (ms == 0) {
		buf_printf(b, ",\"%s\":null,\"%s_ms\":null", name, name);
		return;
	}
	api_put_string(b, name, ist_format(ms, text));
	buf_printf(b, ",\"%s_ms\":%lld", name, (long long)ms);
}

static void put_upstream(const struct upstream_status *up, struct buf *b)
{
	buf_printf(b, ",\"upstream\":{\"is_live\":%s", up->is_live ? "true" : "false");
	api_put_string(b, "state", up->state);
	api_put_string(b, "why", up->why);
	api_put_string(b, "code", up->code);
	put_time(b, "since", up->since_ms);
	buf_byte(b, '}');
}

/* Nothing that would help who wants the token: no account, no fingerprint. */
static void put_token(const struct api *a, struct buf *b)
{
	struct token_status st;

	token_status(a->deps.token, &st);
	buf_printf(b, ",\"token\":{\"has_token\":%s,\"generation\":%llu",
		   st.has_token ? "true" : "false", (unsigned long long)st.generation);
	api_put_string(b, "state", st.state_text);
	put_time(b, "expires", st.expires_ms);
	buf_byte(b, '}');
}

static void put_figures(const struct api *a, struct buf *b)
{
	uint64_t clients = a->deps.count_clients ? a->deps.count_clients(a->deps.clients_arg) : 0;

	api_put_string(b, "epoch", a->deps.tape->epoch);
	buf_printf(b, ",\"seq\":%llu,\"ticks\":%llu,\"instruments\":%u",
		   (unsigned long long)a->deps.tape->seq, (unsigned long long)a->deps.book->ticks,
		   a->deps.book->live);
	buf_printf(b, ",\"clients\":%llu,\"rss_bytes\":%llu,\"uptime_s\":%llu",
		   (unsigned long long)clients, (unsigned long long)api_rss_bytes(),
		   (unsigned long long)((clock_mono(a->deps.loop->clock) - a->started) / NS_PER_S));
}

void status_put(const struct api *a, struct buf *out)
{
	struct upstream_status up;
	struct health_look look;

	a->deps.upstream->status(a->deps.upstream->arg, &up);
	health_look(a, &look);
	buf_printf(out, "{\"service\":\"agnidata\",\"status\":\"%s\"", health_text(look.health));
	api_put_string(out, "code", look.code);
	api_put_string(out, "why", look.why.len ? look.why.data : "all is well");
	api_put_string(out, "version", a->deps.version);
	api_put_string(out, "source", a->deps.source);
	put_time(out, "started", a->started_ms);
	buf_printf(out, ",\"now_ms\":%lld", (long long)clock_wall_ms(a->deps.loop->clock));
	health_put_market(a, &up, out);
	put_figures(a, out);
	put_upstream(&up, out);
	put_token(a, out);
	buf_append(out, look.modules.data, look.modules.len);
	buf_byte(out, '}');
	health_look_fini(&look);
}

static void on_timer(uv_timer_t *timer)
{
	struct api *a = container_of(timer, struct api, status_timer);

	tape_flush(a->deps.tape); /* what is told of is on the tape */
	buf_reset(&a->status);
	status_put(a, &a->status);
	(void)store_doc_set(a->deps.store, KEY_STATUS, NULL, a->status.data, a->status.len);
}

void status_start(struct api *a)
{
	uv_timer_init(&a->deps.loop->uv, &a->status_timer);
	if (a->deps.store && store_is_on(a->deps.store))
		uv_timer_start(&a->status_timer, on_timer, FIRST_MS, EACH_MS);
}

void status_stop(struct api *a, uv_close_cb done)
{
	uv_close((uv_handle_t *)&a->status_timer, done);
}
