/* SPDX-License-Identifier: MIT
 *
 * test_master: the table from good rows, repeated, contradicting and absurd ones; and from the
 * broker's own file.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/listed.h"

#define EXPIRY "1768328999000" /* 2026-01-13T23:59:59+05:30 */
#define ROW(key, rest)                                                                             \
	"{\"instrument_key\":\"" key "\",\"instrument_type\":\"CE\",\"underlying_symbol\":\"X\","  \
	"\"expiry\":" EXPIRY ",\"strike_price\":100.5,\"tick_size\":5.0,\"lot_size\":65" rest "}"

static void test_one_row(void **state)
{
	struct master *m = listed_of(
		"[" ROW("NSE_FO|7",
			",\"weekly\":true,\"trading_symbol\":\"X 100.5 CE\","
			"\"underlying_key\":\"NSE_INDEX|X\","
			"\"exchange_token\":\"7\",\"name\":\"X\",\"freeze_quantity\":1755.0") "]");
	const struct master_row *r = listed_row(m, "NSE_FO|7");

	(void)state;
	check_i64(m->n, 1);
	check_str(master_text(m, r->symbol), "X 100.5 CE");
	check_str(master_text(m, r->name), "X");
	check_str(master_text(m, r->token), "7");
	check_i64(r->token, r->key + 7); /* the key's own tail */
	check_str(master_text(m, r->isin), "");
	check_str(master_type_text(m, r), "CE");
	check_i64(r->expiry, day_from_civil(2026, 1, 13));
	check_i64(r->strike, 1005000);
	check_i64(r->tick_size, 500); /* 5 paise */
	check_i64(r->lot_size, 65);
	check_i64(r->freeze_quantity, 1755);
	check(r->is_weekly);
	check_i64(m->underlyings_n, 1);
	check_str(master_text(m, m->underlyings[0].symbol), "X");
	check_str(master_text(m, m->underlyings[0].key), "NSE_INDEX|X");
	check_i64(master_find(m, "NSE_FO|8", 8), MASTER_NONE);
	check_i64(master_find(m, "NSE_FO|7", 7), MASTER_NONE);
	check_i64(master_find(m, "NSE_FO|7\0", 9), MASTER_NONE);
	check_i64(master_find(m, "", 0), MASTER_NONE);
	master_release(m);
}

/* A row with a key alone is an instrument: nothing else is known of it. */
static void test_bare_row(void **state)
{
	struct master *m =
		listed_of("[{\"instrument_key\":\"NSE_EQ|INE1\"},"
			  "{\"instrument_key\":\"NSE_EQ|INE2\",\"instrument_type\":\"SG\"}]");
	const struct master_row *r = listed_row(m, "NSE_EQ|INE1");

	(void)state;
	check_str(master_text(m, r->symbol), "INE1");
	check_i64(r->type, TYPE_OTHER);
	check_i64(r->underlying, MASTER_NONE);
	check_i64(r->expiry, 0);
	check_str(master_type_text(m, listed_row(m, "NSE_EQ|INE2")), "SG");
	check_i64(m->contracts_n, 0);
	master_release(m);
}

static void test_duplicates_and_conflicts(void **state)
{
	struct master *m = listed_of(
		"[" ROW("NSE_FO|1", "") "," ROW("NSE_FO|2", "") "," ROW("NSE_FO|1", "") "," ROW(
			"NSE_FO|2", ",\"weekly\":true") "," ROW("NSE_FO|1", ",\"name\":\"Y\"") "]");

	(void)state;
	check_i64(m->n, 2);
	check_i64(m->stats.rows, 5);
	check_i64(m->stats.duplicates, 1);
	check_i64(m->stats.conflicts, 2);
	check_str(m->stats.first_conflict, "NSE_FO|2");
	check_i64(m->stats.twins, 1); /* 1 and 2 are one contract under two keys */
	/* The first one counts. */
	check(!listed_row(m, "NSE_FO|2")->is_weekly);
	check_str(master_text(m, listed_row(m, "NSE_FO|1")->name), "");
	master_release(m);
}

/* Repeats cost no memory, however many there are. */
static void test_many_repeats(void **state)
{
	struct master_builder b;
	struct master_entry e = {.key = "NSE_EQ|INE1", .name = "one"};
	struct agni_err err;
	size_t before;

	(void)state;
	master_builder_init(&b);
	check_i64(master_builder_add(&b, &e, &err), 0);
	before = b.text.len;
	for (int i = 0; i < 1000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		e.name = name;
		check_i64(master_builder_add(&b, &e, &err), 0);
	}
	check_i64(b.text.len, before);
	check_i64(b.m->stats.conflicts, 1000);
	master_builder_fini(&b);
}

