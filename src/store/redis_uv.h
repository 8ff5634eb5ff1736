/* SPDX-License-Identifier: MIT
 *
 * redis_uv: hiredis on libuv. Our own adapter, because the one that hiredis 0.14 ships drops poll
 * errors: a refused connect is never reported and the client waits for ever.
 *
 * A poll that ends with an error is given to hiredis as the events it waits for; its read or write
 * then meets the error and reports it.
 */
#ifndef AGNI_STORE_REDIS_UV_H
#define AGNI_STORE_REDIS_UV_H

#include <uv.h>

struct redisAsyncContext;

/* The most bytes of one unfinished reply that are kept; a peer that sends more is cut off. */
#define REDIS_REPLY_MAX 65536

/* Puts `ac` on the loop; before its connect callback is set. `on_closed` (may be NULL) is called
 * once, when hiredis has given the context up and the handle is closed. Returns 0 or a libuv error;
 * then `on_closed` will not be called. */
int redis_uv_attach(struct redisAsyncContext *ac, uv_loop_t *loop, void (*on_closed)(void *arg),
		    void *arg);

/* Between the two nothing is said to the kernel about what hiredis waits for: a pipeline that is
 * written at once begins and ends with the same wish, and each change of it costs system calls.
 * The context may be gone before the release: ask for its link first. */
struct redis_link;
struct redis_link *redis_uv_hold(struct redisAsyncContext *ac);
void redis_uv_release(struct redis_link *l);

#endif
