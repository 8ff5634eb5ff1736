/* SPDX-License-Identifier: MIT
 *
 * test_quarantine: each reason, what comes near to it and is none, and what ends it.
 */
#include "../lib/check.h"
#include "signals/quarantine.h"

#define T0 1768276800000 /* 2026-01-13T09:30 IST */

static struct quarantine_state st;
static struct quote q; /* the state of the instrument */
static struct contract call, put;
static struct quarantine_tick t;
static int64_t now;

static int setup(void **state)
{
	(void)state;
	st = (struct quarantine_state){0};
	memset(&q, 0, sizeof(q));
	q.mode = MODE_FULL_D5;
	call = (struct contract){.kind = CONTRACT_OPTION,
				 .type = OPTION_CALL,
				 .strike = 25000,
				 .expiry_ms = T0 + 7 * DAY_MS};
	put = call;
	put.type = OPTION_PUT;
	t = (struct quarantine_tick){.contract = &call, .level = {LEVEL_FUTURE, 25000, 25000}};
	now = T0;
	return 0;
}

static price_t p(double v)
{
	price_t out;

	check(price_from_double(v, &out));
	return out;
}

/* One tick, a second later, that carries what `present` says of the state. */
static uint8_t tick(uint32_t present)
{
	struct quote said = q;

	q.present |= present;
	said.present = present;
	t.q = &q;
	t.said = &said;
	t.ts_ms = now;
	now += 1000;
	return quarantine_judge(&st, &t);
}

static uint8_t trade(double price)
{
	q.ltp = p(price);
	q.ltt = now - 100;
	q.vtt += 50;
	return tick(QUOTE_LTP | QUOTE_LTT | QUOTE_VTT);
}

/* A price that no trade stands behind. */
static uint8_t price_alone(double price)
{
	q.ltp = p(price);
	return tick(QUOTE_LTP | QUOTE_LTT | QUOTE_VTT);
}

static uint8_t quote(double bid, double ask)
{
	q.depth_n = 1;
	q.depth[0] = (struct depth_row){100, p(bid), p(ask), 100};
	return tick(QUOTE_DEPTH);
}

static void test_crossed(void **state)
{
	(void)state;
	check_i64(quote(100, 100.05), 0);
	check_i64(quote(100.1, 100.05), SUSPECT_CROSSED);
	check_i64(trade(100), SUSPECT_CROSSED); /* it still is */
	check_i64(quote(100.05, 100.05), 0);    /* locked */
	check_i64(quote(100.05, 0), 0);         /* nobody sells */
	check_i64(quote(0, 0), 0);
}

static void test_below_intrinsic(void **state)
{
	(void)state;
	t.level = (struct level){LEVEL_FUTURE, 25500, 25480}; /* the call pays 500, slack 25.5 */
	check_i64(quote(499, 503), 0);
	check_i64(quote(471, 474), 0); /* 472.5: within slack and spread */
	check_i64(quote(460, 463), SUSPECT_BELOW_INTRINSIC);
	check_i64(quote(440, 500), 0); /* a wide book proves nothing */
	check_i64(quote(460, 463), SUSPECT_BELOW_INTRINSIC);
	check_i64(tick(QUOTE_OI), SUSPECT_BELOW_INTRINSIC); /* nothing new of the price */
	check_i64(quote(498, 502), 0);
	check_i64(trade(499), 0);
	check_i64(trade(450), SUSPECT_BELOW_INTRINSIC);
	check_i64(trade(500), 0);
	t.contract = &put;
	check_i64(trade(0.5), 0); /* the put pays nothing */
	t.level = (struct level){LEVEL_FUTURE, 24500, 24480};
	check_i64(trade(450), SUSPECT_BELOW_INTRINSIC);
}

/* Of a trade whose price has not come nothing is known. */
static void test_below_intrinsic_without_a_price(void **state)
{
	(void)state;
	t.level = (struct level){LEVEL_FUTURE, 25500, 25480};
	q.ltt = now - 100;
	check_i64(tick(QUOTE_LTT | QUOTE_VTT), 0);
	check_i64(trade(450), SUSPECT_BELOW_INTRINSIC);
}

