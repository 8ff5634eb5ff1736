/* SPDX-License-Identifier: MIT
 *
 * parts: what tests of one module on a real loop need around it: starting and stopping it, an HTTP
 * client, what was logged, and a market (book, tape, interest table) that the test itself writes.
 */
#ifndef AGNI_TEST_PARTS_H
#define AGNI_TEST_PARTS_H

#include "core/module.h"
#include "http/client.h"
#include "http/server.h"
#include "market/book.h"
#include "market/interest.h"
#include "market/upstream.h"
#include "tape/tape.h"
#include "ws_peer.h"

#define PARTS_WAIT_MS PATIENCE_MS

/* --- modules ---------------------------------------------------------------------------------- */

/* start() and listen(); fails the test with the reason. */
void module_up(struct module *m);

/* stop(), and turns until it is done; fails the test when that takes PARTS_WAIT_MS. */
void module_down(struct ws_rig *r, struct module *m);

/* A counter or gauge by its metric's name. */
uint64_t module_metric(const struct module *m, const char *name);

/* Closes the client and turns until it is gone. */
void http_client_down(struct ws_rig *r, struct http_client *c);

/* A server on a free port of 127.0.0.1, with limits that no test meets; loop, host and limits of `cfg`
 * need not be set. */
struct http_server *http_server_up(struct ws_rig *r, const struct http_server_config *cfg);

/* Stops the server and turns until it is gone. */
void http_server_down(struct ws_rig *r, struct http_server *s);

/* Turns until `cond` holds; fails the test after PARTS_WAIT_MS. */
void rig_until(struct ws_rig *r, bool (*cond)(void *arg), void *arg);

/* --- one HTTP request ------------------------------------------------------------------------- */

struct answer {
	const char *authorization; /* sent along; NULL: none */
	bool is_done;
	int code, status; /* as in struct http_result */
	char type[128];
	struct buf body; /* NUL-terminated */
};

/* Turns until it is answered; `method` NULL: GET. Free the body with buf_fini, or use it again. */
void http_ask(struct ws_rig *r, struct http_client *c, int port, const char *method,
	      const char *target, struct answer *a);

/* --- the log ---------------------------------------------------------------------------------- */

/* From now on lines of every level go to a file of ours instead of stderr. */
void log_capture(void);

/* All that was captured so far; lent until the next call. */
const char *log_captured(void);
void log_release(void);

/* --- a market --------------------------------------------------------------------------------- */

struct market {
	struct loop *loop;
	struct book book;
	struct tape tape;
	struct interest interest;
	struct upstream_status status; /* what the view answers */
	bool is_stale;
	struct upstream_view view;
};

void market_init(struct market *m, struct loop *loop);
void market_fini(struct market *m);

/* One message with one entry: merged, taped, published. Returns the slot. */
const struct slot *market_tick(struct market *m, const char *key, const struct quote *q);

/* A tick that carries the price alone, in 1/10000 rupee, and the time. */
const struct slot *market_ltp(struct market *m, const char *key, price_t ltp);

#endif
