/* SPDX-License-Identifier: MIT
 *
 * server: see server.h. The listener, the turn hook for left-over input, and the stop; what happens
 * on a connection is in conn.c, how requests are answered in response.c.
 */
#include <stdlib.h>

#include "core/url.h"
#include "http/server_internal.h"

#define LISTEN_BACKLOG 511

/* ---- the end ------------------------------------------------------------------------------ */

static void on_closed(uv_handle_t *handle)
{
	server_handle_closed(handle->data);
}

void server_handle_closed(struct http_server *s)
{
	uv_handle_t *timer = (uv_handle_t *)&s->stop_timer;

	s->open--;
	/* The stop timer waits for the others. */
	if (s->open == 1 && s->is_stopping && !uv_is_closing(timer))
		uv_close(timer, on_closed);
	if (s->open > 0)
		return;
	loop_remove_hook(&s->hook);
	if (s->done)
		s->done(s->done_arg);
	tls_config_destroy(s->tls);
	free(s);
}

static void on_stop_timer(uv_timer_t *timer)
{
	struct http_server *s = timer->data;

	list_for_each (it, &s->conns)
		conn_close(container_of(it, struct conn, link));
}

void http_server_stop(struct http_server *s, uint64_t deadline_ns, void (*done)(void *arg),
		      void *arg)
{
	uint64_t now = clock_mono(s->loop->clock);
	uint64_t wait_ms = deadline_ns > now ? (deadline_ns - now) / NS_PER_MS : 0;

	AGNI_ASSERT(!s->is_stopping && done);
	s->is_stopping = true;
	s->done = done;
	s->done_arg = arg;
	list_for_each (it, &s->conns) {
		struct conn *c = container_of(it, struct conn, link);

		if (wait_ms == 0 || (c->state != CONN_HANDLING && c->state != CONN_WRITING))
			conn_close(c);
	}
	if (wait_ms > 0)
		uv_timer_start(&s->stop_timer, on_stop_timer, wait_ms, 0);
	uv_close((uv_handle_t *)&s->listener, on_closed);
}

/* ---- the beginning ------------------------------------------------------------------------ */

/* One request of each connection that has some left over; those that then still have go behind. */
static void on_turn(struct turn_hook *hook)
{
	struct http_server *s = container_of(hook, struct http_server, hook);
	size_t n = 0;

	list_for_each (it, &s->ready)
		n++;
	while (n-- > 0 && !list_is_empty(&s->ready))
		conn_resume(container_of(s->ready.next, struct conn, ready));
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct http_server *s = listener->data;

	if (status == 0 && !s->is_stopping)
		conn_accept(s);
}

/* Closes what create made; nobody is told. */
static void server_abandon(struct http_server *s)
{
	s->is_stopping = true;
	uv_close((uv_handle_t *)&s->listener, on_closed);
}

static int server_bind(struct http_server *s, const char *host, int port, struct agni_err *err)
{
	struct sockaddr_storage addr;
	int len = sizeof(addr), rc;

	if (port < 0 || port > 65535 ||
	    (uv_ip4_addr(host, port, (struct sockaddr_in *)&addr) < 0 &&
	     uv_ip6_addr(host, port, (struct sockaddr_in6 *)&addr) < 0))
		return agni_fail(err, AGNI_ECONFIG, "%s:%d: not an address and a port", host, port);
	rc = uv_tcp_bind(&s->listener, (const struct sockaddr *)&addr, 0);
	/* libuv keeps "address in use" to itself until it is asked something else. */
	if (rc == 0)
		rc = uv_tcp_getsockname(&s->listener, (struct sockaddr *)&addr, &len);
	if (rc < 0)
		return agni_fail_uv(err, rc, "%s:%d", host, port);
	s->port = ntohs(addr.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&addr)->sin6_port
						   : ((const struct sockaddr_in *)&addr)->sin_port);
	return 0;
}

/* New connections get this certificate; sessions that are there keep theirs. */
static int load_tls(struct http_server *s, const char *cert, const char *key, struct agni_err *err)
{
	struct tls_config *next = tls_server_config_create(cert, key, err);

	if (!next)
		return AGNI_ETLS;
	tls_expiry_warn(next, "http", cert, clock_wall_ms(s->loop->clock));
	tls_config_destroy(s->tls);
	s->tls = next;
	return 0;
}

int http_server_create(const struct http_server_config *cfg, struct http_server **out,
		       struct agni_err *err)
{
	struct http_server *s = mem_zalloc(sizeof(*s));
	int rc;

	*out = NULL;
	s->loop = cfg->loop;
	s->limits = cfg->limits;
	s->routes = cfg->routes;
	s->routes_n = cfg->routes_n;
	s->admit = cfg->admit;
	s->admit_arg = cfg->admit_arg;
	s->json_only = cfg->json_only;
	s->rules = (struct guard_rules){.loopback_only = host_is_loopback(cfg->host),
					.body_max = cfg->limits.body_max_bytes};
	list_init(&s->conns);
	list_init(&s->ready);
	list_init(&s->shaking);
	loop_add_hook(s->loop, &s->hook, on_turn);
	uv_tcp_init(&s->loop->uv, &s->listener);
	uv_timer_init(&s->loop->uv, &s->stop_timer);
	s->listener.data = s->stop_timer.data = s;
	s->open = 2;
	rc = server_bind(s, cfg->host, cfg->port, err);
	if (rc == 0 && cfg->tls_cert && *cfg->tls_cert)
		rc = load_tls(s, cfg->tls_cert, cfg->tls_key, err);
	if (rc < 0) {
		server_abandon(s);
		return rc;
	}
	*out = s;
	return 0;
}

int http_server_listen(struct http_server *s, struct agni_err *err)
{
	int rc = uv_listen((uv_stream_t *)&s->listener, LISTEN_BACKLOG, on_connection);

	return rc < 0 ? agni_fail_uv(err, rc, "port %d", s->port) : 0;
}

int http_server_reload_tls(struct http_server *s, const char *cert, const char *key,
			   struct agni_err *err)
{
	AGNI_ASSERT(s->tls);
	return load_tls(s, cert, key, err);
}

int http_server_port(const struct http_server *s)
{
	return s->port;
}

const struct http_stats *http_server_stats(const struct http_server *s)
{
	return &s->stats;
}
