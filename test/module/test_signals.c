/* SPDX-License-Identifier: MIT
 *
 * test_signals: the apps on a book that the test writes: what fires, what is held back, who hears of
 * it, and what a reload does.
 */
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "../lib/parts.h"
#include "market/quote_json.h"
#include "signals/journal.h"
#include "signals/signals.h"

#define NIFTY "NSE_INDEX|Nifty 50"
#define TCS   "NSE_EQ|INE467B01029"
#define T0    1768275960000 /* 2026-01-13T09:16 IST, a Tuesday */

struct desk {
	struct ws_rig rig;
	struct market market;
	struct signals_config cfg;
	struct app_config apps[APPS];
	struct config_section sections[APPS + 2];
	struct signals *signals;
	const char *dir; /* of the journal; NULL: none */
	struct signals_listener ear;
	unsigned heard;
	struct signal last;
	int64_t now;
	uint64_t seq;
};

static struct desk d;

static void on_signal(struct signals_listener *l, const struct signal *signal)
{
	(void)l;
	d.heard++;
	d.last = *signal;
}

static void set(const char *assignment)
{
	struct agni_err err;

	if (config_set(d.sections, assignment, &err) < 0)
		fail_msg("%s: %s", assignment, err.text);
}

static void open_signals(void)
{
	d.signals = signals_create(&(struct signals_deps){.loop = &d.rig.loop,
							  .book = &d.market.book,
							  .interest = &d.market.interest,
							  .upstream = &d.market.view,
							  .cfg = &d.cfg,
							  .apps = d.apps,
							  .dir = d.dir});
	module_up(signals_module(d.signals));
	d.ear.on_signal = on_signal;
	signals_listen(d.signals, &d.ear);
}

static void close_signals(void)
{
	module_down(&d.rig, signals_module(d.signals));
	signals_destroy(d.signals);
}

static int setup(void **state)
{
	static const char *const names[APPS] = {"app.simple", "app.redis", "app.options",
						"app.futures"};

	(void)state;
	d = (struct desk){.now = T0};
	d.sections[0] = (struct config_section){"signals", signals_config_keys, &d.cfg, ""};
	for (int i = 0; i < APPS; i++)
		d.sections[i + 1] =
			(struct config_section){names[i], app_config_keys[i], &d.apps[i], ""};
	config_defaults(d.sections);
	set("signals.apps=simple");
	ws_rig_up(&d.rig);
	market_init(&d.market, &d.rig.loop);
	open_signals();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_signals();
	market_fini(&d.market);
	ws_rig_down(&d.rig);
	config_fini(d.sections);
	return 0;
}

static void tell(const char *key, const struct quote *q)
{
	struct book *b = &d.market.book;
	struct tick t = {.key = key, .key_len = (uint32_t)strlen(key), .q = *q};
	struct tick_meta meta = {.ts_ms = d.now += 1000};
	inst_id id = instruments_intern(&b->instruments, key, strlen(key));

	book_publish(b, id, book_merge(b, id, &t, &meta), ++d.seq);
}

/* One message with one entry, a second after the one before. */
static void say(const char *key, const struct quote *q)
{
	tell(key, q);
	book_turn(&d.market.book, d.now);
}

static void price(const char *key, double ltp, double cp)
{
	struct quote q = {.present = QUOTE_LTP | QUOTE_CP};

	check(price_from_double(ltp, &q.ltp));
	check(price_from_double(cp, &q.cp));
	say(key, &q);
}

static void test_fires_and_tells(void **state)
{
	const struct signal *s;
	struct buf b = {0};

	(void)state;
	price(TCS, 3000, 3000);
	price(TCS, 3029, 3000);
	check_i64(d.heard, 0);
	price(TCS, 3033, 3000);
	check_i64(d.heard, 1);
	price(TCS, 3040, 3000);
	check_i64(d.heard, 1);
	check_i64(signals_newest(d.signals), 1);
	check_i64(signals_oldest(d.signals), 1);
	s = signals_at(d.signals, 1);
	check_i64(s->seq, 3);
	check_i64(s->ts_ms, T0 + 3000);
	check_i64(s->side, SIGNAL_BUY);
	check_near(s->price, 3033, 0);
	check_str(s->app, "simple");
	check_str(s->strategy, "price_change");
	check_near(s->inputs[0].value, 1.1, 1e-9);
	check_i64(d.last.id, 1);
	check(signals_at(d.signals, 2) == NULL && signals_at(d.signals, 0) == NULL);
	signal_json(&b, s, &d.market.book.instruments);
	check_str(buf_cstr(&b),
		  "{\"id\":1,\"seq\":3,\"ts_ms\":1768275963000,"
		  "\"time\":\"2026-01-13T09:16:03.000+05:30\",\"key\":\"NSE_EQ|INE467B01029\","
		  "\"app\":\"simple\",\"strategy\":\"price_change\",\"rule_version\":1,"
		  "\"side\":\"BUY\",\"price\":3033,\"confidence\":0.52,\"inputs\":{"
		  "\"change_pct\":1.1,\"threshold_pct\":1,\"cp\":3000,\"tightness\":0.5,"
		  "\"pressure\":0.5}}");
	buf_fini(&b);
}

