/* SPDX-License-Identifier: MIT
 *
 * test_signals_apps: selectors of an app on a real instrument master: they follow the money, what they
 * chose stays until it expires, and what an option's forward needs is asked for.
 */
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "../lib/listed.h"
#include "../lib/parts.h"
#include "signals/signals.h"

#define NIFTY "NSE_INDEX|Nifty 50"

static struct desk {
	struct ws_rig rig;
	struct market market;
	struct refdata_config cfg;
	struct calendar_config calendar;
	struct http_client *http;
	struct refdata *refdata;
	struct signals_config signals_cfg;
	struct app_config apps[APPS];
	struct config_section sections[APPS + 2];
	struct signals *signals;
	char master[64];
	int64_t now;
	uint64_t seq;
} d;

static bool d_is_played = true;
static const char *d_listing; /* the master; NULL: a small real one */

static int64_t instant(const char *text)
{
	int64_t ms;

	check(ist_parse(text, strlen(text), &ms));
	return ms;
}

static void set(const char *assignment)
{
	struct agni_err err;

	if (config_set(d.sections, assignment, &err) < 0)
		fail_msg("%s: %s", assignment, err.text);
}

static bool has_master(void *arg)
{
	return refdata_master(arg) != NULL;
}

static int setup(void **state)
{
	static const char *const names[APPS] = {"app.simple", "app.redis", "app.options",
						"app.futures"};
	static char nothing[] = "", none[] = NIFTY;
	struct buf text = {0};
	FILE *f;

	(void)state;
	memset(&d, 0, sizeof(d));
	d.now = instant("2026-01-13T10:00:00");
	ws_rig_up(&d.rig);
	market_init(&d.market, &d.rig.loop);
	d.http = http_client_create(&d.rig.loop, NULL);
	snprintf(d.master, sizeof(d.master), "/tmp/agni_test_apps_%d.json", (int)getpid());
	if (d_listing)
		buf_str(&text, d_listing);
	else
		listed_small_text(&text);
	f = fopen(d.master, "w");
	check(f && fwrite(text.data, 1, text.len, f) == text.len && fclose(f) == 0);
	buf_fini(&text);
	d.cfg = (struct refdata_config){.master = d.master,
					.watch = none,
					.watch_option_greeks = nothing,
					.watch_ltpc = nothing,
					.watch_max = 100,
					.refresh_s = 3600};
	d.calendar.file = nothing;
	d.refdata = refdata_create(&(struct refdata_deps){.loop = &d.rig.loop,
							  .http = d.http,
							  .book = &d.market.book,
							  .interest = &d.market.interest,
							  .cfg = &d.cfg,
							  .calendar = &d.calendar,
							  .master_url = ""});
	d.sections[0] = (struct config_section){"signals", signals_config_keys, &d.signals_cfg, ""};
	for (int i = 0; i < APPS; i++)
		d.sections[i + 1] =
			(struct config_section){names[i], app_config_keys[i], &d.apps[i], ""};
	config_defaults(d.sections);
	set("signals.apps=options");
	set("app.options.instruments=NIFTY:current:ATM+-1");
	d.signals = signals_create(&(struct signals_deps){.loop = &d.rig.loop,
							  .book = &d.market.book,
							  .interest = &d.market.interest,
							  .refdata = d.refdata,
							  .cfg = &d.signals_cfg,
							  .apps = d.apps,
							  .waits_for_master = d_is_played});
	module_up(refdata_module(d.refdata));
	module_up(signals_module(d.signals));
	rig_until(&d.rig, has_master, d.refdata);
	return 0;
}

static int setup_live(void **state)
{
	int rc;

	d_is_played = false;
	rc = setup(state);
	d_is_played = true;
	return rc;
}

/* As a recording has it: keys alone. */
static int setup_keys(void **state)
{
	int rc;

	d_listing = "[{\"segment\":\"NSE_FO\",\"exchange_token\":\"104\","
		    "\"instrument_key\":\"NSE_FO|104\"}]";
	rc = setup(state);
	d_listing = NULL;
	return rc;
}

static int teardown(void **state)
{
	(void)state;
	module_down(&d.rig, signals_module(d.signals));
	module_down(&d.rig, refdata_module(d.refdata));
	signals_destroy(d.signals);
	refdata_destroy(d.refdata);
	http_client_down(&d.rig, d.http);
	market_fini(&d.market);
	ws_rig_down(&d.rig);
	config_fini(d.sections);
	unlink(d.master);
	return 0;
}