static void test_absurd_rows(void **state)
{
	static const char head[] = "[{\"instrument_key\":\"NSE_EQ|GOOD\"},";
	static const char *const bad[] = {
		"{}",
		"{\"instrument_key\":\"no key\"}",
		"{\"instrument_key\":5}",
		"{\"instrument_key\":null}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"instrument_key\":\"NSE_EQ|B\"}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"lot_size\":-1}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"freeze_quantity\":-1}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"freeze_quantity\":1e18}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"lot_size\":1.5}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"lot_size\":1e18}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"lot_size\":\"1\"}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"tick_size\":-5}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"tick_size\":1e99}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"strike_price\":-1}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"strike_price\":1e999}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"expiry\":1768328999}", /* seconds: 1970 */
		"{\"instrument_key\":\"NSE_EQ|A\",\"expiry\":17683289990000}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"expiry\":\"2026-01-13\"}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"expiry\":-1}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"weekly\":1}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"name\":[]}",
		"{\"instrument_key\":\"NSE_EQ|A\",\"name\":\"\\u0000\"}",
		"{\"instrument_key\":\"NSE_FO|1\",\"instrument_type\":\"FUT\",\"underlying_"
		"symbol\":"
		"\"X\"}",
		"{\"instrument_key\":\"NSE_FO|1\",\"instrument_type\":\"FUT\",\"expiry\":" EXPIRY
		"}",
		"{\"instrument_key\":\"NSE_FO|1\",\"instrument_type\":\"CE\",\"underlying_symbol\":"
		"\"X\",\"expiry\":" EXPIRY "}",
		"{\"instrument_key\":\"NSE_FO|1\",\"instrument_type\":\"PE\",\"underlying_symbol\":"
		"\"X\",\"expiry\":" EXPIRY ",\"strike_price\":0.0}",
		"{\"instrument_key\":\"NSE_EQ|A\",}",
	};
	char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct master *m;

		snprintf(text, sizeof(text), "%s%s]", head, bad[i]);
		m = listed_of(text);
		if (m->n != 1 || m->stats.bad_rows != 1 || m->stats.rows != 2)
			fail_msg("%s: %u rows, %llu bad", bad[i], m->n,
				 (unsigned long long)m->stats.bad_rows);
		master_release(m);
	}
}

static void test_long_texts(void **state)
{
	char text[512];

	(void)state;
	for (int n = MASTER_TEXT_MAX; n <= MASTER_TEXT_MAX + 1; n++) {
		struct master *m;

		snprintf(text, sizeof(text),
			 "[{\"instrument_key\":\"NSE_EQ|A\",\"name\":\"%0*d\"}]", n, 0);
		m = listed_of(text);
		check_i64(m->n, n == MASTER_TEXT_MAX);
		master_release(m);
	}
}

static void test_order(void **state)
{
	struct master *m = listed_small();
	const struct master_row *last = NULL;

	(void)state;
	check_i64(m->underlyings_n, 4);
	for (uint32_t u = 0; u < m->underlyings_n; u++) {
		const struct master_underlying *un = &m->underlyings[u];

		for (uint32_t i = 0; i < un->n; i++) {
			const struct master_row *r = &m->rows[m->contracts[un->first + i]];

			check_i64(r->underlying, u);
			if (i > 0)
				check(last->expiry < r->expiry ||
				      (last->expiry == r->expiry &&
				       (last->type < r->type ||
					(last->type == r->type && last->strike < r->strike))));
			last = r;
		}
	}
	master_release(m);
}

/* The same symbol in two segments is two underlyings. */
static void test_segments(void **state)
{
	struct master *m = listed_of("[" ROW("BSE_FO|1", "") "," ROW("NSE_FO|1", "") "," ROW(
		"BSE_FO|2", ",\"name\":\"two\"") "]");

	(void)state;
	check_i64(m->underlyings_n, 2);
	check_i64(m->underlyings[0].n, 2);
	check_i64(m->stats.twins, 1);
	master_release(m);
}

static void test_references(void **state)
{
	struct master *m = listed_small();

	(void)state;
	check(master_hold(m) == m);
	master_release(m);
	check_str(master_key(m, 0), "NSE_INDEX|Nifty 50");
	master_release(m);
	master_release(NULL);
}

static void test_full_master(void **state)
{
	struct master *m = listed_file("instruments/upstox_nse_20260113.json.gz");
	const struct master_row *r;

	(void)state;
	check_i64(m->n, 86109);
	check_i64(m->stats.bad_rows, 0);
	check_i64(m->stats.duplicates + m->stats.conflicts, 0);
	check_i64(m->stats.twins, 0);
	check_i64(m->contracts_n, 77275);
	check_i64(m->underlyings_n, 237);
	r = listed_row(m, "NSE_EQ|INE002A01018");
	check_str(master_text(m, r->symbol), "RELIANCE");
	check_i64(r->tick_size, 1000); /* 10 paise */
	check_i64(r->isin, r->key + 7);
	for (uint32_t i = 0; i < m->n; i += 97) {
		const char *key = master_key(m, i);

		check_i64(master_find(m, key, strlen(key)), i);
	}
	/* Rows and texts of 86,109 instruments. */
	check(sizeof(struct master_row) <= 64);
	master_release(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_row),
		cmocka_unit_test(test_bare_row),
		cmocka_unit_test(test_duplicates_and_conflicts),
		cmocka_unit_test(test_many_repeats),
		cmocka_unit_test(test_absurd_rows),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_full_master),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