/* An old trade is not compared with the forward of now; neither is any without a forward. */
static void test_below_intrinsic_is_of_this_moment(void **state)
{
	(void)state;
	t.level = (struct level){LEVEL_FUTURE, 25500, 25480};
	q.ltp = p(300);
	q.ltt = now - 3600000;
	check_i64(tick(QUOTE_LTP | QUOTE_LTT), 0);
	t.level = (struct level){0};
	check_i64(trade(300), 0);
	check_i64(quote(299, 301), 0);
	t.level = (struct level){LEVEL_SPOT, 25500, 25500}; /* slack 186: the carry is not known */
	check_i64(quote(320, 322), 0);
	check_i64(quote(300, 302), SUSPECT_BELOW_INTRINSIC);
	now = call.expiry_ms - 1800000; /* settled at the average of the last half hour */
	check_i64(quote(300, 302), 0);
}

static void test_spot_price(void **state)
{
	(void)state;
	check_i64(trade(120), 0);
	check(trade(25010) & SUSPECT_SPOT_PRICE);
	check(tick(QUOTE_OI) & SUSPECT_SPOT_PRICE);
	check_i64(trade(121), 0);
	/* Without the underlying: far above what it was, and about the strike. */
	t.level = (struct level){0};
	check(price_alone(25010) & SUSPECT_SPOT_PRICE);
	check_i64(trade(121), 0);
	check_i64(trade(2500), 0); /* a price of its own */
	/* A call of strike 100 on 25000 is worth that. */
	setup(NULL);
	call.strike = 100;
	check_i64(trade(24900), 0);
	/* No option, no underlying's price in it. */
	setup(NULL);
	t.contract = NULL;
	check_i64(trade(25000), 0);
}

static void test_jump(void **state)
{
	(void)state;
	check_i64(trade(100), 0);
	check_i64(price_alone(149), 0); /* half of it is far */
	check_i64(trade(100), 0);
	check_i64(price_alone(170), SUSPECT_JUMP);
	check_i64(tick(QUOTE_OI), SUSPECT_JUMP);
	check_i64(price_alone(101), 0); /* it was a glitch */
	check_i64(price_alone(170), SUSPECT_JUMP);
	check_i64(trade(171), 0); /* it was not */
	check_i64(price_alone(175), 0);
	check_i64(trade(20), 0); /* trades may go anywhere */
	/* A few ticks of a cheap option. */
	check_i64(trade(0.05), 0);
	check_i64(price_alone(0.5), 0);
}

/* A real one does not stay flagged for ever. */
static void test_jump_ends(void **state)
{
	int n = 0;

	(void)state;
	check_i64(trade(100), 0);
	while (price_alone(200 + n % 3) == SUSPECT_JUMP)
		check(++n < 100);
	check_i64(n, QUARANTINE_TICKS - 1);
	check_i64(price_alone(199), 0);
	/* One that wanders does not confirm itself. */
	setup(NULL);
	trade(100);
	for (n = 0; n < 60; n++)
		check_i64(price_alone(n % 2 ? 200 : 900), SUSPECT_JUMP);
}

static void test_jump_of_an_index(void **state)
{
	(void)state;
	t.contract = NULL;
	t.is_index = true;
	for (int i = 0; i < 5; i++)
		check_i64(trade(25000 + i), 0); /* its ltt goes on with each tick */
	check_i64(trade(2500), SUSPECT_JUMP);
	check_i64(trade(25001), 0);
	check_i64(trade(25700), 0); /* 2.8 % */
	check_i64(trade(24000), SUSPECT_JUMP);
	check_i64(trade(24010), SUSPECT_JUMP);
	check_i64(trade(24020), SUSPECT_JUMP);
	check_i64(trade(24030), SUSPECT_JUMP);
	check_i64(trade(24040), 0); /* the fifth */
	now += 120000;
	check_i64(trade(30000), 0); /* behind a gap nobody knows how it came there */
}

static void test_jump_of_a_share(void **state)
{
	(void)state;
	t.contract = NULL;
	check_i64(trade(1000), 0);
	check_i64(price_alone(1049), 0);
	check_i64(price_alone(1110), SUSPECT_JUMP);
	check_i64(trade(1111), 0);
}

static void test_time_back(void **state)
{
	(void)state;
	check_i64(trade(100), 0);
	check_i64(trade(100), 0);
	q.vtt -= 10;
	check_i64(tick(QUOTE_VTT), SUSPECT_TIME_BACK);
	q.vtt += 10;
	check_i64(tick(QUOTE_VTT), 0);
	q.ltt -= 1;
	check_i64(tick(QUOTE_LTT), SUSPECT_TIME_BACK);
	check_i64(tick(QUOTE_OI), SUSPECT_TIME_BACK);
	check_i64(trade(100), 0);
	now -= 3000; /* two seconds before the newest message: connections overlap */
	check_i64(tick(QUOTE_OI), 0);
	now -= 60000;
	check_i64(tick(QUOTE_OI), SUSPECT_TIME_BACK);
}