static void price(const char *key, double ltp, double cp)
{
	struct book *b = &d.market.book;
	struct tick t = {.key = key, .key_len = (uint32_t)strlen(key)};
	struct tick_meta meta = {.ts_ms = d.now += 1000};
	inst_id id = instruments_intern(&b->instruments, key, strlen(key));

	t.q.present = QUOTE_LTP | QUOTE_CP | QUOTE_LTT;
	t.q.ltt = d.now;
	check(price_from_double(ltp, &t.q.ltp));
	check(price_from_double(cp, &t.q.cp));
	book_publish(b, id, book_merge(b, id, &t, &meta), ++d.seq);
	book_turn(b, d.now);
}

static int wanted(const char *key)
{
	const struct instruments *t = &d.market.book.instruments;
	inst_id id = instruments_find(t, key, strlen(key));

	return id == INST_NONE ? WANT_NOTHING : interest_top(&d.market.interest, id);
}

/* The option of a weekly (100: 13 January, 200: 20 January), as listed_small numbers them. */
static const char *option(int series, int strike, bool is_put)
{
	static char key[32];

	snprintf(key, sizeof(key), "NSE_FO|%d", series + (strike - 25000) / 50 + is_put);
	return key;
}

static void test_follows_the_money(void **state)
{
	(void)state;
	check_i64(wanted(option(100, 25200, false)), WANT_NOTHING);
	price(NIFTY, 25190, 25000);
	for (int strike = 25100; strike <= 25300; strike += 100) {
		check_i64(wanted(option(100, strike, false)), WANT_FULL);
		check_i64(wanted(option(100, strike, true)), WANT_FULL);
	}
	check_i64(wanted(option(100, 25400, false)), WANT_NOTHING);
	check_i64(wanted("NSE_FO|1"), WANT_LTPC); /* the future that tells the forward */
	price(NIFTY, 25290, 25000);
	check_i64(wanted(option(100, 25400, false)), WANT_FULL);
	check_i64(wanted(option(100, 25100, false)), WANT_FULL); /* what was chosen stays */
	check_i64(module_metric(signals_module(d.signals), "instruments"), 8);
}

static void test_fires(void **state)
{
	const char *key = "NSE_FO|104"; /* the call of 25200 */

	(void)state;
	price(NIFTY, 25190, 25000);
	price(key, 60, 60);
	price(key, 60.9, 60);
	check_i64(signals_newest(d.signals), 0);
	price(key, 61.3, 60);
	check_i64(signals_newest(d.signals), 1);
	check_str(signals_at(d.signals, 1)->app, "options");
	/* A spot price in the option's slot is no signal. */
	price(key, 61, 60);
	price(key, 60, 60);
	d.now += 400000;
	price(NIFTY, 25190, 25000);
	price(key, 25190, 60);
	check_i64(signals_newest(d.signals), 1);
	check_i64(module_metric(signals_module(d.signals), "quarantined"), 1);
	price(key, 62, 60);
	check_i64(signals_newest(d.signals), 2);
}

/* On the next day the weekly is over: its options leave, those of the next one come. */
static void test_rolls(void **state)
{
	(void)state;
	price(NIFTY, 25190, 25000);
	check_i64(wanted(option(100, 25200, false)), WANT_FULL);
	check_i64(wanted(option(200, 25200, false)), WANT_NOTHING);
	d.now = instant("2026-01-14T09:30:00");
	price(NIFTY, 25190, 25000);
	check_i64(wanted(option(100, 25200, false)), WANT_NOTHING);
	check_i64(wanted(option(200, 25200, false)), WANT_FULL);
	check_i64(module_metric(signals_module(d.signals), "instruments"), 6);
	check_i64(wanted("NSE_FO|1"), WANT_LTPC);
}

static void book_of(const char *key, double mid, double oi)
{
	struct book *b = &d.market.book;
	struct tick t = {.key = key, .key_len = (uint32_t)strlen(key)};
	struct tick_meta meta = {.ts_ms = d.now};
	inst_id id = instruments_intern(&b->instruments, key, strlen(key));

	t.q.present = QUOTE_DEPTH | QUOTE_OI;
	t.q.depth_n = 1;
	t.q.oi = oi;
	check(price_from_double(mid - 0.05, &t.q.depth[0].bid));
	check(price_from_double(mid + 0.05, &t.q.depth[0].ask));
	book_publish(b, id, book_merge(b, id, &t, &meta), ++d.seq);
}

