/* SPDX-License-Identifier: MIT
 *
 * test_selector: what a selector may be, how it is read, and what it may not be.
 */
#include "../lib/check.h"
#include "market/selector.h"

static int parse(const char *text, struct selector *s)
{
	struct agni_err err = {0};
	int rc = selector_parse(text, strlen(text), s, &err);

	check_i64(rc, rc < 0 ? AGNI_EPARSE : 0);
	check(rc == 0 || err.text[0] != '\0');
	return rc;
}

static void expect_atm(const char *text, int from, int to)
{
	struct selector s;

	check_i64(parse(text, &s), 0);
	check_str(s.underlying, "NIFTY");
	check_i64(s.expiry.kind, EXPIRY_CURRENT);
	check(s.strike.is_atm && !s.is_future && s.has_calls && s.has_puts);
	check_i64(s.strike.from, from);
	check_i64(s.strike.to, to);
}

static void test_money(void **state)
{
	(void)state;
	expect_atm("NIFTY:current:ATM", 0, 0);
	expect_atm("NIFTY:current:ATM+2", 2, 2);
	expect_atm("NIFTY:current:ATM-1", -1, -1);
	expect_atm("NIFTY:current:ATM+-2", -2, 2);
	expect_atm("NIFTY:current:ATM\xc2\xb1"
		   "8",
		   -8, 8);
	/* What a query makes of a plus. */
	expect_atm("NIFTY:current:ATM 2", 2, 2);
	expect_atm("NIFTY:current:ATM -2", -2, 2);
	expect_atm("NIFTY:CURRENT:atm+0", 0, 0);
	expect_atm(" NIFTY : current :ATM+-100", -100, 100);
}

static void test_rest(void **state)
{
	struct selector s;

	(void)state;
	check_i64(parse("NIFTY BANK:next:59000:PE", &s), 0);
	check_str(s.underlying, "NIFTY BANK");
	check_i64(s.expiry.kind, EXPIRY_NEXT);
	check_i64(s.strike.price, 590000000);
	check(!s.strike.is_atm && !s.has_calls && s.has_puts);
	check_i64(parse("NIFTY:current:*:CE", &s), 0);
	check(s.strike.is_all && !s.strike.is_atm && s.has_calls && !s.has_puts);
	check_i64(parse("X:monthly:652.5:ce", &s), 0);
	check_i64(s.expiry.kind, EXPIRY_MONTHLY);
	check_i64(s.strike.price, 6525000);
	check(s.has_calls && !s.has_puts);
	check_i64(parse("X:2026-01-27:fut", &s), 0);
	check(s.is_future);
	check_i64(s.expiry.kind, EXPIRY_DATE);
	check_i64(s.expiry.day, day_from_civil(2026, 1, 27));
	check_i64(parse("X:current:0.0001", &s), 0);
	check_i64(s.strike.price, 1);
}

static void test_malformed(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"NIFTY",
		"NIFTY:",
		"NIFTY:current",
		"NIFTY:current:",
		":current:ATM",
		"  :current:ATM",
		"NIFTY::ATM",
		"NIFTY:weekly:ATM",
		"NIFTY:2026-02-30:ATM",
		"NIFTY:2026-1-1:ATM",
		"NIFTY:current:ATMX",
		"NIFTY:current:ATM+",
		"NIFTY:current:ATM-",
		"NIFTY:current:ATM+-",
		"NIFTY:current:ATM-+2",
		"NIFTY:current:ATM--2",
		"NIFTY:current:ATM+101",
		"NIFTY:current:ATM+99999999999",
		"NIFTY:current:ATM+1.5",
		"NIFTY:current:ATM\xc2",
		"NIFTY:current:ATM\xc2\xb1",
		"NIFTY:current:OTM",
		"NIFTY:current:0",
		"NIFTY:current:-5",
		"NIFTY:current:5.",
		"NIFTY:current:.5",
		"NIFTY:current:5.00001",
		"NIFTY:current:1e4",
		"NIFTY:current:1234567890",
		"NIFTY:current:FUT:CE",
		"NIFTY:current:FUT:",
		"NIFTY:current:ATM:",
		"NIFTY:current:ATM:XX",
		"NIFTY:current:ATM:CE:PE",
		"NSE_INDEX|Nifty 50:current:ATM",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLM:next:1",
	};
	char padded[SELECTOR_TEXT_MAX + 1];
	struct selector s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (parse(bad[i], &s) == 0)
			fail_msg("%s passes", bad[i]);
	}
	check_i64(selector_parse("NIF\0TY:current:ATM", 18, &s, NULL), AGNI_EPARSE);
	/* Spaces are no way to a text without an end, which would be kept and repeated. */
	memset(padded, ' ', sizeof(padded));
	memcpy(padded + sizeof(padded) - 17, "NIFTY:current:ATM", 17);
	check_i64(selector_parse(padded + 1, SELECTOR_TEXT_MAX, &s, NULL), 0);
	check_i64(selector_parse(padded, SELECTOR_TEXT_MAX + 1, &s, NULL), AGNI_EPARSE);
}

/* No byte behind the end is read, whatever stands there. */
static void test_length(void **state)
{
	static const char text[] = "NIFTY:current:ATM+-12:CE";
	struct selector s;

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n ? n : 1);
		int rc;

		check(copy != NULL);
		memcpy(copy, text, n);
		rc = selector_parse(copy, n, &s, NULL);
		check_i64(rc == 0, n == 17 || n == 20 || n == 21 || n == 24);
		free(copy);
	}
}

static void test_is_meant(void **state)
{
	(void)state;
	check(selector_is_meant("NIFTY:current:ATM", 17));
	check(selector_is_meant("a:", 2));
	check(!selector_is_meant("NSE_INDEX|Nifty 50", 18));
	check(!selector_is_meant("NSE_INDEX|A:B", 13));
	check(!selector_is_meant("NIFTY", 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_money),     cmocka_unit_test(test_rest),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_length),
		cmocka_unit_test(test_is_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
