/* SPDX-License-Identifier: MIT
 *
 * clock: the three times of the server, behind one structure that tests can move by hand.
 *
 *   mono    nanoseconds that only go forward: deadlines, ages, backoff
 *   wall    Unix milliseconds of the host: tokens, TLS, audit, the log
 *   market  Unix milliseconds of the market: quotes, staleness, session, expiry. With
 *           server.clock=system it is the wall clock; with =feed it is the newest `currentTs` that
 *           the feed has shown, so that a recording of last year is not called stale
 *
 * Until a feed clock has seen its first message it answers the wall clock.
 */
#ifndef AGNI_CORE_CLOCK_H
#define AGNI_CORE_CLOCK_H

#include "core/base.h"

typedef uint64_t mono_ns; /* monotonic nanoseconds */

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

enum clock_mode { CLOCK_SYSTEM, CLOCK_FEED };

struct clock {
	enum clock_mode mode;
	int64_t feed_ms; /* newest market time seen; 0 before the first message */
	bool is_manual;  /* tests: the two below replace the host's clocks */
	mono_ns manual_mono;
	int64_t manual_wall_ms;
};

/* The host's clocks. */
void clock_init(struct clock *c, enum clock_mode mode);

/* A clock that stands still until clock_advance() moves it. */
void clock_init_manual(struct clock *c, enum clock_mode mode, int64_t wall_ms);
void clock_advance(struct clock *c, uint64_t ms);

mono_ns clock_mono(const struct clock *c);
int64_t clock_wall_ms(const struct clock *c);
int64_t clock_market_ms(const struct clock *c);

/* The feed's word: a message carried market time `ms`. Time never goes back; `ms` <= 0 is ignored.
 */
void clock_see_market(struct clock *c, int64_t ms);

#endif
