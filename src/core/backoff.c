/* SPDX-License-Identifier: MIT
 *
 * backoff: see backoff.h.
 */
#include "core/backoff.h"

void backoff_init(struct backoff *b, uint32_t base_ms, uint32_t cap_ms, uint64_t seed)
{
	AGNI_ASSERT(base_ms > 0 && base_ms <= cap_ms);
	*b = (struct backoff){.base_ms = base_ms, .cap_ms = cap_ms, .rng = {seed}};
}

uint32_t backoff_next(struct backoff *b)
{
	uint64_t full = b->base_ms;

	for (uint32_t i = 0; i < b->tries && full < b->cap_ms; i++)
		full *= 2;
	if (full > b->cap_ms)
		full = b->cap_ms;
	if (b->tries < UINT32_MAX)
		b->tries++;
	return (uint32_t)(full - full / 2 + rng_below(&b->rng, full / 2 + 1));
}
