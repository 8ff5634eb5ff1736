/* SPDX-License-Identifier: MIT
 *
 * test_options: the command line.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "cli/options.h"

/* Splits at spaces; "~" alone stands for an empty word. */
static int parse(struct options *o, const char *line, struct agni_err *err)
{
	static char text[8192];
	static char *argv[200];
	int argc = 0;

	snprintf(text, sizeof(text), "agnidata %s", line);
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		argv[argc++] = strcmp(w, "~") == 0 ? w + 1 : w;
	argv[argc] = NULL;
	*err = (struct agni_err){0};
	return options_parse(o, argc, argv, err);
}

static void test_good(void **state)
{
	static const struct {
		const char *line;
		enum command command;
		const char *config;
		size_t sets_n;
		const char *last_set;
	} good[] = {
		{"", COMMAND_SERVE, NULL, 0, NULL},
		{"--config etc/agni.ini", COMMAND_SERVE, "etc/agni.ini", 0, NULL},
		{"--config=etc/agni.ini", COMMAND_SERVE, "etc/agni.ini", 0, NULL},
		{"--config a --config b", COMMAND_SERVE, "b", 0, NULL},
		{"--set upstream.mode=upstox", COMMAND_SERVE, NULL, 1, "upstream.mode=upstox"},
		{"--set=a.b=c=d --set x.y=", COMMAND_SERVE, NULL, 2, "x.y="},
		{"--check --config x", COMMAND_CHECK, "x", 0, NULL},
		{"--config x --set a.b=c --check", COMMAND_CHECK, "x", 1, "a.b=c"},
		{"config", COMMAND_CONFIG, NULL, 0, NULL},
		{"version", COMMAND_VERSION, NULL, 0, NULL},
		{"--version", COMMAND_VERSION, NULL, 0, NULL},
		{"--help", COMMAND_HELP, NULL, 0, NULL},
		{"-h", COMMAND_HELP, NULL, 0, NULL},
		{"--set --check", COMMAND_SERVE, NULL, 1, "--check"}, /* a value is a value */
	};
	struct options o;
	struct agni_err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (parse(&o, good[i].line, &err) != 0)
			fail_msg("\"%s\": %s", good[i].line, err.text);
		check_i64(o.command, good[i].command);
		check_i64(o.config == NULL, good[i].config == NULL);
		if (o.config)
			check_str(o.config, good[i].config);
		check_i64(o.sets_n, good[i].sets_n);
		if (o.sets_n)
			check_str(o.sets[o.sets_n - 1], good[i].last_set);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *line, *names; /* the message names it */
	} bad[] = {
		{"--config", "--config"},
		{"--set", "--set"},
		{"--set a.b=c --set", "--set"},
		{"--configx y", "--configx"},
		{"--sets a.b=c", "--sets"},
		{"serve", "serve"},
		{"-c", "-c"},
		{"--", "--"},
		{"~", "\"\""},
		{"etc/agni.ini", "etc/agni.ini"},
	};
	struct options o;
	struct agni_err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (parse(&o, bad[i].line, &err) != AGNI_EUSAGE)
			fail_msg("\"%s\" passes", bad[i].line);
		if (!strstr(err.text, bad[i].names))
			fail_msg("\"%s\": %s", bad[i].line, err.text);
	}
}

/* A replay is a server with a recording as its upstream; what is --set goes over it. */
static void test_replay(void **state)
{
	struct options o;
	struct agni_err err;

	(void)state;
	check_i64(parse(&o, "replay var/x.pbs --speed 20 --set redis.url=", &err), 0);
	check_i64(o.command, COMMAND_REPLAY);
	check_str(o.replay, "var/x.pbs");
	check_str(o.sets[0], "upstream.mode=sim");
	check_str(o.sets[o.sets_n - 3], "sim.tape=var/x.pbs");
	check_str(o.sets[o.sets_n - 2], "sim.speed=20");
	check_str(o.sets[o.sets_n - 1], "redis.url=");
	check_i64(parse(&o, "replay x", &err), 0);
	check_str(o.sets[o.sets_n - 1], "sim.speed=max");
	check_i64(parse(&o, "replay", &err), AGNI_EUSAGE);
	check(strstr(err.text, "needs a recording") != NULL);
	check_i64(parse(&o, "replay --help", &err), 0);
	check_i64(o.command, COMMAND_REPLAY_HELP);
	check_i64(parse(&o, "replay x -h", &err), 0);
	check_i64(o.command, COMMAND_REPLAY_HELP);
	check_i64(parse(&o, "replay x y", &err), AGNI_EUSAGE);
	check_i64(parse(&o, "--speed 3", &err), AGNI_EUSAGE); /* of a replay alone */
}

static void test_many_sets(void **state)
{
	char line[4096] = "";
	struct options o;
	struct agni_err err;

	(void)state;
	for (int i = 0; i < SETS_MAX; i++)
		strcat(line, "--set a.b=c ");
	check_i64(parse(&o, line, &err), 0);
	check_i64(o.sets_n, SETS_MAX);
	strcat(line, "--set a.b=c");
	check_i64(parse(&o, line, &err), AGNI_EUSAGE);
	check_i64(o.sets_n, SETS_MAX);
}

/* --help names every option and command there is. */
static void test_help(void **state)
{
	static const char *const words[] = {"--config", "--set",   "--check",
					    "config",   "version", "replay",
					    "tape",     "--help",  "upstream.mode=upstox"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		check(strstr(options_help, words[i]) != NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),
		cmocka_unit_test(test_replay), cmocka_unit_test(test_many_sets),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
