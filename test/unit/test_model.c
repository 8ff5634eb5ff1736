/* SPDX-License-Identifier: MIT
 *
 * model: the synthetic market repeats itself exactly, keeps the book's and the exchange's rules,
 * offers no arbitrage, and rolls its contracts.
 */
#include "../lib/check.h"

#include <math.h>

#include <cjson/cJSON.h>

#include "core/json.h"
#include "market/expiry.h"
#include "options/black76.h"
#include "sim/model.h"
#include "upstox/encode.h"

#define ROWS          41
#define FUTURE        4
#define FIRST_CALL    5
#define NEXT          39
#define FAR           40
#define STRIKES       17
#define STEPS_AN_HOUR (3600 * 1000 / MODEL_STEP_MS)

static int64_t instant(const char *text)
{
	int64_t ms = 0;

	check(ist_parse(text, strlen(text), &ms));
	return ms;
}

/* FNV-1a over the encoded messages of `steps` steps. */
static uint64_t run_hash(uint64_t seed, const char *start, int steps)
{
	struct model *m = model_create(seed, instant(start));
	struct feed_encoder *e = feed_encoder_create();
	struct message msg = {0};
	struct buf out = {0};
	uint64_t h = 0xcbf29ce484222325u;

	model_state(m, &msg);
	for (int s = 0; s < steps; s++) {
		buf_reset(&out);
		feed_encoder_begin(e, (enum feed_type)msg.type, msg.ts_ms);
		for (uint32_t i = 0; i < msg.n; i++)
			feed_encoder_add(e, msg.ticks[i].key, &msg.ticks[i].q, MODE_FULL_D5);
		feed_encoder_end(e, &out);
		for (size_t i = 0; i < out.len; i++)
			h = (h ^ (unsigned char)out.data[i]) * 0x100000001b3u;
		check(model_step(m, &msg));
	}
	buf_fini(&out);
	feed_message_fini(&msg);
	feed_encoder_destroy(e);
	model_destroy(m);
	return h;
}

static void test_repeatable(void **state)
{
	uint64_t h = run_hash(7, "2026-11-20T09:15:00", 3000);

	(void)state;
	check(h == run_hash(7, "2026-11-20T09:15:00", 3000));
	check(h != run_hash(8, "2026-11-20T09:15:00", 3000));
	check(h != run_hash(7, "2026-11-20T09:15:01", 3000));
}

static void test_listing(void **state)
{
	struct model *m = model_create(1, instant("2026-11-20T09:15:00"));
	uint32_t n;
	const struct listed *rows = model_listing(m, &n);
	struct buf text = {0};
	struct agni_err err;
	cJSON *json, *row;

	(void)state;
	check_i64(n, ROWS);
	for (uint32_t i = 0; i < n; i++) {
		check(instrument_key_is_valid(rows[i].key, strlen(rows[i].key)));
		for (uint32_t k = 0; k < i; k++)
			check(strcmp(rows[i].key, rows[k].key) != 0);
	}
	listing_write(&text, rows, n);
	json = json_parse(text.data, text.len, &err);
	check(json != NULL);
	check_i64(cJSON_GetArraySize(json), ROWS);
	row = cJSON_GetArrayItem(json, 0);
	check_str(json_string(row, "instrument_key"), "NSE_INDEX|Nifty 50");
	check_str(json_string(row, "trading_symbol"), "NIFTY");
	check(strstr(json_string(row, "name"), "synthetic") != NULL);
	row = cJSON_GetArrayItem(json, FUTURE);
	check_str(json_string(row, "instrument_type"), "FUT");
	row = cJSON_GetArrayItem(json, NEXT - 1);
	check_str(json_string(row, "instrument_type"), "PE");
	check_str(json_string(row, "underlying_key"), "NSE_INDEX|Nifty 50");
	check_near(cJSON_GetObjectItem(row, "strike_price")->valuedouble, 26200, 0);
	check_near(cJSON_GetObjectItem(row, "tick_size")->valuedouble, 5, 0);
	check_i64(cJSON_GetObjectItem(row, "lot_size")->valuedouble, 65);
	/* 23:59:59 IST of the expiry day */
	check_i64(cJSON_GetObjectItem(row, "expiry")->valuedouble,
		  ist_instant(calendar_weekly_expiry(ist_day(model_now(m))), 86399000));
	cJSON_Delete(json);
	buf_fini(&text);
	model_destroy(m);
}