/* One message: all books of the weekly of 20 January, parity at `forward`, and its turn. */
static void pairs(double forward, double premium, double oi)
{
	d.now += 1000;
	for (int strike = 25000; strike <= 25400; strike += 100) {
		book_of(option(200, strike, false), premium + forward - 25200 + 250, oi);
		book_of(option(200, strike, true), premium + strike - 25200 + 250, oi);
	}
	book_turn(&d.market.book, d.now);
}

/* An option's volatility is reckoned with its chain's forward, not with the future of the month. */
static void test_forward_is_the_chains(void **state)
{
	const struct signal *signal;
	const struct signal_input *in = NULL;

	(void)state;
	set("app.options.rules=options_momentum");
	set("app.options.premium_window_s=60");
	set("app.options.instruments=NIFTY:next:25200:CE");
	signals_reload(d.signals);
	price(NIFTY, 25190, 25000);
	price("NSE_FO|1", 25390, 25000);
	for (int i = 0; i < 70; i++)
		pairs(25210, 0, 100000);
	check_i64(signals_newest(d.signals), 0);
	pairs(25212, 25, 110000);
	check_i64(signals_newest(d.signals), 1);
	signal = signals_at(d.signals, 1);
	check_str(signal->strategy, "options_momentum");
	for (unsigned i = 0; i < signal->inputs_n; i++) {
		if (strcmp(signal->inputs[i].name, "forward") == 0)
			in = &signal->inputs[i];
	}
	check(in != NULL);
	check_near(in->value, 25212, 1e-9);
}

static void test_new_instruments(void **state)
{
	(void)state;
	price(NIFTY, 25190, 25000);
	set("app.options.instruments=NIFTY:next:25300:PE");
	signals_reload(d.signals);
	check_i64(wanted(option(100, 25200, false)), WANT_NOTHING);
	check_i64(wanted(option(200, 25300, true)), WANT_FULL);
	check_i64(module_metric(signals_module(d.signals), "instruments"), 1);
	set("signals.apps=");
	signals_reload(d.signals);
	check_i64(wanted(option(200, 25300, true)), WANT_NOTHING);
	check_i64(wanted("NSE_FO|1"), WANT_NOTHING);
	price(NIFTY, 25190, 25000);
	check_i64(wanted(option(200, 25300, true)), WANT_NOTHING);
}

/* Whose price the basis tells is noted: not every reader may see it. */
static void test_told_from(void **state)
{
	const struct signal *s;

	(void)state;
	set("signals.apps=futures");
	set("app.futures.instruments=NSE_FO|1");
	signals_reload(d.signals);
	price(NIFTY, 25190, 25000);
	price("NSE_FO|1", 25250, 25250);
	price("NSE_FO|1", 25400, 25250);
	s = signals_at(d.signals, 1);
	check(s != NULL);
	check_str(instruments_key(&d.market.book.instruments, s->told_from), NIFTY);
}

/* Who stays keeps what its forward is told from. */
static void test_forward_over_a_reload(void **state)
{
	(void)state;
	set("app.options.instruments=NSE_FO|104");
	signals_reload(d.signals);
	price(NIFTY, 25190, 25000);
	check_i64(wanted("NSE_FO|104"), WANT_FULL);
	check_i64(wanted("NSE_FO|1"), WANT_LTPC);
	set("app.options.instruments=NSE_FO|104,NSE_FO|106");
	signals_reload(d.signals);
	check_i64(wanted("NSE_FO|104"), WANT_FULL);
	check_i64(wanted("NSE_FO|106"), WANT_FULL);
	set("app.options.instruments=NSE_FO|104");
	signals_reload(d.signals);
	check_i64(wanted("NSE_FO|106"), WANT_NOTHING);
	check_i64(wanted("NSE_FO|1"), WANT_LTPC);
}

static void check_health(enum health want, const char *word)
{
	char why[HEALTH_WHY_MAX];
	struct module *m = signals_module(d.signals);

	check_i64(m->ops->health(m, why), want);
	if (!strstr(why, word))
		fail_msg("\"%s\" has no \"%s\"", why, word);
}

