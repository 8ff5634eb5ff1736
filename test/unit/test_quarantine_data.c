/* SPDX-License-Identifier: MIT
 *
 * test_quarantine_data: recorded days are true: next to nothing of them is flagged, and what is is a
 * flaw that the recording is known to have (volume and trade time that go back).
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/csv.h"
#include "../lib/data.h"
#include "../lib/listed.h"
#include "cli/tape_csv.h"
#include "signals/quarantine.h"
#include "upstox/frame.h"

static struct book b;
static struct contracts cs;
static const struct master *m;
static struct quarantine_state states[64];
static uint64_t ticks, options, flagged[SUSPECT_BITS], spans, longest, seq;
static uint64_t run[64]; /* ticks in a row that were flagged */

static uint8_t judge(void *arg, inst_id id, const struct slot *slot)
{
	struct quarantine_tick t = {.q = &slot->q,
				    .said = b.said,
				    .flags = slot->flags,
				    .ts_ms = slot->ts_ms,
				    .is_index = slot->q.arm == ARM_INDEX};
	uint8_t found;

	(void)arg;
	check(id < ARRAY_LEN(states));
	t.contract = contract_of(&cs, &b.instruments, m, 1, id);
	options += t.contract->kind == CONTRACT_OPTION;
	if (t.contract->kind == CONTRACT_OPTION)
		t.level = contract_level(&b, t.contract, slot->ts_ms, 5000);
	found = quarantine_judge(&states[id], &t);
	ticks++;
	for (unsigned bits = found; bits; bits &= bits - 1)
		flagged[__builtin_ctz(bits)]++;
	spans += found && !run[id];
	run[id] = found ? run[id] + 1 : 0;
	if (run[id] > longest)
		longest = run[id];
	if (found && getenv("SHOW"))
		printf("%s ts %lld ltp %.2f ltt %lld vtt %lld oi %.0f bid %.2f ask %.2f forward "
		       "%.2f found %x\n",
		       instruments_key(&b.instruments, id), (long long)slot->ts_ms,
		       price_to_double(slot->q.ltp), (long long)slot->q.ltt, (long long)slot->q.vtt,
		       slot->q.oi, price_to_double(slot->q.depth[0].bid),
		       price_to_double(slot->q.depth[0].ask), t.level.forward, found);
	return found;
}

static void say(const struct tick *t, int64_t ts_ms, bool is_snapshot)
{
	struct tick_meta meta = {.ts_ms = ts_ms, .is_snapshot = is_snapshot};
	inst_id id = instruments_intern(&b.instruments, t->key, t->key_len);

	book_publish(&b, id, book_merge(&b, id, t, &meta), ++seq);
}

static void begin(void)
{
	book_init(&b, 64);
	b.judge = judge;
	memset(states, 0, sizeof(states));
	memset(flagged, 0, sizeof(flagged));
	memset(run, 0, sizeof(run));
	ticks = options = spans = longest = 0;
}

static void end(const char *name)
{
	printf("%s: %llu ticks; flagged:", name, (unsigned long long)ticks);
	for (int i = 0; i < SUSPECT_BITS; i++)
		printf(" %s %llu", suspect_text((enum suspect)(1u << i)),
		       (unsigned long long)flagged[i]);
	printf("; in %llu spells, the longest of %llu ticks\n", (unsigned long long)spans,
	       (unsigned long long)longest);
	contracts_fini(&cs);
	book_fini(&b);
}

/* A day of one message per row. */
static void run_csv(const char *file)
{
	struct tape_csv *c = mem_zalloc(sizeof(*c));
	struct agni_err err;
	size_t len;
	char *text = data_read(file, &len), *line, *rest;

	if (!text)
		data_skip(file);
	begin();
	line = strtok_r(text, "\n", &rest);
	if (tape_csv_header(c, line, &err) < 0)
		fail_msg("%s", err.text);
	while ((line = strtok_r(NULL, "\n", &rest))) {
		struct tick t = {.key = c->key};

		check(tape_csv_row(c, line));
		t.key_len = (uint32_t)strlen(c->key);
		t.q = c->q;
		say(&t, c->ts_ms, false);
	}
	end(file);
	free(text);
	free(c);
}

static uint64_t untrue(void)
{
	return flagged[0] + flagged[1] + flagged[2] + flagged[4] + flagged[5];
}

static struct buf rows;

static void put_row(char *field[8])
{
	day_t expiry;

	if (strcmp(field[3], "CE") != 0 && strcmp(field[3], "PE") != 0)
		return;
	expiry = csv_day(field[4]);
	buf_printf(&rows,
		   "%s{\"segment\":\"NSE_FO\",\"name\":\"%s\",\"instrument_type\":\"%s\","
		   "\"instrument_key\":\"%s\",\"exchange_token\":\"%s\",\"trading_symbol\":\"%s\","
		   "\"underlying_symbol\":\"%s\",\"underlying_key\":\"NSE_INDEX|Nifty Bank\","
		   "\"expiry\":%lld,\"strike_price\":%s,\"lot_size\":%s,\"tick_size\":5.0}",
		   rows.len > 1 ? "," : "", field[2], field[3], field[0], field[0] + 7, field[1],
		   field[2], (long long)ist_instant(expiry, DAY_MS - 1000), field[5], field[6]);
}

/* Five BANKNIFTY options, 136,936 messages. The eleven are rows whose volume or trade time lies before
 * that of the row in front of them. */
static void test_options_day(void **state)
{
	struct master *listed;

	(void)state;
	buf_str(&rows, "[");
	csv_each_row("ticks/tick_instruments.csv", put_row);
	buf_str(&rows, "]");
	m = listed = listed_of(buf_cstr(&rows));
	run_csv("ticks/upstox_banknifty_opt_20251215.csv.gz");
	check_i64(ticks, 136936);
	check_i64(options, ticks);
	check_i64(untrue(), 0);
	check_i64(flagged[3], 11);
	check_i64(longest, 1);
	master_release(listed);
	buf_fini(&rows);
}

static void test_shares_day(void **state)
{
	(void)state;
	m = NULL;
	run_csv("ticks/upstox_equity_20251215.csv.gz");
	check_i64(ticks, 31830);
	check_i64(untrue() + flagged[3], 0);
}

/* Index, futures and 32 options about the money together, with the real instrument master. */
static void test_frames(void **state)
{
	const char *file = "ticks/upstox_frames_20260123_a.pbs";
	struct master *real = listed_file("instruments/upstox_nse_small_20260113.json.gz");
	struct feed_frame f = {0};
	struct agni_err err;
	const struct tick *t;
	size_t len;
	char *bytes = data_read(file, &len);

	(void)state;
	if (!bytes)
		data_skip(file);
	m = real;
	begin();
	for (size_t at = 0; at + 4 <= len;) {
		uint32_t n;

		memcpy(&n, bytes + at, 4);
		if (feed_frame_scan(&f, bytes + at + 4, n, &err) < 0)
			fail_msg("%s", err.text);
		while ((t = feed_frame_lend(&f)))
			say(t, f.current_ts, f.type == FEED_INITIAL);
		at += 4 + n;
	}
	end(file);
	check_i64(ticks, 612);
	check(options > 400);
	check_i64(untrue() + flagged[3], 0);
	feed_frame_fini(&f);
	free(bytes);
	master_release(real);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_day),
		cmocka_unit_test(test_shares_day),
		cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
