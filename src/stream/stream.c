/* SPDX-License-Identifier: MIT
 *
 * stream: listener, timers and the module; see stream.h.
 */
#include "stream/stream.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/rand.h"
#include "core/url.h"
#include "stream/selection.h"
#include "stream/stream_internal.h"

#define SWEEP_MS         250
#define STOP_PATIENCE_NS (800 * NS_PER_MS)

/* --- connections ----------------------------------------------------------------------------- */

static void *on_open(void *arg, struct ws_conn *conn, const struct ws_handshake *h)
{
	struct stream *s = arg;
	struct client *c;

	if (compat_is_feed(h->path))
		return compat_open(&s->compat, conn, h);
	c = client_create(s, conn);
	memcpy(&c->caller, h->room, sizeof(c->caller));
	if (s->deps.auth)
		auth_connection_opened(s->deps.auth, &c->caller);
	client_send_connection(c);
	return c;
}

static void on_message(void *user, struct ws_conn *conn, enum ws_opcode op, const void *data,
		       size_t len)
{
	struct client *c = user;

	(void)conn;
	(void)op; /* text or binary: the content decides */
	client_on_message(c, data, len);
}

static void on_writable(void *user, struct ws_conn *conn)
{
	struct client *c = user;

	(void)conn;
	client_writable(c);
	stream_arm(c->stream); /* this turn's ticks and what it is behind with go out together */
}

static bool is_over(const struct stream *s)
{
	return list_is_empty(&s->clients) && compat_is_over(&s->compat);
}

void stream_stop_if_idle(struct stream *s)
{
	if (s->is_stopping && s->timers_open == 0 && is_over(s))
		s->mod.done(&s->mod);
}

static void on_close(void *user, struct ws_conn *conn, int code, const char *reason)
{
	struct client *c = user;
	struct stream *s = c->stream;

	(void)conn;
	log_debug("stream", "client %s is gone: %d %s", c->id, code, reason);
	c->conn = NULL;
	client_destroy(c);
	stream_stop_if_idle(s);
}

static const struct ws_callbacks callbacks = {
	.on_handshake = stream_handshake,
	.on_request = stream_request,
	.on_open = on_open,
	.on_message = on_message,
	.on_writable = on_writable,
	.on_close = on_close,
};

/* --- ticks and turns ------------------------------------------------------------------------- */

void stream_arm(struct stream *s)
{
	if (s->hook.loop) /* NULL once stopping */
		hook_arm(&s->hook);
}

static void on_tick(struct book_subscriber *subscriber, inst_id id, const struct slot *slot)
{
	struct stream *s = container_of(subscriber, struct stream, subscriber);

	if (AGNI_UNLIKELY(id >= s->ids_cap))
		stream_grow(s, id);
	s->count[id]++;
	if (s->index[id].n == 0)
		return; /* nobody, or only in intervals */
	if (s->dirty.count == 0) {
		s->first_dirty = slot->recv_mono;
		s->first_seq = slot->seq;
	}
	bitset_add(&s->dirty, id);
	stream_arm(s);
}

static void on_signal(struct signals_listener *l, const struct signal *signal)
{
	(void)signal;
	channels_wake(container_of(l, struct stream, signals), CHANNEL_SIGNALS);
}

/* A cursor may go on. */
static void on_tape_ready(void *arg)
{
	stream_arm(arg);
}

/* A message to every client; json is consumed. */
static void send_to_all(struct stream *s, struct buf *json)
{
	list_for_each (it, &s->clients) {
		struct client *c = container_of(it, struct client, link);
		struct buf copy = {0};

		buf_append(&copy, json->data, json->len);
		if (c->conn)
			client_reply(c, &copy);
		else
			buf_fini(&copy);
	}
	buf_fini(json);
}

static void on_hook(struct turn_hook *hook)
{
	struct stream *s = container_of(hook, struct stream, hook);

	if (s->status_is_due) {
		struct buf json = {0};

		s->status_is_due = false;
		stream_status_json(s, &json);
		send_to_all(s, &json);
	}
	stream_flush(s);
	channels_flush(s); /* behind the ticks of which they tell */
}

