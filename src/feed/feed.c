/* SPDX-License-Identifier: MIT
 *
 * feed: the state machine of the upstream connection and its place among the modules; see feed.h.
 */
#include "feed/feed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "feed/feed_internal.h"

/* A connection that lived this long was a good one: the next fault starts with a short wait. */
#define GOOD_LIFE_NS (10 * NS_PER_S)
#define RELIEF_NS    (10 * NS_PER_S) /* two connections for so long at most, once both are open */

static const char *const state_text[FEED_STATES] = {
	"idle",       "waiting_token", "forbidden", "authorizing",
	"connecting", "subscribing",   "live",      "backoff",
};

/* Which moves make sense; a move that is not here is a mistake of ours. */
static const uint16_t moves[FEED_STATES] = {
#define TO(s) (1u << (s))
#define DOWN  (TO(FEED_WAITING_TOKEN) | TO(FEED_FORBIDDEN) | TO(FEED_BACKOFF) | TO(FEED_IDLE))
#define TRY   (TO(FEED_AUTHORIZING) | TO(FEED_CONNECTING))
	[FEED_IDLE] = TRY | DOWN,
	[FEED_WAITING_TOKEN] = TRY | DOWN,
	[FEED_FORBIDDEN] = TRY | DOWN,
	[FEED_AUTHORIZING] = TO(FEED_CONNECTING) | DOWN,
	[FEED_CONNECTING] = TO(FEED_CONNECTING) | TO(FEED_SUBSCRIBING) | DOWN,
	[FEED_SUBSCRIBING] = TO(FEED_UP) | TRY | DOWN,
	[FEED_UP] = TRY | DOWN, /* TRY: a new token takes over */
	[FEED_BACKOFF] = TRY | DOWN,
};

static void on_try(uv_timer_t *timer)
{
	feed_attempt(container_of(timer, struct feed, timer));
}

static void on_deadline(uv_timer_t *timer)
{
	struct feed *f = container_of(timer, struct feed, timer);

	feed_fail(f, "no connection within %lld ms", (long long)f->deps.cfg->connect_timeout_ms);
}

/* Puts it on the tape when data begins to flow, or cannot any more. A swap is neither. */
static void note_link(struct feed *f, const char *why)
{
	bool is_up = f->state == FEED_UP || f->relieved;

	if (is_up == (f->is_up != 0))
		return;
	f->is_up = is_up;
	f->link_ms = clock_wall_ms(f->deps.loop->clock);
	tape_control(f->deps.tape, is_up ? TAPE_LINK_UP : TAPE_LINK_DOWN, 0,
		     clock_wall_ms(f->deps.loop->clock), why, strlen(why));
}

void feed_set_state(struct feed *f, enum feed_state to, const char *fmt, ...)
{
	enum feed_state from = f->state;
	bool is_bad = to == FEED_BACKOFF || to == FEED_FORBIDDEN || to == FEED_WAITING_TOKEN;
	va_list ap;

	AGNI_ASSERT(moves[from] & TO(to));
	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	f->state = to;
	f->since_ms = clock_wall_ms(f->deps.loop->clock);
	note_link(f, f->why);
	log_write(is_bad && from != FEED_IDLE ? LOG_WARN : LOG_INFO, "feed", "%s -> %s: %s",
		  state_text[from], state_text[to], f->why);
	if (to == FEED_AUTHORIZING ||
	    (to == FEED_CONNECTING && from != FEED_AUTHORIZING && from != FEED_CONNECTING))
		uv_timer_start(&f->timer, on_deadline, (uint64_t)f->deps.cfg->connect_timeout_ms,
			       0);
	if (f->deps.on_status)
		f->deps.on_status(f->deps.arg);
}

/* The common part of every way down. */
static void go_down(struct feed *f)
{
	if (f->up_mono && clock_mono(f->deps.loop->clock) - f->up_mono > GOOD_LIFE_NS)
		backoff_reset(&f->backoff);
	if (!f->relieved)
		f->up_mono = 0;
	uv_timer_stop(&f->timer);
	feed_attempt_cancel(f);
}

