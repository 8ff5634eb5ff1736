/* SPDX-License-Identifier: MIT
 *
 * A crowd with receive buffers of 8 KiB that reads in fits, pings, changes its mind and leaves at any
 * moment, under all three policies, while the server fills every socket and closes what it likes. Every byte is
 * parsed (ws_peer.c), every quote is held against the ticks that were made: nothing comes twice, late or out of
 * order, nothing is missing that was promised, and what was not sent is counted.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/viewer.h"
#include "core/json.h"
#include "core/rand.h"

#define KEYS      16
#define CLIENTS   60
#define TURNS     200
#define TICKS_MAX (TURNS * 40 + 4096)

enum kind { LATEST, INTERVAL, ALL, MIXED, CHURN, KINDS };

struct guest {
	struct viewer v;
	enum kind kind;
	int pings;
	int last_pong;
	uint64_t seq;          /* of the last frame */
	uint64_t newest[KEYS]; /* seq of each one's newest quote */
	uint64_t counted;      /* quotes that were ticks, and conflated */
	uint64_t next;         /* all: the seq looked at last */
	bool is_gone;
};

struct storm {
	struct theatre t;
	struct rng rng;
	struct guest guests[CLIENTS];
	uint8_t key_at[TICKS_MAX]; /* by seq */
	uint64_t ticks_of[KEYS];
	uint64_t pings, fulls;
};

static bool chance(struct storm *s, uint64_t one_in)
{
	return rng_below(&s->rng, one_in) == 0;
}

static void subscribe(struct storm *s, struct guest *g, int from, int to, const char *more)
{
	struct buf b = {0};

	(void)s;
	buf_str(&b, "{\"action\":\"subscribe\",\"instruments\":[");
	for (int i = from; i < to; i++)
		buf_printf(&b, "%s\"NSE_FO|%d\"", i > from ? "," : "", 1000 + i);
	buf_printf(&b, "],%s}", more);
	viewer_say(&g->v, buf_cstr(&b));
	buf_fini(&b);
}

#define P_LATEST   "\"policy\":\"latest\",\"mode\":\"full\""
#define P_INTERVAL "\"policy\":\"interval\",\"interval_ms\":10,\"mode\":\"full\""
#define P_ALL      "\"policy\":\"all\",\"mode\":\"full\""

static void enter(struct storm *s, struct guest *g)
{
	*g = (struct guest){.v = {.theatre = &s->t}, .kind = (enum kind)((g - s->guests) % KINDS)};
	g->v.peer = ws_peer_connect(&s->t.rig, s->t.port, 8192);
	ws_peer_request(g->v.peer, "/ws", "");
	check(ws_peer_wait_head(&s->t.rig, g->v.peer));
	if (g->kind == LATEST || g->kind == MIXED)
		subscribe(s, g, 0, g->kind == MIXED ? 5 : KEYS, P_LATEST);
	if (g->kind == INTERVAL || g->kind == MIXED)
		subscribe(s, g, g->kind == MIXED ? 5 : 0, g->kind == MIXED ? 10 : KEYS, P_INTERVAL);
	if (g->kind == ALL || g->kind == MIXED)
		subscribe(s, g, g->kind == MIXED ? 10 : 0, KEYS, P_ALL);
}

static bool is_every_tick(const struct guest *g, int key)
{
	return g->kind == ALL || (g->kind == MIXED && key >= 10);
}

/* The quote is a tick that was made, and none of those that it may not skip was skipped. */
static void take_quote(struct storm *s, struct guest *g, const cJSON *quote, bool is_snapshot)
{
	uint64_t seq = (uint64_t)member_num(quote, "seq");
	int key = atoi(member_str(quote, "key") + 7) - 1000;

	check(seq >= 1 && seq < TICKS_MAX && s->key_at[seq] == key);
	check_near(member_num(quote, "ltp"), (double)seq, 0);
	if (g->kind == CHURN)
		return;
	check(!is_snapshot); /* nothing had ticked when it came */
	check(seq > g->newest[key]);
	g->newest[key] = seq;
	if (!is_every_tick(g, key)) {
		g->counted++;
		return;
	}
	for (uint64_t i = g->next + 1; i < seq; i++) {
		if (is_every_tick(g, s->key_at[i]))
			fail_msg("a %d: tick %d is missing before %d", g->kind, (int)i, (int)seq);
	}
	check(seq > g->next);
	g->next = seq;
}

