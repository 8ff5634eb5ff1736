/* SPDX-License-Identifier: MIT
 *
 * upstream: what the readers of the book may ask about where its content comes from, without
 * knowing who fetches it. main.c hands the feed's answers to api and stream through this view.
 */
#ifndef AGNI_MARKET_UPSTREAM_H
#define AGNI_MARKET_UPSTREAM_H

#include "market/book.h"
#include "market/interest.h"

struct upstream_status {
	const char *state; /* "live", "connecting", "waiting_token", "forbidden", "backoff", ... */
	const char *why;   /* one line */
	const char *code;  /* "token_failed", "token_awaited", "forbidden"; "" */
	bool is_live;      /* data flows, or would if a market were open */
	bool is_connected; /* its connection is open, whether or not anything has come of it */
	bool is_session_open; /* of any watched segment */
	int64_t since_ms;     /* wall time of the last change of state */
	int64_t link_ms;      /* wall time since when data flows, or does not */
};

/* What is known of one instrument. */
struct upstream_about {
	int mode;             /* enum interest_mode that was asked of the broker; WANT_NOTHING */
	uint64_t since_mono;  /* when it was, on this connection; monotonic ns */
	const char *session;  /* the broker's newest word of its segment: "NORMAL_OPEN"; "": none */
	bool is_session_open; /* by that word, else by the calendar */
};

struct upstream_view {
	void (*status)(const void *arg, struct upstream_status *out);
	/* Whether the state of `id` must not be taken for the present: the link is down, nobody asks
	 * for the instrument, or the broker has not spoken of it since it was asked for. */
	bool (*is_stale)(const void *arg, inst_id id);
	/* `id` may be INST_NONE. Or NULL: nothing is known. */
	void (*about)(const void *arg, inst_id id, const char *key, struct upstream_about *out);
	const void *arg;
};

#endif
