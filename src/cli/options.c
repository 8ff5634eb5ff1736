/* SPDX-License-Identifier: MIT
 *
 * options: see options.h.
 */
#include "cli/options.h"

#include <string.h>

const char options_help[] =
	"agnidata " AGNI_VERSION ": one Upstox connection, served to any number of programs\n"
	"\n"
	"  agnidata [--config FILE] [--set SECTION.KEY=VALUE]...   run the server\n"
	"  agnidata --check ...      read the configuration, print what is wrong, and exit\n"
	"  agnidata config           print a configuration file with every key and its default\n"
	"  agnidata audit ...        check or show the audit log; see agnidata audit --help\n"
	"  agnidata key ...          API keys: add, list, revoke; see agnidata key --help\n"
	"  agnidata seal --help      keys that seal the broker's token\n"
	"  agnidata tape ...         look into the journal, cut it, import recordings; tape "
	"--help\n"
	"  agnidata version          print the version\n"
	"  agnidata --help           print this\n"
	"\n"
	"Without --set upstream.mode=upstox the server talks to its built-in simulated exchange.\n"
	"SIGHUP reloads what can change at run time; SIGTERM stops, a second one at once.\n"
	"Exit codes: 0 clean stop, 1 could not start or not stop in time, 2 usage or "
	"configuration,\n"
	"3 stopped because the token is beyond repair (token.on_failure=exit).\n";

/* --name VALUE and --name=VALUE. Returns 1 when argv[*i] was this option, 0 when not, or an error.
 */
static int take_value(const char *name, int argc, char **argv, int *i, const char **value,
		      struct agni_err *err)
{
	size_t n = strlen(name);

	if (strncmp(argv[*i], name, n) != 0)
		return 0;
	if (argv[*i][n] == '=') {
		*value = argv[*i] + n + 1;
		return 1;
	}
	if (argv[*i][n] != '\0')
		return 0;
	if (*i + 1 >= argc)
		return agni_fail(err, AGNI_EUSAGE, "%s needs a value", name);
	*value = argv[++*i];
	return 1;
}

static int take_word(struct options *o, const char *word, struct agni_err *err)
{
	static const struct {
		const char *word;
		enum command command;
	} words[] = {
		{"--check", COMMAND_CHECK},   {"config", COMMAND_CONFIG},
		{"version", COMMAND_VERSION}, {"--version", COMMAND_VERSION},
		{"--help", COMMAND_HELP},     {"-h", COMMAND_HELP},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(word, words[i].word) == 0) {
			o->command = words[i].command;
			return 0;
		}
	}
	return agni_fail(err, AGNI_EUSAGE, "\"%s\" is neither an option nor a command; see --help",
			 word);
}

int options_parse(struct options *o, int argc, char **argv, struct agni_err *err)
{
	*o = (struct options){.command = COMMAND_SERVE};
	for (int i = 1; i < argc; i++) {
		const char *value;
		int rc = take_value("--config", argc, argv, &i, &o->config, err);

		if (rc == 0) {
			rc = take_value("--set", argc, argv, &i, &value, err);
			if (rc == 1 && o->sets_n == SETS_MAX)
				rc = agni_fail(err, AGNI_EUSAGE, "more than %d --set", SETS_MAX);
			if (rc == 1)
				o->sets[o->sets_n++] = value;
		}
		if (rc == 0)
			rc = take_word(o, argv[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
