/* SPDX-License-Identifier: MIT
 *
 * test_monitor_model: what becomes of a row as its key is written, renewed, spoilt and gone.
 */
#include <math.h>
#include <stdio.h>

#include "../lib/check.h"
#include "cli/monitor_model.h"

static struct monitor_model m;

static int begin(void **state)
{
	(void)state;
	monitor_init(&m);
	return 0;
}

static int end(void **state)
{
	(void)state;
	monitor_fini(&m);
	return 0;
}

static void see(enum monitor_kind kind, const char *id)
{
	monitor_see(&m, kind, id, strlen(id));
}

static size_t row_of(enum monitor_kind kind, const char *id)
{
	for (size_t i = 0; i < m.lists[kind].n; i++) {
		if (strcmp(m.lists[kind].rows[i].id, id) == 0)
			return i;
	}
	fail_msg("no row %s", id);
	return 0;
}

/* What stands under the key: its length, then its text. */
static const struct monitor_row *put(enum monitor_kind kind, const char *id, const char *text)
{
	size_t row = row_of(kind, id);

	monitor_set_life(&m, kind, row, 30000, strlen(text), NULL);
	if (monitor_wants(&m, kind, row))
		monitor_set_text(&m, kind, row, text, strlen(text));
	return &m.lists[kind].rows[row];
}

static void check_ids(const char *want)
{
	char have[256] = "";

	for (size_t i = 0; i < m.lists[MONITOR_QUOTES].n; i++) {
		strcat(have, m.lists[MONITOR_QUOTES].rows[i].id);
		strcat(have, " ");
	}
	check_str(have, want);
}

static void test_names(void **state)
{
	char long_name[MONITOR_ID_MAX + 2];

	(void)state;
	see(MONITOR_QUOTES, "c");
	see(MONITOR_QUOTES, "a");
	see(MONITOR_QUOTES, "c"); /* SSCAN may give a member twice */
	monitor_swept(&m, MONITOR_QUOTES, false);
	check_ids("a c ");
	see(MONITOR_QUOTES, "b");
	see(MONITOR_QUOTES, "c");
	monitor_swept(&m, MONITOR_QUOTES, false);
	check_ids("b c ");
	/* A pass of SCAN that takes two rounds: nothing goes before it is round. */
	see(MONITOR_QUOTES, "d");
	monitor_swept(&m, MONITOR_QUOTES, true);
	check_ids("b c d ");
	see(MONITOR_QUOTES, "b");
	monitor_swept(&m, MONITOR_QUOTES, false);
	check_ids("b d ");
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	see(MONITOR_QUOTES, long_name);
	see(MONITOR_QUOTES, "");
	monitor_see(&m, MONITOR_QUOTES, "a\0b", 3);
	check_i64(m.lists[MONITOR_QUOTES].left_out, 3);
	monitor_swept(&m, MONITOR_QUOTES, false);
	check_ids("");
}

static void test_too_many(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < MONITOR_ROWS_MAX + 7; i++) {
		snprintf(name, sizeof(name), "%d", i);
		see(MONITOR_QUOTES, name);
	}
	monitor_swept(&m, MONITOR_QUOTES, false);
	check_i64(m.lists[MONITOR_QUOTES].n, MONITOR_ROWS_MAX);
	check_i64(m.lists[MONITOR_QUOTES].left_out, 7);
}

