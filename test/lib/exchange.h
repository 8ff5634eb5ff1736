/* SPDX-License-Identifier: MIT
 *
 * exchange: a simulated exchange on a loop of its own, and feed clients of it, for tests.
 *
 * Everything runs until what is waited for has happened, or fails the test after a deadline.
 */
#ifndef AGNI_TEST_EXCHANGE_H
#define AGNI_TEST_EXCHANGE_H

#include "core/loop.h"
#include "http/client.h"
#include "pace.h"
#include "sim/sim.h"
#include "upstox/control.h"
#include "upstox/frame.h"
#include "ws/ws.h"

#define EXCHANGE_DEADLINE_MS 30000

struct exchange {
	struct clock clock;
	struct loop loop;
	struct ws *ws;
	struct http_client *http;
	struct sim *sim;
	struct sim_config cfg;
	uv_timer_t wake;  /* so that the loop never sleeps past a deadline */
	struct pace pace; /* its times are paced: see pace.h */
	int open_parts;   /* while going down */
	bool is_stopped;
};

/* Starts with the defaults plus `settings`: "key=value" each, ended by NULL. */
void exchange_up(struct exchange *x, const char *const *settings);

/* Stops the sim's module, as exchange_down does first if it has not been done. */
void exchange_stop(struct exchange *x);

/* Stops everything; fails the test when a handle is left. */
void exchange_down(struct exchange *x);

/* Runs the loop until `cond` holds; fails the test after EXCHANGE_DEADLINE_MS. */
void exchange_run(struct exchange *x, bool (*cond)(void *arg), void *arg);

/* Runs the loop for that long: for what must not happen. */
void exchange_run_ms(struct exchange *x, uint64_t ms);

struct exchange_reply {
	bool is_done;
	int status;
	char location[1024];
	char type[64];
	struct buf body; /* NUL-terminated */
};

/* One request, run until it is answered; `token` NULL: the sim's own, "": none. Redirects are not
 * followed. The reply may be used again; free its body with buf_fini. */
void exchange_call(struct exchange *x, const char *method, const char *path, const char *token,
		   struct exchange_reply *r);

/* POST /sim/fault?<query>, which must succeed. */
void exchange_fault(struct exchange *x, const char *query);

/* A counter of the sim by its metric's name. */
uint64_t exchange_counter(struct exchange *x, const char *name);

/* A client of the feed; keeps every message. */
struct peer {
	struct ws_conn *conn; /* NULL when there is no connection */
	bool is_open, is_closed;
	int close_code, refused_status;
	int texts;        /* text frames seen */
	struct buf *msgs; /* binary messages in order */
	uint32_t n, cap;
};

/* A one-use URI from authorize. */
void exchange_uri(struct exchange *x, char *out, size_t size);

/* Connects; runs until the connection is open or refused. */
void peer_connect(struct exchange *x, struct peer *p, const char *uri);

/* exchange_uri, then peer_connect, which must succeed. */
void peer_open(struct exchange *x, struct peer *p);

void peer_request(struct peer *p, enum control_method method, enum request_mode mode,
		  const char *const *keys, uint32_t n);

/* Runs until `n` messages in all have come, or the connection has ended. */
void peer_wait(struct exchange *x, struct peer *p, uint32_t n);
void peer_wait_close(struct exchange *x, struct peer *p);

/* Reads message `i`; frees nothing: call feed_frame_fini. */
void peer_frame(const struct peer *p, uint32_t i, struct feed_frame *f);

/* Closes when open, and frees the messages. */
void peer_fini(struct exchange *x, struct peer *p);

#endif
