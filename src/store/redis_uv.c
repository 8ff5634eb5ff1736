/* SPDX-License-Identifier: MIT
 *
 * redis_uv: see redis_uv.h.
 */
#include "store/redis_uv.h"

#include <stdlib.h>

#include <hiredis/async.h>

#include "core/buf.h"

struct redis_link {
	uv_poll_t poll;
	redisAsyncContext *ac; /* NULL when hiredis has let go */
	int wanted;            /* UV_READABLE | UV_WRITABLE that hiredis waits for */
	int polled;            /* what the loop was told of it */
	bool is_held;
	void (*on_closed)(void *arg);
	void *arg;
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void want(struct redis_link *l, int wanted)
{
	l->wanted = wanted;
	if (l->is_held || wanted == l->polled)
		return;
	l->polled = wanted;
	if (wanted)
		uv_poll_start(&l->poll, wanted, on_poll);
	else
		uv_poll_stop(&l->poll);
}

struct redis_link *redis_uv_hold(redisAsyncContext *ac)
{
	struct redis_link *l = ac->ev.data;

	l->is_held = true;
	return l;
}

void redis_uv_release(struct redis_link *l)
{
	l->is_held = false;
	if (l->ac)
		want(l, l->wanted);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct redis_link *l = container_of(poll, struct redis_link, poll);

	if (status != 0)
		events = l->wanted;
	if (events & UV_READABLE)
		redisAsyncHandleRead(l->ac);
	if (l->ac && l->ac->c.reader->len - l->ac->c.reader->pos > REDIS_REPLY_MAX)
		redisAsyncFree(l->ac);
	if (l->ac && (events & UV_WRITABLE))
		redisAsyncHandleWrite(l->ac);
	/* libuv has stopped a handle that met an error; what is left to read must still come. */
	if (l->ac && status != 0 && l->wanted)
		uv_poll_start(&l->poll, l->wanted, on_poll);
}

static void add_read(void *arg)
{
	struct redis_link *l = arg;

	want(l, l->wanted | UV_READABLE);
}

static void del_read(void *arg)
{
	struct redis_link *l = arg;

	want(l, l->wanted & ~UV_READABLE);
}

static void add_write(void *arg)
{
	struct redis_link *l = arg;

	want(l, l->wanted | UV_WRITABLE);
}

static void del_write(void *arg)
{
	struct redis_link *l = arg;

	want(l, l->wanted & ~UV_WRITABLE);
}

static void on_close(uv_handle_t *handle)
{
	struct redis_link *l = container_of((uv_poll_t *)handle, struct redis_link, poll);

	if (l->on_closed)
		l->on_closed(l->arg);
	free(l);
}

static void cleanup(void *arg)
{
	struct redis_link *l = arg;

	l->ac = NULL;
	uv_close((uv_handle_t *)&l->poll, on_close);
}

int redis_uv_attach(struct redisAsyncContext *ac, uv_loop_t *loop, void (*on_closed)(void *arg),
		    void *arg)
{
	struct redis_link *l = mem_zalloc(sizeof(*l));
	int rc = uv_poll_init(loop, &l->poll, ac->c.fd);

	if (rc < 0) {
		free(l);
		return rc;
	}
	l->ac = ac;
	l->on_closed = on_closed;
	l->arg = arg;
	ac->ev.data = l;
	ac->ev.addRead = add_read;
	ac->ev.delRead = del_read;
	ac->ev.addWrite = add_write;
	ac->ev.delWrite = del_write;
	ac->ev.cleanup = cleanup;
	return 0;
}
