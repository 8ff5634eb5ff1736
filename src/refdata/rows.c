/* SPDX-License-Identifier: MIT
 *
 * rows: see rows.h.
 *
 *   before --'['--> between rows --'{'--> in a row (depth, in string, after backslash)
 *                        ^                     |
 *                        +-----last '}'--------+        ']' ends
 */
#include "refdata/rows.h"

#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#define CHUNK        65536
#define ROW_MAX      16384      /* a row of the broker's file is about 500 bytes */
#define UNPACKED_MAX (1u << 30) /* a bomb ends here */

struct rows_reader {
	enum { BEFORE, BETWEEN, IN_ROW, AFTER } at;
	int depth;
	bool in_string, escaped, too_long;
	bool has_begun, is_gzip, is_unpacked; /* the gzip stream has ended */
	struct buf row;
	z_stream z;
	rows_fn *fn;
	void *arg;
	int rc; /* what ended it */
	struct rows_stats stats;
};

struct rows_reader *rows_reader_create(rows_fn *fn, void *arg)
{
	struct rows_reader *r = mem_zalloc(sizeof(*r));

	r->fn = fn;
	r->arg = arg;
	return r;
}

void rows_reader_destroy(struct rows_reader *r)
{
	if (r->is_gzip)
		inflateEnd(&r->z);
	buf_fini(&r->row);
	free(r);
}

static void row_end(struct rows_reader *r, struct agni_err *err)
{
	int rc = AGNI_EPARSE;

	r->stats.rows++;
	if (!r->too_long) {
		const char *text = buf_cstr(&r->row);

		rc = r->fn(r->arg, text, r->row.len, err);
	}
	if (rc == AGNI_EPARSE)
		r->stats.bad_rows++;
	else
		r->rc = rc;
	buf_reset(&r->row);
	r->too_long = false;
}

static void row_append(struct rows_reader *r, const char *p, size_t n)
{
	if (r->row.len + n <= ROW_MAX)
		buf_append(&r->row, p, n);
	else
		r->too_long = true;
}

/* Takes bytes of a row up to its end or the piece's, returns where; *is_end tells which. */
static size_t row_bytes(struct rows_reader *r, const char *p, size_t from, size_t n, bool *is_end)
{
	bool in_string = r->in_string, escaped = r->escaped;
	int depth = r->depth;
	size_t i = from;

	for (*is_end = false; i < n && !*is_end; i++) {
		char c = p[i];

		if (in_string) {
			if (escaped)
				escaped = false;
			else if (c == '\\')
				escaped = true;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{') {
			depth++;
		} else if (c == '}') {
			*is_end = --depth == 0;
		}
	}
	r->in_string = in_string;
	r->escaped = escaped;
	r->depth = depth;
	row_append(r, p + from, i - from);
	return i;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A byte outside of any row; false when an array of objects has none such there. */
static bool take_outside(struct rows_reader *r, char c)
{
	if (is_space(c) || (r->at == BETWEEN && c == ','))
		return true;
	if (r->at == BEFORE && c == '[')
		r->at = BETWEEN;
	else if (r->at == BETWEEN && c == '{')
		r->at = IN_ROW;
	else if (r->at == BETWEEN && c == ']')
		r->at = AFTER;
	else
		return false;
	return true;
}

static int take_text(struct rows_reader *r, const char *p, size_t n, struct agni_err *err)
{
	size_t i = 0;

	while (i < n && r->rc == 0) {
		bool is_end;

		if (r->at != IN_ROW && !take_outside(r, p[i]))
			return agni_fail(err, AGNI_EPARSE, "not a JSON array of objects");
		if (r->at != IN_ROW) {
			i++;
			continue;
		}
		i = row_bytes(r, p, i, n, &is_end);
		if (is_end) {
			r->at = BETWEEN;
			row_end(r, err);
		}
	}
	return r->rc;
}

static int take_packed(struct rows_reader *r, const void *bytes, size_t len, struct agni_err *err)
{
	unsigned char out[CHUNK];
	int rc = Z_OK, taken = 0;

	if (len > UINT32_MAX || r->is_unpacked)
		return agni_fail(err, AGNI_EPARSE, "more bytes behind the packed ones");
	r->z.next_in = bytes;
	r->z.avail_in = (uInt)len;
	do {
		r->z.next_out = out;
		r->z.avail_out = sizeof(out);
		rc = inflate(&r->z, Z_NO_FLUSH);
		if (rc == Z_BUF_ERROR)
			break; /* needs the next piece */
		if ((rc != Z_OK && rc != Z_STREAM_END) || r->z.total_out >= UNPACKED_MAX)
			return agni_fail(err, AGNI_EPARSE, "the packed bytes are damaged");
		taken = take_text(r, (const char *)out, sizeof(out) - r->z.avail_out, err);
	} while (taken == 0 && rc == Z_OK);
	r->is_unpacked = rc == Z_STREAM_END;
	return taken;
}

int rows_reader_feed(struct rows_reader *r, const void *bytes, size_t len, struct agni_err *err)
{
	const unsigned char *p = bytes;

	if (!r->has_begun && len > 0) {
		r->has_begun = true;
		if (len >= 2 && p[0] == 0x1f && p[1] == 0x8b) {
			if (inflateInit2(&r->z, 15 + 16) != Z_OK)
				return agni_fail(err, AGNI_EPARSE, "cannot unpack");
			r->is_gzip = true;
		}
	}
	return r->is_gzip ? take_packed(r, bytes, len, err) : take_text(r, bytes, len, err);
}

int rows_reader_end(struct rows_reader *r, struct rows_stats *stats, struct agni_err *err)
{
	*stats = r->stats;
	if (r->rc < 0)
		return r->rc;
	if ((r->is_gzip && !r->is_unpacked) || r->at != AFTER)
		return agni_fail(err, AGNI_EPARSE, "the array is cut off");
	return 0;
}

int rows_each(const void *bytes, size_t len, rows_fn *fn, void *arg, struct rows_stats *stats,
	      struct agni_err *err)
{
	struct rows_reader *r = rows_reader_create(fn, arg);
	int rc = rows_reader_feed(r, bytes, len, err);

	if (rc == 0)
		rc = rows_reader_end(r, stats, err);
	else
		*stats = r->stats;
	rows_reader_destroy(r);
	return rc;
}
