/* SPDX-License-Identifier: MIT
 *
 * test_search: what is found, in which order, under which filters, and how much of it.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/listed.h"
#include "core/buf.h"
#include "market/resolve.h"
#include "market/search.h"

static struct search_query query(const char *text, unsigned limit)
{
	struct search_query q = {.underlying = MASTER_NONE, .limit = limit};

	snprintf(q.text, sizeof(q.text), "%s", text);
	return q;
}

/* "total: symbol, symbol, " */
static const char *run(const struct master *m, const struct search_query *q)
{
	static char out[2048];
	struct search_result res;
	struct buf b = {0};

	search_run(m, q, &res);
	check(res.n <= q->limit && res.n <= res.total);
	buf_printf(&b, "%u: ", res.total);
	for (unsigned i = 0; i < res.n; i++)
		buf_printf(&b, "%s, ", master_text(m, m->rows[res.rows[i]].symbol));
	snprintf(out, sizeof(out), "%s", buf_cstr(&b));
	buf_fini(&b);
	return out;
}

static void expect(const struct master *m, const char *text, unsigned limit, const char *found)
{
	struct search_query q = query(text, limit);

	check_str(run(m, &q), found);
}

static void test_order(void **state)
{
	struct master *m = listed_small();

	(void)state;
	/* Exactly that, then indices, equities, futures, calls. */
	expect(m, "nifty", 7,
	       "36: NIFTY, BANKNIFTY, NIFTYBEES, NIFTY 0 FUT, BANKNIFTY 0 FUT, NIFTY 25000 CE, "
	       "NIFTY 25100 CE, ");
	expect(m, "reliance", 9, "2: RELIANCE, RELIANCE 0 FUT, ");
	expect(m, "BANK", 9, "3: BANKNIFTY, BANKNIFTY 0 FUT, BANKNIFTY 59000 CE, ");
	/* Calls before puts, the nearest expiry first. */
	expect(m, "25400", 6,
	       "6: NIFTY 25400 CE, NIFTY 25400 CE, NIFTY 25400 CE, NIFTY 25400 PE, NIFTY 25400 PE, "
	       "NIFTY 25400 PE, ");
	/* The same each time, and the same beginning with another limit. */
	expect(m, "nifty", 2, "36: NIFTY, BANKNIFTY, ");
	expect(m, "nifty", 2, "36: NIFTY, BANKNIFTY, ");
	master_release(m);
}

static void test_fields(void **state)
{
	struct master *m = listed_small();

	(void)state;
	expect(m, "INE002A01018", 3, "1: RELIANCE, "); /* ISIN */
	expect(m, "ine002", 3, "1: RELIANCE, ");
	expect(m, "2885", 3, "1: RELIANCE, ");                /* token */
	expect(m, "NSE_EQ|INE002A01018", 3, "1: RELIANCE, "); /* key */
	expect(m, "industries", 3, "1: RELIANCE, ");          /* in the name */
	expect(m, "26009", 3, "1: BANKNIFTY, ");
	expect(m, "nifty 25400 pe", 9, "3: NIFTY 25400 PE, NIFTY 25400 PE, NIFTY 25400 PE, ");
	expect(m, "pe  25400 nifty", 1, "3: NIFTY 25400 PE, ");
	expect(m, "nothing of that", 3, "0: ");
	master_release(m);
}

static bool permits_puts(const void *arg, const char *key, size_t len)
{
	(void)arg;
	return (key[len - 1] - '0') % 2 == 1;
}

static void test_filters(void **state)
{
	struct master *m = listed_small();
	struct search_query q = query("", 3);

	(void)state;
	check_str(run(m, &q), "40: BANKNIFTY, NIFTY, NIFTYBEES, ");
	snprintf(q.type, sizeof(q.type), "fut");
	check_str(run(m, &q), "4: BANKNIFTY 0 FUT, NIFTY 0 FUT, RELIANCE 0 FUT, ");
	q.underlying = resolve_underlying(m, "NIFTY");
	check_str(run(m, &q), "1: NIFTY 0 FUT, ");
	snprintf(q.type, sizeof(q.type), "PE");
	q.expiry = day_from_civil(2026, 1, 20);
	check_str(run(m, &q), "5: NIFTY 25000 PE, NIFTY 25100 PE, NIFTY 25200 PE, ");
	q.expiry = day_from_civil(2026, 1, 21);
	check_str(run(m, &q), "0: ");
	q = query("25000", 9);
	q.permits = permits_puts;
	check_str(run(m, &q), "3: NIFTY 25000 PE, NIFTY 25000 PE, NIFTY 25000 PE, ");
	master_release(m);
}

/* Contracts that are over come behind all others. */
static void test_expired(void **state)
{
	struct master *m = listed_small();
	struct search_query q = query("25000 ce", 3);
	struct search_result res;

	(void)state;
	q.first_day = day_from_civil(2026, 1, 14);
	search_run(m, &q, &res);
	check_i64(res.n, 3);
	check_str(master_key(m, res.rows[0]), "NSE_FO|200");
	check_str(master_key(m, res.rows[1]), "NSE_FO|300");
	check_str(master_key(m, res.rows[2]), "NSE_FO|100");
	master_release(m);
}

/* The list is bounded and full: the best of many, not the first. */
static void test_full_master(void **state)
{
	struct master *m = listed_file("instruments/upstox_nse_20260113.json.gz");
	struct search_query q = query("a", SEARCH_LIMIT_MAX), one = query("a", 1);
	struct search_result res, best;

	(void)state;
	search_run(m, &q, &res);
	check_i64(res.n, SEARCH_LIMIT_MAX);
	check(res.total > 10000);
	search_run(m, &one, &best);
	check_i64(best.rows[0], res.rows[0]);
	one = query("tcs", 1);
	search_run(m, &one, &best);
	check_str(master_key(m, best.rows[0]), "NSE_EQ|INE467B01029");
	one = query("NIFTY BANK", 1);
	search_run(m, &one, &best);
	check_str(master_key(m, best.rows[0]), "NSE_INDEX|Nifty Bank");
	master_release(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),       cmocka_unit_test(test_fields),
		cmocka_unit_test(test_filters),     cmocka_unit_test(test_expired),
		cmocka_unit_test(test_full_master),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
