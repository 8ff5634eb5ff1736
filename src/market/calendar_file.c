/* SPDX-License-Identifier: MIT
 *
 * calendar_file: see calendar_file.h.
 */
#include "market/calendar_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"

#define LINE_MAX_BYTES 256
#define YEAR_FIRST     2000
#define YEAR_LAST      2099

/* The next word of a line, cut off with a NUL; "" at its end. */
static const char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");
	size_t len = strcspn(word, " \t");

	*line = word + len + (word[len] != '\0');
	word[len] = '\0';
	return word;
}

static bool take_date(const char *word, int32_t *out)
{
	day_t d;
	int y, m, day;

	if (!day_parse(word, strlen(word), &d))
		return false;
	day_to_civil(d, &y, &m, &day);
	*out = y * 10000 + m * 100 + day;
	return y >= YEAR_FIRST && y <= YEAR_LAST;
}

static bool take_time(const char *t, int16_t *out)
{
	for (int i = 0; i < 5; i++) {
		if (i == 2 ? t[i] != ':' : t[i] < '0' || t[i] > '9')
			return false;
	}
	*out = (int16_t)(((t[0] - '0') * 10 + t[1] - '0') * 60 + (t[3] - '0') * 10 + t[4] - '0');
	return t[3] < '6' && *out < 24 * 60;
}

/* "usual" or "18:00-19:00". */
static bool take_hours(const char *word, struct calendar_entry *e)
{
	if (strcmp(word, "usual") == 0)
		return true;
	return strlen(word) == 11 && word[5] == '-' && take_time(word, &e->open) &&
	       take_time(word + 6, &e->close) && e->open < e->close;
}

static void take_why(const char *text, struct calendar_entry *e)
{
	static const char *const what[] = {"holiday", "special session", "trading day", ""};

	text += strspn(text, " \t");
	/* The line was bounded; what does not fit is only said shorter. */
	snprintf(e->why, sizeof(e->why), "%s%s%.*s", what[e->kind], *text ? ": " : "", 48, text);
}

static int take_session(char *rest, struct calendar_entry *e, struct agni_err *err)
{
	char *before;

	if (!take_hours(next_word(&rest), e))
		return agni_fail(err, AGNI_EPARSE, "hours are \"usual\" or like 18:00-19:00");
	rest += strspn(rest, " \t");
	before = rest;
	if (strncmp(rest, "CM", 2) == 0 && (rest[2] == ' ' || rest[2] == '\0'))
		e->segments = 1u << SEGMENT_CM | 1u << SEGMENT_CM_CAS;
	else if (strncmp(rest, "FO", 2) == 0 && (rest[2] == ' ' || rest[2] == '\0'))
		e->segments = 1u << SEGMENT_FO | 1u << SEGMENT_FO_OPTIONS;
	take_why(e->segments ? before + 2 : before, e);
	return 0;
}

static int take_line(char *line, struct calendar_entry *e, struct agni_err *err)
{
	const char *what = next_word(&line), *date = next_word(&line);

	*e = (struct calendar_entry){0};
	if (strcmp(what, "year") == 0) {
		e->kind = ENTRY_YEAR;
		e->date = (int32_t)strtol(date, NULL, 10) * 10000;
		if (strlen(date) == 4 && e->date >= YEAR_FIRST * 10000 &&
		    e->date <= YEAR_LAST * 10000)
			return 0;
		return agni_fail(err, AGNI_EPARSE, "\"%.20s\" is no year", date);
	}
	if (strcmp(what, "holiday") != 0 && strcmp(what, "session") != 0 &&
	    strcmp(what, "usual") != 0)
		return agni_fail(
			err, AGNI_EPARSE,
			"a line begins with holiday, session, usual or year, not \"%.20s\"", what);
	if (!take_date(date, &e->date))
		return agni_fail(err, AGNI_EPARSE, "\"%.20s\" is no date like 2026-11-08", date);
	e->kind = *what == 'h' ? ENTRY_HOLIDAY : *what == 's' ? ENTRY_SESSION : ENTRY_USUAL;
	if (e->kind == ENTRY_SESSION)
		return take_session(line, e, err);
	take_why(line, e);
	return 0;
}