static void test_asks_for_its_instruments(void **state)
{
	struct book *b = &d.market.book;
	inst_id id = instruments_find(&b->instruments, TCS, strlen(TCS));

	(void)state;
	check(id != INST_NONE);
	check_i64(interest_top(&d.market.interest, id), WANT_FULL);
	set("app.simple.instruments=" NIFTY);
	signals_reload(d.signals);
	check_i64(interest_top(&d.market.interest, id), WANT_NOTHING);
	price(TCS, 3000, 3000);
	price(TCS, 3300, 3000);
	check_i64(d.heard, 0);
	set("signals.apps=");
	signals_reload(d.signals);
	id = instruments_find(&b->instruments, NIFTY, strlen(NIFTY));
	check_i64(interest_top(&d.market.interest, id), WANT_NOTHING);
}

static void test_held_back(void **state)
{
	struct quote crossed = {.present = QUOTE_DEPTH, .depth_n = 1};

	(void)state;
	set("signals.quarantine=off"); /* the judge's own is the next test */
	price(TCS, 3000, 3000);
	d.market.is_stale = true;
	price(TCS, 3100, 3000);
	check_i64(d.heard, 0);
	d.market.is_stale = false;
	crossed.depth[0] = (struct depth_row){1, 31010000, 31000000, 1};
	say(TCS, &crossed);
	price(TCS, 3110, 3000);
	check_i64(d.heard, 0);
	crossed.depth[0] = (struct depth_row){1, 31000000, 31000000, 1}; /* locked, not crossed */
	say(TCS, &crossed);
	check_i64(d.heard, 1);
	check_i64(module_metric(signals_module(d.signals), "held_crossed_total"), 2);
	check_i64(module_metric(signals_module(d.signals), "held_stale_total"), 1);
}

/* What the judge says is on the slot before any subscriber hears of the tick, and in its JSON. */
static uint8_t seen;

static void on_tick(struct book_subscriber *sub, inst_id id, const struct slot *slot)
{
	(void)sub;
	(void)id;
	seen = slot->suspect;
}

static void test_quarantine(void **state)
{
	struct book_subscriber sub = {.on_tick = on_tick};
	struct quote q = {.present = QUOTE_DEPTH, .depth_n = 1};
	const struct slot *slot;
	struct buf b = {0};

	(void)state;
	book_subscribe(&d.market.book, &sub);
	price(TCS, 3000, 3000);
	check_i64(seen, 0);
	q.depth[0] = (struct depth_row){1, 31010000, 31000000, 1};
	say(TCS, &q);
	check_i64(seen, SUSPECT_CROSSED);
	price(TCS, 3100, 3000);
	check_i64(d.heard, 0);
	slot = book_slot(&d.market.book,
			 instruments_find(&d.market.book.instruments, TCS, strlen(TCS)));
	quote_json(&b, TCS, slot, VIEW_LTPC);
	check(strstr(buf_cstr(&b), ",\"suspect\":[\"crossed\"],") != NULL);
	check_i64(module_metric(signals_module(d.signals), "quarantined"), 1);
	check_i64(module_metric(signals_module(d.signals), "crossed_total"), 2);
	q.depth[0] = (struct depth_row){1, 31000000, 31010000, 1};
	say(TCS, &q);
	check_i64(seen, 0);
	check_i64(d.heard, 1);
	check_i64(module_metric(signals_module(d.signals), "quarantined"), 0);
	/* A price far away without a trade: no signal. */
	price(TCS, 3000, 3000);
	price(TCS, 2800, 3000);
	check_i64(seen, SUSPECT_JUMP);
	check_i64(d.heard, 1);
	price(TCS, 2960, 3000); /* -1.3 % */
	check_i64(seen, 0);
	check_i64(d.heard, 2); /* that one is true */
	/* Where it is off nothing is flagged. */
	set("signals.quarantine=off");
	q.depth[0] = (struct depth_row){1, 31010000, 31000000, 1};
	say(TCS, &q);
	check_i64(seen, 0);
	book_unsubscribe(&sub);
	buf_fini(&b);
}