static void test_quote(void **state)
{
	const struct monitor_row *r;

	(void)state;
	see(MONITOR_QUOTES, "A");
	monitor_swept(&m, MONITOR_QUOTES, false);
	r = put(MONITOR_QUOTES, "A",
		"{\"ltp\":10.5,\"change_pct\":-1.25,\"seq\":7,\"recv_ms\":1000,\"oi\":0,"
		"\"depth\":[[5,10.4,10.6,5],[1,2,3,4]],\"suspect\":[\"jump\",\"crossed\"]}");
	check_i64(r->moved, 0); /* the first look has nothing to compare with */
	check(r->quote.ltp == 10.5 && r->quote.change_pct == -1.25 && r->quote.oi == 0);
	check(r->quote.bid == 10.4 && r->quote.ask == 10.6 && isnan(r->quote.iv));
	check_i64(r->quote.seq, 7);
	check_i64(r->quote.recv_ms, 1000);
	check_str(r->quote.suspect, "jump,crossed");
	check_i64(put(MONITOR_QUOTES, "A", "{\"ltp\":10.55}")->moved, 1);
	check_i64(put(MONITOR_QUOTES, "A", "{\"ltp\":10.55}")->moved, 0);
	check_i64(put(MONITOR_QUOTES, "A", "{\"ltp\":10.5}")->moved, -1);
	check_i64(put(MONITOR_QUOTES, "A", "{\"ltp\":10.5,\"oi\":1}")->moved, 0);
	check_i64(put(MONITOR_QUOTES, "A", "{\"oi\":1}")->moved, 0);
	check(isnan(r->quote.ltp));
	/* An empty side of the depth is no price of 0. */
	put(MONITOR_QUOTES, "A", "{\"depth\":[[0,0,10.6,5]]}");
	check(isnan(r->quote.bid) && r->quote.ask == 10.6);
	put(MONITOR_QUOTES, "A",
	    "{\"depth\":{},\"ltp\":\"1\",\"seq\":1e300,\"suspect\":{\"a\":1}}");
	check(isnan(r->quote.ltp) && isnan(r->quote.bid));
	check_i64(r->quote.seq, 0);
}

static void test_old(void **state)
{
	const struct monitor_row *r;

	(void)state;
	see(MONITOR_QUOTES, "A");
	monitor_swept(&m, MONITOR_QUOTES, false);
	r = put(MONITOR_QUOTES, "A", "{\"ltp\":10.5}");
	put(MONITOR_QUOTES, "A", "{\"ltp\":11}");
	check_i64(r->moved, 1);
	monitor_set_life(&m, MONITOR_QUOTES, 0, -2, 0, NULL); /* it died */
	check(r->is_gone && !monitor_wants(&m, MONITOR_QUOTES, 0));
	check(r->quote.ltp == 11 && r->moved == 0);
	put(MONITOR_QUOTES, "A", "{\"ltp\":11}");
	check(!r->is_gone);
	monitor_set_life(&m, MONITOR_QUOTES, 0, 5, 12, NULL);
	monitor_set_text(&m, MONITOR_QUOTES, 0, NULL, 0); /* between two questions */
	check(r->is_gone && r->quote.ltp == 11 && !r->problem[0]);
}

static void test_spoilt(void **state)
{
	static const char *const texts[] = {"",           "17",
					    "[1]",        "{\"ltp\":1",
					    "{} x",       "\"a\"",
					    "{\"a\":01}", "{\"a\":1,\"a\":2}",
					    "\x1b[",      "{\"a\":\"\xff\"}"};
	const struct monitor_row *r;

	(void)state;
	see(MONITOR_QUOTES, "A");
	see(MONITOR_CHAINS, "A");
	monitor_swept(&m, MONITOR_QUOTES, false);
	monitor_swept(&m, MONITOR_CHAINS, false);
	for (int kind = MONITOR_QUOTES; kind <= MONITOR_CHAINS; kind++) {
		r = put((enum monitor_kind)kind, "A", "{\"ltp\":3}");
		for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
			monitor_set_text(&m, (enum monitor_kind)kind, 0, texts[i],
					 strlen(texts[i]));
			check(r->is_gone && r->problem[0]);
			check_str(r->text, "{\"ltp\":3}"); /* the last that could be read */
		}
		monitor_set_life(&m, (enum monitor_kind)kind, 0, -1, 0,
				 "STRLEN: WRONGTYPE Operation against a key holding the wrong kind "
				 "of value, and much more that does not fit");
		check(r->is_gone && !monitor_wants(&m, (enum monitor_kind)kind, 0));
		check_i64(strlen(r->problem), MONITOR_PROBLEM - 1);
		monitor_set_life(&m, (enum monitor_kind)kind, 0, -1, (1u << 20) + 1, NULL);
		check(!monitor_wants(&m, (enum monitor_kind)kind, 0) && r->problem[0]);
		r = put((enum monitor_kind)kind, "A", "{\"ltp\":4}");
		check(!r->is_gone && !r->problem[0]);
	}
}

