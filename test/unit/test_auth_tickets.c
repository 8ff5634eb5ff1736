/* SPDX-License-Identifier: MIT
 *
 * test_auth_tickets: good once, for a while, and never more than so many.
 */
#include "../lib/check.h"
#include "auth/tickets.h"

#define START (1000 * NS_PER_S)
#define LIFE  (30 * NS_PER_S)

static struct tickets table;

static int clear(void **state)
{
	(void)state;
	memset(&table, 0, sizeof(table));
	return 0;
}

static void test_once(void **state)
{
	char a[TICKET_LEN + 1], b[TICKET_LEN + 1];
	uint64_t holder = 0;

	(void)state;
	check(tickets_issue(&table, 7, START, LIFE, a));
	check(tickets_issue(&table, 8, START, LIFE, b));
	check_i64(strlen(a), TICKET_LEN);
	check_i64(strspn(a, "0123456789abcdef"), TICKET_LEN);
	check(strcmp(a, b) != 0);
	check(tickets_redeem(&table, b, START + 1, &holder));
	check_i64(holder, 8);
	check(!tickets_redeem(&table, b, START + 1, &holder));
	check(tickets_redeem(&table, a, START + 1, &holder));
	check_i64(holder, 7);
	check(!tickets_redeem(&table, a, START + 1, &holder));
}

static void test_life(void **state)
{
	char a[TICKET_LEN + 1], b[TICKET_LEN + 1];
	uint64_t holder;

	(void)state;
	check(tickets_issue(&table, 7, START, LIFE, a));
	check(tickets_issue(&table, 7, START, LIFE, b));
	check(tickets_redeem(&table, a, START + LIFE - 1, &holder));
	check(!tickets_redeem(&table, b, START + LIFE, &holder));
	check(!tickets_redeem(&table, b, START, &holder)); /* presented too late: gone too */
}

static void test_wrong(void **state)
{
	char a[TICKET_LEN + 1], zeros[TICKET_LEN + 1] = {0};
	uint64_t holder;

	(void)state;
	check(!tickets_redeem(&table, "", START, &holder));
	check(!tickets_redeem(&table, zeros, START, &holder)); /* a free place is no ticket */
	memset(zeros, '0', TICKET_LEN);
	check(!tickets_redeem(&table, zeros, START, &holder));
	check(tickets_issue(&table, 7, START, LIFE, a));
	for (size_t i = 0; i < TICKET_LEN; i++) {
		a[i] ^= 1;
		check(!tickets_redeem(&table, a, START, &holder));
		a[i] ^= 1;
	}
	a[TICKET_LEN - 1] = '\0';
	check(!tickets_redeem(&table, a, START, &holder));
}

static void test_bounds(void **state)
{
	char text[TICKET_LEN + 1];
	unsigned n = 0;

	(void)state;
	for (uint64_t holder = 1; holder <= 100; holder++) {
		for (unsigned i = 0; i < 100; i++)
			n += tickets_issue(&table, holder, START, LIFE, text);
		if (holder == 1)
			check_i64(n, TICKETS_PER_HOLDER);
	}
	check_i64(n, TICKETS_MAX);
	check(!tickets_issue(&table, 1000, START + LIFE - 1, LIFE, text));
	check(tickets_issue(&table, 1000, START + LIFE, LIFE, text)); /* those have expired */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_once, clear),
		cmocka_unit_test_setup(test_life, clear),
		cmocka_unit_test_setup(test_wrong, clear),
		cmocka_unit_test_setup(test_bounds, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
