/* SPDX-License-Identifier: MIT
 *
 * test_near_key: what a mistyped key leads to, and what it does not.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/listed.h"
#include "market/near_key.h"

static bool permits_equities(const void *arg, const char *key, size_t len)
{
	(void)arg;
	(void)len;
	return strncmp(key, "NSE_EQ|", 7) == 0;
}

/* "key, key" with "= " in front when the first is no guess. */
static const char *run(const struct master *m, const char *text,
		       bool (*permits)(const void *arg, const char *key, size_t len))
{
	static char out[1024];
	struct near_query q = {.permits = permits, .first_day = day_from_civil(2026, 1, 14)};
	struct near_result res;

	snprintf(q.text, sizeof(q.text), "%s", text);
	near_run(m, &q, &res);
	snprintf(out, sizeof(out), "%s", res.is_same ? "= " : "");
	for (unsigned i = 0; i < res.n; i++)
		snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%s", i ? ", " : "",
			 master_key(m, res.rows[i]));
	return out;
}

static void test_near(void **state)
{
	struct master *m = listed_small();

	(void)state;
	check_str(run(m, "nse_index|nifty50", NULL), "= NSE_INDEX|Nifty 50");
	check_str(run(m, "BSE_EQ|INE002A01018", NULL), "NSE_EQ|INE002A01018");
	check_str(run(m, "NFO|4", NULL), "NSE_FO|4");
	/* Names in the place of keys: of the segment first. */
	check_str(run(m, "NSE_EQ|RELIANCE", NULL), "NSE_EQ|INE002A01018, NSE_FO|4");
	check_str(run(m, "NSE_FO|RELIANCE", NULL), "NSE_FO|4, NSE_EQ|INE002A01018");
	check_str(run(m, "NSE_EQ|2885", NULL), "NSE_EQ|INE002A01018");
	check_str(run(m, "nifty 25400 ce", NULL), "= NSE_FO|208, NSE_FO|308, NSE_FO|108");
	check_str(run(m, "bank nifty", NULL), "= NSE_INDEX|Nifty Bank, NSE_FO|2, NSE_FO|3");
	/* Slips, of what is no contract. */
	check_str(run(m, "NSE_EQ|RELAINCE", NULL), "NSE_EQ|INE002A01018");
	check_str(run(m, "NSE_INDEX|Nifty 5O", NULL), "NSE_INDEX|Nifty 50");
	check_str(run(m, "NSE_EQ|INE002A01081", NULL), "NSE_EQ|INE002A01018");
	/* A number is not near another. */
	check_str(run(m, "NSE_FO|101x", NULL), "");
	check_str(run(m, "NSE_FO|99", NULL), "");
	check_str(run(m, "nothing of that", NULL), "");
	check_str(run(m, "NSE_EQ|", NULL), "");
	check_str(run(m, " ", NULL), "");
	master_release(m);
}

/* What the caller may not see is not told of. */
static void test_scope(void **state)
{
	struct master *m = listed_small();

	(void)state;
	check_str(run(m, "NSE_FO|RELIANCE", permits_equities), "NSE_EQ|INE002A01018");
	check_str(run(m, "NIFTY", permits_equities), "");
	master_release(m);
}

/* More that are equal than are told: the best of them, in order. */
static void test_most(void **state)
{
	struct master *m = listed_small();

	(void)state;
	check_str(run(m, "NIFTY", NULL),
		  "= NSE_INDEX|Nifty 50, NSE_FO|1, NSE_FO|200, NSE_FO|202, NSE_FO|204");
	master_release(m);
}

/* The whole master: what is typed in earnest. */
static void test_whole(void **state)
{
	struct master *m = listed_file("instruments/upstox_nse_20260113.json.gz");

	(void)state;
	check(strncmp(run(m, "Nifty 50", NULL), "= NSE_INDEX|Nifty 50", 20) == 0);
	check(strncmp(run(m, "reliance", NULL), "= NSE_EQ|INE002A01018", 21) == 0);
	check(strncmp(run(m, "NSE_EQ|HDFCBANK", NULL), "NSE_EQ|INE040A01034", 19) == 0);
	check(strncmp(run(m, "HDFC BNAK", NULL), "NSE_EQ|INE040A01034", 19) == 0);
	master_release(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