static void test_lots(void **state)
{
	(void)state;
	check_i64(expiry_lot_size("NIFTY", day_from_civil(2025, 12, 30)), 75);
	check_i64(expiry_lot_size("NIFTY", day_from_civil(2026, 1, 6)), 65);
	check_i64(expiry_lot_size("NIFTY", day_from_civil(2024, 12, 26)), 25);
	check_i64(expiry_lot_size("NIFTY", day_from_civil(2024, 4, 25)), 50);
}

/* --- rules of an exchange -------------------------------------------------------------------- */

static int64_t price_tick(unsigned i)
{
	return i == 2 || i == 3 || i == FUTURE || i >= NEXT ? 1000 : 500;
}

static void check_depth(const struct quote *q, unsigned i, int lot)
{
	double bids = 0, asks = 0;

	check_i64(q->depth_n, DEPTH_MAX);
	for (unsigned l = 0; l < DEPTH_MAX; l++) {
		const struct depth_row *d = &q->depth[l];

		check(d->ask > 0 && d->ask_qty > 0 && d->bid >= 0);
		check((d->bid == 0) == (d->bid_qty == 0));
		check_i64(d->bid % price_tick(i), 0);
		check_i64(d->ask % price_tick(i), 0);
		check_i64(d->bid_qty % lot, 0);
		check_i64(d->ask_qty % lot, 0);
		bids += (double)d->bid_qty;
		asks += (double)d->ask_qty;
		if (l == 0)
			check(d->bid > 0 && d->bid < d->ask);
		else
			check(d->ask > q->depth[l - 1].ask &&
			      (d->bid < q->depth[l - 1].bid || d->bid == 0));
	}
	check(q->tbq >= bids && q->tsq >= asks);
}

static void check_bar(const struct bar *b)
{
	check(b->low <= b->open && b->open <= b->high);
	check(b->low <= b->close && b->close <= b->high);
	check_i64(b->ts_ms % 60000, 0);
}

static void check_tick(const struct quote *was, const struct quote *now, const struct tick *t,
		       unsigned i, const struct listed *row, int64_t ts_ms)
{
	check_i64(now->cp, was->cp);
	check(now->ltt >= was->ltt && now->ltt <= ts_ms);
	check(now->vtt >= was->vtt);
	check_i64(now->ltp % price_tick(i), 0);
	check(now->bars[0].low <= now->ltp && now->ltp <= now->bars[0].high);
	check_i64(now->bars[0].close, now->ltp);
	for (unsigned b = 0; b < now->bars_n; b++)
		check_bar(&now->bars[b]);
	if (t->q.present & QUOTE_BARS && now->bars_n == 2) {
		check_str(now->bars[1].interval, "I1");
		check(now->bars[1].ts_ms + 60000 <= ts_ms);
	}
	if (row->kind == LISTED_INDEX)
		return;
	if (t->q.present & QUOTE_DEPTH)
		check_depth(&t->q, i, row->lot_size);
	check_i64(now->vtt % row->lot_size, 0);
	check_i64(now->ltq % row->lot_size, 0);
	/* atp is rounded to two decimals */
	check(now->atp + 50 >= now->bars[0].low && now->atp - 50 <= now->bars[0].high);
	check_i64(now->bars[0].vol, now->vtt);
}

