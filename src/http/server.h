/* SPDX-License-Identifier: MIT
 *
 * server: an HTTP/1.1 server on llhttp that knows no route's meaning.
 *
 * One listener, a table of routes, one request at a time per connection (the rest of a pipeline
 * waits in the kernel). What the parser does not guard is guarded here: sizes and counts, Host, a
 * request whose length is ambiguous, obs-fold, total deadlines for head and body.
 *
 *      accept --> HEAD --> BODY --> HANDLING --> WRITING --> (keep-alive) HEAD
 *                   | 400 408 414 431  | 408 413       ^ http_respond(), now or later
 *                   +------------------+--> WRITING --> close
 *
 * Refused before a route is asked: 400 malformed or smuggling, 400 Host missing or twice, 403 Host
 * not loopback on a loopback listener, 404, 405 (with Allow), 408, 413, 414, 415 (when asked for),
 * 417, 431, 501 (transfer coding that is not chunked), 503 (too many connections), 505. All bodies are the JSON
 * error envelope of api docs: {"status":"error","error":{"code":"...","message":"..."}}.
 *
 * With a certificate the listener speaks TLS (1.2 at least) and nothing else: the handshake counts
 * against the head's deadline, and who speaks plain HTTP to it is told so with a plain 400. A new
 * certificate is for new connections; those that are there stay.
 */
#ifndef AGNI_HTTP_SERVER_H
#define AGNI_HTTP_SERVER_H

#include "core/err.h"
#include "core/loop.h"
#include "core/metrics.h"

struct http_server;
struct http_request;

struct http_header {
	const char *name; /* lower case */
	const char *value;
};

#define HTTP_CALLER_BYTES 256

/* Lent to the handler until http_respond(). */
struct http_request {
	const char *method; /* "GET" */
	const char *path;   /* percent-decoded, NUL-terminated; "+" is literal */
	const char *query;  /* raw, without "?"; "" when absent */
	const char *body;
	size_t body_len;
	const char *peer;   /* "127.0.0.1" */
	bool is_upgrade;    /* Connection: Upgrade was asked; answered like any request */
	const void *caller; /* what admit left there; NULL without one */
	void *caller_room;  /* HTTP_CALLER_BYTES, zeroed, for admit to use */
	void *server_private;
};

/* A header's value by lower-case name, or NULL. The first when repeated. */
const char *http_request_header(const struct http_request *r, const char *name);

/* The part of the path that "{name}" of the route's pattern matched (decoded; may hold "/" when it
 * is the last one), or NULL. */
const char *http_request_param(const struct http_request *r, const char *name);

/* A query parameter, decoded (%xx and "+" as a space) into `out` (a C string, cut at `size`).
 * False when it is absent. */
bool http_request_query(const struct http_request *r, const char *name, char *out, size_t size);

/* Answers, exactly once per request, now or in a later turn; `r` is dead afterwards. When the
 * client went away meanwhile nothing happens. `extra` is NULL or header lines, each ended by CRLF.
 */
void http_respond(struct http_request *r, int status, const char *content_type, const char *extra,
		  const void *body, size_t len);

/* The error envelope. The second form takes further header lines, as http_respond. */
void http_respond_error(struct http_request *r, int status, const char *code, const char *fmt, ...)
	AGNI_PRINTF(4, 5);
void http_respond_error_with(struct http_request *r, int status, const char *extra,
			     const char *code, const char *fmt, ...) AGNI_PRINTF(5, 6);

typedef void http_handler(void *arg, struct http_request *r);

struct http_route {
	const char *method;  /* "GET" (serves HEAD too), "POST"; NULL ends a table */
	const char *pattern; /* "/quotes/{key}": a last "{...}" takes the rest of the path */
	http_handler *handle;
	void *arg;
	int access; /* how much admit asks of the caller; 0: nothing */
};

struct http_limits {
	int64_t header_timeout_ms; /* accept or first byte to the end of the head, in all */
	int64_t body_timeout_ms;
	int64_t idle_timeout_ms;  /* kept-alive connection without a request */
	int64_t write_timeout_ms; /* an answer must have left by then, else close; 0: 10 s */
	int64_t head_max_bytes;
	int64_t target_max_bytes; /* the request line's target: 414 */
	int64_t headers_max;
	int64_t body_max_bytes;
	int64_t connections_max;
};

struct http_stats {
	uint64_t connections_total, connections, requests_total;
	uint64_t refused_total; /* answered 4xx or 5xx by the server itself, before a route */
	uint64_t tls_handshakes_total, tls_failed_total;
};

struct http_server_config {
	struct loop *loop;
	const char *host; /* an address, not a name */
	int port;         /* 0: the kernel chooses */
	struct http_limits limits;
	const struct http_route *routes; /* lent for the life of the server */
	size_t routes_n;                 /* 0: the table ends with method NULL */
	const char *tls_cert, *tls_key;  /* PEM files; NULL or "": plain */
	/* Asked once a route is found, before its handler; false: it has answered. NULL: all pass.
	 */
	bool (*admit)(void *arg, const struct http_route *route, struct http_request *r);
	void *admit_arg;
	bool json_only; /* a body that does not say application/json is answered 415 */
};

/* Binds; connections are accepted from http_server_listen on. On error nothing is left behind and
 * *out is NULL. Error text names the address ("127.0.0.1:8000: address already in use"). */
int http_server_create(const struct http_server_config *cfg, struct http_server **out,
		       struct agni_err *err) AGNI_MUST_USE;
int http_server_listen(struct http_server *s, struct agni_err *err) AGNI_MUST_USE;

/* Reads certificate and key again. On error the old ones stay. Only for a server that has some. */
int http_server_reload_tls(struct http_server *s, const char *cert, const char *key,
			   struct agni_err *err) AGNI_MUST_USE;

/* The bound port, known after create. */
int http_server_port(const struct http_server *s);
const struct http_stats *http_server_stats(const struct http_server *s);

/* Stops accepting, lets answers that are being written finish until `deadline_ns` (monotonic), then
 * closes everything and calls `done` once; the server is freed after it returns. */
void http_server_stop(struct http_server *s, uint64_t deadline_ns, void (*done)(void *arg),
		      void *arg);

#endif
