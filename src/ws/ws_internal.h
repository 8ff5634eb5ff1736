/* SPDX-License-Identifier: MIT
 *
 * ws_internal: what context, server, client and connection share inside this folder.
 */
#ifndef AGNI_WS_INTERNAL_H
#define AGNI_WS_INTERNAL_H

#include <libwebsockets.h>
#include <zlib.h>

#include "ws/ws.h"

#define WS_NAME_MAX   32
#define WS_REASON_MAX 124
/* lws 4.1.6 gives the kernel 4 KiB per write and copies the rest to the heap unless told so. */
#define WS_TX_PACKET (1 << 20)
/* Bytes that lws reads at once; also bounds what one read callback may hand us. */
#define WS_READ_BYTES 65536
/* Total time for TCP, TLS and the HTTP head of a handshake, both sides. */
#define WS_HANDSHAKE_S 10
/* From our close frame, or the peer's, to the end of the connection. */
#define WS_CLOSE_MS 2000
/* TLS 1.2 at least, whatever the system's OpenSSL configuration says. */
#define WS_TLS_OPTIONS ((long)(SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1))
/* With TLS 1.2: ephemeral keys and authenticated encryption only. */
#define WS_TLS_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
/* Keepalive and deadlines are looked at this often. */
#define WS_TICK_MS 500

struct ws {
	struct loop *loop;
	struct lws_context *cx; /* lws writes NULL over it when it is gone */
	uv_prepare_t kick;      /* see on_prepare in ws.c */
	uv_timer_t tick;
	uv_idle_t spin;            /* turns the loop while the context dies */
	int handles;               /* of these three, not closed yet */
	int turns;                 /* since lws_context_destroy() */
	bool wants_service;        /* a timer was set outside of lws: it has to look at its list */
	struct list servers;       /* struct ws_server */
	struct list client_vhosts; /* one per CA bundle */
	struct list conns;         /* struct ws_conn, both sides, handshaking clients too */
	z_stream z;                /* deflate.c; one for all: every message starts afresh */
	bool has_z;
	struct buf deflated;
	void (*done)(void *arg);
	void *done_arg;
};

struct ws_server {
	struct list link; /* in ws->servers */
	struct ws *ws;
	struct lws_vhost *vhost;
	struct ws_callbacks cb;
	void *arg;
	char name[WS_NAME_MAX];
	char host[64];     /* lws 4.3 keeps a pointer to it for the life of the vhost */
	char protocol[64]; /* what lws takes for our subprotocol: see accept_subprotocol() */
	size_t message_max;
	uint32_t clients, clients_max;
	uint16_t ping_s, pong_s;
	int sndbuf;
	bool tls, is_closed;
	char *tls_cert, *tls_key; /* paths; NULL: plain */
	/* What on_handshake left for on_open, and of which connection: lws calls both from one
	 * call. */
	_Alignas(max_align_t) char room[WS_ROOM_BYTES];
	const struct lws *room_of;
	/* libwebsockets keeps pointers to these for the life of the vhost. */
	struct lws_protocols protocols[2];
	struct lws_extension extensions[2];
};

/* What a send looks at stands in front: one cache line. */
struct ws_conn {
	struct lws *wsi;
	struct ws_server *server; /* NULL: a client */
	struct ws *ws;
	int fd;          /* of a server's connection; else -1 */
	bool is_closing; /* no more sends */
	bool deflate, tls;
	bool is_open;     /* on_open ran */
	struct list link; /* in ws->conns */
	void *user;
	const struct ws_callbacks *cb;
	struct buf rx; /* fragments of the message under way */
	struct buf tx; /* clients: messages that wait for their turn, as unmasked frames */
	size_t tx_at;  /* consumed bytes of tx */
	size_t message_max;
	uint16_t ping_s, pong_s;
	uint64_t heard_ms;    /* loop time at which the peer last said something */
	uint64_t pinged_ms;   /* when our unanswered ping went out; 0: none */
	uint64_t deadline_ms; /* of the handshake or the closing; 0: none */
	int close_code;       /* what we send, once closing; what the peer sent, once it did */
	char close_reason[WS_REASON_MAX];
	char peer[64];
	bool is_aborted;
	bool wants_close;    /* the close frame is not with lws yet */
	bool wants_writable; /* the user was told WS_FULL */
	/* clients only */
	void (*on_refused)(void *user, int status, const char *location, const char *why);
	struct ws_callbacks client_cb;
	char *authorization; /* wiped once the handshake was sent */
	char *location;      /* of a redirect; NULL: none */
	int redirect_status;
	bool is_connecting; /* inside lws_client_connect_via_info */
	bool has_failed;    /* it failed there */
	char failure[128];
};

