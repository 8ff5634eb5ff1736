/* SPDX-License-Identifier: MIT
 *
 * rows: see rows.h.
 *
 *   before --'['--> between rows --'{'--> in a row (depth, in string, after backslash)
 *                        ^                     |
 *                        +-----last '}'--------+        ']' ends
 */
#include "refdata/rows.h"

#define ZLIB_CONST
#include <zlib.h>

#include <cjson/cJSON.h>

#include "core/json.h"

#define CHUNK        65536
#define ROW_MAX      16384      /* a row of the broker's file is about 500 bytes */
#define UNPACKED_MAX (1u << 30) /* a bomb ends here */

struct splitter {
	enum { BEFORE, BETWEEN, IN_ROW, AFTER } at;
	int depth;
	bool in_string, escaped, too_long;
	struct buf row;
	void (*fn)(void *arg, const struct cJSON *row);
	void *arg;
	struct rows_stats *stats;
};

static void row_end(struct splitter *s)
{
	cJSON *row = s->too_long ? NULL : json_parse(s->row.data, s->row.len, NULL);

	s->stats->rows++;
	if (cJSON_IsObject(row))
		s->fn(s->arg, row);
	else
		s->stats->bad_rows++;
	cJSON_Delete(row);
	buf_reset(&s->row);
	s->too_long = false;
}

static void row_byte(struct splitter *s, char c)
{
	if (s->row.len < ROW_MAX)
		buf_byte(&s->row, c);
	else
		s->too_long = true;
	if (s->in_string) {
		if (s->escaped)
			s->escaped = false;
		else if (c == '\\')
			s->escaped = true;
		else if (c == '"')
			s->in_string = false;
	} else if (c == '"') {
		s->in_string = true;
	} else if (c == '{') {
		s->depth++;
	} else if (c == '}' && --s->depth == 0) {
		row_end(s);
		s->at = BETWEEN;
	}
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* False when the bytes cannot be an array of objects. */
static bool feed_bytes(struct splitter *s, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (s->at == IN_ROW) {
			row_byte(s, c);
		} else if (is_space(c) || (s->at == BETWEEN && c == ',')) {
			continue;
		} else if (s->at == BEFORE && c == '[') {
			s->at = BETWEEN;
		} else if (s->at == BETWEEN && c == '{') {
			s->at = IN_ROW;
			row_byte(s, c);
		} else if (s->at == BETWEEN && c == ']') {
			s->at = AFTER;
		} else {
			return false;
		}
	}
	return true;
}

static int inflate_all(struct splitter *s, const void *bytes, size_t len, struct agni_err *err)
{
	unsigned char out[CHUNK];
	z_stream z = {0};
	int rc = Z_OK;
	bool ok = true;

	if (len > UINT32_MAX || inflateInit2(&z, 15 + 16) != Z_OK)
		return agni_fail(err, AGNI_EPARSE, "cannot unpack");
	z.next_in = bytes;
	z.avail_in = (uInt)len;
	while (ok && rc == Z_OK) {
		z.next_out = out;
		z.avail_out = sizeof(out);
		rc = inflate(&z, Z_NO_FLUSH);
		ok = (rc == Z_OK || rc == Z_STREAM_END) && z.total_out < UNPACKED_MAX &&
		     feed_bytes(s, (const char *)out, sizeof(out) - z.avail_out);
	}
	inflateEnd(&z);
	return ok && rc == Z_STREAM_END ? 0
					: agni_fail(err, AGNI_EPARSE, "torn or not a JSON array");
}

int rows_each(const void *bytes, size_t len, void (*fn)(void *arg, const struct cJSON *row),
	      void *arg, struct rows_stats *stats, struct agni_err *err)
{
	struct splitter s = {.fn = fn, .arg = arg, .stats = stats};
	const unsigned char *p = bytes;
	int rc = 0;

	*stats = (struct rows_stats){0};
	if (len >= 2 && p[0] == 0x1f && p[1] == 0x8b)
		rc = inflate_all(&s, bytes, len, err);
	else if (!feed_bytes(&s, bytes, len))
		rc = agni_fail(err, AGNI_EPARSE, "not a JSON array of objects");
	if (rc == 0 && s.at != AFTER)
		rc = agni_fail(err, AGNI_EPARSE, "the array is cut off");
	buf_fini(&s.row);
	return rc;
}