void stream_status_changed(struct stream *s)
{
	s->status_is_due = true;
	compat_status_changed(&s->compat);
	stream_arm(s);
}

static void heartbeat(struct client *c)
{
	struct buf b = {0};

	c->sent_seq = client_considered(c);
	buf_printf(&b, "{\"type\":\"heartbeat\",\"seq\":%llu,\"server_time_ms\":%lld}",
		   (unsigned long long)c->sent_seq,
		   (long long)clock_wall_ms(c->stream->deps.loop->clock));
	client_reply(c, &b);
}

/* The right to be here is gone. */
static void close_for_key(struct client *c, const char *why)
{
	if (c->has_lost_key)
		return;
	c->has_lost_key = true;
	c->stream->keys_lost++;
	log_info("stream", "client %s of %s: closed: %s", c->id, c->caller.name, why);
	client_close(c, STREAM_CLOSE_KEY, why);
}

static void on_keys_change(struct auth_listener *l)
{
	struct stream *s = container_of(l, struct stream, keys);

	list_for_each (it, &s->clients) {
		struct client *c = container_of(it, struct client, link);

		if (!auth_is_current(s->deps.auth, &c->caller))
			close_for_key(c, c->caller.serial ? "the key was revoked or changed"
							  : "an API key is needed now");
	}
	compat_keys_changed(&s->compat);
}

static void sweep_client(struct client *c, mono_ns now, int64_t wall_ms)
{
	const struct stream_config *cfg = c->stream->deps.cfg;

	if (!c->conn)
		return;
	if (c->caller.expires_ms && wall_ms >= c->caller.expires_ms)
		close_for_key(c, "the key has expired");
	if (c->is_full && now - c->full_since > (uint64_t)cfg->stall_ms * NS_PER_MS) {
		if (c->is_stalled)
			return; /* was told; it is gone when its close frame is given up */
		c->is_stalled = true;
		c->stream->stalled++;
		log_info("stream", "client %s takes nothing for %lld ms: closed", c->id,
			 (long long)cfg->stall_ms);
		client_close(c, STREAM_CLOSE_STALLED, "the client does not read");
	} else if (!c->is_full && now - c->last_sent > (uint64_t)cfg->heartbeat_s * NS_PER_S) {
		heartbeat(c);
	}
	channels_send(c);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct stream *s = handle->data;

	s->timers_open--;
	stream_stop_if_idle(s);
}

static void close_timers(struct stream *s)
{
	if (uv_is_closing((uv_handle_t *)&s->sweep))
		return;
	uv_close((uv_handle_t *)&s->sweep, on_timer_closed);
	uv_close((uv_handle_t *)&s->round, on_timer_closed);
}

/* While stopping: wait for the clients' goodbyes, then cut. */
static void sweep_stopping(struct stream *s, mono_ns now)
{
	if (now < s->stop_deadline && !is_over(s))
		return;
	list_for_each (it, &s->clients) {
		struct client *c = container_of(it, struct client, link);

		if (c->conn)
			ws_conn_abort(c->conn);
	}
	compat_cut(&s->compat);
	close_timers(s);
}

static void on_sweep(uv_timer_t *timer)
{
	struct stream *s = container_of(timer, struct stream, sweep);
	mono_ns now = clock_mono(s->deps.loop->clock);
	int64_t wall_ms = clock_wall_ms(s->deps.loop->clock);

	if (s->is_stopping) {
		sweep_stopping(s, now);
		return;
	}
	if (s->is_draining && s->clients_now + s->compat.clients_now == 0)
		module_request_stop(&s->mod); /* nobody is left to wait for */
	list_for_each (it, &s->clients) {
		sweep_client(container_of(it, struct client, link), now, wall_ms);
	}
	publish_sweep(s);
	selections_sweep(s);
	compat_sweep(&s->compat);
	crowd_sweep(s);
}

