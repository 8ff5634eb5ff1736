/* SPDX-License-Identifier: MIT
 *
 * test_monitor_view: screens, as text: from a model, a choice and a size.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "cli/monitor_keys.h"
#include "cli/monitor_view.h"

#define NOW 1761623102000ll /* 2025-10-28T09:15:02 IST */

static struct monitor_model m;
static struct monitor_ui ui;
static struct buf out;

static void put(enum monitor_kind kind, const char *id, int64_t ttl_ms, const char *text)
{
	struct monitor_list *l = &m.lists[kind];

	if (*id) {
		for (size_t i = 0; i < l->n; i++)
			monitor_see(&m, kind, l->rows[i].id, strlen(l->rows[i].id));
		monitor_see(&m, kind, id, strlen(id));
		monitor_swept(&m, kind, false);
	}
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->rows[i].id, id) != 0)
			continue;
		monitor_set_life(&m, kind, i, ttl_ms, strlen(text), NULL);
		if (monitor_wants(&m, kind, i))
			monitor_set_text(&m, kind, i, text, strlen(text));
	}
}

static int begin(void **state)
{
	(void)state;
	monitor_init(&m);
	monitor_ui_init(&ui, VIEW_QUOTES);
	m.time_ms = NOW;
	m.used_memory = 1572864;
	return 0;
}

static int end(void **state)
{
	(void)state;
	monitor_fini(&m);
	buf_fini(&out);
	return 0;
}

static struct monitor_frame frame(unsigned cols, unsigned rows, enum pen_kind pen)
{
	return (struct monitor_frame){.model = &m,
				      .ui = &ui,
				      .where = "127.0.0.1:6379",
				      .prefix = "agni-sim:",
				      .is_live = true,
				      .why = "",
				      .now_ms = NOW,
				      .cols = cols,
				      .rows = rows,
				      .pen = pen};
}

/* Line `n` of the screen without the spaces at its end. */
static const char *line_of(const struct monitor_frame *f, unsigned n)
{
	static char line[1024];
	const char *at, *stop;
	size_t len;

	monitor_render(f, &out);
	at = buf_cstr(&out);
	for (; n > 0 && at; n--)
		at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
	if (!at)
		return "(no such line)";
	stop = strchr(at, '\n');
	len = stop ? (size_t)(stop - at) : strlen(at);
	while (len && at[len - 1] == ' ')
		len--;
	snprintf(line, sizeof(line), "%.*s", (int)len, at);
	return line;
}

static void check_line(unsigned cols, unsigned n, const char *want)
{
	struct monitor_frame f = frame(cols, 0, PEN_PLAIN);

	check_str(line_of(&f, n), want);
}

static void put_quotes(void)
{
	put(MONITOR_QUOTES, "NSE_EQ|INE002A01018", 29800,
	    "{\"ltp\":1501.5,\"change_pct\":0.0666,\"vtt\":143,\"recv_ms\":1761623101900,\"seq\":"
	    "9}");
	put(MONITOR_QUOTES, "NSE_FO|45450", 12001,
	    "{\"ltp\":120.05,\"change_pct\":-12.5,\"vtt\":12345678,\"oi\":4330950,\"iv\":0.1132,"
	    "\"recv_ms\":1761623042000,\"seq\":17,\"depth\":[[65,120,120.1,130]]}");
	put(MONITOR_QUOTES, "NSE_INDEX|Nifty 50", -1, "{\"ltp\":25812.35}");
}

