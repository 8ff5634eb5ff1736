/* SPDX-License-Identifier: MIT
 *
 * resp: the bytes of Redis' protocol, written directly; hiredis' printf formats cost about twice as
 * much. Internal to the store.
 */
#ifndef AGNI_STORE_RESP_H
#define AGNI_STORE_RESP_H

#include "core/buf.h"

#define RESP_LITERAL(b, text) buf_append((b), "" text, sizeof(text) - 1)

static inline void resp_count(struct buf *b, char kind, size_t n)
{
	buf_byte(b, kind);
	buf_i64(b, (int64_t)n);
	RESP_LITERAL(b, "\r\n");
}

static inline void resp_bulk(struct buf *b, const char *bytes, size_t len)
{
	resp_count(b, '$', len);
	buf_append(b, bytes, len);
	RESP_LITERAL(b, "\r\n");
}

static inline void resp_str(struct buf *b, const char *text)
{
	resp_bulk(b, text, strlen(text));
}

static inline void resp_i64(struct buf *b, int64_t v)
{
	char text[24];
	struct buf digits = {.data = text, .cap = sizeof(text)};

	buf_i64(&digits, v);
	resp_bulk(b, digits.data, digits.len);
}

#endif
