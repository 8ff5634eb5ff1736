/* SPDX-License-Identifier: MIT
 *
 * http_world: an HTTP client on a loop of its own, what a call came to, and a peer that answers one
 * connection after the other with what it was told.
 */
#ifndef AGNI_TEST_HTTP_WORLD_H
#define AGNI_TEST_HTTP_WORLD_H

#include "core/buf.h"
#include "http/client.h"

#define HTTP_WORLD_DEADLINE_MS 30000

/* Enough to get as far as the test wants, also on a machine that is busy. */
#define HTTP_WORLD_SHORT_MS 1500

struct http_world {
	struct clock clock;
	struct loop loop;
	struct http_client *client;
	uv_timer_t timer;
	bool is_late, is_closing, is_closed;
};

/* ca_file: whom https trusts; NULL = the system's. */
void http_world_up(struct http_world *w, const char *ca_file);

/* Turns until `cond`; false when that takes longer than the deadline. */
typedef bool http_cond_fn(const void *arg);
bool http_world_until(struct http_world *w, http_cond_fn *cond, const void *arg);

/* The client closes, idle connections too; then no handle may be left. */
void http_world_close(struct http_world *w); /* begins it, for a test that looks at this moment */
void http_world_down(struct http_world *w);

/* What `done` was told, copied. */
struct http_outcome {
	int calls;
	int code, status;
	char error[300], url[300], content_type[64], location[300], etag[64];
	int64_t retry_after_s;
	char body[4096];
	size_t body_len;
};

void http_outcome_take(void *arg, const struct http_result *r); /* a `done`; arg: the outcome */
bool http_outcome_is_there(const void *arg);

/* GET of `url` (lent), redirects followed, bodies up to 4000 bytes. */
struct http_call_options http_get_of(const char *url);

/* Starts the call, which must not end from inside; and turns until it has ended, once. */
void http_call_to_the_end(struct http_world *w, const struct http_call_options *o,
			  struct http_outcome *out);

/* The answer to a GET of `url` must be none, with this code, and the reason must hold `part`. */
void http_check_fails(struct http_world *w, const char *url, int code, const char *part);

/* --- a peer ------------------------------------------------------------------------------------ */

/* Answers the n-th connection with answers[n] when its head is complete; NULL: never. */
struct http_peer {
	struct http_world *w;
	uv_tcp_t listener;
	const char *answers[12];
	int served;
	int port;
	int open;
	struct buf seen; /* all requests */
};

void http_peer_up(struct http_peer *p, struct http_world *w);
void http_peer_down(struct http_peer *p);

/* http://HOST:port/path in a static buffer. */
const char *http_peer_url(const struct http_peer *p, const char *host, const char *path);

/* An answer with `n` times `c` in the middle. The caller frees. */
char *http_long_answer(const char *head, char c, size_t n, const char *tail);

#endif
