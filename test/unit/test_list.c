/* SPDX-License-Identifier: MIT
 *
 * test_list: order, removal, and removal while walking.
 */
#include "../lib/check.h"
#include "core/list.h"

struct item {
	int value;
	struct list link;
};

#define ITEMS 6

static void fill(struct list *head, struct item items[ITEMS])
{
	list_init(head);
	for (int i = 0; i < ITEMS; i++) {
		items[i].value = i;
		list_append(head, &items[i].link);
	}
}

/* The values in order as decimal digits after a leading 1; walked backwards as well. */
static int digits(struct list *head)
{
	int forward = 1, back = 0, scale = 1;

	list_for_each (it, head) {
		forward = forward * 10 + container_of(it, struct item, link)->value;
	}
	for (struct list *it = head->prev; it != head; it = it->prev, scale *= 10)
		back += scale * container_of(it, struct item, link)->value;
	check_i64(back + scale, forward);
	return forward;
}

static void test_order(void **state)
{
	struct item items[ITEMS];
	struct list head;

	(void)state;
	fill(&head, items);
	check_i64(digits(&head), 1012345);
	list_remove(&items[0].link);
	list_remove(&items[3].link);
	list_remove(&items[5].link);
	check_i64(digits(&head), 1124);
	list_append(&head, &items[0].link);
	check_i64(digits(&head), 11240);
	check(!list_is_empty(&head));
}

static void test_removal_is_idempotent(void **state)
{
	struct item items[ITEMS];
	struct list head;

	(void)state;
	fill(&head, items);
	list_remove(&items[2].link);
	list_remove(&items[2].link);
	check(list_is_empty(&items[2].link));
	check_i64(digits(&head), 101345);
}

static void test_removal_while_walking(void **state)
{
	/* Each subset of the items, as a bit mask. */
	(void)state;
	for (unsigned mask = 0; mask < 1u << ITEMS; mask++) {
		struct item items[ITEMS];
		struct list head;
		int visited = 0, want = 1;

		fill(&head, items);
		list_for_each (it, &head) {
			if (mask >> container_of(it, struct item, link)->value & 1)
				list_remove(it);
			visited++;
		}
		for (int i = 0; i < ITEMS; i++) {
			if (!(mask >> i & 1))
				want = want * 10 + i;
		}
		check_i64(visited, ITEMS);
		check_i64(digits(&head), want);
	}
}

static void test_empty(void **state)
{
	struct list head;

	(void)state;
	list_init(&head);
	check(list_is_empty(&head));
	list_for_each (it, &head)
		fail_msg("an empty list has %p", (void *)it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_removal_is_idempotent),
		cmocka_unit_test(test_removal_while_walking),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
