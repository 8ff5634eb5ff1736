/* SPDX-License-Identifier: MIT
 *
 * secret: see secret.h.
 */
#include "core/secret.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t pages_for(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

/* Each of these is a protection that the kernel may not have or not grant; none is a reason to do
 * without the secret. */
static void protect(char *at, size_t size)
{
	(void)mlock(at, size);
	(void)madvise(at, size, MADV_DONTDUMP);
	(void)madvise(at, size, MADV_WIPEONFORK);
}

void secret_set(struct secret *s, const char *prefix, const char *text)
{
	size_t a = strlen(prefix), b = strlen(text), size = pages_for(a + b + 1);
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		mem_exhausted(size);
	protect(at, size);
	memcpy(at, prefix, a);
	memcpy(at + a, text, b + 1);
	secret_clear(s);
	s->text = at;
	s->size = size;
}

void secret_clear(struct secret *s)
{
	if (s->text) {
		explicit_bzero(s->text, s->size);
		munmap(s->text, s->size);
	}
	*s = (struct secret){0};
}

void secret_wipe_text(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void secret_wipe_buf(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_fini(b);
}

void secret_append(struct buf *b, const void *bytes, size_t len)
{
	if (b->cap - b->len <= len) { /* one byte more than asked, for buf_cstr() */
		struct buf moved = {0};

		buf_reserve(&moved, 2 * (b->len + len) + 1);
		buf_append(&moved, b->data, b->len);
		secret_wipe_buf(b);
		*b = moved;
	}
	buf_append(b, bytes, len);
}

void secret_reset(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	b->len = 0;
}

bool secret_is_equal(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *x = a, *y = b; /* volatile: every byte is looked at */
	unsigned char differs = 0;

	for (size_t i = 0; i < len; i++)
		differs |= (unsigned char)(x[i] ^ y[i]);
	return differs == 0;
}

bool secret_text_is_equal(const char *a, const char *b)
{
	size_t n = strlen(a);

	return n == strlen(b) && secret_is_equal(a, b, n);
}
