/* SPDX-License-Identifier: MIT
 *
 * ws_peer: the other end of a WebSocket, by hand: a plain TCP socket with a parser and a writer of
 * RFC 6455 that share nothing with the code under test, and the rig that turns the loop for both.
 *
 * Everything happens in one thread: ws_rig_turn() lets every peer read and write what its socket
 * takes, then turns the loop once. A peer notes the first breach of the protocol by the other side
 * in `fault`.
 */
#ifndef AGNI_TEST_WS_PEER_H
#define AGNI_TEST_WS_PEER_H

#include "core/buf.h"
#include "core/clock.h"
#include "core/loop.h"
#include "pace.h"
#include "ws/ws.h"

struct ws_rig {
	struct clock clock;
	struct loop loop;
	struct ws *ws;
	uv_timer_t pulse; /* the loop never sleeps longer than a millisecond */
	struct list peers;
	struct pace pace; /* since the rig is up; all times of the rig are paced, see pace.h */
	bool is_destroyed;
};

struct ws_peer_frame {
	bool is_fin;
	int rsv, op;
	size_t at, len; /* payload in peer->data */
};

struct ws_peer {
	struct list link;
	int fd;
	bool is_server;   /* accepted from our client: does not mask, expects masks */
	bool is_ws;       /* the handshake is through */
	bool may_deflate; /* RSV1 is allowed on the first frame of a message */
	bool is_deaf;     /* reads nothing */
	size_t read_max;  /* bytes per turn; 0: all there is */
	size_t chop;      /* bytes written per turn; 0: all that fit */
	bool is_eof;      /* the other side closed, or the connection broke */
	struct buf head;  /* of the HTTP answer, or of the request when is_server */
	struct buf in;    /* read, not parsed yet */
	struct buf out;   /* to be written, from out_at on */
	size_t out_at;
	struct buf data; /* payloads of all frames */
	struct ws_peer_frame *frames;
	size_t frames_n, frames_cap;
	bool has_close, is_in_message;
	const char *fault; /* static; NULL while the other side behaves */
};

void ws_rig_up(struct ws_rig *r);

/* Destroys the context, closes peers and loop; fails the test when something is left. */
void ws_rig_down(struct ws_rig *r);

/* Fails the test when the rig has turned for minutes. */
void ws_rig_turn(struct ws_rig *r);

/* Turns until `cond` holds; false after `ms` milliseconds. */
bool ws_rig_until(struct ws_rig *r, bool (*cond)(void *arg), void *arg, int ms);

/* Turns for `ms` milliseconds: for what must not happen. */
void ws_rig_for(struct ws_rig *r, int ms);

/* Milliseconds since the rig is up: for what must not take longer. What must not take less time is
 * held against the clock on the wall. */
int64_t ws_rig_ms(const struct ws_rig *r);

/* Connects to 127.0.0.1:port; rcvbuf 0: the kernel's. */
struct ws_peer *ws_peer_connect(struct ws_rig *r, int port, int rcvbuf);

/* Takes one connection from a listening socket of ws_peer_listen(). */
int ws_peer_listen(int *port);
struct ws_peer *ws_peer_accept(struct ws_rig *r, int listener, int ms);

/* A complete request for `target`, `extra` ("" or lines with CRLF) before its end. */
void ws_peer_request(struct ws_peer *p, const char *target, const char *extra);

/* ws_peer_connect, ws_peer_request and the wait for 101. */
struct ws_peer *ws_peer_open(struct ws_rig *r, int port, const char *target, const char *extra);

/* Answers our client's request with 101. */
void ws_peer_welcome(struct ws_rig *r, struct ws_peer *p);

void ws_peer_raw(struct ws_peer *p, const void *bytes, size_t len);

/* One frame: byte0 is FIN, RSV and opcode. Masked as the side demands. */
void ws_peer_frame(struct ws_peer *p, int byte0, const void *payload, size_t len);
void ws_peer_close(struct ws_peer *p, int code, const char *reason);

/* Closes the socket at once. */
void ws_peer_hang_up(struct ws_peer *p);

/* The status of the HTTP answer, 0 before it is complete. */
int ws_peer_status(const struct ws_peer *p);

/* The n-th frame and its payload; NULL when there is none. */
const struct ws_peer_frame *ws_peer_get(const struct ws_peer *p, size_t n);
const char *ws_peer_payload(const struct ws_peer *p, const struct ws_peer_frame *f);

/* Waits for at least n frames, the answer's head, the end; false after PATIENCE_MS. */
bool ws_peer_wait_frames(struct ws_rig *r, struct ws_peer *p, size_t n);
bool ws_peer_wait_head(struct ws_rig *r, struct ws_peer *p);
bool ws_peer_wait_eof(struct ws_rig *r, struct ws_peer *p);

/* The code of the close frame that came; 0: none, or an empty one. */
int ws_peer_close_code(const struct ws_peer *p);

#endif
