/* SPDX-License-Identifier: MIT
 *
 * The simulated exchange with a tape behind it: byte for byte, nothing lost, nothing doubled, also
 * to a reader who does not read.
 */
#include "../lib/check.h"
#include "../lib/data.h"
#include "../lib/recording.h"

#include <stdio.h>
#include <unistd.h>

#include "upstox/encode.h"

#define FIRST20K "ticks/upstox_banknifty_opt_20251215_first20k.pbs.gz"

static void check_info(void *arg, const char *segment, size_t len, int status)
{
	check_i64(len, 6);
	check(memcmp(segment, "NSE_FO", 6) == 0);
	check_i64(status, *(int *)arg);
}

static void check_market_info(const struct peer *p, uint32_t i, int status, int64_t ts_ms)
{
	struct feed_frame f = {0};

	peer_frame(p, i, &f);
	check_i64(f.type, FEED_MARKET_INFO);
	check_i64(f.current_ts, ts_ms);
	feed_info_each(&f, check_info, &status);
	feed_frame_fini(&f);
}

/* --- the whole tape -------------------------------------------------------------------------- */

static void test_as_recorded(void **state)
{
	struct recording r;
	struct exchange x;
	struct peer p;
	size_t at = 0;

	(void)state;
	recording_make(&r, 3000);
	exchange_up(&x, (const char *const[]){"source=tape", r.setting, "speed=max", NULL});
	peer_open(&x, &p);
	peer_request(&p, CONTROL_SUB, MODE_FULL_D5, recording_keys, 3);
	/* market_info, the tape, and market_info at its end */
	peer_wait(&x, &p, r.messages + 2);
	exchange_run_ms(&x, 50);
	check_i64(p.n, r.messages + 2);
	check_market_info(&p, 0, STATUS_NORMAL_OPEN, 1000000);
	for (uint32_t i = 0; i < r.messages; i++)
		at = recording_check(&p, i + 1, r.bytes.data, at);
	check_i64(at, r.bytes.len);
	check_market_info(&p, p.n - 1, STATUS_NORMAL_CLOSE, 1000000 + 10 * (r.messages - 1));
	check(p.conn != NULL); /* the connection stays */
	peer_fini(&x, &p);
	/* A new connection hears that the market is closed, and gets the last state. */
	peer_open(&x, &p);
	peer_request(&p, CONTROL_SUB, MODE_LTPC, recording_keys, 3);
	peer_wait(&x, &p, 2);
	check_market_info(&p, 0, STATUS_NORMAL_CLOSE, 1000000 + 10 * (r.messages - 1));
	peer_fini(&x, &p);
	exchange_down(&x);
	recording_drop(&r);
}

static void test_real_tape(void **state)
{
	struct exchange x;
	struct peer p;
	struct exchange_reply r = {0};
	const char *real[] = {"NSE_FO|51414", "NSE_FO|51460", "NSE_FO|51461", "NSE_FO|51498",
			      "NSE_FO|60166"};
	char setting[1100];
	size_t len = 0, at = 0;
	char *bytes = data_read(FIRST20K, &len);

	(void)state;
	if (!bytes) {
		data_skip(FIRST20K);
		return;
	}
	snprintf(setting, sizeof(setting), "tape=%s", data_path(FIRST20K));
	exchange_up(&x, (const char *const[]){"source=tape", setting, "speed=max", NULL});
	exchange_call(&x, "GET", "/market-quote/instruments/exchange/NSE.json", "", &r);
	check(strstr(r.body.data, "\"instrument_key\":\"NSE_FO|60166\"") != NULL);
	peer_open(&x, &p);
	peer_request(&p, CONTROL_SUB, MODE_FULL_D5, real, 5);
	peer_wait(&x, &p, 8912 + 2);
	exchange_run_ms(&x, 50);
	check_i64(p.n, 8912 + 2);
	for (uint32_t i = 0; i < 8912; i++)
		at = recording_check(&p, i + 1, bytes, at);
	check_i64(at, len);
	peer_fini(&x, &p);
	exchange_down(&x);
	buf_fini(&r.body);
	free(bytes);
}

