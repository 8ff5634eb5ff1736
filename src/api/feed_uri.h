/* SPDX-License-Identifier: MIT
 *
 * feed_uri: the one-use address of the feed in the broker's protocol, as authorize and the redirect
 * of http.listen give it out.
 *
 *     ws://127.0.0.1:8080/v3/feed/market-data-feed?requestId=<uuid>&code=<ticket>
 *
 * The code is a ticket (auth/tickets.h) with the rights of the key that asked. Where no key is asked
 * for there is none: the address is good for everybody, as it would be without the query.
 */
#ifndef AGNI_API_FEED_URI_H
#define AGNI_API_FEED_URI_H

#include "auth/auth.h"

/* Where stream.listen is; filled when it is known. */
struct feed_door {
	int port;
	bool is_tls;
};

/* Appends the address to `out`, under the name by which the asker knows this machine (`host`: the
 * Host header of the request). False, and `why` is what to answer. `auth` may be NULL. */
bool feed_uri_write(struct buf *out, struct auth *auth, const struct auth_caller *caller,
		    const struct feed_door *door, const char *host, struct auth_refusal *why);

#endif