static void test_closed_market(void **state)
{
	(void)state;
	price(TCS, 3000, 3000);
	d.now = T0 + 6 * 3600000 + 15 * 60000; /* 15:31 */
	price(TCS, 3100, 3000);
	check_i64(d.heard, 0);
	check_i64(module_metric(signals_module(d.signals), "held_closed_total"), 1);
}

/* After a gap the time of the first message is not believed yet, and its turn has the time of before:
 * what is shown before the open is not looked at as of the afternoon of the day before. */
static void test_first_message_after_a_night(void **state)
{
	struct quote q = {.present = QUOTE_LTP | QUOTE_CP, .cp = 30000000};
	int64_t before;

	(void)state;
	price(TCS, 3000, 3000);
	before = d.now;
	d.now += DAY_MS - 30 * 60000; /* 08:46 */
	q.ltp = 30900000;
	tell(TCS, &q);
	book_turn(&d.market.book, before);
	check_i64(d.heard, 0);
	check_i64(module_metric(signals_module(d.signals), "held_time_total"), 1);
	d.now += 45 * 60000;
	price(TCS, 3090, 3000);
	check_i64(d.heard, 0); /* what is beyond at the open is no news */
	price(TCS, 3000, 3000);
	price(TCS, 3090, 3000);
	check_i64(d.heard, 1);
	/* A message without a time is of the turn that it is in. */
	price(TCS, 3000, 3000);
	q.ltp = 29600000;
	before = d.now;
	d.now = -1000;
	tell(TCS, &q);
	book_turn(&d.market.book, before);
	check_i64(d.heard, 2);
}

/* The trade of another day is no price of this one: the first trade is what the day begins with. */
static void test_first_trade_of_the_day(void **state)
{
	struct quote q = {.present = QUOTE_LTP | QUOTE_CP | QUOTE_LTT,
			  .ltp = 30000000,
			  .cp = 30000000,
			  .ltt = T0 - DAY_MS};

	(void)state;
	say(TCS, &q);
	say(TCS, &q);
	q.ltp = 30500000;
	q.ltt = d.now;
	say(TCS, &q);
	check_i64(d.heard, 0);
	q.ltp = 30000000;
	say(TCS, &q);
	q.ltp = 30500000;
	say(TCS, &q);
	check_i64(d.heard, 1);
}

/* Another close of before, in mid-session, is no move of the price. */
static void test_close_that_changes(void **state)
{
	(void)state;
	price(TCS, 3000, 3000);
	price(TCS, 3000, 2900);
	check_i64(d.heard, 0);
	price(TCS, 3001, 2900);
	check_i64(d.heard, 0);
	price(TCS, 2900, 2900);
	price(TCS, 2935, 2900);
	check_i64(d.heard, 1);
}

/* Instruments come and go while a turn is open: what has ticked is more than what is followed. */
static void test_reloads_within_a_turn(void **state)
{
	struct quote q = {.present = QUOTE_LTP | QUOTE_CP, .ltp = 30000000, .cp = 30000000};
	char key[32], set_to[1600];

	(void)state;
	for (int round = 0; round < 40; round++) {
		int n = snprintf(set_to, sizeof(set_to), "app.simple.instruments=");

		for (int i = 0; i < 60; i++)
			n += snprintf(set_to + n, sizeof(set_to) - (size_t)n, "NSE_EQ|%d,",
				      100 * round + i);
		set(set_to);
		signals_reload(d.signals);
		for (int i = 0; i < 60; i++) {
			snprintf(key, sizeof(key), "NSE_EQ|%d", 100 * round + i);
			tell(key, &q);
			d.now -= 1000;
		}
	}
	book_turn(&d.market.book, d.now);
	check_i64(module_metric(signals_module(d.signals), "looks_total"), 60);
}

static void test_no_close_no_signal(void **state)
{
	(void)state;
	price(TCS, 3000, 3000);
	price(TCS, 3100, 0);
	price(TCS, 0, 3000);
	price(TCS, 3100, -1);
	check_i64(d.heard, 0);
	price(TCS, 3100, 3000);
	check_i64(d.heard, 1);
}

