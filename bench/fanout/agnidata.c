/* SPDX-License-Identifier: MIT
 *
 * agnidata: the stream module with its neighbours (loop, ws, book, tape in memory, interest), and a
 * driver in the feed's place: a turn is one message of the broker with `ticks` entries, each merged,
 * taped and published, so that encoding, gathering and sending are all in the figure. Only public
 * headers are used; what was written is read from the module's metrics.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../test/lib/quotes.h"
#include "core/log.h"
#include "fanout/fanout.h"
#include "stream/stream.h"

#define TAPE_BYTES (16u << 20)

struct server {
	struct pulse pulse;
	struct clock clock;
	struct loop loop;
	struct ws *ws;
	struct book book;
	struct tape tape;
	struct interest interest;
	struct upstream_view upstream;
	struct stream_config cfg;
	struct module *mod;
	struct stream *stream;
	struct quote quote;
	uint64_t ticks; /* made */
	char listen[16], nothing[1], tls_cert[128], tls_key[128];
};

/* --- ticks ------------------------------------------------------------------------------------- */

/* The JSON of it is about MESSAGE_SMALL bytes in mode ltpc, MESSAGE_LARGE in mode full. */
static void quote_fill(struct quote *q)
{
	quote_make_up(q, 0);
	q->present &= ~(uint32_t)(QUOTE_LTQ | QUOTE_RHO);
	q->ltp = 2505000;
	q->cp = 2500000;
}

static void tick(struct server *s, unsigned instrument, const struct tick_meta *meta)
{
	char key[KEY_ROOM];
	struct tick t = {.key = key};
	struct slot *slot;
	inst_id id;

	key_write(key, instrument);
	t.key_len = (uint32_t)strlen(key);
	quote_replace(&t.q, &s->quote);
	id = instruments_intern(&s->book.instruments, key, t.key_len);
	slot = book_merge(&s->book, id, &t, meta);
	book_publish(&s->book, id, slot, tape_append(&s->tape, id, &t));
}

static void turn(void *arg, uint64_t stamp_ns)
{
	struct server *s = arg;
	struct tick_meta meta = {.ts_ms = clock_wall_ms(&s->clock),
				 .recv_ms = clock_wall_ms(&s->clock),
				 .recv_mono = stamp_ns};

	s->quote.ltt = (int64_t)stamp_ns;
	s->quote.ltp = 2505000 + (price_t)(s->pulse.turns % 2) * 5000;
	tape_begin(&s->tape, &meta);
	for (unsigned i = 0; i < s->pulse.plan->ticks; i++)
		tick(s, (unsigned)(s->ticks++ % s->pulse.plan->instruments), &meta);
	tape_end(&s->tape);
	book_turn(&s->book, meta.ts_ms);
}

/* --- what was written -------------------------------------------------------------------------- */

static uint64_t metric(const struct module *m, const char *name)
{
	for (const struct metric *t = m->ops->metrics; t->name; t++) {
		if (strcmp(t->name, name) == 0)
			return *(const uint64_t *)(const void *)((const char *)m -
								 m->ops->mod_offset + t->offset);
	}
	fprintf(stderr, "stream has no metric %s\n", name);
	exit(1);
}

static void totals(const void *arg, struct totals *out)
{
	const struct server *s = arg;

	*out = (struct totals){.ticks = metric(s->mod, "quotes_total"),
			       .conflated = metric(s->mod, "conflated_total"),
			       .bytes = metric(s->mod, "bytes_total")};
}

/* Each instrument is in as many views. What a client that reads nothing is owed stays owed. */
static bool is_idle(const void *arg, uint64_t turns_n)
{
	const struct server *s = arg;
	const struct plan *p = s->pulse.plan;
	struct totals t;

	totals(arg, &t);
	return p->stuck ||
	       t.ticks + t.conflated == turns_n * p->ticks * p->clients * p->view / p->instruments;
}

static const struct server_ops ops = {.turn = turn, .totals = totals, .is_idle = is_idle};

/* --- around the module ------------------------------------------------------------------------- */

static bool is_known(const void *arg, const char *key, size_t len)
{
	(void)arg;
	(void)key;
	(void)len;
	return true;
}

static void get_status(const void *arg, struct upstream_status *out)
{
	(void)arg;
	*out = (struct upstream_status){.state = "live",
					.why = "data flows",
					.code = "",
					.is_live = true,
					.is_session_open = true};
}

static bool is_stale(const void *arg, inst_id id)
{
	(void)arg;
	(void)id;
	return false;
}

static void open_stream(struct server *s)
{
	struct agni_err err = {0};

	snprintf(s->tls_cert, sizeof(s->tls_cert), "%s", s->pulse.plan->tls_cert);
	snprintf(s->tls_key, sizeof(s->tls_key), "%s", s->pulse.plan->tls_key);
	snprintf(s->listen, sizeof(s->listen), "127.0.0.1:0");
	s->cfg = (struct stream_config){.listen = s->listen,
					.origins = s->nothing,
					.tls_cert = s->tls_cert,
					.tls_key = s->tls_key,
					.max_clients = 100000,
					.max_subscriptions = 5000,
					.message_max_bytes = 262144,
					.commands_per_s = 1000,
					.stall_ms = 600000, /* who is stuck stays */
					.heartbeat_s = 600,
					.ping_s = 600,
					.pong_s = 600};
	s->upstream = (struct upstream_view){.status = get_status, .is_stale = is_stale};
	s->stream = stream_create(&(struct stream_deps){.loop = &s->loop,
							.ws = s->ws,
							.book = &s->book,
							.tape = &s->tape,
							.interest = &s->interest,
							.cfg = &s->cfg,
							.http_listen = "127.0.0.1:0",
							.source = "sim",
							.is_known = is_known,
							.upstream = &s->upstream});
	s->mod = stream_module(s->stream);
	if (s->mod->ops->start(s->mod, &err) < 0 || s->mod->ops->listen(s->mod, &err) < 0) {
		fprintf(stderr, "agnidata: %s\n", err.text);
		_exit(1);
	}
	if (s->mod->ops->begin)
		s->mod->ops->begin(s->mod);
}

void agnidata_serve(const struct plan *plan, int in_fd, int out_fd)
{
	struct server *s = mem_zalloc(sizeof(*s));
	struct agni_err err = {0};

	log_setup(LOG_ERROR, LOG_TEXT); /* a certificate of one day is no news here */
	pulse_init(&s->pulse, plan, in_fd, out_fd);
	s->pulse.ops = &ops;
	s->pulse.arg = s;
	clock_init(&s->clock, CLOCK_SYSTEM);
	if (loop_init(&s->loop, &s->clock) < 0 || ws_create(&s->loop, &s->ws, &err) < 0) {
		fprintf(stderr, "agnidata: %s\n", err.text);
		_exit(1);
	}
	book_init(&s->book, 65536);
	tape_init(&s->tape, TAPE_BYTES);
	interest_init(&s->interest);
	quote_fill(&s->quote);
	open_stream(s);
	pulse_watch(&s->pulse, &s->loop.uv);
	pulse_says_port(&s->pulse, stream_port(s->stream));
	uv_run(&s->loop.uv, UV_RUN_DEFAULT);
}
