/* SPDX-License-Identifier: MIT
 *
 * monitor_options: see monitor_options.h.
 */
#include "cli/monitor_options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char monitor_help[] =
	"agnidata monitor [OPTION]...   what a server keeps in Redis, live in this terminal\n"
	"\n"
	"It asks Redis alone, and runs wherever that is reached; nothing is written.\n"
	"\n"
	"  --quotes             begin with the instruments: price, change, age, TTL (default)\n"
	"  --options            the option chain: both sides with iv, delta, OI; PCR, max pain\n"
	"  --futures            near, next and far: basis, carry, spreads, roll, build-up\n"
	"  --clients            who is connected, with what, and how far behind\n"
	"  --signals            signals, the newest first\n"
	"  --server             what the server says of itself, and Redis' memory\n"
	"  --filter TEXT        only what has TEXT in its name\n"
	"  --every SECONDS      0.1 to 3600 between two looks; default 1\n"
	"  --once               one look, as text, and the end; all rows\n"
	"  --once --json        the same as one JSON object: all kinds, or the one asked for\n"
	"  --redis URL          redis://[[user]:password@]host[:port][/db]; default: redis.url\n"
	"  --prefix PREFIX      agni: live, agni-sim: simulator, agni-replay: replay; default: by\n"
	"                       upstream.mode of the configuration\n"
	"  --config FILE, --set SECTION.KEY=VALUE   as the server was started\n"
	"\n"
	"Keys: 1 to 6, tab, left and right: views; up, down, PgUp, PgDn, Home, End: scroll;\n"
	"/ filter (Esc: none), s sort, r reverse, n and p: the next and the previous chain or\n"
	"underlying, Ctrl-Z suspend, q quit. NO_COLOR is honoured. Redis away: it says so, tries\n"
	"again, and shows the last values as old.\n"
	"Exit codes: 0 done, 1 Redis could not be read (--once), 2 usage or configuration.\n";

static const struct {
	const char *name;
	enum monitor_view view;
} views[] = {
	{"--quotes", VIEW_QUOTES},   {"--options", VIEW_CHAIN},   {"--futures", VIEW_FUTURES},
	{"--clients", VIEW_CLIENTS}, {"--signals", VIEW_SIGNALS}, {"--server", VIEW_SERVER},
};

static bool take_flag(struct monitor_options *o, const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(views); i++) {
		if (strcmp(word, views[i].name) == 0) {
			o->view = views[i].view;
			o->has_view = true;
			return true;
		}
	}
	if (strcmp(word, "--once") == 0)
		o->is_once = true;
	else if (strcmp(word, "--json") == 0)
		o->is_json = true;
	else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		o->wants_help = true;
	else
		return false;
	return true;
}

static int take_every(struct monitor_options *o, const char *text, struct agni_err *err)
{
	char *end;
	double s = strtod(text, &end);

	if (*text < '0' || *text > '9' || *end || !(s >= 0.1 && s <= 3600))
		return agni_fail(err, AGNI_EUSAGE, "--every: \"%.40s\" is not within 0.1..3600",
				 text);
	o->every_ms = (int64_t)lround(s * 1000);
	return 0;
}

static int take_prefix(struct monitor_options *o, const char *text, struct agni_err *err)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			n = 0;
	}
	if (n == 0 || n > MONITOR_PREFIX_MAX)
		return agni_fail(
			err, AGNI_EUSAGE,
			"--prefix: 1 to %d printable characters without spaces, like agni-sim:",
			MONITOR_PREFIX_MAX);
	o->prefix = text;
	return 0;
}

static int add_set(struct monitor_options *o, const char *set, struct agni_err *err)
{
	if (o->server.sets_n == SETS_MAX)
		return agni_fail(err, AGNI_EUSAGE, "more than %d --set", SETS_MAX);
	o->server.sets[o->server.sets_n++] = set;
	return 0;
}

static int take_redis(struct monitor_options *o, const char *url, struct agni_err *err)
{
	int n = snprintf(o->redis, sizeof(o->redis), "redis.url=%s", url);

	if (n < 0 || (size_t)n >= sizeof(o->redis))
		return agni_fail(err, AGNI_EUSAGE, "--redis: the URL is too long");
	return 0;
}

static int take_filter(struct monitor_options *o, const char *text, struct agni_err *err)
{
	if (strlen(text) > FILTER_MAX)
		return agni_fail(err, AGNI_EUSAGE, "--filter: at most %d characters", FILTER_MAX);
	o->filter = text;
	return 0;
}

static int take_value(struct monitor_options *o, const char *name, const char *value,
		      struct agni_err *err)
{
	if (strcmp(name, "--every") == 0)
		return take_every(o, value, err);
	if (strcmp(name, "--prefix") == 0)
		return take_prefix(o, value, err);
	if (strcmp(name, "--filter") == 0)
		return take_filter(o, value, err);
	if (strcmp(name, "--redis") == 0)
		return take_redis(o, value, err);
	if (strcmp(name, "--set") == 0)
		return add_set(o, value, err);
	o->server.config = value;
	return 0;
}

static bool has_value(const char *name)
{
	static const char *const names[] = {"--every", "--prefix", "--filter",
					    "--redis", "--set",    "--config"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

int monitor_options_parse(struct monitor_options *o, int argc, char **argv, struct agni_err *err)
{
	*o = (struct monitor_options){.filter = "", .every_ms = 1000};
	for (int i = 0; i < argc; i++) {
		char *equals = strchr(argv[i], '=');
		const char *value = equals ? equals + 1 : NULL;
		int rc;

		if (take_flag(o, argv[i]))
			continue;
		if (equals)
			*equals = '\0';
		if (!has_value(argv[i]))
			return agni_fail(err, AGNI_EUSAGE,
					 "\"%.60s\" is not understood; see agnidata monitor --help",
					 argv[i]);
		if (!equals && i + 1 == argc)
			return agni_fail(err, AGNI_EUSAGE, "%s needs a value", argv[i]);
		rc = take_value(o, argv[i], equals ? value : argv[i + 1], err);
		if (rc < 0)
			return rc;
		i += !equals;
	}
	if (o->is_json && !o->is_once)
		return agni_fail(err, AGNI_EUSAGE, "--json goes with --once");
	return o->redis[0] ? add_set(o, o->redis, err) : 0; /* the last word counts */
}