static void test_time_back_ends(void **state)
{
	int n = 0;

	(void)state;
	check_i64(trade(100), 0);
	q.vtt = 10; /* the broker has begun anew */
	while (tick(QUOTE_VTT) == SUSPECT_TIME_BACK)
		check(++n < 100);
	check_i64(n, QUARANTINE_TICKS - 1);
	check_i64(tick(QUOTE_VTT), 0);
}

/* One broken byte in a message's time: the day that it names does not stay. */
static void test_day_far_ahead_ends(void **state)
{
	int64_t real;

	(void)state;
	check_i64(trade(100), 0);
	real = now;
	now += 3000 * DAY_MS;
	check_i64(trade(100), 0);
	now = real;
	for (int i = 1; i < QUARANTINE_TICKS; i++)
		check_i64(trade(100) & SUSPECT_TIME_BACK, SUSPECT_TIME_BACK);
	check_i64(trade(100), 0);
	check_i64(st.day, ist_day(now));
	now += DAY_MS; /* and the next day begins anew */
	q.vtt = 0;
	check_i64(trade(300), 0);
	check_i64(st.day, ist_day(now));
}

/* Before the open yesterday's volume is shown, with yesterday's last trade. */
static void test_volume_of_yesterday(void **state)
{
	(void)state;
	q.ltt = now - DAY_MS;
	q.vtt = 1000000;
	check_i64(tick(QUOTE_LTT | QUOTE_VTT), 0);
	q.ltt = now;
	q.vtt = 50;
	check_i64(tick(QUOTE_LTT | QUOTE_VTT), 0);
	now += DAY_MS;
	q.vtt = 20;
	check_i64(tick(QUOTE_VTT), 0);
}

static void test_oi_zero(void **state)
{
	int n = 1;

	(void)state;
	check_i64(tick(QUOTE_LTP), 0); /* none was known */
	q.oi = 100000;
	check_i64(tick(QUOTE_OI), 0);
	q.oi = 0;
	check_i64(tick(QUOTE_OI), SUSPECT_OI_ZERO);
	q.oi = 100050;
	check_i64(tick(QUOTE_OI), 0);
	q.present &= ~(unsigned)QUOTE_OI; /* a snapshot without it */
	check_i64(tick(QUOTE_LTP), SUSPECT_OI_ZERO);
	while (tick(QUOTE_LTP) == SUSPECT_OI_ZERO)
		check(++n < 100);
	check_i64(n, QUARANTINE_TICKS - 1);
	/* In mode ltpc there is none. */
	q.oi = 100000;
	check_i64(tick(QUOTE_OI), 0);
	q.present &= ~(unsigned)QUOTE_OI;
	q.mode = MODE_LTPC;
	check_i64(tick(QUOTE_LTP), 0);
}

/* Messages without a time, and a state of nothing at all. */
static void test_nothing(void **state)
{
	(void)state;
	check_i64(tick(0), 0);
	trade(100);
	now = 1000;
	t.ts_ms = 0;
	check_i64(quarantine_judge(&st, &t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_crossed, setup),
		cmocka_unit_test_setup(test_below_intrinsic, setup),
		cmocka_unit_test_setup(test_below_intrinsic_without_a_price, setup),
		cmocka_unit_test_setup(test_below_intrinsic_is_of_this_moment, setup),
		cmocka_unit_test_setup(test_spot_price, setup),
		cmocka_unit_test_setup(test_jump, setup),
		cmocka_unit_test_setup(test_jump_ends, setup),
		cmocka_unit_test_setup(test_jump_of_an_index, setup),
		cmocka_unit_test_setup(test_jump_of_a_share, setup),
		cmocka_unit_test_setup(test_time_back, setup),
		cmocka_unit_test_setup(test_day_far_ahead_ends, setup),
		cmocka_unit_test_setup(test_time_back_ends, setup),
		cmocka_unit_test_setup(test_volume_of_yesterday, setup),
		cmocka_unit_test_setup(test_oi_zero, setup),
		cmocka_unit_test_setup(test_nothing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
