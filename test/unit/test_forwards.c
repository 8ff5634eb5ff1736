/* SPDX-License-Identifier: MIT
 *
 * test_forwards: the forward that signals reckon with is the chain's, to the last digit.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/listed.h"
#include "options/chain_view.h"
#include "signals/forwards.h"

#define INDEX "NSE_INDEX|Nifty 50"
#define NOW   "2026-01-13T10:00:00"

static struct master *m;
static struct book book;
static struct resolve_market market;
static struct forwards forwards;
static uint64_t seq, turn, generation;
static bool is_down; /* the link */

static bool is_stale(const void *arg, inst_id id)
{
	(void)arg;
	(void)id;
	return is_down;
}

static const struct upstream_view upstream = {.is_stale = is_stale};

static int setup(void **state)
{
	(void)state;
	m = listed_small();
	book_init(&book, 200);
	market = (struct resolve_market){.book = &book};
	check(ist_parse(NOW, strlen(NOW), &market.now_ms));
	is_down = false;
	turn = generation = 1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	forwards_fini(&forwards);
	book_fini(&book);
	master_release(m);
	return 0;
}

static struct slot *say(const char *key, double bid, double ask)
{
	inst_id id = instruments_intern(&book.instruments, key, strlen(key));
	struct tick t = {.key = key, .q.present = QUOTE_LTP | QUOTE_DEPTH, .q.depth_n = 1};
	struct tick_meta meta = {.ts_ms = market.now_ms};
	struct slot *slot;

	check(price_from_double(bid, &t.q.ltp));
	check(price_from_double(bid, &t.q.depth[0].bid));
	check(price_from_double(ask, &t.q.depth[0].ask));
	slot = book_merge(&book, id, &t, &meta);
	book_publish(&book, id, slot, ++seq);
	turn++;
	return slot;
}

/* A weekly pair, as listed_small numbers them, that implies `forward`. */
static void say_pair(int strike, double forward)
{
	int token = 100 + (strike - 25000) / 100 * 2;
	char key[32];

	snprintf(key, sizeof(key), "NSE_FO|%d", token);
	say(key, 400 + forward - strike, 401 + forward - strike);
	snprintf(key, sizeof(key), "NSE_FO|%d", token + 1);
	say(key, 400, 401);
}

static const struct chain_forward *forward_of(const char *key)
{
	struct chain_source s = {.m = m, .market = &market, .upstream = &upstream};

	return forward_of_option(&forwards, &s, generation, turn, master_find(m, key, strlen(key)));
}

/* The signals' and the chain's are one. */
static void check_same(const char *key, const char *expiry, enum forward_source source)
{
	struct chain_source s = {.m = m, .market = &market, .upstream = &upstream};
	struct chain_query q = {.underlying = "NIFTY"};
	const struct chain_forward *f = forward_of(key);
	struct resolve_miss miss;
	struct chain_view *v;

	check(expiry_choice_parse(expiry, strlen(expiry), &q.expiry));
	v = chain_view_make(&s, &q, &miss);
	check(v != NULL);
	check_i64(f->source, source);
	check_i64(v->summary.forward.source, source);
	check_near(f->level, v->summary.forward.level, 0);
	check_near(f->spread, v->summary.forward.spread, 0);
	check_i64(f->strikes, v->summary.forward.strikes);
	free(v);
}

static void test_as_the_chain(void **state)
{
	struct slot *odd;

	(void)state;
	check_same("NSE_FO|105", "current", FORWARD_NONE);
	say(INDEX, 25150, 25150);
	check_same("NSE_FO|105", "current", FORWARD_SPOT);
	say("NSE_FO|1", 25290, 25292); /* the monthly's: not asked for a weekly, which has parity */
	check_same("NSE_FO|105", "current", FORWARD_SPOT);
	for (int strike = 25000; strike <= 25400; strike += 100)
		say_pair(strike, 25170 + strike / 1000.0);
	check_same("NSE_FO|105", "current", FORWARD_PARITY);
	check_near(forward_of("NSE_FO|104")->level, 25195.2, 1e-6);
	/* What must not be reckoned with is not, and is again when it may. */
	odd = say("NSE_FO|104", 1, 2);
	odd->suspect = SUSPECT_JUMP;
	turn++;
	check_same("NSE_FO|105", "current", FORWARD_PARITY);
	check_i64(forward_of("NSE_FO|104")->strikes, 4);
	odd->suspect = 0;
	turn++;
	check_i64(forward_of("NSE_FO|104")->strikes, 5);
	is_down = true;
	turn++;
	check_same("NSE_FO|105", "current", FORWARD_NONE);
	is_down = false;
	turn++;
	check_same("NSE_FO|105", "current", FORWARD_PARITY);
}

static void test_future_of_the_expiry(void **state)
{
	const struct master_row *r;
	uint32_t row = MASTER_NONE;

	(void)state;
	say("NSE_FO|1", 25290, 25292);
	for (uint32_t i = 0; i < m->n && row == MASTER_NONE; i++) {
		r = &m->rows[i];
		if (r->type == TYPE_CE && r->expiry == listed_row(m, "NSE_FO|1")->expiry)
			row = i;
	}
	check(row != MASTER_NONE);
	check_same(master_key(m, row), "monthly", FORWARD_FUTURE);
	check_near(forward_of(master_key(m, row))->level, 25291, 0);
}

static void test_once_a_turn(void **state)
{
	double before;

	(void)state;
	say_pair(25100, 25180);
	before = forward_of("NSE_FO|102")->level;
	say_pair(25100, 25190);
	turn -= 2; /* the same turn goes on */
	check_near(forward_of("NSE_FO|102")->level, before, 0);
	turn++;
	check_near(forward_of("NSE_FO|103")->level, before + 10, 1e-9);
	generation++;
	turn++;
	check_same("NSE_FO|103", "current", FORWARD_PARITY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_as_the_chain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_future_of_the_expiry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_once_a_turn, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
