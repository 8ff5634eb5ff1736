/* SPDX-License-Identifier: MIT
 *
 * keepalive: pings on quiet connections, and the end of those that are past a deadline.
 *
 * libwebsockets has a keepalive of its own, which is switched off: it overwrites the payload of a
 * PONG, or the code of a CLOSE, that waits for a full socket, and knows only pongs as signs of
 * life.
 *
 *      quiet for ping_s --> ping --> anything heard: quiet again
 *                                +-> pong_s without a word: abort
 */
#include "ws/ws_internal.h"

const lws_retry_bo_t ws_no_keepalive = {0};

static void keep_alive(struct ws_conn *c, uint64_t now)
{
	if (!c->ping_s)
		return;
	if (c->pinged_ms) {
		if (now - c->pinged_ms >= c->pong_s * 1000ull)
			ws_conn_abort(c);
	} else if (now - c->heard_ms >= c->ping_s * 1000ull) {
		c->pinged_ms = now;
		ws_conn_ping(c);
	}
}

void ws_tick(uv_timer_t *timer)
{
	struct ws *ws = container_of(timer, struct ws, tick);
	uint64_t now = uv_now(&ws->loop->uv);

	list_for_each (it, &ws->conns) {
		struct ws_conn *c = container_of(it, struct ws_conn, link);

		/* Also again for one that was aborted: lws may have put a later time over ours. */
		if (c->is_aborted || (c->deadline_ms && now >= c->deadline_ms))
			ws_conn_abort(c);
		else if (c->is_open && !c->is_closing)
			keep_alive(c, now);
	}
}