static void test_rules(void **state)
{
	struct model *m = model_create(3, instant("2026-11-20T09:15:00"));
	struct quote *books = calloc(ROWS, sizeof(*books)), before;
	struct message msg = {0};
	uint32_t n;
	const struct listed *rows = model_listing(m, &n);
	uint64_t entries = 0, partial = 0, trades = 0, books_new = 0, greeks = 0, options = 0;

	(void)state;
	model_state(m, &msg);
	check_i64(msg.n, ROWS);
	check_i64(msg.type, FEED_INITIAL);
	for (uint32_t i = 0; i < msg.n; i++)
		quote_replace(&books[i], &msg.ticks[i].q);
	for (int s = 0; s < STEPS_AN_HOUR; s++) {
		int64_t now_ms = model_now(m);

		check(model_step(m, &msg));
		check_i64(msg.ts_ms, now_ms + MODEL_STEP_MS);
		for (uint32_t i = 0; i < msg.n; i++) {
			unsigned id = msg.ids[i];
			const struct tick *t = &msg.ticks[i];

			check_str(t->key, rows[id].key);
			before = books[id];
			quote_merge(&books[id], &t->q);
			check_tick(&before, &books[id], t, id, &rows[id], msg.ts_ms);
			entries++;
			partial += !(t->q.present & QUOTE_DEPTH) || !(t->q.present & QUOTE_BARS);
			options += id >= FIRST_CALL;
			trades += id >= FIRST_CALL && books[id].vtt > before.vtt;
			books_new += id >= FIRST_CALL && t->q.present & QUOTE_DEPTH;
			greeks += id >= FIRST_CALL && t->q.present & QUOTE_GREEKS;
		}
	}
	/* Recorded: a median of 8 keys per message, new volume in 44 % of an option's messages, a
	 * new book in 86 % of those without and 31 % of those with it, new Greeks in 16 %. */
	check_near((double)entries / STEPS_AN_HOUR, 8.0, 1.0);
	check_near((double)trades / (double)options, 0.44, 0.02);
	check_near((double)books_new / (double)options, 0.56 + 0.44 * 0.31, 0.02);
	check_near((double)greeks / (double)options, 0.16, 0.01);
	check(partial > entries / 4);
	/* Merging the parts has given the whole. */
	model_state(m, &msg);
	for (uint32_t i = 0; i < ROWS; i++) {
		check_i64(books[i].ltp, msg.ticks[i].q.ltp);
		check_i64(books[i].vtt, msg.ticks[i].q.vtt);
		check_i64(books[i].depth_n, msg.ticks[i].q.depth_n);
		if (books[i].depth_n)
			check_i64(books[i].depth[0].bid, msg.ticks[i].q.depth[0].bid);
		check_near(books[i].delta, msg.ticks[i].q.delta, 0);
		check_near(books[i].tbq, msg.ticks[i].q.tbq, 0);
	}
	feed_message_fini(&msg);
	free(books);
	model_destroy(m);
}

/* --- prices ---------------------------------------------------------------------------------- */

static double mid(const struct quote *q)
{
	return (price_to_double(q->depth[0].bid) + price_to_double(q->depth[0].ask)) / 2;
}

static double half_spread(const struct quote *q)
{
	return (price_to_double(q->depth[0].ask) - price_to_double(q->depth[0].bid)) / 2;
}

/* All that was quoted afresh in one frame comes from one forward. Returns the pairs checked. */
static int check_frame(const struct model *m, const struct message *msg, const struct listed *rows)
{
	const struct quote *q[ROWS] = {0};
	int pairs = 0;

	for (uint32_t i = 0; i < msg->n; i++) {
		if (msg->ticks[i].q.present & QUOTE_DEPTH)
			q[msg->ids[i]] = &msg->ticks[i].q;
	}
	if (q[FUTURE])
		check_near(mid(q[FUTURE]), model_forward(m), half_spread(q[FUTURE]) + 0.1);
	for (unsigned c = FIRST_CALL; c < NEXT; c += 2) {
		const struct quote *call = q[c], *put = q[c + 1];

		if (call && put) {
			check_near(mid(call) - mid(put), model_option_forward(m) - rows[c].strike,
				   half_spread(call) + half_spread(put) + 0.1);
			pairs++;
		}
		for (unsigned k = c + 2; k < NEXT; k += 2) {
			if (call && q[k])
				check(mid(call) >= mid(q[k]) - 0.1);
			if (put && q[k + 1])
				check(mid(put) <= mid(q[k + 1]) + 0.1);
		}
	}
	return pairs;
}

static void check_no_arbitrage(const char *start, int steps)
{
	struct model *m = model_create(11, instant(start));
	struct message msg = {0};
	uint32_t n;
	const struct listed *rows = model_listing(m, &n);
	int pairs = 0;

	model_state(m, &msg);
	check_i64(check_frame(m, &msg, rows), STRIKES);
	for (int s = 0; s < steps && model_step(m, &msg); s++)
		pairs += check_frame(m, &msg, rows);
	check(pairs > steps / 4);
	feed_message_fini(&msg);
	model_destroy(m);
}

static void test_no_arbitrage(void **state)
{
	(void)state;
	check_no_arbitrage("2026-01-23T10:00:00", STEPS_AN_HOUR);
	/* The last quarter of an hour before an expiry. */
	check_no_arbitrage("2026-02-03T15:15:00", 15 * 60 * 1000 / MODEL_STEP_MS - 1);
}

