/* SPDX-License-Identifier: MIT
 *
 * replay: agnidata replay: a recording through the server's own module table, from its first message
 * to its last, with a progress bar, a summary and the replay hash.
 *
 * The hash is a chain of SHA-256 over every tick as it was published (key, number in this replay,
 * market time, the whole state of the instrument), every signal in its place among them, and at the end
 * the state of every instrument.
 * The same input gives the same hash. Epoch, arrival times and how the kernel cut the stream are not
 * in it.
 */
#ifndef AGNI_CLI_REPLAY_H
#define AGNI_CLI_REPLAY_H

#include "feed/feed.h"
#include "market/bars.h"
#include "signals/signals.h"
#include "sim/sim.h"

struct replay;

struct replay_deps {
	struct loop *loop;
	struct book *book;
	struct tape *tape;
	const struct bars *bars;
	struct sim *sim;
	struct signals *signals;
	struct feed *feed;
	const char *path; /* what is replayed */
};

struct replay *replay_create(const struct replay_deps *deps);
void replay_destroy(struct replay *r);

/* The last of the table: it watches the others, and asks for the stop when all has arrived. */
struct module *replay_module(struct replay *r);

/* Whether every message arrived; valid when it has stopped. */
bool replay_is_complete(const struct replay *r);

#endif