/* --- rounds ---------------------------------------------------------------------------------- */

static void on_round(uv_timer_t *timer)
{
	stream_arm(container_of(timer, struct stream, round));
	stream_arm_rounds(container_of(timer, struct stream, round));
}

/* A timer that fires a little early finds nothing due, and is set again. */
void stream_arm_rounds(struct stream *s)
{
	mono_ns now = clock_mono(s->deps.loop->clock), first = 0;

	list_for_each (it, &s->rhythms) {
		const struct rhythm *r = container_of(it, struct rhythm, link);

		if (!first || r->due < first)
			first = r->due;
	}
	s->next_round = first;
	if (first && s->hook.loop)
		uv_timer_start(&s->round, on_round, first > now ? (first - now) / NS_PER_MS + 1 : 1,
			       0);
}

/* --- the module ------------------------------------------------------------------------------ */

struct stream *stream_create(const struct stream_deps *deps)
{
	struct stream *s = mem_zalloc(sizeof(*s));

	s->deps = *deps;
	list_init(&s->clients);
	compat_init(&s->compat, s);
	list_init(&s->busy);
	list_init(&s->selections);
	list_init(&s->followers);
	for (int i = 0; i < SELECTION_BUCKETS; i++)
		list_init(&s->selections_named[i]);
	channels_init(s);
	list_init(&s->rhythms);
	list_init(&s->late);
	s->due_tail = &s->due_views;
	rand_bytes(&s->hash_seed, sizeof(s->hash_seed));
	s->keys.on_change = on_keys_change;
	if (s->deps.auth)
		auth_listen(s->deps.auth, &s->keys);
	for (int m = 0; m < VIEW_MODES; m++)
		s->recent[m] = mem_zalloc(RECENT_TICKS * sizeof(*s->recent[m]));
	return s;
}

void stream_destroy(struct stream *s)
{
	for (int m = 0; m < VIEW_MODES; m++) {
		for (uint32_t i = 0; i < s->ids_cap; i++)
			buf_fini(&s->fragments[m][i].json);
		free(s->fragments[m]);
	}
	for (int m = 0; m < VIEW_MODES; m++) {
		for (uint32_t i = 0; i < RECENT_TICKS; i++)
			buf_fini(&s->recent[m][i].json);
		free(s->recent[m]);
	}
	stream_views_fini(s);
	wants_fini(&s->wants);
	bitset_fini(&s->dirty);
	buf_fini(&s->out);
	compat_fini(&s->compat);
	free(s);
}

static int open_listener(struct stream *s, struct agni_err *err)
{
	const struct stream_config *cfg = s->deps.cfg;
	struct ws_server_config wc = {
		.name = "stream",
		.callbacks = &callbacks,
		.arg = s,
		.message_max_bytes = (size_t)cfg->message_max_bytes,
		.ping_s = (uint16_t)cfg->ping_s,
		.pong_s = (uint16_t)cfg->pong_s,
		.deflate = cfg->deflate,
		.clients_max = (uint32_t)cfg->max_clients,
		.sndbuf_bytes = (int)cfg->sndbuf_bytes,
		.tls_cert = cfg->tls_cert,
		.tls_key = cfg->tls_key,
	};
	char host[64];

	if (listen_parse("stream.listen", cfg->listen, s->deps.guard, host, &wc.port, err) < 0)
		return err->code;
	wc.host = host;
	s->is_loopback = host_is_loopback(host);
	return ws_server_create(s->deps.ws, &wc, &s->server, err);
}

static int stream_start(struct module *m, struct agni_err *err)
{
	struct stream *s = container_of(m, struct stream, mod);

	s->subscriber.on_tick = on_tick;
	book_subscribe(s->deps.book, &s->subscriber);
	s->signals.on_signal = on_signal;
	if (s->deps.signals)
		signals_listen(s->deps.signals, &s->signals);
	loop_add_hook(s->deps.loop, &s->hook, on_hook);
	loop_add_hook(s->deps.loop, &s->following, selections_work);
	compat_start(&s->compat);
	memcpy(s->epoch, s->deps.tape->epoch, sizeof(s->epoch));
	tape_set_on_ready(s->deps.tape, on_tape_ready, s);
	uv_timer_init(&s->deps.loop->uv, &s->sweep);
	uv_timer_init(&s->deps.loop->uv, &s->round);
	s->sweep.data = s->round.data = s;
	s->timers_open = 2;
	(void)err;
	return 0;
}

