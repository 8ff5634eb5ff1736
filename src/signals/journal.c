/* SPDX-License-Identifier: MIT
 *
 * journal: see journal.h.
 */
#include "signals/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/file.h"
#include "core/json_pull.h"
#include "signals/rules.h"

#define READ_MAX   (8 << 20) /* bytes from the end of the file; a line has some hundred */
#define LINE_BYTES 4096

/* --- one line --------------------------------------------------------------------------------- */

struct reading {
	struct journal *j;
	struct instruments *t;
	struct signal s;
	char scratch[LINE_BYTES];
};

/* The same text lies once, and stays. */
static const char *name_of(struct journal *j, const char *text, size_t len)
{
	for (unsigned i = 0; i < j->names_n; i++) {
		if (strlen(j->names[i]) == len && memcmp(j->names[i], text, len) == 0)
			return j->names[i];
	}
	if (j->names_n == JOURNAL_NAMES_MAX)
		return NULL;
	return j->names[j->names_n++] = mem_strndup(text, len);
}

static bool is(const char *text, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(text, name, len) == 0;
}

static const char *app_of(const struct json_member *m)
{
	for (int i = 0; i < APPS; i++) {
		if (is(m->text, m->text_len, app_name((enum app_kind)i)))
			return app_name((enum app_kind)i);
	}
	return NULL;
}

/* A whole number that a double holds; 0 when it is none. */
static int64_t whole(const struct json_member *m)
{
	double v;

	return json_pull_number(m, &v) && v >= 0 && v < 9e15 ? (int64_t)v : 0;
}

static void read_inputs(struct reading *r, const struct json_member *nested)
{
	char scratch[256];
	struct json_pull p;
	struct json_member m;
	double v;

	json_pull_init(&p, nested->text, nested->text_len, scratch, sizeof(scratch));
	while (json_pull_next(&p, &m) > 0) {
		const char *name = name_of(r->j, m.name, m.name_len);

		if (name && json_pull_number(&m, &v))
			signal_add_input(&r->s, name, v);
	}
}

static void read_member(struct reading *r, const struct json_member *m)
{
	struct signal *s = &r->s;
	enum rule_kind kind;

	if (is(m->name, m->name_len, "id"))
		s->id = (uint64_t)whole(m);
	else if (is(m->name, m->name_len, "seq"))
		s->seq = (uint64_t)whole(m);
	else if (is(m->name, m->name_len, "ts_ms"))
		s->ts_ms = whole(m);
	else if (is(m->name, m->name_len, "key"))
		s->instrument = instruments_intern(r->t, m->text, m->text_len);
	else if (is(m->name, m->name_len, "app"))
		s->app = app_of(m);
	else if (is(m->name, m->name_len, "strategy"))
		s->strategy = rule_parse(m->text, m->text_len, &kind) ? rule_of(kind)->name : NULL;
	else if (is(m->name, m->name_len, "rule_version"))
		s->rule_version = (unsigned)whole(m);
	else if (is(m->name, m->name_len, "side"))
		s->side = is(m->text, m->text_len, "SELL") ? SIGNAL_SELL : SIGNAL_BUY;
	else if (is(m->name, m->name_len, "price"))
		(void)json_pull_number(m, &s->price);
	else if (is(m->name, m->name_len, "confidence"))
		(void)json_pull_number(m, &s->confidence);
	else if (is(m->name, m->name_len, "inputs") && m->kind == JSON_NESTED)
		read_inputs(r, m);
}

/* False when it is no signal. */
static bool read_line(struct reading *r, const char *line, size_t len)
{
	struct json_pull p;
	struct json_member m;
	int rc;

	r->s = (struct signal){.instrument = INST_NONE, .told_from = INST_NONE};
	json_pull_init(&p, line, len, r->scratch, sizeof(r->scratch));
	while ((rc = json_pull_next(&p, &m)) > 0)
		read_member(r, &m);
	return rc == 0 && r->s.id && r->s.ts_ms && r->s.app && r->s.strategy &&
	       r->s.instrument != INST_NONE && isfinite(r->s.price) && isfinite(r->s.confidence);
}

/* --- the file --------------------------------------------------------------------------------- */

