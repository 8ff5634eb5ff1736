/* SPDX-License-Identifier: MIT
 *
 * test_keys: the names in Redis, and that docs/redis.md knows every one of them.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "store/keys.h"

static void name_of(char *out, size_t cap, enum key_kind kind, const char *prefix,
		    const char *identity)
{
	struct buf b = {0};

	key_append(&b, kind, prefix, identity);
	snprintf(out, cap, "%s", buf_cstr(&b));
	buf_fini(&b);
}

static void test_names(void **state)
{
	char name[128];

	(void)state;
	name_of(name, sizeof(name), KEY_QUOTE, "agni:", "NSE_INDEX|Nifty 50");
	check_str(name, "agni:quote:{NSE_INDEX|Nifty 50}");
	name_of(name, sizeof(name), KEY_TICKS, "agni:", NULL);
	check_str(name, "agni:ticks");
	name_of(name, sizeof(name), KEY_INDEX_QUOTES, "agni-sim:", NULL);
	check_str(name, "agni-sim:index:quotes");
}

static void test_append_keeps_what_is_there(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_str(&b, "x ");
	key_append(&b, KEY_TICKS, "p:", NULL);
	check_str(buf_cstr(&b), "x p:ticks");
	buf_fini(&b);
}

/* Every row of the table stands in the document as "| `agni:NAME...` | TYPE | LIFE |". */
static void test_document_is_complete(void **state)
{
	static char text[32768];
	FILE *f = fopen("docs/redis.md", "r");
	size_t n;

	(void)state;
	if (!f) {
		print_message("not run from the top of the tree: no docs/redis.md\n");
		skip();
	}
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	check(n > 0 && n < sizeof(text) - 1);
	for (int i = 0; i < KEY_KINDS; i++) {
		const struct key_info *info = key_info((enum key_kind)i);
		char row[160];

		snprintf(row, sizeof(row), "| `agni:%s%s%s%s` | %s | %s |", info->name,
			 info->identity ? ":{" : "", info->identity ? info->identity : "",
			 info->identity ? "}" : "", info->type, info->life);
		if (!strstr(text, row))
			fail_msg("docs/redis.md has no row %s", row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_append_keeps_what_is_there),
		cmocka_unit_test(test_document_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
