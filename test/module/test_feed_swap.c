/* SPDX-License-Identifier: MIT
 *
 * The feed from one token to the next: the new connection stands before the old one goes, whatever
 * breaks meanwhile.
 */
#include "../lib/broker.h"
#include "../lib/check.h"

#define KEY "NSE_FO|1"
#define T0  1769160569000

static void on_offered(void *arg, const struct proof_result *r)
{
	check_i64(r->verdict, PROOF_GOOD);
	*(bool *)arg = true;
}

static bool is_true(void *arg)
{
	return *(bool *)arg;
}

/* A new token is put in place while data flows. */
static void put_new_token(struct broker *b)
{
	struct agni_err err;
	bool done = false;

	check_i64(token_offer(b->token,
			      &(struct token_offer){.token = "tok-new", .origin = ORIGIN_UPDATE},
			      on_offered, &done, &err),
		  0);
	rig_until(&b->rig, is_true, &done);
}

static struct upstream_status status_of(const struct broker *b)
{
	struct upstream_view view = feed_view(b->feed);
	struct upstream_status st;

	view.status(view.arg, &st);
	return st;
}

static int64_t ltp_of(const struct broker *b)
{
	inst_id id = instruments_find(&b->market.book.instruments, KEY, strlen(KEY));
	const struct slot *slot = id == INST_NONE ? NULL : book_slot(&b->market.book, id);

	return slot ? slot->q.ltp : 0;
}

static void until_ltp(struct broker *b, int64_t ltp)
{
	for (int i = 0; ltp_of(b) != ltp; i++) {
		check(i < 20000);
		check(status_of(b).is_live); /* all the while */
		ws_rig_turn(&b->rig);
	}
}

static void live(struct broker *b)
{
	inst_id id;

	broker_up(b);
	id = instruments_intern(&b->market.book.instruments, KEY, strlen(KEY));
	interest_add(&b->market.interest, id, WANT_FULL);
	broker_connect(b);
	gate_say_ltp(b, FEED_INITIAL, T0, KEY, 10000);
	broker_until(b, FEED_UP);
}

static bool has_two(void *arg)
{
	const struct broker *b = arg;

	return b->gate.opens == 2 && b->gate.requests == 2;
}

static bool has_one(void *arg)
{
	return ((const struct broker *)arg)->gate.closes == 1;
}

/* Make before break: the old connection is heard until the new one has data, and then no more. */
static void test_swap(void **state)
{
	struct broker b;

	(void)state;
	live(&b);
	put_new_token(&b);
	rig_until(&b.rig, has_two, &b);
	check_i64(b.api.asked, 2);
	check_str(b.api.heard[1].authorization, "Bearer tok-new");
	check(status_of(&b).is_live);
	check_str(status_of(&b).state, "live");
	gate_old_says_ltp(&b, FEED_LIVE, T0 + 1, KEY, 20000);
	until_ltp(&b, 20000);
	check_i64(b.gate.closes, 0);
	gate_say_ltp(&b, FEED_INITIAL, T0 + 2, KEY, 30000);
	until_ltp(&b, 30000);
	if (b.gate.old) /* what it still says is nobody's business */
		gate_old_says_ltp(&b, FEED_LIVE, T0 + 3, KEY, 40000);
	rig_until(&b.rig, has_one, &b);
	check_i64(b.gate.close_code, 1000);
	check_i64(ltp_of(&b), 30000);
	check_i64(b.market.tape.seq, 3);
	check_i64(b.feed->state, FEED_UP);
	check_i64(module_metric(b.mod, "swaps_total"), 1);
	check_str(b.gate.asked.data, "sub full " KEY "\nsub full " KEY "\n");
	broker_down(&b);
}

/* Yet another token before the new connection has brought data: still one that serves and one that
 * is being opened, and none that is forgotten. */
static void test_swap_twice(void **state)
{
	struct broker b;

	(void)state;
	live(&b);
	put_new_token(&b);
	rig_until(&b.rig, has_two, &b);
	put_new_token(&b);
	while (b.gate.opens < 3 || b.gate.requests < 3)
		ws_rig_turn(&b.rig);
	check(status_of(&b).is_live);
	gate_say_ltp(&b, FEED_INITIAL, T0 + 2, KEY, 30000);
	until_ltp(&b, 30000);
	while (b.gate.closes < 2)
		ws_rig_turn(&b.rig);
	check_i64(b.feed->state, FEED_UP);
	broker_down(&b);
}

