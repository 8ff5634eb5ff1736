/* SPDX-License-Identifier: MIT
 *
 * server: one listener, one vhost; handshake.c judges who comes in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/tls.h"
#include "ws/ws_internal.h"

/* What lws allocates per connection for a frame; what is larger comes in pieces. */
#define RX_BUFFER_DEFAULT 4096

static struct ws_server *server_of(struct lws *wsi)
{
	return lws_get_vhost_user(lws_get_vhost(wsi));
}

void ws_server_reset_protocol(struct ws_server *s)
{
	snprintf(s->protocol, sizeof(s->protocol), "none");
}

static void established(struct ws_server *s, struct lws *wsi, struct ws_conn **slot)
{
	struct ws_conn *c = mem_zalloc(sizeof(*c));
	struct ws_handshake_text t;

	ws_handshake_read(wsi, &t);
	AGNI_ASSERT(s->room_of == wsi);
	t.view.room = s->room;
	*c = (struct ws_conn){.server = s,
			      .wsi = wsi,
			      .fd = (int)lws_get_socket_fd(wsi),
			      .cb = &s->cb,
			      .message_max = s->message_max,
			      .ping_s = s->ping_s,
			      .pong_s = s->pong_s,
			      .tls = s->tls};
	ws_conn_init(c, s->ws);
	/* Fails when the extension was not negotiated; lws caps the value at the rx buffer. */
	c->deflate = lws_set_extension_option(wsi, "permessage-deflate", "rx_buf_size", "15") >= 0;
	snprintf(c->peer, sizeof(c->peer), "%s", t.peer);
	if (s->sndbuf)
		setsockopt(ws_conn_fd(c), SOL_SOCKET, SO_SNDBUF, &s->sndbuf, sizeof(s->sndbuf));
	*slot = c;
	s->clients++;
	c->is_open = true;
	c->user = s->cb.on_open(s->arg, c, &t.view);
	s->room_of = NULL;
}

/* What concerns an established connection. */
static int on_event(struct ws_conn *c, enum lws_callback_reasons reason, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_RECEIVE:
		return ws_conn_receive(c, in, len);
	case LWS_CALLBACK_RECEIVE_PONG:
		ws_conn_pong(c);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return ws_conn_writable(c);
	case LWS_CALLBACK_TIMER:
		return ws_conn_timer(c);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return ws_conn_peer_close(c, in, len);
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		ws_conn_dropped(c);
		return 0;
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_WSI_DESTROY: /* should CLOSED not have come */
		c->server->clients--;
		ws_conn_gone(c);
		return 0;
	default:
		return 0;
	}
}

int ws_server_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		       size_t len)
{
	struct ws_conn **slot = user, *c;

	switch (reason) {
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return ws_handshake_judge(server_of(wsi), wsi, in);
	case LWS_CALLBACK_HTTP:
		return ws_handshake_missing(server_of(wsi), wsi);
	case LWS_CALLBACK_CONFIRM_EXTENSION_OKAY:
		return ws_handshake_extension(wsi);
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		server_of(wsi)->protocol[0] = '\0'; /* see accept_subprotocol() */
		return 0;
	case LWS_CALLBACK_ADD_HEADERS:
		ws_server_reset_protocol(server_of(wsi));
		return 0;
	case LWS_CALLBACK_ESTABLISHED:
		established(server_of(wsi), wsi, slot);
		return 0;
	default:
		c = slot ? *slot : NULL;
		if (c && (reason == LWS_CALLBACK_CLOSED || reason == LWS_CALLBACK_WSI_DESTROY))
			*slot = NULL;
		return c ? on_event(c, reason, in, len) : 0;
	}
}

