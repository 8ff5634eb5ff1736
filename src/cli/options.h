/* SPDX-License-Identifier: MIT
 *
 * options: the command line.
 *
 *     agnidata [--config FILE] [--set section.key=value]... [--check]
 *     agnidata config | version | --help
 */
#ifndef AGNI_CLI_OPTIONS_H
#define AGNI_CLI_OPTIONS_H

#include "core/err.h"

#define SETS_MAX 64

enum command {
	COMMAND_SERVE,
	COMMAND_CHECK,
	COMMAND_CONFIG,
	COMMAND_VERSION,
	COMMAND_HELP,
	COMMAND_REPLAY,
	COMMAND_REPLAY_HELP
};

struct options {
	enum command command;
	const char *config; /* NULL: defaults only */
	const char *sets[SETS_MAX];
	size_t sets_n;
	const char *replay; /* COMMAND_REPLAY: the recording */
	const char *speed;
	char replay_sets[2][1200];
};

/* Returns 0, or AGNI_EUSAGE with what is wrong. */
int options_parse(struct options *o, int argc, char **argv, struct agni_err *err) AGNI_MUST_USE;

/* The texts of --help and of replay --help. */
extern const char options_help[], options_replay_help[];

#define AGNI_VERSION "0.1.0"

#endif
