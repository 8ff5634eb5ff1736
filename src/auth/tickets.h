/* SPDX-License-Identifier: MIT
 *
 * tickets: what a browser may put into a URL, because it cannot send a header with a WebSocket
 * handshake: good once, for half a minute, with the rights of the key that asked for it.
 *
 *      POST /ws-ticket --> tickets_issue --> /ws?ticket=... --> tickets_redeem: gone
 */
#ifndef AGNI_AUTH_TICKETS_H
#define AGNI_AUTH_TICKETS_H

#include "core/clock.h"

#define TICKET_LEN         64 /* hex digits: 256 random bits */
#define TICKETS_MAX        1024
#define TICKETS_PER_HOLDER 64 /* no key can use the table up */

struct ticket {
	char text[TICKET_LEN + 1]; /* "" when free */
	uint64_t holder;
	mono_ns expires_ns;
};

struct tickets {
	struct ticket all[TICKETS_MAX];
};

/* A ticket for `holder` into `text`. False when the holder has TICKETS_PER_HOLDER, or all together
 * TICKETS_MAX, that are neither used nor expired. */
bool tickets_issue(struct tickets *t, uint64_t holder, mono_ns now, uint64_t life_ns,
		   char text[TICKET_LEN + 1]);

/* Whether this is a ticket; it is none afterwards. The time does not tell how much of it was
 * right. */
bool tickets_redeem(struct tickets *t, const char *text, mono_ns now, uint64_t *holder);

#endif
