/* SPDX-License-Identifier: MIT
 *
 * Secrets: what was wiped is gone, and the pages of a long-lived one are kept out of core dumps.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../lib/check.h"
#include "core/secret.h"

static void test_set_and_clear(void **state)
{
	struct secret s = {0};

	(void)state;
	secret_clear(&s);
	secret_set(&s, "Bearer ", "abc");
	check_str(s.text, "Bearer abc");
	secret_set(&s, "", s.text + 7); /* from itself */
	check_str(s.text, "abc");
	secret_clear(&s);
	check(s.text == NULL);
}

/* The kernel's own word: "dd" (do not dump) among the flags of the mapping. */
static void test_not_dumped(void **state)
{
	char line[512], want[32];
	struct secret s = {0};
	bool is_ours = false, found = false;
	FILE *f;

	(void)state;
	secret_set(&s, "", "x");
	snprintf(want, sizeof(want), "%lx-", (unsigned long)(uintptr_t)s.text);
	f = fopen("/proc/self/smaps", "r");
	if (!f)
		skip();
	while (fgets(line, sizeof(line), f)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			is_ours = from <= (uintptr_t)s.text && (uintptr_t)s.text < to;
		if (is_ours && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, " dd") != NULL;
	}
	fclose(f);
	check(found);
	secret_clear(&s);
}

static void test_wipe(void **state)
{
	char *text = mem_strdup("secret");
	struct buf b = {0};

	(void)state;
	secret_wipe_text(&text);
	check(text == NULL);
	secret_wipe_text(&text);
	buf_str(&b, "secret");
	secret_wipe_buf(&b);
	check(b.data == NULL && b.len == 0);
	secret_wipe_buf(&b);
}

static void test_secret_is_equal(void **state)
{
	char a[64], b[64];

	(void)state;
	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	check(secret_is_equal(a, b, sizeof(a)) && secret_is_equal(a, b, 0));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] ^= 0x40;
		check(!secret_is_equal(a, b, sizeof(a)));
		b[i] = 'x';
	}
}

static void test_secret_text_is_equal(void **state)
{
	(void)state;
	check(secret_text_is_equal("", ""));
	check(secret_text_is_equal("abc", "abc"));
	check(!secret_text_is_equal("abc", "abd"));
	check(!secret_text_is_equal("abc", "abcabc"));
	check(!secret_text_is_equal("", "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_and_clear),
		cmocka_unit_test(test_not_dumped),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_secret_is_equal),
		cmocka_unit_test(test_secret_text_is_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
