/* SPDX-License-Identifier: MIT
 *
 * rate: see rate.h.
 */
#include "auth/rate.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/rand.h"

struct rate_rule rate_rule_of(int64_t n, uint64_t per_ns, int64_t burst)
{
	struct rate_rule rule = {.cost_ns = per_ns / (uint64_t)n};

	AGNI_ASSERT(n > 0 && burst > 0 && rule.cost_ns > 0);
	rule.burst_ns = rule.cost_ns * (uint64_t)burst;
	return rule;
}

bool rate_take(struct rate *r, const struct rate_rule *rule, mono_ns now)
{
	mono_ns from = r->empty_ns > now ? r->empty_ns : now;

	if (from + rule->cost_ns - now > rule->burst_ns)
		return false;
	r->empty_ns = from + rule->cost_ns;
	return true;
}

int64_t rate_wait_s(const struct rate *r, const struct rate_rule *rule, mono_ns now)
{
	mono_ns free_at = r->empty_ns + rule->cost_ns - rule->burst_ns;
	uint64_t wait_ns = r->empty_ns + rule->cost_ns > now + rule->burst_ns ? free_at - now : 0;

	return wait_ns <= NS_PER_S ? 1 : (int64_t)((wait_ns + NS_PER_S - 1) / NS_PER_S);
}

/* --- by address ------------------------------------------------------------------------------- */

void rate_table_init(struct rate_table *t)
{
	t->sets = mem_zalloc(RATE_SETS * sizeof(*t->sets));
	rand_bytes(&t->seed, sizeof(t->seed));
}

void rate_table_fini(struct rate_table *t)
{
	free(t->sets);
	t->sets = NULL;
}

static void address_parse(const char *text, unsigned char out[16])
{
	memset(out, 0, 16);
	if (inet_pton(AF_INET, text, out + 12) == 1) {
		memset(out + 10, 0xff, 2);
		return;
	}
	if (inet_pton(AF_INET6, text, out) != 1) {
		memset(out, 0, 16);
		return;
	}
	if (!IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)out))
		memset(out + 8, 0, 8);
}

static size_t set_of(const struct rate_table *t, const unsigned char address[16])
{
	uint64_t halves[2];
	struct rng rng = {t->seed};

	memcpy(halves, address, sizeof(halves));
	rng.state ^= halves[0];
	rng.state = rng_next(&rng) ^ halves[1];
	return (size_t)rng_below(&rng, RATE_SETS);
}

struct rate *rate_table_get(struct rate_table *t, const char *address)
{
	unsigned char bytes[16];
	struct rate_slot *set, *oldest;

	address_parse(address, bytes);
	set = t->sets[set_of(t, bytes)];
	oldest = &set[0];
	for (size_t i = 0; i < RATE_WAYS; i++) {
		if (memcmp(set[i].address, bytes, sizeof(bytes)) == 0)
			return &set[i].rate;
		if (set[i].rate.empty_ns < oldest->rate.empty_ns)
			oldest = &set[i];
	}
	memcpy(oldest->address, bytes, sizeof(bytes));
	oldest->rate = (struct rate){0};
	return &oldest->rate;
}
