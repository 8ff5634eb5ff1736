/* SPDX-License-Identifier: MIT
 *
 * The instrument master: from a file, from a server, absent, damaged and replaced; and the watch
 * list that follows it.
 */
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "../lib/listed.h"
#include "../lib/parts.h"
#include "../lib/script.h"
#include "market/calendar.h"
#include "refdata/refdata.h"

#define ROW(key) "{\"segment\":\"NSE_FO\",\"instrument_key\":\"" key "\",\"lot_size\":75}"

static const char master_a[] = "[" ROW("NSE_FO|1") "," ROW(
	"NSE_FO|2") ",{\"name\":\"no key\"},"
		    "{\"instrument_key\":\"no key\"}," ROW("NSE_INDEX|Nifty 50") "]";
static const char master_b[] = "[" ROW("NSE_FO|2") "," ROW("NSE_FO|3") "]";

struct stand {
	struct ws_rig rig;
	struct http_client *http;
	struct script web;
	struct market market;
	struct refdata_config cfg;
	struct calendar_config calendar;
	char calendar_file[64];
	struct refdata *refdata;
	struct module *mod;
	char master[1024], watch[256], greeks[64], ltpc[64];
	char master_url[64], api_url[64];
	bool watch_all, has_web;
};

static void stand_up(struct stand *s)
{
	memset(s, 0, sizeof(*s));
	ws_rig_up(&s->rig);
	s->http = http_client_create(&s->rig.loop, NULL);
	market_init(&s->market, &s->rig.loop);
	snprintf(s->watch, sizeof(s->watch), "auto");
	s->cfg = (struct refdata_config){.master = s->master,
					 .watch = s->watch,
					 .watch_option_greeks = s->greeks,
					 .watch_ltpc = s->ltpc,
					 .watch_max = 2000,
					 .refresh_s = 3600};
	s->calendar.file = s->calendar_file;
}

/* The master comes from a server that answers so. */
static void stand_web(struct stand *s, const struct script_reply *replies, size_t n)
{
	script_up(&s->rig, &s->web, replies, n);
	s->has_web = true;
	snprintf(s->master_url, sizeof(s->master_url), "http://127.0.0.1:%d/NSE.json", s->web.port);
}

static void stand_start(struct stand *s)
{
	s->refdata = refdata_create(&(struct refdata_deps){.loop = &s->rig.loop,
							   .http = s->http,
							   .book = &s->market.book,
							   .interest = &s->market.interest,
							   .cfg = &s->cfg,
							   .calendar = &s->calendar,
							   .api_url = "",
							   .api_url_fallback = s->api_url,
							   .master_url = s->master_url,
							   .watch_all = s->watch_all});
	s->mod = refdata_module(s->refdata);
	module_up(s->mod);
}

/* The module has stopped. */
static void stand_clear(struct stand *s)
{
	refdata_destroy(s->refdata);
	if (s->has_web)
		script_down(&s->rig, &s->web);
	http_client_down(&s->rig, s->http);
	ws_rig_down(&s->rig);
	market_fini(&s->market);
}

static void stand_down(struct stand *s)
{
	module_down(&s->rig, s->mod);
	stand_clear(s);
}

static bool knows(const struct stand *s, const char *key)
{
	return refdata_is_known(s->refdata, key, strlen(key));
}

static bool has_master(void *arg)
{
	return refdata_count(((struct stand *)arg)->refdata) > 0;
}

static bool has_failed(void *arg)
{
	return module_metric(((struct stand *)arg)->mod, "load_errors_total") > 0;
}

static int top_of(struct stand *s, const char *key)
{
	return interest_top(&s->market.interest,
			    instruments_find(&s->market.book.instruments, key, strlen(key)));
}

static enum health health_of(struct stand *s, const char *part)
{
	char why[HEALTH_WHY_MAX] = "";
	enum health h = s->mod->ops->health(s->mod, why);

	if (!strstr(why, part))
		fail_msg("\"%s\" does not say \"%s\"", why, part);
	return h;
}

/* --- the watch list --------------------------------------------------------------------------- */