/* Put-call parity of a weekly carries the spot at the futures' rate, not over the futures' month. */
static void test_carry(void **state)
{
	struct model *m = model_create(11, instant("2026-11-20T10:00:00"));
	struct message msg = {0};
	uint32_t n;
	const struct listed *rows = model_listing(m, &n);
	double spot, years, sum = 0, spread = 0;

	(void)state;
	check(rows[FIRST_CALL].expiry != rows[NEXT].expiry);
	check(rows[FIRST_CALL].expiry - ist_day(model_now(m)) < 7);
	model_state(m, &msg);
	spot = price_to_double(msg.ticks[0].q.ltp);
	years = (double)(calendar_expiry_instant(rows[FIRST_CALL].expiry) - model_now(m)) /
		(365.0 * DAY_MS);
	for (unsigned c = FIRST_CALL; c < NEXT; c += 2) {
		const struct quote *call = &msg.ticks[c].q, *put = &msg.ticks[c + 1].q;

		sum += mid(call) - mid(put) + rows[c].strike;
		spread += half_spread(call) + half_spread(put);
	}
	check(spread / STRIKES < 2);
	check_near(log(sum / STRIKES / spot) / years, 0.02, 0.02);
	/* On the day of the month's expiry the week's is the same, and so is the forward. */
	model_destroy(m);
	m = model_create(11, instant("2026-01-27T10:00:00"));
	rows = model_listing(m, &n);
	check_i64(rows[FIRST_CALL].expiry, rows[FUTURE].expiry);
	check_near(model_option_forward(m), model_forward(m), 0);
	feed_message_fini(&msg);
	model_destroy(m);
}

/* Greeks against differences of the price itself, in the broker's units. */
static void test_greeks(void **state)
{
	struct model *m = model_create(5, instant("2026-01-23T10:00:00"));
	struct message msg = {0};
	uint32_t n;
	const struct listed *rows = model_listing(m, &n);
	double years = (double)(calendar_expiry_instant(rows[FIRST_CALL].expiry) - model_now(m)) /
		       (365.0 * DAY_MS);

	(void)state;
	model_state(m, &msg);
	for (unsigned i = FIRST_CALL; i < NEXT; i++) {
		const struct quote *q = &msg.ticks[i].q;
		enum option_type type = rows[i].kind == LISTED_CALL ? OPTION_CALL : OPTION_PUT;
		struct black76 in = {.forward = model_option_forward(m),
				     .strike = rows[i].strike,
				     .t = years,
				     .sigma = q->iv},
			       up = in, down = in, later = in;
		double base = black76_price(&in, type);

		check(q->iv > 0.05 && q->iv < 0.3);
		check_near(mid(q), base, half_spread(q) + 0.1);
		up.forward += 0.5;
		check_near(q->delta, (black76_price(&up, type) - base) / 0.5, 2e-3);
		up = in;
		up.sigma += 0.0005; /* a tenth of a percentage point from end to end */
		down.sigma -= 0.0005;
		check_near(q->vega, (black76_price(&up, type) - black76_price(&down, type)) * 10,
			   0.001 * q->vega + 1e-4);
		later.t -= 1 / 365.0 / 24; /* an hour of a calendar day */
		check_near(q->theta, (black76_price(&later, type) - base) * 24,
			   -0.02 * q->theta + 0.01);
		check(type == OPTION_CALL ? q->rho > 0 : q->rho < 0);
	}
	feed_message_fini(&msg);
	model_destroy(m);
}

static void test_walk(void **state)
{
	struct message msg = {0};

	(void)state;
	for (uint64_t seed = 1; seed <= 2; seed++) {
		struct model *m = model_create(seed, instant("2026-11-20T09:15:00"));
		double last = log(model_forward(m)), sum = 0;
		int steps = 0;

		while (model_step(m, &msg)) {
			/* Over a minute: the noise of the basis matters little there. */
			if (++steps % 400 == 0) {
				double now = log(model_forward(m));

				sum += (now - last) * (now - last);
				last = now;
			}
			check_near(model_forward(m), 25800, 800);
		}
		check(steps > 140000);
		check_near(sqrt(sum / (steps / 400) * 375 * 252), 0.12, 0.03);
		model_destroy(m);
	}
	feed_message_fini(&msg);
}

/* --- days ------------------------------------------------------------------------------------ */