/* One key of three, ltpc: only messages that have it, only its entry, only its last trade. */
static void test_projected(void **state)
{
	struct recording r;
	struct exchange x;
	struct peer p;
	struct feed_frame f = {0};
	struct tick t;
	uint32_t n = 1;

	(void)state;
	recording_make(&r, 300);
	exchange_up(&x, (const char *const[]){"source=tape", r.setting, "speed=max", NULL});
	peer_open(&x, &p);
	peer_request(&p, CONTROL_SUB, MODE_LTPC, recording_keys, 1);
	peer_wait(&x, &p, 200 + 2);
	check_i64(p.n, 200 + 2);
	for (uint32_t i = 0; i < r.messages; i++) {
		if (i % 3 == 1)
			continue; /* has the two others */
		peer_frame(&p, n++, &f);
		check_i64(f.type, FEED_LIVE);
		check_i64(f.current_ts, 1000000 + 10 * i);
		check_i64(feed_frame_count(&f), 1);
		check(feed_frame_next(&f, &t));
		check(t.key_len == strlen(recording_keys[0]) &&
		      memcmp(t.key, recording_keys[0], t.key_len) == 0);
		check_i64(t.q.arm, ARM_LTPC);
		check_i64(t.q.ltp, 10000 + i);
		check_i64(t.q.present & (QUOTE_VTT | QUOTE_DEPTH), 0);
	}
	feed_frame_fini(&f);
	peer_fini(&x, &p);
	exchange_down(&x);
	recording_drop(&r);
}

static void write_record(FILE *f, struct feed_encoder *e, int64_t ts_ms, uint32_t present)
{
	const struct quote q = {.present = present,
				.arm = ARM_MARKET,
				.ltp = ts_ms,
				.depth_n = 1,
				.depth = {{1, 9000, 11000, 1}}};
	struct buf one = {0};

	feed_encoder_begin(e, FEED_LIVE, ts_ms);
	feed_encoder_add(e, recording_keys[0], &q, MODE_FULL_D5);
	feed_encoder_end(e, &one);
	for (int b = 0; b < 4; b++)
		fputc((int)(one.len >> (8 * b) & 0xff), f);
	check_i64(fwrite(one.data, 1, one.len, f), one.len);
	buf_fini(&one);
}

/* A message that brings a new book and no trade is nothing in mode ltpc. */
static void test_nothing_for_the_mode(void **state)
{
	char setting[64] = "tape=/tmp/agni-sim-XXXXXX";
	char *path = setting + strlen("tape=");
	struct feed_encoder *e = feed_encoder_create();
	FILE *f = fdopen(mkstemp(path), "wb");
	struct exchange x;
	struct peer p;
	struct feed_frame frame = {0};
	struct tick t;

	(void)state;
	for (int64_t i = 0; i < 10; i++)
		write_record(f, e, 1000000 + i, i % 2 ? QUOTE_DEPTH : QUOTE_DEPTH | QUOTE_LTP);
	fclose(f);
	feed_encoder_destroy(e);
	exchange_up(&x, (const char *const[]){"source=tape", setting, "speed=max", NULL});
	peer_open(&x, &p);
	peer_request(&p, CONTROL_SUB, MODE_LTPC, recording_keys, 1);
	peer_wait(&x, &p, 5 + 2); /* and market_info before and behind */
	exchange_run_ms(&x, 50);
	check_i64(p.n, 5 + 2);
	for (uint32_t i = 0; i < 5; i++) {
		peer_frame(&p, i + 1, &frame);
		check(feed_frame_next(&frame, &t));
		check_i64(t.q.ltp, 1000000 + 2 * i);
	}
	feed_frame_fini(&frame);
	peer_fini(&x, &p);
	exchange_down(&x);
	unlink(path);
}

