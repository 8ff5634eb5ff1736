/* SPDX-License-Identifier: MIT
 *
 * The whole way of a tick, from the broker's bytes to the clients' sockets, under all three policies, without an
 * allocation: once everything has met its largest content, ticks cost no memory at all while no socket is full.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "../lib/alloc_count.h"
#include "../lib/broker.h"
#include "../lib/check.h"
#include "stream/stream.h"

#define KEYS    40
#define CLIENTS 9
#define T0      1769160568000 /* 2026-01-23 14:59 IST */
#define WARM    400           /* turns; more single ticks than the broadcaster keeps */
#define TURNS   300

struct hall {
	struct broker b;
	struct stream_config cfg;
	struct stream *stream;
	struct module *mod;
	struct ws_peer *peers[CLIENTS];
	struct buf frame; /* of the broker */
	int64_t n;
	uint64_t bytes; /* that the clients got */
};

static bool is_known(const void *arg, const char *key, size_t len)
{
	(void)arg;
	return memchr(key, '|', len) != NULL;
}

static void stream_up(struct hall *h)
{
	static char listen_at[] = "127.0.0.1:0", none[] = "";

	h->cfg = (struct stream_config){.listen = listen_at,
					.origins = none,
					.max_clients = 100,
					.max_subscriptions = 5000,
					.message_max_bytes = 262144,
					.commands_per_s = 1000,
					.stall_ms = 60000,
					.heartbeat_s = 60,
					.ping_s = 60,
					.pong_s = 60};
	h->stream = stream_create(&(struct stream_deps){.loop = &h->b.rig.loop,
							.ws = h->b.rig.ws,
							.book = &h->b.market.book,
							.tape = &h->b.market.tape,
							.interest = &h->b.market.interest,
							.cfg = &h->cfg,
							.http_listen = "",
							.source = "test",
							.is_known = is_known,
							.upstream = &h->b.market.view});
	h->mod = stream_module(h->stream);
	module_up(h->mod);
}

static void subscribe(struct ws_peer *p, int from, int to, const char *more)
{
	struct buf text = {0};

	buf_str(&text, "{\"action\":\"subscribe\",\"instruments\":[");
	for (int i = from; i < to; i++)
		buf_printf(&text, "%s\"NSE_FO|%d\"", i > from ? "," : "", 1000 + i);
	buf_printf(&text, "],%s}", more);
	ws_peer_frame(p, 0x80 | WS_TEXT, text.data, text.len);
	buf_fini(&text);
}

/* Two of each policy with the same set, one of each with its own, and one with all three. */
static void clients_up(struct hall *h)
{
	static const char *const policies[] = {"\"policy\":\"latest\"",
					       "\"policy\":\"interval\",\"interval_ms\":10",
					       "\"policy\":\"all\",\"mode\":\"ltpc\""};

	for (int i = 0; i < CLIENTS; i++) {
		int to = i < 6 ? KEYS : 10 + i;

		h->peers[i] = ws_peer_open(&h->b.rig, stream_port(h->stream), "/ws", "");
		subscribe(h->peers[i], 0, to, policies[i % 3]);
		for (int k = 0; i == CLIENTS - 1 && k < 2; k++)
			subscribe(h->peers[i], k * 10, k * 10 + 10, policies[k]);
		check(ws_peer_wait_frames(&h->b.rig, h->peers[i], i == CLIENTS - 1 ? 5 : 3));
		h->peers[i]->is_deaf = true; /* from here on read below, without an allocation */
	}
}

/* A message of one to KEYS entries; numbers of one length, so that no buffer has to grow. */
static void message_build(struct hall *h)
{
	static char keys[KEYS][32];
	int entries = 1 + (int)(h->n % KEYS);

	feed_encoder_begin(h->b.encoder, FEED_LIVE, T0 + h->n);
	for (int i = 0; i < entries; i++) {
		struct quote q = {.present = QUOTE_LTP | QUOTE_LTT | QUOTE_LTQ | QUOTE_CP |
					     QUOTE_MSG_LTPC,
				  .arm = ARM_LTPC,
				  .ltp = 10000001 + h->n,
				  .ltq = 75,
				  .cp = 10000000,
				  .ltt = T0 + h->n};

		snprintf(keys[i], sizeof(keys[i]), "NSE_FO|%d", 1000 + i);
		feed_encoder_add(h->b.encoder, keys[i], &q, MODE_LTPC);
	}
	buf_reset(&h->frame);
	feed_encoder_end(h->b.encoder, &h->frame);
	h->n++;
}

static void clients_read(struct hall *h)
{
	static char sink[65536];

	for (int i = 0; i < CLIENTS; i++) {
		ssize_t n;

		while ((n = recv(h->peers[i]->fd, sink, sizeof(sink), MSG_DONTWAIT)) > 0)
			h->bytes += (uint64_t)n;
	}
}

/* Returns the allocations from the bytes of the frame to those in the sockets. */
static uint64_t one_turn(struct hall *h)
{
	uint64_t before;

	message_build(h);
	before = allocations;
	feed_on_frame(h->b.feed, h->b.feed->conn, h->frame.data, h->frame.len);
	uv_run(&h->b.rig.loop.uv, UV_RUN_ONCE);
	before = allocations - before;
	clients_read(h);
	return before;
}

static void test_no_allocation(void **state)
{
	struct hall *h = mem_zalloc(sizeof(*h));
	uint64_t quotes, replayed, rounds, bytes, full;

	(void)state;
	count_allocations();
	broker_up(&h->b);
	broker_connect(&h->b);
	h->b.market.interest.limits = NULL; /* no matter here */
	stream_up(h);
	clients_up(h);
	check(one_turn(h) > 0); /* the counter counts: nothing was there yet */
	for (int i = 0; i < WARM; i++)
		one_turn(h);
	quotes = module_metric(h->mod, "quotes_total");
	rounds = module_metric(h->mod, "rounds_total");
	replayed = h->b.market.tape.seq;
	bytes = h->bytes;
	full = module_metric(h->mod, "full_total");
	for (int i = 0; i < TURNS; i++) {
		uint64_t n = one_turn(h);

		if (n)
			fail_msg("%llu allocations in turn %d", (unsigned long long)n, i);
	}
	replayed = h->b.market.tape.seq - replayed;
	check(replayed > TURNS);
	/* Every tick went to the two of `all`, and much to the others. */
	check(module_metric(h->mod, "quotes_total") - quotes > 4 * replayed);
	check(module_metric(h->mod, "rounds_total") > rounds);
	check(h->bytes - bytes > 100 * replayed);
	check_i64(module_metric(h->mod, "full_total"), full);
	check_i64(h->b.feed->bad_frames, 0);
	module_down(&h->b.rig, h->mod);
	stream_destroy(h->stream);
	buf_fini(&h->frame);
	broker_down(&h->b);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_allocation)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
