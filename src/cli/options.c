/* SPDX-License-Identifier: MIT
 *
 * options: see options.h.
 */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

const char options_help[] =
	"agnidata " AGNI_VERSION ": one Upstox connection, served to any number of programs\n"
	"\n"
	"  agnidata [--config FILE] [--set SECTION.KEY=VALUE]...   run the server\n"
	"  agnidata --check ...      read the configuration, print what is wrong, and exit\n"
	"  agnidata config           print a configuration file with every key and its default\n"
	"  agnidata audit ...        check or show the audit log; see agnidata audit --help\n"
	"  agnidata key ...          API keys: add, list, revoke; see agnidata key --help\n"
	"  agnidata monitor ...      what is in Redis, live in a terminal; see agnidata monitor "
	"--help\n"
	"  agnidata seal --help      keys that seal the broker's token\n"
	"  agnidata tape ...         look into the journal, cut it, import recordings; tape "
	"--help\n"
	"  agnidata replay PATH [--speed N|max] ...   a recording (.pbs, a tape) from end to end, "
	"with "
	"its hash\n"
	"                            see agnidata replay --help\n"
	"  agnidata version          print the version\n"
	"  agnidata --help           print this\n"
	"\n"
	"Without --set upstream.mode=upstox the server talks to its built-in simulated exchange.\n"
	"SIGHUP reloads what can change at run time; SIGTERM stops, a second one at once.\n"
	"Exit codes: 0 clean stop, 1 could not start or not stop in time, 2 usage or "
	"configuration,\n"
	"3 stopped because the token is beyond repair (token.on_failure=exit).\n";

const char options_replay_help[] =
	"agnidata replay PATH [OPTION]...   a recording through the whole server, from end to end\n"
	"\n"
	"PATH is a recording of messages (.pbs, .pbs.gz), or a tape: its folder, or one file of "
	"it.\n"
	"A .csv becomes a tape first: agnidata tape import.\n"
	"\n"
	"  --speed N|max            times as fast as recorded; default: max\n"
	"  --config FILE, --set SECTION.KEY=VALUE   as for the server\n"
	"\n"
	"Clients may look on when they are given a port: --set stream.listen=127.0.0.1:8080. For\n"
	"a server that stays, see sim.source=tape in docs/tape.md. Exit codes: 0 all of it was\n"
	"played, 1 it is damaged, did not arrive whole or cannot start, 2 usage or "
	"configuration.\n";

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

/* What a replay is, before what was --set: a recording as the upstream, as fast as it goes, on ports of
 * its own. Tape, data folder and Redis prefix are a replay's own by its source (main.c). */
static int add_replay_sets(struct options *o, struct agni_err *err)
{
	const char *const sets[] = {"upstream.mode=sim",       "sim.source=tape",
				    "sim.start_delay_ms=500",  "sim.fault=",
				    "http.listen=127.0.0.1:0", "stream.listen=127.0.0.1:0",
				    "server.log_level=warn",   o->replay_sets[0],
				    o->replay_sets[1]};

	if (!o->replay)
		return agni_fail(err, AGNI_EUSAGE, "replay needs a recording; see replay --help");
	if (snprintf(o->replay_sets[0], sizeof(o->replay_sets[0]), "sim.tape=%s", o->replay) >=
		    (int)sizeof(o->replay_sets[0]) ||
	    o->sets_n + ARRAY_LEN(sets) > SETS_MAX)
		return agni_fail(err, AGNI_EUSAGE, "the command line is too long");
	snprintf(o->replay_sets[1], sizeof(o->replay_sets[1]), "sim.speed=%s",
		 o->speed ? o->speed : "max");
	memmove(o->sets + ARRAY_LEN(sets), o->sets, o->sets_n * sizeof(o->sets[0]));
	memcpy(o->sets, sets, sizeof(sets));
	o->sets_n += ARRAY_LEN(sets);
	return 0;
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
		{"replay", COMMAND_REPLAY},
	};

	if (o->command == COMMAND_REPLAY && !o->replay && word[0] != '-') {
		o->replay = word;
		return 0;
	}

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(word, words[i].word) == 0) {
			bool is_of_replay =
				o->command == COMMAND_REPLAY && words[i].command == COMMAND_HELP;

			o->command = is_of_replay ? COMMAND_REPLAY_HELP : words[i].command;
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
		if (rc == 0 && o->command == COMMAND_REPLAY)
			rc = take_value("--speed", argc, argv, &i, &o->speed, err);
		if (rc == 0)
			rc = take_word(o, argv[i], err);
		if (rc < 0)
			return rc;
	}
	return o->command == COMMAND_REPLAY ? add_replay_sets(o, err) : 0;
}
