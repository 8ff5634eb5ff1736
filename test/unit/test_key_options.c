/* SPDX-License-Identifier: MIT
 *
 * test_key_options: the command line of `agnidata key`, and when a key ends.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "cli/key_options.h"
#include "core/ist.h"

#define NOW 1795370700000ll /* 2026-11-22T23:35:00 IST */

/* Splits at spaces; "~" stands for a space inside a word. */
static int parse(struct key_request *r, const char *line, struct agni_err *err)
{
	static char text[1024];
	static char *argv[64];
	int argc = 0;

	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " ")) {
		for (char *c = w; *c; c++)
			*c = *c == '~' ? ' ' : *c;
		argv[argc++] = w;
	}
	*r = (struct key_request){.now_ms = NOW};
	*err = (struct agni_err){0};
	return key_request_parse(r, argc, argv, err);
}

static void test_add(void **state)
{
	struct key_request r;
	struct agni_err err;

	(void)state;
	check_i64(parse(&r,
			"add --role operator --name=desk-1 --scope NSE_INDEX|Nifty~50,NSE_FO|* "
			"--expires 2h --connections=3 --requests 4 --commands 5 --config x.ini "
			"--set a.b=c --set=d.e=f",
			&err),
		  0);
	check_i64(r.key.role, ROLE_OPERATOR);
	check_str(r.key.name, "desk-1");
	check_i64(r.key.scope.n, 2);
	check_str(r.key.scope.members[0], "NSE_INDEX|Nifty 50");
	check_str(r.key.scope.members[1], "NSE_FO|*");
	check_i64(r.key.expires_ms, NOW + 2 * 3600000);
	check_i64(r.key.connections, 3);
	check_i64(r.key.requests_per_s, 4);
	check_i64(r.key.commands_per_s, 5);
	check_str(r.server.config, "x.ini");
	check_i64(r.server.sets_n, 2);
	check_str(r.server.sets[0], "a.b=c");
	check_str(r.server.sets[1], "d.e=f");
	scope_fini(&r.key.scope);
}

static void test_others(void **state)
{
	struct key_request r;
	struct agni_err err;

	(void)state;
	check_i64(parse(&r, "list --set a.b=c", &err), 0);
	check_i64(r.server.sets_n, 1);
	check_i64(parse(&r, "revoke desk1 --config x", &err), 0);
	check_str(r.which, "desk1");
	check_i64(parse(&r, "revoke --config x 0123abcd", &err), 0);
	check_str(r.which, "0123abcd");
}

static void test_bad(void **state)
{
	static const struct {
		const char *line, *names;
	} bad[] = {
		{"add", "--role"},
		{"add --role", "--role"},
		{"add --role anyone", "anyone"},
		{"add --role viewer --name a/b", "--name"},
		{"add --role viewer --scope nse", "nse"},
		{"add --role viewer --scope=", "scope"},
		{"add --role viewer --expires never", "never"},
		{"add --role viewer --expires 2026-11-21", "has passed"},
		{"add --role viewer --connections 0", "--connections"},
		{"add --role viewer --requests 1000001", "--requests"},
		{"add --role viewer --commands -1", "--commands"},
		{"add --role viewer --commands 5x", "--commands"},
		{"add --role viewer desk", "desk"},
		{"add --role viewer -x y", "-x"},
		{"add --role viewer --admin yes", "--admin"},
		{"list --role viewer", "--role"},
		{"list all", "all"},
		{"revoke", "which key"},
		{"revoke a b", "\"b\""},
		{"revoke a --force 1", "--force"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct key_request r;
		struct agni_err err;

		if (parse(&r, bad[i].line, &err) >= 0)
			fail_msg("\"%s\" passes", bad[i].line);
		if (!strstr(err.text, bad[i].names))
			fail_msg("\"%s\": %s", bad[i].line, err.text);
		scope_fini(&r.key.scope);
	}
}

static void test_expiry(void **state)
{
	static const struct {
		const char *text;
		const char *end; /* NULL: none */
	} cases[] = {
		{"90d", "2027-02-20T23:35:00.000+05:30"},
		{"1h", "2026-11-23T00:35:00.000+05:30"},
		{"2026-12-31", "2027-01-01T00:00:00.000+05:30"}, /* to its end */
		{"2026-11-22", "2026-11-23T00:00:00.000+05:30"},
		{"2026-12-31T15:30", "2026-12-31T15:30:00.000+05:30"},
		{"2026-12-31T15:30:01", "2026-12-31T15:30:01.000+05:30"},
		{"", NULL},
		{"90", NULL},
		{"d", NULL},
		{"0d", NULL},
		{"-1d", NULL},
		{"90dd", NULL},
		{"90m", NULL},
		{"36501d", NULL},
		{"99999999999999999999d", NULL},
		{"2026-02-30", NULL},
		{"2026-12-31T25:00", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[IST_TEXT];
		int64_t end;
		bool ok = key_expiry_parse(cases[i].text, NOW, &end);

		if (ok != (cases[i].end != NULL))
			fail_msg("\"%s\": %d", cases[i].text, ok);
		if (ok)
			check_str(ist_format(end, text), cases[i].end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_expiry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