static void test_top(void **state)
{
	struct monitor_frame f = frame(80, 0, PEN_PLAIN);

	(void)state;
	check_line(
		80, 0,
		"agnidata monitor  agni-sim:  redis 127.0.0.1:6379  connected        09:15:02 IST");
	check_line(80, 1, "server: no status in Redis (is it running, on this prefix?)");
	check_line(80, 2, "memory: redis 1.5M");
	check_line(80, 3,
		   "[1 quotes 0] 2 chain 0  3 futures 0  4 clients 0  5 signals 0  6 server");
	put(MONITOR_STATUS, "", 30000,
	    "{\"status\":\"UP\",\"version\":\"0.1.0\",\"upstream\":{\"state\":\"live\"},"
	    "\"token\":{\"state\":\"READY\"},\"rss_bytes\":25165824,\"ticks\":120233,\"clients\":2,"
	    "\"seq\":120300}");
	check_line(80, 1, "server 0.1.0 UP  upstream live  token READY");
	check_line(80, 2,
		   "memory: redis 1.5M  server 24.0M  ticks 120233  clients 2  tape seq 120300");
	put(MONITOR_STATUS, "", 30000,
	    "{\"status\":\"UP\",\"version\":\"0.1.0\",\"upstream\":{\"state\":\"live\"},"
	    "\"token\":{\"state\":\"READY\"},\"market_time\":\"2026-11-25T09:16:03.250+05:30\","
	    "\"market_phase\":\"pre_open\"}");
	check_line(
		80, 1,
		"server 0.1.0 UP  upstream live  token READY  market 2026-11-25 09:16:03 pre_open");
	put(MONITOR_STATUS, "", 30000,
	    "{\"status\":\"DEGRADED\",\"why\":\"feed: no data for 12 s\",\"version\":\"0.1.0\"}");
	check_line(80, 1, "server 0.1.0 DEGRADED  upstream   token   feed: no data for 12 s");
	f.now_ms = NOW + 9000; /* nothing new for 9 s, and the key still lives */
	check_str(line_of(&f, 1), "server: SILENT for 9.0s; what it said last: DEGRADED  upstream  "
				  " token   feed: n");
	monitor_set_life(&m, MONITOR_STATUS, 0, -2, 0, NULL);
	check_line(
		80, 1,
		"server: GONE; what it said last: DEGRADED  upstream   token   feed: no data for");
}

static void test_quotes(void **state)
{
	(void)state;
	put_quotes();
	check_line(
		80, 4,
		"INSTRUMENT                              LTP     CHG %     OI VOLUME   AGE   TTL");
	check_line(
		80, 5,
		"NSE_EQ|INE002A01018                 1501.50     +0.07      -    143  0.1s   30s");
	check_line(
		80, 6,
		"NSE_FO|45450                         120.05    -12.50  43.3L 1.23Cr   60s   13s");
	check_line(
		80, 7,
		"NSE_INDEX|Nifty 50                 25812.35         -      -      -     -     -");
	check_line(132, 6,
		   "NSE_FO|45450                                 120.05    -12.50     120.00     "
		   "120.10  43.3L 1.23Cr  11.32         17   60s   13s");
	check_line(80, 8, "");
}

static void test_moves(void **state)
{
	struct monitor_frame f = frame(80, 0, PEN_COLOURED);

	(void)state;
	put_quotes();
	check(strstr(line_of(&f, 7), "\x1b[0;2m  25812.35")); /* nothing to compare with: dim */
	put(MONITOR_QUOTES, "NSE_INDEX|Nifty 50", -1, "{\"ltp\":25812.4}");
	check(strstr(line_of(&f, 7), "\x1b[0;32m  25812.40\x1b[0m \x1b[0;32m^"));
	put(MONITOR_QUOTES, "NSE_INDEX|Nifty 50", -1, "{\"ltp\":25812.35}");
	check(strstr(line_of(&f, 7), "\x1b[0;31m  25812.35\x1b[0m \x1b[0;31mv"));
	put(MONITOR_QUOTES, "NSE_INDEX|Nifty 50", -1, "{\"ltp\":25812.35,\"oi\":1}");
	check(strstr(line_of(&f, 7), "\x1b[0;2m  25812.35"));
	put(MONITOR_QUOTES, "NSE_INDEX|Nifty 50", -1, "{\"ltp\":9,\"suspect\":[\"jump\"]}");
	check(strstr(line_of(&f, 7), "\x1b[0;33m      9.00\x1b[0m \x1b[0;33m!"));
	f.pen = PEN_PLAIN;
	check_str(
		line_of(&f, 7),
		"NSE_INDEX|Nifty 50                     9.00 !       -      -      -     -     -");
}

