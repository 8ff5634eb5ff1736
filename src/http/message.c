/* SPDX-License-Identifier: MIT
 *
 * message: see message.h. Headers are searched from the front: there are at most a hundred, and
 * nobody asks for more than a handful.
 */
#include "http/message.h"

#include <string.h>

#include "core/secret.h"

/* A buffer that grew past this for one large message is given back. */
#define KEEP_BYTES 8192

static void buf_recycle(struct buf *b)
{
	if (b->cap > KEEP_BYTES)
		secret_wipe_buf(b);
	else
		secret_reset(b);
}

/* A body only grows while it is read: behind its end nothing was ever written, and that may be most of what an
 * announced length has made room for. */
static void body_recycle(struct buf *b)
{
	if (b->cap <= KEEP_BYTES) {
		secret_reset(b);
		return;
	}
	explicit_bzero(b->data, b->len);
	buf_fini(b);
}

void message_reset(struct message *m)
{
	struct buf target = m->target, headers = m->headers, body = m->body;

	buf_recycle(&target);
	buf_recycle(&headers);
	body_recycle(&body);
	*m = (struct message){
		.target = target, .headers = headers, .body = body, .content_length = -1};
}

void message_fini(struct message *m)
{
	secret_wipe_buf(&m->target);
	secret_wipe_buf(&m->headers);
	if (m->body.data)
		explicit_bzero(m->body.data, m->body.len);
	buf_fini(&m->body);
}

/* The first value of `name` at or behind `at`; moves `at` behind it. */
static const char *header_next(const struct message *m, const char *name, size_t *at)
{
	while (*at < m->headers.len) {
		const char *key = m->headers.data + *at;
		const char *value = key + strlen(key) + 1;

		*at = (size_t)(value + strlen(value) + 1 - m->headers.data);
		if (strcmp(key, name) == 0)
			return value;
	}
	return NULL;
}

const char *message_header(const struct message *m, const char *name)
{
	size_t at = 0;

	return header_next(m, name, &at);
}

size_t message_header_count(const struct message *m, const char *name)
{
	size_t at = 0, n = 0;

	while (header_next(m, name, &at))
		n++;
	return n;
}
