/* SPDX-License-Identifier: MIT
 *
 * message: see message.h. Headers are searched from the front: there are at most a hundred, and
 * nobody asks for more than a handful.
 */
#include "http/message.h"

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

void message_reset(struct message *m)
{
	struct buf target = m->target, headers = m->headers, body = m->body;

	buf_recycle(&target);
	buf_recycle(&headers);
	buf_recycle(&body);
	*m = (struct message){
		.target = target, .headers = headers, .body = body, .content_length = -1};
}

void message_fini(struct message *m)
{
	secret_wipe_buf(&m->target);
	secret_wipe_buf(&m->headers);
	secret_wipe_buf(&m->body);
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
