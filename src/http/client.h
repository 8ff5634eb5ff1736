/* SPDX-License-Identifier: MIT
 *
 * client: HTTP/1.1 requests on the loop, with TLS that is always verified.
 *
 *      RESOLVE --> CONNECT --> TLS --> SEND --> HEAD --> BODY --> done
 *         +----------+----------+--------+-------+--------+-----> done with an error
 *
 * A connection whose answer is complete waits for another call to the same origin, for a while, if
 * the peer agrees. When it turns out to be closed the call is made once more on a new one, unless it
 * is a POST that `may_repeat` does not allow that: these begin with a new connection always. Names are resolved off the loop (uv_getaddrinfo). For
 * https the certificate chain is checked against the CA bundle and the name against the URL's host;
 * there is no way to switch that off. Plain http is refused for hosts that are not loopback.
 * Redirects are followed for GET when asked, at most 5, each checked again; `Authorization` is sent
 * to the first origin only and never to another (scheme, host or port differ).
 */
#ifndef AGNI_HTTP_CLIENT_H
#define AGNI_HTTP_CLIENT_H

#include "core/err.h"
#include "core/buf.h"
#include "core/loop.h"
#include "core/url.h"

struct http_client;
struct http_call;

/* `ca_file`: PEM bundle; NULL or "" = the system's (/etc/ssl/certs/ca-certificates.crt and the
 * usual other places). It is read at the first https call. The client must outlive its calls. */
struct http_client *http_client_create(struct loop *loop, const char *ca_file);

/* At most `max` connections wait for another call, each for at most `idle_ms`; 0: none, every call
 * has a connection of its own. At the start: 8, 30 s. */
void http_client_keep(struct http_client *c, unsigned max, uint64_t idle_ms);

/* Cancels every call (their `done` gets AGNI_ECANCELED), then `done` once when no handle is left;
 * the client is freed after it returns. */
void http_client_close(struct http_client *c, void (*done)(void *arg), void *arg);

struct http_call_options {
	const char *method;        /* "GET" */
	const char *url;           /* absolute http(s):// */
	const char *authorization; /* "Bearer ..." or NULL; copied, wiped after use */
	const char *headers;       /* NULL or lines, each ended by CRLF */
	const void *body;          /* copied */
	size_t body_len;
	uint64_t timeout_ms;   /* total, from call to done; > 0 */
	size_t response_max;   /* body bytes; more is AGNI_ELIMIT */
	bool may_repeat;       /* a POST whose receiver knows it when it comes twice */
	bool follow_redirects; /* else a 3xx is a result like any other */
};

/* Lent to `done`. */
struct http_result {
	int code; /* 0, or why there is no answer: AGNI_ETIMEDOUT, AGNI_ETLS, AGNI_EPARSE, UV_... */
	const char *error; /* one line; "" when code == 0 */
	int status;        /* HTTP status when code == 0 */
	int head_status;   /* of the head, also where what follows it was cut off; 0: none came */
	const char *content_type; /* "" when absent */
	const char *location;     /* "" when absent */
	const char *etag;
	int64_t retry_after_s; /* -1 when absent or not a number */
	const char *url;       /* after redirects, without the query */
	const char *body;      /* NUL-terminated for convenience */
	size_t body_len;
	struct buf *
		bytes; /* what `body` lies in; who takes it (a large one) leaves it zeroed; NULL: none */
};

typedef void http_done_fn(void *arg, const struct http_result *result);

/* Starts a call; `done` is called exactly once, never from inside http_call_start. NULL with the
 * reason in `err` when the options are wrong (URL, plain http to a foreign host). */
struct http_call *http_call_start(struct http_client *c, const struct http_call_options *o,
				  http_done_fn *done, void *arg,
				  struct agni_err *err) AGNI_MUST_USE;

/* No `done` will be called. Allowed until `done` runs. */
void http_call_cancel(struct http_call *call);

#endif
