/* SPDX-License-Identifier: MIT
 *
 * seal_command: see seal_command.h. Works on files alone, beside a running server or without one. A
 * token is never printed.
 */
#include "cli/seal_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/file.h"
#include "core/ist.h"
#include "core/json.h"
#include "token/seal.h"

enum { SEAL_DONE = 0, SEAL_FAILED = 1, SEAL_USAGE = 2 };

static const char help[] =
	"agnidata seal: the keys that seal the broker's token while it is kept\n"
	"\n"
	"  agnidata seal new                 print a fresh key, a line for a key file\n"
	"  agnidata seal rotate FILE         put a fresh key first in the key file; the old ones "
	"stay\n"
	"                                    behind it, to open what they sealed. SIGHUP to the "
	"server\n"
	"                                    then seals the token in place with the new one\n"
	"  agnidata seal check FILE RECORD   whether the keys open a record (a file, or - for "
	"standard\n"
	"                                    input: redis-cli --raw get 'agni:token:{ACCOUNT}')\n"
	"\n"
	"A key file has one key a line, readable by its owner only; the first one seals. Where "
	"the\n"
	"server looks for it: docs/token-service.md.\n"
	"\n"
	"Exit codes: 0 done, 1 a file cannot be used or the record not be opened, 2 usage.\n";

static int fail(const struct agni_err *err)
{
	fprintf(stderr, "agnidata seal: %s\n", err->text);
	return SEAL_FAILED;
}

static int command_new(void)
{
	struct buf key = {0};

	seal_key_make(&key);
	puts(buf_cstr(&key));
	secret_wipe_buf(&key);
	return SEAL_DONE;
}

static int read_text(FILE *f, const char *name, struct buf *out, struct agni_err *err)
{
	size_t n;

	do {
		n = fread(buf_reserve(out, 4096), 1, 4096, f);
		out->len += n;
	} while (n > 0 && out->len <= SEAL_RECORD_MAX);
	if (ferror(f))
		return agni_fail_uv(err, -errno, "%s", name);
	return 0;
}

static int read_file(const char *path, struct buf *out, struct agni_err *err)
{
	FILE *f = fopen(path, "r");
	int rc;

	if (!f)
		return agni_fail_uv(err, -errno, "%s", path);
	rc = read_text(f, path, out, err);
	fclose(f);
	return rc;
}

static int command_rotate(const char *path)
{
	struct buf old = {0}, text = {0};
	struct agni_err err;
	struct seal_ring ring;
	int rc = seal_ring_read(&ring, path, &err);

	if (rc == 0) {
		if (ring.n == SEAL_KEYS_MAX)
			rc = agni_fail(
				&err, AGNI_ELIMIT,
				"%s holds %d keys: take out those that seal nothing any more", path,
				SEAL_KEYS_MAX);
		seal_ring_fini(&ring);
	}
	if (rc == 0)
		rc = read_file(path, &old, &err);
	if (rc == 0) {
		seal_key_make(&text);
		secret_append(&text, "\n", 1);
		secret_append(&text, old.data, old.len);
		rc = file_replace(path, text.data, text.len, &err);
	}
	if (rc == 0)
		printf("%s: the key %.16s seals from now on (after SIGHUP)\n", path, text.data);
	secret_wipe_buf(&old);
	secret_wipe_buf(&text);
	return rc < 0 ? fail(&err) : SEAL_DONE;
}

/* The account is taken from the record: the question is whether the keys fit. */
static int open_record(const struct seal_ring *ring, const struct buf *record, struct agni_err *err)
{
	struct seal_content *c = mem_zalloc(sizeof(*c));
	cJSON *json = json_parse(record->data, record->len, err);
	const char *account = json_string(json, "account");
	char end[IST_TEXT] = "no known end";
	int rc;

	rc = seal_open(ring, account ? account : "", record->data, record->len, c, err);
	if (rc == 0) {
		if (c->expires_ms)
			ist_format(c->expires_ms, end);
		printf("sound: a token of %s, generation %llu, until %s\n", c->account,
		       (unsigned long long)c->generation, end);
	}
	explicit_bzero(c, sizeof(*c));
	free(c);
	cJSON_Delete(json);
	return rc;
}

static int command_check(const char *keys, const char *path)
{
	struct buf record = {0};
	struct agni_err err;
	struct seal_ring ring;
	int rc = seal_ring_read(&ring, keys, &err);

	if (rc < 0)
		return fail(&err);
	rc = strcmp(path, "-") == 0 ? read_text(stdin, "standard input", &record, &err)
				    : read_file(path, &record, &err);
	while (record.len &&
	       (record.data[record.len - 1] == '\n' || record.data[record.len - 1] == '\r'))
		record.len--; /* what redis-cli and editors add */
	if (rc == 0)
		rc = open_record(&ring, &record, &err);
	seal_ring_fini(&ring);
	buf_fini(&record);
	return rc < 0 ? fail(&err) : SEAL_DONE;
}

int seal_command(int argc, char **argv)
{
	const char *word = argc > 0 ? argv[0] : "";

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		fputs(help, stdout);
		return SEAL_DONE;
	}
	if (strcmp(word, "new") == 0 && argc == 1)
		return command_new();
	if (strcmp(word, "rotate") == 0 && argc == 2)
		return command_rotate(argv[1]);
	if (strcmp(word, "check") == 0 && argc == 3)
		return command_check(argv[1], argv[2]);
	fputs(help, stderr);
	return SEAL_USAGE;
}
