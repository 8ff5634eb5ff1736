/* SPDX-License-Identifier: MIT
 *
 * buf: see buf.h.
 */
#include "core/buf.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/utf8.h"

AGNI_NORETURN void mem_exhausted(size_t size)
{
	fprintf(stderr, "agnidata: out of memory (%zu bytes asked)\n", size);
	abort();
}

void *mem_alloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		mem_exhausted(size);
	return p;
}

void *mem_zalloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		mem_exhausted(size);
	return p;
}

void *mem_realloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		mem_exhausted(size);
	return p;
}

char *mem_strndup(const char *text, size_t len)
{
	char *p = mem_alloc(len + 1);

	memcpy(p, text, len);
	p[len] = '\0';
	return p;
}

char *mem_strdup(const char *text)
{
	return mem_strndup(text, strlen(text));
}

void buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

char *buf_reserve(struct buf *b, size_t more)
{
	if (AGNI_UNLIKELY(b->cap - b->len < more || !b->data)) {
		size_t cap = b->cap ? b->cap : 256;

		AGNI_ASSERT(more < SIZE_MAX / 4 && b->len < SIZE_MAX / 4);
		while (cap - b->len < more)
			cap *= 2;
		b->data = mem_realloc(b->data, cap);
		b->cap = cap;
	}
	return b->data + b->len;
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	size_t room = b->cap - b->len;
	int n;

	va_copy(again, ap);
	n = vsnprintf(room ? b->data + b->len : NULL, room, fmt, ap);
	AGNI_ASSERT(n >= 0);
	if ((size_t)n >= room)
		vsnprintf(buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_i64(struct buf *b, int64_t v)
{
	char tmp[20], *p = tmp + sizeof(tmp);
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do {
		*--p = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	if (v < 0)
		buf_byte(b, '-');
	buf_append(b, p, (size_t)(tmp + sizeof(tmp) - p));
}

/* The digits of k / 10^places, k > 0, at least one of them in front of the point. */
static void put_scaled(struct buf *b, uint64_t k, unsigned places)
{
	char tmp[24], *at = tmp + sizeof(tmp);

	for (unsigned i = 0; i < places || k; i++) {
		if (i == places)
			*--at = '.';
		*--at = (char)('0' + k % 10);
		k /= 10;
	}
	if (*at == '.' || at + places == tmp + sizeof(tmp)) {
		if (*at != '.')
			*--at = '.';
		*--at = '0';
	}
	buf_append(b, at, (size_t)(tmp + sizeof(tmp) - at));
}

/* Most numbers of a market are short decimals. For k < 2^53 and p <= 15 both k and 10^p are exact,
 * so k / 10^p is the double nearest to that decimal: if it is v, the decimal reads back as v, and
 * the first such p is the shortest. Ten times cheaper than printf and strtod. */
static bool put_short_decimal(struct buf *b, double v)
{
	static const double ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
				     1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	double a = fabs(v);

	if (a < 1e-4)
		return false; /* %g would use an exponent, which is shorter */
	for (unsigned p = 1; p < sizeof(ten) / sizeof(*ten); p++) {
		double scaled = a * ten[p];
		uint64_t k;

		if (scaled >= 9007199254740992.0)
			return false;
		k = (uint64_t)(scaled + 0.5);
		if ((double)k / ten[p] == a) {
			if (v < 0)
				buf_byte(b, '-');
			put_scaled(b, k, p);
			return true;
		}
	}
	return false;
}

void buf_double(struct buf *b, double v)
{
	char tmp[32];
	int n = 0;

	if (!isfinite(v)) {
		buf_str(b, "null");
		return;
	}
	/* The range comes first: the conversion of a larger value is not defined. */
	if (fabs(v) < 1e15 && v == (double)(int64_t)v) {
		if (v == 0 && signbit(v))
			buf_byte(b, '-');
		buf_i64(b, (int64_t)v);
		return;
	}
	if (put_short_decimal(b, v))
		return;
	/* %g drops trailing zeros, so 15 digits are the shortest form where they are enough; below
	 * DBL_MIN a double holds fewer than that. */
	for (int digits = fabs(v) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
		n = snprintf(tmp, sizeof(tmp), "%.*g", digits, v);
		if (strtod(tmp, NULL) == v)
			break;
	}
	buf_append(b, tmp, (size_t)n);
}

void buf_json_str(struct buf *b, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const char *end = text + len;

	buf_byte(b, '"');
	while (text < end) {
		unsigned char c = (unsigned char)*text;
		size_t n = 1;

		if (c == '"' || c == '\\') {
			char esc[2] = {'\\', (char)c};

			buf_append(b, esc, 2);
		} else if (c < 0x20) {
			char esc[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

			buf_append(b, esc, 6);
		} else if (c < 0x80) {
			buf_byte(b, (char)c);
		} else if ((n = utf8_next(text, (size_t)(end - text))) > 0) {
			buf_append(b, text, n);
		} else {
			buf_append(b, "\xef\xbf\xbd", 3);
			n = 1;
		}
		text += n;
	}
	buf_byte(b, '"');
}

void buf_consume(struct buf *b, size_t n)
{
	AGNI_ASSERT(n <= b->len);
	b->len -= n;
	if (b->len && n)
		memmove(b->data, b->data + n, b->len);
}

const char *buf_cstr(struct buf *b)
{
	*buf_reserve(b, 1) = '\0';
	return b->data;
}
