/* SPDX-License-Identifier: MIT
 *
 * test_docs: what is owed to Redis for documents that are set, dropped, set again, refused, on their
 * way, too many or too long.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "core/err.h"
#include "store/docs.h"

static struct docs docs;

static void set(enum key_kind kind, const char *identity, const char *text)
{
	check_i64(docs_set(&docs, kind, identity, text, strlen(text)), 0);
}

static uint32_t take_set(void)
{
	return docs_take(&docs, &docs.owed.set, &docs.flight.set);
}

static uint32_t take_del(void)
{
	return docs_take(&docs, &docs.owed.del, &docs.flight.del);
}

static uint32_t take_of(enum doc_family family, struct bitset *from, struct bitset *to)
{
	return docs_take_of(&docs, family, from, to, 0);
}

/* Takes and answers everything, as a Redis that is well; returns how many commands that were. */
static unsigned settle_all(void)
{
	unsigned n = 0;
	uint32_t row;

	for (; (row = take_del()) != DOC_NONE; n++)
		docs_on_del(&docs, row, false);
	for (; (row = take_set()) != DOC_NONE; n++)
		docs_on_set(&docs, row, false);
	for (int i = 0; i < DOC_FAMILIES; i++) {
		enum doc_family family = (enum doc_family)i;

		while (take_of(family, &docs.owed.join, &docs.flight.join) != DOC_NONE)
			n++;
		docs_on_join(&docs, family, false);
		while (take_of(family, &docs.owed.leave, &docs.flight.leave) != DOC_NONE)
			n++;
		docs_on_leave(&docs, family, false);
		docs.is_ours[family] = true;
	}
	check(!docs_has_work(&docs));
	return n;
}

static void test_set_and_drop(void **state)
{
	uint32_t row;

	(void)state;
	docs_init(&docs);
	set(KEY_STATUS, NULL, "{}");
	set(KEY_CHAIN, "NIFTY@2025-10-28", "{1}");
	set(KEY_CHAIN, "NIFTY@2025-10-28", "{22}");
	check_i64(docs.kept, 2);
	check_i64(docs.bytes, 6);
	check_i64(docs.owed.set.count, 2);
	check_i64(docs.owed.join.count, 1); /* the status is in no index */
	check_i64(settle_all(), 3);
	row = 1;
	check_str(docs.rows[row].identity, "NIFTY@2025-10-28");
	check_i64(docs.rows[row].len, 4);
	docs_drop(&docs, KEY_CHAIN, "NIFTY@2025-10-28");
	docs_drop(&docs, KEY_CHAIN, "NIFTY@2025-10-28");
	docs_drop(&docs, KEY_CHAIN, "BANKNIFTY@2025-10-28");
	docs_drop(&docs, KEY_FUTURES, "NIFTY@2025-10-28"); /* another kind */
	check_i64(docs.kept, 1);
	check_i64(settle_all(), 2); /* DEL, SREM */
	check_i64(docs.free.count, 1);
	set(KEY_FUTURES, "NIFTY", "x");
	check_i64(docs.rows_n, 2); /* the row was used again */
	docs_fini(&docs);
}

/* Dropped while its SET is on the way: the DEL follows; set anew while that is on the way: it stays. */
static void test_changes_of_mind(void **state)
{
	uint32_t row;

	(void)state;
	docs_init(&docs);
	set(KEY_CLIENT, "a", "1");
	row = take_set();
	check(take_of(DOC_CLIENT, &docs.owed.join, &docs.flight.join) == row);
	docs_drop(&docs, KEY_CLIENT, "a");
	check(take_set() == DOC_NONE);
	docs_on_set(&docs, row, false);
	docs_on_join(&docs, DOC_CLIENT, true); /* refused: it is not wanted any more */
	check_i64(docs.owed.join.count, 0);
	check(take_del() == row);
	check(take_of(DOC_CLIENT, &docs.owed.leave, &docs.flight.leave) == row);
	set(KEY_CLIENT, "a", "2");
	docs_on_del(&docs, row, false);
	docs_on_leave(&docs, DOC_CLIENT, false);
	check_i64(docs.kept, 1);
	check_i64(docs.owed.set.count, 1);
	check_i64(docs.owed.join.count, 1);
	check_i64(settle_all(), 2);
	check_i64(docs.kept, 1);
	docs_fini(&docs);
}

static void test_refusals_are_owed_again(void **state)
{
	uint32_t row;

	(void)state;
	docs_init(&docs);
	set(KEY_FUTURES, "NIFTY", "1");
	row = take_set();
	docs_on_set(&docs, row, true);
	check(take_set() == row);
	docs_on_set(&docs, row, false);
	take_of(DOC_FUTURES, &docs.owed.join, &docs.flight.join);
	docs_on_join(&docs, DOC_FUTURES, true);
	check_i64(docs.owed.join.count, 1);
	settle_all();
	docs_drop(&docs, KEY_FUTURES, "NIFTY");
	docs_on_del(&docs, take_del(), true);
	take_of(DOC_FUTURES, &docs.owed.leave, &docs.flight.leave);
	docs_on_leave(&docs, DOC_FUTURES, true);
	check_i64(docs.owed.del.count, 1);
	check_i64(docs.owed.leave.count, 1);
	check_i64(settle_all(), 2);
	check_i64(docs.free.count, 1);
	docs_fini(&docs);
}

