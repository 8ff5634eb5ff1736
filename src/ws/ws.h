/* SPDX-License-Identifier: MIT
 *
 * ws: WebSocket servers and clients on the one libwebsockets context, a guest on our loop.
 *
 * Nothing outside this folder includes libwebsockets.h. A server is a listener with callbacks; a
 * connection delivers whole messages (fragments are joined up to a limit, then 1009) and takes
 * frames that were built once for all readers:
 *
 *   ws_conn_send()   many ready frames in one buffer. Straight to the socket when nothing is
 *                    half-sent; the rest of a partial write goes through libwebsockets, so that it
 *                    puts its own PONG and CLOSE behind it (performance.md, "hybrid"). TLS goes
 *                    through libwebsockets whole. Where permessage-deflate was negotiated, long
 *                    frames are compressed first, each by itself
 *   on_writable      comes once after WS_FULL, when the socket takes bytes again
 *
 * A connection dies through on_close, exactly once, also when we close it; afterwards the pointer
 * is dead. Callbacks may call ws_conn_send, ws_conn_close and ws_conn_abort of any connection, and
 * ws_client_connect; not ws_destroy.
 *
 * What libwebsockets 4.1.6 (Debian 12) does not do, and nothing here can change: it takes client
 * frames that are not masked; of several pings that wait it answers one; it closes without a frame
 * on control frames that are too long, on lengths above 2^63 and on compressed bytes that do not
 * inflate; it closes without an answer on a head above 16 KiB and on what is no HTTP request; it
 * takes the method "get"; it does not tell of pings.
 */
#ifndef AGNI_WS_WS_H
#define AGNI_WS_WS_H

#include "core/buf.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/url.h"

struct ws;
struct ws_server;
struct ws_conn;

enum ws_opcode { WS_TEXT = 1, WS_BINARY = 2, WS_PING = 9 };

/* Close codes of RFC 6455 that we use. */
enum {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_GOING_AWAY = 1001,
	WS_CLOSE_PROTOCOL = 1002,
	WS_CLOSE_BAD_TEXT = 1007,
	WS_CLOSE_POLICY = 1008,
	WS_CLOSE_TOO_BIG = 1009
};

/* The context. Returns 0, or an error. Call before any server or client. */
int ws_create(struct loop *loop, struct ws **out, struct agni_err *err) AGNI_MUST_USE;

/* Closes every listener and connection (on_close runs for each, on_refused for clients that were
 * still connecting) and frees the context; `done` runs when no handle is left. Not from inside a
 * callback of this folder. */
void ws_destroy(struct ws *ws, void (*done)(void *arg), void *arg);

/* --- servers --------------------------------------------------------------------------------- */

#define WS_ROOM_BYTES 256

/* A handshake, before it is answered. Strings are lent; "" when absent. */
struct ws_handshake {
	const char *path;  /* without the query, percent-decoded */
	const char *query; /* decoded too, "&" between arguments */
	const char *host;
	const char *origin;
	const char *authorization;
	const char *peer; /* "127.0.0.1" */
	/* WS_ROOM_BYTES, zeroed, for on_handshake to leave something (plain data) that on_open of
	 * the same connection finds there. */
	void *room;
};

/* What a refusal answers; preset to 403 with an empty body. */
struct ws_refusal {
	int status;
	int64_t retry_after_s;    /* Retry-After; 0: none */
	const char *content_type; /* static */
	char body[2048];
};

struct ws_callbacks {
	/* True lets the handshake pass. Called once per upgrade request. May be NULL: all pass. */
	bool (*on_handshake)(void *arg, const struct ws_handshake *h, struct ws_refusal *refusal);
	/* A connection is up; what it returns is its user pointer. `h` is the handshake again.
	 * Clients get h == NULL and return what ws_client was given (the return value is ignored).
	 */
	void *(*on_open)(void *arg, struct ws_conn *c, const struct ws_handshake *h);
	void (*on_message)(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
			   size_t len);
	void (*on_writable)(void *user, struct ws_conn *c);
	/* `code` 0 when there was no close frame (1006 in other APIs). `user` NULL if on_open did
	 * not run. */
	void (*on_close)(void *user, struct ws_conn *c, int code, const char *reason);
	/* A pong of the peer, asked for or not. May be NULL. */
	void (*on_pong)(void *user, struct ws_conn *c);
	/* A GET that asks for no upgrade. True: `answer`, of any status, is given, and the
	 * connection ends. False, or NULL: 426. There is no room in the handshake. */
	bool (*on_request)(void *arg, const struct ws_handshake *h, struct ws_refusal *answer);
};