static bool is_said(void *arg)
{
	return strstr(log_captured(), arg) != NULL;
}

static unsigned times(const char *text, const char *word)
{
	unsigned n = 0;

	while ((text = strstr(text, word))) {
		n++;
		text++;
	}
	return n;
}

/* What nothing is called is told, once, with what was meant; the others are looked at. */
static void test_unknown_instruments(void **state)
{
	static char near[] = "WARN  signals: app.options.instruments: nothing is called "
			     "\"NSE_INDEX|Nifty 500\"; the nearest is \"" NIFTY "\"";
	static char far[] = "nothing is called \"NSE_FO|99999\"";
	static char comma[] = "is a comma missing in it?";

	(void)state;
	check_health(HEALTH_UP, "look at");
	log_capture();
	set("app.options.instruments=NSE_INDEX|Nifty 500,NSE_FO|104,NSE_FO|99999,"
	    "NIFTI:current:ATM");
	signals_reload(d.signals);
	check_i64(wanted("NSE_FO|104"), WANT_FULL);
	rig_until(&d.rig, is_said, near);
	rig_until(&d.rig, is_said, far);
	check_health(HEALTH_DEGRADED, "3 of what apps are to look at does not exist: "
				      "\"NSE_INDEX|Nifty 500\" of app.options");
	price(NIFTY, 25190, 25000);
	price(NIFTY, 25191, 25000);
	check_i64(times(log_captured(), "nothing is called \"NSE_INDEX|Nifty 500\""), 1);
	check_i64(times(log_captured(), far), 1);
	check_i64(times(log_captured(),
			"nothing is called \"NIFTI:current:ATM\"; the nearest is \"NIFTY"),
		  1);
	check_i64(times(log_captured(), "nothing to look at"), 0);
	set("app.options.instruments=" NIFTY " NSE_INDEX|Nifty Bank,NSE_FO|104");
	signals_reload(d.signals);
	rig_until(&d.rig, is_said, comma);
	set("app.options.instruments=NSE_FO|104");
	signals_reload(d.signals);
	check_health(HEALTH_UP, "look at");
}

/* A recording has what it has. */
static void test_unknown_in_a_recording(void **state)
{
	static char said[] = "INFO  signals: app.options.instruments: nothing is called";

	(void)state;
	log_capture();
	set("app.options.instruments=NSE_FO|99999");
	signals_reload(d.signals);
	rig_until(&d.rig, is_said, said);
	check_health(HEALTH_UP, "look at");
}

static void test_recording_without_names(void **state)
{
	(void)state;
	log_capture();
	set("app.options.instruments=NSE_FO|104,NIFTY:current:ATM+-2");
	signals_reload(d.signals);
	check_i64(wanted("NSE_FO|104"), WANT_FULL);
	check_i64(times(log_captured(), "\"NIFTY:current:ATM+-2\" means nothing on a recording"),
		  1);
	check_i64(times(log_captured(), "instruments.master"), 1);
	check_health(HEALTH_UP, "look at");
}

/* The broker says that the segment is closed. */
static void test_market_info(void **state)
{
	static const unsigned char closed[] = {0x0a, 0x0a, 0x0a, 0x06, 'N',  'S',
					       'E',  '_',  'F',  'O',  0x10, 0x03};
	const char *key = "NSE_FO|104";

	(void)state;
	price(NIFTY, 25190, 25000);
	price(key, 60, 60);
	signals_market_info(d.signals, closed, sizeof(closed));
	price(key, 62, 60);
	check_i64(signals_newest(d.signals), 0);
	check(module_metric(signals_module(d.signals), "held_closed_total") > 0);
	signals_market_info(d.signals, "\xff\xff", 2); /* no MarketInfo at all */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_follows_the_money, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fires, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rolls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forward_is_the_chains, setup, teardown),
		cmocka_unit_test_setup_teardown(test_new_instruments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forward_over_a_reload, setup, teardown),
		cmocka_unit_test_setup_teardown(test_told_from, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_instruments, setup_live, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_in_a_recording, setup, teardown),
		cmocka_unit_test_setup_teardown(test_recording_without_names, setup_keys, teardown),
		cmocka_unit_test_setup_teardown(test_market_info, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