/* --- from one token to the next ----------------------------------------------------------------
 *
 * The connection of the old token goes on while the new one is being opened, and is closed when
 * that has brought its first data: no pause, no tick twice, and nobody downstream notices. Whatever
 * goes wrong with the new one meanwhile is tried again, while the old one serves. */

static void begin_swap(struct feed *f)
{
	if (f->relieved) { /* a newer token yet: the one in between has brought nothing */
		feed_attempt_cancel(f);
	} else {
		f->relieved = f->conn;
		f->conn = NULL;
	}
	f->swaps++;
	feed_attempt(f);
}

void feed_drop_old(struct feed *f, const char *reason)
{
	struct ws_conn *c = f->relieved;

	f->relieved = NULL;
	if (!c)
		return;
	if (f->told_conn == c) {
		f->told_conn = NULL;
		f->up_mono = 0;
	}
	ws_conn_set_user(c, NULL);
	ws_conn_close(c, WS_CLOSE_NORMAL, reason);
}

void feed_old_is_gone(struct feed *f)
{
	f->relieved = NULL;
	if (!f->told_conn)
		f->up_mono = 0;
	log_warn("feed", "the connection of the old token broke before the new one had data");
	note_link(f, "the connection of the old token broke");
	if (f->deps.on_status)
		f->deps.on_status(f->deps.arg);
}

static void consider_swap(struct feed *f)
{
	uint64_t generation;

	if (f->conn && token_bearer(f->deps.token, &generation) &&
	    generation != f->token_generation &&
	    (f->state == FEED_UP || f->state == FEED_SUBSCRIBING))
		begin_swap(f);
}

void feed_fail(struct feed *f, const char *fmt, ...)
{
	char why[HEALTH_WHY_MAX];
	uint32_t wait;
	va_list ap;

	if (f->is_stopping)
		return;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	go_down(f);
	wait = backoff_next(&f->backoff);
	if (wait < f->wait_least_ms)
		wait = f->wait_least_ms;
	f->wait_least_ms = 0;
	feed_set_state(f, FEED_BACKOFF, "%.120s; again in %u ms", why, wait);
	uv_timer_start(&f->timer, on_try, wait, 0);
}

void feed_unauthorized(struct feed *f, const char *where)
{
	uint64_t generation = f->token_generation;

	f->codes_refused = 0;
	go_down(f);
	feed_set_state(f, FEED_WAITING_TOKEN,
		       "%s answered 401: the token is dead, a new one is needed", where);
	token_refuse(f->deps.token, generation);
	/* Another token may have come while this one was on its way: nobody will tell again. */
	if (f->state == FEED_WAITING_TOKEN && token_bearer(f->deps.token, &generation))
		feed_attempt(f);
}

void feed_forbidden(struct feed *f, const char *where)
{
	int64_t wait_s = f->deps.cfg->forbidden_retry_s;

	if (f->relieved) {
		/* Most likely one connection too many: the new one takes the place of the old. */
		feed_drop_old(f, "another takes over");
		feed_fail(f, "%s answered 403 to a second connection", where);
		return;
	}
	go_down(f);
	feed_set_state(
		f, FEED_FORBIDDEN,
		"%s answered 403 (scope, or too many connections of this login); a new token or "
		"%lld s",
		where, (long long)wait_s);
	uv_timer_start(&f->timer, on_try, (uint64_t)wait_s * 1000, 0);
}

void feed_data_came(struct feed *f)
{
	if (f->state != FEED_SUBSCRIBING)
		return;
	feed_drop_old(f, "relieved");
	feed_set_state(f, FEED_UP, "data flows");
	consider_swap(f); /* a newer token may have come meanwhile */
}

/* Beyond repair: the broker gets a proper goodbye, and waiting begins. */
static void give_up(struct feed *f)
{
	struct token_status st;
	struct ws_conn *c = f->conn;

	token_status(f->deps.token, &st);
	feed_drop_old(f, "");
	if (c && f->up_mono) {
		f->conn = NULL;
		f->told_conn = NULL;
		ws_conn_set_user(c, NULL);
		ws_conn_close(c, WS_CLOSE_NORMAL, "");
	}
	go_down(f);
	feed_set_state(f, FEED_WAITING_TOKEN, "token: %s", st.why);
}