static void test_without_master(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s);
	stand_start(&s);
	check(knows(&s, "NSE_FO|45450"));
	check(!knows(&s, "nonsense"));
	check_i64(refdata_count(s.refdata), 0);
	check_i64(health_of(&s, "no instrument master"), HEALTH_UP);
	/* watch=auto with a broker: the well-known four. */
	check_i64(s.market.book.instruments.count, 4);
	check_i64(top_of(&s, "NSE_INDEX|Nifty 50"), WANT_FULL);
	check_i64(top_of(&s, "NSE_INDEX|Nifty Bank"), WANT_FULL);
	check_i64(top_of(&s, "NSE_EQ|INE002A01018"), WANT_FULL);
	check_i64(top_of(&s, "NSE_EQ|INE467B01029"), WANT_FULL);
	stand_down(&s);
}

static void test_lists(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s);
	snprintf(s.watch, sizeof(s.watch), " NSE_INDEX|Nifty 50 ,NSE_FO|1,, nonsense,NSE_FO|1");
	snprintf(s.greeks, sizeof(s.greeks), "NSE_FO|2,NSE_FO|1");
	snprintf(s.ltpc, sizeof(s.ltpc), "NSE_FO|3");
	stand_start(&s);
	check_i64(s.market.book.instruments.count, 4);
	check_i64(top_of(&s, "NSE_INDEX|Nifty 50"), WANT_FULL);
	check_i64(top_of(&s, "NSE_FO|1"), WANT_FULL);
	check_i64(top_of(&s, "NSE_FO|2"), WANT_OPTION_GREEKS);
	check_i64(top_of(&s, "NSE_FO|3"), WANT_LTPC);
	stand_down(&s);
}

/* --- files ------------------------------------------------------------------------------------ */

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	check(f != NULL);
	fputs(text, f);
	fclose(f);
}

static void test_file(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s);
	snprintf(s.master, sizeof(s.master), "/tmp/agni_test_master_%d.json", (int)getpid());
	write_file(s.master, master_a);
	stand_start(&s);
	check(knows(&s, "NSE_FO|9")); /* not loaded yet: nobody can say no */
	check_i64(health_of(&s, "loading"), HEALTH_DEGRADED);
	rig_until(&s.rig, has_master, &s);
	check_i64(refdata_count(s.refdata), 3);
	check(knows(&s, "NSE_FO|1"));
	check(knows(&s, "NSE_INDEX|Nifty 50"));
	check(!knows(&s, "NSE_FO|9"));
	check(!knows(&s, "no key"));
	check_i64(health_of(&s, "3 instruments"), HEALTH_UP);
	check_i64(module_metric(s.mod, "rows"), 5);
	/* watch=auto with a broker does not mean all of it. */
	check_i64(top_of(&s, "NSE_FO|1"), WANT_NOTHING);
	unlink(s.master);
	stand_down(&s);
}

/* Not there, then damaged, then good: it tries on. */
static void test_bad_file(void **state)
{
	static const char *const bad[] = {"", "{}", "[]", "[{\"instrument_key\":\"NSE_FO|1\"}",
					  "[{\"name\":1}]"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct stand s;

		stand_up(&s);
		snprintf(s.master, sizeof(s.master), "/tmp/agni_test_bad_%d.json", (int)getpid());
		if (i > 0)
			write_file(s.master, bad[i]);
		stand_start(&s);
		rig_until(&s.rig, has_failed, &s);
		check_i64(health_of(&s, "instrument master: "), HEALTH_DEGRADED);
		check(knows(&s, "NSE_FO|9"));
		write_file(s.master, master_b);
		rig_until(&s.rig, has_master, &s);
		check_i64(refdata_count(s.refdata), 2);
		unlink(s.master);
		stand_down(&s);
	}
}

static void test_folder(void **state)
{
	struct stand s;

	(void)state;
	stand_up(&s);
	snprintf(s.master, sizeof(s.master), "/tmp");
	stand_start(&s);
	rig_until(&s.rig, has_failed, &s);
	stand_down(&s);
}

/* --- a server --------------------------------------------------------------------------------- */