/* A date is a holiday, or a usual day, or has sessions: at most two per segment, in order. */
static int check_against(const struct calendar_entries *all, const struct calendar_entry *e,
			 struct agni_err *err)
{
	unsigned sessions = 0;

	for (size_t i = 0; e->kind != ENTRY_YEAR && i < all->n; i++) {
		const struct calendar_entry *o = &all->rows[i];
		bool is_apart = e->segments && o->segments && !(e->segments & o->segments);

		if (o->date != e->date || o->kind == ENTRY_YEAR)
			continue;
		if (e->kind != ENTRY_SESSION || o->kind != ENTRY_SESSION)
			return agni_fail(err, AGNI_EPARSE, "the date was there already");
		if (!is_apart && (o->close == 0 || e->close == 0 || e->open < o->close))
			return agni_fail(err, AGNI_EPARSE,
					 "the session does not begin after the one before it");
		sessions += !is_apart;
	}
	return sessions < SESSIONS_MAX
		       ? 0
		       : agni_fail(err, AGNI_EPARSE, "more than %d sessions", SESSIONS_MAX);
}

static int add_line(struct calendar_entries *out, char *line, struct agni_err *err)
{
	struct calendar_entry e;
	int rc;

	line[strcspn(line, "#\r")] = '\0';
	if (!line[strspn(line, " \t")])
		return 0;
	if (out->n == CALENDAR_ENTRIES_MAX)
		return agni_fail(err, AGNI_EPARSE, "more than %d lines", CALENDAR_ENTRIES_MAX);
	rc = take_line(line, &e, err);
	if (rc == 0)
		rc = check_against(out, &e, err);
	if (rc < 0)
		return rc;
	out->rows = mem_realloc(out->rows, (out->n + 1) * sizeof(e));
	out->rows[out->n++] = e;
	return 0;
}

int calendar_file_parse(const char *text, size_t len, struct calendar_entries *out,
			struct agni_err *err)
{
	unsigned number = 1;
	int rc = 0;

	*out = (struct calendar_entries){0};
	for (size_t at = 0; at < len && rc == 0; number++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - text) - at : len - at;
		char line[LINE_MAX_BYTES + 1];

		if (n > LINE_MAX_BYTES || memchr(text + at, '\0', n)) {
			rc = agni_fail(err, AGNI_EPARSE, "longer than %d bytes, or no text",
				       LINE_MAX_BYTES);
			break;
		}
		memcpy(line, text + at, n);
		line[n] = '\0';
		at += n + 1;
		rc = add_line(out, line, err);
		if (rc < 0)
			break;
	}
	if (rc < 0) {
		calendar_entries_fini(out);
		agni_wrap(err, "line %u", number);
	}
	return rc;
}

int calendar_file_load(const char *path, struct calendar_entries *out, struct agni_err *err)
{
	FILE *f = fopen(path, "rb");
	char *text;
	size_t n;
	int rc;

	*out = (struct calendar_entries){0};
	if (!f)
		return agni_fail_uv(err, -errno, "calendar.file: %s", path);
	text = mem_alloc(CALENDAR_FILE_MAX + 1);
	n = fread(text, 1, CALENDAR_FILE_MAX + 1, f);
	if (ferror(f))
		rc = agni_fail_uv(err, errno ? -errno : -EIO, "calendar.file: %s", path);
	else if (n > CALENDAR_FILE_MAX)
		rc = agni_fail(err, AGNI_EPARSE, "calendar.file: %s: more than %d bytes", path,
			       CALENDAR_FILE_MAX);
	else if ((rc = calendar_file_parse(text, n, out, err)) < 0)
		agni_wrap(err, "calendar.file: %s", path);
	free(text);
	fclose(f);
	return rc;
}

void calendar_entries_fini(struct calendar_entries *e)
{
	free(e->rows);
	*e = (struct calendar_entries){0};
}
