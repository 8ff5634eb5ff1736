/* SPDX-License-Identifier: MIT
 *
 * canned: see canned.h.
 */
#include "canned.h"

#include <arpa/inet.h>

#include "check.h"

struct peer {
	uv_tcp_t tcp;
	uv_write_t write;
	struct canned *owner;
	char in[4096];
	bool has_spoken;
};

static void on_peer_closed(uv_handle_t *handle)
{
	free(container_of((uv_tcp_t *)handle, struct peer, tcp));
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
	struct peer *p = container_of((uv_tcp_t *)handle, struct peer, tcp);

	(void)size;
	*out = uv_buf_init(p->in, sizeof(p->in));
}

static void speak(struct peer *p)
{
	char *bytes = (char *)(uintptr_t)p->owner->text;
	uv_buf_t buf = uv_buf_init(bytes, (unsigned)p->owner->len);

	if (!p->has_spoken && p->owner->len > 0)
		uv_write(&p->write, (uv_stream_t *)&p->tcp, &buf, 1, NULL);
	p->has_spoken = true;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	(void)buf;
	if (n < 0)
		uv_close((uv_handle_t *)stream, on_peer_closed);
	else if (n > 0)
		speak(container_of((uv_tcp_t *)stream, struct peer, tcp));
}

static void on_connection(uv_stream_t *stream, int status)
{
	struct canned *c = container_of((uv_tcp_t *)stream, struct canned, tcp);
	struct peer *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(status, 0);
	p->owner = c;
	uv_tcp_init(stream->loop, &p->tcp);
	assert_int_equal(uv_accept(stream, (uv_stream_t *)&p->tcp), 0);
	c->accepted++;
	uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
	if (!c->waits)
		speak(p);
}

int canned_start(struct canned *c, uv_loop_t *loop, const char *text, size_t len, bool waits)
{
	struct sockaddr_in addr;
	int size = sizeof(addr);

	*c = (struct canned){.text = text, .len = len, .waits = waits};
	uv_ip4_addr("127.0.0.1", 0, &addr);
	uv_tcp_init(loop, &c->tcp);
	assert_int_equal(uv_tcp_bind(&c->tcp, (const struct sockaddr *)&addr, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&c->tcp, 16, on_connection), 0);
	uv_tcp_getsockname(&c->tcp, (struct sockaddr *)&addr, &size);
	return ntohs(addr.sin_port);
}

void canned_stop(struct canned *c)
{
	uv_close((uv_handle_t *)&c->tcp, NULL);
}
