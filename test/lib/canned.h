/* SPDX-License-Identifier: MIT
 *
 * canned: a TCP server on the test's loop that says the same bytes to everyone who connects, after
 * the peer has spoken first when asked to wait, and then stays silent.
 */
#ifndef AGNI_TEST_CANNED_H
#define AGNI_TEST_CANNED_H

#include <stdbool.h>

#include <uv.h>

struct canned {
	uv_tcp_t tcp;
	const char *text; /* lent */
	size_t len;
	bool waits; /* for the first bytes of the peer */
	unsigned accepted;
};

/* Listens on 127.0.0.1, any port; returns the port. */
int canned_start(struct canned *c, uv_loop_t *loop, const char *text, size_t len, bool waits);

/* Stops listening. Connections end when the peer ends them. */
void canned_stop(struct canned *c);

#endif
