/* SPDX-License-Identifier: MIT
 *
 * backoff: how long to wait before trying again; the one retry rule of the server.
 *
 * Exponential with "equal jitter": the n-th wait lies between half and all of base * 2^n, capped.
 * Half of it is random so that many servers that lost the same peer do not come back in step; the
 * other half keeps the wait from being none. Success resets it.
 */
#ifndef AGNI_CORE_BACKOFF_H
#define AGNI_CORE_BACKOFF_H

#include "core/base.h"
#include "core/rand.h"

struct backoff {
	uint32_t base_ms;
	uint32_t cap_ms;
	uint32_t tries; /* failures since the last success */
	struct rng rng;
};

/* 0 < base_ms <= cap_ms. */
void backoff_init(struct backoff *b, uint32_t base_ms, uint32_t cap_ms, uint64_t seed);

/* One more failure: the milliseconds to wait now. */
uint32_t backoff_next(struct backoff *b);

static inline void backoff_reset(struct backoff *b)
{
	b->tries = 0;
}

#endif
