/* SPDX-License-Identifier: MIT
 *
 * test_tape_csv: rows of recorded messages: columns by their names in any order, an empty cell is
 * absent, what is no number is refused.
 */
#include "../lib/check.h"
#include "cli/tape_csv.h"

static struct tape_csv csv;

static void header(const char *line)
{
	struct agni_err err;

	if (tape_csv_header(&csv, line, &err) < 0)
		fail_msg("%s", err.text);
}

static void test_row(void **state)
{
	const struct quote *q = &csv.q;

	(void)state;
	header("key,other,recv_ms,ltp,iv,oi,bq1,bp1,aq1,ap1,bq3,bp3,aq3,ap3,d_open,d_ts,m_close,"
	       "delta\n");
	check(tape_csv_row(&csv, "NSE_FO|1,junk,1765771368948,524.35,0.1067,338625,35,524,70,524.5,"
				 "1,2,3,4,639.6,1765737000000,5.5,-0.25\r\n"));
	check_str(csv.key, "NSE_FO|1");
	check_i64(csv.recv_ms, 1765771368948);
	check_i64(q->ltp, 5243500);
	check_near(q->iv, 0.1067, 0);
	check_near(q->oi, 338625, 0);
	check_i64(q->depth_n, 3);
	check_i64(q->depth[0].bid, 5240000);
	check_i64(q->depth[0].ask_qty, 70);
	check_i64(q->depth[1].bid_qty, 0);
	check_i64(q->depth[2].ask, 40000);
	check_i64(q->bars_n, 2);
	check_str(q->bars[0].interval, "1d");
	check_i64(q->bars[0].present, BAR_OPEN | BAR_TS);
	check_str(q->bars[1].interval, "I1");
	check_i64(q->bars[1].close, 55000);
	check_i64(q->present, QUOTE_LTP | QUOTE_IV | QUOTE_OI | QUOTE_DEPTH | QUOTE_BARS |
				      QUOTE_DELTA | QUOTE_MSG_LTPC | QUOTE_MSG_GREEKS |
				      QUOTE_MSG_OHLC);
	/* Nothing of one row is in the next. */
	check(tape_csv_row(&csv, "NSE_EQ|X,,1765771368949,,,,,,,,,,,,,,,\n"));
	check_i64(q->present, 0);
	check_i64(q->depth_n, 0);
	check_i64(q->bars_n, 0);
	check(tape_csv_row(&csv, "NSE_EQ|X,,1765771368949,1")); /* a short row */
	check_i64(q->present, QUOTE_LTP | QUOTE_MSG_LTPC);
}

/* The market's time is that of the arrival only where none is told. */
static void test_times(void **state)
{
	(void)state;
	header("ts_ms,recv_ms,key\n");
	check(tape_csv_row(&csv, "1765771368900,1765771368948,NSE_FO|1\n"));
	check_i64(csv.ts_ms, 1765771368900);
	check_i64(csv.recv_ms, 1765771368948);
	check(tape_csv_row(&csv, ",1765771368949,NSE_FO|1\n"));
	check_i64(csv.ts_ms, 1765771368949);
	check(!tape_csv_row(&csv, "today,1765771368949,NSE_FO|1\n"));
	header("recv_ms,key\n");
	check(tape_csv_row(&csv, "1765771368950,NSE_FO|1\n"));
	check_i64(csv.ts_ms, 1765771368950);
}

static void test_bad(void **state)
{
	struct agni_err err;

	(void)state;
	check_i64(tape_csv_header(&csv, "key,ltp\n", &err), AGNI_EPARSE);
	check_i64(tape_csv_header(&csv, "recv_ms,ltp\n", &err), AGNI_EPARSE);
	header("recv_ms,key,ltp,vtt");
	check(!tape_csv_row(&csv, "x,NSE_FO|1,1,1"));
	check(!tape_csv_row(&csv, "1,NSE_FO|1,1x,1"));
	check(!tape_csv_row(&csv, "1,NSE_FO|1,nan,1"));
	check(!tape_csv_row(&csv, "1,NSE_FO|1,1e999,1"));
	check(!tape_csv_row(&csv, "1,NSE_FO|1,1,99999999999999999999"));
	check(!tape_csv_row(&csv, "1,no key,1,1"));
	check(!tape_csv_row(&csv, ",NSE_FO|1,1,1"));
	check(!tape_csv_row(&csv, ""));
	check(tape_csv_row(&csv, "1,NSE_FO|1,1,1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
