/* SPDX-License-Identifier: MIT
 *
 * guard: what a request must be before a body is read, beyond what the parser knows.
 *
 *   version   1.0 or 1.1                                                    505 http_version
 *   length    one Content-Length, or Transfer-Encoding "chunked" (on 1.1), never both    400, 501
 *             at most body_max                                         413 payload_too_large
 *   Host      exactly one on 1.1, at most one on 1.0, host[:port]             400 bad_request
 *             names loopback, when the listener is on loopback         403 host_not_allowed
 *   Authorization  at most one                                              400 bad_request
 *   Expect    100-continue or nothing                                417 expectation_failed
 *   target    a path, or http://host/path; decodes                            400 bad_request
 *   method    not CONNECT                                                501 not_implemented
 *
 * The Host rule keeps a web page from reaching a server on its visitor's machine under a name that
 * it made resolve there (DNS rebinding).
 */
#ifndef AGNI_HTTP_GUARD_H
#define AGNI_HTTP_GUARD_H

#include "http/message.h"
#include "http/target.h"

struct guard_rules {
	bool loopback_only; /* the listener is on loopback: so must be the Host */
	int64_t body_max;   /* bytes */
};

/* Checks the head `m` and takes its target apart. Returns true, or false with the reason. */
bool guard_check(const struct message *m, const struct guard_rules *rules, struct target *target,
		 struct http_fault *fault);

/* Whether the client waits for "100 Continue" before it sends the body. Only after guard_check. */
bool guard_wants_continue(const struct message *m);

#endif
