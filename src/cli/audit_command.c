/* SPDX-License-Identifier: MIT
 *
 * audit_command: see audit_command.h. Works on files alone, beside a running server or without one.
 */
#include "cli/audit_command.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/audit_verify.h"
#include "cli/server_config.h"
#include "core/json.h"

enum { AUDIT_SOUND = 0, AUDIT_FAULT = 1, AUDIT_USAGE = 2 };

#define LAST_MAX 100000

static const char help[] =
	"agnidata audit: the record of acts that matter for security\n"
	"\n"
	"  agnidata audit verify [OPTION]... [FILE]   check the chain, name the first fault\n"
	"  agnidata audit show [OPTION]... [FILE]     check it, and print it for people\n"
	"\n"
	"FILE is the log that the server writes (its rotated files and its head file are found\n"
	"beside it), or one rotated file by itself; without it, what the configuration says.\n"
	"\n"
	"  --config FILE, --set SECTION.KEY=VALUE   as the server was started\n"
	"  --archived           older files were moved away: the first record may have any number\n"
	"  --expect SEQ:HASH    this record has to be there (from a copy kept elsewhere)\n"
	"  --last N             show: the last N records\n"
	"\n"
	"Exit codes: 0 sound, 1 a fault or a file that cannot be read, 2 usage or configuration.\n";

struct request {
	bool is_show;
	uint64_t last; /* 0: all */
	struct audit_options options;
	struct options server; /* --config and --set */
	char path[AUDIT_PATH_MAX];
	/* show: the last lines, a ring */
	char **ring;
	uint64_t shown;
};

/* ---- the command line --------------------------------------------------------------------- */

/* The value of option `name`, or NULL: argv[*i] is another one. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
	size_t n = strlen(name);

	if (strncmp(argv[*i], name, n) != 0)
		return NULL;
	if (argv[*i][n] == '=')
		return argv[*i] + n + 1;
	return argv[*i][n] == '\0' && *i + 1 < argc ? argv[++*i] : NULL;
}

static bool take_count(const char *text, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return *text >= '1' && *text <= '9' && *end == '\0' && *out <= LAST_MAX;
}

static bool take_option(struct request *r, int argc, char **argv, int *i)
{
	const char *value;

	if (strcmp(argv[*i], "--archived") == 0)
		r->options.is_archived = true;
	else if ((value = value_of("--expect", argc, argv, i)))
		r->options.expect = value;
	else if ((value = value_of("--last", argc, argv, i)))
		return r->is_show && take_count(value, &r->last);
	else if ((value = value_of("--config", argc, argv, i)))
		r->server.config = value;
	else if ((value = value_of("--set", argc, argv, i)) && r->server.sets_n < SETS_MAX)
		r->server.sets[r->server.sets_n++] = value;
	else if (argv[*i][0] != '-' && !r->options.path)
		r->options.path = argv[*i];
	else
		return false;
	return true;
}

static int parse(struct request *r, int argc, char **argv, struct agni_err *err)
{
	if (argc < 1 || (strcmp(argv[0], "verify") != 0 && strcmp(argv[0], "show") != 0))
		return agni_fail(err, AGNI_EUSAGE, "verify or show? see agnidata audit --help");
	r->is_show = strcmp(argv[0], "show") == 0;
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (!take_option(r, argc, argv, &i))
			return agni_fail(err, AGNI_EUSAGE,
					 "\"%.100s\" is not understood; see agnidata audit --help",
					 word);
	}
	return 0;
}

/* Where the configuration says that the log is. */
static int find_path(struct request *r)
{
	struct server_config *c = mem_alloc(sizeof(*c));
	struct buf problems = {0};
	int rc = server_config_load(c, &r->server, &problems);

	if (rc < 0)
		fprintf(stderr, "%s", buf_cstr(&problems));
	audit_path(&c->audit, c->server.data_dir, r->path);
	r->options.path = r->path;
	server_config_fini(c);
	free(c);
	buf_fini(&problems);
	return rc;
}

