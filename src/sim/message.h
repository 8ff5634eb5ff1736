/* SPDX-License-Identifier: MIT
 *
 * message: one FeedResponse on its way from a source (tape or model) to the sessions.
 *
 * It holds the decoded entries and, when it comes from a tape, the recorded bytes too, so that a
 * session which asked for everything gets exactly what was recorded. Memory is kept between uses.
 */
#ifndef AGNI_SIM_MESSAGE_H
#define AGNI_SIM_MESSAGE_H

#include "market/book.h"
#include "upstox/frame.h"

struct message {
	int type; /* enum feed_type, or what a tape held */
	int64_t ts_ms;
	const uint8_t *raw; /* recorded bytes, lent by the source until its next message; or NULL */
	size_t raw_len;
	bool has_info;      /* carries marketInfo */
	struct tick *ticks; /* keys are lent by the source, as `raw` is */
	inst_id *ids;       /* of the sim's own book, beside ticks[] */
	uint32_t n, cap;
};

void feed_message_fini(struct message *m);

/* Starts anew. */
void feed_message_begin(struct message *m, int type, int64_t ts_ms);

/* Room for one more entry, its quote cleared; lent until the next call. */
struct tick *feed_message_add(struct message *m);

#endif