/* What is not of now says so, in words and without colour. */
static void test_old(void **state)
{
	struct monitor_frame f = frame(80, 0, PEN_PLAIN);

	(void)state;
	put_quotes();
	monitor_set_life(&m, MONITOR_QUOTES, 1, -2, 0, NULL);
	check_str(
		line_of(&f, 6),
		"NSE_FO|45450                         120.05    -12.50  43.3L 1.23Cr   60s  gone");
	f.now_ms = NOW + 31000; /* no look since then */
	f.is_live = false;
	f.why = "connection refused";
	f.away_ms = 31000;
	check_str(
		line_of(&f, 0),
		"agnidata monitor  agni-sim:  redis 127.0.0.1:6379  AWAY for 31s     09:15:33 IST");
	check_str(line_of(&f, 1),
		  "Redis: connection refused; trying again, and what is shown is OLD");
	check_str(
		line_of(&f, 5),
		"NSE_EQ|INE002A01018                 1501.50     +0.07      -    143   31s  gone");
	f.pen = PEN_COLOURED;
	put(MONITOR_QUOTES, "NSE_EQ|INE002A01018", 29800, "{\"ltp\":1502}");
	check(!strstr(line_of(&f, 5), "\x1b[0;32m"));
	put(MONITOR_QUOTES, "NSE_EQ|INE002A01018", 29800, "17");
	f = frame(80, 0, PEN_PLAIN);
	check_str(
		line_of(&f, 5),
		"NSE_EQ|INE002A01018              cannot be read: what stands there is no JSON ob");
}

static void test_sort_and_filter(void **state)
{
	struct monitor_frame f = frame(80, 0, PEN_PLAIN);

	(void)state;
	put_quotes();
	monitor_ui_key(&ui, 's'); /* change: the largest first, what has none last */
	check(strncmp(line_of(&f, 5), "NSE_EQ", 6) == 0);
	check(strncmp(line_of(&f, 6), "NSE_FO", 6) == 0);
	check(strncmp(line_of(&f, 7), "NSE_INDEX", 9) == 0);
	monitor_ui_key(&ui, 's'); /* age: the oldest first */
	check(strncmp(line_of(&f, 5), "NSE_FO", 6) == 0);
	check(strncmp(line_of(&f, 7), "NSE_INDEX", 9) == 0);
	monitor_ui_key(&ui, 'r');
	check(strncmp(line_of(&f, 5), "NSE_INDEX", 9) == 0);
	snprintf(ui.filter[ui.view], sizeof(ui.filter[0]), "nifty");
	check(strncmp(line_of(&f, 5), "NSE_INDEX", 9) == 0);
	check_str(line_of(&f, 6), "");
}

static const char chain[] =
	"{\"underlying\":\"NIFTY\",\"expiry\":\"2025-10-28\",\"days\":0.26,"
	"\"spot\":{\"ltp\":25812.35},\"future\":{\"ltp\":25840.1},"
	"\"forward\":{\"source\":\"parity\",\"level\":25838.2},\"atm\":25850,\"max_pain\":25800,"
	"\"call_totals\":{\"oi\":12345600,\"oi_change\":150000},\"put_totals\":{\"oi\":9876500},"
	"\"pcr_oi\":0.8,\"pcr_volume\":1.1,\"straddle\":182.4,\"smile\":{\"atm_iv\":0.1034},"
	"\"gex_net\":-123456789,\"strikes\":["
	"{\"strike\":25800,\"call\":{\"ltp\":120.5,\"oi\":1234567,\"oi_change\":-50000,\"iv\":0."
	"1132,"
	"\"delta\":0.52,\"moneyness\":\"ITM\"},\"put\":{\"ltp\":82.25,\"oi\":1000,\"oi_change\":"
	"100,"
	"\"iv\":1.5,\"delta\":-0.48,\"moneyness\":\"OTM\"}},"
	"{\"strike\":25850,\"call\":{\"ltp\":90,\"moneyness\":\"ATM\",\"delta\":1}},"
	"{\"strike\":25900.5,\"put\":{\"ltp\":140,\"delta\":-1,\"stale\":true}}]}";