static int stream_listen(struct module *m, struct agni_err *err)
{
	struct stream *s = container_of(m, struct stream, mod);
	int rc = open_listener(s, err);

	if (rc == 0) {
		snprintf(s->http_origin, sizeof(s->http_origin), "%s", s->deps.http_listen);
		uv_timer_start(&s->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	}
	return rc;
}

/* Clients are told, and have everything until the end; who comes anew is sent elsewhere. */
static void stream_drain(struct module *m, uint64_t ms)
{
	struct stream *s = container_of(m, struct stream, mod);
	struct buf json = {0};

	s->is_draining = true;
	buf_printf(&json, "{\"type\":\"stopping\",\"in_ms\":%llu,\"server_time_ms\":%lld}",
		   (unsigned long long)ms, (long long)clock_wall_ms(s->deps.loop->clock));
	send_to_all(s, &json);
}

static void stream_stop(struct module *m, module_stopped_fn *done)
{
	struct stream *s = container_of(m, struct stream, mod);

	m->done = done;
	s->is_stopping = true;
	book_unsubscribe(&s->subscriber);
	if (s->deps.signals)
		signals_unlisten(&s->signals);
	stream_flush(s);
	loop_remove_hook(&s->hook);
	loop_remove_hook(&s->following);
	uv_timer_stop(&s->round);
	tape_set_on_ready(s->deps.tape, NULL, NULL);
	if (s->server)
		ws_server_stop_accepting(s->server);
	list_for_each (it, &s->clients) {
		client_close(container_of(it, struct client, link), WS_CLOSE_GOING_AWAY,
			     "the server is stopping");
	}
	compat_stop(&s->compat);
	s->stop_deadline = clock_mono(s->deps.loop->clock) + STOP_PATIENCE_NS;
	uv_timer_start(&s->sweep, on_sweep, is_over(s) ? 0 : 10, 10);
}

static enum health stream_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct stream *s = container_of(m, struct stream, mod);

	snprintf(why, HEALTH_WHY_MAX, "%llu clients, %llu in the broker's protocol",
		 (unsigned long long)(s->clients_now + s->compat.clients_now),
		 (unsigned long long)s->compat.clients_now);
	return HEALTH_UP;
}

