/* SPDX-License-Identifier: MIT
 *
 * monitor_options: the command line of `agnidata monitor`.
 */
#ifndef AGNI_CLI_MONITOR_OPTIONS_H
#define AGNI_CLI_MONITOR_OPTIONS_H

#include "cli/monitor_view.h"
#include "cli/options.h"

#define MONITOR_PREFIX_MAX 64

struct monitor_options {
	struct options server; /* --config and --set; --redis is one more of them */
	char redis[1024];      /* "redis.url=..." of --redis */
	const char *prefix;    /* NULL: that of the configuration's source */
	const char *filter;    /* "" */
	enum monitor_view view;
	bool has_view; /* one was asked for: --once prints that one */
	bool is_once, is_json, wants_help;
	int64_t every_ms;
};

/* argv[0] is the first word behind "monitor". Words may be changed ("=" becomes NUL), and are lent.
 * Returns 0, or AGNI_EUSAGE with what is wrong. */
int monitor_options_parse(struct monitor_options *o, int argc, char **argv,
			  struct agni_err *err) AGNI_MUST_USE;

extern const char monitor_help[];

#endif