static void test_chain(void **state)
{
	(void)state;
	ui.view = VIEW_CHAIN;
	check_line(80, 4, "no chain in Redis: options.chains names what is kept there");
	put(MONITOR_CHAINS, "NIFTY@2025-10-28", 30000, chain);
	check_line(80, 4, "NIFTY@2025-10-28  ttl 30s  spot 25812.35  future 25840.10  days 0.26");
	check_line(
		80, 5,
		"fwd 25838.20 parity  ATM 25850.00  iv 10.34%  max pain 25800.00  straddle 182.40");
	check_line(80, 6,
		   "PCR oi 0.800  volume 1.100  CE oi 1.23Cr +1.50L  PE oi 98.8L -  GEX -12.3Cr");
	check_line(
		80, 7,
		" CE OI  CHANGE   IV  DLT      LTP M   STRIKE M      LTP  DLT   IV  CHANGE  PE OI");
	check_line(
		80, 8,
		" 12.3L  -50000 11.3  .52   120.50 I    25800 O    82.25 -.48  150    +100   1000");
	check_line(
		80, 9,
		"     -       -    -  1.0    90.00 A    25850 -        -    -    -       -      -");
	check_line(
		80, 10,
		"     -       -    -    -        - - 25900.50 -   140.00 -1.0    -       -      -");
	put(MONITOR_CHAINS, "NIFTY@2025-11-04", 30000, "{\"strikes\":7}");
	check_line(
		80, 4,
		"NIFTY@2025-10-28 (1 of 2: n, p)  ttl 30s  spot 25812.35  future 25840.10  days 0");
	monitor_ui_key(&ui, 'n');
	check_line(80, 4, "NIFTY@2025-11-04 (2 of 2: n, p)  ttl 30s  spot -  future -  days -");
	monitor_ui_key(&ui, 'n');
	check_line(
		80, 4,
		"NIFTY@2025-10-28 (1 of 2: n, p)  ttl 30s  spot 25812.35  future 25840.10  days 0");
}

/* A strike is compared with itself, although the strikes have moved. */
static void test_chain_moves(void **state)
{
	struct monitor_frame f = frame(80, 0, PEN_COLOURED);

	(void)state;
	ui.view = VIEW_CHAIN;
	put(MONITOR_CHAINS, "N", 1,
	    "{\"strikes\":[{\"strike\":1,\"call\":{\"ltp\":5}},"
	    "{\"strike\":2,\"call\":{\"ltp\":9}}]}");
	put(MONITOR_CHAINS, "N", 1,
	    "{\"strikes\":[{\"strike\":2,\"call\":{\"ltp\":8}},"
	    "{\"strike\":3,\"call\":{\"ltp\":9}}]}");
	check(strstr(line_of(&f, 8), "\x1b[0;31m    8.00"));
	check(strstr(line_of(&f, 9), "\x1b[0;2m    9.00"));
}

static void test_futures(void **state)
{
	(void)state;
	ui.view = VIEW_FUTURES;
	put(MONITOR_FUTURES, "NIFTY", 30000,
	    "{\"underlying\":\"NIFTY\",\"rate_pct\":6.5,\"dividend_pct\":1.2,"
	    "\"spot\":{\"ltp\":25812.35},\"oi\":15000000,\"roll_pct\":23.1,\"spreads\":[{\"from\":"
	    "\"near\",\"to\":\"next\",\"spread\":112.3,\"rate_pct\":5.94}],\"months\":[{\"month\":"
	    "\"near\",\"key\":\"NSE_FO|1\",\"expiry\":\"2025-10-28\",\"ltp\":25840.1,\"change_"
	    "pct\":"
	    "0.31,\"basis\":27.75,\"carry_pct\":6.12,\"oi\":11535000,\"oi_change\":-250000,"
	    "\"buildup\":\"short_covering\"},{\"month\":\"next\",\"expiry\":\"2025-11-25\"}]}");
	check_line(80, 4, "NIFTY  ttl 30s  spot 25812.35");
	check_line(80, 5, "oi 1.50Cr  roll 23.10%  rate 6.50%  dividend 1.20%");
	check_line(80, 6, "spreads  near to next +112.30 (5.94% a year)");
	check_line(80, 7,
		   "     EXPIRY           LTP  CHG %    BASIS CARRY %     OI  CHANGE BUILD-UP");
	check_line(
		80, 8,
		"near 2025-10-28  25840.10  +0.31   +27.75   +6.12 1.15Cr  -2.50L short_covering");
	check_line(80, 9, "next 2025-11-25         -      -        -       -      -       -");
}

