/* SPDX-License-Identifier: MIT
 *
 * audit_line: see audit_line.h.
 *
 * Everything that could end a line, move a cursor or turn the direction of writing is escaped, and
 * lengths are bounded, so that nobody who chooses a key's name or a User-Agent can forge a record.
 */
#include "auth/audit_line.h"

#include <stdio.h>

#include "core/ist.h"
#include "core/utf8.h"

/* Bytes of the caller's text; escaped they may be six times as many. */
#define ACT_MAX    64
#define WHO_MAX    128
#define PEER_MAX   64
#define DETAIL_MAX 1024

static const char prev_mark[] = ",\"prev\":\"";
static const char hash_mark[] = "\",\"hash\":\"";
static const char seq_mark[] = "{\"seq\":";
static const char end_mark[] = "\"}";

#define MARK(text) (sizeof(text) - 1)
#define HASH       (SHA256_TEXT - 1)
/* prev_mark, 64 digits, hash_mark, 64 digits, end_mark */
#define TAIL (MARK(prev_mark) + HASH + MARK(hash_mark) + HASH + MARK(end_mark))

_Static_assert(6 * (ACT_MAX + WHO_MAX + PEER_MAX + DETAIL_MAX) + TAIL + 256 < AUDIT_LINE_MAX,
	       "the longest record is a line");

void audit_link_init(struct audit_link *l)
{
	l->seq = 0;
	memset(l->hash, '0', HASH);
	l->hash[HASH] = '\0';
}

/* ---- writing ------------------------------------------------------------------------------ */

static uint32_t code_point(const char *s, size_t n)
{
	static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = (unsigned char)s[0] & first[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

/* Controls, line separators, and what turns the direction of writing. */
static bool is_escaped(uint32_t c)
{
	return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c < 0xa0) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* A JSON string of at most `max` bytes of `text`. */
static void append_text(struct buf *out, const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1), n;
	bool is_cut = len > max;

	len = is_cut ? max : len;
	buf_byte(out, '"');
	for (; len > 0; text += n, len -= n) {
		uint32_t c;

		n = utf8_next(text, len);
		if (n == 0 && is_cut && len < 4)
			break; /* the cut went through a character */
		c = n ? code_point(text, n) : 0xfffd;
		if (n == 0 || is_escaped(c))
			buf_printf(out, "\\u%04x", (unsigned)c);
		else
			buf_append(out, text, n);
		n = n ? n : 1;
	}
	buf_str(out, is_cut ? "...\"" : "\"");
}

static void append_field(struct buf *out, const char *name, const char *text, size_t max)
{
	buf_printf(out, ",\"%s\":", name);
	append_text(out, text ? text : "", max);
}

void audit_line_append(struct buf *out, struct audit_link *last, int64_t wall_ms,
		       const struct audit_act *act)
{
	size_t begin = out->len;
	char when[IST_TEXT];

	buf_printf(out, "%s%llu,\"time\":\"%s\",\"time_ms\":%lld", seq_mark,
		   (unsigned long long)(last->seq + 1), ist_format(wall_ms, when),
		   (long long)wall_ms);
	append_field(out, "act", act->act, ACT_MAX);
	append_field(out, "who", act->who, WHO_MAX);
	append_field(out, "peer", act->peer, PEER_MAX);
	append_field(out, "detail", act->detail, DETAIL_MAX);
	buf_str(out, prev_mark);
	buf_append(out, last->hash, HASH);
	buf_byte(out, '"');
	last->seq++;
	hash_sha256_text(out->data + begin, out->len - begin, last->hash);
	out->len--; /* hash_mark begins with the quote */
	buf_str(out, hash_mark);
	buf_append(out, last->hash, HASH);
	buf_printf(out, "%s\n", end_mark);
	AGNI_ASSERT(out->len - begin <= AUDIT_LINE_MAX);
}

/* ---- reading ------------------------------------------------------------------------------ */

/* "1" to 18 digits, no leading zero, up to a comma. 0 when it is not that. */
static uint64_t read_seq(const char *text, size_t len)
{
	uint64_t seq = 0;
	size_t n = 0;

	while (n < len && n < 19 && text[n] >= '0' && text[n] <= '9')
		seq = seq * 10 + (uint64_t)(text[n++] - '0');
	return n > 0 && n < 19 && n < len && text[n] == ',' && text[0] != '0' ? seq : 0;
}

static bool take(const char **at, const char *mark)
{
	size_t n = strlen(mark);
	bool is_there = memcmp(*at, mark, n) == 0;

	*at += n;
	return is_there;
}

static void copy_hash(const char **at, char out[SHA256_TEXT])
{
	memcpy(out, *at, HASH);
	out[HASH] = '\0';
	*at += HASH;
}

const char *audit_line_read(const char *line, size_t len, struct audit_line *out)
{
	const char *at = line + len - TAIL;
	char right[SHA256_TEXT];

	*out = (struct audit_line){0};
	if (len < TAIL + MARK(seq_mark) + 2 || memcmp(line, seq_mark, MARK(seq_mark)) != 0)
		return "the line has not the form of a record";
	out->seq = read_seq(line + MARK(seq_mark), len - TAIL - MARK(seq_mark));
	if (out->seq == 0 || !take(&at, prev_mark))
		return "the line has not the form of a record";
	copy_hash(&at, out->prev);
	if (!take(&at, hash_mark))
		return "the line has not the form of a record";
	hash_sha256_text(line, len - HASH - MARK(hash_mark) - MARK(end_mark) + 1, right);
	copy_hash(&at, out->hash);
	if (!take(&at, end_mark))
		return "the line has not the form of a record";
	return strcmp(right, out->hash) == 0 ? NULL : "its content and its hash do not match";
}
