/* SPDX-License-Identifier: MIT
 *
 * buf: a growable run of bytes, for text and frames that are built piece by piece.
 *
 * Memory is kept between uses (buf_reset), so a buffer that is built once a turn allocates only
 * until it has met its largest content. When memory runs out the process stops: see mem_alloc.
 */
#ifndef AGNI_CORE_BUF_H
#define AGNI_CORE_BUF_H

#include <stdarg.h>
#include <string.h>

#include "core/base.h"

/* malloc, calloc, realloc, strdup that stop the process with a line when there is no memory: a
 * half-built answer about money is no answer, and the tape holds what was published. */
void *mem_alloc(size_t size) AGNI_MUST_USE;
void *mem_zalloc(size_t size) AGNI_MUST_USE;
void *mem_realloc(void *old, size_t size) AGNI_MUST_USE;
char *mem_strdup(const char *text) AGNI_MUST_USE;
char *mem_strndup(const char *text, size_t len) AGNI_MUST_USE;

/* The line and the stop, for memory that comes from elsewhere. */
AGNI_NORETURN void mem_exhausted(size_t size);

struct buf {
	char *data; /* not terminated, unless buf_cstr() was asked */
	size_t len;
	size_t cap;
};

static inline void buf_reset(struct buf *b)
{
	b->len = 0;
}

void buf_fini(struct buf *b);

/* Makes room for `more` bytes and returns where they go; b->len is not moved. */
char *buf_reserve(struct buf *b, size_t more);

static inline void buf_append(struct buf *b, const void *bytes, size_t len)
{
	if (len) {
		memcpy(buf_reserve(b, len), bytes, len);
		b->len += len;
	}
}

static inline void buf_byte(struct buf *b, char c)
{
	*buf_reserve(b, 1) = c;
	b->len++;
}

static inline void buf_str(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *fmt, ...) AGNI_PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) AGNI_PRINTF(2, 0);

/* Decimal digits of a 64-bit integer: several times cheaper than buf_printf. */
void buf_i64(struct buf *b, int64_t v);

/* The shortest decimal form that reads back as the same double; NaN and infinities give "null". */
void buf_double(struct buf *b, double v);

/* A JSON string with its quotes. Bytes that are not valid UTF-8 become U+FFFD. */
void buf_json_str(struct buf *b, const char *text, size_t len);

/* Drops the first `n` bytes and moves the rest to the front. */
void buf_consume(struct buf *b, size_t n);

/* Terminates with a NUL that does not count in len. */
const char *buf_cstr(struct buf *b);

#endif