static void add_signal(const char *id, const char *text)
{
	monitor_signals_add(&m, id, strlen(id), text, strlen(text));
}

static void test_clients_and_signals(void **state)
{
	(void)state;
	ui.view = VIEW_CLIENTS;
	put(MONITOR_CLIENTS, "377c6a1a3ae2746e", 30000,
	    "{\"id\":\"377c6a1a3ae2746e\",\"key\":\"desk1\",\"peer\":\"127.0.0.1\",\"since_ms\":"
	    "1761623042000,\"subscriptions\":39,\"channels\":1,\"views\":[{\"policy\":\"latest\","
	    "\"instruments\":38},{\"policy\":\"all\",\"instruments\":1}],\"frames\":1200,"
	    "\"quotes\":45678,\"conflated\":12,\"behind\":0}");
	check_line(160, 4,
		   "CLIENT           KEY        SINCE    INSTR CHAN FRAMES QUOTES  CONFL BEHIND "
		   "VIEWS");
	check_line(100, 5,
		   "377c6a1a3ae2746e desk1      09:14:02    39    1   1200  45678     12      0 "
		   "latest 38, all 1  127.0.");
	ui.view = VIEW_SIGNALS;
	add_signal("2-0",
		   "{\"id\":2,\"seq\":7,\"ts_ms\":1761623042000,\"key\":\"NSE_FO|1\",\"app\":"
		   "\"options\",\"strategy\":\"options_momentum\",\"side\":\"SELL\",\"price\":"
		   "120.05,\"confidence\":0.756,\"inputs\":{\"change\":-2.1}}");
	monitor_signals_add(&m, "1-0", 3, NULL, 0);
	check_line(
		100, 5,
		"09:14:02 SELL NSE_FO|1                      120.05 0.76 options_momentum change "
		"-2.10");
	check_line(100, 6, "1-0 cannot be read: no JSON object");
	snprintf(ui.filter[ui.view], sizeof(ui.filter[0]), "simple");
	check_line(100, 5, "");
}

static void test_server(void **state)
{
	(void)state;
	ui.view = VIEW_SERVER;
	put(MONITOR_STATUS, "", 30000,
	    "{\"status\":\"UP\",\"modules\":{\"feed\":{\"why\":\"data "
	    "\\u001b[2J\",\"n\":[1,true,null]}}}");
	check_line(80, 4, "redis memory: 1.5M used, - at most, limit none");
	check_line(80, 5, "STATUS OF THE SERVER  ttl 30s");
	check_line(80, 6, "status                       UP");
	check_line(80, 7, "modules.feed.why             data ?[2J");
	check_line(80, 8, "modules.feed.n[0]            1");
	check_line(80, 9, "modules.feed.n[1]            yes");
	check_line(80, 10, "modules.feed.n[2]            -");
	check_line(80, 11, "");
}

/* --- screens ------------------------------------------------------------------------------------- */

/* No line is longer than the screen is wide, there are as many as it has, and no code is in it that
 * was not ours. */
static void check_screen(unsigned cols, unsigned rows)
{
	struct monitor_frame f = frame(cols, rows, PEN_COLOURED_SCREEN);
	unsigned lines = 1, used = 0;
	const char *c;

	monitor_render(&f, &out);
	for (c = buf_cstr(&out); *c; c++) {
		if (*c == '\x1b') {
			c += 1 + strspn(c + 1, "[0123456789;");
			check(strchr("mHKJ", *c) && *c);
		} else if (*c == '\r') {
			check(*++c == '\n');
			lines++;
			used = 0;
		} else {
			check(*c >= ' ' && *c <= '~');
			check(++used <= cols);
		}
	}
	check(lines == rows || rows < MONITOR_ROWS_MIN || cols < MONITOR_COLS_MIN);
}