static void on_token(struct token_listener *l)
{
	struct feed *f = container_of(l, struct feed, token_listener);
	uint64_t generation;

	if (f->is_stopping)
		return;
	if (!token_bearer(f->deps.token, &generation)) {
		if (token_has_failed(f->deps.token))
			give_up(f);
		return;
	}
	if (f->state == FEED_WAITING_TOKEN ||
	    (f->state == FEED_FORBIDDEN && generation != f->token_generation)) {
		uv_timer_stop(&f->timer);
		feed_attempt(f);
	} else {
		consider_swap(f);
	}
}

/* --- silence --------------------------------------------------------------------------------- */

/* One key of each segment that was found closed: thousands of instruments are of a handful of segments. */
struct closed_segments {
	const char *key[SEGMENTS_MAX];
	unsigned n;
};

static bool is_known_closed(const struct closed_segments *c, const char *key)
{
	size_t len = instrument_segment_len(key);

	for (unsigned i = 0; i < c->n; i++) {
		if (strncmp(c->key[i], key, len) == 0 && c->key[i][len] == '|')
			return true;
	}
	return false;
}

static bool is_session_open(const struct feed *f)
{
	const struct interest *want = f->deps.interest;
	int64_t now = clock_market_ms(f->deps.loop->clock);
	struct closed_segments closed = {.n = 0};

	for (inst_id id = 0; id < f->deps.book->instruments.count; id++) {
		const char *key = instruments_key(&f->deps.book->instruments, id);

		if (interest_top(want, id) == WANT_NOTHING || is_known_closed(&closed, key))
			continue;
		if (session_is_open(&f->sessions, key, now))
			return true;
		if (closed.n < SEGMENTS_MAX)
			closed.key[closed.n++] = key;
	}
	return false;
}

static void on_watch(uv_timer_t *timer)
{
	struct feed *f = container_of(timer, struct feed, watch);
	mono_ns now = clock_mono(f->deps.loop->clock);
	uint64_t silent_ms = (now - f->moved_mono) / NS_PER_MS;

	feed_subscribe_sweep(f);
	/* The new connection is open and says nothing, as at night: no reason to keep two. */
	if (f->relieved && f->conn && f->told_conn == f->conn && now - f->up_mono > RELIEF_NS) {
		feed_drop_old(f, "relieved");
		note_link(f, f->why);
	}
	if (!f->up_mono || silent_ms < (uint64_t)f->deps.cfg->stale_ms || !is_session_open(f))
		return;
	f->stalls++;
	feed_drop_old(f, "");
	feed_fail(f, "the market is open and the feed's clock has not moved for %llu ms",
		  (unsigned long long)silent_ms);
}

/* --- the module ------------------------------------------------------------------------------ */

static void on_hook(struct turn_hook *hook)
{
	feed_subscribe_changes(container_of(hook, struct feed, hook));
}

static void on_interest(void *arg)
{
	struct feed *f = arg;

	hook_arm(&f->hook);
}

/* The table of who wants what judges by them. */
static void take_limits(struct feed *f)
{
	const struct feed_config *c = f->deps.cfg;
	struct interest_limits *l = &f->limits;
	const int64_t alone[WANT_MODES] = {c->ltpc_max, c->option_greeks_max, c->full_max,
					   c->full_d30_max};
	const int64_t mixed[WANT_MODES] = {c->ltpc_mixed_max, c->option_greeks_mixed_max,
					   c->full_mixed_max, c->full_d30_mixed_max};

	for (int m = 0; m < WANT_MODES; m++) {
		l->alone[m] = (uint32_t)alone[m];
		l->mixed[m] = (uint32_t)mixed[m];
	}
	f->deps.interest->limits = l;
}

struct feed *feed_create(const struct feed_deps *deps)
{
	struct feed *f = mem_zalloc(sizeof(*f));
	uint64_t seed;

	f->deps = *deps;
	take_limits(f);
	rand_bytes(&seed, sizeof(seed));
	backoff_init(&f->backoff, (uint32_t)deps->cfg->backoff_min_ms,
		     (uint32_t)(deps->cfg->backoff_max_ms > deps->cfg->backoff_min_ms
					? deps->cfg->backoff_max_ms
					: deps->cfg->backoff_min_ms),
		     seed);
	return f;
}