/* Everything that the master lists is watched; a new master changes that, a bad one does not. */
static void test_swap(void **state)
{
	static const struct script_reply replies[] = {
		{404, "", NULL}, {200, master_a, NULL}, {500, "", NULL}, {200, master_b, NULL}};
	struct stand s;

	(void)state;
	stand_up(&s);
	s.watch_all = true;
	s.cfg.refresh_s = 1;
	stand_web(&s, replies, ARRAY_LEN(replies));
	stand_start(&s);
	check_i64(s.market.book.instruments.count, 0);
	rig_until(&s.rig, has_master, &s);
	check_i64(module_metric(s.mod, "load_errors_total"), 1);
	check_str(s.web.heard[0].path, "/NSE.json");
	check_i64(top_of(&s, "NSE_FO|1"), WANT_FULL);
	check_i64(top_of(&s, "NSE_FO|2"), WANT_FULL);
	while (module_metric(s.mod, "load_errors_total") < 2)
		ws_rig_turn(&s.rig);
	check_i64(refdata_count(s.refdata), 3); /* the old one stays */
	check(knows(&s, "NSE_FO|1"));
	while (refdata_count(s.refdata) != 2)
		ws_rig_turn(&s.rig);
	check(!knows(&s, "NSE_FO|1"));
	check(knows(&s, "NSE_FO|3"));
	check_i64(top_of(&s, "NSE_FO|1"), WANT_NOTHING);
	check_i64(top_of(&s, "NSE_INDEX|Nifty 50"), WANT_NOTHING);
	check_i64(top_of(&s, "NSE_FO|2"), WANT_FULL);
	check_i64(top_of(&s, "NSE_FO|3"), WANT_FULL);
	stand_down(&s);
}

/* A damaged file leaves the old table, and /health says both until a good one comes. */
static void test_refused_file(void **state)
{
	static const char *const refused[] = {
		"[" ROW("NSE_FO|2") ",{\"instru",                  /* cut off */
		"[" ROW("NSE_FO|2") ",{\"name\":1},{\"name\":2}]", /* mostly nonsense */
		"<html>not found</html>",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const struct script_reply replies[] = {
			{200, master_a, NULL}, {200, refused[i], NULL}, {200, master_b, NULL}};
		struct stand s;

		stand_up(&s);
		stand_web(&s, replies, ARRAY_LEN(replies));
		stand_start(&s);
		rig_until(&s.rig, has_master, &s);
		check_i64(health_of(&s, "2 bad rows"), HEALTH_UP);
		refdata_reload(s.refdata);
		refdata_reload(s.refdata); /* one is under way */
		rig_until(&s.rig, has_failed, &s);
		check_i64(refdata_count(s.refdata), 3);
		check_i64(health_of(&s, "3 instruments of "), HEALTH_DEGRADED);
		health_of(&s, "; instrument master: ");
		while (refdata_count(s.refdata) != 2)
			ws_rig_turn(&s.rig);
		check_i64(health_of(&s, "2 instruments of "), HEALTH_UP);
		check_i64(module_metric(s.mod, "bad_rows"), 0);
		check_i64(s.web.asked, 3);
		stand_down(&s);
	}
}

static void test_odd_rows(void **state)
{
	static const struct script_reply replies[] = {
		{200, "[" ROW("NSE_FO|1") "," ROW("NSE_FO|1") ",{\"instrument_key\":\"NSE_FO|1\"}]",
		 NULL}};
	struct stand s;

	(void)state;
	stand_up(&s);
	stand_web(&s, replies, 1);
	stand_start(&s);
	rig_until(&s.rig, has_master, &s);
	health_of(&s, "1 instruments of ");
	check_i64(health_of(&s, ", 0 bad rows, 1 duplicates, 1 conflicts"), HEALTH_UP);
	check_i64(module_metric(s.mod, "duplicates"), 1);
	check_i64(module_metric(s.mod, "conflicts"), 1);
	check(strstr(log_captured(), "contradict an earlier one, first NSE_FO|1") != NULL);
	stand_down(&s);
}

/* --- selectors -------------------------------------------------------------------------------- */

static bool has_chosen(void *arg)
{
	return top_of(arg, "NSE_FO|102") == WANT_FULL;
}

static bool has_chosen_next(void *arg)
{
	return top_of(arg, "NSE_FO|204") == WANT_FULL;
}

static bool has_dropped(void *arg)
{
	return top_of(arg, "NSE_FO|102") == WANT_NOTHING;
}

static int64_t instant(const char *text)
{
	int64_t ms;

	check(ist_parse(text, strlen(text), &ms));
	return ms;
}

/* What a selector means is known when there is a master, a day and a price; it follows the price,
 * and the week. */