static const struct metric stream_metrics[] = {
	{"clients", "Clients connected", METRIC_GAUGE, offsetof(struct stream, clients_now)},
	{"clients_total", "Clients that connected", METRIC_COUNTER,
	 offsetof(struct stream, clients_total)},
	{"refused_total", "Handshakes refused", METRIC_COUNTER, offsetof(struct stream, refused)},
	{"frames_total", "Data frames written", METRIC_COUNTER, offsetof(struct stream, frames)},
	{"quotes_total", "Quotes written in them", METRIC_COUNTER, offsetof(struct stream, ticks)},
	{"bytes_total", "Bytes of data frames", METRIC_COUNTER, offsetof(struct stream, bytes)},
	{"conflated_total", "Ticks that reached a client only as part of a newer state",
	 METRIC_COUNTER, offsetof(struct stream, conflated)},
	{"full_total", "Times a client's socket was full", METRIC_COUNTER,
	 offsetof(struct stream, full)},
	{"stalled_total", "Clients closed because they did not read", METRIC_COUNTER,
	 offsetof(struct stream, stalled)},
	{"commands_total", "Commands received", METRIC_COUNTER, offsetof(struct stream, commands)},
	{"keys_lost_total", "Clients closed because their key was revoked, changed or expired",
	 METRIC_COUNTER, offsetof(struct stream, keys_lost)},
	{"bad_commands_total", "Commands answered with an error", METRIC_COUNTER,
	 offsetof(struct stream, bad_commands)},
	{"catch_up_quotes_total", "Quotes written to clients that were behind on the tape",
	 METRIC_COUNTER, offsetof(struct stream, replayed)},
	{"gaps_total", "Gap notices sent", METRIC_COUNTER, offsetof(struct stream, gaps)},
	{"resumes_total", "Subscriptions that went on from a seq", METRIC_COUNTER,
	 offsetof(struct stream, resumes)},
	{"cannot_resume_total", "Those that could not", METRIC_COUNTER,
	 offsetof(struct stream, cannot_resumes)},
	{"feed_clients", "Clients of the broker's protocol connected", METRIC_GAUGE,
	 offsetof(struct stream, compat.clients_now)},
	{"feed_clients_total", "Clients of the broker's protocol that connected", METRIC_COUNTER,
	 offsetof(struct stream, compat.clients_total)},
	{"feed_views", "Different sets of subscriptions that they have", METRIC_GAUGE,
	 offsetof(struct stream, compat.views_now)},
	{"feed_messages_total", "FeedResponse messages written to them", METRIC_COUNTER,
	 offsetof(struct stream, compat.messages)},
	{"feed_bytes_total", "Bytes of these messages", METRIC_COUNTER,
	 offsetof(struct stream, compat.bytes)},
	{"feed_conflated_total", "Ticks that reached such a client only as part of a newer state",
	 METRIC_COUNTER, offsetof(struct stream, compat.conflated)},
	{"feed_full_total", "Times the socket of such a client was full", METRIC_COUNTER,
	 offsetof(struct stream, compat.full)},
	{"feed_stalled_total", "Such clients closed because they did not read", METRIC_COUNTER,
	 offsetof(struct stream, compat.stalled)},
	{"feed_requests_total", "Requests of such clients", METRIC_COUNTER,
	 offsetof(struct stream, compat.requests)},
	{"feed_ignored_total", "Requests passed over in silence, as the broker does",
	 METRIC_COUNTER, offsetof(struct stream, compat.ignored)},
	{"feed_authorized_total", "One-use addresses given out by authorize on stream.listen",
	 METRIC_COUNTER, offsetof(struct stream, compat.authorized)},
	{"publish_seconds", "Time that a sweep took to write clients for Redis", METRIC_HISTOGRAM,
	 offsetof(struct stream, publish_time)},
	{"views", "Different sets of instruments that clients share", METRIC_GAUGE,
	 offsetof(struct stream, views_now)},
	{"rounds_total", "Rounds of policy interval", METRIC_COUNTER,
	 offsetof(struct stream, rounds)},
	{"tick_to_frame_seconds", "From the arrival of a message to its frames being written",
	 METRIC_HISTOGRAM, offsetof(struct stream, flush_lag)},
	{0},
};

static const struct module_ops stream_ops = {
	.name = "stream",
	.start = stream_start,
	.listen = stream_listen,
	.drain = stream_drain,
	.stop = stream_stop,
	.health = stream_health,
	.metrics = stream_metrics,
	.mod_offset = offsetof(struct stream, mod),
};

struct module *stream_module(struct stream *s)
{
	s->mod.ops = &stream_ops;
	return &s->mod;
}

int stream_port(const struct stream *s)
{
	return ws_server_port(s->server);
}

void stream_market_info(struct stream *s, int64_t ts_ms, const void *info, size_t len)
{
	compat_market_info(&s->compat, ts_ms, info, len);
}

void stream_reload(struct stream *s)
{
	struct agni_err err;

	if (!s->deps.cfg->tls_cert[0])
		return;
	if (ws_server_reload_tls(s->server, &err) < 0)
		log_error("stream", "the certificate stays as it was: %s", err.text);
	else
		log_info("stream", "certificate read from %s", s->deps.cfg->tls_cert);
}

uint64_t stream_clients(const struct stream *s)
{
	return s->clients_now + s->compat.clients_now;
}