void feed_destroy(struct feed *f)
{
	feed_frame_fini(&f->frame);
	buf_fini(&f->info);
	buf_fini(&f->held);
	bitset_fini(&f->lingering);
	free(f->told);
	free(f);
}

static int feed_start(struct module *m, struct agni_err *err)
{
	struct feed *f = container_of(m, struct feed, mod);

	(void)err;
	uv_timer_init(&f->deps.loop->uv, &f->timer);
	uv_timer_init(&f->deps.loop->uv, &f->watch);
	loop_add_hook(f->deps.loop, &f->hook, on_hook);
	f->deps.interest->on_change = on_interest;
	f->deps.interest->arg = f;
	f->token_listener.on_change = on_token;
	token_listen(f->deps.token, &f->token_listener);
	tape_set_on_block(f->deps.tape, feed_on_block, f);
	return 0;
}

static void feed_begin(struct module *m)
{
	struct feed *f = container_of(m, struct feed, mod);
	uint64_t period = (uint64_t)f->deps.cfg->stale_ms / 4 + 1;

	f->link_ms = clock_wall_ms(f->deps.loop->clock);
	uv_timer_start(&f->watch, on_watch, period, period);
	feed_attempt(f);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct feed *f = handle->data;

	if (--f->closing == 0)
		f->mod.done(&f->mod);
}

static void feed_stop(struct module *m, module_stopped_fn *done)
{
	struct feed *f = container_of(m, struct feed, mod);

	m->done = done;
	f->is_stopping = true;
	f->deps.interest->on_change = NULL;
	list_remove(&f->token_listener.link);
	loop_remove_hook(&f->hook);
	feed_drop_old(f, "");
	if (f->conn && f->up_mono) {
		struct ws_conn *c = f->conn;

		f->conn = f->told_conn = NULL;
		ws_conn_set_user(c, NULL);
		ws_conn_close(c, WS_CLOSE_NORMAL, "");
	}
	go_down(f);
	f->closing = 2;
	f->timer.data = f->watch.data = f;
	uv_close((uv_handle_t *)&f->timer, on_handle_closed);
	uv_close((uv_handle_t *)&f->watch, on_handle_closed);
}

/* The broker sends a snapshot for what it admits, and says nothing of the rest. */
static uint32_t unheard(const struct feed *f)
{
	mono_ns now = clock_mono(f->deps.loop->clock);
	uint32_t n = 0;

	for (inst_id id = 0; id < f->told_cap; id++) {
		const struct slot *slot = book_slot(f->deps.book, id);
		const struct told *told = &f->told[id];

		n += told->mode && now - told->since > UNHEARD_NS &&
		     (!slot || slot->recv_mono < told->since);
	}
	return n;
}

/* Out of session the link may be as good as it can be, and nothing flows. */
static const char *why_now(const struct feed *f)
{
	return f->state == FEED_UP && !is_session_open(f)
		       ? "connected; of what is watched no market is open"
		       : f->why;
}

static enum health feed_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct feed *f = container_of(m, struct feed, mod);

	snprintf(why, HEALTH_WHY_MAX, "%s%.100s",
		 f->relieved ? "data flows; the new token's: " : "", why_now(f));
	if (f->state == FEED_UP) {
		uint32_t silent = unheard(f);

		if (silent == 0)
			return HEALTH_UP;
		snprintf(why, HEALTH_WHY_MAX,
			 "%u instruments have not been heard of since they were asked for: unknown "
			 "to the "
			 "broker, or beyond its limits",
			 silent);
	}
	return f->state == FEED_SUBSCRIBING && !is_session_open(f) ? HEALTH_UP : HEALTH_DEGRADED;
}

