/* SPDX-License-Identifier: MIT
 *
 * client: outgoing WebSocket connections.
 *
 *      ws_client_connect --> TCP --> TLS --> 101 --> on_open ... on_close
 *                             +-------+-------+----> on_refused (also: aborted, 10 s are over)
 *
 * The certificate and the name in it are always checked (no flag of libwebsockets that relaxes this
 * is used anywhere). Redirects are not followed here: a 3xx ends the attempt and its Location goes
 * to the caller, who decides where a token may follow.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ws/ws_internal.h"

/* lws binds a CA bundle to a vhost, so there is one vhost per bundle, and one for plain connections,
 * which need none. They are few and stay: to destroy one would bring its connections down. */
struct client_vhost {
	struct list link; /* in ws->client_vhosts */
	struct lws_vhost *vhost;
	char *ca; /* "": the system's */
	bool tls;
};

static const struct lws_protocols client_protocols[] = {
	{.name = "client",
	 .callback = ws_client_callback,
	 .rx_buffer_size = WS_READ_BYTES,
	 .tx_packet_size = WS_TX_PACKET},
	{0},
};

static struct lws_vhost *vhost_create(struct ws *ws, bool tls, const char *ca)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.vhost_name = "client",
		.protocols = client_protocols,
		.alpn = "http/1.1",
		.retry_and_idle_policy = &ws_no_keepalive,
		.connect_timeout_secs = WS_HANDSHAKE_S,
		.ssl_client_options_set = WS_TLS_OPTIONS,
		.options = LWS_SERVER_OPTION_VALIDATE_UTF8,
	};

	if (tls)
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	if (tls && ca[0]) {
		info.client_ssl_ca_filepath = ca;
		info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	}
	return lws_create_vhost(ws->cx, &info);
}

static struct lws_vhost *want_vhost(struct ws *ws, bool tls, const char *ca)
{
	struct client_vhost *v;

	list_for_each (it, &ws->client_vhosts) {
		v = container_of(it, struct client_vhost, link);
		if (v->tls == tls && (!tls || strcmp(v->ca, ca) == 0))
			return v->vhost;
	}
	v = mem_zalloc(sizeof(*v));
	v->ca = mem_strdup(ca);
	v->tls = tls;
	v->vhost = vhost_create(ws, tls, ca);
	if (!v->vhost) {
		free(v->ca);
		free(v);
		return NULL;
	}
	list_append(&ws->client_vhosts, &v->link);
	return v->vhost;
}

void ws_client_vhosts_free(struct ws *ws)
{
	list_for_each (it, &ws->client_vhosts) {
		struct client_vhost *v = container_of(it, struct client_vhost, link);

		free(v->ca);
		free(v);
	}
}

/* --- what libwebsockets reports -------------------------------------------------------------- */

static int append_headers(struct ws_conn *c, struct lws *wsi, unsigned char **p, size_t len)
{
	unsigned char *end = *p + len;
	static const unsigned char agent[] = "agnidata";

	if (lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_USER_AGENT, agent, sizeof(agent) - 1,
					 p, end))
		return -1;
	if (!c->authorization)
		return 0;
	return lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
					    (const unsigned char *)c->authorization,
					    (int)strlen(c->authorization), p, end);
}

static void redirected(struct ws_conn *c, int status, const char *location)
{
	c->redirect_status = status;
	free(c->location);
	c->location = mem_strdup(location);
}

static void refused(struct ws_conn *c, struct lws *wsi, const char *why)
{
	int status = c->redirect_status;

	lws_set_wsi_user(wsi, NULL); /* nothing of this wsi concerns us any more */
	if (!status)
		status = (int)lws_http_client_http_response(wsi);
	if (!c->failure[0])
		snprintf(c->failure, sizeof(c->failure), "%s", why ? why : "the connection failed");
	if (c->is_connecting) {
		c->has_failed = true;
		return;
	}
	c->on_refused(c->user, status, c->location ? c->location : "", c->failure);
	ws_conn_gone(c);
}

static void ended(struct ws_conn *c, struct lws *wsi)
{
	if (!c->is_open) {
		refused(c, wsi, NULL);
		return;
	}
	lws_set_wsi_user(wsi, NULL);
	ws_conn_gone(c);
}

static void established(struct ws_conn *c, struct lws *wsi)
{
	c->is_open = true;
	c->deadline_ms = 0;
	c->heard_ms = uv_now(&c->ws->loop->uv);
	lws_get_peer_simple(wsi, c->peer, sizeof(c->peer));
	c->cb->on_open(c->user, c, NULL);
}

