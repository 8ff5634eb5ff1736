/* SPDX-License-Identifier: MIT
 *
 * ws: the libwebsockets context as a guest on our loop; see ws.h.
 *
 * Three facts of the libraries that shape this file:
 *
 * - lws 4.1.6 on libuv stops its own forced service too early, so that a compressed message that
 *   inflates to more than its buffer is never finished. on_prepare() kicks it whenever something is
 *   pending; with a version that does not need it, nothing ever is.
 * - A time limit that is set outside of lws's own callbacks is not looked at before some socket of
 *   lws has news; `wants_service` makes such news.
 * - lws_context_destroy() on a foreign loop closes its handles in later turns and has to be called
 *   again when they are gone: on_spin() turns the loop until it has written NULL over ws->cx.
 */
#include <stdlib.h>

#include "core/log.h"
#include "ws/ws_internal.h"

#define HEAD_MAX 16384
/* libuv ends a handle in the turn that closes it; lws closes in two generations (sockets, then
 * timer and idle handle). Calling again before both are gone would free them under libuv's hands.
 */
#define DESTROY_TURNS     4
#define DESTROY_TURNS_MAX 1000

static void on_prepare(uv_prepare_t *handle)
{
	struct ws *ws = container_of(handle, struct ws, kick);

	if (ws->wants_service || !lws_service_adjust_timeout(ws->cx, 1, 0)) {
		ws->wants_service = false;
		lws_cancel_service(ws->cx);
	}
}

static void on_lws_log(int level, const char *line)
{
	size_t n = strlen(line);

	(void)level;
	while (n && (line[n - 1] == '\n' || line[n - 1] == ' '))
		n--;
	log_debug("lws", "%.*s", (int)n, line);
}

static void handles_start(struct ws *ws)
{
	uv_loop_t *uv = &ws->loop->uv;

	uv_prepare_init(uv, &ws->kick);
	uv_prepare_start(&ws->kick, on_prepare);
	uv_unref((uv_handle_t *)&ws->kick);
	uv_timer_init(uv, &ws->tick);
	uv_timer_start(&ws->tick, ws_tick, WS_TICK_MS, WS_TICK_MS);
	uv_unref((uv_handle_t *)&ws->tick);
	uv_idle_init(uv, &ws->spin);
	ws->handles = 3;
}

int ws_create(struct loop *loop, struct ws **out, struct agni_err *err)
{
	void *loops[1] = {&loop->uv};
	struct ws *ws = mem_zalloc(sizeof(*ws));
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.foreign_loops = loops,
		.pcontext = &ws->cx,
		.timeout_secs = WS_HANDSHAKE_S,
		.max_http_header_data = HEAD_MAX,
		.pt_serv_buf_size = WS_READ_BYTES,
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
			   LWS_SERVER_OPTION_VALIDATE_UTF8 | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
			   LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN,
	};

	lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
	ws->loop = loop;
	list_init(&ws->servers);
	list_init(&ws->client_vhosts);
	list_init(&ws->conns);
	ws->cx = lws_create_context(&info);
	if (!ws->cx) {
		free(ws);
		return agni_fail(err, UV_ENOMEM,
				 "libwebsockets gives no context (is the package "
				 "libwebsockets-evlib-uv installed?)");
	}
	handles_start(ws);
	*out = ws;
	return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct ws *ws = handle->data;
	void (*done)(void *arg) = ws->done;
	void *arg = ws->done_arg;

	if (--ws->handles)
		return;
	list_for_each (it, &ws->servers) {
		ws_server_free(container_of(it, struct ws_server, link));
	}
	ws_client_vhosts_free(ws);
	ws_deflate_fini(ws);
	free(ws);
	done(arg);
}

static void on_spin(uv_idle_t *handle)
{
	struct ws *ws = container_of(handle, struct ws, spin);

	ws->turns++;
	if (ws->cx && ws->turns >= DESTROY_TURNS)
		lws_context_destroy(ws->cx);
	if (ws->cx) {
		AGNI_ASSERT(ws->turns < DESTROY_TURNS_MAX);
		return;
	}
	ws->kick.data = ws->tick.data = ws->spin.data = ws;
	uv_close((uv_handle_t *)&ws->kick, on_handle_closed);
	uv_close((uv_handle_t *)&ws->tick, on_handle_closed);
	uv_close((uv_handle_t *)&ws->spin, on_handle_closed);
}

void ws_destroy(struct ws *ws, void (*done)(void *arg), void *arg)
{
	ws->done = done;
	ws->done_arg = arg;
	uv_prepare_stop(&ws->kick);
	uv_timer_stop(&ws->tick);
	uv_idle_start(&ws->spin, on_spin);
	lws_context_destroy(ws->cx);
}