static void take_frame(struct storm *s, struct guest *g, const char *text, size_t len)
{
	struct agni_err err = {0};
	cJSON *json = json_parse(text, len, &err), *it;
	const char *type;

	if (!json)
		fail_msg("%s: %.*s", err.text, (int)len, text);
	type = member_str(json, "type");
	check(strcmp(type, "gap") != 0 && strcmp(type, "error") != 0);
	if (strcmp(type, "market_data") == 0) {
		cJSON_ArrayForEach (it, cJSON_GetObjectItem(json, "data"))
			take_quote(s, g, it, cJSON_GetObjectItem(json, "snapshot") != NULL);
		if (cJSON_GetObjectItem(json, "conflated"))
			g->counted += (uint64_t)member_num(json, "conflated");
		check(g->kind == CHURN || member_num(json, "seq") >= (double)g->seq);
		g->seq = (uint64_t)member_num(json, "seq");
	}
	cJSON_Delete(json);
}

/* All that has come: texts, and pongs of pings that were sent, in order. */
static void hear(struct storm *s, struct guest *g)
{
	const struct ws_peer_frame *f;

	if (g->v.peer->fault)
		fail_msg("a %d: %s", g->kind, g->v.peer->fault);
	while ((f = ws_peer_get(g->v.peer, g->v.next))) {
		const char *payload = ws_peer_payload(g->v.peer, f);

		g->v.next++;
		if (f->op == WS_TEXT) {
			take_frame(s, g, payload, f->len);
		} else if (f->op == 10) {
			char text[16];
			int n;

			snprintf(text, sizeof(text), "%.*s", (int)f->len, payload);
			n = atoi(text);
			check(n > g->last_pong && n <= g->pings);
			g->last_pong = n;
		} else {
			check_i64(f->op, 8);
		}
	}
	/* What was looked at need not be kept. */
	if (g->v.peer->data.len > 1 << 20) {
		buf_reset(&g->v.peer->data);
		g->v.peer->frames_n = g->v.next = 0;
	}
}

static void churn(struct storm *s, struct guest *g)
{
	static const char *const policies[] = {
		P_LATEST, P_INTERVAL, P_ALL,
		"\"policy\":\"interval\",\"interval_ms\":15,\"mode\":\"ltpc\"",
		"\"policy\":\"all\",\"mode\":\"option_greeks\""};
	int from = (int)rng_below(&s->rng, KEYS - 1);
	int to = from + 1 + (int)rng_below(&s->rng, (uint64_t)(KEYS - from - 1) + 1);
	char more[160];

	switch (rng_below(&s->rng, 4)) {
	case 0:
		snprintf(more, sizeof(more), "\"policy\":\"%s\",\"from_seq\":%llu,\"epoch\":\"%s\"",
			 chance(s, 2)   ? "interval"
			 : chance(s, 2) ? "latest"
					: "all",
			 (unsigned long long)rng_below(&s->rng, s->t.market.tape.seq + 1),
			 s->t.market.tape.epoch);
		subscribe(s, g, from, to, more);
		break;
	case 1:
		snprintf(more, sizeof(more),
			 "{\"action\":\"unsubscribe\",\"instruments\":[\"NSE_FO|%d\"]}",
			 1000 + from);
		viewer_say(&g->v, more);
		break;
	default:
		subscribe(s, g, from, to, policies[rng_below(&s->rng, ARRAY_LEN(policies))]);
	}
}

/* What one of them does in a turn. */
static void behave(struct storm *s, struct guest *g)
{
	static const size_t paces[] = {0, 0, 200, 2000};
	struct ws_peer *p = g->v.peer;
	char text[16];

	if (chance(s, 12))
		p->is_deaf = !p->is_deaf;
	if (chance(s, 10))
		p->read_max = paces[rng_below(&s->rng, ARRAY_LEN(paces))];
	if (chance(s, 8)) {
		snprintf(text, sizeof(text), "%d", ++g->pings);
		ws_peer_frame(p, 0x89, text, strlen(text));
		s->pings++;
	}
	if (g->kind == CHURN && chance(s, 4))
		churn(s, g);
	if (g->kind == CHURN && chance(s, 150)) {
		if (chance(s, 2))
			ws_peer_close(p, 1000, "enough");
		else
			ws_peer_hang_up(p);
		g->is_gone = true;
	}
}

