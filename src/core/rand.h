/* SPDX-License-Identifier: MIT
 *
 * rand: a small repeatable generator (splitmix64) and the kernel's randomness.
 */
#ifndef AGNI_CORE_RAND_H
#define AGNI_CORE_RAND_H

#include "core/base.h"

/* Repeatable: same seed, same stream. Not for secrets. S. Vigna's splitmix64. */
struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *r);
double rng_unit(struct rng *r);                    /* [0, 1) with 53 bits */
uint64_t rng_below(struct rng *r, uint64_t bound); /* [0, bound), bound > 0 */
double rng_normal(struct rng *r);                  /* mean 0, variance 1 (Box-Muller) */

/* Kernel randomness, for ids, tickets and keys. Stops the process when the kernel has none. */
void rand_bytes(void *out, size_t len);

/* `len` random bytes as 2*len lower-case hex digits and a NUL. */
void rand_hex(char *out, size_t len);

#define UUID_TEXT 37

/* A random UUID, version 4: "f81d4fae-7dec-41d0-a765-00a0c91e6bf6". */
void rand_uuid(char out[UUID_TEXT]);

#endif