static void test_selectors(void **state)
{
	struct buf text = {0};
	struct script_reply replies[2];
	struct stand s;

	(void)state;
	listed_small_text(&text);
	replies[0] = replies[1] = (struct script_reply){200, buf_cstr(&text), NULL};
	stand_up(&s);
	clock_init(&s.rig.clock, CLOCK_FEED);
	snprintf(s.watch, sizeof(s.watch), "NIFTY:current:ATM+-1, NIFTY:current:nonsense,NSE_FO|9");
	snprintf(s.ltpc, sizeof(s.ltpc), "BANKNIFTY:current:FUT");
	stand_web(&s, replies, 2);
	stand_start(&s);
	check(strstr(log_captured(), "NIFTY:current:nonsense\": the strike is ATM") != NULL);
	rig_until(&s.rig, has_master, &s);
	/* The underlying is watched for its price; the day is not known yet. */
	check_i64(top_of(&s, "NSE_INDEX|Nifty 50"), WANT_LTPC);
	check_i64(top_of(&s, "NSE_FO|9"), WANT_FULL);
	check_i64(top_of(&s, "NSE_FO|2"), WANT_NOTHING);
	check_i64(s.market.book.instruments.count, 3);
	clock_see_market(&s.rig.clock, instant("2026-01-13T10:00:00"));
	market_ltp(&s.market, "NSE_INDEX|Nifty 50", 25110 * PRICE_SCALE);
	rig_until(&s.rig, has_chosen, &s);
	check_i64(top_of(&s, "NSE_FO|100"), WANT_FULL);
	check_i64(top_of(&s, "NSE_FO|105"), WANT_FULL);
	check_i64(top_of(&s, "NSE_FO|106"), WANT_NOTHING);
	check_i64(top_of(&s, "NSE_FO|2"), WANT_LTPC);
	/* The price goes up: a strike more, none less. After the close the next week is meant. */
	market_ltp(&s.market, "NSE_INDEX|Nifty 50", 25210 * PRICE_SCALE);
	clock_see_market(&s.rig.clock, instant("2026-01-13T15:30:00"));
	rig_until(&s.rig, has_chosen_next, &s);
	check_i64(top_of(&s, "NSE_FO|207"), WANT_FULL);
	check_i64(top_of(&s, "NSE_FO|208"), WANT_NOTHING);
	check_i64(top_of(&s, "NSE_FO|102"), WANT_FULL);
	/* On the day after nobody wants what has expired. */
	clock_see_market(&s.rig.clock, instant("2026-01-14T09:00:00"));
	rig_until(&s.rig, has_dropped, &s);
	check_i64(top_of(&s, "NSE_FO|204"), WANT_FULL);
	check_i64(top_of(&s, "NSE_FO|2"), WANT_LTPC);
	stand_down(&s);
	buf_fini(&text);
}

static void count_key(void *arg, const char *key, size_t len)
{
	check_i64(strlen(key), len);
	++*(unsigned *)arg;
}

static void test_select(void **state)
{
	static const char all[] = "NIFTY:current:ATM+-2";
	struct buf text = {0};
	struct resolve_miss miss;
	struct stand s;
	unsigned n = 0;

	(void)state;
	listed_small_text(&text);
	stand_up(&s);
	clock_init(&s.rig.clock, CLOCK_FEED);
	clock_see_market(&s.rig.clock, instant("2026-01-13T10:00:00"));
	snprintf(s.master, sizeof(s.master), "/tmp/agni_test_select_%d.json", (int)getpid());
	write_file(s.master, buf_cstr(&text));
	stand_start(&s);
	check_i64(refdata_select(s.refdata, all, strlen(all), NULL, count_key, &n, &miss), 0);
	check_i64(miss.code, RESOLVE_NO_MASTER);
	rig_until(&s.rig, has_master, &s);
	check_i64(refdata_select(s.refdata, all, strlen(all), NULL, count_key, &n, &miss), 0);
	check_i64(miss.code, RESOLVE_NO_PRICE);
	check_i64(refdata_select(s.refdata, "x:y", 3, NULL, count_key, &n, &miss), 0);
	check_i64(miss.code, RESOLVE_BAD_SELECTOR);
	check_i64(n, 0);
	market_ltp(&s.market, "NSE_INDEX|Nifty 50", 25200 * PRICE_SCALE);
	check_i64(refdata_select(s.refdata, all, strlen(all), NULL, count_key, &n, &miss), 10);
	check_i64(n, 10);
	unlink(s.master);
	stand_down(&s);
	buf_fini(&text);
}

