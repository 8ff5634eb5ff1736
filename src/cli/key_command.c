/* SPDX-License-Identifier: MIT
 *
 * key_command: see key_command.h. Works on the keys file alone, beside a running server or without
 * one; the server takes it on SIGHUP.
 *
 * The new key is the only thing on stdout, so that KEY=$(agnidata key add ...) holds it; what a
 * person wants to know goes to stderr.
 */
#include "cli/key_command.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/audit.h"
#include "auth/keys.h"
#include "cli/key_options.h"
#include "cli/server_config.h"
#include "core/ist.h"

enum { KEY_DONE = 0, KEY_FAULT = 1, KEY_USAGE = 2 };

#define SERVER_HELP                                                                                \
	"  --config FILE, --set SECTION.KEY=VALUE   as the server was started: where the keys "    \
	"are\n"

static const char help[] =
	"agnidata key: API keys, which say who may come in, and what they may see and do\n"
	"\n"
	"  agnidata key add --role ROLE [OPTION]...   make a key, print it once\n"
	"  agnidata key list [OPTION]...              who has one (the keys themselves are not "
	"kept)\n"
	"  agnidata key revoke ID [OPTION]...         take one away, by its id or name\n"
	"  agnidata key add|list|revoke --help        more about each\n"
	"\n" SERVER_HELP "\n"
	"A running server takes a change on SIGHUP. As soon as there is a keys file, nobody comes "
	"in\n"
	"without a key, from this machine neither. Exit codes: 0 done, 1 the file cannot be read "
	"or\n"
	"written, 2 usage or configuration.\n";

static const char add_help[] =
	"agnidata key add --role ROLE [OPTION]...   make an API key, and print it: this once\n"
	"\n"
	"  --role ROLE          viewer    reads market data\n"
	"                       trader    the same today; for programs that trade\n"
	"                       operator  and metrics, /token/status, the details of /health\n"
	"                       admin     and /clients, and updates the broker's token\n"
	"  --name NAME          who it is for, in log and audit: letters, digits, \".\", \"_\", "
	"\"-\"\n"
	"  --scope LIST         instruments that it may see: keys, and prefixes with a star:\n"
	"                       'NSE_INDEX|*,NSE_FO|*,NSE_EQ|INE002A01018'; default: all\n"
	"  --expires WHEN       90d, 12h; YYYY-MM-DD (to the end of that day) or\n"
	"                       YYYY-MM-DDTHH:MM[:SS], IST; default: never\n"
	"  --connections N      WebSocket connections at once; default: "
	"limits.connections_per_key\n"
	"  --requests N         REST requests a second; default: limits.requests_per_s\n"
	"  --commands N         commands a second of a connection; default: "
	"stream.commands_per_s\n" SERVER_HELP "\n"
	"Only its salted SHA-256 is stored. Tell the server: kill -HUP its process.\n";

static const char list_help[] =
	"agnidata key list [OPTION]...   id, name, role, limits, expiry and scope of every key\n"
	"\n" SERVER_HELP;

static const char revoke_help[] =
	"agnidata key revoke ID [OPTION]...   take a key away, by its id or name\n"
	"\n" SERVER_HELP "\n"
	"The server forgets it on SIGHUP: requests are answered 401, connections closed with "
	"4003.\n";

/* What is asked, and where. */
struct job {
	struct key_request ask;
	char path[AUTH_PATH_MAX];
	char audit[AUDIT_PATH_MAX];
};

/* --- what is done ----------------------------------------------------------------------------- */

static int fault(const struct agni_err *err)
{
	fprintf(stderr, "agnidata: %s\n", err->text);
	return KEY_FAULT;
}

/* A file that is not there yet holds no keys. */
static int load(const struct job *job, struct keys *keys, struct agni_err *err)
{
	int rc = keys_load(keys, job->path, err);

	return rc == AGNI_ENOTFOUND ? 0 : rc;
}

/* On the record first: what cannot be recorded is not done. */
static int record(const struct job *job, const char *act, const struct key *key,
		  struct agni_err *err)
{
	const struct passwd *user = getpwuid(getuid());
	char who[64], detail[160];

	snprintf(who, sizeof(who), "user:%s", user ? user->pw_name : "unknown");
	snprintf(detail, sizeof(detail), "%s (%s): %s%s", key->name, key->id, role_text(key->role),
		 key->scope.n ? ", with a scope" : "");
	return audit_record(job->audit,
			    &(struct audit_act){.act = act,
						.who = who,
						.peer = "",
						.detail = detail,
						.is_of_person = true},
			    err) < 0
		       ? agni_wrap(err, "audit.file: nothing was done")
		       : 0;
}

static int add_locked(struct job *job, struct keys *keys, struct agni_err *err)
{
	char text[KEY_TEXT_LEN + 1];
	int rc = load(job, keys, err);

	if (rc == 0) {
		rc = keys_add(keys, &job->ask.key, job->ask.now_ms, text, err);
		job->ask.key.scope = (struct scope){0}; /* taken over */
	}
	if (rc == 0)
		rc = record(job, "key.added", &keys->all[keys->n - 1], err);
	if (rc == 0)
		rc = keys_save(keys, job->path, err);
	if (rc < 0)
		return fault(err);
	rc = puts(text) < 0 || fflush(stdout) != 0 ? AGNI_ECLOSED : 0;
	explicit_bzero(text, sizeof(text));
	if (rc < 0) {
		agni_fail(err, rc, "the key could not be printed; revoke %s, and make another",
			  keys->all[keys->n - 1].id);
		return fault(err);
	}
	fprintf(stderr,
		"%s %s (%s) is in %s; the line above is its key, and is not kept anywhere.\n"
		"A running server takes it on SIGHUP.\n",
		role_text(job->ask.key.role), keys->all[keys->n - 1].name,
		keys->all[keys->n - 1].id, job->path);
	return KEY_DONE;
}