int ws_client_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		       size_t len)
{
	struct ws_conn *c = user;

	if (!c)
		return 0;
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return append_headers(c, wsi, in, len);
	case LWS_CALLBACK_CLIENT_HTTP_REDIRECT:
		redirected(c, (int)len, in);
		return 1; /* not followed here */
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		refused(c, wsi, in);
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		established(c, wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return ws_conn_receive(c, in, len);
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		ws_conn_pong(c);
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return ws_conn_writable(c);
	case LWS_CALLBACK_TIMER:
		return ws_conn_timer(c);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return ws_conn_peer_close(c, in, len);
	case LWS_CALLBACK_WS_CLIENT_DROP_PROTOCOL:
		if (c->is_open)
			ws_conn_dropped(c);
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP: /* while it waits for the answer */
	case LWS_CALLBACK_WSI_DESTROY:        /* the last one of all, if none of these came */
		ended(c, wsi);
		return 0;
	default:
		return 0;
	}
}

/* --- connecting ------------------------------------------------------------------------------ */

static struct ws_conn *conn_create(struct ws *ws, const struct ws_client_config *cfg)
{
	struct ws_conn *c = mem_zalloc(sizeof(*c));

	/* To read the CA bundle may have taken long since the turn began. */
	uv_update_time(&ws->loop->uv);
	ws_conn_init(c, ws);
	c->fd = -1;
	c->user = cfg->user;
	c->client_cb = *cfg->callbacks;
	c->cb = &c->client_cb;
	c->message_max = cfg->message_max_bytes;
	c->on_refused = cfg->on_refused;
	c->tls = url_is_tls(cfg->url);
	c->authorization = cfg->authorization ? mem_strdup(cfg->authorization) : NULL;
	c->ping_s = cfg->ping_s;
	c->pong_s = cfg->pong_s;
	c->deadline_ms = uv_now(&ws->loop->uv) + WS_HANDSHAKE_S * 1000;
	return c;
}

/* The Host header. lws cuts the port off again for SNI and the check of the certificate. */
static void host_text(const struct url *u, char *out, size_t size)
{
	bool is_v6 = strchr(u->host, ':') != NULL;
	const char *open = is_v6 ? "[" : "", *close = is_v6 ? "]" : "";

	if (u->port == (url_is_tls(u) ? 443 : 80))
		snprintf(out, size, "%s%s%s", open, u->host, close);
	else
		snprintf(out, size, "%s%s%s:%d", open, u->host, close, u->port);
}

static int start(struct ws_conn *c, const struct ws_client_config *cfg, struct lws_vhost *vhost)
{
	const struct url *u = cfg->url;
	char host[URL_HOST_MAX + 16];
	struct lws_client_connect_info info = {
		.context = c->ws->cx,
		.vhost = vhost,
		.address = cfg->address ? cfg->address : u->host,
		.port = u->port,
		.path = u->target,
		.host = host,
		.local_protocol_name = client_protocols[0].name,
		.alpn = "http/1.1",
		.ssl_connection = c->tls ? LCCSCF_USE_SSL : 0,
		.retry_and_idle_policy = &ws_no_keepalive,
		.userdata = c,
		.pwsi = &c->wsi,
	};
	struct lws *wsi;

	host_text(u, host, sizeof(host));
	c->is_connecting = true;
	wsi = lws_client_connect_via_info(&info);
	c->is_connecting = false;
	if (!wsi || c->has_failed)
		return -1;
	c->wsi = wsi;
	/* The limit of time that lws just set is seen only when lws is called. */
	c->ws->wants_service = true;
	return 0;
}

int ws_client_connect(struct ws *ws, const struct ws_client_config *cfg, struct ws_conn **out,
		      struct agni_err *err)
{
	const struct url *u = cfg->url;
	const char *ca = cfg->ca_file ? cfg->ca_file : "";
	struct lws_vhost *vhost;
	struct ws_conn *c;
	int rc;

	if (!url_is_tls(u) && !host_is_loopback(u->host))
		return agni_fail(err, AGNI_ETLS, "plain ws:// goes to loopback only, not to %s",
				 u->host);
	vhost = want_vhost(ws, url_is_tls(u), ca);
	if (!vhost)
		return agni_fail(err, AGNI_ETLS, "the CA bundle %s is not usable",
				 ca[0] ? ca : "of the system");
	c = conn_create(ws, cfg);
	if (start(c, cfg, vhost) < 0) {
		rc = agni_fail(err, AGNI_ECLOSED, "%s:%d: %s", u->host, u->port,
			       c->failure[0] ? c->failure : "cannot connect");
		ws_conn_gone(c);
		return rc;
	}
	*out = c;
	return 0;
}