/* --- the calendar ----------------------------------------------------------------------------- */

static void test_calendar_file(void **state)
{
	day_t day = day_from_civil(2026, 11, 9);
	struct agni_err err = {0};
	struct stand s;

	(void)state;
	stand_up(&s);
	snprintf(s.calendar_file, sizeof(s.calendar_file), "/tmp/agni_test_days_%d", (int)getpid());
	write_file(s.calendar_file, "holiday 2026-11-09 declared\n");
	check(calendar_is_trading_day(SEGMENT_CM, day));
	stand_start(&s);
	check(!calendar_is_trading_day(SEGMENT_CM, day));
	/* A damaged one changes nothing; the next good one does. */
	write_file(s.calendar_file, "holiday\n");
	refdata_reload(s.refdata);
	check(strstr(log_captured(), "the calendar stays as it was: calendar.file: ") != NULL);
	check(!calendar_is_trading_day(SEGMENT_CM, day));
	write_file(s.calendar_file, "holiday 2026-11-11\n");
	refdata_reload(s.refdata);
	check(calendar_is_trading_day(SEGMENT_CM, day));
	check(!calendar_is_trading_day(SEGMENT_CM, day + 2));
	stand_down(&s);
	check(calendar_is_trading_day(SEGMENT_CM, day + 2));
	unlink(s.calendar_file);
	/* With a bad file nothing starts. */
	stand_up(&s);
	snprintf(s.calendar_file, sizeof(s.calendar_file), "/nowhere/days");
	s.refdata = refdata_create(&(struct refdata_deps){
		.loop = &s.rig.loop, .cfg = &s.cfg, .calendar = &s.calendar, .master_url = ""});
	s.mod = refdata_module(s.refdata);
	check_i64(s.mod->ops->start(s.mod, &err), AGNI_ECONFIG);
	refdata_destroy(s.refdata);
	http_client_down(&s.rig, s.http);
	ws_rig_down(&s.rig);
	market_fini(&s.market);
}

static bool is_quiet(void *arg)
{
	return strstr(log_captured(), arg) != NULL;
}

/* The broker's list stands over what is compiled in, the file over the broker's list. */
static void test_broker_holidays(void **state)
{
	static const struct script_reply replies[] = {
		{200,
		 "{\"data\":[{\"date\":\"2026-11-12\",\"description\":\"Late\","
		 "\"closed_exchanges\":[\"NSE\",\"NFO\"]},{\"date\":\"2026-11-13\","
		 "\"closed_exchanges\":[\"NSE\",\"NFO\"]}]}",
		 NULL}};
	static const struct script_reply nonsense[] = {{200, "[]", NULL}}, no[] = {{503, "", NULL}};
	day_t day = day_from_civil(2026, 11, 12);
	struct stand s;

	(void)state;
	stand_up(&s);
	s.calendar.ask_broker = true;
	snprintf(s.calendar_file, sizeof(s.calendar_file), "/tmp/agni_test_days_%d", (int)getpid());
	write_file(s.calendar_file, "usual 2026-11-13\nholiday 2026-11-16\n");
	stand_web(&s, replies, 1);
	snprintf(s.api_url, sizeof(s.api_url), "http://127.0.0.1:%d", s.web.port);
	s.master_url[0] = '\0';
	stand_start(&s);
	check(!calendar_is_trading_day(SEGMENT_CM, day + 4));
	rig_until(&s.rig, is_quiet, "the broker names 2 holidays");
	check_str(s.web.heard[0].path, "/v2/market/holidays");
	check(!calendar_is_trading_day(SEGMENT_FO, day));
	check(calendar_is_trading_day(SEGMENT_FO, day + 1));
	check(!calendar_is_trading_day(SEGMENT_CM, day + 4));
	unlink(s.calendar_file);
	stand_down(&s);
	check(calendar_is_trading_day(SEGMENT_FO, day));
	/* Nonsense and refusals change nothing. */
	for (int i = 0; i < 2; i++) {
		stand_up(&s);
		s.calendar.ask_broker = true;
		stand_web(&s, i ? no : nonsense, 1);
		snprintf(s.api_url, sizeof(s.api_url), "http://127.0.0.1:%d", s.web.port);
		s.master_url[0] = '\0';
		stand_start(&s);
		rig_until(&s.rig, is_quiet, i ? "holidays:  (status 503)" : "holidays: not a list");
		check(calendar_is_trading_day(SEGMENT_FO, day));
		stand_down(&s);
	}
}

