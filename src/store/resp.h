/* SPDX-License-Identifier: MIT
 *
 * resp: the bytes of Redis' protocol, written directly; hiredis' printf formats cost about twice as
 * much. Internal to the store.
 */
#ifndef AGNI_STORE_RESP_H
#define AGNI_STORE_RESP_H

#include "core/buf.h"
#include "core/digits.h"

#define RESP_LITERAL(b, text) buf_append((b), "" text, sizeof(text) - 1)

/* What resp_put_count needs at most. */
#define RESP_COUNT_MAX (DIGITS_MAX + 3)

/* `*3\r\n`, `$17\r\n`, where there is room; returns the place behind it. */
static inline char *resp_put_count(char *at, char kind, size_t n)
{
	*at = kind;
	at = digits_u64(at + 1, n);
	memcpy(at, "\r\n", 2);
	return at + 2;
}

static inline char *resp_put(char *at, const char *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static inline void resp_count(struct buf *b, char kind, size_t n)
{
	b->len = (size_t)(resp_put_count(buf_reserve(b, RESP_COUNT_MAX), kind, n) - b->data);
}

static inline void resp_bulk(struct buf *b, const char *bytes, size_t len)
{
	char *at = resp_put_count(buf_reserve(b, RESP_COUNT_MAX + len + 2), '$', len);

	at = resp_put(resp_put(at, bytes, len), "\r\n", 2);
	b->len = (size_t)(at - b->data);
}

static inline void resp_str(struct buf *b, const char *text)
{
	resp_bulk(b, text, strlen(text));
}

static inline void resp_i64(struct buf *b, int64_t v)
{
	char text[DIGITS_MAX];

	resp_bulk(b, text, (size_t)(digits_i64(text, v) - text));
}

#endif
