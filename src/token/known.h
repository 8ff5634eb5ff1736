/* SPDX-License-Identifier: MIT
 *
 * known: tokens that are remembered, by their hash only: those that were refused, those that another
 * took the place of. The oldest is forgotten for the newest.
 */
#ifndef AGNI_TOKEN_KNOWN_H
#define AGNI_TOKEN_KNOWN_H

#include "core/base.h"
#include "http/hash.h"

#define KNOWN_MAX 16

/* All zero: none. */
struct known {
	unsigned char hashes[KNOWN_MAX][SHA256_BYTES];
	uint64_t n; /* so many were, the last KNOWN_MAX are */
};

bool known_has(const struct known *k, const char *token);

/* Once, however often it is told. */
void known_add(struct known *k, const char *token);

#endif