static void test_next_day(void **state)
{
	/* 2026-02-03 is a Tuesday, the expiry of the week. */
	struct model *m = model_create(2, instant("2026-02-03T15:29:00"));
	struct message msg = {0};
	uint32_t n;
	const struct listed *rows = model_listing(m, &n);
	char old_call[INST_KEY_MAX], old_future[INST_KEY_MAX];
	price_t last;
	int steps = 0;

	(void)state;
	check_i64(rows[FIRST_CALL].expiry, day_from_civil(2026, 2, 3));
	strcpy(old_call, rows[FIRST_CALL].key);
	strcpy(old_future, rows[FUTURE].key);
	while (model_step(m, &msg))
		steps++;
	check_i64(steps, 60000 / MODEL_STEP_MS - 1);
	check(!model_is_open(m));
	check_i64(model_now(m), instant("2026-02-03T15:30:00"));
	check(!model_step(m, &msg));
	model_state(m, &msg);
	last = msg.ticks[0].q.ltp;

	model_next_day(m);
	check(model_is_open(m));
	check_i64(model_now(m), instant("2026-02-04T09:15:00"));
	check_i64(rows[FIRST_CALL].expiry, day_from_civil(2026, 2, 10));
	check(strcmp(rows[FIRST_CALL].key, old_call) != 0);
	check_str(rows[FUTURE].key, old_future);
	model_state(m, &msg);
	check_i64(msg.n, ROWS);
	check_near(price_to_double(msg.ticks[0].q.cp), price_to_double(last), 10);
	check_i64(msg.ticks[0].q.bars[0].ts_ms, instant("2026-02-04T00:00:00"));
	check(model_step(m, &msg));
	feed_message_fini(&msg);
	model_destroy(m);
}

/* Each future becomes the one before it when the near one is over, and keeps its key and what is open in
 * it. 2026-02-24 is the monthly expiry. */
static void test_futures_roll(void **state)
{
	struct model *m = model_create(2, instant("2026-02-24T15:29:00"));
	struct message msg = {0};
	uint32_t n;
	const struct listed *rows = model_listing(m, &n);
	char next[INST_KEY_MAX], far[INST_KEY_MAX];
	double next_oi, far_oi;

	(void)state;
	check_i64(rows[FUTURE].expiry, day_from_civil(2026, 2, 24));
	check_i64(rows[NEXT].expiry, day_from_civil(2026, 3, 30));
	check_i64(rows[FAR].expiry, day_from_civil(2026, 4, 28));
	strcpy(next, rows[NEXT].key);
	strcpy(far, rows[FAR].key);
	while (model_step(m, &msg))
		;
	model_state(m, &msg);
	next_oi = msg.ticks[NEXT].q.oi;
	far_oi = msg.ticks[FAR].q.oi;
	check(msg.ticks[FUTURE].q.oi > next_oi && next_oi > far_oi && far_oi > 0);
	check(mid(&msg.ticks[NEXT].q) > mid(&msg.ticks[FUTURE].q)); /* carry */
	check(mid(&msg.ticks[FAR].q) > mid(&msg.ticks[NEXT].q));
	model_next_day(m);
	check_str(rows[FUTURE].key, next);
	check_str(rows[NEXT].key, far);
	check_i64(rows[FAR].expiry, day_from_civil(2026, 5, 26));
	model_state(m, &msg);
	check_near(msg.ticks[FUTURE].q.oi, next_oi, 0);
	check_near(msg.ticks[NEXT].q.oi, far_oi, 0);
	check(msg.ticks[FAR].q.oi > 0);
	feed_message_fini(&msg);
	model_destroy(m);
}

static void test_start(void **state)
{
	struct model *m;

	(void)state;
	/* Within a session: now. */
	check_i64(model_start_auto(instant("2026-11-20T11:22:33.444")),
		  instant("2026-11-20T11:22:33.444"));
	/* A Sunday: Friday's open. After the close: the same day's. Before the open: the day
	 * before.
	 */
	check_i64(model_start_auto(instant("2026-11-22T12:00:00")), instant("2026-11-20T09:15:00"));
	check_i64(model_start_auto(instant("2026-11-20T20:00:00")), instant("2026-11-20T09:15:00"));
	check_i64(model_start_auto(instant("2026-11-20T08:00:00")), instant("2026-11-19T09:15:00"));
	/* A start outside a session moves to the next open. */
	m = model_create(1, instant("2026-11-21T12:00:00"));
	check(model_is_open(m));
	check_i64(model_now(m), instant("2026-11-23T09:15:00"));
	model_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeatable),   cmocka_unit_test(test_listing),
		cmocka_unit_test(test_lots),         cmocka_unit_test(test_rules),
		cmocka_unit_test(test_no_arbitrage), cmocka_unit_test(test_carry),
		cmocka_unit_test(test_greeks),       cmocka_unit_test(test_walk),
		cmocka_unit_test(test_next_day),     cmocka_unit_test(test_futures_roll),
		cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