static void test_every_size(void **state)
{
	char name[32];

	(void)state;
	put_quotes();
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "X|%d\x1b]0;\x9b\xe2\x80\xae", i);
		put(MONITOR_QUOTES, name, 1, "{\"ltp\":1e250,\"oi\":-1e300,\"change_pct\":1e200}");
	}
	put(MONITOR_CHAINS, "NIFTY@2025-10-28", 30000, chain);
	put(MONITOR_FUTURES, "\x1b[2J", 30000, "{\"months\":[{\"month\":\"\\u001b[2J\"},5]}");
	put(MONITOR_CLIENTS, "\x9b", 30000,
	    "{\"views\":[{\"policy\":\"\\u009b\"}],\"since_ms\":1e300}");
	put(MONITOR_STATUS, "", 30000, "{\"status\":\"\\u001b[2J\",\"\\u001b\":[[[\"\\u0007\"]]]}");
	add_signal("\x1b[2J", "{\"side\":\"\\u001b\",\"inputs\":{\"\\u001b\":1}}");
	for (int view = 0; view < MONITOR_VIEWS; view++) {
		ui.view = (enum monitor_view)view;
		for (unsigned cols = 1; cols < 200; cols += cols < 85 ? 1 : 17)
			check_screen(cols, 24);
		for (unsigned rows = 1; rows < 120; rows++)
			check_screen(80, rows);
	}
}

static void test_scroll(void **state)
{
	struct monitor_frame f = frame(80, 24, PEN_SCREEN);
	char name[32];

	(void)state;
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "X|%02d", i);
		put(MONITOR_QUOTES, name, -1, "{\"ltp\":1}");
	}
	check(strstr(line_of(&f, 5), "X|00"));
	check(strstr(line_of(&f, 21), "X|16"));
	check(strstr(line_of(&f, 23), "1-17 of 50"));
	monitor_ui_key(&ui, KEY_PAGE_DOWN);
	check(strstr(line_of(&f, 5), "X|16"));
	monitor_ui_key(&ui, KEY_END);
	check(strstr(line_of(&f, 21), "X|49"));
	f.rows = 60; /* there is room for all */
	check(strstr(line_of(&f, 5), "X|00"));
	f.rows = 24;
	ui.view = VIEW_CHAIN; /* the money in the middle */
	buf_reset(&out);
	buf_str(&out, "{\"atm\":40,\"strikes\":[");
	for (int i = 0; i < 50; i++)
		buf_printf(&out, "%s{\"strike\":%d}", i ? "," : "", i);
	buf_str(&out, "]}");
	put(MONITOR_CHAINS, "N", -1, buf_cstr(&out));
	check(strstr(line_of(&f, 8 + 7), " 40 "));
	monitor_ui_key(&ui, KEY_UP);
	check(strstr(line_of(&f, 8 + 8), " 40 "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_top, begin, end),
		cmocka_unit_test_setup_teardown(test_quotes, begin, end),
		cmocka_unit_test_setup_teardown(test_moves, begin, end),
		cmocka_unit_test_setup_teardown(test_old, begin, end),
		cmocka_unit_test_setup_teardown(test_sort_and_filter, begin, end),
		cmocka_unit_test_setup_teardown(test_chain, begin, end),
		cmocka_unit_test_setup_teardown(test_chain_moves, begin, end),
		cmocka_unit_test_setup_teardown(test_futures, begin, end),
		cmocka_unit_test_setup_teardown(test_clients_and_signals, begin, end),
		cmocka_unit_test_setup_teardown(test_server, begin, end),
		cmocka_unit_test_setup_teardown(test_every_size, begin, end),
		cmocka_unit_test_setup_teardown(test_scroll, begin, end),
	};

	return cmocka_run_group_tests_name("monitor_view", tests, NULL, NULL);
}