static const struct metric feed_metrics[] = {
	{"frames_total", "Messages of the broker that decoded", METRIC_COUNTER,
	 offsetof(struct feed, frames)},
	{"bad_frames_total", "Messages that did not decode and were left out", METRIC_COUNTER,
	 offsetof(struct feed, bad_frames)},
	{"text_frames_total", "Text messages, which the broker does not send", METRIC_COUNTER,
	 offsetof(struct feed, text_frames)},
	{"bad_times_total", "Messages whose currentTs is no time of this century", METRIC_COUNTER,
	 offsetof(struct feed, bad_times)},
	{"bytes_total", "Payload bytes received", METRIC_COUNTER, offsetof(struct feed, bytes)},
	{"ticks_total", "Ticks accepted", METRIC_COUNTER, offsetof(struct feed, ticks)},
	{"snapshots_total", "Snapshot messages", METRIC_COUNTER, offsetof(struct feed, snapshots)},
	{"rejected_fields_total", "Fields left out: NaN, infinite or out of range", METRIC_COUNTER,
	 offsetof(struct feed, rejected_fields)},
	{"unknown_keys_total", "Entries whose key is none, or beyond the table", METRIC_COUNTER,
	 offsetof(struct feed, unknown_keys)},
	{"connects_total", "Connections opened", METRIC_COUNTER, offsetof(struct feed, connects)},
	{"disconnects_total", "Connections lost", METRIC_COUNTER,
	 offsetof(struct feed, disconnects)},
	{"stalls_total", "Connections given up because the exchange's clock stood still",
	 METRIC_COUNTER, offsetof(struct feed, stalls)},
	{"swaps_total", "Times a new token took over a running connection", METRIC_COUNTER,
	 offsetof(struct feed, swaps)},
	{"requests_total", "Subscription requests sent", METRIC_COUNTER,
	 offsetof(struct feed, subscribes)},
	{"up", "1 while data flows", METRIC_GAUGE, offsetof(struct feed, is_up)},
	{"wire_lag_seconds", "From the message's currentTs to its arrival", METRIC_HISTOGRAM,
	 offsetof(struct feed, wire_lag)},
	{0},
};

static const struct module_ops feed_ops = {
	.name = "feed",
	.start = feed_start,
	.begin = feed_begin,
	.stop = feed_stop,
	.health = feed_health,
	.metrics = feed_metrics,
	.mod_offset = offsetof(struct feed, mod),
};

struct module *feed_module(struct feed *f)
{
	f->mod.ops = &feed_ops;
	return &f->mod;
}

/* What a program can act on without reading a sentence. */
static const char *status_code(const struct feed *f)
{
	if (f->relieved)
		return "";
	if (f->state == FEED_WAITING_TOKEN)
		return token_has_failed(f->deps.token) ? "token_failed" : "token_awaited";
	return f->state == FEED_FORBIDDEN ? "forbidden" : "";
}

static void get_status(const void *arg, struct upstream_status *out)
{
	const struct feed *f = arg;

	*out = (struct upstream_status){
		.state = state_text[f->relieved ? FEED_UP : f->state],
		.why = f->relieved ? "data flows; a new token is taking over" : why_now(f),
		.code = status_code(f),
		.is_live = f->state == FEED_UP || f->relieved,
		.is_connected = f->state == FEED_UP || f->state == FEED_SUBSCRIBING || f->relieved,
		.is_session_open = is_session_open(f),
		.since_ms = f->since_ms,
		.link_ms = f->link_ms,
	};
}

static void get_about(const void *arg, inst_id id, const char *key, struct upstream_about *out)
{
	static const struct session_table nothing;
	const struct feed *f = arg;
	/* What was said before the connection was lost may be of yesterday. */
	const struct session_table *said = f->up_mono ? &f->sessions : &nothing;
	bool is_told = f->up_mono && id < f->told_cap && f->told[id].mode;

	*out = (struct upstream_about){
		.mode = is_told ? f->told[id].mode - 1 : WANT_NOTHING,
		.since_mono = is_told ? f->told[id].since : 0,
		.session = session_word(said, key),
		.is_session_open = session_is_open(said, key, clock_market_ms(f->deps.loop->clock)),
	};
}

static bool is_stale(const void *arg, inst_id id)
{
	const struct feed *f = arg;
	const struct slot *slot = book_slot(f->deps.book, id);

	return !f->up_mono || !slot || id >= f->told_cap || !f->told[id].mode ||
	       slot->recv_mono < f->told[id].since;
}

uint64_t feed_received(const struct feed *f)
{
	return f->frames + f->bad_frames;
}

struct upstream_view feed_view(const struct feed *f)
{
	return (struct upstream_view){
		.status = get_status, .is_stale = is_stale, .about = get_about, .arg = f};
}