/* ---- showing ------------------------------------------------------------------------------ */

/* Controls, line separators and what turns the direction of writing: text of others is not to steer
 * a terminal. `p` ends with a NUL. */
static bool is_steering(const unsigned char *p)
{
	if (p[0] == 0xe2 && p[1] == 0x80)
		return p[2] >= 0xa8 && p[2] <= 0xae;
	if (p[0] == 0xe2 && p[1] == 0x81)
		return p[2] >= 0xa6 && p[2] <= 0xa9;
	return p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0);
}

static void print_text(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)(text ? text : ""); *p; p++)
		putchar(is_steering(p) ? '?' : *p);
}

static void print_record(const char *line)
{
	struct agni_err err;
	cJSON *o = json_parse(line, strlen(line), &err);
	const char *peer = json_string(o, "peer"), *detail = json_string(o, "detail");
	int64_t seq = 0;

	if (!o) {
		printf("%s\n", line); /* sound, but not as we write it: as it stands */
		return;
	}
	json_int(o, "seq", &seq);
	printf("%lld  ", (long long)seq);
	print_text(json_string(o, "time"));
	printf("  ");
	print_text(json_string(o, "act"));
	printf("  ");
	print_text(json_string(o, "who"));
	if (peer && *peer) {
		printf(" from ");
		print_text(peer);
	}
	if (detail && *detail) {
		printf(": ");
		print_text(detail);
	}
	putchar('\n');
	cJSON_Delete(o);
}

static void on_record(void *arg, const char *line, size_t len)
{
	struct request *r = arg;
	char *text = mem_strndup(line, len);

	if (!r->last) {
		print_record(text);
		free(text);
		return;
	}
	free(r->ring[r->shown % r->last]);
	r->ring[r->shown++ % r->last] = text;
}

static void print_ring(struct request *r)
{
	for (uint64_t i = 0; i < r->last; i++) {
		char **slot = &r->ring[(r->shown + i) % r->last];

		if (*slot)
			print_record(*slot);
		free(*slot);
	}
	free(r->ring);
}

/* ---- the result --------------------------------------------------------------------------- */

static int report(const struct request *r, const struct audit_finding *f)
{
	if (f->note[0])
		fprintf(stderr, "%s: %s\n", r->options.path, f->note);
	if (f->file[0]) {
		fprintf(stderr, "%s:%llu: record %llu: %s\n", f->file, (unsigned long long)f->line,
			(unsigned long long)f->seq, f->why);
		return AUDIT_FAULT;
	}
	if (r->is_show)
		return AUDIT_SOUND;
	if (f->records == 0)
		printf("%s: no records\n", r->options.path);
	else
		printf("%s: %llu records in %u file%s, %llu to %llu, in order; the last is "
		       "%llu:%s\n",
		       r->options.path, (unsigned long long)f->records, f->files,
		       f->files == 1 ? "" : "s", (unsigned long long)f->first,
		       (unsigned long long)f->last, (unsigned long long)f->last, f->last_hash);
	return AUDIT_SOUND;
}

static int check(struct request *r)
{
	struct audit_finding found;
	struct agni_err err;
	int rc;

	if (r->last)
		r->ring = mem_zalloc(r->last * sizeof(*r->ring));
	rc = audit_verify(&r->options, r->is_show ? on_record : NULL, r, &found, &err);
	if (r->last)
		print_ring(r);
	fflush(stdout);
	if (rc < 0) {
		fprintf(stderr, "agnidata: %s\n", err.text);
		return AUDIT_FAULT;
	}
	return report(r, &found);
}

int audit_command(int argc, char **argv)
{
	struct request r = {0};
	struct agni_err err;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(help, stdout);
			return AUDIT_SOUND;
		}
	}
	if (parse(&r, argc, argv, &err) < 0) {
		fprintf(stderr, "agnidata: %s\n", err.text);
		return AUDIT_USAGE;
	}
	if (!r.options.path && find_path(&r) < 0)
		return AUDIT_USAGE;
	return check(&r);
}
