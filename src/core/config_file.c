/* SPDX-License-Identifier: MIT
 *
 * config_file: reads the ini file of config.h.
 *
 *     # comment                     also behind a value, after white space
 *     [app.simple]                  a section; it may be opened again further down
 *     key = value                   white space around both is cut off
 *
 * A wrong line is noted and the next one is read, so that one run shows all that is wrong. The keys
 * of an unknown section are not looked at: its own line says enough.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/config_internal.h"
#include "core/secret.h"

#define FILE_MAX_BYTES (1 << 20)

struct seen {
	const struct config_key *key;
	const void *target; /* tells sections that share a table apart */
	int line;
};

struct reader {
	const struct config_section *sections;
	const struct config_section *section; /* NULL before the first, or when it is unknown */
	bool is_skipping;                     /* inside an unknown section */
	const char *path;
	int line;
	int count; /* of problems */
	struct buf *problems;
	struct buf seen;    /* of struct seen */
	const char *wanted; /* "section.key" that is looked for; NULL: read */
	int found;          /* its line; 0: not yet */
};

static void problem(struct reader *r, const char *fmt, ...) AGNI_PRINTF(2, 3);

static void problem(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	buf_printf(r->problems, "%s:%d: ", r->path, r->line);
	va_start(ap, fmt);
	buf_vprintf(r->problems, fmt, ap);
	va_end(ap);
	buf_byte(r->problems, '\n');
	r->count++;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts white space off both ends, in place. */
static char *trim(char *text)
{
	size_t len;

	while (is_space(*text))
		text++;
	len = strlen(text);
	while (len > 0 && is_space(text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

static void cut_comment(char *text)
{
	for (char *p = text; *p; p++) {
		if ((*p == '#' || *p == ';') && (p == text || is_space(p[-1]))) {
			*p = '\0';
			return;
		}
	}
}

static void read_section(struct reader *r, char *text)
{
	struct agni_err err;
	size_t len = strlen(text);

	r->section = NULL;
	r->is_skipping = true;
	if (text[len - 1] != ']') {
		problem(r, "\"[\" without \"]\" at the end of the line");
		return;
	}
	text[len - 1] = '\0';
	r->section = config_find_section(r->sections, trim(text + 1), &err);
	r->is_skipping = !r->section;
	if (!r->section)
		problem(r, "%s", err.text);
}

/* The line on which this key was given before, or 0; remembers it otherwise. */
static int seen_before(struct reader *r, const struct config_key *key)
{
	struct seen now = {key, r->section->target, r->line};

	for (size_t at = 0; at < r->seen.len; at += sizeof(now)) {
		struct seen old;

		memcpy(&old, r->seen.data + at, sizeof(old));
		if (old.key == now.key && old.target == now.target)
			return old.line;
	}
	buf_append(&r->seen, &now, sizeof(now));
	return 0;
}

static bool is_named(const struct reader *r, const struct config_key *key)
{
	size_t n = strlen(r->section->name);

	return strncmp(r->wanted, r->section->name, n) == 0 && r->wanted[n] == '.' &&
	       strcmp(r->wanted + n + 1, key->name) == 0;
}

static void read_key(struct reader *r, char *text)
{
	const struct config_key *key;
	struct agni_err err;
	char *equals = strchr(text, '=');
	int before;

	if (!equals) {
		problem(r, "neither \"[section]\" nor \"key = value\"");
		return;
	}
	if (r->is_skipping)
		return;
	if (!r->section) {
		problem(r, "a key before the first [section]");
		return;
	}
	*equals = '\0';
	key = config_find_key(r->section, trim(text), &err);
	if (!key) {
		problem(r, "%s", err.text);
		return;
	}
	if (r->wanted) { /* looked for, not read */
		if (!r->found && is_named(r, key))
			r->found = r->line;
		return;
	}
	before = seen_before(r, key);
	if (before)
		problem(r, "[%s] %s was given on line %d already", r->section->name, key->name,
			before);
	else if (config_assign(r->section, key, trim(equals + 1), &err) < 0)
		problem(r, "%s", err.text);
}

static void read_line(struct reader *r, const char *text, size_t len)
{
	char copy[CONFIG_VALUE_MAX + 1], *line;

	if (len > 0 && text[len - 1] == '\r')
		len--;
	if (len > CONFIG_VALUE_MAX) {
		problem(r, "the line is longer than %d bytes", CONFIG_VALUE_MAX);
		return;
	}
	if (!config_text_is_clean(text, len)) {
		problem(r, "the line holds a control character or is not UTF-8");
		return;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	cut_comment(copy);
	line = trim(copy);
	if (*line == '[')
		read_section(r, line);
	else if (*line)
		read_key(r, line);
}

static void read_text(struct reader *r, const char *text, size_t len)
{
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		r->line++;
		read_line(r, text, n);
		n += end != NULL;
		text += n;
		len -= n;
	}
}

/* The whole file. False with errno when it cannot be read. */
static bool slurp(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rbe");
	size_t n;
	bool ok;

	if (!f)
		return false;
	do {
		n = fread(buf_reserve(out, 65536), 1, 65536, f);
		out->len += n;
	} while (n > 0 && out->len <= FILE_MAX_BYTES);
	ok = !ferror(f);
	if (ok && out->len > FILE_MAX_BYTES) {
		errno = EFBIG;
		ok = false;
	}
	fclose(f);
	return ok;
}

int config_read_file(const struct config_section *sections, const char *path, struct buf *problems)
{
	struct reader r = {.sections = sections, .path = path, .problems = problems};
	struct buf text = {0};

	if (!slurp(path, &text)) {
		buf_printf(problems, "%s: %s\n", path, strerror(errno));
		r.count = 1;
	} else {
		read_text(&r, text.data, text.len);
	}
	buf_fini(&r.seen);
	secret_wipe_buf(&text);
	return r.count;
}

int config_find_line(const struct config_section *sections, const char *path, const char *name)
{
	struct buf text = {0}, nothing = {0};
	struct reader r = {
		.sections = sections, .path = path, .problems = &nothing, .wanted = name};

	if (slurp(path, &text))
		read_text(&r, text.data, text.len);
	buf_fini(&nothing);
	secret_wipe_buf(&text);
	return r.found;
}
