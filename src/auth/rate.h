/* SPDX-License-Identifier: MIT
 *
 * rate: how often something may happen: one bucket, and a bounded table of them by address.
 *
 * A bucket is one number, the time at which it would be empty again (the "generic cell rate
 * algorithm"): each act moves it by `cost`, and no further than `burst` ahead of now.
 *
 *      now            empty again          now + burst
 *       |----cost----cost----|- - - room - - -|
 */
#ifndef AGNI_AUTH_RATE_H
#define AGNI_AUTH_RATE_H

#include "core/clock.h"

struct rate_rule {
	uint64_t cost_ns;  /* of one act; > 0 */
	uint64_t burst_ns; /* >= cost_ns */
};

/* `n` acts per `per_ns`, and at most `burst` at once. */
struct rate_rule rate_rule_of(int64_t n, uint64_t per_ns, int64_t burst);

struct rate {
	mono_ns empty_ns;
};

/* Takes room for one act. False when there is none. */
bool rate_take(struct rate *r, const struct rate_rule *rule, mono_ns now);

/* Whole seconds until there is room, at least 1: what Retry-After says. */
int64_t rate_wait_s(const struct rate *r, const struct rate_rule *rule, mono_ns now);

/* --- by address ------------------------------------------------------------------------------- */

#define RATE_WAYS 8
#define RATE_SETS 512 /* 4096 addresses */

struct rate_slot {
	unsigned char
		address[16]; /* IPv4 mapped; of IPv6 the first 64 bits: a customer has those */
	struct rate rate;
};

/* Never grows: a further address takes the place of the one in its set that has least to wait. */
struct rate_table {
	struct rate_slot (*sets)[RATE_WAYS];
	uint64_t seed; /* nobody outside can aim at one set */
};

void rate_table_init(struct rate_table *t);
void rate_table_fini(struct rate_table *t);

/* The bucket of an address ("127.0.0.1", "::1"); texts that are no address share one. Lent until
 * the next call. */
struct rate *rate_table_get(struct rate_table *t, const char *address);

#endif