/* The broker takes no second connection: the old one makes room. */
static void test_swap_without_room(void **state)
{
	struct broker b;

	(void)state;
	live(&b);
	b.gate.refuse_status = 403;
	put_new_token(&b);
	rig_until(&b.rig, has_one, &b);
	check_i64(b.gate.close_code, 1000);
	b.gate.refuse_status = 0;
	broker_until(&b, FEED_SUBSCRIBING);
	gate_say_ltp(&b, FEED_INITIAL, T0 + 2, KEY, 30000);
	broker_until(&b, FEED_UP);
	broker_down(&b);
}

/* Trouble on the way of the new one: the old one serves, also what is asked for meanwhile. */
static void test_swap_in_trouble(void **state)
{
	const struct script_reply broken = {500, "", NULL};
	struct broker b;
	inst_id id;

	(void)state;
	live(&b);
	script_set(&b.api, &broken, 1);
	put_new_token(&b);
	broker_until(&b, FEED_BACKOFF);
	check(status_of(&b).is_live);
	id = instruments_intern(&b.market.book.instruments, "NSE_FO|2", 8);
	interest_add(&b.market.interest, id, WANT_LTPC);
	broker_until_requests(&b, 2);
	gate_say_ltp(&b, FEED_LIVE, T0 + 1, KEY, 20000);
	until_ltp(&b, 20000);
	script_set(&b.api, b.authorized, 1);
	while (b.gate.opens < 2)
		ws_rig_turn(&b.rig);
	gate_say_ltp(&b, FEED_INITIAL, T0 + 2, KEY, 30000);
	until_ltp(&b, 30000);
	broker_down(&b);
}

/* The old connection breaks before the new one is there: down, and up again. */
static void test_swap_and_break(void **state)
{
	static const struct script_reply silent[] = {{0, NULL, NULL}};
	struct broker b;

	(void)state;
	live(&b);
	script_set(&b.api, silent, 1);
	put_new_token(&b);
	broker_until(&b, FEED_AUTHORIZING);
	ws_conn_abort(b.gate.conn);
	while (status_of(&b).is_live)
		ws_rig_turn(&b.rig);
	check_i64(b.feed->state, FEED_AUTHORIZING);
	check_i64(module_metric(b.mod, "up"), 0);
	broker_down(&b);
}

/* The new connection breaks before it has brought data: the old one goes on as long as it takes. */
static void test_swap_and_break_again(void **state)
{
	const struct script_reply broken = {500, "", NULL};
	struct broker b;

	(void)state;
	live(&b);
	clock_init_manual(&b.rig.clock, CLOCK_SYSTEM, T0);
	b.feed->up_mono = b.feed->moved_mono = clock_mono(&b.rig.clock);
	put_new_token(&b);
	rig_until(&b.rig, has_two, &b);
	script_set(&b.api, &broken, 1);
	ws_conn_abort(b.gate.conn);
	broker_until(&b, FEED_BACKOFF);
	clock_advance(&b.rig.clock, 11000);
	uv_timer_start(&b.feed->watch, b.feed->watch.timer_cb, 0, 10);
	ws_rig_for(&b.rig, 50);
	check(status_of(&b).is_live);
	check_i64(b.gate.closes, 1);
	gate_old_says_ltp(&b, FEED_LIVE, T0 + 1, KEY, 20000);
	until_ltp(&b, 20000);
	broker_down(&b);
}

/* Beyond repair: a proper goodbye, a code for programs, and no more attempts. */
static void test_token_failed(void **state)
{
	static const struct script_reply same[] = {
		{200, "{\"success\":true,\"access_token\":\"tok1\"}", NULL}};
	struct broker b;

	(void)state;
	live(&b);
	b.keeper.cfg.retries = 1;
	script_set(&b.token_api, same, 1);
	token_refuse(b.token, 1);
	check(status_of(&b).is_live); /* the connection is not closed for a refusal elsewhere */
	rig_until(&b.rig, has_one, &b);
	check_i64(b.gate.close_code, 1000);
	check_i64(b.feed->state, FEED_WAITING_TOKEN);
	check_str(status_of(&b).code, "token_failed");
	check(!status_of(&b).is_live);
	check(strstr(status_of(&b).why, "a new one is needed") != NULL);
	put_new_token(&b);
	broker_until(&b, FEED_SUBSCRIBING);
	broker_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_swap_twice),
		cmocka_unit_test(test_swap_without_room),
		cmocka_unit_test(test_swap_in_trouble),
		cmocka_unit_test(test_swap_and_break),
		cmocka_unit_test(test_swap_and_break_again),
		cmocka_unit_test(test_token_failed),
	};

	return cmocka_run_group_tests(tests, broker_log_begin, broker_log_end);
}