/* Switches the keepalive of lws off (it is on by default); keepalive.c tells why. */
extern const lws_retry_bo_t ws_no_keepalive;

/* The protocol callbacks that libwebsockets calls. */
int ws_server_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		       size_t len);
int ws_client_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		       size_t len);

void ws_server_reset_protocol(struct ws_server *s);
void ws_server_free(struct ws_server *s);

/* The client's vhosts of `ws` are freed when lws is gone. */
void ws_client_vhosts_free(struct ws *ws);

/* --- handshake.c ----------------------------------------------------------------------------- */

#define WS_FIELD_MAX 2048

/* Copies of the headers of one handshake, on the stack of the callback. */
struct ws_handshake_text {
	char path[WS_FIELD_MAX], query[WS_FIELD_MAX], host[512], origin[512];
	char authorization[WS_FIELD_MAX];
	char peer[64];
	struct ws_handshake view;
};

/* False when a header is longer than we take. */
bool ws_handshake_read(struct lws *wsi, struct ws_handshake_text *t);

/* LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: 0 lets it pass, else it was answered. */
int ws_handshake_judge(struct ws_server *s, struct lws *wsi, const char *upgrade);

/* LWS_CALLBACK_HTTP: a request that does not ask for an upgrade. Always returns -1: answered. */
int ws_handshake_missing(struct ws_server *s, struct lws *wsi);

/* LWS_CALLBACK_CONFIRM_EXTENSION_OKAY: 0 or 1 (declined). */
int ws_handshake_extension(struct lws *wsi);

/* --- conn.c, send.c, keepalive.c ------------------------------------------------------------- */

/* Links it; time counts from now. */
void ws_conn_init(struct ws_conn *c, struct ws *ws);

/* One piece of a message arrived. Returns 0, or -1 when the connection has to go. */
int ws_conn_receive(struct ws_conn *c, const void *in, size_t len);

/* A pong of the peer. */
void ws_conn_pong(struct ws_conn *c);

/* The socket takes bytes. Returns 0, or -1 when the connection has to go. */
int ws_conn_writable(struct ws_conn *c);

/* The timer that ws_conn_writable sets: 0, or -1 when the close frame may go. */
int ws_conn_timer(struct ws_conn *c);

/* The peer sent a close frame with these bytes. Returns 0, or -1 when it is not a proper one. */
int ws_conn_peer_close(struct ws_conn *c, const void *in, size_t len);

/* libwebsockets begins to close, for whatever reason: nothing may be sent any more. */
void ws_conn_dropped(struct ws_conn *c);

/* The connection is gone: tells the user and frees. */
void ws_conn_gone(struct ws_conn *c);

/* Client side: gives the next queued message to lws. Returns 0, or -1. */
int ws_conn_send_queued(struct ws_conn *c);

/* Sends a ping, behind anything half-sent. */
void ws_conn_ping(struct ws_conn *c);

/* The timer of `ws`: pings, and the end of those that are past a deadline. */
void ws_tick(uv_timer_t *timer);

/* --- frame.c, deflate.c ---------------------------------------------------------------------- */

struct ws_frame {
	enum ws_opcode op;
	const char *payload;
	size_t len;
	size_t whole; /* header and payload */
};

/* The unmasked frame at the front of `bytes`, as ws_frame_append built it. */
struct ws_frame ws_frame_read(const char *bytes);

/* The same frames with compressed payloads where that is shorter, in a buffer of `ws` that the next
 * call overwrites. */
const struct buf *ws_deflate(struct ws *ws, const char *frames, size_t len);
void ws_deflate_fini(struct ws *ws);

#endif