/* --- searches --------------------------------------------------------------------------------- */

struct finding {
	unsigned answers, refusals;
	uint32_t total;
};

static void on_found(void *arg, const struct master *m, const struct search_result *res)
{
	struct finding *f = arg;

	f->answers += m != NULL;
	f->refusals += m == NULL;
	f->total = res ? res->total : 0;
}

static bool is_found(void *arg)
{
	return ((struct finding *)arg)->answers == 1;
}

static void test_search(void **state)
{
	static const struct script_reply replies[] = {{200, master_a, NULL}, {200, master_b, NULL}};
	struct search_query q = {.text = "NSE_FO", .underlying = MASTER_NONE, .limit = 5};
	struct finding f = {0};
	struct stand s;
	unsigned taken = 0;

	(void)state;
	stand_up(&s);
	stand_web(&s, replies, 2);
	stand_start(&s);
	rig_until(&s.rig, has_master, &s);
	check(refdata_search(s.refdata, &q, on_found, &f));
	check_i64(f.answers, 0); /* in a later turn */
	rig_until(&s.rig, is_found, &f);
	check_i64(f.total, 2);
	/* So many wait, and no more; whoever waits at the end is told. */
	f = (struct finding){0};
	while (taken < 1000 && refdata_search(s.refdata, &q, on_found, &f))
		taken++;
	check_i64(taken, 65);
	check_i64(module_metric(s.mod, "searches_refused_total"), 1);
	check_i64(module_metric(s.mod, "searches_total"), 66);
	stand_down(&s);
	check_i64(f.answers, 1); /* the one that ran */
	check_i64(f.refusals, 64);
}

/* A table that is walked stays until the walk is over, though another took its place. */
static void test_search_of_the_old_table(void **state)
{
	static const struct script_reply replies[] = {{200, master_a, NULL}, {200, master_b, NULL}};
	struct search_query q = {.text = "NSE_FO|1", .underlying = MASTER_NONE, .limit = 5};
	struct finding f = {0};
	struct stand s;

	(void)state;
	stand_up(&s);
	stand_web(&s, replies, 2);
	stand_start(&s);
	rig_until(&s.rig, has_master, &s);
	for (int i = 0; i < 60; i++)
		check(refdata_search(s.refdata, &q, on_found, &f));
	refdata_reload(s.refdata);
	while (refdata_count(s.refdata) != 2 || f.answers < 60)
		ws_rig_turn(&s.rig);
	check_i64(f.total, 1);
	stand_down(&s);
}

static bool has_master_b(void *arg)
{
	return refdata_count(((struct stand *)arg)->refdata) == 2;
}

/* The contracts of the new day are watched as soon as the market's clock shows it. */
static void test_new_day(void **state)
{
	static const struct script_reply replies[] = {{200, master_a, NULL}, {200, master_b, NULL}};
	struct stand s;
	int64_t evening;

	(void)state;
	check(ist_parse("2026-02-03T15:29:59", 19, &evening));
	stand_up(&s);
	clock_init(&s.rig.clock, CLOCK_FEED);
	clock_see_market(&s.rig.clock, evening);
	s.watch_all = true;
	stand_web(&s, replies, ARRAY_LEN(replies));
	stand_start(&s);
	rig_until(&s.rig, has_master, &s);
	ws_rig_for(&s.rig, 2500);
	check_i64(s.web.asked, 1);
	clock_see_market(&s.rig.clock, evening + 17 * 3600000);
	rig_until(&s.rig, has_master_b, &s);
	check_i64(top_of(&s, "NSE_FO|1"), WANT_NOTHING);
	check_i64(top_of(&s, "NSE_FO|3"), WANT_FULL);
	ws_rig_for(&s.rig, 1500);
	check_i64(s.web.asked, 2);
	stand_down(&s);
}

