/* SPDX-License-Identifier: MIT
 *
 * session_oi: see session_oi.h. What is on disk is oi_keeper.c's.
 */
#include "options/session_oi.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/crc32c.h"
#include "market/calendar.h"

#define HEAD "agnidata open interest 1 "

const char *prev_oi_source_text(enum prev_oi_source s)
{
	static const char *const text[] = {"", "session", "broker"};

	return text[s];
}

/* --- sessions ----------------------------------------------------------------------------------- */

day_t session_oi_day(int64_t market_ms)
{
	struct session s[SESSIONS_MAX];
	day_t d = ist_day(market_ms);

	if (calendar_sessions(SEGMENT_FO, d, s, NULL) > 0 && s[0].open_ms <= market_ms)
		return d;
	return calendar_previous_trading_day(SEGMENT_FO, d);
}

day_t session_oi_day_before(int64_t market_ms)
{
	return calendar_previous_trading_day(SEGMENT_FO, session_oi_day(market_ms));
}

int64_t session_oi_close(day_t d)
{
	struct session s[SESSIONS_MAX];
	int n = calendar_sessions(SEGMENT_FO, d, s, NULL);

	return n > 0 ? s[n - 1].close_ms : 0;
}

/* --- a table ------------------------------------------------------------------------------------ */

void oi_table_init(struct oi_table *t, day_t day)
{
	*t = (struct oi_table){.day = day};
	instruments_init(&t->keys, SESSION_OI_MAX);
}

void oi_table_fini(struct oi_table *t)
{
	instruments_fini(&t->keys);
	free(t->oi);
	*t = (struct oi_table){0};
}

void oi_table_set(struct oi_table *t, const char *key, size_t len, int64_t oi)
{
	inst_id id = instruments_intern(&t->keys, key, len);

	if (id == INST_NONE)
		return;
	if (id >= t->cap) {
		t->cap = t->cap ? 2 * t->cap : 256;
		t->oi = mem_realloc(t->oi, t->cap * sizeof(*t->oi));
	}
	t->oi[id] = oi;
}

bool oi_table_get(const struct oi_table *t, const char *key, size_t len, int64_t *oi)
{
	inst_id id = t->keys.count ? instruments_find(&t->keys, key, len) : INST_NONE;

	if (id == INST_NONE)
		return false;
	*oi = t->oi[id];
	return true;
}

void oi_table_text(const struct oi_table *t, struct buf *out)
{
	size_t from = out->len;
	char day[IST_TEXT];

	buf_printf(out, HEAD "%s\n", day_format(t->day, day));
	for (inst_id id = 0; id < t->keys.count; id++) {
		buf_str(out, instruments_key(&t->keys, id));
		buf_byte(out, ' ');
		buf_i64(out, t->oi[id]);
		buf_byte(out, '\n');
	}
	buf_printf(out, "end %u %08" PRIx32 "\n", t->keys.count,
		   crc32c(0, out->data + from, out->len - from));
}

/* --- reading ------------------------------------------------------------------------------------ */

struct lines {
	const char *at, *end;
};

/* The next line without its newline; NULL at the end, or when the last one has none. */
static const char *next_line(struct lines *l, size_t *len)
{
	const char *line = l->at;
	const char *newline = memchr(line, '\n', (size_t)(l->end - line));

	if (!newline)
		return NULL;
	*len = (size_t)(newline - line);
	l->at = newline + 1;
	return line;
}

/* Digits to the end of the line: at most 18 of them. */
static bool read_count(const char *p, const char *end, int64_t *out)
{
	int64_t v = 0;

	if (p == end || end - p > 18)
		return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		v = v * 10 + (*p - '0');
	}
	*out = v;
	return true;
}

/* "NSE_FO|45450 1250175"; a key may have spaces, the number comes last. */
static bool read_row(struct oi_table *t, const char *line, size_t len)
{
	const char *space = memrchr(line, ' ', len);
	int64_t oi;

	if (!space || !read_count(space + 1, line + len, &oi) ||
	    !instrument_key_is_valid(line, (size_t)(space - line)))
		return false;
	oi_table_set(t, line, (size_t)(space - line), oi);
	return true;
}

/* The tail that belongs to what was read up to `at`. */
static bool is_tail(const struct oi_table *t, const char *text, const char *at, const char *line,
		    size_t len)
{
	char want[48];
	int n = snprintf(want, sizeof(want), "end %u %08" PRIx32, t->keys.count,
			 crc32c(0, text, (size_t)(at - text)));

	return (size_t)n == len && memcmp(want, line, len) == 0;
}

int oi_table_parse(struct oi_table *t, const char *text, size_t len, struct agni_err *err)
{
	struct lines l = {text, text + len};
	const size_t head = strlen(HEAD);
	const char *line;
	day_t day;
	size_t n;

	line = next_line(&l, &n);
	if (!line || n < head || memcmp(line, HEAD, head) != 0 ||
	    !day_parse(line + head, n - head, &day))
		return agni_fail(err, AGNI_EPARSE, "not a file of open interest");
	if (day != t->day)
		return agni_fail(err, AGNI_EPARSE, "of another day");
	while ((line = next_line(&l, &n)) != NULL) {
		if (n > 4 && memcmp(line, "end ", 4) == 0) {
			if (l.at != l.end || !is_tail(t, text, line, line, n))
				break;
			return 0;
		}
		if (!read_row(t, line, n))
			break;
	}
	return agni_fail(err, AGNI_EPARSE, "not whole");
}

/* --- what the numbers are compared with ----------------------------------------------------------- */

void session_oi_init(struct session_oi *s)
{
	*s = (struct session_oi){0};
	oi_table_init(&s->before, 0);
	oi_table_init(&s->broker, 0);
}

void session_oi_fini(struct session_oi *s)
{
	oi_table_fini(&s->before);
	oi_table_fini(&s->broker);
}

enum prev_oi_source session_oi_previous(const struct session_oi *s, const char *key, size_t len,
					int64_t *oi)
{
	if (oi_table_get(&s->before, key, len, oi))
		return PREV_OI_SESSION;
	return oi_table_get(&s->broker, key, len, oi) ? PREV_OI_BROKER : PREV_OI_NONE;
}

int session_oi_begin(struct session_oi *s, day_t d, const char *text, size_t len,
		     struct agni_err *err)
{
	int rc = 0;

	oi_table_fini(&s->before);
	oi_table_init(&s->before, d);
	if (s->broker.day != d) {
		oi_table_fini(&s->broker);
		oi_table_init(&s->broker, d);
	}
	s->version++;
	if (!text)
		return 0;
	rc = oi_table_parse(&s->before, text, len, err);
	if (rc < 0) { /* nothing of what cannot be trusted as a whole */
		oi_table_fini(&s->before);
		oi_table_init(&s->before, d);
	}
	return rc;
}
