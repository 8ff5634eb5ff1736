/* SPDX-License-Identifier: MIT
 *
 * secret: text that must not outlive its use: the broker's token, keys, passwords on their way.
 *
 * A secret that lives for long gets pages of its own, which no core dump holds (MADV_DONTDUMP), no
 * child inherits (MADV_WIPEONFORK) and, where the limit of locked memory allows it, no swap sees.
 * Copies that live for one call are wiped with secret_wipe_text() or secret_wipe_buf().
 */
#ifndef AGNI_CORE_SECRET_H
#define AGNI_CORE_SECRET_H

#include "core/buf.h"

struct secret {
	char *text; /* NUL-terminated, in pages of its own; NULL: there is none */
	size_t size;
};

/* prefix and text, one behind the other. What `s` held before is wiped. */
void secret_set(struct secret *s, const char *prefix, const char *text);

/* Wiped and given back; `s` is empty. Fine for an empty one. */
void secret_clear(struct secret *s);

/* A C string of malloc: wiped, freed, and NULL written over the pointer. NULL is fine. */
void secret_wipe_text(char **text);

/* All that the buffer's memory holds is wiped, then it is freed. */
void secret_wipe_buf(struct buf *b);

/* As buf_append, buf_byte and buf_cstr; where the buffer has to move, what it leaves is wiped. */
void secret_append(struct buf *b, const void *bytes, size_t len);
static inline void secret_byte(struct buf *b, char c)
{
	secret_append(b, &c, 1);
}

/* Its memory is kept, and what stood in it is wiped. */
void secret_reset(struct buf *b);

/* Whether two runs of `len` bytes are equal; the time does not tell where they differ. */
bool secret_is_equal(const void *a, const void *b, size_t len);

/* Whether two texts are equal; the time tells their lengths at most. */
bool secret_text_is_equal(const char *a, const char *b);

#endif