static void test_watch_max(void **state)
{
	static const struct script_reply replies[] = {{200, master_a, NULL}};
	struct stand s;

	(void)state;
	stand_up(&s);
	s.watch_all = true;
	s.cfg.watch_max = 2;
	stand_web(&s, replies, 1);
	stand_start(&s);
	rig_until(&s.rig, has_master, &s);
	check_i64(refdata_count(s.refdata), 3);
	check_i64(s.market.book.instruments.count, 2);
	stand_down(&s);
}

/* A redirect is followed, as the broker's asset host may give one. */
static void test_redirect(void **state)
{
	static const struct script_reply replies[] = {{302, "", "Location: /other.json\r\n"},
						      {200, master_a, NULL}};
	struct stand s;

	(void)state;
	stand_up(&s);
	stand_web(&s, replies, 2);
	stand_start(&s);
	rig_until(&s.rig, has_master, &s);
	check_str(s.web.heard[1].path, "/other.json");
	stand_down(&s);
}

/* --- stopping --------------------------------------------------------------------------------- */

/* So many rows that the worker is still at them when the loop has turned for the first time. */
static void write_long(const char *path)
{
	FILE *f = fopen(path, "w");

	check(f != NULL);
	for (int i = 0; i < 200000; i++)
		fprintf(f, "%s{\"instrument_key\":\"NSE_FO|%d\",\"lot_size\":75}", i ? "," : "[",
			i);
	fputs("]", f);
	fclose(f);
}

static bool was_asked(void *arg)
{
	return ((struct stand *)arg)->web.asked > 0;
}

static void test_stop(void **state)
{
	static const struct script_reply silent[] = {{0, NULL, NULL}};
	struct stand s;

	(void)state;
	/* While the worker reads. */
	stand_up(&s);
	snprintf(s.master, sizeof(s.master), "/tmp/agni_test_stop_%d.json", (int)getpid());
	write_file(s.master, master_a);
	stand_start(&s);
	stand_down(&s);
	unlink(s.master);
	/* A long one is not read to its end. */
	stand_up(&s);
	snprintf(s.master, sizeof(s.master), "/tmp/agni_test_stop_%d.json", (int)getpid());
	write_long(s.master);
	stand_start(&s);
	module_down(&s.rig, s.mod);
	check_i64(module_metric(s.mod, "load_errors_total"), 1);
	stand_clear(&s);
	unlink(s.master);
	/* While a server does not answer. */
	stand_up(&s);
	stand_web(&s, silent, 1);
	stand_start(&s);
	rig_until(&s.rig, was_asked, &s);
	stand_down(&s);
	/* While it waits to try again. */
	stand_up(&s);
	snprintf(s.master, sizeof(s.master), "/nowhere/master.json");
	stand_start(&s);
	rig_until(&s.rig, has_failed, &s);
	stand_down(&s);
}

/* The broker's own file: the loop goes on turning meanwhile. */
static void test_real_master(void **state)
{
	static const char name[] = "instruments/upstox_nse_20260113.json.gz";
	const char *path = data_path(name);
	struct stand s;
	unsigned turns = 0;

	(void)state;
	if (!path)
		data_skip(name);
	stand_up(&s);
	snprintf(s.master, sizeof(s.master), "%s", path);
	stand_start(&s);
	for (; refdata_count(s.refdata) == 0 && turns < 60000; turns++)
		ws_rig_turn(&s.rig);
	check_i64(refdata_count(s.refdata), 86109);
	check(turns > 20);
	check(knows(&s, "NSE_INDEX|Nifty 50"));
	check(knows(&s, "NSE_EQ|INE002A01018"));
	check(!knows(&s, "NSE_FO|99999999"));
	stand_down(&s);
}

static int quiet(void **state)
{
	(void)state;
	log_capture();
	return 0;
}

static int loud(void **state)
{
	(void)state;
	log_release();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_master),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_bad_file),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_new_day),
		cmocka_unit_test(test_watch_max),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_real_master),
		cmocka_unit_test(test_refused_file),
		cmocka_unit_test(test_odd_rows),
		cmocka_unit_test(test_selectors),
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_broker_holidays),
		cmocka_unit_test(test_calendar_file),
		cmocka_unit_test(test_search_of_the_old_table),
	};

	return cmocka_run_group_tests(tests, quiet, loud);
}