static int revoke_locked(struct job *job, struct keys *keys, struct agni_err *err)
{
	struct key *key;
	struct key gone;

	if (load(job, keys, err) < 0)
		return fault(err);
	key = keys_find(keys, job->ask.which);
	if (!key) {
		agni_fail(err, AGNI_ENOTFOUND, "%s has no key \"%.60s\"", job->path,
			  job->ask.which);
		return fault(err);
	}
	if (record(job, "key.revoked", key, err) < 0)
		return fault(err);
	gone = *key; /* for its name; what it points to is no longer ours */
	keys_remove(keys, key);
	if (keys_save(keys, job->path, err) < 0)
		return fault(err);
	fprintf(stderr, "%s %s (%s) is revoked; a running server takes it on SIGHUP.\n",
		role_text(gone.role), gone.name, gone.id);
	return KEY_DONE;
}

/* Changes the file while nobody else does. */
static int change(struct job *job,
		  int (*change_locked)(struct job *job, struct keys *keys, struct agni_err *err))
{
	struct keys keys = {0};
	struct agni_err err;
	int fd = keys_lock(job->path, &err), rc;

	if (fd < 0)
		return fault(&err);
	rc = change_locked(job, &keys, &err);
	keys_unlock(fd);
	keys_fini(&keys);
	return rc;
}

static void print_limit(const char *name, int64_t limit)
{
	if (limit)
		printf("  %s %lld", name, (long long)limit);
}

static void print_key(const struct key *key, int64_t now_ms)
{
	char time[IST_TEXT];

	printf("%s  %-*s  %-8s", key->id, KEY_NAME_MAX / 2, key->name, role_text(key->role));
	printf("  made %.16s", ist_format(key->created_ms, time));
	if (key->expires_ms)
		printf("  %s %.16s", key_is_expired(key, now_ms) ? "EXPIRED" : "expires",
		       ist_format(key->expires_ms, time));
	print_limit("connections", key->connections);
	print_limit("requests_per_s", key->requests_per_s);
	print_limit("commands_per_s", key->commands_per_s);
	for (size_t i = 0; i < key->scope.n; i++)
		printf("%s%s", i ? "," : "  scope ", key->scope.members[i]);
	putchar('\n');
}

static int list(const struct job *job)
{
	struct keys keys = {0};
	struct agni_err err;

	int rc = keys_load(&keys, job->path, &err);

	if (rc < 0 && rc != AGNI_ENOTFOUND)
		return fault(&err);
	for (size_t i = 0; i < keys.n; i++)
		print_key(&keys.all[i], job->ask.now_ms);
	/* Two worlds: without the file everybody may come in, with an empty one nobody. */
	if (rc == AGNI_ENOTFOUND)
		fprintf(stderr, "there is no %s: a server needs no key\n", job->path);
	else if (keys.n == 0)
		fprintf(stderr, "%s holds no keys: nobody may come in\n", job->path);
	keys_fini(&keys);
	return KEY_DONE;
}

/* Where the keys are, as the server would find them; the data folder is made when it is needed. */
static int find_path(struct job *job, bool is_change)
{
	struct server_config *c = mem_zalloc(sizeof(*c));
	struct buf problems = {0};
	int rc = server_config_read(c, &job->ask.server, &problems);

	if (rc < 0)
		fprintf(stderr, "%s", buf_cstr(&problems));
	else
		auth_keys_path(&c->auth, c->server.data_dir, job->path);
	if (rc == 0)
		audit_path(&c->audit, c->server.data_dir, job->audit);
	if (rc == 0 && is_change && !c->auth.keys_file[0] && mkdir(c->server.data_dir, 0700) < 0 &&
	    errno != EEXIST) {
		rc = -errno;
		fprintf(stderr, "agnidata: server.data_dir: cannot make %s: %s\n",
			c->server.data_dir, agni_strerror(rc));
	}
	buf_fini(&problems);
	server_config_fini(c);
	free(c);
	return rc == 0 ? KEY_DONE : rc == AGNI_ECONFIG ? KEY_USAGE : KEY_FAULT;
}

static int run(struct job *job, int argc, char **argv)
{
	struct agni_err err;
	int rc;

	if (key_request_parse(&job->ask, argc, argv, &err) < 0) {
		fprintf(stderr, "agnidata: %s\n", err.text);
		return KEY_USAGE;
	}
	rc = find_path(job, strcmp(argv[0], "list") != 0);
	if (rc != KEY_DONE)
		return rc;
	if (strcmp(argv[0], "add") == 0)
		return change(job, add_locked);
	return strcmp(argv[0], "revoke") == 0 ? change(job, revoke_locked) : list(job);
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

int key_command(int argc, char **argv)
{
	static const struct {
		const char *verb, *help;
	} verbs[] = {{"add", add_help}, {"list", list_help}, {"revoke", revoke_help}};
	struct job job = {0};
	struct clock clock;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (argc == 0 || strcmp(argv[0], verbs[i].verb) != 0)
			continue;
		if (wants_help(argc, argv)) {
			fputs(verbs[i].help, stdout);
			return KEY_DONE;
		}
		clock_init(&clock, CLOCK_SYSTEM);
		job.ask.now_ms = clock_wall_ms(&clock);
		rc = run(&job, argc, argv);
		scope_fini(&job.ask.key.scope);
		return rc;
	}
	if (wants_help(argc, argv)) {
		fputs(help, stdout);
		return KEY_DONE;
	}
	fprintf(stderr, "agnidata: key add, list or revoke? see agnidata key --help\n");
	return KEY_USAGE;
}