/* A row is renewed in the second round after its SET; what needs the feed only while that lives. */
static void test_hand(void **state)
{
	(void)state;
	docs_init(&docs);
	set(KEY_CHAIN, "NIFTY@2025-10-28", "1");
	set(KEY_CLIENT, "a", "1");
	set(KEY_STATUS, NULL, "1");
	settle_all();
	docs_turn_hand(&docs, docs_span(&docs), true);
	check_i64(docs.owed.set.count, 0);
	check_i64(docs.owed.join.count, 2); /* the index is repaired each round */
	docs_turn_hand(&docs, docs_span(&docs), true);
	check_i64(docs.owed.set.count, 3);
	settle_all();
	docs_turn_hand(&docs, docs_span(&docs), false);
	docs_turn_hand(&docs, docs_span(&docs), false);
	check_i64(docs.owed.set.count, 2);
	check_i64(docs.owed.join.count, 1);
	settle_all();
	docs_turn_hand(&docs, docs_span(&docs), true); /* the feed is back */
	check_i64(docs.owed.set.count, 1);
	docs_fini(&docs);
}

static void test_rewind_owes_all(void **state)
{
	(void)state;
	docs_init(&docs);
	set(KEY_CHAIN, "NIFTY@2025-10-28", "1");
	set(KEY_CLIENT, "a", "1");
	set(KEY_CLIENT, "b", "1");
	settle_all();
	set(KEY_CLIENT, "a", "2");
	docs_drop(&docs, KEY_CLIENT, "b");
	take_set();
	take_del();
	docs_rewind(&docs);
	check_i64(docs.owed.set.count, 2);
	check_i64(docs.owed.join.count, 2);
	check_i64(docs.owed.del.count, 1);
	check_i64(docs.owed.leave.count, 1);
	check_i64(docs.flight.set.count + docs.flight.del.count, 0);
	settle_all();
	check_i64(docs.kept, 2);
	docs_fini(&docs);
}

static void test_retire(void **state)
{
	(void)state;
	docs_init(&docs);
	set(KEY_CHAIN, "NIFTY@2025-10-28", "1");
	set(KEY_CLIENT, "a", "1");
	set(KEY_STATUS, NULL, "1");
	docs_retire(&docs);
	check_i64(docs.kept, 1);
	check_i64(docs.owed.del.count, 2);
	docs_fini(&docs);
}

static void name_of(char out[16], unsigned i)
{
	snprintf(out, 16, "c%u", i);
}

/* The table is full: one more is refused. Redis away, clients come and go: rows that were dropped are
 * taken, and then the index is made anew of what is there. */
static void test_bounds(void **state)
{
	static char text[DOC_TEXT_MAX + 1];
	char name[16], longest[DOC_NAME_MAX + 2];

	(void)state;
	docs_init(&docs);
	for (unsigned i = 0; i < DOCS_MAX; i++) {
		name_of(name, i);
		set(KEY_CLIENT, name, "x");
	}
	check_i64(docs_set(&docs, KEY_STATUS, NULL, "x", 1), AGNI_ELIMIT);
	check_i64(docs.refused, 1);
	settle_all();
	docs_drop(&docs, KEY_CLIENT, "c7");
	set(KEY_STATUS, NULL, "x");
	check_i64(docs.kept, DOCS_MAX);
	check(!docs.is_ours[DOC_CLIENT]);
	check_i64(docs.owed.join.count, DOCS_MAX - 1);
	check_i64(settle_all(), DOCS_MAX);
	for (unsigned i = 0; i < 5 * DOCS_MAX; i++) {
		name_of(name, i);
		docs_drop(&docs, KEY_CLIENT, name);
		name_of(name, i + DOCS_MAX);
		check_i64(docs_set(&docs, KEY_CLIENT, name, "y", 1),
			  i % DOCS_MAX == 7 ? AGNI_ELIMIT : 0);
	}
	check_i64(docs.rows_n, DOCS_MAX);
	docs_fini(&docs);

	docs_init(&docs);
	memset(text, 'x', sizeof(text));
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	check_i64(docs_set(&docs, KEY_CHAIN, longest, "x", 1), AGNI_ELIMIT);
	check_i64(docs_set(&docs, KEY_CHAIN, "A", text, DOC_TEXT_MAX), 0);
	check_i64(docs_set(&docs, KEY_CHAIN, "A", text, DOC_TEXT_MAX + 1), AGNI_ELIMIT);
	check_i64(docs.kept, 0); /* none, rather than the old one */
	check_i64(docs.bytes, 0);
	for (unsigned i = 0; i < DOCS_BYTES_MAX / DOC_TEXT_MAX; i++) {
		name_of(name, i);
		check_i64(docs_set(&docs, KEY_CHAIN, name, text, DOC_TEXT_MAX), 0);
	}
	check_i64(docs_set(&docs, KEY_CHAIN, "B", "x", 1), AGNI_ELIMIT);
	set(KEY_CHAIN, "c0", "small");
	check(docs.rows[0].cap < 1024); /* its memory went back */
	set(KEY_CHAIN, "B", "x");
	docs_fini(&docs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_and_drop),
		cmocka_unit_test(test_changes_of_mind),
		cmocka_unit_test(test_refusals_are_owed_again),
		cmocka_unit_test(test_hand),
		cmocka_unit_test(test_rewind_owes_all),
		cmocka_unit_test(test_retire),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