/* libwebsockets does not say why it could not bind; a socket of our own does. */
static int probe_bind(const char *host, int port)
{
	struct sockaddr_storage ss = {0};
	int on = 1, fd, rc = 0;

	if (uv_ip4_addr(host, port, (struct sockaddr_in *)&ss) != 0 &&
	    uv_ip6_addr(host, port, (struct sockaddr_in6 *)&ss) != 0)
		return UV_EINVAL;
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, sizeof(ss)) < 0 || listen(fd, 1) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static void server_fill(struct ws_server *s, const struct ws_server_config *cfg)
{
	s->cb = *cfg->callbacks;
	s->arg = cfg->arg;
	s->message_max = cfg->message_max_bytes;
	s->clients_max = cfg->clients_max ? cfg->clients_max : UINT32_MAX;
	s->sndbuf = cfg->sndbuf_bytes;
	s->ping_s = cfg->ping_s;
	s->pong_s = cfg->pong_s;
	s->tls = cfg->tls_cert && cfg->tls_cert[0];
	if (s->tls) {
		s->tls_cert = mem_strdup(cfg->tls_cert);
		s->tls_key = mem_strdup(cfg->tls_key);
	}
	snprintf(s->name, sizeof(s->name), "%s", cfg->name);
	snprintf(s->host, sizeof(s->host), "%s", cfg->host);
	ws_server_reset_protocol(s);
	s->protocols[0] = (struct lws_protocols){
		.name = s->protocol,
		.callback = ws_server_callback,
		.per_session_data_size = sizeof(struct ws_conn *),
		.rx_buffer_size =
			cfg->rx_buffer_bytes ? (size_t)cfg->rx_buffer_bytes : RX_BUFFER_DEFAULT,
		.tx_packet_size = WS_TX_PACKET,
	};
	s->extensions[0] = (struct lws_extension){
		"permessage-deflate",
		lws_extension_callback_pm_deflate,
		"permessage-deflate; client_no_context_takeover; client_max_window_bits",
	};
}

/* libwebsockets does not say what is wrong with a file, listens without a certificate when there is
 * none, and is left with half a pair by a reload that fails: so we look first. */
static int check_files(const struct ws_server *s, struct agni_err *err)
{
	struct tls_config *trial = tls_server_config_create(s->tls_cert, s->tls_key, err);

	if (!trial)
		return AGNI_ETLS;
	tls_expiry_warn(trial, "ws", s->tls_cert, clock_wall_ms(s->ws->loop->clock));
	tls_config_destroy(trial);
	return 0;
}

static int use_tls(const struct ws_server *s, struct lws_context_creation_info *info,
		   struct agni_err *err)
{
	/* Without it in the vhost's own options the port would silently speak plain. */
	info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info->ssl_cert_filepath = s->tls_cert;
	info->ssl_private_key_filepath = s->tls_key;
	info->ssl_cipher_list = WS_TLS_CIPHERS;
	return check_files(s, err);
}

void ws_server_free(struct ws_server *s)
{
	free(s->tls_cert);
	free(s->tls_key);
	free(s);
}

int ws_server_create(struct ws *ws, const struct ws_server_config *cfg, struct ws_server **out,
		     struct agni_err *err)
{
	struct ws_server *s = mem_zalloc(sizeof(*s));
	struct lws_context_creation_info info = {
		.port = cfg->port,
		.iface = s->host,
		.vhost_name = s->name,
		.protocols = s->protocols,
		.user = s,
		.alpn = "http/1.1",
		.keepalive_timeout = 5,
		.retry_and_idle_policy = &ws_no_keepalive,
		.ssl_options_set = WS_TLS_OPTIONS,
		.options = LWS_SERVER_OPTION_VALIDATE_UTF8 |
			   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
	};
	int rc = probe_bind(cfg->host, cfg->port);

	if (rc < 0) {
		free(s);
		return agni_fail_uv(err, rc, "cannot listen on %s:%d", cfg->host, cfg->port);
	}
	s->ws = ws;
	server_fill(s, cfg);
	if (cfg->deflate)
		info.extensions = s->extensions;
	if (s->tls && use_tls(s, &info, err) < 0) {
		ws_server_free(s);
		return AGNI_ETLS;
	}
	/* Else lws listens on ::ffff:127.0.0.1 and calls its peers so. */
	if (!strchr(cfg->host, ':'))
		info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
	s->vhost = lws_create_vhost(ws->cx, &info);
	if (!s->vhost) {
		rc = agni_fail(err, s->tls ? (int)AGNI_ETLS : (int)UV_EINVAL,
			       "cannot listen on %s:%d%s", cfg->host, cfg->port,
			       s->tls ? ": certificate or key is not usable" : "");
		ws_server_free(s);
		return rc;
	}
	list_append(&ws->servers, &s->link);
	*out = s;
	return 0;
}

int ws_server_reload_tls(struct ws_server *s, struct agni_err *err)
{
	AGNI_ASSERT(s->tls);
	if (check_files(s, err) < 0)
		return err->code;
	if (lws_tls_cert_updated(s->ws->cx, s->tls_cert, s->tls_key, NULL, 0, NULL, 0) != 0)
		return agni_fail(err, AGNI_ETLS, "%s cannot be taken", s->tls_cert);
	return 0;
}

int ws_server_port(const struct ws_server *s)
{
	return lws_get_vhost_listen_port(s->vhost);
}

void ws_server_stop_accepting(struct ws_server *s)
{
	s->is_closed = true;
}