struct ws_server_config {
	const char *name;               /* of the vhost; unique in the process */
	const char *host;               /* an address */
	int port;                       /* 0: the kernel chooses */
	const char *tls_cert, *tls_key; /* PEM files; NULL or "": plain */
	const struct ws_callbacks *callbacks;
	void *arg;
	size_t message_max_bytes; /* 1009 beyond */
	uint16_t ping_s,
		pong_s; /* idle seconds until a ping; and on until the peer is dead; 0: none */
	bool deflate;   /* offer permessage-deflate to clients that ask */
	uint32_t clients_max; /* more are answered 503 */
	int rx_buffer_bytes;  /* 0: default */
	int sndbuf_bytes;     /* SO_SNDBUF of accepted sockets; 0: the kernel's */
};

/* Listens at once. Error text names the address. */
int ws_server_create(struct ws *ws, const struct ws_server_config *cfg, struct ws_server **out,
		     struct agni_err *err) AGNI_MUST_USE;
int ws_server_port(const struct ws_server *s);

/* Reads certificate and key again, for connections from now on; those that are there stay. 0, or
 * AGNI_ETLS with the reason, and the old ones stay. Only for a server that has some. */
int ws_server_reload_tls(struct ws_server *s, struct agni_err *err) AGNI_MUST_USE;

/* No new connections (they are answered 503); those that are there stay. */
void ws_server_stop_accepting(struct ws_server *s);

/* --- clients --------------------------------------------------------------------------------- */

struct ws_client_config {
	const struct url *url;     /* ws or wss; ws to loopback only */
	const char *address;       /* the resolved address; NULL: url->host is an address */
	const char *authorization; /* "Bearer ..." or NULL; copied */
	const char *ca_file;       /* PEM bundle for wss; NULL or "": the system's */
	const struct ws_callbacks *callbacks; /* on_handshake unused */
	void *user;
	/* The handshake failed: HTTP status (0: no answer), Location of a 3xx ("" else), why in one
	 * line. Also after ws_conn_abort or ws_conn_close of a client that is not open yet (status
	 * 0, "aborted"). No other callback follows. Never called from inside ws_client_connect. */
	void (*on_refused)(void *user, int status, const char *location, const char *why);
	size_t message_max_bytes;
	uint16_t ping_s, pong_s;
};

/* Starts to connect; 10 s for TCP, TLS and the answer. When it returns 0 exactly one end follows:
 * on_refused, or on_open and later on_close. Otherwise nothing follows: AGNI_ETLS (plain ws to a
 * foreign host, CA bundle not usable) or AGNI_ECLOSED. A CA bundle is read once per path. */
int ws_client_connect(struct ws *ws, const struct ws_client_config *cfg, struct ws_conn **out,
		      struct agni_err *err) AGNI_MUST_USE;

/* --- connections ----------------------------------------------------------------------------- */

/* Bytes of header in front of a payload of `len` bytes in an unmasked (server) frame: 2, 4 or 10.
 */
size_t ws_header_len(size_t len);

/* Writes that header (FIN set, opcode `op`) to `out`, room for 10 bytes; returns its length. */
size_t ws_header_write(char out[10], enum ws_opcode op, size_t len);

/* One whole frame at the end of `b`: header and payload. */
void ws_frame_append(struct buf *b, enum ws_opcode op, const void *payload, size_t len);

enum ws_sent {
	WS_SENT,  /* taken whole: by the kernel, or the rest by libwebsockets */
	WS_FULL,  /* nothing was taken; on_writable will come */
	WS_CLOSED /* the connection is closing: forget it, on_close comes */
};

/* Server side: sends whole frames as built by ws_frame_append. */
enum ws_sent ws_conn_send(struct ws_conn *c, const void *frames, size_t len);

/* Client side: sends one message, masked. Queued inside until the socket takes it (control messages
 * only; small). */
void ws_conn_send_message(struct ws_conn *c, enum ws_opcode op, const void *data, size_t len);

/* Sends a close frame with code and reason (cut at 123 bytes) behind what was taken before, and
 * closes; a peer that does not take or answer it is cut off after 2 s. on_close will come, with
 * this code, not from inside this call. */
void ws_conn_close(struct ws_conn *c, int code, const char *reason);

/* Closes the TCP connection without a close frame, as a fault would. on_close will come (on_refused
 * when a client was still connecting), not from inside this call. */
void ws_conn_abort(struct ws_conn *c);

void ws_conn_set_user(struct ws_conn *c, void *user);

/* From now on the connection tells these; for an on_open whose listener speaks several protocols.
 * Lent for the life of the connection. */
void ws_conn_set_callbacks(struct ws_conn *c, const struct ws_callbacks *cb);
const char *ws_conn_peer(const struct ws_conn *c);
int ws_conn_fd(const struct ws_conn *c); /* of a server's connection */

/* The next send will be to this one: what it looks at is fetched meanwhile. NULL is fine. */
void ws_conn_look_ahead(const struct ws_conn *c);

/* Whether bytes are still waiting inside libwebsockets. */
bool ws_conn_is_behind(const struct ws_conn *c);

#endif