static void test_reload_in_mid_edge(void **state)
{
	(void)state;
	price(TCS, 3000, 3000);
	price(TCS, 3024, 3000); /* 0.8 % */
	set("app.simple.change_pct=0.5");
	signals_reload(d.signals);
	price(TCS, 3024, 3000);
	price(TCS, 3027, 3000);
	check_i64(d.heard, 0);
	price(TCS, 3000, 3000);
	price(TCS, 3018, 3000);
	check_i64(d.heard, 1);
	signals_reload(d.signals); /* nothing has changed: the cooldown and the edge go on */
	price(TCS, 3019, 3000);
	check_i64(d.heard, 1);
}

static void test_config_that_makes_no_sense(void **state)
{
	static const char *const wrong[] = {
		"signals.apps=simpel",        "app.simple.change_pct=nan",
		"app.simple.change_pct=-1",   "app.simple.change_pct=",
		"app.simple.change_pct=1%",   "app.simple.rearm=1",
		"app.simple.rules=price",     "app.simple.outputs=mail",
		"app.simple.instruments=TCS", "app.simple.instruments=NIFTY:never:ATM",
	};
	struct agni_err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		config_defaults(d.sections);
		check_i64(signals_config_check(&d.cfg, d.apps, &err), 0);
		set(wrong[i]);
		check_i64(signals_config_check(&d.cfg, d.apps, &err), AGNI_ECONFIG);
		/* It begins with the key. */
		check(strncmp(err.text, wrong[i], strcspn(wrong[i], "=")) == 0);
	}
}

/* The ring forgets the oldest, and says so. */
static void test_ring(void **state)
{
	(void)state;
	set("app.simple.cooldown_s=0");
	signals_reload(d.signals);
	price(TCS, 3000, 3000);
	for (int i = 0; i < SIGNALS_KEPT + 10; i++) {
		price(TCS, 3050, 3000);
		price(TCS, 3000, 3000);
	}
	check_i64(signals_newest(d.signals), SIGNALS_KEPT + 10);
	check_i64(signals_oldest(d.signals), 11);
	check(signals_at(d.signals, 10) == NULL);
	check_i64(signals_at(d.signals, 11)->id, 11);
	check_i64(signals_at(d.signals, SIGNALS_KEPT + 10)->id, SIGNALS_KEPT + 10);
}

/* Lines of the journal; *last gets the number of the newest. */
static unsigned journal_lines(const char *path, unsigned long long *last)
{
	FILE *f = fopen(path, "r");
	char line[2048];
	unsigned n = 0;

	check(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		check(sscanf(line, "{\"id\":%llu,", last) == 1);
		n++;
	}
	fclose(f);
	return n;
}

/* The file is bounded, and a restart knows what is in it: list, number, edge and cooldown. */
static void test_restart(void **state)
{
	const unsigned many = JOURNAL_LINES_MAX + 200;
	char dir[] = "/tmp/agni-signals-XXXXXX", path[64];
	unsigned long long last = 0;

	(void)state;
	check(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/signals.jsonl", dir);
	close_signals();
	d.dir = dir;
	set("app.simple.cooldown_s=0");
	open_signals();
	price(TCS, 3000, 3000);
	for (unsigned i = 0; i < many; i++) {
		d.now -= 1900; /* or the session would be over */
		price(TCS, 3050, 3000);
		if (i + 1 < many)
			price(TCS, 3000, 3000);
		if (i % 100 == 0)
			ws_rig_turn(&d.rig);
	}
	check_i64(signals_newest(d.signals), many);
	ws_rig_turn(&d.rig);
	check(journal_lines(path, &last) <= JOURNAL_LINES_MAX);
	check_i64(last, many);
	close_signals();
	open_signals();
	check_i64(signals_newest(d.signals), many);
	check_i64(signals_oldest(d.signals), many - SIGNALS_KEPT + 1);
	check_near(signals_at(d.signals, many)->price, 3050, 0);
	d.heard = 0;
	price(TCS, 3025, 3000); /* between the thresholds: the edge is not armed */
	price(TCS, 3060, 3000);
	check_i64(d.heard, 0);
	price(TCS, 3000, 3000);
	price(TCS, 3060, 3000);
	check_i64(d.heard, 1);
	check_i64(d.last.id, many + 1);
	d.dir = NULL;
	close_signals();
	open_signals();
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fires_and_tells, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asks_for_its_instruments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_held_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quarantine, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closed_market, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_message_after_a_night, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_trade_of_the_day, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_that_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reloads_within_a_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_close_no_signal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_in_mid_edge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_config_that_makes_no_sense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