static void tick(struct storm *s)
{
	uint64_t seq = s->t.market.tape.last + 1;
	uint8_t key = (uint8_t)rng_below(&s->rng, KEYS);
	char text[16];
	struct quote q = {.present = QUOTE_LTP | QUOTE_LTT | QUOTE_CP | QUOTE_DEPTH | QUOTE_VTT,
			  .arm = ARM_MARKET,
			  .ltp = (price_t)seq * 10000,
			  .cp = 1000000,
			  .vtt = (int64_t)seq,
			  .depth_n = 5};

	snprintf(text, sizeof(text), "NSE_FO|%d", 1000 + key);
	s->key_at[seq] = key;
	s->ticks_of[key]++;
	market_tick(&s->t.market, text, &q);
}

/* One of theirs is closed by us, whatever is half sent. */
static void turn_out(struct storm *s)
{
	list_for_each (it, &s->t.stream->clients) {
		struct client *c = container_of(it, struct client, link);

		/* Only a churner ever asks for two modes or an interval of 15 ms. */
		if (c->seats_n && c->seats[0].view->modes[0] != VIEW_FULL && chance(s, 3))
			client_close(c, 4999, "out");
	}
}

static void one_turn(struct storm *s)
{
	for (uint64_t n = rng_below(&s->rng, 40); n; n--)
		tick(s);
	for (int i = 0; i < CLIENTS; i++) {
		struct guest *g = &s->guests[i];

		hear(s, g);
		if (g->is_gone || g->v.peer->is_eof)
			enter(s, g);
		behave(s, g);
	}
	if (chance(s, 20))
		turn_out(s);
	ws_rig_turn(&s->t.rig);
}

static uint64_t expected(const struct storm *s, const struct guest *g)
{
	uint64_t n = 0;

	for (int i = 0; i < KEYS; i++)
		n += is_every_tick(g, i) ? 0 : s->ticks_of[i];
	return n;
}

static bool have_all(void *arg)
{
	struct storm *s = arg;
	bool all = true;

	for (int i = 0; i < CLIENTS; i++) {
		struct guest *g = &s->guests[i];

		if (g->kind == CHURN)
			continue;
		hear(s, g);
		all &= g->seq == s->t.market.tape.seq;
	}
	return all;
}

/* Everybody reads again: to the last tick, and not one more. */
static void calm(struct storm *s)
{
	for (int i = 0; i < CLIENTS; i++) {
		s->guests[i].v.peer->is_deaf = false;
		s->guests[i].v.peer->read_max = 0;
	}
	for (int i = 0; i < KEYS; i++) {
		while (s->key_at[s->t.market.tape.last] != i)
			tick(s); /* so that each kind has a last tick to wait for */
	}
	rig_until(&s->t.rig, have_all, s);
	for (int i = 0; i < CLIENTS; i++) {
		struct guest *g = &s->guests[i];

		if (g->kind == CHURN)
			continue;
		check_i64(g->counted, expected(s, g));
		for (uint64_t seq = s->t.market.tape.seq; seq + KEYS > s->t.market.tape.seq; seq--)
			check(g->newest[s->key_at[seq]] >= seq);
		check(g->last_pong > 0);
	}
}

static void test_storm(void **state)
{
	struct storm *s = mem_zalloc(sizeof(*s));

	(void)state;
	s->rng.state = 20251126;
	theatre_up(&s->t);
	s->t.cfg.sndbuf_bytes = 4608;
	tape_fini(&s->t.market.tape);
	tape_init(&s->t.market.tape, 16 << 20); /* nothing is forgotten: no gaps */
	theatre_open(&s->t);
	for (int i = 0; i < CLIENTS; i++)
		enter(s, &s->guests[i]);
	while (module_metric(s->t.mod, "commands_total") < CLIENTS * 6 / 5)
		ws_rig_turn(&s->t.rig);
	for (int i = 0; i < TURNS; i++)
		one_turn(s);
	check(module_metric(s->t.mod, "full_total") > 100);
	check(s->pings > 1000);
	check_i64(module_metric(s->t.mod, "gaps_total"), 0);
	calm(s);
	/* And away in the middle of it. */
	for (int i = 0; i < 200; i++)
		tick(s);
	ws_rig_turn(&s->t.rig);
	module_down(&s->t.rig, s->t.mod);
	for (int i = 0; i < CLIENTS; i++) {
		check(ws_peer_wait_eof(&s->t.rig, s->guests[i].v.peer));
		if (s->guests[i].v.peer->fault)
			fail_msg("%s", s->guests[i].v.peer->fault);
	}
	theatre_fini(&s->t);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_storm)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