static void test_documents(void **state)
{
	const struct monitor_row *r;

	(void)state;
	see(MONITOR_CHAINS, "N@2025-10-28");
	see(MONITOR_FUTURES, "N");
	for (int i = 0; i < 3; i++)
		see(MONITOR_QUOTES, (const char *[]){"K|1", "K|2", "K|3"}[i]);
	for (int kind = 0; kind < MONITOR_STATUS; kind++)
		monitor_swept(&m, (enum monitor_kind)kind, false);
	r = put(MONITOR_CHAINS, "N@2025-10-28",
		"{\"underlying\":\"N\",\"expiry\":\"2025-10-28\",\"strikes\":[{\"strike\":25800,"
		"\"call\":{\"key\":\"K|1\"},\"put\":{\"key\":\"K|2\"}},{\"strike\":\"x\"},7]}");
	check(r->doc && !r->prev);
	check_str(m.lists[MONITOR_QUOTES].rows[0].label, "N 25800CE 10-28");
	check_str(m.lists[MONITOR_QUOTES].rows[1].label, "N 25800PE 10-28");
	put(MONITOR_CHAINS, "N@2025-10-28", "{\"atm\":2}");
	check(doc_number(r->doc, "atm") == 2 && isnan(doc_number(r->prev, "atm")));
	put(MONITOR_CHAINS, "N@2025-10-28", "{\"atm\":2}");
	check(!r->prev); /* as it was: nothing has moved */
	put(MONITOR_FUTURES, "N",
	    "{\"underlying\":\"N\",\"months\":[{\"key\":\"K|3\",\"expiry\":\"2025-11-25\"},1]}");
	check_str(m.lists[MONITOR_QUOTES].rows[2].label, "N FUT 11-25");
	check(!monitor_status(&m));
	put(MONITOR_STATUS, "", "{\"status\":\"UP\",\"a\":{\"b\":1}}");
	check_str(doc_text(monitor_status(&m), "status"), "UP");
	check_str(doc_text(monitor_status(&m), "a"), "");
	check_str(doc_text(NULL, "a"), "");
	check(isnan(doc_number(NULL, "a")));
}

static void test_signals(void **state)
{
	char id[80];

	(void)state;
	monitor_signals_begin(&m);
	monitor_signals_add(&m, "2-0", 3, "{\"side\":\"BUY\"}", 14);
	monitor_signals_add(&m, "1-0", 3, "[]", 2);
	monitor_signals_add(&m, "0-1", 3, NULL, 0);
	check_i64(m.signals_n, 3);
	check_str(doc_text(m.signals[0].doc, "side"), "BUY");
	check(!m.signals[1].doc && !m.signals[2].text);
	memset(id, '7', sizeof(id));
	monitor_signals_begin(&m);
	for (int i = 0; i < 2 * MONITOR_SIGNALS; i++)
		monitor_signals_add(&m, id, sizeof(id), "{}", 2);
	check_i64(m.signals_n, MONITOR_SIGNALS);
	check_i64(strlen(m.signals[0].id), sizeof(m.signals[0].id) - 1);
}

static void test_memory(void **state)
{
	static const char info[] = "# Memory\r\nused_memory:1054384\r\nused_memory_human:1.01M\r\n"
				   "used_memory_peak:2000000\r\nmaxmemory:0";

	(void)state;
	check_i64(m.used_memory, -1);
	monitor_set_memory(&m, info, sizeof(info) - 1);
	check_i64(m.used_memory, 1054384);
	check_i64(m.used_memory_peak, 2000000);
	check_i64(m.maxmemory, 0);
	monitor_set_memory(&m, "used_memory", 11);
	check_i64(m.used_memory, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, begin, end),
		cmocka_unit_test_setup_teardown(test_too_many, begin, end),
		cmocka_unit_test_setup_teardown(test_quote, begin, end),
		cmocka_unit_test_setup_teardown(test_old, begin, end),
		cmocka_unit_test_setup_teardown(test_spoilt, begin, end),
		cmocka_unit_test_setup_teardown(test_documents, begin, end),
		cmocka_unit_test_setup_teardown(test_signals, begin, end),
		cmocka_unit_test_setup_teardown(test_memory, begin, end),
	};

	return cmocka_run_group_tests_name("monitor_model", tests, NULL, NULL);
}