/* The end of the file, at most READ_MAX bytes. */
static int read_tail(int fd, int64_t size, struct buf *out)
{
	int64_t at = size > READ_MAX ? size - READ_MAX : 0;

	while (at < size) {
		ssize_t n = pread(fd, buf_reserve(out, 65536), 65536, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		out->len += (size_t)n;
		at += n;
	}
	return 0;
}

static void read_lines(struct journal *j, const struct buf *text, struct instruments *t,
		       journal_fn *fn, void *arg)
{
	struct reading *r = mem_zalloc(sizeof(*r));
	const char *p = text->data, *end = p + text->len, *stop;

	r->j = j;
	r->t = t;
	for (; p < end && (stop = memchr(p, '\n', (size_t)(end - p))); p = stop + 1) {
		j->lines++;
		if (!read_line(r, p, (size_t)(stop - p))) {
			j->bad_lines++;
			continue;
		}
		j->written = r->s.id;
		fn(arg, &r->s);
	}
	j->size -= end - p; /* what has no end */
	free(r);
}

int journal_open(struct journal *j, const char *dir, struct instruments *t, journal_fn *fn,
		 void *arg, struct agni_err *err)
{
	struct buf text = {0};
	int rc;

	*j = (struct journal){0};
	snprintf(j->path, sizeof(j->path), "%s/signals.jsonl", dir);
	j->fd = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (j->fd < 0)
		return agni_fail_uv(err, -errno, "%s", j->path);
	(void)file_follow_folder(j->fd, j->path);
	j->size = lseek(j->fd, 0, SEEK_END);
	rc = j->size < 0 ? -errno : read_tail(j->fd, j->size, &text);
	if (rc == 0) {
		read_lines(j, &text, t, fn, arg);
		if (ftruncate(j->fd, j->size) < 0)
			rc = -errno;
	}
	buf_fini(&text);
	if (rc < 0) {
		journal_close(j);
		return agni_fail_uv(err, rc, "%s", j->path);
	}
	return 0;
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

void journal_fini(struct journal *j)
{
	for (unsigned i = 0; i < j->names_n; i++)
		free(j->names[i]);
	j->names_n = 0;
}

static void put_from(struct buf *b, const struct signals *s, const struct instruments *t,
		     uint64_t from)
{
	uint64_t oldest = signals_oldest(s);

	for (uint64_t id = from > oldest ? from : oldest; id <= signals_newest(s); id++) {
		signal_json(b, signals_at(s, id), t);
		buf_byte(b, '\n');
	}
}

/* The newest alone, in a new file. */
static bool begin_anew(struct journal *j, const struct signals *s, const struct instruments *t)
{
	struct agni_err err;
	struct buf b = {0};
	bool ok;

	put_from(&b, s, t, 0);
	ok = file_replace(j->path, b.data, b.len, &err) == 0;
	if (ok) {
		journal_close(j);
		j->fd = open(j->path, O_RDWR | O_APPEND | O_CLOEXEC);
		j->size = (int64_t)b.len;
		j->lines = (uint32_t)(signals_newest(s) - signals_oldest(s) + 1);
		ok = j->fd >= 0;
	}
	buf_fini(&b);
	return ok;
}

static bool append(struct journal *j, const struct buf *b)
{
	ssize_t n = write(j->fd, b->data, b->len);

	if (n == (ssize_t)b->len) {
		j->size += n;
		return true;
	}
	/* Half a line would make one with the next. */
	if (n > 0 && ftruncate(j->fd, j->size) < 0)
		journal_close(j);
	return false;
}

bool journal_write(struct journal *j, const struct signals *s, const struct instruments *t)
{
	uint64_t newest = signals_newest(s);
	struct buf b = {0};
	bool ok;

	if (newest <= j->written)
		return true;
	if (j->fd < 0 || j->lines + (newest - j->written) > JOURNAL_LINES_MAX) {
		ok = begin_anew(j, s, t);
	} else {
		put_from(&b, s, t, j->written + 1);
		ok = append(j, &b);
		j->lines += ok ? (uint32_t)(newest - j->written) : 0;
		buf_fini(&b);
	}
	if (ok)
		j->written = newest;
	else
		j->errors++;
	return ok;
}
