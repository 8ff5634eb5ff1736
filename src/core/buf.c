/* SPDX-License-Identifier: MIT
 *
 * buf: see buf.h.
 */
#include "core/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/digits.h"
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
	char text[DIGITS_MAX];

	buf_append(b, text, (size_t)(digits_i64(text, v) - text));
}

void buf_double(struct buf *b, double v)
{
	char text[DIGITS_MAX];

	buf_append(b, text, (size_t)(digits_double(text, v) - text));
}

/* How many bytes at the start of `text`, in steps of eight, are ASCII that JSON takes as it is. */
static size_t plain_prefix(const char *text, size_t len)
{
	const uint64_t ones = ~(uint64_t)0 / 255, tops = ones << 7;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		uint64_t x, quote, backslash;

		memcpy(&x, text + i, 8);
		quote = x ^ ones * '"';
		backslash = x ^ ones * '\\';
		/* Exact below the first odd byte, which is all that counts; above 0x7f shows in x. */
		if (((x - ones * 0x20) | (quote - ones) | (backslash - ones) | x) & tops)
			break;
	}
	return i;
}

void buf_json_str(struct buf *b, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const char *end = text + len;
	size_t clean = plain_prefix(text, len);

	buf_byte(b, '"');
	buf_append(b, text, clean);
	text += clean;
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
