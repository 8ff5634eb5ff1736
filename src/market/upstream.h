/* SPDX-License-Identifier: MIT
 *
 * upstream: what the readers of the book may ask about where its content comes from, without
 * knowing who fetches it. main.c hands the feed's answers to api and stream through this view.
 */
#ifndef AGNI_MARKET_UPSTREAM_H
#define AGNI_MARKET_UPSTREAM_H

#include "market/book.h"

struct upstream_status {
	const char *state; /* "live", "connecting", "waiting_token", "forbidden", "backoff", ... */
	const char *why;   /* one line */
	const char *code;  /* "token_failed", "token_awaited", "forbidden"; "" */
	bool is_live;      /* data flows, or would if a market were open */
	bool is_connected; /* its connection is open, whether or not anything has come of it */
	bool is_session_open; /* of any watched segment */
	int64_t since_ms;     /* wall time of the last change of state */
};

struct upstream_view {
	void (*status)(const void *arg, struct upstream_status *out);
	/* Whether the state of `id` must not be taken for the present: the link is down, nobody asks
	 * for the instrument, or the broker has not spoken of it since it was asked for. */
	bool (*is_stale)(const void *arg, inst_id id);
	const void *arg;
};

#endif
