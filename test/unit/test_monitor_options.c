/* SPDX-License-Identifier: MIT
 *
 * test_monitor_options: the command line of `agnidata monitor`.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "cli/monitor_options.h"

static int parse(struct monitor_options *o, const char *line, struct agni_err *err)
{
	static char text[2048];
	static char *argv[128];
	int argc = 0;

	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	*err = (struct agni_err){0};
	return monitor_options_parse(o, argc, argv, err);
}

static void test_good(void **state)
{
	struct monitor_options o;
	struct agni_err err;

	(void)state;
	check_i64(parse(&o, "", &err), 0);
	check(!o.is_once && !o.has_view && !o.prefix && o.view == VIEW_QUOTES);
	check_i64(o.every_ms, 1000);
	check_str(o.filter, "");
	check_i64(parse(&o,
			"--futures --once --json --every 0.25 --prefix=agni-sim: --filter ab "
			"--set a.b=c --redis redis://h:1/2 --set=d.e=f=g --config x.ini",
			&err),
		  0);
	check(o.is_once && o.is_json && o.has_view);
	check_i64(o.view, VIEW_FUTURES);
	check_i64(o.every_ms, 250);
	check_str(o.prefix, "agni-sim:");
	check_str(o.filter, "ab");
	check_str(o.server.config, "x.ini");
	check_i64(o.server.sets_n, 3);
	check_str(o.server.sets[0], "a.b=c");
	check_str(o.server.sets[1], "d.e=f=g");
	check_str(o.server.sets[2], "redis.url=redis://h:1/2"); /* the last word counts */
	check_i64(parse(&o, "--options", &err), 0);
	check_i64(o.view, VIEW_CHAIN);
	check_i64(parse(&o, "-h", &err), 0);
	check(o.wants_help);
}

static void check_bad(const char *line, const char *word)
{
	struct monitor_options o;
	struct agni_err err;

	check_i64(parse(&o, line, &err), AGNI_EUSAGE);
	if (!strstr(err.text, word))
		fail_msg("%s: \"%s\" does not speak of %s", line, err.text, word);
}

static void test_bad(void **state)
{
	char line[2048] = "--redis ";

	(void)state;
	check_bad("--every 0", "0.1..3600");
	check_bad("--every 1x", "--every");
	check_bad("--every nan", "--every");
	check_bad("--every -1", "--every");
	check_bad("--every 3601", "--every");
	check_bad("--every", "needs a value");
	check_bad("--prefix=", "--prefix");
	check_bad("--prefix \x01", "--prefix");
	check_bad("--json", "--once");
	check_bad("redis", "redis");
	check_bad("--onc", "--onc");
	check_bad("--once=1", "--once");
	check_bad("--filter 12345678901234567890123456789012345678901", "--filter");
	memset(line + 8, 'x', 1100);
	check_bad(line, "too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests_name("monitor_options", tests, NULL, NULL);
}
