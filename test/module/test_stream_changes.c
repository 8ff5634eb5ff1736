/* SPDX-License-Identifier: MIT
 *
 * One client that changes its mind all the time, between ticks and in the middle of intervals: whatever it has
 * asked for comes, in order, and no frame says more than was delivered.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/viewer.h"
#include "core/rand.h"

#define KEYS      6
#define STEPS     2000 /* one chunk of the tape holds them: the rest of it is not kept here */
#define TICKS_MAX (STEPS * 4 + 1)

enum policy { NONE, LATEST, INTERVAL, ALL };

/* What one command has asked for, until its answer comes. */
struct order {
	int from, to;
	enum policy policy;
};

struct desk {
	struct theatre t;
	struct viewer v;
	struct rng rng;
	struct order orders[STEPS];
	int said, answered;
	enum policy policy[KEYS];
	bool waits[KEYS];    /* for the snapshot */
	uint64_t have[KEYS]; /* seq of the newest that came, or of the time when it was asked for */
	int8_t key_at[TICKS_MAX];
	uint64_t quotes;
};

static void say(struct desk *d)
{
	static const char *const more[] = {
		"", ",\"policy\":\"latest\"",
		",\"policy\":\"interval\",\"interval_ms\":", ",\"policy\":\"all\""};
	struct order o = {.policy = (enum policy)rng_below(&d->rng, 4)};
	struct buf b = {0};

	o.from = (int)rng_below(&d->rng, KEYS);
	o.to = o.from + 1 + (int)rng_below(&d->rng, (uint64_t)(KEYS - o.from));
	buf_printf(&b, "{\"action\":\"%ssubscribe\",\"instruments\":[", o.policy ? "" : "un");
	for (int i = o.from; i < o.to; i++)
		buf_printf(&b, "%s\"NSE_FO|%d\"", i > o.from ? "," : "", 1000 + i);
	buf_printf(&b, "]%s", more[o.policy]);
	if (o.policy == INTERVAL)
		buf_printf(&b, "%d", 10 * (1 + (int)rng_below(&d->rng, 2)));
	if (o.policy)
		buf_printf(&b, ",\"mode\":\"%s\"", rng_below(&d->rng, 2) ? "ltpc" : "full");
	buf_byte(&b, '}');
	viewer_say(&d->v, buf_cstr(&b));
	buf_fini(&b);
	d->orders[d->said++] = o;
}

static void take_answer(struct desk *d)
{
	struct order o = d->orders[d->answered++];

	for (int i = o.from; i < o.to; i++) {
		d->policy[i] = o.policy;
		d->waits[i] = o.policy != NONE;
	}
}

/* The first tick of the key behind `seq`, up to `to`; 0: there is none. */
static uint64_t next_tick(const struct desk *d, int key, uint64_t seq, uint64_t to)
{
	while (++seq <= to) {
		if (d->key_at[seq] == key)
			return seq;
	}
	return 0;
}

static void take_quote(struct desk *d, const cJSON *quote, bool is_snapshot)
{
	int key = atoi(member_str(quote, "key") + 7) - 1000;
	uint64_t seq = (uint64_t)member_num(quote, "seq");

	check(d->policy[key] != NONE);
	check(d->key_at[seq] == key);
	if (is_snapshot) {
		check(d->waits[key]);
		check(seq >= d->have[key]);
	} else if (d->waits[key]) { /* nothing had ticked when it was asked for */
		check(d->policy[key] != ALL || next_tick(d, key, 0, seq) == seq);
	} else if (d->policy[key] == ALL) {
		check_i64(next_tick(d, key, d->have[key], seq), seq);
	} else {
		check(seq > d->have[key]);
	}
	d->waits[key] = false;
	d->have[key] = seq;
	d->quotes++;
}

static void take(struct desk *d)
{
	cJSON *json = viewer_hear(&d->v), *it;
	const char *type = member_str(json, "type");

	if (strcmp(type, "subscription_update") == 0) {
		take_answer(d);
	} else {
		check_str(type, "market_data");
		cJSON_ArrayForEach (it, cJSON_GetObjectItem(json, "data"))
			take_quote(d, it, cJSON_GetObjectItem(json, "snapshot") != NULL);
		for (int i = 0; i < KEYS; i++) {
			uint64_t seq = (uint64_t)member_num(json, "seq");

			if (d->policy[i] != NONE && !d->waits[i] &&
			    next_tick(d, i, d->have[i], seq))
				fail_msg("seq %d is said, %d has come to %d", (int)seq, i,
					 (int)d->have[i]);
		}
	}
	cJSON_Delete(json);
}

static void turns(struct desk *d, int n, uint64_t ms)
{
	clock_advance(&d->t.rig.clock, ms);
	while (n--) {
		stream_arm(d->t.stream);
		ws_rig_turn(&d->t.rig);
	}
	while (viewer_has_news(&d->v))
		take(d);
}

static bool is_answered(void *arg)
{
	struct desk *d = arg;

	stream_arm(d->t.stream);
	while (viewer_has_news(&d->v))
		take(d);
	return d->answered == d->said;
}

static void settle(struct desk *d)
{
	rig_until(&d->t.rig, is_answered, d);
	for (int i = 0; i < 4; i++)
		turns(d, 3, 30);
	for (int i = 0; i < KEYS; i++) {
		if (d->policy[i] != NONE)
			check_i64(next_tick(d, i, d->have[i], d->t.market.tape.last), 0);
	}
}

static void test_changes(void **state)
{
	static struct desk d;

	(void)state;
	d.rng = (struct rng){20261126};
	theatre_up(&d.t);
	clock_init_manual(&d.t.rig.clock, CLOCK_SYSTEM, 1761623100000);
	theatre_open(&d.t);
	viewer_open(&d.t, &d.v);
	for (int step = 1; step <= STEPS; step++) {
		if (rng_below(&d.rng, 4) == 0)
			say(&d);
		for (uint64_t n = rng_below(&d.rng, 4); n; n--) {
			char key[32];
			int i = (int)rng_below(&d.rng, KEYS);

			snprintf(key, sizeof(key), "NSE_FO|%d", 1000 + i);
			d.key_at[d.t.market.tape.last + 1] = (int8_t)i;
			market_ltp(&d.t.market, key, (price_t)step * 10000);
		}
		if (rng_below(&d.rng, 3))
			turns(&d, 1 + (int)rng_below(&d.rng, 2), rng_below(&d.rng, 8));
		if (step % 100 == 0)
			settle(&d);
	}
	check(d.quotes > STEPS / 2);
	check(d.v.peer->fault == NULL);
	ws_peer_hang_up(d.v.peer);
	clock_init(&d.t.rig.clock, CLOCK_SYSTEM);
	theatre_down(&d.t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