/* 10 ms apart at speed 2: 100 messages take half a second, and do not come before. */
static void test_pace(void **state)
{
	struct recording r;
	struct exchange x;
	struct peer p;
	uint64_t begin;

	(void)state;
	recording_make(&r, 101);
	exchange_up(&x, (const char *const[]){"source=tape", r.setting, "speed=2",
					      "start_delay_ms=50", NULL});
	peer_open(&x, &p);
	begin = uv_hrtime();
	peer_request(&p, CONTROL_SUB, MODE_FULL_D5, recording_keys, 3);
	peer_wait(&x, &p, 2);
	check(uv_hrtime() - begin >= 49 * NS_PER_MS);
	begin = uv_hrtime();
	peer_wait(&x, &p, 102);
	check((uv_hrtime() - begin) / NS_PER_MS >= 450);
	peer_fini(&x, &p);
	exchange_down(&x);
	recording_drop(&r);
}

/* --- a reader who does not read -------------------------------------------------------------- */

/* Until nothing comes any more. */
static void read_to_the_end(struct exchange *x, struct lazy *l)
{
	size_t before;

	do {
		before = l->in.len;
		check(lazy_read(l));
		exchange_run_ms(x, 200);
		check(lazy_read(l));
	} while (l->in.len != before);
}

/* At speed=max the tape waits while the socket is full; then everything arrives, once. */
static void test_max_waits(void **state)
{
	struct recording r;
	struct exchange x;
	struct lazy l;
	struct peer p = {0};
	uint64_t sent;
	size_t at = 0;

	(void)state;
	recording_make(&r, 30000);
	exchange_up(&x, (const char *const[]){"source=tape", r.setting, "speed=max", NULL});
	lazy_open(&x, &l);
	do {
		sent = exchange_counter(&x, "messages_total");
		exchange_run_ms(&x, 200);
	} while (exchange_counter(&x, "messages_total") != sent || sent == 0);
	check(sent > 10 && sent < r.messages);
	check(exchange_counter(&x, "waits_total") > 0);
	while (exchange_counter(&x, "messages_total") < r.messages + 2) {
		check(lazy_read(&l));
		exchange_run_ms(&x, 1);
	}
	read_to_the_end(&x, &l);
	check(lazy_split(&l, &p));
	check_i64(p.n, r.messages + 2);
	for (uint32_t i = 0; i < r.messages; i++)
		at = recording_check(&p, i + 1, r.bytes.data, at);
	check_i64(exchange_counter(&x, "conflated_total"), 0);
	lazy_close(&l);
	peer_fini(&x, &p);
	exchange_down(&x);
	recording_drop(&r);
}

/* At a finite speed time goes on: the reader misses states, is told the latest, and the sim's
 * memory does not grow. */
static void test_slow_is_conflated(void **state)
{
	struct recording r;
	struct exchange x;
	struct lazy l;
	struct peer p = {0}, watcher;
	struct feed_frame f = {0};
	struct tick t;
	int64_t last[3] = {0};

	(void)state;
	recording_make(&r, 30000);
	/* 300 s in a quarter of a second */
	exchange_up(&x, (const char *const[]){"source=tape", r.setting, "speed=1200", NULL});
	peer_open(&x, &watcher);
	lazy_open(&x, &l);
	peer_request(&watcher, CONTROL_SUB, MODE_FULL_D5, recording_keys, 3);
	peer_wait(&x, &watcher, r.messages + 2); /* it is not delayed by the other */
	check(exchange_counter(&x, "conflated_total") > 0);
	read_to_the_end(&x, &l);
	check(lazy_split(&l, &p));
	check(p.n < r.messages);
	for (uint32_t i = 0; i < p.n; i++) {
		peer_frame(&p, i, &f);
		while (feed_frame_next(&f, &t))
			last[t.key[t.key_len - 1] - '1'] = t.q.vtt;
	}
	/* The last message has the third and the first key, the one before it the second. */
	check_i64(last[0], 30000);
	check_i64(last[1], 29999);
	check_i64(last[2], 30000);
	feed_frame_fini(&f);
	lazy_close(&l);
	peer_fini(&x, &p);
	peer_fini(&x, &watcher);
	exchange_down(&x);
	recording_drop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_recorded),
		cmocka_unit_test(test_real_tape),
		cmocka_unit_test(test_projected),
		cmocka_unit_test(test_nothing_for_the_mode),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_max_waits),
		cmocka_unit_test(test_slow_is_conflated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
