/* SPDX-License-Identifier: MIT
 *
 * crowd: the memory of clients that have left goes back to the system. glibc keeps the room of a crowd for ever when something small
 * lies above it.
 *
 * It takes one to three milliseconds after 5,000 clients, once, when many have gone and no more are
 * going: at that moment nobody is served late who was not anyway.
 */
#include "stream/stream_internal.h"

#ifdef __GLIBC__ /* said by any header of it */
#include <malloc.h>
#endif

/* So many clients leave room that is worth giving back. */
#define CROWD 256

static void give_back(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void crowd_sweep(struct stream *s)
{
	uint64_t clients = s->clients_now + s->compat.clients_now;

	if (clients > s->crowd)
		s->crowd = clients;
	if (s->crowd - clients >= CROWD && clients <= s->crowd / 2 && clients == s->clients_seen) {
		give_back();
		s->crowd = clients;
	}
	s->clients_seen = clients;
}
